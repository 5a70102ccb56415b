#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
#
# Formatting (clang-format), static analysis (clang-tidy) and spelling
# (codespell) of everything that is ours. Exits with 1 if one complains.
# With --fix it only formats, in place.
set -uo pipefail
cd "$(dirname "$0")/.."

jobs=${JOBS:-$(nproc)}
status=0

mapfile -t files < <(find include src tests tools bench examples \
    -name '*.[ch]' -o -name '*.cpp' | sort)
if [ "${1:-}" = --fix ]; then
    exec clang-format -i "${files[@]}"
fi
echo "== clang-format: ${#files[@]} files"
clang-format --dry-run -Werror "${files[@]}" || status=1

echo "== clang-tidy"
cmake --preset clang >/dev/null || exit 1
mapfile -t sources < <(find src tools -name '*.c' | sort)
printf '%s\n' "${sources[@]}" |
    xargs -P "$jobs" -n 4 clang-tidy -p build/clang --quiet \
        --warnings-as-errors='*' 2>/dev/null || status=1

echo "== codespell"
codespell --ignore-words=.codespellignore \
    --skip='./build*,./.git,./tests/fuzz/corpus,LICENSE' || status=1

if [ "$status" -eq 0 ]; then
    echo "lint: clean"
fi
exit "$status"
