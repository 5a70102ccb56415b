#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Compares this library, the system's libzmq and the bare machine.

The sides take turns within every measurement and the whole is repeated, so
that a disturbance hits all of them. See docs/benchmarks.md.
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import time
from pathlib import Path

import chart
import report
from measure import Failure, loaded_library, measure
from rows import ABOVE_OFF_MAX, SPIN_OFF, all_rows

ROOT = Path(__file__).resolve().parent.parent
GIVE_UP_AFTER = 2  # failures of one command on one side


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", default=os.environ.get("ROWS", ""),
                        help="only rows whose name or group matches")
    parser.add_argument("--repeats", type=int,
                        default=int(os.environ.get("REPEATS", "5")))
    parser.add_argument("--seconds", type=float, default=0.4,
                        help="of each measurement, after the warm-up")
    parser.add_argument("--quick", action="store_true",
                        default=bool(os.environ.get("QUICK")),
                        help="three shorter repeats")
    parser.add_argument("--chart", action="store_true",
                        default=bool(os.environ.get("CHART")),
                        help="also draw docs/bench.svg")
    parser.add_argument("--sides", default="ours,system,raw")
    parser.add_argument("--list", action="store_true",
                        help="only print the names of the rows")
    parser.add_argument("--draw", metavar="RESULTS",
                        help="measure nothing, show an earlier results.json")
    options = parser.parse_args()
    if options.quick:
        options.repeats, options.seconds = 3, 0.25
    return options


def system_library():
    """A directory that holds nothing but the system's libzmq.so.5."""
    given = os.environ.get("BENCH_LIB_SYSTEM")
    if given:
        return Path(given)
    directory = ROOT / "build/bench/system"
    directory.mkdir(parents=True, exist_ok=True)
    listed = subprocess.run(["/sbin/ldconfig", "-p"], check=False,
                            capture_output=True, text=True).stdout
    for line in listed.splitlines():
        if line.strip().startswith("libzmq.so.5 "):
            link = directory / "libzmq.so.5"
            link.unlink(missing_ok=True)
            link.symlink_to(line.split("=>")[1].strip())
            return directory
    return None


def libraries(programs, wanted):
    """Which directory each side loads from; dies if the loader disagrees."""
    found = {"raw": None}
    ours = os.environ.get("BENCH_LIB_OURS", str(ROOT / "build/lib"))
    for side, directory in (("ours", Path(ours)), ("system",
                                                   system_library())):
        if side not in wanted:
            continue
        if not directory or not (directory / "libzmq.so.5").exists():
            print(f"bench: no libzmq.so.5 for '{side}', left out",
                  file=sys.stderr)
            continue
        loaded = loaded_library(programs / "throughput", directory)
        if loaded != os.path.realpath(directory / "libzmq.so.5"):
            sys.exit(f"bench: '{side}' would measure {loaded}")
        found[side] = directory
    return {side: found[side] for side in wanted if side in found}


def runs_of(row):
    """(side, command, environment, key) of everything a row needs."""
    yield "ours", row.command, row.env, row.key
    if row.target and row.target[0] == ABOVE_OFF_MAX:
        yield "off", row.command, SPIN_OFF, row.key
    if row.has_system:
        yield "system", row.command, {}, row.key
    if row.raw:
        yield "raw", row.raw, {}, row.raw_key or row.key


class Campaign:
    """All runs of all rows, each command once per side and repeat."""

    def __init__(self, rows, programs, dirs, options):
        self.rows, self.programs = rows, programs
        self.dirs, self.options = dirs, options
        self.values = {}  # run -> list of dicts
        self.failures = {}  # run -> list of texts
        self.plan = {}  # run -> repeats; ordered
        for row in rows:
            for side, command, env, _ in runs_of(row):
                if self.home(side) in dirs:
                    self.plan.setdefault(self.run_id(side, command, env),
                                         row.repeats_max)

    @staticmethod
    def home(side):
        return "ours" if side == "off" else side

    def run_id(self, side, command, env):
        return self.home(side), command, tuple(sorted(env.items()))

    def once(self, run):
        side, command, env = run
        if len(self.failures.get(run, [])) >= GIVE_UP_AFTER:
            return
        try:
            values = measure(command, self.programs, self.dirs[side],
                             dict(env), self.options.seconds)
            self.values.setdefault(run, []).append(values)
        except Failure as failure:
            self.failures.setdefault(run, []).append(str(failure))

    def repeat(self, number):
        runs = [run for run, most in self.plan.items() if number < most]
        for i, run in enumerate(runs):
            if sys.stderr.isatty():
                print(f"\r\033[Krepeat {number + 1} of "
                      f"{self.options.repeats}, {i + 1} of {len(runs)}: "
                      f"{run[0]} {run[1]}", end="", file=sys.stderr,
                      flush=True)
            self.once(run)
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr)

    def results(self):
        for row in self.rows:
            sides = {}
            for side, command, env, key in runs_of(row):
                run = self.run_id(side, command, env)
                samples = [values[key] for values in self.values.get(run, [])
                           if key in values]
                sides[side] = samples, self.failures.get(run, [])
            yield report.summarize(row, sides)


def describe(dirs, options):
    """What the reader has to know of the machine and the run."""
    cpu = "unknown CPU"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            cpu = line.split(":")[1].strip()
            break
    return {"machine": f"{cpu}, {os.cpu_count()} CPUs, Linux "
                       f"{platform.release()}",
            "load": os.getloadavg()[0], "sides": list(dirs),
            "repeats": options.repeats, "seconds": options.seconds}


def show(document, options):
    results = document["results"]
    print(f"{document['machine']}; median of {document['repeats']} "
          f"interleaved repeats (smallest to largest)\n")
    if document["load"] > 0.5:
        print(f"Other work was on this machine (load {document['load']:.1f} "
              "at the start): the figures are noisy.\n")
    for line in report.table_lines(results):
        print(line)
    print(f"\n{report.summary_line(results)}")
    drawn = ROOT / "build/bench/bench.svg"
    drawn.parent.mkdir(parents=True, exist_ok=True)
    drawn.write_text(chart.draw(document))
    if options.chart:
        (ROOT / "docs/bench.svg").write_text(chart.draw(document))


def main():
    options = arguments()
    wanted = re.compile(options.rows, re.IGNORECASE)
    rows = [row for row in all_rows()
            if wanted.search(row.name) or wanted.search(row.group)]
    if options.list:
        print("\n".join(row.name for row in rows))
        return 0
    if options.draw:
        show(json.loads(Path(options.draw).read_text()), options)
        return 0
    if not rows:
        sys.exit(f"bench: no row matches '{options.rows}'")
    programs = Path(os.environ.get("BENCH_PROGRAMS", ROOT / "build/bench"))
    dirs = libraries(programs, options.sides.split(","))
    document = describe(dirs, options)
    campaign = Campaign(rows, programs, dirs, options)
    begin = time.monotonic()
    try:
        for number in range(options.repeats):
            campaign.repeat(number)
    except KeyboardInterrupt:
        print("\nbench: interrupted, what there is:", file=sys.stderr)
    document["results"] = list(campaign.results())
    output = ROOT / "build/bench/results.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(document, indent=1))
    show(document, options)
    print(f"{time.monotonic() - begin:.0f} s; all figures in "
          f"{output.relative_to(ROOT)}")
    return 1 if any(run[0] == "ours" for run in campaign.failures) else 0


if __name__ == "__main__":
    sys.exit(main())
