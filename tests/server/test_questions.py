#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Questions about files that were sent: answered by a process of their own, which a hostile file,
a limit, or a client that leaves, ends without harm to anything else."""
import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import unittest

import serving
from serving import harness

SHARED = pathlib.Path(os.environ.get("ST_TEST_SHARED", "absent"))


class QuestionCase(serving.ServerCase):
    def processes(self):
        """Children of the server: pid by pid."""
        found = set()
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                words = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(words[1]) == self.server.process.pid and words[0] != "Z":
                found.add(int(entry.name))
        return found

    def until(self, holds, what):
        end = time.monotonic() + serving.LIMIT
        while not holds():
            self.assertLess(time.monotonic(), end, what)
            time.sleep(0.02)

    def tearDown(self):
        """No question's process outlives it, and videos are made as before."""
        self.until(lambda: len(self.processes()) == 1, "a process is left over")
        self.assertEqual(self.server.ask("GET", "/healthz")[0], 200)

    def begin(self, path):
        """A socket on which `path` was asked for, and the process that works on it."""
        before = self.processes()
        line = socket.create_connection(("127.0.0.1", self.server.port), serving.LIMIT)
        line.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        self.until(lambda: self.processes() - before, "no process has begun")
        process = (self.processes() - before).pop()
        status = pathlib.Path(f"/proc/{process}/status")
        self.until(lambda: "Seccomp:\t2" in status.read_text(), "it did not shut itself in")
        return line, process


def quiet_hours(hours):
    """A WAV file that announces hours and has them, as zeros."""
    count = hours * 3600 * 8000
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + count, b"WAVE", b"fmt ", 16, 1, 1, 8000,
                       8000, 1, 8, b"data", count)
    return head + bytes([128]) * count


