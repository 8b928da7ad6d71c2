"""Chroma of real footage, halved and compressed, for validation and for the final table."""
import subprocess
from pathlib import Path

import numpy as np
import torch

from chroma_data import encode_420, halve_sited, halving_offset, lanczos, split_420
from chroma_networks import double
from footage import WINDOW, psnr

KINDS = ("bicubic", "area", "compressed")
CALM = 1.0
"""Mean step between neighbouring samples of chroma, in code values, below which a clip is left out: black and white film."""


def read_420(clip: Path, most_wide: int = 1280, most_high: int = 720) -> tuple[list[np.ndarray], int, int]:
    """All frames as flat yuv420p in code values as they are, the middle of larger pictures; sides are multiples of 16."""
    crop = f"crop=floor(min(iw\\,{most_wide})/16)*16:floor(min(ih\\,{most_high})/16)*16"
    command = ["ffmpeg", "-v", "quiet", "-threads", "1", "-noautorotate", "-i", str(clip), "-an", "-map", "0:v:0"]
    # Only the depth and the rows of 4:2:2 are changed; range and matrix stay.
    filters = ["-vf", f"scale=in_range=tv:out_range=tv,format=yuv420p,{crop}", "-vsync", "0"]
    out = subprocess.run([*command, *filters, "-f", "yuv4mpegpipe", "-strict", "-1", "-"], stdout=subprocess.PIPE).stdout
    header, _, body = out.partition(b"\n")
    fields = {field[:1]: field[1:] for field in header.split()[1:]}
    width, height = int(fields[b"W"]), int(fields[b"H"])
    size = len(b"FRAME\n") + width * height * 3 // 2
    frames = [body[i + 6 : i + size] for i in range(0, len(body) - size + 1, size)]
    return [np.frombuffer(frame, np.uint8) for frame in frames], width, height


def halve_frame(frame: np.ndarray, width: int, height: int, kind: str, siting: str) -> np.ndarray:
    luma, chroma = (torch.from_numpy(plane.astype(np.float32))[None] for plane in split_420(frame, width, height))
    halves = halve_sited(luma, kind, (0.5, 0.5)), halve_sited(chroma, kind, halving_offset(siting))
    return np.concatenate([half.round().clamp(0, 255).numpy().astype(np.uint8).reshape(-1) for half in halves])


def psnr_of_both(result: np.ndarray, truth: np.ndarray) -> float:
    """Mean of the PSNR of U and of V."""
    return (psnr(result[0], truth[0]) + psnr(result[1], truth[1])) / 2


def filter_plane(chroma: np.ndarray, siting: str, kernel: str) -> np.ndarray:
    """Doubled by a plain filter: bicubic as the product has it (a = -0.5), or Lanczos."""
    plane = torch.from_numpy(chroma.astype(np.float32))[None]
    result = double(plane, siting) if kernel == "bicubic" else double(plane, siting, lanczos, 3)
    return result[0].round().clamp(0, 255).numpy()


def make_chroma_tests(clip: Path, siting: str) -> list[dict]:
    """For the first frame and two later ones: the true chroma, the degraded halves and what plain filters make of them, in dB."""
    frames, width, height = read_420(clip)
    tests = []
    size = (width // 2, height // 2)
    for start in sorted({0, len(frames) // 3, 2 * len(frames) // 3}):
        window = frames[start : start + WINDOW]
        middle = len(window) // 2
        halves = [halve_frame(frame, width, height, "bicubic", siting) for frame in window]
        coded = encode_420(halves, *size, "x264", 26)
        cases = {
            "bicubic": (window[0], halves[0]),
            "area": (window[0], halve_frame(window[0], width, height, "area", siting)),
            "compressed": (window[middle], coded[min(middle, len(coded) - 1)]),
        }
        for kind, (frame, half) in cases.items():
            truth = split_420(frame, width, height)[1]
            if np.abs(np.diff(truth.astype(np.int16), axis=2)).mean() * 2 < CALM / 10:
                continue
            luma, chroma = split_420(half, *size)
            plain = {name: psnr_of_both(filter_plane(chroma, siting, name), truth) for name in ("bicubic", "lanczos")}
            tests.append({"clip": clip.name, "kind": kind, "truth": truth, "luma": luma, "chroma": chroma, **plain})
    return tests


def run_network(network: torch.nn.Module, test: dict) -> np.ndarray:
    uv = torch.from_numpy((test["chroma"].astype(np.float32) - 128) / 255)[None]
    y = torch.from_numpy(test["luma"].astype(np.float32) / 255)[None]
    with torch.no_grad():
        return (network(uv, y)[0].numpy() * 255 + 128).round().clip(0, 255)


def measure_gains(network: torch.nn.Module, tests: list[dict]) -> list[dict]:
    """For each test its clip, its kind, and the gain in dB over each filter."""
    rows = []
    for test in tests:
        value = psnr_of_both(run_network(network, test), test["truth"])
        gains = {name: value - test[name] for name in ("bicubic", "lanczos")}
        rows.append({"clip": test["clip"], "kind": test["kind"], "psnr": value, **gains})
    return rows


def average(rows: list[dict], over: str) -> dict[str, float]:
    """Mean gains over a filter: first over a clip's frames, then over clips; `clean` is the mean of bicubic and area."""
    means = {}
    for kind in KINDS:
        clips: dict[str, list[float]] = {}
        for row in rows:
            if row["kind"] == kind:
                clips.setdefault(row["clip"], []).append(row[over])
        means[kind] = float(np.mean([np.mean(values) for values in clips.values()]))
    means["clean"] = (means["bicubic"] + means["area"]) / 2
    return {kind: round(value, 3) for kind, value in means.items()}
