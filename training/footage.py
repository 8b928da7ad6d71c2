"""
Frames of real footage, halved and compressed, for validation and for the final table. footage.py CLIPS OUT.npz saves those for validation, for
machines without the clips.
"""
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np

from degrade import add_noise, encode, run_ffmpeg, to_bytes

BORDER = 8
TEST_CODEC = ["-c:v", "libx264", "-preset", "medium", "-crf", "26", "-g", "12"]
TAPE_NOISE = 3.0
TAPE_BITS = 0.5
"""A pixel, as DVDs and DVB have it; frames come at 25 a second."""
VALIDATION_SIZE = (480, 272)
"""The middle of larger frames, so that validation takes little of the time."""
WINDOW = 5
"""Frames that are compressed together; the one in the middle is measured."""


def count_frames(clip: Path) -> int:
    command = ["ffprobe", "-v", "quiet", "-select_streams", "v:0", "-count_packets"]
    shown = ["-show_entries", "stream=nb_read_packets", "-of", "csv=p=0", str(clip)]
    out = subprocess.run([*command, *shown], stdout=subprocess.PIPE, check=True).stdout.decode().split()
    return int(out[0].strip(",")) if out else 0


def read_frames(clip: Path, most_wide: int, most_high: int, step: int) -> list[np.ndarray]:
    """Luma of all frames [h, w], the middle of larger pictures; sides are multiples of `step`."""
    crop = f"crop=floor(min(iw\\,{most_wide})/{step})*{step}:floor(min(ih\\,{most_high})/{step})*{step}"
    filters = ["-an", "-vf", f"format=yuv420p,extractplanes=y,{crop}", "-vsync", "0"]
    command = ["ffmpeg", "-v", "quiet", "-threads", "1", "-i", str(clip), *filters, "-map", "0:v:0"]
    out = subprocess.run([*command, "-f", "yuv4mpegpipe", "-pix_fmt", "gray", "-"], stdout=subprocess.PIPE).stdout
    header, _, body = out.partition(b"\n")
    fields = {field[:1]: field[1:] for field in header.split()[1:]}
    width, height = int(fields[b"W"]), int(fields[b"H"])
    size = len(b"FRAME\n") + width * height
    frames = [body[i : i + size] for i in range(0, len(body) - size + 1, size)]
    return [np.frombuffer(frame[-width * height :], np.uint8).reshape(height, width) for frame in frames]


def resize(picture: np.ndarray, factor: float, flags: str) -> np.ndarray:
    height, width = picture.shape
    size = (round(width * factor), round(height * factor))
    raw = ["-f", "rawvideo", "-pix_fmt", "gray"]
    scale = f"scale={size[0]}:{size[1]}:flags={flags}+accurate_rnd"
    out = run_ffmpeg([*raw, "-s", f"{width}x{height}", "-i", "-", "-vf", scale, *raw, "-"], picture.tobytes())
    return np.frombuffer(out, np.uint8).reshape(size[1], size[0])


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """Of the inside, in dB; 8-bit values."""
    inside = (slice(BORDER, -BORDER),) * 2
    error = np.mean((a[inside].astype(np.float64) - b[inside]) ** 2)
    return 10 * math.log10(255**2 / max(error, 1e-6))


def make_tests(clip: Path, scale: int = 2, most_wide: int = 1280, most_high: int = 720) -> list[dict]:
    """For the first frame and two later ones: the truth, its degraded smaller pictures and what ffmpeg's Lanczos makes of them, in dB."""
    frames = read_frames(clip, most_wide, most_high, math.lcm(8, scale))
    tests = []
    for start in sorted({0, len(frames) // 3, 2 * len(frames) // 3}):
        window = frames[start : start + WINDOW]
        if not window:
            continue
        middle = len(window) // 2
        halves = [resize(frame, 1 / scale, "bicubic") for frame in window]
        compressed = encode(halves, TEST_CODEC)
        noise = np.random.default_rng(start)
        noisy = [to_bytes(add_noise(half.astype(np.float64), TAPE_NOISE, 0.5, noise)) for half in halves]
        bits = str(round(halves[0].size * 25 * TAPE_BITS))
        tape = encode(noisy, ["-c:v", "mpeg2video", "-b:v", bits, "-maxrate", bits, "-bufsize", bits, "-g", "12", "-bf", "2"])
        cases = {
            "bicubic": (window[0], halves[0]),
            "area": (window[0], resize(window[0], 1 / scale, "area")),
            "compressed": (window[middle], compressed[min(middle, len(compressed) - 1)]),
            "tape": (window[middle], tape[min(middle, len(tape) - 1)]),
        }
        for kind, (truth, half) in cases.items():
            lanczos = psnr(truth, resize(half, scale, "lanczos"))
            tests.append({"clip": clip.name, "kind": kind, "truth": truth, "half": half, "lanczos": lanczos})
    return tests


def save_tests(file: Path, tests: list[dict]) -> None:
    pictures = {f"{name}{k}": test[name] for k, test in enumerate(tests) for name in ("truth", "half")}
    facts = [{name: test[name] for name in ("clip", "kind", "lanczos")} for test in tests]
    np.savez_compressed(file, facts=np.array(json.dumps(facts)), **pictures)


def load_tests(file: Path) -> list[dict]:
    with np.load(file) as saved:
        facts = json.loads(str(saved["facts"]))
        return [{**test, "truth": saved[f"truth{k}"], "half": saved[f"half{k}"]} for k, test in enumerate(facts)]


def summarise(tests: list[dict], gains: list[float]) -> dict[str, float]:
    """Mean gains in dB of each kind of test: first over a clip's frames, then over clips; `clean` is the mean of bicubic and area."""
    means = {}
    for kind in dict.fromkeys(test["kind"] for test in tests):
        clips: dict[str, list[float]] = {}
        for test, gain in zip(tests, gains):
            if test["kind"] == kind:
                clips.setdefault(test["clip"], []).append(gain)
        means[kind] = float(np.mean([np.mean(values) for values in clips.values()]))
    means["clean"] = (means["bicubic"] + means["area"]) / 2
    return {kind: round(value, 3) for kind, value in means.items()}


if __name__ == "__main__":
    clips, out = map(Path, sys.argv[1:])
    save_tests(out, [test for clip in sorted(clips.iterdir()) for test in make_tests(clip, 2, *VALIDATION_SIZE)])
