#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Time 20 seconds of sound through a HuBERT of the large size with random weights, and
through the same network in ONNX Runtime and in PyTorch, where they are installed. They take
turns, so that what else the machine does meets all. CPU-seconds with one thread tell the
work; seconds with two, on a machine that does nothing else, the speed.

PyTorch multiplies f32 matrices by what libblas.so.3 is: where OpenBLAS is installed (or lies
in the folder $ST_BENCH_BLAS) it is used; with the reference BLAS it takes minutes, and f32 is
left out.

Usage: bench_hubert.py HUBERT_SPEED [ROUNDS]
"""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

SYSTEM_PYTHON = "/usr/bin/python3"  # the one that Debian's packages are for
SECONDS = 20.005  # of sound
OPENBLAS = "/usr/lib/x86_64-linux-gnu/openblas-pthread"


class Runner:
    """A program that runs a piece for each line that it is given."""

    def __init__(self, name, command, env=None):
        self.name, self.wall, self.cpu, self.values = name, [], [], []
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env=env)
        self.element = self.process.stdout.readline().split()
        self.works = bool(self.element)
        if not self.works:
            print(f"{name}: left out: {self.process.stderr.read().strip()[-300:]}")

    def turn(self, counts):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        wall, cpu, *self.values = map(float, self.process.stdout.readline().split())
        if counts:
            self.wall.append(wall)
            self.cpu.append(cpu)

    def end(self):
        peak, _ = self.process.communicate("")
        self.peak = int(peak.split()[-1])


def torch_env():
    """What PyTorch needs to find a fast BLAS, or None where there is none."""
    folder = os.environ.get("ST_BENCH_BLAS", OPENBLAS)
    if not (pathlib.Path(folder) / "libblas.so.3").exists():
        return None
    paths = [folder, os.environ.get("LD_LIBRARY_PATH", "")]
    return dict(os.environ, LD_LIBRARY_PATH=":".join(filter(None, paths)))


def start(hubert_speed, folder, threads):
    torch = pathlib.Path(__file__).with_name("hubert_torch.py")
    runners = [Runner("synctalk f32", [hubert_speed, "f32", folder, threads]),
               Runner("synctalk bf16", [hubert_speed, "bf16", folder, threads]),
               Runner("ONNX Runtime f32", [hubert_speed, "onnx", folder, threads])]
    env = torch_env()
    if env:
        runners.append(Runner("PyTorch f32", [SYSTEM_PYTHON, torch, "f32", folder, threads], env))
    else:
        print("PyTorch f32: left out: no OpenBLAS is installed")
    runners.append(Runner("PyTorch bf16", [SYSTEM_PYTHON, torch, "bf16", folder, threads], env))
    return [runner for runner in runners if runner.works]


def compare(hubert_speed, folder, threads, rounds):
    runners = start(hubert_speed, folder, str(threads))
    for i in range(rounds + 1):
        for runner in runners:
            runner.turn(i > 0)  # the first builds what later ones find
    for runner in runners:
        runner.end()
    exact = runners[0].values
    of = (lambda r: statistics.median(r.cpu)) if threads == 1 else \
        (lambda r: statistics.median(r.wall))
    print(f"\n{threads} thread{'s' if threads > 1 else ''}: "
          f"{'CPU-seconds' if threads == 1 else 'seconds'} for {SECONDS:.0f} s of sound, "
          f"median of {rounds}")
    for runner in runners:
        seconds = of(runner)
        off = max(abs(a - b) for a, b in zip(exact, runner.values))
        print(f"  {runner.name:18} {seconds:7.2f}  {SECONDS / seconds:5.1f} x real time, "
              f"{runner.peak / 2**20:5.0f} MiB at most, differs from f32 by {off:.1g}")
    told = {}
    theirs = [r for r in runners if not r.name.startswith("synctalk")]
    for ours, others in ((runners[0], [r for r in theirs if "f32" in r.name]),
                         (runners[1], theirs)):
        if others:
            best = min(others, key=of)
            told[f"{ours.name} {threads}"] = {
                "seconds": round(of(ours), 3), "times_fastest_other": round(of(best) / of(ours), 2),
                "other": best.name, "peak_mb": ours.peak >> 20}
            print(f"  {ours.name} is {of(best) / of(ours):.2f} x {best.name}, the fastest other"
                  f"{' in f32' if ours is runners[0] else ''}")
    return told


def main():
    hubert_speed = sys.argv[1]
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([hubert_speed, "make", folder], check=True)
        told = compare(hubert_speed, folder, 1, rounds)
        told.update(compare(hubert_speed, folder, 2, rounds))
    print(json.dumps({"hubert": told}))


main()
