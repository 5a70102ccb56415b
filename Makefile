# SPDX-License-Identifier: MPL-2.0
#
# The front door: each target first sees to it that the packages it needs
# are installed (scripts/setup.sh), then leaves the work to CMake or to one
# script. `make help` lists the targets.
.PHONY: all help setup setup-clients build tests demo test bench interop \
	lint format fuzz install clean

DESTDIR ?=
PREFIX ?= /usr/local
export DESTDIR

all: build

help:
	@echo "make           build build/lib/libzmq.so.5 and build/bin/cero"
	@echo "make demo      a real job, spread over several processes"
	@echo "make test      all tests, then the sanitizers, then fuzzing"
	@echo "make bench     compare with the system's libzmq"
	@echo "make interop   libzmq as the peer, and real programs on CeroMQ"
	@echo "make lint      formatting, static analysis, spelling"
	@echo "make format    put all C files into the shape that lint wants"
	@echo "make fuzz      fuzz each parser for a minute"
	@echo "make install   install below DESTDIR and PREFIX"
	@echo "make clean     remove the build directory"

setup:
	@scripts/setup.sh

setup-clients:
	@scripts/setup.sh clients

build: setup
	@scripts/build.sh release libzmq libzmq-static cero

tests: setup
	@scripts/build.sh release all

demo: build
	@scripts/demo.sh

test: setup
	@scripts/test.sh

bench: build
	@scripts/build.sh release bench-build
	@bench/run.sh

interop: setup-clients tests
	@CZ_CLIENTS_REQUIRED=1 ctest --test-dir build --output-on-failure \
		-R '^(interop|clients|clients-system)\.' --no-tests=error

lint: setup
	@scripts/lint.sh

format: setup
	@scripts/lint.sh --fix

fuzz: setup
	@scripts/fuzz.sh 60

install: build
	@cmake --install build --prefix "$(PREFIX)" >/dev/null

clean:
	rm -rf build
