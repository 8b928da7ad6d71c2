#!/usr/bin/env python3
"""Writes small ncnn networks with what PyTorch gives for them: test/infer/import/ncnn/fixtures.

Each network is written layer by layer as ncnn's own converters write it, and computed by PyTorch beside. Needs python3-torch.
Run: python3 scripts/write-ncnn-fixtures.py
"""

import pathlib
import struct

import numpy
import torch
import torch.nn.functional as F

FOLDER = pathlib.Path(__file__).parent.parent / 'test/infer/import/ncnn/fixtures'
HEIGHT, WIDTH = 10, 12
FLOAT16, FLOAT32 = 0x01306B47, 0x0002C056


class Net:
    """Collects the lines of a .param and the bytes of a .bin."""

    def __init__(self):
        self.lines = ['Input in 0 1 data']
        self.bytes = b''

    def layer(self, kind, bottoms, tops, **params):
        bottoms, tops = bottoms.split(), tops.split()
        # `_4` is parameter 4, `a10` is parameter 10 as an array.
        values = ' '.join(
            f'{"-233" if key[0] == "a" else ""}{key[1:]}={value}' for key, value in params.items()
        )
        name = f'{kind.lower()}{len(self.lines)}'
        counts = f'{len(bottoms)} {len(tops)}'
        self.lines.append(' '.join([kind, name, counts, *bottoms, *tops, values]).strip())

    def plain(self, tensor):
        self.bytes += numpy.ascontiguousarray(tensor.detach().numpy(), dtype='<f4').tobytes()

    def tagged(self, tensor, flag=0):
        """Writes weights behind their flag and gives them as a reader will see them."""
        values = numpy.ascontiguousarray(tensor.detach().numpy(), dtype='<f4').reshape(-1)
        if flag == FLOAT16:
            stored = values.astype('<f2')
            data, seen = stored.tobytes(), stored.astype('<f4')
        elif flag == 'table':
            flag = 0x01020304
            table = numpy.linspace(values.min(), values.max(), 256, dtype='<f4')
            indices = numpy.abs(values[:, None] - table[None]).argmin(axis=1).astype('u1')
            data, seen = table.tobytes() + indices.tobytes(), table[indices]
        else:
            data, seen = values.tobytes(), values
        self.bytes += struct.pack('<I', flag) + data + bytes(-len(data) % 4)
        return torch.from_numpy(seen.copy()).reshape(tensor.shape)

    def write(self, name, output):
        blobs = sum(int(line.split()[3]) for line in self.lines)
        text = '\n'.join(['7767517', f'{len(self.lines)} {blobs}', *self.lines, ''])
        (FOLDER / f'{name}.param').write_text(text)
        (FOLDER / f'{name}.bin').write_bytes(self.bytes)
        write_floats(name, output)


def write_floats(name, tensor):
    shape = 'x'.join(str(size) for size in tensor.shape[1:])
    (FOLDER / f'{name}_{shape}.f32').write_bytes(tensor.detach().numpy().astype('<f4').tobytes())


