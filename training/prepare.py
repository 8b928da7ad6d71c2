#!/usr/bin/env python3
"""Makes the training set: luma planes, and pairs of them with short pans that went through a codec at a fraction of the size.

    prepare.py PICTURES.tsv FOLDER [--kind video|tape] [--scale 2]

Writes FOLDER/planes.npz and FOLDER/KIND-SCALE.pkl; planes that are there stay. FOLDER/trained-on.tsv lists the pictures: package, file,
licence, author.
"""
import argparse
import csv
import pickle
import random
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image

from degrade import (
    DV_SIZE,
    add_noise,
    blur,
    draw_codec,
    draw_sigma,
    draw_tape_codec,
    encode,
    scaling_kernels,
    shrink,
    to_bytes,
)

LONGEST = 2000
LEAST = 320
PAN_FRAMES = 8
KEPT_FRAMES = (2, 5)
STILL_SHARE = 0.15
"""Of the pans. The others move by whole samples of the truth, so by fractions of the smaller picture's: codecs interpolate then."""
FIELDS_SHARE = 0.1
"""
Truths have all lines of all fields. With a third of the pans in fields, and lines softened as an analogue path does, a network sharpened all that
it saw: 1 dB below Lanczos on clean footage.
"""


class Pair(NamedTuple):
    """A decoded frame and where its truth is: `plane` from `top`, `left` on, softened by `sigma`."""

    plane: int
    top: int
    left: int
    sigma: float
    small: np.ndarray


def read_luma(file: str) -> np.ndarray:
    """Y of BT.601, full range; large pictures are reduced until they are sharp at each sample."""
    picture = Image.open(file).convert("RGB").convert("L")
    longest = max(picture.size)
    if longest > LONGEST:
        picture = picture.resize([round(side * LONGEST / longest) for side in picture.size], Image.LANCZOS)
    plane = np.asarray(picture)
    height, width = plane.shape
    return np.ascontiguousarray(plane[: height // 12 * 12, : width // 12 * 12])


def make_pan(
    index: int, plane: np.ndarray, kind: str, scale: int, rng: random.Random, kept: tuple[int, ...] = KEPT_FRAMES
) -> list[Pair]:
    """Some frames of a pan over one picture. Some tapes pan by fields."""
    truth = torch.from_numpy(plane.astype(np.float32))[None, None]
    sigma = draw_sigma(rng)
    truth = blur(truth, [sigma])
    kernel = rng.choice(scaling_kernels(scale))
    fields = kind == "tape" and rng.random() < FIELDS_SHARE
    room = [side // scale - 1 for side in plane.shape]
    if min(room) < 96:
        return []
    height, width = (min(side - 24, most) // 16 * 16 for side, most in zip(room, (304, 448)))
    if kind == "tape" and all(side >= least for side, least in zip(room, DV_SIZE)):
        height, width = DV_SIZE
    ends = [scale * (side - least) for side, least in zip(room, (height, width))]
    begin = [rng.randint(0, end) for end in ends]
    step = (0, 0) if rng.random() < STILL_SHARE else (rng.randint(-2 * scale, 2 * scale), rng.randint(-3 * scale, 3 * scale))
    level = rng.choice([0, 1.0, 2.0, 3.0, 4.5]) if kind == "tape" else rng.choice([0, 0, 0, 0.7, 1.5])
    coarse = rng.uniform(0, 1) if kind == "tape" else 0.0
    noise = np.random.default_rng(rng.getrandbits(32))
    pictures: dict[tuple[int, int], np.ndarray] = {}
    places, frames = [], []
    for t in range(PAN_FRAMES):
        top, left = (min(max(first + by * t, 0), end) for first, by, end in zip(begin, step, ends))
        phase = (top % scale, left % scale)
        if phase not in pictures:
            part = truth[:, :, phase[0] :, phase[1] :][:, :, : scale * room[0], : scale * room[1]]
            pictures[phase] = shrink(part, kernel, scale).clamp(0, 255)[0, 0].numpy()
        y, x = top // scale, left // scale
        places.append((top, left))
        frames.append(to_bytes(add_noise(pictures[phase][y : y + height, x : x + width], level, coarse, noise)))
    codec = draw_tape_codec(rng, (height, width), 25) if kind == "tape" else draw_codec(rng)
    decoded = encode(frames, codec, fields)
    return [Pair(index, *places[t], sigma, decoded[t].copy()) for t in kept if t < len(decoded)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kind", choices=["video", "tape"], default="video")
    parser.add_argument("--scale", type=int, default=2)
    parser.add_argument("--pans", type=int, default=2, help="pans a picture (default 2)")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    rng = random.Random(5)
    with open(options.pictures, newline="") as rows:
        pictures = [(read_luma(row[0]), row) for row in csv.reader(rows, delimiter="\t")]
    pictures = [(plane, row) for plane, row in pictures if min(plane.shape) >= LEAST]
    planes = [plane for plane, _ in pictures]
    with open(options.folder / "trained-on.tsv", "w", newline="") as out:
        table = csv.writer(out, delimiter="\t", lineterminator="\n")
        table.writerow(["package", "file", "licence", "author"])
        for _, (file, package, *rights) in pictures:
            table.writerow([package, Path(file).relative_to(options.pictures.resolve().parent / package), *rights])
    if not (options.folder / "planes.npz").exists():
        np.savez(options.folder / "planes.npz", *planes)
    pairs = [
        pair
        for index, plane in enumerate(planes)
        for _ in range(options.pans)
        for pair in make_pan(index, plane, options.kind, options.scale, rng)
    ]
    with open(options.folder / f"{options.kind}-{options.scale}.pkl", "wb") as out:
        pickle.dump([tuple(pair) for pair in pairs], out)
    samples = sum(plane.size for plane in planes)
    print(f"{len(planes)} planes, {samples / 1e6:.0f} megapixels, {len(pairs)} pairs")


if __name__ == "__main__":
    main()
