#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What benchmarks print as JSON is put together; tables between are left out; failures are named.

Usage: test_collect.py COLLECT.py
"""
import json
import pathlib
import subprocess
import sys
import tempfile


def main():
    entries = [
        {"name": "unet", "result": "OK",
         "stdout": 'a table\n{"unet_ms": {"f32": 61.2}}\n{not json\n{"unet_ms": {"int8": 20}}\n'},
        {"name": "generate", "result": "OK", "stdout": '{"generate_fps": {"fast": 41.5}}\n'},
        {"name": "torch", "result": "SKIP", "stdout": ""},
        {"name": "late", "result": "TIMEOUT", "stdout": '{"unet_ms": {"pytorch": 190.5}}\n'},
    ]
    with tempfile.TemporaryDirectory() as folder:
        log, out = pathlib.Path(folder, "log.json"), pathlib.Path(folder, "bench.json")
        log.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
        done = subprocess.run([sys.executable, sys.argv[1], log, out], stdout=subprocess.DEVNULL)
        bench = json.loads(out.read_text())
    assert done.returncode == 1, "a benchmark that failed must be seen"
    assert bench["failed"] == ["late"], bench["failed"]
    assert bench["unet_ms"] == {"f32": 61.2, "int8": 20, "pytorch": 190.5}, bench["unet_ms"]
    assert bench["generate_fps"] == {"fast": 41.5}
    assert bench["machine"]["cores"] >= 1 and bench["machine"]["cpu"] and bench["date"]


if __name__ == "__main__":
    main()
