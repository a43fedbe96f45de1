#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the presets promise of memory, on a real person in 1280x720: low_memory stays below 400 MB
and keeps nothing; another preset grows by no more than its cache."""
import json
import os
import pathlib
import unittest

import harness

SHARED = pathlib.Path(os.environ.get("ST_TEST_SHARED", ""))
PERSON = "sanders"
SECONDS = 4


@unittest.skipUnless((SHARED / "dataset" / PERSON).is_dir(), f"SKIPPED: no {SHARED}/dataset")
class PeakMemory(harness.Case):
    def peak_mb(self, *options):
        """Peak of one call in MB, and what its cache held."""
        harness.write_wav(self.dir / "a.wav", SECONDS)
        features = SHARED / "dataset" / PERSON / "aud_ave.npy"
        with open(self.dir / "log", "wb") as log:
            child = os.posix_spawn(
                harness.SYNCTALK,
                [harness.SYNCTALK, "generate", "--root", str(SHARED), "--model", PERSON,
                 "--audio", str(self.dir / "a.wav"), "--features", str(features), "--loop-back",
                 "-o", str(self.dir / "out.mp4"), "-y", "--stats", "--progress", "json",
                 *options],
                harness.clean_environment(),
                file_actions=[(os.POSIX_SPAWN_DUP2, log.fileno(), 2)])
            _, status, usage = os.wait4(child, 0)
        text = (self.dir / "log").read_text()
        self.assertEqual(status, 0, text)
        stats = [e for e in map(json.loads, text.splitlines()) if e["event"] == "stats"][0]
        return usage.ru_maxrss * 1024 / 1e6, stats["cache_bytes"] / 1e6

    def test_low_memory(self):
        peak, cached = self.peak_mb("--preset", "low_memory")
        print(f"low_memory: {peak:.0f} MB")
        self.assertLess(peak, 400)
        self.assertEqual(cached, 0)

    def test_the_cache_is_all_that_grows(self):
        without, nothing = self.peak_mb("--cache-mb", "0")
        within, cached = self.peak_mb("--cache-mb", "100")
        print(f"no cache: {without:.0f} MB, {cached:.0f} MB of cache: {within:.0f} MB")
        self.assertEqual(nothing, 0)
        self.assertGreater(cached, 50)
        self.assertLessEqual(cached, 100)
        self.assertLess(within, without + 100 + 40)


if __name__ == "__main__":
    harness.main()
