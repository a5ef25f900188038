"""The networks of published tables, by name, with their numbers of parameters.

    resnet18          residual network for 32 x 32 images: 3 x 3 stem, no pooling          11,173,962
    vgg16             as the paper's authors coded it: without batch norm, 7 x 7 pooling,
                      head 4096-4096-K with dropout                                       134,301,514
    vgg16-bn          with batch norm and one linear layer                                 14,728,266
    wrn-16-10         wide residual network, depth 16, width 10                            17,116,634
    resnet18-imagenet 7 x 7 stem and pooling, for 224 x 224 images, K = 1000               11,689,512
    small             three convolutions with batch norm: to try things out                     6,418

The numbers are for K = 10 but where another K stands. Weights start as torch's layers do, those of vgg16 and
resnet18-imagenet as torchvision's do, those of wrn-16-10 from a normal law by fan-out (He et al., 2015).

Sources: He, Zhang, Ren, Sun, CVPR 2016 (ResNet); Simonyan, Zisserman, ICLR 2015 (VGG); Zagoruyko, Komodakis, BMVC 2016
(WRN).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

relu = nn.functional.relu


class Architecture(NamedTuple):
    """What ``NETWORKS`` knows of a name.

    Attributes:
        build: of K classes.
        side: of the images in pixels.
        column: the name in published tables, "" for none.
    """

    build: Callable[[int], nn.Module]
    side: int
    column: str


def _conv(inside: int, outside: int, size: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inside, outside, size, stride, padding=size // 2, bias=False)


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions, each with batch norm, and a shortcut."""

    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = _conv(inside, outside, 3, stride), nn.BatchNorm2d(outside)
        self.conv2, self.bn2 = _conv(outside, outside, 3), nn.BatchNorm2d(outside)
        self.downsample = (
            nn.Sequential()
            if (inside, stride) == (outside, 1)
            else nn.Sequential(_conv(inside, outside, 1, stride), nn.BatchNorm2d(outside))
        )

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(relu(self.bn1(self.conv1(x)))))
        return relu(y + self.downsample(x))


class ResNet18(nn.Module):
    """Eight basic blocks; ``large``: the stem for 224 x 224 images, which reduces the side by 4."""

    def __init__(self, classes: int, *, large: bool = False) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, padding=3, bias=False) if large else _conv(3, 64, 3)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, 2, padding=1) if large else nn.Identity()
        widths = (64, 64, 128, 256, 512)
        for i in range(1, 5):
            stride = 1 if i == 1 else 2
            blocks = BasicBlock(widths[i - 1], widths[i], stride), BasicBlock(widths[i], widths[i], 1)
            self.add_module(f"layer{i}", nn.Sequential(*blocks))
        self.fc = nn.Linear(512, classes)
        if large:
            _normal_by_fan_out(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(relu(self.bn1(self.conv1(x))))
        for i in range(1, 5):
            x = self.get_submodule(f"layer{i}")(x)
        return self.fc(x.mean((2, 3)))


_VGG16 = (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0)
"""Channels of the convolutions; 0 is pooling."""


def _vgg_features(*, norm: bool) -> nn.Sequential:
    layers: list[nn.Module] = []
    inside = 3
    for width in _VGG16:
        if not width:
            layers.append(nn.MaxPool2d(2))
            continue
        layers.append(nn.Conv2d(inside, width, 3, padding=1))
        layers += [nn.BatchNorm2d(width)] if norm else []
        layers.append(nn.ReLU(inplace=True))
        inside = width
    return nn.Sequential(*layers)


def vgg16(classes: int) -> nn.Module:
    """As coded by the paper's authors: the network for 224 x 224 images, given 32 x 32."""
    head = nn.Sequential(
        nn.Linear(512 * 7 * 7, 4096),
        nn.ReLU(inplace=True),
        nn.Dropout(),
        nn.Linear(4096, 4096),
        nn.ReLU(inplace=True),
        nn.Dropout(),
        nn.Linear(4096, classes),
    )
    made = nn.Sequential(_vgg_features(norm=False), nn.AdaptiveAvgPool2d(7), nn.Flatten(), head)
    _normal_by_fan_out(made)
    for layer in head:
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, 0, 0.01)
    return made


def vgg16_bn(classes: int) -> nn.Module:
    return nn.Sequential(_vgg_features(norm=True), nn.Flatten(), nn.Linear(512, classes))


class WideBlock(nn.Module):
    """Batch norm and ReLU before each of two 3 x 3 convolutions, and a shortcut."""

    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(inside), _conv(inside, outside, 3, stride)
        self.bn2, self.conv2 = nn.BatchNorm2d(outside), _conv(outside, outside, 3)
        self.shortcut = _conv(inside, outside, 1, stride) if inside != outside else None

    def forward(self, x: Tensor) -> Tensor:
        activated = relu(self.bn1(x))
        y = self.conv2(relu(self.bn2(self.conv1(activated))))
        return y + (x if self.shortcut is None else self.shortcut(activated))


def wide_resnet(classes: int, depth: int = 16, width: int = 10) -> nn.Module:
    """WRN-``depth``-``width``; the depth is 4 more than a multiple of 6."""
    blocks = (depth - 4) // 6
    layers: list[nn.Module] = [_conv(3, 16, 3)]
    inside = 16
    for group in range(3):
        outside = 16 * width * 2**group
        for block in range(blocks):
            layers.append(WideBlock(inside, outside, 2 if group and not block else 1))
            inside = outside
    layers += [nn.BatchNorm2d(inside), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inside, classes)]
    made = nn.Sequential(*layers)
    _normal_by_fan_out(made)
    return made


def small(classes: int) -> nn.Module:
    layers: list[nn.Module] = []
    for inside, outside in ((3, 8), (8, 16), (16, 32)):
        layers += [_conv(inside, outside, 3, 2), nn.BatchNorm2d(outside), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, classes))


def _normal_by_fan_out(module: nn.Module) -> None:
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.Linear):
            nn.init.zeros_(layer.bias)


NETWORKS: dict[str, Architecture] = {
    "resnet18": Architecture(ResNet18, 32, "ResNet18"),
    "vgg16": Architecture(vgg16, 32, "VGG16"),
    "vgg16-bn": Architecture(vgg16_bn, 32, ""),
    "wrn-16-10": Architecture(wide_resnet, 32, "WRN-16-10"),
    "resnet18-imagenet": Architecture(lambda classes: ResNet18(classes, large=True), 224, "ResNet18"),
    "small": Architecture(small, 32, ""),
}


def parameters(network: nn.Module) -> int:
    """How many numbers are trained."""
    return sum(p.numel() for p in network.parameters())


def has_statistics(network: nn.Module) -> bool:
    """Whether it has batch norm, whose running statistics are no parameters."""
    return any(isinstance(layer, nn.modules.batchnorm._BatchNorm) for layer in network.modules())


def described(name: str, classes: int) -> int:
    """The parameters of a network by name, without the memory for them."""
    with torch.device("meta"):
        return parameters(NETWORKS[name].build(classes))
