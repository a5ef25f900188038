"""Shapes, samples, batches and precision: a number depends on its own replicate and configuration alone."""

from __future__ import annotations

import torch
from torch import Tensor

from riskkit.conformance.findings import EXACT, Found, disagreement
from riskkit.conformance.subject import Subject
from riskkit.rng.streams import Stream

SINGLE = 1e-4
"""Relative disagreement allowed between float32 and float64, some 1,000 roundings of the former."""


def shapes(s: Subject) -> Found:
    """Shapes, dtypes and finiteness for several R, C, n."""
    p, d, faults = s.problem, s.problem.dim, []

    def expect(what: str, got: object, shape: tuple[int, ...], dtype: torch.dtype) -> None:
        if not isinstance(got, Tensor):
            faults.append(f"{what} must be a torch.Tensor; got {type(got).__name__}.")
        elif tuple(got.shape) != shape:
            faults.append(f"{what} must have shape {shape}; got {tuple(got.shape)}.")
        elif got.dtype != dtype:
            faults.append(f"{what} must answer in the dtype of its arguments, {dtype}; got {got.dtype}.")
        elif not bool(got.isfinite().all()):
            faults.append(f"{what} must be finite; got {int((~got.isfinite()).sum())} values that are not.")

    for dtype in (torch.float64, torch.float32):
        for (R, C), n in zip([(1, 1), (3, 1), (1, 4), (5, 2)], s.sizes * 4, strict=False):
            where = f"(R={R}, C={C}, n={n}, {str(dtype).removeprefix('torch.')})"
            data = p.sample(Stream(s.seed, range(R), dtype=dtype), n)
            if not isinstance(data, Tensor) or data.ndim != 3:
                return Found([f"sample {where} must be a tensor (R, n, w); got {getattr(data, 'shape', data)}."])
            expect(f"sample {where}", data, (R, n, data.shape[-1]), dtype)
            theta = s.admissible[:C].to(dtype).expand(R, C, d)
            expect(f"gradient {where}", p.gradient(theta, data[:, :1]), (R, C, d), dtype)
            expect(f"gradient of theta (R, 1, d) {where}", p.gradient(theta[:, :1], data[:, :1]), (R, 1, d), dtype)
            expect(f"empirical_risk {where}", p.empirical_risk(theta, data), (R, C), dtype)
            expect(f"empirical_minimiser {where}", p.empirical_minimiser(data), (R, d), dtype)
            expect(f"population_risk {where}", p.population_risk(theta), (R, C), dtype)
            expect(f"population_risk of theta (d,) {where}", p.population_risk(theta[0, 0]), (), dtype)
    return Found(faults, "float64 and float32")


def sampling(s: Subject) -> Found:
    """A sample is a prefix of a longer one; a replicate does not depend on the others; replicates differ."""
    faults = []
    n = max(s.sizes)
    whole = s.data(n, 8)
    if not torch.equal(whole, s.data(n, 8)):
        faults.append("sample: two calls with the same stream differ; draw random numbers from the stream alone.")
    for m in sorted({1, *s.sizes[:-1]}):
        if disagreement(s.data(m, 8), whole[:, :m]) > EXACT:
            faults.append(
                f"sample: the sample of size {m} is not a prefix of that of size {n}; row i may depend on i alone."
            )
    if disagreement(s.data(n, 3, first=4), whole[4:7]) > EXACT:
        faults.append("sample: replicates 4..6 change when drawn without the others.")
    if bool((whole[1:] == whole[:1]).flatten(1).all(1).any()):
        faults.append("sample: two replicates have the same examples.")
    return Found(faults, f"nested up to n = {n}")


def invariance(s: Subject) -> Found:
    """A replicate alone, or a configuration alone, gives what it gives in company."""
    faults, p = [], s.problem
    n = max(s.sizes)
    data = s.data(n, 7)
    theta = s.admissible[s.choose(len(s.admissible), 7 * 5)].reshape(7, 5, -1)
    one, few = slice(3, 4), slice(2, 3)
    pairs = {
        "gradient": (p.gradient(theta, data[:, :1])[one], p.gradient(theta[one], data[one, :1])),
        "empirical_risk": (p.empirical_risk(theta, data)[one], p.empirical_risk(theta[one], data[one])),
        "empirical_minimiser": (p.empirical_minimiser(data)[one], p.empirical_minimiser(data[one])),
        "population_risk": (p.population_risk(theta)[one, few], p.population_risk(theta[one, few])),
    }
    for name, (company, alone) in pairs.items():
        if disagreement(company, alone) > EXACT:
            faults.append(f"{name}: replicate 3 alone gives something else than within a batch of 7.")
    for name, (company, alone) in {
        "gradient": (p.gradient(theta, data[:, :1])[:, few], p.gradient(theta[:, few], data[:, :1])),
        "empirical_risk": (p.empirical_risk(theta, data)[:, few], p.empirical_risk(theta[:, few], data)),
    }.items():
        if disagreement(company, alone) > EXACT:
            faults.append(f"{name}: configuration 2 alone gives something else than among 5.")
    return Found(faults)


def single_precision(s: Subject) -> Found:
    """float32 gives what float64 gives on the same (rounded) numbers; of the minimiser, the risk it achieves."""
    faults, worst, p = [], 0.0, s.problem
    for n in s.sizes:
        data = s.data(n, 7).float()
        theta = s.admissible[s.choose(len(s.admissible), 7 * 5)].reshape(7, 5, -1).float()
        wide, at = data.double(), theta.double()
        found = p.empirical_minimiser(data)[:, None].double()
        pairs = {
            "gradient": (p.gradient(theta, data[:, :1]).double(), p.gradient(at, wide[:, :1])),
            "empirical_risk": (p.empirical_risk(theta, data).double(), p.empirical_risk(at, wide)),
            "population_risk": (p.population_risk(theta).double(), p.population_risk(at)),
        }
        apart = {name: disagreement(single, double) for name, (single, double) in pairs.items()}
        least = p.empirical_risk(p.empirical_minimiser(wide)[:, None], wide)
        scale = float(p.empirical_risk(at, wide).abs().max())
        apart["empirical_minimiser"] = float((p.empirical_risk(found, wide) - least).abs().max()) / max(scale, 1e-300)
        worst = max(worst, *apart.values())
        faults += [
            f"{name}: in float32 (n = {n}) it is {relative:.1e} of its size away from float64; at most {SINGLE:g} is "
            "allowed."
            for name, relative in apart.items()
            if not relative <= SINGLE
        ]
    return Found(faults, f"to {worst:.1e}")
