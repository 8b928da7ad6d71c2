"""What a user would write instead: the networks of a model rebuilt in PyTorch, frames through two pipes of ffmpeg.

    python3 bench/torch-upscale.py --luma MODEL.onnx [--chroma CHROMA.onnx] --ffmpeg PATH --size WxH --rate R --threads N IN OUT -- ENCODER ARGUMENTS

Takes 8-bit 4:2:0 and doubles it. Needs PyTorch, NumPy and onnx (Debian: python3-torch, python3-onnx).
"""

import argparse
import subprocess
import sys

import numpy
import onnx
import torch
import torch.nn.functional as F
from onnx import helper, numpy_helper


class Network:
    """The plain operators of the shipped networks, one torch call each."""

    def __init__(self, path):
        graph = onnx.load(path).graph
        self.weights = {w.name: torch.from_numpy(numpy_helper.to_array(w).copy()) for w in graph.initializer}
        self.inputs = [i.name for i in graph.input]
        self.output = graph.output[0].name
        self.nodes = [
            (n.op_type, list(n.input), n.output[0], {a.name: helper.get_attribute_value(a) for a in n.attribute})
            for n in graph.node
        ]

    def __call__(self, *inputs):
        values = dict(self.weights)
        values.update(zip(self.inputs, inputs))
        for kind, names, result, attributes in self.nodes:
            values[result] = apply(kind, [values[name] for name in names if name], attributes)
        return values[self.output]


def apply(kind, x, attributes):
    if kind == "Conv":
        pads, strides = attributes.get("pads", [0, 0, 0, 0]), attributes.get("strides", [1, 1])
        bias = x[2] if len(x) > 2 else None
        return F.conv2d(x[0], x[1], bias, stride=tuple(strides), padding=tuple(pads[:2]))
    if kind == "Pad":
        top, left, bottom, right = [int(x[1][i]) for i in (2, 3, 6, 7)]
        return F.pad(x[0], (left, right, top, bottom), mode="replicate")
    if kind == "DepthToSpace":
        side = attributes["blocksize"]
        if attributes.get("mode", b"DCR") == b"CRD":
            return F.pixel_shuffle(x[0], side)
        n, c, h, w = x[0].shape
        split = x[0].reshape(n, side, side, c // side**2, h, w).permute(0, 3, 4, 1, 5, 2)
        return split.reshape(n, c // side**2, h * side, w * side)
    if kind == "MaxPool":
        return F.max_pool2d(x[0], tuple(attributes["kernel_shape"]), 1, tuple(attributes["pads"][:2]))
    if kind == "Concat":
        return torch.cat(x, attributes["axis"])
    plain = {"Relu": torch.relu, "Neg": torch.neg, "Add": torch.add, "Mul": torch.mul, "Max": torch.maximum, "Min": torch.minimum}
    if kind not in plain:
        sys.exit(f"{kind} is not known here")
    return plain[kind](*x)


def to_planes(tensor):
    return tensor.mul(255).clamp(0, 255).round().to(torch.uint8).numpy().tobytes()


def main():
    parser = argparse.ArgumentParser()
    for name in ("luma", "chroma", "ffmpeg", "size", "rate", "threads"):
        parser.add_argument(f"--{name}", required=name != "chroma")
    parser.add_argument("input")
    parser.add_argument("output")
    at = sys.argv.index("--")
    options = parser.parse_args(sys.argv[1:at])
    width, height = map(int, options.size.split("x"))
    torch.set_num_threads(int(options.threads))
    luma, chroma = Network(options.luma), Network(options.chroma) if options.chroma else None

    quiet = [options.ffmpeg, "-v", "error", "-nostdin", "-y"]
    raw = ["-f", "rawvideo", "-pix_fmt", "yuv420p"]
    decoder = subprocess.Popen([*quiet, "-i", options.input, "-map", "0:v:0", *raw, "pipe:1"], stdout=subprocess.PIPE)
    source = [*raw, "-s", f"{2 * width}x{2 * height}", "-r", options.rate, "-i", "pipe:0"]
    encoder = subprocess.Popen([*quiet, *source, *sys.argv[at + 1 :], options.output], stdin=subprocess.PIPE)
    samples = width * height
    with torch.no_grad():
        while len(frame := decoder.stdout.read(samples * 3 // 2)) == samples * 3 // 2:
            numbers = torch.from_numpy(numpy.frombuffer(frame, numpy.uint8).astype(numpy.float32) / 255)
            y = numbers[:samples].reshape(1, 1, height, width)
            uv = numbers[samples:].reshape(1, 2, height // 2, width // 2)
            encoder.stdin.write(to_planes(luma(y)))
            doubled = chroma(uv, y) if chroma else F.interpolate(uv, scale_factor=2, mode="bicubic")
            encoder.stdin.write(to_planes(doubled))
    encoder.stdin.close()
    sys.exit(decoder.wait() or encoder.wait())


main()
