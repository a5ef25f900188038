"""The decomposition of the excess risk: paths of parameters, held against what is known of each dataset."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from riskkit.engines import reference
from riskkit.measure.coupled import Pair, Paths
from riskkit.measure.own import Quantity, along
from riskkit.measure.quantities import COUPLED
from riskkit.problem import Problem, constants_of


@dataclasses.dataclass(frozen=True)
class GroundTruth:
    """What is known of a block of datasets before any algorithm runs, in float64; risks are (R,)."""

    data: Tensor
    left_out: tuple[Tensor, ...]
    minimiser: Tensor
    minimum: Tensor
    start: Tensor
    start_risk: Tensor
    gradient: Tensor
    control: Tensor
    control_start: Tensor
    control_pairs: Tensor | None
    population_minimum: Tensor

    @staticmethod
    def of(problem: Problem, pair: Pair) -> GroundTruth:
        data = pair.data.double()

        def vector(values: Sequence[float] | np.ndarray) -> Tensor:
            return torch.as_tensor(np.asarray(values, dtype=np.float64)).to(data)

        minimiser = problem.empirical_minimiser(data)
        start = vector(problem.start)
        best = vector(problem.population_minimiser())
        everywhere = torch.stack([minimiser, start.expand_as(minimiser), best.expand_as(minimiser)], dim=1)
        risks = problem.empirical_risk(everywhere, data)
        population_minimum = problem.population_risk(best)
        return GroundTruth(
            data=data,
            left_out=tuple(example.double() for example in pair.left_out),
            minimiser=minimiser,
            minimum=risks[:, 0],
            start=start,
            start_risk=risks[:, 1],
            gradient=_full_gradient(problem, minimiser, data),
            control=population_minimum - risks[:, 2],
            control_start=problem.population_risk(start) - risks[:, 1],
            control_pairs=_pairs(problem, best.expand_as(minimiser), data) if _stationary(problem, best) else None,
            population_minimum=population_minimum,
        )

    def decompose(
        self, problem: Problem, paths: Paths, gradients: np.ndarray, quantities: Sequence[Quantity] = ()
    ) -> dict[str, np.ndarray]:
        """Quantity -> (R, K, 2). ``gradients`` (K,): how many had been taken at each checkpoint; ``quantities``: those
        of one's own, beside the usual ones.

        The risks of one run come from one batched product, so that their bits depend on that run alone. A replicate
        has no value (NaN) from its divergence on.
        """
        path = paths.own
        R, K, outputs, d = path.theta.shape
        theta = path.theta.double()
        flat = theta.reshape(R, K * outputs, d)
        empirical = problem.empirical_risk(flat, self.data).reshape(R, K, outputs)
        population = problem.population_risk(flat).reshape(R, K, outputs)
        optimization, generalization = empirical - self.minimum[:, None, None], population - empirical
        values = {
            "optimization": optimization,
            "generalization": generalization,
            "excess": optimization + generalization,  # to the last bit
            "population_excess": population - self.population_minimum,
            "distance": (theta - self.minimiser[:, None, None, :]).square().sum(-1),
            "path_moment": path.path_moment[:, :, None].double().expand(-1, -1, outputs),
        }
        for own in quantities:
            if own.kind == "point":
                values[own.name] = own.measure(problem, flat, self.data).reshape(R, K, outputs)
        for place, own in enumerate(along(quantities)):
            assert path.watched is not None
            values[own.name] = path.watched[:, :, place, None].expand(-1, -1, outputs)
        taken = torch.as_tensor(gradients, device=theta.device)[:, None]

        def gone(run: reference.Path) -> Tensor:
            since = run.diverged_at[:, None, None]
            return (since >= 0) & (since <= taken)

        lost = dict.fromkeys(values, gone(path))
        pairs = [own for own in quantities if own.kind == "pair"]
        found: dict[str, list[Tensor]] = {}
        for neighbour, left_out in zip(paths.coupled, self.left_out, strict=True):
            coupled = neighbour.theta.double()
            losses = problem.empirical_risk(torch.stack([coupled, theta], dim=1).reshape(R, -1, d), left_out)
            with_fresh, with_own = losses.reshape(R, 2, K, outputs).unbind(1)
            stability = (coupled - theta).square().sum(-1).sqrt()
            parts = {
                "replace_one": with_fresh - with_own,
                "stability": stability,
                "path_stability": stability.cummax(1).values,
                **{
                    own.name: own.measure(problem, flat, coupled.reshape(R, K * outputs, d)).reshape(R, K, outputs)
                    for own in pairs
                },
            }
            for name, part in parts.items():
                found.setdefault(name, []).append(part)
        if paths.coupled:
            values |= {name: torch.stack(several).mean(0) for name, several in found.items()}
            everyone = torch.stack([gone(path), *map(gone, paths.coupled)]).any(0)
            lost |= dict.fromkeys((*COUPLED, *(own.name for own in pairs)), everyone)
        absent = theta.isnan().any(-1)  # outputs that the method has not
        lost = {name: since if name == "path_moment" else since | absent for name, since in lost.items()}
        return {name: value.masked_fill(lost[name], torch.nan).cpu().numpy() for name, value in values.items()}

    def dataset(self) -> dict[str, np.ndarray]:
        values = {
            "start_distance": (self.start - self.minimiser).square().sum(-1),
            "start_gap": self.start_risk - self.minimum,
            "gradient_at_minimiser": self.gradient.square().sum(-1),
            "control": self.control,
            "control_start": self.control_start,
        }
        if self.control_pairs is not None:
            values["control_pairs"] = self.control_pairs
        return {name: value.cpu().numpy() for name, value in values.items()}


def _full_gradient(problem: Problem, theta: Tensor, data: Tensor) -> Tensor:
    """grad F_S(theta): theta (R, d), data (R, n, w) -> (R, d)."""
    return _gradient_sums(problem, theta, data)[0] / data.shape[1]


def _gradient_sums(problem: Problem, theta: Tensor, data: Tensor) -> tuple[Tensor, Tensor]:
    """sum_i grad l(theta; z_i) (R, d) and sum_i ||grad l(theta; z_i)||^2 (R,), the examples in the place of
    configurations."""
    total, squares = torch.zeros_like(theta), theta.new_zeros(len(theta))
    for first in range(0, data.shape[1], 256):
        z = data[:, first : first + 256].flatten(0, 1)[:, None, :]
        count = z.shape[0] // data.shape[0]
        at = theta.repeat_interleave(count, dim=0)[:, None, :]
        gradients = problem.gradient(at, z).reshape(data.shape[0], count, -1)
        total += gradients.sum(1)
        squares += gradients.square().sum((1, 2))
    return total, squares


def _stationary(problem: Problem, theta: Tensor) -> bool:
    """Whether the gradient of F vanishes at its minimiser: the losses are smooth, and it lies inside Theta."""
    if not math.isfinite(constants_of(problem).L):
        return False
    return problem.radius is None or float(theta.norm()) < problem.radius * (1 - 1e-9)


def _pairs(problem: Problem, theta: Tensor, data: Tensor) -> Tensor:
    """(1/n^2) sum over i != j of <grad l(theta; z_i), grad l(theta; z_j)>, (R,): of mean 0 where grad F(theta) = 0, for
    the examples are independent. It is what ||grad F_S(theta)||^2, near which the generalization error of a minimiser
    of F_S is, has more than on average."""
    total, squares = _gradient_sums(problem, theta, data)
    return (total.square().sum(-1) - squares) / data.shape[1] ** 2
