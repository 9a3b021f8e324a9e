#!/usr/bin/env bash
# Everything that must pass before a merge: `make test`. The first failure ends it. TEST_LARGE=1 and COMPAT_SCALE=full run
# long tests at full size (`make test-large`).
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/lib.sh

section "Setting up"
scripts/setup.sh test
# They take one core for minutes, and nothing but the network; compilers leave that over.
scripts/setup.sh clients &
clients=$!
trap 'kill "$clients" 2>/dev/null || true' EXIT

section "Web pages: types, build, unit tests"
make --no-print-directory ui
npm --prefix static run --silent test

section "Formatting, clippy, documentation"
make --no-print-directory lint

if cargo deny --version >/dev/null 2>&1; then
    section "Licences, bans and sources of dependencies"
    cargo deny --locked check bans licenses sources
else
    section "Licences, bans and sources of dependencies: skipped, cargo-deny is not installed"
fi

section "Starting PostgreSQL"
database=$(mktemp -d -t windvane-postgres.XXXXXX)
trap 'kill "$clients" 2>/dev/null || true; tests/support/postgres.sh stop "$database"; rm -rf "$database"' EXIT
settings=$(tests/support/postgres.sh start "$database")
eval "$settings"
echo "PostgreSQL runs in $database"

section "Rust tests"
cargo test --locked

section "Web pages in a browser"
# With the binary that the Rust tests left.
npm --prefix static run --silent test:browser

section "Budgets of the web pages"
npm --prefix static run --silent test:budget

section "Fuzzing"
scripts/fuzz.sh

section "Released MLflow clients"
wait "$clients"
tests/compat/run.sh

section "Passed"
