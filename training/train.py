#!/usr/bin/env python3
"""Trains a network of `networks.py`; goes on from its checkpoint where there is one.

    train.py NETWORK DATA RUN --minutes 120 [--validate CLIPS] [--start OTHER_RUN]

DATA is the folder that `prepare.py` wrote; RUN gets `state.pt` (everything needed to go on), `best.pt` and `log.jsonl`. CLIPS is a folder
of progressive footage that is never trained on: wallpapers cannot show how a network does on video.
"""
import argparse
import copy
import json
import math
import pickle
import random
import time
from pathlib import Path

import numpy as np
import torch

from degrade import HALVING_KERNELS, blur, halve
from footage import make_tests, psnr, summarise
from networks import make_network

BATCH = 16
CODEC_PATCHES = 6
SOFTENED = 0.6
WARM_UP = 0.25
"""Share of the plan in which patches turn from detailed, sharp and clean ones to what footage is like."""
CANDIDATES = 4
PATCH = 48
MARGIN = 16
LEARNING_RATE = 1.5e-3
EMA = 0.999
EVERY = 500


class Patches:
    """Draws patches uniformly over all samples; sources and truths are uint8 values in 0..255."""

    def __init__(self, folder: Path, device: str):
        with np.load(folder / "planes.npz") as planes:
            self.planes = [planes[name] for name in planes.files]
        with open(folder / "pairs.pkl", "rb") as file:
            self.pairs = pickle.load(file)
        self.plane_sums = np.cumsum([plane.size for plane in self.planes])
        self.pair_sums = np.cumsum([pair[3].size for pair in self.pairs])
        self.device = device

    def draw(self, warmth: float) -> tuple[torch.Tensor, torch.Tensor]:
        """[BATCH, 1, PATCH, PATCH] and [BATCH, 1, 2 PATCH, 2 PATCH], 0 to 1; `warmth` goes from 0 to 1 in the warm-up."""
        codec = round(CODEC_PATCHES * warmth)
        patches = [self.draw_codec() if i < codec else self.draw_clean(warmth) for i in range(BATCH)]
        patches = [augment(*patch) for patch in patches]
        return tuple(torch.stack([pair[k] for pair in patches])[:, None].to(self.device) / 255 for k in (0, 1))

    def draw_codec(self) -> tuple[torch.Tensor, torch.Tensor]:
        index, top, left, half = self.pairs[np.searchsorted(self.pair_sums, random.random() * self.pair_sums[-1])]
        y = random.randint(0, half.shape[0] - PATCH)
        x = random.randint(0, half.shape[1] - PATCH)
        y2, x2 = top + 2 * y, left + 2 * x
        truth = self.planes[index][y2 : y2 + 2 * PATCH, x2 : x2 + 2 * PATCH]
        return to_floats(half[y : y + PATCH, x : x + PATCH]), to_floats(truth)

    def draw_plane(self) -> np.ndarray:
        plane = self.planes[np.searchsorted(self.plane_sums, random.random() * self.plane_sums[-1])]
        size = 2 * (PATCH + MARGIN)
        y = random.randint(0, plane.shape[0] - size)
        x = random.randint(0, plane.shape[1] - size)
        return plane[y : y + size, x : x + size]

    def draw_clean(self, warmth: float) -> tuple[torch.Tensor, torch.Tensor]:
        candidates = [self.draw_plane() for _ in range(round(CANDIDATES - (CANDIDATES - 1) * warmth))]
        truth = to_floats(max(candidates, key=measure_detail))[None, None]
        if random.random() < SOFTENED * warmth:
            truth = blur(truth, random.uniform(0.4, 1.4))
        truth = truth.clamp(0, 255).round()
        half = halve(truth, random.choice(HALVING_KERNELS)).clamp(0, 255).round()
        inside = slice(MARGIN // 2, MARGIN // 2 + PATCH)
        return half[0, 0, inside, inside], truth[0, 0, MARGIN:-MARGIN, MARGIN:-MARGIN]


def measure_detail(plane: np.ndarray) -> float:
    return float(np.abs(np.diff(plane.astype(np.int16), axis=1)).mean())


def to_floats(samples: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(samples.astype(np.float32))


def augment(half: torch.Tensor, truth: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """One of the eight turns; more than half of the patches in limited range, as video is."""
    turn = random.getrandbits(3)
    for bit, dims in ((1, [0]), (2, [1])):
        if turn & bit:
            half, truth = half.flip(dims), truth.flip(dims)
    if turn & 4:
        half, truth = half.t(), truth.t()
    if random.random() < 0.6:
        half, truth = half * (219 / 255) + 16, truth * (219 / 255) + 16
    return half, truth


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
    parser.add_argument("--validate", type=Path)
    parser.add_argument("--start", type=Path, help="best.pt of another run to start from")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    options.run.mkdir(parents=True, exist_ok=True)

    network = make_network(options.network).to(device, memory_format=torch.channels_last)
    if options.start:
        network.load_state_dict(torch.load(options.start, map_location=device))
    average = copy.deepcopy(network)
    optimiser = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.99))
    step, spent, best = 0, 0.0, -math.inf
    state_file = options.run / "state.pt"
    if state_file.exists():
        state = torch.load(state_file, map_location=device)
        network.load_state_dict(state["network"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        step, spent, best = state["step"], state["seconds"], state["best"]
    random.seed(step)
    torch.manual_seed(step)

    patches = Patches(options.data, device)
    clips = sorted(path for path in options.validate.iterdir()) if options.validate else []
    tests = [test for clip in clips for test in make_tests(clip)]
    began, total = time.monotonic() - spent, 0.0
    while True:
        spent = time.monotonic() - began
        progress = min(1.0, spent / 60 / options.minutes)
        rate = LEARNING_RATE * min(1, (step + 1) / 200) * (0.5 + 0.5 * math.cos(math.pi * progress)) + 1e-6
        for group in optimiser.param_groups:
            group["lr"] = rate
        half, truth = patches.draw(min(1.0, progress / WARM_UP))
        error = network(half.contiguous(memory_format=torch.channels_last)) - truth
        loss = torch.sqrt(error * error + 1e-6).mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        step += 1
        total += loss.item()
        with torch.no_grad():
            keep = min(EMA, (1 + step) / (20 + step))
            for slow, fast in zip(average.parameters(), network.parameters()):
                slow.lerp_(fast, 1 - keep)
        if step % EVERY == 0 or progress >= 1:
            gains = measure(average, tests, device) if tests else {}
            score = gains["clean"] + gains["compressed"] if gains else -total
            line = {"step": step, "seconds": round(spent), "rate": rate, "loss": total / EVERY, **gains}
            with open(options.run / "log.jsonl", "a") as log:
                log.write(json.dumps(line) + "\n")
            if score > best:
                best = score
                torch.save(average.state_dict(), options.run / "best.pt")
            state = {"network": network.state_dict(), "average": average.state_dict(), "best": best}
            state |= {"optimiser": optimiser.state_dict(), "step": step, "seconds": spent}
            torch.save(state, state_file.with_suffix(".new"))
            state_file.with_suffix(".new").replace(state_file)
            total = 0.0
        if progress >= 1:
            return


if __name__ == "__main__":
    main()
