#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
#
# req, rep and router: questions and replies in turn.
# shellcheck disable=SC2317 # run_claims calls the claims
. "$(dirname "$0")/lib/claims.bash"

claim_rep_replies_with_the_lines_of_its_input() {
    seq 1 500 >req.in
    seq 1001 1500 >rep.in
    start rep rep --bind 'tcp://127.0.0.1:*'
    start req req --connect "$(endpoint rep)"
    finish req
    finish rep
    cmp req.in rep.out
    cmp rep.in req.out
}

claim_rep_echoes_every_part() {
    printf 'a,,b\nc\n' >req.in
    start rep rep --bind "ipc://$PWD/socket" --echo --count 2
    start req req --connect "ipc://$PWD/socket" -m ,
    finish req
    finish rep
    cmp req.in req.out
    printf 'a\n\nb\nc\n' | cmp - rep.out
}

claim_rep_replies_with_a_text() {
    start rep rep --bind 'tcp://127.0.0.1:*' --reply 'good morning' -n 2
    seq 1 2 | cero req --connect "$(endpoint rep)" >req.out
    finish rep
    printf 'good morning\ngood morning\n' | cmp - req.out
}

claim_rep_replies_with_what_a_command_prints() {
    start rep rep --bind 'tcp://127.0.0.1:*' --exec 'tr a-z A-Z' -n 3
    printf 'one\n\nthree\n' | cero req --connect "$(endpoint rep)" >req.out
    finish rep
    printf 'ONE\n\nTHREE\n' | cmp - req.out
}

claim_a_large_request_passes_through_a_command() {
    head -c 3000000 /dev/urandom >file
    start rep rep --bind 'tcp://127.0.0.1:*' --exec cat --raw -n 1
    cero req --connect "$(endpoint rep)" --raw --file file >req.out
    finish rep
    cmp file req.out
}

claim_a_command_that_fails_is_told_and_replies_all_the_same() {
    start rep rep --bind 'tcp://127.0.0.1:*' --exec 'echo oh; exit 7' -n 2
    printf 'a\nb\n' | cero req --connect "$(endpoint rep)" >req.out
    finish rep
    printf 'oh\noh\n' | cmp - req.out
    [ "$(grep -c 'exited with 7' rep.err)" -eq 2 ]
}

claim_sigterm_ends_rep_within_a_command() {
    mkfifo started
    echo >req.in
    start rep rep --bind 'tcp://127.0.0.1:*' --exec 'echo >started; sleep 60'
    start req req --connect "$(endpoint rep)"
    read -r _ <started
    pkill -TERM -P "$(cat rep.pid)"
    exits 143 finish rep
}

claim_req_without_a_reply_exits_with_3() {
    start dealer dealer --bind 'tcp://127.0.0.1:*'
    exits 3 cero req --connect "ipc://$PWD/socket" --timeout 50 <<<x 2>1.err
    grep -q 'no peer' 1.err
    start router router --bind 'tcp://127.0.0.1:*' --count 1 --timeout 9000
    exits 3 cero req --connect "$(endpoint router)" --timeout 300 <<<x 2>2.err
    grep -q 'no reply' 2.err
}

claim_rep_ends_when_nothing_is_left_to_reply_with() {
    start rep rep --bind 'tcp://127.0.0.1:*'
    finish rep
    [ ! -s rep.out ]
}

claim_rep_that_owes_a_reply_exits_with_1() {
    mkfifo rep.in
    exec 3<>rep.in
    start rep rep --bind 'tcp://127.0.0.1:*' 3>&-
    echo question >req.in
    start req req --connect "$(endpoint rep)" 3>&-
    until [ -s rep.out ]; do sleep 0.02; done
    exec 3>&-
    exits 1 finish rep
    grep -q 'no reply' rep.err
}

claim_rep_without_requests_exits_with_3() {
    exits 3 cero rep --bind 'tcp://127.0.0.1:*' --echo --timeout 50 2>err
    grep -q '0 messages' err
}

claim_router_replies_to_the_identity_it_shows() {
    mkfifo router.in
    exec 3<>router.in
    start router router --bind 'tcp://127.0.0.1:*'
    printf 'a\ttab\n' >req.in
    start req req --connect "$(endpoint router)" --id anna
    until [ -s router.out ]; do sleep 0.02; done
    [ "$(cat router.out)" = $'anna\t\ta\\ttab' ]
    printf 'anna\t\tfine\\x21\n' >&3
    finish req
    [ "$(cat req.out)" = 'fine!' ]
}

claim_router_and_dealer_talk_in_hex() {
    mkfifo router.in
    exec 3<>router.in
    start router router --bind "ipc://$PWD/socket" --format hex -m :
    echo 00ff:0a >dealer.in
    start dealer dealer --connect "$(endpoint router)" --format hex -m : \
        --count 1
    until [ -s router.out ]; do sleep 0.02; done
    identity=$(cut -d : -f 1 router.out)
    [ "$(cat router.out)" = "$identity:00ff:0a" ]
    echo "$identity:4F::6b" >&3
    finish dealer
    [ "$(cat dealer.out)" = 4f::6b ]
}

claim_router_tells_of_identities_that_are_not_there() {
    start dealer dealer --bind 'tcp://127.0.0.1:*' --count 1
    printf 'nobody\tx\npeer\ty\nlonely\n' >router.in
    start router router --connect "$(endpoint dealer)" --peer-id peer
    exits 1 finish router
    finish dealer
    [ "$(cat dealer.out)" = y ]
    grep -q "nobody.*no peer" router.err
    grep -q "lonely.*separator" router.err
}

run_claims
