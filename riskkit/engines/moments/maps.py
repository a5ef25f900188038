"""The algorithms of riskkit as linear maps of their state (``riskkit.algorithms.linear``)."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from riskkit.algorithms.linear import Floats, LinearMaps, Steps
from riskkit.algorithms.momentum import HeavyBall
from riskkit.algorithms.staged import Algorithm, Stage
from riskkit.algorithms.staged_momentum import MomentumLookahead
from riskkit.algorithms.suffix import SuffixSGD
from riskkit.algorithms.weighted_average import WeightedSGD


@functools.singledispatch
def linear_maps(algorithm: Any) -> LinearMaps | None:
    """The maps of an algorithm, its own (``linear_maps()``) or those below; None for one that has none."""
    own = getattr(algorithm, "linear_maps", None)
    return None if own is None else own()


V, SLOW, TOTAL, ANCHOR = range(4)
"""The state of a staged lookahead: fast and slow weights, the sum of the stage's fast weights, the anchor."""


@linear_maps.register
def _staged(algorithm: Algorithm) -> LinearMaps:
    stages = algorithm.stages
    starts = np.cumsum([0, *(stage.steps for stage in stages)])
    sizes: dict[int, Floats] = {}

    def eta(q: int) -> Floats:
        if q not in sizes:
            sizes.clear()
            sizes[q] = np.asarray(stages[q].step.sizes(stages[q].T, stages[q].k), dtype=np.float64)
        return sizes[q]

    def steps(first: int, count: int) -> Steps:
        parts = []
        for q, stage in enumerate(stages):
            low, high = max(first, int(starts[q])), min(first + count, int(starts[q + 1]))
            if low < high:
                place = np.arange(low - starts[q], high - starts[q])
                parts.append(_stage(stage, eta(q)[place], place))
        made = Steps(*(np.concatenate(part) for part in zip(*parts, strict=True)))
        for j in _events(algorithm, starts, first, first + count):
            _begin(made, j - first, _before(algorithm, starts, j))
        return made

    def outputs(taken: npt.NDArray[np.int64]) -> Floats:
        found = np.zeros((len(taken), 2, 4))
        found[:, 0, SLOW] = 1
        found[:, 1, TOTAL] = 1 / (taken - starts[np.searchsorted(starts, taken) - 1])
        return found

    return LinearMaps(np.array([1.0, 1.0, 0.0, 1.0]), steps, outputs)


def _stage(stage: Stage, eta: Floats, place: npt.NDArray[np.int64]) -> Steps:
    """The steps of one stage at some places in it, but for what happens before its first."""
    transition, push = np.zeros((len(eta), 4, 4)), np.zeros((len(eta), 4))
    transition[:, range(4), range(4)] = 1.0
    transition[:, V, V] = 1 - eta * stage.beta
    transition[:, V, ANCHOR] = eta * stage.beta
    transition[:, TOTAL, V] = 1.0
    push[:, V] = -eta
    query = np.zeros_like(push)
    query[:, V] = 1.0
    landing = transition[:, V].copy()
    mixes = np.flatnonzero((place + 1) % stage.k == 0)
    mixed = stage.alpha * transition[mixes, V]
    mixed[:, SLOW] += 1 - stage.alpha
    for part in (V, SLOW):
        transition[mixes, part] = mixed
        push[mixes, part] = -stage.alpha * eta[mixes]
    return Steps(transition, push, query, landing, -eta)


