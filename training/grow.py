#!/usr/bin/env python3
"""
Starts a larger network from a trained smaller one: grow.py SMALL BEST.pt LARGE OUT.pt [--scale 2]

The larger network gives what the smaller one gives and learns on from there (Net2Net, Chen et al. 2016): its first channels are the smaller
network's, further layers hand them through, and what the new channels add to the tail starts near zero.
"""
import argparse

import torch

from networks import RepConv, Upscaler, make_network

FRESH = 0.1
"""What is left of the random weights that read new channels into the tail."""


def set_kernel(layer: RepConv, rows: int, kernel: torch.Tensor) -> None:
    """Makes `kernel` [rows, inputs, 3, 3] the collapsed one of the first `rows` outputs."""
    layer.conv.weight.data[:rows] += kernel - layer.kernel().detach()[:rows]


def grow(small: Upscaler, large: Upscaler) -> None:
    before = 0
    for i, layer in enumerate(large.layers):
        kernel = torch.zeros_like(layer.conv.weight)
        if i < len(small.layers):
            trained = small.layers[i].kernel().detach()
            kept, before = len(trained), trained.shape[1]
            kernel[:kept, :before] = trained
            layer.conv.bias.data[:kept] = small.layers[i].conv.bias.detach()
        else:
            # What comes in follows a ReLU, so the identity goes through this one unchanged.
            kernel[range(kept), range(kept), 1, 1] = 1
            layer.conv.bias.data[:kept] = 0
        set_kernel(layer, kept, kernel[:kept])
    large.tail.weight.data *= FRESH
    large.tail.weight.data[:, :kept] = small.tail.weight.data
    large.tail.bias.data.copy_(small.tail.bias.data)
    large.linear.weight.data.copy_(small.linear.weight.data)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("small")
    parser.add_argument("weights")
    parser.add_argument("large")
    parser.add_argument("out")
    parser.add_argument("--scale", type=int, default=2)
    options = parser.parse_args()
    torch.manual_seed(1)
    small, large = (make_network(name, options.scale).eval() for name in (options.small, options.large))
    small.load_state_dict(torch.load(options.weights, map_location="cpu"))
    grow(small, large)
    sample = torch.rand(1, 1, 48, 64)
    with torch.no_grad():
        difference = (small(sample) - large(sample)).abs().mean().item()
    torch.save(large.state_dict(), options.out)
    print(f"{options.out}: differs from the smaller network by {difference:.1e} on average")


if __name__ == "__main__":
    main()
