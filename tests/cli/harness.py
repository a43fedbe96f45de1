# SPDX-License-Identifier: Apache-2.0
"""What the tests of the command share: running it, a scratch folder, the demo person.

ST_TEST_SYNCTALK is the program, ST_TEST_DEMO the tool that films the demo person (may be
absent), ST_TEST_SOURCE the source tree.
"""
import atexit
import functools
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import wave

SYNCTALK = os.environ["ST_TEST_SYNCTALK"]
SOURCE = pathlib.Path(os.environ["ST_TEST_SOURCE"])
DEMO_TOOL = os.environ.get("ST_TEST_DEMO", "")
LIMIT = 300  # seconds; only a hang is longer


@functools.lru_cache
def is_sanitized():
    """A program that was built with a sanitizer of addresses or of threads."""
    program = pathlib.Path(SYNCTALK).read_bytes()
    return b"__asan_init" in program or b"__tsan_init" in program


def clean_environment(**extra):
    env = {k: v for k, v in os.environ.items() if not k.startswith("SYNCTALK_")}
    env.update({k: str(v) for k, v in extra.items()})
    return env


class Case(unittest.TestCase):
    """A scratch folder `self.dir`, in which commands run."""

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="synctalk-test-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def run_command(self, *arguments, env=None, **options):
        env = dict(env or {})
        if arguments[:1] == ("generate",) and "--show-settings" not in arguments:
            env.setdefault("SYNCTALK_PRECISION", "f32")  # nothing is found out first
        return subprocess.run([SYNCTALK, *map(str, arguments)], cwd=self.dir, timeout=LIMIT,
                              capture_output=True, text=True, errors="replace",
                              env=clean_environment(**env), **options)

    def good(self, *arguments, **options):
        done = self.run_command(*arguments, **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def refused(self, code, *arguments, says=(), **options):
        """The call ends with `code`, an empty stdout and one sentence that holds `says`."""
        done = self.run_command(*arguments, **options)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(done.stdout, "")
        lines = done.stderr.strip().splitlines()
        self.assertTrue(lines and lines[-1].startswith("synctalk"), done.stderr)
        for words in [says] if isinstance(says, str) else says:
            self.assertIn(words, lines[-1])
        return done.stderr

    def files(self):
        return sorted(str(p.relative_to(self.dir)) for p in self.dir.rglob("*") if p.is_file())


@functools.lru_cache
def draw_demo():
    """The demo person's project folder, filmed once and gone when the test ends."""
    root = pathlib.Path(tempfile.mkdtemp(prefix="synctalk-demo-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    subprocess.run([DEMO_TOOL, str(root)], check=True, timeout=LIMIT, stdout=subprocess.DEVNULL)
    return root


class DemoCase(Case):
    """With the demo person's project below self.demo."""

    name = "demo"

    @classmethod
    def setUpClass(cls):
        if not DEMO_TOOL:
            raise unittest.SkipTest("the tool that films the demo person is not built")
        cls.demo = draw_demo()
        cls.person = ["--root", cls.demo, "--model", cls.name]


    def bring_face_networks(self):
        """Links the networks that find faces, which do not ship, into the demo's model/; False,
        said aloud, where they are absent."""
        models = pathlib.Path(os.environ.get("ST_TEST_SHARED", "absent")) / "models"
        for name in ("scrfd_2.5g_kps.onnx", "landmarks_106.onnx"):
            link = self.demo / "model" / name
            if not link.exists() and (models / name).exists():
                link.symlink_to(models / name)
            if not link.exists():
                print(f"skipped: --mode video, since {models / name} is absent", file=sys.stderr)
                return False
        return True


def write_wav(path, seconds, hz=16000, loud=True):
    """A tone that swells, second after second, so that it is not silence."""
    parts = 1 if loud else 1000
    second = struct.pack(f"<{hz}h", *((i * 37 % 200 - 100) * (i % 97) // parts for i in range(hz)))
    whole = second * (int(seconds) + 1)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(hz)
        file.writeframes(whole[:2 * int(seconds * hz)])


def write_safetensors(path, tensors, metadata=None):
    """tensors: {name: (shape, [floats])}, stored as F32."""
    header, body = ({"__metadata__": metadata} if metadata else {}), b""
    for name, (shape, values) in tensors.items():
        data = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": shape,
                        "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    pathlib.Path(path).write_bytes(struct.pack("<Q", len(text)) + text + body)


def main():
    """Meson takes exit code 77 for a test that was skipped as a whole."""
    result = unittest.main(exit=False, verbosity=2).result
    if result.wasSuccessful() and result.testsRun == 0 and result.skipped:
        sys.exit(77)
    sys.exit(0 if result.wasSuccessful() else 1)
