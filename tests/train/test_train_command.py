#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""synctalk train and train-syncnet as a user meets them.

ST_TEST_PROJECT is the tool that makes a tiny project and prints its path.
"""
import json
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import sys
import zlib

sys.path.insert(0, os.path.join(os.environ["ST_TEST_SOURCE"], "tests", "cli"))
import harness  # noqa: E402

QUICK = ["--width", "narrow", "--batch", "2", "--samples-per-epoch", "2"]


def png_size(path):
    data = pathlib.Path(path).read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert zlib.crc32(data[-8:-4]) == struct.unpack(">I", data[-4:])[0]
    return struct.unpack(">II", data[16:24])


def python_with_torch():
    for python in [sys.executable, "/usr/bin/python3"]:
        if not subprocess.run([python, "-c", "import torch"], capture_output=True).returncode:
            return python
    return None


class Train(harness.Case):
    def setUp(self):
        super().setUp()
        made = subprocess.run([os.environ["ST_TEST_PROJECT"]], capture_output=True, text=True,
                              check=True)
        path, = re.findall(r"^project (.*)$", made.stdout, flags=re.M)
        self.root = pathlib.Path(path)
        self.addCleanup(shutil.rmtree, self.root, ignore_errors=True)
        self.person = ["--root", self.root, "--model", "tiny"]
        self.folder = self.root / "checkpoint" / "tiny"

    def precision_of(self, *options):
        done = self.run_command("train", *self.person, *QUICK, "--epochs", 1, "--restart", *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = [json.loads(x) for x in (self.folder / "train.jsonl").read_text().splitlines()]
        return [e for e in lines if e["event"] == "begin"][-1]["settings"]["precision"]

    def test_auto_is_bf16_where_the_processor_has_it(self):
        has = "avx512_bf16" in pathlib.Path("/proc/cpuinfo").read_text()
        self.assertEqual(self.precision_of(), "bf16" if has else "f32")
        # Everything but bf16: without vectors this would take minutes.
        self.assertEqual(self.precision_of("--cpu-mask", 7), "f32")

    def test_what_a_training_leaves(self):
        done = self.run_command("train", *self.person, *QUICK, "--epochs", 2, "--holdout", 0.2,
                                "--progress", "json", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        result = json.loads(done.stdout)
        self.assertEqual((result["epochs"], result["steps"], result["stopped"]), (2, 2, False))
        self.assertTrue(result["checkpoint"].endswith("checkpoint/tiny/1.pth"))
        self.assertGreater(result["best_score"], 0)

        events = [json.loads(line) for line in done.stderr.splitlines()]
        trained = [e for e in events if e["event"] == "progress" and e["stage"] == "train"]
        self.assertEqual((trained[-1]["done"], trained[-1]["total"]), (4, 4))
        self.assertEqual((trained[-1]["epoch"], trained[-1]["epochs"]), (2, 2))
        self.assertGreater(trained[-1]["loss"], 0)

        lines = [json.loads(x) for x in (self.folder / "train.jsonl").read_text().splitlines()]
        self.assertEqual([x["event"] for x in lines], ["begin", "epoch", "epoch"])
        self.assertEqual(lines[0]["settings"]["batch"], 2)
        self.assertEqual([x["checkpoint"] for x in lines[1:]], [0, 1])
        self.assertEqual(set(lines[2]["held_out"]),
                         {"other_mouth", "other", "self_mouth", "self", "l1"})
        self.assertEqual(png_size(self.folder / "loss.png"), (960, 720))
        self.assertEqual(png_size(self.folder / "progress" / "1.png"), (320, 960))

        # The checkpoint speaks.
        self.good("generate", *self.person, "--audio", self.root / "sound.wav", "--features",
                  self.root / "dataset/tiny/aud_ave.npy", "-o", "out.mp4")

    def test_an_interrupted_training_goes_on(self):
        command = [harness.SYNCTALK, "train", *map(str, self.person), *QUICK, "--epochs", "100",
                   "--progress", "json"]
        child = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE,
                                 text=True, env=harness.clean_environment())
        for line in child.stderr:
            event = json.loads(line)
            if event.get("stage") == "train" and event["done"] >= 4:
                break
        child.send_signal(signal.SIGINT)
        rest = child.communicate(timeout=harness.LIMIT)
        self.assertEqual(child.returncode, 130, rest)
        self.assertIn("the same command goes on", rest[1])
        self.assertTrue((self.folder / "train-state.safetensors").exists())
        done = self.run_command("train", *self.person, *QUICK, "--epochs", 3, "--resume")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("going on after epoch", done.stderr)

    def test_settings_come_from_table_file_and_environment(self):
        (self.root / "synctalk.json").write_text(
            '{"lr": 0.002, "epochs": 7, "precision": "f32", "crf": 20, "features": "x.npy"}')
        shown = json.loads(self.good("train", *self.person, "--show-settings", "--json",
                                     "--samples-per-epoch", "all",
                                     env={"SYNCTALK_BATCH": 3, "SYNCTALK_EPOCHS": 9}))
        self.assertEqual(shown["lr"], {"value": "0.002", "source": "synctalk.json"})
        self.assertEqual(shown["epochs"], {"value": "7", "source": "synctalk.json"})
        self.assertEqual(shown["batch"], {"value": "3", "source": "environment"})
        self.assertEqual(shown["samples-per-epoch"], {"value": "all", "source": "option"})
        # Those two mean something else to generate.
        self.assertEqual(shown["features"]["value"], None)
        self.assertEqual(shown["precision"], {"value": "auto", "source": "default"})

    def test_refusals(self):
        self.refused(2, "train", "--root", self.root, says="--model NAME")
        for options, says in [
                (["--lr", "fast"], ["lr", "fast", "1e-09 to 1"]),
                (["--lr", "0x1"], ["lr", "0x1"]),
                (["--lr", "nan"], ["lr", "nan"]),
                (["--holdout", "0.6"], ["holdout", "0 to 0.5"]),
                (["--width", "wide"], ["width", "full, narrow"]),
                (["--epochs", "0"], ["epochs", "1 to 1000000"]),
                (["--samples-per-epoch", "some"], ["some", "all"]),
                (["--crf", "3"], "--crf is not an option of this command"),
                (["--epoch", "3"], "did you mean --epochs")]:
            with self.subTest(options=options):
                self.refused(2, "train", *self.person, *options, says=says)
        self.refused(2, "train-syncnet", *self.person, "--vgg", "x", says="--vgg")
        self.refused(1, "train", "--root", self.root, "--model", "nobody", says="dataset/nobody")
        self.refused(1, "train-syncnet", *self.person, "--batch", 2, says="4 is the least")
        for options in [], ["--quantize"]:
            self.refused(1, "train", *self.person, "--width", "full", *options, "--warm-start",
                         self.root / "random.safetensors",
                         says=["random.safetensors", "narrow width", "--width narrow"])
        self.refused(2, "generate", "--lr", 1, says="--lr")

    def test_what_pytorch_makes_of_it(self):
        """PyTorch's load_state_dict() takes every tensor, strictly."""
        torch = python_with_torch()
        check = pathlib.Path(__file__).with_name("check_torch.py")
        if not torch:
            self.skipTest("python3-torch is not installed")
        self.good("train", *self.person, *QUICK, "--epochs", 1)
        self.good("convert", self.folder / "0.pth", "copy.safetensors")
        self.good("convert", "copy.safetensors", "again.pth")
        for path in [self.folder / "0.pth", self.dir / "again.pth"]:
            done = subprocess.run([torch, check, path], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_onnx(self):
        """The graph is sound and, run node by node, gives what the checkpoint gives."""
        check = pathlib.Path(__file__).with_name("check_onnx.py")
        self.good("convert", self.root / "random.safetensors", "net.onnx")
        self.good("convert", self.root / "random.safetensors", "net.pth")
        subprocess.run([sys.executable, check, "net.onnx"], cwd=self.dir, check=True)
        self.refused(1, "convert", "net.onnx", "x.onnx", says="net.onnx")
        self.refused(1, "convert", self.root / "dataset/tiny/aud_ave.npy", "x.onnx",
                     says="not a SyncTalk UNet")
        torch = python_with_torch()
        if not torch:
            self.skipTest("the graph is sound; python3-torch, to run it, is not installed")
        done = subprocess.run([torch, check, "net.onnx", "net.pth"], cwd=self.dir,
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    harness.main()
