# SPDX-License-Identifier: MPL-2.0
"""What is measured, row by row, and the target that each row has to reach.

A row takes one value (`key`) of what one program prints. The same program
runs on this library and on the system's; `raw` is the command that shows what
the machine gives without a library. Rows that need the same run share it.
"""

import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Optional, Tuple

SPIN_OFF = {"CERO_SPIN_US": "0"}

# Kinds of target. RATIO compares with libzmq, RAW with the bare machine where
# libzmq has nothing to compare with, OWN looks at this library's value alone,
# ABOVE_OFF at its distance to the same run without the spin.
RATIO_MIN, RATIO_MAX, OWN_MAX, ABOVE_OFF_MAX = "ratio>=", "ratio<=", "<=", "+<="
RAW_MIN = "raw>="


@dataclass
class Row:
    name: str
    group: str
    command: str
    key: str
    unit: str
    target: Optional[Tuple[str, float]] = None
    raw: Optional[str] = None
    raw_key: Optional[str] = None
    env: Dict[str, str] = field(default_factory=dict)
    repeats_max: int = 99
    has_system: bool = True


SIZES = {1: "1 B", 16: "16 B", 64: "64 B", 256: "256 B", 1024: "1 KiB",
         8192: "8 KiB", 65536: "64 KiB", 1048576: "1 MiB"}


def inproc_rows() -> List[Row]:
    rows = []
    for size in (1, 16, 64):
        for place in ("split", "same"):
            raw = "raw what=ring batch=64" if place == "split" else None
            rows.append(Row(
                f"inproc {SIZES[size]} {place}", "inproc PUSH/PULL",
                f"throughput transport=inproc size={size} place={place}",
                "rate", "msg/s", (RATIO_MIN, 4), raw))
    memory = "raw what=ring batch=16 malloc=65536"
    for api, what, raw in (
            ("sized", "zmq_msg_init_size", memory),
            ("owned", "zmq_msg_init_data, malloc", memory),
            ("lent", "zmq_msg_init_data, same memory",
             "raw what=ring batch=1")):
        rows.append(Row(
            f"inproc 64 KiB {api} split ({what})", "inproc PUSH/PULL",
            f"throughput transport=inproc size=65536 api={api} place=split",
            "rate", "msg/s", (RATIO_MIN, 2), raw))
    return rows


def stream_rows() -> List[Row]:
    rows = []
    for transport in ("tcp", "ipc"):
        for size in (16, 64, 256, 1024, 8192):
            small = size <= 64
            name = f"{transport} {SIZES[size]} split"
            where = f"transport={transport} size={size} place=split"
            rows.append(Row(
                name, "tcp and ipc PUSH/PULL", f"throughput {where}", "rate",
                "msg/s", (RATIO_MIN, 5 if small else 3),
                f"raw what=stream {where}"))
            rows.append(Row(
                f"{name} CPU", "tcp and ipc PUSH/PULL", f"throughput {where}",
                "cpu_us", "s/M", (RATIO_MAX, 0.2) if small else None,
                f"raw what=stream {where}"))
    return rows


def large_rows() -> List[Row]:
    rows = []
    for size in (65536, 1048576):
        for api in ("copy", "sized", "filled"):
            where = f"transport=tcp size={size} place=split"
            rows.append(Row(
                f"tcp {SIZES[size]} {api} CPU", "large messages",
                f"throughput {where} api={api}", "cpu_us", "s/M",
                (RATIO_MAX, 0.7), f"raw what=stream {where} io=262144"))
    where = "transport=ipc size=65536 place=split"
    rows.append(Row("ipc 64 KiB split", "large messages",
                    f"throughput {where}", "rate", "msg/s", (RATIO_MIN, 3),
                    f"raw what=stream {where} io=262144"))
    return rows


def multipart_rows() -> List[Row]:
    return [Row(f"{transport} 10 frames of 10 B split", "multipart",
                f"throughput transport={transport} size=10 frames=10"
                " place=split", "rate", "msg/s", (RATIO_MIN, 4), raw)
            for transport, raw in (
                ("inproc", None),
                ("tcp", "raw what=stream transport=tcp size=118"))]


