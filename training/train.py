#!/usr/bin/env python3
"""Trains a network of `networks.py`; goes on from its checkpoint where there is one.

    train.py NETWORK DATA RUN --minutes 120 [--kind tape] [--scale 3] [--validate CLIPS] [--start OTHER_RUN/best.pt]

DATA is the folder that `prepare.py` wrote; RUN gets `state.pt` (everything needed to go on), `best.pt` and `log.jsonl`. CLIPS is a folder
of progressive footage that is never trained on: wallpapers cannot show how a network does on video.
"""
import argparse
import functools
import pickle
import random
from pathlib import Path

import numpy as np
import torch

from degrade import blur, draw_sigma, scaling_kernels, shrink
from footage import VALIDATION_SIZE, make_tests, psnr, summarise
from loop import LOSSES, follow_plan
from networks import make_network, run_in_bfloat16, start_from
from weights import read_weights

BATCH = 16
CODED = {"video": {"video": 6}, "tape": {"video": 8, "tape": 5}}
"""Patches of a batch that went through a codec, by the kind of pairs that they are from."""
JUDGED_BY = {"video": ("clean", "compressed"), "tape": ("compressed", "tape")}
TURNS = {"video": 8, "tape": 4}
"""Ways to turn a patch; what tapes do differs along and across lines."""
KERNEL_SHARES = (0.4, 0.4, 0.2)
WARM_UP = 0.2
"""Share of the plan in which patches turn from detailed, sharp and clean ones to what footage is like, where nothing was learnt before."""
CANDIDATES = 4
SIDE = 48
"""Of the patches that go in."""
MARGIN = 16
LIMITED = 0.6
"""Share of the patches in limited range, as video is."""
WEAKEST = 0.5
"""Contrast that is left of a weakened patch, at least."""
LEARNING_RATE = 1.5e-3
EVERY = 1000


