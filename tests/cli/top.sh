#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
#
# top, on a terminal of its own (tests/cli/lib/terminal.py).
# shellcheck disable=SC2317 # run_claims calls the claims
. "$(dirname "$0")/lib/claims.bash"

if ! "$cero" --help | grep '^ *top ' >/dev/null; then
    exit 77 # built without ncurses
fi
terminal=$(cd "$(dirname "$0")" && pwd)/lib/terminal.py

publisher() {
    mkdir dir
    CERO_STATS_DIR=$PWD/dir start pull pull --bind 'tcp://127.0.0.1:*'
    where=$(endpoint pull)
    mkfifo feed
    "$cero" push --connect "$where" <feed &
    exec 3>feed
    echo 1 >&3
    until [ -s pull.out ]; do sleep 0.02; done
}

claim_top_shows_pipes_and_ends_with_q() {
    publisher
    exits 0 python3 "$terminal" "$where" q "$cero" top --dir dir -i 100
}

claim_top_ends_with_130_on_ctrl_c() {
    publisher
    exits 130 python3 "$terminal" 'cero top - ' ctrl-c "$cero" top --dir dir
}

claim_top_ends_after_so_many_pictures() {
    publisher
    exits 0 python3 "$terminal" 'cero top - ' nothing \
        "$cero" top --dir dir --interval 50 --count 3
}

claim_top_needs_a_terminal_and_somebody_to_look_at() {
    publisher
    exits 1 env TERM=no-such-terminal "$cero" top --dir dir 2>err
    grep -q 'no-such-terminal' err
    mkdir empty
    exits 1 cero top --dir empty 2>err
    grep -q 'no running process' err
}

run_claims
