#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""doctor: facts, masks, the benchmark's form (never its numbers), interruption."""
import json
import signal
import subprocess
import time

import harness


class Doctor(harness.Case):
    def facts(self, *options):
        return json.loads(self.good("doctor", "--no-benchmark", "--json", *options))["facts"]

    def test_facts(self):
        facts = self.facts()
        for name in ("cores for this process", "instruction sets", "memory", "oneDNN",
                     "libavcodec", "H.264 encoder", "kernel upsample2x",
                     "kernel train_depthwise_backward"):
            self.assertTrue(facts.get(name), name)
        text = self.good("doctor", "--no-benchmark")
        for name, value in facts.items():
            if name != "memory available":
                self.assertRegex(text, rf"(?m)^{name} +\S")

    def test_the_mask_reaches_the_kernels(self):
        facts = self.facts("--cpu-mask", "0")
        kernels = {value for name, value in facts.items() if name.startswith("kernel ")}
        self.assertEqual(kernels, {"ref"})

    def test_benchmark(self):
        shown = json.loads(self.good("doctor", "--seconds", "1", "--threads", "1", "--json"))
        self.assertGreaterEqual(len(shown["benchmark"]), 3)
        networks = {name for name in shown["benchmark"] if name.startswith("UNet")}
        sets = self.facts()["instruction sets"]
        self.assertEqual(any("bf16" in name for name in networks), "BF16" in sets)
        self.assertEqual(any("int8" in name for name in networks), "AVX2" in sets)
        self.assertTrue(any("f32" in name for name in networks))
        for value in shown["benchmark"].values():
            self.assertRegex(value, r"^[0-9.]+ ms a frame, [0-9.]+ x real time on 1 thread$")

    def test_only_precisions_that_the_mask_leaves_are_timed(self):
        """Guards a benchmark of f32 alone, or of what this CPU cannot do."""
        shown = json.loads(self.good("doctor", "--seconds", "1", "--threads", "1", "--json",
                                     "--cpu-mask", "1"))
        networks = [name for name in shown["benchmark"] if name.startswith("UNet")]
        self.assertEqual([name.split(",")[1].strip() for name in networks],
                         ["f32", "mixed", "int8"] if "AVX2" in self.facts()["instruction sets"]
                         else ["f32"])

    def test_interruption(self):
        process = subprocess.Popen([harness.SYNCTALK, "doctor", "--seconds", "600"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env=harness.clean_environment())
        while not process.stdout.readline().startswith("libjpeg"):
            pass
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130)
        self.assertIn("interrupted", errors)


if __name__ == "__main__":
    harness.main()
