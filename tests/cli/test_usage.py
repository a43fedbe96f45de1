#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Exit codes and sentences of a command line that is wrong."""
import os

import harness


class Usage(harness.Case):
    def test_nothing_prints_help_as_an_error(self):
        done = self.run_command()
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("generate", done.stderr)

    def test_version(self):
        self.assertRegex(self.good("--version"), r"^synctalk \d+\.\d+\.\d+\n$")

    def test_commands(self):
        self.refused(2, "genrate", says=["genrate", "did you mean generate"])
        self.refused(2, "zzz", says=["zzz", "--help"])
        self.refused(2, "--quiet", "generate", says="--quiet")
        self.refused(2, "help", "nonsense", says="nonsense")

    def test_options(self):
        self.refused(2, "generate", "--adio", "x", says=["--adio", "did you mean --audio"])
        self.refused(2, "generate", "--cfr", "9", says="did you mean --crf")
        self.refused(2, "generate", "--xyzzy", says=["--xyzzy", "--help"])
        self.refused(2, "generate", "-Z", says="-Z")
        self.refused(2, "features", "a.wav", "--loop-back",
                     says="--loop-back is not an option of this command")

    def test_values(self):
        self.refused(2, "generate", "--crf", "99", says=["--crf", '"99"', "0 to 51"])
        self.refused(2, "generate", "--crf=", says=["--crf", "0 to 51"])
        self.refused(2, "generate", "--crf", says="--crf needs a value")
        self.refused(2, "generate", "--model", "--audio", "x", says="--model needs a value")
        self.refused(2, "generate", "--preset", "fats", says=['"fats"', "low_memory"])
        self.refused(2, "generate", "--no-loop-back=1", says="takes no value")
        self.refused(2, "generate", "--json=1", says="--json takes no value")
        self.refused(2, "generate", "--progress", "xml", says=['"xml"', "auto, json, none"])
        self.refused(2, "generate", "--audio=", says="--audio")
        self.refused(2, "doctor", "--seconds", "0", says=["--seconds", "1 to 600"])
        self.refused(2, "doctor", "--seconds", "1e3", says=["--seconds", "1e3"])
        self.refused(2, "convert", "a", "b.pth", "--to", "gguf", says=["gguf", "safetensors-f16"])

    def test_what_is_needed(self):
        self.refused(2, "generate", "--audio", "x.wav", says="--model")
        self.refused(2, "generate", "--model", "x", says="--audio")
        self.refused(2, "generate", "x.wav", says=['"x.wav"', "usage"])
        self.refused(2, "features", says="usage: synctalk features AUDIO")
        self.refused(2, "features", "x.wav", says="-o OUT.npy")
        self.refused(2, "inspect", says="FILE")
        self.refused(2, "inspect", "a", "b", says='"b"')
        self.refused(2, "convert", "a", says="IN OUT")
        self.refused(2, "convert", "a", "b.bin", says=["b.bin", "--to"])

    def test_what_follows_two_dashes_is_a_name(self):
        self.refused(1, "inspect", "--", "--help", says="--help")

    def test_missing_files(self):
        self.refused(1, "inspect", "absent.pth", says="absent.pth")
        self.refused(1, "convert", "absent.pth", "out.safetensors", says="absent.pth")
        self.assertEqual(self.files(), [])

    def test_a_hostile_name_does_not_reach_the_terminal(self):
        text = self.refused(1, "inspect", "\x1b[31mred\x07")
        self.assertNotIn("\x1b", text)
        self.assertNotIn("\x07", text)

    def test_a_full_disk_under_stdout_fails(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full here")
        import subprocess
        with open("/dev/full", "w") as full:
            done = subprocess.run([harness.SYNCTALK, "help"], stdout=full,
                                  stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("standard output", done.stderr)


if __name__ == "__main__":
    harness.main()
