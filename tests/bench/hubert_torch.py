#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A HuBERT with layer norms in plain functions of PyTorch, for bench_hubert.py.

Usage: hubert_torch.py f32|bf16 FOLDER THREADS    as hubert_speed does
"""
import json
import math
import mmap
import pathlib
import resource
import struct
import sys
import time

import torch
import torch.nn.functional as F

SAMPLES = 320080


def read_safetensors(path, dtype):
    with open(path, "rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    start = 8 + struct.unpack("<Q", data[:8])[0]
    tensors = {}
    for name, entry in json.loads(data[8:start]).items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            flat = torch.frombuffer(data, dtype=torch.float32, count=(end - begin) // 4,
                                    offset=start + begin)
            tensors[name] = flat.reshape(entry["shape"]).to(dtype).clone()
    return tensors


class Hubert:
    def __init__(self, folder, dtype):
        self.config = json.loads((folder / "config.json").read_text())
        self.t = read_safetensors(folder / "model.safetensors", dtype)
        owner = "encoder.pos_conv_embed.conv."
        v, g = self.t[owner + "weight_v"].float(), self.t[owner + "weight_g"].float()
        self.t["positions"] = (g * v / v.norm(dim=(0, 1), keepdim=True)).to(dtype)
        self.dtype = dtype

    def norm(self, x, owner, epsilon=1e-5):
        weight = self.t[owner + ".weight"]
        return F.layer_norm(x, weight.shape, weight, self.t[owner + ".bias"], epsilon)

    def linear(self, x, owner):
        return F.linear(x, self.t[owner + ".weight"], self.t[owner + ".bias"])

    def attend(self, x, owner):
        rows, hidden = x.shape[1:]
        heads = self.config["num_attention_heads"]
        d = hidden // heads
        q, k, v = (self.linear(x, f"{owner}.{part}_proj").view(rows, heads, d).transpose(0, 1)
                   for part in "qkv")
        weights = torch.softmax(torch.bmm(q * (1 / math.sqrt(d)), k.transpose(1, 2)), dim=-1)
        mixed = torch.bmm(weights, v).transpose(0, 1).reshape(1, rows, hidden)
        return self.linear(mixed, owner + ".out_proj")

    def run(self, samples):
        c, t, epsilon = self.config, self.t, self.config["layer_norm_eps"]
        x = samples.to(self.dtype).view(1, 1, -1)
        for i, stride in enumerate(c["conv_stride"]):
            owner = f"feature_extractor.conv_layers.{i}"
            x = F.conv1d(x, t[owner + ".conv.weight"], t[owner + ".conv.bias"], stride=stride)
            x = F.gelu(self.norm(x.transpose(1, 2), owner + ".layer_norm").transpose(1, 2))
        x = self.norm(x.transpose(1, 2), "feature_projection.layer_norm", epsilon)
        x = self.linear(x, "feature_projection.projection")
        kernel = c["num_conv_pos_embeddings"]
        y = F.conv1d(x.transpose(1, 2), t["positions"], t["encoder.pos_conv_embed.conv.bias"],
                     padding=kernel // 2, groups=c["num_conv_pos_embedding_groups"])
        x = x + F.gelu(y[:, :, :x.shape[1]]).transpose(1, 2)
        for i in range(c["num_hidden_layers"]):
            owner = f"encoder.layers.{i}"
            h = self.norm(x, owner + ".layer_norm", epsilon)
            x = x + self.attend(h, owner + ".attention")
            h = self.norm(x, owner + ".final_layer_norm", epsilon)
            h = F.gelu(self.linear(h, owner + ".feed_forward.intermediate_dense"))
            x = x + self.linear(h, owner + ".feed_forward.output_dense")
        return self.norm(x, "encoder.layer_norm", epsilon)


def main():
    dtype = torch.bfloat16 if sys.argv[1] == "bf16" else torch.float32
    torch.set_num_threads(int(sys.argv[3]))
    i = torch.arange(SAMPLES, dtype=torch.float64)
    samples = (torch.sin(i * 0.37) + torch.sin((i % 4001) * i * 1e-4)).float()
    with torch.no_grad():
        hubert = Hubert(pathlib.Path(sys.argv[2]), dtype)
        print(sys.argv[1], 0, flush=True)
        for _ in sys.stdin:
            wall, cpu = time.monotonic(), time.process_time()
            out = hubert.run(samples).float().flatten()
            print(time.monotonic() - wall, time.process_time() - cpu,
                  *(f"{out[k * 31]:.7g}" for k in range(8)), flush=True)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


main()
