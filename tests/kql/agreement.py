#!/usr/bin/env python3
"""Asks Microsoft's own parser and Capstan about the same queries, and explains every difference.

    CAPSTAN_SHARED=../shared KUSTO_LS_DIR=…/@kusto/language-service-next tests/kql/agreement.py --capstan build/dev/capstan

Needs node, the npm package @kusto/language-service-next and the shared vectors; where one of them is not there, it says so
and counts as skipped (exit 0). Exit 1 when a difference has no explanation: docs/decisions/0007-kql-agreement.md has them.
"""

import argparse
import collections
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

TIMEOUT_SECONDS = 120

# Why Capstan accepts what Microsoft's binder refuses: (name, what the binder says, what stands in the query).
ACCEPTED_HERE = [
    ("open schema", r"does not refer to any known", r""),
    ("function of ours", r"known function", r"hmac_sha256|geo_location|parse_cef_dictionary"),
    ("empty bag", r"'pack' expects", r"pack\(\s*\)"),
    ("dynamic goes with anything", r"No common type|must be a dynamic array", r"dynamic\("),
]
# Why Capstan refuses what Microsoft's binder accepts: (name, what Capstan says, what stands in the query).
OTHER_TABLES = (r"\brange\s|\btoscalar\(|\bmaterialize\(|\bunion\b|\bjoin\b|external_data|external_table|declare pattern|"
                r"\bdatabase\(|\btable\(|^\s*set |make-graph")
REFUSED_HERE = [
    ("outside of single records", r"not for single records|for single records|counts over many records", r""),
    ("one table", r"one table; |ends with a table|expected \";\" after the let, got the end|takes scalar parameters only", r""),
    ("table inside an expression", r"expected \"\)\" after the expression, got \"\|\"", r"\(\s*source\s*\|"),
    ("operator that is not built", r"there is no operator|the network column", r""),
    ("refused by name", r"is not supported", r""),
    ("for mappings", r"pack_all\(\) is for", r""),
    ("every column", r"got \"\*\"", r"where \*"),
    ("as the engine: types", r"two dynamic values|is not for (string|long) and|branches of|expected string in the list", r""),
    ("unexplained arithmetic of times", r"is not for (datetime|timespan) and|expected a number after \"-\"", r""),
    ("as the engine: literals", r"larger than a long can be|expected a datetime, got", r""),
    ("as the engine: patterns", r"extract_all\(\): expected|look-around|kind=relaxed|expected flags out of", r""),
    ("arguments by name", r"got \"=\"", r"\(\w+="),
    ("function without its brackets", r"is a function, and a value is expected", r""),
    ("other tables", r"", OTHER_TABLES),
]


def queries(shared):
    """(origin, query, columns as name:type pairs or the name of a table)"""
    parse = json.loads((shared / "vectors/kql-parse.json").read_text())
    for one in parse["cases"]:
        schema = re.fullmatch(r"source\((.*)\)", one.get("schema", ""))
        yield "parser cases, " + one["group"], one["query"], schema.group(1) if schema else ""
    vectors = json.loads((shared / "vectors/kql.json").read_text())
    for one in vectors["vectors"]:
        yield "vectors", one["query"], ""
    for one in vectors["negative"]:
        yield "vectors that must fail", one["query"], ""
    for one in json.loads((shared / "samples/kql/real_queries.json").read_text()):
        table = one.get("table")
        query = re.sub(r"\b%s\b" % table, "source", one["query"]) if table else one["query"]
        yield "real queries", query, table or one.get("columns", "")


def columns_of(capstan, table):
    """The columns of a table that Capstan knows, as name:type pairs."""
    answer = subprocess.run([capstan, "schema", table, "--output", "json"], capture_output=True, text=True,
                            timeout=TIMEOUT_SECONDS)
    if answer.returncode != 0:
        return ""
    return ", ".join("%s:%s" % (column["name"], column["type"]) for column in json.loads(answer.stdout)["columns"])


def ask_microsoft(checker, asked):
    """For each (query, columns): an empty text, or what is wrong."""
    lines = "".join(json.dumps({"id": i, "query": query, "schema": "source(%s)" % columns if columns else ""}) + "\n"
                    for i, (query, columns) in enumerate(asked))
    answer = subprocess.run(["node", str(checker), "--jsonl"], input=lines, capture_output=True, text=True,
                            timeout=TIMEOUT_SECONDS)
    if answer.returncode != 0:
        sys.exit("asking Microsoft's parser: " + answer.stderr.strip())
    said = {}
    for line in answer.stdout.splitlines():
        one = json.loads(line)
        errors = one.get("errors", [])
        said[one["id"]] = "" if one["ok"] else one.get("crash") or "; ".join(e["code"] + " " + e["message"] for e in errors)
    return [said[i] for i in range(len(asked))]


def ask_capstan(capstan, query, schema):
    command = [capstan, "query", "--check", query] + (["--schema", schema] if schema else [])
    answer = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
    return "" if answer.returncode == 0 else answer.stderr.splitlines()[0]


def explain(query, here, there):
    if here:
        return next((name for name, said, word in REFUSED_HERE if re.search(said, here) and re.search(word, query)), "")
    return next((name for name, said, word in ACCEPTED_HERE if re.search(said, there) and re.search(word, query)), "")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--capstan", required=True, help="the program")
    arguments.add_argument("--verbose", action="store_true", help="show every difference, also the explained ones")
    options = arguments.parse_args()

    shared = pathlib.Path(os.environ.get("CAPSTAN_SHARED", pathlib.Path(__file__).parents[3] / "shared"))
    checker = shared / "tools/kql-check.mjs"
    if not checker.exists() or shutil.which("node") is None:
        print("skipped agreement: node or the shared vectors are not here")
        return 0
    probe = subprocess.run(["node", str(checker), "source"], capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
    if probe.returncode == 2:
        print("skipped agreement: the npm package @kusto/language-service-next is not here (KUSTO_LS_DIR)")
        return 0

    asked = list(queries(shared))
    tables = {schema: columns_of(options.capstan, schema) for _, _, schema in asked if schema and ":" not in schema}
    there = ask_microsoft(checker, [(query, tables.get(schema, schema)) for _, query, schema in asked])
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        here = list(pool.map(lambda one: ask_capstan(options.capstan, one[1], "" if tables.get(one[2]) == "" else one[2]), asked))

    agreed = collections.Counter()
    classes = collections.Counter()
    total = collections.Counter()
    unexplained = []
    for (origin, query, _), ours, theirs in zip(asked, here, there):
        total[origin] += 1
        if bool(ours) == bool(theirs):
            agreed[origin] += 1
            continue
        name = explain(query, ours, theirs)
        side = "refused here" if ours else "accepted here"
        classes[(origin, side, name or "not explained")] += 1
        if not name:
            unexplained.append(query)
        if options.verbose or not name:
            print("%s, %s (%s): %s\n    here: %s\n    there: %s" %
                  (origin, side, name or "not explained", " ".join(query.split())[:300], ours or "accepted",
                   theirs or "accepted"))
    for origin in total:
        print("%s: %d of %d agreed" % (origin, agreed[origin], total[origin]))
        for (of, side, name), count in sorted(classes.items()):
            if of == origin:
                print("    %s, %s: %d" % (side, name, count))
    print("passed agreement: %d queries" % len(asked) if not unexplained else
          "failed agreement: %d differences are not explained" % len(unexplained))
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
