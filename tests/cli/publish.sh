#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
#
# pub, sub, xpub and xsub: topics, and who waits for whom.
# shellcheck disable=SC2317 # run_claims calls the claims
. "$(dirname "$0")/lib/claims.bash"

claim_pub_waits_for_a_subscriber_and_loses_nothing() {
    seq 1 900 >pub.in
    start pub pub --bind 'tcp://127.0.0.1:*'
    start sub sub --connect "$(endpoint pub)" --count 900
    finish pub
    finish sub
    cmp pub.in sub.out
}

claim_pub_connects_and_sub_binds() {
    seq 1 900 >pub.in
    start pub pub --connect "ipc://$PWD/socket"
    start sub sub --bind "ipc://$PWD/socket" --count 900
    finish pub
    finish sub
    cmp pub.in sub.out
}

claim_pub_waits_for_as_many_subscriptions_as_it_is_told() {
    seq 1 100 >pub.in
    start pub pub --bind 'tcp://127.0.0.1:*' --wait 3
    start one sub --connect "$(endpoint pub)" --count 100
    start two sub --connect "$(endpoint pub)" --count 100
    told one "ready with"
    told two "ready with"
    start three sub --connect "$(endpoint pub)" --count 100
    finish one
    finish two
    finish three
    cmp pub.in one.out
    cmp pub.in two.out
    cmp pub.in three.out
}

claim_pub_without_subscribers_exits_with_3() {
    exits 3 cero pub --bind 'tcp://127.0.0.1:*' --timeout 50 <<<x 2>err
    grep -q 'no peer' err
}

claim_pub_that_waits_for_nobody_ends_with_its_input() {
    seq 1 5 | cero pub --bind 'tcp://127.0.0.1:*' --wait 0
}

claim_sub_prints_only_its_topics() {
    printf 'apple 1\nbeer 2\navocado 3\nbeet 4\nend\n' >pub.in
    start pub pub --bind 'tcp://127.0.0.1:*' --wait 3
    start sub sub --connect "$(endpoint pub)" -s app -s beet -s end --count 3
    finish pub
    finish sub
    printf 'apple 1\nbeet 4\nend\n' | cmp - sub.out
}

claim_a_topic_is_a_part_before_each_message() {
    printf 'one\ntwo\n' >pub.in
    start pub pub --bind 'tcp://127.0.0.1:*' --topic news -m ,
    start sub sub --connect "$(endpoint pub)" -s news -m , --count 2
    finish sub
    printf 'news,one\nnews,two\n' | cmp - sub.out
}

claim_xpub_prints_the_subscriptions() {
    start xpub xpub --bind 'tcp://127.0.0.1:*' --format quoted --count 3
    start sub sub --connect "$(endpoint xpub)" -s one -s '' -s two
    finish xpub
    sort xpub.out | cmp - <(printf '%s\n' '\x01' '\x01one' '\x01two')
}

claim_xsub_subscribes_by_option_and_by_message() {
    printf '%s\n' '\x01beet' >xsub.in
    printf 'apple\nbeer\nbeet\nend\n' >pub.in
    start pub pub --bind 'tcp://127.0.0.1:*' --wait 2
    start xsub xsub --connect "$(endpoint pub)" -s app --format quoted \
        --count 2
    finish xsub
    printf 'apple\nbeet\n' | cmp - xsub.out
}

run_claims
