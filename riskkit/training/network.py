"""Networks: any torch module, what is asked of it, its initial weights by address, and many of it side by side.

A network is a frozen dataclass with ``build() -> nn.Module``; its fields identify it in the store, together with the
printed structure and the shapes of the module. The module maps features (b, p) to logits (b, K).
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
import threading
from collections.abc import Callable, Hashable, Mapping
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from riskkit.rng.streams import Stream


class Network(Protocol):
    """A frozen dataclass that builds its module."""

    def build(self) -> nn.Module:
        """A new module: features in, one score a class out."""


@dataclasses.dataclass(frozen=True)
class MLP:
    """Linear layers with ReLU between them: ``inputs`` - ``hidden`` ... - ``classes``."""

    inputs: int = 64
    hidden: tuple[int, ...] = (64,)
    classes: int = 10

    def build(self) -> nn.Module:
        widths = (self.inputs, *self.hidden, self.classes)
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise(widths):
            layers += [nn.Linear(before, after), nn.ReLU()]
        return nn.Sequential(*layers[:-1])


@dataclasses.dataclass(frozen=True)
class CNN:
    """Two 3 x 3 convolutions with ReLU on side x side images, the first with stride 2; then a linear layer.

    With the stride on the second one a gradient takes twice as long, for as many parameters.

    ``channels``: of the two convolutions; ``classes``: scores that it gives.
    """

    side: int = 8
    channels: tuple[int, int] = (8, 16)
    classes: int = 10

    def build(self) -> nn.Module:
        first, second = self.channels
        return nn.Sequential(
            nn.Unflatten(1, (1, self.side, self.side)),
            nn.Conv2d(1, first, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(first, second, 3, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(second * (-(-self.side // 2)) ** 2, self.classes),
        )


CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
KNOWN = (nn.Linear, *CONVOLUTIONS)
"""Layers whose law of initial weights is known."""


class Slot(NamedTuple):
    """A parameter's place in the flat vector, its shape, and its law: uniform on +-``bound``, or ``fixed`` values."""

    name: str
    first: int
    shape: tuple[int, ...]
    bound: float
    fixed: Tensor | None

    @property
    def last(self) -> int:
        return self.first + math.prod(self.shape)