def trip_rows() -> List[Row]:
    rows = []
    for transport in ("tcp", "ipc"):
        same = f"transport={transport} size=64 place=same"
        split = f"transport={transport} size=64 place=split"
        for note, env in (("", {}), (" spin off", SPIN_OFF)):
            rows.append(Row(
                f"round trip {transport} same{note}", "round trip, 64 B",
                f"roundtrip {same}", "p50_us", "us", (RATIO_MAX, 0.4),
                f"rawtrip {same} wait=park", env=env))
        rows.append(Row(
            f"round trip {transport} same, system calls", "round trip, 64 B",
            f"syscalls roundtrip {same}", "calls", "calls", (OWN_MAX, 8),
            f"syscalls rawtrip {same} wait=park", repeats_max=1))
        rows.append(Row(
            f"round trip {transport} split parked", "round trip, 64 B",
            f"roundtrip {split}", "p50_us", "us", (RATIO_MAX, 1),
            f"rawtrip {split} wait=park", env=SPIN_OFF))
        rows.append(Row(
            f"round trip {transport} split spin", "round trip, 64 B",
            f"roundtrip {split}", "p50_us", "us", (RATIO_MAX, 0.2),
            f"rawtrip {split} wait=busy"))
    split = "transport=inproc size=64 place=split"
    rows.append(Row("round trip inproc split parked", "round trip, 64 B",
                    f"roundtrip {split}", "p50_us", "us", None,
                    env=SPIN_OFF))
    rows.append(Row("round trip inproc split spin", "round trip, 64 B",
                    f"roundtrip {split}", "p50_us", "us", (RATIO_MAX, 0.1),
                    f"rawtrip {split}"))
    return rows


def request_rows() -> List[Row]:
    rows = []
    for transport in ("tcp", "ipc"):
        for place, note, wait, target in (("same", "", "park", 0.4),
                                          ("split", " spin", "busy", 0.2)):
            where = f"transport={transport} size=64 place={place}"
            rows.append(Row(
                f"REQ/REP {transport} {place}{note}", "round trip, 64 B",
                f"roundtrip types=reqrep {where}", "p50_us", "us",
                (RATIO_MAX, target), f"rawtrip {where} wait={wait}"))
    return rows


def fanout_rows() -> List[Row]:
    rows = []
    for count, target in ((1, 2), (10, 3), (100, 5), (1000, 5)):
        where = f"transport=tcp subscribers={count} size=64 place=split"
        raw = f"fanout server=raw {where}"
        rows.append(Row(
            f"PUB to {count} SUB tcp, nothing dropped", "fan-out, 64 B",
            f"fanout nodrop=1 {where}", "rate", "/s", (RATIO_MIN, target),
            raw))
        rows.append(Row(
            f"PUB to {count} SUB tcp, faster than they", "fan-out, 64 B",
            f"fanout {where}", "rate", "/s", None, raw))
    for count in (10, 100):
        where = f"transport=tcp subscribers={count} size=1024 place=split"
        rows.append(Row(
            f"PUB to {count} SUB tcp, 1 KiB, nothing dropped", "fan-out, 1 KiB",
            f"fanout nodrop=1 {where}", "rate", "/s", None,
            f"fanout server=raw {where}"))
    for count in (10, 100, 1000):
        rows.append(Row(
            f"PUB to {count} SUB inproc", "fan-out, 64 B",
            f"fanout transport=inproc subscribers={count} size=64",
            "rate", "/s", (RATIO_MIN, 3)))
    return rows


def subscription_rows() -> List[Row]:
    rows = []
    for count, name in ((10000, "10,000"), (1000000, "1,000,000")):
        command = f"subscriptions count={count}"
        for what, key, unit, target in (
                ("match", "match_ns", "ns", (RATIO_MAX, 0.25)),
                ("memory of each, both sides", "bytes", "B",
                 (RATIO_MAX, 0.25)),
                ("subscribe", "rate", "/s", (RATIO_MIN, 4))):
            rows.append(Row(f"{name} subscriptions, {what}", "subscriptions",
                            command, key, unit, target, repeats_max=3))
    return rows


