#!/usr/bin/env bash
# Runs one pallink command, sets its result as the step's outputs, and exits with its exit code: see step.py.
#
# INPUT_PARTNER_ID, INPUT_COMMAND   what to do
# INPUT_ACCOUNT, INPUT_TENANT, INPUT_CLIENT_ID, INPUT_AUTH, INPUT_CLOUD   as the options; empty means not given
# PALLINK_ACTION_HOME   the folder that install.sh used
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
programs=${PALLINK_ACTION_HOME:?is missing: the folder that install.sh used}/venv/bin
[ -d "$programs" ] || programs=$PALLINK_ACTION_HOME/venv/Scripts

export PYTHONUTF8=1
# A job that is cancelled signals this process alone: it has to be the one that passes the signal on.
exec "$programs/python" "$here/step.py" "$programs"
