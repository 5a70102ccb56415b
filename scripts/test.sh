#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
#
# All tests: the release build with everything, the same tests under
# AddressSanitizer with UBSan and under ThreadSanitizer, and a short run of
# every fuzz target. Says a line for each; ends with the sum:
#
#     123 passed, 0 failed
#
# Exits with 1 if anything failed. A build that fails counts as a failure,
# and the others still run.
set -uo pipefail
cd "$(dirname "$0")/.."

passed=0
failed=0
jobs=${JOBS:-$(nproc)}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# attribute <name> <file>: a number from the first element of a report.
attribute() {
    local value
    value=$(sed -n "s/^.*<testsuite .*$1=\"\([0-9]*\)\".*/\1/p;
        s/^[[:space:]]*$1=\"\([0-9]*\)\".*/\1/p" "$2" | head -n 1)
    echo "${value:-0}"
}

# suite <name> <preset> <directory> <arguments of ctest>...
suite() {
    local name=$1 preset=$2 directory=$3 start=$SECONDS
    local report=$scratch/$1.xml tests bad skipped run=()
    shift 3
    echo "== $name: building"
    if ! scripts/build.sh "$preset" all; then
        echo "== $name: the build failed"
        failed=$((failed + 1))
        return
    fi
    # Older ThreadSanitizers cannot live with much address randomisation.
    if [ "$name" = tsan ] && setarch "$(uname -m)" -R true 2>/dev/null; then
        run=(setarch "$(uname -m)" -R)
    fi
    "${run[@]}" ctest --test-dir "$directory" -j "$jobs" --quiet \
        --output-on-failure --output-junit "$report" "$@" </dev/null \
        >"$scratch/$name.log" 2>&1
    if [ ! -s "$report" ]; then
        cat "$scratch/$name.log"
        failed=$((failed + 1))
        return
    fi
    tests=$(attribute tests "$report")
    bad=$(attribute failures "$report")
    skipped=$(attribute skipped "$report")
    if [ "$bad" -gt 0 ]; then
        scripts/failures.py "$report"
    fi
    passed=$((passed + tests - bad - skipped))
    failed=$((failed + bad))
    echo "== $name: $((tests - bad - skipped)) passed, $bad failed," \
        "$skipped skipped ($((SECONDS - start)) s)"
}

release=release
if [ -n "${CI:-}" ]; then
    release=ci
fi
suite release "$release" build
suite asan asan build/asan -LE slow
suite tsan tsan build/tsan -LE slow
suite fuzz fuzz build/fuzz

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
