#!/usr/bin/env python3
"""
What a network gains by seeing the frames before and after, brought into place: several_frames.py NETWORK DATA START.pt CLIPS [--steps 4000]

An upper bound: crops of photographs that move by known distances, brought into place along the true motion, with no more than a twentieth of a sample of error.
NETWORK learns on from START.pt twice on the same patches, from one frame (the mean of all three where there is noise, as blending
gives at best) and from three. Prints the gain of three frames over one on moving frames of CLIPS, in dB of PSNR.
"""
import argparse
import json
import math
import random
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from degrade import scaling_kernels, shrink
from footage import psnr, read_frames
from loop import charbonnier
from networks import CHAINS, NETWORKS, Upscaler, make_network

SCALE = 2
SIDE = 48
BATCH = 16
MARGIN = 10
"""Source samples around a patch, for shifts and filters."""
FURTHEST = 12
"""Shift between frames at most, in samples of the truth."""
MISSED = 0.05
TAPS = 6
NOISE = (0.0, 0.0, 2.0, 5.0)
RATE = 1e-3
TEST_SHIFTS = ((1, 0), (3, 2), (7, -5))
TEST_NOISE = (0.0, 5.0)


def shift_filter(part: float) -> torch.Tensor:
    """Lanczos of 6 taps that moves a row by `part` of a sample to the left, 0 to 1."""
    def weight(x: float) -> float:
        return 1.0 if abs(x) < 1e-9 else 0.0 if abs(x) >= 3 else 3 * math.sin(math.pi * x) * math.sin(math.pi * x / 3) / (math.pi * x) ** 2

    taps = torch.tensor([weight(k - 2 - part) for k in range(TAPS)])
    return taps / taps.sum()


def move(picture: torch.Tensor, dx: float, dy: float) -> torch.Tensor:
    """[1, 1, h, w], each sample from (dx, dy) away; the edge is repeated."""
    left, top = math.floor(dx), math.floor(dy)
    reach = FURTHEST // SCALE + 4
    padded = F.pad(picture, (reach,) * 4, mode="replicate")
    height, width = picture.shape[-2:]
    y, x = reach + top - 2, reach + left - 2
    part = padded[..., y : y + height + TAPS - 1, x : x + width + TAPS - 1]
    part = F.conv2d(part, shift_filter(dx - left).view(1, 1, 1, TAPS))
    return F.conv2d(part, shift_filter(dy - top).view(1, 1, TAPS, 1))


def see(truths: torch.Tensor, kernel: torch.Tensor, sigma: float) -> torch.Tensor:
    """Frames [n, 1, h, w] as a camera leaves them: smaller, noisy, whole numbers."""
    small = shrink(truths, kernel, SCALE)
    return (small + sigma * torch.randn_like(small)).round().clamp(0, 255)


def bring_into_place(frames: torch.Tensor, shift: tuple[int, int], missed: float) -> torch.Tensor:
    """[3, 1, h, w] of a camera that moves by `shift` samples of the truth to [1, 3, h, w]: the middle one, and the others as it sees them."""
    dx, dy = (s / SCALE for s in shift)
    before = move(frames[:1], dx + random.gauss(0, missed), dy + random.gauss(0, missed))
    after = move(frames[2:], -dx + random.gauss(0, missed), -dy + random.gauss(0, missed))
    return torch.cat([frames[1:2], before, after], 1)


def cut(plane: np.ndarray, x: int, y: int, width: int, height: int, shift: tuple[int, int]) -> torch.Tensor:
    """Three crops, the second at (x, y), as a camera that moves by `shift` a frame sees them."""
    places = [(x + k * shift[0], y + k * shift[1]) for k in (-1, 0, 1)]
    return torch.stack([torch.from_numpy(plane[t : t + height, l : l + width].astype(np.float32)) for l, t in places])[:, None]


