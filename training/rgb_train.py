#!/usr/bin/env python3
"""
Trains a network for RGB, all three planes at once, from the weights of one for luma.

    rgb_train.py NETWORK CHROMA_DATA RUN --start LUMA/best.pt --minutes 60 [--validate CLIPS]

CHROMA_DATA is the folder of `chroma_prepare.py`, of which pictures.npz is read. Pictures are softened and shrunk as for luma; the chroma of some is halved and
interpolated as 4:2:0 is, since most RGB frames were YUV before.
"""
import argparse
import random
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from degrade import blur, draw_sigma, scaling_kernels, shrink
from loop import charbonnier, follow_plan
from networks import bicubic_phases, make_network
from rgb_footage import make_tests, measure
from train import BATCH, KERNEL_SHARES, MARGIN, pick

SIDE = 48
HALVED_CHROMA = 0.4
LUMA = torch.tensor([0.2627, 0.6337, 0.1036])
"""Between the weights of BT.601 and BT.709: a network sees pictures of both."""
EVERY = 500


def spread_luma(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """
    Weights with which a network for RGB enlarges luma as one for luma does, and colour differences as bicubic interpolation does.
    """
    wide = dict(weights)
    for name in ("layers.0.conv.weight", "layers.0.expand"):
        shape = (1, 3) + (1,) * (weights[name].dim() - 2)
        wide[name] = weights[name] * LUMA.view(shape)
    wide["tail.weight"] = weights["tail.weight"].repeat(3, 1, 1, 1)
    wide["tail.bias"] = weights["tail.bias"].repeat(3)
    phases = bicubic_phases(2)
    linear = (weights["linear.weight"] - phases) * LUMA.view(1, 3, 1, 1)
    wide["linear.weight"] = linear.repeat(3, 1, 1, 1)
    for colour in range(3):
        wide["linear.weight"][4 * colour : 4 * colour + 4, colour : colour + 1] += phases
    return wide


def halve_chroma(pictures: torch.Tensor) -> torch.Tensor:
    """[n, 3, h, w] with colour differences of half the size, interpolated again."""
    luma = (pictures * LUMA.view(1, 3, 1, 1)).sum(1, keepdim=True)
    differences = F.interpolate(F.avg_pool2d(pictures - luma, 2), scale_factor=2, mode="bicubic")
    return luma + differences


class Patches:
    """Draws patches uniformly over all samples, 0 to 255."""

    def __init__(self, folder: Path):
        with np.load(folder / "pictures.npz") as saved:
            self.pictures = [picture for picture in (saved[name] for name in saved.files) if min(picture.shape[:2]) >= 2 * SIDE + 4 * MARGIN]
        self.sums = np.cumsum([picture.size for picture in self.pictures])
        self.kernels = scaling_kernels(2)

    def draw(self) -> tuple[torch.Tensor, torch.Tensor]:
        """[BATCH, 3, SIDE, SIDE] and the truth of it, 0 to 1."""
        truth = torch.cat([blur(self.draw_one()[None], [draw_sigma(random)]) for _ in range(BATCH)]).round()
        parts = truth.split(np.random.multinomial(BATCH, KERNEL_SHARES).tolist())
        small = torch.cat([shrink_colours(part, kernel) for part, kernel in zip(parts, self.kernels) if len(part)])
        halved = torch.rand(BATCH, 1, 1, 1) < HALVED_CHROMA
        small = torch.where(halved, halve_chroma(small), small).clamp(0, 255).round()
        inside, wide = slice(MARGIN, -MARGIN), slice(2 * MARGIN, -2 * MARGIN)
        return small[:, :, inside, inside] / 255, truth[:, :, wide, wide] / 255

    def draw_one(self) -> torch.Tensor:
        picture = self.pictures[pick(self.sums)]
        size = 2 * SIDE + 4 * MARGIN
        y = random.randint(0, picture.shape[0] - size)
        x = random.randint(0, picture.shape[1] - size)
        patch = torch.from_numpy(picture[y : y + size, x : x + size].transpose(2, 0, 1).astype(np.float32))
        if random.random() < 0.5:
            patch = patch.flip(2)
        if random.random() < 0.5:
            patch = patch.flip(1)
        return patch.transpose(1, 2) if random.random() < 0.5 else patch


def shrink_colours(pictures: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    n, colours, height, width = pictures.shape
    return shrink(pictures.reshape(n * colours, 1, height, width), kernel, 2).reshape(n, colours, height // 2, width // 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network")
    parser.add_argument("data", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--start", type=Path, required=True, help="best.pt of the same network for luma")
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--validate", type=Path)
    parser.add_argument("--rate", type=float, default=1e-3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.run.mkdir(parents=True, exist_ok=True)
    network = make_network(options.network, colours=3)
    network.load_state_dict(spread_luma(torch.load(options.start, map_location="cpu")))
    network = network.to(memory_format=torch.channels_last)
    patches = Patches(options.data)
    clips = sorted(options.validate.iterdir()) if options.validate else []
    tests = [test for clip in clips for test in make_tests(clip, (480, 272))]

    def find_loss(_: float) -> torch.Tensor:
        small, truth = patches.draw()
        return charbonnier(network(small.contiguous(memory_format=torch.channels_last)) - truth)

    if tests:
        print("begins with", measure(network, tests), flush=True)
    follow_plan(
        network,
        torch.optim.Adam(network.parameters(), lr=options.rate, betas=(0.9, 0.99)),
        options.run,
        minutes=options.minutes,
        rate=options.rate,
        every=EVERY,
        find_loss=find_loss,
        measure=lambda average: measure(average, tests) if tests else {},
        judged_by=("bicubic", "area"),
    )


if __name__ == "__main__":
    main()
