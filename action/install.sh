#!/usr/bin/env bash
# Installs pallink from its checkout into a separate virtual environment. For action.yml and azure-pipelines/.
#
#   PALLINK_ACTION_SOURCE  the checkout; by default the one that contains this script
#   PALLINK_ACTION_HOME    a folder of the job, for the virtual environment and the report
#   PALLINK_ACTION_PYTHON  Python 3.11 or newer; by default python3
set -euo pipefail

source=${PALLINK_ACTION_SOURCE:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
home=${PALLINK_ACTION_HOME:?is missing: a folder of the job}
python=${PALLINK_ACTION_PYTHON:-python3}

"$python" -m venv "$home/venv"
# On Windows the programs of a virtual environment are in Scripts.
programs=$home/venv/bin
[ -d "$programs" ] || programs=$home/venv/Scripts

# The job has a token: everything is installed by hash, what pallink is built with included, and nothing else is built.
# pallink itself never comes from a package index.
pip() { "$programs/python" -m pip install --quiet --disable-pip-version-check "$@"; }
pip --require-hashes --only-binary :all: --requirement "$source/requirements.lock"
pip --no-deps --no-build-isolation --no-index "$source"
"$programs/pallink" --version
