#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
#
# What `make bench` runs once the programs are built; see docs/benchmarks.md.
exec python3 -B "$(dirname "$0")/run.py" "$@"
