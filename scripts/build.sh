#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
#
# build.sh <preset> <target>...: configures the preset if that is needed and
# builds the targets. Targets that this tree does not have are left out
# (`cero` before the tool exists). Quiet unless something fails or it takes
# long enough to be watched.
set -euo pipefail
cd "$(dirname "$0")/.."

preset=$1
shift
directory=build
if [ "$preset" != release ] && [ "$preset" != ci ]; then
    directory=build/$preset
fi
jobs=${JOBS:-$(nproc)}

# Configuring again is cheap, and picks up a changed preset.
if ! log=$(cmake --preset "$preset" 2>&1); then
    echo "$log" >&2
    exit 1
fi

known=$(cmake --build "$directory" --target help)
targets=()
for target in "$@"; do
    if [ "$target" = all ] || grep -qE "^$target: " <<<"$known"; then
        targets+=("$target")
    fi
done
if [ ${#targets[@]} -eq 0 ]; then
    echo "build.sh: none of $* exists here" >&2
    exit 1
fi
if [ -t 1 ]; then
    exec cmake --build "$directory" -j "$jobs" --target "${targets[@]}"
fi
if ! log=$(cmake --build "$directory" -j "$jobs" \
    --target "${targets[@]}" 2>&1); then
    echo "$log" >&2
    exit 1
fi
