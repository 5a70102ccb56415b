#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
#
# Every constant of the system's zmq.h is in ours with the same value, with
# and without the draft interface; and ours has none that it has not, but
# newer ones. Also: the headers stand alone in C and C++, old and new.
set -euo pipefail

ours=${CZ_SOURCE_DIR:?}/include/zmq.h
theirs=/usr/include/zmq.h
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
status=0

# Programs for 2.1 may be of C89.
for standard in c89 c99 c17; do
    gcc -std=$standard -pedantic -Wall -Wextra -Werror -fsyntax-only -xc \
        "${ours%/*}/zmq_compat2.h" || status=1
done
if command -v g++ >/dev/null; then
    for standard in c++98 c++20; do
        g++ -std=$standard -Wall -Wextra -fsyntax-only -xc++ \
            "${ours%/*}/zmq_compat2.h" || status=1
    done
fi
for flags in "" -DZMQ_BUILD_DRAFT_API; do
    for standard in c99 c11 gnu11 gnu17; do
        # shellcheck disable=SC2086
        gcc -std=$standard -pedantic -Wall -Wextra -Werror $flags \
            -fsyntax-only -xc "${ours%/*}/ceromq.h" || status=1
    done
    if command -v g++ >/dev/null; then
        for standard in c++98 c++20; do
            # shellcheck disable=SC2086
            g++ -std=$standard -Wall -Wextra $flags -fsyntax-only \
                -xc++ "${ours%/*}/ceromq.h" || status=1
        done
    fi
done

if [ ! -f "$theirs" ]; then
    echo "no zmq.h of the system to compare with"
    [ "$status" -eq 0 ] || exit 1
    exit 77
fi

# What legitimately differs: our version and how we export; constants that
# came after the system's 4.3.4; and one whose value 4.3.5 corrected.
newer='BUSY_POLL|HICCUP_MSG|NORM_[A-Z_]+|TOPICS_COUNT|XSUB_VERBOSE_UNSUBSCRIBE'
skip="^(ZMQ_VERSION.*|ZMQ_EXPORT|ZMQ_RECONNECT_STOP_AFTER_DISCONNECT)$"

# names <header> <flags>: constants that it defines, without function-like
# macros.
names() {
    # shellcheck disable=SC2086
    gcc $2 -dM -E -xc "$1" | awk '{print $2}' | grep -v '(' |
        grep -E '^(ZMQ_|EFSM|ENOCOMPATPROTO|ETERM|EMTHREAD)' |
        grep -vE "$skip" | sort
}

# values <header> <flags>: a line "NAME=value" for each of its names, as the
# compiler sees it.
values() {
    # shellcheck disable=SC2086
    gcc $2 -dM -E -xc "$1" >"$scratch/macros"
    {
        echo "#include \"$1\""
        echo 'int main(void) {'
        while read -r name; do
            if grep -qE "^#define $name ?\$" "$scratch/macros"; then
                echo "puts(\"$name is defined\");"
            elif grep -qE "^#define $name \"" "$scratch/macros"; then
                echo "puts(\"$name=\" $name);"
            else
                echo "printf(\"$name=%ld\\n\", (long)($name));"
            fi
        done < <(names "$1" "$2")
        echo 'return 0; }'
    } >"$scratch/values.c"
    # shellcheck disable=SC2086
    gcc $2 -o "$scratch/values" "$scratch/values.c"
    "$scratch/values" | sort
}

for flags in "" -DZMQ_BUILD_DRAFT_API; do
    values "$theirs" "$flags" >"$scratch/theirs"
    values "$ours" "$flags" >"$scratch/all"
    # Of the newer ones only those count that the system has, too.
    while read -r line; do
        if ! grep -qE "^ZMQ_($newer)=" <<<"$line" ||
            grep -q "^${line%%=*}=" "$scratch/theirs"; then
            echo "$line"
        fi
    done <"$scratch/all" >"$scratch/ours"
    if [ "$(wc -l <"$scratch/theirs")" -lt 150 ]; then
        echo "too few constants found: this test cannot read the header"
        status=1
    fi
    if ! diff "$scratch/theirs" "$scratch/ours"; then
        echo "constants differ (< system's, > ours), flags: ${flags:-none}"
        status=1
    fi
    echo "$(wc -l <"$scratch/ours") constants agree ${flags:+($flags)}"
done
exit "$status"
