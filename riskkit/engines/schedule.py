"""What happens to each lane of the fused engines at each step: step sizes, mixings, restarts, anchors, readings.

Everything is known before the first step and the same for every replicate, so it is laid out once a batch, the step
sizes and mixings chunk by chunk.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from riskkit.algorithms import traits
from riskkit.algorithms.formulas import Formulas
from riskkit.algorithms.method import Method
from riskkit.algorithms.scheme import Scheme
from riskkit.algorithms.staged import OUTPUTS, Algorithm
from riskkit.engines.reference import Path

Stages = Algorithm | Scheme
"""What is laid out: its stages and when its anchor moves; a scheme's step and batch are its engine's."""

EVENT = np.dtype(
    [
        ("bank", np.int64),
        ("at", np.int64),
        ("refresh", np.int64),
        ("lane", np.int64),
        ("output", np.int64),
        ("taken", np.int64),
        ("fixed", np.int64),
        ("alpha", np.float64),
        ("beta", np.float64),
    ]
)
"""Before step ``at``, in a lane: the anchor is set to the fast weights (``refresh``), or else a stage begins, with
``alpha`` and ``beta``, at the ``output`` of the one before, whose average is kept ``taken`` times; its anchor moves
there unless ``fixed``. Sorted by bank, step and then restarts before refreshes, as the reference engine goes."""

READING = np.dtype(
    [
        ("bank", np.int64),
        ("at", np.int64),
        ("lane", np.int64),
        ("slot", np.int64),
        ("taken", np.int64),
    ]
)
"""After ``at`` steps a lane is read into ``slot``; its average is by then kept ``taken`` times: as a sum over the steps
that its stage has taken, but of schemes itself (1), or not at all (0: the iterate stands for it)."""


@dataclasses.dataclass(frozen=True)
class Layout:
    """Which configuration of which replicate of a group stands in which lane.

    Attributes:
        members: replicates in a group, which divide the width.
        member: int64 (lanes,), the place of a lane's replicate in its group, the same in every bank.
        configuration: int64 (lanes,), -1 for a spare lane.
        width: lanes of a bank.
    """

    members: int
    member: np.ndarray
    configuration: np.ndarray
    width: int

    @property
    def banks(self) -> int:
        return len(self.member) // self.width


GATHERED = 1.8
"""How many times as long a bank's step takes where its lanes stand on different rows, which are brought together first:
1.4 to 2.4, measured."""


def members(lengths: Sequence[int], width: int, replicates: int, most: int) -> int:
    """Replicates to a group for which configurations of these lengths take least: where a bank holds one configuration
    of several replicates no lane is spare, and none waits for a longer one. At most ``most`` and ``width``; the fewest
    of those that take the same."""
    longest = sorted(lengths, reverse=True)

    def cost(count: int) -> float:
        banks = sum(longest[:: width // count])  # the first lane of a bank is the longest
        return -(-replicates // count) * banks * (GATHERED if count > 1 else 1.0)

    return min((1 << e for e in range(width.bit_length()) if 1 << e <= min(most, width)), key=cost, default=1)


def layout(algorithms: Sequence[Stages], width: int, together: int = 1) -> Layout:
    """The layout for these configurations of ``together`` replicates, which divide the width; configurations of like
    length and period share banks, which mix at one time."""
    C = len(algorithms)
    order = sorted(range(C), key=lambda c: (-algorithms[c].steps, algorithms[c].stages[0].k, c))
    spare = [-1] * (-C % (width // together))
    configuration = np.repeat([*order, *spare], together)
    return Layout(together, np.tile(np.arange(together), C + len(spare)), configuration, width)


@dataclasses.dataclass(frozen=True)
class Timeline:
    """The whole run, lane by lane.

    Attributes:
        steps: of the longest configuration.
        alpha, beta: float64 (lanes,), of the first stage.
        events, readings: see EVENT and READING.
        offsets: where each configuration's readings begin among the slots; its last element is their number.
    """

    algorithms: tuple[Stages, ...]
    layout: Layout
    steps: int
    alpha: np.ndarray
    beta: np.ndarray
    events: np.ndarray
    readings: np.ndarray
    offsets: np.ndarray

    @functools.cached_property
    def ends(self) -> np.ndarray:
        """Steps of the longest lane of each bank, int64 (banks,); banks are sorted, the longest first."""
        lengths = [self.algorithms[c].steps if c >= 0 else 0 for c in self.layout.configuration]
        return np.reshape(lengths, (self.layout.banks, self.layout.width)).max(1)

    def active(self, first: int) -> int:
        """Banks in which some lane takes gradient ``first`` or a later one."""
        return int((self.ends > first).sum())

    def chunk(self, first: int, count: int, ended: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """Step sizes, float64 (count, lanes), ``ended`` for a lane that has finished; and int64 (count, banks), the
        bits of the lanes that mix after a step (with alpha = 1 mixing changes nothing and is left out)."""
        placed = self.layout
        sizes = np.full((len(self.algorithms) + 1, count), ended)  # the last row is for spare lanes
        mixing = np.zeros((count, placed.banks), dtype=np.int64)
        for c, algorithm in enumerate(self.algorithms):
            bits = (placed.configuration == c).reshape(placed.banks, placed.width) @ (1 << np.arange(placed.width))
            start = 0
            for stage in algorithm.stages:
                low, high = max(start, first), min(start + stage.steps, first + count)
                if low < high:
                    own = stage.step.sizes(stage.T, stage.k)
                    sizes[c, low - first : high - first] = own[low - start : high - start]
                    if stage.alpha != 1:
                        mixing[low - first + (start - low - 1) % stage.k : high - first : stage.k] |= bits
                start += stage.steps
        return np.ascontiguousarray(sizes[placed.configuration].T), mixing

    def averaging(self, first: int, count: int) -> np.ndarray:
        """Weights of the average, float64 (count, lanes), 0 for a lane that has finished; all are schemes."""
        weights = np.zeros((len(self.algorithms) + 1, count))
        for c, scheme in enumerate(self.algorithms):
            assert isinstance(scheme, Scheme)
            own = scheme.averaging[first : first + count]
            weights[c, : len(own)] = own
        return np.ascontiguousarray(weights[self.layout.configuration].T)


def _averaged(algorithm: Stages, after: int, taken: int) -> int:
    """By how much what an engine keeps of the average after so many steps is too large: a sum over the steps that the
    stage has taken, but of a scheme the average itself; 0 where it has none yet."""
    return int(algorithm.averaged(np.array([after]))[0]) if isinstance(algorithm, Scheme) else taken


def timeline(algorithms: Sequence[Stages], after: Sequence[np.ndarray], width: int, together: int = 1) -> Timeline:
    """Lays the algorithms out, each to be read ``after`` so many steps, with ``together`` replicates to a group."""
    placed = layout(algorithms, width, together)
    lanes = len(placed.member)
    alpha, beta = np.ones(lanes), np.zeros(lanes)
    offsets = np.concatenate([[0], np.cumsum([len(own) for own in after])]).astype(np.int64)
    events: list[tuple[float, ...]] = []
    readings: list[tuple[int, ...]] = []
    for c, algorithm in enumerate(algorithms):
        fixed = algorithm.anchor_every is not None
        starts = np.cumsum([0] + [stage.steps for stage in algorithm.stages])
        happens: list[tuple[float, ...]] = []
        for before, then, at in zip(algorithm.stages, algorithm.stages[1:], starts[1:].tolist(), strict=False):
            output = OUTPUTS.index(before.output)
            happens.append((at, 0, output, _averaged(algorithm, at, before.steps), fixed, then.alpha, then.beta))
        anchored = any(stage.beta for stage in algorithm.stages)
        if algorithm.anchor_every is not None and anchored:
            happens += [(at, 1, 0, 0, 0, 0.0, 0.0) for at in range(0, algorithm.steps, algorithm.anchor_every)]
        counts = np.asarray(after[c], dtype=np.int64)
        taken = counts - starts[np.searchsorted(starts, counts) - 1]
        places = zip(counts.tolist(), range(offsets[c], offsets[c + 1]), taken.tolist(), strict=True)
        read = [(count, slot, _averaged(algorithm, count, own)) for count, slot, own in places]
        for lane in np.flatnonzero(placed.configuration == c).tolist():
            bank = lane // width
            alpha[lane], beta[lane] = algorithm.stages[0].alpha, algorithm.stages[0].beta
            events += [(bank, at, refresh, lane, *rest) for at, refresh, *rest in happens]
            readings += [(bank, count, lane, slot, own) for count, slot, own in read]
    return Timeline(
        algorithms=tuple(algorithms),
        layout=placed,
        steps=max(algorithm.steps for algorithm in algorithms),
        alpha=alpha,
        beta=beta,
        events=np.array(sorted(events), dtype=EVENT),
        readings=np.array(sorted(readings), dtype=READING),
        offsets=offsets,
    )


class Companies(NamedTuple):
    """Algorithms by the loop that runs them, in their places.

    Attributes:
        plain: staged lookaheads on single examples.
        schemes: all others, those of one batch size, radius and kind of step together, which their loop shares.
    """

    plain: dict[int, Algorithm]
    schemes: list[dict[int, Scheme]]


def companies(algorithms: Sequence[Algorithm | Method], radius: float | None) -> Companies:
    """An algorithm's loop depends on it alone, and on the problem's ``radius``. TypeError for one without a scheme."""
    plain: dict[int, Algorithm] = {}
    others: dict[tuple[int, float | None, Formulas], dict[int, Scheme]] = {}
    for c, algorithm in enumerate(algorithms):
        if isinstance(algorithm, Algorithm) and algorithm.batch == 1:
            plain[c] = algorithm
            continue
        scheme = traits.scheme(algorithm, radius)
        if scheme is None:
            raise TypeError(f"{algorithm.name} has no scheme; use the reference engine.")
        others.setdefault((scheme.batch, scheme.radius, scheme.step), {})[c] = scheme
    return Companies(plain, list(others.values()))


def had(algorithm: Any, path: Path) -> Path:
    """The path with nan for the outputs that an algorithm says it has not."""
    lacking = [o for o, name in enumerate(OUTPUTS) if name not in traits.outputs(algorithm)]
    if lacking:
        path.theta[:, :, lacking] = torch.nan
    return path
