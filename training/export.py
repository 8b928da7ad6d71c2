#!/usr/bin/env python3
"""Writes a trained network as ONNX, its blocks collapsed and its tail folded: export.py NETWORK BEST.pt OUT.onnx"""
import argparse

import onnx
import torch

from networks import Folded, make_network

OPSET = 17


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network")
    parser.add_argument("weights")
    parser.add_argument("out")
    options = parser.parse_args()
    network = make_network(options.network).eval()
    network.load_state_dict(torch.load(options.weights, map_location="cpu"))
    folded = Folded(network).eval()
    sample = torch.rand(1, 1, 48, 64)
    with torch.no_grad():
        difference = (network(sample) - folded(sample)).abs().max().item()
    if difference > 1e-4:
        raise SystemExit(f"The folded network differs by {difference}.")
    sides = {"x": {0: "n", 2: "h", 3: "w"}, "y": {0: "n", 2: "h2", 3: "w2"}}
    names = {"input_names": ["x"], "output_names": ["y"], "dynamic_axes": sides}
    torch.onnx.export(folded, sample, options.out, opset_version=OPSET, **names)
    onnx.checker.check_model(onnx.load(options.out))
    print(f"{options.out}: differs from the trained network by {difference:.1e} at most")


if __name__ == "__main__":
    main()
