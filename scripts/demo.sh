#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
#
# The demo: several processes count the words of a real corpus together.
#
#               tcp              ipc
#   ventilator ----> worker 1 --------> sink
#       PUSH    ---> worker 2 ------->   PULL
#               ---> worker 3 ------->
#                  PULL -> PUSH
#
# The corpus is the text of this repository and of /usr/share/doc. The last
# worker runs on the system's libzmq if that is installed, the others on
# the library in build/lib. The sum must equal what one process counts by
# itself; anything else is a failure. Settings, from the environment:
#
#   BUILD     where lib/libzmq.so.5 is      (build)
#   WORKERS   how many                      (3)
#   PIECE     bytes in a message, about     (64: a line or two)
#   MEGABYTES how much text at most         (128)
set -euo pipefail
cd "$(dirname "$0")/.."

build=${BUILD:-build}
workers=${WORKERS:-3}
piece=${PIECE:-64}
limit=$((${MEGABYTES:-128} * 1000000))
library=$(realpath "$build/lib")
work=$(mktemp -d)
bin=$work/bin

# Everything that was started ends with this script, however it ends.
finish() {
    local code=$? running
    trap - EXIT INT TERM
    running=$(jobs -p)
    if [ -n "$running" ]; then
        # shellcheck disable=SC2086
        kill $running 2>/dev/null || true
        wait 2>/dev/null || true
    fi
    rm -rf "$work"
    exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say() {
    printf '\n%s\n' "$*"
}

# The examples are built as any program is that uses the library.
build_programs() {
    local program
    mkdir "$bin"
    for program in count ventilator worker sink; do
        ${CC:-cc} -std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -Iinclude \
            "examples/demo/$program.c" -o "$bin/$program" \
            -L"$library" -Wl,-rpath,"$library" -Wl,--enable-new-dtags \
            -lzmq -ldl
    done
}

# The names of text files, each ended by a NUL. On a bare machine there is
# little documentation: then other text is taken, too.
list_text() {
    git ls-files -z 2>/dev/null || find . -type f -not -path './.git/*' \
        -not -path "./$build/*" -print0
    find /usr/share/doc /usr/share/common-licenses /usr/include \
        /usr/share/perl /usr/lib/python3 -type f \
        \( -path '/usr/share/doc/*' -o -name '*.h' -o -name '*.p[lmy]' \
        -o -path '*/common-licenses/*' \) \
        -not -name '*.png' -not -name '*.pdf' -print0 2>/dev/null || true
}

# `head` ends the pipe early when there is enough; that is no error.
gather_corpus() {
    (list_text | xargs -0 zcat -f -- 2>/dev/null || true) |
        head -c "$limit" >"$work/corpus" || true
    if ! [ -s "$work/corpus" ]; then
        echo "demo: found no text on this machine" >&2
        exit 1
    fi
}

# Prints the directory of the system's libzmq.so.5, if there is one.
system_library() {
    local path
    path=$({ ldconfig -p || /sbin/ldconfig -p; } 2>/dev/null |
        sed -n 's/.*libzmq\.so\.5 .*=> //p' | head -n 1)
    if [ -n "$path" ]; then
        dirname "$path"
    fi
}

# wait_for_line FILE: prints the first line of FILE as soon as it is there.
wait_for_line() {
    local end=$((SECONDS + 10))
    until [ "$(wc -l <"$1")" -gt 0 ]; do
        if [ "$SECONDS" -ge "$end" ]; then
            echo "demo: $1 stayed empty" >&2
            return 1
        fi
        sleep 0.02
    done
    head -n 1 "$1"
}

say "Building the programs of examples/demo"
build_programs

say "Gathering text"
gather_corpus
bytes=$(wc -c <"$work/corpus")
echo "$((bytes / 1000000)) MB"

say "One process, no messages"
before=$(date +%s%N)
expected=$("$bin/count" <"$work/corpus")
after=$(date +%s%N)
echo "$expected"
echo "in $(((after - before) / 1000000)) ms"

say "$((workers + 2)) processes: ventilator -tcp-> $workers workers -ipc-> sink"
results="ipc://$work/results"
"$bin/sink" "$results" "$bytes" >"$work/sum" &
sink=$!

: >"$work/jobs"
"$bin/ventilator" 'tcp://127.0.0.1:*' "$workers" "$piece" \
    <"$work/corpus" >"$work/jobs" &
ventilator=$!
jobs=$(wait_for_line "$work/jobs")

system=$(system_library)
pids=()
for ((i = 1; i <= workers; i++)); do
    path=$library
    if [ "$i" -eq "$workers" ] && [ -n "$system" ]; then
        path=$system
    fi
    LD_LIBRARY_PATH=$path "$bin/worker" "$i" "$jobs" "$results" \
        >"$work/worker$i" &
    pids+=($!)
done

wait "$sink"
wait "$ventilator"
kill -TERM "${pids[@]}"
wait "${pids[@]}"
cat "$work"/worker*
if [ -z "$system" ]; then
    echo "(the system has no libzmq, so all of them ran on CeroMQ)"
fi
if grep -h ': 0 pieces' "$work"/worker*; then
    say "FAILED: this worker had nothing to do"
    exit 1
fi

got=$(cat "$work/sum")
echo "$got"
if [ "$got" != "$expected" ]; then
    say "FAILED: the result differs from that of one process"
    exit 1
fi
say "Equal: every line, word and byte arrived exactly once"
