#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Time the whole command: sound to finished MP4, on a real person where the reference data is
there, else on the demo person.

Usage: bench_generate.py SYNCTALK DEMO_PERSON ENLARGE_PERSON SHARED [--seconds S] [--rounds N]
                         [--only PART,PART]

Settings that are compared take turns, so that what else the machine does meets all of them. The
clock is the user's; the processor's time beside it is what hardly depends on others. A line that
begins with { is a part of bench.json.
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import wave


class Run:
    """One call of generate: seconds by the clock and of the processor, peak of memory, frames."""

    def __init__(self, synctalk, folder, *arguments, busy=False):
        out = pathlib.Path(tempfile.mkdtemp(dir=folder))
        command = [synctalk, "generate", *map(str, arguments), "-o", str(out) + "/", "--json",
                   "--progress", "json", "--stats"]
        neighbour = subprocess.Popen([sys.executable, "-c", "while True: pass"]) if busy else None
        if neighbour:
            os.sched_setaffinity(neighbour.pid, {min(os.sched_getaffinity(0))})
        try:
            with open(out / "stdout", "wb") as told, open(out / "stderr", "wb") as log:
                begun = time.monotonic()
                child = subprocess.Popen(command, stdout=told, stderr=log)
                _, status, usage = os.wait4(child.pid, 0)
                self.seconds = time.monotonic() - begun
        finally:
            if neighbour:
                neighbour.kill()
                neighbour.wait()
        lines = (out / "stderr").read_text().splitlines()
        if status:
            sys.exit("\n".join(lines[-3:]))
        made = [json.loads(line) for line in (out / "stdout").read_text().splitlines()]
        events = [json.loads(line) for line in lines]
        self.stats = [event for event in events if event["event"] == "stats"]
        self.frames = sum(video["frames"] for video in made)
        self.fps = made[0]["fps"]
        self.cpu = usage.ru_utime + usage.ru_stime
        self.peak_mb = usage.ru_maxrss * 1024 / 1e6
        shutil.rmtree(out)

    @property
    def rate(self):
        return self.frames / self.seconds

    @property
    def cpu_ms(self):
        return 1000 * self.cpu / self.frames


def take_turns(rounds, kinds):
    """Runs of each kind, {name: [Run]}; `kinds` gives a run for each call."""
    runs = {name: [] for name in kinds}
    for _ in range(rounds):
        for name, make in kinds.items():
            runs[name].append(make())
    return runs


def median(runs, what):
    return statistics.median(getattr(run, what) for run in runs)


def show(name, runs):
    rate = median(runs, "rate")
    print(f"{name:38} {runs[0].frames:5} frames  {rate:7.2f} fps  {rate / runs[0].fps:5.2f} x real "
          f"time  {median(runs, 'cpu_ms'):7.1f} CPU ms/frame  {median(runs, 'peak_mb'):6.0f} MB",
          flush=True)


def part(**values):
    print(json.dumps(values), flush=True)


def rounded(runs, what, digits=2):
    return {name: round(median(some, what), digits) for name, some in runs.items()}


def sound_of(path, seconds, out):
    """A WAV of `seconds`, the sound of `path` over and over."""
    with wave.open(str(path)) as source:
        params = source.getparams()
        frames = source.readframes(params.nframes)
    size = int(seconds * params.framerate) * params.sampwidth * params.nchannels
    with wave.open(str(out), "wb") as made:
        made.setparams(params)
        made.writeframes((frames * (size // len(frames) + 1))[:size])
    return out


class Bench:
    def __init__(self, options, folder):
        self.options, self.folder = options, pathlib.Path(folder)
        shared = pathlib.Path(options.shared).resolve()
        self.root = self.folder / "root"
        self.person = "sanders"
        if (shared / "dataset" / self.person).is_dir():
            self.speech = shared / "dataset" / self.person / "aud.wav"
            (self.root / "dataset").mkdir(parents=True)
            (self.root / "model").mkdir()
            (self.root / "dataset" / self.person).symlink_to(shared / "dataset" / self.person)
            # A copy, for what is found of its precision is kept beside it.
            shutil.copytree(shared / "checkpoint" / self.person,
                            self.root / "checkpoint" / self.person, copy_function=shutil.copyfile)
            # No person's ear, but it takes as long to hear with.
            (self.root / "model" / "audio_visual_encoder.pth").symlink_to(
                shared / "reference/ave/ave_random.pth")
        else:
            print(f"no reference data in {shared}: the demo person, narrow and 512x512, instead")
            self.person = "demo"
            subprocess.run([options.demo_person, self.root], check=True,
                           stdout=subprocess.DEVNULL)
            self.speech = self.root / "demo.wav"

        self.run("--audio", self.sound(0.04))  # finds the precision, which is kept

    def sound(self, seconds):
        path = self.folder / f"{seconds}.wav"
        return path if path.exists() else sound_of(self.speech, seconds, path)

    def run(self, *arguments, person=None, **more):
        return Run(self.options.synctalk, self.folder, "--root", self.root, "--model",
                   person or self.person, *arguments, **more)

    def turns(self, rounds, kinds, **more):
        return take_turns(rounds, {
            name: lambda arguments=arguments: self.run(*arguments, **more)
            for name, arguments in kinds.items()})

    def speed(self):
        """A long sound in the presets that must keep up with it, once, and a shorter one in the
        others, in f32, and with a cache that is large, or none."""
        long = ["--audio", self.sound(self.options.seconds)]
        short = ["--audio", self.sound(self.options.short_seconds)]
        kinds = {name: [*long, "--preset", name] for name in ("default", "fast")}
        others = {name: [*short, "--preset", name] for name in ("high_quality", "low_memory")}
        others["default, short"] = short
        others["f32"] = [*short, "--precision", "f32"]
        others["no cache"] = [*short, "--cache-mb", 0, "--loop-back"]
        others["all cached"] = [*short, "--cache-mb", 16000, "--loop-back"]
        runs = {**self.turns(1, kinds), **self.turns(1, others)}
        for name, some in runs.items():
            show(f"{some[0].frames / some[0].fps:.0f} s, {name}", some)
        part(generate_fps=rounded(runs, "rate"), generate_cpu_ms=rounded(runs, "cpu_ms"),
             generate_realtime={name: round(median(some, "rate") / some[0].fps, 3)
                                for name, some in runs.items()},
             stages={name: some[-1].stats[0] for name, some in runs.items()})

    def batch(self):
        """Ten short sounds in one call, against one of them in a call of its own."""
        sounds = []
        for i in range(10):
            path = self.folder / f"sound{i}.wav"
            shutil.copy(self.sound(self.options.batch_seconds), path)
            sounds += ["--audio", path]
        runs = self.turns(self.options.rounds, {"one": sounds[:2], "ten": sounds})
        for name, some in runs.items():
            show(f"{name} of {self.options.batch_seconds} s in a call", some)
        ratio = median(runs["ten"], "rate") / median(runs["one"], "rate")
        cpu = median(runs["one"], "cpu_ms") / median(runs["ten"], "cpu_ms")
        print(f"ten in a batch: {ratio:.2f} x the rate of one, {cpu:.2f} x by the processor")
        part(batch={"seconds_each": self.options.batch_seconds, "fps": rounded(runs, "rate"),
                    "ratio": round(ratio, 3), "cpu_ratio": round(cpu, 3)})

    def start(self):
        """The whole command for a single frame, all files in the page cache."""
        runs = self.turns(5, {"first_frame": ["--audio", self.sound(0.04)]})["first_frame"]
        print(f"one frame, process begun to file finished: {median(runs, 'seconds'):.3f} s, "
              f"{median(runs, 'cpu'):.3f} CPU s")
        part(first_frame={"seconds": round(median(runs, "seconds"), 3),
                          "least_seconds": round(min(run.seconds for run in runs), 3),
                          "cpu_seconds": round(median(runs, "cpu"), 3)})

    def neighbour(self):
        """What another program costs that never rests, on one core."""
        sound = ["--audio", self.sound(8)]
        runs = take_turns(self.options.rounds, {
            "alone": lambda: self.run(*sound), "busy": lambda: self.run(*sound, busy=True)})
        for name, some in runs.items():
            show(f"8 s, {name}", some)
        kept = median(runs["busy"], "rate") / median(runs["alone"], "rate")
        print(f"with a busy neighbour on one core: {100 * kept:.0f} % of the rate")
        part(busy_neighbour={"fps": rounded(runs, "rate"), "kept": round(kept, 3)})

    def memory(self):
        """The peak of each preset. Frames that come back fill the cache."""
        people = {f"{self.person}": self.person}
        if self.person == "sanders":
            large = self.root / "dataset" / "large"
            subprocess.run([self.options.enlarge_person, self.root / "dataset" / self.person,
                            "1920", "1080", "120", large], check=True)
            people = {"720p": self.person, "1080p": "large"}
            (self.root / "checkpoint" / "large").symlink_to(self.person)
        peaks = {}
        for size, person in people.items():
            for preset in ("default", "fast", "high_quality", "low_memory"):
                runs = [self.run("--audio", self.sound(self.options.memory_seconds), "--preset",
                                 preset, "--loop-back", person=person)]
                show(f"{size}, {preset}", runs)
                peaks.setdefault(size, {})[preset] = round(runs[0].peak_mb)
        part(peak_mb=peaks)


def main():
    parser = argparse.ArgumentParser()
    for name in ("synctalk", "demo_person", "enlarge_person", "shared"):
        parser.add_argument(name)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--short-seconds", type=int, default=12)
    parser.add_argument("--batch-seconds", type=int, default=4)
    parser.add_argument("--memory-seconds", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--only", default="start,speed,batch,neighbour,memory")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options, folder)
        for name in options.only.split(","):
            getattr(bench, name)()


if __name__ == "__main__":
    main()
