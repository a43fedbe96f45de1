#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Help, man page and docs/OPTIONS.md say the same, as they are printed from one table."""
import re
import shutil
import subprocess

import harness

COMMANDS = ["generate", "preprocess", "preprocess-clips", "features", "vad", "train", "inspect",
            "convert", "models", "serve", "doctor", "help"]
SETTINGS = """root models model checkpoint features detector landmarks mean-face onnxruntime
analysis-cache mode video encoder start-frame loop-back at-end parsing max-seconds face no-face face-threshold
detect-every smooth-landmarks preset precision frames-per-core max-lines x264-preset crf blend feather colour-match
threads cpu-mask encoder-threads audio-kbps overwrite""".split()


def words(text):
    return " ".join(text.split())


def section(markdown, command):
    return markdown.split(f"\n## synctalk {command}\n")[1].split("\n## ")[0]


def rows(markdown):
    """(usage, help, values, default) of every option in a piece of Markdown."""
    return re.findall(r"^\| `([^`]+)` \| (.*) \| (.*) \| (.*) \|$", markdown, flags=re.M)


class Help(harness.Case):
    def test_program_help_names_every_command(self):
        text = self.good("--help")
        for command in COMMANDS:
            self.assertRegex(text, rf"(?m)^  {command}( |$)")
        self.assertEqual(text, self.good("help"))
        self.assertEqual(text, self.good("-h"))

    def test_generate_takes_every_setting(self):
        names = [re.sub(r"^\[no-\]", "", re.search(r"--(\S+)", usage).group(1))
                 for usage, *_ in rows(section(self.good("help", "--markdown"), "generate"))]
        for name in SETTINGS + ["audio", "output", "json", "progress", "quiet", "help"]:
            self.assertIn(name, names)
        self.assertEqual(len(names), len(set(names)))

    def test_command_help_holds_every_row(self):
        markdown = self.good("help", "--markdown")
        for command in COMMANDS:
            text = self.good(command, "--help")
            self.assertEqual(text, self.good("help", command))
            found = rows(section(markdown, command))
            self.assertTrue(found)
            for usage, meaning, values, default in found:
                for part in (usage, meaning, values, default):
                    self.assertIn(words(part), words(text), f"{command}: {usage}")

    def test_man_page_holds_every_row(self):
        man = self.good("help", "--man").replace("\\-", "-").replace("\\&", "").replace("\\e", "\\")
        for usage, meaning, *_ in rows(self.good("help", "--markdown")):
            self.assertIn(f".B {usage}\n{meaning}", man)

    def test_man_page_has_no_fault(self):
        groff = shutil.which("groff")
        if not groff:
            self.skipTest("no groff here")
        done = subprocess.run([groff, "-man", "-ww", "-Tutf8", "-z"], capture_output=True,
                              text=True, input=self.good("help", "--man"))
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_lines_fit_a_terminal(self):
        for command in COMMANDS:
            for line in self.good(command, "--help").splitlines():
                self.assertLessEqual(len(line), 80, line)

    def test_the_file_in_docs_is_current(self):
        """Guards docs/OPTIONS.md that was not printed anew: synctalk help --markdown."""
        stored = (harness.SOURCE / "docs" / "OPTIONS.md").read_text()
        self.assertEqual(stored, self.good("help", "--markdown"))

    def test_help_wins_over_what_is_missing(self):
        for command in ("features", "inspect", "convert"):
            self.assertIn("Options", self.good(command, "-h"))

    def test_one_form_at_a_time(self):
        self.refused(2, "help", "--man", "generate", says="generate")


if __name__ == "__main__":
    harness.main()
