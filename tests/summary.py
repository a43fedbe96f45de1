#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Count the cases of a meson test log: a cmocka program holds many, any other test is one.

Usage: summary.py BUILD/meson-logs/testlog.json
Prints "N passed, N failed, N skipped" and, before it, what failed and what was skipped.
"""
import json
import re
import sys

CASE = re.compile(r"^\[ +(OK|FAILED|SKIPPED) +\] (\w+)(?: \(.*\))?$", re.M)
RESULTS = {"OK": "passed", "EXPECTEDFAIL": "passed", "SKIP": "skipped"}


def cases(entry):
    """Yield (result, name) for each case of one test program."""
    found = {}
    for word, name in CASE.findall(entry.get("stdout", "") + "\n" + entry.get("stderr", "")):
        found[name] = {"OK": "passed", "FAILED": "failed", "SKIPPED": "skipped"}[word]
    whole = RESULTS.get(entry["result"], "failed")
    if not found or (whole == "failed" and "failed" not in found.values()):
        found[entry["result"].lower()] = whole  # no cases, or it died outside of one
    for name, result in found.items():
        yield result, f"{entry['name']}: {name}"


def main():
    count = {"passed": 0, "failed": 0, "skipped": 0}
    with open(sys.argv[1], encoding="utf-8", errors="replace") as log:
        for line in log:
            for result, name in cases(json.loads(line)):
                count[result] += 1
                if result != "passed":
                    print(f"{result}: {name}")
    print(", ".join(f"{number} {result}" for result, number in count.items()))
    return 1 if count["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
