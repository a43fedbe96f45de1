#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""inspect and convert, on files that the test writes."""
import json
import struct

import harness

TENSORS = {
    "layer.weight": ([2, 3], [1.0, -2.5, 3.0, 0.0, 5.5, 65504.0]),
    "layer.bias": ([2], [0.25, -0.125]),
}


def read_safetensors(path):
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    return json.loads(data[8:8 + size]), data[8 + size:]


class Weights(harness.Case):
    def setUp(self):
        super().setUp()
        self.file = self.dir / "in.safetensors"
        harness.write_safetensors(self.file, TENSORS, {"made.by": "a test"})

    def inspect(self, name, *options):
        return json.loads(self.good("inspect", name, "--json", *options))

    def test_table(self):
        text = self.good("inspect", self.file)
        self.assertRegex(text, r"layer\.weight +f32 +\[2, 3\] +24\n")
        self.assertIn("2 tensors, 8 elements, 32 B", text)
        self.assertIn("made.by = a test", text)

    def test_ranges(self):
        first = {t["name"]: t for t in self.inspect(self.file, "--ranges")["tensors"]}
        weight = first["layer.weight"]
        self.assertEqual((weight["least"], weight["greatest"]), (-2.5, 65504.0))
        self.assertRegex(self.good("inspect", "--ranges", self.file),
                         r"layer\.bias .* -0\.125 +0\.25 +0\.0625\n")

    def test_json(self):
        found = self.inspect(self.file)
        self.assertEqual(found["metadata"], {"made.by": "a test"})
        self.assertEqual(sorted((t["name"], t["dtype"], t["shape"], t["bytes"])
                                for t in found["tensors"]),
                         [("layer.bias", "f32", [2], 8), ("layer.weight", "f32", [2, 3], 24)])

    def test_there_and_back(self):
        self.good("convert", self.file, "a.pth")
        self.good("convert", "a.pth", "b.safetensors", "--encoder", "hubert")
        header, body = read_safetensors(self.dir / "b.safetensors")
        for name, (shape, values) in TENSORS.items():
            begin, end = header[name]["data_offsets"]
            self.assertEqual(header[name]["shape"], shape)
            self.assertEqual(list(struct.unpack(f"<{len(values)}f", body[begin:end])), values)
        self.assertEqual(header["__metadata__"]["synctalk.encoder"], "hubert")

    def test_half_precision(self):
        self.good("convert", self.file, "half.safetensors", "--to", "safetensors-f16")
        header, body = read_safetensors(self.dir / "half.safetensors")
        begin, end = header["layer.weight"]["data_offsets"]
        self.assertEqual(header["layer.weight"]["dtype"], "F16")
        self.assertEqual(list(struct.unpack("<6e", body[begin:end])), TENSORS["layer.weight"][1])

    def test_nothing_is_replaced_unasked(self):
        (self.dir / "a.pth").write_text("mine")
        self.refused(1, "convert", self.file, "a.pth", says="a.pth")
        self.assertEqual((self.dir / "a.pth").read_text(), "mine")
        self.good("convert", self.file, "a.pth", "-y")
        self.assertEqual(len(self.inspect("a.pth")["tensors"]), 2)

    def test_names_that_steer_a_terminal(self):
        harness.write_safetensors(self.file, {"a\x1b[2Jb": ([1], [1.0])})
        done = self.run_command("inspect", self.file)
        self.assertNotIn("\x1b", done.stdout + done.stderr)

    def test_damaged_files(self):
        whole = self.file.read_bytes()
        for name, data in [("empty", b""), ("short", whole[:5]), ("cut", whole[:-4]),
                           ("huge", struct.pack("<Q", 2**63 - 1) + whole[8:]),
                           ("noise", bytes(range(251)) * 4), ("zip", b"PK\x03\x04" + whole)]:
            (self.dir / name).write_bytes(data)
            with self.subTest(name):
                self.refused(1, "inspect", name, says=name)
                self.refused(1, "convert", name, "out.pth", says=name)
        self.refused(1, "inspect", ".", says=".")
        self.assertFalse((self.dir / "out.pth").exists())

    def test_output_that_cannot_be(self):
        self.refused(1, "convert", self.file, "nowhere/out.pth", says="nowhere")
        self.refused(1, "convert", self.file, ".", "--to", "pth", "-y", says=".")


if __name__ == "__main__":
    harness.main()
