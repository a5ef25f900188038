"""A problem of one's own in under 30 lines: docs/problems.md shows this file, and test_check.py runs it."""

import dataclasses

import numpy as np

from riskkit import Constants, Regime


@dataclasses.dataclass(frozen=True)
class Interval:
    """l(t; z) = (1/2)(t - z)^2 with z uniform on [0, 1]: F(t) = (1/2)(t - 1/2)^2 + 1/24, theta*_S = zbar."""

    dim: int = 1
    name = "interval"
    regime = Regime.STRONGLY_CONVEX
    constants = Constants(L=1.0, G=1.0, lam=1.0, lam_example=1.0, mu=1.0, M=0.5)
    radius = None
    start = (1.0,)

    def sample(self, stream, n):
        return stream.uniforms("z", n, 1)

    def gradient(self, theta, z):
        return theta - z

    def empirical_risk(self, theta, data):
        mean = data.mean(1, keepdim=True)
        return ((theta - mean).square() + (data - mean).square().mean(1, keepdim=True)).sum(-1) / 2

    def empirical_minimiser(self, data):
        return data.mean(1)

    def population_risk(self, theta):
        return (theta - 0.5).square().sum(-1) / 2 + 1 / 24

    def population_minimiser(self):
        return np.array([0.5])
