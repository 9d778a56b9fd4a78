#!/bin/sh
# Make a virtual environment with a Python of 3.11 or newer: make-venv.sh FOLDER [PYTHON]
# What the system lacks is installed with apt where that is allowed, and named where it is not.
set -eu
folder=$1
wanted=${2:-}

fits() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    if [ -n "$wanted" ]; then
        set -- "$wanted"
    else
        set -- python3.11 python3.12 python3.13 python3 python
    fi
    for candidate in "$@"; do
        if fits "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
}

need() {
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
    else
        echo "Please install $* and try again, for example: sudo apt-get install $*" >&2
        exit 2
    fi
}

python=$(find_python)
if [ -z "$python" ] && [ -z "$wanted" ]; then
    need python3 python3-venv
    python=$(find_python)
fi
if [ -z "$python" ]; then
    echo "F.sh needs Python 3.11 or newer, found ${wanted:-none}; name one: make PYTHON=/path/to/python3.11 ..." >&2
    exit 2
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    need "python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
fi
"$python" -m venv --clear "$folder"
