#!/usr/bin/env python3
"""
Trains a network on against a critic that is to tell its pictures from true ones, so that they are as sharp as true ones:

    detail_train.py NETWORK DATA RUN --start models/quality/quality.onnx --minutes 120 [--validate CLIPS]

PSNR falls by it: a network that is judged by errors alone leaves out what it cannot place, and what it puts there now is partly invented.
RUN gets `state.pt`, `best.pt` (the most natural, see `naturalness.py`), `log.jsonl`, and the weights of each measurement.
"""
import argparse
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils import spectral_norm

from footage import VALIDATION_SIZE, make_tests
from loop import charbonnier, follow_plan
from naturalness import measure_naturalness, run
from train import Patches
from weights import load_network

LEARNING_RATE = 2e-4
EVERY = 500
BATCH = 8
WEIGHT = 0.1
"""Of the critic's word (ESRGAN, Wang et al. 2018)."""
FEATURES_WEIGHT = 0.3
"""Of the difference in what the critic's layers see (feature matching, Salimans et al. 2016), which needs no network that others trained."""
SAMPLES_WEIGHT = 0.5
"""Of the error of samples, against 1 of the error at the source's size: what the source knows stays, what it cannot know is free."""
SOFTNESS = 0.7
"""Of the truths, as a share of the blur that the sources were made with."""
JUDGED_BY = ("bicubic", "area", "compressed")


class Critic(nn.Module):
    """
    Says for each place how true a picture looks as the enlargement of `small`: four of its samples lie behind each one of that (SRGAN, Ledig et al.
    2017, at the resolution of the smaller picture; spectral normalisation, Miyato et al. 2018).
    """

    def __init__(self, scale: int, width: int = 48):
        super().__init__()
        self.scale = scale
        layers = [(1 + scale**2, width, 3, 1), (width, width, 3, 1), (width, 2 * width, 4, 2), (2 * width, 2 * width, 3, 1)]
        self.layers = nn.ModuleList(spectral_norm(nn.Conv2d(a, b, size, step, padding=1)) for a, b, size, step in layers)
        self.verdict = nn.Conv2d(2 * width, 1, 3, padding=1)

    def forward(self, small: torch.Tensor, picture: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        x = torch.cat([small, F.pixel_unshuffle(picture, self.scale)], 1) * 2 - 1
        seen = []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.2)
            seen.append(x)
        return self.verdict(x), seen


def relative_loss(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Small where `first` looks truer than the mean of `second`, and the other way round (Jolicoeur-Martineau 2018)."""
    return (F.softplus(-(first - second.mean())).mean() + F.softplus(second - first.mean()).mean()) / 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network")
    parser.add_argument("data", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--minutes", type=float, required=True, help="of this plan in all; the learning rate ends with it")
    parser.add_argument("--start", type=Path, required=True)
    parser.add_argument("--validate", type=Path)
    parser.add_argument("--rate", type=float, default=LEARNING_RATE, help=f"learning rate (default {LEARNING_RATE})")
    parser.add_argument("--weight", type=float, default=WEIGHT, help=f"of the critic (default {WEIGHT})")
    parser.add_argument("--coded", type=int, default=2, help=f"patches of a batch of {BATCH} that went through a codec")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.run.mkdir(parents=True, exist_ok=True)

    network = load_network(options.network, options.start).train().to(memory_format=torch.channels_last)
    critic = Critic(network.scale).to(memory_format=torch.channels_last)
    optimiser = torch.optim.Adam(network.parameters(), lr=options.rate, betas=(0.9, 0.99))
    critics_optimiser = torch.optim.Adam(critic.parameters(), lr=options.rate, betas=(0.9, 0.99))
    patches = Patches(options.data, "video", network.scale, {"video": options.coded}, "cpu", BATCH, SOFTNESS)
    clips = sorted(options.validate.iterdir()) if options.validate else []
    tests = [test for clip in clips for test in make_tests(clip, network.scale, *VALIDATION_SIZE)]

    def find_loss(_: float) -> torch.Tensor:
        small, truth = (side.contiguous(memory_format=torch.channels_last) for side in patches.draw(1.0))
        made = network(small)
        critic.requires_grad_(True)
        loss = relative_loss(critic(small, truth)[0], critic(small, made.detach())[0])
        critics_optimiser.zero_grad(set_to_none=True)
        loss.backward()
        critics_optimiser.step()
        critic.requires_grad_(False)
        with torch.no_grad():
            true_verdict, true_seen = critic(small, truth)
        verdict, seen = critic(small, made)
        likeness = sum(F.l1_loss(a, b) for a, b in zip(seen, true_seen)) / len(seen)
        known = charbonnier(F.avg_pool2d(made - truth, network.scale))
        error = known + SAMPLES_WEIGHT * charbonnier(made - truth)
        return error + options.weight * relative_loss(verdict, true_verdict) + FEATURES_WEIGHT * likeness

    def measure(average: nn.Module) -> dict[str, float]:
        torch.save(average.state_dict(), options.run / f"at{len(list(options.run.glob('at*.pt')))}.pt")
        table = measure_naturalness(tests, lambda half: run(average, half)) if tests else {}
        figures = {f"{kind}-{name}": value for kind, row in table.items() for name, value in row.items()}
        return {**figures, "natural": -sum(table[kind]["distance"] for kind in JUDGED_BY)} if table else {}

    follow_plan(
        network,
        optimiser,
        options.run,
        minutes=options.minutes,
        rate=options.rate,
        every=EVERY,
        find_loss=find_loss,
        measure=measure,
        judged_by=("natural",),
        beside={"critic": critic, "critics_optimiser": critics_optimiser},
    )


if __name__ == "__main__":
    main()
