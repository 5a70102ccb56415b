#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
#
# run.sh <program> <file>: the example ends well and prints what the file
# has. As its argument it is given a tcp endpoint, for those that want one:
# a port below those that the system hands out by itself, and another one if
# somebody has that already.
set -euo pipefail

program=$1
expected=$2
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT

for try in 1 2 3 4 5; do
    port=$((10000 + ($$ + try * 7919) % 20000))
    if "$program" "tcp://127.0.0.1:$port" >out 2>err; then
        diff "$expected" out
        exit
    fi
    grep -q "Address already in use" err || break
done
cat out err
exit 1
