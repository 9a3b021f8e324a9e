#!/usr/bin/env bash
# The steps of docker/Dockerfile where there is no Docker engine: builds from a copy of the sources in a fresh folder and
# runs the result as a user who owns nothing but the data folder. Change both together.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/lib.sh

scripts/setup.sh ui
scripts/setup.sh build
folder=$(mktemp -d -t windvane-image.XXXXXX)
trap 'rm -rf "$folder"' EXIT

section "Copying the sources to $folder"
# What .dockerignore lets through: tracked files and new ones that git does not ignore.
mkdir "$folder/source"
git ls-files -z --cached --others --exclude-standard --deduplicate | tar --create --null --files-from=- |
    tar --extract --directory="$folder/source"

section "Stage ui"
(cd "$folder/source/static" && npm ci --ignore-scripts --no-audit --no-fund && npm run check && npm run build)

section "Stage build"
(cd "$folder/source" && unset CARGO_TARGET_DIR && WINDVANE_RELEASE=1 cargo build --release --locked)

section "Running the binary"
root=$folder/root
install -D "$folder/source/target/release/windvane" "$root/usr/local/bin/windvane"
install -D docker/healthcheck.sh "$root/usr/local/bin/windvane-healthcheck"
data=$root/var/lib/windvane
mkdir -p "$data"
as_user=()
if [[ $(id -u) -eq 0 ]]; then
    chmod 755 "$folder"
    chown 10001:10001 "$data"
    as_user=(setpriv --reuid=10001 --regid=10001 --clear-groups --no-new-privs --bounding-set=-all)
fi
chmod 700 "$data"
port=$(free_port)
check_health() { "${as_user[@]}" "$root/usr/local/bin/windvane-healthcheck" "$port"; }
try_server "http://127.0.0.1:$port" check_health \
    "${as_user[@]}" "$root/usr/local/bin/windvane" server --listen "127.0.0.1:$port" --data "$data"
section "The image's steps work"
