#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 at random moments under load: no job is lost, doubled or half-done, and each end is told.

Usage: test_crash.py [KILLS]
"""
import json
import os
import pathlib
import random
import sqlite3
import sys
import threading
import time

import serving
from serving import harness

KILLS = int(sys.argv.pop(1)) if len(sys.argv) > 1 and sys.argv[1].isdigit() else 4
SEED = 8


class Client(threading.Thread):
    """Asks for videos under keys of its own, again and again until each is answered."""

    def __init__(self, case, number):
        super().__init__(daemon=True)
        self.case, self.number = case, number
        self.made = {}  # key: id
        self.stop = threading.Event()

    def ask(self, key):
        sound = [("audio", f"{key}.wav", self.case.sounds[self.number])]
        while True:
            try:
                status, answer = self.case.server.form({**serving.QUICK,
                                                        "webhook": self.case.receiver.url()}, sound,
                                                       headers={"Idempotency-Key": key})
            except (OSError, serving.http.client.HTTPException, json.JSONDecodeError):
                time.sleep(0.05)
                continue
            assert status in (200, 202), answer
            return answer["id"]

    def run(self):
        count = 0
        while not self.stop.is_set():
            key = f"client-{self.number}-{count}"
            self.made[key] = self.ask(key)
            count += 1
            time.sleep(0.3)


class Crash(serving.ServerCase):
    @classmethod
    def prepare(cls):
        secret = cls.folder / "secret"
        secret.write_text("a secret of some length\n")
        cls.options = ("--max-rate", "0",  # each video is fetched in the end
                       "--webhook-secret-file", secret, "--webhook-allow-private")
        cls.receiver = serving.Receiver(204)
        cls.addClassCleanup(cls.receiver.close)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sounds = [serving.sound(0.2 + 0.04 * i) for i in range(3)]

    def check_state(self):
        """After a server has been killed: the database is whole, and so is each video in it."""
        db = sqlite3.connect(self.server.state / "synctalk.db")
        self.assertEqual(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        for identity, state, result in db.execute("SELECT id, state, result FROM jobs"):
            if state == 2:
                path = self.server.state / "videos" / f"{identity}.mp4"
                self.assertEqual(path.stat().st_size, json.loads(result)["bytes"])
        db.close()

    def test_kill_at_random_moments(self):
        moments = random.Random(SEED)
        clients = [Client(self, i) for i in range(3)]
        for client in clients:
            client.start()
        for _ in range(KILLS):
            time.sleep(moments.uniform(0.05, 3))
            self.server.kill()
            self.check_state()
            type(self).server = self.start(self.server.state)
        for client in clients:
            client.stop.set()
        for client in clients:
            client.join(serving.LIMIT)
            self.assertFalse(client.is_alive(), "a request was never answered")
        self.check_end({key: i for c in clients for key, i in c.made.items()})

    def check_end(self, made):
        """Every video is made, once, with the bytes that the command makes of its sound."""
        self.assertGreater(len(made), KILLS)
        self.assertEqual(len(set(made.values())), len(made))
        until = time.monotonic() + 20 * serving.LIMIT
        while time.monotonic() < until:
            jobs = self.all_jobs()
            if all(job["state"] not in ("queued", "in_progress") for job in jobs.values()):
                break
            time.sleep(0.5)
        self.assertEqual(set(jobs), set(made.values()))
        self.assertEqual({job["state"] for job in jobs.values()}, {"completed"}, jobs)
        expected = [self.command_makes(i) for i in range(3)]
        for key, identity in made.items():
            _, _, content = self.server.ask("GET", f"/v1/videos/{identity}/content")
            self.assertEqual(content, expected[int(key.split("-")[1])], key)
        names = {p.name for p in (self.server.state / "videos").iterdir()}
        self.assertEqual(names, {f"{i}.mp4" for i in made.values()})
        until = time.monotonic() + serving.LIMIT
        while (told := self.told()) != set(made.values()):
            self.assertLess(time.monotonic(), until, set(made.values()) - told)
            time.sleep(0.1)
        self.assertEqual({job["webhook"]["tries"] > 0 for job in self.all_jobs().values()}, {True})
        print(f"{KILLS} kills, {len(made)} videos, told {len(self.receiver.got)} times",
              file=sys.stderr)

    def told(self):
        return {fields["webhook-id"] for _, fields, _, _ in list(self.receiver.got)}

    def all_jobs(self):
        jobs, before = {}, ""
        while True:
            _, page = self.server.json("GET", f"/v1/videos?limit=200{before}")
            jobs.update((v["id"], v) for v in page["videos"])
            if page["next_before"] is None:
                return jobs
            before = f"&before={page['next_before']}"

    def command_makes(self, number):
        path = pathlib.Path(self.dir)
        (path / "s.wav").write_bytes(self.sounds[number])
        self.good("generate", *self.person, "--preset", "fast", "--audio", "s.wav", "-o", "s.mp4",
                  "-y")
        return (path / "s.mp4").read_bytes()


class Stopping(serving.ServerCase):
    def test_what_was_in_work_is_begun_again(self):
        """And its worker does not outlive a server that is killed."""
        status, video = self.server.form({"model": "demo"}, [("audio", "a", serving.sound(20))])
        self.assertEqual(status, 202)
        self.server.wait(video["id"], "in_progress")
        self.assertEqual(self.server.stop(), 0)
        type(self).server = self.start(self.server.state)
        self.server.wait(video["id"], "in_progress")
        self.server.kill()
        until = time.monotonic() + serving.LIMIT
        while self.alive() and time.monotonic() < until:
            time.sleep(0.05)
        self.assertEqual(self.alive(), [])
        type(self).server = self.start(self.server.state)
        self.assertIn(self.server.video(video["id"])["state"], ("queued", "in_progress"))
        self.assertEqual(self.server.ask("DELETE", f"/v1/videos/{video['id']}")[0], 204)

    def alive(self):
        """Workers whose server is gone: init has them now."""
        found = []
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                parts = (entry / "cmdline").read_bytes().split(b"\0")
                words = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            program = (entry / "exe")
            if b"serve-worker" in parts and words[0] != "Z" and int(words[1]) == 1:
                found.append(program)
        return found

    def test_things_are_removed_at_their_age(self):
        """Those of two hours where one is the limit; what a video in work needs stays."""
        self.server.stop()
        type(self).server = self.start(self.server.state, "--keep-hours", "1")
        made = []
        for seconds in (0.4, 0.5):
            _, video = self.server.form(serving.QUICK, [("audio", "a", serving.sound(seconds))])
            self.assertEqual(self.server.wait(video["id"])["state"], "completed")
            made.append(video)
        work = self.server.form({"model": "demo"}, [("audio", "a", serving.sound(60))])[1]
        unused = self.server.upload(b"of no use")
        self.server.stop()
        old, young = made
        with sqlite3.connect(self.server.state / "synctalk.db") as db:
            db.execute("UPDATE jobs SET finished = finished - 7200, created = created - 7200 "
                       "WHERE id IN (?, ?)", (old["id"], work["id"]))
            db.execute("UPDATE uploads SET created = created - 7200 WHERE id != ?",
                       (young["audio"]["upload"],))
        type(self).server = self.start(self.server.state, "--keep-hours", "1")
        until = time.monotonic() + serving.LIMIT
        for path in (f"/v1/videos/{old['id']}", f"/v1/uploads/{old['audio']['upload']}",
                     f"/v1/uploads/{unused['id']}"):
            while self.server.ask("GET", path)[0] != 404:
                self.assertLess(time.monotonic(), until, f"{path} is still there")
                time.sleep(0.1)
        self.assertFalse((self.server.state / "videos" / f"{old['id']}.mp4").exists())
        self.assertEqual(self.server.ask("GET", young["links"]["self"] + "/content")[0], 200)
        self.assertEqual({p.name for p in (self.server.state / "uploads").iterdir()},
                         {young["audio"]["sha256"], work["audio"]["sha256"]})
        self.assertIn(self.server.video(work["id"])["state"], ("queued", "in_progress"))
        self.assertEqual(self.server.ask("DELETE", f"/v1/videos/{work['id']}")[0], 204)

    def test_old_things_are_removed(self):
        """What takes more space than may be: the oldest videos go first."""
        self.server.stop()
        type(self).server = self.start(self.server.state, "--keep-mb", "1")
        ids = []
        for _ in range(2):
            _, video = self.server.form(serving.QUICK,
                                        [("audio", "a", self.sound)])
            ids.append(video["id"])
            self.assertEqual(self.server.wait(video["id"])["state"], "completed")
        self.server.stop()
        for identity in ids:  # as large as they would have to be
            path = self.server.state / "videos" / f"{identity}.mp4"
            self.assertTrue(path.exists())
            with sqlite3.connect(self.server.state / "synctalk.db") as db:
                db.execute("UPDATE jobs SET bytes = 700000")
        type(self).server = self.start(self.server.state, "--keep-mb", "1")
        until = time.monotonic() + serving.LIMIT
        while self.server.ask("GET", f"/v1/videos/{ids[0]}")[0] != 404:
            self.assertLess(time.monotonic(), until, "the older one is still there")
            time.sleep(0.1)
        self.assertEqual(self.server.ask("GET", f"/v1/videos/{ids[1]}")[0], 200)
        self.assertFalse((self.server.state / "videos" / f"{ids[0]}.mp4").exists())

    def until_missing(self, path):
        until = time.monotonic() + serving.LIMIT
        while self.server.ask("GET", path)[0] != 404:
            self.assertLess(time.monotonic(), until, f"{path} is still there")
            time.sleep(0.1)

    def test_uploads_that_take_all_space_drive_no_video_out(self):
        """Videos that were removed seconds after they were made, since uploads alone were more than
        might be kept; analyses that nobody removed."""
        self.server.stop()
        state = self.server.state
        for path in (state / "analysis").iterdir():
            path.unlink()
        type(self).server = self.start(state, "--keep-hours", "1")
        video = self.server.form(serving.QUICK, [("audio", "a", serving.sound(0.6))])[1]
        self.assertEqual(self.server.wait(video["id"])["state"], "completed")
        uploads = [self.server.upload(bytes([i]) * 900_000)["id"] for i in range(3)]
        self.server.stop()
        for name, seconds in (("old.faces", 7200), ("older.faces", 1200), ("young.faces", 600)):
            path = state / "analysis" / name
            path.write_bytes(bytes(300_000))
            os.utime(path, (time.time() - seconds,) * 2)
        with sqlite3.connect(state / "synctalk.db") as db:
            db.execute("DELETE FROM jobs WHERE id != ?", (video["id"],))
            db.execute("DELETE FROM uploads WHERE id NOT IN (?, ?, ?)", uploads)
        # There are 3.3 MB besides the video; "old.faces" goes at its age.
        type(self).server = self.start(state, "--keep-hours", "1", "--keep-mb", "2")
        self.until_missing(f"/v1/uploads/{uploads[0]}")
        for identity in uploads[1:]:
            self.assertEqual(self.server.ask("GET", f"/v1/uploads/{identity}")[0], 200)
        self.assertEqual(self.server.ask("GET", f"/v1/videos/{video['id']}/content")[0], 200)
        self.assertEqual(list((state / "analysis").iterdir()), [])

    def test_videos_drive_no_upload_out(self):
        """Nor an analysis, though they are older than the oldest video."""
        self.server.stop()
        state = self.server.state
        type(self).server = self.start(state)
        upload = self.server.upload(b"to be used in a moment")["id"]
        kept = state / "analysis" / "kept.faces"
        kept.write_bytes(bytes(200_000))
        video = self.server.form(serving.QUICK, [("audio", "a", serving.sound(0.7))])[1]
        self.assertEqual(self.server.wait(video["id"])["state"], "completed")
        self.server.stop()
        with sqlite3.connect(state / "synctalk.db") as db:
            db.execute("UPDATE jobs SET bytes = 900000 WHERE id = ?", (video["id"],))
            db.execute("DELETE FROM uploads WHERE id != ?", (upload,))
        type(self).server = self.start(state, "--keep-mb", "1")
        self.until_missing(f"/v1/videos/{video['id']}")
        self.assertEqual(self.server.ask("GET", f"/v1/uploads/{upload}")[0], 200)
        self.assertTrue(kept.exists())
        self.server.stop()
        # A folder that was named is its owner's.
        type(self).server = self.start(state, "--keep-hours", "1", "--analysis-cache", kept.parent)
        os.utime(kept, (time.time() - 7200,) * 2)
        time.sleep(1)
        self.assertTrue(kept.exists())


if __name__ == "__main__":
    sys.exit(harness.main())
