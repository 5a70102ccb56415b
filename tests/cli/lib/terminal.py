#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""terminal.py TEXT KEY COMMAND...: runs the command on a terminal, presses the
key (q, ctrl-c or nothing) as soon as it shows the text, and ends as it does."""

import fcntl
import os
import pty
import struct
import sys
import termios
import time

KEYS = {"q": b"q", "ctrl-c": b"\x03", "nothing": b""}
DEADLINE_S = 20


def main():
    text, key = sys.argv[1].encode(), KEYS[sys.argv[2]]
    pid, fd = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm"
        size = struct.pack("HHHH", 40, 160, 0, 0)
        fcntl.ioctl(0, termios.TIOCSWINSZ, size)
        os.execvp(sys.argv[3], sys.argv[3:])
    shown = b""
    is_pressed = False
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        try:
            part = os.read(fd, 65536)
        except OSError:
            break
        if not part:
            break
        shown += part
        if text in shown and not is_pressed:
            is_pressed = True
            os.write(fd, key)
    status = os.waitpid(pid, 0)[1]
    if not is_pressed:
        print(f"did not show {text!r} but {shown!r}", file=sys.stderr)
        return 99
    return os.waitstatus_to_exitcode(status)


sys.exit(main())
