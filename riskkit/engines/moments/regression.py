"""Mean and covariance of each output given S, on squared losses, whose Hessians differ from example to example.

With l(t; x, y) = (1/2) (<x, t> - y)^2 + (lam/2) ||t||^2 one example's gradient is linear in theta. If draws are
independent, the first two moments of the state of an algorithm that is linear in the gradient follow, given S, from
themselves, step by step (``regression_kernel``). Without replacement they do not: the Hessian of a step is then that of
an example which the steps before have not used, so that it depends on what they did.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from riskkit.algorithms import traits
from riskkit.algorithms.linear import Floats, LinearMaps, Steps
from riskkit.engines.moments.maps import linear_maps
from riskkit.engines.moments.regression_kernel import LANES, advance
from riskkit.problem import Squared

CHUNK = 2**11
"""Steps whose maps are made at a time."""

HELD = 2**25
"""Numbers that the sums over the examples of all groups that are gone through together may be."""


class Given(NamedTuple):
    """At K checkpoints, for R data sets and the 2 outputs in d coordinates.

    Attributes:
        mean: (R, K, 2, d), given S.
        covariance: (R, K, 2, d, d), given S; of a pair of samples between the output on the left one and that on the
            right one, which have the same draws.
        squares: (R, K), the mean over the steps so far of E[||g_j||^2 | S].
    """

    mean: Floats
    covariance: Floats
    squares: Floats


def given(
    algorithms: Sequence[Any], law: Squared, start: Floats, data: Floats, rounds: Sequence[npt.NDArray[np.int64]]
) -> list[Given]:
    """The moments of each algorithm given each sample, ``data`` (R, n, d + 1) with rows (x, y), after its ``rounds``
    (K,), ascending; from theta_0 = ``start`` (d,), with independent draws."""
    return _moments(algorithms, law, start, (data,), rounds)


def between(
    algorithms: Sequence[Any],
    law: Squared,
    start: Floats,
    data: Floats,
    others: Floats,
    rounds: Sequence[npt.NDArray[np.int64]],
) -> list[Floats]:
    """(R, K, 2, d, d) for each algorithm: the covariance of the output on each sample with that on the other one that
    the same draws give, ``data`` and ``others`` (R, n, d + 1); ``start`` (d,) and ``rounds`` (K,) as for ``given``."""
    return [found.covariance for found in _moments(algorithms, law, start, (data, others), rounds)]


def _moments(
    algorithms: Sequence[Any],
    law: Squared,
    start: Floats,
    samples: tuple[Floats, ...],
    rounds: Sequence[npt.NDArray[np.int64]],
) -> list[Given]:
    """LANES data sets at a time; the last group is filled up with its last one. As many groups as HELD allows are made
    at once: they serve all algorithms, and the maps of a chunk of steps serve them."""
    R = len(samples[0])
    places = np.minimum(np.arange(-(-R // LANES) * LANES), R - 1)
    sides = [_Side.of(sample[places], law) for sample in samples]
    runs = [_Run.of(algorithm, own, law) for algorithm, own in zip(algorithms, rounds, strict=True)]
    found: list[list[Given]] = [[] for _ in runs]
    groups: list[_Group] = []
    for at in range(0, R, LANES):
        groups.append(_Group.of([_Side(*(part[at : at + LANES] for part in side)) for side in sides], law.ridge))
        if at + LANES >= R or sum(len(part) for group in groups for part in group.sums) > HELD:
            for own, run in zip(found, runs, strict=True):
                own += _through(run, start, groups)
            groups = []
    return [Given(*(np.concatenate(parts)[:R] for parts in zip(*own, strict=True))) for own in found]


class _Side(NamedTuple):
    """A sample in each row, in coordinates in which X'X/n is diagonal: x (R, n, d) and e = y - X c (R, n) with c (R, d)
    the minimiser of F_S on R^d; the eigenvalues (R, d), the axes (R, d, d) and r = X'y/n (R, d)."""

    x: Floats
    e: Floats
    centre: Floats
    values: Floats
    axes: Floats
    pulls: Floats

    @staticmethod
    def of(sample: Floats, law: Squared) -> _Side:
        x, y = sample[..., :-1], sample[..., -1]
        n = x.shape[1]
        values, axes = np.linalg.eigh(np.swapaxes(x, 1, 2) @ x / n)
        values = np.maximum(values, 0.0)
        x = x @ axes
        pulls = (y[:, None, :] @ x)[:, 0] / n
        curved = values + law.ridge > 1e-12 * values[:, -1:]
        centre = np.where(curved, pulls / np.where(curved, values + law.ridge, 1.0), 0.0)
        return _Side(x, y - (x @ centre[..., None])[..., 0], centre, values, axes, pulls)


