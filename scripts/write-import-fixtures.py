#!/usr/bin/python3
"""Writes the tiny networks that the tests of src/infer/import read, with what PyTorch makes of them.

    python3 scripts/write-import-fixtures.py

Needs PyTorch (Debian: python3-torch). The networks are written down here from their papers, with the names of weights that the
community's files have; the weights are random. Each is stored as people find it: zipped, in the format before PyTorch 1.6, or as
safetensors; bare or inside a checkpoint; as float32, float16 or bfloat16. `input.f32` and `<network>.f32` hold float32, planar,
little endian. The old format names its storages by addresses, so those files differ a little from run to run; the weights do not.
"""

import collections
import json
import pathlib
import struct

import torch
from torch import nn
from torch.nn import functional as F

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "test" / "infer" / "import" / "fixtures"


class Compact(nn.Module):
    def __init__(self, features, layers, scale, channels=3):
        super().__init__()
        self.scale = scale
        body = [nn.Conv2d(channels, features, 3, padding=1), nn.PReLU(features)]
        for _ in range(layers):
            body += [nn.Conv2d(features, features, 3, padding=1), nn.PReLU(features)]
        body.append(nn.Conv2d(features, channels * scale**2, 3, padding=1))
        self.body = nn.ModuleList(body)

    def forward(self, x):
        y = x
        for layer in self.body:
            y = layer(y)
        return F.pixel_shuffle(y, self.scale) + F.interpolate(x, scale_factor=self.scale, mode="nearest")


class DenseGroup(nn.Module):
    def __init__(self, features, growth):
        super().__init__()
        for i in range(5):
            out = features if i == 4 else growth
            setattr(self, f"conv{i + 1}", nn.Conv2d(features + i * growth, out, 3, padding=1))

    def forward(self, x):
        seen = [x]
        for i in range(4):
            seen.append(F.leaky_relu(getattr(self, f"conv{i + 1}")(torch.cat(seen, 1)), 0.2))
        return x + 0.2 * self.conv5(torch.cat(seen, 1))


class DenseBlock(nn.Module):
    def __init__(self, features, growth):
        super().__init__()
        for i in range(3):
            setattr(self, f"rdb{i + 1}", DenseGroup(features, growth))

    def forward(self, x):
        return x + 0.2 * self.rdb3(self.rdb2(self.rdb1(x)))


class RRDBNet(nn.Module):
    def __init__(self, features, growth, blocks, doublings, fold=1):
        super().__init__()
        self.fold = fold
        self.doublings = doublings
        self.conv_first = nn.Conv2d(3 * fold**2, features, 3, padding=1)
        self.body = nn.Sequential(*[DenseBlock(features, growth) for _ in range(blocks)])
        self.conv_body = nn.Conv2d(features, features, 3, padding=1)
        for i in range(doublings):
            setattr(self, f"conv_up{i + 1}", nn.Conv2d(features, features, 3, padding=1))
        self.conv_hr = nn.Conv2d(features, features, 3, padding=1)
        self.conv_last = nn.Conv2d(features, 3, 3, padding=1)

    def forward(self, x):
        if self.fold > 1:
            x = F.pixel_unshuffle(x, self.fold)
        y = self.conv_first(x)
        y = y + self.conv_body(self.body(y))
        for i in range(self.doublings):
            y = F.interpolate(y, scale_factor=2, mode="nearest")
            y = F.leaky_relu(getattr(self, f"conv_up{i + 1}")(y), 0.2)
        return self.conv_last(F.leaky_relu(self.conv_hr(y), 0.2))

    def first_generation(self):
        """The weights under the names of the first ESRGAN."""
        blocks = len(self.body)
        top = 3 * self.doublings
        names = {"conv_first": "model.0", "conv_body": f"model.1.sub.{blocks}"}
        names |= {f"conv_up{i + 1}": f"model.{3 * (i + 1)}" for i in range(self.doublings)}
        names |= {"conv_hr": f"model.{top + 2}", "conv_last": f"model.{top + 4}"}
        renamed = collections.OrderedDict()
        for name, weight in self.state_dict().items():
            layer, kind = name.rsplit(".", 1)
            if layer.startswith("body."):
                _, block, group, conv = layer.split(".")
                layer = f"model.1.sub.{block}.{group.upper()}.{conv}.0"
            renamed[f"{names.get(layer, layer)}.{kind}"] = weight
        return renamed

    def second_generation(self):
        """The weights under the names of ESRGAN's own repository."""
        swaps = [("conv_body", "trunk_conv"), ("body.", "RRDB_trunk."), (".rdb", ".RDB"), ("conv_up", "upconv"), ("conv_hr", "HRconv")]
        renamed = collections.OrderedDict()
        for name, weight in self.state_dict().items():
            for old, new in swaps:
                name = name.replace(old, new)
            renamed[name] = weight
        return renamed


