#!/usr/bin/env python3
"""Runs every fuzzer for a time, two at once, starting from its kept corpus (fuzz/corpus/NAME); prints executions and what was found.

New inputs go to build/fuzz/corpus/NAME; `--keep` merges those that reach new code into fuzz/corpus (libFuzzer -merge=1).
"""
import argparse
import concurrent.futures
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


def run(binary, seconds, seed, keep):
    name = binary.name.removesuffix("_fuzz")
    kept = HERE / "corpus" / name
    fresh = binary.parent / "corpus" / name
    kept.mkdir(parents=True, exist_ok=True)
    fresh.mkdir(parents=True, exist_ok=True)
    command = [binary, fresh, kept, f"-max_total_time={seconds}", "-timeout=20", "-rss_limit_mb=2048", "-print_final_stats=1",
               f"-artifact_prefix={binary.parent}/{name}-", f"-seed={seed}"]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=seconds + 300)
    executions = re.search(r"stat::number_of_executed_units:\s*(\d+)", done.stderr)
    count = int(executions.group(1)) if executions else 0
    if done.returncode == 0 and keep:
        subprocess.run([binary, "-merge=1", kept, fresh], capture_output=True, check=True, timeout=600)
    return name, done.returncode, count, done.stderr[-4000:]


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--build", required=True, type=pathlib.Path)
    arguments.add_argument("--seconds", type=int, default=60)
    arguments.add_argument("--cases", type=pathlib.Path)
    arguments.add_argument("--seed", type=int, default=20261124, help="the gate begins where it always does; 0 begins anywhere")
    arguments.add_argument("--keep", action="store_true")
    chosen = arguments.parse_args()
    binaries = sorted(p for p in (chosen.build / "fuzz").glob("*_fuzz") if p.is_file())
    lines = []
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        for name, status, count, tail in pool.map(lambda b: run(b, chosen.seconds, chosen.seed, chosen.keep), binaries):
            good = status == 0 and count > 0
            print(f"{name:20} {count:10} executions  {'nothing found' if good else f'ended with {status}'}")
            if not good:
                print(tail)
            lines.append(f"{'passed' if good else 'failed'} fuzz {name}: {count} executions")
    if chosen.cases:
        chosen.cases.write_text("\n".join(lines) + "\n")
    return 0 if lines and all(line.startswith("passed") for line in lines) else 1


sys.exit(main())
