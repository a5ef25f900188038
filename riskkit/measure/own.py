"""A quantity of one's own: a name, and a function of problem, parameters and data.

    Experiment(..., quantities=(GRADIENT_NORM, ZERO_ONE_ERROR, Quantity("margin", margin)))

It is measured beside the excess risk and its parts, for both outputs at every checkpoint, and stands in the table, in
readings and bounds (``quantity="margin"``), rates and figures under its name.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from riskkit.measure.quantities import DATASET, QUANTITIES
from riskkit.problem import Problem
from riskkit.rng.streams import Stream

Kind = Literal["point", "path", "pair"]
"""What a quantity is a function of: an output and S, the iterates along the path and S, an output and its neighbour."""


@dataclasses.dataclass(frozen=True)
class Quantity:
    """A number for every replicate and parameter.

    Attributes:
        name: of letters, digits and underscores; sentences and figures write it with spaces.
        of: (problem, theta (R, C, d), data (R, n, w)) -> (R, C), in float64; ``data`` is S, the sample that the run
            learnt from. Its code is part of a run's address.
        kind: ``point``: of the outputs at the checkpoints. ``path``: the mean over the steps so far of its values at
            the iterates before each step (the same for both outputs); such runs take the reference engine. ``pair``:
            of an output on S and the one on a neighbour of S, which stands in the place of ``data``, (R, C, d); the
            mean over the neighbours.

    Raises ValueError for a name that is taken or cannot be one, and for another kind.
    """

    name: str
    of: Callable[[Problem, Tensor, Tensor], Tensor]
    kind: Kind = "point"

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.isidentifier():
            raise ValueError(f"Quantity: name must be of letters, digits and underscores; got {self.name!r}.")
        if self.name in (*QUANTITIES, *DATASET, "run", "T", "output", "replicate", "engine", "diverged_at"):
            raise ValueError(f"Quantity: the name {self.name!r} is taken; take another.")
        if self.kind not in get_args(Kind):
            raise ValueError(f"Quantity: kind must be one of {', '.join(get_args(Kind))}; got {self.kind!r}.")
        if not callable(self.of):
            raise ValueError(f"Quantity: {self.name} must be a function of problem, theta and data; got {self.of!r}.")

    def measure(self, problem: Problem, theta: Tensor, data: Tensor) -> Tensor:
        """Its values, (R, C); ValueError, in one line, for what are none."""
        found: Any = self.of(problem, theta, data)
        shape = tuple(theta.shape[:2])
        if not isinstance(found, Tensor):
            raise ValueError(f"{self.name}: expected a tensor (R, C), here {shape}; got {type(found).__name__}.")
        if tuple(found.shape) != shape or found.is_complex():
            raise ValueError(f"{self.name}: expected real numbers (R, C), here {shape}; got {tuple(found.shape)}.")
        return found.double()


def try_quantity(own: Quantity, problem: Problem, n: int) -> bool:
    """Whether its values on two samples of size n, at theta_0 and two points beside it, are finite numbers."""
    data = problem.sample(Stream(0, range(2)), n).double()
    start = torch.as_tensor(problem.start, dtype=torch.float64)
    beside = 1e-3 * (problem.radius or 1.0) * torch.tensor([0.0, 1.0, -1.0], dtype=torch.float64)
    theta = ((1 - 1e-3) * start + beside[:, None]).expand(2, 3, -1)
    return bool(own.measure(problem, theta, theta.flip(1) if own.kind == "pair" else data).isfinite().all())


def along(quantities: Sequence[Quantity]) -> list[Quantity]:
    """Those that are means along the path."""
    return [own for own in quantities if own.kind == "path"]


def _gradient_norm(problem: Problem, theta: Tensor, data: Tensor) -> Tensor:
    """||grad F_S(theta)||, whether or not theta is at the boundary of Theta."""
    (R, C, d), n = theta.shape, data.shape[1]
    total = torch.zeros_like(theta)
    together = max(1, min(n, 2**20 // max(1, R * C * d)))
    for first in range(0, n, together):
        z = data[:, first : first + together]
        at = theta.repeat_interleave(z.shape[1], 0)
        total += problem.gradient(at, z.flatten(0, 1)[:, None]).reshape(R, z.shape[1], C, d).sum(1)
    return (total / n).norm(dim=-1)


def _zero_one_error(problem: Problem, theta: Tensor, data: Tensor) -> Tensor:
    """The share of S that the sign of <x, theta> gets wrong; an example is the row (x_1, ..., x_d, y), y = 1 or -1."""
    x, y = data[..., :-1], data[..., -1]
    if x.shape[-1] != theta.shape[-1] or not bool(((y == 1) | (y == -1)).all()):
        raise ValueError(
            f"zero_one_error: expected examples (x_1, ..., x_d, y) with labels 1 and -1; those of {problem.name} are "
            "others."
        )
    margin = torch.einsum("rnd,rcd->rcn", x, theta) * y[:, None]
    return (margin <= 0).to(theta).mean(-1)


GRADIENT_NORM = Quantity("gradient_norm", _gradient_norm)
"""||grad F_S(theta)||: (R, C)."""

ZERO_ONE_ERROR = Quantity("zero_one_error", _zero_one_error)
"""The share of S that a linear classifier gets wrong, in [0, 1]."""

SQUARED_STABILITY = Quantity(
    "squared_stability", lambda problem, theta, other: (theta - other).square().sum(-1), "pair"
)
"""||theta(S) - theta(S^i)||^2: its mean is the l2 on-average stability, as that of ``stability`` is the l1."""

PATH_RISK = Quantity("path_risk", lambda problem, theta, data: problem.empirical_risk(theta, data), "path")
"""The mean over the steps so far of F_S(v_j), v_j the iterate before step j."""

PATH_ROOT_RISK = Quantity(
    "path_root_risk", lambda problem, theta, data: problem.empirical_risk(theta, data).clamp(min=0).sqrt(), "path"
)
"""The mean over the steps so far of sqrt F_S(v_j), for losses that are not negative."""

SHIPPED = (GRADIENT_NORM, ZERO_ONE_ERROR, SQUARED_STABILITY, PATH_RISK, PATH_ROOT_RISK)
"""Those of this module, which bounds of riskkit may speak of."""
