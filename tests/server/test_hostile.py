#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Requests and files that mean harm: the right status, a sentence, and a server that goes on."""
import json
import os
import pathlib
import signal
import struct
import sys
import time

import serving


def crc(data, bits, polynomial):
    value = 0
    for byte in data:
        value ^= byte << (bits - 8)
        for _ in range(8):
            value = (value << 1) ^ (polynomial if value >> (bits - 1) else 0)
            value &= (1 << bits) - 1
    return value


def flac_of_silence(seconds, hz=16000):
    """A FLAC file whose every frame of 65535 samples is one constant: hours in some kilobytes."""
    block = 65535
    info = struct.pack(">HH", block, block) + bytes(6)
    info += ((hz << 44) | (0 << 41) | (15 << 36)).to_bytes(8, "big") + bytes(16)
    out = [b"fLaC", bytes([0x80]), len(info).to_bytes(3, "big"), info]
    for number in range(seconds * hz // block + 1):
        name = chr(number).encode("utf-8", "surrogatepass")
        head = bytes([0xFF, 0xF8, 0x75, 0x08]) + name + struct.pack(">HH", block - 1, 0)[:2]
        head += bytes([crc(head, 8, 0x07)])
        frame = head + bytes([0]) + struct.pack(">h", 0)
        out.append(frame + crc(frame, 16, 0x8005).to_bytes(2, "big"))
    return b"".join(out)


class Requests(serving.ServerCase):
    # What is announced and never comes is waited for as long as a silent client is.
    options = ("--max-upload-mb", "5", "--idle-seconds", "3")

    def tearDown(self):
        self.assertEqual(self.server.ask("GET", "/healthz")[0], 200)
        self.assertEqual(list((self.server.state / "incoming").iterdir()), [])

    def status(self, data):
        """Of the answer to bytes sent as they are; None where there was none."""
        got = self.server.raw(data)
        return int(got.split()[1]) if got.startswith(b"HTTP/1.1 ") else None

    def post(self, body, kind="multipart/form-data; boundary=bb", path="/v1/videos", more=""):
        head = (f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
                f"Content-Length: {len(body)}\r\nConnection: close\r\n{more}\r\n")
        return self.status(head.encode() + body)

    def test_malformed_forms(self):
        """The first of them is right, but for the person."""
        part = b'--bb\r\nContent-Disposition: form-data; name="model"\r\n\r\ndemo\r\n'
        sound = (b'--bb\r\nContent-Disposition: form-data; name="audio"; filename="a.wav"\r\n\r\n'
                 + self.sound + b"\r\n")
        self.assertEqual(self.post(part.replace(b"demo", b"me") + sound + b"--bb--\r\n"), 404)
        for body in (b"", b"--bb", b"--bb--", b"--bb--\r\n", b"nonsense", part, part + sound,
                     part + sound[:-200], part + part + sound + b"--bb--\r\n",
                     b'--bb\r\nContent-Disposition: form-data\r\n\r\nx\r\n--bb--\r\n',
                     b'--bb\r\n\r\nx\r\n--bb--\r\n', b"--bb\r\n" + b"X: y\r\n" * 5000 + b"\r\n--bb--",
                     b'--bb\r\nContent-Disposition: form-data; name="' + b"n" * 5000
                     + b'"\r\n\r\nx\r\n--bb--\r\n',
                     b'--bb\r\nContent-Disposition: form-data; name="other"; filename="x"\r\n\r\n'
                     + self.sound + b"\r\n--bb--\r\n",
                     b'--bb\r\nContent-Disposition: form-data; name="model"\r\n\r\n\xff\xfe\r\n'
                     + sound + b"--bb--\r\n"):
            self.assertIn(self.post(body), (400, 404), body[:200])
        self.assertEqual(self.post(b"x", "multipart/form-data"), 400)
        self.assertEqual(self.post(b"x", "multipart/form-data; boundary="), 400)
        long_text = (b'--bb\r\nContent-Disposition: form-data; name="model"\r\n\r\n' + b"d" * 50000
                     + b"\r\n--bb--\r\n")
        self.assertEqual(self.post(long_text), 413)
        many = b"".join(b'--bb\r\nContent-Disposition: form-data; name="f%d"\r\n\r\nx\r\n' % i
                        for i in range(3000))
        self.assertEqual(self.post(many + b"--bb--\r\n"), 400)
        videos = self.server.json("GET", "/v1/videos")[1]["videos"]
        self.assertEqual(videos, [])

    def test_json_that_is_none(self):
        for body in (b"", b"{", b"[]", b'"x"', b"{\"model\": \"\xff\"}", b'{"a": 1, "a": 2}',
                     b"[" * 60000, b'{"model": null, "audio": "upload-1"}',
                     b'{"model": ["demo"], "audio": {}}', b'{"model": "demo", "audio": 7}',
                     b'{"model": "demo\\u0000x", "audio": "upload-1"}'):
            self.assertIn(self.post(body, "application/json"), (400, 404), body[:80])
        self.assertEqual(self.post(b" " * 70000, "application/json"), 413)
        # A sentence that is cut is cut between characters, or it could not be sent.
        for odd in ("", "a", "ab"):
            key = json.dumps({odd + "\u00e9" * 254: 1}, ensure_ascii=False).encode()
            self.assertEqual(self.post(key, "application/json"), 400)

    def test_lengths_that_are_wrong(self):
        head = b"POST /v1/uploads HTTP/1.1\r\nHost: localhost\r\n"
        for length in (b"10737418240", b"99999999999999999999999", b"5000001"):
            self.assertIn(self.status(head + b"Content-Length: " + length + b"\r\n\r\nxyz"),
                          (400, 413), length)
        for fields in (b"Content-Length: -1", b"Content-Length: x",
                       b"Content-Length: 3\r\nContent-Length: 4",
                       b"Content-Length: 3\r\nTransfer-Encoding: chunked"):
            self.assertIn(self.status(head + fields + b"\r\n\r\nxyz"), (400, 413, None), fields)
        # Less than announced: the sender is gone, and so is what it sent.
        self.assertIsNone(self.status(head + b"Content-Length: 1000\r\n\r\nxyz"))
        chunked = head + b"Transfer-Encoding: chunked\r\n\r\n"
        self.assertIn(self.status(chunked + b"zz\r\nabc\r\n0\r\n\r\n"), (400, None))
        self.assertIn(self.status(chunked + b"ffffffffffffffff\r\nabc"), (400, 413, None))
        self.assertIsNone(self.status(chunked + b"5\r\nab"))
        # Without a length, the limit is found as the bytes come.
        block = b"100000\r\n" + bytes(0x100000) + b"\r\n"
        self.assertEqual(self.status(chunked + block * 6 + b"0\r\n\r\n"), 413)
        answer = self.server.ask("POST", "/v1/uploads", b"", {"Upload-Length": "10737418240"})
        self.refused_as(answer, 413, "too_large", "5 MB")
        for said in ("-1", "x", "1e9", "0x10", ""):
            answer = self.server.ask("POST", "/v1/uploads", b"", {"Upload-Length": said})
            self.refused_as(answer, 400, "invalid_argument", "Upload-Length")

    def test_paths_that_lead_elsewhere(self):
        for path in ("/v1/videos/../../../etc/passwd", "/v1/videos/..%2f..%2fetc%2fpasswd/content",
                     "/v1/videos/%2e%2e/content", "/v1/videos//content", "/v1/videos/a%00b/content",
                     "//etc/passwd", "/v1/videos/video-1/content/..", "/%2e%2e/%2e%2e/etc/passwd",
                     "/v1/videos/" + "a" * 2000, "/v1/videos/%ff%fe", "/v1/uploads/..",
                     "/v1/videos/VIDEO-1/events", "/v1/videos/video-1/synctalk.db"):
            got = self.server.raw(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n"
                                  f"Connection: close\r\n\r\n".encode())
            self.assertIn(int(got.split()[1]), (400, 404), path)
            self.assertNotIn(b"root:", got)

    def test_heads_that_flood(self):
        line = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
        self.assertIn(self.status(line + b"X: y\r\n" * 20000 + b"\r\n"), (400, 413, 431, None))
        self.assertIn(self.status(line + b"X: " + b"y" * 1000000 + b"\r\n\r\n"),
                      (400, 413, 431, None))
        self.assertIn(self.status(b"GET /" + b"a" * 1000000 + b" HTTP/1.1\r\n\r\n"),
                      (400, 414, 431, None))
        for data in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\0" * 5000, b"GET\r\n\r\n",
                     b"GET /healthz HTTP/1.1\r\n\r\n", b"GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n",
                     b"\r\n" * 10000):
            self.assertIn(self.status(data), (400, 403, 505, None), data[:30])

    def test_numbers_that_are_none(self):
        for query in ("limit=-1", "limit=1e3", "limit=999999999999999999999", "before=x",
                      "state=%ff", "limit=201"):
            self.refused_as(self.server.ask("GET", f"/v1/videos?{query}"), 400, "invalid_argument")


