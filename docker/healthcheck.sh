#!/bin/bash
# Exits with 0 when the server of this container answers OK. bash opens the connection itself, so the image needs no
# HTTP client. It asks port 5000 unless another is named, below the
# prefix of the environment.
set -euo pipefail

port=${1:-5000}
exec 3<>"/dev/tcp/127.0.0.1/$port"
printf 'GET %s/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' "${WINDVANE_PREFIX:-}" >&3
IFS=' ' read -r -t 4 _ status _ <&3
[[ $status == 200 ]]
