#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Hold every #include "..." to the layers: an include goes down, never up or sideways.

Usage: layers.py SOURCE_ROOT
"""
import pathlib
import re
import sys

# Rows from the top; folders of one row do not see each other.
ROWS = [
    ["api"],
    ["generate", "train"],
    ["models", "face"],
    ["nn", "onnx", "weights", "audio", "image", "media", "net"],
    ["kernels"],
    ["base"],
]
RANK = {folder: row for row, folders in enumerate(ROWS) for folder in folders}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)
MEDIA = re.compile(r"^\s*#\s*include\s+<lib(av|sw)", re.M)
# These see include/synctalk/, their own folder, and what is named here.
OUTSIDE = {"cli": ["server/server.h"], "server": [], "examples": []}


def wrong_arrow(folder, target):
    head = target.split("/")[0]
    if head == "synctalk":
        return None
    if "/" not in target:
        return f'"{target}" names no folder: write it from src/'
    if head not in RANK:
        return f'"{target}" is in no known layer'
    if head != folder and RANK[head] <= RANK[folder]:
        return f'{folder} may not include {head}: "{target}"'
    return None


def faults(root):
    for path in sorted((root / "src").rglob("*.[ch]")):
        folder = path.relative_to(root / "src").parts[0]
        text = path.read_text()
        if folder not in RANK:
            yield path, f"src/{folder} is in no known layer"
            continue
        for target in INCLUDE.findall(text):
            fault = wrong_arrow(folder, target)
            if fault:
                yield path, fault
        if folder != "media" and MEDIA.search(text):
            yield path, "only src/media includes libav* and libsw*"
    for outside, besides in OUTSIDE.items():
        for path in sorted((root / outside).rglob("*.[ch]")):
            for target in INCLUDE.findall(path.read_text()):
                own = (root / outside / target).exists()
                if not target.startswith("synctalk/") and not own and target not in besides:
                    yield path, f'{outside} sees include/synctalk/ only: "{target}"'
    for path in sorted((root / "include").rglob("*.h")):
        for target in INCLUDE.findall(path.read_text()):
            if not target.startswith("synctalk/"):
                yield path, f'a public header includes public headers only: "{target}"'


def self_check():
    assert wrong_arrow("nn", "audio/mel.h") and wrong_arrow("base", "api/x.h")
    assert wrong_arrow("face", "mel.h") and not wrong_arrow("face", "image/picture.h")
    assert not wrong_arrow("base", "synctalk/status.h")


def main():
    self_check()
    found = list(faults(pathlib.Path(sys.argv[1])))
    for path, fault in found:
        print(f"{path}: {fault}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
