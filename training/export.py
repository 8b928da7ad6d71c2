#!/usr/bin/env python3
"""
Writes a trained network as ONNX, its blocks collapsed: export.py NETWORK BEST.pt OUT.onnx [--scale 3] [--mean OTHER.onnx]

With --mean its weights are the mean of those of both, which stands between them where one began with the other.
"""
import argparse

import onnx
import torch

from networks import Collapsed, make_network
from weights import read_weights

OPSET = 17


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network")
    parser.add_argument("weights")
    parser.add_argument("out")
    parser.add_argument("--scale", type=int, default=2)
    parser.add_argument("--colours", type=int, default=1)
    parser.add_argument("--mean")
    options = parser.parse_args()
    network = make_network(options.network, options.scale, options.colours).eval()
    weights = read_weights(options.weights, network)
    if options.mean:
        other = read_weights(options.mean, network)
        weights = {name: (value + other[name]) / 2 for name, value in weights.items()}
    network.load_state_dict(weights)
    final = Collapsed(network).eval()
    sample = torch.rand(1, options.colours, 48, 64)
    with torch.no_grad():
        difference = (network(sample) - final(sample)).abs().max().item()
    if difference > 1e-4:
        raise SystemExit(f"The collapsed network differs by {difference}.")
    sides = {"x": {0: "n", 2: "h", 3: "w"}, "y": {0: "n", 2: "h2", 3: "w2"}}
    names = {"input_names": ["x"], "output_names": ["y"], "dynamic_axes": sides}
    torch.onnx.export(final, sample, options.out, opset_version=OPSET, **names)
    onnx.checker.check_model(onnx.load(options.out))
    print(f"{options.out}: differs from the trained network by {difference:.1e} at most")


if __name__ == "__main__":
    main()
