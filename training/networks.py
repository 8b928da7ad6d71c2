"""Networks that enlarge a picture. In and out: float32 [n, colours, h, w], 0 to 1."""
import copy

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
        with torch.autocast(self.expand.device.type, enabled=False):
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


class Network(nn.Module):
    """
    Features at the source's size (`first`, then `rest`, which a subclass has), a convolution that makes samples of them, and a linear path that
    starts as bicubic interpolation.
    """

    def __init__(self, width: int, scale: int, colours: int, spread: float):
        super().__init__()
        self.scale = scale
        self.tail = make_conv(width, colours * scale**2, spread)
        self.linear = nn.Conv2d(colours, colours * scale**2, 5, padding=2, bias=False)
        with torch.no_grad():
            self.linear.weight.zero_()
            for colour in range(colours):
                rows = slice(colour * scale**2, (colour + 1) * scale**2)
                self.linear.weight[rows, colour : colour + 1] = bicubic_phases(scale)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.pixel_shuffle(self.tail(self.rest(self.first(x))) + self.linear(x), self.scale)


class Upscaler(Network):
    """As many channels after each layer as `widths` says."""

    def __init__(self, widths: list[int], scale: int = 2, colours: int = 1):
        super().__init__(widths[-1], scale, colours, spread=0.002)
        self.layers = nn.ModuleList(RepConv(a, b) for a, b in zip([colours, *widths], widths))

    def first(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.layers[0](x))

    def rest(self, features: torch.Tensor) -> torch.Tensor:
        for layer in self.layers[1:]:
            features = F.relu(layer(features))
        return features


class ResidualUpscaler(Network):
    """
    `blocks` of two convolutions each that are added to what came in (He et al. 2016; EDSR, Lim et al. 2017), with the ReLU after the sum: so
    onnxruntime runs convolution, sum and ReLU as one.
    """

    def __init__(self, width: int, blocks: int, scale: int = 2, colours: int = 1):
        super().__init__(width, scale, colours, spread=0.02)
        self.head = make_conv(colours, width)
        self.blocks = nn.ModuleList(nn.ModuleList([make_conv(width, width), make_conv(width, width, 0.3)]) for _ in range(blocks))

    def first(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.head(x))

    def rest(self, features: torch.Tensor) -> torch.Tensor:
        for inner, outer in self.blocks:
            features = F.relu(features + outer(F.relu(inner(features))))
        return features


def make_conv(inputs: int, outputs: int, spread: float = 1.0) -> nn.Conv2d:
    """3x3, with weights that are `spread` times those that keep the variance."""
    conv = nn.Conv2d(inputs, outputs, 3, padding=1)
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    nn.init.zeros_(conv.bias)
    with torch.no_grad():
        conv.weight *= spread
    return conv


NETWORKS = {
    "realtime": {"widths": [16, 16]},
    "balanced": {"widths": [16, 32, 32, 32, 32]},
    "quality": {"width": 64, "blocks": 4},
}
CHAINS = [name for name, sizes in NETWORKS.items() if "widths" in sizes]
"""Those that are an `Upscaler`."""


def make_network(name: str, scale: int = 2, colours: int = 1) -> Network:
    kind = Upscaler if name in CHAINS else ResidualUpscaler
    return kind(**NETWORKS[name], scale=scale, colours=colours)


def start_from(network: Network, weights: dict[str, torch.Tensor]) -> None:
    """Takes the weights that fit; what has another shape (the tail of another scale) stays as it is."""
    own = network.state_dict()
    fitting = {name: weights[name] if weights[name].shape == own[name].shape else own[name] for name in own}
    network.load_state_dict(fitting)


def run_in_bfloat16(network: Network, x: torch.Tensor) -> torch.Tensor:
    """The network with all layers but the first in bfloat16; what carries the picture itself stays in float32."""
    features = network.first(x).bfloat16().contiguous(memory_format=torch.channels_last)
    with torch.autocast(x.device.type, torch.bfloat16, cache_enabled=False):
        tail = network.tail(network.rest(features))
    return F.pixel_shuffle(tail.float() + network.linear(x), network.scale)


class Collapsed(nn.Module):
    """
    The same function with a plain convolution a layer. At a scale of 2 (and even sizes) the last ones are computed for 2x2 samples at once with
    stride 2: kernels of 4 outputs waste most of a vector register.
    """

    def __init__(self, network: Network):
        super().__init__()
        is_folded = network.scale == 2
        self.network = copy.deepcopy(network)
        for module in [*self.network.modules()]:
            for name, child in module.named_children():
                if isinstance(child, RepConv):
                    setattr(module, name, child.collapse())
        self.shuffle = 4 if is_folded else network.scale
        self.tail = fold(network.tail) if is_folded else network.tail
        self.linear = fold(network.linear) if is_folded else network.linear

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features = self.network.rest(self.network.first(x))
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
