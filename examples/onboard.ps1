<#
.SYNOPSIS
Links a list of accounts to one partner, and says at the end which of them failed and why.

.DESCRIPTION
The same as onboard.sh, for PowerShell 7. UNTESTED: the tests of this repository run where there is no PowerShell, so no
machine has executed this script yet. It does what onboard.sh does, line by line; try it on the sandbox first.

Run it as often as you like: what is linked already stays as it is. Exit code: 0 when all are linked, 8 when some are not,
2 when the command line is wrong.

.EXAMPLE
examples/onboard.ps1 719878 examples/accounts.txt --cloud sandbox
#>
param(
    [Parameter(Mandatory)] [string] $PartnerId,
    [Parameter(Mandatory)] [string] $AccountsFile,
    [Parameter(ValueFromRemainingArguments)] [string[]] $Options = @()
)

# pallink says how it went by its exit code; that is no exception.
$PSNativeCommandUseErrorActionPreference = $false

if (-not (Test-Path -LiteralPath $AccountsFile -PathType Leaf)) {
    [Console]::Error.WriteLine("usage: onboard.ps1 PARTNER_ID ACCOUNTS_FILE [options of pallink link ...]")
    exit 2
}

$linked = 0
$failures = @()
foreach ($line in Get-Content -LiteralPath $AccountsFile) {
    $account = $line.Trim()
    if ($account -eq '' -or $account.StartsWith('#')) { continue }
    # Nobody is asked anything: --account says who must sign in. What was done goes to stdout, and with --quiet nothing
    # but an error to stderr: one of the two is empty.
    $said = & pallink link $PartnerId --account $account --no-input --quiet @Options --output tsv --query action 2>&1 |
        ForEach-Object { "$_" }
    $code = $LASTEXITCODE
    if ($code -eq 0) {
        $linked++
        '{0,-10} {1}' -f "$said", $account
        continue
    }
    # A wrong command line is wrong for every account, and who presses Ctrl-C means the whole list.
    if ($code -in 2, 130) {
        $said | ForEach-Object { [Console]::Error.WriteLine($_) }
        exit $code
    }
    $reason = @($said -like 'error: *')[0] -replace '^error: '
    $failures += "${account}: exit code ${code}: $reason"
    '{0,-10} {1}' -f 'failed', $account
}

"$linked linked, $($failures.Count) failed"
if ($failures.Count -eq 0) { exit 0 }
$failures | ForEach-Object { [Console]::Error.WriteLine($_) }
exit 8
