#!/usr/bin/env python3
"""Writes tiny networks of several architectures as .safetensors, with what PyTorch gives for two pictures.

They are written from the papers, with the names that weights have in the published files. Weights are random. Goes to
test/infer/import/architectures/fixtures. Needs python3-torch. Run: python3 scripts/write-architecture-fixtures.py
"""

import json
import math
import pathlib
import struct

import numpy
import torch
import torch.nn.functional as F
from torch import nn

FOLDER = pathlib.Path(__file__).parent.parent / 'test/infer/import/architectures/fixtures'
MEAN = torch.tensor([0.4488, 0.4371, 0.4040]).reshape(1, 3, 1, 1)
# One picture fits the windows, the other has sizes that no window divides; mirrored borders need 20 samples.
SIZES = ((24, 20), (21, 23))
# Of results every fifth row and column is stored: all phases of all scales come about.
STEP = 5


def conv(inputs, outputs, kernel=3, **options):
    return nn.Conv2d(inputs, outputs, kernel, padding=options.pop('padding', kernel // 2), **options)


def pad_to(x, multiple, mode):
    height, width = x.shape[2:]
    return F.pad(x, (0, -width % multiple, 0, -height % multiple), mode)


def cut(x, window):
    """[1, height, width, channels] to [windows, tokens, channels]."""
    h, w = window
    rows = [x[:, y : y + h, i : i + w].reshape(-1, x.shape[3]) for y in range(0, x.shape[1], h) for i in range(0, x.shape[2], w)]
    return torch.stack(rows)


def join(windows, window, height, width):
    h, w = window
    across = width // w
    rows = [
        torch.cat([windows[y * across + i].reshape(h, w, -1) for i in range(across)], dim=1)
        for y in range(height // h)
    ]
    return torch.cat(rows).unsqueeze(0)


def relative_index(window):
    places = [(y, x) for y in range(window[0]) for x in range(window[1])]
    return torch.tensor(
        [
            [(a[0] - b[0] + window[0] - 1) * (2 * window[1] - 1) + a[1] - b[1] + window[1] - 1 for b in places]
            for a in places
        ]
    )


def shift_mask(height, width, window, shift):
    """-100 between tokens that only the shift brought together."""
    ids = torch.zeros(1, height, width, 1)
    number = 0
    for rows in (slice(0, -window[0]), slice(-window[0], -shift[0]), slice(-shift[0], None)):
        for columns in (slice(0, -window[1]), slice(-window[1], -shift[1]), slice(-shift[1], None)):
            ids[:, rows, columns] = number
            number += 1
    parts = cut(ids, window).squeeze(2)
    return torch.where(parts.unsqueeze(1) == parts.unsqueeze(2), 0.0, -100.0)


def attend(q, k, v, heads, bias, mask):
    depth = q.shape[2] // heads
    parts = []
    for head in range(heads):
        own = slice(head * depth, (head + 1) * depth)
        scores = q[:, :, own] * depth**-0.5 @ k[:, :, own].transpose(1, 2)
        if bias is not None:
            scores = scores + bias[:, :, head]
        if mask is not None:
            scores = scores + mask
        parts.append(scores.softmax(-1) @ v[:, :, own])
    return torch.cat(parts, dim=2)


def attend_channels(q, k, v, temperature):
    """Attention among the channels of [groups, tokens, channels]."""
    heads = temperature.shape[0]
    depth = q.shape[2] // heads
    parts = []
    for head in range(heads):
        own = slice(head * depth, (head + 1) * depth)
        a, b = F.normalize(q[:, :, own], dim=1), F.normalize(k[:, :, own], dim=1)
        weights = (a.transpose(1, 2) @ b * temperature[head]).softmax(-1)
        parts.append((weights @ v[:, :, own].transpose(1, 2)).transpose(1, 2))
    return torch.cat(parts, dim=2)


def to_tokens(x):
    return x.permute(0, 2, 3, 1)


def to_picture(x):
    return x.permute(0, 3, 1, 2)


def closing(dim, is_narrow):
    if not is_narrow:
        return conv(dim, dim)
    narrow = dim // 4
    slope = 0.2
    return nn.Sequential(
        conv(dim, narrow), nn.LeakyReLU(slope), conv(narrow, narrow, 1), nn.LeakyReLU(slope), conv(narrow, dim)
    )


class Upsampler(nn.Module):
    """The three ends of SwinIR; its parts are put into the network itself, as their names lie there."""

    def add_upsampler(self, kind, dim, channels, scale, width=8):
        self.kind, self.scale = kind, scale
        if kind == 'pixelshuffledirect':
            self.upsample = nn.Sequential(conv(dim, channels * scale**2), nn.PixelShuffle(scale))
            return
        self.conv_before_upsample = nn.Sequential(conv(dim, width), nn.LeakyReLU(0.01))
        if kind == 'pixelshuffle':
            steps = [2] * int(math.log2(scale)) if scale != 3 else [3]
            self.upsample = nn.Sequential(
                *[layer for step in steps for layer in (conv(width, width * step**2), nn.PixelShuffle(step))]
            )
        else:
            for i in range(int(math.log2(scale))):
                setattr(self, f'conv_up{i + 1}', conv(width, width))
            self.conv_hr = conv(width, width)
        self.conv_last = conv(width, channels)

    def enlarge(self, x):
        if self.kind == 'pixelshuffledirect':
            return self.upsample(x)
        x = self.conv_before_upsample(x)
        if self.kind == 'pixelshuffle':
            return self.conv_last(self.upsample(x))
        for i in range(int(math.log2(self.scale))):
            x = F.leaky_relu(getattr(self, f'conv_up{i + 1}')(F.interpolate(x, scale_factor=2)), 0.2)
        return self.conv_last(F.leaky_relu(self.conv_hr(x), 0.2))


class SwinAttention(nn.Module):
    def __init__(self, dim, heads, window):
        super().__init__()
        self.heads = heads
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * window - 1) ** 2, heads))
        self.register_buffer('relative_position_index', relative_index((window, window)))
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x, mask):
        bias = self.relative_position_bias_table[self.relative_position_index]
        return self.proj(attend(*self.qkv(x).chunk(3, dim=2), self.heads, bias, mask))


