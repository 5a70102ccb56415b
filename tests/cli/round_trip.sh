#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
#
# What goes in comes out, byte for byte, over every transport and framing.
# shellcheck disable=SC2317 # run_claims calls the claims
. "$(dirname "$0")/lib/claims.bash"

# same TRANSPORT-ENDPOINT COUNT FRAMING: sends push.in and compares.
same() {
    start pull pull --bind "$1" --count "$2" "$3"
    cero push --connect "$(endpoint pull)" "$3" <push.in
    finish pull
    cmp push.in pull.out
}

claim_lines_arrive_over_tcp() {
    seq 1 5000 >push.in
    same 'tcp://127.0.0.1:*' 5000 --lines
}

claim_lines_arrive_over_ipc() {
    seq 1 5000 >push.in
    same "ipc://$PWD/socket" 5000 --lines
}

claim_empty_lines_are_empty_messages() {
    printf '\n\na\n\n' >push.in
    same 'tcp://127.0.0.1:*' 4 --lines
}

claim_nul_bytes_pass_in_lines() {
    printf 'a\0b\n\0\n' >push.in
    same 'tcp://127.0.0.1:*' 2 --lines
}

claim_a_last_line_without_newline_is_a_message() {
    start pull pull --bind 'tcp://127.0.0.1:*' --count 2
    printf 'one\ntwo' | cero push --connect "$(endpoint pull)"
    finish pull
    printf 'one\ntwo\n' | cmp - pull.out
}

# Records of 0, 1, 255, 256 and 70000 bytes of anything.
make_records() {
    local size
    for size in 0 1 255 256 70000; do
        printf '%b' "$(printf '\\x%02x\\x%02x\\x%02x\\x%02x' \
            $((size >> 24)) $((size >> 16 & 255)) \
            $((size >> 8 & 255)) $((size & 255)))"
        head -c "$size" /dev/urandom
    done
}

claim_length_prefixed_is_binary_safe_over_tcp() {
    make_records >push.in
    same 'tcp://127.0.0.1:*' 5 --length-prefixed
}

claim_length_prefixed_is_binary_safe_over_ipc() {
    make_records >push.in
    same "ipc://$PWD/socket" 5 --length-prefixed
}

claim_a_large_file_is_one_message() {
    head -c 20000000 /dev/urandom >file
    start pull pull --bind "ipc://$PWD/socket" --count 1 --raw
    cero push --connect "$(endpoint pull)" --file file
    finish pull
    cmp file pull.out
}

claim_files_keep_their_order_and_stdin_may_be_one() {
    printf a >first
    printf c >third
    start pull pull --bind 'tcp://127.0.0.1:*' --count 3
    printf b | cero push --connect "$(endpoint pull)" -f first - third
    finish pull
    printf 'a\nb\nc\n' | cmp - pull.out
}

claim_a_line_of_megabytes_arrives_whole() {
    head -c 3000000 /dev/zero | tr '\0' x >push.in
    echo >>push.in
    same 'tcp://127.0.0.1:*' 1 --lines
}

claim_many_peers_lose_nothing() {
    seq 1 30000 >push.in
    start push push --bind 'tcp://127.0.0.1:*' --bind "ipc://$PWD/socket"
    start one pull --connect "$(endpoint push)" --timeout 3000
    start two pull --connect "ipc://$PWD/socket" --timeout 3000
    finish push
    # One of them may get nothing at all if the other was so fast.
    finish one || [ $? -eq 3 ]
    finish two || [ $? -eq 3 ]
    sort -n one.out two.out | cmp - push.in
}

run_claims
