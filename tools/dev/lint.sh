#!/bin/sh
# All static checks, each finding printed; ends with 1 if there was any.
set -u
cd "$(dirname "$0")/../.."
bin=.venv/bin
status=0
check() {
    name=$1
    shift
    if ! output=$("$@" 2>&1); then
        printf '%s\n' "$output"
        echo "lint: $name found something" >&2
        status=1
    fi
}

check "ruff" $bin/ruff check --quiet firmware gateway tools tests
check "ruff format" $bin/ruff format --check --quiet firmware gateway tools tests
check "mypy (gateway, tools)" $bin/mypy
check "mypy (firmware)" tools/dev/typecheck-firmware.sh
check "property table" $bin/python tools/dev/properties.py --check
check "publiccode.yml" $bin/python tools/dev/publiccode.py
check "mpy-cross" $bin/python tools/dev/mpy.py --check
[ $status = 0 ] && echo "lint: clean"
exit $status
