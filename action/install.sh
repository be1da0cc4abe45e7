#!/usr/bin/env bash
# Installs pallink from a checkout of it, into a virtual environment of its own. For action.yml and azure-pipelines/.
#
#   PALLINK_ACTION_SOURCE  the checkout; without it the one that this script stands in
#   PALLINK_ACTION_HOME    a folder of the job's own, for the virtual environment and the report
#   PALLINK_ACTION_PYTHON  Python 3.11 or newer; without it python3
set -euo pipefail

source=${PALLINK_ACTION_SOURCE:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
home=${PALLINK_ACTION_HOME:?a folder of the job\'s own}
python=${PALLINK_ACTION_PYTHON:-python3}

"$python" -m venv "$home/venv"
# On Windows the programs of a virtual environment stand in Scripts.
programs=$home/venv/bin
[ -d "$programs" ] || programs=$home/venv/Scripts

# With the versions that pallink was tested with; nothing named pallink is ever taken from an index.
"$programs/python" -m pip install --quiet --disable-pip-version-check --constraint "$source/constraints.txt" "$source"
"$programs/pallink" --version