def broker_rows() -> List[Row]:
    clients = "transport=tcp size=64 place=split clients=100"
    return [
        Row("ROUTER for 100 clients, 32 in flight", "brokers, tcp 64 B",
            f"router {clients} inflight=32", "rate", "/s", (RATIO_MIN, 4),
            f"router server=raw {clients} inflight=32"),
        Row("zmq_proxy PULL to PUSH", "brokers, tcp 64 B",
            "proxy what=stream transport=tcp size=64 place=split", "rate",
            "msg/s", (RATIO_MIN, 15),
            "raw what=stream transport=tcp size=64 place=split"),
        Row("zmq_proxy ROUTER to DEALER, 100 clients, 10 in flight",
            "brokers, tcp 64 B", f"proxy what=trips {clients} inflight=10",
            "rate", "/s", (RATIO_MIN, 3)),
    ]


def poll_rows() -> List[Row]:
    rows = []
    for transport in ("inproc", "tcp"):
        where = f"pollmany sockets=1000 transport={transport}"
        rows.append(Row(f"zmq_poll 1 of 1,000 ready, {transport}", "zmq_poll",
                        f"{where} what=ready", "p50_us", "us",
                        (RATIO_MAX, 0.1)))
        rows.append(Row(f"zmq_poll wakes 1 of 1,000, {transport}", "zmq_poll",
                        f"{where} what=wake", "p50_us", "us"))
    return rows


