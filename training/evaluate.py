#!/usr/bin/env python3
"""Y-PSNR over ffmpeg's Lanczos on a folder of clips, as JSON: evaluate.py CLIPS [NAME:]NETWORK=BEST.pt [...]"""
import argparse
import json
from pathlib import Path

import torch

from footage import make_tests
from networks import make_network
from train import measure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", type=Path)
    parser.add_argument("weights", nargs="+", metavar="[NAME:]NETWORK=FILE")
    parser.add_argument("--scale", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(1)
    clips = sorted(options.clips.iterdir())
    tests = [test for clip in clips for test in make_tests(clip, options.scale)]
    table = {}
    for word in options.weights:
        key, file = word.split("=", 1)
        name, _, kind = key.rpartition(":")
        network = make_network(kind, options.scale).eval()
        network.load_state_dict(torch.load(file, map_location="cpu"))
        table[name or kind] = {"clips": len(clips), **measure(network, tests, "cpu")}
    print(json.dumps(table, indent=2))


if __name__ == "__main__":
    main()
