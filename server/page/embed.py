#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turn the files of the page into a C table.

Usage: embed.py OUTPUT.c FILE...
"""
import hashlib
import pathlib
import sys

TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".js": "text/javascript; charset=utf-8"}


def bytes_in_c(data):
    numbers = [str(b) for b in data]
    return ",\n".join(",".join(numbers[i:i + 24]) for i in range(0, len(numbers), 24))


def main():
    output, *files = sys.argv[1:]
    files = [pathlib.Path(f) for f in files]
    text = ['#include "page.h"', ""]
    for i, file in enumerate(files):
        data = bytes_in_c(file.read_bytes())
        text.append(f"static const unsigned char file_{i}[] = {{\n{data}}};")
    text.append("const struct page_file page_files[] = {")
    for i, file in enumerate(files):
        path = "/" if file.name == "index.html" else f"/{file.name}"
        etag = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
        text.append(f'    {{"{path}", "{TYPES[file.suffix]}", "\\"{etag}\\"", file_{i}, '
                    f"sizeof file_{i}}},")
    text.append("    {0},\n};")
    pathlib.Path(output).write_text("\n".join(text) + "\n")


if __name__ == "__main__":
    main()
