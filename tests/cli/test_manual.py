#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every command of the README and the manual runs as it is written.

Blocks that begin with ```sh are run, in order, by one shell for each page, in a folder
that looks like the source tree after `make demo`. Blocks of `make` and `git` are not.
"""
import re
import subprocess
import sys

import harness

PAGES = ["README.md", "docs/MANUAL.md"]


def blocks(page):
    text = (harness.SOURCE / page).read_text()
    found = re.findall(r"^```sh\n(.*?)^```$", text, flags=re.M | re.S)
    return [b for b in found if not re.match(r"(make|git|sudo)\b", b)]


class Manual(harness.DemoCase):
    def setUp(self):
        super().setUp()
        (self.dir / "build").mkdir()
        (self.dir / "build" / "synctalk").symlink_to(harness.SYNCTALK)
        (self.dir / "build" / "demo-root").symlink_to(self.demo)
        harness.write_wav(self.demo / "demo.wav", 0.4)  # a page makes a dozen videos

    def run_blocks(self, commands):
        return subprocess.run(["sh", "-c", "set -eu\n" + "".join(commands)], cwd=self.dir,
                              capture_output=True, text=True, timeout=harness.LIMIT,
                              env=harness.clean_environment(XDG_CACHE_HOME=self.dir / "cache"))

    def run_page(self, page):
        """Commands that look for faces come last, as they need what does not ship."""
        looks = re.compile(r"--mode video| preprocess(-clips)? (?!.*--verify)")
        videos = [b for b in blocks(page) if looks.search(b)]
        done = self.run_blocks([b for b in blocks(page) if b not in videos])
        self.assertEqual(done.returncode, 0, f"{page}: {done.stderr[-2000:]}")
        if not videos or not self.bring_face_networks():
            return
        done = self.run_blocks(videos)
        if done.returncode and "make setup-onnx" in done.stderr:
            print("skipped: --mode video, since ONNX Runtime is absent", file=sys.stderr)
            return
        self.assertEqual(done.returncode, 0, f"{page}: {done.stderr[-2000:]}")

    def test_readme(self):
        self.run_page("README.md")

    def test_manual(self):
        self.run_page("docs/MANUAL.md")


class Text(harness.Case):
    def test_pages_have_commands(self):
        self.assertGreaterEqual(len(blocks("README.md")), 1)
        self.assertGreaterEqual(len(blocks("docs/MANUAL.md")), 8)

    def test_every_option_is_known(self):
        """Guards a page that names an option which was renamed."""
        known = set(re.findall(r"--(?:\[no-\])?([a-z0-9-]+)", self.good("help", "--markdown")))
        for page in PAGES:
            text = (harness.SOURCE / page).read_text()
            for line in re.findall(r"^(?:build/)?synctalk .*(?:\\\n.*)*", text, flags=re.M):
                for option in re.findall(r"(?<!\S)--([a-z0-9-]+)", line):
                    self.assertTrue({option, re.sub("^no-", "", option)} & known,
                                    f"{page}: {line}")

    def test_links_lead_somewhere(self):
        for page in PAGES + ["CONTRIBUTING.md"]:
            path = harness.SOURCE / page
            for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
                self.assertTrue((path.parent / target).exists(), f"{page}: {target}")


if __name__ == "__main__":
    harness.main()
