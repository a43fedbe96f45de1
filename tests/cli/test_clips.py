#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""generate --mode clips on clips cut from a real take, under a real recording with long pauses.

With "long" as its last argument the whole recording is spoken, else its beginning.
"""
import json
import math
import os
import pathlib
import re
import sys

import harness

SHARED = pathlib.Path(os.environ.get("ST_TEST_SHARED", "absent"))
LONG = sys.argv[-1] == "long"
TAKE = SHARED / "dataset" / "sanders"
RECORDING = SHARED / "media" / "audio" / "jan-pause-deutsch.mp3"
NARROW = SHARED / "reference" / "unet" / "unet_ave_narrow_random.pth"
SILERO = SHARED / "models" / "silero_vad_16k_v6.safetensors"
ENCODER = harness.SOURCE / "data" / "audio_visual_encoder.safetensors"
PART = 0.165  # of the recording: a sentence, a pause of ten seconds, half a sentence
RANGES = {"02,08s talk": (129, 222), "talk 2": (186, 221), "talk 3": (240, 306),
          "AD2_silence_2s": (219, 249), "idle 2": (224, 248), "silence 3": (229, 242)}


def frame_at(seconds):
    return math.floor(25 * seconds + 0.5)


class Clips(harness.Case):
    def setUp(self):
        super().setUp()
        for path in (TAKE, RECORDING, NARROW, SILERO, ENCODER):
            if not path.exists():
                self.skipTest(f"{path} is absent")
        for name, (first, end) in RANGES.items():
            for kind, suffix in (("full_body_img", "jpg"), ("landmarks", "lms")):
                folder = self.dir / "dataset" / "anna" / "core_clips" / name / kind
                folder.mkdir(parents=True)
                for i in range(first, end):
                    (folder / f"{i - first}.{suffix}").symlink_to(TAKE / kind / f"{i}.{suffix}")
        for folder, path in (("checkpoint/anna/0.pth", NARROW), ("model/" + SILERO.name, SILERO),
                             ("model/" + ENCODER.name, ENCODER)):
            (self.dir / folder).parent.mkdir(parents=True, exist_ok=True)
            (self.dir / folder).symlink_to(path)
        sound = RECORDING.read_bytes()
        self.sound = self.dir / "talk.mp3"
        self.sound.write_bytes(sound if LONG else sound[:int(PART * len(sound))])
        self.call = ["generate", "--model", "anna", "--mode", "clips", "--audio", "talk.mp3",
                     "--preset", "fast", "--max-lines", "180", "--x264-preset", "ultrafast",
                     "--encoder", "ave", "-o", "out.mp4"]

    def segments(self, path, *options):
        found = json.loads(self.good("vad", path, "--json", *options))
        return found["duration"], found["segments"]

    def test_every_pause_rests_and_nothing_moves(self):
        done = self.run_command(*self.call, "--json", "--edl", "list.json")
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads(done.stdout)
        plan = json.loads((self.dir / "list.json").read_text())
        length, segments = self.segments("talk.mp3")

        self.assertEqual(report["frames"], frame_at(report["audio_seconds"]))
        self.assertEqual(plan["frames"], report["frames"])
        self.assertAlmostEqual(length, report["audio_seconds"], places=2)
        if LONG:
            self.assertAlmostEqual(report["audio_seconds"], 107.8, delta=0.1)

        # What the sound says of each frame, and what the plan shows then.
        want = []
        for part in segments:
            if part["label"] == "silence":
                self.assertGreaterEqual(part["end"] - part["start"], 0.75)
            end = report["frames"] if part is segments[-1] else frame_at(part["end"])
            want += [part["label"]] * (end - len(want))
        kinds = {clip["name"]: clip["type"] for clip in plan["clips"]}
        shown = []
        for entry in plan["entries"]:
            self.assertEqual(entry["from"], len(shown))
            self.assertEqual(entry["sync"], entry["type"] == "speech")
            self.assertEqual(kinds[entry["clip"]],
                             "talk" if entry["type"] == "speech" else "silence")
            shown += [entry["type"]] * entry["frames"]
        self.assertEqual(shown, want)
        self.assertGreaterEqual(want.count("silence"), 200)
        self.assertGreaterEqual(want.count("speech"), 100)

        # All fades of speech lie in the pauses.
        for entry in plan["entries"]:
            fade = range(entry["fade"]["from"], entry["fade"]["from"] + entry["fade"]["frames"])
            before = shown[entry["from"] - 1]
            if entry["from"] and before != entry["type"]:
                self.assertTrue(all(shown[i] == "silence" for i in fade))

        rows = [line for line in done.stderr.splitlines() if re.search(r" \d+:\d\d:\d\d\.\d\d ", line)]
        self.assertEqual(len(rows), len(plan["entries"]))

        # The film's own sound pauses where the recording does.
        found, heard = self.segments("out.mp4", "--min-silence-duration", "3")
        self.assertAlmostEqual(found, length, delta=0.05)
        spoken = self.segments("talk.mp3", "--min-silence-duration", "3")[1]
        self.assertEqual([p["label"] for p in heard], [p["label"] for p in spoken])
        for one, other in zip(heard[1:], spoken[1:]):
            self.assertAlmostEqual(one["start"], other["start"], delta=0.07)

    def test_wrong_use(self):
        for option, value in (("--vad-threshold", "0.95"), ("--transition", "26"),
                              ("--pad", "loop"), ("--align", "no")):
            self.refused(2, *self.call, option, value, says=[option, value])
        self.refused(2, *self.call, "--loop-back", says="--loop-back")
        self.refused(2, *self.call, "--start-frame", "3", says="--start-frame 3")
        self.refused(2, *self.call[:-2], "--audio", "other.mp3", "--edl", "list.json",
                     says=["--edl", "2 videos"])
        self.refused(2, "generate", "--model", "anna", "--audio", "talk.mp3", "--edl", "list.json",
                     says=["--edl list.json", "--mode clips"])
        self.refused(1, *self.call, "--edl", "nowhere/list.json", says="nowhere")
        self.assertFalse((self.dir / "out.mp4").exists())


if __name__ == "__main__":
    if LONG:
        sys.argv.pop()
    harness.main()
