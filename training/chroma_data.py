"""Pictures in YCbCr, and how chroma is sited, halved and coded. Planes are uint8 or float32 in code values of 8 bits."""
import random

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from chroma_networks import PHASES, cubic
from degrade import run_ffmpeg

MIDDLE = 128
LUMA_WEIGHTS = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722)}


def read_picture(file: str, longest: int) -> np.ndarray:
    """RGB [h, w, 3], reduced to `longest`; sides are multiples of 4."""
    picture = Image.open(file).convert("RGB")
    scale = max(picture.size) / longest
    if scale > 1:
        picture = picture.resize([round(side / scale) for side in picture.size], Image.LANCZOS)
    pixels = np.asarray(picture)
    height, width = pixels.shape[:2]
    return pixels[: height // 4 * 4, : width // 4 * 4]


def to_ycbcr(rgb: torch.Tensor, matrix: str, full_range: bool) -> torch.Tensor:
    """[..., 3, h, w] of R'G'B' 0..255 to code values of 8 bits (H.273, 8.3)."""
    red, blue = LUMA_WEIGHTS[matrix]
    r, g, b = rgb.unbind(-3)
    y = red * r + (1 - red - blue) * g + blue * b
    u, v = (b - y) / (2 - 2 * blue), (r - y) / (2 - 2 * red)
    luma = y if full_range else 16 + y * 219 / 255
    gain = 1 if full_range else 224 / 255
    return torch.stack([luma, MIDDLE + gain * u, MIDDLE + gain * v], dim=-3)


def lanczos(x: float) -> float:
    return float(np.sinc(x) * np.sinc(x / 3)) if abs(x) < 3 else 0.0


def area_taps(first: int, count: int, centre: float) -> np.ndarray:
    """Parts of unit cells that a box of 2 samples covers."""
    cells = np.arange(first, first + count)
    covered = np.minimum(cells + 0.5, centre + 1) - np.maximum(cells - 0.5, centre - 1)
    return np.maximum(covered, 0)


HALVING = ("bicubic", "area", "lanczos", "triangle")


def halving_taps(kind: str, offset: float) -> tuple[int, torch.Tensor]:
    """First sample and weights of a filter that halves an axis, its first result at `offset`."""
    reach = {"bicubic": 4, "area": 2, "lanczos": 6, "triangle": 2}[kind]
    first, count = int(np.floor(offset)) - reach + 1, 2 * reach
    if kind == "area":
        weights = area_taps(first, count, offset)
    else:
        shape = {"bicubic": lambda x: cubic(x, -0.6), "lanczos": lanczos, "triangle": lambda x: max(0.0, 1 - abs(x))}[kind]
        weights = np.array([shape((first + k - offset) / 2) for k in range(count)])
    return first, torch.tensor(weights / weights.sum(), dtype=torch.float32)


def halve_sited(planes: torch.Tensor, kind: str, offset: tuple[float, float]) -> torch.Tensor:
    """[n, c, h, w] to half its size; the first result lies at `offset` (x, y) of the samples. Edges are repeated."""
    n, c, h, w = planes.shape
    planes = planes.reshape(n * c, 1, h, w)
    for axis in (3, 2):
        first, taps = halving_taps(kind, offset[3 - axis])
        side = planes.shape[axis]
        after = max(0, 2 * (side // 2 - 1) + first + len(taps) - side)
        pads = (max(0, -first), after)
        planes = F.pad(planes, (*pads, 0, 0) if axis == 3 else (0, 0, *pads), mode="replicate")
        planes = planes.narrow(axis, max(0, first), planes.shape[axis] - max(0, first))
        shape, stride = ((1, 1, 1, -1), (1, 2)) if axis == 3 else ((1, 1, -1, 1), (2, 1))
        planes = F.conv2d(planes, taps.view(shape), stride=stride).narrow(axis, 0, side // 2)
    return planes.reshape(n, c, h // 2, w // 2)


def subsample_offset(siting: str) -> tuple[float, float]:
    """Where the first chroma sample lies on the grid of luma: 0 over the first sample, 0.5 between the first two."""
    return tuple(4 * phase - 0.5 for phase in PHASES[siting])


def halving_offset(siting: str) -> tuple[float, float]:
    """Where the first chroma sample of a halved picture lies on the grid of the picture's chroma."""
    return tuple(2 * phase for phase in PHASES[siting])


def encode_420(frames: list[np.ndarray], width: int, height: int, codec: str, quality: int) -> list[np.ndarray]:
    """
    Frames of yuv420p, each flat, after a trip through a codec; `quality` is x264's crf, or the quantiser of `mpeg2` and `mjpeg`. `dv` has
    none, and takes 720x576 alone.
    """
    settings = {
        "x264": ["-c:v", "libx264", "-preset", "medium", "-crf", str(quality), "-g", "12"],
        "mpeg2": ["-c:v", "mpeg2video", "-q:v", str(quality), "-g", "12", "-bf", "2"],
        "mjpeg": ["-c:v", "mjpeg", "-q:v", str(quality), "-color_range", "pc"],
        "dv": ["-c:v", "dvvideo"],
    }[codec]
    pixels = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    raw = ["-f", "rawvideo", "-pix_fmt", pixels, "-s", f"{width}x{height}"]
    data = b"".join(frame.tobytes() for frame in frames)
    coded = run_ffmpeg([*raw, "-r", "25", "-i", "-", "-threads", "1", *settings, "-f", "matroska" if codec != "dv" else "dv", "-"], data)
    container = ["-f", "dv"] if codec == "dv" else []
    decoded = run_ffmpeg([*container, "-i", "-", "-f", "rawvideo", "-pix_fmt", pixels, "-"], coded)
    return list(np.frombuffer(decoded, np.uint8).reshape(-1, width * height * 3 // 2))


def split_420(frame: np.ndarray, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Luma [1, h, w] and chroma [2, h / 2, w / 2] of a flat frame."""
    area = width * height
    return frame[:area].reshape(1, height, width), frame[area:].reshape(2, height // 2, width // 2)


def draw_matrix(rng: random.Random) -> tuple[str, bool]:
    return rng.choice(("bt601", "bt709")), rng.random() < 0.25
