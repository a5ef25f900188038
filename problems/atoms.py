"""Laws on finitely many examples, the *atoms*: every expectation over S and over the draws is a finite sum.

A problem whose D is such a law has the attribute ``law``, its atoms (A, w) and their probabilities (A,); then
``riskkit attack`` takes expectations over all datasets and all index streams where those are few.
"""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from riskkit.problem import Quadratic
from riskkit.rng.streams import Stream

from . import fields

Rows = tuple[tuple[float, ...], ...]


class Law(NamedTuple):
    """atoms (A, w), weights (A,) > 0 with sum 1."""

    atoms: np.ndarray
    weights: np.ndarray


def checked(owner: str, atoms: object, weights: object, width: int | None = None) -> None:
    """Raises ValueError, in one line, for what is no law: rows of unlike lengths, weights that do not sum to 1."""
    if not isinstance(atoms, tuple) or not atoms or not all(isinstance(row, tuple) and row for row in atoms):
        raise ValueError(f"{owner}: atoms must be a tuple of tuples of numbers, one an example; got {atoms!r}.")
    if not isinstance(weights, tuple) or len(weights) != len(atoms):
        raise ValueError(f"{owner}: weights must be a tuple of {len(atoms)} numbers, one an atom; got {weights!r}.")
    for row in atoms:
        if len(row) != (width or len(atoms[0])):
            raise ValueError(f"{owner}: every atom must have {width or len(atoms[0])} numbers; got {row!r}.")
        for value in row:
            fields.finite(owner, "each number of an atom", value)
    for value in weights:
        fields.finite(owner, "each weight", value, above=0)
    if abs(math.fsum(weights) - 1) > 1e-12:
        raise ValueError(f"{owner}: weights must sum to 1; got {math.fsum(weights)!r}.")


@functools.lru_cache(maxsize=512)
def law_of(atoms: Rows, weights: tuple[float, ...]) -> Law:
    return Law(np.array(atoms, dtype=np.float64), np.array(weights, dtype=np.float64))


def drawn(law: Law, stream: Stream, n: int) -> Tensor:
    """n atoms for each replicate, (R, n, w), by one uniform an example."""
    steps = np.cumsum(law.weights)[:-1]
    which = torch.as_tensor(np.searchsorted(steps, stream.uniforms("examples", n, 1)[..., 0].cpu().numpy(), "right"))
    return torch.as_tensor(law.atoms, dtype=stream.dtype)[which].to(stream.device)


class OnAtoms:
    """What the problems on atoms share: the law of their fields ``atoms`` and ``weights``, and draws from it."""

    atoms: Rows
    weights: tuple[float, ...]

    @property
    def law(self) -> Law:
        """The atoms (A, w) and their weights (A,)."""
        return law_of(self.atoms, self.weights)

    def sample(self, stream: Stream, n: int) -> Tensor:
        return drawn(self.law, stream, n)


def distances(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """||p_i - q_j||, (P, Q)."""
    found: np.ndarray = np.linalg.norm(points[:, None, :] - others[None, :, :], axis=-1)
    return found


def quadratic(law: Law, curvatures: tuple[float, ...], pulls: tuple[float, ...]) -> Quadratic:
    """What ``Quadratic`` says of the law; coordinates may depend on each other."""
    mean = law.weights @ law.atoms
    variance = law.weights @ (law.atoms - mean) ** 2
    apart = float(law.weights @ distances(law.atoms, law.atoms) @ law.weights)
    longest = float(np.linalg.norm(law.atoms, axis=1).max())
    return Quadratic(curvatures, pulls, tuple(mean.tolist()), tuple(variance.tolist()), longest, apart)