class SpanConv(nn.Module):
    """As it is trained: what it is merged into for inference is given by the importer, not here."""

    def __init__(self, inputs, outputs, gain=2):
        super().__init__()
        self.sk = nn.Conv2d(inputs, outputs, 1)
        self.conv = nn.Sequential(
            nn.Conv2d(inputs, inputs * gain, 1),
            nn.Conv2d(inputs * gain, outputs * gain, 3),
            nn.Conv2d(outputs * gain, outputs, 1),
        )
        # Out of date on purpose: files of trainers hold it so.
        self.eval_conv = nn.Conv2d(inputs, outputs, 3, padding=1)

    def forward(self, x):
        return self.conv(F.pad(x, (1, 1, 1, 1))) + self.sk(x)


class SpanBlock(nn.Module):
    def __init__(self, features, conv):
        super().__init__()
        self.c1_r, self.c2_r, self.c3_r = (conv(features, features) for _ in range(3))

    def forward(self, x):
        first = F.silu(self.c1_r(x))
        third = self.c3_r(F.silu(self.c2_r(first)))
        return (third + x) * (torch.sigmoid(third) - 0.5), first


class MergedSpanConv(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.eval_conv = nn.Conv2d(inputs, outputs, 3, padding=1)

    def forward(self, x):
        return self.eval_conv(x)


class Span(nn.Module):
    def __init__(self, features, scale, conv, norm):
        super().__init__()
        self.scale = scale
        self.norm = norm
        if not norm:
            self.register_buffer("no_norm", torch.zeros(1))
        self.conv_1 = conv(3, features)
        for i in range(6):
            setattr(self, f"block_{i + 1}", SpanBlock(features, conv))
        self.conv_cat = nn.Conv2d(4 * features, features, 1)
        self.conv_2 = conv(features, features)
        self.upsampler = nn.Sequential(nn.Conv2d(features, 3 * scale**2, 3, padding=1))

    def forward(self, x):
        if self.norm:
            x = (x - torch.tensor([0.4488, 0.4371, 0.4040]).view(1, 3, 1, 1)) * 255
        shallow = self.conv_1(x)
        results = [(shallow, None)]
        for i in range(6):
            results.append(getattr(self, f"block_{i + 1}")(results[-1][0]))
        joined = [shallow, self.conv_2(results[6][0]), results[1][0], results[6][1]]
        return F.pixel_shuffle(self.upsampler(self.conv_cat(torch.cat(joined, 1))), self.scale)


class LargeKernel(nn.Module):
    def __init__(self, features, kernel):
        super().__init__()
        self.conv = nn.Conv2d(features, features, kernel, padding=kernel // 2)

    def forward(self, x):
        part = self.conv.in_channels
        return torch.cat([self.conv(x[:, :part]), x[:, part:]], 1)


class Gate(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.f = nn.Sequential(nn.Conv2d(features, features, 3, padding=1), nn.Sigmoid())

    def forward(self, x):
        return x * self.f(x)


class PlkBlock(nn.Module):
    def __init__(self, features, kernel, real):
        super().__init__()
        second = nn.Conv2d(2 * features, features, 3, padding=1) if real else nn.Conv2d(2 * features, features, 1)
        mixer = nn.Sequential(
            nn.Conv2d(features, 2 * features, 3, padding=1), nn.Mish() if real else nn.GELU(), second
        )
        self.name = "channel_mixer" if real else "channe_mixer"
        setattr(self, self.name, mixer)
        self.lk = LargeKernel(features // 4, kernel)
        self.attn = Gate(features)
        self.refine = nn.Conv2d(features, features, 1)
        if real:
            self.norm = nn.GroupNorm(4, features)

    def forward(self, x):
        y = self.refine(self.attn(self.lk(getattr(self, self.name)(x))))
        return x + (self.norm(y) if hasattr(self, "norm") else y)


class Plksr(nn.Module):
    def __init__(self, features, blocks, scale, kernel, real):
        super().__init__()
        self.scale = scale
        layers = [nn.Conv2d(3, features, 3, padding=1)]
        layers += [PlkBlock(features, kernel, real) for _ in range(blocks)]
        layers += [nn.Dropout2d(0)] if real else []
        layers += [nn.Conv2d(features, 3 * scale**2, 3, padding=1)]
        self.feats = nn.Sequential(*layers)

    def forward(self, x):
        y = self.feats(x) + torch.repeat_interleave(x, self.scale**2, dim=1)
        return F.pixel_shuffle(y, self.scale)


def write_safetensors(path, state):
    types = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.float64: "F64"}
    header, blocks, offset = {"__metadata__": {"format": "pt"}}, [], 0
    for name, weight in state.items():
        weight = weight.contiguous()
        data = bytes(weight.view(torch.int16 if weight.element_size() == 2 else weight.dtype).numpy().tobytes())
        header[name] = {"dtype": types[weight.dtype], "shape": list(weight.shape), "data_offsets": [offset, offset + len(data)]}
        blocks.append(data)
        offset += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blocks))


def store(name, network, picture, kind, wrap=lambda state: state, names=lambda network: network.state_dict(), dtype=torch.float32):
    # Rounded first, so that the reference is made with what the file holds.
    for weight in list(network.parameters()) + list(network.buffers()):
        weight.data = weight.data.to(dtype).float()
    with torch.no_grad():
        result = network.eval()(picture)
    result.numpy().tofile(FOLDER / f"{name}.f32")
    state = collections.OrderedDict((key, value.to(dtype)) for key, value in names(network).items())
    if kind == "safetensors":
        write_safetensors(FOLDER / f"{name}.safetensors", state)
    else:
        torch.save(wrap(state), FOLDER / f"{name}.pth", _use_new_zipfile_serialization=kind == "zip")


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(20)
    picture = torch.rand(1, 3, 6, 8)
    picture.numpy().tofile(FOLDER / "input.f32")

    ema = lambda state: {"params": {"body.0.weight": torch.zeros(1)}, "params_ema": state}
    checkpoint = lambda state: {"epoch": 3, "state_dict": {f"module.{k}": v for k, v in state.items()}, "best": 31.5}
    half = torch.float16
    store("compact-x2-zip", Compact(6, 2, 2), picture, "zip", ema)
    store("compact-x4-legacy", Compact(4, 1, 4), picture, "legacy", checkpoint, dtype=half)
    store("compact-x3-safetensors", Compact(4, 1, 3), picture, "safetensors", dtype=torch.bfloat16)
    store("rrdb-x4-new", RRDBNet(4, 2, 1, 2), picture, "zip")
    store("rrdb-x4-old", RRDBNet(4, 2, 2, 2), picture, "legacy", names=RRDBNet.first_generation, dtype=half)
    store("rrdb-x2-old", RRDBNet(4, 2, 1, 1), picture, "legacy", names=RRDBNet.first_generation)
    store("rrdb-x4-second", RRDBNet(4, 2, 1, 2), picture, "safetensors", names=RRDBNet.second_generation, dtype=torch.bfloat16)
    store("rrdb-x2-unshuffle", RRDBNet(4, 2, 1, 2, fold=2), picture, "safetensors", dtype=half)
    store("span-x2-trained", Span(4, 2, SpanConv, norm=False), picture, "legacy", dtype=half)
    merged = Span(4, 4, MergedSpanConv, norm=True)
    # Trained weights bring back to size what the normalisation blows up.
    merged.conv_1.eval_conv.weight.data /= 255
    store("span-x4-merged", merged, picture, "zip")
    store("plksr-x2", Plksr(8, 1, 2, 17, real=False), picture, "safetensors", dtype=half)
    store("realplksr-x2", Plksr(8, 1, 2, 9, real=True), picture, "safetensors", dtype=half)


main()
