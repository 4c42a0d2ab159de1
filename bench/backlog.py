#!/usr/bin/env python3
"""Peak memory, start-up time and catching up with a backlog, of the shipped binary.

  bench/backlog.py [--capstan build/release/capstan] [--gigabytes 5]

A tenant with enough activities, a destination that is dead until the journal holds the backlog, then one that takes everything.
"""
import argparse
import pathlib
import re
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "e2e"))
from harness import Workplace, free_port, wait_until  # noqa: E402

BYTES_PER_ACTIVITY = 3050


def peak_mib(process):
    return int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{process.pid}/status").read_text()).group(1)) / 1024


def swallow(port, counted):
    with socket.create_server(("127.0.0.1", port)) as server:
        while True:
            peer, _ = server.accept()
            while data := peer.recv(1 << 20):
                counted[0] += len(data)


def journal_bytes(place):
    return sum(p.stat().st_size for p in (place.directory / "state").rglob("*.segment"))


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--capstan", type=pathlib.Path, default=pathlib.Path("build/release/capstan"))
    arguments.add_argument("--gigabytes", type=float, default=5)
    chosen = arguments.parse_args()
    place = Workplace(chosen.capstan.resolve())
    try:
        activities = int(chosen.gigabytes * 1e9 / BYTES_PER_ACTIVITY)
        tenant = place.simulate("--seed", 1, "--activities", activities, "--requests-per-minute", 1000000)
        port = free_port()
        place.configuration(tenant, f"  out: {{type: syslog, address: '127.0.0.1:{port}', transport: tcp}}\n",
                            "  all: {from: mdca, encode: {format: cef}, to: out}\n", feeds=["activities"],
                            top="journal: {max_bytes: 100GiB}\n")
        begin = time.monotonic()
        capstan = place.start([place.capstan, "run", "-c", "capstan.yaml"], "capstan.log")
        wait_until("the backlog", lambda: journal_bytes(place) >= chosen.gigabytes * 1e9 * 0.97, 900, step=0.5)
        collected = time.monotonic() - begin
        print(f"collected {activities} activities, {journal_bytes(place) / 1e9:.2f} GB, in {collected:.0f} s "
              f"({activities / collected:.0f}/s); peak memory {peak_mib(capstan):.1f} MiB with a dead destination")
        capstan.send_signal(signal.SIGTERM)
        capstan.wait(30)

        counted = [0]
        threading.Thread(target=swallow, args=(port, counted), daemon=True).start()
        begin = time.monotonic()
        capstan = place.start([place.capstan, "run", "-c", "capstan.yaml"], "again.log")
        wait_until("the start", lambda: "started" in place.log_text("again.log"), 60, step=0.002)
        print(f"started beside the backlog in {(time.monotonic() - begin) * 1000:.0f} ms")
        begin = time.monotonic()
        last, still = 0, 0
        while still < 6:
            time.sleep(0.5)
            still = still + 1 if counted[0] == last and counted[0] > 0 else 0
            last = counted[0]
        spent = time.monotonic() - begin - 3
        print(f"delivered {counted[0] / 1e9:.2f} GB of CEF in {spent:.0f} s ({activities / spent:.0f} events/s); peak memory {peak_mib(capstan):.1f} MiB")
        capstan.send_signal(signal.SIGTERM)
        capstan.wait(30)
    finally:
        place.close()


main()
