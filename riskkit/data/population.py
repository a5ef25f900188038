"""A finite population: the distribution D that is uniform on N given rows, with a known kernel for their labels.

Every expectation under D is a finite sum, so that the population risk of any predictor is exact and needs no test
sample. A sample S is n independent draws from D, with replacement: the theorems' setting. S has seen the share
1 - (1 - 1/N)^n of D on average, and the generalization error is that on *this* D, not on rows outside of it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from riskkit.rng.streams import Stream


class Drawn(NamedTuple):
    """n draws from D for each of R replicates: numbers of rows, and labels.

    Attributes:
        rows: int64 (R, n), in 0 .. N - 1.
        targets: (R, n), after the kernel: class numbers, int64, or targets of a regression in the stream's dtype.
    """

    rows: Tensor
    targets: Tensor


@dataclasses.dataclass(frozen=True, init=False, repr=False)
class Population:
    """D: a row drawn uniformly from N, its label drawn from the kernel q(. | row).

    Integers, booleans or strings as targets are class labels, numbered 0 .. K - 1 in sorted order; the kernel keeps a
    label with probability 1 - ``noise`` and else draws one uniformly from all K. Floating-point targets are those of a
    regression; the kernel adds +``noise`` or -``noise``, with a fair sign.

    Two populations are equal if the rows, targets, labels and noise are: ``content`` stands for all but the noise, and
    is what identifies a population in the store. ``name`` is a label.

    Attributes:
        noise: in [0, 1] for classes; a finite number >= 0, in the unit of the targets, for a regression.
        classes: K; 0 for a regression.
        content: SHA-256, in hex, of the features and targets as little-endian float64, their shape and the labels.
        name: a short name for tables.
        labels: the K labels that the classes had, as text; () for a regression.
        features: float64 (N, p), read-only.
        targets: (N,), read-only: class numbers, int64, or float64.

    Raises ValueError, in one line, for rows and targets that do not fit together, that are not finite, or that hold one
    class only.
    """

    noise: float
    classes: int
    content: str
    name: str = dataclasses.field(compare=False)
    labels: tuple[str, ...] = dataclasses.field(compare=False)
    features: np.ndarray = dataclasses.field(compare=False)
    targets: np.ndarray = dataclasses.field(compare=False)

    def __init__(
        self,
        features: np.ndarray | Sequence[Sequence[float]],
        targets: np.ndarray | Sequence[float] | Sequence[str],
        *,
        noise: float = 0.0,
        name: str = "population",
    ) -> None:
        rows = _rows(features)
        numbers, labels = _targets(targets, len(rows))
        if not isinstance(name, str) or not name:
            raise ValueError(f"Population: name must be a short text; got {name!r}.")
        self._set(rows, numbers, labels, noise, name)

    def _set(self, features: np.ndarray, targets: np.ndarray, labels: tuple[str, ...], noise: float, name: str) -> None:
        most = 1.0 if labels else math.inf
        if isinstance(noise, bool) or not isinstance(noise, int | float) or not 0 <= noise <= most or noise == math.inf:
            need = "in [0, 1] for classes" if labels else "finite and >= 0 for a regression"
            raise ValueError(f"Population: noise must be a number {need}; got {noise!r}.")
        features.setflags(write=False)
        targets.setflags(write=False)
        values = {
            "noise": float(noise),
            "classes": len(labels),
            "content": _content(features, targets, labels),
            "name": name,
            "labels": labels,
            "features": features,
            "targets": targets,
        }
        for field, value in values.items():
            object.__setattr__(self, field, value)

    def __repr__(self) -> str:
        N, p = self.features.shape
        kind = f"{self.classes} classes" if self.classes else "regression"
        return f"Population({self.name}, {N} rows x {p}, {kind}, noise={self.noise:g}, {self.content[:12]})"

    def __len__(self) -> int:
        """N."""
        return len(self.targets)

    def seen(self, n: int) -> float:
        """The share of the rows that n draws have seen, in expectation: 1 - (1 - 1/N)^n."""
        return -math.expm1(n * math.log1p(-1 / len(self)))

    def draw(self, stream: Stream, n: int) -> Drawn:
        """n independent draws from D for each replicate of the stream; draw i does not depend on n.

        Row and label come from words of the purposes "rows" and "kernel" by integer arithmetic, the same on every
        device and in every dtype. The chance of a row differs from 1/N by less than 2^-32, that of a change from
        ``noise`` by less than 2^-53.
        """
        rows = (stream.words("rows", n, 1)[..., 0] * len(self)) >> 32
        targets = torch.as_tensor(np.array(self.targets), device=rows.device)[rows]
        if not self.classes:
            targets = targets.to(stream.dtype)
        if self.noise:
            words = stream.words("kernel", n, 4)
            if self.classes:
                coin = (words[..., 0] << 21) | (words[..., 1] >> 11)
                changed = coin < int(math.ldexp(self.noise, 53))
                targets = torch.where(changed, (words[..., 2] * self.classes) >> 32, targets)
            else:
                targets = targets + self.noise * (2 * (words[..., 0] >> 31) - 1).to(targets)
        return Drawn(rows, targets)

    def kernel(self) -> np.ndarray:
        """q(y | row), float64 (N, K): the chance of every class at every row. Rows sum to 1.

        Raises ValueError for a regression, which has no classes.
        """
        if not self.classes:
            raise ValueError(f"Population: {self.name} is a regression; only classes have a table of chances.")
        chances = np.full((len(self), self.classes), self.noise / self.classes)
        chances[np.arange(len(self)), self.targets] += 1 - self.noise
        return chances

    def with_noise(self, noise: float) -> Population:
        """The same rows and targets under another kernel."""
        return self._like(noise=noise)

    def with_intercept(self) -> Population:
        """A column of ones appended to the features."""
        return self._like(features=np.column_stack([self.features, np.ones(len(self))]))

    def standardized(self) -> Population:
        """Every column less its mean over the N rows, over its standard deviation; constant columns are left out.

        Mean and deviation are those of D: a fixed map of the rows, not an estimate from S.
        """
        varying = self.features[:, np.ptp(self.features, axis=0) > 0]
        if varying.shape[1] == 0:
            raise ValueError(f"Population: every column of {self.name} is constant; there is nothing to standardize.")
        return self._like(features=(varying - varying.mean(0)) / varying.std(0))

    def in_unit_ball(self) -> Population:
        """All features over the largest norm of a row: then ||x|| <= 1, with equality for some row."""
        largest = float(np.linalg.norm(self.features, axis=1).max())
        if largest == 0:
            raise ValueError(f"Population: every row of {self.name} is 0; there is nothing to scale.")
        return self._like(features=self.features / largest)

    def targets_within(self, largest: float) -> Population:
        """A regression's targets less their mean, scaled to a largest absolute value; noise scales with them.

        Raises ValueError for classes, or if all targets are equal.
        """
        if self.classes:
            raise ValueError(f"Population: {self.name} has classes; only the targets of a regression can be scaled.")
        centred = self.targets - self.targets.mean()
        factor = largest / float(np.abs(centred).max())
        return self._like(targets=centred * factor, noise=self.noise * factor)

    def only(self, *labels: str | int) -> Population:
        """The rows that have one of the labels, of which there must be two or more."""
        kept = [label for label in self.labels if label in {str(wanted) for wanted in labels}]
        if len(kept) < 2 or len(kept) != len(set(labels)):
            raise ValueError(
                f"Population: only needs two or more of the labels of {self.name} "
                f"({', '.join(self.labels) or 'no labels'}); got {', '.join(map(str, labels)) or 'none'}."
            )
        numbers = np.array([kept.index(label) if label in kept else -1 for label in self.labels])[self.targets]
        chosen = numbers >= 0
        name = f"{self.name}: {', '.join(kept)}"
        return self._like(features=self.features[chosen], targets=numbers[chosen], labels=tuple(kept), name=name)

    def one_against_rest(self, *labels: str | int) -> Population:
        """Two classes: those with one of the labels, class 1, against the others, class 0.

        Raises ValueError for a label that no row has, or if no other is left.
        """
        wanted = {str(label) for label in labels}
        unknown = sorted(wanted - set(self.labels))
        if unknown or not wanted or wanted == set(self.labels):
            known = ", ".join(self.labels) or "no labels"
            raise ValueError(
                f"Population: one_against_rest needs some, not all, of the labels of {self.name} ({known}); "
                f"got {', '.join(map(str, labels)) or 'none'}."
            )
        positive = np.array([label in wanted for label in self.labels])
        numbers, chosen = positive[self.targets].astype(np.int64), "+".join(sorted(wanted))
        return self._like(targets=numbers, labels=("rest", chosen), name=f"{self.name}: {chosen} or not")

    def _like(
        self,
        features: np.ndarray | None = None,
        targets: np.ndarray | None = None,
        labels: tuple[str, ...] | None = None,
        noise: float | None = None,
        name: str = "",
    ) -> Population:
        """Another population, with what is given exchanged."""
        made = object.__new__(Population)
        made._set(
            self.features if features is None else features,
            self.targets if targets is None else targets,
            self.labels if labels is None else labels,
            self.noise if noise is None else noise,
            name or self.name,
        )
        return made


def _rows(features: np.ndarray | Sequence[Sequence[float]]) -> np.ndarray:
    """The features, checked: float64 (N, p)."""
    try:
        rows = np.array(features, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"Population: features must be a table of numbers; {error}.") from error
    if rows.ndim != 2 or len(rows) < 2 or rows.shape[1] < 1:
        raise ValueError(
            f"Population: features must have shape (N, p) with N >= 2 rows and p >= 1 columns; got {rows.shape}."
        )
    wrong = np.argwhere(~np.isfinite(rows))
    if len(wrong):
        row, column = wrong[0]
        raise ValueError(
            f"Population: features must be finite; got {rows[row, column]} at row {row}, column {column} "
            f"({len(wrong)} such in all). Leave these rows out, or fill them in."
        )
    return rows


def _targets(targets: np.ndarray | Sequence[float] | Sequence[str], N: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """The targets, checked, and the labels of the classes."""
    given = np.asarray(targets)
    if given.shape != (N,):
        raise ValueError(f"Population: targets must have shape ({N},), one for each row; got {given.shape}.")
    if given.dtype.kind in "biuU":
        found, numbers = np.unique(given, return_inverse=True)
        if len(found) < 2:
            raise ValueError(f"Population: targets must hold two classes or more; all {N} are {found[0]!s}.")
        return numbers.astype(np.int64), tuple(str(label) for label in found)
    if given.dtype.kind != "f":
        raise ValueError(
            "Population: targets must be numbers (a regression) or integers, booleans or strings (classes); "
            f"got {given.dtype}."
        )
    numbers = np.array(given, dtype=np.float64)
    wrong = np.flatnonzero(~np.isfinite(numbers))
    if len(wrong):
        raise ValueError(
            f"Population: targets must be finite; got {numbers[wrong[0]]} at row {wrong[0]} ({len(wrong)} such in all)."
        )
    if np.ptp(numbers) == 0:
        raise ValueError(f"Population: targets must not all be equal; all {N} are {numbers[0]:g}.")
    return numbers, ()


def _content(rows: np.ndarray, targets: np.ndarray, labels: tuple[str, ...]) -> str:
    digest = hashlib.sha256(repr((rows.shape, labels)).encode())
    for array in (rows, targets):
        digest.update(np.ascontiguousarray(array, dtype="<f8").tobytes())
    return digest.hexdigest()
