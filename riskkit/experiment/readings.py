"""Readings: what is asked of the measurements, beside what the bounds say. None knows a source.

Bounds are always judged: as a level over all points, and as a rate along the axis of each grid. ``riskkit.verdicts``
has one judge a reading.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any, Literal

from riskkit.algorithms.staged import Output
from riskkit.theory.bound import At, Bound, Condition, Count, Floats, Scale

Of = tuple[tuple[str, Output], ...]
"""(quantity, output) pairs."""

POSITIVE: Of = tuple((quantity, output) for quantity in ("optimization", "excess") for output in ("last", "average"))
"""What comparisons are made of by default: quantities whose means are positive, so that ratios make sense."""


@dataclasses.dataclass(frozen=True)
class Exact:
    """An expectation that is known in closed form, or that a planted fault pretends to have.

    Attributes:
        quantity, output: what is known.
        expected: E of the quantity after ``at.rounds``, (K,); nan where it is not known.
        algorithms: by name; empty: all but the controls.
        planted: they are faults: an agreement with ``expected`` would be a miss.
        ratio_to: a control, whose expectation ``expected`` knows as well: the ratio of the two means is tested too.
    """

    quantity: str
    output: Output
    expected: Callable[[At], Floats]
    algorithms: tuple[str, ...] = ()
    planted: bool = False
    ratio_to: str = ""


@dataclasses.dataclass(frozen=True)
class Best:
    """The value of a coordinate with the smallest mean, along every line of the grids along that coordinate.

    Attributes:
        coordinate: such as alpha.
        bound: whose quantity and output are meant, and whose own minimizers stand beside the measured one.
        scale: what it is claimed to be proportional to a power of.
        condition: what is claimed to tell whether it is the grid's largest value.
    """

    coordinate: str
    bound: Bound
    scale: Scale | None = None
    condition: Condition | None = None


@dataclasses.dataclass(frozen=True)
class GradientsTo:
    """How many gradients bring the mean of a quantity under each eps, and how the counts grow.

    Attributes:
        eps: targets, any order.
        counts: what is claimed and proved of the counts; of each algorithm the first that covers it.
        along: a coordinate in whose inverse the counts, averaged over eps, are compared too, such as lam.
        quantity: read at every checkpoint; ``riskkit.experiment.per_octave`` makes them.
        beside: a quantity reported at the first checkpoint under eps.

    Raises ValueError for a target that is no finite number > 0.
    """

    eps: tuple[float, ...]
    counts: tuple[Count, ...] = ()
    along: str = ""
    quantity: str = "optimization"
    beside: str = "generalization"

    def __post_init__(self) -> None:
        for eps in self.eps:
            if not 0 < eps < math.inf:
                raise ValueError(f"GradientsTo: eps must be finite numbers > 0; got {eps!r}.")


@dataclasses.dataclass(frozen=True)
class Paired:
    """One algorithm against others on common random numbers: ratios of means, with intervals.

    ``by``: ratios, or differences of means, for quantities of either sign and for shares such as an error rate.

    At every point that both have, or, where runs are read on a grid of gradients, at ``fractions`` of the smaller
    budget. Two algorithms meet where the coordinates that both have agree.
    """

    algorithm: str
    against: tuple[str, ...]
    of: Of = POSITIVE
    fractions: tuple[float, ...] = (1 / 64, 1 / 16, 1 / 4, 1.0)
    by: Literal["ratio", "difference"] = "ratio"


@dataclasses.dataclass(frozen=True)
class Same:
    """Two algorithms that are one: all their numbers are equal to the last bit, wherever both run. A null control.

    ``algorithm`` is compared with each of ``against``, by their names in the experiment.
    """

    algorithm: str
    against: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Unbiased:
    """A measured deviation whose mean is claimed to be 0, compared with the mean of another quantity, ``scale``.

    Attributes:
        algorithms: by name; empty: all but the controls.
        planted: the claim is a fault, which has to be detected.
    """

    quantity: str
    output: Output
    scale: str
    algorithms: tuple[str, ...] = ()
    planted: bool = False


@dataclasses.dataclass(frozen=True)
class Tuned:
    """One algorithm against others, each at its best value of the coordinates ``over``.

    The best values are chosen on the first quarter of the replicates, and judged on the rest, at the end of each run. A
    best value at an end of its grid may not be the best there is: such a comparison says so, and decides nothing.

    ``beside``: quantities that are compared at these best values too, and choose nothing.
    """

    algorithm: str
    against: tuple[str, ...]
    over: tuple[str, ...] = ("eta",)
    of: Of = POSITIVE
    beside: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Smaller:
    """A source's statement that one algorithm has a smaller expectation than another at every point that both have,
    judged on expectations that are known exactly.

    Attributes:
        name, title: of its verdict, as of a bound.
        quantity: what is compared, in words where nothing of the kind is measured ("gradients").
        expected: E of the quantity at cells of one algorithm, (K,); which one, ``at.algorithm`` tells.
        scope: at which settings, in words.
    """

    name: str
    title: str
    algorithm: str
    than: str
    quantity: str
    expected: Callable[[At], Floats]
    scope: str = ""


@dataclasses.dataclass(frozen=True)
class Follows:
    """A source's claim inside O(.), judged along the axis of each grid on expectations that are known exactly.

    Attributes:
        bound: whose claim; one with no other form, that stands among no bounds of the experiment.
        algorithm: whose cells.
        expected: E of the bound's quantity at cells of the algorithm, (K,).
        scope: at which settings, in words.
    """

    bound: Bound
    algorithm: str
    expected: Callable[[At], Floats]
    scope: str = ""

    @property
    def quantity(self) -> str:
        return self.bound.quantity

    @property
    def output(self) -> Output:
        return self.bound.output

    @property
    def algorithms(self) -> tuple[str, ...]:
        """The one that it is about."""
        return (self.algorithm,)


@dataclasses.dataclass(frozen=True)
class Reaches:
    """A source's lower bound on the worst case, which a problem is said to reach: the expectation there, which is known
    exactly, is at least so large at every point.

    Attributes:
        name, title: of its verdict, as of a bound.
        lower, expected: the bound, and E of the quantity, at cells of the algorithm, (K,); nan where nothing is said.
        form: ``published`` as the source prints it, ``proved`` as it is derived here.
    """

    name: str
    title: str
    algorithm: str
    quantity: str
    output: Output
    lower: Callable[[At], Floats]
    expected: Callable[[At], Floats]
    form: Literal["published", "proved"] = "published"


@dataclasses.dataclass(frozen=True)
class Quantiles:
    """Quantiles of a quantity over the replicates, with distribution-free 95% intervals, and what is said of them.

    Attributes:
        name, title: of its verdicts, as of a bound.
        shares: delta; the quantiles are those of 1 - delta.
        bound: what the quantity exceeds with probability delta at most, a function of ``At`` and delta, (K,), nan where
            it says nothing; None: quantiles only.
        covers: (problem, algorithm) -> why the bound says nothing, or None.
        algorithms: by name; empty: all but the controls.

    Raises ValueError for a share outside (0, 1).
    """

    name: str
    title: str
    quantity: str
    output: Output
    shares: tuple[float, ...] = (0.5, 0.1, 0.01)
    bound: Callable[[At, float], Floats] | None = None
    covers: Callable[[Any, Any], str | None] = lambda problem, algorithm: None
    algorithms: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for share in self.shares:
            if not 0 < share < 1:
                raise ValueError(f"Quantiles: shares must lie in (0, 1); got {share!r}.")


Reading = Any
"""Exact, Best, Follows, GradientsTo, Paired, Quantiles, Reaches, Same, Smaller, Tuned or Unbiased; or a class of one's
own with a judge registered in riskkit.verdicts."""

COMPARATIVE = (GradientsTo, Paired, Same, Tuned, Unbiased)
"""Readings that say something whatever the bounds cover."""
