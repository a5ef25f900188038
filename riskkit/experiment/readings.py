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
        along: a coordinate in whose inverse the counts are compared too, such as lam.
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


Reading = Any
"""Exact, Best, Follows, GradientsTo, Paired, Same, Smaller, Tuned or Unbiased; or a class of one's own with a judge
registered in riskkit.verdicts."""

COMPARATIVE = (GradientsTo, Paired, Same, Tuned, Unbiased)
"""Readings that say something whatever the bounds cover."""
