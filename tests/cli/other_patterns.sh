#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
#
# stream, proxy, monitor, and options that all patterns have.
# shellcheck disable=SC2317 # run_claims calls the claims
. "$(dirname "$0")/lib/claims.bash"

claim_stream_talks_to_a_bare_tcp_peer() {
    mkfifo stream.in
    exec 3<>stream.in
    start stream stream --bind 'tcp://127.0.0.1:*' --format hex
    port=$(endpoint stream)
    exec 4<>"/dev/tcp/127.0.0.1/${port##*:}"
    printf 'hello' >&4
    until [ "$(grep -c . stream.out)" -ge 2 ]; do sleep 0.02; done
    identity=$(head -n 1 stream.out | cut -f 1)
    printf '%s\t\n%s\t68656c6c6f\n' "$identity" "$identity" |
        cmp - stream.out
    printf '%s\t776f726c640a\n%s\t\n' "$identity" "$identity" >&3
    [ "$(timeout 20 cat <&4)" = world ]
}

claim_stream_names_the_peer_that_it_connects_to() {
    start rep stream --bind 'tcp://127.0.0.1:*' --count 2 --format quoted
    printf 'web\tGET /\\n\n' >stream.in
    start stream stream --connect "$(endpoint rep)" --peer-id web
    finish rep
    tail -n 1 rep.out | cut -f 2 | cmp - <(printf '%s\n' 'GET /\n')
}

claim_proxy_spreads_questions_over_workers() {
    start proxy proxy -f "router@ipc://$PWD/front" -b "dealer@ipc://$PWD/back"
    start rep rep --connect "ipc://$PWD/back" --echo --count 100
    seq 1 100 >req.in
    start req req --connect "ipc://$PWD/front"
    finish req
    finish rep
    cmp req.in req.out
    pkill -TERM -P "$(cat proxy.pid)"
    exits 143 finish proxy
}

claim_proxy_publishes_and_captures() {
    start proxy proxy -f 'xsub@tcp://127.0.0.1:*' -b "xpub@ipc://$PWD/back" \
        -C "push>ipc://$PWD/capture"
    start pull pull --bind "ipc://$PWD/capture" --count 3
    start sub sub --connect "ipc://$PWD/back" -s b --count 2
    printf 'a\nb\nbc\n' >pub.in
    start pub pub --connect "$(endpoint proxy)"
    finish sub
    printf 'b\nbc\n' | cmp - sub.out
    finish pull # the subscription and two messages
    tail -n 2 pull.out | cmp - sub.out
    pkill -INT -P "$(cat proxy.pid)"
    exits 130 finish proxy
}

claim_proxy_says_what_it_needs() {
    exits 2 cero proxy 2>1.err
    exits 2 cero proxy -f router@tcp://127.0.0.1:1 2>2.err
    exits 2 cero proxy -f wrouter@tcp://127.0.0.1:1 -b dealer@ipc://x 2>3.err
    exits 2 cero proxy -f router@ipc://x -f dealer@ipc://x 2>4.err
    exits 2 cero proxy -f router@inproc://x -b dealer@ipc://x 2>5.err
    exits 1 cero proxy -f router@here -b "dealer@ipc://$PWD/x" 2>6.err
    grep -q 'backend' 2.err
    grep -q 'TYPE@ENDPOINT' 3.err
    grep -q 'router or dealer' 4.err
    grep -q 'here.*tcp://' 6.err
}

claim_monitor_prints_the_events() {
    start monitor monitor pull --bind 'tcp://127.0.0.1:*' --count 3
    cero push --connect "$(endpoint monitor)" <<<x &
    finish monitor
    at=$(endpoint monitor)
    grep -qE "^listening $at fd [0-9]+$" monitor.out
    grep -qE "^accepted $at fd [0-9]+$" monitor.out
    grep -qE "^handshake_succeeded $at" monitor.out
}

claim_monitor_shows_why_a_peer_is_not_there() {
    cero monitor sub --connect "ipc://$PWD/nobody" --count 3 >out
    grep -qE "^connect_retried ipc://$PWD/nobody [0-9]+ ms$" out
    exits 3 cero monitor pub --bind 'tcp://127.0.0.1:*' -n 9 -t 50 >out 2>err
    exits 2 cero monitor --bind 'tcp://127.0.0.1:*' 2>err
    exits 2 cero monitor bub --bind 'tcp://127.0.0.1:*' 2>err
}

claim_interval_lets_time_pass() {
    start pull pull --bind 'tcp://127.0.0.1:*' --count 3
    start=$(date +%s%N)
    seq 1 3 | cero push --connect "$(endpoint pull)" --interval 150
    finish pull
    [ $((($(date +%s%N) - start) / 1000000)) -ge 300 ]
}

claim_an_interval_is_no_timeout() {
    start pull pull --bind 'tcp://127.0.0.1:*' --count 2
    seq 1 2 | cero push --connect "$(endpoint pull)" --interval 400 \
        --timeout 300
    finish pull
}

claim_push_waits_for_its_peers() {
    seq 1 2 >push.in
    start push push --bind 'tcp://127.0.0.1:*' --wait 2
    start one pull --connect "$(endpoint push)" --count 1
    told one "ready with"
    start two pull --connect "$(endpoint push)" --count 1
    finish push
    finish one
    finish two
    sort one.out two.out | cmp - push.in
}

claim_formats_write_any_byte_and_read_it_back() {
    printf '%b' "$(printf '\\x%02x' {0..255})" >bytes
    for format in quoted hex; do
        start pull pull --bind 'tcp://127.0.0.1:*' -n 1 --format "$format"
        cero push --connect "$(endpoint pull)" --file bytes
        finish pull
        cp pull.out push.in
        start pull pull --bind 'tcp://127.0.0.1:*' -n 1 --raw
        cero push --connect "$(endpoint pull)" --format "$format" <push.in
        finish pull
        cmp bytes pull.out
    done
}

claim_text_that_the_format_does_not_know_exits_with_1() {
    exits 1 cero push -b 'tcp://127.0.0.1:*' --format hex <<<abc 2>1.err
    exits 1 cero push -b 'tcp://127.0.0.1:*' --format hex <<<xy 2>2.err
    exits 1 cero push -b 'tcp://127.0.0.1:*' --format quoted <<<'\y' 2>3.err
    exits 1 cero push -b 'tcp://127.0.0.1:*' --format quoted <<<'\x1' 2>4.err
    exits 2 cero push -b 'tcp://127.0.0.1:*' --format rot13 2>5.err
    exits 2 cero push -b 'tcp://127.0.0.1:*' --format hex -m a 2>6.err
    exits 2 cero rep -b 'tcp://127.0.0.1:*' --echo -f x 2>7.err
    exits 2 cero router -b 'tcp://127.0.0.1:*' --peer-id x 2>8.err
    grep -q 'hex' 2.err
}

run_claims
