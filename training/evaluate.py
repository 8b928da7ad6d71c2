#!/usr/bin/env python3
"""Y-PSNR over ffmpeg's Lanczos on a folder of clips, as JSON: evaluate.py CLIPS [NAME:]NETWORK=FILE [...]; FILE is a best.pt or an ONNX file"""
import argparse
import json
from pathlib import Path

import torch

from footage import make_tests
from train import measure
from weights import load_network


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
        network = load_network(kind, file, options.scale)
        table[name or kind] = {"clips": len(clips), **measure(network, tests, "cpu")}
    print(json.dumps(table, indent=2))


if __name__ == "__main__":
    main()
