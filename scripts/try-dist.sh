#!/usr/bin/env bash
# Tries what scripts/dist.sh built as a user would: the binary in a fresh folder, the wheel in a fresh Python environment.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/lib.sh

[[ -x target/dist/windvane ]] || fail "target/dist/windvane is missing: run scripts/dist.sh first"
wheel=$(realpath target/dist/windvane-*.whl)
folder=$(mktemp -d -t windvane-dist.XXXXXX)
trap 'rm -rf "$folder"' EXIT
cp target/dist/windvane "$folder/windvane"
# Away from the sources, so that nothing is found that only lies here.
cd "$folder"

section "The binary in a fresh folder"
port=$(free_port)
try_server "http://127.0.0.1:$port" true ./windvane server --listen "127.0.0.1:$port"

section "The wheel in a fresh Python environment"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-index "$wheel"
venv/bin/windvane --version
cmp windvane venv/bin/windvane || fail "the wheel holds another binary than target/dist/windvane"
port=$(free_port)
try_server "http://127.0.0.1:$port" true venv/bin/windvane server --listen "127.0.0.1:$port" --data data
section "The release works"
