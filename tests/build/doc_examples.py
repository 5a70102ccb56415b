#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Code on our pages is code that the tests run.

Where a page says `From [examples/x.c](../examples/x.c):`, the block of code
that follows is found in that file, line by line and in one piece; and every
example is on a page and is run by a test: what it prints is in
tests/examples, or a script of tests/cli runs it.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^From \[`?([^`\]]+)`?\]\(\.\./\1\):\n\n```c\n(.*?)^```$",
                   re.M | re.S)
errors = []
shown = set()
count = 0


def plain(text):
    """Without indentation and empty lines, which a page may leave out."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def has_piece(lines, piece):
    return any(lines[at:at + len(piece)] == piece
               for at in range(len(lines) - len(piece) + 1))


for page in sorted((ROOT / "docs").glob("*.md")):
    text = page.read_text()
    shown.update(re.findall(r"examples/[\w/]+\.c\b", text))
    for path, block in BLOCK.findall(text):
        count += 1
        if not (ROOT / path).is_file():
            errors.append(f"{page.name}: there is no {path}")
        elif not has_piece(plain((ROOT / path).read_text()), plain(block)):
            errors.append(f"{page.name}: a block is not in {path}:\n{block}")

scripts = "".join(path.read_text()
                  for path in (ROOT / "tests/cli").glob("*.sh"))
for path in sorted((ROOT / "examples").glob("*.c")) + sorted(
        (ROOT / "examples/classic").glob("*.c")):
    example = str(path.relative_to(ROOT))
    name = example.removeprefix("examples/").removesuffix(".c")
    output = ROOT / "tests/examples" / f"{name.replace('/', '.')}.out"
    if example not in shown:
        errors.append(f"{example} is on no page")
    if not output.is_file() and f"examples/{name}" not in scripts:
        errors.append(f"{example} is run by no test")

if count == 0:
    errors.append("no block found: this test cannot read the pages")
print("\n".join(errors) if errors else f"{count} blocks of code are real")
sys.exit(1 if errors else 0)