@dataclasses.dataclass(frozen=True, eq=False)
class Stack:
    """A module of which M copies run at once, their parameters in the rows of one tensor (M, P).

    Attributes:
        module: carries the structure; its own parameters are never used.
        slots: where each parameter lies, in the module's order.
        features: p, numbers of an example.
        head: the slots that scale the logits when they are scaled together, () if none are known to.
        structure: the module in words, for the store.
        recorded: the gradient's operations for each shape of a batch.
    """

    module: nn.Module
    slots: tuple[Slot, ...]
    features: int
    head: tuple[str, ...]
    structure: str
    recorded: dict[Hashable, Callable[..., dict[str, Tensor]]] = dataclasses.field(default_factory=dict)

    @property
    def size(self) -> int:
        """P."""
        return self.slots[-1].last

    @functools.cached_property
    def products(self) -> int:
        """Multiplications of a forward pass of one example, for the prediction of times: a linear layer takes as many
        as it has weights, a convolution that at each of its places; all other parameters count once."""
        known = [part for part in self.module.modules() if isinstance(part, KNOWN)]
        weights: dict[nn.Module, int] = {part: part.weight.numel() for part in known}
        found = [self.size - sum(weights.values())]

        def count(part: nn.Module, _: object, answer: Tensor) -> None:
            places = answer.shape[1:-1] if isinstance(part, nn.Linear) else answer.shape[2:]
            found.append(math.prod(places) * weights[part])

        hooks = [part.register_forward_hook(count) for part in known]
        with torch.no_grad():
            self.module(torch.zeros(1, self.features))
        for hook in hooks:
            hook.remove()
        return sum(found)

    def views(self, flat: Tensor) -> dict[str, Tensor]:
        """Parameters of every copy by name, (M, ...) each, as views of ``flat`` (M, P)."""
        M = len(flat)
        return {slot.name: flat[:, slot.first : slot.last].view(M, *slot.shape) for slot in self.slots}

    def logits(self, flat: Tensor, features: Tensor) -> Tensor:
        """``flat`` (M, P) on common features (b, p) -> (M, b, K)."""
        answer: Tensor = vmap(self._forward, in_dims=(0, None))(self.views(flat), features)
        return answer

    def gradient(self, flat: Tensor, features: Tensor, targets: Tensor, out: Tensor) -> None:
        """The mean cross-entropy's gradient, of each copy on its own batch (M, b, p), (M, b), into ``out`` (M, P).

        The first call of a shape records the operations, later ones replay them: the same bits in half the time.
        """
        shape = (*features.shape, features.device)
        if shape not in self.recorded:
            self.recorded[shape] = _recorded(self, flat, features, targets)
        with torch.no_grad():
            found = self.recorded[shape](flat, features, targets)
            for name, place in self.views(out).items():
                place.copy_(found[name])

    def _forward(self, parameters: Mapping[str, Tensor], features: Tensor) -> Tensor:
        answer: Tensor = functional_call(self.module, dict(parameters), (features,))
        return answer

    def _loss(self, parameters: Mapping[str, Tensor], features: Tensor, targets: Tensor) -> Tensor:
        logarithms = torch.log_softmax(self._forward(parameters, features), -1)
        return -logarithms.gather(1, targets[:, None]).mean()

    def start(self, stream: Stream) -> Tensor:
        """theta_0 of each replicate, float32 (R, P): the law of torch's own defaults, by address ("weights NAME")."""
        wide = Stream(stream.seed, stream.replicates, torch.float64, stream.device, stream.family)
        parts = []
        for slot in self.slots:
            if slot.fixed is not None:
                one = slot.fixed.to(wide.device, torch.float64).flatten()
                parts.append(one.expand(len(stream.replicates), -1))
            else:
                drawn = wide.uniforms(f"weights {slot.name}", slot.last - slot.first, 1)[..., 0]
                parts.append((2 * drawn - 1) * slot.bound)
        return torch.cat(parts, dim=1).float()


_RECORDING = threading.Lock()


def _recorded(found: Stack, flat: Tensor, features: Tensor, targets: Tensor) -> Callable[..., dict[str, Tensor]]:
    """The gradients of all copies, by name, as a list of operations on tensors of these shapes.

    What ``vmap(grad(...))`` does at every call, to find out which operations there are, takes as long as they do.
    """
    from torch.fx.experimental.proxy_tensor import make_fx

    def gradients(flat: Tensor, features: Tensor, targets: Tensor) -> dict[str, Tensor]:
        named: dict[str, Tensor] = vmap(grad(found._loss))(found.views(flat), features, targets)
        return named

    with _RECORDING, torch.no_grad():
        graph = make_fx(gradients)(flat, features, targets)
    graph.graph.eliminate_dead_code()
    graph.recompile()
    return graph


def stack(network: Any, features: int, classes: int) -> Stack:
    """The network's module, ready to run in many copies, after one try on two examples of so many ``features``,
    with a logit for each of the ``classes``.

    Raises ValueError, in one line, for a module that cannot: with buffers (batch norm), with randomness of its own
    (dropout), with initial values of no known law, with data-dependent control flow, or of another shape.
    """
    # functional_call puts parameters into the module while it runs: every thread needs a module of its own.
    return _made(network, features, classes, threading.get_ident())


@functools.lru_cache(maxsize=64)
def _made(network: Any, features: int, classes: int, thread: int) -> Stack:
    owner = type(network).__name__
    with torch.random.fork_rng(devices=[]):
        first, second = _built(network), _built(network)
    if buffers := [name for name, _ in first.named_buffers()]:
        raise ValueError(
            f"{owner}: a module with buffers ({buffers[0]}) cannot run in many copies at once; use GroupNorm in the "
            "place of batch norm."
        )
    slots = _slots(owner, first, dict(second.named_parameters()))
    module = first.requires_grad_(False)
    found = Stack(module, slots, features, (), f"{module}; {[(slot.name, slot.shape) for slot in slots]}")
    _try(owner, found, features, classes)
    return dataclasses.replace(found, head=_head(found, features))


