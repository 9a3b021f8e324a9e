#!/usr/bin/env bash
# Builds what is given away, into target/dist: one binary that runs on every Linux since glibc 2.17, and a wheel of it.
# Fails if the binary needs anything newer or other than the C library, or is too large.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/lib.sh

OLDEST_GLIBC=2.17
LARGEST_BYTES=$((30 * 1000 * 1000))

out=target/dist
venv=target/venv-dist
target=$(uname -m)-unknown-linux-gnu

section "Setting up"
scripts/setup.sh build
if ! cmp -s scripts/dist-requirements.txt "$venv/requirements.txt"; then
    python3 -m venv --clear "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement scripts/dist-requirements.txt
    # Last, so that an interrupted installation is made again.
    cp scripts/dist-requirements.txt "$venv/requirements.txt"
fi
# cargo finds its subcommand, and that finds zig's Python package, through the PATH.
export PATH=$PWD/$venv/bin:$PATH
make --no-print-directory ui
# Without the pages the build fails instead of embedding the page that stands in for them.
export WINDVANE_RELEASE=1

section "Building the binary for glibc $OLDEST_GLIBC"
rm -rf "$out"
mkdir -p "$out"
cargo zigbuild --release --locked --target "$target.$OLDEST_GLIBC"
binary=$out/windvane
install "${CARGO_TARGET_DIR:-target}/$target/release/windvane" "$binary"

section "Packing the wheel"
maturin build --release --zig --target "$target" --compatibility manylinux2014 --out "$out"

section "Checking"
newest=$(objdump -T "$binary" | grep -o 'GLIBC_[0-9.]*' | sed 's/GLIBC_//' | sort -V | tail -n 1)
[[ $(printf '%s\n' "$newest" "$OLDEST_GLIBC" | sort -V | tail -n 1) == "$OLDEST_GLIBC" ]] ||
    fail "the binary needs glibc $newest; it must run with $OLDEST_GLIBC"
# Parts of glibc, and nothing that a minimal system may lack.
foreign=$(objdump -p "$binary" | awk '$1 == "NEEDED" { print $2 }' |
    grep -Ev '^(libc|libm|libdl|librt|libpthread|libutil)\.so\.|^ld-linux' || true)
[[ -z $foreign ]] || fail "the binary needs libraries beside glibc:" "$foreign"
size=$(stat --format=%s "$binary")
((size <= LARGEST_BYTES)) || fail "the binary has $size bytes; the limit is $LARGEST_BYTES"
wheels=("$out"/windvane-*-manylinux*_2_17_*.whl)
[[ ${#wheels[@]} -eq 1 && -f ${wheels[0]} ]] || fail "there is not exactly one wheel for glibc 2.17 in $out"
echo "$binary: $size bytes, newest symbol of glibc $newest"
echo "${wheels[0]}: $(stat --format=%s "${wheels[0]}") bytes"
