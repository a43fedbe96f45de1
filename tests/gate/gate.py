#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Hold the instructions of a fixed little work to recorded counts.

Usage: gate.py PROGRAM COUNTS.json [--record]

PROGRAM runs under callgrind; each of its functions gate_NAME is a part. Seconds depend on the
machine and on who else is at it, instructions hardly: a part that takes more than TOLERANCE
above its recorded count is a slowdown, and the test fails. With --record the counts are written
instead. Counts hold for one compiler and one oneDNN; beside others they are skipped, aloud.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

TOLERANCE = 0.03
SKIP = 77
PART = re.compile(r"^ *([\d,]+) .*:gate_(\w+) \[", re.M)


def made_with(program):
    """What the counts depend on besides our sources."""
    def output(*command):
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    linked = dict(re.findall(r"(lib\w+)\.so\S* => (\S+)", output("ldd", program)))
    return {
        "compiler": sorted(set(re.findall(r"(?:GCC|clang version)\D[^\n]*?(\d+\.\d+\.\d+)\s*$",
                                          output("readelf", "-p", ".comment", program), re.M))),
        "libdnnl": pathlib.Path(linked["libdnnl"]).resolve().name,
        "libc": re.search(r"version (\d+\.\d+)", output(linked["libc"])).group(1),
        "valgrind": output("valgrind", "--version").strip(),
    }


def count(program):
    """Instructions of each part, with all that it calls."""
    with tempfile.TemporaryDirectory() as folder:
        out = f"{folder}/out"
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}",
             "--toggle-collect=gate_*", "-q", program],
            capture_output=True, text=True,
            env={"OMP_NUM_THREADS": "1", "PATH": os.environ["PATH"]})
        if done.returncode:
            print(done.stdout + done.stderr, file=sys.stderr)
            sys.exit(done.returncode)
        told = subprocess.run(
            ["callgrind_annotate", "--inclusive=yes", "--threshold=100", out],
            capture_output=True, text=True, check=True).stdout
    counts = {name: int(number.replace(",", "")) for number, name in PART.findall(told)}
    if not counts:
        sys.exit("no part was counted: does PROGRAM still have functions gate_*?")
    return dict(sorted(counts.items()))


def compare(counts, recorded):
    slower = []
    for part in sorted(counts.keys() | recorded.keys()):
        now, then = counts.get(part), recorded.get(part)
        if now is None or then is None:
            print(f"{part:20} {now or '-':>12} {then or '-':>12}  not in both")
            slower.append(part)
            continue
        change = now / then - 1
        print(f"{part:20} {now:12} {then:12} {100 * change:+7.2f} %")
        if change > TOLERANCE:
            slower.append(part)
        elif change < -TOLERANCE:
            print(f"{part}: faster than recorded; record anew, so that it stays so")
    return slower


def main():
    program, path = sys.argv[1], pathlib.Path(sys.argv[2])
    if not shutil.which("valgrind"):
        print("SKIPPED: valgrind is not installed", file=sys.stderr)
        return SKIP
    machine = made_with(program)
    if "--record" in sys.argv[3:]:
        path.write_text(json.dumps({"made_with": machine, "instructions": count(program)},
                                   indent=2) + "\n")
        print(f"recorded in {path}")
        return 0
    recorded = json.loads(path.read_text())
    if recorded["made_with"] != machine:
        print(f"SKIPPED: counts are of {recorded['made_with']}, this is {machine}",
              file=sys.stderr)
        return SKIP
    slower = compare(count(program), recorded["instructions"])
    if not slower:
        return 0
    print(f"slower, or not recorded: {', '.join(slower)}. Where that is as it should be, record "
          "anew with: ninja -C BUILD record-gate", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
