<#
.SYNOPSIS
Links a list of accounts to one partner, and lists at the end which of them failed and why.

.DESCRIPTION
The same as onboard.sh, for PowerShell 7. UNTESTED: the tests of this repository run without PowerShell, so this script
has not been run yet. It does the same as onboard.sh, line by line; try it with the sandbox first.

`pallink fleet apply` does more, and many accounts at a time: docs/how-to/fleets.md. This script is for a loop of your own.

It is safe to run again: accounts that are already linked do not change. Exit code: 0 if all are linked, 8 if some are
not, 2 if the command line is wrong.

.EXAMPLE
examples/onboard.ps1 719878 examples/accounts.txt --cloud sandbox
#>
param(
    [Parameter(Mandatory)] [string] $PartnerId,
    [Parameter(Mandatory)] [string] $AccountsFile,
    [Parameter(ValueFromRemainingArguments)] [string[]] $Options = @()
)

# pallink reports failures by its exit code, which must not raise an exception.
$PSNativeCommandUseErrorActionPreference = $false

if (-not (Test-Path -LiteralPath $AccountsFile -PathType Leaf)) {
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
    $output = & pallink link $PartnerId --account $account @where --no-input --quiet @Options --output tsv `
        --query action 2>&1 | ForEach-Object { "$_" }
    $code = $LASTEXITCODE
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