def draw(planes: list[np.ndarray], sums: np.ndarray, kernels: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """One frame or the mean [n, 1, h, w], three frames [n, 3, h, w] and truths, 0 to 1."""
    ones, threes, truths = [], [], []
    size = SCALE * (SIDE + 2 * MARGIN)
    while len(ones) < BATCH:
        plane = planes[int(np.searchsorted(sums, random.random() * sums[-1]))]
        if min(plane.shape) <= size + 2 * FURTHEST:
            continue
        shift = (random.randint(-FURTHEST, FURTHEST), random.randint(-FURTHEST, FURTHEST))
        x = random.randint(FURTHEST, plane.shape[1] - size - FURTHEST)
        y = random.randint(FURTHEST, plane.shape[0] - size - FURTHEST)
        crops = cut(plane, x, y, size, size, shift)
        sigma = random.choice(NOISE)
        three = bring_into_place(see(crops, random.choice(kernels[:2]), sigma), shift, MISSED)
        three = three[..., MARGIN:-MARGIN, MARGIN:-MARGIN]
        threes.append(three)
        ones.append(three.mean(1, keepdim=True) if sigma > 0 else three[:, :1])
        m = SCALE * MARGIN
        truths.append(crops[1:2, :, m:-m, m:-m])
    return tuple(torch.cat(parts) / 255 for parts in (ones, threes, truths))


def widen(network: Upscaler, name: str) -> Upscaler:
    """The same network, which sees two more frames and makes nothing of them yet."""
    wide = make_network(name, SCALE)
    first, old = type(wide.layers[0])(3, NETWORKS[name]["widths"][0]), network.layers[0]
    first.conv.weight.data.zero_()
    first.conv.weight.data[:, :1] = old.kernel().detach()
    first.conv.bias.data.copy_(old.conv.bias.data)
    first.project.data.mul_(0.1)
    first.conv.weight.data -= first.kernel().detach() - first.conv.weight.data
    for mine, theirs in zip(list(wide.layers)[1:], list(network.layers)[1:]):
        mine.load_state_dict(theirs.state_dict())
    wide.layers[0] = first
    wide.tail.load_state_dict(network.tail.state_dict())
    wide.linear = torch.nn.Conv2d(3, SCALE**2, 5, padding=2, bias=False)
    wide.linear.weight.data.zero_()
    wide.linear.weight.data[:, :1] = network.linear.weight.data
    return wide


def test(one: Upscaler, three: Upscaler, clips: list[Path]) -> list[dict]:
    kernels = scaling_kernels(SCALE)
    rows = []
    for sigma in TEST_NOISE:
        for shift in TEST_SHIFTS:
            gains, gains_alone = [], []
            for clip in clips:
                plane = read_frames(clip, 1280, 720, 8)[0]
                height, width = (side - 2 * FURTHEST - (side - 2 * FURTHEST) % 4 for side in plane.shape)
                crops = cut(plane, FURTHEST, FURTHEST, width, height, shift)
                for kernel in kernels[:2]:
                    seen = bring_into_place(see(crops, kernel, sigma), shift, 0) / 255
                    single = seen.mean(1, keepdim=True) if sigma > 0 else seen[:, :1]
                    truth = crops[1, 0].numpy()[16:-16, 16:-16]
                    with torch.no_grad():
                        results = [network(x)[0, 0].numpy() * 255 for network, x in ((one, single), (three, seen))]
                    of_one, of_three = (psnr(np.clip(r.round(), 0, 255)[16:-16, 16:-16], truth) for r in results)
                    gains.append(of_three - of_one)
            rows.append({"noise": sigma, "shift": [s / SCALE for s in shift], "gain": round(float(np.mean(gains)), 3)})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", choices=CHAINS)
    parser.add_argument("data", type=Path)
    parser.add_argument("start", type=Path)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--steps", type=int, default=4000)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    random.seed(1)
    one = make_network(options.network, SCALE)
    one.load_state_dict(torch.load(options.start, map_location="cpu"))
    three = widen(one, options.network)
    with np.load(options.data / "planes.npz") as stored:
        planes = [stored[name] for name in stored.files]
    sums = np.cumsum([plane.size for plane in planes])
    kernels = scaling_kernels(SCALE)
    clips = sorted(options.clips.iterdir())
    optimisers = [torch.optim.Adam(network.parameters(), lr=RATE, betas=(0.9, 0.99)) for network in (one, three)]
    for step in range(options.steps + 1):
        if step % (options.steps // 4) == 0:
            print(json.dumps({"network": options.network, "step": step, "gains": test(one, three, clips)}), flush=True)
        now = RATE * (0.5 + 0.5 * math.cos(math.pi * step / options.steps)) + 1e-6
        single, triple, truth = draw(planes, sums, kernels)
        for network, seen, optimiser in zip((one, three), (single, triple), optimisers):
            for group in optimiser.param_groups:
                group["lr"] = now
            loss = charbonnier(network(seen) - truth)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()


if __name__ == "__main__":
    main()
