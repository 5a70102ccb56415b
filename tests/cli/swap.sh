#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
#
# examples/swap.c does what docs/swap.md says of it: three meters that do not
# wait, of which the second is killed, and a collector that comes in between.
set -euo pipefail

swap=${CZ_BUILD_DIR:?}/examples/swap
[ -x "$swap" ] || exit 77
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir spool
endpoint=ipc://$work/collector

"$swap" meter "$endpoint" spool 1 500
ls spool/cero-*.swap >/dev/null

# Each number is on the disk before the next is sent, so this one has long
# something to do when it is killed.
"$swap" meter "$endpoint" spool 501 1000000000 &
meter=$!
until [ "$(stat -c %s spool/cero-*.swap)" -gt 12000 ]; do sleep 0.01; done
kill -9 "$meter"
wait "$meter" || true

timeout 30 "$swap" collector "$endpoint" 2000000000 >numbers &
collector=$!
"$swap" meter "$endpoint" spool 2000000000 2000000000
# That one may have ended before the collector had everything, or before it had
# noted that. Then the collector may be done with numbers still in the spool,
# which nobody is left to take.
until [ -z "$(ls spool)" ] || [ -z "$(jobs -r)" ]; do
    "$swap" meter "$endpoint" spool 2000000000 2000000000
done
wait "$collector"
last=$(tail -2 numbers | head -1)
seq 1 "$last" >expected
echo 2000000000 >>expected
cmp numbers expected
[ "$last" -gt 500 ]
echo "$last numbers, none missing"
