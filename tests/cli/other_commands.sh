#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
#
# version and bench.
# shellcheck disable=SC2317 # run_claims calls the claims
. "$(dirname "$0")/lib/claims.bash"

claim_version_names_tool_library_and_features() {
    cero version >out
    grep -qE '^cero +[0-9]+\.[0-9]+\.[0-9]+$' out
    grep -qE '^library .*ZeroMQ interface 4\.[0-9]+\.[0-9]+$' out
    grep -q '^has .*ipc' out
    grep -qE '^reactors epoll .*select' out
    cero --version | cmp - out
}

claim_bench_measures_every_transport() {
    for transport in inproc ipc tcp; do
        cero bench --transport "$transport" --count 2000 --size 100 >out
        grep -qE '^throughput .* 100 B .*msg/s' out
        grep -qE '^latency .* 100 B .*p50' out
    done
}

claim_bench_takes_an_endpoint() {
    cero bench latency -n 100 --endpoint "ipc://$PWD/socket" >out
    grep -q "^latency .*$PWD/socket" out
    exits 1 cero bench latency --endpoint nowhere 2>err
    grep -q nowhere err
}

claim_bench_of_empty_messages_works() {
    cero bench --count 1000 --size 0 >out
}

claim_bench_ends_with_130_on_sigint() {
    cero bench throughput --count 900000000 >out &
    until [ -s out ]; do sleep 0.02; done
    pkill -INT -P $!
    exits 130 wait $!
}

run_claims
