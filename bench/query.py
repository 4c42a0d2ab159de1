#!/usr/bin/env python3
"""capstan query beside jq on the same file: a selective filter, throughput on one core, ratio, and memory.

    bench/query.py [--capstan build/release/capstan] [--megabytes 400]

Both read the same generated NDJSON file from the page cache and give the same number of records; each is run three times and
the fastest counts (user + system time). jq comes from Debian's package of that name.
"""
import argparse
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time


def records(random_source, size):
    """Lines of about 2.9 KB with the members of an activity."""
    written = 0
    while written < size:
        filler = {f"Property{i}": f"{random_source.getrandbits(256):064x}" for i in range(32)}
        line = json.dumps({"_id": f"{random_source.getrandbits(128):032x}", "appId": random_source.choice([11161, 15600, 20893]),
                           "timestamp": 1_795_000_000_000 + written, "user": {"userName": f"user{random_source.randrange(5000)}@contoso.example"},
                           "device": {"clientIP": f"192.0.2.{random_source.randrange(256)}", "userAgent": "Mozilla/5.0"},
                           "rawDataJson": filler, "eventTypeName": "EVENT_CATEGORY_LOGIN", "description": "Log on"}) + "\n"
        written += len(line)
        yield line


def run(command):
    """(CPU seconds, peak KiB, lines out)"""
    best = None
    for _ in range(3):
        begin = time.monotonic()
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            lines = sum(1 for _ in process.stdout)
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            sys.exit(f"{command[0]} ended with {process.returncode}")
        took = (used.ru_utime + used.ru_stime, used.ru_maxrss, lines, time.monotonic() - begin)
        best = min(best or took, took)
    return best


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--capstan", default="build/release/capstan")
    arguments.add_argument("--megabytes", type=int, default=400)
    chosen = arguments.parse_args()
    if shutil.which("jq") is None:
        sys.exit("jq is not there; Debian has it as the package jq")
    with tempfile.TemporaryDirectory() as directory:
        for megabytes in (chosen.megabytes // 4, chosen.megabytes):
            file = pathlib.Path(directory) / "records.ndjson"
            with file.open("w") as out:
                out.writelines(records(random.Random(20261124), megabytes * 1_000_000))
            size = file.stat().st_size
            query = "source | where appId == 11161 and user.userName == 'user7@contoso.example'"
            cpu, peak, kept, _ = run([chosen.capstan, "query", "--feed", "activities", query, str(file)])
            print(f"capstan query  {size / 1e6:6.0f} MB  {size / cpu / 1e9:6.2f} GB/s of CPU time  peak {peak / 1024:6.1f} MiB  {kept} kept")
        filter_text = 'select(.appId == 11161 and .user.userName == "user7@contoso.example")'
        jq_cpu, jq_peak, jq_kept, _ = run(["jq", "-c", filter_text, str(file)])
        print(f"jq             {size / 1e6:6.0f} MB  {size / jq_cpu / 1e9:6.2f} GB/s of CPU time  peak {jq_peak / 1024:6.1f} MiB  {jq_kept} kept")
        print(f"capstan query is {jq_cpu / cpu:.1f} x as fast" + ("" if kept == jq_kept else f"; the results differ: {kept} and {jq_kept}"))
    return 0 if kept == jq_kept else 1


sys.exit(main())
