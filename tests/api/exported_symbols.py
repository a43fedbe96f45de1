#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The shared library exports synctalk_* and nothing else, and all that the headers promise.

Usage: exported_symbols.py LIBRARY INCLUDE_FOLDER
"""
import pathlib
import re
import subprocess
import sys


def exported(library):
    lines = subprocess.run(["nm", "-D", "--defined-only", library], check=True,
                           capture_output=True, text=True).stdout.splitlines()
    return {line.split()[-1].split("@")[0] for line in lines if line.strip()}


def promised(include):
    names = set()
    for header in sorted(pathlib.Path(include).rglob("*.h")):
        text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S)
        for declaration in re.findall(r"^SYNCTALK_API\b([^;]*);", text, flags=re.M):
            names.update(re.findall(r"\b(synctalk_\w+)\s*\(", declaration)[:1])
    return names


def main():
    have, want = exported(sys.argv[1]), promised(sys.argv[2])
    faults = [f"exported, but not of the public API: {name}" for name in sorted(have - want)]
    faults += [f"declared, but not exported: {name}" for name in sorted(want - have)]
    if len(want) < 20:
        faults.append(f"only {len(want)} functions found in the headers: the search is broken")
    print("\n".join(faults) or f"{len(have)} symbols, all public", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
