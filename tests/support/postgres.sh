#!/usr/bin/env bash
# A throw-away PostgreSQL for tests.
#
#   postgres.sh start [--durable] DIR    start it (again: the same one) and print `export TEST_POSTGRES_URL=…`
#   postgres.sh stop DIR                 stop it by its pid file and delete its data
#
# It listens on a unix socket that only its own user and root can reach, never on a port. Its data do not survive a
# power cut, unless started with --durable: crash tests need real fsyncs.
set -euo pipefail

readonly USER_NAME=windvane DATABASE=windvane PORT=5432
# sockaddr_un holds 107 bytes, of which the file name `.s.PGSQL.5432` takes 14 with its slash.
readonly LONGEST_SOCKET_DIRECTORY=93

fail() {
    echo "postgres.sh: $*" >&2
    exit 1
}

usage() {
    fail "usage: postgres.sh start [--durable] DIR | stop DIR"
}

# The folder with initdb and pg_ctl: Debian keeps them off the PATH, one folder for each major version.
programs() {
    local initdb
    initdb=$(command -v initdb || printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort -V | tail -n 1)
    [ -x "$initdb" ] || fail "no initdb on PATH or under /usr/lib/postgresql; on Debian: apt-get install postgresql"
    dirname "$(readlink -f "$initdb")"
}

# PostgreSQL refuses to run as root. The working directory may be closed to the other user, hence `cd /`.
as_database_user() {
    if [ "$(id -u)" = 0 ]; then
        (cd / && runuser -u postgres -- "$@")
    else
        (cd / && "$@")
    fi
}

# Where the cluster really lies: DIR, or a folder under /tmp named in DIR/location if the database user cannot work
# in DIR or the socket's path would be too long.
create_home() {
    local directory=$1
    mkdir -p "$directory"
    directory=$(cd "$directory" && pwd -P)
    if [ -f "$directory/location" ] && [ -d "$(cat "$directory/location")" ]; then
        cat "$directory/location"
        return
    fi
    local home=$directory/cluster
    mkdir -p "$home"
    [ "$(id -u)" != 0 ] || chown postgres: "$home"
    if [ $((${#home} + 1)) -gt "$LONGEST_SOCKET_DIRECTORY" ] || ! as_database_user test -w "$home"; then
        rmdir "$home"
        home=$(mktemp -d /tmp/windvane-postgres.XXXXXX)
        [ "$(id -u)" != 0 ] || chown postgres: "$home"
    fi
    chmod 700 "$home"
    echo "$home" >"$directory/location"
    echo "$home"
}

# A cluster that was started before has its database already.
create_database() {
    local bin=$1 connection=(--host="$2" --port="$PORT" --username="$USER_NAME") found
    found=$(as_database_user "$bin/psql" "${connection[@]}" --dbname=postgres --no-psqlrc --tuples-only --no-align \
        --command="SELECT count(*) FROM pg_database WHERE datname = '$DATABASE'")
    [ "$found" = 1 ] || as_database_user "$bin/createdb" "${connection[@]}" "$DATABASE"
}

start() {
    local durable=$1 directory=$2 bin home
    bin=$(programs)
    home=$(create_home "$directory")
    if ! as_database_user "$bin/pg_ctl" status -D "$home/data" >/dev/null 2>&1; then
        if [ ! -f "$home/data/PG_VERSION" ]; then
            as_database_user "$bin/initdb" --pgdata="$home/data" --username="$USER_NAME" --auth=trust --encoding=UTF8 \
                --locale=C --no-sync --no-instructions >"$directory/initdb.log" 2>&1 ||
                fail "initdb failed: $(tail -n 5 "$directory/initdb.log")"
            {
                echo "listen_addresses = ''"
                echo "unix_socket_directories = '$home'"
                echo "port = $PORT"
                echo "max_connections = 200"
            } | as_database_user tee -a "$home/data/postgresql.conf" >/dev/null
        fi
        local options=""
        [ "$durable" = yes ] || options="-c fsync=off -c synchronous_commit=off -c full_page_writes=off"
        as_database_user "$bin/pg_ctl" start -w -s -D "$home/data" -l "$home/server.log" -o "$options" ||
            fail "PostgreSQL did not start: $(tail -n 5 "$home/server.log")"
        create_database "$bin" "$home"
    fi
    echo "export TEST_POSTGRES_URL='postgres://$USER_NAME@localhost:$PORT/$DATABASE?host=$home'"
}

stop() {
    local directory=$1 bin home
    [ -f "$directory/location" ] || return 0
    bin=$(programs)
    home=$(cat "$directory/location")
    if as_database_user "$bin/pg_ctl" status -D "$home/data" >/dev/null 2>&1; then
        as_database_user "$bin/pg_ctl" stop -w -s -m immediate -D "$home/data"
    fi
    rm -rf "${home:?}"
    rm -f "$directory/location" "$directory/initdb.log"
}

command=${1:-}
[ $# -gt 0 ] && shift
durable=no
if [ "${1:-}" = --durable ]; then
    durable=yes
    shift
fi
[ $# = 1 ] || usage
case $command in
start) start "$durable" "$1" ;;
stop) stop "$1" ;;
*) usage ;;
esac
