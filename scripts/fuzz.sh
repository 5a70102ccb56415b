#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
#
# fuzz.sh <seconds>: runs every fuzz target for that long, starting from
# its corpus and from what earlier runs found. A crash leaves its input in
# build/fuzz/corpus/<target>/crash-*.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
scripts/build.sh fuzz all
for program in build/fuzz/tests/fuzz.*; do
    [ -x "$program" ] || continue
    name=${program##*/fuzz.}
    found=build/fuzz/corpus/$name
    corpus=("$found")
    mkdir -p "$found"
    if [ -d "tests/fuzz/corpus/$name" ]; then
        corpus+=("tests/fuzz/corpus/$name")
    fi
    echo "== $name, $seconds s"
    "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 \
        -artifact_prefix="$found/" -print_final_stats=1 -verbosity=0 \
        "${corpus[@]}" </dev/null
done
