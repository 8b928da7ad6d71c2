#!/usr/bin/env python3
"""Makes pairs that went through a codec, on many processor cores, until it is stopped: pairs_many.py PLANES PAIRS SCHEDULE.json [--workers 12]

PLANES is the planes.npz of `prepare.py`. PAIRS gets KIND-SCALE-*.npz for `train_many.py`, which takes in what is there. SCHEDULE.json is a list of
[seconds, {"KIND-SCALE": share}]: what is made from then on.
"""
import argparse
import json
import multiprocessing
import os
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np
import torch

import prepare
from degrade import DV_SIZE

KEPT_FRAMES = (1, 3, 4, 6)
PANS_A_FILE = 8
WINDOW = (384, 544)
"""Of the shrunk picture, in which a pan happens; whole pictures only where a frame of DV fits in."""


def choose(schedule: list, seconds: float, rng: random.Random) -> tuple[str, int]:
    shares = [shares for begin, shares in schedule if begin <= seconds][-1]
    word = rng.choices(list(shares), list(shares.values()))[0]
    kind, scale = word.split("-")
    return kind, int(scale)


def make_pan(index: int, plane: np.ndarray, kind: str, scale: int, rng: random.Random) -> list[prepare.Pair]:
    """As `prepare.make_pan`, in a window of the plane: most of a large one would be shrunk for nothing."""
    fits = all(side >= scale * least for side, least in zip(plane.shape, DV_SIZE))
    if kind == "tape" and fits and rng.random() < 0.4:
        return prepare.make_pan(index, plane, kind, scale, rng, KEPT_FRAMES)
    height, width = (min(side, scale * window) for side, window in zip(plane.shape, WINDOW))
    top = rng.randint(0, plane.shape[0] - height)
    left = rng.randint(0, plane.shape[1] - width)
    window = np.ascontiguousarray(plane[top : top + height // scale * scale, left : left + width // scale * scale])
    pairs = prepare.make_pan(index, window, kind, scale, rng, KEPT_FRAMES)
    return [pair._replace(top=pair.top + top, left=pair.left + left) for pair in pairs]


def work(seed: int, planes: Path, folder: Path, schedule: list) -> None:
    torch.set_num_threads(1)
    os.nice(5)
    rng = random.Random(seed)
    began = time.monotonic()
    saved = np.load(planes)
    count = 0
    while True:
        kind, scale = choose(schedule, time.monotonic() - began, rng)
        arrays = {}
        for _ in range(PANS_A_FILE):
            index = rng.randrange(len(saved.files))
            for pair in make_pan(index, saved[saved.files[index]], kind, scale, rng):
                number = len(arrays) // 2
                arrays[f"place{number}"] = np.array([pair.plane, pair.top, pair.left, pair.sigma], np.float32)
                arrays[f"small{number}"] = pair.small
        fresh = folder / f"new-{seed}.npz"
        np.savez(fresh, **arrays)
        fresh.rename(folder / f"{kind}-{scale}-{seed}-{count}.npz")
        count += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("planes", type=Path)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("schedule", type=Path)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    options = parser.parse_args()
    options.pairs.mkdir(parents=True, exist_ok=True)
    schedule = json.loads(options.schedule.read_text())
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=work, args=(seed, options.planes, options.pairs, schedule), daemon=True) for seed in range(options.workers)]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


if __name__ == "__main__":
    main()
