#!/usr/bin/env bash
# Large files only, at full size: 600 MiB through each released client, and 10 GiB in and out of one server whose memory is
# watched. That needs 11 GiB in TMPDIR; TEST_LARGE_GIB=4 is content with 5. `make test-large` runs them with everything else.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/lib.sh

section "10 GiB in and out"
TEST_LARGE=1 cargo test --locked --test it -- uploads::large --nocapture

section "600 MiB through the released clients"
COMPAT_SCALE=full tests/compat/run.sh test_large_files.py
