#!/usr/bin/env bash
# Makes the virtual environment of one client generation, or brings it up to date:
#
#   venv.sh 2|3 DIR
#
# Does nothing if DIR was already made from the same requirements. $PYTHON names another interpreter than python3.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
[ $# = 2 ] && [ -f "$here/requirements-$1.txt" ] || {
    echo "usage: venv.sh 2|3 DIR" >&2
    exit 2
}
requirements=$here/requirements-$1.txt venv=$2

if cmp -s "$requirements" "$venv/requirements.txt"; then
    exit 0
fi
"${PYTHON:-python3}" -m venv --clear "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
    --requirement "$requirements"
cp "$requirements" "$venv/requirements.txt"
