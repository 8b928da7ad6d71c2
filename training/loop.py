"""The loop that all networks are trained by."""
import copy
import json
import math
import random
import time
from collections.abc import Callable
from pathlib import Path

import torch

EMA = 0.999
STEPS_TO_FULL_RATE = 200


def charbonnier(error: torch.Tensor) -> torch.Tensor:
    return torch.sqrt(error * error + 1e-6).mean()


def decibels(error: torch.Tensor) -> torch.Tensor:
    """
    The mean of the patches' PSNR in dB, negative, times 0.0023 (as NAFNet is trained, Chen et al. 2022): a patch that is nearly right counts as much
    as one that is far off. Errors below 0.3 code values count for little.
    """
    return torch.log((error * error).mean((1, 2, 3)) + 1.4e-6).mean() * 0.01


LOSSES = {"charbonnier": charbonnier, "decibels": decibels}


def follow_plan(
    network: torch.nn.Module,
    optimiser: torch.optim.Optimizer,
    run: Path,
    *,
    minutes: float,
    rate: float,
    every: int,
    find_loss: Callable[[float], torch.Tensor],
    measure: Callable[[torch.nn.Module], dict[str, float]],
    judged_by: tuple[str, ...],
    device: str = "cpu",
    beside: dict[str, torch.nn.Module | torch.optim.Optimizer] | None = None,
) -> None:
    """
    Trains `network` until its plan of `minutes` is over, from `run`/state.pt where that is there. `find_loss` gets the share of the plan that
    has passed and gives the loss of a new batch. Every so many steps (`every`) `measure` gets the average of
    the weights (EMA); where the sum of the gains `judged_by` is the best so far, they go to best.pt. Without gains the loss decides.
    What `find_loss` trains `beside` the network is kept in the checkpoint too.
    The rate falls as a cosine; that of a group of parameters is its `share` of it.
    """
    average = copy.deepcopy(network)
    beside = beside or {}
    step, spent, best = 0, 0.0, -math.inf
    state_file = run / "state.pt"
    if state_file.exists():
        state = torch.load(state_file, map_location=device)
        network.load_state_dict(state["network"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        step, spent, best = state["step"], state["seconds"], state["best"]
        for name, other in beside.items():
            other.load_state_dict(state[name])
    random.seed(step)
    torch.manual_seed(step)
    began, total = time.monotonic() - spent, 0.0
    while True:
        spent = time.monotonic() - began
        progress = min(1.0, spent / 60 / minutes)
        now = rate * min(1, (step + 1) / STEPS_TO_FULL_RATE) * (0.5 + 0.5 * math.cos(math.pi * progress)) + 1e-6
        for group in optimiser.param_groups:
            group["lr"] = now * group.get("share", 1.0)
        loss = find_loss(progress)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        step += 1
        total += loss.item()
        with torch.no_grad():
            keep = min(EMA, (1 + step) / (20 + step))
            for slow, fast in zip(average.parameters(), network.parameters()):
                slow.lerp_(fast, 1 - keep)
        if step % every == 0 or progress >= 1:
            gains = measure(average)
            score = sum(gains[kind] for kind in judged_by) if gains else -total
            line = {"step": step, "seconds": round(spent), "rate": now, "loss": total / every, **gains}
            with open(run / "log.jsonl", "a") as log:
                log.write(json.dumps(line) + "\n")
            if score > best:
                best = score
                torch.save(average.state_dict(), run / "best.pt")
            state = {"network": network.state_dict(), "average": average.state_dict(), "best": best}
            state |= {"optimiser": optimiser.state_dict(), "step": step, "seconds": spent}
            state |= {name: other.state_dict() for name, other in beside.items()}
            torch.save(state, state_file.with_suffix(".new"))
            state_file.with_suffix(".new").replace(state_file)
            total = 0.0
        if progress >= 1:
            return
