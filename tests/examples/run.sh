#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
#
# run.sh <program> <file>: the example ends well and prints what the file
# has. As its argument it is given a tcp endpoint, for those that want one: on
# a loopback address of its own, so that nobody else has it.
set -euo pipefail

program=$1
expected=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

address=127.$((64 + ($$ >> 16 & 63))).$(($$ >> 8 & 255)).$(($$ & 255))
"$program" "tcp://$address:20001" >out
diff "$expected" out
