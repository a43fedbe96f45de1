#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Check written weights with readers that are not ours: Python's zipfile and pickletools,
and, where they are installed, NumPy and PyTorch.

Usage: check_formats.py FILE.pth FILE.safetensors FILE.npy
"""
import collections
import json
import pickletools
import struct
import sys
import zipfile

ALIGNMENT = 64


def check_zip(path):
    with zipfile.ZipFile(path) as archive, open(path, "rb") as file:
        assert archive.testzip() is None, "a checksum is wrong"
        for member in archive.infolist():
            file.seek(member.header_offset + 26)
            name, extra = struct.unpack("<HH", file.read(4))
            start = member.header_offset + 30 + name + extra
            assert start % ALIGNMENT == 0, f"{member.filename} begins at {start}"
            assert member.compress_type == zipfile.ZIP_STORED
        names = archive.namelist()
        assert archive.read("archive/version") == b"3\n"
        assert archive.read("archive/byteorder") == b"little"
        return names, archive.read("archive/data.pkl")


def check_pickle(pickle, names):
    seen = collections.Counter()
    for op, arg, _ in pickletools.genops(pickle):
        seen[op.name] += 1
        if op.name == "GLOBAL":
            module, name = arg.split()
            assert (module, name) in {
                ("collections", "OrderedDict"),
                ("torch._utils", "_rebuild_tensor_v2"),
            } or (module == "torch" and name.endswith("Storage")), arg
    assert pickletools.dis(pickle, out=open("/dev/null", "w")) is None
    storages = [name for name in names if name.startswith("archive/data/")]
    assert seen["BINPERSID"] == len(storages) > 0
    assert seen["PROTO"] == 1 and pickle[:2] == b"\x80\x02"


def check_safetensors(path):
    with open(path, "rb") as file:
        data = file.read()
    length = struct.unpack("<Q", data[:8])[0]
    assert length % 8 == 0
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    at = 0
    for begin, end in sorted(entry["data_offsets"] for entry in header.values()):
        assert begin == at
        at = end
    assert 8 + length + at == len(data)


def check_with_numpy(path):
    try:
        import numpy
    except ImportError:
        print("SKIPPED: no NumPy to load the .npy with")
        return
    array = numpy.load(path)
    assert array.dtype == numpy.float32 and array.shape == (5, 2, 3), array.shape
    assert (array.ravel() == numpy.arange(30)).all()


def check_with_torch(path):
    try:
        import torch
    except ImportError:
        print("SKIPPED: no PyTorch to load the .pth with")
        return
    state = torch.load(path, map_location="cpu")
    assert isinstance(state, collections.OrderedDict)
    assert all(isinstance(value, torch.Tensor) for value in state.values())


def main():
    pth, safetensors, npy = sys.argv[1:]
    names, pickle = check_zip(pth)
    check_pickle(pickle, names)
    check_safetensors(safetensors)
    check_with_numpy(npy)
    check_with_torch(pth)


if __name__ == "__main__":
    main()
