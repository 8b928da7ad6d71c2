#!/usr/bin/env python3
"""
Writes the int8 twin of a network: quantise.py NETWORK WEIGHTS DATA OUT.onnx

Static quantisation as quantise-dequantise pairs: activations in uint8 from zero on (they follow a ReLU), weights in int8 with a scale an
output channel. The first layer and the linear path, which carry the picture itself, stay in float32. With 7 bits for weights, which kernels without VNNI
could add in 16 bits, `camcorder` lost 0.1 dB; onnxruntime is told to take slower ones there.
"""
import argparse
from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper

from export import OPSET
from networks import NETWORKS, Collapsed, ResidualUpscaler
from train import CODED, Patches
from weights import load_network

WEIGHT_RANGE = 127
CALIBRATION_BATCHES = 32
CLIPPED_SHARE = 1e-5

Ranges = dict[str, tuple[float, float]]
"""Lowest and highest value of what each step of a network gives."""


def calibrate(network: Collapsed, patches: Patches) -> Ranges:
    """What values are between, but for a few."""
    seen: dict[str, list[np.ndarray]] = {}
    with torch.no_grad():
        for _ in range(CALIBRATION_BATCHES):
            source, _ = patches.draw(1.0)
            for name, values in trace(network, source).items():
                seen.setdefault(name, []).append(values.flatten()[::7].numpy())
    low, high = CLIPPED_SHARE, 1 - CLIPPED_SHARE
    return {name: tuple(np.quantile(np.concatenate(values), [low, high]).tolist()) for name, values in seen.items()}


def trace(network: Collapsed, source: torch.Tensor) -> dict[str, torch.Tensor]:
    """Values between the steps of a network, by the names that `build` gives them."""
    inner = network.network
    steps = {}
    if isinstance(inner, ResidualUpscaler):
        features = steps["head"] = inner.first(source)
        for i, (first, second) in enumerate(inner.blocks):
            middle = steps[f"block{i}.inner"] = F.relu(first(features))
            change = steps[f"block{i}.outer"] = second(middle)
            features = steps[f"block{i}"] = F.relu(features + change)
    else:
        features = source
        for i, layer in enumerate(inner.layers):
            features = steps[f"layer{i}"] = F.relu(layer(features))
    steps["tail"] = network.tail(features)
    return steps


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


class Quantised(Graph):
    """Steps of a network whose results are rounded to 256 values of their range."""

    def __init__(self, ranges: Ranges):
        super().__init__()
        self.ranges = ranges

    def rectify(self, name: str, value: str) -> tuple[str, float]:
        """After a ReLU: from zero on, which lets onnxruntime leave the ReLU out. Gives the value and its step."""
        top = self.ranges[name][1]
        return self.round_trip(self.node("Relu", [value], f"{name}.relu"), 0.0, top), top / 255

    def extend(self, name: str, value: str, conv: torch.nn.Conv2d, step: float | None) -> tuple[str, float]:
        return self.rectify(name, self.convolve(name, value, conv, step))


def build(network: Collapsed, ranges: Ranges) -> onnx.ModelProto:
    graph = Quantised(ranges)
    inner = network.network
    if isinstance(inner, ResidualUpscaler):
        value, step = graph.extend("head", "x", inner.head, None)
        for i, (first, second) in enumerate(inner.blocks):
            name = f"block{i}"
            middle, middle_step = graph.extend(f"{name}.inner", value, first, step)
            change = graph.convolve(f"{name}.outer", middle, second, middle_step)
            change = graph.round_trip(change, *ranges[f"{name}.outer"])
            value, step = graph.rectify(name, graph.node("Add", [value, change], f"{name}.sum"))
    else:
        value, step = "x", None
        for i, layer in enumerate(inner.layers):
            value, step = graph.extend(f"layer{i}", value, layer, step)
    detail = graph.round_trip(graph.convolve("tail", value, network.tail, step), *ranges["tail"])
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
    parser.add_argument("network", choices=list(NETWORKS))
    parser.add_argument("weights")
    parser.add_argument("data", type=Path)
    parser.add_argument("out")
    parser.add_argument("--scale", type=int, default=2)
    parser.add_argument("--kind", choices=list(CODED), default="video", help="footage that the ranges of values are measured on")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    collapsed = Collapsed(load_network(options.network, options.weights, options.scale)).eval()
    # What goes in is alike for all scales.
    patches = Patches(options.data, options.kind, 2, CODED[options.kind], "cpu")
    onnx.save(build(collapsed, calibrate(collapsed, patches)), options.out)


if __name__ == "__main__":
    main()
