#!/usr/bin/env python3
"""
How natural enlarged pictures look, beside their PSNR: naturalness.py CLIPS [NAME:]NETWORK=FILE ..., as JSON

The distance of NIQE (Mittal, Soundararajan and Bovik, 2013) between enlarged frames and true ones: 36 statistics of each patch of 96x96, a Gaussian
of all patches on either side, and how far those are apart; 0 is like the truth, and no pixel need be at its place. NIQE's own model is that of
photographs; the truths of the very clips take its place here. `sharpness` is the energy from half to all of Nyquist's frequency over the truth's.
"""
import argparse
import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from footage import BORDER, make_tests, psnr, resize
from weights import load_network

PATCH = 96
WINDOW_SIGMA = 7 / 6
LEAST_ENERGY = 0.01
"""A tenth of a code value, for frames that are black."""
NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))
SHAPES = torch.arange(0.2, 10.001, 0.001, dtype=torch.float64)
SHAPE_RATIOS = torch.exp(2 * torch.lgamma(2 / SHAPES) - torch.lgamma(1 / SHAPES) - torch.lgamma(3 / SHAPES))


def normalise(picture: torch.Tensor) -> torch.Tensor:
    """Mean subtracted, contrast normalised coefficients of [1, 1, h, w] in code values."""
    reach = torch.arange(-3, 4, dtype=torch.float64)
    kernel = torch.exp(-reach * reach / 2 / WINDOW_SIGMA**2)
    kernel /= kernel.sum()

    def smooth(x: torch.Tensor) -> torch.Tensor:
        x = F.pad(x, (3, 3, 3, 3), mode="replicate")
        return F.conv2d(F.conv2d(x, kernel.view(1, 1, 1, 7)), kernel.view(1, 1, 7, 1))

    mean = smooth(picture)
    deviation = (smooth(picture * picture) - mean * mean).clamp(min=0).sqrt()
    return (picture - mean) / (deviation + 1)


def fit_shape(values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Asymmetric generalised Gaussians of the rows of [n, samples]: shape, left and right scale (Lasmar, Stitou and Berthoumieu, 2009)."""
    left = ((values.clamp(max=0) ** 2).sum(1) / (values < 0).sum(1).clamp(min=1)).sqrt().clamp(min=1e-6)
    right = ((values.clamp(min=0) ** 2).sum(1) / (values > 0).sum(1).clamp(min=1)).sqrt().clamp(min=1e-6)
    balance = left / right
    ratio = values.abs().mean(1) ** 2 / (values**2).mean(1).clamp(min=1e-12)
    ratio = ratio * (balance**3 + 1) * (balance + 1) / (balance**2 + 1) ** 2
    # The ratio rises with the shape.
    shape = SHAPES[torch.searchsorted(SHAPE_RATIOS, ratio).clamp(max=len(SHAPES) - 1)]
    scale = torch.exp(0.5 * (torch.lgamma(1 / shape) - torch.lgamma(3 / shape)))
    return shape, left * scale, right * scale


def describe_patches(picture: np.ndarray) -> np.ndarray:
    """[patches, 36] of the inside of a luma plane [h, w]."""
    inside = picture[BORDER:-BORDER, BORDER:-BORDER]
    height, width = (side // PATCH * PATCH for side in inside.shape)
    whole = torch.from_numpy(inside[:height, :width].astype(np.float64))[None, None]
    columns = []
    for scale in (1, 2):
        coefficients = normalise(whole)[0, 0]
        side = PATCH // scale

        def cut(x: torch.Tensor) -> torch.Tensor:
            return x.unfold(0, side, side).unfold(1, side, side).reshape(-1, side * side)

        shape, left, right = fit_shape(cut(coefficients))
        columns += [shape, (left + right) / 2]
        for y, x in NEIGHBOURS:
            shape, left, right = fit_shape(cut(coefficients * coefficients.roll((y, x), (0, 1))))
            mean = (right - left) * torch.exp(torch.lgamma(2 / shape) - torch.lgamma(1 / shape))
            columns += [shape, mean, left, right]
        whole = F.interpolate(whole, scale_factor=0.5, mode="bicubic", antialias=True, align_corners=False)
    return torch.stack(columns, 1).numpy()


def distance(some: np.ndarray, others: np.ndarray) -> float:
    between = some.mean(0) - others.mean(0)
    spread = (np.cov(some, rowvar=False) + np.cov(others, rowvar=False)) / 2
    return math.sqrt(max(0.0, float(between @ np.linalg.pinv(spread) @ between)))


def fine_energy(picture: np.ndarray) -> float:
    """Of the frequencies from half to all of Nyquist's, across or down, in squared code values a sample."""
    plane = picture[BORDER:-BORDER, BORDER:-BORDER].astype(np.float64)
    window = np.outer(*(np.hanning(side) for side in plane.shape))
    power = np.abs(np.fft.fft2((plane - plane.mean()) * window)) ** 2
    down, across = (np.abs(np.fft.fftfreq(side)) for side in plane.shape)
    return float(power[(down[:, None] >= 0.25) | (across[None] >= 0.25)].sum()) / plane.size**2


def measure_naturalness(tests: list[dict], enlarge: Callable[[np.ndarray], np.ndarray]) -> dict[str, dict[str, float]]:
    """For each kind of test: NIQE's distance from the truths, mean of the ratios of fine energy, and PSNR over Lanczos in dB."""
    table = {}
    for kind in dict.fromkeys(test["kind"] for test in tests):
        chosen = [test for test in tests if test["kind"] == kind]
        pictures = [enlarge(test["half"]) for test in chosen]
        true, made = (np.concatenate([describe_patches(picture) for picture in side]) for side in ([t["truth"] for t in chosen], pictures))
        ratios = [(fine_energy(p) + LEAST_ENERGY) / (fine_energy(t["truth"]) + LEAST_ENERGY) for p, t in zip(pictures, chosen)]
        gains = [psnr(picture, test["truth"]) - test["lanczos"] for picture, test in zip(pictures, chosen)]
        figures = {"distance": distance(made, true), "sharpness": float(np.exp(np.mean(np.log(ratios)))), "gain": float(np.mean(gains))}
        table[kind] = {name: round(value, 3) for name, value in figures.items()}
    return table


def run(network: torch.nn.Module, half: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        result = network(torch.from_numpy(half.astype(np.float32) / 255)[None, None])[0, 0].numpy()
    return (result * 255).round().clip(0, 255).astype(np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("weights", nargs="*", metavar="[NAME:]NETWORK=FILE")
    options = parser.parse_args()
    tests = [test for clip in sorted(options.clips.iterdir()) for test in make_tests(clip)]
    table = {"lanczos": measure_naturalness(tests, lambda half: resize(half, 2, "lanczos"))}
    for word in options.weights:
        key, file = word.split("=", 1)
        name, _, kind = key.rpartition(":")
        network = load_network(kind, file)
        table[name or kind] = measure_naturalness(tests, lambda half: run(network, half))
    print(json.dumps(table, indent=2))


if __name__ == "__main__":
    main()