class Files(serving.ServerCase):
    options = ("--max-seconds", "20")

    @classmethod
    def prepare(cls):
        cls.looks_at_videos = cls.bring_face_networks(cls)

    def fails(self, data, code, says, name="a.wav", **fields):
        status, video = self.server.form({**serving.QUICK, **fields},
                                         [("audio", name, data)])
        self.assertEqual(status, 202, video)
        last = self.server.wait(video["id"])
        self.assertEqual((last["state"], last["error"]["code"]), ("failed", code), last)
        self.assertIn(says, last["error"]["message"])
        self.assertNotIn(str(self.server.state), last["error"]["message"])
        return last

    def works(self):
        status, video = self.server.form(serving.QUICK,
                                         [("audio", "a.wav", self.sound)])
        self.assertEqual((status, self.server.wait(video["id"])["state"]), (202, "completed"))

    def test_hours_in_some_kilobytes(self):
        bomb = flac_of_silence(20 * 3600)
        self.assertLess(len(bomb), 1 << 20)
        self.fails(bomb, "invalid_argument", "longer than 20 seconds", "bomb.flac")
        self.works()

    def test_files_that_are_something_else(self):
        self.fails(b"PK\x03\x04" + os.urandom(5000), "bad_file", "bomb.zip", "bomb.zip")
        self.fails(b"", "bad_file", "empty.wav", "empty.wav")
        self.fails(b"\x1aE\xdf\xa3" + b"\xff" * 5000, "bad_file", "x.mkv", "x.mkv")
        self.fails(b"RIFF\xff\xff\xff\xffWAVEfmt " + b"\xff" * 5000, "bad_file", "y.wav", "y.wav")
        self.works()

    def test_playlists_open_nothing(self):
        """Of a file or a host that they name."""
        secret = self.server.state / "uploads" / self.server.upload(self.sound)["sha256"]
        for name, text in (
                ("list.m3u8", f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile://{secret}\n"
                              "#EXT-X-ENDLIST\n"),
                ("list.m3u8", "#EXTM3U\n#EXTINF:9,\nhttp://169.254.169.254/latest/meta-data\n"),
                ("list.ffconcat", f"ffconcat version 1.0\nfile '{secret}'\n"),
                ("list.mpd", "<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011' "
                             f"type='static'><Period><BaseURL>file://{secret}</BaseURL></Period>"
                             "</MPD>"),
                ("list.sdp", "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
                             "m=audio 5004 RTP/AVP 0\n")):
            self.fails(text.encode(), "bad_file", name, name)
        self.works()

    def test_a_playlist_as_video(self):
        if not self.looks_at_videos:
            return
        text = b"#EXTM3U\n#EXTINF:9,\nhttp://169.254.169.254/latest/meta-data\n#EXT-X-ENDLIST\n"
        status, video = self.server.form({"model": "demo", "mode": "video"},
                                         [("audio", "a.wav", self.sound), ("video", "v.mp4", text)])
        self.assertEqual(status, 202, video)
        last = self.server.wait(video["id"])
        self.assertEqual(last["state"], "failed", last)
        self.assertIn(last["error"]["code"], ("bad_file", "unsupported"), last)


