#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""generate --mode video as a user meets it, on a film that generate made itself."""
import harness

SECONDS = 0.6  # of sound: 15 frames


class Video(harness.DemoCase):
    def setUp(self):
        super().setUp()
        if not self.bring_face_networks():
            self.skipTest("the networks that find faces are absent")
        harness.write_wav(self.dir / "a.wav", SECONDS)
        self.good("generate", *self.person, "--audio", "a.wav", "-o", "take.mp4")
        self.call = ["generate", *self.person, "--mode", "video", "--video", "take.mp4",
                     "--audio", "a.wav", "-o", "out.mp4"]
        self.cache = {"XDG_CACHE_HOME": self.dir / "cache", "HOME": self.dir / "home"}

    def make(self, *options, env):
        done = self.run_command(*self.call, "-y", *options, env=env)
        if done.returncode and "make setup-onnx" in done.stderr:
            self.skipTest("ONNX Runtime is absent")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"^out\.mp4: 15 frames, 0\.60 s at 25 fps")
        return done.stderr

    def kept(self, folder):
        return [f for f in self.files() if f.startswith(f"{folder}/")]

    def test_a_video_is_looked_at_once(self):
        text = self.make(env=self.cache)
        self.assertIn("video take.mp4: 512x512, h264", text)
        self.assertNotIn("reused", text)
        self.assertEqual(len(self.kept("cache/synctalk/analysis")), 1)
        self.assertEqual(self.kept("home"), [])
        self.assertIn("the analysis of take.mp4 is reused",
                      self.make("--loop-back", env=self.cache))
        self.assertNotIn("reused", self.make("--face-threshold", "0.4", env=self.cache))

    def test_where_it_is_kept(self):
        home = {"XDG_CACHE_HOME": "", "HOME": self.dir / "home"}
        self.make(env=home)
        self.assertEqual(len(self.kept("home/.cache/synctalk/analysis")), 1)
        self.make("--analysis-cache", "mine", env=home)
        self.assertEqual(len(self.kept("mine")), 1)
        self.make(env={"XDG_CACHE_HOME": "", "HOME": ""})

    def test_no_dataset_is_needed(self):
        root = self.dir / "bare"
        (root / "checkpoint").mkdir(parents=True)
        (root / "checkpoint" / self.name).symlink_to(self.demo / "checkpoint" / self.name)
        (root / "model").symlink_to(self.demo / "model")
        self.call[self.call.index("--root") + 1] = root
        self.make(env=self.cache)

    def test_the_video_is_never_the_output(self):
        whole = (self.dir / "take.mp4").read_bytes()
        self.call[self.call.index("out.mp4")] = "./take.mp4"
        self.refused(2, *self.call, "-y", env=self.cache, says="both the video and the output")
        self.assertEqual((self.dir / "take.mp4").read_bytes(), whole)

    def test_what_cannot_end_well_is_told_before_the_look(self):
        """Guards a minute's look at a video that ends in a name which is taken."""
        (self.dir / "out.mp4").write_text("mine")
        text = self.refused(1, *self.call, env=self.cache, says=["out.mp4", "-y"])
        self.assertNotIn("video take.mp4", text)
        self.call[self.call.index("a.wav")] = "absent.wav"
        text = self.refused(1, *self.call, "-y", env=self.cache, says="absent.wav")
        self.assertNotIn("video take.mp4", text)
        self.assertEqual((self.dir / "out.mp4").read_text(), "mine")


if __name__ == "__main__":
    harness.main()
