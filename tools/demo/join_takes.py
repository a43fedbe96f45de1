#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Put datasets one after the other: the frames are moved, the sounds joined.

Usage: join_takes.py TARGET TAKE...      folders such as ROOT/dataset/NAME
"""
import pathlib
import sys
import wave


def take_frames(take, target, first):
    """Number the frames of `take` from `first` on in `target`; returns how many there are."""
    count = len(list((take / "full_body_img").glob("*.jpg")))
    for folder, suffix in (("full_body_img", "jpg"), ("landmarks", "lms")):
        (target / folder).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            (take / folder / f"{i}.{suffix}").rename(target / folder / f"{first + i}.{suffix}")
    return count


def main():
    target, takes = pathlib.Path(sys.argv[1]), [pathlib.Path(name) for name in sys.argv[2:]]
    target.mkdir(parents=True, exist_ok=True)
    frames = 0
    with wave.open(str(target / "aud.wav"), "wb") as joined:
        for take in takes:
            with wave.open(str(take / "aud.wav")) as sound:
                if frames == 0:
                    joined.setparams(sound.getparams())
                samples = sound.readframes(sound.getnframes())
                hz, seconds = sound.getframerate(), sound.getnframes() / sound.getframerate()
            count = take_frames(take, target, frames)
            if abs(seconds - count / 25) > 1 / hz:
                sys.exit(f"{take}: {count} frames, but {seconds} s of sound")
            joined.writeframes(samples)
            frames += count
    print(f"{target}: {frames} frames of {len(takes)} takes")


if __name__ == "__main__":
    main()
