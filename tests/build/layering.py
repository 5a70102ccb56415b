#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""No file includes a higher floor, or a sibling on its own floor."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FLOORS = {"base": 1, "os": 2, "msg": 3, "reactor": 4, "wire": 4, "core": 5,
          "net": 6, "pattern": 6, "type": 7, "api": 8}
PUBLIC = {"zmq.h", "ceromq.h"}

INCLUDE = re.compile(r'\s*#\s*include\s+(["<])([^">]+)')

errors = []


def complain(path, number, text):
    errors.append(f"{path.relative_to(ROOT)}:{number}: {text}")


def check_include(path, number, name, floor):
    """One #include "name" in a file on that floor."""
    folder = path.relative_to(ROOT / "src").parts[0]
    if name in PUBLIC:
        if folder in ("base", "os"):
            complain(path, number, f"{name} is not for this floor")
        return
    target = name.split("/")[0]
    if "/" not in name or target not in FLOORS:
        complain(path, number, f"{name}: include paths start at src/")
    elif not (ROOT / "src" / name).is_file():
        complain(path, number, f"{name}: no such file below src/")
    elif target != folder and FLOORS[target] >= floor:
        complain(path, number, f"{folder} must not see {name}")


def check_file(path):
    folder = path.relative_to(ROOT / "src").parts[0]
    if folder not in FLOORS:
        complain(path, 1, f"{folder} is no floor of this house")
        return
    for number, line in enumerate(path.read_text().splitlines(), 1):
        include = INCLUDE.match(line)
        if not include:
            continue
        quote, name = include.groups()
        # With <...> only what is ours: there is a <net/if.h>, too.
        if quote == '"' or name in PUBLIC or (ROOT / "src" / name).is_file():
            check_include(path, number, name, FLOORS[folder])


files = sorted(path for path in (ROOT / "src").rglob("*.[ch]"))
for file in files:
    check_file(file)
print("\n".join(errors) if errors else f"{len(files)} files keep the floors")
sys.exit(1 if errors or not files else 0)
