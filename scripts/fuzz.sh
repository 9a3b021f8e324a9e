#!/usr/bin/env bash
# Fuzzes the search language: scripts/fuzz.sh [SECONDS], 60 in all unless told. `make test` runs it so.
#
# Coverage guides the fuzzer, and code without `unsafe` needs no sanitizer: that much stable Rust can build. An input
# that breaks a target is printed and kept in target/fuzz/failures, and the script exits with 1. What it learns is thrown
# away; fuzz/corpus keeps only what a person chose.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/lib.sh

seconds=${1:-60}
[[ $seconds =~ ^[1-9][0-9]*$ ]] || fail "usage: scripts/fuzz.sh [SECONDS]"

# What `cargo fuzz build --sanitizer none` passes.
flags=(
    --cfg=fuzzing
    -Cpasses=sancov-module
    -Cllvm-args=-sanitizer-coverage-level=4
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
    -Cllvm-args=-sanitizer-coverage-pc-table
    -Cllvm-args=-sanitizer-coverage-trace-compares
    -Cllvm-args=-simplifycfg-branch-fold-threshold=0
)
host=$(rustc -vV | sed -n 's/^host: //p')
built=target/fuzz
failures=$built/failures
# With --target, build scripts and macros go without the flags.
RUSTFLAGS=${flags[*]} nice cargo build --locked --quiet --release --manifest-path fuzz/Cargo.toml --target "$host" \
    --target-dir "$built"
mkdir -p "$failures"

scratch=$(mktemp -d -t windvane-fuzz.XXXXXX)
trap 'rm -rf "$scratch"' EXIT

# fuzz TARGET SECONDS
fuzz() {
    local target=$1 seconds=$2
    local binary=$built/$host/release/$target corpus=$scratch/$target log=$scratch/$target.log
    cp -r "fuzz/corpus/$target" "$corpus"
    if ! RUST_BACKTRACE=0 "$binary" "$corpus" -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=512 \
        -print_final_stats=1 -artifact_prefix="$failures/$target-" >"$log" 2>&1; then
        # Lines with # say how the corpus grew.
        grep -v '^#' "$log" | tail -n 25 >&2
        local input
        input=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
        [[ -n $input ]] || fail "" "the fuzz target $target did not run"
        fail "" "the fuzz target $target broke on this input; again: $binary $input" "" "$(cat -v "$input")"
    fi
    statistic() { sed -n "s/^stat::$1: *//p" "$log"; }
    echo "$target: $(statistic number_of_executed_units) inputs, $(statistic average_exec_per_sec) a second, at most" \
        "$(statistic peak_rss_mb) MB of memory"
}

# An order is a small part of the language.
fuzz order $(((seconds + 3) / 4))
fuzz filter $((seconds - seconds / 4))
