#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What docs/TRAINING.md says of train --quantize, on the shared checkpoint and its 72 held-out
frames. Guards a fine-tune that no longer makes int8 pass, or that costs quality.

Usage: test_quantise_long.py SYNCTALK SHARED [SAMPLES]; fewer samples only try the command.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77


def main():
    synctalk, shared = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
    samples = int(sys.argv[3]) if len(sys.argv) > 3 else 512
    if not (shared / "checkpoint/sanders/0.pth").is_file():
        print("SKIPPED: no checkpoint/sanders in", shared)
        return SKIPPED
    with tempfile.TemporaryDirectory() as root:
        person = pathlib.Path(root, "dataset/sanders")
        folder = pathlib.Path(root, "checkpoint/sanders")
        person.mkdir(parents=True)
        folder.mkdir(parents=True)
        for name in ("full_body_img", "landmarks", "aud_ave.npy"):
            os.symlink(shared / "dataset/sanders" / name, person / name)
        shutil.copy(shared / "checkpoint/sanders/0.pth", folder / "0.pth")
        subprocess.run([synctalk, "train", "--quantize", "--quantize-samples", str(samples),
                        "--batch", "4", "--holdout", "0.1377", "--root", root, "--model",
                        "sanders"], check=True)
        lines = [json.loads(line) for line in (folder / "quantize.jsonl").open()]
        last = [line for line in lines if line["event"] == "epoch"][-1]
        side = json.loads((folder / f"{last['checkpoint']}.precision.json").read_text())
    got = last["held_out"]
    print(got, side["calibrations"][0]["auto"])
    if samples >= 512:
        assert got["int8_from_f32"] >= 46, got
        assert got["int8_from_f32_worst"] >= 45, got
        assert got["self_mouth_int8"] >= got["self_mouth_first"] - 0.1, got
        assert side["calibrations"][0]["auto"] == "int8", side["calibrations"][0]
    return 0


if __name__ == "__main__":
    sys.exit(main())
