#!/usr/bin/env python3
"""
Writes the int8 twin of a network: quantise.py NETWORK BEST.pt DATA OUT.onnx

Static quantisation as quantise-dequantise pairs: activations in uint8 from zero on (they follow a ReLU), weights in int8 with a scale an
output channel and 7 bits of range, so that kernels of machines without VNNI, which add two products in 16 bits, cannot overflow: all machines give
the same numbers. The first layer and the linear path, which carry the picture itself, stay in float32.
"""
import argparse
from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper

from export import OPSET
from networks import CHAINS, Collapsed, make_network
from train import CODED, Patches

WEIGHT_RANGE = 63
CALIBRATION_BATCHES = 32
CLIPPED_SHARE = 1e-5


def calibrate(network: Collapsed, patches: Patches) -> tuple[list[float], tuple[float, float]]:
    """Largest value after each layer, but for a few, and the range of what the tail adds."""
    layers = network.network.layers
    seen: list[list[torch.Tensor]] = [[] for _ in layers]
    added = []
    with torch.no_grad():
        for _ in range(CALIBRATION_BATCHES):
            features, _ = patches.draw(1.0)
            for layer, values in zip(layers, seen):
                features = F.relu(layer(features))
                values.append(features.flatten()[::7])
            added.append(network.tail(features).flatten())
    tops = [float(np.quantile(torch.cat(values).numpy(), 1 - CLIPPED_SHARE)) for values in seen]
    low, high = np.quantile(torch.cat(added).numpy(), [CLIPPED_SHARE, 1 - CLIPPED_SHARE])
    return tops, (float(low), float(high))


class Graph:
    """Collects nodes and weights of an ONNX graph."""

    def __init__(self):
        self.nodes, self.weights = [], []

    def weight(self, name: str, value) -> str:
        self.weights.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def node(self, kind: str, inputs: list[str], output: str, **attributes) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def round_trip(self, value: str, low: float, high: float) -> str:
        """`value` in 256 steps from `low` to `high`, in float32 again."""
        step = np.float32((high - low) / 255)
        names = [
            self.weight(f"{value}.step", step),
            self.weight(f"{value}.zero", np.uint8(round(-low / float(step)))),
        ]
        quantised = self.node("QuantizeLinear", [value, *names], f"{value}.u8")
        return self.node("DequantizeLinear", [quantised, *names], f"{value}.back")

    def convolve(self, name: str, value: str, conv: torch.nn.Conv2d, step: float | None) -> str:
        """`conv` in float32, or with int8 weights where `step` of its input is known."""
        kernel = conv.weight.detach().numpy()
        inputs = [value]
        if step is None:
            inputs.append(self.weight(f"{name}.weight", kernel))
        else:
            steps = (np.abs(kernel).max(axis=(1, 2, 3)) / WEIGHT_RANGE).astype(np.float32)
            whole = np.round(kernel / steps[:, None, None, None]).astype(np.int8)
            zeros = self.weight(f"{name}.zeros", np.zeros(len(steps), np.int8))
            names = [self.weight(f"{name}.int8", whole), self.weight(f"{name}.steps", steps), zeros]
            inputs.append(self.node("DequantizeLinear", names, f"{name}.weight", axis=0))
        if conv.bias is not None:
            inputs.append(self.weight(f"{name}.bias", conv.bias.detach().numpy()))
        sides = {"kernel_shape": conv.kernel_size, "strides": conv.stride, "pads": conv.padding * 2}
        return self.node("Conv", inputs, name, **sides)


def build(network: Collapsed, tops: list[float], added: tuple[float, float]) -> onnx.ModelProto:
    graph = Graph()
    value, step = "x", None
    for i, (layer, top) in enumerate(zip(network.network.layers, tops)):
        value = graph.convolve(f"layer{i}", value, layer, step)
        value = graph.node("Relu", [value], f"layer{i}.relu")
        value, step = graph.round_trip(value, 0.0, top), top / 255
    detail = graph.round_trip(graph.convolve("tail", value, network.tail, step), *added)
    base = graph.convolve("linear", "x", network.linear, None)
    total = graph.node("Add", [base, detail], "total")
    graph.node("DepthToSpace", [total], "y", blocksize=network.shuffle, mode="CRD")
    ends = [
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 1, *sides])]
        for name, sides in (("x", ("h", "w")), ("y", ("h2", "w2")))
    ]
    body = helper.make_graph(graph.nodes, "upscaler", *ends, graph.weights)
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", choices=CHAINS)
    parser.add_argument("weights")
    parser.add_argument("data", type=Path)
    parser.add_argument("out")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    network = make_network(options.network).eval()
    network.load_state_dict(torch.load(options.weights, map_location="cpu"))
    collapsed = Collapsed(network).eval()
    tops, added = calibrate(collapsed, Patches(options.data, "video", network.scale, CODED["video"], "cpu"))
    onnx.save(build(collapsed, tops, added), options.out)


if __name__ == "__main__":
    main()
