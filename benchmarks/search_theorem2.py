"""``python benchmarks/search_theorem2.py [seconds]``: a search for a violation of the paper's printed Theorem 2.

For L > lam its proof uses a lemma outside the lemma's step sizes, so that the bound might be false. Searched: losses

    l(t; z) = (lam/2) ||t - c||^2 + h(<x_z, t> - y_z) on the unit ball of R^d,  z one of a few atoms,

h a pseudo-Huber function of curvature L - lam and slope at most s (as L/lam grows, SGD on a nonsmooth loss, the case
with the least stability that is known), or a half of it (a smooth hinge). Random distributions and settings are drawn,
the best eight are moved at random for as long as they improve, and measured anew with 8192 replicates. F is a
sum over atoms, so that F - F_S is exact for each run. A ratio above 1 would be a violation. Seed 0.
"""

from __future__ import annotations

import dataclasses
import math
import sys
import time

import numpy as np

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
        """|F - F_S| over the printed bound after each round: mean and standard error, (T,). Control: that of theta_0."""
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


def main(seconds):
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
