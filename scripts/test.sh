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
# Without a sanitizer a test waits more than it computes: two for each
# processor take 160 s where one takes 255.
many_jobs=${JOBS:-$((2 * $(nproc)))}
scratch=$(mktemp -d)
exec 3>&1
trap 'rm -rf "$scratch"' EXIT

# suite <name> <preset> <directory> <arguments of ctest>...
suite() {
    local name=$1 preset=$2 directory=$3 start=$SECONDS
    local report=$scratch/$1.xml good bad skipped run=() targets=(all)
    shift 3
    echo "== $name: building"
    if [ "$name" = release ]; then
        targets+=(bench-build) # not run, but not to rot either
    fi
    if ! scripts/build.sh "$preset" "${targets[@]}"; then
        echo "== $name: the build failed"
        failed=$((failed + 1))
        return
    fi
    # Older ThreadSanitizers cannot live with much address randomisation.
    if [ "$name" = tsan ] && setarch "$(uname -m)" -R true 2>/dev/null; then
        run=(setarch "$(uname -m)" -R)
    fi
    "${run[@]}" ctest --test-dir "$directory" --quiet \
        --output-on-failure --output-junit "$report" "$@" </dev/null \
        >"$scratch/$name.log" 2>&1
    if [ ! -s "$report" ]; then
        cat "$scratch/$name.log"
        failed=$((failed + 1))
        return
    fi
    # Failures are told on standard error, the numbers come back.
    read -r good bad skipped < <(scripts/report.py "$report" 2>&3) ||
        { good=0 bad=1 skipped=0; }
    passed=$((passed + good))
    failed=$((failed + bad))
    echo "== $name: $good passed, $bad failed, $skipped skipped" \
        "($((SECONDS - start)) s)"
}

release=release
if [ -n "${CI:-}" ]; then
    release=ci
fi
suite release "$release" build -j "$many_jobs" -LE system
# The same claims on the system's libzmq, which has races of its own: what
# fails three times is a wrong claim.
suite system "$release" build -j "$many_jobs" -L system --repeat until-pass:3
suite asan asan build/asan -j "$jobs" -LE slow
suite tsan tsan build/tsan -j "$jobs" -LE slow
suite fuzz fuzz build/fuzz -j "$jobs"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
