#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
#
# `make demo` does what it says, here with little text: the sum is that of one
# process, a rate is told, and the last worker runs on the system's libzmq if
# there is one.
# CTest: TIMEOUT 120
set -euo pipefail

cd "${CZ_SOURCE_DIR:?}"
out=$(BUILD=${CZ_LIB_DIR:?}/.. MEGABYTES=2 scripts/demo.sh 2>&1) || {
    echo "$out"
    exit 1
}
status=0
expect() {
    if ! grep -qE "$1" <<<"$out"; then
        echo "the demo does not say: $1"
        status=1
    fi
}

expect '^Equal: every line'
expect '^sink: .* messages/s'
expect '^worker 1: [1-9][0-9]* pieces, on CeroMQ'
expect '^worker 2: [1-9][0-9]* pieces, on CeroMQ'
if { ldconfig -p || /sbin/ldconfig -p; } 2>/dev/null |
    grep 'libzmq\.so\.5 ' >/dev/null; then
    expect "^worker 3: [1-9][0-9]* pieces, on the system's libzmq"
else
    expect '^worker 3: [1-9][0-9]* pieces, on CeroMQ'
fi
[ "$status" -eq 0 ] || echo "$out"
exit "$status"
