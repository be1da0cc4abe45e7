<#
.SYNOPSIS
Links a list of accounts to one partner, and lists at the end which of them failed and why.

.DESCRIPTION
The same as onboard.sh, for PowerShell 7. It was run with PowerShell 7.0 on Linux; not on Windows, and not with Windows
PowerShell 5.1. Try it with the sandbox first.

`pallink fleet apply` does more, and many accounts at a time: docs/how-to/fleets.md. This script is for a loop of your own.

It is safe to run again: accounts that are already linked do not change. Exit code: 0 if all are linked, 8 if some are
not, 2 if the command line is wrong.

.EXAMPLE
examples/onboard.ps1 719878 examples/accounts.txt --cloud sandbox
#>

# No parameter has attributes: with them PowerShell would take options such as -o for its own, and prompt for what is
# missing. The options of pallink are in $args.
param([string] $PartnerId, [string] $AccountsFile)

# pallink reports failures by its exit code and on stderr, neither of which must raise an exception.
$PSNativeCommandUseErrorActionPreference = $false
$ErrorActionPreference = 'Continue'

if (-not $AccountsFile -or -not (Test-Path -LiteralPath $AccountsFile -PathType Leaf)) {
    [Console]::Error.WriteLine("usage: onboard.ps1 PARTNER_ID ACCOUNTS_FILE [options of pallink link ...]")
    exit 2
}

$linked = 0
$failures = @()
foreach ($line in Get-Content -LiteralPath $AccountsFile) {
    $account, $tenant = -split $line
    if (-not $account -or $account.StartsWith('#')) { continue }
    $where = if ($tenant) { '--tenant', $tenant } else { @() }
    # There is no prompt: --account says who must sign in. The action goes to stdout, and with --quiet only an error goes
    # to stderr, so one of the two is empty.
    $output = & pallink link $PartnerId --account $account @where --no-input --quiet @args --output tsv `
        --query action 2>&1 | ForEach-Object { "$_" }
    $code = $LASTEXITCODE
    # Options such as --help print something else, with exit code 0.
    if ($code -eq 0 -and "$output" -notin 'created', 'updated', 'unchanged') {
        $output = 'error: pallink link printed no result', 'hint: leave out options such as --help'
        $code = 2
    }
    if ($code -eq 0) {
        $linked++
        '{0,-10} {1}' -f "$output", $account
        continue
    }
    # A wrong command line is wrong for every account, and Ctrl-C ends the whole list.
    if ($code -in 2, 130) {
        $output | ForEach-Object { [Console]::Error.WriteLine($_) }
        exit $code
    }
    $reason = @($output -like 'error: *')[0] -replace '^error: '
    $failures += "${account}: exit code ${code}: $reason"
    '{0,-10} {1}' -f 'failed', $account
}

"$linked linked, $($failures.Count) failed"
if ($failures.Count -eq 0) { exit 0 }
$failures | ForEach-Object { [Console]::Error.WriteLine($_) }
exit 8
