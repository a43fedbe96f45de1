#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The page, used in headless Chromium as a person would (browser.mjs). tools/setup_browser.sh
brings what that needs; skipped aloud where it is absent.

Screenshots go to ST_TEST_SHOTS, if it is set.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys

import serving
from serving import harness

MODULES = pathlib.Path(os.environ.get("ST_TEST_BROWSER", "absent"))
HERE = pathlib.Path(__file__).parent


class Page(serving.ServerCase):
    options = ("--token", "page token", "--preset", "fast", "--encoder", "ave")

    @classmethod
    def setUpClass(cls):
        cls.chromium = shutil.which("chromium")
        absent = [name for name, there in (("node", shutil.which("node")),
                                           ("chromium", cls.chromium),
                                           ("playwright-core",
                                            (MODULES / "playwright-core").exists())) if not there]
        if absent:
            print(f"skipped: {', '.join(absent)} absent; tools/setup_browser.sh brings it",
                  file=sys.stderr)
            raise harness.unittest.SkipTest(f"{', '.join(absent)} absent")
        super().setUpClass()

    @classmethod
    def prepare(cls):
        cls.looks_at_videos = cls.bring_face_networks(cls)

    def files_to_choose(self):
        folder = self.dir / "files"
        folder.mkdir()
        harness.write_wav(folder / "hello.wav", 1)
        harness.write_wav(folder / "long.wav", 40)
        shutil.copy(self.demo / "demo-pause.wav", folder / "pause.wav")
        (folder / "no-sound.wav").write_bytes(b"this is no sound " * 100)
        modes = ["training", "clips"]
        if self.looks_at_videos:
            modes.append("video")
            self.good("generate", *self.person, "--preset", "fast", "--audio",
                      folder / "pause.wav", "-o", folder / "take.mp4")
        if shutil.which("espeak-ng"):
            modes.append("speech")
        return folder, modes

    def test_what_a_person_does(self):
        folder, modes = self.files_to_choose()
        shots = pathlib.Path(os.environ.get("ST_TEST_SHOTS", self.dir))
        shots.mkdir(exist_ok=True)
        done = subprocess.run(
            ["node", str(HERE / "browser.mjs"), f"http://127.0.0.1:{self.server.port}/",
             str(folder), str(shots), "page token", str(MODULES), self.chromium, ",".join(modes)],
            capture_output=True, text=True, timeout=5 * serving.LIMIT)
        print(done.stdout, file=sys.stderr)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr + self.server.log())


class Files(serving.ServerCase):
    """Without a browser: what the page is made of, and what it may do."""

    options = ("--preset", "low_memory", "--encoder", "hubert")

    def test_settings_of_silence(self):
        """The page said the library's first preset and encoder in each request, so that those of
        the server never held."""
        settings = self.server.json("GET", "/v1/models")[1]["settings"]
        for name, value in (("preset", "low_memory"), ("encoder", "hubert"), ("precision", "f32"),
                            ("mode", "training"), ("start-frame", "0"), ("loop-back", "0"),
                            ("vad-threshold", "0.5"), ("min-silence-duration", "0.75")):
            self.assertEqual(settings[name], value, name)
        document = self.server.json("GET", "/openapi.json")[1]
        may_be_said = document["components"]["schemas"]["VideoRequest"]["properties"]
        self.assertLessEqual(set(settings), set(may_be_said))
        self.assertNotIn(str(self.demo), json.dumps(settings))

    def test_files(self):
        for path, kind in (("/", "text/html"), ("/page.css", "text/css"),
                           ("/page.js", "text/javascript"),
                           ("/speech.js", "text/javascript"), ("/talk.js", "text/javascript"),
                           ("/face.js", "text/javascript")):
            status, headers, data = self.server.ask("GET", path)
            self.assertEqual(status, 200)
            self.assertTrue(headers["Content-Type"].startswith(kind))
            name = {"/": "index.html"}.get(path, path[1:])
            self.assertEqual(data, (harness.SOURCE / "server" / "page" / name).read_bytes())
            policy = headers["Content-Security-Policy"]
            self.assertIn("default-src 'none'; script-src 'self'; style-src 'self'", policy)
            self.assertNotIn("unsafe", policy)
            self.assertNotIn("http", policy)
            status, _, data = self.server.ask("GET", path, headers={"If-None-Match":
                                                                    headers["ETag"]})
            self.assertEqual((status, data), (304, b""))

    def test_frames(self):
        frame = self.demo / "dataset" / "demo" / "full_body_img" / "3.jpg"
        status, headers, data = self.server.ask("GET", "/v1/frame?model=demo&number=3")
        self.assertEqual((status, headers["Content-Type"]), (200, "image/jpeg"))
        self.assertEqual(data, frame.read_bytes())
        for query, code in (("model=demo&number=99999", 404), ("model=../demo&number=0", 404),
                            ("model=demo&number=-1", 400), ("model=demo&number=../0", 400),
                            ("model=demo", 400), ("number=0", 400), ("model=%00&number=0", 404),
                            ("model=demo/../demo&number=0", 404)):
            self.assertEqual(self.server.ask("GET", f"/v1/frame?{query}")[0], code, query)


if __name__ == "__main__":
    sys.exit(serving.main())
