#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write the seeds of fuzz_weights: one tiny file of each form it reads or refuses by name.

Usage: make_weights_corpus.py FOLDER
The same bytes every time. Only Python's standard library is used.
"""
import collections
import io
import json
import pathlib
import pickle
import struct
import sys
import zipfile

FLOATS = struct.pack("<6f", *range(6))


class Storage:
    """Pickled as a persistent id, as torch.save() does."""

    def __init__(self, kind, key, count):
        self.id = ("storage", Global("torch", kind), key, "cpu", count)


class Global:
    """Pickled as the name of something that need not exist here."""

    def __init__(self, module, name):
        self.text = f"c{module}\n{name}\n".encode()


class Call:
    def __init__(self, function, *args):
        self.function, self.args = function, args


class Pickler(pickle._Pickler):
    """Python's own pickler in Python, with three kinds of object more."""

    def persistent_id(self, obj):
        return obj.id if isinstance(obj, Storage) else None

    def save(self, obj, save_persistent_id=True):
        if isinstance(obj, Global):
            self.write(obj.text)
        elif isinstance(obj, Call):
            self.save(obj.function)
            self.save(obj.args)
            self.write(pickle.REDUCE)
        else:
            super().save(obj, save_persistent_id)


def dumps(obj, protocol=2):
    out = io.BytesIO()
    Pickler(out, protocol).dump(obj)
    return out.getvalue()


def tensor(kind, key, count, offset, size, stride):
    return Call(
        Global("torch._utils", "_rebuild_tensor_v2"),
        Storage(kind, key, count), offset, size, stride, False, collections.OrderedDict(),
    )


def archive(members, method=zipfile.ZIP_STORED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        for name, data in members.items():
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type = method
            file.writestr(info, data)
    return out.getvalue()


def checkpoint(obj, method=zipfile.ZIP_STORED, protocol=2):
    members = {"a/data.pkl": dumps(obj, protocol), "a/byteorder": b"little", "a/data/0": FLOATS,
               "a/data/1": struct.pack("<q", 7), "a/extra/note": b"text", "a/version": b"3\n"}
    return archive(members, method)


def npy(version, descr="<f4", fortran=False, shape=(2, 3), data=FLOATS):
    header = repr({"descr": descr, "fortran_order": fortran, "shape": shape}).encode() + b"\n"
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + length + header + data


def safetensors(entries, data):
    header = json.dumps(entries).encode()
    return struct.pack("<Q", len(header)) + header + data


def field(number, data):
    return bytes([number << 3 | 2, len(data)]) + data


def onnx(fields):
    """A model of one tensor and one pair of metadata; all are shorter than 128 bytes."""
    graph = field(7, field(5, field(8, b"w") + fields))
    return b"\x08\x07" + graph + field(14, field(1, b"k") + field(2, b"v"))


def seeds():
    state = collections.OrderedDict()
    state["module.w"] = tensor("FloatStorage", "0", 6, 0, (2, 3), (3, 1))
    state["turned"] = tensor("FloatStorage", "0", 6, 0, (3, 2), (1, 3))
    state["steps"] = tensor("LongStorage", "1", 1, 0, (), ())
    yield "bare.pth", checkpoint(state)
    yield "deflated.pth", checkpoint(state, zipfile.ZIP_DEFLATED)
    nested = {"epoch": 3, "loss": 0.5, "name": "n", "args": Call(Global("argparse", "Namespace")),
              "list": [1, (2, None), True, {"k": b"b"}], "big": 1 << 70, "model": state}
    yield "nested.pth", checkpoint(nested)
    yield "protocol5.pth", checkpoint(nested, protocol=4)
    yield "os_system.pth", checkpoint(Call(Global("os", "system"), "true"))
    yield "unknown.pth", checkpoint(Call(Global("unet", "Model")))
    yield "legacy.pth", dumps(0x1950A86A20F9469CFC6C) + dumps(1001)
    yield "one.npy", npy(1)
    yield "two.npy", npy(2, fortran=True)
    yield "three.npy", npy(3, "<f2", shape=(12,))
    yield "scalar.npy", npy(1, "<i8", shape=(), data=struct.pack("<q", 7))
    yield "stored.npz", archive({"a.npy": npy(1), "b.npy": npy(1, "|u1", shape=(24,))})
    yield "deflated.npz", archive({"a.npy": npy(1)}, zipfile.ZIP_DEFLATED)
    entries = {"__metadata__": {"k": "v"},
               "a": {"dtype": "F16", "shape": [2, 4], "data_offsets": [8, 24]},
               "b": {"dtype": "I64", "shape": [], "data_offsets": [0, 8]}}
    yield "two.safetensors", safetensors(entries, FLOATS)
    yield "two.onnx", onnx(b"\x0a\x02\x02\x03\x10\x01\x4a\x18" + FLOATS)
    yield "ints.onnx", onnx(b"\x08\x02\x10\x07\x3a\x03\xac\x02\x01")
    entries["a"]["shape"] = [1 << 62, 4]
    yield "huge.safetensors", safetensors(entries, FLOATS)


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in seeds():
        (folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
