"""Networks that enlarge a picture. In and out: float32 [n, colours, h, w], 0 to 1."""
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
        identity = torch.zeros_like(self.conv.weight)
        if inputs == outputs:
            nn.init.dirac_(identity)
        self.register_buffer("identity", identity, persistent=False)
        with torch.no_grad():
            self.conv.weight *= 0.5
            self.project *= 0.3

    def kernel(self) -> torch.Tensor:
        return self.conv.weight + torch.einsum("omyx,mi->oiyx", self.project, self.expand) + self.identity

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.conv2d(x, self.kernel(), self.conv.bias, padding=1)

    def collapse(self) -> nn.Conv2d:
        conv = nn.Conv2d(self.conv.in_channels, self.conv.out_channels, 3, padding=1)
        conv.weight.data = self.kernel().detach().clone()
        conv.bias.data = self.conv.bias.detach().clone()
        return conv


def bicubic_phases(scale: int) -> torch.Tensor:
    """[scale^2, 1, 5, 5]: the samples that bicubic interpolation (a = -0.5) makes of one."""

    def weight(t: float, a: float = -0.5) -> float:
        t = abs(t)
        if t <= 1:
            return (a + 2) * t**3 - (a + 3) * t**2 + 1
        return a * t**3 - 5 * a * t**2 + 8 * a * t - 4 * a if t < 2 else 0.0

    shifts = [(phase + 0.5) / scale - 0.5 for phase in range(scale)]
    taps = torch.tensor([[weight(o - shift) for o in range(-2, 3)] for shift in shifts])
    return torch.einsum("py,qx->pqyx", taps, taps).reshape(scale**2, 1, 5, 5)


class Upscaler(nn.Module):
    """Features at the source's size, as many channels after each layer as `widths` says, and a linear path that starts as bicubic interpolation."""

    def __init__(self, widths: list[int], scale: int = 2, colours: int = 1):
        super().__init__()
        self.scale = scale
        self.layers = nn.ModuleList(RepConv(a, b) for a, b in zip([colours, *widths], widths))
        self.tail = nn.Conv2d(widths[-1], colours * scale**2, 3, padding=1)
        self.linear = nn.Conv2d(colours, colours * scale**2, 5, padding=2, bias=False)
        nn.init.kaiming_normal_(self.tail.weight, nonlinearity="relu")
        nn.init.zeros_(self.tail.bias)
        with torch.no_grad():
            self.tail.weight *= 0.002
            self.linear.weight.zero_()
            for colour in range(colours):
                rows = slice(colour * scale**2, (colour + 1) * scale**2)
                self.linear.weight[rows, colour : colour + 1] = bicubic_phases(scale)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features = x
        for layer in self.layers:
            features = F.relu(layer(features))
        return F.pixel_shuffle(self.tail(features) + self.linear(x), self.scale)


NETWORKS = {
    "realtime": {"widths": [16, 16]},
    "balanced": {"widths": [16, 32, 32, 32, 32]},
    "quality": {"widths": [64] * 10},
}


def make_network(name: str, scale: int = 2, colours: int = 1) -> Upscaler:
    return Upscaler(**NETWORKS[name], scale=scale, colours=colours)


def start_from(network: Upscaler, weights: dict[str, torch.Tensor]) -> None:
    """Takes the weights that fit; what has another shape (the tail of another scale) stays as it is."""
    own = network.state_dict()
    fitting = {name: weights[name] if weights[name].shape == own[name].shape else own[name] for name in own}
    network.load_state_dict(fitting)


class Collapsed(nn.Module):
    """
    The same function with a plain convolution a layer. At a scale of 2 (and even sizes) the last ones are computed for 2x2 samples at once with
    stride 2: kernels of 4 outputs waste most of a vector register.
    """

    def __init__(self, network: Upscaler):
        super().__init__()
        is_folded = network.scale == 2
        self.shuffle = 4 if is_folded else network.scale
        self.layers = nn.ModuleList(layer.collapse() for layer in network.layers)
        self.tail = fold(network.tail) if is_folded else network.tail
        self.linear = fold(network.linear) if is_folded else network.linear

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features = x
        for layer in self.layers:
            features = F.relu(layer(features))
        return F.pixel_shuffle(self.tail(features) + self.linear(x), self.shuffle)


def fold(conv: nn.Conv2d) -> nn.Conv2d:
    """Kernel [4 c, inputs, k, k] of stride 1 to [16 c, inputs, k + 1, k + 1] of stride 2."""
    kernel = conv.weight.data
    outputs, inputs, size, _ = kernel.shape
    colours = outputs // 4
    folded = nn.Conv2d(inputs, 16 * colours, size + 1, stride=2, padding=size // 2, bias=conv.bias is not None)
    folded.weight.data.zero_()
    for colour in range(colours):
        for y in range(4):
            for x in range(4):
                row, column = y // 2, x // 2
                to, source = 16 * colour + 4 * y + x, 4 * colour + y % 2 * 2 + x % 2
                folded.weight.data[to, :, row : row + size, column : column + size] = kernel[source]
                if conv.bias is not None:
                    folded.bias.data[to] = conv.bias.data[source]
    return folded
