"""A torch optimizer under test, driven on mean estimation: what its checks share."""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import Tensor

from riskkit.conformance.claims import DIM, REPLICATES, Claim, parameters
from riskkit.conformance.findings import EXACT, Found, disagreement
from riskkit.conformance.rounds import Factory, Rule, Staged
from riskkit.rng.streams import Stream

CURVATURE, EXAMPLES = 0.8, 16


class Subject:
    """The optimizer under test, its claim, and the examples and indices that all runs share."""

    def __init__(self, make: Factory, claim: Claim, seed: int) -> None:
        from riskkit.problems import MeanEstimation  # lies above this room; needed only here, at run time

        self.make, self.claim, self.seed = make, claim, seed
        self.rule: Rule | None = claim.rule
        """What it does, as far as known: the claim, or the fault that was found."""
        self.problem = MeanEstimation(dim=DIM, lam=CURVATURE)
        k = claim.k
        self.inside = 2 * k + max(1, k // 2)
        """A step inside the third round (k > 1)."""
        self.steps = max(23, 4 * k + 3)
        self.data, self.indices = self.drawn(REPLICATES, self.steps)

    def drawn(self, replicates: int, steps: int) -> tuple[Tensor, Tensor]:
        stream = Stream(self.seed, range(replicates))
        return self.problem.sample(stream, EXAMPLES), stream.indices(EXAMPLES, 0, steps)

    def put(self, params: list[Tensor], j: int, scale: float = 1.0) -> None:
        """Gradients of step j at the parameters as they are; a third parameter gets those of its first two axes."""
        theta = torch.cat([p.detach() for p in params[:2]], 1)
        rows = torch.arange(len(theta))
        z = self.data[rows, self.indices[:, j]][:, None]
        gradient = scale * self.problem.gradient(theta[:, None], z)[:, 0]
        for p, part in zip(params, gradient.chunk(2, 1), strict=False):
            p.grad = part.clone()
        for p in params[2:]:
            p.grad = scale * self.problem.gradient(p.detach(), z[:, 0, : DIM // 2])

    def run(self, optimizer: Any, params: list[Tensor], first: int, last: int, stage: int | None = None) -> Tensor:
        """theta after each of the steps first .. last - 1, (steps, R, d); a stage ends after ``stage`` steps."""
        path = []
        for j in range(first, last):
            self.put(params, j)
            optimizer.step()
            if j + 1 == stage:
                optimizer.next_stage()
            path.append(theta_of(params))
        return torch.stack(path)

    def own(self, stage: int | None = None) -> Tensor:
        """A run of the optimizer alone."""
        params = parameters()
        return self.run(self.make(params), params, 0, self.steps, stage)

    def staged(self, rule: Rule) -> tuple[Staged, list[Tensor]]:
        params = parameters()
        return Staged(rule, self.claim.inner, params), params

    def reference(self, rule: Rule, stage: int | None = None) -> Tensor:
        """The same run of a rule by hand."""
        staged, params = self.staged(rule)
        return self.run(staged, params, 0, self.steps, stage)

    @property
    def has_stages(self) -> bool:
        return hasattr(self.make(parameters()), "next_stage")

    @functools.cached_property
    def eta(self) -> float | None:
        """The step size if the inner optimizer is SGD with a constant one, found by what it does."""
        params = parameters()
        inner = self.claim.inner(params)
        eta = inner.param_groups[0].get("lr")
        if not isinstance(eta, float | int):
            return None
        for j in range(5):
            self.put(params, j)
            expected = [p.detach() - eta * p.grad for p in params]  # type: ignore[operator]
            inner.step()
            if disagreement(theta_of(params), torch.cat(expected, 1)) > EXACT:
                return None
        return float(eta)


def theta_of(params: list[Tensor]) -> Tensor:
    return torch.cat([p.detach() for p in params], 1).clone()


def told(wrong: list[str], note: str) -> Found:
    """The note is what was found where nothing is wrong."""
    return Found(wrong, "" if wrong else note)


def apart(path: Tensor, expected: Tensor) -> str:
    """From which step on two runs differ, and by how much."""
    steps = [j for j in range(len(path)) if disagreement(path[j], expected[j]) > EXACT]
    return f"from step {steps[0] + 1} on, by up to {disagreement(path, expected):.1e} of its size"


def exactly(path: Tensor, expected: Tensor) -> str:
    """torch's NAdam, for one, holds a product in float32 that it loads in the parameters' float64."""
    return "bit for bit" if torch.equal(path, expected) else f"to {disagreement(path, expected):.1e}"


def apart_from(first: int, path: Tensor, expected: Tensor) -> str:
    step = next(j for j in range(len(path)) if disagreement(path[j], expected[j]) > EXACT)
    return f"from step {first + step + 1} on, by up to {disagreement(path, expected):.1e} of its size"
