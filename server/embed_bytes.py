#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turn a file into C: NAME[] and NAME_size, after the file's name, as HEADER declares them.

Usage: embed_bytes.py OUTPUT.c HEADER FILE
"""
import pathlib
import sys


def main():
    output, header, file = sys.argv[1:]
    data = pathlib.Path(file).read_bytes()
    name = pathlib.Path(file).stem
    rows = [",".join(str(b) for b in data[i:i + 24]) for i in range(0, len(data), 24)]
    pathlib.Path(output).write_text(
        f'#include "{header}"\n\nconst unsigned char {name}[] = {{\n' + ",\n".join(rows) +
        f"}};\nconst size_t {name}_size = sizeof {name};\n")


if __name__ == "__main__":
    main()
