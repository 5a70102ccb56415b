#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
#
# How the tool ends, what code it ends with, and what it says then.
# shellcheck disable=SC2317 # run_claims calls the claims
. "$(dirname "$0")/lib/claims.bash"

claim_usage_errors_exit_with_2_and_point_to_help() {
    exits 2 cero 2>1.err
    exits 2 cero shove 2>2.err
    exits 2 cero push </dev/null 2>3.err
    exits 2 cero pull --bind 'tcp://127.0.0.1:*' --count -1 2>4.err
    exits 2 cero pull --bind 'tcp://127.0.0.1:*' --hwm 1k 2>5.err
    exits 2 cero pull --bind 'tcp://127.0.0.1:*' --file x 2>6.err
    exits 2 cero push --connect inproc://x 2>7.err
    exits 2 cero pull --bind 'ipc://x' --multipart ab 2>8.err
    exits 2 cero bench sideways 2>9.err
    for i in 1 2 3 4 5 6 7 8 9; do
        grep -q -- --help "$i.err"
    done
}

claim_help_exits_with_0() {
    # Read to the end: with pipefail, who writes must not be hung up on.
    cero --help | grep dealer >/dev/null
    cero push --help | grep -- --connect >/dev/null
}

claim_a_bad_endpoint_says_how_to_write_one() {
    exits 1 cero pull --bind here:5555 2>1.err
    grep -q "here:5555.*tcp://127.0.0.1:5555" 1.err
    exits 1 cero pull --connect smoke://hill 2>2.err
    grep -q "smoke://hill.*transport" 2.err
    exits 1 cero pull --bind ipc:///no/such/directory/socket 2>3.err
    grep -q "ipc:///no/such/directory/socket" 3.err
}

claim_an_address_in_use_is_named() {
    start pull pull --bind 'tcp://127.0.0.1:*'
    taken=$(endpoint pull)
    exits 1 cero pull --bind "$taken" 2>err
    grep -q "$taken.*another" err
}

claim_a_missing_file_exits_with_1() {
    exits 1 cero push --bind "ipc://$PWD/socket" --file no-such-file 2>err
    grep -q no-such-file err
}

claim_a_truncated_length_exits_with_1() {
    start pull pull --bind 'tcp://127.0.0.1:*' --count 1
    printf '\0\0\0\1x\0\0' >truncated
    exits 1 cero push -l --connect "$(endpoint pull)" <truncated 2>err
    grep -q "middle of a message" err
    finish pull # what came before the damage arrives
    [ "$(cat pull.out)" = x ]
}

claim_pull_that_gets_nothing_exits_with_3() {
    exits 3 cero pull --bind 'tcp://127.0.0.1:*' --timeout 50 2>err
}

claim_pull_that_gets_less_than_its_count_exits_with_3() {
    start pull pull --bind 'tcp://127.0.0.1:*' --count 3 --timeout 1000
    seq 2 | cero push --connect "$(endpoint pull)"
    exits 3 finish pull
    [ "$(cat pull.out)" = $'1\n2' ]
}

claim_pull_without_count_may_end_by_silence() {
    start pull pull --bind 'tcp://127.0.0.1:*' --timeout 1000
    seq 2 | cero push --connect "$(endpoint pull)"
    finish pull
    [ "$(cat pull.out)" = $'1\n2' ]
}

claim_push_without_a_peer_exits_with_3() {
    exits 3 cero push --bind 'tcp://127.0.0.1:*' --timeout 50 <<<x 2>1.err
    exits 3 cero push --connect "ipc://$PWD/socket" --timeout 50 <<<x 2>2.err
    grep -q 'no peer' 1.err
    grep -q 'no peer' 2.err
}

claim_push_waits_for_a_peer_that_comes_later() {
    seq 3 >push.in
    start push push --connect "ipc://$PWD/socket"
    start pull pull --bind "ipc://$PWD/socket" --count 3
    finish push
    finish pull
    cmp push.in pull.out
}

claim_push_stops_after_its_count() {
    start pull pull --bind 'tcp://127.0.0.1:*' --count 7
    seq 100 | cero push --connect "$(endpoint pull)" --count 7
    finish pull
    seq 7 | cmp - pull.out
}

claim_sigint_exits_with_130_and_keeps_what_came() {
    start pull pull --bind "ipc://$PWD/socket"
    echo before | cero push --connect "$(endpoint pull)"
    until [ -s pull.out ]; do sleep 0.02; done
    pkill -INT -P "$(cat pull.pid)"
    exits 130 finish pull
    [ "$(cat pull.out)" = before ]
}

claim_sigterm_exits_with_143() {
    start pull pull --bind 'tcp://127.0.0.1:*'
    endpoint pull >/dev/null
    pkill -TERM -P "$(cat pull.pid)"
    exits 143 finish pull
}

claim_sigint_frees_a_push_that_nobody_reads() {
    echo x >push.in
    start push push --connect "ipc://$PWD/socket" --bind 'tcp://127.0.0.1:*'
    endpoint push >/dev/null
    pkill -INT -P "$(cat push.pid)"
    exits 130 finish push
}

claim_a_closed_stdout_exits_with_1() {
    exits 1 cero version >&- 2>err
    exits 1 cero version >/dev/full 2>err
}

claim_a_reader_that_goes_away_ends_pull_with_1() {
    mkfifo output
    exec 3<>output
    cero pull --bind 'tcp://127.0.0.1:*' -v >output 2>pull.err 3>&- &
    endpoint pull >/dev/null
    exec 3>&- # the only reader
    exits 1 wait $!
    grep -q 'standard output' pull.err
}

claim_a_full_disk_ends_pull_with_1() {
    cero pull --bind 'tcp://127.0.0.1:*' -v >/dev/full 2>pull.err &
    cero push --connect "$(endpoint pull)" <<<x
    exits 1 wait $!
}

run_claims
