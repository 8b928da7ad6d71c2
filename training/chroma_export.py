#!/usr/bin/env python3
"""Writes a trained chroma network as ONNX, its blocks collapsed: chroma_export.py SITING BEST.pt OUT.onnx"""
import argparse

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from chroma_networks import CORRECTION, OVERSHOOT, PHASES, ChromaUpscaler
from export import OPSET


def by_place(weight: torch.Tensor) -> np.ndarray:
    """From [U of 4 places, V of 4 places] to [U, V of the first place, U, V of the second, ...], as DepthToSpace reads channels."""
    return weight.reshape(2, 4, *weight.shape[1:]).transpose(0, 1).reshape(weight.shape).numpy()


class Graph:
    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def add(self, operation: str, inputs: list[str], output: str, **attributes) -> str:
        self.nodes.append(helper.make_node(operation, inputs, [output], **attributes))
        return output

    def constant(self, name: str, values) -> str:
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def pad(self, value: str, by: int) -> str:
        pads = self.constant(f"{value}_{by}", np.array([0, 0, by, by, 0, 0, by, by], np.int64))
        return self.add("Pad", [value, pads], f"{value}_padded_{by}", mode="edge")

    def convolve(self, value: str, name: str, weight, bias=None, stride: int = 1, padding: int = 0) -> str:
        inputs = [value, self.constant(f"{name}.weight", weight)]
        if bias is not None:
            inputs.append(self.constant(f"{name}.bias", bias))
        size = weight.shape[-1]
        return self.add("Conv", inputs, name, kernel_shape=[size] * 2, strides=[stride] * 2, pads=[padding] * 4)


@torch.no_grad()
def make_graph(network: ChromaUpscaler) -> Graph:
    graph = Graph()
    chroma = graph.convolve(graph.pad("uv", 1), "chroma", network.chroma.weight.numpy(), network.chroma.bias.numpy())
    luma = graph.convolve(graph.pad("y", 2), "luma", network.luma.weight.numpy(), stride=2)
    value = graph.add("Relu", [graph.add("Add", [chroma, luma], "both")], "features")
    for i, layer in enumerate(network.body):
        conv = layer.collapse()
        value = graph.convolve(value, f"body{i}", conv.weight.numpy(), conv.bias.numpy(), padding=1)
        value = graph.add("Relu", [value], f"features{i}")
    weight, bias = CORRECTION * network.tail.weight, CORRECTION * network.tail.bias
    tail = graph.convolve(value, "tail", by_place(weight), by_place(bias), padding=1)
    skip = graph.convolve(graph.pad("uv", 2), "skip", by_place(network.skip.weight))
    value = graph.add("Add", [tail, skip], "free")
    pool = {"kernel_shape": [3, 3], "pads": [1] * 4}
    high = graph.add("MaxPool", ["uv"], "high", **pool)
    negative = graph.add("MaxPool", [graph.add("Neg", ["uv"], "opposite")], "opposite_high", **pool)
    room = graph.add("Mul", [graph.add("Add", [high, negative], "range"), graph.constant("overshoot", np.float32(OVERSHOOT))], "room")
    highest = graph.add("Add", [high, room], "highest")
    lowest = graph.add("Neg", [graph.add("Add", [negative, room], "opposite_lowest")], "lowest")
    bounds = [graph.add("Concat", [bound] * 4, f"{bound}_of_all", axis=1) for bound in (lowest, highest)]
    value = graph.add("Min", [graph.add("Max", [value, bounds[0]], "raised"), bounds[1]], "bounded")
    graph.add("DepthToSpace", [value], "doubled", blocksize=2)
    return graph


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("siting", choices=PHASES)
    parser.add_argument("weights")
    parser.add_argument("out")
    options = parser.parse_args()
    network = ChromaUpscaler(options.siting)
    network.load_state_dict(torch.load(options.weights))
    graph = make_graph(network)
    ends = {"uv": (2, "h", "w"), "y": (1, "h2", "w2"), "doubled": (2, "h2", "w2")}
    infos = {name: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *shape]) for name, shape in ends.items()}
    made = helper.make_graph(graph.nodes, "chroma", [infos["uv"], infos["y"]], [infos["doubled"]], graph.weights)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, options.out)


if __name__ == "__main__":
    main()
