#!/usr/bin/env python3
"""Changes one small thing at a time in the code that counts and proves, and asks the tests whether they notice.

    tests/mutants/run.py --build build/mutants [--count 60] [--seed 1] [--only verify] [--seconds 3000]

Each mutant is one changed line of one file. It is built and tested in a copy of the checkout beside the build directory, so the
checkout itself stays as it is. A mutant is killed when a test fails or hangs. One that does not compile is not counted. One that
survives is printed: either a test is missing, or the change makes no difference (say which in tests/README.md).
"""
import argparse
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]

# What is mutated, and who has to notice.
SUBJECTS = {
    "verify": (["src/runtime/verify*.cpp"], ["runtime_test", "voyages_test"]),
    "prover": (["src/runtime/prover*.cpp"], ["runtime_test", "voyages_test"]),
    "ledger": (["src/store/proof_ledger*.cpp"], ["store_test", "runtime_test"]),
    "cursor": (["src/store/journal_cursors.cpp", "src/store/journal_retention.cpp", "src/store/cursor_file.cpp",
                "src/store/journal_numbers.cpp", "src/store/journal_damage.cpp", "src/store/number_cache.cpp"],
               ["store_test", "runtime_test", "voyages_test"]),
    "route": (["src/runtime/route_*.cpp"], ["runtime_test", "voyages_test"]),
    "receipts": (["src/store/receipt*.cpp"], ["store_test", "runtime_test"]),
    "seal": (["src/store/seal*.cpp"], ["store_test"]),
}

# pattern → what stands there instead. One match on one line is one mutant.
CHANGES = [
    (r" < ", " <= "), (r" <= ", " < "), (r" > ", " >= "), (r" >= ", " > "), (r" == ", " != "), (r" != ", " == "),
    (r" && ", " || "), (r" \|\| ", " && "), (r"\bstd::max\b", "std::min"), (r"\bstd::min\b", "std::max"),
    (r"\btrue\b", "false"), (r"\bfalse\b", "true"), (r" \+ ", " - "), (r" - ", " + "), (r" \+= ", " -= "),
    (r"\+\+(?=[a-z_])", "--"), (r"\bif \(!", "if ("), (r"\bif \((?=[a-z])", "if (!"), (r"\breturn \{\};", "return Error(ErrorCode::internal, \"mutant\");"),
    (r"^(\s+)[a-z_.\->\[\]]+ (?:\+=|=) [^;{]+;$", r"\1;"), (r"^(\s+)[a-z_.\->]+\([^;{}]*\);$", r"\1;"),
]
# Lines whose change no test can or should notice.
LEFT_ALONE = re.compile(r"^\s*(//|#include|namespace|using |static_assert|constexpr|TRY\(|log::|template)|reserve\(|std::move\(|progress\(|\.during\(")


def mutants_of(path):
    for number, line in enumerate(path.read_text().splitlines()):
        if LEFT_ALONE.search(line):
            continue
        code = line.split("  //")[0]
        for pattern, instead in CHANGES:
            for match in re.finditer(pattern, code):
                changed = code[:match.start()] + match.expand(instead) + code[match.end():]
                if changed != code:
                    yield number, line, changed


def run(command, folder, seconds):
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=seconds)
        return done.returncode, done.stdout + done.stderr
    except subprocess.TimeoutExpired:
        return 124, "took too long"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, type=pathlib.Path)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=sorted(SUBJECTS))
    parser.add_argument("--seconds", type=int, default=3000, help="stop after so long, with what was tried")
    parser.add_argument("--voyages", type=int, default=150, help="voyages that each mutant has to survive")
    options = parser.parse_args()

    copy = options.build.resolve() / "checkout"
    if copy.exists():
        shutil.rmtree(copy)
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns("build", ".git", "node_modules"))
    chosen = []
    for name, (patterns, targets) in SUBJECTS.items():
        if options.only and name != options.only:
            continue
        for pattern in patterns:
            for path in sorted(copy.glob(pattern)):
                if path.name.endswith("_test.cpp") or path.name.endswith("_text.cpp"):
                    continue
                chosen += [(name, path, targets, *mutant) for mutant in mutants_of(path)]
    random.Random(options.seed).shuffle(chosen)
    print(f"{len(chosen)} mutants are possible; {min(options.count, len(chosen))} are tried (seed {options.seed})", flush=True)

    configured, text = run(["cmake", "--preset", "release", "-DCAPSTAN_BENCH=OFF"], copy, 600)
    every = sorted({target for _, _, targets, *_ in chosen for target in targets})
    built, text = run(["cmake", "--build", "build/release", "--target", *every], copy, 3600) if configured == 0 else (1, text)
    if built != 0:
        sys.exit("mutants: the unchanged code does not build\n" + text[-3000:])
    binaries = {target: next((copy / "build/release").rglob(target)) for target in every}
    os.environ["CAPSTAN_VOYAGES"] = str(options.voyages)
    least = {}
    for target in every:
        begin = time.monotonic()
        failed, text = run([str(binaries[target]), "--gtest_brief=1"], copy, 900)
        if failed != 0:
            sys.exit(f"mutants: {target} fails on the unchanged code\n" + text[-3000:])
        least[target] = time.monotonic() - begin

    killed, survived, unbuilt = {}, [], 0
    begin = time.monotonic()
    for name, path, targets, number, before, after in chosen:
        tried = sum(killed.values()) + len(survived)
        if tried >= options.count or time.monotonic() - begin > options.seconds:
            break
        original = path.read_text()
        lines = original.split("\n")
        lines[number] = after
        path.write_text("\n".join(lines))
        where = f"{path.relative_to(copy)}:{number + 1}"
        try:
            failed, _ = run(["cmake", "--build", "build/release", "--target", *targets], copy, 900)
            if failed != 0:
                unbuilt += 1
                continue
            for target in targets:
                failed, _ = run([str(binaries[target]), "--gtest_brief=1", "--gtest_fail_fast"], copy,
                                60 + 5 * least[target])
                if failed != 0:
                    killed[name] = killed.get(name, 0) + 1
                    break
            else:
                survived.append((name, where, before.strip(), after.strip()))
                print(f"survived: {where}\n  was: {before.strip()}\n  is:  {after.strip()}", flush=True)
        finally:
            path.write_text(original)
    for name in SUBJECTS:
        lived = sum(1 for survivor in survived if survivor[0] == name)
        if killed.get(name, 0) + lived:
            print(f"{name}: {killed.get(name, 0)} of {killed.get(name, 0) + lived} killed")
    total = sum(killed.values())
    print(f"{total} of {total + len(survived)} mutants killed, {unbuilt} did not compile")


if __name__ == "__main__":
    main()
