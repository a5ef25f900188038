"""What a problem is: a distribution D, a loss, and everything about them that is known exactly.

A problem is admitted only if its population risk F, the empirical minimum F_S* and its constants are known in
closed form or to a stated tolerance; no number here ever comes from a test sample.

A problem may have an attribute ``formula``: its gradient written for scalars, which a compiled engine can inline. A
problem without one runs on the reference engine. The conformance tests check that formula and ``gradient`` agree. The
functions are module-level, take and return plain floats and use nothing but arithmetic and ``math``, so that numba
compiles them as they stand and, being globals of an importable module, caches the result.

A problem may have an attribute ``quadratic`` (``Quadratic``), with which expectations are exact, or ``squared``
(``Squared``), with which they are exact given S, and one ``companion``: a problem with ``quadratic`` whose examples are
the same rows, for control variates (``riskkit.measure.companion``).

Shapes: ``R`` replicates, ``C`` configurations, ``n`` examples, ``d`` parameters, ``w`` numbers an example.
An example is one row of ``w`` numbers: for a regression ``(x_1, ..., x_d, y)``, for a location problem ``z``.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from riskkit.rng.streams import Stream


class NoMinimiserError(ArithmeticError):
    """An empirical minimiser that was not found to the stated tolerance: the cells that need it have no value."""


class Regime(enum.StrEnum):
    """What is assumed of F_S; each theorem asks for one of these."""

    CONVEX = "convex"
    STRONGLY_CONVEX = "strongly convex"
    PL = "nonconvex, PL"
    NONCONVEX = "nonconvex"


@dataclasses.dataclass(frozen=True)
class Constants:
    """The constants of the theorems, all of them upper (or for lam, mu: lower) bounds that hold for every dataset.

    They hold on Theta, or, where Theta is R^d, on the set that the problem's docstring names (the convex hull of all
    points that the iterates can reach). ``math.inf`` says that no finite constant exists, 0 for ``lam`` or ``mu`` that
    the property fails.

    Attributes:
        L: smoothness of every l(.; z).
        G: supremum of ||grad l(theta; z)|| over Theta and z.
        lam: strong convexity of F_S, for every admitted S.
        lam_example: strong convexity of every l(.; z), which stability bounds need (ridge has it, least squares not).
        mu: Polyak-Lojasiewicz constant of F_S, a uniform lower bound over the admitted S (lam where F_S is convex).
        rho: weak convexity of F_S: F_S + (rho/2)||.||^2 is convex; 0 if F_S is convex.
        M: supremum - infimum of the loss on Theta, over z as well.
        l_max: supremum of the loss on Theta, over z as well; only needed where a bound asks for it.

    Raises ValueError for a constant that is nan or negative.
    """

    L: float
    G: float
    lam: float = 0.0
    lam_example: float = 0.0
    mu: float = 0.0
    rho: float = 0.0
    M: float = math.inf
    l_max: float = math.inf

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if not value >= 0:
                raise ValueError(f"Constants: {field.name} must be a number >= 0 or inf; got {value!r}.")


def inconsistent(regime: Regime, c: Constants) -> list[str]:
    """What regime and constants say that cannot be true together."""
    found = []
    convex = regime in (Regime.CONVEX, Regime.STRONGLY_CONVEX)
    if regime is Regime.STRONGLY_CONVEX and not c.lam > 0:
        found.append("the regime is strongly convex, so lam must be > 0; got 0")
    if regime is Regime.PL and not c.mu > 0:
        found.append("the regime is PL, so mu must be > 0; got 0")
    if convex and c.rho > 0:
        found.append(f"the regime is {regime}, so rho must be 0; got {c.rho:g}")
    if not convex and c.lam > 0:
        found.append(f"the regime is {regime}, so lam must be 0; got {c.lam:g}")
    for least, most in (("lam_example", "lam"), ("lam", "mu"), ("mu", "L"), ("rho", "L")):
        low, high = getattr(c, least), getattr(c, most)
        if low > high * (1 + 1e-9):
            found.append(f"{least} <= {most} always holds; got {least} = {low:g}, {most} = {high:g}")
    return found


@runtime_checkable
class Problem(Protocol):
    """The protocol; each member appears in the definition of excess risk. Implement it as a frozen dataclass whose
    fields are numbers, strings or tuples of them: fields and class name are the problem's identity in the store.

    A problem may say more, where a bound or a run asks for it: ``largest_step``, the step size up to which the
    constants hold; ``diameter``, where Theta is R^d; ``largest_n``; ``self_bounding``, whether ||grad l||^2 <= 2 L l on
    Theta, as it is where no loss is negative on R^d and L holds there; ``together``, how many replicates a block may
    hold (32, 64, 128 or 256), where they are dear and fewer are asked for than 256.

    All methods take tensors of one dtype and device and answer in the same. None draws random numbers but ``sample``,
    and that only from the stream it is given. A teacher is part of the problem (drawn once, from a seed field).
    """

    @property
    def name(self) -> str:
        """A short name for tables and figures, such as ``"mean estimation"``."""

    @property
    def regime(self) -> Regime: ...

    @property
    def dim(self) -> int:
        """d, the number of parameters."""

    @property
    def constants(self) -> Constants: ...

    @property
    def radius(self) -> float | None:
        """Radius of Theta, a ball about the origin, onto which every fast step is projected; None for R^d."""

    @property
    def start(self) -> Sequence[float] | np.ndarray:
        """theta_0, shape (d,); must not depend on the dataset."""

    def sample(self, stream: Stream, n: int) -> Tensor:
        """n examples for each replicate of the stream, shape (R, n, w). Row i depends on i alone, never on n."""

    def gradient(self, theta: Tensor, z: Tensor) -> Tensor:
        """grad l(theta; z): theta (R, C, d), z (R, 1, w), all broadcasting -> (R, C, d)."""

    def empirical_risk(self, theta: Tensor, data: Tensor) -> Tensor:
        """F_S: theta (R, C, d), data (R, n, w) -> (R, C)."""

    def empirical_minimiser(self, data: Tensor) -> Tensor:
        """theta*_S, a minimiser of F_S over Theta, the one nearest theta_0: data (R, n, w) -> (R, d)."""

    def population_risk(self, theta: Tensor) -> Tensor:
        """F: theta (..., d) -> (...)."""

    def population_minimiser(self) -> Sequence[float] | np.ndarray:
        """theta*, a minimiser of F over Theta, shape (d,)."""

    def __hash__(self) -> int:
        """Given by the frozen dataclass, whose fields are hashable."""


@functools.lru_cache(maxsize=1024)
def constants_of(problem: Problem) -> Constants:
    """``problem.constants``, which may take a search to find, computed once."""
    return problem.constants


def diameter(problem: Problem) -> float:
    """Of Theta, or of the set that the iterates can reach where the problem names it; inf where neither is bounded."""
    if problem.radius is not None:
        return 2 * problem.radius
    return float(getattr(problem, "diameter", math.inf))


def admit(problem: Problem, n: int) -> None:
    """Raises ValueError, in one line, for a sample larger than the problem's ``largest_n``, where it has that."""
    most = getattr(problem, "largest_n", math.inf)
    if n > most:
        raise ValueError(
            f"n must be at most {most} on {problem.name}, its declared limit; got {n}. Take fewer examples."
        )


