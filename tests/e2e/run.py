#!/usr/bin/env python3
"""End-to-end cases with the shipped binary and real receivers. Prints one line a case and closes with the counts.

  tests/e2e/run.py --capstan build/release/capstan [--only WORD] [--jobs N] [--keep]
"""
import argparse
import concurrent.futures
import importlib
import pathlib
import sys
import time
import traceback

import harness

MODULES = ["road", "rules", "reload", "storm", "bad_input", "records", "corners", "conservation", "service", "receivers", "outside", "report",
           "proof"]

# Measured against time, or as much load as the machine can bear.
ALONE = ("storm.",)


def cases():
    for name in MODULES:
        module = importlib.import_module(f"cases_{name}")
        for function in module.CASES:
            yield f"{name}.{function.__name__}", function


def run(name, function, capstan, keep):
    workplace = harness.Workplace(capstan, keep)
    begin = time.monotonic()
    outcome, remark = "passed", ""
    try:
        remark = function(workplace) or ""
    except harness.Skip as skip:
        outcome, remark = "skipped", str(skip)
    except harness.Failure as failure:
        outcome, remark = "failed", str(failure)
    except Exception:  # a broken case is a failed case, and the next one still runs
        outcome, remark = "failed", traceback.format_exc()
    if outcome == "failed":
        for log in sorted(workplace.directory.glob("*.log")):
            text = log.read_text(errors="replace")[-1500:]
            remark += f"\n--- end of {log.name}\n{text}" if text else ""
    workplace.close()
    print(f"{outcome:8} {name} ({time.monotonic() - begin:.1f} s) {remark}", flush=True)
    return outcome


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--capstan", required=True, type=pathlib.Path)
    arguments.add_argument("--cases", type=pathlib.Path)
    arguments.add_argument("--only", default="")
    arguments.add_argument("--keep", action="store_true")
    arguments.add_argument("--jobs", type=int, default=1, help="cases at a time; those of ALONE run by themselves behind the others")
    chosen = arguments.parse_args()
    wanted = [(name, function) for name, function in cases() if chosen.only in name]
    together = [case for case in wanted if not case[0].startswith(ALONE)]
    alone = [case for case in wanted if case[0].startswith(ALONE)]

    def outcome(case):
        name, function = case
        return run(name, function, chosen.capstan.resolve(), chosen.keep), name

    with concurrent.futures.ThreadPoolExecutor(chosen.jobs) as pool:
        outcomes = list(pool.map(outcome, together))
    outcomes += [outcome(case) for case in alone]
    if chosen.cases:
        chosen.cases.write_text("".join(f"{outcome} e2e {name}\n" for outcome, name in outcomes))
    count = {word: sum(1 for outcome, _ in outcomes if outcome == word) for word in ("passed", "failed", "skipped")}
    print(f"e2e: {count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
    return 1 if count["failed"] or not outcomes else 0


sys.exit(main())
