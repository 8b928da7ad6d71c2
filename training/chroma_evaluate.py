#!/usr/bin/env python3
"""Gains in chroma PSNR over plain filters on a folder of clips, as JSON: chroma_evaluate.py CLIPS SITING=BEST.pt [...] [--by-clip]"""
import argparse
import json
from pathlib import Path

import torch

from chroma_footage import average, make_chroma_tests, measure_gains
from chroma_networks import ChromaUpscaler


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", type=Path)
    parser.add_argument("weights", nargs="+", metavar="SITING=FILE")
    parser.add_argument("--by-clip", action="store_true", help="the means of each clip as well")
    options = parser.parse_args()
    torch.set_num_threads(1)
    clips = sorted(options.clips.iterdir())
    table = {}
    for word in options.weights:
        siting, file = word.split("=", 1)
        network = ChromaUpscaler(siting).eval()
        network.load_state_dict(torch.load(file, map_location="cpu"))
        rows = measure_gains(network, [test for clip in clips for test in make_chroma_tests(clip, siting)])
        names = sorted({row["clip"] for row in rows})
        table[siting] = {"clips": len(names), "means": {over: average(rows, over) for over in ("bicubic", "lanczos")}}
        if options.by_clip:
            table[siting]["by_clip"] = {
                name: average([row for row in rows if row["clip"] == name], "bicubic") for name in names
            }
    print(json.dumps(table, indent=2))


if __name__ == "__main__":
    main()
