#!/usr/bin/env python3
"""Makes the chroma training set: pictures in RGB, and for one siting short pans that went through a codec at half the size.

    chroma_prepare.py PICTURES.tsv FOLDER SITING      writes FOLDER/pictures.npz (once) and FOLDER/pairs-SITING.pkl
"""
import argparse
import csv
import pickle
import random
from pathlib import Path

import numpy as np
import torch

from chroma_data import HALVING, draw_matrix, encode_420, halve_sited, halving_offset, read_picture, split_420, subsample_offset, to_ycbcr
from chroma_networks import PHASES
from degrade import blur, to_bytes

LONGEST = 1440
"""Most pictures are JPEG with 4:2:0 chroma, some larger: their chroma is then sharp on the grid of the truth's."""
PAN_FRAMES = 5
KEPT_FRAMES = (1, 4)
DV = (720, 576)


def draw_codec(rng: random.Random) -> tuple[str, int]:
    draw = rng.random()
    if draw < 0.6:
        return "x264", rng.randint(18, 30)
    if draw < 0.8:
        return "mpeg2", rng.randint(2, 7)
    return ("dv", 0) if draw < 0.9 else ("mjpeg", rng.randint(2, 7))


def make_pan(rgb: np.ndarray, siting: str, rng: random.Random) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Luma [1, h, w] and chroma [2, h / 2, w / 2] as decoded, and the chroma [2, h, w] that they should become, of some frames."""
    codec, quality = draw_codec(rng)
    matrix, full_range = draw_matrix(rng)
    picture = to_ycbcr(torch.from_numpy(rgb.transpose(2, 0, 1).astype(np.float32)), matrix, full_range)[None]
    kind = rng.choice(HALVING)
    truth = halve_sited(picture[:, 1:], rng.choice(HALVING), subsample_offset(siting))
    if rng.random() < 0.5:
        softened = [blur(truth[:, i : i + 1], [rng.uniform(0.3, 1)]) for i in (0, 1)]
        truth = torch.cat(softened, dim=1)
        picture[:, :1] = blur(picture[:, :1], [rng.uniform(0.3, 1)])
    truth = truth.round()
    luma = halve_sited(picture[:, :1], kind, (0.5, 0.5))[0].numpy()
    chroma = halve_sited(truth, kind, halving_offset(siting))[0].numpy()
    height = min(luma.shape[1] - 16, 304) // 16 * 16
    width = min(luma.shape[2] - 16, 448) // 16 * 16
    top = rng.randrange(0, luma.shape[1] - height, 2)
    left = rng.randrange(0, luma.shape[2] - width, 2)
    step = (2 * rng.randint(-1, 1), 2 * rng.randint(-2, 2))
    sigma = rng.choice([0, 0, 0.7, 1.5])
    noise = np.random.default_rng(rng.getrandbits(32))
    places, frames = [], []
    size = DV if codec == "dv" else (width, height)
    for t in range(PAN_FRAMES):
        y = min(max(top + step[0] * t, 0), luma.shape[1] - height)
        x = min(max(left + step[1] * t, 0), luma.shape[2] - width)
        places.append((y, x))
        planes = [luma[:, y : y + height, x : x + width], chroma[:, y // 2 : (y + height) // 2, x // 2 : (x + width) // 2]]
        planes = [to_bytes(plane + sigma * noise.standard_normal(plane.shape)) for plane in planes]
        full = ((size[1], size[0]), (size[1] // 2, size[0] // 2))
        planes = [np.pad(p, ((0, 0), (0, h - p.shape[1]), (0, w - p.shape[2])), "edge") for p, (h, w) in zip(planes, full)]
        frames.append(np.concatenate([plane.reshape(-1) for plane in planes]))
    decoded = encode_420(frames, *size, codec, quality)
    pairs = []
    for t in KEPT_FRAMES:
        if t < len(decoded):
            y, x = places[t]
            small_luma, small_chroma = split_420(decoded[t], *size)
            wanted = truth[0, :, y : y + height, x : x + width].clamp(0, 255).numpy().astype(np.uint8)
            kept = small_luma[:, :height, :width].copy(), small_chroma[:, : height // 2, : width // 2].copy()
            pairs.append((*kept, wanted))
    return pairs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("siting", choices=PHASES)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    rng = random.Random(7)
    with open(options.pictures, newline="") as rows:
        files = [row[0] for row in csv.reader(rows, delimiter="\t")]
    pictures = [picture for file in files if min((picture := read_picture(file, LONGEST)).shape[:2]) >= 360]
    if not (options.folder / "pictures.npz").exists():
        np.savez(options.folder / "pictures.npz", *pictures)
    pairs = [pair for picture in pictures for pair in make_pan(picture, options.siting, rng)]
    with open(options.folder / f"pairs-{options.siting}.pkl", "wb") as out:
        pickle.dump(pairs, out)
    print(f"{len(pictures)} pictures, {sum(p.size for p in pictures) / 3e6:.0f} megapixels, {len(pairs)} pairs")


if __name__ == "__main__":
    main()
