#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Load a narrow AVE checkpoint into a PyTorch module that is built from its description in
docs/MODEL.md, strictly, and run it.

Usage: check_torch.py CHECKPOINT.pth [REFERENCE.npz]
With a reference (image_u8, audio, out) the output must be that of it.
"""
import sys

import torch
from torch import nn
from torch.nn import functional


class Inverted(nn.Module):
    """1x1 up, depthwise 3x3, 1x1 down; the input added where the shapes allow and say so."""

    def __init__(self, cin, cout, stride=1, residual=False):
        super().__init__()
        wide = 2 * cin
        self.residual = residual
        self.conv = nn.Sequential(
            nn.Conv2d(cin, wide, 1, bias=False), nn.BatchNorm2d(wide), nn.ReLU(),
            nn.Conv2d(wide, wide, 3, stride, 1, groups=wide, bias=False), nn.BatchNorm2d(wide),
            nn.ReLU(), nn.Conv2d(wide, cout, 1, bias=False), nn.BatchNorm2d(cout))

    def forward(self, x):
        return x + self.conv(x) if self.residual else self.conv(x)


class Double(nn.Module):
    def __init__(self, cin, cout, stride=1):
        super().__init__()
        self.double_conv = nn.Sequential(Inverted(cin, cout, stride),
                                         Inverted(cout, cout, 1, True))

    def forward(self, x):
        return self.double_conv(x)


class Holder(nn.Module):
    """A module whose only child has a name of its own."""

    def __init__(self, name, child):
        super().__init__()
        self.name = name
        self.add_module(name, child)

    def forward(self, x):
        return getattr(self, self.name)(x)


class Raise(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.conv = Double(cin, cout)

    def forward(self, x, skip):
        x = functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
        return self.conv(torch.cat([x, skip], 1))


class Audio(nn.Module):
    def __init__(self, ch):
        super().__init__()
        self.conv1, self.conv2 = Inverted(ch[0], ch[1]), Inverted(ch[1], ch[2])
        self.conv3, self.bn3 = nn.Conv2d(ch[2], ch[3], 3, 1, 1), nn.BatchNorm2d(ch[3])
        self.conv4 = Inverted(ch[3], ch[3], 1, True)
        self.conv5, self.bn5 = nn.Conv2d(ch[3], ch[4], 3, 2, 3), nn.BatchNorm2d(ch[4])
        self.conv6 = Inverted(ch[4], ch[4], 1, True)
        self.conv7 = Inverted(ch[4], ch[4], 1, True)

    def forward(self, x):
        x = functional.relu(self.bn3(self.conv3(self.conv2(self.conv1(x)))))
        x = functional.relu(self.bn5(self.conv5(self.conv4(x))))
        return self.conv7(self.conv6(x))


class UNet(nn.Module):
    def __init__(self, ch=(16, 32, 64, 128, 256)):
        super().__init__()
        self.audio_model = Audio(ch)
        self.fuse_conv = nn.Sequential(Double(2 * ch[4], ch[4]), Double(ch[4], ch[3]))
        self.inc = Holder("inconv", nn.Sequential(Inverted(6, ch[0])))
        downs = [(ch[0], ch[0]), *zip(ch, ch[1:])]
        for i, (cin, cout) in enumerate(downs, 1):
            self.add_module(f"down{i}", Holder("maxpool_conv", nn.Sequential(Double(cin, cout, 2))))
        ups = [(ch[4], ch[3] // 2), (ch[3], ch[2] // 2), (ch[2], ch[1] // 2), (ch[1], ch[0]),
               (ch[1], ch[0] // 2)]
        for i, (cin, cout) in enumerate(ups, 1):
            self.add_module(f"up{i}", Raise(cin, cout))
        self.outc = Holder("conv", nn.Conv2d(ch[0] // 2, 3, 1))

    def forward(self, image, audio):
        held = [self.inc(image)]
        for i in range(1, 6):
            held.append(getattr(self, f"down{i}")(held[-1]))
        x = self.fuse_conv(torch.cat([held.pop(), self.audio_model(audio)], 1))
        for i in range(1, 6):
            x = getattr(self, f"up{i}")(x, held.pop())
        return torch.sigmoid(self.outc(x))


def main():
    state = torch.load(sys.argv[1])
    net = UNet()
    net.load_state_dict(state, strict=True)
    assert list(state) and all(torch.isfinite(t.float()).all() for t in state.values())
    assert all(t.dtype == torch.int64 and t.dim() == 0 for name, t in state.items()
               if name.endswith("num_batches_tracked"))
    net.eval()
    with torch.no_grad():
        if len(sys.argv) > 2:
            import numpy
            case = numpy.load(sys.argv[2])
            image = torch.from_numpy(case["image_u8"].astype("float32") / 255)
            out = net(image, torch.from_numpy(case["audio"]))
            worst = float((out - torch.from_numpy(case["out"])).abs().max())
            print(f"off by at most {worst:.2g}")
            assert worst < 1e-4
        else:
            out = net(torch.rand(1, 6, 320, 320), torch.rand(1, 16, 16, 16))
            assert torch.isfinite(out).all() and out.shape == (1, 3, 320, 320)


if __name__ == "__main__":
    main()