def _events(algorithm: Algorithm, starts: npt.NDArray[np.int64], first: int, stop: int) -> list[int]:
    """The steps first .. stop - 1 before which a stage begins or the anchor moves."""
    every = algorithm.anchor_every
    moves = range(-(-first // every) * every, stop, every) if every is not None else ()
    return sorted({*(int(j) for j in starts[1:-1] if first <= j < stop), *moves})


def _before(algorithm: Algorithm, starts: npt.NDArray[np.int64], j: int) -> Floats:
    """What happens to the state before step j: a stage begins at the output of the one before; the anchor moves."""
    before = np.eye(4)
    if j in starts[1:-1]:
        past = algorithm.stages[int(np.searchsorted(starts, j)) - 1]
        end = np.zeros(4)
        if past.output == "last":
            end[SLOW] = 1.0
        else:
            end[TOTAL] = 1 / past.steps
        before[V] = before[SLOW] = end
        before[TOTAL] = 0.0
        if algorithm.anchor_every is None:
            before[ANCHOR] = end
    if algorithm.anchor_every is not None and j % algorithm.anchor_every == 0:
        before[ANCHOR] = before[V]
    return before


def _begin(made: Steps, place: int, before: Floats) -> None:
    for part in (made.transition, made.query, made.landing):
        part[place] = part[place] @ before


@linear_maps.register
def _heavy_ball(algorithm: HeavyBall) -> LinearMaps:
    """v; u = v - r eta_j p/(1 - r), p being the momentum and r = sqrt m; the sum of the v before each step.

    With rho = eta_{j+1}/eta_j, v_{j+1} = v_j - eta_j (m p_j + g_j) reads in these coordinates

        v <- (1 - r (1 - r)) v + r (1 - r) u - eta_j g
        u <- (1 - r (1 - r) - r^2 rho) v + (r (1 - r) + r^2 rho) u - (1 + r rho/(1 - r)) eta_j g.

    On grad l(t; z) = h t - w z with h, w >= 0 no coefficient is negative if no step is longer than the one before and
    eta_0 h <= (1 - r)^2: that of v in v is then at least 1 - r + r^2 - (1 - r)^2 = r, and that of v in u is, rho being
    at most 1, at least

        1 - r + (1 - rho) r^2 - (1 - r) (1 - (1 - rho) r) = (1 - rho) r.

    So every v, and every mean of them, answers every draw with one sign; v and the momentum, as coordinates, hide it.
    With longer constant steps the answer to a draw changes its sign in the end. Where a step is longer than the one
    before, or 0, which leaves no u, the coordinates are v and p.
    """
    sizes = np.asarray(algorithm.step_sizes.sizes(algorithm.steps, 1), dtype=np.float64)
    m, r = algorithm.momentum, math.sqrt(algorithm.momentum)
    averaged = bool((sizes > 0).all() and (sizes[1:] <= sizes[:-1]).all())
    ratios = np.append(sizes[1:] / sizes[:-1], 1.0) if averaged else np.ones_like(sizes)

    def steps(first: int, count: int) -> Steps:
        eta, rho = sizes[first : first + count], ratios[first : first + count]
        transition, push = np.zeros((len(eta), 3, 3)), np.zeros((len(eta), 3))
        transition[:, 2, 0] = transition[:, 2, 2] = 1.0
        push[:, 0] = -eta
        if averaged:
            transition[:, 0, 1] = r * (1 - r)
            transition[:, 1, 1] = r * (1 - r) + m * rho
            transition[:, :2, 0] = 1 - transition[:, :2, 1]
            push[:, 1] = -(1 + r * rho / (1 - r)) * eta
        else:
            transition[:, 0, 0] = 1.0
            transition[:, 0, 1] = -eta * m
            transition[:, 1, 1] = m
            push[:, 1] = 1.0
        query = np.zeros_like(push)
        query[:, 0] = 1.0
        return Steps(transition, push, query, transition[:, 0].copy(), -eta)

    def outputs(taken: npt.NDArray[np.int64]) -> Floats:
        found = np.zeros((len(taken), 2, 3))
        found[:, 0, 0], found[:, 1, 2] = 1.0, 1 / taken
        return found

    return LinearMaps(np.array([1.0, 1.0 if averaged else 0.0, 0.0]), steps, outputs)


@linear_maps.register
def _weighted(algorithm: WeightedSGD) -> LinearMaps:
    """v, and the sum of (j + j0) v_j."""
    offset, lam = algorithm.step_sizes.offset, algorithm.step_sizes.lam

    def steps(first: int, count: int) -> Steps:
        weight = np.arange(first, first + count) + offset
        eta = 1 / (lam * weight)
        transition, push = np.zeros((count, 2, 2)), np.zeros((count, 2))
        transition[:, 0, 0] = transition[:, 1, 1] = 1.0
        transition[:, 1, 0] = weight
        push[:, 0] = -eta
        query = np.zeros_like(push)
        query[:, 0] = 1.0
        return Steps(transition, push, query, query.copy(), -eta)

    def outputs(taken: npt.NDArray[np.int64]) -> Floats:
        found = np.zeros((len(taken), 2, 2))
        found[:, 0, 0], found[:, 1, 1] = 1.0, 1 / (taken * (offset + (taken - 1) / 2))
        return found

    return LinearMaps(np.array([1.0, 0.0]), steps, outputs)


@linear_maps.register
def _suffix(algorithm: SuffixSGD) -> LinearMaps:
    """v, and the sum of the v_j from ``first`` on; as long as there is none, ``average`` is v."""
    sizes = np.asarray(algorithm.step_sizes.sizes(algorithm.steps, 1), dtype=np.float64)

    def steps(first: int, count: int) -> Steps:
        eta = sizes[first : first + count]
        transition, push = np.zeros((len(eta), 2, 2)), np.zeros((len(eta), 2))
        transition[:, 0, 0] = transition[:, 1, 1] = 1.0
        transition[:, 1, 0] = np.arange(first, first + len(eta)) >= algorithm.first
        push[:, 0] = -eta
        query = np.zeros_like(push)
        query[:, 0] = 1.0
        return Steps(transition, push, query, query.copy(), -eta)

    def outputs(taken: npt.NDArray[np.int64]) -> Floats:
        found, averaged = np.zeros((len(taken), 2, 2)), taken - algorithm.first
        found[:, 0, 0] = 1.0
        found[:, 1, 0] = averaged <= 0
        found[:, 1, 1] = np.where(averaged > 0, 1 / np.maximum(averaged, 1), 0.0)
        return found

    return LinearMaps(np.array([1.0, 0.0]), steps, outputs)


@linear_maps.register
def _momentum_lookahead(algorithm: MomentumLookahead) -> LinearMaps:
    """The state of a staged lookahead, and the momentum after it. Its push has both signs, so that no sign of an answer
    is seen and the stability is left to simulation."""
    stages, momentum = algorithm.stages, ANCHOR + 1
    width = momentum + 1
    lengths = [stage.steps for stage in stages]
    starts = np.cumsum([0, *lengths])
    sizes = np.concatenate([np.asarray(stage.step.sizes(stage.T, stage.k), dtype=np.float64) for stage in stages])
    pulls = np.repeat([stage.beta for stage in stages], lengths)
    mixes = np.concatenate([(np.arange(stage.steps) + 1) % stage.k == 0 for stage in stages])
    alphas = np.repeat([stage.alpha for stage in stages], lengths)

    def steps(first: int, count: int) -> Steps:
        here = slice(first, first + count)
        eta, beta, mixed = sizes[here], pulls[here], np.flatnonzero(mixes[here])
        alpha = alphas[here][mixed]
        transition, push = np.tile(np.eye(width), (len(eta), 1, 1)), np.zeros((len(eta), width))
        transition[:, TOTAL, V] = 1.0
        transition[:, momentum, V] = algorithm.weight_decay + beta
        transition[:, momentum, ANCHOR] = -beta
        transition[:, momentum, momentum] = algorithm.momentum
        transition[:, V] -= eta[:, None] * transition[:, momentum]
        push[:, momentum], push[:, V] = 1.0, -eta
        query = np.zeros_like(push)
        query[:, V] = 1.0
        landing = transition[:, V].copy()
        for part in (SLOW, V):
            transition[mixed, part] = alpha[:, None] * landing[mixed]
            transition[mixed, part, SLOW] += 1 - alpha
            push[mixed, part] = -alpha * eta[mixed]
        made = Steps(transition, push, query, landing, -eta)
        before = np.eye(width)
        before[ANCHOR], before[TOTAL] = before[SLOW], 0.0
        for j in starts[1:-1]:
            if first <= j < first + len(eta):
                _begin(made, int(j) - first, before)
        return made

    def outputs(taken: npt.NDArray[np.int64]) -> Floats:
        found = np.zeros((len(taken), 2, width))
        found[:, 0, SLOW] = 1.0
        found[:, 1, TOTAL] = 1 / (taken - starts[np.searchsorted(starts, taken) - 1])
        return found

    return LinearMaps(np.array([1.0, 1.0, 0.0, 1.0, 0.0]), steps, outputs)
