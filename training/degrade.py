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


def _taps(kernel, support: float, scale: int) -> torch.Tensor:
    count = round(support * scale)
    count += (count - scale) % 2
    weights = np.array([kernel((k - count / 2 + 0.5) / scale) for k in range(count)])
    return torch.tensor(weights / weights.sum(), dtype=torch.float32)


def scaling_kernels(scale: int) -> list[torch.Tensor]:
    """As ffmpeg's swscale shrinks a picture: bicubic (a = -0.6), area, lanczos."""
    return [
        _taps(_cubic, 4, scale),
        _taps(lambda x: 1.0 if abs(x) < 0.5 else 0.0, 1, scale),
        _taps(_lanczos, 6, scale),
    ]


def shrink(picture: torch.Tensor, kernel: torch.Tensor, scale: int) -> torch.Tensor:
    """[n, 1, h, w] to 1 / `scale` of its size."""
    n = len(kernel)
    pad = (n - scale) // 2
    picture = F.pad(picture, (pad,) * 4, mode="reflect")
    picture = F.conv2d(picture, kernel.view(1, 1, 1, n), stride=(1, scale))
    return F.conv2d(picture, kernel.view(1, 1, n, 1), stride=(scale, 1))


def blur(picture: torch.Tensor, sigmas: list[float]) -> torch.Tensor:
    """Gaussian with a sigma each, [n, c, h, w]; 0 leaves a picture as it is."""
    n, channels, height, width = picture.shape
    reach = torch.arange(-4, 5, dtype=torch.float32)
    kernels = torch.stack([torch.exp(-reach * reach / 2 / max(sigma, 1e-3) ** 2) for sigma in sigmas])
    kernels = (kernels / kernels.sum(1, keepdim=True)).to(picture).repeat_interleave(channels, 0)
    picture = F.pad(picture.reshape(1, n * channels, height, width), (4, 4, 4, 4), mode="reflect")
    picture = F.conv2d(picture, kernels.view(-1, 1, 1, 9), groups=n * channels)
    return F.conv2d(picture, kernels.view(-1, 1, 9, 1), groups=n * channels).reshape(n, channels, height, width)


def draw_sigma(rng: random.Random) -> float:
    """
    How much to soften a photograph, so that it is as sharp as frames of video are. By the energy from a quarter to half a cycle a sample over that of
    the octave below, frames of 22 clips lie between photographs as they are and softened by 0.7, at a median of 0.4.
    """
    draw = rng.random()
    if draw < 0.4:
        return 0.0
    return rng.uniform(0.3, 0.8) if draw < 0.9 else rng.uniform(0.8, 1.4)


def run_ffmpeg(arguments: list[str], data: bytes) -> bytes:
    command = ["ffmpeg", "-v", "error", "-threads", "1", *arguments]
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout


def encode(frames: list[np.ndarray], settings: list[str], fields: bool = False) -> np.ndarray:
    """
    Luma frames [t, h, w] of full range after a trip through a codec (`settings` of ffmpeg's encoder). With `fields` they are fields in time:
    woven into interlaced frames, coded as such and deinterlaced again, as many frames as before.
    """
    height, width = frames[0].shape
    raw = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{width}x{height}", "-r", "50" if fields else "25", "-i", "-"]
    pixels = "yuvj420p" if "mjpeg" in settings else "yuv420p"
    filters = f"scale=in_range=pc:out_range=pc,format={pixels}"
    woven = ["-flags", "+ildct+ilme"] if fields else []
    if fields:
        filters += ",tinterlace=interleave_top,fieldorder=tff"
    coded = run_ffmpeg(
        [*raw, "-vf", filters, "-color_range", "pc", "-threads", "1", *settings, *woven, "-f", "nut", "-"],
        b"".join(frame.tobytes() for frame in frames),
    )
    filters = "bwdif=mode=send_field:parity=tff,extractplanes=y" if fields else "extractplanes=y"
    decoded = run_ffmpeg(["-i", "-", "-vf", filters, "-f", "rawvideo", "-pix_fmt", "gray", "-"], coded)
    return np.frombuffer(decoded, np.uint8).reshape(-1, height, width)


def to_bytes(picture: np.ndarray) -> np.ndarray:
    return np.clip(picture + 0.5, 0, 255).astype(np.uint8)


def draw_codec(rng: random.Random) -> list[str]:
    """An encoder and its quality, in about the shares that footage comes in."""
    draw = rng.random()
    if draw < 0.72:
        return ["-c:v", "libx264", "-preset", "medium", "-crf", str(rng.randint(18, 30)), "-g", "12"]
    if draw < 0.88:
        return ["-c:v", "mpeg2video", "-q:v", str(rng.randint(2, 7)), "-g", "12", "-bf", "2"]
    return ["-c:v", "mjpeg", "-q:v", str(rng.randint(2, 7))]


DV_SIZE = (576, 720)


def draw_tape_codec(rng: random.Random, size: tuple[int, int], rate: int) -> list[str]:
    """DV where `size` (height, width) is its own, else MPEG-2 at the bitrates of DVDs, DVB and HDV, or camcorders' H.264."""
    pixels = size[0] * size[1] * rate
    if size == DV_SIZE and rng.random() < 0.5:
        return ["-c:v", "dvvideo", "-pix_fmt", "yuv420p"]
    if rng.random() < 0.4:
        return ["-c:v", "libx264", "-preset", "fast", "-crf", str(rng.randint(20, 30)), "-g", "12"]
    bits = round(pixels * rng.uniform(0.3, 0.9))
    rates = ["-b:v", str(bits), "-maxrate", str(round(1.5 * bits)), "-bufsize", str(bits)]
    return ["-c:v", "mpeg2video", *rates, "-g", "12", "-bf", "2"]


def add_noise(picture: np.ndarray, sigma: float, coarse: float, noise: np.random.Generator) -> np.ndarray:
    """Gaussian noise of `sigma` code values, of which a share `coarse` is as smooth along lines as tape noise is."""
    white = noise.standard_normal(picture.shape)
    smooth = (np.roll(white, 1, 1) + 2 * white + np.roll(white, -1, 1)) / 6**0.5
    return picture + sigma * ((1 - coarse) * white + coarse * smooth)
