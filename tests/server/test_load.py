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
from serving import harness

LONG = "long" in sys.argv[1:]
if LONG:
    sys.argv.remove("long")
STREAMS = 200
JOBS = 1000
UPLOADS = 50
UPLOAD_BYTES = 50_000_000 if LONG else 2_000_000


def memory_mb(server):
    return server.metric("memory_bytes") / 1e6


def timed(call):
    begin = time.monotonic()
    value = call()
    return value, 1000 * (time.monotonic() - begin)


def report(what, times):
    times = sorted(times)
    print(f"{what}: {len(times)} in ms: median {times[len(times) // 2]:.1f}, "
          f"99 % {times[int(len(times) * 0.99)]:.1f}, longest {times[-1]:.1f}", file=sys.stderr)


def peak_mb(server):
    """The most memory that the server itself had at once."""
    status = (harness.pathlib.Path("/proc") / str(server.process.pid) / "status").read_text()
    line, = [w for w in status.splitlines() if w.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024 / 1e6


class Trickle(threading.Thread):
    """A hundred clients that send a byte a second, in a head and in a body, and one that reads so.

    More of them than the server has threads. An error ends it, and is raised by close().
    """

    HEAD = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
    BODY = b"POST /v1/uploads HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n"

    def __init__(self, server):
        super().__init__(daemon=True)
        self.stop, self.rounds, self.fault = threading.Event(), 0, None
        self.lines = []
        for start in (self.HEAD, self.BODY) * 50:
            self.lines.append(self.connect(server, start))
        self.reader = self.connect(
            server, b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n")

    def connect(self, server, start):
        line = socket.create_connection(("127.0.0.1", server.port), serving.LIMIT)
        line.sendall(start)
        return line

    def run(self):
        try:
            while not self.stop.is_set():
                for line in self.lines:
                    line.sendall(b"x")
                assert len(self.reader.recv(1)) == 1, "the slow reader's answer ended"
                self.rounds += 1
                self.stop.wait(1)
        except Exception as error:
            self.fault = error

    def close(self):
        self.stop.set()
        self.join(serving.LIMIT)
        for line in self.lines + [self.reader]:
            line.close()
        if self.fault:
            raise self.fault


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
        """All of a stream to its last chunk; its connection stays for more."""
        got = b""
        while not got.endswith(b"\r\n0\r\n\r\n"):
            part = line.recv(65536)
            self.assertTrue(part, "a stream was cut")
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
        before = memory_mb(self.server)
        slow = Trickle(self.server)
        slow.start()
        self.ask_while_uploading()
        self.assertGreater(slow.rounds, 0)
        slow.close()
        print(f"memory: {empty:.0f} MB at first, {before:.0f} MB with {STREAMS} streams and {JOBS} "
              f"jobs, {peak_mb(self.server):.0f} MB at the most with {UPLOADS} uploads of "
              f"{UPLOAD_BYTES / 1e6:.0f} MB and 101 slow clients", file=sys.stderr)
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
            block = number.to_bytes(4, "big") * 12500  # so that not all are in memory here
            answers.append(timed(lambda: self.server.upload_blocks(
                block, UPLOAD_BYTES // len(block), f"{number}.bin")))

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
        slow = Trickle(self.server)
        slow.start()
        times = []
        rounds = 10 if LONG else 4
        while slow.rounds < rounds and slow.is_alive():
            (status, _, _), ms = timed(lambda: self.server.ask("GET", "/healthz"))
            self.assertEqual(status, 200)
            times.append(ms)
            time.sleep(0.1)
        self.assertGreaterEqual(len(times), 10)
        report("healthz beside 101 slow clients", times)
        status, video = self.server.form({"model": "demo", "preset": "fast"},
                                         [("audio", "a.wav", self.sound)])
        self.assertEqual(self.server.wait(video["id"])["state"], "completed")
        slow.close()
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

    seconds = float(os.environ.get("ST_TEST_SERVER_SECONDS", 3600 if LONG else 60))
    clients = int(os.environ.get("ST_TEST_SERVER_CLIENTS", 8))
    pause = float(os.environ.get("ST_TEST_SERVER_PAUSE", 0 if LONG else 0.5))

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
