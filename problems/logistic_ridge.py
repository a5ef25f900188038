"""Logistic regression with a ridge: strongly convex, and not quadratic."""

from __future__ import annotations

from dataclasses import dataclass

from riskkit.problem import Regime

from . import fields
from .logistic import Logistic


@dataclass(frozen=True)
class LogisticRidge(Logistic):
    """l(t; x, y) = log(1 + exp(-y <x, t>)) + (lam/2) ||t||^2 on Theta = {||t|| <= radius}; the rest as in ``Logistic``.

    Regime: strongly convex, for every l(.; z). Theorem 2 covers it, with L/lam as large as one likes.

    F and F_S* as in ``Logistic``, each with the ridge term; theta* = a e_1, a the root of one monotone equation.

    Constants, with B = radius:
        L = 1/4 + lam.        lam = lam_example = mu = lam.
        G = sigma(B) + lam B, at t = -B y x.
        M = log(1 + e^B) + (lam/2) B^2 minus the least of log(1 + e^-r) + (lam/2) r^2 over 0 <= r <= B (t = r y x).
    """

    lam: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        fields.finite("LogisticRidge", "lam", self.lam, above=0)

    @property
    def name(self) -> str:
        return "logistic ridge"

    @property
    def regime(self) -> Regime:
        return Regime.STRONGLY_CONVEX

    @property
    def ridge(self) -> float:
        return self.lam
