#!/usr/bin/env bash
# Links a list of accounts to one partner, and lists at the end which of them failed and why.
#
# `pallink fleet apply` does more, and many accounts at a time: docs/how-to/fleets.md. This script is for a loop of your own.
#
#   examples/onboard.sh PARTNER_ID ACCOUNTS_FILE [options of pallink link ...]
#
# ACCOUNTS_FILE has one account (UPN, object ID or client ID) per line, and behind it its tenant where it is not the home
# tenant; empty lines and lines that begin with # are skipped.
# It is safe to run again: accounts that are already linked do not change. Exit code: 0 if all are linked, 8 if some are
# not, 2 if the command line is wrong.
#
# To try it: examples/onboard.sh 719878 examples/accounts.txt --cloud sandbox
set -uo pipefail

if [ $# -lt 2 ] || [ ! -r "$2" ] || [ -d "$2" ]; then
  echo "usage: ${0##*/} PARTNER_ID ACCOUNTS_FILE [options of pallink link ...]" >&2
  exit 2
fi
partner_id=$1
accounts_file=$2
shift 2

linked=0
failures=()
while IFS= read -r line || [ -n "$line" ]; do
  # Editors on Windows begin a file with a byte order mark, and end its lines with a carriage return.
  line=${line#$'\xef\xbb\xbf'}
  read -r account tenant <<<"${line%$'\r'}"
  case $account in '' | '#'*) continue ;; esac
  # There is no prompt: --account says who must sign in, and standard input is the list. The action goes to stdout, and
  # with --quiet only an error goes to stderr, so one of the two is empty.
  output=$(pallink link "$partner_id" --account "$account" ${tenant:+--tenant "$tenant"} --no-input --quiet "$@" \
    --output tsv --query action 2>&1 </dev/null)
  code=$?
  case $code:$output in
  0:created | 0:updated | 0:unchanged)
    linked=$((linked + 1))
    printf '%-10s %s\n' "$output" "$account"
    ;;
  0:*)
    # Options such as --help print something else, with exit code 0.
    printf '%s\n' 'error: pallink link printed no result' 'hint: leave out options such as --help' >&2
    exit 2
    ;;
  2:* | 130:*)
    # A wrong command line is wrong for every account, and Ctrl-C ends the whole list.
    printf '%s\n' "$output" >&2
    exit "$code"
    ;;
  *)
    reason=$(printf '%s\n' "$output" | sed -n 's/^error: //p' | head -n 1)
    failures+=("$account: exit code $code: $reason")
    printf '%-10s %s\n' failed "$account"
    ;;
  esac
done <"$accounts_file"

echo "$linked linked, ${#failures[@]} failed"
[ ${#failures[@]} -eq 0 ] && exit 0
printf '%s\n' "${failures[@]}" >&2
exit 8
