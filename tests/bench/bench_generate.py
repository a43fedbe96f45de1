#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Time the whole command: sound to finished MP4, on the demo person and, where the
reference data is there, on a real one.

Usage: bench_generate.py SYNCTALK DEMO_PERSON SHARED
"""
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile


def run(synctalk, name, arguments):
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out.mp4")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [synctalk, "generate", *arguments, "-o", out, "--json", "--progress", "none"],
            check=True, capture_output=True, text=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    made = json.loads(done.stdout.splitlines()[-1])
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    ms = 1000 * made["seconds"] / made["frames"]
    print(f"{name:32} {made['frames']:6} frames  {ms:7.2f} ms/frame  "
          f"{made['frames'] / made['fps'] / made['seconds']:6.2f} x real time  "
          f"{1000 * cpu / made['frames']:7.2f} CPU ms/frame", flush=True)


def main():
    synctalk, demo_person, shared = sys.argv[1:4]
    with tempfile.TemporaryDirectory() as root:
        subprocess.run([demo_person, root], check=True, stdout=subprocess.DEVNULL)
        demo = ["--root", root, "--model", "demo", "--audio", os.path.join(root, "demo.wav")]
        run(synctalk, "demo, narrow, 512x512", demo)
        run(synctalk, "demo, narrow, one worker", demo + ["--threads", "1"])
    dataset = pathlib.Path(shared) / "dataset" / "sanders"
    if not dataset.is_dir():
        print(f"SKIPPED: no reference data at {dataset}")
        return
    real = ["--root", shared, "--model", "sanders", "--audio", str(dataset / "aud.wav"),
            "--features", str(dataset / "aud_ave.npy")]
    for preset in ["default", "fast", "high_quality", "low_memory"]:
        run(synctalk, f"real, full width, 720p, {preset}", real + ["--preset", preset])


if __name__ == "__main__":
    main()
