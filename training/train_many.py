#!/usr/bin/env python3
"""Trains several networks on one GPU, one after another, on pictures that lie in its memory.

    train_many.py PLANES PAIRS RUNS JOBS.json --minutes 12 [--validate TESTS.npz]

What takes days with `train.py` on a processor core takes minutes here: patches are drawn, and clean ones shrunk, on the GPU, the layers run in
bfloat16 and a whole step is one CUDA graph. PLANES is the planes.npz of `prepare.py`, PAIRS the folder that `pairs_many.py` may
still be filling. JOBS.json is a list of `Job`s; each gets its share of the minutes, and RUNS/NAME/ gets last.pt, best.pt and log.jsonl.
"""
import argparse
import copy
import json
import math
import random
import time
import traceback
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

from degrade import blur, draw_sigma, scaling_kernels, shrink
from footage import load_tests
from loop import EMA, LOSSES
from networks import Network, make_network, run_in_bfloat16, start_from
from train import CANDIDATES, JUDGED_BY, KERNEL_SHARES, LIMITED, TURNS, WEAKEST, measure

SIDE = 64
"""Of the patches that go in."""
FULL_RATE_AFTER = 0.02
"""Share of a job; the learning rate rises until then and falls as a cosine afterwards."""
REFRESH = 20
"""Seconds after which the planes are degraded anew and new pairs are taken in."""
MOST_SAMPLES = 14_000_000_000
"""Of the truths of a kind of pairs, which the GPU's memory holds."""


class Job(NamedTuple):
    """
    `share` of the minutes; `coded`: share of a batch from pairs of each kind; `start`: a file of weights or an earlier job's name; `weakened`: share of
    the patches with less contrast, at another brightness, so that none is known by its own; `keep`: the weights of every measurement as well.
    """

    name: str
    network: str
    share: float
    rate: float
    scale: int = 2
    coded: dict[str, float] = {"video": 0.375}
    batch: int = 64
    start: str | None = None
    warm_up: float = 0.0
    loss: str = "charbonnier"
    weakened: float = 0.0
    keep: bool = False


class Samples:
    """Pictures of different sizes in one flat tensor each of sources and truths, uint8."""

    def __init__(self, small: torch.Tensor, truth: torch.Tensor, sizes: list[tuple[int, int]], scale: int, edge: int):
        sizes = torch.tensor(sizes)
        areas = sizes.prod(1)
        device = small.device
        self.small, self.truth = small, truth
        self.begins = (areas.cumsum(0) - areas).to(device)
        self.heights, self.widths = sizes.to(device).unbind(1)
        self.shares = areas.double().to(device)
        self.scale, self.edge, self.device = scale, edge, device

    def draw(self, count: int, turns: int) -> tuple[torch.Tensor, torch.Tensor]:
        """[count, SIDE, SIDE] and the truth of it, uint8, turned at random."""
        which = torch.multinomial(self.shares, count, replacement=True)
        y = self.place(self.heights[which])
        x = self.place(self.widths[which])
        begin, width = self.begins[which], self.widths[which]
        turn = torch.randint(turns, (count, 1, 1), device=self.device)
        small = self.gather(self.small, begin, width, y, x, SIDE, turn)
        truth = self.gather(self.truth, begin * self.scale**2, *(self.scale * v for v in (width, y, x)), SIDE * self.scale, turn)
        return small, truth

    def place(self, sides: torch.Tensor) -> torch.Tensor:
        room = sides - SIDE - 2 * self.edge + 1
        return self.edge + (torch.rand(len(sides), device=self.device) * room).long().minimum(room - 1)

    def gather(self, flat, begin, width, y, x, side, turn) -> torch.Tensor:
        steps = torch.arange(side, device=self.device)
        rows, columns = steps.view(1, -1, 1), steps.view(1, 1, -1)
        rows = torch.where((turn & 1) > 0, side - 1 - rows, rows)
        columns = torch.where((turn & 2) > 0, side - 1 - columns, columns)
        turned = (turn & 4) > 0
        rows, columns = torch.where(turned, columns, rows), torch.where(turned, rows, columns)
        origin = (begin + y * width + x).view(-1, 1, 1)
        return flat[origin + rows * width.view(-1, 1, 1) + columns]


