"""Frames of real footage in RGB, halved, for validation and for the final table. rgb_footage.py CLIPS LUMA.pt RGB.pt prints the gains of both."""
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch

from degrade import run_ffmpeg
from footage import psnr, summarise
from networks import make_network


def read_frames(clip: Path, size: tuple[int, int]) -> list[np.ndarray]:
    """RGB [h, w, 3] of the frames at the beginning, at a third and at two thirds; the middle of larger pictures."""
    crop = f"crop=floor(min(iw\\,{size[0]})/8)*8:floor(min(ih\\,{size[1]})/8)*8"
    command = ["ffmpeg", "-v", "quiet", "-i", str(clip), "-an", "-vf", crop, "-vsync", "0", "-pix_fmt", "rgb24", "-f", "image2pipe", "-c:v", "ppm", "-"]
    data = subprocess.run(command, stdout=subprocess.PIPE).stdout
    frames, at = [], 0
    while at < len(data):
        _, sides, _, _ = data[at : at + 40].split(b"\n", 3)
        width, height = map(int, sides.split())
        begin = at + len(b"P6\n") + len(sides) + len(b"\n255\n")
        at = begin + 3 * width * height
        frames.append((begin, width, height))
    chosen = [frames[i] for i in sorted({0, len(frames) // 3, 2 * len(frames) // 3}) if i < len(frames)]
    return [np.frombuffer(data, np.uint8, 3 * w * h, begin).reshape(h, w, 3) for begin, w, h in chosen]


def resize(picture: np.ndarray, factor: float, flags: str) -> np.ndarray:
    height, width = picture.shape[:2]
    size = (round(width * factor), round(height * factor))
    planes = picture[:, :, (1, 2, 0)].transpose(2, 0, 1)
    raw = ["-f", "rawvideo", "-pix_fmt", "gbrp"]
    scale = f"scale={size[0]}:{size[1]}:flags={flags}+accurate_rnd"
    out = run_ffmpeg([*raw, "-s", f"{width}x{height}", "-i", "-", "-vf", scale, *raw, "-"], planes.tobytes())
    return np.frombuffer(out, np.uint8).reshape(3, size[1], size[0]).transpose(1, 2, 0)[:, :, (2, 0, 1)]


def make_tests(clip: Path, size: tuple[int, int] = (1280, 720)) -> list[dict]:
    tests = []
    for truth in read_frames(clip, size):
        for kind in ("bicubic", "area"):
            half = resize(truth, 1 / 2, kind)
            lanczos = psnr(truth, resize(half, 2, "lanczos"))
            tests.append({"clip": clip.name, "kind": kind, "truth": truth, "half": half, "lanczos": lanczos})
    return tests


def measure(network: torch.nn.Module, tests: list[dict]) -> dict[str, float]:
    """Gains over Lanczos in dB of RGB."""
    gains = []
    with torch.no_grad():
        for test in tests:
            small = torch.from_numpy(test["half"].transpose(2, 0, 1).astype(np.float32) / 255)[None]
            result = (network(small)[0].numpy() * 255).round().clip(0, 255).transpose(1, 2, 0)
            gains.append(psnr(result, test["truth"]) - test["lanczos"])
    return summarise(tests, gains)


def main() -> None:
    clips, luma_file, rgb_file = map(Path, sys.argv[1:])
    luma, rgb = make_network("balanced").eval(), make_network("balanced", colours=3).eval()
    luma.load_state_dict(torch.load(luma_file, map_location="cpu"))
    rgb.load_state_dict(torch.load(rgb_file, map_location="cpu"))
    files = sorted(clips.iterdir())
    tests = [test for clip in files for test in make_tests(clip)]

    def each_plane(pictures: torch.Tensor) -> torch.Tensor:
        return luma(pictures.transpose(0, 1)).transpose(0, 1)

    networks = {"balanced": each_plane, "balanced-rgb": rgb}
    print(json.dumps({name: {"clips": len(files), **measure(network, tests)} for name, network in networks.items()}, indent=2))


if __name__ == "__main__":
    main()