class Speech(QuestionCase):
    options = ("--max-seconds", "600")

    def vad(self, data, name="sound.wav"):
        upload = self.server.upload(data, name)
        return self.server.json("GET", f"/v1/uploads/{upload['id']}/vad")

    def test_the_page_finds_what_the_program_finds(self):
        if not shutil.which("node"):
            self.skipTest("node is absent")
        sounds = [self.sound, serving.sound(7)]
        folder = SHARED / "media" / "audio"
        named = [folder / name for name in ("talk_hb.wav", "jan-pause-deutsch.mp3")]
        sounds += [path.read_bytes() for path in named if path.exists()]
        settings = [(t, s) for t in (0.1, 0.3, 0.5, 0.65, 0.9) for s in (0, 0.3, 0.75, 2.5)]
        several = 0
        for number, data in enumerate(sounds):
            path = self.dir / f"sound{number}"
            path.write_bytes(data)
            status, answer = self.vad(data)
            self.assertEqual(status, 200, answer)
            told = subprocess.run(
                ["node", str(pathlib.Path(__file__).parent / "speech.mjs"),
                 str(harness.SOURCE / "server" / "page" / "speech.js"),
                 *(f"{t},{s}" for t, s in settings)], input=json.dumps(answer), text=True,
                capture_output=True, timeout=serving.LIMIT)
            self.assertEqual(told.returncode, 0, told.stderr)
            for (threshold, silence), line in zip(settings, told.stdout.splitlines(), strict=True):
                here = json.loads(self.good("vad", path, "--root", self.demo, "--json",
                                            "--vad-threshold", threshold, "--min-silence-duration",
                                            silence))
                page = json.loads(line)
                self.assertEqual([s["label"] for s in page["segments"]],
                                 [s["label"] for s in here["segments"]], (number, threshold))
                for mine, other in zip(page["segments"], here["segments"]):
                    self.assertAlmostEqual(mine["start"], other["start"], delta=1e-6)
                    self.assertAlmostEqual(mine["end"], other["end"], delta=1e-6)
                several += len(here["segments"]) > 2
        if len(sounds) == 4:
            self.assertGreater(several, 10)

    def test_form(self):
        status, answer = self.vad(serving.sound(7))
        self.assertEqual(status, 200, answer)
        self.assertAlmostEqual(answer["seconds"], 7, delta=0.01)
        self.assertEqual(len(answer["probabilities"]), -(-answer["samples"] // answer["chunk"]))
        self.assertTrue(all(0 <= p <= 1 for p in answer["probabilities"]))
        self.assertTrue(all(0 <= level <= 1000 for level in answer["levels"]))
        self.assertGreater(max(answer["levels"]), 0)
        self.assertEqual(answer["rules"], {"min_speech_ms": 250, "min_silence_ms": 100,
                                           "speech_pad_ms": 30})

    def test_as_long_as_may_be(self):
        """And not longer: the answer of a long sound is bounded."""
        status, answer = self.vad(quiet_hours(1), "long.wav")
        self.refused_as((status, answer), 400, "invalid_argument", "long.wav")
        self.assertIn("longer than 600 seconds", answer["error"]["message"])
        upload = self.server.upload(serving.sound(590))
        status, _, data = self.server.ask("GET", f"/v1/uploads/{upload['id']}/vad")
        self.assertEqual(status, 200)
        self.assertLess(len(data), 300000)
        self.assertLessEqual(len(json.loads(data)["levels"]), 2000)

    def test_what_is_no_sound(self):
        for data, name in ((b"this is no sound " * 100, "no.wav"), (b"", "empty.wav"),
                           (os.urandom(5000), "noise.mp3"),
                           (b"#EXTM3U\n#EXTINF:9,\nfile:///etc/passwd\n", "list.m3u8"),
                           (b"RIFF\xff\xff\xff\xffWAVEfmt " + b"\xff" * 500, "y.wav")):
            self.refused_as(self.vad(data, name), 422, "bad_file", name)

    def test_ids_that_are_none(self):
        for path, status in (("upload-0", 404), ("video-0", 404), ("..", 404), ("%00", 404),
                             ("UPLOAD", 404), ("a" * 500, 404), ("", 404)):
            answer = self.server.ask("GET", f"/v1/uploads/{path}/vad")
            self.refused_as(answer, status, "missing")
        answer = self.server.ask("POST", "/v1/uploads/upload-0/vad", b"x")
        self.refused_as(answer, 405, "method_not_allowed")
        _, begun = self.server.json("POST", "/v1/uploads", headers={"Upload-Length": "100"})
        answer = self.server.ask("GET", f"/v1/uploads/{begun['id']}/vad")
        self.refused_as(answer, 409, "not_completed")

    def test_a_client_that_leaves_ends_its_question(self):
        upload = self.server.upload(serving.sound(590))
        line, process = self.begin(f"/v1/uploads/{upload['id']}/vad")
        line.close()
        self.until(lambda: process not in self.processes(), "the process goes on")

    def test_a_process_that_dies_fails_its_question_alone(self):
        upload = self.server.upload(serving.sound(590))
        line, process = self.begin(f"/v1/uploads/{upload['id']}/vad")
        os.kill(process, signal.SIGSEGV)
        head, _, body = line.recv(65536).partition(b"\r\n\r\n")
        line.close()
        self.assertTrue(head.startswith(b"HTTP/1.1 422 "), head)
        self.assertIn("signal 11", json.loads(body)["error"]["message"])
        self.assertEqual(self.vad(self.sound)[0], 200)

    def test_many_at_once(self):
        """Each is answered: with what was asked for, or by 429."""
        upload = self.server.upload(serving.sound(60))
        answers = []

        def ask():
            answers.append(self.server.json("GET", f"/v1/uploads/{upload['id']}/vad"))

        threads = [threading.Thread(target=ask) for _ in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(answers), 40)
        good = [answer for status, answer in answers if status == 200]
        self.assertGreaterEqual(len(good), 16)
        self.assertTrue(all(answer == good[0] for answer in good))
        for status, answer in answers:
            if status != 200:
                self.refused_as((status, answer), 429, "too_many_requests", "wait already")


class Stopping(QuestionCase):
    def tearDown(self):
        pass

    def test_a_server_that_stops_answers_those_that_wait(self):
        server = self.start(self.folder / "stopping")
        try:
            data = serving.sound(590)
            upload = server.upload(data)
            answers = []

            def ask():
                answers.append(server.ask("GET", f"/v1/uploads/{upload['id']}/vad")[0])

            threads = [threading.Thread(target=ask) for _ in range(5)]
            for thread in threads:
                thread.start()
            time.sleep(0.5)
        finally:
            code = server.stop()
        for thread in threads:
            thread.join()
        self.assertEqual(code, 0, server.log())
        self.assertEqual(len(answers), 5)
        self.assertTrue(set(answers) <= {200, 503}, answers)


if __name__ == "__main__":
    sys.exit(serving.main())
