#!/usr/bin/env bash
# Runs the released MLflow clients, unchanged, against the real server: each client generation on each database, two
# at a time, every one with a server and a database of its own. Arguments go to pytest.
#
#   WINDVANE_BIN        the server (target/debug/windvane)
#   TEST_POSTGRES_URL   where to create databases (tests/support/postgres.sh prints it); unset: SQLite only
#   COMPAT_CLIENTS      client generations ("2 3")
#   COMPAT_DATABASES    databases ("sqlite postgres", without TEST_POSTGRES_URL "sqlite")
#   COMPAT_SCALE        small, or full for the sizes of a real training
#   COMPAT_URI          test this server instead and start none
#   COMPAT_REFERENCE    1 if COMPAT_URI is an `mlflow server`, which differs from Windvane in known places
#   COMPAT_VENVS        where the clients' environments are (target)
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
server=${WINDVANE_BIN:-$root/target/debug/windvane}
unset WINDVANE_BIN # the server refuses unknown options of its own name
venvs=${COMPAT_VENVS:-$root/target}
read -ra clients <<<"${COMPAT_CLIENTS:-2 3}"
readonly AT_A_TIME=2

# No Python cache in the source tree, no proxy between client and server, nothing of the caller's MLflow settings.
export PYTHONDONTWRITEBYTECODE=1 NO_PROXY=127.0.0.1,localhost no_proxy=127.0.0.1,localhost
unset MLFLOW_TRACKING_URI MLFLOW_TRACKING_TOKEN MLFLOW_TRACKING_USERNAME MLFLOW_TRACKING_PASSWORD \
    MLFLOW_EXPERIMENT_ID MLFLOW_EXPERIMENT_NAME MLFLOW_RUN_ID MLFLOW_WORKSPACE

work=$(mktemp -d "${TMPDIR:-/tmp}/windvane-compat.XXXXXX")
# shellcheck disable=SC2329 # the trap calls it
cleanup() {
    local lanes
    lanes=$(jobs -p)
    if [ -n "$lanes" ]; then
        # shellcheck disable=SC2086 # one word for each process
        kill $lanes 2>/dev/null || true
        wait
    fi
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

psql_of_postgres() {
    local psql
    psql=$(command -v psql || printf '%s\n' /usr/lib/postgresql/*/bin/psql | sort -V | tail -n 1)
    "$psql" "$TEST_POSTGRES_URL" --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --command="$1"
}

# The same cluster, another database: the name is what stands between the last slash and the query.
postgres_url_of() {
    local base=${TEST_POSTGRES_URL%%\?*}
    echo "${base%/*}/$1${TEST_POSTGRES_URL#"$base"}"
}

wait_for_health() {
    "$1" - "$2" "$3" <<'PYTHON'
import os, sys, time, urllib.request

uri, server = sys.argv[1], int(sys.argv[2])
deadline = time.monotonic() + 120
while time.monotonic() < deadline:
    try:
        os.kill(server, 0)
        if urllib.request.urlopen(uri + "/health", timeout=5).read() == b"OK":
            sys.exit(0)
    except ProcessLookupError:
        sys.exit("the server ended at once")
    except OSError:
        time.sleep(0.02)
sys.exit("the server did not become healthy within 120 s")
PYTHON
}

# One client generation against one database, in a process of its own: `lane CLIENT DATABASE PORT [pytest argument…]`.
lane() {
    local client=$1 database=$2 port=$3
    shift 3
    local python=$venvs/venv-mlflow$client/bin/python uri=${COMPAT_URI:-http://127.0.0.1:$port}
    server_pid="" tests_pid="" created=""
    # shellcheck disable=SC2329 # the trap calls it
    finish_lane() {
        # The tests first: they must not see the server go.
        for pid in $tests_pid $server_pid; do
            kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true
        done
        for name in $created; do
            psql_of_postgres "DROP DATABASE IF EXISTS $name WITH (FORCE)"
        done
    }
    trap finish_lane EXIT
    trap 'exit 130' TERM

    # A second server, with accounts, is started by the tests that need one.
    export COMPAT_SERVER="" COMPAT_CLOSED_DATABASE=""
    if [ -z "${COMPAT_URI:-}" ]; then
        COMPAT_SERVER=$server
        local options=(--listen "127.0.0.1:$port" --data "$work/data-$client-$database")
        if [ "$database" = postgres ]; then
            for name in "compat_${client}_$$" "compat_closed_${client}_$$"; do
                psql_of_postgres "CREATE DATABASE $name"
                created+=" $name"
            done
            options+=(--database "$(postgres_url_of "compat_${client}_$$")")
            COMPAT_CLOSED_DATABASE=$(postgres_url_of "compat_closed_${client}_$$")
        fi
        "$server" server "${options[@]}" >"$work/server-$client-$database.log" 2>&1 &
        server_pid=$!
        wait_for_health "$python" "$uri" "$server_pid"
    fi

    (cd "$here" && MLFLOW_TRACKING_URI=$uri exec "$python" -m pytest --quiet "$@") &
    tests_pid=$!
    local result=0
    wait "$tests_pid" || result=$?
    tests_pid=""
    if [ -n "$server_pid" ] && ! kill -0 "$server_pid" 2>/dev/null; then
        echo "the server did not survive the tests"
        result=1
    fi
    return "$result"
}

if [ -n "${COMPAT_URI:-}" ]; then
    databases=(external)
elif [ -n "${COMPAT_DATABASES:-}" ]; then
    read -ra databases <<<"$COMPAT_DATABASES"
elif [ -n "${TEST_POSTGRES_URL:-}" ]; then
    databases=(sqlite postgres)
else
    databases=(sqlite)
    echo "compat: TEST_POSTGRES_URL is not set, so PostgreSQL is not tested (tests/support/postgres.sh start DIR)"
    [ "${CI:-}" != true ] || exit 1
fi
[ -n "${COMPAT_URI:-}" ] || [ -x "$server" ] || {
    echo "compat: no server at $server; build it or set WINDVANE_BIN" >&2
    exit 2
}
for client in "${clients[@]}"; do
    "$here/venv.sh" "$client" "$venvs/venv-mlflow$client"
done

# All ports are held open together before any is used, so that no two lanes get the same one.
mapfile -t ports < <("$venvs/venv-mlflow${clients[0]}/bin/python" - $((${#clients[@]} * ${#databases[@]})) <<'PYTHON'
import socket, sys

sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(int(sys.argv[1]))]
print(*(each.getsockname()[1] for each in sockets), sep="\n")
PYTHON
)

declare -A names=()
failed=0
report_one() {
    local pid="" result=0 name
    wait -n -p pid "${!names[@]}" || result=$?
    name=${names[$pid]}
    unset "names[$pid]"
    if [ "$result" = 0 ]; then
        echo "compat: MLflow $name: $(tail -n 1 "$work/tests-$name.log")"
        return
    fi
    failed=1
    cat "$work/tests-$name.log"
    if [ -f "$work/server-$name.log" ]; then
        echo "--- the last lines of the server's log"
        tail -n 100 "$work/server-$name.log"
    fi
    echo "compat: MLflow $name: FAILED"
}

for database in "${databases[@]}"; do
    for client in "${clients[@]}"; do
        [ "${#names[@]}" -lt "$AT_A_TIME" ] || report_one
        name=$client-$database port=${ports[0]}
        ports=("${ports[@]:1}")
        lane "$client" "$database" "$port" "$@" >"$work/tests-$name.log" 2>&1 &
        names[$!]=$name
    done
done
while [ "${#names[@]}" -gt 0 ]; do
    report_one
done
exit "$failed"