def _built(network: Any) -> nn.Module:
    owner = type(network).__name__
    build = getattr(network, "build", None)
    if not dataclasses.is_dataclass(network) or build is None:
        raise ValueError(f"a network must be a frozen dataclass with build() -> nn.Module; got {owner}.")
    try:
        module = build()
    except Exception as error:
        raise ValueError(f"{owner}: build() raised {type(error).__name__}: {_line(error)}") from error
    if not isinstance(module, nn.Module):
        raise ValueError(f"{owner}: build() must return a torch module; got {type(module).__name__}.")
    return module


def _slots(owner: str, module: nn.Module, twin: Mapping[str, nn.Parameter]) -> tuple[Slot, ...]:
    slots: list[Slot] = []
    place = 0
    for prefix, part in module.named_modules():
        known = isinstance(part, KNOWN)
        for short, parameter in part.named_parameters(recurse=False):
            name = f"{prefix}.{short}" if prefix else short
            bound, fixed = 0.0, None
            if known:
                fan_in = math.prod(part.weight.shape[1:])
                bound = 1 / math.sqrt(fan_in)
            elif torch.equal(parameter, twin[name]):
                fixed = parameter.detach().clone()
            else:
                raise ValueError(
                    f"{owner}: {name} starts from random values of an unknown law; riskkit draws those of linear and "
                    "convolution layers, and others must start from fixed values."
                )
            slots.append(Slot(name, place, tuple(parameter.shape), bound, fixed))
            place = slots[-1].last
    if not slots:
        raise ValueError(f"{owner}: the module has no parameters.")
    if len(slots) > len(dict(module.named_parameters())):
        raise ValueError(f"{owner}: parameters that two layers share cannot be told apart here; make them separate.")
    return tuple(slots)


def _try(owner: str, found: Stack, features: int, classes: int) -> None:
    """Two copies on two examples: everything that can go wrong goes wrong now.

    Their gradients are those of the sum of their losses. ``torch.func.grad`` would load torch's compiler, which takes a
    second or two.
    """
    flat = found.start(Stream(0, range(2)))
    x = torch.linspace(0, 1, 2 * 2 * features).reshape(2, 2, features)
    y = torch.zeros(2, 2, dtype=torch.int64)
    try:
        logits = found.logits(flat, x[0])
        with torch.enable_grad():
            free = flat.clone().requires_grad_()
            (out,) = torch.autograd.grad(vmap(found._loss)(found.views(free), x, y).sum(), free)
    except Exception as error:
        raise ValueError(
            f"{owner}: torch.func.vmap cannot run this module on {features} features: {type(error).__name__}: "
            f"{_line(error)}"
        ) from error
    if logits.shape != (2, 2, classes):
        raise ValueError(
            f"{owner}: the module must map (b, {features}) features to (b, {classes}) logits; got "
            f"{tuple(logits.shape[1:])} for b = 2."
        )
    if not bool(out.isfinite().all()):
        raise ValueError(f"{owner}: the gradient is not finite at the initial weights.")


def _head(found: Stack, features: int) -> tuple[str, ...]:
    """The last layer's parameters if doubling them doubles the logits to the last bit, as it does where they come last
    and are linear."""
    last = found.slots[-1].name.rpartition(".")[0]
    names = tuple(slot.name for slot in found.slots if slot.name.rpartition(".")[0] == last)
    flat = found.start(Stream(1, range(2))).double()
    x = torch.linspace(0, 1, 2 * features, dtype=torch.float64).reshape(2, features)
    before, scaled = found.logits(flat, x), flat.clone()
    for slot in found.slots:
        if slot.name in names:
            scaled[:, slot.first : slot.last] *= 2
    return names if torch.equal(found.logits(scaled, x), 2 * before) else ()


def _line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else ""
