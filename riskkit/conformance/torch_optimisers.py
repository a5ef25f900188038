"""Is a torch optimizer what it says it is?

    report = check_optimiser(lambda params: Lookahead(torch.optim.SGD(params, lr=0.1), 5, 0.8))
    print(report)
    assert not report.faults

The optimizer is driven with riskkit's gradients and index stream on mean estimation, a quadratic, R replicates at once.
It is compared with Algorithm 2 (or 3) written by hand around the same inner optimizer, with riskkit's staged algorithm
on the same examples, and with the exact moments. Then come the things that training does to an optimizer: a checkpoint
inside a round, copies, schedulers, a scaler that skips steps, closures, hooks, groups added later, frozen parameters.
No fault is no proof.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import functools
import inspect
import io
import math
import pickle
import warnings
from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer, lr_scheduler

from riskkit.algorithms.staged import SLRLA, Algorithm, Lookahead, SLRLAAsCoded, Stage
from riskkit.algorithms.steps import Constant
from riskkit.conformance.findings import EXACT, Found, Report, disagreement, guarded
from riskkit.conformance.rounds import Factory, Rule, Staged, faults
from riskkit.measure.simulation import simulate
from riskkit.rng.streams import Stream
from riskkit.theory.exact_moments import staged_moments, step_moments

DIM, CURVATURE, EXAMPLES = 4, 0.8, 16
REPLICATES, MANY = 8, 2048
SIGNIFICANT = 5.0
"""Standard errors between a mean and its exact moment; a correct optimizer exceeds them once in a million means."""


@dataclasses.dataclass(frozen=True)
class Claim:
    """What an optimizer says it is: rounds of k steps of ``inner`` with alpha, and beta's penalty.

    Attributes:
        inner: makes the inner optimizer alone, on a list of parameters.
        k, alpha: k = 1 and alpha = 1 claim that the optimizer is ``inner`` itself.
        beta, anchor_every: weight of SLRLA's penalty, and None (published) or the K of the form as coded.
        momentum: what happens to the inner optimizer's first moment when a round ends.
    """

    inner: Factory
    k: int = 1
    alpha: float = 1.0
    beta: float = 0.0
    anchor_every: int | None = None
    momentum: Literal["keep", "reset", "pullback"] = "keep"

    @property
    def rule(self) -> Rule:
        weight = self.beta if self.anchor_every is None else 2 * self.beta
        return Rule(self.k, self.alpha, weight, self.anchor_every, self.momentum)

    @property
    def described(self) -> str:
        if self.rule.plain:
            return "no rounds"
        said = f"k = {self.k}, alpha = {self.alpha:g}"
        if self.beta:
            said += f", beta = {self.beta:g}" + (
                "" if self.anchor_every is None else f" as coded, K = {self.anchor_every}"
            )
        return said


def check_optimiser(make: Factory, claim: Claim | None = None, *, seed: int = 0) -> Report:
    """Runs every check on the CPU; a few seconds.

    Args:
        make: makes the optimizer on a list of parameters.
        claim: what it says it is. Default: ``make.claim`` if there is one; else k, alpha and the inner optimizer are
            read from what ``make`` makes; an optimizer without an inner one claims to be itself.
        seed: of the data and the index stream.

    Raises ValueError where the claim cannot be read, and for an optimizer that needs a closure at every step; what is
    wrong with the optimizer is reported, never raised.
    """
    owner = _name(make)
    made = guarded("torch optimizer", lambda: _constructed(make))
    if made.faults:
        return Report(owner, (made,))
    needed = _needed(make)
    if needed:
        raise ValueError(f"{owner}: step() needs {needed}; only optimizers that step on gradients alone are covered.")
    given = claim or getattr(make, "claim", None) or claim_of(make)
    if not isinstance(given, Claim):
        raise ValueError(f"{owner}: claim must be a riskkit.conformance.Claim; got {type(given).__name__}.")
    subject = _Subject(make, given, seed)
    findings = [made._replace(note=given.described)]
    for title, run in CHECKS:
        findings.append(guarded(title, functools.partial(run, subject)))
    return Report(owner, tuple(findings))


def claim_of(make: Factory) -> Claim:
    """What the optimizer that ``make`` makes says of itself: its inner optimizer, k, alpha, and SLRLA's beta."""
    made = make(_parameters())
    if _inner(made) is None:
        return Claim(make)
    k, alpha = _said(made, "lookahead_k", "k"), _said(made, "lookahead_alpha", "alpha")
    if k is None or alpha is None:
        raise ValueError(
            f"{type(made).__name__} has an inner optimizer but no k and alpha in its groups, defaults or attributes; "
            "give its function of params an attribute claim = Claim(inner, k, alpha)."
        )
    momentum = _said(made, "lookahead_momentum", "pullback_momentum")
    return Claim(
        inner=lambda params: _inner(make(params)),  # type: ignore[arg-type, return-value]
        k=int(k),
        alpha=float(alpha),
        beta=float(_said(made, "slrla_beta") or 0),
        anchor_every=_said(made, "slrla_anchor_every"),
        momentum=momentum if momentum in ("reset", "pullback") else "keep",
    )