def degrade_planes(planes: list[torch.Tensor], scale: int, softened: float) -> Samples:
    """Each plane softened by its own sigma, from its own phase on, shrunk by one of the kernels."""
    kernels = [kernel.to(planes[0].device) for kernel in scaling_kernels(scale)]
    smalls, truths = [], []
    for plane in planes:
        sigma = draw_sigma(random) if random.random() < softened else 0.0
        top, left = np.random.randint(0, 2 * scale, 2)
        height, width = ((side - 2 * scale) // scale * scale for side in plane.shape)
        truth = plane[top : top + height, left : left + width].float()[None, None]
        truth = blur(truth, [sigma]).round() if sigma else truth
        kernel = kernels[np.random.choice(len(kernels), p=KERNEL_SHARES)]
        smalls.append(shrink(truth, kernel, scale).clamp(0, 255).round().byte()[0, 0])
        truths.append(truth.clamp(0, 255).byte()[0, 0])
    small, truth = (torch.cat([part.reshape(-1) for part in parts]) for parts in (smalls, truths))
    return Samples(small, truth, [tuple(part.shape) for part in smalls], scale, edge=0)


class Pairs:
    """Pairs of one kind and scale; `read` takes in the files that are new, as long as there is room."""

    def __init__(self, folder: Path, kind: str, scale: int, planes: list[torch.Tensor]):
        self.folder, self.pattern, self.scale, self.planes = folder, f"{kind}-{scale}-*.npz", scale, planes
        self.known: set[Path] = set()
        self.sizes: list[tuple[int, int]] = []
        self.samples: Samples | None = None
        self.held = 0
        self.is_full = False
        device = planes[0].device
        self.truth = torch.empty(MOST_SAMPLES, dtype=torch.uint8, device=device)
        self.small = torch.empty(MOST_SAMPLES // scale**2, dtype=torch.uint8, device=device)

    def read(self) -> None:
        fresh = sorted(set(self.folder.glob(self.pattern)) - self.known)
        for file in fresh:
            if self.is_full:
                break
            self.read_file(file)
            self.known.add(file)
        if fresh and self.sizes:
            self.samples = Samples(self.small, self.truth, self.sizes, self.scale, edge=4)

    def read_file(self, file: Path) -> None:
        groups: dict[tuple[int, int], list[tuple]] = {}
        with np.load(file) as pairs:
            for k in range(len(pairs.files) // 2):
                plane, top, left, sigma = pairs[f"place{k}"]
                small = pairs[f"small{k}"]
                y, x = int(top), int(left)
                height, width = (self.scale * side for side in small.shape)
                truth = self.planes[int(plane)][y : y + height, x : x + width]
                if truth.shape == (height, width):
                    groups.setdefault(small.shape, []).append((small, truth, float(sigma)))
        for group in groups.values():
            smalls, truths, sigmas = zip(*group)
            soft = blur(torch.stack(truths).float()[:, None], list(sigmas)).round().clamp(0, 255).byte()
            self.add(torch.from_numpy(np.stack(smalls)), soft[:, 0])

    def add(self, smalls: torch.Tensor, truths: torch.Tensor) -> None:
        """[n, h, w] each."""
        begin, end = self.held, self.held + truths.numel()
        if end > len(self.truth):
            self.is_full = True
            return
        self.truth[begin:end].copy_(truths.reshape(-1))
        self.small[begin // self.scale**2 : end // self.scale**2].copy_(smalls.reshape(-1))
        self.held = end
        self.sizes += [tuple(smalls.shape[1:])] * len(smalls)


class Source:
    """Draws the batches of a job."""

    def __init__(self, job: Job, planes: list[torch.Tensor], pairs: dict[str, Pairs]):
        self.job, self.planes, self.coded = job, planes, pairs
        self.turns = TURNS["tape" if "tape" in job.coded else "video"]
        self.refresh(0.0 if job.warm_up else 1.0)

    def refresh(self, warmth: float) -> None:
        self.clean = degrade_planes(self.planes, self.job.scale, warmth)
        for pairs in self.coded.values():
            pairs.read()
        self.refreshed = time.monotonic()

    def draw(self, warmth: float) -> tuple[torch.Tensor, torch.Tensor]:
        """[batch, 1, SIDE, SIDE] and its truth, 0 to 1. At the beginning of the warm-up the most detailed of several clean patches."""
        if time.monotonic() - self.refreshed > (REFRESH if warmth == 1 else REFRESH / 4):
            self.refresh(warmth)
        parts = []
        for kind, share in self.job.coded.items():
            count = round(share * warmth * self.job.batch)
            samples = self.coded[kind].samples
            if samples and count:
                parts.append(samples.draw(count, self.turns))
        count = self.job.batch - sum(len(small) for small, _ in parts)
        candidates = round(CANDIDATES - (CANDIDATES - 1) * warmth)
        small, truth = self.clean.draw(count * candidates, self.turns)
        if candidates > 1:
            detail = small.float().diff(dim=2).abs().mean((1, 2)).view(candidates, count)
            best = detail.argmax(0) * count + torch.arange(count, device=small.device)
            small, truth = small[best], truth[best]
        parts.append((small, truth))
        limited = (torch.rand(self.job.batch, 1, 1, 1, device=small.device) < LIMITED).float()
        gain, offset = (1 - limited * 36 / 255) / 255, limited * 16 / 255
        if self.job.weakened:
            is_weakened, contrast, brightness = torch.rand(3, self.job.batch, 1, 1, 1, device=small.device)
            contrast = 1 - (is_weakened < self.job.weakened) * contrast * (1 - WEAKEST)
            gain, offset = gain * contrast, offset * contrast + (1 - contrast) * brightness
        return tuple(torch.cat([part[k] for part in parts])[:, None].float() * gain + offset for k in (0, 1))


class Step:
    """One step of training as a CUDA graph: the batch is copied to where the graph reads it."""

    def __init__(self, job: Job, network: Network, average: Network, first: tuple[torch.Tensor, torch.Tensor]):
        device = first[0].device
        self.small, self.truth = (part.clone() for part in first)
        self.rate = torch.tensor(1e-6, device=device)
        self.loss = torch.zeros((), device=device)
        self.network, self.find_loss = network, LOSSES[job.loss]
        self.weights = [list(net.parameters()) for net in (network, average)]
        self.graph = None
        if device.type != "cuda":
            self.optimiser = torch.optim.Adam(network.parameters(), lr=job.rate, betas=(0.9, 0.99))
            return
        self.optimiser = torch.optim.Adam(network.parameters(), lr=self.rate, betas=(0.9, 0.99), fused=True, capturable=True)
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                self.compute()
        torch.cuda.current_stream().wait_stream(side)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.compute()

    def compute(self) -> None:
        # The fastest algorithm is looked for here alone: planes have hundreds of sizes.
        with torch.backends.cudnn.flags(enabled=True, benchmark=True, allow_tf32=False):
            self.descend()

    def descend(self) -> None:
        self.optimiser.zero_grad(set_to_none=True)
        error = run_in_bfloat16(self.network, self.small) - self.truth
        loss = self.find_loss(error)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        with torch.no_grad():
            self.loss += loss.detach()
            torch._foreach_mul_(self.weights[1], EMA)
            torch._foreach_add_(self.weights[1], self.weights[0], alpha=1 - EMA)

    def run(self, batch: tuple[torch.Tensor, torch.Tensor], rate: float) -> None:
        self.small.copy_(batch[0])
        self.truth.copy_(batch[1])
        if self.graph:
            self.rate.fill_(rate)
            self.graph.replay()
        else:
            self.optimiser.param_groups[0]["lr"] = rate
            self.compute()


def train(job: Job, seconds: float, planes: list[torch.Tensor], pairs: dict[str, Pairs], runs: Path, tests: list[dict]) -> None:
    began = time.monotonic()
    device = planes[0].device
    folder = runs / job.name
    folder.mkdir(parents=True, exist_ok=True)
    network = make_network(job.network, job.scale).to(device)
    if job.start:
        earlier = runs / job.start / "best.pt"
        start_from(network, torch.load(earlier if earlier.exists() else job.start, map_location=device))
    average = copy.deepcopy(network)
    source = Source(job, planes, pairs)
    step = Step(job, network, average, source.draw(1.0))
    judged_by = JUDGED_BY["tape" if "tape" in job.coded else "video"]
    best, steps, told, told_steps = -math.inf, 0, time.monotonic(), 0
    while True:
        progress = min(1.0, (time.monotonic() - began) / seconds)
        warmth = min(1.0, progress / job.warm_up) if job.warm_up else 1.0
        rate = job.rate * min(1, progress / FULL_RATE_AFTER) * (0.5 + 0.5 * math.cos(math.pi * progress)) + 1e-6
        step.run(source.draw(warmth), rate)
        steps += 1
        if steps % 20 == 0 and device.type == "cuda":
            torch.cuda.synchronize()
        if progress >= 1 or time.monotonic() - told > max(5.0, seconds / 12):
            gains = measure(average.eval(), tests, str(device)) if tests and job.scale == 2 else {}
            score = sum(gains[kind] for kind in judged_by) if gains else float(steps)
            line = {"steps": steps, "seconds": round(time.monotonic() - began), "rate": rate, "loss": round(step.loss.item() / (steps - told_steps), 6)}
            line |= {"pairs": {kind: len(found.sizes) for kind, found in source.coded.items()}, **gains}
            with open(folder / "log.jsonl", "a") as log:
                log.write(json.dumps(line) + "\n")
            print(job.name, json.dumps(line), flush=True)
            step.loss.zero_()
            names = ["last.pt", f"{steps}.pt"] if job.keep else ["last.pt"]
            if score > best:
                best = score
                names.append("best.pt")
            for name in names:
                torch.save({key: value.cpu() for key, value in average.state_dict().items()}, folder / "new.pt")
                (folder / "new.pt").replace(folder / name)
            told, told_steps = time.monotonic(), steps
        if progress >= 1:
            return


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("planes", type=Path)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("runs", type=Path)
    parser.add_argument("jobs", type=Path)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--validate", type=Path, help="what footage.py saved")
    options = parser.parse_args()
    began = time.monotonic()
    torch.backends.cudnn.allow_tf32 = False
    device = "cuda" if torch.cuda.is_available() else "cpu"
    with np.load(options.planes) as saved:
        planes = [torch.from_numpy(saved[name]).to(device) for name in saved.files]
    tests = load_tests(options.validate) if options.validate else []
    pairs: dict[tuple[str, int], Pairs] = {}
    jobs = [Job(**job) for job in json.loads(options.jobs.read_text())]
    for index, job in enumerate(jobs):
        left = 60 * options.minutes - (time.monotonic() - began)
        seconds = left * job.share / sum(later.share for later in jobs[index:])
        if seconds < 1:
            print(job.name, "has no time left", flush=True)
            continue
        try:
            for kind in job.coded:
                if (kind, job.scale) not in pairs:
                    pairs[kind, job.scale] = Pairs(options.pairs, kind, job.scale, planes)
            own = {kind: pairs[kind, job.scale] for kind in job.coded}
            train(job, seconds, planes, own, options.runs, tests)
        except Exception:  # One job that fails must not cost the time of the others.
            print(job.name, "failed:", traceback.format_exc(), flush=True)


if __name__ == "__main__":
    main()
