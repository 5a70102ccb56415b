#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""report.py <junit file>: what CTest's report says, made fit for test.sh.

Standard error: each failed test with the end of its output.
Standard output: the numbers passed, failed, skipped.

A test that could not be started counts as failed; CTest itself files it
under skipped.
"""
import sys
import xml.etree.ElementTree as ElementTree

passed = failed = skipped = 0
for case in ElementTree.parse(sys.argv[1]).iter("testcase"):
    skip = case.find("skipped")
    if case.get("status") == "run":
        passed += 1
    elif skip is not None and "SKIP_" in skip.get("message", ""):
        skipped += 1
    else:
        failed += 1
        output = (case.findtext("system-out") or "").rstrip()
        print(f"---- {case.get('name')} failed after {case.get('time')} s:",
              output[-8000:], sep="\n", file=sys.stderr)
print(passed, failed, skipped)
