#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
#
# The libraries export exactly what the public headers declare, without
# symbol versions, and the shared one is called libzmq.so.5.
set -euo pipefail

lib=${CZ_LIB_DIR:?}
include=${CZ_SOURCE_DIR:?}/include
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
status=0

# What is declared: a name before a parenthesis, types of functions apart.
gcc -E -P -DZMQ_BUILD_DRAFT_API -I"$include" -xc "$include/ceromq.h" |
    grep -oE '\b(zmq|cero)_[a-z0-9_]+ *\(' | tr -d ' (' |
    sort -u >"$scratch/declared"
count=$(wc -l <"$scratch/declared")
if [ "$count" -lt 100 ]; then
    echo "only $count declarations found: this test cannot read the headers"
    exit 1
fi

same() {
    if ! diff "$scratch/declared" "$2" >"$scratch/diff"; then
        echo "$1 (< declared only, > exported only):"
        cat "$scratch/diff"
        status=1
    fi
}

nm -D --defined-only "$lib/libzmq.so.5" | awk '{print $NF}' |
    sort -u >"$scratch/shared"
same "the shared library" "$scratch/shared"
nm -g --defined-only "$lib/libzmq.a" | awk 'NF == 3 {print $3}' |
    sort -u >"$scratch/static"
same "the static library" "$scratch/static"

if grep '@' "$scratch/shared"; then
    echo "there are symbol versions"
    status=1
fi
# Read to the end: with pipefail, who writes must not be hung up on.
if ! readelf -d "$lib/libzmq.so.5" |
    grep 'SONAME.*\[libzmq\.so\.5\]' >/dev/null; then
    echo "the SONAME is not libzmq.so.5"
    status=1
fi
if [ "$(readlink -f "$lib/libzmq.so.5")" != \
    "$(readlink -f "$lib")/libzmq.so.5.2.5" ]; then
    echo "libzmq.so.5 does not lead to libzmq.so.5.2.5"
    status=1
fi
exit "$status"
