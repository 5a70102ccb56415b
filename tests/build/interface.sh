#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
#
# Every function that the system's zmq.h declares, ours declares with the same
# type, with and without the draft interface, and none besides but newer ones;
# structs have the same size and members at the same places; and whatever the
# system's library exports, ours does.
set -euo pipefail

ours=${CZ_SOURCE_DIR:?}/include/zmq.h
lib=${CZ_LIB_DIR:?}
theirs=/usr/include/zmq.h
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
status=0

if [ ! -f "$theirs" ]; then
    echo "no zmq.h of the system to compare with"
    exit 77
fi

# Newer than the system's 4.3.4, or there only declared where it was built so.
newer='zmq_(disconnect_peer|ppoll) '

# prototypes <header> <flags>: as the compiler has understood them.
prototypes() {
    echo "#include \"$1\"" >"$scratch/include.c"
    # shellcheck disable=SC2086
    gcc $2 -fsyntax-only -aux-info "$scratch/prototypes" "$scratch/include.c"
    grep -oE 'extern .*\bzmq_[a-z0-9_]+ \(.*\);' "$scratch/prototypes" | sort
}

# layout <header> <flags>: sizes and places.
layout() {
    {
        echo "#include \"$1\""
        cat <<'C'
#include <stddef.h>
#include <stdio.h>
#define SIZE(type)                                                            \
    printf("%s: %zu, aligned to %zu\n", #type, sizeof(type), _Alignof(type))
#define AT(type, member)                                                      \
    printf("%s.%s: %zu at %zu\n", #type, #member,                             \
           sizeof(((type *)0)->member), offsetof(type, member))
int main(void)
{
    SIZE(zmq_msg_t);
    SIZE(zmq_fd_t);
    SIZE(zmq_pollitem_t);
    AT(zmq_pollitem_t, socket);
    AT(zmq_pollitem_t, fd);
    AT(zmq_pollitem_t, events);
    AT(zmq_pollitem_t, revents);
    SIZE(struct iovec);
#ifdef ZMQ_BUILD_DRAFT_API
    SIZE(zmq_poller_event_t);
    AT(zmq_poller_event_t, socket);
    AT(zmq_poller_event_t, fd);
    AT(zmq_poller_event_t, user_data);
    AT(zmq_poller_event_t, events);
#endif
    return 0;
}
C
    } >"$scratch/layout.c"
    # shellcheck disable=SC2086
    gcc $2 -D_GNU_SOURCE -include sys/uio.h -o "$scratch/layout" \
        "$scratch/layout.c"
    "$scratch/layout"
}

# agree <what> <flags>: the function of that name says the same of both.
agree() {
    "$1" "$theirs" "$2" >"$scratch/theirs"
    "$1" "$ours" "$2" | grep -vE "$newer" >"$scratch/all"
    # If the system has the newer ones, they count.
    grep -E "$newer" "$scratch/theirs" >"$scratch/system-newer" || true
    if [ -s "$scratch/system-newer" ]; then
        "$1" "$ours" "$2" | grep -Ff "$scratch/system-newer" >>"$scratch/all" ||
            true
    fi
    sort "$scratch/all" >"$scratch/ours"
    sort -o "$scratch/theirs" "$scratch/theirs"
    if ! diff "$scratch/theirs" "$scratch/ours"; then
        echo "$1: differs (< system's, > ours), flags: ${2:-none}"
        status=1
    fi
    echo "$1: $(wc -l <"$scratch/ours") agree ${2:+($2)}"
}

for flags in "" -DZMQ_BUILD_DRAFT_API; do
    agree prototypes "$flags"
    if [ "$(wc -l <"$scratch/theirs")" -lt 60 ]; then
        echo "too few functions found: this test cannot read the header"
        status=1
    fi
    agree layout "$flags"
done

exports() {
    nm -D --defined-only "$1" | awk '{print $NF}' | sort -u
}
system=$({ ldconfig -p || /sbin/ldconfig -p; } 2>/dev/null |
    sed -n 's/.*libzmq\.so\.5 .*=> //p' | head -n 1)
if [ -n "$system" ]; then
    exports "$system" >"$scratch/theirs"
    exports "$lib/libzmq.so.5" >"$scratch/ours"
    if comm -23 "$scratch/theirs" "$scratch/ours" | grep .; then
        echo "the system's library exports these, ours does not"
        status=1
    fi
fi
exit "$status"
