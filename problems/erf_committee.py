"""A teacher and a student committee of erf units: nonconvex, with no certificate, and still an exact population
risk."""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from riskkit.problem import Constants, Regime
from riskkit.rng.streams import Stream

from . import fields

MOST_UNITS = 6
"""The nearest of the teacher's K! permutations is found by trying them."""


@functools.lru_cache(maxsize=16)
def _weights(inputs: int, units: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The teacher, unit vectors (K, D) in the order nearest the start, and the start; drawn once."""
    stream = Stream(seed, range(1))
    start = stream.normals("start", units, inputs)[0].numpy() / math.sqrt(inputs)
    teacher = stream.sphere("teacher", units, inputs)[0].numpy()
    orders = itertools.permutations(range(units))
    nearest = min(orders, key=lambda order: float(((teacher[list(order)] - start) ** 2).sum()))
    return teacher[list(nearest)], start


@dataclass(frozen=True)
class ErfCommittee:
    """l(t; x, y) = (1/2) (f_t(x) - y)^2, f_t(x) = K^(-1/2) sum_k erf(<t_k, x> / sqrt 2), t = (t_1, ..., t_K).

    t has K D coordinates, K = ``units``, D = ``inputs``. x ~ N(0, I_D); y = f_w(x) with a teacher of the same shape,
    unit vectors w_k. Teacher and theta_0 (entries of variance 1/D) are drawn once from ``seed``.

    Regime: nonconvex, no PL constant known: no theorem covers it; it shows what happens outside their reach.

    F in closed form, since E erf(<a,x>/sqrt 2) erf(<b,x>/sqrt 2) = (2/pi) arcsin(<a,b> / sqrt((1+||a||^2)(1+||b||^2)))
    (Saad & Solla, Phys. Rev. E 52, 1995): with I(a, b) this,
        F(t) = (1/2K) sum_kl (I(t_k, t_l) - 2 I(t_k, w_l) + I(w_k, w_l)).
    F_S* = 0 = F*, reached at the teacher, which is given as minimiser for every S, its units in the order nearest
        theta_0; whether yet another minimiser lies nearer theta_0 is not known.

    Constants: L = G = inf, since x is unbounded.        M = 2K: |f| < sqrt K.

    Raises ValueError for inputs or units < 1, and more units than can be permuted.
    """

    inputs: int = 4
    units: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        fields.whole("ErfCommittee", "inputs", self.inputs)
        fields.whole("ErfCommittee", "units", self.units)
        fields.whole("ErfCommittee", "seed", self.seed, 0)
        if self.units > MOST_UNITS:
            raise ValueError(f"ErfCommittee: units must be at most {MOST_UNITS}; got {self.units}.")

    @property
    def name(self) -> str:
        return "erf committee"

    @property
    def regime(self) -> Regime:
        return Regime.NONCONVEX

    @property
    def dim(self) -> int:
        return self.units * self.inputs

    @property
    def constants(self) -> Constants:
        return Constants(L=math.inf, G=math.inf, rho=math.inf, M=2.0 * self.units)

    @property
    def radius(self) -> None:
        return None

    @property
    def start(self) -> np.ndarray:
        return _weights(self.inputs, self.units, self.seed)[1].ravel()

    @property
    def teacher(self) -> np.ndarray:
        """w, (K, D)."""
        return _weights(self.inputs, self.units, self.seed)[0]

    def sample(self, stream: Stream, n: int) -> Tensor:
        x = stream.normals("features", n, self.inputs)
        y = torch.erf(x @ torch.as_tensor(self.teacher).to(x).mT / math.sqrt(2)).sum(-1, keepdim=True)
        return torch.cat([x, y / math.sqrt(self.units)], dim=-1)

    def gradient(self, theta: Tensor, z: Tensor) -> Tensor:
        x, y = z[..., None, :-1], z[..., -1:]
        units = theta.reshape(*theta.shape[:-1], self.units, self.inputs)
        inner = (units * x).sum(-1)  # (R, C, K)
        residual = torch.erf(inner / math.sqrt(2)).sum(-1, keepdim=True) / math.sqrt(self.units) - y
        slopes = residual * math.sqrt(2 / (math.pi * self.units)) * torch.exp(-inner.square() / 2)
        return (slopes[..., None] * x).flatten(-2)

    def empirical_risk(self, theta: Tensor, data: Tensor) -> Tensor:
        x, y = data[..., :-1], data[..., -1:]
        R, C, _ = theta.shape
        inner = x @ theta.reshape(R, C * self.units, self.inputs).mT
        output = torch.erf(inner / math.sqrt(2)).reshape(R, -1, C, self.units).sum(-1) / math.sqrt(self.units)
        return (output - y).square().mean(1) / 2

    def empirical_minimiser(self, data: Tensor) -> Tensor:
        return torch.as_tensor(self.teacher.ravel()).to(data).repeat(data.shape[0], 1)

    def population_risk(self, theta: Tensor) -> Tensor:
        student = theta.reshape(*theta.shape[:-1], self.units, self.inputs)
        teacher = torch.as_tensor(self.teacher).to(theta).expand_as(student)
        signed = torch.cat([student, teacher], dim=-2)
        gram = signed @ signed.mT
        size = torch.rsqrt(1 + torch.diagonal(gram, dim1=-2, dim2=-1))
        overlap = torch.asin(gram * size[..., :, None] * size[..., None, :]) * (2 / math.pi)
        sign = torch.ones(2 * self.units).to(theta)
        sign[self.units :] = -1
        return ((overlap @ sign) @ sign) / (2 * self.units)

    def population_minimiser(self) -> np.ndarray:
        return self.teacher.ravel()
