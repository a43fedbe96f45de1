#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""generate and features as a user meets them, on the demo person."""
import json
import os
import pathlib
import pty
import signal
import subprocess
import time

import harness

SECONDS = 0.6  # of sound: 15 frames


class Generate(harness.DemoCase):
    def setUp(self):
        super().setUp()
        self.sound = self.dir / "hello.wav"
        harness.write_wav(self.sound, SECONDS)

    def generate(self, *options, **more):
        return self.good("generate", *self.person, *options, **more)

    def fails(self, *options, says=(), code=1):
        """Refused, and no file is left that was not there."""
        before = self.files()
        text = self.refused(code, "generate", *self.person, *options, says=says)
        self.assertEqual(self.files(), before)
        return text

    def test_where_shared_networks_may_lie(self):
        """--models, then the project, then SYNCTALK_MODELS, then the user's data folder."""
        network = "audio_visual_encoder.safetensors"
        root = pathlib.Path(self.person[self.person.index("--root") + 1])
        bare = self.dir / "bare"
        bare.mkdir()
        for name in ("dataset", "checkpoint"):
            (bare / name).symlink_to(root / name)
        call = ["features", "hello.wav", "-o", "f.npy", "-y", "--root", bare]
        home = {"HOME": self.dir / "home"}
        text = self.refused(1, *call, env=home, says="audio_visual_encoder")
        self.assertIn(str(self.dir / "home/.local/share/synctalk/model"), text)
        places = [("home/.local/share/synctalk/model", home, []),
                  ("data/synctalk/model", {**home, "XDG_DATA_HOME": self.dir / "data"}, []),
                  ("env", {**home, "SYNCTALK_MODELS": "env"}, []),
                  ("bare/model", {**home, "SYNCTALK_MODELS": "env"}, []),
                  ("option", {**home, "SYNCTALK_MODELS": "env"}, ["--models", "option"])]
        for folder, environment, options in places:
            (self.dir / folder).mkdir(parents=True)
            (self.dir / folder / network).symlink_to(root / "model" / network)
            done = self.run_command(*call, *options, env=environment)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(f"{folder}/{network}", done.stderr)

    def test_one_video(self):
        text = self.generate("--audio", self.sound, "-o", "out.mp4")
        self.assertRegex(text, r"^out\.mp4: 15 frames, 0\.60 s at 25 fps, made at .* fps, .* x real")
        self.assertEqual(self.files(), ["hello.wav", "out.mp4"])
        self.assertEqual((self.dir / "out.mp4").read_bytes()[4:8], b"ftyp")

    def test_the_name_when_none_is_given(self):
        self.generate("--audio", self.sound)
        self.assertEqual(self.files(), [f"{self.name}-hello.mp4", "hello.wav"])

    def test_into_a_folder(self):
        (self.dir / "videos").mkdir()
        self.generate("--audio", self.sound, "-o", "videos")
        self.assertEqual(self.files(), ["hello.wav", "videos/hello.mp4"])

    def test_result_for_programs(self):
        shown = json.loads(self.generate("--audio", self.sound, "-o", "out.mp4", "--json"))
        self.assertEqual((shown["output"], shown["frames"], shown["fps"]), ("out.mp4", 15, 25.0))
        self.assertGreater(shown["realtime"], 0)

    def test_nothing_is_replaced_unasked(self):
        (self.dir / "out.mp4").write_text("mine")
        self.fails("--audio", self.sound, "-o", "out.mp4", says="out.mp4")
        self.assertEqual((self.dir / "out.mp4").read_text(), "mine")
        self.generate("--audio", self.sound, "-o", "out.mp4", "-y")
        self.assertGreater((self.dir / "out.mp4").stat().st_size, 1000)

    def test_a_folder_is_a_batch_and_one_failure_stops_nothing(self):
        talks = self.dir / "talks"
        talks.mkdir()
        for name in ("a.wav", "c.WAV"):
            harness.write_wav(talks / name, SECONDS)
        (talks / "b.mp3").write_bytes(b"no sound at all" * 100)
        (talks / "notes.txt").write_text("not looked at")
        done = self.run_command("generate", *self.person, "--audio", talks, "-o", "made", "--json")
        self.assertEqual(done.returncode, 1, done.stderr)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([line["output"] for line in lines],
                         ["made/a.mp4", "made/b.mp4", "made/c.mp4"])
        self.assertIn("b.mp3", lines[1]["error"])
        self.assertIn("1 of 3", done.stderr)
        self.assertEqual([f for f in self.files() if f.startswith("made")],
                         ["made/a.mp4", "made/c.mp4"])

    def test_several_sounds(self):
        harness.write_wav(self.dir / "two.wav", SECONDS)
        self.generate("--audio", self.sound, "--audio", "two.wav")
        self.assertEqual(self.files(), [f"{self.name}-hello.mp4", f"{self.name}-two.mp4",
                                        "hello.wav", "two.wav"])

    def test_a_batch_makes_the_files_of_single_calls(self):
        """Guards videos that are begun before the one before them is finished: each is the file
        that it is alone, and what is told comes in their order: of one that was begun early, too,
        whose sound is warned of while another is still told of."""
        names = ["a", "b", "broken", "c", "d"]
        lengths = [0.4, 3.4, 0, 0.2, 2.6]
        for name, seconds in zip(names, lengths):
            harness.write_wav(self.dir / f"{name}.wav", seconds, loud=name not in "bd")
        sounds = [option for name in names for option in ("--audio", f"{name}.wav")]
        done = self.run_command("generate", *self.person, *sounds, "-o", "made", "--json",
                                "--progress", "json", "--stats")
        self.assertEqual(done.returncode, 1, done.stderr)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([line["audio"] for line in lines], [f"{name}.wav" for name in names])
        self.assertEqual(["error" in line for line in lines], [name == "broken" for name in names])
        events = [json.loads(line) for line in done.stderr.splitlines()]
        told = [event["event"] for event in events if event["event"] in ("item", "stats", "error")
                or "nearly silent" in event.get("message", "")]
        self.assertEqual(told[:12], ["item", "stats", "item", "log", "stats", "item", "error",
                                     "item", "stats", "item", "log", "stats"])
        item = -1
        for event in events:
            item += event["event"] == "item"
            if event.get("stage") == "frames":
                self.assertEqual(event["total"], round(25 * lengths[item]), event)
        for name in names:
            if name != "broken":
                self.generate("--audio", f"{name}.wav", "-o", "alone.mp4", "-y")
                self.assertEqual((self.dir / "alone.mp4").read_bytes(),
                                 (self.dir / "made" / f"{name}.mp4").read_bytes(), name)

    def add_clip(self, name, frames, info=""):
        """A project here whose person has this clip, the first frames of one of the demo's."""
        there = self.demo / "dataset" / self.name / "core_clips"
        clip = os.fsencode(self.dir / "dataset" / self.name / "core_clips") + b"/" + name
        silence = next(path for path in sorted(there.iterdir()) if "silence" in path.name)
        for kind, suffix in (("full_body_img", "jpg"), ("landmarks", "lms")):
            os.makedirs(clip + b"/" + kind.encode())
            for i in range(frames):
                os.symlink(os.fsencode(silence / kind / f"{i}.{suffix}"),
                           clip + f"/{kind}/{i}.{suffix}".encode())
        if info:
            pathlib.Path(os.fsdecode(clip), "info.txt").write_text(info)
        for folder in ("checkpoint", "model"):
            if not (self.dir / folder).exists():
                (self.dir / folder).symlink_to(self.demo / folder)
        return ["generate", "--model", self.name, "--mode", "clips", "--vad", "builtin"]

    def test_a_batch_tells_all_of_one_that_was_begun_early(self):
        """Guards the lines of a video that say more than 64 things while another is told of: an
        edit list has one for each clip, and of a clip of one frame there are many."""
        call = self.add_clip(b"one_silence", 1)
        for name in "ab":
            harness.write_wav(self.dir / f"{name}.wav", 5, loud=False)
        done = self.run_command(*call, "--audio", "a.wav", "--audio", "b.wav", "-o", "made",
                                "--progress", "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = []
        for event in map(json.loads, done.stderr.splitlines()):
            if event["event"] == "item":
                rows.append(0)
            elif rows:
                rows[-1] += "one_silence" in event.get("message", "")
        self.assertEqual(rows, [125, 125])

    def test_outputs_that_are_one_file(self):
        """Guards names that are spelt otherwise and lead to one file: a list was written over the
        video, or over the sound that was spoken."""
        call = self.add_clip(b"some_silence", 3)
        sound = self.sound.read_bytes()
        call += ["--audio", "hello.wav", "-y", "-o"]
        self.refused(1, *call, "v.mp4", "--edl", "./v.mp4", says=("./v.mp4", "the video's own"))
        self.refused(1, *call, "v.mp4", "--edl", "x", "--vad-plot", "./x", says="another name")
        self.refused(1, *call, "v.mp4", "--edl", self.dir / "hello.wav", says="the sound's own")
        self.refused(1, *call, "v.mp4", "--vad-plot", "hello.wav", says="the sound's own")
        self.refused(1, "features", "hello.wav", "-o", "./hello.wav", "-y", "--root",
                     self.demo, says="both the sound and the output")
        self.refused(1, "vad", "hello.wav", "--plot", "./hello.wav", "-y", "--vad", "builtin",
                     says="both the sound and the plot")
        self.assertEqual(self.sound.read_bytes(), sound)
        self.assertFalse((self.dir / "v.mp4").exists() or (self.dir / "x").exists())

    def test_a_clip_whose_name_no_list_can_hold(self):
        """Guards a video that was thrown away when its edit list could not be written."""
        call = self.add_clip(b"gr\xfcn_silence", 3) + ["--audio", "hello.wav", "-o", "v.mp4"]
        self.refused(1, *call, "--edl", "list.json", says="not UTF-8")
        self.assertFalse((self.dir / "v.mp4").exists() or (self.dir / "list.json").exists())
        self.good(*call)

    def test_clips_of_two_rates(self):
        """Guards the rate of one clip, which was hidden by that of the last."""
        info = ("made_by: synctalk preprocess-clips\nsource: a.mp4\nsha256: {0}\nidentity: {0}\n"
                "type: silence\nfps: {1}\nframes: 3\nfaces: 3\nwidth: 320\nheight: 320\n"
                "complete: yes\n")
        self.add_clip(b"a_silence", 3, info.format("0" * 64, 20))
        call = self.add_clip(b"b_silence", 3, info.format("0" * 64, 25))
        done = self.run_command(*call, "--audio", "hello.wav", "-o", "v.mp4")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("clip b_silence was cut at 25 frames a second, others at 20", done.stderr)

    def test_batches_that_cannot_be(self):
        (self.dir / "more").mkdir()
        harness.write_wav(self.dir / "more" / "hello.wav", SECONDS)
        self.fails("--audio", self.sound, "--audio", "more", "-o", "made", code=2,
                   says=["more/hello.wav", "made/hello.mp4"])
        os.rmdir(self.dir / "made")
        self.fails("--audio", "more", "-o", "out.mp4", code=2, says="folder")
        self.fails("--audio", "more", "--features", "x.npy", code=2, says="--features")
        (self.dir / "none").mkdir()
        self.fails("--audio", "none", says="none")

    def test_the_sound_is_never_the_output(self):
        self.generate("--audio", self.sound, "-o", "film.mp4")
        whole = (self.dir / "film.mp4").read_bytes()
        self.fails("--audio", "film.mp4", "-o", "./film.mp4", "-y", code=2, says="film.mp4")
        self.assertEqual((self.dir / "film.mp4").read_bytes(), whole)
        self.generate("--audio", "film.mp4", "-o", "again.mp4")  # the sound of a video

    def root_without_clips(self):
        root = pathlib.Path(self.person[self.person.index("--root") + 1])
        bare = self.dir / "bare"
        person = pathlib.Path("dataset") / self.name
        (bare / person).mkdir(parents=True)
        for name in ("checkpoint", "model", person / "full_body_img", person / "landmarks"):
            (bare / name).symlink_to(root / name)
        return bare

    def test_what_goes_wrong_is_said(self):
        sound = ["--audio", self.sound, "-o", "out.mp4"]
        self.fails("--audio", "absent.wav", "-o", "out.mp4", says="absent.wav")
        self.fails(*sound, "--model", "nobody", says="nobody")
        self.fails(*sound, "--root", "nowhere", says="nowhere")
        self.fails(*sound, "--checkpoint", "4711", says="4711")
        self.fails(*sound, "--start-frame", "100000", says=["start-frame", "100000"])
        self.fails(*sound, "--features", "absent.npy", says="absent.npy")
        self.fails("--audio", self.sound, "-o", "nowhere/out.mp4", says="nowhere")
        self.fails(*sound, "--mode", "clips", "--root", self.root_without_clips(),
                   says=["core_clips: no clips", "preprocess-clips"])
        self.fails(*sound, "--mode", "video", says="--video FILE", code=2)
        self.fails(*sound, "--video", "take.mp4", says=["take.mp4", "--mode video"], code=2)
        self.fails(*sound, "--mode", "video", "--video", "take.mp4", "--start-frame", "2",
                   says=["--start-frame 2", "first frame"], code=2)
        self.fails(*sound, "--mode", "video", "--video", "take.mp4", "--face", "middle",
                   says=["middle", "largest"], code=2)
        for name, data in (("empty.wav", b""), ("noise.wav", bytes(range(251)) * 40),
                           ("cut.wav", self.sound.read_bytes()[:44])):
            (self.dir / name).write_bytes(data)
            self.fails("--audio", name, "-o", "out.mp4", says=name)

    def test_settings_of_the_project_are_obeyed(self):
        """Guards a synctalk.json that is read and then forgotten."""
        config = self.demo / "synctalk.json"
        config.write_text('{"start-frame": 100000}')
        self.addCleanup(config.unlink)
        self.fails("--audio", self.sound, "-o", "out.mp4", says="100000")
        self.generate("--audio", self.sound, "-o", "out.mp4", "--start-frame", "0")

    def test_features(self):
        done = self.run_command("features", self.sound, "--root", self.demo, "-o", "f.npy")
        if done.returncode and "model" in done.stderr:
            self.skipTest("the demo person comes without an audio encoder")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"^f\.npy: \d+ vectors\n$")
        self.assertEqual((self.dir / "f.npy").read_bytes()[:6], b"\x93NUMPY")
        self.generate("--audio", self.sound, "--features", "f.npy", "-o", "out.mp4")
        self.refused(1, "features", self.sound, "--root", self.demo, "-o", "f.npy", says="f.npy")


