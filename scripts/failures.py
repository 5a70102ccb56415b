#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Prints the failed tests of a JUnit report, each with its output."""
import sys
import xml.etree.ElementTree as ElementTree

for case in ElementTree.parse(sys.argv[1]).iter("testcase"):
    failure = case.find("failure")
    if failure is None and case.get("status") not in ("fail", "notrun"):
        continue
    if case.find("skipped") is not None:
        continue
    reason = "" if failure is None else failure.get("message", "")
    print(f"---- {case.get('name')}: {reason or 'failed'}")
    print((case.findtext("system-out") or "").rstrip()[-8000:])
