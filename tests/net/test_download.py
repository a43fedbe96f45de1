#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Downloads against a server on the loopback: whole files of known content or nothing.

ST_TEST_FETCH is the program that makes one download.
"""
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

try:
    import https_server
    LACKS = https_server.missing()
except ImportError as fault:
    https_server, LACKS = None, f"this python3 has no TLS: {fault}"

FETCH = os.environ["ST_TEST_FETCH"]
OK, ARG, IO, FORMAT, EXISTS, CANCELLED = 0, -1, -3, -5, -7, -9
DATA = bytes((i * 31 + i // 251) & 255 for i in range(300000))
OTHER = bytes(reversed(DATA))


def digest(data):
    return hashlib.sha256(data).hexdigest()


@unittest.skipIf(LACKS, LACKS)
class Download(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.certificates = pathlib.Path(tempfile.mkdtemp(prefix="synctalk-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.certificates, ignore_errors=True)
        cls.ca = https_server.make_certificates(cls.certificates)
        cls.server = https_server.Server(cls.certificates, {"a": DATA})
        cls.addClassCleanup(cls.server.stop)

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="synctalk-test-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.target = self.dir / "a.bin"
        self.part = self.dir / "a.bin.part"
        self.server.asked.clear()

    def fetch(self, kind="file", name="a", sha=None, size=len(DATA), most=1 << 20, ca=None,
              cancel_at=None, address=None, env=None):
        done = subprocess.run(
            [FETCH, address or self.server.address(kind, name), self.target, sha or digest(DATA),
             str(size), str(most), ca or self.ca,
             *([] if cancel_at is None else [str(cancel_at)])],
            capture_output=True, text=True, timeout=60, check=True,
            env={"PATH": os.environ["PATH"], **(env or {})})
        numbers, _, sentence = done.stdout.partition("\n")
        status, seen = map(int, numbers.split())
        return status, sentence, seen

    def assert_done(self, result):
        self.assertEqual(result[0], OK, result[1])
        self.assertEqual(self.target.read_bytes(), DATA)
        self.assertEqual([p.name for p in self.dir.iterdir()], ["a.bin"])

    def assert_refused(self, result, status, *words, left=()):
        self.assertEqual(result[0], status, result[1])
        for word in words:
            self.assertIn(word, result[1])
        self.assertEqual(sorted(p.name for p in self.dir.iterdir()), sorted(left))

    def test_whole(self):
        self.assert_done(self.fetch())
        self.assertEqual(self.server.asked, [("file", "a", None)])

    def test_size_not_known(self):
        self.assert_done(self.fetch(size=0))

    def test_redirect(self):
        self.assert_done(self.fetch("moved"))

    def test_goes_on(self):
        """A part must be gone on with by a range, not asked for again."""
        self.part.write_bytes(DATA[:123456])
        self.assert_done(self.fetch())
        self.assertEqual(self.server.asked, [("file", "a", "bytes=123456-")])

    def test_complete_part(self):
        self.part.write_bytes(DATA)
        self.assert_done(self.fetch())
        self.assertEqual(self.server.asked, [])

    def test_complete_part_of_unknown_size(self):
        self.part.write_bytes(DATA)
        self.assert_done(self.fetch(size=0))

    def test_part_of_another_file(self):
        """The second half of one file behind the first half of another was once a whole."""
        self.part.write_bytes(OTHER[:100000])
        self.assert_done(self.fetch())
        self.assertEqual([a[2] for a in self.server.asked], ["bytes=100000-", None])

    def test_part_too_long(self):
        self.part.write_bytes(DATA + b"more")
        self.assert_done(self.fetch())

    def test_server_without_ranges(self):
        self.part.write_bytes(DATA[:1000])
        self.assert_done(self.fetch("whole"))

    def test_connection_lost(self):
        result = self.fetch("drop")
        self.assert_refused(result, IO, "goes on", left=["a.bin.part"])
        self.assertEqual(self.part.read_bytes(), DATA[:len(DATA) // 2])
        self.assert_done(self.fetch())
        self.assertEqual(self.server.asked[-1][2], f"bytes={len(DATA) // 2}-")

    def test_cancelled(self):
        """A server that says nothing more must not hold up Ctrl-C."""
        result = self.fetch("hang", cancel_at=len(DATA) // 2)
        self.assert_refused(result, CANCELLED, "goes on", left=["a.bin.part"])
        self.assert_done(self.fetch())

    def test_wrong_content(self):
        self.assert_refused(self.fetch(sha=digest(OTHER)), FORMAT, digest(DATA), digest(OTHER))

    def test_wrong_size(self):
        result = self.fetch(size=len(DATA) + 5, sha=digest(OTHER))
        self.assert_refused(result, FORMAT, f"{len(DATA)} bytes", str(len(DATA) + 5))
        self.assert_refused(self.fetch(size=len(DATA) - 5), FORMAT, "longer")

    def test_too_long(self):
        self.assert_refused(self.fetch(size=0, most=1000), FORMAT, "longer", "1000")
        self.assert_refused(self.fetch("endless", size=0), FORMAT, "longer")

    def test_absent(self):
        self.assert_refused(self.fetch(name="b"), IO, "404")

    def test_https_only(self):
        for address in ("http://localhost:1/a", "file:///etc/hostname", "ftp://localhost/a", "a"):
            self.assert_refused(self.fetch(address=address), ARG, "https://")
        for kind in ("to-http", "to-file"):
            self.assert_refused(self.fetch(kind), ARG, "https://")

    def test_unknown_authority(self):
        self.assert_refused(self.fetch(ca="-"), IO, "certificate")
        self.assertEqual(self.server.asked, [])

    def test_wrong_host(self):
        address = self.server.address("file", "a").replace("localhost", "localhost.localdomain")
        self.assertEqual(self.fetch(address=address)[0], IO)
        self.assertEqual(self.server.asked, [])

    def test_environment_is_not_read(self):
        proxy = {"https_proxy": "http://127.0.0.1:9", "ALL_PROXY": "http://127.0.0.1:9"}
        self.assert_done(self.fetch(env=proxy))

    def test_there_already(self):
        self.target.write_bytes(b"mine")
        self.assert_refused(self.fetch(), EXISTS, "there already", left=["a.bin"])
        self.assertEqual(self.target.read_bytes(), b"mine")


if __name__ == "__main__":
    if LACKS:
        print(f"skipped: {LACKS}", file=sys.stderr)
        sys.exit(77)
    unittest.main()
