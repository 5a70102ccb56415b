#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
#
# Installs the Debian packages that the build, the tests and the demo need:
# only those that are missing, and without a word if none is. Knows Debian
# and its relatives; elsewhere it only says what it would have installed.
# With the argument `clients`, also the programs of others that
# tests/clients runs on the library.
set -euo pipefail

packages=(
    # the build
    gcc libc6-dev make cmake ninja-build pkg-config binutils
    # CURVE; the build does without it, too
    libsodium-dev
    # the io_uring reactor; likewise
    liburing-dev
    # cero top; the tool does without, too
    libncurses-dev
    # make test: unit tests, the peer to compare with, fuzzing
    libcmocka-dev libzmq3-dev clang libclang-rt-dev python3
    # make bench: counting system calls
    strace
    # make lint
    clang-format clang-tidy codespell
)
if [ "${1:-}" = clients ]; then
    packages+=(
        g++ python3-zmq libczmq-dev cppzmq-dev
        python3-ipykernel python3-jupyter-client ffmpeg
    )
fi

if ! command -v dpkg-query >/dev/null; then
    if ! command -v cmake >/dev/null; then
        echo "setup: no dpkg here; please install: ${packages[*]}" >&2
    fi
    exit 0
fi

missing=()
installed=$(dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' |
    sed -n 's/^ii *//p')
for package in "${packages[@]}"; do
    if ! grep -qxF -- "$package" <<<"$installed"; then
        missing+=("$package")
    fi
done
if [ ${#missing[@]} -eq 0 ]; then
    exit 0
fi

root=()
if [ "$(id -u)" -ne 0 ]; then
    root=(sudo)
fi
install_packages() {
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" \
        </dev/null >/dev/null
}
echo "setup: installing ${missing[*]}"
# The package lists may be absent or stale: fetch them once, then try again.
if ! install_packages 2>/dev/null; then
    "${root[@]}" apt-get update -qq </dev/null
    install_packages
fi
