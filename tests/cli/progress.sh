#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
#
# What a terminal is shown while messages pass, and when all have; and that
# whoever is no terminal, or wants to be left alone, is not told.
# shellcheck disable=SC2317 # run_claims calls the claims
. "$(dirname "$0")/lib/claims.bash"

terminal=$(cd "$(dirname "$0")" && pwd)/lib/terminal.py

# sender TEXT...: a line each, and the stream stays open.
sender() {
    mkfifo feed
    "$cero" push --connect "ipc://$PWD/it" <feed &
    exec 3>feed
    printf '%s\n' "$@" >&3
}

# on_terminal TEXT KEY ARG...: pulls there, into a file, until TEXT is shown.
# A terminal that gets the messages, too, is not told how many.
on_terminal() {
    local text=$1 key=$2
    shift 2
    # shellcheck disable=SC2016 # for the inner shell
    timeout --foreground "$deadline_s" python3 "$terminal" "$text" "$key" \
        bash -c 'exec "$@" >out' bash \
        "$cero" pull --bind "ipc://$PWD/it" "$@"
}

claim_a_terminal_shows_progress() {
    sender a b
    exits 130 on_terminal 'received 2 messages, 2 B, ' ctrl-c
}

claim_progress_stays_on_its_line() {
    sender a b
    # To the line's beginning, and what was longer before is erased.
    exits 130 on_terminal $'msg/s\e[K\r' ctrl-c
}

claim_a_terminal_is_told_the_total() {
    sender a b
    exits 0 on_terminal 'received 2 messages, 2 B in ' nothing --count 2
}

claim_who_wants_to_be_left_alone_is() {
    sender a b
    exits 99 on_terminal 'messages' nothing --count 2 --quiet
}

claim_who_is_no_terminal_is_not_told() {
    sender a b
    cero pull --bind "ipc://$PWD/it" --count 2 >out 2>err
    printf 'a\nb\n' | cmp - out
    test ! -s err
}

run_claims