class Progress(harness.DemoCase):
    def setUp(self):
        super().setUp()
        harness.write_wav(self.dir / "a.wav", SECONDS)

    def run_generate(self, *options):
        done = self.run_command("generate", *self.person, "--audio", "a.wav", "-y", *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def test_json_lines(self):
        done = self.run_generate("--progress", "json")
        events = [json.loads(line) for line in done.stderr.splitlines()]
        stages = [e for e in events if e["event"] == "progress"]
        frames = [e for e in stages if e["stage"] == "frames"]
        self.assertEqual((frames[-1]["done"], frames[-1]["total"]), (15, 15))
        self.assertEqual(sorted(e["done"] for e in frames), [e["done"] for e in frames])
        for event in stages:
            self.assertEqual(set(event), {"event", "stage", "done", "total", "seconds", "fps",
                                          "realtime", "eta"})
        self.assertEqual([e["output"] for e in events if e["event"] == "item"],
                         [f"{self.name}-a.mp4"])

    def test_stats_for_people(self):
        text = self.run_generate("--stats").stderr
        for words in ("ms/frame", "network", "wait for room", "x real time", "cores busy"):
            self.assertIn(words, text)
        self.assertRegex(text, r"bottleneck: (reader|worker|writer), busy for \d+ %")
        self.assertNotIn("bottleneck", self.run_generate().stderr)

    def test_stats_for_programs(self):
        done = self.run_generate("--stats", "--progress", "json", "--threads", "2")
        events = [json.loads(line) for line in done.stderr.splitlines()]
        stats = [e for e in events if e["event"] == "stats"]
        self.assertEqual([e["frames"] for e in stats], [15])
        stages = {(e["thread"], e["stage"]): e for e in stats[0]["stages"]}
        for key in [("worker", "crop"), ("worker", "paste"), ("reader", "read"),
                    ("reader", "decode")]:
            self.assertEqual(stages[key]["times"], 15)
        self.assertEqual(stages["worker", "crop"]["threads"], 2)
        self.assertTrue(stages["worker", "wait for work"]["waits"])
        self.assertIsNone(stages["encoder", "encode"]["seconds"])
        self.assertGreater(stats[0]["first_frame"], 0)
        self.assertGreater(stats[0]["wall_seconds"], stats[0]["first_frame"])

    def test_json_failure(self):
        done = self.run_command("generate", *self.person, "--audio", "absent.wav", "--progress",
                                "json")
        self.assertEqual(done.returncode, 1)
        events = [json.loads(line) for line in done.stderr.splitlines()]
        self.assertEqual(events[-1]["event"], "error")
        self.assertIn("absent.wav", events[-1]["message"])

    def test_quiet(self):
        self.assertEqual(self.run_generate("--quiet").stderr, "")

    def test_none_keeps_the_log(self):
        self.assertNotIn("\r", self.run_generate("--progress", "none").stderr)

    def test_off_a_terminal_no_line_moves(self):
        self.assertNotIn("\r", self.run_generate().stderr)

    def test_on_a_terminal_one_line_moves_and_goes(self):
        try:
            ours, theirs = pty.openpty()
        except OSError as error:
            self.skipTest(f"no terminal to be had here: {error}")
        process = subprocess.Popen(
            [harness.SYNCTALK, "generate", *map(str, self.person), "--audio", "a.wav"],
            cwd=self.dir, stdout=subprocess.DEVNULL, stderr=theirs,
            env=harness.clean_environment(TERM="xterm"))
        os.close(theirs)
        seen = b""
        try:
            while piece := os.read(ours, 65536):
                seen += piece
        except OSError:
            pass  # how Linux says that the other end is closed
        os.close(ours)
        self.assertEqual(process.wait(), 0, seen)
        self.assertIn(b"\rframes", seen)
        self.assertIn(b"15/15", seen)
        self.assertTrue(seen.endswith(b"\r\x1b[K"), seen[-80:])


class Interruption(harness.DemoCase):
    def interrupt(self, number, times=1):
        """Ended in the middle of the frames: exit code 130, nothing left."""
        process = subprocess.Popen(
            [harness.SYNCTALK, "generate", *map(str, self.person), "--audio", "long.wav", "-o",
             "out.mp4", "--progress", "json"],
            cwd=self.dir, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=harness.clean_environment())
        for line in process.stderr:
            event = json.loads(line)
            if event.get("stage") == "frames" and event["done"] > 3:
                break
        for _ in range(times):
            process.send_signal(number)
            time.sleep(0.01)
        output, errors = process.communicate(timeout=harness.LIMIT)
        self.assertEqual((process.returncode, output), (130, ""))
        self.assertIn("interrupted", json.loads(errors.splitlines()[-1])["message"])
        self.assertEqual(self.files(), ["long.wav"])

    def setUp(self):
        super().setUp()
        harness.write_wav(self.dir / "long.wav", 300)

    def test_control_c(self):
        self.interrupt(signal.SIGINT)

    def test_termination(self):
        self.interrupt(signal.SIGTERM)

    def test_twice(self):
        self.interrupt(signal.SIGINT, times=2)

    def interrupt_batch(self, *sounds):
        """As soon as frames are made."""
        process = subprocess.Popen(
            [harness.SYNCTALK, "generate", *map(str, self.person),
             *(word for sound in sounds for word in ("--audio", sound)),
             "-o", "made", "--progress", "json"],
            cwd=self.dir, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=harness.clean_environment())
        for line in process.stderr:
            if json.loads(line).get("stage") == "frames":
                break
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=harness.LIMIT)
        self.assertEqual(process.returncode, 130)

    def test_a_batch_stops_while_two_are_in_work(self):
        """Guards the next video, which is in work on a thread of its own and waits for its turn."""
        harness.write_wav(self.dir / "brief.wav", 1.9)
        self.interrupt_batch("brief.wav", "long.wav")
        self.assertEqual([name for name in self.files() if name != "made/brief.mp4"],
                         ["brief.wav", "long.wav"])

    def test_a_batch_stops_as_a_whole(self):
        harness.write_wav(self.dir / "next.wav", 300)
        self.interrupt_batch("long.wav", "next.wav")
        self.assertEqual(self.files(), ["long.wav", "next.wav"])


if __name__ == "__main__":
    harness.main()
