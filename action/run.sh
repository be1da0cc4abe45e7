#!/usr/bin/env bash
# Runs one pallink command, sets its result as the step's outputs, and exits with its exit code.
#
# INPUT_PARTNER_ID, INPUT_COMMAND   what to do
# INPUT_ACCOUNT, INPUT_TENANT, INPUT_CLIENT_ID, INPUT_AUTH, INPUT_CLOUD   as the options; empty means not given
# PALLINK_ACTION_HOME   the folder that install.sh used
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
home=${PALLINK_ACTION_HOME:?is missing: the folder that install.sh used}
programs=$home/venv/bin
[ -d "$programs" ] || programs=$home/venv/Scripts

# A job that is cancelled signals this script alone, which passes the signal on to pallink, once it runs.
child=
pending=
signalled=
trap 'signalled=1; if [ -n "$child" ]; then kill -TERM "$child" 2>/dev/null; else pending=1; fi' INT TERM

command=${INPUT_COMMAND:-verify}
report=
result=$home/pallink-result.json
rm -f "$result"

# Sets the outputs, and exits with the exit code.
finish() {
  "$programs/python" "$here/outputs.py" "$result" "$1" "${INPUT_PARTNER_ID-}" "$report"
  exit "$1"
}

# For a signal that pallink could not report itself.
interrupted() {
  echo "error: interrupted" >&2
  finish 130
}

arguments=()
case $command in
verify)
  report=$home/pallink-junit.xml
  rm -f "$report"
  arguments=(--junit "$report")
  ;;
link | update | show | check) ;;
*)
  echo "error: the input command is '${command//[^A-Za-z-]/?}': it must be verify, link, update, show or check" >&2
  finish 2
  ;;
esac
[ -n "${INPUT_ACCOUNT-}" ] && arguments+=("--account=$INPUT_ACCOUNT")
[ -n "${INPUT_TENANT-}" ] && arguments+=("--tenant=$INPUT_TENANT")
[ -n "${INPUT_CLIENT_ID-}" ] && arguments+=("--client-id=$INPUT_CLIENT_ID")
[ -n "${INPUT_AUTH-}" ] && arguments+=("--auth=$INPUT_AUTH")
[ -n "${INPUT_CLOUD-}" ] && arguments+=("--cloud=$INPUT_CLOUD")
case $command in
verify | link | update) arguments+=(-- "${INPUT_PARTNER_ID-}") ;;
esac

# Left-over settings of the job must not change the output.
unset PALLINK_QUERY PALLINK_QUIET
export PYTHONUTF8=1
[ -z "$pending" ] || interrupted
"$programs/pallink" "$command" --no-input --output json ${arguments[@]+"${arguments[@]}"} >"$result" &
child=$!
[ -z "$pending" ] || kill -TERM "$child" 2>/dev/null
wait "$child"
code=$?
# A signal ends the wait with a code of its own. pallink ends at once, and says what became of the link: its code takes
# another wait.
while [ -n "$signalled" ]; do
  signalled=
  wait "$child" 2>/dev/null
  again=$?
  case $again in
  # Bash does not know the code any more. Bash 5.2 loses that of a child that ends at the same time.
  127 | 255 | -1) ;;
  *) code=$again ;;
  esac
done
# Codes that pallink does not have: the signal came before pallink could handle it, or bash has lost the code.
case $code in
143 | 255 | -1) interrupted ;;
esac
cat "$result"
finish "$code"
