"""``python benchmarks/search_theorem2.py [seconds]``: a search for a violation of the paper's printed Theorem 2.

For L > lam its proof uses a lemma outside the lemma's step sizes, so that the bound might be false. Searched: losses

    l(t; z) = (lam/2) ||t - c||^2 + h(<x_z, t> - y_z) on the unit ball of R^d,  z one of a few atoms,

h a pseudo-Huber function of curvature L - lam and slope at most s (as L/lam grows, SGD on a nonsmooth loss, the case
with the least stability that is known), or a half of it (a smooth hinge). Random distributions and settings are drawn,
the best eight are moved at random for as long as they improve, and measured anew with 8192 replicates. F is a
sum over atoms, so that F - F_S is exact for each run. A ratio above 1 would be a violation. Seed 0.

Before that: in how many cells of a grid the re-derived bound (with 2 G^2/lam for M) lies below
the printed one, which is thereby true there whatever the distribution. With 0 seconds: this alone.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import sys
import time

import numpy as np

from riskkit.algorithms import Lookahead
from riskkit.problem import Constants
from riskkit.theory.bound import At, total
from riskkit.theory.zhou2021 import published

RATIOS = (2.0, 10.0, 100.0, 1000.0)


@dataclasses.dataclass
class Trial:
    """A distribution (atoms: directions x, offsets y, weights p; slope s; center c) and a setting; lam = 1."""

    L: float
    s: float
    hinge: bool
    x: np.ndarray
    y: np.ndarray
    p: np.ndarray
    c: np.ndarray
    n: int
    k: int
    alpha: float
    T: int

    def loss(self, t):
        """(R, d) -> (R, A)."""
        r = t @ self.x.T - self.y
        width = self.s / (self.L - 1)
        h = self.s * (np.sqrt(r**2 + width**2) - width)
        if self.hinge:
            h = (h + self.s * r) / 2
        return 0.5 * ((t - self.c) ** 2).sum(-1, keepdims=True) + h

    def gradient(self, t, atom):
        x = self.x[atom]
        r = (t * x).sum(-1) - self.y[atom]
        width = self.s / (self.L - 1)
        slope = self.s * r / np.sqrt(r**2 + width**2)
        if self.hinge:
            slope = (slope + self.s) / 2
        return t - self.c + slope[:, None] * x

    @property
    def G(self):
        """At most ||t - c|| + s, over the ball."""
        return 1 + float(np.linalg.norm(self.c)) + self.s

    def ratio(self, replicates, rng):
        """|F - F_S| over the printed bound after each round: mean and standard error, (T,); theta_0 as a control."""
        lam, R = 1.0, replicates
        data = rng.choice(len(self.p), size=(R, self.n), p=self.p)
        weights = np.stack([(data == a).mean(1) for a in range(len(self.p))], 1) - self.p
        theta = np.zeros((R, self.x.shape[1]))
        start = (self.loss(theta) * weights).sum(1)
        mean, error, j = np.empty(self.T), np.empty(self.T), 0
        for t in range(self.T):
            v = theta.copy()
            for _ in range(self.k):
                atom = data[np.arange(R), rng.integers(self.n, size=R)]
                v = v - (lam + self.L) / (lam * self.L * (j + 2)) * self.gradient(v, atom)
                v /= np.maximum(1.0, np.linalg.norm(v, axis=1, keepdims=True))
                j += 1
            theta = (1 - self.alpha) * theta + self.alpha * v
            grown = ((self.k * (t + 1) + 1) ** self.alpha - 1) / ((t + 2) * self.k + 2) ** self.alpha
            gap = (start - (self.loss(theta) * weights).sum(1)) / (16 * self.G**2 / (self.n * lam) * grown)
            mean[t], error[t] = gap.mean(), gap.std() / math.sqrt(R)
        return np.abs(mean), error


def drawn(L, rng):
    d, atoms = int(rng.choice([1, 2, 8])), int(rng.choice([2, 3, 8, 32]))
    x = rng.normal(size=(atoms, d))
    c = rng.normal(size=d) * rng.choice([0.0, 0.3])
    return Trial(
        L=L,
        s=float(np.exp(rng.uniform(-2, 2.5))),
        hinge=bool(rng.integers(2)),
        x=x / np.linalg.norm(x, axis=1, keepdims=True),
        y=rng.uniform(-1, 1, atoms) * rng.choice([0.0, 0.2, 1.0]),
        p=rng.dirichlet(np.ones(atoms)),
        c=c / max(1.0, float(np.linalg.norm(c))),
        n=int(rng.choice([5, 20, 100])),
        k=int(rng.choice([1, 5, 20, 50])),
        alpha=float(rng.choice([0.01, 0.1, 0.3, 1.0])),
        T=int(rng.choice([1, 4, 16])),
    )


def moved(trial, rng):
    x = trial.x + rng.normal(size=trial.x.shape) * 0.2
    p = trial.p * np.exp(rng.normal(size=trial.p.shape) * 0.3)
    return dataclasses.replace(
        trial,
        s=trial.s * float(np.exp(rng.normal() * 0.3)),
        x=x / np.linalg.norm(x, axis=1, keepdims=True),
        y=np.clip(trial.y + rng.normal(size=trial.y.shape) * 0.1, -1, 1),
        p=p / p.sum(),
        T=max(1, trial.T + int(rng.integers(-1, 2))),
    )


def score(trial, rng):
    """The lower end of the largest ratio over the rounds."""
    mean, error = trial.ratio(256, rng)
    return float((mean - 2 * error).max())


@dataclasses.dataclass(frozen=True)
class Stub:
    """A problem of which nothing but the constants is read."""

    constants: Constants


def implied(ratio):
    """Cells of the grid, and in how many of them the printed bound is at least the re-derived one."""
    constants = Constants(L=ratio, G=1.0, lam=1.0, lam_example=1.0, mu=1.0, M=2.0)
    stub = Stub(constants)
    rounds = 2 ** np.arange(11)
    found = []
    for n, k, alpha in itertools.product((5, 20, 10**5), (1, 5, 20, 50), (0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0)):
        at = At(stub, Lookahead(1024, k, alpha, published.first_step(constants)), n, rounds)
        printed, proved = (
            total(published.GENERALIZATION_2.evaluate(form, at), at, form) for form in ("published", "proved")
        )
        found.append(printed >= np.minimum(proved, constants.M))
    return np.concatenate(found)


def main(seconds):
    for L in (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 1000.0):
        cells = implied(L)
        print(f"L/lam = {L:g}: the printed bound is at least a proved one in {cells.sum()} of {cells.size} cells")
    if seconds <= 0:
        return
    rng = np.random.default_rng(0)
    for L in RATIOS:
        end, tried, pool = time.monotonic() + seconds / len(RATIOS), 0, []
        while time.monotonic() < end - seconds / len(RATIOS) / 2:
            trial = drawn(L, rng)
            pool = sorted([*pool, (score(trial, rng), tried, trial)], key=lambda one: -one[0])[:8]
            tried += 1
        while time.monotonic() < end:
            place = int(rng.integers(len(pool)))
            trial = moved(pool[place][2], rng)
            found = score(trial, rng)
            tried += 1
            if found > pool[place][0]:
                pool[place] = (found, tried, trial)
        again = [(one[2], *one[2].ratio(8192, rng)) for one in pool]
        best, mean, error = max(again, key=lambda one: (one[1] - 2 * one[2]).max())
        at = int((mean - 2 * error).argmax())
        print(
            f"L/lam = {L:g}: {tried} distributions; the largest measured / printed is {mean[at]:.4f} (standard error "
            f"{error[at]:.4f}) at n = {best.n}, k = {best.k}, alpha = {best.alpha:g}, T = {at + 1}, "
            f"d = {best.x.shape[1]}, {len(best.p)} atoms, slope {best.s:.2g}{', hinge' if best.hinge else ''}"
        )


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 240.0)
