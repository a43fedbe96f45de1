#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tools/setup.sh with a pretended dpkg and apt-get: nothing is installed here."""
import os
import subprocess

import harness

SCRIPT = harness.SOURCE / "tools" / "setup.sh"


class Setup(harness.Case):
    def tool(self, name, text):
        path = self.dir / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def setup(self, *names):
        """Run it with a PATH of the pretended tools and the real `names`."""
        for name in ("sh", "env", *names):
            for folder in ("/usr/bin", "/bin"):
                if os.path.exists(f"{folder}/{name}"):
                    (self.dir / "bin" / name).symlink_to(f"{folder}/{name}")
                    break
        return subprocess.run(["/bin/sh", str(SCRIPT)], env={"PATH": str(self.dir / "bin")},
                              capture_output=True, text=True, timeout=60)

    def apt(self):
        self.tool("apt-get", f'echo "$DEBIAN_FRONTEND: $*" >> {self.dir}/calls')

    def calls(self):
        path = self.dir / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def test_nothing_missing_asks_no_network(self):
        self.apt()
        self.tool("id", "echo 0")
        self.tool("dpkg-query", "printf installed")
        done = self.setup()
        self.assertEqual((done.returncode, done.stderr, self.calls()), (0, "", []))

    def test_only_what_is_missing_is_installed(self):
        self.apt()
        self.tool("id", "echo 0")
        self.tool("dpkg-query", 'case "$*" in *meson*) exit 1 ;; *) printf installed ;; esac')
        self.assertEqual(self.setup().returncode, 0)
        update, install = self.calls()
        self.assertEqual(update, "noninteractive: update -q")
        self.assertTrue(install.endswith("--no-install-recommends meson"), install)

    def test_a_removed_package_counts_as_missing(self):
        self.apt()
        self.tool("id", "echo 0")
        self.tool("dpkg-query", "printf config-files")
        self.assertEqual(self.setup().returncode, 0)
        self.assertIn(" libdnnl-dev ", self.calls()[1])

    def test_neither_root_nor_sudo(self):
        self.apt()
        self.tool("id", "echo 1000")
        self.tool("dpkg-query", "exit 1")
        done = self.setup()
        self.assertEqual((done.returncode, self.calls()), (1, []))
        self.assertIn("as root, run: apt-get install", done.stderr)

    def test_sudo_is_used(self):
        self.apt()
        self.tool("id", "echo 1000")
        self.tool("sudo", 'echo sudo >> ' + str(self.dir / "calls") + '; exec "$@"')
        self.tool("dpkg-query", "exit 1")
        self.assertEqual(self.setup().returncode, 0)
        self.assertEqual(self.calls()[0::2], ["sudo", "sudo"])

    def test_another_system_is_told_what_it_needs(self):
        done = self.setup_without_apt()
        self.assertEqual(done.returncode, 0)
        self.assertIn("libdnnl-dev", done.stderr)

    def setup_without_apt(self):
        (self.dir / "bin").mkdir()
        return self.setup()


if __name__ == "__main__":
    harness.main()