def reactors() -> List[str]:
    """Those that the library was built with, as far as it says so."""
    cero = Path(__file__).resolve().parent.parent / "build/bin/cero"
    try:
        told = subprocess.run([cero, "version"], check=True, text=True,
                              capture_output=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return []
    for line in told.splitlines():
        words = line.split()
        if words[:1] == ["reactors"]:
            return words[1:]
    return []


def reactor_rows() -> List[Row]:
    """Each against libzmq, which has one reactor only."""
    rows = []
    split = "transport=tcp size=64 place=split"
    same = "transport=tcp size=64 place=same"
    active = f"router {split} clients=10 inflight=1 idle="
    for name in reactors():
        env = {"CERO_REACTOR": name}
        rows += [
            Row(f"{name}: tcp 64 B split", "reactors", f"throughput {split}",
                "rate", "msg/s", None, f"raw what=stream {split}", env=env),
            Row(f"{name}: round trip same", "reactors", f"roundtrip {same}",
                "p50_us", "us", None, f"rawtrip {same} wait=park", env=env),
            Row(f"{name}: round trip split parked", "reactors",
                f"roundtrip {split}", "p50_us", "us", None,
                f"rawtrip {split} wait=park", env={**env, **SPIN_OFF}),
            Row(f"{name}: 10 active connections", "reactors",
                f"{active}0", "rate", "/s", None,
                f"router server=raw {split} clients=10 inflight=1", env=env)]
        if name != "select":  # a few more than 1,000 at most
            rows.append(Row(
                f"{name}: 10 active and 10,000 idle", "reactors",
                f"{active}10000", "rate", "/s", None,
                f"router server=raw {split} clients=10 inflight=1 idle=10000",
                env=env, repeats_max=3))
    return rows


def waiting_rows() -> List[Row]:
    rows = []
    for transport in ("tcp", "inproc"):
        for rate, what in ((0, "idle"), (1000, "1000 msg/s")):
            rows.append(Row(
                f"CPU waiting {transport} {what}", "the price of waiting",
                f"trickle transport={transport} rate={rate} seconds=2",
                "cpu_percent", "%", (ABOVE_OFF_MAX, 2), repeats_max=3))
    rows.append(Row("bystander beside 8 quiet pipes", "the price of waiting",
                    "quiet threads=8", "speed", "of 1"))
    return rows


def io_thread_rows() -> List[Row]:
    rows = []
    for size in (64, 8192):
        for threads in (1, 2, 4):
            name = f"{threads} a side, 8 connections, {SIZES[size]}"
            command = (f"throughput transport=tcp size={size} place=free"
                       f" threads={threads} connections=8")
            rows.append(Row(name, "I/O threads, tcp", command, "rate",
                            "msg/s"))
            rows.append(Row(f"{name} CPU", "I/O threads, tcp", command,
                            "cpu_us", "s/M"))
    return rows


def connection_rows() -> List[Row]:
    rows = [
        Row("memory of 10,000 idle connections, each", "connections",
            "connections connections=10000", "bytes", "B", (OWN_MAX, 4096),
            repeats_max=1),
        Row("memory after 600 messages each way, each", "connections",
            "connections connections=1000 messages=600", "bytes", "B",
            (OWN_MAX, 6144), repeats_max=3),
        Row("handshakes tcp", "connections", "handshakes transport=tcp",
            "rate", "/s", (RATIO_MIN, 2), "handshakes server=raw"),
        Row("handshakes tcp CPU", "connections", "handshakes transport=tcp",
            "cpu_us", "us", None, "handshakes server=raw"),
    ]
    for transport in ("tcp", "ipc"):
        rows.append(Row(
            f"connect to first message {transport}", "connections",
            f"lifecycle what=connect transport={transport}", "p50_us", "us",
            (RATIO_MAX, 0.5),
            f"rawtrip what=connect transport={transport} place=same"))
    rows.append(Row("create and close a socket", "connections",
                    "lifecycle what=socket", "mean_us", "us",
                    (RATIO_MAX, 0.25)))
    rows.append(Row("context with its first socket", "connections",
                    "lifecycle what=context", "p50_us", "us",
                    (RATIO_MAX, 1 / 1.5)))
    return rows


SWAP_TO_FILE = 0.6  # of a program that appends the same messages
SWAP_BUDGET = 50000000


def swap_rows() -> List[Row]:
    """What waits is ten times the budget, as if that were all the memory."""
    rows = []
    for size in (64, 1024, 65536):
        work = f"size={size} megabytes={SWAP_BUDGET * 10 // 1000000}"
        raw = f"swap what=append {work}"
        rows += [
            Row(f"swap to the disk, {SIZES[size]}", "swap", f"swap {work}",
                "rate", "msg/s", (RAW_MIN, SWAP_TO_FILE), raw,
                has_system=False, repeats_max=5),
            Row(f"swap from the disk, {SIZES[size]}", "swap", f"swap {work}",
                "drain", "msg/s", None, raw, has_system=False,
                repeats_max=5),
            Row(f"swap, memory while 500 MB wait, {SIZES[size]}", "swap",
                f"swap {work} budget={SWAP_BUDGET}", "bytes", "B",
                (OWN_MAX, SWAP_BUDGET * 1.2), has_system=False,
                repeats_max=3)]
    rows.append(Row("swap, time to drain 500 MB of 1 KiB", "swap",
                    "swap size=1024 megabytes=500", "drain_s", "s",
                    raw="swap what=append size=1024 megabytes=500",
                    has_system=False, repeats_max=5))
    return rows


def durable_swap_rows() -> List[Row]:
    """So much that a run is several times as long as 100 ms."""
    rows = []
    for size, megabytes in ((64, 100), (1024, 500), (65536, 500)):
        for sync_ms, name in ((-1, "no sync"), (100, "sync each 100 ms")):
            work = (f"size={size} megabytes={megabytes} durable=1"
                    f" sync_ms={sync_ms}")
            raw = f"swap what=append {work}"
            rows.append(Row(f"durable, {name}, {SIZES[size]}", "swap",
                            f"swap {work}", "rate", "msg/s",
                            (RAW_MIN, SWAP_TO_FILE), raw, has_system=False,
                            repeats_max=5))
    work = "size=1024 megabytes=0.3 durable=1 sync_ms=0"
    rows.append(Row("durable, sync with each, 1 KiB", "swap", f"swap {work}",
                    "rate", "msg/s", (RAW_MIN, SWAP_TO_FILE),
                    f"swap what=append {work}", has_system=False,
                    repeats_max=3))
    return rows


def all_rows() -> List[Row]:
    return (inproc_rows() + stream_rows() + large_rows() + multipart_rows() +
            trip_rows() + request_rows() + fanout_rows() +
            subscription_rows() + broker_rows() + poll_rows() +
            waiting_rows() + io_thread_rows() + connection_rows() +
            reactor_rows() + swap_rows() + durable_swap_rows())