class Mlp(nn.Module):
    def __init__(self, dim, hidden):
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden)
        self.fc2 = nn.Linear(hidden, dim)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class SwinBlock(nn.Module):
    def __init__(self, dim, heads, window, is_shifted):
        super().__init__()
        self.window, self.shift = window, window // 2 if is_shifted else 0
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = SwinAttention(dim, heads, window)
        self.mlp = Mlp(dim, 2 * dim)

    def forward(self, x):
        height, width = x.shape[1:3]
        window, shift = (self.window, self.window), (self.shift, self.shift)
        moved, mask = self.norm1(x), None
        if self.shift:
            moved = torch.roll(moved, (-self.shift, -self.shift), (1, 2))
            mask = shift_mask(height, width, window, shift)
        y = join(self.attn(cut(moved, window), mask), window, height, width)
        x = x + torch.roll(y, shift, (1, 2))
        return x + self.mlp(self.norm2(x))


class Holder(nn.Module):
    """Gives parts the names that they have in the files."""

    def __init__(self, **parts):
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)


class SwinIR(Upsampler):
    def __init__(self, kind, scale, channels=3, dim=8, heads=2, depths=(2, 2), window=4, is_narrow=False):
        super().__init__()
        self.window, self.channels = window, channels
        self.conv_first = conv(channels, dim)
        self.patch_embed = Holder(norm=nn.LayerNorm(dim))
        self.layers = nn.ModuleList(
            Holder(
                residual_group=Holder(
                    blocks=nn.ModuleList(SwinBlock(dim, heads, window, i % 2 == 1) for i in range(depth))
                ),
                conv=closing(dim, is_narrow),
            )
            for depth in depths
        )
        self.norm = nn.LayerNorm(dim)
        self.conv_after_body = closing(dim, is_narrow)
        self.add_upsampler(kind, dim, channels, scale)

    def forward(self, x):
        height, width = x.shape[2:]
        mean = MEAN if self.channels == 3 else 0
        first = self.conv_first(pad_to(x, self.window, 'reflect') - mean)
        y = self.patch_embed.norm(to_tokens(first))
        for layer in self.layers:
            inner = y
            for block in layer.residual_group.blocks:
                inner = block(inner)
            y = y + to_tokens(layer.conv(to_picture(inner)))
        y = self.enlarge(self.conv_after_body(to_picture(self.norm(y))) + first) + mean
        return y[:, :, : height * self.scale, : width * self.scale]


