#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
#
# The seam to the operating system: what the library's object files outside
# src/os call from the C library is on the list below, and so is neither a
# system call nor the clock, randomness, a thread or a lock. Memory comes
# from src/base/alloc.c alone.
set -euo pipefail

objects=${CZ_BUILD_DIR:?}/CMakeFiles/cz_rest.dir/src
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Pure functions of their arguments (and getenv, for the settings).
allowed='^(mem(cpy|move|set|cmp|chr|rchr|mem)|explicit_bzero'
allowed+='|str(len|nlen|cmp|ncmp|casecmp|ncasecmp|chr|rchr|str|spn|cspn|cpy'
allowed+='|ncpy|tol|toul|toll|toull|error|error_r|pbrk)|stpcpy'
allowed+='|__isoc23_strto(l|ul|ll|ull)|__errno_location|__xpg_strerror_r'
allowed+='|(v?snprintf)|__v?snprintf_chk|__mem(cpy|move|set)_chk'
allowed+='|__str(cpy|cat|ncpy)_chk|__stack_chk_fail|__assert_fail|qsort|bsearch'
allowed+='|__ctype_[a-z]+_loc|getenv|secure_getenv|_GLOBAL_OFFSET_TABLE_'
allowed+='|crypto_[a-z0-9_]+' # libsodium's
allowed+='|__cpu_(model|indicator_init)' # what the processor can do
allowed+='|__tls_get_addr|_+start_.*|_+stop_.*)$'

# Who may call more: the allocator, and the two places where the interface
# itself speaks of the C library's heap.
exempt() {
    case $1 in
    base/alloc.c.o) grep -vxE 'malloc|calloc|realloc|free|aligned_alloc' ;;
    api/iov.c.o) grep -vxE 'malloc|free' ;;
    *) cat ;;
    esac
}

nm --defined-only --format=posix "$objects"/*/*.o \
    "${objects%/*/*}"/cz_os.dir/src/os/*.o | awk 'NF > 1 {print $1}' |
    sort -u >"$scratch/ours"

status=0
count=0
for object in "$objects"/*/*.o; do
    name=${object#"$objects"/}
    count=$((count + 1))
    foreign=$(nm -u --format=posix "$object" | awk '{print $1}' | sort -u |
        comm -23 - "$scratch/ours" | grep -vE "$allowed" | exempt "$name" ||
        true)
    if [ -n "$foreign" ]; then
        echo "$name calls: ${foreign//$'\n'/ }"
        status=1
    fi
done
if [ "$count" -eq 0 ]; then
    echo "no object files found: this test cannot see the library"
    exit 1
fi
echo "$count object files looked at"
exit "$status"
