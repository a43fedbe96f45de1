#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""preprocess-clips: what is refused, --verify on the demo person's clips, and with real
networks on a real video: interrupted, killed, verified. The last needs ../shared and ONNX
Runtime."""
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time
import unittest

import harness

SHARED = pathlib.Path(os.environ.get("ST_TEST_SHARED", harness.SOURCE.parent / "shared"))
VIDEO = SHARED / "media" / "video" / "liveportrait_d11.mp4"
NETWORKS = [SHARED / "models" / name for name in ("scrfd_2.5g_kps.onnx", "landmarks_106.onnx")]
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

    command = ["preprocess-clips", "--model", "anna"]

    def test_usage(self):
        self.refused(2, "preprocess-clips", says="--model NAME")
        self.refused(2, *self.command, "x.mp4", says="preprocess-clips")
        self.refused(2, *self.command, "--fps", "0", says="1 to 100")

    def test_names_come_before_work(self):
        self.refused(1, *self.command, says="core_clips/anna: no clip")
        folder = self.dir / "core_clips" / "anna"
        folder.mkdir(parents=True)
        for name in ("a talk.mp4", "b walk.mp4"):
            (folder / name).write_bytes(b"x")
        for more in ([], ["--verify"]):
            self.refused(1, *self.command, *more, says=["b walk.mp4", '"talk"', '"idle"'])
        (folder / "b walk.mp4").rename(folder / "a talk.MOV")
        self.refused(1, *self.command, says=["a talk.MOV and a talk.mp4"])
        (folder / "a talk.MOV").rename(folder / "b idle.MOV")
        before = self.files()
        self.refused(1, *self.command, says="scrfd_2.5g_kps.onnx",
                     env={"XDG_DATA_HOME": "/nonexistent"})
        self.assertEqual(self.files(), before)

        done = self.run_command(*self.command, "--verify", "--json")
        self.assertEqual(done.returncode, 1)
        *clips, total = map(json.loads, done.stdout.splitlines())
        self.assertEqual([(c["clip"], c["type"], c["state"]) for c in clips],
                         [("a talk", "talk", "missing"), ("b idle", "silence", "missing")])
        self.assertEqual((total["clips"], total["missing"]), (2, 2))
        self.assertEqual(self.files(), before)


class Demo(harness.DemoCase):
    def test_clips_of_the_demo_are_whole(self):
        """Trees that were made elsewhere have no sources here."""
        out = self.good("preprocess-clips", *self.person, "--verify", "--json")
        *clips, total = map(json.loads, out.splitlines())
        self.assertTrue(all(c["state"] == "foreign" and c["source"] is None and c["frames"] > 0
                            for c in clips), out)
        self.assertEqual((total["talk"], total["silence"], total["missing"]), (5, 6, 0))

    def test_clips_of_the_demo_join(self):
        """Clips that ended in mid-motion showed a double collar while one faded into the next."""
        ends = set()
        for clip in (self.demo / "dataset" / "demo" / "core_clips").iterdir():
            last = len(list((clip / "landmarks").iterdir())) - 1
            for number in (0, last):
                ends.add((clip / "landmarks" / f"{number}.lms").read_text())
            middle = (clip / "landmarks" / f"{last // 2}.lms").read_text()
            self.assertNotIn(middle, ends)
        self.assertEqual(len(ends), 1)


@unittest.skipIf(lacks(), lacks())
class Networks(harness.Case):
    def setUp(self):
        super().setUp()
        (self.dir / "model").mkdir()
        for path in NETWORKS:
            (self.dir / "model" / path.name).symlink_to(path)
        self.sources = self.dir / "core_clips" / "anna"
        self.sources.mkdir(parents=True)
        self.clips = self.dir / "dataset" / "anna" / "core_clips"
        self.environment = harness.clean_environment(XDG_CACHE_HOME=self.dir / "cache")
        (self.sources / "09,00s talk.mp4").symlink_to(VIDEO)
        (self.sources / "bad idle.mp4").write_text("no video")

    def command(self, *more):
        return [harness.SYNCTALK, "preprocess-clips", "--model", "anna", *more]

    def finish(self, *more):
        done = subprocess.run(self.command(*more), cwd=self.dir, env=self.environment, text=True,
                              capture_output=True, timeout=harness.LIMIT)
        if done.returncode == 1 and "ONNX Runtime" in done.stderr:
            self.skipTest(done.stderr.strip())
        return done

    def stop(self, stop, after):
        """Starts it, and sends the signal once a file is there; the exit code."""
        process = subprocess.Popen(self.command(), cwd=self.dir, env=self.environment,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        until = time.monotonic() + harness.LIMIT
        while process.poll() is None and time.monotonic() < until:
            if (self.clips / "09,00s talk" / "landmarks" / after).exists():
                process.send_signal(stop)
                break
            time.sleep(0.01)
        error = process.communicate(timeout=harness.LIMIT)[1]
        if process.returncode == 1 and "ONNX Runtime" in error:
            self.skipTest(error.strip())
        return process.returncode, error

    def test_stopped_and_gone_on_with(self):
        """A clip that was stopped once ended with other bytes, and a bad one must not keep the
        others from being made."""
        code, error = self.stop(signal.SIGINT, "15.lms")
        if code != 1:  # it may have been done before the signal came
            self.assertEqual(code, 130, error)
            self.assertIn("goes on", error)
        self.assertEqual([p.name for p in self.clips.rglob("*.part")], [])
        self.stop(signal.SIGKILL, "100.lms")
        done = self.finish()
        self.assertEqual(done.returncode, 1)
        self.assertIn("bad idle.mp4", done.stderr)
        self.assertEqual([p.name for p in self.clips.iterdir()], ["09,00s talk"])
        whole = digest(self.clips)
        self.assertEqual(len(whole), 2 * FRAMES + 1)
        info = (self.clips / "09,00s talk" / "info.txt").read_text()
        for line in ("source: 09,00s talk.mp4", "type: talk", f"frames: {FRAMES}", "fps: 25",
                     "width: 512", "complete: yes"):
            self.assertIn(line, info.splitlines())

        (self.sources / "bad idle.mp4").unlink()
        self.assertEqual(self.finish("--verify").returncode, 0)
        shutil.rmtree(self.clips)
        self.assertEqual(self.finish("--verify").returncode, 1)
        self.assertEqual(self.finish().returncode, 0)
        self.assertEqual(digest(self.clips), whole)


if __name__ == "__main__":
    harness.main()
