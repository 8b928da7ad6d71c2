#!/usr/bin/env python3
"""How far networks move the brightness of flat ground on real tapes: drift.py CLIPS NETWORK=FILE ... [--scale 4], as JSON

Of the first frame of each clip, the mean difference of the means of 32x32 samples from those of ffmpeg's Lanczos, in code values. PSNR on clean tests
does not show a network that paints patches on what it does not know; this does.
"""
import argparse
import json
from pathlib import Path

import numpy as np
import torch

from footage import read_frames, resize
from weights import load_network

MOST_WIDE, MOST_HIGH = 400, 320
BLOCK = 32


def average_blocks(picture: np.ndarray) -> np.ndarray:
    height, width = (side // BLOCK for side in picture.shape)
    return picture[: height * BLOCK, : width * BLOCK].reshape(height, BLOCK, width, BLOCK).mean((1, 3))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", type=Path)
    parser.add_argument("weights", nargs="+", metavar="NETWORK=FILE")
    parser.add_argument("--scale", type=int, default=2)
    options = parser.parse_args()
    networks = {}
    for word in options.weights:
        kind, file = word.split("=", 1)
        networks[file] = load_network(kind, file, options.scale)
    table = {}
    for clip in sorted(options.clips.iterdir()):
        frame = read_frames(clip, MOST_WIDE, MOST_HIGH, 16)[0]
        usual = average_blocks(resize(frame, options.scale, "lanczos").astype(np.float64))
        source = torch.from_numpy(frame.astype(np.float32) / 255)[None, None]
        with torch.no_grad():
            drifts = {file: np.abs(average_blocks(net(source)[0, 0].numpy() * 255) - usual).mean() for file, net in networks.items()}
        table[clip.name] = {file: round(float(drift), 3) for file, drift in drifts.items()}
    print(json.dumps(table, indent=2))


if __name__ == "__main__":
    main()
