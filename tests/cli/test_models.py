#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""models: what is found where, what is missing and why, and pulling from a server on the
loopback. No test asks the public network."""
import hashlib
import json
import pathlib
import shutil
import sys
import tempfile
import unittest

import harness

sys.path.insert(0, str(harness.SOURCE / "tests" / "net"))
try:
    import https_server
    LACKS = https_server.missing()
except ImportError as fault:
    https_server, LACKS = None, f"this python3 has no TLS: {fault}"

NOWHERE = {"XDG_DATA_HOME": "/nonexistent"}
OWN = harness.SOURCE / "data" / "audio_visual_encoder.safetensors"


class Listing(harness.Case):
    def listed(self, *arguments, **env):
        out = self.good("models", "--json", *arguments, env={**NOWHERE, **env})
        answer = json.loads(out)
        return {n["name"]: n for n in answer["networks"]}, answer["folders"]

    def test_nothing_there(self):
        networks, folders = self.listed()
        self.assertEqual({n["path"] for n in networks.values()}, {None})
        self.assertEqual(folders, ["./model", "/nonexistent/synctalk/model"])
        text = self.good("models", env=NOWHERE)
        for words in ("ave ", "missing", "needed to find faces", "preprocess", "licence: MIT",
                      "models pull vad", "looked in: ./model"):
            self.assertIn(words, text)

    def test_found(self):
        for place, arguments, env in (
                ("given", ["--models", "given"], {}),
                ("model", [], {}),
                ("var", [], {"SYNCTALK_MODELS": "var"}),
                ("data/synctalk/model", [], {"XDG_DATA_HOME": str(self.dir / "data")})):
            folder = self.dir / place
            folder.mkdir(parents=True)
            (folder / "scrfd_2.5g_kps.onnx").write_bytes(b"x")
            networks, _ = self.listed(*arguments, **env)
            self.assertTrue(networks["detector"]["path"].endswith(f"{place}/scrfd_2.5g_kps.onnx"))
            shutil.rmtree(folder)

    def test_published_subfolder(self):
        folder = self.dir / "model" / "checkpoints"
        folder.mkdir(parents=True)
        (folder / "audio_visual_encoder.pth").write_bytes(b"x")
        self.assertIn("checkpoints/", self.listed()[0]["ave"]["path"])

    def test_check(self):
        """Another file under a published name was once told as found, and nothing more."""
        (self.dir / "model").mkdir()
        shutil.copy(OWN, self.dir / "model")
        (self.dir / "model" / "scrfd_2.5g_kps.onnx").write_bytes(b"something else")
        networks, _ = self.listed("--check")
        self.assertEqual(networks["ave"]["content"], "published")
        self.assertEqual(networks["detector"]["content"], "another")
        self.assertIn("not the published file", self.good("models", "--check", env=NOWHERE))

    def test_names_are_made_safe(self):
        folder = self.dir / "a\x1b[2Jb"
        folder.mkdir()
        (folder / "vgg19-dcbb9e9d.pth").write_bytes(b"x")
        self.assertNotIn("\x1b", self.good("models", "--models", folder, env=NOWHERE))

    def test_usage(self):
        self.refused(2, "models", "push", says=['"push"', "usage"])
        self.refused(2, "models", "pull", "vat", "--yes", says="vad")
        self.refused(2, "models", "pull", "nothing-like-it", says="detector")
        self.refused(2, "models", "pull", "--from", "https://localhost/x", says="NAME")


@unittest.skipIf(LACKS, LACKS)
class Pulling(harness.Case):
    """ave is the one network whose published file lies in the source tree."""

    @classmethod
    def setUpClass(cls):
        cls.certificates = pathlib.Path(tempfile.mkdtemp(prefix="synctalk-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.certificates, ignore_errors=True)
        cls.ca = https_server.make_certificates(cls.certificates)
        cls.server = https_server.Server(cls.certificates,
                                         {"own": OWN.read_bytes(), "other": b"other"})
        cls.addClassCleanup(cls.server.stop)

    def setUp(self):
        super().setUp()
        self.server.asked.clear()

    def arguments(self, name="own", kind="file"):
        return ["models", "pull", "ave", "--ca-file", self.ca,
                "--from", self.server.address(kind, name)]

    def test_pull(self):
        done = self.run_command(*self.arguments(), "--yes")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("./model/audio_visual_encoder.safetensors", done.stdout)
        self.assertIn("Apache-2.0", done.stderr)  # the licence is shown
        pulled = self.dir / "model" / "audio_visual_encoder.safetensors"
        self.assertEqual(pulled.read_bytes(), OWN.read_bytes())
        self.refused(1, *self.arguments(), "--yes", says="there already")

    def test_json_and_folder(self):
        answer = json.loads(self.good(*self.arguments(), "--yes", "--json", "--models", "there"))
        self.assertEqual(answer, {"pulled": ["there/audio_visual_encoder.safetensors"]})
        self.assertEqual(self.files(), ["there/audio_visual_encoder.safetensors"])

    def test_licence_must_be_accepted(self):
        error = self.refused(2, *self.arguments(), says="--yes", stdin=-3)
        self.assertIn("licence: Apache-2.0", error)
        self.assertEqual(self.server.asked, [])
        self.assertEqual(self.files(), [])

    def test_resumed(self):
        self.refused(1, *self.arguments(kind="drop"), "--yes", says="goes on")
        self.assertEqual(self.files(), ["model/audio_visual_encoder.safetensors.part"])
        self.good(*self.arguments(), "--yes")
        self.assertEqual(self.server.asked[-1][2], f"bytes={OWN.stat().st_size // 2}-")
        self.assertEqual(self.files(), ["model/audio_visual_encoder.safetensors"])

    def test_another_file(self):
        digest = hashlib.sha256(b"other").hexdigest()
        error = self.refused(1, *self.arguments("other"), "--yes", says="nothing of it is kept")
        self.assertTrue("5 bytes" in error or digest in error, error)
        self.assertEqual(self.files(), [])

    def test_https_only(self):
        self.refused(1, "models", "pull", "ave", "--yes", "--from", "http://localhost/x",
                     says="https://")

    def test_what_cannot_be_pulled(self):
        self.refused(1, "models", "pull", "hubert", "--yes", says=["SHA-256", "Hugging Face"])
        self.refused(1, "models", "pull", "detector", "--yes", says=["data_utils", "address"])
        self.assertEqual(self.files(), [])


if __name__ == "__main__":
    harness.main()
