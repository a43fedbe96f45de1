#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long a client waits for the first sign of work, and what a video takes beside the command.

Usage: bench_server.py [ROUNDS]

A video of 10 seconds is made by the command and by the server, by turns. As the command is started
anew for each video and the server is not, the server's first video is told by itself.
"""
import json
import statistics
import subprocess
import sys
import time

import serving
from serving import harness

ROUNDS = int(sys.argv.pop(1)) if len(sys.argv) > 1 and sys.argv[1].isdigit() else 5
SECONDS = 10
# Found out about the checkpoint beforehand: the command and the server draw the same.
SETTINGS = {"model": "demo", "precision": "f32"}


class Bench(serving.ServerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.long_sound = serving.sound(SECONDS)

    def follow(self, upload):
        """Seconds from POST to the first event, to the first that says that it is in progress, to
        the first that names a stage, and to the end."""
        times = {}
        begin = time.monotonic()
        status, video = self.server.json("POST", "/v1/videos", {**SETTINGS, "audio": upload})
        self.assertEqual(status, 202, video)
        connection = self.server.connection()
        connection.request("GET", f"/v1/videos/{video['id']}/events")
        for name, value in serving.events(connection.getresponse()):
            now = time.monotonic() - begin
            times.setdefault("event", now)
            if value["state"] == "in_progress":
                times.setdefault("in_progress", now)
                if value["progress"]["stage"]:
                    times.setdefault("stage", now)
        connection.close()
        times["end"] = now
        self.assertEqual((name, value["state"]), ("end", "completed"), value)
        return times

    def command(self):
        begin = time.monotonic()
        subprocess.run([harness.SYNCTALK, "generate", *map(str, self.person), "--audio", "long.wav",
                        "-o", "o.mp4", "-y"], cwd=self.dir, check=True, capture_output=True,
                       env=harness.clean_environment(SYNCTALK_PRECISION="f32"))
        return time.monotonic() - begin

    def test_first_signs_and_videos(self):
        (self.dir / "long.wav").write_bytes(self.long_sound)
        firsts = []
        for _ in range(ROUNDS):  # as soon as the server says that it is there
            type(self).server.stop()
            type(self).server = self.start(self.server.state)
            identity = self.server.upload(self.sound)["id"]
            firsts.append(self.follow(identity))
        identity = self.server.upload(self.long_sound)["id"]
        self.follow(identity)
        served, commands = [], []
        for _ in range(ROUNDS):
            commands.append(self.command())
            served.append(self.follow(identity))
        for what, rows in (("first job of a server", firsts), ("later ones", served)):
            for sign in ("event", "in_progress", "stage"):
                print(f"{what}: POST to {sign}, ms: " +
                      " ".join(f"{1000 * row[sign]:.0f}" for row in rows), file=sys.stderr)
        ratios = [row["end"] / c for row, c in zip(served, commands)]
        print(f"{SECONDS} s of video: command "
              + " ".join(f"{c:.2f}" for c in commands) + " s; server "
              + " ".join(f"{row['end']:.2f}" for row in served) + " s; ratios "
              + " ".join(f"{r:.3f}" for r in ratios), file=sys.stderr)

        def median_ms(rows, sign):
            return round(1000 * statistics.median(row[sign] for row in rows), 1)

        print(json.dumps({"server": {
            "first_job_ms": {sign: median_ms(firsts, sign) for sign in firsts[0]},
            "later_job_ms": {sign: median_ms(served, sign) for sign in served[0]},
            "command_s": round(statistics.median(commands), 3),
            "to_command": round(statistics.median(ratios), 3)}}))


if __name__ == "__main__":
    sys.exit(serving.main())
