#!/usr/bin/env python3
"""Trains the chroma network of one siting; goes on from its checkpoint where there is one.

    chroma_train.py SITING DATA RUN --minutes 25 [--validate CLIP ...] [--start OTHER_RUN/best.pt]

DATA is the folder that `chroma_prepare.py` wrote; RUN gets `state.pt`, `best.pt` and `log.jsonl`. The clips are progressive footage that
is never trained on.
"""
import argparse
import pickle
import random
from pathlib import Path

import numpy as np
import torch

from chroma_data import HALVING, MIDDLE, draw_matrix, halve_sited, halving_offset, subsample_offset, to_ycbcr
from chroma_footage import average, make_chroma_tests, measure_gains
from chroma_networks import PHASES, ChromaUpscaler
from degrade import blur
from loop import charbonnier, follow_plan

CLEAN = 10
CODED = 6
GROUP = 5
"""Patches that are halved in the same way."""
PATCH = 40
MARGIN = 8
"""Sides in samples of the source's chroma."""
CANDIDATES = 3
NOISY = 0.25
LEARNING_RATE = 1.5e-3
LINEAR_RATE = 0.05
"""Of the learning rate, for the linear path: it starts near its best."""
EVERY = 400

Pair = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


class Patches:
    def __init__(self, folder: Path, siting: str):
        with np.load(folder / "pictures.npz") as pictures:
            self.pictures = [pictures[name] for name in pictures.files]
        with open(folder / f"pairs-{siting}.pkl", "rb") as file:
            self.pairs = pickle.load(file)
        self.picture_sums = np.cumsum([picture.size for picture in self.pictures])
        self.pair_sums = np.cumsum([pair[0].size for pair in self.pairs])
        self.siting = siting

    def draw(self) -> Pair:
        """Chroma around 0 and luma of the source, and the chroma wanted."""
        groups = [self.draw_clean() for _ in range(CLEAN // GROUP)] + [self.draw_coded()]
        uv, y, truth = (torch.cat([group[k] for group in groups]) for k in range(3))
        uv, truth = augment_colour((uv - MIDDLE) / 255, (truth - MIDDLE) / 255)
        return turn(uv, y / 255, truth, self.siting)

    def draw_coded(self) -> Pair:
        patches = [self.draw_window() for _ in range(CODED)]
        return tuple(torch.from_numpy(np.stack(planes).astype(np.float32)) for planes in zip(*patches))

    def draw_window(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The liveliest chroma of two places; many are grey."""
        luma, chroma, truth = self.pairs[np.searchsorted(self.pair_sums, random.random() * self.pair_sums[-1])]
        windows = []
        for _ in range(2):
            y, x = (random.randint(0, side - PATCH) for side in chroma.shape[1:])
            near = chroma[:, y : y + PATCH, x : x + PATCH]
            wide = (slice(2 * y, 2 * (y + PATCH)), slice(2 * x, 2 * (x + PATCH)))
            windows.append((near, luma[(slice(None), *wide)], truth[(slice(None), *wide)]))
        return max(windows, key=lambda window: float(window[0].std(axis=(1, 2)).sum()))

    def draw_picture(self) -> np.ndarray:
        picture = self.pictures[np.searchsorted(self.picture_sums, random.random() * self.picture_sums[-1])]
        size = 4 * (PATCH + 2 * MARGIN)
        y, x = (random.randint(0, side - size) for side in picture.shape[:2])
        return picture[y : y + size, x : x + size]

    def draw_clean(self) -> Pair:
        crops = []
        for _ in range(GROUP):
            candidates = [self.draw_picture() for _ in range(random.randint(1, CANDIDATES))]
            crops.append(flip(max(candidates, key=measure_colour)))
        rgb = torch.from_numpy(np.stack(crops).astype(np.float32)).permute(0, 3, 1, 2)
        picture = to_ycbcr(rgb, *draw_matrix(random))
        if random.random() < 0.4:
            picture = torch.cat([blur(picture[:, i : i + 1], [random.uniform(0.4, 1.4)] * GROUP) for i in range(3)], dim=1)
        truth = halve_sited(picture[:, 1:], random.choice(HALVING), subsample_offset(self.siting)).round()
        kind = random.choice(HALVING)
        y = halve_sited(picture[:, :1], kind, (0.5, 0.5))
        uv = halve_sited(truth, kind, halving_offset(self.siting))
        if random.random() < NOISY:
            y = y + random.uniform(0, 3) * torch.randn_like(y)
            uv = uv + random.uniform(0, 2) * torch.randn_like(uv)
        inside, wide = slice(MARGIN, -MARGIN), slice(2 * MARGIN, -2 * MARGIN)
        planes = uv[:, :, inside, inside], y[:, :, wide, wide], truth[:, :, wide, wide]
        return tuple(plane.round().clamp(0, 255) for plane in planes)


def measure_colour(rgb: np.ndarray) -> float:
    few = rgb[::4, ::4].astype(np.float32)
    return float((few - few.mean(axis=2, keepdims=True)).std(axis=(0, 1)).sum())


def flip(rgb: np.ndarray) -> np.ndarray:
    """One of the eight turns; before chroma is sited any is right."""
    if random.random() < 0.5:
        rgb = rgb.transpose(1, 0, 2)
    return rgb[:: random.choice((1, -1)), :: random.choice((1, -1))]


def augment_colour(uv: torch.Tensor, truth: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Other hues and saturations, since the pictures are mostly landscapes."""
    if random.random() < 0.25:
        uv, truth = uv.flip(1), truth.flip(1)
    signs = torch.tensor([random.choice((1, 1, 1, -1)) for _ in range(2 * len(uv))]).view(-1, 2, 1, 1)
    gain = torch.empty(len(uv), 1, 1, 1).uniform_(0.6, 1.6) * signs
    return uv * gain, truth * gain


def turn(uv: torch.Tensor, y: torch.Tensor, truth: torch.Tensor, siting: str) -> Pair:
    """Turns that leave the siting as it is."""
    across, down = PHASES[siting]
    planes = (uv, y, truth)
    if across == 0.25 and random.random() < 0.5:
        planes = tuple(plane.flip(3) for plane in planes)
    if down == 0.25 and random.random() < 0.5:
        planes = tuple(plane.flip(2) for plane in planes)
    if across == down and random.random() < 0.5:
        planes = tuple(plane.transpose(2, 3) for plane in planes)
    return planes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("siting", choices=PHASES)
    parser.add_argument("data", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--minutes", type=float, required=True, help="of this plan in all; the learning rate ends with it")
    parser.add_argument("--validate", type=Path, nargs="+", default=[])
    parser.add_argument("--start", type=Path, help="best.pt of another run to start from")
    parser.add_argument("--rate", type=float, default=LEARNING_RATE)
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.run.mkdir(parents=True, exist_ok=True)

    network = ChromaUpscaler(options.siting)
    if options.start:
        kept = {name: value for name, value in torch.load(options.start).items() if not name.startswith("skip")}
        network.load_state_dict(kept, strict=False)
    linear = list(network.skip.parameters())
    others = [weight for name, weight in network.named_parameters() if not name.startswith("skip")]
    groups = [{"params": others, "share": 1.0}, {"params": linear, "share": LINEAR_RATE}]
    optimiser = torch.optim.Adam(groups, lr=options.rate, betas=(0.9, 0.99))

    patches = Patches(options.data, options.siting)
    tests = [test for clip in options.validate for test in make_chroma_tests(clip, options.siting)]

    def find_loss(_progress: float) -> torch.Tensor:
        uv, y, truth = patches.draw()
        return charbonnier(network(uv, y) - truth)

    follow_plan(
        network,
        optimiser,
        options.run,
        minutes=options.minutes,
        rate=options.rate,
        every=EVERY,
        find_loss=find_loss,
        measure=lambda average_network: average(measure_gains(average_network, tests), "bicubic") if tests else {},
        judged_by=("clean", "compressed"),
    )


if __name__ == "__main__":
    main()
