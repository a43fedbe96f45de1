#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Time a training step of the full-width network, and of the same network in PyTorch where
that is installed. The two take turns, so that what else the machine does meets both.

Usage: bench_train.py TRAIN_STEPS [ROUNDS]
"""
import os
import pathlib
import statistics
import subprocess
import sys
import time

SYSTEM_PYTHON = "/usr/bin/python3"  # the one that Debian's packages are for
FLOOR = 0.13  # s a sample on two cores: three times the forward pass's arithmetic, at peak
OURS = [("f32", 2), ("f32", 4), ("f32", 8), ("bf16", 4), ("bf16", 8)]
THEIRS = [(2, True), (4, True), (2, False)]  # batch, channels last
SAMPLES = 16  # of each in a round, the first step apart


def ours(train_steps, precision, batch):
    """Seconds and CPU-seconds a sample for each step but the first; bytes at most."""
    done = subprocess.run(
        [train_steps, precision, "full", str(batch), str(1 + SAMPLES // batch)],
        check=True, capture_output=True, text=True)
    *steps, peak = done.stdout.splitlines()
    return [[float(word) for word in line.split()] for line in steps[1:]], int(peak.split()[1])


class Theirs:
    def __init__(self, torch, unet, batch, channels_last):
        self.torch = torch
        form = torch.channels_last if channels_last else torch.contiguous_format
        self.net = unet((32, 64, 128, 256, 512)).to(memory_format=form)
        self.optimiser = torch.optim.Adam(self.net.parameters(), lr=1e-3)
        self.image = torch.rand(batch, 6, 320, 320).to(memory_format=form)
        self.audio = torch.rand(batch, 32, 16, 16)
        self.target = torch.rand(batch, 3, 320, 320)
        self.batch = batch

    def step(self):
        start, cpu = time.monotonic(), time.process_time()
        self.optimiser.zero_grad()
        loss = self.torch.nn.functional.l1_loss(self.net(self.image, self.audio), self.target)
        loss.backward()
        self.optimiser.step()
        return ((time.monotonic() - start) / self.batch, (time.process_time() - cpu) / self.batch)


def open_theirs():
    try:
        import torch
    except ImportError:
        if sys.executable != SYSTEM_PYTHON and os.path.exists(SYSTEM_PYTHON):
            os.execv(SYSTEM_PYTHON, [SYSTEM_PYTHON, *sys.argv])
        return print("SKIPPED: no PyTorch (python3-torch) to compare with") or []
    sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "train"))
    from check_torch import UNet
    torch.set_num_threads(os.cpu_count())
    torch.manual_seed(1)
    nets = []
    for batch, last in THEIRS:
        name = f"PyTorch {torch.__version__}, batch {batch}{', channels last' if last else ''}"
        nets.append((name, Theirs(torch, UNet, batch, last)))
        nets[-1][1].step()
    return nets


def main():
    train_steps, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 3
    times, peaks = {}, {}
    theirs = open_theirs()
    for _ in range(rounds):
        for precision, batch in OURS:
            name = f"synctalk {precision}, batch {batch}"
            try:
                steps, peaks[name] = ours(train_steps, precision, batch)
            except subprocess.CalledProcessError as error:
                print(f"SKIPPED: {name}: {error.stderr.strip()}")
                continue
            times.setdefault(name, []).extend(steps)
        for name, net in theirs:
            times.setdefault(name, []).extend(net.step() for _ in range(SAMPLES // net.batch))
    middle = {name: [statistics.median(column) for column in zip(*steps)]
              for name, steps in times.items()}
    best = min((wall for name, (wall, _) in middle.items() if name.startswith("PyTorch")),
               default=None)
    for name, (wall, cpu) in middle.items():
        line = (f"{name:40} {1 / wall:6.2f} samples/s  {wall:6.3f} s a sample  "
                f"{wall / FLOOR:5.2f} x the floor  {cpu:6.3f} CPU-s")
        if best:
            line += f"  {best / wall:5.2f} x PyTorch's best"
        if name in peaks:
            line += f"  peak {peaks[name] / 1e9:.2f} GB"
        print(line, flush=True)


if __name__ == "__main__":
    main()