def convolution(net, source, target, x, outputs, kernel=3, flag=0, **extra):
    """A convolution that keeps the size; gives its result before any fused activation."""
    weight = torch.randn(outputs, x.shape[1], kernel, kernel) / (x.shape[1] * kernel**2) ** 0.5
    bias = torch.randn(outputs) * 0.1
    net.layer('Convolution', source, target, _0=outputs, _1=kernel, _4=kernel // 2, _5=1, _6=weight.numel(), **extra)
    weight = net.tagged(weight, flag)
    net.plain(bias)
    return F.conv2d(x, weight, bias, padding=kernel // 2)


def write_compact(x):
    """What most of the community's files hold: halves, PReLU, a shuffle, and the enlarged input."""
    net = Net()
    net.layer('Split', 'data', 'a b')
    y = convolution(net, 'a', 'c', x, 8, flag=FLOAT16)
    slopes = torch.rand(8)
    net.layer('PReLU', 'c', 'd', _0=8)
    net.plain(slopes)
    y = F.prelu(y, slopes)
    y = F.leaky_relu(convolution(net, 'd', 'e', y, 8, flag=FLOAT32, _9=2, a10='1,0.1'), 0.1)
    net.layer('PReLU', 'e', 'f', _0=1)
    net.plain(torch.tensor([0.25]))
    y = F.prelu(y, torch.tensor([0.25]))
    y = convolution(net, 'f', 'g', y, 12, flag=FLOAT16)
    net.layer('PixelShuffle', 'g', 'h', _0=2)
    net.layer('Interp', 'b', 'i', _0=1, _1='2.000000e+00', _2='2.000000e+00')
    net.layer('BinaryOp', 'h i', 'output', _0=0)
    net.write('compact', F.pixel_shuffle(y, 2) + F.interpolate(x, scale_factor=2, mode='nearest'))


def write_gates(x):
    """Depthwise convolutions, a table of weights, gates over the whole picture, and operations with numbers."""
    net = Net()
    mean = torch.tensor([0.4, 0.5, 0.6]).reshape(1, 3, 1, 1)
    net.layer('MemoryData', '', 'mean', _0=1, _1=1, _2=3)
    net.plain(mean)
    net.layer('BinaryOp', 'data mean', 'a', _0=1)
    net.layer('BinaryOp', 'a', 'b', _0=2, _1=1, _2=2.5)
    y = convolution(net, 'b', 'c', (x - mean) * 2.5, 6, flag='table')
    weight, bias = torch.randn(6, 1, 3, 5) * 0.3, torch.randn(6) * 0.1
    net.layer('ConvolutionDepthWise', 'c', 'd', _0=6, _1=5, _11=3, _4=2, _14=1, _5=1, _6=90, _7=6)
    weight = net.tagged(weight)
    net.plain(bias)
    y = F.conv2d(y, weight, bias, padding=(1, 2), groups=6)
    weight = torch.randn(6, 3, 3, 3) * 0.2
    net.layer('ConvolutionDepthWise', 'd', 'e', _0=6, _1=3, _2=2, _4=2, _6=162, _7=2, _9=6, a10='2,0.2,0.5')
    weight = net.tagged(weight)
    y = F.conv2d(y, weight, padding=2, dilation=2, groups=2)
    y = y * (y * 0.2 + 0.5).clamp(0, 1)
    net.layer('Split', 'e', 'f g')
    net.layer('Pooling', 'f', 'h', _0=1, _4=1)
    pooled = y.mean(dim=(2, 3))
    weight, bias = torch.randn(4, 6), torch.randn(4) * 0.1
    net.layer('InnerProduct', 'h', 'i', _0=4, _1=1, _2=24, _9=1)
    weight = net.tagged(weight)
    net.plain(bias)
    gate = F.relu(F.linear(pooled, weight, bias))
    weight = torch.randn(6, 4)
    net.layer('Convolution', 'i', 'j', _0=6, _1=1, _6=24)
    weight = net.tagged(weight)
    gate = F.linear(gate, weight)
    net.layer('Sigmoid', 'j', 'k')
    net.layer('BinaryOp', 'g k', 'l', _0=2)
    y = y * gate.sigmoid()[:, :, None, None]
    net.layer('BinaryOp', 'l', 'm', _0=7, _1=1, _2=0.5)
    net.layer('Swish', 'm', 'n')
    net.layer('UnaryOp', 'n', 'o', _0=7)
    net.layer('BinaryOp', 'o', 'p', _0=8, _1=1, _2=1.5)
    net.layer('Clip', 'p', 'q', _0=0.2, _1=1.2)
    net.layer('GELU', 'q', 'r')
    net.layer('Mish', 'r', 's')
    net.layer('HardSigmoid', 's', 't')
    y = F.mish(F.gelu((1.5 / F.silu(0.5 - y).exp()).clamp(0.2, 1.2)))
    y = (y * 0.2 + 0.5).clamp(0, 1)
    net.write('gates', convolution(net, 't', 'output', y, 3, kernel=1))


def write_sizes(x):
    """What changes sizes: deconvolutions, crops, resizing by factors and to others' sizes, padding."""
    net = Net()
    net.layer('Split', 'data', 'a b c')
    weight, bias = torch.randn(3, 4, 4, 4) * 0.3, torch.randn(4) * 0.1
    net.layer('Deconvolution', 'a', 'd', _0=4, _1=4, _3=2, _4=1, _5=1, _6=weight.numel(), _9=4)
    weight = net.tagged(weight.transpose(0, 1)).transpose(0, 1)
    net.plain(bias)
    y = F.conv_transpose2d(x, weight, bias, stride=2, padding=1).sigmoid()
    weight = torch.randn(4, 2, 3, 3) * 0.3
    net.layer('DeconvolutionDepthWise', 'd', 'e', _0=4, _1=3, _3=2, _4=1, _18=1, _6=72, _7=2)
    # In each group outputs lie before inputs.
    stored = net.tagged(weight.reshape(2, 2, 2, 3, 3).transpose(1, 2)).transpose(1, 2).reshape(4, 2, 3, 3)
    y = F.conv_transpose2d(y, stored, stride=2, padding=1, output_padding=1, groups=2)
    net.layer('Crop', 'e', 'f', _0=2, _1=3, _2=1, _3=-233, _4=-233, _5=3, _6=1, _7=2)
    y = y[:, 1:4, 3:-2, 2:-1]
    net.layer('Crop', 'f', 'g', a09='2,1,2', a10='2,-1,-2', a11='2,1,2')
    y = y[:, :, 1:-1, 2:-2]
    net.layer('Interp', 'b', 'h', _0=3, _1=2.5, _2=2.5)
    big = F.interpolate(x, scale_factor=2.5, mode='bicubic', align_corners=False, recompute_scale_factor=True)
    net.layer('Crop', 'g h', 'i', _0=-233, _1=-233, _2=-233)
    top, left = (y.shape[2] - big.shape[2]) // 2, (y.shape[3] - big.shape[3]) // 2
    y = y[:, :, top : top + big.shape[2], left : left + big.shape[3]]
    net.layer('Interp', 'i', 'j', _0=3, _1=0.5, _2=0.5)
    y = F.interpolate(y, size=(y.shape[2] // 2, y.shape[3] // 2), mode='bicubic', align_corners=False)
    net.layer('Interp', 'j c', 'k', _0=2)
    y = F.interpolate(y, size=x.shape[2:], mode='bilinear', align_corners=False)
    net.layer('Interp', 'k', 'l', _0=2, _3=7, _4=9)
    y = F.interpolate(y, size=(7, 9), mode='bilinear', align_corners=False)
    net.layer('Padding', 'l', 'm', _0=1, _1=2, _2=3, _3=0, _4=2)
    net.layer('Padding', 'm', 'n', _0=0, _1=1, _2=1, _3=2, _4=1)
    net.layer('Padding', 'n', 'o', _0=1, _1=0, _2=0, _3=1, _4=0, _5=0.5)
    y = F.pad(F.pad(F.pad(y, (3, 0, 1, 2), 'reflect'), (1, 2, 0, 1), 'replicate'), (0, 1, 1, 0), value=0.5)
    net.layer('Pooling', 'o', 'output', _0=0, _1=3, _2=2, _3=1, _5=1)
    net.write('sizes', F.max_pool2d(y, 3, 2, 1))


def write_pieces(x):
    """What moves channels about: folding both ways, slices, sums, rows and columns."""
    net = Net()
    net.layer('Reorg', 'data', 'a', _0=2)
    y = convolution(net, 'a', 'b', F.pixel_unshuffle(x, 2), 10)
    net.layer('Slice', 'b', 'c d e', a00='3,2,-233,-233', _1=0)
    c, d, e = y[:, :2], y[:, 2:6], y[:, 6:]
    net.layer('Eltwise', 'd e', 'f', _0=1, a01='2,0.5,-1.5')
    net.layer('Split', 'f', 'g h i')
    f = d * 0.5 - e * 1.5
    net.layer('Eltwise', 'g h', 'j', _0=2)
    net.layer('Concat', 'c j i', 'k', _0=0)
    y = torch.cat([c, f, f], dim=1)
    net.layer('Permute', 'k', 'l', _0=3)
    net.layer('LayerNorm', 'l', 'm', _0=10, _1=1e-5)
    gamma, beta = torch.rand(10) + 0.5, torch.randn(10) * 0.1
    net.plain(gamma)
    net.plain(beta)
    net.layer('Softmax', 'm', 'n', _0=2, _1=1)
    net.layer('Permute', 'n', 'o', _0=4)
    # Channels, height, width become height, width, channels and come back.
    y = F.softmax(F.layer_norm(y.permute(0, 2, 3, 1), (10,), gamma, beta), dim=-1).permute(0, 3, 1, 2)
    net.layer('Reshape', 'o', 'p', _0=-1, _1=5)
    net.layer('Reshape', 'p', 'q', _0=6, _1=-1, _2=10)
    y = convolution(net, 'q', 'r', y, 12)
    net.layer('PixelShuffle', 'r', 'output', _0=2, _1=1)
    blocks = y.reshape(1, 2, 2, 3, HEIGHT // 2, WIDTH // 2).permute(0, 3, 4, 1, 5, 2)
    net.write('pieces', blocks.reshape(1, 3, HEIGHT, WIDTH))


def write_norms(x):
    """What looks at means and variances."""
    net = Net()
    y = convolution(net, 'data', 'a', x, 6)
    slope, mean, variance, bias = torch.rand(6) + 0.5, torch.randn(6), torch.rand(6) + 0.5, torch.randn(6)
    net.layer('BatchNorm', 'a', 'b', _0=6, _1=1e-5)
    for tensor in (slope, mean, variance, bias):
        net.plain(tensor)
    y = F.batch_norm(y, mean, variance, slope, bias)
    gamma, beta = torch.rand(6) + 0.5, torch.randn(6)
    net.layer('GroupNorm', 'b', 'c', _0=2, _1=6, _2=1e-5)
    net.plain(gamma)
    net.plain(beta)
    y = F.group_norm(y, 2, gamma, beta, 1e-5)
    net.layer('Split', 'c', 'd e')
    net.layer('Reduction', 'd', 'f', _0=3, _1=0, a03='2,1,2', _4=1, _5=1)
    net.layer('BinaryOp', 'e f', 'g', _0=1)
    y = y - y.mean(dim=(2, 3), keepdim=True)
    net.layer('InstanceNorm', 'g', 'h', _0=6, _1=1e-5, _2=0)
    y = F.instance_norm(y, eps=1e-5)
    factor, amount = torch.rand(6) + 0.5, torch.randn(6)
    net.layer('Scale', 'h', 'i', _0=6, _1=1)
    net.plain(factor)
    net.plain(amount)
    y = y * factor[:, None, None] + amount[:, None, None]
    net.layer('Bias', 'i', 'j', _0=6)
    net.plain(amount)
    y = y + amount[:, None, None]
    net.layer('Pooling', 'j', 'k', _0=1, _1=3, _2=1, _3=1, _5=1)
    y = F.avg_pool2d(y, 3, 1, 1, count_include_pad=False)
    net.write('norms', convolution(net, 'k', 'output', y, 3))


def write_unpadded(x):
    """Convolutions that do not fill up their borders: ncnn's programs give them 7 samples more at each side."""
    net = Net()
    y, source = F.pad(x, (7, 7, 7, 7), 'replicate'), 'data'
    for i, channels in enumerate((4, 4, 4, 4, 4, 4)):
        weight, bias = torch.randn(channels, y.shape[1], 3, 3) / (y.shape[1] * 9) ** 0.5, torch.randn(channels) * 0.1
        params = dict(_0=channels, _1=3, _5=1, _6=weight.numel(), _9=2, a10='1,0.1')
        net.layer('Convolution', source, f'c{i}', **params)
        weight, source = net.tagged(weight, FLOAT16), f'c{i}'
        net.plain(bias)
        y = F.leaky_relu(F.conv2d(y, weight, bias), 0.1)
    weight = torch.randn(4, 3, 4, 4) * 0.3
    net.layer('Deconvolution', source, 'output', _0=3, _1=4, _3=2, _4=3, _6=weight.numel())
    weight = net.tagged(weight.transpose(0, 1)).transpose(0, 1)
    net.write('unpadded', F.conv_transpose2d(y, weight, stride=2, padding=3))


def main():
    torch.manual_seed(7)
    FOLDER.mkdir(parents=True, exist_ok=True)
    x = torch.rand(1, 3, HEIGHT, WIDTH)
    write_floats('input', x)
    for write in (write_compact, write_gates, write_sizes, write_pieces, write_norms, write_unpadded):
        write(x)


main()
