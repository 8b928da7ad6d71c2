"""Weights of networks, from checkpoints and from what `export.py` made of them."""
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper

from networks import Network, RepConv, make_network


def load_network(name: str, file: str | Path, scale: int = 2) -> Network:
    """A network of brightness with the weights of `file`, as `read_weights` takes it."""
    network = make_network(name, scale).eval()
    network.load_state_dict(read_weights(file, network))
    return network


def read_weights(file: str | Path, network: Network) -> dict[str, torch.Tensor]:
    """The state of `network` in a checkpoint, or in an ONNX file whose collapsed blocks are put back as a sum that gives the same kernel."""
    if Path(file).suffix != ".onnx":
        return torch.load(file, map_location="cpu")
    graph = onnx.load(str(file)).graph
    found = {value.name.removeprefix("network."): torch.from_numpy(numpy_helper.to_array(value).copy()) for value in graph.initializer}
    if network.scale == 2:
        found |= {name: unfold(value) for name, value in found.items() if name.startswith(("tail.", "linear."))}
    weights = {name: found.get(name, value) for name, value in network.state_dict().items()}
    for name, module in network.named_modules():
        if isinstance(module, RepConv):
            branches = (module.kernel() - module.conv.weight).detach().cpu()
            weights[f"{name}.conv.weight"] = found[f"{name}.weight"] - branches
            weights[f"{name}.conv.bias"] = found[f"{name}.bias"]
    return weights


def unfold(folded: torch.Tensor) -> torch.Tensor:
    """What `fold` of networks.py made, back: its first 2x2 of 4x4 samples stand at the kernel's own place."""
    if folded.dim() == 1:
        return folded.view(-1, 16)[:, [0, 1, 4, 5]].reshape(-1)
    size = folded.shape[-1] - 1
    return folded.view(-1, 16, *folded.shape[1:])[:, [0, 1, 4, 5], :, :size, :size].reshape(-1, folded.shape[1], size, size)
