#!/usr/bin/env bash
# Sees to it that what a job needs is installed.
#
#   scripts/setup.sh ui       Node
#   scripts/setup.sh build    Rust, a C compiler
#   scripts/setup.sh dist     Rust, a C compiler, Python with venv, objdump
#   scripts/setup.sh test     Node, Rust, a C and a C++ compiler, Python with venv, PostgreSQL, nginx, curl, Chromium
#   scripts/setup.sh clients  the MLflow clients, where Python with venv is there
#
# Debian packages are installed when run as root; otherwise the script names the missing ones and how to get them, and
# exits with 1. Rust and Node are never installed: their owners choose how.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/lib.sh

OLDEST_NODE=18
# What drives the browser in tests asks for more than the pages do.
OLDEST_NODE_FOR_TEST=20
OLDEST_PYTHON=3.11

has() { command -v "$1" >/dev/null; }

# require_node OLDEST
require_node() {
    if ! has node || ! has npm; then
        fail "Node is missing: install Node $1 or newer with npm"
    fi
    node -e "process.exit(parseInt(process.versions.node) >= $1 ? 0 : 1)" ||
        fail "Node $(node --version) is too old: $1 or newer is needed"
}

require_rust() {
    has cargo || fail "Rust is missing: install it with rustup"
}

# Only what is pinned for the MLflow clients' tests asks for this version; $PYTHON names another interpreter.
require_python() {
    local python=${PYTHON:-python3}
    "$python" -c "import sys; sys.exit(sys.version_info < (${OLDEST_PYTHON/./, }))" ||
        fail "$python is $("$python" --version): $OLDEST_PYTHON or newer is needed, PYTHON=... names another"
}

# The Debian packages that are missing, one a line.
missing_for_build() {
    has cc || echo gcc
    # A compiler without the C library's headers cannot build SQLite.
    echo '#include <stdlib.h>' | cc -E - >/dev/null 2>&1 || echo libc6-dev
}

missing_python() {
    has python3 || echo python3
    python3 -c 'import venv, ensurepip' 2>/dev/null || echo python3-venv
}

missing_for_dist() {
    missing_for_build
    missing_python
    has objdump || echo binutils
}

missing_for_test() {
    missing_for_build
    # libFuzzer is C++.
    has c++ || echo g++
    missing_python
    has initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || echo postgresql
    has nginx || [[ -x /usr/sbin/nginx ]] || echo nginx-light
    has curl || echo curl
    has chromium || echo chromium
}

# install_packages NAME...
# A subshell, so that its trap runs whatever happens.
install_packages() (
    if [[ $(id -u) -ne 0 ]] || ! has apt-get; then
        fail "These Debian packages are missing: $*" \
            "As root, or by your administrator:  apt-get install --no-install-recommends $*"
    fi
    # Tests start a PostgreSQL and an nginx of their own. The packages would start one for the whole machine as well.
    no_cluster=/etc/postgresql-common/createcluster.d/windvane-tests.conf
    no_services=/usr/sbin/policy-rc.d
    made=("$no_cluster")
    trap 'rm -f "${made[@]}"' EXIT
    mkdir -p "$(dirname "$no_cluster")"
    echo 'create_main_cluster = false' >"$no_cluster"
    if [[ ! -e $no_services ]]; then
        made+=("$no_services")
        printf '#!/bin/sh\nexit 101\n' >"$no_services"
        chmod 755 "$no_services"
    fi
    echo "Installing: $*"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
    # Nor at the next start of the machine.
    if [[ " $* " == *" nginx-light "* ]] && has systemctl; then
        systemctl disable --quiet nginx || true
    fi
)

# require_packages FUNCTION: installs what the function lists.
require_packages() {
    local missing
    mapfile -t missing < <("$1" | sort -u)
    [[ ${#missing[@]} -eq 0 ]] || install_packages "${missing[@]}"
}

case ${1:-} in
    ui)
        require_node "$OLDEST_NODE"
        ;;
    build)
        require_rust
        require_packages missing_for_build
        ;;
    dist)
        require_rust
        require_packages missing_for_dist
        ;;
    test)
        require_node "$OLDEST_NODE_FOR_TEST"
        require_rust
        require_packages missing_for_test
        require_python
        ;;
    clients)
        require_python
        tests/compat/venv.sh 2 target/venv-mlflow2
        tests/compat/venv.sh 3 target/venv-mlflow3
        ;;
    *)
        fail "usage: scripts/setup.sh ui|build|dist|test|clients"
        ;;
esac
