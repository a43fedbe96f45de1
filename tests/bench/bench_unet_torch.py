#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Time the full-width network in Debian's PyTorch, in both memory formats, on all cores.

Usage: bench_unet_torch.py [ROUNDS]
"""
import json
import os
import pathlib
import statistics
import sys
import time

SYSTEM_PYTHON = "/usr/bin/python3"  # the one that Debian's packages are for


def open_torch():
    try:
        import torch
        return torch
    except ImportError:
        if sys.executable != SYSTEM_PYTHON and os.path.exists(SYSTEM_PYTHON):
            os.execv(SYSTEM_PYTHON, [SYSTEM_PYTHON, *sys.argv])
        return None


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    torch = open_torch()
    if torch is None:
        print("SKIPPED: no PyTorch (python3-torch) to compare with")
        return
    sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "train"))
    from check_torch import UNet
    torch.set_grad_enabled(False)
    torch.set_num_threads(os.cpu_count())
    kinds = {"plain": torch.contiguous_format, "channels_last": torch.channels_last}
    nets = {name: UNet((32, 64, 128, 256, 512)).eval().to(memory_format=form)
            for name, form in kinds.items()}
    image, audio = torch.rand(1, 6, 320, 320), torch.rand(1, 32, 16, 16)
    wall, cpu = {name: [] for name in kinds}, {name: [] for name in kinds}
    for turn in range(rounds + 1):
        for name, net in nets.items():
            x = image.to(memory_format=kinds[name])
            began, used = time.monotonic(), time.process_time()
            net(x, audio)
            if turn:  # the first touches memory
                wall[name].append(1e3 * (time.monotonic() - began))
                cpu[name].append(1e3 * (time.process_time() - used))
    best = min(kinds, key=lambda name: statistics.median(wall[name]))
    print(f"PyTorch {torch.__version__}, {best}, {torch.get_num_threads()} threads")
    print(json.dumps({"unet_ms": {"pytorch": round(statistics.median(wall[best]), 1)}}))
    print(json.dumps({"unet_cpu_ms": {"pytorch": round(statistics.median(cpu[best]), 1)}}))


main()
