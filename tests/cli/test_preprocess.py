#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""preprocess with real networks on a real video: killed at random, interrupted, a folder,
and a few steps of training on what came out. Needs ../shared and ONNX Runtime."""
import hashlib
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import time
import unittest

import harness

SHARED = pathlib.Path(os.environ.get("ST_TEST_SHARED", harness.SOURCE.parent / "shared"))
VIDEO = SHARED / "media" / "video" / "liveportrait_d11.mp4"
NETWORKS = [SHARED / "models" / name for name in ("scrfd_2.5g_kps.onnx", "landmarks_106.onnx")]
OWN = harness.SOURCE / "data" / "audio_visual_encoder.safetensors"
FRAMES = 225


def lacks():
    absent = [str(p) for p in [VIDEO, *NETWORKS] if not p.exists()]
    return f"not there: {', '.join(absent)}" if absent else None


def digest(folder):
    """Every name and every byte."""
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in sorted(folder.rglob("*")) if p.is_file()}


class Lines(harness.Case):
    """What needs no network."""

    def test_usage(self):
        self.refused(2, "preprocess", says="preprocess VIDEO")
        self.refused(2, "preprocess", "a.mp4", "--fps", "0", says="1 to 100")
        self.refused(2, "preprocess", "a.mp4", "--features", "x.npy", says="not an option")

    def test_networks_are_asked_for(self):
        (self.dir / "a.mp4").write_bytes(b"x")
        error = self.refused(1, "preprocess", "a.mp4", says="scrfd_2.5g_kps.onnx",
                             env={"XDG_DATA_HOME": "/nonexistent"})
        self.assertIn("to find faces", error)
        self.assertEqual(self.files(), ["a.mp4"])

    def test_folders(self):
        (self.dir / "empty").mkdir()
        self.refused(1, "preprocess", "empty", says="no video")
        (self.dir / "two").mkdir()
        for name in ("anna.mov", "anna.mp4"):
            (self.dir / "two" / name).write_bytes(b"x")
        self.refused(1, "preprocess", "two", says="both become dataset/anna")


@unittest.skipIf(lacks(), lacks())
class Preprocess(harness.Case):
    def setUp(self):
        super().setUp()
        (self.dir / "model").mkdir()
        for path in [*NETWORKS, OWN]:
            (self.dir / "model" / path.name).symlink_to(path)
        self.folder = self.dir / "dataset" / "anna"
        self.environment = harness.clean_environment(XDG_CACHE_HOME=self.dir / "cache")

    def command(self, *more):
        return [harness.SYNCTALK, "preprocess", str(VIDEO), "--name", "anna", *more]

    def start(self):
        return subprocess.Popen(self.command(), cwd=self.dir, env=self.environment,
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def finish(self, *more):
        done = subprocess.run(self.command(*more), cwd=self.dir, env=self.environment, text=True,
                              capture_output=True, timeout=harness.LIMIT)
        if done.returncode == 1 and "ONNX Runtime" in done.stderr:
            self.skipTest(done.stderr.strip())
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_killed_and_trained(self):
        """Work that was killed once ended with other bytes than work that was not."""
        report = json.loads(self.finish("--json"))
        self.assertEqual((report["frames"], report["found"]), (FRAMES, FRAMES))
        self.assertEqual((report["width"], report["fps"], report["points"]), (512, 25, 106))
        whole = digest(self.folder)
        self.assertEqual(len(whole), 2 * FRAMES + 4)

        shutil.rmtree(self.folder)
        shutil.rmtree(self.dir / "cache")
        moments = random.Random(20)
        for _ in range(5):
            process = self.start()
            time.sleep(moments.uniform(0.05, 1.5))
            process.kill()
            process.communicate()
        self.finish()
        self.assertEqual(digest(self.folder), whole)
        self.assertIn("there already", self.finish())

        out = self.good("train", "--model", "anna", "--width", "narrow", "--epochs", "1",
                        "--samples-per-epoch", "4", "--batch", "2")
        self.assertIn("2 steps", out)
        self.assertTrue((self.dir / "checkpoint" / "anna" / "0.pth").exists())

    def test_interrupted(self):
        process = self.start()
        until = time.monotonic() + harness.LIMIT
        while process.poll() is None and time.monotonic() < until:
            if (self.folder / "landmarks" / "15.lms").exists():
                process.send_signal(signal.SIGINT)
                break
            time.sleep(0.01)
        error = process.communicate(timeout=harness.LIMIT)[1]
        if process.returncode == 1 and "ONNX Runtime" in error:
            self.skipTest(error.strip())
        if process.returncode != 0:  # it may have been done before the signal came
            self.assertEqual(process.returncode, 130, error)
            self.assertIn("goes on", error)
        self.assertEqual([p.name for p in self.folder.rglob("*.part")], [])
        self.assertIn(f"{FRAMES} frames", self.finish())

    def test_folder(self):
        """One bad video must not stop the others."""
        takes = self.dir / "takes"
        takes.mkdir()
        (takes / "a.mp4").write_text("no video")
        (takes / "b.mp4").symlink_to(VIDEO)
        (takes / "notes.txt").write_text("no video either")
        done = subprocess.run([harness.SYNCTALK, "preprocess", "takes", "--name", "anna"],
                              cwd=self.dir, env=self.environment, text=True, capture_output=True,
                              timeout=harness.LIMIT)
        if "ONNX Runtime" in done.stderr:
            self.skipTest(done.stderr.strip())
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("1 of 2 videos failed", done.stderr)
        self.assertEqual([p.name for p in (self.dir / "dataset").iterdir()], ["anna-b"])


if __name__ == "__main__":
    harness.main()
