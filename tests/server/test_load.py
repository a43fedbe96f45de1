#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Many clients at once: no request is lost, and none is answered by a hang.

Usage: test_load.py [long]
Latencies and memory are reported, and decide nothing.
"""
import os
import socket
import sys
import threading
import time

import serving

LONG = "long" in sys.argv[1:]
if LONG:
    sys.argv.remove("long")
STREAMS = 200
JOBS = 1000
UPLOADS = 50
UPLOAD_BYTES = 50_000_000 if LONG else 2_000_000


def memory_mb(server):
    data = server.ask("GET", "/metrics")[2].decode()
    line, = [w for w in data.splitlines() if w.startswith("synctalk_memory_bytes ")]
    return int(line.split()[1]) / 1e6


def timed(call):
    begin = time.monotonic()
    value = call()
    return value, 1000 * (time.monotonic() - begin)


def report(what, times):
    times = sorted(times)
    print(f"{what}: {len(times)} in ms: median {times[len(times) // 2]:.1f}, "
          f"99 % {times[int(len(times) * 0.99)]:.1f}, longest {times[-1]:.1f}", file=sys.stderr)


class Load(serving.ServerCase):
    options = ("--max-rate", "0")

    def open_stream(self, identity):
        line = socket.create_connection(("127.0.0.1", self.server.port), serving.LIMIT)
        line.sendall(f"GET /v1/videos/{identity}/events HTTP/1.1\r\nHost: localhost\r\n\r\n"
                     .encode())
        got = b""
        while b"event: progress\ndata" not in got:
            part = line.recv(65536)
            self.assertTrue(part, "a stream ended")
            got += part
        return line

    def read_end(self, line):
        """All of a stream to its end."""
        got = b""
        while part := line.recv(65536):
            got += part
        line.close()
        self.assertIn(b"event: end", got)

    def test_streams_uploads_and_a_long_queue(self):
        empty = memory_mb(self.server)
        upload = self.server.upload(serving.sound(600))
        ask = {"model": "demo", "audio": upload["id"]}
        jobs, posts = [], []
        for _ in range(JOBS):
            (status, video), ms = timed(lambda: self.server.json("POST", "/v1/videos", ask))
            self.assertEqual(status, 202, video)
            jobs.append(video["id"])
            posts.append(ms)
        report("a video asked for", posts)
        streams = [self.open_stream(jobs[1 + i % (JOBS - 1)]) for i in range(STREAMS)]
        self.ask_while_uploading()
        print(f"memory: {empty:.0f} MB at first, {memory_mb(self.server):.0f} MB with {STREAMS} "
              f"streams and {JOBS} jobs", file=sys.stderr)
        for state in ("queued", "in_progress"):
            self.cancel_all(state)
        for line in streams:
            self.read_end(line)
        counts = [line for line in self.server.ask("GET", "/metrics")[2].decode().splitlines()
                  if line.startswith("synctalk_jobs{")]
        self.assertIn(f'synctalk_jobs{{state="cancelled"}} {JOBS}', counts)

    def cancel_all(self, state):
        while True:
            videos = self.server.json("GET", f"/v1/videos?limit=200&state={state}")[1]["videos"]
            if not videos:
                return
            for video in videos:
                status, answer = self.server.json("POST", f"/v1/videos/{video['id']}/cancel")
                self.assertIn(status, (200, 409), answer)

    def ask_while_uploading(self):
        """Uploads at once; each stored whole, while short questions are answered."""
        answers, health = [], []

        def send(number):
            data = number.to_bytes(4, "big") * (UPLOAD_BYTES // 4)
            answers.append(timed(lambda: self.server.upload(data, f"{number}.bin")))

        threads = [threading.Thread(target=send, args=(i,)) for i in range(UPLOADS)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            (status, _, _), ms = timed(lambda: self.server.ask("GET", "/healthz"))
            self.assertEqual(status, 200)
            health.append(ms)
            time.sleep(0.02)
        for thread in threads:
            thread.join()
        self.assertEqual(len(answers), UPLOADS)
        self.assertEqual(len({upload["sha256"] for upload, _ in answers}), UPLOADS)
        for upload, _ in answers:
            path = self.server.state / "uploads" / upload["sha256"]
            self.assertEqual(path.stat().st_size, UPLOAD_BYTES)
            self.server.ask("DELETE", f"/v1/uploads/{upload['id']}")
        report("an upload", [ms for _, ms in answers])
        report("healthz meanwhile", health)


class Slow(serving.ServerCase):
    options = ("--max-connections", "300", "--max-rate", "0")

    def test_a_byte_a_second_holds_up_nobody(self):
        """More of them than the server has threads, in a head, in a body, in an answer."""
        head = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
        body = (b"POST /v1/uploads HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n")
        lines = []
        for start in (head, body) * 50:
            line = socket.create_connection(("127.0.0.1", self.server.port), serving.LIMIT)
            line.sendall(start)
            lines.append(line)
        reader = socket.create_connection(("127.0.0.1", self.server.port), serving.LIMIT)
        reader.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n")
        times = []
        for _ in range(10 if LONG else 4):
            for line in lines:
                line.sendall(b"x")
            self.assertEqual(len(reader.recv(1)), 1)
            for _ in range(10):
                (status, _, _), ms = timed(lambda: self.server.ask("GET", "/healthz"))
                self.assertEqual(status, 200)
                times.append(ms)
            time.sleep(1)
        report("healthz beside 100 slow clients", times)
        status, video = self.server.form({"model": "demo", "preset": "fast"},
                                         [("audio", "a.wav", self.sound)])
        self.assertEqual(self.server.wait(video["id"])["state"], "completed")
        for line in lines + [reader]:
            line.close()
        until = time.monotonic() + serving.LIMIT
        while list((self.server.state / "incoming").iterdir()):  # what nobody can go on with
            self.assertLess(time.monotonic(), until)
            time.sleep(0.05)

    def test_silent_clients_are_sent_away(self):
        type(self).server.stop()
        type(self).server = self.start(self.server.state, "--idle-seconds", "1")
        line = socket.create_connection(("127.0.0.1", self.server.port), serving.LIMIT)
        line.sendall(b"GET /healthz HTTP/1.1\r\nHost:")
        while line.recv(1000):
            pass
        line.close()


class Mixed(serving.ServerCase):
    """All kinds of requests at once, from many clients; what was asked for is made and told.

    ST_TEST_SERVER_SECONDS is how long, _CLIENTS how many, _PAUSE the seconds between two rounds of
    one, for builds that are slow, or to leave something of the machine to others.
    """

    seconds = float(os.environ.get("ST_TEST_SERVER_SECONDS", 3600 if LONG else 15))
    clients = int(os.environ.get("ST_TEST_SERVER_CLIENTS", 8))
    pause = float(os.environ.get("ST_TEST_SERVER_PAUSE", 0))

    @classmethod
    def prepare(cls):
        secret = cls.folder / "secret"
        secret.write_text("a secret of some length\n")
        cls.options = ("--max-rate", "0", "--workers", "2", "--webhook-secret-file", secret,
                       "--webhook-allow-private")
        cls.receiver = serving.Receiver(204, 500, 204)
        cls.addClassCleanup(cls.receiver.close)

    def client(self, number, until, faults, made):
        path = None
        count = 0
        try:
            while time.monotonic() < until:
                time.sleep(self.pause)
                count += 1
                upload = self.server.upload(self.sound + bytes([number, count % 256]))
                self.server.json("GET", "/v1/videos?limit=5")
                if count % 5 == 0:
                    self.other_questions(upload)
                if count % 3 == 0:
                    assert self.server.ask("DELETE", f"/v1/uploads/{upload['id']}")[0] == 204
                    continue
                status, video = self.server.json("POST", "/v1/videos",
                                                 {"model": "demo", "preset": "fast",
                                                  "audio": upload["id"],
                                                  "webhook": self.receiver.url()})
                assert status == 202, video
                path = f"/v1/videos/{video['id']}"
                if count % 3 == 1:
                    assert self.server.json("POST", f"{path}/cancel")[0] in (200, 409)
                    assert self.server.ask("DELETE", path)[0] == 204
                    continue
                connection = self.server.connection()
                connection.request("GET", f"{path}/events")
                *_, (name, last) = serving.events(connection.getresponse())
                connection.close()
                assert (name, last["state"]) == ("end", "completed"), last
                content = self.server.ask("GET", f"{path}/content", headers={"Range": "bytes=4-7"})
                assert (content[0], content[2]) == (206, b"ftyp"), content
                made.append(video["id"])
        except Exception as error:  # told by the test, with where it happened
            faults.append(f"client {number}, {path}: {error!r}")

    def other_questions(self, upload):
        """What is asked now and then, and what is refused."""
        for path, status in (("/metrics", 200), ("/healthz", 200), ("/openapi.json", 200), ("/", 200),
                             ("/v1/models", 200), ("/v1/frame?model=demo&number=3", 200),
                             (f"/v1/uploads/{upload['id']}", 200), ("/v1/videos/video-0", 404),
                             ("/v1/videos?limit=x", 400)):
            assert self.server.ask("GET", path)[0] == status, path
        speech = self.server.ask("GET", f"/v1/uploads/{upload['id']}/vad")[0]
        assert speech in (200, 429), speech
        status, _ = self.server.form({"model": "demo", "crf": "99"},
                                     [("audio", "a", self.sound)])
        assert status == 400, status
        line = socket.create_connection(("127.0.0.1", self.server.port), serving.LIMIT)
        line.sendall(b"POST /v1/uploads HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\nx")
        line.close()  # and the rest never comes

    def test_mixed_load(self):
        faults, made = [], []
        until = time.monotonic() + self.seconds
        clients = [threading.Thread(target=self.client, args=(i, until, faults, made))
                   for i in range(self.clients)]
        before = memory_mb(self.server)
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        self.assertEqual(faults, [])
        self.assertGreater(len(made), 0)
        states = {v["state"] for v in self.server.json("GET", "/v1/videos?limit=200")[1]["videos"]}
        self.assertEqual(states, {"completed"})
        deadline = time.monotonic() + serving.LIMIT
        while set(made) - {fields["webhook-id"] for _, fields, _, _ in self.receiver.got}:
            self.assertLess(time.monotonic(), deadline, "an end was not told")
            time.sleep(0.1)
        print(f"{len(made)} videos in {self.seconds:.0f} s; memory {before:.0f} MB, then "
              f"{memory_mb(self.server):.0f} MB", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(serving.main())
