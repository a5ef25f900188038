"""Is a method of one's own what an engine takes it for?

It is driven by hand on a quadratic, where the expectation of what is linear in the gradients is known exactly: states
and outputs after every step, Theta under the largest gradients, equal answers again, from a copy of a state, for each
replicate alone and in single precision, rest where there is no force, the prefix of a longer run where it says so, and,
where it is linear, mean and second moment of what riskkit measures of it.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from riskkit.algorithms import traits
from riskkit.algorithms.staged import OUTPUTS
from riskkit.conformance.findings import EXACT, Found, Report, disagreement, guarded
from riskkit.engines import trial
from riskkit.engines.reference import copied
from riskkit.experiment.schedules import schedule_fault
from riskkit.identity import codes

LONGEST = 64
"""Steps of the runs that are looked at."""

REPLICATES = 4096
FALSE_ALARM = 1e-6
"""Probability that a faultless method is accused by the Monte Carlo comparison (Bonferroni over its z-scores)."""

SINGLE = 1e-3
"""Relative disagreement allowed between float32 and float64."""

MEMBERS = ("name", "steps", "init", "query", "step", "output")
Force = Callable[[Tensor, int], Tensor]


class Subject:
    """The method, cut to a length that can be looked at, and a quadratic on which its steps are stable."""

    def __init__(self, method: Any, seed: int) -> None:
        self.seed = seed
        self.method = method if method.steps <= LONGEST else with_steps(method, LONGEST) or method
        self.steps = min(int(self.method.steps), LONGEST)
        self.whole = int(self.method.steps) <= LONGEST
        radius = getattr(method, "radius", None)
        self.radius = float(radius) if isinstance(radius, int | float) and 0 < radius < math.inf else None
        self.scale = 1.0 if self.radius is None else self.radius / 20
        draw = torch.Generator().manual_seed(seed)
        self.start = self.scale * torch.tensor([0.8, -0.6], dtype=torch.float64)
        self.examples = self.scale * torch.randn(8, self.steps, 2, generator=draw, dtype=torch.float64).clamp(-2, 2)
        self.curvature = 1.0
        while self.curvature > 1e-6 and not self._stable():
            self.curvature /= 4

    def _stable(self) -> bool:
        path = self.run(self.force(self.examples))
        return bool(torch.stack([p[traits.passed_on(self.method)] for p in path]).abs().max() <= 10 * self.scale)

    def force(self, examples: Tensor) -> Force:
        """The gradient of (curvature / 2) ||v - z_j||^2 at step j: examples (R, J, d)."""
        return lambda at, j: self.curvature * (at - examples[:, j, None, :].to(at))

    def run(self, force: Force, method: Any = None, rows: int = 8, dtype: torch.dtype = torch.float64) -> list[Any]:
        """The outputs after each step."""
        method = self.method if method is None else method
        start = self.start.to(dtype).expand(rows, 1, -1)
        moving = trial.states(method, start, force, self.steps)
        next(moving)
        return [{name: value.clone() for name, value in method.output(state).items()} for _, state in moving]


def with_steps(method: Any, steps: int) -> Any:
    """The same method for another number of steps; None if it has no such field."""
    try:
        return dataclasses.replace(method, steps=steps)
    except (TypeError, ValueError):
        return None


def check_method(method: Any, *, seed: int = 0) -> Report:
    """Runs every check on a method of one's own, in a second or two.

    ``seed``: of the examples that it is run on. The Monte Carlo comparison accuses a faultless method with probability
    ``FALSE_ALARM``. Of a method with more than 64 steps and a field ``steps`` the first 64 of a run of 64 are looked
    at.
    """
    owner = type(method).__name__
    declared = guarded("declarations", lambda: _declarations(method))
    if declared.faults:
        return Report(owner, (declared,))
    findings = [declared]
    tried = guarded("states and outputs", lambda: _answers(method))
    findings.append(tried)
    if not tried.faults:
        subject = Subject(method, seed)
        findings += [guarded(title, functools.partial(run, subject)) for title, run in CHECKS]
    return Report(owner, tuple(findings))


def _declarations(method: Any) -> Found:
    lacks = [name for name in MEMBERS if not hasattr(method, name)]
    if lacks:
        return Found([f"{type(method).__name__} lacks {', '.join(lacks)}."])
    faults = []
    if not getattr(getattr(method, "__dataclass_params__", None), "frozen", False):
        faults.append("it must be a frozen dataclass, whose fields identify it; add @dataclass(frozen=True).")
    else:
        try:
            hash(method)
            codes(method)
        except TypeError as error:
            faults.append(f"its fields must be numbers, texts or tuples of them: {error}.")
    if (said := traits.outputs_fault(method)) is not None:
        return Found([*faults, f"{said}."])
    steps = method.steps
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        return Found([*faults, f"steps must be a whole number >= 1; got {steps!r}."])
    if not isinstance(method.name, str) or not method.name:
        faults.append(f"name must be a short text; got {method.name!r}.")
    rounds = traits.rounds(method)
    ends = traits.steps_after(method, np.arange(1, rounds + 1))
    if ends.shape != (rounds,) or (np.diff(ends) <= 0).any() or ends[-1] != steps:
        faults.append(
            f"steps_after must ascend to the {steps} steps over the {rounds} rounds; got {ends.tolist()[-3:]}."
        )
    sizes = getattr(method, "step_sizes", None)
    if hasattr(sizes, "sizes") and (wrong := schedule_fault(sizes, steps, 1)) is not None:
        faults.append(f"step_sizes: {wrong}.")
    return Found(faults, f"{rounds} rounds, {steps} steps, {traits.batch(method)} examples a step")


def _answers(method: Any) -> Found:
    """Shapes after every step, and Theta under gradients that all point out of it."""
    radius = getattr(method, "radius", None)
    steps = min(int(method.steps), 16 * LONGEST)
    reads = range(1, steps + 1)
    start = [0.0, 0.0, 0.0]
    wrong = trial.fault(method, start, radius, 1.0 if radius is None else 10 * radius, steps, reads)
    if wrong is not None:
        return Found([f"{wrong[0]}."])
    return Found([], f"{steps} steps" + ("" if radius is None else f", within the ball of radius {radius:g}"))


def _again(s: Subject) -> Found:
    first, second = s.run(s.force(s.examples)), s.run(s.force(s.examples))
    copy = s.run(s.force(s.examples), with_steps(s.method, s.method.steps))
    same = all(
        torch.equal(a[n], b[n]) and torch.equal(a[n], c[n])
        for a, b, c in zip(first, second, copy, strict=True)
        for n in traits.outputs(s.method)
    )
    fault = (
        "a second run of the same method gives something else: it draws random numbers, or keeps something outside of "
        "its state."
    )
    return Found([] if same else [fault])


def _copies(s: Subject) -> Found:
    """The engine goes back to a copy of an earlier state: of its tensors, and of nothing else."""
    force, middle = s.force(s.examples), s.steps // 2
    state = s.method.init(s.start.expand(8, 1, -1))
    kept = copied(state)
    ends = []
    for j in range(s.steps):
        if j == middle:
            kept = copied(state)
        state = s.method.step(state, force(s.method.query(state), j), j)
    ends.append(s.method.output(state))
    again = kept
    for j in range(middle, s.steps):
        again = s.method.step(again, force(s.method.query(again), j), j)
    ends.append(s.method.output(again))
    same = all(torch.equal(ends[0][name], ends[1][name]) for name in traits.outputs(s.method))
    fault = (
        "going on from a copy of a state gives something else: keep all that changes in tensors of the state's tuple."
    )
    return Found([] if same else [fault])


def _theta_0(s: Subject) -> Found:
    before = s.start.clone()
    own = s.start.expand(8, 1, -1).clone()
    state = s.method.init(own)
    for j in range(s.steps):
        state = s.method.step(state, s.force(s.examples)(s.method.query(state), j), j)
    same = torch.equal(own, before.expand(8, 1, -1))
    return Found([] if same else ["init or step writes into theta_0, which others read; clone it."])


def _alone(s: Subject) -> Found:
    company = s.run(s.force(s.examples))
    one = s.run(s.force(s.examples[3:4]), rows=1)
    apart = max(
        disagreement(a[name][3:4], b[name])
        for a, b in zip(company, one, strict=True)
        for name in traits.outputs(s.method)
    )
    fault = f"replicate 3 alone gives something else than among 8 (by {apart:.1e} of its size)."
    return Found([] if apart <= EXACT else [fault])


def _single(s: Subject) -> Found:
    force = s.force(s.examples)
    double, single = s.run(force), s.run(force, dtype=torch.float32)
    for name in traits.outputs(s.method):
        if single[-1][name].dtype != torch.float32:
            return Found([f"of theta_0 in float32 the output {name} is in {single[-1][name].dtype}."])
    apart = max(
        float((a[name] - b[name].double()).abs().max()) / s.scale
        for a, b in zip(double, single, strict=True)
        for name in traits.outputs(s.method)
    )
    fault = f"in float32 an output is {apart:.1e} of its size away from float64; at most {SINGLE:g} is allowed."
    return Found([] if apart <= SINGLE else [fault], f"to {apart:.1e}")


def _rest(s: Subject) -> Found:
    """Without a force every iterate is theta_0, and so is every mean of them."""
    start = s.start.expand(8, 1, -1)
    moving = trial.states(s.method, start, lambda at, j: torch.zeros_like(at), s.steps)
    for taken, state in moving:
        if disagreement(s.method.query(state), start) > EXACT:
            return Found([], "it moves without a gradient")
        if taken:
            for name, value in s.method.output(state).items():
                if name in traits.outputs(s.method) and disagreement(value, start) > EXACT:
                    wrong = f"the iterates stay at theta_0, but the output {name} is elsewhere after {taken} steps"
                    return Found([f"without a gradient {wrong}: the weights of a mean must add up to 1."])
    return Found([], f"{s.steps} steps")


def _prefix(s: Subject) -> Found:
    longer = with_steps(s.method, 2 * s.steps) if s.whole else None
    if longer is None or not hasattr(s.method, "without_horizon"):
        return Found([], "it says nothing of longer runs")
    if s.method.without_horizon() != longer.without_horizon():
        return Found([], "its steps depend on how many there are")
    pairs = zip(s.run(s.force(s.examples)), s.run(s.force(s.examples), longer), strict=True)
    wrong = next(
        (j for j, (a, b) in enumerate(pairs, 1) if any(not torch.equal(a[n], b[n]) for n in traits.outputs(s.method))),
        None,
    )
    fault = (
        f"without_horizon says that a shorter run is the beginning of a longer one, but after {wrong} steps a run of "
        f"{2 * s.steps} steps is elsewhere than one of {s.steps}."
    )
    return Found([] if wrong is None else [fault])


def _moments(s: Subject) -> Found:
    """A method that is affine in the gradients has the mean of its run on the mean example, and its deviations are sums
    of independent ones, each propagated by its own matrix, which unit impulses show."""
    from riskkit.measure.simulation import simulate
    from riskkit.problems import MeanEstimation  # lies above this room; needed only here, at run time

    T, d = s.steps, 2
    if not s.whole:
        return Found([], "it cannot be cut to few steps")
    a, b = s.examples[:4], s.examples[4:]
    ends = [s.run(s.force(x), rows=4)[-1] for x in (a, b, (a + b) / 2)]
    if any(
        disagreement((ends[0][name] + ends[1][name]) / 2, ends[2][name]) > 1e-7 for name in traits.outputs(s.method)
    ):
        return Found([], "it is not linear in the gradients")
    sample = s.examples[:, 0]
    mean = sample.mean(0)
    flat = mean.expand(T * d + 1, T, d).clone()
    for j in range(T):
        for i in range(d):
            flat[j * d + i, j, i] += s.scale
    answers = s.run(s.force(flat), rows=T * d + 1)[-1]
    batch = traits.batch(s.method)
    spread = (sample - mean).T @ (sample - mean) / len(sample) / batch
    problem = MeanEstimation(dim=d, lam=s.curvature, distance=float(s.start.norm()))
    measured = simulate(
        problem, s.method, data=sample.numpy(), replicates=REPLICATES, seed=s.seed, engine="reference"
    ).theta
    turn = torch.as_tensor(np.asarray(problem.start, dtype=np.float64))
    scores = []
    for name in traits.outputs(s.method):
        o = OUTPUTS.index(name)
        center = answers[name][-1, 0]
        moved = _from(s, turn, mean)[name][0, 0]  # the problem's theta_0 is another point of the same circle
        blocks = ((answers[name][:-1, 0] - center) / s.scale).reshape(T, d, d).mT
        second = float((moved - mean).square().sum() + sum(torch.trace(B @ spread @ B.T) for B in blocks))
        found = torch.as_tensor(measured[:, -1, o])
        scores += [_score(found[:, i], float(moved[i]), s.scale) for i in range(d)]
        scores.append(_score((found - mean).square().sum(-1), second, s.scale**2))
    limit = float(-torch.special.ndtri(torch.tensor(FALSE_ALARM / 2 / len(scores), dtype=torch.float64)))
    limit += (limit**3 + limit) / (4 * (REPLICATES - 1))
    worst = max(map(abs, scores))
    fault = (
        f"mean or second moment of an output is not that of a method linear in the gradients: z = {worst:.1f} over "
        f"{REPLICATES} replicates, {limit:.1f} allowed (false-alarm rate {FALSE_ALARM:g})."
    )
    return Found([] if worst <= limit else [fault], f"largest |z| {worst:.1f} of {limit:.1f} allowed")


def _from(s: Subject, start: Tensor, mean: Tensor) -> Any:
    """The outputs at the end of a run from ``start`` on the mean example."""
    moving = trial.states(s.method, start.expand(1, 1, -1), s.force(mean.expand(1, s.steps, 2)), s.steps)
    return s.method.output([state for _, state in moving][-1])


def _score(values: Tensor, expected: float, size: float) -> float:
    error = float(values.mean()) - expected
    return error / max(float(values.std()) / math.sqrt(len(values)), EXACT * size)


CHECKS: tuple[tuple[str, Callable[[Subject], Found]], ...] = (
    ("the same again", _again),
    ("copies of states", _copies),
    ("theta_0", _theta_0),
    ("batches", _alone),
    ("single precision", _single),
    ("rest", _rest),
    ("longer runs", _prefix),
    ("exact moments", _moments),
)
"""Run in this order, after states and outputs."""
