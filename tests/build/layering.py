#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""No file includes a higher floor, or a sibling on its own floor.

Also the two seams: only src/os calls the operating system, and only
src/base/alloc.c the allocator.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FLOORS = {"base": 1, "os": 2, "msg": 3, "reactor": 4, "wire": 4, "core": 5,
          "net": 6, "pattern": 6, "type": 7, "api": 8}
PUBLIC = {"zmq.h", "ceromq.h"}

# Headers that a program needs in order to call the system: their place is
# src/os. Types and numbers alone (sys/types.h, sys/uio.h) are harmless.
SYSTEM = re.compile(
    r"(pthread|sched|semaphore|threads|time|poll|unistd|fcntl|netdb|dirent|"
    r"sys/(socket|epoll|select|poll|eventfd|timerfd|mman|syscall|ioctl|time|"
    r"stat|un|random|resource)|linux/\w+|netinet/\w+|arpa/inet|net/if|"
    r"ifaddrs)\.h")
# Where a header above gives constants that are part of our interface.
SYSTEM_ALLOWED = set()
ALLOCATOR = re.compile(r"(?<![\w.>])(malloc|calloc|realloc|free|strdup|"
                       r"strndup|aligned_alloc|posix_memalign)\s*\(")
# zmq_recviov hands out blocks that its caller gives to free().
ALLOCATOR_ALLOWED = {"src/base/alloc.c", "src/api/iov.c"}

errors = []


def complain(path, number, text):
    errors.append(f"{path.relative_to(ROOT)}:{number}: {text}")


def check_include(path, number, name, floors_below):
    """One #include "name" in a file that may see floors_below and its own
    folder."""
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
    elif target != folder and FLOORS[target] >= floors_below:
        complain(path, number, f"{folder} must not see {name}")


def without_comments(text):
    """The code alone, with its line numbers kept."""
    pattern = r'"(?:\\.|[^"\\\n])*"|/\*.*?\*/|//[^\n]*'

    def blank(match):
        if match.group().startswith('"'):
            return match.group()
        return "\n" * match.group().count("\n")
    return re.sub(pattern, blank, text, flags=re.S)


def check_file(path):
    relative = str(path.relative_to(ROOT))
    folder = path.relative_to(ROOT / "src").parts[0]
    if folder not in FLOORS:
        complain(path, 1, f"{folder} is no floor of this house")
        return
    code = without_comments(path.read_text())
    for number, line in enumerate(code.splitlines(), 1):
        own = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        system = re.match(r"\s*#\s*include\s+<([^>]+)>", line)
        if own:
            check_include(path, number, own.group(1), FLOORS[folder])
        elif (system and folder != "os" and SYSTEM.fullmatch(system.group(1))
              and (relative, system.group(1)) not in SYSTEM_ALLOWED):
            complain(path, number, f"<{system.group(1)}>: only src/os may")
        if relative not in ALLOCATOR_ALLOWED and ALLOCATOR.search(line):
            complain(path, number, "memory comes from base/alloc.h only")


files = sorted(path for path in (ROOT / "src").rglob("*.[ch]"))
for file in files:
    check_file(file)
print("\n".join(errors) if errors else f"{len(files)} files keep the floors")
sys.exit(1 if errors or not files else 0)
