#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Put what benchmarks have told into one file.

Usage: collect.py BENCHMARKLOG.json OUT.json

A line of a benchmark's output that is a JSON object is a part of OUT, merged member by member:
{"unet_ms": {"f32": 61.2}} and {"unet_ms": {"bf16": 33.0}} may come from two programs. What the
machine is, when it was, and which benchmarks failed are added.
"""
import datetime
import json
import os
import pathlib
import platform
import sys


def merge(into, values):
    for key, value in values.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = value


def parts(output):
    for line in output.splitlines():
        if line.startswith("{"):
            try:
                yield json.loads(line)
            except ValueError:
                pass


def cpu_facts():
    facts = {}
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        facts.setdefault(name.strip(), value.strip())
    known = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "amx_int8", "amx_bf16")
    flags = set(facts.get("flags", "").split())
    return facts.get("model name", "unknown"), [flag for flag in known if flag in flags]


def machine():
    model, flags = cpu_facts()
    return {
        "cpu": model,
        "flags": flags,
        "cores": len(os.sched_getaffinity(0)),
        "memory_mb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 10**6,
        "system": f"{platform.system()} {platform.release()}",
        "load": [round(load, 2) for load in os.getloadavg()],
    }


def main():
    log, out = map(pathlib.Path, sys.argv[1:3])
    bench = {
        "machine": machine(),
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "failed": [],
    }
    for line in log.read_text(errors="replace").splitlines():
        entry = json.loads(line)
        for values in parts(entry.get("stdout", "")):
            merge(bench, values)
        if entry["result"] not in ("OK", "SKIP"):
            bench["failed"].append(entry["name"])
    out.write_text(json.dumps(bench, indent=2) + "\n")
    print(f"{out}: {', '.join(key for key in bench if bench[key])}")
    return 1 if bench["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
