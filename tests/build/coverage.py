#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""docs/api-coverage.md has a row for everything in the stable zmq.h, and each
row names tests that exist, one of which at least speaks of its subject."""

import os
import re
import sys
from pathlib import Path

ROOT = Path(os.environ.get("CZ_SOURCE_DIR", "."))

# What is no function, option, type, flag or event: versions and features,
# defaults, kinds of mechanisms, names and errors, which belong to others; and
# what is built nowhere.
OTHERS = re.compile(
    r"ZMQ_(VERSION(_\w+)?|MAKE_VERSION|EXPORT|HAUSNUMERO|\w+_DFLT"
    r"|DEFINED_STDINT|HAS_CAPABILITIES|HAVE_TIMERS|PROTOCOL_ERROR_\w+"
    r"|NULL|PLAIN|CURVE|GSSAPI|GSSAPI_NT_\w+|EVENT_ALL|GROUP_MAX_LENGTH"
    r"|STREAMER|FORWARDER|QUEUE|VMCI_\w+)")
ROW = re.compile(r"\| `(\w+)` \| (.*?) \|")


def stable_part(header):
    """The header without what the draft interface adds."""
    lines = []
    is_draft = []
    for line in header.splitlines():
        if re.match(r"#\s*if", line):
            is_draft.append("ZMQ_BUILD_DRAFT_API" in line)
        if not any(is_draft):
            lines.append(line)
        if re.match(r"#\s*endif", line):
            is_draft.pop()
    return "\n".join(lines)


def declared(header):
    """Functions, and constants that are not other names of constants."""
    names = re.findall(r"^ZMQ_EXPORT [^(]*?\b(zmq_\w+)\(", header, re.M)
    for name, value in re.findall(r"^#define (ZMQ_\w+)\s+(\S+)", header, re.M):
        if not OTHERS.fullmatch(name) and not value.startswith("ZMQ_"):
            names.append(name)
    return names


def row_faults(name, tests):
    files = re.findall(r"`([^`]+)`", tests)
    texts = []
    for file in files:
        path = ROOT / "tests" / file
        if path.is_file():
            texts.append(path.read_text())
        else:
            yield f"{name}: there is no tests/{file}"
    if not any(re.search(rf"\b{name}\b", text) for text in texts):
        yield f"{name}: {', '.join(files) or 'no test'} does not speak of it"


def main():
    names = declared(stable_part((ROOT / "include/zmq.h").read_text()))
    page = (ROOT / "docs/api-coverage.md").read_text()
    rows = ROW.findall(page)
    listed = [name for name, _ in rows]
    faults = [f"{name}: no row" for name in names if name not in listed]
    faults += [f"{name}: not in zmq.h, or not stable"
               for name in listed if name not in names]
    faults += [f"{name}: several rows"
               for name in set(listed) if listed.count(name) > 1]
    for name, tests in rows:
        faults += row_faults(name, tests)
    if len(names) < 190:
        faults.append(f"only {len(names)} names: cannot read the header")
    for fault in faults:
        print(fault)
    print(f"{len(names)} names, {len(rows)} rows")
    return 1 if faults else 0


sys.exit(main())
