# shellcheck shell=bash
# Shared by the scripts beside it; sourced, not run.

# rustup leaves the PATH of shells that are already open as it was.
export PATH=$HOME/.cargo/bin:$PATH

# section TEXT: a heading with the time since the script started.
section() {
    printf '\n==> %s (at %d min %02d s)\n' "$1" $((SECONDS / 60)) $((SECONDS % 60))
}

# fail TEXT...: says why on standard error and ends the script.
fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

# free_port: a TCP port of the loopback address that nobody listens on just now.
free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# fetch URL: the body of an answer with status 200; anything else is a failure.
fetch() {
    python3 - "$1" <<'PYTHON'
import sys, urllib.request
with urllib.request.urlopen(sys.argv[1], timeout=10) as answer:
    sys.stdout.write(answer.read().decode())
PYTHON
}

# try_server ADDRESS CHECK COMMAND...: starts a server, waits until it is healthy, checks its pages, runs CHECK, stops the
# server with SIGTERM. The command must listen on ADDRESS (http://host:port).
# A subshell, so that the server ends with it whatever happens.
try_server() (
    address=$1 check=$2
    shift 2
    "$@" &
    server=$!
    trap 'kill "$server" 2>/dev/null || true' EXIT
    for attempt in {1..100}; do
        [[ $(fetch "$address/health" 2>/dev/null) == OK ]] && break
        kill -0 "$server" 2>/dev/null || fail "the server ended before it answered"
        [[ $attempt -lt 100 ]] || fail "$address/health did not answer OK within 20 s"
        sleep 0.2
    done
    page=$(fetch "$address/")
    [[ $page == *"<title>Windvane</title>"* ]] || fail "$address/ is not Windvane's page"
    reference=$(grep -o 'static-files/[^"]*\.js' <<<"$page") || fail "$address/ is the page that stands in for the UI"
    fetch "$address/$reference" >/dev/null || fail "$address/$reference, to which the page refers, is not there"
    "$check" || fail "$check failed"
    kill -TERM "$server"
    wait "$server" || fail "the server did not stop cleanly on SIGTERM"
    echo "healthy, serves its pages, stops cleanly: $*"
)