def _inner(made: Any) -> Optimizer | None:
    return next((value for value in vars(made).values() if isinstance(value, Optimizer)), None)


def _said(made: Any, *names: str) -> Any:
    for place in (made.param_groups[0], getattr(made, "defaults", {}), vars(made)):
        for name in names:
            if name in place:
                return place[name]
    return None


def _name(make: Any) -> str:
    return getattr(make, "__name__", type(make).__name__)


def _parameters(replicates: int = REPLICATES) -> list[Tensor]:
    """theta_0 = e_1 for all replicates, as two parameters (R, d/2)."""
    start = torch.zeros(replicates, DIM, dtype=torch.float64)
    start[:, 0] = 1
    return [torch.nn.Parameter(part.clone()) for part in start.chunk(2, 1)]


def _constructed(make: Factory) -> Found:
    params = _parameters()
    made = make(params)
    if not isinstance(made, Optimizer):
        kind = type(made).__name__
        return Found([f"{kind} is no torch.optim.Optimizer: schedulers and GradScaler refuse it; make it a subclass."])
    held = [p for group in made.param_groups for p in group["params"]]
    if len(held) != len(params) or any(p is not q for p, q in zip(held, params, strict=True)):
        return Found(["param_groups must hold the parameters that were given, in their order."])
    return Found([])


