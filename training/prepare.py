#!/usr/bin/env python3
"""Makes the training set: luma planes, and pairs of them with short pans that went through a codec at half the size.

    prepare.py PICTURES.tsv FOLDER      writes FOLDER/planes.npz and FOLDER/pairs.pkl
"""
import argparse
import csv
import pickle
import random
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from degrade import HALVING_KERNELS, blur, draw_codec, encode, halve, to_bytes

LONGEST = 2000
PAN_FRAMES = 7
KEPT_FRAMES = (2, 5)


def read_luma(file: str) -> np.ndarray:
    """Y of BT.601, full range; large pictures are reduced until they are sharp at each sample."""
    picture = Image.open(file).convert("RGB").convert("L")
    scale = max(picture.size) / LONGEST
    if scale > 1:
        picture = picture.resize([round(side / scale) for side in picture.size], Image.LANCZOS)
    plane = np.asarray(picture)
    height, width = plane.shape
    return np.ascontiguousarray(plane[: height // 4 * 4, : width // 4 * 4])


def make_pan(plane: np.ndarray, rng: random.Random) -> list[tuple[int, int, np.ndarray]]:
    """Top, left (in the plane) and the decoded half-size picture of some frames of a pan."""
    truth = torch.from_numpy(plane.astype(np.float32))[None, None]
    if rng.random() < 0.6:
        truth = blur(truth, rng.uniform(0.4, 1.2))
    small = halve(truth, rng.choice(HALVING_KERNELS)).clamp(0, 255)[0, 0].numpy()
    height = min(small.shape[0] - 24, 304) // 16 * 16
    width = min(small.shape[1] - 24, 448) // 16 * 16
    top = rng.randint(0, small.shape[0] - height)
    left = rng.randint(0, small.shape[1] - width)
    step = (rng.randint(-2, 2), rng.randint(-3, 3))
    sigma = rng.choice([0, 0, 0.7, 1.5, 2.5])
    noise = np.random.default_rng(rng.getrandbits(32))
    places, frames = [], []
    for t in range(PAN_FRAMES):
        y = min(max(top + step[0] * t, 0), small.shape[0] - height)
        x = min(max(left + step[1] * t, 0), small.shape[1] - width)
        places.append((2 * y, 2 * x))
        frames.append(to_bytes(small[y : y + height, x : x + width] + sigma * noise.standard_normal((height, width))))
    decoded = encode(frames, *draw_codec(rng))
    return [(*places[t], decoded[t].copy()) for t in KEPT_FRAMES if t < len(decoded)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pans", type=int, default=2, help="pans a picture (default 2)")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    rng = random.Random(5)
    planes, pairs = [], []
    with open(options.pictures, newline="") as rows:
        files = [row[0] for row in csv.reader(rows, delimiter="\t")]
    for file in files:
        plane = read_luma(file)
        if min(plane.shape) < 320:
            continue
        pairs += [(len(planes), *pair) for _ in range(options.pans) for pair in make_pan(plane, rng)]
        planes.append(plane)
    np.savez(options.folder / "planes.npz", *planes)
    with open(options.folder / "pairs.pkl", "wb") as out:
        pickle.dump(pairs, out)
    samples = sum(plane.size for plane in planes)
    print(f"{len(planes)} planes, {samples / 1e6:.0f} megapixels, {len(pairs)} pairs")


if __name__ == "__main__":
    main()
