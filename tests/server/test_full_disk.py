#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A disk without room: 507 and a sentence, nothing half-done, and on it goes when there is room.

One server runs on a small disk in memory of its own, where users may make one; another under a
limit on the size of files.
"""
import json
import os
import resource
import signal
import subprocess
import sys

import serving
from serving import harness

DISK = 8_000_000


class Limited(serving.ServerCase):
    """No file may have more than a megabyte."""

    @classmethod
    def start(cls, state, *more):
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it, which lasts
            resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY))

        return serving.Server(cls.demo, state, *more, preexec_fn=limit)

    def test_a_file_that_finds_no_room(self):
        for answer in (self.server.ask("POST", "/v1/uploads", bytes(3_000_000)),
                       self.server.form({"model": "demo"}, [("audio", "a", bytes(3_000_000))])):
            self.refused_as(answer, 507, "insufficient_storage", "the disk of the server is full")
        self.assertEqual(list((self.server.state / "incoming").iterdir()), [])
        self.assertEqual(list((self.server.state / "uploads").iterdir()), [])
        upload = self.server.upload(self.sound)
        self.assertTrue(upload["complete"])

    def test_one_that_was_announced_goes_on_later(self):
        _, _, answer = self.server.ask("POST", "/v1/uploads", b"", {"Upload-Length": "3000000"})
        path = f"/v1/uploads/{json.loads(answer)['id']}"
        answer = self.server.ask("PATCH", path, bytes(3_000_000), {"Upload-Offset": "0"})
        self.refused_as(answer, 507, "insufficient_storage")
        offset = self.server.json("GET", path)[1]["offset"]
        self.assertTrue(0 <= offset <= 1_000_000)
        self.assertEqual(self.server.ask("DELETE", path)[0], 204)


class Full(serving.ServerCase):
    """On a disk of its own, which others do not see: it is spoken to and not looked into."""

    @classmethod
    def prepare(cls):
        cls.mount = ["unshare", "--mount", *(["--map-root-user"] if os.getuid() else []), "sh",
                     "-ec", f'mount -t tmpfs -o size={DISK} none "$0"; exec "$@"']
        there = subprocess.run([*cls.mount, cls.folder, "true"], capture_output=True, text=True,
                               check=False)
        if there.returncode:
            harness.shutil.rmtree(cls.folder, ignore_errors=True)
            raise harness.unittest.SkipTest(f"no disk can be made: {there.stderr.strip()}")

    @classmethod
    def start(cls, state, *more):
        disk = cls.folder / "disk"
        disk.mkdir(exist_ok=True)
        server = serving.Server(cls.demo, disk / "state", *more, before=[*cls.mount, disk])
        return server

    def fill(self, step):
        """Until there is no room for `step` bytes more: the answers and the uploads there are."""
        made = []
        for number in range(DISK // step + 2):
            answer = self.server.ask("POST", "/v1/uploads", number.to_bytes(4, "big") * (step // 4))
            if answer[0] != 201:
                return answer, made
            made.append(json.loads(answer[2])["id"])
        self.fail("the disk has more room than it has")

    def test_it_fills_and_empties(self):
        large = bytes(DISK + 1_000_000)
        self.refused_as(self.server.ask("POST", "/v1/uploads", large), 507, "insufficient_storage",
                        "the disk of the server is full")
        kept = self.server.upload(self.sound)
        answer, made = self.fill(400_000)
        self.refused_as(answer, 507, "insufficient_storage")
        self.assertGreater(len(made), 5)
        rest, more = self.fill(20_000)
        self.refused_as(rest, 507, "insufficient_storage")
        # What needs no room works; a video finds none, at once or when it is made.
        self.assertEqual(self.server.ask("GET", "/healthz")[0], 200)
        self.assertEqual(self.server.json("GET", f"/v1/uploads/{kept['id']}")[1], kept)
        status, video = self.server.json("POST", "/v1/videos",
                                         {**serving.QUICK, "audio": kept["id"]})
        if status == 202:
            last = self.server.wait(video["id"])
            self.assertEqual((last["state"], last["error"]["code"]), ("failed", "io"), last)
            self.assertIn("No space left", last["error"]["message"])
        else:
            self.refused_as((status, video), 507, "insufficient_storage")
        for identity in made + more:
            self.assertEqual(self.server.ask("DELETE", f"/v1/uploads/{identity}")[0], 204)
        status, video = self.server.json("POST", "/v1/videos",
                                         {**serving.QUICK, "audio": kept["id"]})
        self.assertEqual(status, 202, video)
        self.assertEqual(self.server.wait(video["id"])["state"], "completed")


if __name__ == "__main__":
    sys.exit(serving.main())