class ChannelNorm(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(dim)), nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        centred = x - x.mean(1, keepdim=True)
        normal = centred / (centred.pow(2).mean(1, keepdim=True) + 1e-6).sqrt()
        return normal * self.weight[:, None, None] + self.bias[:, None, None]


class SAFMNBlock(nn.Module):
    def __init__(self, dim, levels=4):
        super().__init__()
        part = dim // levels
        self.norm1, self.norm2 = ChannelNorm(dim), ChannelNorm(dim)
        self.safm = Holder(
            mfr=nn.ModuleList(conv(part, part, groups=part) for _ in range(levels)), aggr=conv(dim, dim, 1)
        )
        self.ccm = Holder(ccm=nn.Sequential(conv(dim, 2 * dim), nn.GELU(), conv(2 * dim, dim, 1)))

    def modulate(self, x):
        height, width = x.shape[2:]
        parts = []
        for i, part in enumerate(x.chunk(len(self.safm.mfr), dim=1)):
            small = F.adaptive_max_pool2d(part, (height // 2**i, width // 2**i))
            parts.append(F.interpolate(self.safm.mfr[i](small), size=(height, width), mode='nearest'))
        return F.gelu(self.safm.aggr(torch.cat(parts, dim=1))) * x

    def forward(self, x):
        x = self.modulate(self.norm1(x)) + x
        return self.ccm.ccm(self.norm2(x)) + x


class SAFMN(nn.Module):
    def __init__(self, dim=8, blocks=2, scale=2):
        super().__init__()
        self.scale = scale
        self.to_feat = conv(3, dim)
        self.feats = nn.Sequential(*[SAFMNBlock(dim) for _ in range(blocks)])
        self.to_img = nn.Sequential(conv(dim, 3 * scale**2), nn.PixelShuffle(scale))

    def forward(self, x):
        height, width = x.shape[2:]
        y = self.to_feat(pad_to(x, 8, 'reflect'))
        return self.to_img(self.feats(y) + y)[:, :, : height * self.scale, : width * self.scale]


class Turn(nn.Module):
    """Takes a number in a row of layers, and holds nothing."""


class PreNorm(nn.Module):
    def __init__(self, norm, fn):
        super().__init__()
        self.norm, self.fn = norm, fn

    def forward(self, x, *more):
        return self.fn(self.norm(x), *more) + x


class SqueezeExcitation(nn.Module):
    def __init__(self, dim):
        super().__init__()
        small = nn.Linear(dim, dim // 4, bias=False)
        self.gate = nn.Sequential(Turn(), small, nn.SiLU(), nn.Linear(dim // 4, dim, bias=False), nn.Sigmoid(), Turn())

    def forward(self, x):
        return x * self.gate[1:5](x.mean((2, 3)))[:, :, None, None]


def spread_order(height, width, window):
    """For each window the places that lie a window's count apart."""
    down, across = height // window, width // window
    return [
        [(a * down + y) * width + b * across + x for a in range(window) for b in range(window)]
        for y in range(down)
        for x in range(across)
    ]


def place_order(height, width, window):
    """For each place of a window where it is in all of them."""
    return [
        [y * width + x for y in range(a, height, window) for x in range(b, width, window)]
        for a in range(window)
        for b in range(window)
    ]


def take(x, order):
    return x.reshape(-1, x.shape[3])[torch.tensor(order)]


def put(groups, order, height, width):
    flat = torch.zeros(height * width, groups.shape[2])
    flat[torch.tensor(order).reshape(-1)] = groups.reshape(-1, groups.shape[2])
    return flat.reshape(1, height, width, -1)


class OmniAttention(nn.Module):
    def __init__(self, dim, window, is_spread):
        super().__init__()
        self.window, self.is_spread = window, is_spread
        self.to_qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.to_out = nn.Sequential(nn.Linear(dim, dim, bias=False), nn.Dropout(0))
        self.rel_pos_bias = nn.Embedding((2 * window - 1) ** 2, 4)

    def forward(self, x):
        height, width = x.shape[1:3]
        window = (self.window, self.window)
        order = spread_order(height, width, self.window)
        groups = take(x, order) if self.is_spread else cut(x, window)
        bias = self.rel_pos_bias(relative_index(window))
        y = self.to_out(attend(*self.to_qkv(groups).chunk(3, dim=2), 4, bias, None))
        return put(y, order, height, width) if self.is_spread else join(y, window, height, width)


class OmniChannelAttention(nn.Module):
    def __init__(self, dim, window, is_spread):
        super().__init__()
        self.window, self.is_spread = window, is_spread
        self.temperature = nn.Parameter(torch.ones(4, 1, 1))
        self.qkv = conv(dim, 3 * dim, 1, bias=False)
        self.qkv_dwconv = conv(3 * dim, 3 * dim, groups=3 * dim, bias=False)
        self.project_out = conv(dim, dim, 1, bias=False)

    def forward(self, x):
        height, width = x.shape[2:]
        window = (self.window, self.window)
        order = place_order(height, width, self.window)
        parts = to_tokens(self.qkv_dwconv(self.qkv(x))).chunk(3, dim=3)
        groups = [take(part, order) if self.is_spread else cut(part, window) for part in parts]
        y = attend_channels(*groups, self.temperature)
        y = put(y, order, height, width) if self.is_spread else join(y, window, height, width)
        return self.project_out(to_picture(y))


class GatedFeedForward(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.project_in = conv(dim, 2 * dim, 1, bias=False)
        self.dwconv = conv(2 * dim, 2 * dim, groups=2 * dim, bias=False)
        self.project_out = conv(dim, dim, 1, bias=False)

    def forward(self, x):
        a, b = self.dwconv(self.project_in(x)).chunk(2, dim=1)
        return self.project_out(F.gelu(a) * b)


class OmniBlock(nn.Module):
    def __init__(self, dim, window):
        super().__init__()
        mixer = Holder(
            fn=nn.Sequential(
                conv(dim, dim, 1), nn.GELU(), conv(dim, dim, groups=dim), nn.GELU(), SqueezeExcitation(dim), conv(dim, dim, 1)
            )
        )
        layers = [mixer]
        for is_spread in (False, True):
            layers += [
                Turn(),
                PreNorm(nn.LayerNorm(dim), OmniAttention(dim, window, is_spread)),
                Turn(),
                PreNorm(ChannelNorm(dim), GatedFeedForward(dim)),
                PreNorm(ChannelNorm(dim), OmniChannelAttention(dim, window, is_spread)),
                PreNorm(ChannelNorm(dim), GatedFeedForward(dim)),
            ]
        self.layer = nn.ModuleList(layers)

    def forward(self, x):
        x = self.layer[0].fn(x) + x
        for layer in list(self.layer)[1:]:
            if isinstance(layer, Turn):
                continue
            is_tokens = isinstance(layer.fn, OmniAttention)
            x = to_picture(layer(to_tokens(x))) if is_tokens else layer(x)
        return x


class ESA(nn.Module):
    def __init__(self, small, dim):
        super().__init__()
        self.conv1, self.conv_f = conv(dim, small, 1), conv(small, small, 1)
        self.conv2, self.conv3 = conv(small, small, stride=2, padding=0), conv(small, small)
        self.conv4 = conv(small, dim, 1)

    def forward(self, x):
        own = self.conv1(x)
        seen = self.conv3(F.max_pool2d(self.conv2(own), 7, 3))
        seen = F.interpolate(seen, x.shape[2:], mode='bilinear', align_corners=False)
        return x * self.conv4(seen + self.conv_f(own)).sigmoid()


class OmniGroup(nn.Module):
    def __init__(self, dim, window):
        super().__init__()
        self.residual_layer = nn.Sequential(OmniBlock(dim, window), conv(dim, dim, 1))
        self.esa = ESA(max(dim // 4, 4), dim)

    def forward(self, x):
        return self.esa(self.residual_layer(x) + x)


class OmniSR(nn.Module):
    def __init__(self, dim=8, window=4, groups=1, scale=2):
        super().__init__()
        self.scale, self.window = scale, window
        self.residual_layer = nn.Sequential(*[OmniGroup(dim, window) for _ in range(groups)])
        self.input, self.output = conv(3, dim), conv(dim, dim)
        self.up = nn.Sequential(conv(dim, 3 * scale**2), nn.PixelShuffle(scale))

    def forward(self, x):
        height, width = x.shape[2:]
        first = self.input(pad_to(x, self.window, 'constant'))
        y = self.up(self.output(self.residual_layer(first)) + first)
        return y[:, :, : height * self.scale, : width * self.scale]


class Positions(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.pos_proj = nn.Linear(2, dim)
        self.pos1 = nn.Sequential(nn.LayerNorm(dim), nn.ReLU(), nn.Linear(dim, dim))
        self.pos2 = nn.Sequential(nn.LayerNorm(dim), nn.ReLU(), nn.Linear(dim, dim))
        self.pos3 = nn.Sequential(nn.LayerNorm(dim), nn.ReLU(), nn.Linear(dim, heads))

    def forward(self, x):
        return self.pos3(self.pos2(self.pos1(self.pos_proj(x))))


class WindowBranch(nn.Module):
    def __init__(self, dim, heads, window):
        super().__init__()
        self.heads, self.window = heads, window
        self.pos = Positions(max(dim // 4, 2), heads)
        steps = [torch.arange(1 - size, size) for size in window]
        grid = torch.stack(torch.meshgrid(*steps, indexing='ij')).flatten(1).T.float()
        self.register_buffer('rpe_biases', grid.contiguous())
        self.register_buffer('relative_position_index', relative_index(window))

    def forward(self, q, k, v, is_shifted):
        height, width = q.shape[1:3]
        shift = [size // 2 for size in self.window] if is_shifted else [0, 0]
        mask = shift_mask(height, width, self.window, shift) if is_shifted else None
        parts = [cut(torch.roll(x, [-amount for amount in shift], (1, 2)), self.window) for x in (q, k, v)]
        bias = self.pos(self.rpe_biases)[self.relative_position_index]
        y = join(attend(*parts, self.heads, bias, mask), self.window, height, width)
        return torch.roll(y, shift, (1, 2))


def normed(convolution):
    return [convolution, nn.BatchNorm2d(convolution.out_channels)]


class Aggregation(nn.Module):
    """What both kinds of attention of DAT have in common."""

    def __init__(self, dim):
        super().__init__()
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.dwconv = nn.Sequential(*normed(conv(dim, dim, groups=dim)), nn.GELU())
        self.channel_interaction = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), *normed(conv(dim, dim // 4, 1)), nn.GELU(), conv(dim // 4, dim, 1)
        )
        self.spatial_interaction = nn.Sequential(*normed(conv(dim, dim // 4, 1)), nn.GELU(), conv(dim // 4, 1, 1))


class SpatialAttention(Aggregation):
    def __init__(self, dim, heads, window, is_shifted):
        super().__init__(dim)
        self.window, self.is_shifted = window, is_shifted
        self.attns = nn.ModuleList(WindowBranch(dim // 2, heads // 2, size) for size in (window, window[::-1]))

    def forward(self, x):
        height, width, dim = x.shape[1:]
        parts = self.qkv(x).chunk(3, dim=3)
        local = self.dwconv(to_picture(parts[2]))
        padded = [to_tokens(pad_to(to_picture(part), max(self.window), 'constant')) for part in parts]
        halves = zip(self.attns, (slice(0, dim // 2), slice(dim // 2, dim)))
        seen = [attn(*[part[..., own] for part in padded], self.is_shifted) for attn, own in halves]
        seen = to_picture(torch.cat(seen, dim=3)[:, :height, :width])
        seen, local = (
            seen * self.channel_interaction(local).sigmoid(),
            local * self.spatial_interaction(seen).sigmoid(),
        )
        return self.proj(to_tokens(seen + local))


class ChannelAttention(Aggregation):
    def __init__(self, dim, heads):
        super().__init__(dim)
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))

    def forward(self, x):
        parts = self.qkv(x).chunk(3, dim=3)
        flat = [part.reshape(1, -1, x.shape[3]) for part in parts]
        seen = to_picture(attend_channels(*flat, self.temperature).reshape(x.shape))
        local = self.dwconv(to_picture(parts[2]))
        seen, local = (
            seen * self.spatial_interaction(local).sigmoid(),
            local * self.channel_interaction(seen).sigmoid(),
        )
        return self.proj(to_tokens(seen + local))


class SpatialGate(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(dim, 2 * dim), nn.Linear(dim, dim)
        self.sg = Holder(norm=nn.LayerNorm(dim), conv=conv(dim, dim, groups=dim))

    def forward(self, x):
        a, b = F.gelu(self.fc1(x)).chunk(2, dim=3)
        return self.fc2(a * to_tokens(self.sg.conv(to_picture(self.sg.norm(b)))))


class DATBlock(nn.Module):
    def __init__(self, dim, heads, window, layer, block):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        is_shifted = (layer % 2 == 0 and block > 0 and (block - 2) % 4 == 0) or (layer % 2 != 0 and block % 4 == 0)
        self.attn = ChannelAttention(dim, heads) if block % 2 else SpatialAttention(dim, heads, window, is_shifted)
        self.ffn = SpatialGate(dim)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.ffn(self.norm2(x))


class DAT(Upsampler):
    def __init__(self, kind='pixelshuffledirect', scale=2, dim=8, heads=2, depths=(3, 1), window=(2, 4)):
        super().__init__()
        self.conv_first = conv(3, dim)
        self.before_RG = nn.Sequential(Turn(), nn.LayerNorm(dim))
        self.layers = nn.ModuleList(
            Holder(
                blocks=nn.ModuleList(DATBlock(dim, heads, window, layer, i) for i in range(depth)), conv=conv(dim, dim)
            )
            for layer, depth in enumerate(depths)
        )
        self.norm = nn.LayerNorm(dim)
        self.conv_after_body = conv(dim, dim)
        self.add_upsampler(kind, dim, 3, scale)

    def forward(self, x):
        first = self.conv_first(x - MEAN)
        y = self.before_RG[1](to_tokens(first))
        for layer in self.layers:
            inner = y
            for block in layer.blocks:
                inner = block(inner)
            y = y + to_tokens(layer.conv(to_picture(inner)))
        return self.enlarge(self.conv_after_body(to_picture(self.norm(y))) + first) + MEAN


class DySample(nn.Module):
    def __init__(self, inputs, outputs, scale, groups):
        super().__init__()
        self.scale, self.groups = scale, groups
        self.end_conv = conv(inputs, outputs, 1)
        self.offset = conv(inputs, 2 * groups * scale**2, 1)
        self.scope = conv(inputs, 2 * groups * scale**2, 1, bias=False)
        place = (torch.arange(scale) - (scale - 1) / 2) / scale
        across = place.repeat(scale).repeat(groups)
        down = place.repeat_interleave(scale).repeat(groups)
        self.register_buffer('init_pos', torch.cat([across, down]).reshape(1, -1, 1, 1))

    def forward(self, x):
        height, width = x.shape[2:]
        offset = self.offset(x) * self.scope(x).sigmoid() * 0.5 + self.init_pos
        across, down = offset.chunk(2, dim=1)
        across = 2 * (across + torch.arange(width) + 0.5) / width - 1
        down = 2 * (down + torch.arange(height)[:, None] + 0.5) / height - 1
        grid = torch.stack([F.pixel_shuffle(part, self.scale)[0] for part in (across, down)], dim=3)
        parts = x.reshape(self.groups, -1, height, width)
        y = F.grid_sample(parts, grid, mode='bilinear', padding_mode='border', align_corners=False)
        return self.end_conv(y.reshape(1, -1, *y.shape[2:]))


class PLKBlock(nn.Module):
    """A block of PLKSR or, with `is_real`, of RealPLKSR."""

    def __init__(self, dim, kernel, is_real):
        super().__init__()
        self.is_real = is_real
        mixer = nn.Sequential(
            conv(dim, 2 * dim), nn.Mish() if is_real else nn.GELU(), conv(2 * dim, dim, 3 if is_real else 1)
        )
        setattr(self, 'channel_mixer' if is_real else 'channe_mixer', mixer)
        self.lk = Holder(conv=conv(dim // 4, dim // 4, kernel))
        self.attn = Holder(f=nn.Sequential(conv(dim, dim), nn.Sigmoid()))
        self.refine = conv(dim, dim, 1)
        if is_real:
            self.norm = nn.GroupNorm(4, dim)

    def forward(self, x):
        y = self.channel_mixer(x) if self.is_real else self.channe_mixer(x)
        part = self.lk.conv.in_channels
        y = torch.cat([self.lk.conv(y[:, :part]), y[:, part:]], dim=1)
        y = self.refine(y * self.attn.f(y))
        return x + (self.norm(y) if self.is_real else y)


class PLKSR(nn.Module):
    def __init__(self, scale=2, dim=8, blocks=2, kernel=5, is_real=True, groups=None):
        super().__init__()
        self.scale = scale
        middle = [nn.Dropout2d(0)] if is_real else []
        self.feats = nn.Sequential(
            conv(3, dim),
            *[PLKBlock(dim, kernel, is_real) for _ in range(blocks)],
            *middle,
            conv(dim, 3 * scale**2),
        )
        self.to_img = nn.PixelShuffle(scale) if groups is None else DySample(3 * scale**2, 3, scale, groups)

    def forward(self, x):
        return self.to_img(self.feats(x) + x.repeat_interleave(self.scale**2, dim=1))


def shrink(x, amount):
    return x[:, :, amount:-amount, amount:-amount]


class CuganConvs(nn.Module):
    def __init__(self, inputs, middle, outputs, has_gate):
        super().__init__()
        slope = 0.1
        self.conv = nn.Sequential(
            conv(inputs, middle, padding=0), nn.LeakyReLU(slope), conv(middle, outputs, padding=0), nn.LeakyReLU(slope)
        )
        if has_gate:
            self.seblock = Holder(conv1=conv(outputs, outputs // 2, 1), conv2=conv(outputs // 2, outputs, 1))

    def forward(self, x):
        x = self.conv(x)
        if not hasattr(self, 'seblock'):
            return x
        mean = x.mean((2, 3), keepdim=True)
        return x * self.seblock.conv2(F.relu(self.seblock.conv1(mean))).sigmoid()


class CuganUNet(nn.Module):
    """The first of Real-CUGAN's two networks, or with `is_deep` the second."""

    def __init__(self, inputs, outputs, bottom, is_deep, dim=4):
        super().__init__()
        self.is_deep = is_deep
        self.conv1 = CuganConvs(inputs, dim // 2, dim, False)
        self.conv1_down = nn.Conv2d(dim, dim, 2, 2)
        if is_deep:
            self.conv2 = CuganConvs(dim, dim, 2 * dim, True)
            self.conv2_down = nn.Conv2d(2 * dim, 2 * dim, 2, 2)
            self.conv3 = CuganConvs(2 * dim, 4 * dim, 2 * dim, True)
            self.conv3_up = nn.ConvTranspose2d(2 * dim, 2 * dim, 2, 2)
            self.conv4 = CuganConvs(2 * dim, dim, dim, True)
            self.conv4_up = nn.ConvTranspose2d(dim, dim, 2, 2)
            self.conv5 = conv(dim, dim, padding=0)
        else:
            self.conv2 = CuganConvs(dim, 2 * dim, dim, True)
            self.conv2_up = nn.ConvTranspose2d(dim, dim, 2, 2)
            self.conv3 = conv(dim, dim, padding=0)
        kernels = {1: (3, 1, 0), 2: (4, 2, 3), 3: (5, 3, 2)}
        kind = nn.Conv2d if bottom == 1 else nn.ConvTranspose2d
        self.conv_bottom = kind(dim, outputs, *kernels[bottom])

    def forward(self, x):
        first = self.conv1(x)
        second = self.conv2(F.leaky_relu(self.conv1_down(first), 0.1))
        if self.is_deep:
            third = self.conv3(F.leaky_relu(self.conv2_down(second), 0.1))
            third = F.leaky_relu(self.conv3_up(third), 0.1)
            fourth = F.leaky_relu(self.conv4_up(self.conv4(shrink(second, 4) + third)), 0.1)
            y = self.conv5(shrink(first, 16) + fourth)
        else:
            y = self.conv3(shrink(first, 4) + F.leaky_relu(self.conv2_up(second), 0.1))
        return self.conv_bottom(F.leaky_relu(y, 0.1))


class Cugan(nn.Module):
    def __init__(self, scale, is_pro):
        super().__init__()
        self.scale, self.is_pro = scale, is_pro
        inner = 4 if scale == 4 else 3
        self.unet1 = CuganUNet(3, inner, 3 if scale == 3 else 2, False)
        self.unet2 = CuganUNet(inner, inner, 1, True)
        if scale == 4:
            self.conv_final = conv(4, 12, padding=0)
        if is_pro:
            self.register_buffer('pro', torch.zeros(1))

    def forward(self, x):
        height, width = x.shape[2:]
        x = x.clamp(0, 1)
        x = x * 0.7 + 0.15 if self.is_pro else x
        border = {2: 18, 3: 14, 4: 19}[self.scale]
        multiple = 4 if self.scale == 3 else 2
        y = F.pad(x, (border, border + -width % multiple, border, border + -height % multiple), 'reflect')
        y = self.unet1(y)
        y = self.unet2(y) + shrink(y, 20)
        if self.scale == 4:
            y = F.pixel_shuffle(shrink(self.conv_final(y), 1), 2)
        y = y[:, :, : height * self.scale, : width * self.scale]
        if self.scale == 4:
            y = y + F.interpolate(x, scale_factor=4, mode='nearest')
        return (y - 0.15) / 0.7 if self.is_pro else y


TYPES = {torch.float32: 'F32', torch.int64: 'I64'}


def write_safetensors(path, state):
    header, data = {}, b''
    for name, tensor in state.items():
        raw = tensor.detach().contiguous().numpy().tobytes()
        span = [len(data), len(data) + len(raw)]
        header[name] = {'dtype': TYPES[tensor.dtype], 'shape': list(tensor.shape), 'data_offsets': span}
        data += raw
    text = json.dumps(header, separators=(',', ':')).encode()
    path.write_bytes(struct.pack('<Q', len(text)) + text + data)


def write_floats(name, tensor):
    shape = 'x'.join(str(size) for size in tensor.shape[1:])
    (FOLDER / f'{name}_{shape}.f32').write_bytes(tensor.detach().numpy().astype('<f4').tobytes())


def randomize(network):
    """Weights that keep numbers in bounds, and of which none is so small that it could be left out unseen."""
    for name, tensor in network.state_dict().items():
        if not tensor.is_floating_point() or name.endswith(('rpe_biases', 'init_pos', 'pro')):
            continue
        if name.endswith('running_var') or (name.endswith('weight') and tensor.dim() == 1):
            tensor.copy_(torch.rand(tensor.shape) + 0.5)
        elif 'temperature' in name:
            tensor.copy_(torch.rand(tensor.shape) + 1)
        elif 'bias' in name and 'pos' in name:
            tensor.copy_(torch.randn(tensor.shape))
        elif tensor.dim() > 1:
            tensor.copy_(torch.randn(tensor.shape) / (tensor[0].numel()) ** 0.5)
        else:
            tensor.copy_(torch.randn(tensor.shape) * 0.2)


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    networks = {
        'swinir-light': SwinIR('pixelshuffledirect', 2),
        'swinir-classical': SwinIR('pixelshuffle', 4, dim=4, heads=1, depths=(2,), channels=1),
        'swinir-real': SwinIR('nearest+conv', 2, dim=8, depths=(2,), is_narrow=True),
        'safmn': SAFMN(),
        'omnisr': OmniSR(),
        'dat': DAT(),
        'plksr': PLKSR(is_real=False),
        'realplksr': PLKSR(scale=3),
        'realplksr-dysample': PLKSR(groups=4),
        'cugan-2x': Cugan(2, False),
        'cugan-3x': Cugan(3, True),
        'cugan-4x': Cugan(4, True),
    }
    torch.manual_seed(11)
    pictures = [torch.rand(1, 3, *size) for size in SIZES]
    for picture in pictures:
        write_floats('input', picture)
    with torch.no_grad():
        for number, (name, network) in enumerate(networks.items()):
            network.eval()
            # Another network in the list changes none of the others.
            torch.manual_seed(number)
            randomize(network)
            write_safetensors(FOLDER / f'{name}.safetensors', network.state_dict())
            for picture in pictures:
                channels = 1 if name == 'swinir-classical' else 3
                write_floats(name, network(picture[:, :channels])[:, :, ::STEP, ::STEP])


main()
