#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
#
# log and stats look into running processes, by the files that these keep in
# CERO_STATS_DIR; and the example of docs/log.md and docs/stats.md.
# shellcheck disable=SC2317 # run_claims calls the claims
. "$(dirname "$0")/lib/claims.bash"

# receiver COUNT: a pull in the background that publishes in ./dir and gets 100
# messages of 2 to 3 bytes.
receiver() {
    mkdir -p dir
    CERO_STATS_DIR=$PWD/dir start pull pull --bind 'tcp://127.0.0.1:*' \
        --count "$1"
    where=$(endpoint pull)
    seq 10 109 | cero push --connect "$where"
}

# eventually TEXT COMMAND...: until the command prints the text.
eventually() {
    local text=$1 end=$((SECONDS + deadline_s))
    shift
    until "$@" >out && grep -qF -- "$text" out; do
        if [ "$SECONDS" -ge "$end" ]; then
            echo "no '$text' in: $(cat out)" >&2
            return 1
        fi
        sleep 0.05
    done
}

claim_stats_prints_what_a_process_counts() {
    receiver 101
    eventually 'messages_in=100 bytes_in=410' cero stats --dir dir
    grep -q '^process [0-9]* cero pull$' out
    grep -q '^  PULL 1 messages_in=100 bytes_in=410 accepts=1' out
}

claim_log_prints_what_has_happened_and_follows() {
    receiver 101
    cero log --dir dir --topic disconnect.tcp --count 1 >out
    grep -qE "^[0-9]+ disconnect.tcp \{.*\"endpoint\":\"$where\"" out
    timeout --foreground 20 "$cero" log --dir dir >all &
    until [ -s all ]; do sleep 0.02; done
    echo one | cero push --connect "$where"
    # It ends with the last process that it has to follow.
    wait $!
    finish pull
    grep -q '^[0-9]* accept.tcp {"time":' all
    [ "$(tail -n 1 all | cut -d' ' -f2)" = socket.close ] ||
        grep -q ' ctx.term ' all
    cut -d' ' -f3- all | while read -r line; do
        python3 -c 'import json, sys; json.loads(sys.argv[1])' "$line"
    done
}

claim_log_gives_up_after_timeout_and_can_look_once() {
    receiver 101
    exits 3 cero log --dir dir --topic nothing --timeout 50 2>err
    grep -q '0 events came' err
    cero log --dir dir --once >out
    grep -q ' listen.tcp ' out
}

claim_a_scraper_is_served() {
    receiver 101
    eventually 'type="PULL"} 100' cero stats --dir dir --prometheus
    grep -qE '^ceromq_socket_messages_in_total\{pid="[0-9]+",.*\} 100$' out
    grep -q '^# TYPE ceromq_pipe_queued_in gauge$' out
    timeout --foreground 20 "$cero" stats --dir dir \
        --prometheus=127.0.0.1:0 2>server.err &
    echo $! >server.pid
    until grep -q 'listening at' server.err; do sleep 0.02; done
    at=$(sed -n 's/.*listening at //p' server.err)
    printf 'web\tGET /metrics HTTP/1.0\\r\\n\\r\\n\n' |
        cero stream --connect "$at" --peer-id web --timeout 2000 >answer || true
    grep -q 'HTTP/1.1 200 OK' answer
    grep -q 'ceromq_context_sockets{' answer
    printf 'web\tPOST / HTTP/1.0\\r\\n\\r\\n\n' |
        cero stream --connect "$at" --peer-id web --timeout 2000 >answer || true
    grep -q '405 Method Not Allowed' answer
    kill -TERM "$(cat server.pid)"
    exits 143 wait "$(cat server.pid)"
}

claim_who_died_is_passed_over() {
    mkdir dir
    CERO_STATS_DIR=$PWD/dir "$cero" pull --bind 'tcp://127.0.0.1:*' \
        2>/dev/null &
    local pid=$!
    eventually "process $pid" cero stats --dir dir --pid "$pid" 2>/dev/null
    kill -KILL "$pid"
    wait "$pid" || true
    [ -e dir/cero-"$pid"-1.stats ]
    exits 1 cero stats --dir dir 2>err
    grep -q 'no running process publishes here' err
}

claim_files_of_others_are_passed_over() {
    mkdir dir
    head -c 5000 /dev/urandom >dir/cero-1-1.stats
    : >dir/cero-2-1.stats
    exits 1 cero stats --dir dir 2>err
    exits 1 cero log --dir dir 2>err
}

claim_the_directory_must_be_known_and_there() {
    exits 2 env -u CERO_STATS_DIR "$cero" stats 2>err
    grep -q 'CERO_STATS_DIR' err
    exits 1 cero log --dir nowhere 2>err
    grep -q nowhere err
}

claim_the_example_of_the_documents_works() {
    "$CZ_BUILD_DIR/examples/observe" >out
    grep -qE '^connect.tcp \{"time":.*"type":"PUSH"' out
    grep -qE '^accept.tcp \{"time":.*"peer":"127.0.0.1"' out
    grep -qE '^PUSH tcp://127.0.0.1:[0-9]+: 1000 out, 0 in$' out
    grep -qE '^PULL tcp://127.0.0.1:[0-9]+: 0 out, 1000 in$' out
}

run_claims
