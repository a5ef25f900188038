"""Real data: a finite population under a convex loss of linear scores, with its population risk an exact sum."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from riskkit.data import Population, breast_cancer
from riskkit.problem import Constants, Linear, Regime, Squared
from riskkit.rng.streams import Stream

from . import fields
from .linear_losses import LOSSES, Loss, least_loss, mean_loss, minimiser, scores


def _default() -> Population:
    return breast_cancer().standardized().with_intercept().in_unit_ball()


@dataclass(frozen=True)
class FinitePopulation:
    """l(t; x, y) = loss(W x, y) + (ridge/2) ||t||^2, t = W (m, p), on Theta = {||t|| <= radius} or R^d; theta_0 = 0.

    D is uniform on the N rows of ``population`` times its kernel of labels; S is n draws from D, with replacement.
    Losses: ``squared`` (regressions, m = 1), ``logistic`` (two classes as y = -1, 1, m = 1), ``softmax`` (K classes,
    m = K). An example is the row (x_1, .., x_p, y), y the number of the class for softmax.

    Regime: convex; strongly convex, for every l(.; z), if ridge > 0. One of ridge and radius is needed: separable data
    have no minimiser on R^d.

    F(t) = (1/N) sum_i sum_y q(y | i) loss(W x_i, y) + (ridge/2) ||t||^2, a sum of N terms since each loss is affine or
        quadratic in what it needs of y (``linear_losses``). No test sample.
    F_S*, theta*_S and theta*: squared by eigenvectors (and the secular equation on the ball), else by Newton's method;
        first-order residual below 1e-12 of scale.

    Constants, with X = max ||x_i||, Y_i = |y_i| + noise, lam = ridge and B = radius, or, on R^d, the radius of the ball
    that no step of size eta <= ``largest_step`` leaves: ||v+|| <= (1 - eta lam) ||v|| + eta g gives B = g / lam, with
    g = X max Y (squared, eta <= 1/L), X (logistic) or sqrt(2) X (softmax, both for eta <= 1/lam).
        lam = lam_example = mu = ridge.
        squared    L = X^2 + lam.   G = max_i ||x_i|| (B ||x_i|| + Y_i) + lam B, reached at t = -+B x_i / ||x_i||.
                   M = l_max = max_i (B ||x_i|| + Y_i)^2 / 2 + lam B^2 / 2; 0 bounds l from below.
        logistic   L = X^2 / 4 + lam.   G = X sigma(B X) + lam B, at t = -B y x / X.
                   l_max = log(1 + e^(B X)) + lam B^2 / 2; M is that less the least of log(1 + e^(-r X)) + lam r^2 / 2.
        softmax    L = X^2 / 2 + lam: diag(p) - p p' <= 1/2.
                   G = sqrt(2) X (1 - 1/(1 + e)) + lam B with e = (K - 1) exp(sqrt(2) B X), since ||p - e_y|| is at most
                   sqrt(2) (1 - p_y), and 1/p_y = sum_k exp(u_k - u_y) with u_k - u_y <= sqrt(2) ||u|| <= sqrt(2) B X.
                   l_max = log(1 + e) + lam B^2 / 2; M is that less the least of log(1 + (K - 1) exp(-a r)) + lam r^2/2,
                   a = X sqrt(K/(K - 1)): by Jensen's inequality, sum_(k != y) exp(u_k - u_y) >= (K - 1) exp(-a r).

    Raises ValueError, in one line, for a loss that does not fit the labels, and without both ridge and radius.
    """

    population: Population = field(default_factory=_default)
    loss: Literal["squared", "logistic", "softmax"] = "logistic"
    ridge: float = 0.0
    radius: float | None = 5.0
    limit: int | None = None
    """Declared largest n; None: N. A sample of more than N draws from N rows says little of what is not among them."""

    self_bounding: ClassVar[bool] = True
    """No loss is negative on R^d, and L holds there."""

    def __post_init__(self) -> None:
        owner = "FinitePopulation"
        if not isinstance(self.population, Population):
            raise ValueError(
                f"{owner}: population must be a riskkit.data.Population; got {type(self.population).__name__}. "
                "Use FinitePopulation.of(features, targets, loss, ...) for arrays."
            )
        if self.loss not in LOSSES:
            raise ValueError(f"{owner}: loss must be one of {', '.join(LOSSES)}; got {self.loss!r}.")
        try:
            self._loss.scores(self.population.classes)
        except ValueError as error:
            came = f"{self.population.classes} classes" if self.population.classes else "is a regression"
            raise ValueError(f"{owner}: {error}; {self.population.name} {'has ' * (came[0] != 'i')}{came}.") from None
        fields.finite(owner, "ridge", self.ridge, least=0)
        if self.radius is not None:
            fields.finite(owner, "radius", self.radius, above=0)
        elif not self.ridge > 0:
            raise ValueError(f"{owner}: give ridge > 0 or a radius; without both there may be no minimizer.")
        if self.limit is not None:
            fields.whole(owner, "limit", self.limit, 2)

    @classmethod
    def of(
        cls,
        features: np.ndarray,
        targets: np.ndarray,
        loss: Literal["squared", "logistic", "softmax"],
        *,
        noise: float = 0.0,
        ridge: float = 0.0,
        radius: float | None = None,
        name: str = "population",
    ) -> FinitePopulation:
        """The problem of features (N, p) and targets (N,), as ``Population`` takes them."""
        return cls(Population(features, targets, noise=noise, name=name), loss, ridge, radius)

    @property
    def name(self) -> str:
        words = [self.loss, *["ridge"] * (self.ridge > 0)]
        if self.population.noise:
            words.append(f"noise {self.population.noise:g}")
        return f"{self.population.name} ({', '.join(words)})"

    @property
    def regime(self) -> Regime:
        return Regime.STRONGLY_CONVEX if self.ridge > 0 else Regime.CONVEX

    @property
    def dim(self) -> int:
        return self._scores * int(self.population.features.shape[1])

    @property
    def largest_n(self) -> int:
        """The largest sample that is admitted."""
        return len(self.population) if self.limit is None else self.limit

    @property
    def largest_step(self) -> float:
        """On R^d, the step size up to which no step leaves the ball on which the constants hold; inf on a ball."""
        if self.radius is not None:
            return math.inf
        return 1 / self._smoothness if self.loss == "squared" else 1 / self.ridge

    @property
    def diameter(self) -> float:
        """Of Theta, or on R^d of the ball that no step leaves."""
        return 2 * self._reach

    def seen(self, n: int) -> float:
        """The share of the rows that S has seen, in expectation."""
        return self.population.seen(n)

    @property
    def constants(self) -> Constants:
        B, lam, X = self._reach, self.ridge, self._longest
        ridge = lam / 2 * B**2
        if self.loss == "squared":
            norms, sizes = self._norms, np.abs(self.population.targets) + self.population.noise
            steepest = float((norms * (B * norms + sizes)).max())
            largest = float(((B * norms + sizes) ** 2).max()) / 2 + ridge
            least = 0.0
        else:
            K = max(2, self._scores)
            spread, slope = (math.sqrt(2), math.sqrt(K / (K - 1))) if self.loss == "softmax" else (1.0, 1.0)
            exponent = spread * B * X + math.log(K - 1)  # log of e
            steepest = spread * X / (1 + math.exp(-exponent))
            largest = max(exponent, 0.0) + math.log1p(math.exp(-abs(exponent))) + ridge
            least = least_loss(slope * X, K, lam, B)
        return Constants(
            L=self._smoothness,
            G=steepest + lam * B,
            lam=lam,
            lam_example=lam,
            mu=lam,
            M=largest - least,
            l_max=largest,
        )

    @property
    def start(self) -> np.ndarray:
        return np.zeros(self.dim)

    @property
    def formula(self) -> Linear | None:
        """None for softmax, which runs on the reference engine."""
        return self._loss.formula(self.ridge)

    @property
    def together(self) -> int:
        """Half as many for softmax, whose risks on all rows are a product for each class."""
        return 128 if self.loss == "softmax" else 256

    @property
    def squared(self) -> Squared | None:
        """None for the other losses."""
        if self.loss != "squared":
            return None
        x, sizes = self.population.features, np.abs(self.population.targets) + self.population.noise
        second = tuple(map(tuple, (x.T @ x / len(x)).tolist()))
        return Squared(self.ridge, second, self._longest, float(sizes.max()))

    def sample(self, stream: Stream, n: int) -> Tensor:
        """Raises ValueError for n > largest_n."""
        if n > self.largest_n:
            raise ValueError(f"{self.name}: n must be at most {self.largest_n}; got {n}. Draw less, or set limit=.")
        drawn = self.population.draw(stream, n)
        x = torch.as_tensor(np.array(self.population.features)).to(stream.device, stream.dtype)[drawn.rows]
        y = drawn.targets.to(x)
        if self.loss == "logistic":
            y = 2 * y - 1
        return torch.cat([x, y[..., None]], dim=-1)

    def gradient(self, theta: Tensor, z: Tensor) -> Tensor:
        x, y = z[..., :-1], z[..., -1]
        W = theta.reshape(*theta.shape[:-1], self._scores, -1)
        slope = self._loss.gradient((W * x[..., None, :]).sum(-1), y)
        return (slope[..., None] * x[..., None, :]).flatten(-2) + self.ridge * theta

    def mean_gradient(self, theta: Tensor, z: Tensor) -> Tensor:
        """The mean gradient over a batch, by matrix products: theta (R, 1, d), z (R, b, w) -> (R, 1, d)."""
        x, y = z[..., :-1], z[..., -1]
        slope = self._loss.gradient(scores(theta, x, self._scores)[:, :, 0], y)
        return (slope.mT @ x).flatten(1)[:, None] / z.shape[1] + self.ridge * theta

    def empirical_risk(self, theta: Tensor, data: Tensor) -> Tensor:
        x, soft = data[..., :-1], self._loss.soft(data[..., -1], self._scores)
        return mean_loss(self._loss, theta, x, soft) + self.ridge / 2 * theta.square().sum(-1)

    def empirical_minimiser(self, data: Tensor) -> Tensor:
        z = data.double()
        soft = self._loss.soft(z[..., -1], self._scores)
        return minimiser(self._loss, z[..., :-1], soft, self.ridge, self.radius).to(data.dtype)

    def population_risk(self, theta: Tensor) -> Tensor:
        x, soft = _rows(self)
        flat = theta.double().reshape(1, -1, self.dim)
        together = max(1, 2**20 // (len(self.population) * self._scores))
        x, soft = x.to(flat.device), soft.to(flat.device)
        parts = [mean_loss(self._loss, part, x, soft) for part in torch.split(flat, together, dim=1)]
        value = torch.cat(parts, dim=1).reshape(theta.shape[:-1]) + self.ridge / 2 * theta.double().square().sum(-1)
        if self.loss == "squared":
            value = value + self.population.noise**2 / 2
        return value.to(theta.dtype)

    def population_minimiser(self) -> np.ndarray:
        return _population_minimiser(self).copy()

    @property
    def _loss(self) -> Loss:
        return LOSSES[self.loss]

    @property
    def _scores(self) -> int:
        """m."""
        return self._loss.scores(self.population.classes)

    @functools.cached_property
    def _norms(self) -> np.ndarray:
        return np.linalg.norm(self.population.features, axis=1)

    @property
    def _longest(self) -> float:
        """X."""
        return float(self._norms.max())

    @property
    def _smoothness(self) -> float:
        return {"squared": 1.0, "logistic": 0.25, "softmax": 0.5}[self.loss] * self._longest**2 + self.ridge

    @property
    def _reach(self) -> float:
        """B."""
        if self.radius is not None:
            return self.radius
        sizes = np.abs(self.population.targets) + self.population.noise
        most = {"squared": float(sizes.max()), "logistic": 1.0, "softmax": math.sqrt(2)}[self.loss]
        return most * self._longest / self.ridge


@functools.lru_cache(maxsize=16)
def _rows(problem: FinitePopulation) -> tuple[Tensor, Tensor]:
    """The features (1, N, p) and what the loss needs of the kernel, (1, N, m), in float64."""
    population = problem.population
    x = torch.from_numpy(np.array(population.features))[None]
    if problem.loss == "squared":
        return x, torch.from_numpy(np.array(population.targets))[None, :, None]
    chances = torch.from_numpy(population.kernel())[None]
    return x, chances if problem.loss == "softmax" else chances[..., 1:]


@functools.lru_cache(maxsize=16)
def _population_minimiser(problem: FinitePopulation) -> np.ndarray:
    x, soft = _rows(problem)
    best: np.ndarray = minimiser(problem._loss, x, soft, problem.ridge, problem.radius)[0].numpy()
    return best
