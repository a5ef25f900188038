"""The search: Sobol points in every arm, differential evolution in the best arms, Nelder-Mead from the best point.

The path depends on the seed and the evaluations alone. The budget is a number of evaluations; seconds cut the path off
where they are over, and a search that goes on from its file takes the same path.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import differential_evolution, minimize
from scipy.stats import qmc

from riskkit.attack.answer import INTERRUPTED
from riskkit.attack.arms import Arm
from riskkit.attack.evaluation import AttackError, Instance, Value, evaluate, excluded
from riskkit.attack.journal import Journal
from riskkit.theory.bound import Bound, Form

Floats = npt.NDArray[np.float64]

SHARES = (0.4, 0.4, 0.2)
"""Of the budget: Sobol points, differential evolution, Nelder-Mead."""
FEW, MANY_POINTS = 12, 512
"""With fewer arms than this, so many points are asked."""
ARMS = 4
"""In so many arms the best points evolve."""
POINTS = 32
"""Sobol points that say whether an arm has any instance that the bound allows."""
FIRST_POINTS, MOST_POINTS = 16, 1024
"""Sobol points in every arm, or fewer if the budget is small, and in one of those that are left in the end."""
SEARCHED = 256
"""Replicates of an instance without an exact way while it is searched; its score is the lower end of the interval."""


class SpentError(Exception):
    """A part of the budget is used up."""


@dataclasses.dataclass
class Found:
    """An evaluated instance: where, and what came."""

    arm: int
    coordinates: tuple[float, ...]
    value: Value

    @property
    def score(self) -> float:
        return self.value.low


Told = Callable[[int, int, Found | None], None]
"""What is told of evaluations done, evaluations in all, and the best so far."""


@dataclasses.dataclass
class Search:
    """A search of arms for the largest measured / bound.

    Attributes:
        bound, form, arms: what is searched.
        evaluations: the budget.
        seconds: after so many it stops where it is.
        seed: of all choices.
        simulate: whether an instance without an exact way is simulated; else it is passed by.
        lenient: whether an instance on which the bound, or a hypothesis, raises is passed by.
    """

    bound: Bound
    form: Form
    arms: Sequence[Arm]
    evaluations: int
    seconds: float
    seed: int
    journal: Journal
    simulate: bool = False
    lenient: bool = False
    tell: Told = lambda done, most, best: None

    def __post_init__(self) -> None:
        self.best: Found | None = None
        self.done = 0
        self.cut: str | None = None
        self.reasons: dict[str, int] = {}
        self.tops: dict[int, Found] = {}
        self._seen: dict[Any, Value | None] = {}
        self._end = time.monotonic() + self.seconds
        self._until = self.evaluations

    def run(self) -> None:
        """Sets ``best``, ``done`` and, where it was cut off, ``cut``. Raises AttackError for an empty space."""
        try:
            self._search()
        except TimeoutError:
            self.cut = f"{self.seconds:g} seconds were over"
        except KeyboardInterrupt:
            self.cut = INTERRUPTED
        finally:
            self.tell(self.done, self.evaluations, self.best)

    def value(self, arm: int, coordinates: Sequence[float]) -> Value | None:
        """Of the instance at some coordinates: None where it is not allowed, or has no value. Counts if it is new."""
        try:
            chosen = self.arms[arm].choices(coordinates)
            key = (arm, tuple(f"{name}={value!r}" for name, value in chosen.items()))
            if key in self._seen:
                return self._seen[key]
            instance = self.arms[arm].instance(coordinates)
        except ValueError:
            return None
        if self._excluded(instance) is not None:
            return None
        if self.done >= self._until:
            raise SpentError
        if time.monotonic() > self._end:
            raise TimeoutError
        if key not in self.journal:
            replicates = SEARCHED if self.simulate else 0
            self.journal.put(key, self._evaluated(instance, replicates))
        value = self._seen[key] = self.journal[key]
        self.done += 1
        if value is not None:
            self._note(Found(arm, tuple(float(u) for u in coordinates), value))
        self.tell(self.done, self.evaluations, self.best)
        return value

    def _excluded(self, instance: Instance) -> str | None:
        try:
            return excluded(self.bound, instance)
        except AttackError as error:
            if self.lenient:
                return str(error)
            raise

    def _evaluated(self, instance: Instance, replicates: int) -> Value | None:
        try:
            return evaluate(self.bound, self.form, instance, replicates=replicates, seed=self.seed)
        except AttackError:
            if self.lenient:
                return None
            raise

    def instance(self, found: Found) -> Instance:
        return self.arms[found.arm].instance(found.coordinates)

    def _note(self, found: Found) -> None:
        if found.arm not in self.tops or found.score > self.tops[found.arm].score:
            self.tops[found.arm] = found
        if self.best is None or found.score > self.best.score:
            self.best = found

    def _score(self, arm: int, coordinates: Floats) -> float:
        """To be made small."""
        value = self.value(arm, np.clip(coordinates, 0.0, 1.0).tolist())
        return math.inf if value is None else -value.low

    @functools.cached_property
    def allowed(self) -> list[int]:
        """The arms in which the bound allows one of the first Sobol points. Raises AttackError if there is none."""
        arms = range(len(self.arms))
        found = {arm for arm in arms if any(self._fits(arm, point) for point in self._sobol(arm, POINTS))}
        # Narrow hypotheses: a closer look at all problems with the schedules that fit some of them.
        fitting = {self.arms[arm].schedule.name for arm in found}
        for arm in arms if len(found) < FEW else ():
            if arm not in found and self.arms[arm].schedule.name in fitting:
                points = self._sobol(arm, MANY_POINTS)
                found |= {arm} if any(self._fits(arm, point) for point in points) else set()
        if not found:
            often = max(self.reasons, key=lambda reason: self.reasons[reason], default="no family makes an instance.")
            raise AttackError(
                f"{self.bound.name}: none of {len(self.arms)} kinds of instances is allowed by its hypotheses; most "
                f"often: {often}"
            )
        return sorted(found)

    def _fits(self, arm: int, point: Floats) -> bool:
        try:
            instance = self.arms[arm].instance(point.tolist())
        except ValueError:
            return False
        reason = self._excluded(instance)
        if reason is not None:
            self.reasons[reason] = self.reasons.get(reason, 0) + 1
        return reason is None

    def _sobol(self, arm: int, count: int) -> Floats:
        """The first points, (count, parameters); count a power of two."""
        drawn: Floats = qmc.Sobol(len(self.arms[arm].parameters), rng=self.seed).random(count)
        return drawn

    def _search(self) -> None:
        arms = self.allowed
        first, second = (int(share * self.evaluations) for share in np.cumsum(SHARES)[:2])
        self._part(first, lambda: self._scan(arms))
        ranked = sorted(self.tops, key=lambda arm: -self.tops[arm].score)[:ARMS]
        for place, arm in enumerate(ranked):
            self._part(first + (place + 1) * (second - first) // len(ranked), functools.partial(self._evolve, arm))
        ranked = sorted(self.tops, key=lambda arm: -self.tops[arm].score)[:2]
        for place, arm in enumerate(ranked):
            left = self.evaluations - second
            self._part(second + (place + 1) * left // len(ranked), functools.partial(self._polish, arm))

    def _part(self, until: int, run: Callable[[], None]) -> None:
        """Until so many evaluations have been made in all."""
        self._until = max(until, min(self.done, self.evaluations))
        with contextlib.suppress(SpentError):
            run()

    def _scan(self, arms: Sequence[int]) -> None:
        """Every arm gets as many points, then the better half of them twice as many, and so on."""
        points = {arm: self._sobol(arm, MOST_POINTS) for arm in arms}
        share = int(SHARES[0] * self.evaluations) // (2 * len(arms))  # so that every arm has its turn
        taken, left = 0, list(arms)
        while taken < MOST_POINTS:
            upto = max(min(FIRST_POINTS, share), 1, 2 * taken)
            for arm in left:
                for point in points[arm][taken:upto]:
                    self._score(arm, point)
            ranked = sorted(left, key=lambda arm: -self.tops[arm].score if arm in self.tops else math.inf)
            left, taken = ranked[: max(ARMS, math.ceil(len(left) / 2))], upto

    def _evolve(self, arm: int) -> None:
        """From the best Sobol points of the arm and the best point known."""
        p = len(self.arms[arm].parameters)
        size = max(5, 4 * p)
        points = [np.array(self.tops[arm].coordinates), *self._sobol(arm, 2 ** math.ceil(math.log2(size)))]
        for restart in range(1000):  # each ends by itself once its population has gathered
            differential_evolution(
                lambda x: self._score(arm, x),
                [(0.0, 1.0)] * p,
                init=np.array(points[:size]),
                maxiter=10_000,
                mutation=(0.4, 0.9),
                recombination=0.8,
                tol=1e-8,
                polish=False,
                rng=self.seed + restart,
            )
            fresh = np.random.default_rng((self.seed, arm, restart)).random((size - 1, p))
            points = [np.array(self.tops[arm].coordinates), *fresh]

    def _polish(self, arm: int) -> None:
        """From the best point, with a smaller and smaller simplex."""
        p = len(self.arms[arm].parameters)
        for restart in range(1000):
            top = np.array(self.tops[arm].coordinates)
            width = 0.2 * 0.5 ** (restart % 8)
            steps = np.where(top + width <= 1, width, -width)
            simplex = np.vstack([top, top + np.diag(steps)])
            minimize(
                lambda x: min(self._score(arm, x), 1e12),
                top,
                method="Nelder-Mead",
                bounds=[(0.0, 1.0)] * p,
                options={"initial_simplex": simplex, "xatol": 1e-6, "fatol": 1e-9, "maxfev": 60 * p},
            )
            if restart >= 16 and restart % 8 == 0 and np.array_equal(top, self.tops[arm].coordinates):
                return