def _needed(make: Factory) -> str:
    """The arguments that ``step`` cannot do without."""
    parameters = inspect.signature(make(_parameters()).step).parameters.values()
    needed = [p for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    return ", ".join(p.name for p in needed)


class _Subject:
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
        self.data, self.indices = self._drawn(REPLICATES, self.steps)

    def _drawn(self, replicates: int, steps: int) -> tuple[Tensor, Tensor]:
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
            path.append(_theta(params))
        return torch.stack(path)

    def own(self, stage: int | None = None) -> Tensor:
        """A run of the optimizer alone."""
        params = _parameters()
        return self.run(self.make(params), params, 0, self.steps, stage)

    def staged(self, rule: Rule) -> tuple[Staged, list[Tensor]]:
        params = _parameters()
        return Staged(rule, self.claim.inner, params), params

    def reference(self, rule: Rule, stage: int | None = None) -> Tensor:
        """The same run of a rule by hand."""
        staged, params = self.staged(rule)
        return self.run(staged, params, 0, self.steps, stage)

    @property
    def has_stages(self) -> bool:
        return hasattr(self.make(_parameters()), "next_stage")

    @functools.cached_property
    def eta(self) -> float | None:
        """The step size if the inner optimizer is SGD with a constant one, found by what it does."""
        params = _parameters()
        inner = self.claim.inner(params)
        eta = inner.param_groups[0].get("lr")
        if not isinstance(eta, float | int):
            return None
        for j in range(5):
            self.put(params, j)
            expected = [p.detach() - eta * p.grad for p in params]  # type: ignore[operator]
            inner.step()
            if disagreement(_theta(params), torch.cat(expected, 1)) > EXACT:
                return None
        return float(eta)


def _theta(params: list[Tensor]) -> Tensor:
    return torch.cat([p.detach() for p in params], 1).clone()


def _told(wrong: list[str], note: str) -> Found:
    """The note is what was found where nothing is wrong."""
    return Found(wrong, "" if wrong else note)


def _apart(path: Tensor, expected: Tensor) -> str:
    """From which step on two runs differ, and by how much."""
    steps = [j for j in range(len(path)) if disagreement(path[j], expected[j]) > EXACT]
    return f"from step {steps[0] + 1} on, by up to {disagreement(path, expected):.1e} of its size"


def _rounds(s: _Subject) -> Found:
    """Which rule explains the run."""
    rule = s.claim.rule
    stage = 2 * rule.k if rule.weight and rule.every is None and s.has_stages else None
    path = s.own(stage)
    if not bool(path.isfinite().all()):
        s.rule = None
        return Found(
            [f"theta is not finite after {s.steps} steps on a quadratic of curvature {CURVATURE:g}; use a smaller lr."]
        )
    expected = s.reference(rule, stage)
    if disagreement(path, expected) <= EXACT:
        if rule.plain:
            return Found([], "no rounds: its own steps")
        ends = ", ".join(str(i * rule.k) for i in (1, 2, 3))
        return Found([], f"rounds end after steps {ends}, ...; alpha = {rule.alpha:g} from the first on")
    for other, sentence in faults(rule):
        if disagreement(path, s.reference(other, stage)) <= EXACT:
            s.rule = other
            return Found([f"theta differs from {s.claim.described} {_apart(path, expected)}: {sentence}"])
    s.rule = None
    return Found([f"theta differs from {s.claim.described} {_apart(path, expected)}; {_measured(s)}"])


def _measured(s: _Subject) -> str:
    """Which steps are not the inner optimizer's, where no known rule explains the run."""
    params, shadow = _parameters(), _parameters()
    optimizer, inner = s.make(params), s.claim.inner(shadow)
    ends = []
    for j in range(s.steps):
        with torch.no_grad():
            for p, q in zip(params, shadow, strict=True):
                q.copy_(p)
        s.put(params, j)
        for p, q in zip(params, shadow, strict=True):
            q.grad = None if p.grad is None else p.grad.clone()
        optimizer.step()
        inner.step()
        if disagreement(_theta(params), _theta(shadow)) > EXACT:
            ends.append(j + 1)
    told = ", ".join(map(str, ends[:6])) + (", ..." if len(ends) > 6 else "")
    return f"steps that are not the inner optimizer's: {told or 'none'}."


def _algorithm(claim: Claim, eta: float, T: int) -> Algorithm:
    """riskkit's own: T rounds, or two stages of T/2."""
    if not claim.beta:
        return Lookahead(T, claim.k, claim.alpha, Constant(eta))
    stages = [Stage(T // 2, claim.k, claim.alpha, Constant(eta), beta=claim.beta)] * 2
    return SLRLA(stages) if claim.anchor_every is None else SLRLAAsCoded(stages, claim.anchor_every)


def _against_the_staged_algorithm(s: _Subject) -> Found:
    """The same examples and indices through riskkit's reference engine."""
    if s.eta is None:
        return Found([], "not compared: the inner optimizer is not SGD with a constant step")
    T, k = 4, s.claim.k
    algorithm = _algorithm(s.claim, s.eta, T)
    staged = len(algorithm.stages) > 1
    if staged and not s.has_stages:
        return Found(["SLRLA has stages, but the optimizer has no next_stage()."])
    found = simulate(
        s.problem,
        algorithm,
        replicates=REPLICATES,
        data=s.data,
        indices=s.indices[:, : T * k],
        rounds=range(1, T + 1),
        engine="reference",
    )
    params = _parameters()
    path = s.run(s.make(params), params, 0, T * k, T // 2 * k if staged else None)[k - 1 :: k]
    apart = disagreement(path, torch.as_tensor(found.theta[:, :, 0]).transpose(0, 1))
    if apart > EXACT:
        return Found([f"after {T} rounds theta differs from riskkit's {algorithm.name} by {apart:.1e} of its size."])
    return Found([], f"{T} rounds of riskkit's {algorithm.name} to {apart:.1e}")


def _against_the_moments(s: _Subject) -> Found:
    """E||theta_T - zbar||^2 over many index sequences against its exact value."""
    if s.eta is None:
        return Found([], "none: the inner optimizer is not SGD with a constant step")
    T, k = 8, s.claim.k
    algorithm = _algorithm(s.claim, s.eta, T)
    if algorithm.anchor_every is not None:
        return Found([], "none for the form as coded")
    staged = len(algorithm.stages) > 1
    if staged and not s.has_stages:
        return Found(["SLRLA has stages, but the optimizer has no next_stage()."])
    many = copy.copy(s)
    many.data, many.indices = s._drawn(MANY, T * k)
    if staged:
        rounds, moments = algorithm.stage_ends, staged_moments(algorithm, CURVATURE)
    else:
        rounds = np.arange(1, T + 1)
        moments = step_moments(Constant(s.eta), CURVATURE, k, s.claim.alpha, rounds)
    params = _parameters(MANY)
    path = many.run(s.make(params), params, 0, T * k, T // 2 * k if staged else None)
    mean = many.data.mean(1)
    start = torch.zeros(DIM, dtype=torch.float64)
    start[0] = 1
    D2, V = (start - mean).square().sum(1), (many.data - mean[:, None]).square().sum(2).mean(1)
    worst, at, measured, exact = 0.0, 0, 0.0, 0.0
    for t, m2, u in zip(rounds.tolist(), moments.m2, moments.u, strict=True):
        value = (path[t * k - 1] - mean).square().sum(1)
        error = value - (m2 * D2 + u * V)
        z = float(error.mean()) / max(float(error.std()) / math.sqrt(MANY), 1e-300)
        if abs(z) >= abs(worst):
            worst, at, measured, exact = z, t, float(value.mean()), float((m2 * D2 + u * V).mean())
    what = f"E||theta - zbar||^2 after round {at}: {measured:.4g}, exactly {exact:.4g}, {worst:+.1f} standard errors"
    return _told([f"{what}."] if not abs(worst) <= SIGNIFICANT else [], what)


def _stages(s: _Subject) -> Found:
    """next_stage closes a round that has been started, and the next one has k steps."""
    if not s.has_stages:
        return Found(["SLRLA has stages, but the optimizer has no next_stage()."] if s.claim.beta else [], "none")
    if s.rule is None:
        return Found([], "not compared")
    path, expected = s.own(s.inside), s.reference(s.rule, s.inside)
    if disagreement(path, expected) <= EXACT:
        return Found([], "next_stage() ends the round that has been started")
    fault = f"after next_stage() inside a round theta differs {_apart(path, expected)}"
    return Found([f"{fault}: it must end the round, and the next stage must start from there."])


EVALUATIONS = (("backup_and_load_cache", "clear_and_load_backup"),)
"""Pairs of methods that put the slow weights in and take them out, in optimizers without ``slow_weights``."""


def _weights(s: _Subject) -> Found:
    """Which weights the parameters are between rounds, and how the slow ones are had."""
    rule = s.rule
    if rule is None or rule.plain:
        return Found([], "one kind" if rule else "not compared")
    params = _parameters()
    optimizer: Any = s.make(params)
    staged, others = s.staged(rule)
    s.run(optimizer, params, 0, s.inside)
    s.run(staged, others, 0, s.inside)
    fast, slow = _theta(params), torch.cat(staged.slow, 1)
    if disagreement(fast, slow) <= EXACT and rule.k > 1:
        return Found(["between rounds the parameters are the slow weights: gradients must be taken at the fast ones."])
    enter = leave = None
    if hasattr(optimizer, "slow_weights"):
        context = optimizer.slow_weights()
        enter, leave = context.__enter__, lambda: context.__exit__(None, None, None)
    else:
        for first, last in EVALUATIONS:
            if hasattr(optimizer, first):
                enter, leave = getattr(optimizer, first), getattr(optimizer, last)
    where = "between rounds the parameters are the fast weights"
    if enter is None or leave is None:
        return Found([], f"{where}; there is no way to evaluate the slow ones")
    enter()
    inside = _theta(params)
    leave()
    wrong = []
    if disagreement(inside, slow) > EXACT:
        apart = disagreement(inside, slow)
        wrong.append(f"evaluation inside a round differs from the slow weights by {apart:.1e} of their size.")
    if not torch.equal(_theta(params), fast):
        wrong.append("after evaluation the parameters are not the fast weights that they were.")
    return _told(wrong, f"{where}; the slow ones can be evaluated")


def _resume(s: _Subject) -> Found:
    """A checkpoint inside a round, through a file, into fresh objects that start elsewhere."""
    last = s.inside + s.claim.k + 1
    params = _parameters()
    whole = s.make(params)
    s.run(whole, params, 0, s.inside)
    weights, file = _theta(params), io.BytesIO()
    torch.save(whole.state_dict(), file)
    file.seek(0)
    fresh = _parameters()
    later = s.make(fresh)
    with torch.no_grad():
        for p, saved in zip(fresh, weights.chunk(2, 1), strict=True):
            p.copy_(saved)
    later.load_state_dict(torch.load(file, weights_only=True))
    expected, path = s.run(whole, params, s.inside, last), s.run(later, fresh, s.inside, last)
    if disagreement(path, expected) > EXACT:
        fault = f"resumed after step {s.inside}, theta differs {_apart_from(s.inside, path, expected)}"
        return Found([fault + _lost(s, path, last)])
    for optimizer in (whole, later):
        for group in optimizer.param_groups:
            if "lr" in group:
                group["lr"] = group["lr"] / 2
    how = _exactly(path, expected)
    expected, path = s.run(whole, params, last, s.steps), s.run(later, fresh, last, s.steps)
    if disagreement(path, expected) > EXACT:
        return Found(
            ["after load_state_dict an lr set in param_groups is not read: the groups are copies that have gone stale."]
        )
    return Found([], f"after step {s.inside}, weights_only=True, {how}")


def _exactly(path: Tensor, expected: Tensor) -> str:
    """torch's NAdam, for one, holds a product in float32 that it loads in the parameters' float64."""
    return "bit for bit" if torch.equal(path, expected) else f"to {disagreement(path, expected):.1e}"


def _apart_from(first: int, path: Tensor, expected: Tensor) -> str:
    step = next(j for j in range(len(path)) if disagreement(path[j], expected[j]) > EXACT)
    return f"from step {first + step + 1} on, by up to {disagreement(path, expected):.1e} of its size"


def _lost(s: _Subject, path: Tensor, last: int) -> str:
    """What was lost on the way: the first explanation that fits."""
    if s.rule is None:
        return "."

    def slow(staged: Staged) -> None:
        staged.slow = [p.detach().clone() for p in staged.fast]

    def start(staged: Staged) -> None:
        staged.slow = [p.detach().clone() for p in _parameters()]

    def count(staged: Staged) -> None:
        staged.count = staged.round = 0

    def anchor(staged: Staged) -> None:
        staged.anchor = [p.detach().clone() for p in staged.fast]

    def inner(staged: Staged) -> None:
        staged.inner = s.claim.inner(staged.fast)

    losses: dict[str, tuple[Callable[[Staged], None], ...]] = {
        "the slow weights are lost": (slow,),
        "the slow weights are lost (theta_0 takes their place)": (start,),
        "the step counter is lost": (count,),
        "the slow weights and the step counter are lost": (slow, count),
        "the anchor is lost": (anchor,),
        "the slow weights and the anchor are lost": (slow, anchor),
        "slow weights, anchor and step counter are lost": (slow, anchor, count),
        "the inner optimizer's state is lost": (inner,),
        "the inner optimizer's state, slow weights and step counter are lost": (inner, slow, anchor, count),
    }
    for words, changes in losses.items():
        staged, params = s.staged(s.rule)
        s.run(staged, params, 0, s.inside)
        for change in changes:
            change(staged)
        if disagreement(s.run(staged, params, s.inside, last), path) <= EXACT:
            return (
                f": {words}; keep them in state_dict()." if " are " in words else f": {words}; keep it in state_dict()."
            )
    return "; what is lost could not be told."


@contextlib.contextmanager
def _class_as_it_is(kind: type) -> Iterator[None]:
    """torch's ``__setstate__`` may patch the class's ``step``, and objects made without hooks could then not step."""
    own, step = "step" in vars(kind), kind.step  # type: ignore[attr-defined]
    try:
        yield
    except Exception:
        if own:
            kind.step = step  # type: ignore[attr-defined]
        raise


def _copied(way: Callable[[Any], Any]) -> Callable[[_Subject], Found]:
    def run(s: _Subject) -> Found:
        params = _parameters()
        optimizer = s.make(params)
        s.run(optimizer, params, 0, s.inside)
        before = _theta(params)
        with _class_as_it_is(type(optimizer)):
            others, twin = way((params, optimizer))
            path = s.run(twin, others, s.inside, s.steps)
        wrong = []
        if not torch.equal(_theta(params), before):
            wrong.append("steps of the copy move the original's parameters.")
        expected = s.run(optimizer, params, s.inside, s.steps)
        if disagreement(path, expected) > EXACT:
            wrong.append(
                f"the copy, made after step {s.inside}, differs from the original "
                f"{_apart_from(s.inside, path, expected)}: __getstate__ must keep what is not torch's own."
            )
        return _told(wrong, _exactly(path, expected))

    return run


def _scheduler(s: _Subject) -> Found:
    """LambdaLR with 1/(1 + j), against lr set by hand in the inner optimizer."""
    params = _parameters()
    optimizer = s.make(params)
    if any("lr" not in group for group in optimizer.param_groups):
        return Found([], "none: its groups have no lr")
    if s.rule is None:
        return Found([], "not compared")
    path = []
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        scheduler = lr_scheduler.LambdaLR(optimizer, lambda j: 1 / (1 + j))
        for j in range(s.steps):
            path.append(s.run(optimizer, params, j, j + 1)[0])
            scheduler.step()
    staged, others = s.staged(s.rule)
    first = [group["lr"] for group in staged.inner.param_groups]
    expected = []
    for j in range(s.steps):
        for group, lr in zip(staged.inner.param_groups, first, strict=True):
            group["lr"] = lr / (1 + j)
        expected.append(s.run(staged, others, j, j + 1)[0])
    wrong = [f"a scheduler warns: {str(warning.message).splitlines()[0]}" for warning in told[:1]]
    if disagreement(torch.stack(path), torch.stack(expected)) > EXACT:
        where = _apart(torch.stack(path), torch.stack(expected))
        wrong.append(f"under LambdaLR theta differs {where}: the scheduled lr is not what the inner optimizer reads.")
    return _told(wrong, "LambdaLR moves the inner optimizer's lr")


def _skipped(s: _Subject) -> Found:
    """Two gradients overflow: GradScaler skips those steps, which must not count."""
    overflow = {1, s.inside - 1}
    params = _parameters()
    optimizer = s.make(params)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10, growth_interval=10**6)
    scaler.scale(torch.zeros(()))
    path = []
    for j in range(s.steps):
        s.put(params, j, scaler.get_scale())
        if j in overflow and params[0].grad is not None:
            params[0].grad[0, 0] = math.inf
        scaler.step(optimizer)
        scaler.update()
        path.append(_theta(params))
    others = _parameters()
    alone = s.make(others)
    expected, last = [], _theta(others)
    for j in range(s.steps):
        if j not in overflow:
            last = s.run(alone, others, j, j + 1)[0]
        expected.append(last)
    if disagreement(torch.stack(path), torch.stack(expected)) > EXACT:
        where = _apart(torch.stack(path), torch.stack(expected))
        return Found([f"where GradScaler skips steps theta differs {where}: a skipped step must not count."])
    return Found([], f"GradScaler skips steps {', '.join(str(j + 1) for j in sorted(overflow))}: they do not count")


def _closure(s: _Subject) -> Found:
    """step(closure) returns the closure's loss, and steps as after the gradients alone."""
    params = _parameters()
    optimizer = s.make(params)
    path: list[Tensor] = []
    wrong: list[str] = []
    for j in range(s.steps):

        def closure(j: int = j) -> float:
            s.put(params, j)
            return 1.0 + j

        loss = optimizer.step(closure)
        if loss != 1.0 + j and not wrong:
            wrong.append(f"step(closure) must return the closure's loss, {1.0 + j:g}; got {loss!r}.")
        path.append(_theta(params))
    expected = s.own()
    if disagreement(torch.stack(path), expected) > EXACT:
        wrong.append(f"step(closure) differs from step() {_apart(torch.stack(path), expected)}.")
    return _told(wrong, "its loss is returned")


HOOKS = ("step_pre", "step_post", "state_dict_pre", "state_dict_post", "load_state_dict_pre", "load_state_dict_post")


def _hooks(s: _Subject) -> Found:
    """Each of torch's hooks runs once."""
    params = _parameters()
    optimizer = s.make(params)
    ran = dict.fromkeys(HOOKS, 0)
    wrong: list[str] = []
    for kind in HOOKS:

        def hook(*_: Any, kind: str = kind) -> None:
            ran[kind] += 1

        try:
            getattr(optimizer, f"register_{kind}_hook")(hook)
        except AttributeError:
            wrong.append(
                f"register_{kind}_hook raises AttributeError: call super().__init__, or make the hooks' dictionaries."
            )
            ran[kind] = 1
    s.run(optimizer, params, 0, 1)
    state = optimizer.state_dict()
    if ran["load_state_dict_pre"] == ran["load_state_dict_post"] == 0:
        optimizer.load_state_dict(state)
    wrong += [f"a {kind} hook must run once; it ran {times} times." for kind, times in ran.items() if times != 1]
    return _told(wrong, "all six kinds")


def _groups(s: _Subject) -> Found:
    """A group added inside a round: its rounds are its own, or those of the others."""
    if s.rule is None:
        return Found([], "not compared")
    at = s.claim.k + max(1, s.claim.k // 2)

    def late() -> Tensor:
        return torch.nn.Parameter(torch.full((REPLICATES, DIM // 2), 0.5, dtype=torch.float64))

    def follow(optimizers: list[Any], params: list[Tensor]) -> Tensor:
        path = []
        for j in range(at, s.steps):
            s.put(params, j)
            for optimizer in optimizers:
                optimizer.step()
            path.append(_theta(params))
        return torch.stack(path)

    params = _parameters()
    optimizer = s.make(params)
    s.run(optimizer, params, 0, at)
    params = [*params, late()]
    optimizer.add_param_group({"params": [params[-1]]})
    path = follow([optimizer], params)

    staged, others = s.staged(s.rule)
    s.run(staged, others, 0, at)
    added = late()
    if disagreement(path, follow([staged, Staged(s.rule, s.claim.inner, [added])], [*others, added])) <= EXACT:
        return Found([], "rounds of its own" if not s.rule.plain else "its steps are taken")
    staged, others = s.staged(s.rule)
    s.run(staged, others, 0, at)
    added = late()
    staged.inner.add_param_group({"params": [added]})
    staged.enter([added])
    expected = follow([staged], [*others, added])
    if disagreement(path, expected) <= EXACT:
        return Found([], "it joins the others' rounds")
    fault = f"with a group added after step {at} theta differs {_apart_from(at, path, expected)}"
    return Found([f"{fault}: the group has neither rounds of its own nor those of the others."])


def _frozen(s: _Subject) -> Found:
    """A parameter without gradients from the start, and one that is frozen inside a round."""
    if s.rule is None:
        return Found([], "not compared")
    wrong = []

    def run(optimizer: Any, params: list[Tensor], since: int) -> Tensor:
        path = []
        for j in range(s.steps):
            s.put(params, j)
            if j >= since:
                params[1].grad = None
            optimizer.step()
            path.append(_theta(params))
        return torch.stack(path)

    params = _parameters()
    start = params[1].detach().clone()
    run(s.make(params), params, 0)
    if not torch.equal(params[1], start):
        wrong.append("a parameter that never has a gradient is moved.")
    at = s.claim.k + max(1, s.claim.k // 2)
    params = _parameters()
    path = run(s.make(params), params, at)
    staged, others = s.staged(s.rule)
    expected = run(staged, others, at)
    if disagreement(path, expected) > EXACT:
        wrong.append(
            f"with a parameter frozen after step {at}, inside a round, theta differs {_apart(path, expected)}: a "
            "parameter whose gradient is None when the round ends must return to the slow weights too."
        )
    return _told(wrong, "they stay, and a round that they have started ends")


CHECKS: tuple[tuple[str, Callable[[_Subject], Found]], ...] = (
    ("rounds", _rounds),
    ("staged algorithm", _against_the_staged_algorithm),
    ("exact moments", _against_the_moments),
    ("stages", _stages),
    ("weights", _weights),
    ("resume", _resume),
    ("scheduler", _scheduler),
    ("skipped steps", _skipped),
    ("closure", _closure),
    ("hooks", _hooks),
    ("groups added later", _groups),
    ("frozen parameters", _frozen),
    ("deepcopy", _copied(copy.deepcopy)),
    ("pickle", _copied(lambda pair: pickle.loads(pickle.dumps(pair)))),
)
"""Run in this order: what the first finds is what the later ones compare with."""