class Patches:
    """
    Draws patches uniformly over all samples; sources and truths are uint8 values in 0..255. Truths have a share `softness` of the blur that the
    sources were made with, a share `weakened` of the patches less contrast, at another brightness, so that none is known by its own.
    """

    def __init__(
        self,
        folder: Path,
        kind: str,
        scale: int,
        coded: dict[str, int],
        device: str,
        batch: int = BATCH,
        softness: float = 1.0,
        weakened: float = 0.0,
    ):
        with np.load(folder / "planes.npz") as planes:
            self.planes = [planes[name] for name in planes.files]
        self.pairs = {}
        for name in coded:
            with open(folder / f"{name}-{scale}.pkl", "rb") as file:
                self.pairs[name] = pickle.load(file)
        self.plane_sums = np.cumsum([plane.size for plane in self.planes])
        self.pair_sums = {name: np.cumsum([pair[-1].size for pair in pairs]) for name, pairs in self.pairs.items()}
        self.kernels = scaling_kernels(scale)
        self.coded, self.scale, self.device, self.batch, self.softness = coded, scale, device, batch, softness
        self.weakened = weakened
        self.turns = TURNS[kind]

    def draw(self, warmth: float) -> tuple[torch.Tensor, torch.Tensor]:
        """[batch, 1, SIDE, SIDE] and its truth, 0 to 1; `warmth` goes from 0 to 1 in the warm-up."""
        coded = {name: round(count * warmth) for name, count in self.coded.items()}
        patches = self.draw_clean(self.batch - sum(coded.values()), warmth)
        for name, count in coded.items():
            if count > 0:
                patches += self.draw_coded(name, count)
        patches = [self.augment(*patch) for patch in patches]
        return tuple(torch.stack([pair[k] for pair in patches])[:, None].to(self.device) / 255 for k in (0, 1))

    def draw_coded(self, name: str, count: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
        smalls, truths, sigmas = [], [], []
        for _ in range(count):
            plane, top, left, sigma, small = self.pairs[name][pick(self.pair_sums[name])]
            y = random.randint(4, small.shape[0] - SIDE - 4)
            x = random.randint(4, small.shape[1] - SIDE - 4)
            smalls.append(to_floats(small[y : y + SIDE, x : x + SIDE]))
            y, x = top + self.scale * y - 4, left + self.scale * x - 4
            size = self.scale * SIDE + 8
            truths.append(self.planes[plane][y : y + size, x : x + size])
            sigmas.append(sigma * self.softness)
        soft = blur(to_floats(np.stack(truths))[:, None], sigmas)[:, 0, 4:-4, 4:-4]
        return list(zip(smalls, soft))

    def draw_plane(self) -> np.ndarray:
        plane = self.planes[pick(self.plane_sums)]
        size = self.scale * SIDE + 2 * MARGIN * self.scale
        y = random.randint(0, plane.shape[0] - size)
        x = random.randint(0, plane.shape[1] - size)
        return plane[y : y + size, x : x + size]

    def draw_clean(self, count: int, warmth: float) -> list[tuple[torch.Tensor, torch.Tensor]]:
        candidates = round(CANDIDATES - (CANDIDATES - 1) * warmth)
        truths = [max((self.draw_plane() for _ in range(candidates)), key=measure_detail) for _ in range(count)]
        sigmas = [draw_sigma(random) if random.random() < warmth else 0.0 for _ in truths]
        planes = to_floats(np.stack(truths))[:, None]
        source = truth = blur(planes, sigmas).round()
        if self.softness < 1:
            truth = blur(planes, [sigma * self.softness for sigma in sigmas]).round()
        shares = np.random.multinomial(count, KERNEL_SHARES)
        parts = [shrink(part, k, self.scale) for part, k in zip(source.split(shares.tolist()), self.kernels) if len(part)]
        small = torch.cat(parts).clamp(0, 255).round()
        margin = MARGIN * self.scale
        return list(zip(small[:, 0, MARGIN:-MARGIN, MARGIN:-MARGIN], truth[:, 0, margin:-margin, margin:-margin]))

    def augment(self, small: torch.Tensor, truth: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """One of the turns; more than half of the patches in limited range."""
        turn = random.randrange(self.turns)
        for bit, dims in ((1, [0]), (2, [1])):
            if turn & bit:
                small, truth = small.flip(dims), truth.flip(dims)
        if turn & 4:
            small, truth = small.t(), truth.t()
        if random.random() < LIMITED:
            small, truth = small * (219 / 255) + 16, truth * (219 / 255) + 16
        if random.random() < self.weakened:
            contrast = random.uniform(WEAKEST, 1)
            offset = (1 - contrast) * random.uniform(0, 255)
            small, truth = small * contrast + offset, truth * contrast + offset
        return small, truth


def pick(sums: np.ndarray) -> int:
    return int(np.searchsorted(sums, random.random() * sums[-1]))


def measure_detail(plane: np.ndarray) -> float:
    return float(np.abs(np.diff(plane[::2].astype(np.int16), axis=1)).mean())


def to_floats(samples: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(samples.astype(np.float32))


def measure(network: torch.nn.Module, tests: list[dict], device: str) -> dict[str, float]:
    gains = []
    with torch.no_grad():
        for test in tests:
            half = torch.from_numpy(test["half"].astype(np.float32) / 255)[None, None].to(device)
            result = (network(half)[0, 0].cpu().numpy() * 255).round().clip(0, 255)
            gains.append(psnr(result, test["truth"]) - test["lanczos"])
    return summarise(tests, gains)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network")
    parser.add_argument("data", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--minutes", type=float, required=True, help="of this plan in all; the learning rate ends with it")
    parser.add_argument("--kind", choices=list(CODED), default="video")
    parser.add_argument("--coded", type=int, help="patches of a batch of 16 that went through a codec (6 for video)")
    parser.add_argument("--scale", type=int, default=2)
    parser.add_argument("--validate", type=Path)
    parser.add_argument("--rate", type=float, default=LEARNING_RATE, help=f"learning rate (default {LEARNING_RATE})")
    parser.add_argument("--loss", choices=list(LOSSES), default="charbonnier")
    parser.add_argument("--start", type=Path, help="best.pt of another run, or an ONNX file, to start from")
    parser.add_argument("--weakened", type=float, default=0.0, help="share of the patches with less contrast (quality has 0.3)")
    parser.add_argument("--bfloat16", action="store_true", help="more than twice as fast on processors that have it (avx512_bf16)")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    options.run.mkdir(parents=True, exist_ok=True)

    network = make_network(options.network, options.scale).to(device, memory_format=torch.channels_last)
    if options.start:
        start_from(network, read_weights(options.start, network))
    optimiser = torch.optim.Adam(network.parameters(), lr=options.rate, betas=(0.9, 0.99))

    coded = CODED[options.kind] if options.coded is None else {options.kind: options.coded}
    patches = Patches(options.data, options.kind, options.scale, coded, device, weakened=options.weakened)
    clips = sorted(path for path in options.validate.iterdir()) if options.validate else []
    tests = [test for clip in clips for test in make_tests(clip, options.scale, *VALIDATION_SIZE)]

    run = functools.partial(run_in_bfloat16, network) if options.bfloat16 else network
    warm_up = 0.0 if options.start else WARM_UP

    def find_loss(progress: float) -> torch.Tensor:
        small, truth = patches.draw(min(1.0, progress / warm_up) if warm_up else 1.0)
        return LOSSES[options.loss](run(small.contiguous(memory_format=torch.channels_last)) - truth)

    follow_plan(
        network,
        optimiser,
        options.run,
        minutes=options.minutes,
        rate=options.rate,
        every=EVERY,
        find_loss=find_loss,
        measure=lambda average: measure(average, tests, device) if tests else {},
        judged_by=JUDGED_BY[options.kind],
        device=device,
    )


if __name__ == "__main__":
    main()
