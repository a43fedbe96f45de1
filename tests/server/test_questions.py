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
        # One that is ended before it says that it has is one that did not start.
        shut = self.spent(process)
        self.until(lambda: self.spent(process) > shut + 2, "it does not work")
        return line, process

    @staticmethod
    def spent(process):
        """Ticks of processor time."""
        words = pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        return int(words[11]) + int(words[12])


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
        settings = [(t, s) for t in (0.1, 0.5, 0.65, 0.9) for s in (0, 0.3, 2.5)]
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
        os.kill(process, signal.SIGSTOP)  # of itself it does not end
        line.close()
        self.until(lambda: process not in self.processes(), "the process goes on")

    def test_a_process_that_dies_fails_its_question_alone(self):
        upload = self.server.upload(serving.sound(590))
        line, process = self.begin(f"/v1/uploads/{upload['id']}/vad")
        os.kill(process, signal.SIGABRT)
        head, _, body = line.recv(65536).partition(b"\r\n\r\n")
        line.close()
        self.assertTrue(head.startswith(b"HTTP/1.1 422 "), head)
        self.assertIn("signal 6", json.loads(body)["error"]["message"])
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
        self.assertLess(len(good), 40, "nothing limits them")
        self.assertTrue(all(answer == good[0] for answer in good))
        for status, answer in answers:
            if status != 200:
                self.refused_as((status, answer), 429, "too_many_requests", "wait already")


