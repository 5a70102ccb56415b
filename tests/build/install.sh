#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
#
# The installed tree serves other builds: by pkg-config, by
# find_package(ZeroMQ) and, from the sources, by FetchContent. Each way a
# small program is compiled, linked and run, shared and static.
#
# CTest: TIMEOUT 300
# CTest: SERIAL
set -euo pipefail

build=${CZ_BUILD_DIR:?}
source=${CZ_SOURCE_DIR:?}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

fail() {
    echo "$*"
    exit 1
}

cat >"$scratch/program.c" <<'PROGRAM'
#include <ceromq.h>
#include <stdio.h>
#include <zmq.h>

int main(void)
{
    int major, minor, patch;
    zmq_version(&major, &minor, &patch);
    printf("%d.%d.%d ", major, minor, patch);
    cero_version(&major, &minor, &patch);
    printf("%d.%d.%d\n", major, minor, patch);
    return 0;
}
PROGRAM

# For ZeroMQ 2.1, whose two calls are of another form.
cat >"$scratch/classic.c" <<'PROGRAM'
#include <stdio.h>
#include <zmq.h>

int main(void)
{
    void *context = zmq_init(0);
    void *socket = zmq_socket(context, ZMQ_PULL);
    zmq_msg_t msg;
    int rc;

    zmq_msg_init(&msg);
    rc = zmq_recv(socket, &msg, ZMQ_NOBLOCK);
    zmq_msg_close(&msg);
    zmq_close(socket);
    zmq_term(context);
    printf("%d for %d.%d\n", rc, ZMQ_VERSION_MAJOR, ZMQ_VERSION_MINOR);
    return 0;
}
PROGRAM

# expect <program>: it runs, and on the library just built.
expect() {
    local out
    out=$("$@") || fail "$* does not run"
    [ "$out" = "4.3.5 0.1.0" ] || fail "$* says: $out"
}

# Staged below DESTDIR, as a package is made; then used where it lies.
DESTDIR=$scratch/stage cmake --install "$build" --prefix /opt/zmq >/dev/null
prefix=$scratch/stage/opt/zmq
libdir=$(dirname "$(find "$prefix" -name libzmq.a)")
for file in include/{zmq,zmq_utils,zmq_compat2,ceromq}.h; do
    [ -f "$prefix/$file" ] || fail "$file is not installed"
done
[ -L "$libdir/libzmq.so" ] && [ -L "$libdir/libzmq.so.5" ] &&
    [ -f "$libdir/libzmq.so.5.2.5" ] || fail "the links are not installed"

# pkg-config. The staged tree is not where the system looks for libraries.
export PKG_CONFIG_PATH=$libdir/pkgconfig
[ "$(pkg-config --modversion libzmq)" = 4.3.5 ] || fail "pkg-config: version"
[ "$(grep -c '^Name: libzmq$' "$libdir/pkgconfig/libzmq.pc")" = 1 ] ||
    fail "pkg-config: name"
read -ra flags < <(pkg-config --cflags --libs libzmq)
gcc -o "$scratch/by-pkg-config" "$scratch/program.c" "${flags[@]}"
expect env LD_LIBRARY_PATH="$libdir" "$scratch/by-pkg-config"
gcc -o "$scratch/classic" -include zmq_compat2.h "$scratch/classic.c" \
    "${flags[@]}"
out=$(LD_LIBRARY_PATH=$libdir "$scratch/classic")
[ "$out" = "-1 for 2.1" ] || fail "a program for ZeroMQ 2.1 says: $out"
read -ra flags < <(pkg-config --cflags libzmq)
read -ra private < <(sed -n 's/^Libs.private: //p' \
    "$libdir/pkgconfig/libzmq.pc")
gcc -o "$scratch/static" "$scratch/program.c" "${flags[@]}" \
    "$libdir/libzmq.a" "${private[@]}"
expect "$scratch/static"
if [ -x "$prefix/bin/cero" ]; then
    # The tool finds the library from where it lies.
    # Not `grep -q`, which would leave before ldd has finished.
    ldd "$prefix/bin/cero" |
        grep "libzmq.so.5 => $(dirname "$prefix")" >/dev/null ||
        fail "the installed tool does not find the installed library"
fi

# find_package.
mkdir "$scratch/find"
cat >"$scratch/find/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.16)
project(consumer C)
find_package(ZeroMQ 4.3 REQUIRED)
foreach(name IN ITEMS FOUND INCLUDE_DIR LIBRARY STATIC_LIBRARY)
    if(NOT ZeroMQ_${name})
        message(FATAL_ERROR "ZeroMQ_${name} is not set")
    endif()
endforeach()
if(NOT EXISTS "${ZeroMQ_INCLUDE_DIR}/zmq.h")
    message(FATAL_ERROR "ZeroMQ_INCLUDE_DIR: ${ZeroMQ_INCLUDE_DIR}")
endif()
add_executable(shared ../program.c)
target_link_libraries(shared libzmq)
add_executable(static ../program.c)
target_link_libraries(static ${ZeroMQ_STATIC_LIBRARY})
add_executable(classic ../classic.c)
target_compile_options(classic PRIVATE "SHELL:-include zmq_compat2.h")
target_link_libraries(classic libzmq)
CMAKE
cmake -S "$scratch/find" -B "$scratch/find/build" -G Ninja \
    -DCMAKE_PREFIX_PATH="$prefix" >"$scratch/log" 2>&1 &&
    cmake --build "$scratch/find/build" >>"$scratch/log" 2>&1 ||
    { cat "$scratch/log"; fail "find_package(ZeroMQ)"; }
expect "$scratch/find/build/shared"
expect "$scratch/find/build/static"

# FetchContent, which is add_subdirectory underneath.
mkdir "$scratch/fetch"
cat >"$scratch/fetch/CMakeLists.txt" <<CMAKE
cmake_minimum_required(VERSION 3.16)
project(consumer C)
include(FetchContent)
FetchContent_Declare(ceromq SOURCE_DIR "$source")
FetchContent_MakeAvailable(ceromq)
add_executable(shared ../program.c)
target_link_libraries(shared libzmq)
add_executable(static ../program.c)
target_link_libraries(static libzmq-static)
CMAKE
cmake -S "$scratch/fetch" -B "$scratch/fetch/build" -G Ninja \
    -DCMAKE_BUILD_TYPE=Release >"$scratch/log" 2>&1 &&
    cmake --build "$scratch/fetch/build" --target shared static \
        >>"$scratch/log" 2>&1 ||
    { tail -n 40 "$scratch/log"; fail "FetchContent"; }
expect "$scratch/fetch/build/shared"
expect "$scratch/fetch/build/static"
echo "pkg-config, find_package and FetchContent work"
