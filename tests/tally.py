#!/usr/bin/env python3
"""Adds up what the suites left in build/results and closes with one line: N passed, N failed, N skipped.

Three kinds of evidence are read per suite: GoogleTest's JSON (one file a test program), CTest's JUnit file (for tests that
are not GoogleTest programs, and for programs that died before they could report), and cases.txt (one `passed|failed|skipped NAME` a line).
A suite that ran nothing has failed.
"""
import json
import pathlib
import sys
import xml.etree.ElementTree as xml


def from_googletest(path):
    report = json.loads(path.read_text())
    outcomes = {"passed": 0, "failed": 0, "skipped": 0}
    for suite in report.get("testsuites", []):
        for case in suite.get("testsuite", []):
            if case.get("status") == "NOTRUN":
                continue
            if case.get("failures"):
                outcomes["failed"] += 1
                print(f"    failed: {suite['name']}.{case['name']}")
            elif case.get("result") == "SKIPPED":
                outcomes["skipped"] += 1
                print(f"    skipped: {suite['name']}.{case['name']}")
            else:
                outcomes["passed"] += 1
    return outcomes


def from_ctest(path, reported):
    """Programs that GoogleTest reported are counted by their cases, unless they failed without a failing case (a crash)."""
    for case in xml.parse(path).getroot().iter("testcase"):
        name, status = case.get("name"), case.get("status")
        known = reported.get(name)
        if status == "run" and known is None:
            yield name, {"passed": 1, "failed": 0, "skipped": 0}
        elif status in ("notrun", "disabled"):
            print(f"    skipped: {name}")
            yield name, {"passed": 0, "failed": 0, "skipped": 1}
        elif status == "fail" and (known is None or known["failed"] == 0):
            print(f"    failed: {name} (it ended badly or reported nothing)")
            yield name, {"passed": 0, "failed": 1, "skipped": 0}


def from_cases(path):
    outcomes = {"passed": 0, "failed": 0, "skipped": 0}
    for line in path.read_text().splitlines():
        outcome, _, name = line.partition(" ")
        if outcome not in outcomes:
            continue
        outcomes[outcome] += 1
        if outcome != "passed":
            print(f"    {outcome}: {name}")
    return outcomes


def tally(folder):
    total = {"passed": 0, "failed": 0, "skipped": 0}

    def add(outcomes):
        for key, value in outcomes.items():
            total[key] += value

    reported = {}
    for path in sorted(folder.glob("*.json")):
        reported[path.stem] = from_googletest(path)
        add(reported[path.stem])
    if (folder / "ctest.xml").exists():
        for _, outcomes in from_ctest(folder / "ctest.xml", reported):
            add(outcomes)
    if (folder / "cases.txt").exists():
        add(from_cases(folder / "cases.txt"))
    if (folder / "broken").exists():
        total["failed"] += 1
    return total


def main():
    results, suites = pathlib.Path(sys.argv[1]), sys.argv[2:]
    overall = {"passed": 0, "failed": 0, "skipped": 0}
    for suite in suites:
        counted = tally(results / suite)
        if counted["passed"] + counted["failed"] == 0:
            print(f"    failed: {suite} ran nothing")
            counted["failed"] = 1
        print(f"{suite:8} {counted['passed']:6} passed {counted['failed']:4} failed {counted['skipped']:4} skipped")
        for key in overall:
            overall[key] += counted[key]
    print(f"{overall['passed']} passed, {overall['failed']} failed, {overall['skipped']} skipped")
    return 1 if overall["failed"] else 0


sys.exit(main())