class Workers(serving.ServerCase):
    def workers(self):
        """Those that have shut themselves in: before that they are copies of the server."""
        found = []
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                words = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(words[1]) == self.server.process.pid and self.status(entry, "Seccomp") == "2":
                found.append(entry)
        return found

    @staticmethod
    def status(process, name):
        """None of one that has gone."""
        try:
            lines = (process / "status").read_text().splitlines()
        except OSError:
            return None
        return next(line.split()[1] for line in lines if line.startswith(f"{name}:"))

    def only_worker(self):
        until = time.monotonic() + serving.LIMIT
        while not (found := self.workers()) and time.monotonic() < until:
            time.sleep(0.01)
        self.assertEqual(len(found), 1)
        return found[0]

    def test_a_worker_that_dies_fails_its_job_alone(self):
        upload = self.server.upload(serving.sound(60))
        status, video = self.server.json("POST", "/v1/videos",
                                         {"model": "demo", "audio": upload["id"]})
        self.assertEqual(status, 202)
        self.server.wait(video["id"], "in_progress")
        worker = self.only_worker()
        self.assertEqual(self.status(worker, "NoNewPrivs"), "1")
        os.kill(int(worker.name), signal.SIGABRT)  # a sanitizer takes SEGV for its own
        last = self.server.wait(video["id"])
        self.assertEqual((last["state"], last["error"]["code"]), ("failed", "worker_died"), last)
        self.assertIn("signal 6", last["error"]["message"])
        status, video = self.server.form(serving.QUICK,
                                         [("audio", "a.wav", self.sound)])
        self.assertEqual(self.server.wait(video["id"])["state"], "completed")
        self.assertEqual(len(self.workers()), 1)

    def test_what_is_no_file_is_not_served(self):
        """A worker that was taken over could otherwise have a file served that it may not read
        itself, or hold up the threads that answer."""
        video = self.server.form(serving.QUICK, [("audio", "a.wav", self.sound)])[1]
        self.assertEqual(self.server.wait(video["id"])["state"], "completed")
        path = self.server.state / "videos" / f"{video['id']}.mp4"
        content = f"/v1/videos/{video['id']}/content"
        kept = path.rename(path.with_suffix(".kept"))
        for make in (lambda: path.symlink_to("/etc/passwd"), lambda: os.mkfifo(path), path.mkdir):
            make()
            for _ in range(6):  # more than there are threads
                self.refused_as(self.server.ask("GET", content), 404, "missing", "not there")
            path.rmdir() if path.is_dir() else path.unlink()
        kept.rename(path)
        self.assertEqual(self.server.ask("GET", content)[0], 200)

    def test_a_worker_holds_nothing_of_the_server(self):
        """No descriptor but the standard ones and its socket."""
        worker = self.only_worker()
        try:
            open_files = [os.readlink(fd) for fd in (worker / "fd").iterdir()]
        except PermissionError:
            self.skipTest("not allowed to look into another process")
        self.assertEqual([f for f in open_files if "synctalk.db" in f or f.endswith("/lock")], [])
        self.assertEqual(len([f for f in open_files if f.startswith("socket:")]), 1, open_files)


if __name__ == "__main__":
    sys.exit(serving.main())
