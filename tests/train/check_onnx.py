#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Read an ONNX file by the rules of protocol buffers alone, check its graph, and run it
node by node in PyTorch next to a network built from the checkpoint it was made from.

Usage: check_onnx.py MODEL.onnx [CHECKPOINT.pth]
Where the module onnxruntime is installed, it runs the file too.
"""
import struct
import sys

OPERATORS = {"Conv", "Relu", "Add", "Concat", "Resize", "Sigmoid"}


def varint(data, at):
    number = shift = 0
    while True:
        byte = data[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number, at


def fields(data):
    """{field number: [values]} of one message."""
    at, found = 0, {}
    while at < len(data):
        tag, at = varint(data, at)
        if tag & 7 == 0:
            value, at = varint(data, at)
        else:
            assert tag & 7 == 2, f"wire type {tag & 7}"
            size, at = varint(data, at)
            assert at + size <= len(data)
            value, at = data[at:at + size], at + size
        found.setdefault(tag >> 3, []).append(value)
    return found


def text(message, field):
    return message[field][0].decode()


def read_value(data):
    value = fields(data)
    tensor = fields(fields(value[2][0])[1][0])
    assert tensor[1] == [1], "not f32"
    dims = [fields(d) for d in fields(tensor[2][0])[1]]
    return text(value, 1), [d[1][0] if 1 in d else text(d, 2) for d in dims]


def read_node(data):
    node = fields(data)
    attributes = {}
    for part in map(fields, node.get(5, [])):
        kind = part[20][0]
        attributes[text(part, 1)] = (part.get(8, []) if kind == 7 else part[4][0].decode()
                                     if kind == 3 else part[3][0])
    return text(node, 4), [i.decode() for i in node.get(1, [])], text(node, 2), attributes


def read_graph(path):
    model = fields(open(path, "rb").read())
    assert model[1] == [7] and fields(model[8][0])[2] == [13]
    graph = fields(model[7][0])
    tensors = {}
    for part in map(fields, graph[5]):
        count = 1
        for d in part[1]:
            count *= d
        assert part[2] == [1] and len(part[9][0]) == 4 * count
        tensors[text(part, 8)] = (part[1], part[9][0])
    nodes = [read_node(n) for n in graph[1]]
    inputs = dict(map(read_value, graph[11]))
    outputs = dict(map(read_value, graph[12]))
    metadata = {text(m, 1): text(m, 2) for m in map(fields, model.get(14, []))}
    return nodes, tensors, inputs, outputs, metadata


def check_graph(nodes, tensors, inputs, outputs, metadata):
    assert metadata == {"synctalk.encoder": "ave"}
    assert inputs == {"image": ["N", 6, 320, 320], "audio": ["N", 16, 16, 16]}
    assert outputs == {"out": ["N", 3, 320, 320]}
    known = set(tensors) | set(inputs) | {""}
    used = set()
    for op, takes, gives, _ in nodes:
        assert op in OPERATORS, op
        assert set(takes) <= known, f"{gives} needs {set(takes) - known}"
        assert gives not in known, f"{gives} is made twice"
        known.add(gives)
        used.update(takes)
    assert "out" in known and set(tensors) <= used


def run(nodes, tensors, values):
    import torch
    from torch.nn import functional
    for name, (dims, raw) in tensors.items():
        numbers = struct.unpack(f"<{len(raw) // 4}f", raw)
        values[name] = torch.tensor(numbers).reshape(dims)
    for op, takes, gives, a in nodes:
        x = [values.get(name) for name in takes]
        if op == "Conv":
            pads = a["pads"]
            assert pads[:2] == pads[2:]
            y = functional.conv2d(x[0], x[1], x[2], a["strides"], pads[:2], 1, a["group"])
        elif op == "Resize":
            assert a == {"mode": "linear", "coordinate_transformation_mode": "align_corners"}
            assert x[2].tolist() == [1, 1, 2, 2]
            y = functional.interpolate(x[0], scale_factor=2, mode="bilinear", align_corners=True)
        elif op == "Concat":
            y = torch.cat(x, a["axis"])
        else:
            y = {"Relu": torch.relu, "Sigmoid": torch.sigmoid, "Add": torch.add}[op](*x)
        values[gives] = y
    return values["out"]


def compare(path, checkpoint, nodes, tensors):
    import torch
    from check_torch import UNet
    torch.manual_seed(3)
    image, audio = torch.rand(2, 6, 320, 320), torch.rand(2, 16, 16, 16) * 2 - 1
    net = UNet()
    net.load_state_dict(torch.load(checkpoint), strict=True)
    with torch.no_grad():
        want = net.eval()(image, audio)
        outs = {"node by node": run(nodes, tensors, {"image": image, "audio": audio})}
    try:
        import onnxruntime
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        out, = session.run(None, {"image": image.numpy(), "audio": audio.numpy()})
        outs["ONNX Runtime"] = torch.from_numpy(out)
    except ImportError:
        pass
    for name, out in outs.items():
        worst = float((out - want).abs().max())
        print(f"{name}: off by at most {worst:.2g}")
        assert worst < 1e-4, name


def main():
    graph = read_graph(sys.argv[1])
    check_graph(*graph)
    if len(sys.argv) > 2:
        compare(sys.argv[1], sys.argv[2], *graph[:2])


if __name__ == "__main__":
    main()
