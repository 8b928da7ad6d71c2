"""What cameras, scalers and codecs do to a picture. Luma planes are uint8 arrays [height, width] of full range."""
import math
import random
import subprocess

import numpy as np
import torch
import torch.nn.functional as F


def _cubic(x: float, a: float = -0.6) -> float:
    x = abs(x)
    if x <= 1:
        return (a + 2) * x**3 - (a + 3) * x**2 + 1
    return a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a if x < 2 else 0.0


def _lanczos(x: float) -> float:
    if x == 0:
        return 1.0
    return 3 * math.sin(math.pi * x) * math.sin(math.pi * x / 3) / (math.pi * x) ** 2 if abs(x) < 3 else 0.0


def _taps(kernel, count: int) -> torch.Tensor:
    weights = np.array([kernel((k - count / 2 + 0.5) / 2) for k in range(count)])
    return torch.tensor(weights / weights.sum(), dtype=torch.float32)


# As ffmpeg's swscale halves a picture: bicubic (a = -0.6), area, lanczos.
HALVING_KERNELS = [_taps(_cubic, 8), _taps(lambda x: 1.0 if abs(x) < 0.5 else 0.0, 2), _taps(_lanczos, 12)]


def halve(picture: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    """[n, 1, h, w] to half its size."""
    n = len(kernel)
    pad = (n - 2) // 2
    picture = F.pad(picture, (pad,) * 4, mode="reflect")
    picture = F.conv2d(picture, kernel.view(1, 1, 1, n), stride=(1, 2))
    return F.conv2d(picture, kernel.view(1, 1, n, 1), stride=(2, 1))


def blur(picture: torch.Tensor, sigma: float) -> torch.Tensor:
    """Gaussian, [n, 1, h, w]."""
    kernel = torch.tensor([math.exp(-x * x / 2 / sigma**2) for x in range(-4, 5)])
    kernel = kernel / kernel.sum()
    picture = F.pad(picture, (4, 4, 4, 4), mode="reflect")
    return F.conv2d(F.conv2d(picture, kernel.view(1, 1, 1, -1)), kernel.view(1, 1, -1, 1))


def run_ffmpeg(arguments: list[str], data: bytes) -> bytes:
    command = ["ffmpeg", "-v", "error", "-threads", "1", *arguments]
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout


def encode(frames: list[np.ndarray], codec: str, quality: int, preset: str = "medium") -> np.ndarray:
    """Frames [t, h, w] after a trip through a codec; `quality` is x264's crf, or the quantiser of `mpeg2` and `mjpeg`."""
    height, width = frames[0].shape
    settings = {
        "x264": ["-c:v", "libx264", "-preset", preset, "-crf", str(quality), "-g", "12"],
        "mpeg2": ["-c:v", "mpeg2video", "-q:v", str(quality), "-g", "12", "-bf", "2"],
        "mjpeg": ["-c:v", "mjpeg", "-q:v", str(quality)],
    }[codec]
    raw = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{width}x{height}", "-r", "25", "-i", "-"]
    full_range = ["-vf", "scale=in_range=pc:out_range=pc", "-color_range", "pc"]
    pixels = ["-pix_fmt", "yuvj420p" if codec == "mjpeg" else "yuv420p"]
    coded = run_ffmpeg(
        [*raw, *pixels, *full_range, "-threads", "1", *settings, "-f", "matroska", "-"],
        b"".join(frame.tobytes() for frame in frames),
    )
    decoded = run_ffmpeg(
        ["-i", "-", "-vf", "extractplanes=y", "-f", "rawvideo", "-pix_fmt", "gray", "-"], coded
    )
    return np.frombuffer(decoded, np.uint8).reshape(-1, height, width)


def to_bytes(picture: np.ndarray) -> np.ndarray:
    return np.clip(picture + 0.5, 0, 255).astype(np.uint8)


def draw_codec(rng: random.Random) -> tuple[str, int]:
    """A codec and its quality, in about the shares that footage comes in."""
    draw = rng.random()
    if draw < 0.72:
        return "x264", rng.randint(18, 30)
    return ("mpeg2", rng.randint(2, 7)) if draw < 0.88 else ("mjpeg", rng.randint(2, 7))
