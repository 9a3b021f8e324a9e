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

section "Setting up"
scripts/setup.sh dist
if ! cmp -s scripts/dist-requirements.txt "$venv/requirements.txt"; then
    python3 -m venv --clear "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement scripts/dist-requirements.txt
    # Last, so that an interrupted installation is made again.
    cp scripts/dist-requirements.txt "$venv/requirements.txt"
fi
# maturin finds zig through the Python of its environment.
export PATH=$PWD/$venv/bin:$PATH
make --no-print-directory ui
# Without the pages the build fails instead of embedding the page that stands in for them.
export WINDVANE_RELEASE=1
# The messages of a panic name source files. Without this they would name the folders of whoever built it.
export RUSTFLAGS="--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo --remap-path-prefix=$PWD=windvane"

section "Building for glibc $OLDEST_GLIBC and packing the wheel"
rm -rf "$out"
mkdir -p "$out"
maturin build --release --zig --target "$(uname -m)-unknown-linux-gnu" --compatibility manylinux2014 --out "$out"
wheels=("$out"/windvane-*-manylinux*_2_17_*.whl)
[[ ${#wheels[@]} -eq 1 && -f ${wheels[0]} ]] || fail "there is not exactly one wheel for glibc $OLDEST_GLIBC in $out"

section "Taking the binary out of the wheel"
# Built once and given away in two forms, so that both are the same and a release takes half the time.
binary=$out/windvane
python3 - "${wheels[0]}" "$binary" <<'PYTHON'
import pathlib, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    [name] = [name for name in wheel.namelist() if name.endswith(".data/scripts/windvane")]
    pathlib.Path(sys.argv[2]).write_bytes(wheel.read(name))
PYTHON
chmod 755 "$binary"

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
echo "$binary: $size bytes, newest symbol of glibc $newest"
echo "${wheels[0]}: $(stat --format=%s "${wheels[0]}") bytes"
