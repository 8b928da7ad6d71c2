"""Luma networks that double a picture's size. In and out: float32 [n, 1, h, w], 0 to 1."""
import torch
import torch.nn as nn
import torch.nn.functional as F


class RepConv(nn.Module):
    """
    3x3 convolution trained as the sum of itself, an expanded 1x1 then 3x3 branch and the identity, all collapsed into one kernel
    (ECBSR, Zhang et al. 2021; SESR, Bhardwaj et al. 2022). The kernel is collapsed anew each step, so that training costs about as much as
    a plain convolution.
    """

    def __init__(self, inputs: int, outputs: int, expansion: int = 4):
        super().__init__()
        middle = max(inputs, outputs) * expansion
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.expand = nn.Parameter(torch.empty(middle, inputs))
        self.project = nn.Parameter(torch.empty(outputs, middle, 3, 3))
        nn.init.kaiming_normal_(self.conv.weight, nonlinearity="relu")
        nn.init.zeros_(self.conv.bias)
        nn.init.kaiming_normal_(self.expand, nonlinearity="linear")
        nn.init.kaiming_normal_(self.project, nonlinearity="linear")
        with torch.no_grad():
            self.conv.weight *= 0.5
            self.project *= 0.3

    def kernel(self) -> torch.Tensor:
        kernel = self.conv.weight + torch.einsum("omyx,mi->oiyx", self.project, self.expand)
        outputs, inputs = kernel.shape[:2]
        if inputs == outputs:
            identity = torch.zeros_like(kernel)
            identity[range(outputs), range(outputs), 1, 1] = 1
            kernel = kernel + identity
        return kernel

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.conv2d(x, self.kernel(), self.conv.bias, padding=1)

    def collapse(self) -> nn.Conv2d:
        conv = nn.Conv2d(self.conv.in_channels, self.conv.out_channels, 3, padding=1)
        conv.weight.data = self.kernel().detach().clone()
        conv.bias.data = self.conv.bias.detach().clone()
        return conv


def bicubic_phases() -> torch.Tensor:
    """[4, 1, 5, 5]: the four samples that bicubic interpolation (a = -0.5) makes of one."""

    def weight(t: float, a: float = -0.5) -> float:
        t = abs(t)
        if t <= 1:
            return (a + 2) * t**3 - (a + 3) * t**2 + 1
        return a * t**3 - 5 * a * t**2 + 8 * a * t - 4 * a if t < 2 else 0.0

    taps = torch.tensor([[weight(o + 0.25 - phase / 2) for o in range(-2, 3)] for phase in (0, 1)])
    return torch.einsum("py,qx->pqyx", taps, taps).reshape(4, 1, 5, 5)


class Upscaler(nn.Module):
    """Features at the source's size, and a linear path that starts as bicubic interpolation."""

    shuffle = 2

    def __init__(self, channels: int, layers: int):
        super().__init__()
        self.head = RepConv(1, channels)
        self.body = nn.ModuleList(RepConv(channels, channels) for _ in range(layers))
        self.tail = nn.Conv2d(channels, 4, 3, padding=1)
        self.skip = nn.Conv2d(1, 4, 5, padding=2, bias=False)
        nn.init.kaiming_normal_(self.tail.weight, nonlinearity="relu")
        nn.init.zeros_(self.tail.bias)
        with torch.no_grad():
            self.tail.weight *= 0.002
            self.skip.weight.copy_(bicubic_phases())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features = F.relu(self.head(x))
        for layer in self.body:
            features = F.relu(layer(features))
        return F.pixel_shuffle(self.tail(features) + self.skip(x), self.shuffle)


NETWORKS = {
    "realtime": {"channels": 16, "layers": 1},
    "balanced": {"channels": 32, "layers": 4},
    "quality": {"channels": 64, "layers": 12},
}


def make_network(name: str) -> Upscaler:
    return Upscaler(**NETWORKS[name])


class Folded(Upscaler):
    """
    The same function for even sizes, its tail and linear path computed for 2x2 samples at once by convolutions of stride 2: kernels of 4
    outputs waste most of a vector register.
    """

    shuffle = 4

    def __init__(self, network: Upscaler):
        nn.Module.__init__(self)
        self.head = network.head.collapse()
        self.body = nn.ModuleList(layer.collapse() for layer in network.body)
        channels = network.tail.in_channels
        self.tail = nn.Conv2d(channels, 16, 4, stride=2, padding=1)
        self.skip = nn.Conv2d(1, 16, 6, stride=2, padding=2, bias=False)
        self.tail.weight.data = fold(network.tail.weight.data)
        self.skip.weight.data = fold(network.skip.weight.data)
        phases = network.tail.bias.data.reshape(2, 2)
        self.tail.bias.data = phases.repeat(2, 2).reshape(16).clone()


def fold(kernel: torch.Tensor) -> torch.Tensor:
    """[4, inputs, k, k] of stride 1 to [16, inputs, k + 1, k + 1] of stride 2."""
    size = kernel.shape[-1]
    folded = torch.zeros(16, kernel.shape[1], size + 1, size + 1)
    for y in range(4):
        for x in range(4):
            row, column = y // 2, x // 2
            folded[4 * y + x, :, row : row + size, column : column + size] = kernel[y % 2 * 2 + x % 2]
    return folded