class Face(QuestionCase):
    @classmethod
    def prepare(cls):
        cls.looks_at_videos = cls.bring_face_networks(cls)

    def setUp(self):
        super().setUp()
        if not self.looks_at_videos:
            self.skipTest("the networks that find faces are absent")

    def look(self, data, name="take.mp4", model="demo"):
        upload = self.server.upload(data, name)
        connection = self.server.connection()
        connection.request("GET", f"/v1/uploads/{upload['id']}/face?model={model}")
        answer = connection.getresponse()
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.getheader("Content-Type"), "text/event-stream")
        events = list(serving.events(answer))
        connection.close()
        return events

    def film(self, seconds):
        """Of the demo person."""
        path = self.dir / f"take{seconds}.mp4"
        sound = self.dir / f"take{seconds}.wav"
        harness.write_wav(sound, seconds)
        self.good("generate", *self.person, "--preset", "fast", "--audio", sound, "-o", path)
        return path.read_bytes()

    def test_what_is_seen(self):
        data = self.film(4)
        events = self.look(data)
        self.assertEqual(events[-1][0], "end")
        self.assertTrue(all(name == "progress" for name, _ in events[:-1]))
        end = events[-1][1]
        self.assertEqual((end["frames"], end["found"], end["width"], end["height"], end["fps"]),
                         (100, 100, 512, 512, 25), end)
        self.assertFalse(end["reused"])
        seen = [sight for _, sight in events[:-1]]
        self.assertGreater(len(seen), 0)
        self.assertEqual(sorted(s["frame"] for s in seen), [s["frame"] for s in seen])
        for sight in seen:
            self.assertEqual((sight["frames"], sight["width"], sight["found"]), (100, 512, True))
            self.assertIn(len(sight["points"]), (220, 212, 196))
            x, y, side = sight["box"]
            inside = sum(x <= sight["points"][2 * i] <= x + side
                         for i in range(len(sight["points"]) // 2))
            self.assertGreater(inside, len(sight["points"]) // 4)
            self.assertTrue(sight["picture"].startswith("data:image/jpeg;base64,/9j/"))
        again = self.look(data)
        self.assertTrue(again[-1][1]["reused"])
        self.assertEqual(again[0][1]["frame"], 0)
        status, video = self.server.form({**serving.QUICK, "mode": "video"},
                                         [("audio", "a.wav", self.sound), ("video", "v.mp4", data)])
        self.assertEqual(status, 202, video)
        self.assertEqual(self.server.wait(video["id"])["state"], "completed")

    def test_what_is_no_video(self):
        for data, name in ((b"no video " * 500, "no.mp4"), (b"", "empty.mp4"), (self.sound, "a.wav"),
                           (os.urandom(9000), "noise.mkv"),
                           (b"#EXTM3U\n#EXTINF:9,\nfile:///etc/passwd\n", "list.m3u8")):
            (event, value), = self.look(data, name)
            self.assertEqual(event, "end")
            self.assertEqual(value["error"]["code"], "bad_file", value)
            self.assertIn(name, value["error"]["message"])
            self.assertNotIn(str(self.server.state), value["error"]["message"])

    def test_names_that_are_none(self):
        upload = self.server.upload(b"x", "x.mp4")
        for query, status, code in (("", 400, "invalid_argument"), ("?model=", 400,
                                                                    "invalid_argument"),
                                    ("?model=nobody", 404, "missing"), ("?model=../demo", 404,
                                                                        "missing"),
                                    ("?model=%00", 400, "invalid_argument"), ("?model=%ff", 404,
                                                                              "missing"),
                                    ("?model=" + "%C3%A4" * 70, 404, "missing"),
                                    ("?model=x" + "%C3%A4" * 50, 404, "missing")):
            answer = self.server.ask("GET", f"/v1/uploads/{upload['id']}/face{query}")
            self.assertEqual(json.loads(answer[-1])["error"]["code"], code, (query, answer))
            self.assertEqual(answer[0], status, (query, answer))
        answer = self.server.ask("GET", "/v1/uploads/upload-0/face?model=demo")
        self.refused_as(answer, 404, "missing")

    def test_a_client_that_leaves_and_one_whose_process_dies(self):
        upload = self.server.upload(self.film(20), "long.mp4")
        path = f"/v1/uploads/{upload['id']}/face?model=demo"
        line, process = self.begin(path)
        self.assertIn(b"200 OK", line.recv(4096))
        os.kill(process, signal.SIGSTOP)
        line.close()
        self.until(lambda: process not in self.processes(), "the process goes on")
        line, process = self.begin(path)
        os.kill(process, signal.SIGKILL)
        got = b""
        while part := line.recv(65536):
            got += part
            if b"event: end" in got and got.endswith(b"0\r\n\r\n"):
                break
        line.close()
        self.assertIn(b"worker_died", got)


class Text(QuestionCase):
    """As espeak-ng, a program that says what it was given, and tries what it may not."""

    @classmethod
    def start(cls, state, *more):
        programs = cls.folder / "programs"
        programs.mkdir()
        shutil.copy(os.environ["ST_TEST_SPEAKER"], programs / "espeak-ng")
        return serving.Server(cls.demo, state, env={"PATH": f"relative:/none:{programs}"})

    def speak(self, text, voice="en-us", **more):
        return self.server.json("POST", "/v1/speech", {"text": text, "voice": voice, **more})

    def test_what_the_program_is_given(self):
        """Arguments as they are, the text on standard input: a shell sees neither."""
        for text in ("Hello.", "$(touch /tmp/x); `id` | cat > /etc/passwd", "-w /tmp/x --help",
                     "Grüße, 你好, 🙂", "two\nlines\t\x01", "%s%n", "x" * 2000, "ä" * 2000):
            status, upload = self.speak(text, "en-us+f3")
            self.assertEqual(status, 201, upload)
            status, headers, data = self.server.ask("GET", f"/v1/uploads/{upload['id']}/content")
            self.assertEqual((status, len(data)), (200, upload["length"]))
            self.assertEqual(headers["Content-Type"], "application/octet-stream")
            self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
            *arguments, said = data[44:].split(b"\0")
            self.assertEqual(arguments, [b"espeak-ng", b"-v", b"en-us+f3", b"-b", b"1", b"--stdin",
                                         b"--stdout"])
            self.assertEqual(said.decode(), text)
            self.assertEqual(struct.unpack("<I", data[4:8])[0], len(data) - 8)
            self.assertEqual(struct.unpack("<I", data[40:44])[0], len(data) - 44)
            self.assertNotIn("/", upload["name"])
            self.assertLessEqual(len(upload["name"].encode()), 64)

    def test_texts_and_voices_that_are_refused(self):
        for text in ("", " \n\t ", "x" * 2001, "ä" * 2001, 7, None, ["x"], {"x": 1}):
            self.refused_as(self.speak(text), 400, "invalid_argument", "text")
        for voice in ("", "-w", "--help", "../../x", "en us", "en;us", "x" * 40, "ä", "en\n", 7,
                      None, ["en"]):
            self.refused_as(self.speak("Hello.", voice), 400, "invalid_argument", "voice")
        fields = {"Content-Type": "application/json"}
        for body in (b"", b"[]", b"{", b'{"text": "\xff\xfe", "voice": "en"}',
                     b'{"text": "a\\u0000b", "voice": "en"}', b'{"text": "\xed\xa0\x80"}'):
            answer = self.server.ask("POST", "/v1/speech", body, fields)
            self.refused_as(answer, 400, "invalid_argument")
        answer = self.server.ask("POST", "/v1/speech", b'{"text": "' + b"x" * 70000, fields)
        self.refused_as(answer, 413, "too_large")
        answer = self.server.ask("POST", "/v1/speech", b"x", {"Content-Type": "text/plain"})
        self.refused_as(answer, 415, "bad_media_type")
        self.refused_as(self.server.ask("GET", "/v1/speech"), 405, "method_not_allowed")

    def test_what_it_may_not(self):
        database = self.server.state / "synctalk.db"
        self.assertTrue(database.exists())
        tries = [f"read {database}", f"read {self.demo}/dataset", "read /etc/passwd",
                 f"write {self.folder}/x", "write /tmp/synctalk-fake-speaker", "connect x", "fork x",
                 "execute /bin/true", "execute /usr/bin/env"]
        if not harness.is_sanitized():  # which sets no limit of memory
            tries.append("memory x")
        for what in tries:
            self.refused_as(self.speak(f"try {what}"), 400, "invalid_argument", "no sound of this")
        self.assertEqual(self.speak("try read /proc/self/maps")[0], 201)  # it can try

    def test_a_program_that_does_not_end(self):
        # "close": one that says nothing any more, and lives on, was waited for for ever.
        for text, status, code in (("crash", 422, "worker_died"), ("flood", 413, "too_large"),
                                   ("close", 422, "worker_died")):
            self.refused_as(self.speak(text), status, code)
        before = self.processes()
        line = socket.create_connection(("127.0.0.1", self.server.port), serving.LIMIT)
        body = b'{"text": "hang", "voice": "en"}'
        line.sendall(b"POST /v1/speech HTTP/1.1\r\nHost: localhost\r\n"
                     b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                     % len(body) + body)
        self.until(lambda: self.processes() - before, "no process has begun")
        line.close()  # tearDown() waits for the process to be gone
        self.assertEqual(self.speak("Hello.")[0], 201)

    def test_what_others_sent_stays_bytes(self):
        page = b"<html><script>alert(1)</script>"
        upload = self.server.upload(page, "x.html")
        path = f"/v1/uploads/{upload['id']}/content"
        status, headers, data = self.server.ask("GET", path)
        self.assertEqual((status, data), (200, page))
        self.assertEqual(headers["Content-Type"], "application/octet-stream")
        self.assertIn("default-src 'none'", headers["Content-Security-Policy"])
        status, _, data = self.server.ask("GET", path, headers={"Range": "bytes=1-4"})
        self.assertEqual((status, data), (206, b"html"))
        self.refused_as(self.server.ask("GET", "/v1/uploads/upload-0/content"), 404, "missing")
        _, begun = self.server.json("POST", "/v1/uploads", headers={"Upload-Length": "9"})
        answer = self.server.ask("GET", f"/v1/uploads/{begun['id']}/content")
        self.refused_as(answer, 409, "not_completed")


class WithoutSpeaker(QuestionCase):
    @classmethod
    def start(cls, state, *more):
        return serving.Server(cls.demo, state, env={"PATH": "/none"})

    def test_it_says_so(self):
        models = self.server.json("GET", "/v1/models")[1]
        self.assertIs(models["speech"], False)
        self.refused_as(self.server.ask("GET", "/v1/voices"), 501, "unsupported", "espeak-ng")
        answer = self.server.json("POST", "/v1/speech", {"text": "Hello.", "voice": "en"})
        self.refused_as(answer, 501, "unsupported", "espeak-ng")


@unittest.skipUnless(shutil.which("espeak-ng"), "espeak-ng is absent")
class Speaker(QuestionCase):
    def test_a_sentence_becomes_a_video(self):
        self.assertIs(self.server.json("GET", "/v1/models")[1]["speech"], True)
        status, answer = self.server.json("GET", "/v1/voices")
        self.assertEqual(status, 200, answer)
        voices = {voice["id"]: voice["name"] for voice in answer["voices"]}
        self.assertGreater(len(voices), 20)
        self.assertIn("German", voices["de"])
        self.assertEqual(answer["text_most"], 2000)
        sentence = {"text": "Guten Tag, ich spreche einen ganzen Satz.", "voice": "de"}
        status, upload = self.server.json("POST", "/v1/speech", sentence)
        self.assertEqual((status, upload["complete"]), (201, True), upload)
        self.assertEqual(upload["name"], sentence["text"])
        status, speech = self.server.json("GET", f"/v1/uploads/{upload['id']}/vad")
        self.assertEqual(status, 200, speech)
        self.assertGreater(speech["seconds"], 1.5)
        self.assertGreater(max(speech["probabilities"]), 0.5)
        status, video = self.server.json("POST", "/v1/videos",
                                         {**serving.QUICK, "audio": upload["id"]})
        self.assertEqual(status, 202, video)
        video = self.server.wait(video["id"])
        self.assertEqual(video["state"], "completed", video)
        self.assertAlmostEqual(video["result"]["audio_seconds"], speech["seconds"], delta=0.05)

    def test_a_voice_that_is_none(self):
        answer = self.server.json("POST", "/v1/speech", {"text": "Hello.", "voice": "nobody"})
        self.refused_as(answer, 400, "invalid_argument", "/v1/voices")
        answer = self.server.json("POST", "/v1/speech", {"text": "...", "voice": "en-us"})
        self.assertIn(answer[0], (201, 400))


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
            until = time.monotonic() + serving.LIMIT
            while server.metric("questions") + len(answers) < len(threads):
                self.assertLess(time.monotonic(), until, "they do not wait together")
                time.sleep(0.01)
        finally:
            code = server.stop()
        for thread in threads:
            thread.join()
        self.assertEqual(code, 0, server.log())
        self.assertEqual(len(answers), 5)
        self.assertTrue(set(answers) <= {200, 503}, answers)


if __name__ == "__main__":
    sys.exit(serving.main())