def _parts(maps: LinearMaps, taken: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The parts of the state that outputs or gradients depend on: an anchor that nothing is pulled to is none."""
    links = np.zeros((len(maps.start), len(maps.start)), dtype=bool)
    needed: npt.NDArray[np.bool_] = np.any(maps.outputs(taken) != 0, axis=(0, 1))
    for done in range(0, int(taken[-1]), CHUNK):
        made = maps.steps(done, min(CHUNK, int(taken[-1]) - done))
        links |= (made.transition != 0).any(axis=0)
        needed |= (made.query != 0).any(axis=0)
    for _ in maps.start:
        needed = needed | np.any(links & needed[:, None], axis=0)
    return np.flatnonzero(needed)


class _Run(NamedTuple):
    """An algorithm: its maps, the parts of its state that count, the steps after which it is read, (K,), its outputs of
    these parts then, (K, 2, m), and its batch."""

    maps: LinearMaps
    parts: npt.NDArray[np.int64]
    taken: npt.NDArray[np.int64]
    outputs: Floats
    batch: int

    @staticmethod
    def of(algorithm: Any, rounds: npt.NDArray[np.int64], law: Squared) -> _Run:
        maps = linear_maps(algorithm)
        assert maps is not None
        taken = traits.steps_after(algorithm, rounds)
        parts = _parts(maps, taken)
        return _Run(maps, parts, taken, maps.outputs(taken)[:, :, parts], traits.batch(algorithm))


class _Group(NamedTuple):
    """LANES data sets, the left ones and, of a pair, the right ones, as the kernel reads them: pairs of coordinates,
    ``sides`` and ``sums``, which are flat."""

    axes: tuple[Floats, Floats]
    first: npt.NDArray[np.int64]
    second: npt.NDArray[np.int64]
    sides: tuple[Floats, ...]
    sums: tuple[Floats, Floats]

    @staticmethod
    def of(sides: list[_Side], ridge: float) -> _Group:
        left, right = sides[0], sides[-1]
        d = left.x.shape[-1]
        if len(sides) == 1:
            first, second = np.triu_indices(d)
        else:
            first, second = (np.ascontiguousarray(part.ravel()) for part in np.indices((d, d)))
        values, pulls, centre = (
            np.stack([getattr(side, name).T for side in sides]).ravel() for name in ("values", "pulls", "centre")
        )
        sums = _sums(left, right, first, second, len(sides) == 1)
        return _Group((left.axes, right.axes), first, second, (values, values + ridge, pulls, centre), sums)


class _State(NamedTuple):
    """The mean (S, d, m, LANES) of a state of m parts on either side, the covariance (P, m, m, LANES) of the pairs of
    coordinates, and the sum of E||g_j||^2 (LANES,), which the kernel changes."""

    group: _Group
    mean: Floats
    covariance: Floats
    squares: Floats

    @staticmethod
    def of(run: _Run, start: Floats, group: _Group) -> _State:
        sides = len(group.sides[0]) // (len(start) * LANES)
        begin = np.stack([np.einsum("d,ldo->ol", start, axes) for axes in group.axes[:sides]])
        mean = np.ascontiguousarray(run.maps.start[run.parts][:, None] * begin[:, :, None, :])
        m = len(run.parts)
        return _State(group, mean, np.zeros((len(group.first), m, m, LANES)), np.zeros(LANES))

    def go(self, batch: int, made: tuple[Floats, Floats, Floats]) -> None:
        state = self.mean.reshape(-1), self.covariance.reshape(-1), self.squares
        group = self.group
        advance(*made, batch, group.first, group.second, *group.sides, *group.sums, *state)

    def read(self, outputs: Floats, steps: int) -> Given:
        """At one checkpoint, the axis of checkpoints left out; ``outputs`` (2, m)."""
        group, (left, right) = self.group, self.group.axes
        d = left.shape[-1]
        mean = (outputs @ self.mean[0]).T @ np.swapaxes(left, 1, 2)
        known = np.einsum("oi,pijl,oj->lop", outputs, self.covariance, outputs)
        whole = np.empty((LANES, 2, d, d))
        whole[..., group.first, group.second] = known
        if len(group.first) < d * d:
            whole[..., group.second, group.first] = known
        covariance = left[:, None] @ whole @ np.swapaxes(right, 1, 2)[:, None]
        return Given(mean, covariance, self.squares / steps)


@np.errstate(over="ignore", invalid="ignore")  # a run that diverges answers with inf or nan
def _through(run: _Run, start: Floats, groups: list[_Group]) -> list[Given]:
    """Each group's moments at the checkpoints."""
    states, done = [_State.of(run, start, group) for group in groups], 0
    read: list[list[Given]] = [[] for _ in groups]
    for slot, until in enumerate(run.taken.tolist()):
        while done < until:
            count = min(CHUNK - done % CHUNK, until - done)
            made = _only(run.maps.steps(done, count), run.parts)
            for state in states:
                state.go(run.batch, made)
            done += count
        for own, state in zip(read, states, strict=True):
            own.append(state.read(run.outputs[slot], done))
    return [Given(*(np.stack(parts, axis=1) for parts in zip(*own, strict=True))) for own in read]


def _only(made: Steps, needed: npt.NDArray[np.int64]) -> tuple[Floats, Floats, Floats]:
    """Transition, push and query of some parts of the state."""
    return (
        np.ascontiguousarray(made.transition[:, needed][:, :, needed]),
        np.ascontiguousarray(made.push[:, needed]),
        np.ascontiguousarray(made.query[:, needed]),
    )


def _sums(
    left: _Side, right: _Side, first: npt.NDArray[np.int64], second: npt.NDArray[np.int64], one: bool
) -> tuple[Floats, Floats]:
    """``inward`` and ``outward`` of the kernel: the sum over the examples as a matrix, or by way of their weights
    (u'x - e) (u'x' - e') + x' Q x'."""
    n, P = left.x.shape[1], len(first)
    products = left.x[..., first] * right.x[..., second]
    folded = np.where(first == second, 1.0, 2.0) if one else np.ones(P)
    features = np.concatenate(
        [
            products * folded,
            -left.x * right.e[..., None],
            -right.x * left.e[..., None],
            (left.e * right.e)[..., None],
        ],
        axis=-1,
    )
    products = np.swapaxes(products, 1, 2) / n
    if 2 * n < P:
        return np.moveaxis(features, 0, -1).ravel(), np.moveaxis(products, 0, -1).ravel()
    return np.moveaxis(products @ features, 0, -1).ravel(), np.empty(0)
