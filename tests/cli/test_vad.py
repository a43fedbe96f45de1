#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""synctalk vad: its forms of output, and what it refuses."""
import json
import math
import random
import re
import struct
import unittest
import wave

import harness


def write_speech(path, voiced, hz=16000):
    """One second for each letter of `voiced`: a vowel for "s", near silence for "-"."""
    noise = random.Random(1)
    samples = []
    for second, kind in enumerate(voiced):
        for i in range(hz):
            t = second + i / hz
            x = 0.002 * noise.uniform(-0.5, 0.5)
            if kind == "s":
                phase = 2 * math.pi * (120 + 10 * math.sin(3 * t)) * t
                x += sum(0.1 / k * math.sin(k * phase) for k in range(1, 8))
            samples.append(int(32767 * max(-1, min(1, x))))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(hz)
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))


class Vad(harness.Case):
    def setUp(self):
        super().setUp()
        self.sound = self.dir / "two words.wav"
        write_speech(self.sound, "--ss--s-")
        self.env = {"HOME": self.dir}

    def vad(self, *arguments):
        return self.good("vad", self.sound.name, *arguments, env=self.env)

    def test_json_is_as_specified(self):
        result = json.loads(self.vad("--json"))
        self.assertEqual(set(result), {"duration", "segments"})
        self.assertEqual(result["duration"], 8)
        at = 0
        for part in result["segments"]:
            self.assertEqual(set(part), {"start", "end", "label"})
            self.assertEqual(part["start"], at)
            at = part["end"]
        self.assertEqual(at, 8)
        self.assertEqual([p["label"] for p in result["segments"]],
                         ["silence", "speech", "silence", "speech", "silence"])

    def test_all_forms_say_the_same(self):
        want = [(p["start"], p["end"], p["label"])
                for p in json.loads(self.vad("--json"))["segments"]]
        labels = [line.split("\t") for line in self.vad("--labels").splitlines()]
        self.assertEqual([(float(a), float(b), c) for a, b, c in labels], want)
        rows = [line.split() for line in self.vad().splitlines()]
        self.assertEqual(rows[0], ["start", "end", "seconds"])
        self.assertEqual([r[3] for r in rows[1:-1]], [c for _, _, c in want])
        for row, (start, end, _) in zip(rows[1:-1], want):
            self.assertAlmostEqual(float(row[0]), start, places=3)
            self.assertAlmostEqual(float(row[1]), end, places=3)
        speech = [(a, b) for a, b, c in want if c == "speech"]
        rttm = [line.split(" ") for line in self.vad("--rttm").splitlines()]
        self.assertEqual(len(rttm), len(speech))
        for row, (start, end) in zip(rttm, speech):
            self.assertEqual(row[:3] + row[5:],
                             ["SPEAKER", "two_words", "1", "<NA>", "<NA>", "speech", "<NA>",
                              "<NA>"])
            self.assertAlmostEqual(float(row[3]), start, places=3)
            self.assertAlmostEqual(float(row[3]) + float(row[4]), end, places=2)

    def test_parameters_count(self):
        self.assertEqual(len(json.loads(self.vad("--json", "--min-silence-duration",
                                                 "2.5"))["segments"]), 1)
        self.assertEqual(len(json.loads(self.vad("--json", "--min-speech-ms",
                                                 "1500"))["segments"]), 3)
        (self.dir / "synctalk.json").write_text('{"min-silence-duration": 2.5}')
        self.assertEqual(len(json.loads(self.vad("--json"))["segments"]), 1)

    def test_plot(self):
        done = self.run_command("vad", self.sound.name, "--plot", "vad.png", env=self.env)
        if "cairo" in done.stderr and done.returncode == 1:
            raise unittest.SkipTest("this build draws no charts")
        self.assertEqual(done.returncode, 0, done.stderr)
        png = (self.dir / "vad.png").read_bytes()
        self.assertEqual(struct.unpack(">II", png[16:24]), (1200, 400))
        self.refused(1, "vad", self.sound.name, "--plot", "vad.png", says=["vad.png", "exists"],
                     env=self.env)
        self.vad("--plot", "vad.png", "-y")

    def test_which_detector_is_said(self):
        done = self.run_command("vad", self.sound.name, env=self.env)
        self.assertIn("built-in detector", done.stderr)
        self.assertRegex(done.stdout, r"detector: built-in\n$")
        self.refused(1, "vad", self.sound.name, "--vad", "silero", env=self.env,
                     says=["silero_vad_16k_v6.safetensors", "--models"])

    def test_values_out_of_range(self):
        for option, value, says in [
                ("--vad-threshold", "0.95", "0.1 to 0.9"), ("--vad-threshold", "nan", "0.1 to 0.9"),
                ("--min-silence-duration", "-1", "0 to 3600"), ("--min-speech-ms", "-1", "0 to"),
                ("--min-silence-ms", "x", "0 to"), ("--speech-pad-ms", "1.5", "0 to"),
                ("--vad", "whisper", "auto, silero, builtin")]:
            self.refused(2, "vad", "x.wav", option, value, says=[option, f'"{value}"', says])

    def test_wrong_use(self):
        self.refused(2, "vad", says="AUDIO")
        self.refused(2, "vad", "a.wav", "b.wav", says='"b.wav"')
        self.refused(2, "vad", "a.wav", "--json", "--rttm", says=["--json", "--rttm"])
        self.refused(2, "vad", "a.wav", "--crf", "9", says="--crf is not an option of this command")
        self.refused(1, "vad", self.sound.name, "--vad", "builtin", "--vad-model", "x.onnx",
                     env=self.env, says="vad-model")

    def test_files_that_are_no_sound(self):
        self.refused(1, "vad", "absent.wav", says="absent.wav")
        (self.dir / "empty.wav").write_bytes(b"")
        self.refused(1, "vad", "empty.wav", says="empty.wav")
        (self.dir / "text.wav").write_text("hello")
        self.refused(1, "vad", "text.wav", says="text.wav")
        self.refused(1, "vad", self.sound.name, "--vad-model", "text.wav", says="text.wav")
        harness.write_wav(self.dir / "none.wav", 0)
        self.refused(1, "vad", "none.wav", says="none.wav")

    def test_nothing_but_silence(self):
        write_speech(self.sound, "---")
        result = json.loads(self.vad("--json"))
        self.assertEqual(result["segments"], [{"start": 0, "end": 3, "label": "silence"}])
        self.assertEqual(self.vad("--rttm"), "")

    def test_environment_is_known(self):
        """Guards a warning that SYNCTALK_VAD_THRESHOLD were no setting."""
        done = self.run_command("vad", self.sound.name, "--json",
                                env={**self.env, "SYNCTALK_VAD_THRESHOLD": "0.6",
                                     "SYNCTALK_MODELS": self.dir})
        self.assertEqual(done.returncode, 0)
        self.assertNotIn("no setting", done.stderr)
        self.assertIsNone(re.search("warning", done.stderr))


if __name__ == "__main__":
    harness.main()
