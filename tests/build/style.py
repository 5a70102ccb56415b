#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""The measurable part of how our files look.

A licence line, an opening comment, at most 80 columns, no tabs, no blanks
at the end, files of at most 600 lines, functions of at most 70, and no
notes to ourselves.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ("src", "include", "tests", "tools", "bench", "examples", "cmake",
           "scripts", ".ci")
CODE = {".c", ".h", ".cpp"}
SCRIPTS = {".sh", ".py", ".cmake"}
FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70
COLUMNS_MAX = 80
# The public header is one file by its nature, and half of it is prose.
LONG_FILES = {"include/zmq.h"}

errors = []


def complain(path, number, text):
    errors.append(f"{path.relative_to(ROOT)}:{number}: {text}")


def check_lines(path, lines):
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS_MAX:
            complain(path, number, f"{len(line)} columns")
        if "\t" in line and path.name != "Makefile":
            complain(path, number, "a tab")
        if line != line.rstrip():
            complain(path, number, "blanks at the end")
        if re.search(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b", line):
            complain(path, number, "a note to ourselves")


def check_functions(path, lines):
    """A body lies between two braces in the first column."""
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line.startswith("}") and start is not None:
            if number - start - 1 > FUNCTION_LINES_MAX:
                complain(path, start, f"{number - start - 1} lines of body")
            start = None


def check_file(path):
    text = path.read_text()
    lines = text.splitlines()
    if not any("SPDX-License-Identifier: MPL-2.0" in line
               for line in lines[:3]):
        complain(path, 1, "no licence line")
    if not text.endswith("\n"):
        complain(path, len(lines), "no end of line at the end")
    if (len(lines) > FILE_LINES_MAX
            and str(path.relative_to(ROOT)) not in LONG_FILES):
        complain(path, len(lines), f"more than {FILE_LINES_MAX} lines")
    check_lines(path, lines)
    if path.suffix in CODE:
        if len(lines) < 2 or not lines[1].startswith("/*"):
            complain(path, 2, "no opening comment")
        check_functions(path, lines)


def ours():
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and (path.suffix in CODE | SCRIPTS
                                   or path.name == "CMakeLists.txt"):
                yield path
    yield ROOT / "CMakeLists.txt"
    yield ROOT / "Makefile"
    yield ROOT / ".ci" / "run"


count = 0
for file in ours():
    check_file(file)
    count += 1
print("\n".join(errors) if errors else f"{count} files are in style")
sys.exit(1 if errors else 0)