def parameters(problem: Problem) -> dict[str, object]:
    """The fields that, with the class name, identify a problem; TypeError for one that is no frozen dataclass."""
    kind = type(problem)
    if not dataclasses.is_dataclass(problem) or not kind.__dataclass_params__.frozen:
        raise TypeError(
            f"{kind.__name__} must be a frozen dataclass, whose fields identify it; add @dataclass(frozen=True)."
        )
    return {field.name: getattr(problem, field.name) for field in dataclasses.fields(problem)}


Scalar = Callable[[float, float, float], float]


class Linear(NamedTuple):
    """grad l(t; (x, y)) = slope(<x, t>, y, parameter) x + ridge t, an example being the row (x_1, ..., x_d, y)."""

    slope: Scalar
    parameter: float = 0.0
    ridge: float = 0.0


class Coordinatewise(NamedTuple):
    """(grad l(t; z))_i = pull(t_i, z_i, parameters[i]), an example being the row (z_1, ..., z_d)."""

    pull: Scalar
    parameters: tuple[float, ...]


class Quadratic(NamedTuple):
    """A loss with (grad l(t; z))_i = curvatures[i] t_i - pulls[i] z_i, and what is known of the law D of z.

    A problem with an attribute ``quadratic`` says that its losses are of this kind; every moment of an algorithm that
    is linear in the gradient is then known, given S, and where all curvatures are positive its expectation over S too.

    Attributes:
        curvatures, pulls: (d,), an example being the row (z_1, ..., z_d).
        mean, variance: (d,), of each coordinate of z.
        longest: the supremum of ||z||.
        apart: E ||z - z'|| of two independent examples; nan where it is not known.
    """

    curvatures: tuple[float, ...]
    pulls: tuple[float, ...]
    mean: tuple[float, ...]
    variance: tuple[float, ...]
    longest: float
    apart: float = math.nan


class Squared(NamedTuple):
    """A loss l(t; (x, y)) = (1/2) (<x, t> - y)^2 + (ridge/2) ||t||^2, and what is known of the law D of x and y.

    A problem with an attribute ``squared`` says that its losses are of this kind; the mean and the covariance of every
    algorithm that is linear in the gradient are then known given S, if draws are independent.

    Attributes:
        ridge: lam.
        second_moment: E x x', as d tuples of d numbers.
        longest, largest: bounds of ||x|| and of |y|; inf where there are none.
    """

    ridge: float
    second_moment: tuple[tuple[float, ...], ...]
    longest: float
    largest: float
