#!/usr/bin/env python3
"""Prints `passed FILE` or `failed FILE: why` for every source file: formatted, and of a size that one reason to change explains."""
import pathlib
import subprocess
import sys

LINES_MAX = 900


def tracked(*patterns):
    listed = subprocess.run(["git", "ls-files", "-z", *patterns], capture_output=True, check=True).stdout
    return [pathlib.Path(name) for name in listed.decode().split("\0") if name]


def main():
    failed = False
    for path in tracked("*.h", "*.cpp"):
        formatted = subprocess.run(["clang-format-19", "--dry-run", "-Werror", path], capture_output=True).returncode == 0
        lines = path.read_text().count("\n")
        reason = "not formatted (clang-format-19)" if not formatted else f"{lines} lines" if lines > LINES_MAX else ""
        print(f"failed {path}: {reason}" if reason else f"passed {path}")
        failed = failed or bool(reason)
    return 1 if failed else 0


sys.exit(main())
