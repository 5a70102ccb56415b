#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
#
# Reactors are left out at build time: a library with `poll` alone works and
# says so, every other choice compiles, and none at all is refused.
# CTest: TIMEOUT 180
set -euo pipefail

cd "${CZ_SOURCE_DIR:?}"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
status=0

for epoll in "" -DCZ_NO_EPOLL; do
    for poll in "" -DCZ_NO_POLL; do
        for select in "" -DCZ_NO_SELECT; do
            for source in src/reactor/*.c; do
                # shellcheck disable=SC2086
                ${CC:-cc} -std=c11 -D_GNU_SOURCE -Isrc -Iinclude -Wall -Wextra \
                    -fsyntax-only $epoll $poll $select -Werror "$source" \
                    2>"$scratch/log" || break
            done
            if [ -n "$epoll" ] && [ -n "$poll" ] && [ -n "$select" ]; then
                if ! grep -q 'must be ON' "$scratch/log"; then
                    echo "a build without any reactor is not refused"
                    status=1
                fi
            elif [ -s "$scratch/log" ]; then
                cat "$scratch/log"
                echo "does not compile: $epoll $poll $select"
                status=1
            fi
        done
    done
done

cmake -S . -B "$scratch/build" -DCMAKE_BUILD_TYPE=Debug -DCZ_BUILD_TESTS=OFF \
    -DCZ_WITH_EPOLL=OFF -DCZ_WITH_SELECT=OFF -DCZ_WITH_URING=OFF \
    -DCMAKE_C_FLAGS=-O0 >"$scratch/log"
cmake --build "$scratch/build" -j2 --target libzmq cero >>"$scratch/log" ||
    { cat "$scratch/log" && exit 1; }
cero=$scratch/build/bin/cero
if ! "$cero" version | grep -qx 'reactors poll'; then
    "$cero" version
    echo "that is not poll alone"
    status=1
fi
timeout 20 "$cero" pull --bind "ipc://$scratch/it" --count 1 >"$scratch/got" &
timeout 20 "$cero" push --connect "ipc://$scratch/it" <<<"hello"
if ! wait $! || [ "$(cat "$scratch/got")" != hello ]; then
    echo "nothing came over poll"
    status=1
fi
exit "$status"
