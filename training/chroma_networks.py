"""
A network that doubles the chroma planes of 4:2:0 video and takes the luma plane, twice their size, as its guide.

In: `uv` float32 [n, 2, h, w] around 0 (code value minus the middle, over white), `y` float32 [n, 1, 2h, 2w], 0 to 1. Out: [n, 2, 2h, 2w].
"""
import torch
import torch.nn as nn
import torch.nn.functional as F

from networks import RepConv

PHASES = {"left": (0.125, 0.25), "center": (0.25, 0.25), "topleft": (0.125, 0.125)}
"""By siting, how far (x, y) the first sample of the doubled plane lies before the first one of the plane, in samples of the plane."""

CHANNELS = 16
LAYERS = 2
OVERSHOOT = 0.5
"""Part of the range of the 3x3 samples around that a result may go beyond that range."""

CORRECTION = 0.01
"""
Scale of the correction: chroma is wrong by about a code value. Without it a step of the optimiser that suits the layers before throws the
result far off, and all rectifiers die within a few hundred steps.
"""


def cubic(x: float, a: float = -0.5) -> float:
    x = abs(x)
    if x <= 1:
        return (a + 2) * x**3 - (a + 3) * x**2 + 1
    return a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a if x < 2 else 0.0


def doubling_taps(phase: float, kernel=cubic, reach: int = 2) -> torch.Tensor:
    """[2, 2 reach + 1]: weights of the samples around one for the two that become of it."""
    taps = torch.tensor([[kernel(o - at) for o in range(-reach, reach + 1)] for at in (-phase, 0.5 - phase)])
    return taps / taps.sum(dim=1, keepdim=True)


def phase_kernels(siting: str, kernel=cubic, reach: int = 2) -> torch.Tensor:
    """[4, k, k]: plain interpolation as a convolution before a pixel shuffle."""
    across, down = (doubling_taps(phase, kernel, reach) for phase in PHASES[siting])
    return torch.einsum("py,qx->pqyx", down, across).reshape(4, 2 * reach + 1, 2 * reach + 1)


def double(plane: torch.Tensor, siting: str, kernel=cubic, reach: int = 2) -> torch.Tensor:
    """[n, c, h, w] to twice the size by a plain filter, edges repeated."""
    n, c, h, w = plane.shape
    padded = F.pad(plane.reshape(n * c, 1, h, w), (reach,) * 4, mode="replicate")
    phases = F.conv2d(padded, phase_kernels(siting, kernel, reach)[:, None])
    return F.pixel_shuffle(phases, 2).reshape(n, c, 2 * h, 2 * w)


class ChromaUpscaler(nn.Module):
    """
    A linear path that starts as bicubic interpolation, and a correction from chroma and luma together. What comes out stays near the
    range of the 3x3 samples around it: flat ground stays exactly flat, grey exactly grey, and no halo gets far.
    """

    def __init__(self, siting: str, channels: int = CHANNELS, layers: int = LAYERS):
        super().__init__()
        self.chroma = nn.Conv2d(2, channels, 3)
        self.luma = nn.Conv2d(1, channels, 6, stride=2, bias=False)
        self.body = nn.ModuleList(RepConv(channels, channels) for _ in range(layers))
        self.tail = nn.Conv2d(channels, 8, 3, padding=1)
        self.skip = nn.Conv2d(2, 8, 5, bias=False)
        nn.init.zeros_(self.tail.weight)
        nn.init.zeros_(self.tail.bias)
        with torch.no_grad():
            # Differences alone, to begin with, and about as large as the features are to be.
            self.luma.weight -= self.luma.weight.mean(dim=(2, 3), keepdim=True)
            self.luma.weight *= 6
            self.chroma.weight *= 12
            self.skip.weight.zero_()
            phases = phase_kernels(siting)
            self.skip.weight[:4, 0] = phases
            self.skip.weight[4:, 1] = phases

    def forward(self, uv: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        features = F.relu(self.chroma(pad_edges(uv, 1)) + self.luma(pad_edges(y, 2)))
        for layer in self.body:
            features = F.relu(layer(features))
        result = CORRECTION * self.tail(features) + self.skip(pad_edges(uv, 2))
        high = F.max_pool2d(uv, 3, 1, 1)
        low = -F.max_pool2d(-uv, 3, 1, 1)
        room = OVERSHOOT * (high - low)
        high, low = ((high + room).repeat_interleave(4, 1), (low - room).repeat_interleave(4, 1))
        return F.pixel_shuffle(torch.minimum(torch.maximum(result, low), high), 2)


def pad_edges(x: torch.Tensor, by: int) -> torch.Tensor:
    return F.pad(x, (by,) * 4, mode="replicate")
