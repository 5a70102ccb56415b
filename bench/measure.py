# SPDX-License-Identifier: MPL-2.0
"""Runs one measurement on one side, and says what went wrong if it did."""

import os
import shutil
import signal
import subprocess
import tempfile

TIMEOUT_S = 60


class Failure(Exception):
    """A run that gave no result; the text fits into a table."""


def _run(argv, env, timeout_s=TIMEOUT_S):
    """The output of a program that ends by itself, in its own group."""
    process = subprocess.Popen(argv, env=env, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True,
                               start_new_session=True)
    try:
        out, err = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        raise Failure("hangs") from None
    finally:
        # A child that outlived the measurement would disturb the next one.
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
    if process.returncode < 0:
        raise Failure(f"crashed ({signal.Signals(-process.returncode).name})")
    if process.returncode != 0:
        lines = err.strip().splitlines() or ["failed"]
        text = lines[0].replace("benchmark: ", "").replace(argv[0] + ": ", "")
        raise Failure(text[:60])
    return out


def _values(out):
    """The key=value pairs of a program's one line."""
    pairs = (word.split("=", 1) for word in out.split() if "=" in word)
    return {key: float(value) for key, value in pairs}


def _count_calls(argv, env, trips):
    """System calls of all processes of a run, in total."""
    with tempfile.NamedTemporaryFile() as report:
        _run(["strace", "-f", "-c", "-U", "calls,name", "-o", report.name,
              *argv, f"count={trips}"], env)
        report.seek(0)
        for line in report.read().decode().splitlines():
            if line.split()[-1:] == ["total"]:
                return int(line.split()[0])
    raise Failure("no total from strace")


def _calls_per_trip(argv, env):
    """The difference of two runs, so that set-up and end do not count."""
    if not shutil.which("strace"):
        raise Failure("strace is missing")
    few, many = 200, 1200
    calls = _count_calls(argv, env, many) - _count_calls(argv, env, few)
    return {"calls": calls / (many - few)}


def measure(command, directory, library, extra_env, seconds):
    """Runs `command` with the libzmq.so.5 of `library`, or with none."""
    words = command.split()
    env = dict(os.environ, **extra_env)
    if library:
        env["LD_LIBRARY_PATH"] = str(library)
    counts_calls = words[0] == "syscalls"
    if counts_calls:
        words = words[1:]
    argv = [str(directory / words[0]), *words[1:]]
    if counts_calls:
        return _calls_per_trip(argv, env)
    return _values(_run(argv + [f"seconds={seconds}"], env))


def loaded_library(program, library):
    """The file that the loader takes for libzmq.so.5."""
    env = dict(os.environ, LD_LIBRARY_PATH=str(library),
               LD_TRACE_LOADED_OBJECTS="1")
    for line in _run([str(program)], env).splitlines():
        words = line.split()
        if words and words[0].startswith("libzmq.so") and len(words) > 2:
            return os.path.realpath(words[2])
    raise Failure(f"{program} does not load libzmq.so.5")
