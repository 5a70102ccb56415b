#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
#
# pair and dealer send and receive at the same time.
# shellcheck disable=SC2317 # run_claims calls the claims
. "$(dirname "$0")/lib/claims.bash"

# talk TYPE ENDPOINT: both ends send 3000 lines and want as many.
talk() {
    seq 1 3000 >left.in
    seq 5000 7999 >right.in
    start left "$1" --bind "$2" --count 3000
    start right "$1" --connect "$(endpoint left)" --count 3000
    finish left
    finish right
    cmp left.in right.out
    cmp right.in left.out
}

claim_pair_talks_both_ways_over_tcp() {
    talk pair 'tcp://127.0.0.1:*'
}

claim_pair_talks_both_ways_over_ipc() {
    talk pair "ipc://$PWD/socket"
}

claim_dealer_talks_both_ways_over_tcp() {
    talk dealer 'tcp://127.0.0.1:*'
}

claim_what_comes_is_printed_while_the_input_is_still_open() {
    mkfifo left.in right.in
    exec 3<>left.in 4<>right.in
    start left pair --bind 'tcp://127.0.0.1:*' --count 1
    start right pair --connect "$(endpoint left)" --count 1
    echo question >&3
    until [ -s right.out ]; do sleep 0.02; done
    echo answer >&4
    until [ -s left.out ]; do sleep 0.02; done
    [ "$(cat left.out right.out)" = $'answer\nquestion' ]
}

claim_a_separator_splits_and_joins_frames() {
    start left dealer --bind 'tcp://127.0.0.1:*' --multipart '\t' --count 3
    printf 'a\tb\tc\n\td\nplain\n' |
        cero dealer --connect "$(endpoint left)" -m '\t'
    finish left
    printf 'a\tb\tc\n\td\nplain\n' | cmp - left.out
}

claim_without_separator_each_frame_is_a_record() {
    start left pair --bind 'tcp://127.0.0.1:*' --count 1
    printf 'a,b\n' | cero pair --connect "$(endpoint left)" -m ,
    finish left
    printf 'a\nb\n' | cmp - left.out
}

claim_dealer_waits_for_answers_until_timeout() {
    start left dealer --bind 'tcp://127.0.0.1:*' --count 1
    exits 3 cero dealer --connect "$(endpoint left)" --timeout 300 \
        <<<question 2>err
    finish left
    grep -q '0 messages came' err
}

claim_dealer_ends_with_its_input_if_told_nothing_else() {
    start left dealer --bind 'tcp://127.0.0.1:*' --count 1
    cero dealer --connect "$(endpoint left)" <<<last
    finish left
    [ "$(cat left.out)" = last ]
}

run_claims
