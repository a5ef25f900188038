"""The conformance kit: is a problem what it says it is?

    report = check(MyProblem())
    print(report)
    assert not report.faults

Nothing a problem says is believed. Its gradient is compared with the derivative of its risk, its empirical risk with
the mean of its losses, its population risk with draws, its minimisers with the first-order conditions *and* with
descents from elsewhere, and every constant with the worst violation that a search among the admissible parameters can
find: Theta if that is a ball, else points reached from theta_0 by stochastic gradient steps, and mixtures of them. A
fault is a demonstration, but for the Monte Carlo comparison, whose false-alarm rate is ``FALSE_ALARM`` a call. No fault
is no proof.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from riskkit.problem import Constants, Coordinatewise, Linear, Problem, Regime, parameters
from riskkit.rng.streams import Stream

FALSE_ALARM = 1e-6
"""Probability that a faultless problem is accused by the Monte Carlo comparison (Bonferroni over its z-scores)."""

EXACT = 1e-9
"""Relative disagreement allowed between two ways to compute the same number in float64."""

SINGLE = 1e-4
"""Relative disagreement allowed between float32 and float64, some 1,000 roundings of the former."""

CHORD = 1e-5
"""Length, relative to the parameters' size, of the chords of the gradient that stand for second derivatives."""

ADMISSIBLE = 256
"""Parameters at which constants are first tried."""

MEMBERS = tuple(name for name in Problem.__dict__ if not name.startswith("_"))


class Finding(NamedTuple):
    """What one check found: sentences that each name a fault, and what was measured."""

    title: str
    faults: tuple[str, ...]
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Report:
    """What ``check`` found; prints one line a check. ``faults`` is empty if the problem passes."""

    problem: str
    findings: tuple[Finding, ...]

    @property
    def faults(self) -> list[str]:
        return [fault for finding in self.findings for fault in finding.faults]

    def __str__(self) -> str:
        lines = [f"{self.problem}: {len(self.faults)} fault(s)" if self.faults else f"{self.problem}: conforms"]
        for finding in self.findings:
            mark = "FAULT" if finding.faults else "ok"
            lines.append(f"  {mark:5}  {finding.title}" + (f": {finding.note}" if finding.note else ""))
            lines.extend(f"         {fault}" for fault in finding.faults)
        return "\n".join(lines)


def check(
    problem: Problem,
    *,
    sizes: Sequence[int] | None = None,
    step: float | None = None,
    draws: int = 200_000,
    seed: int = 0,
) -> Report:
    """Runs every check on the CPU; a few seconds for d up to about 30.

    Args:
        sizes: sample sizes n >= 2 to try; by default some below, near and above d (and up to ``largest_n``,
            if the problem has that attribute).
        step: for Theta = R^d, the largest step size the problem will be run with, which decides what points the
            iterates can reach. Default: the problem's ``largest_step`` if it has one, else 1/L.
        draws: examples in the Monte Carlo comparison.
        seed: of the data and of the searches.

    Raises ValueError for sizes or a step that make no sense; what is wrong with the problem is reported, never raised.
    """
    if sizes is not None and (not sizes or any(n != int(n) or n < 2 for n in sizes)):
        raise ValueError(f"check: sizes must be whole numbers >= 2; got {sizes!r}.")
    if step is not None and not 0 < step < math.inf:
        raise ValueError(f"check: step must be a finite number > 0; got {step!r}.")
    owner = type(problem).__name__
    missing = [f"{owner} lacks {name}: the protocol riskkit.problem.Problem needs it." for name in _missing(problem)]
    if missing:
        return Report(owner, (Finding("protocol", tuple(missing)),))
    declared = _guarded("declarations", lambda: _declarations(problem))
    if declared.faults:
        return Report(owner, (Finding("protocol", ()), declared))
    subject = _Subject(problem, sizes, step, draws, seed)
    findings = [Finding("protocol", ()), declared]
    for title, run in CHECKS:
        findings.append(_guarded(title, functools.partial(run, subject)))
        if title == "shapes" and findings[-1].faults:
            break  # nothing after this could be read
    return Report(owner, tuple(findings))


class _Outcome(NamedTuple):
    faults: Sequence[str]
    note: str = ""


def _guarded(title: str, run: Callable[[], _Outcome]) -> Finding:
    """An exception inside a problem's method is a fault of the problem, to be named like the others."""
    try:
        with torch.random.fork_rng(devices=[]):
            faults, note = run()
    except Exception as error:
        return Finding(title, (f"{title}: raised {type(error).__name__}: {error}",))
    return Finding(title, tuple(faults), note)


def _missing(problem: Problem) -> list[str]:
    kind = type(problem)
    fields = getattr(kind, "__dataclass_fields__", {})
    return [name for name in MEMBERS if not hasattr(kind, name) and name not in fields]


def _declarations(problem: Problem) -> _Outcome:
    """Types, and what regime and constants say of each other."""
    faults = []
    try:
        values = parameters(problem)
    except TypeError as error:
        return _Outcome([str(error)])
    faults += [
        f"field {name} must be a number, a string or a tuple of them, since it identifies the problem; got {value!r}."
        for name, value in values.items()
        if not _identifies(value)
    ]
    if not isinstance(problem.name, str) or not problem.name:
        faults.append(f"name must be a short text; got {problem.name!r}.")
    if not isinstance(problem.regime, Regime):
        return _Outcome([*faults, f"regime must be a riskkit.problem.Regime; got {problem.regime!r}."])
    if not isinstance(problem.constants, Constants):
        return _Outcome([*faults, f"constants must be riskkit.problem.Constants; got {problem.constants!r}."])
    if isinstance(problem.dim, bool) or not isinstance(problem.dim, int) or problem.dim < 1:
        return _Outcome([*faults, f"dim must be a whole number >= 1; got {problem.dim!r}."])
    if problem.radius is not None and not 0 < problem.radius < math.inf:
        return _Outcome([*faults, f"radius must be None or a finite number > 0; got {problem.radius!r}."])
    c, regime = problem.constants, problem.regime
    convex = regime in (Regime.CONVEX, Regime.STRONGLY_CONVEX)
    if regime is Regime.STRONGLY_CONVEX and not c.lam > 0:
        faults.append("constants: the regime is strongly convex, so lam must be > 0; got 0.")
    if regime is Regime.PL and not c.mu > 0:
        faults.append("constants: the regime is PL, so mu must be > 0; got 0.")
    if convex and c.rho > 0:
        faults.append(f"constants: the regime is {regime}, so rho must be 0; got {c.rho:g}.")
    if not convex and c.lam > 0:
        faults.append(f"constants: the regime is {regime}, so lam must be 0; got {c.lam:g}.")
    for least, most in (("lam_example", "lam"), ("lam", "mu"), ("mu", "L"), ("rho", "L")):
        low, high = getattr(c, least), getattr(c, most)
        if low > high * (1 + EXACT):
            faults.append(f"constants: {least} <= {most} always holds; got {least} = {low:g}, {most} = {high:g}.")
    for name, value in (("start", problem.start), ("population_minimiser()", problem.population_minimiser())):
        point = torch.as_tensor(value, dtype=torch.float64)
        if point.shape != (problem.dim,) or not bool(point.isfinite().all()):
            faults.append(f"{name} must be {problem.dim} finite numbers; got shape {tuple(point.shape)}, {value!r}.")
        elif problem.radius is not None and float(point.norm()) > problem.radius * (1 + EXACT):
            faults.append(f"{name} has norm {float(point.norm()):g}, outside the ball of radius {problem.radius:g}.")
    return _Outcome(faults, f"{regime}, d = {problem.dim}, {_described(c, problem.radius)}")


def _identifies(value: object) -> bool:
    if isinstance(value, tuple):
        return all(_identifies(item) for item in value)
    return value is None or isinstance(value, int | float | str)


def _described(c: Constants, radius: float | None) -> str:
    values = {field.name: getattr(c, field.name) for field in dataclasses.fields(c)}
    told = ", ".join(f"{name} = {value:.4g}" for name, value in values.items())
    return f"{told}, Theta = " + ("R^d" if radius is None else f"ball of radius {radius:g}")


class _Subject:
    """A problem with the data, the parameters and the random numbers the checks share. Float64 unless said."""

    def __init__(
        self, problem: Problem, sizes: Sequence[int] | None, step: float | None, draws: int, seed: int
    ) -> None:
        d = problem.dim
        self.problem, self.draws, self.seed = problem, draws, seed
        most = getattr(problem, "largest_n", math.inf)
        usual = {min(n, most) for n in (2, max(2, d // 2), d + 2, 4 * d + 8)}
        self.sizes = sorted(int(n) for n in (usual if sizes is None else set(sizes)))
        self.constants, self.radius = problem.constants, problem.radius
        self.start = torch.as_tensor(problem.start, dtype=torch.float64)
        self.best = torch.as_tensor(problem.population_minimiser(), dtype=torch.float64)
        self.generator = torch.Generator().manual_seed(seed)
        L = self.constants.L
        default = getattr(problem, "largest_step", 1 / L if 0 < L < math.inf else 0.01)
        self.step = float(default if step is None else step)

    def data(self, n: int, replicates: int, first: int = 0) -> Tensor:
        return self.problem.sample(Stream(self.seed, range(first, first + replicates)), n)

    def normal(self, *shape: int) -> Tensor:
        return torch.randn(*shape, generator=self.generator, dtype=torch.float64)

    def choose(self, among: int, *shape: int) -> Tensor:
        return torch.randint(among, shape, generator=self.generator)

    def project(self, theta: Tensor) -> Tensor:
        if self.radius is None:
            return theta
        return theta * (self.radius / theta.norm(dim=-1, keepdim=True).clamp(min=1e-300)).clamp(max=1)

    @functools.cached_property
    def admissible(self) -> Tensor:
        """(P, d) points of Theta, or points that the iterates can reach."""
        known = torch.stack([self.start, self.best])
        if self.radius is None:
            reached = self._walks()
            mixed = reached[self.choose(len(reached), ADMISSIBLE // 4)]
            weight = torch.rand(len(mixed), 1, generator=self.generator, dtype=torch.float64)
            mixed = weight * mixed + (1 - weight) * reached[self.choose(len(reached), len(mixed))]
            far = reached[(reached - self.start).norm(dim=-1).argsort(descending=True)[: ADMISSIBLE // 4]]
            return torch.cat([known[:1], far, mixed, reached[self.choose(len(reached), ADMISSIBLE // 2)]])
        direction = torch.nn.functional.normalize(self.normal(ADMISSIBLE, self.problem.dim), dim=-1)
        size = torch.rand(ADMISSIBLE, 1, generator=self.generator, dtype=torch.float64) ** (1 / self.problem.dim)
        size[: ADMISSIBLE // 2] = 1
        return torch.cat([known, self.radius * size * direction])

    def _walks(self) -> Tensor:
        """Points that stochastic gradient steps and averaging reach from theta_0; some walkers choose, out of 8 random
        examples, the one with the largest gradient or the one that leads farthest away."""
        walkers, choices, length = 64, 8, 60
        pool = self.data(max(self.sizes), walkers)
        who = torch.arange(walkers)
        v = self.start.repeat(walkers, 1)
        seen = [v]
        for _ in range(length):
            z = pool[who[:, None], self.choose(pool.shape[1], walkers, choices)].flatten(0, 1)[:, None]
            at = v.repeat_interleave(choices, 0)[:, None]
            g = self.problem.gradient(at, z)[:, 0].reshape(walkers, choices, -1)
            eta = self.step * torch.rand(walkers, 1, 1, generator=self.generator, dtype=torch.float64).sqrt()
            eta[::2] = self.step
            moved = v[:, None] - eta * g
            liking = torch.where(who[:, None] % 4 == 1, g.norm(dim=-1), (moved - self.start).norm(dim=-1))
            liking = torch.where(who[:, None] % 4 >= 2, liking, 0) + 1e-9 * self.normal(walkers, choices)
            v = moved[who, liking.argmax(1)]
            averaging = who % 8 == 7
            v = torch.where(averaging[:, None], (v + seen[-1]) / 2, v)
            seen.append(v)
        points = torch.cat(seen)
        if not bool(points.isfinite().all()):
            raise ArithmeticError(f"steps of {self.step:g} from theta_0 diverge; give check() a smaller step.")
        return points

    def nearby(self, theta: Tensor, size: float) -> Tensor:
        """Admissible points near theta (..., d)."""
        if self.radius is not None:
            return self.project(theta + size * self.radius * self.normal(*theta.shape) / math.sqrt(theta.shape[-1]))
        others = self.admissible[self.choose(len(self.admissible), *theta.shape[:-1])]
        return theta + size * torch.rand(*theta.shape[:-1], 1, generator=self.generator, dtype=torch.float64) * (
            others - theta
        )

    def chord(self, theta: Tensor, direction: Tensor, field: Callable[[Tensor], Tensor]) -> Tensor:
        """The derivative of ``field`` (a gradient) at theta along ``direction``, by a chord: all (R, C, d)."""
        norm = direction.norm(dim=-1, keepdim=True).clamp(min=1e-300)
        half = CHORD * (self.radius or max(1.0, float(self.admissible.abs().max()))) * direction / norm
        return (field(theta + half) - field(theta - half)) / (2 * half.norm(dim=-1, keepdim=True)) * norm

    def hessian(self, theta: Tensor, field: Callable[[Tensor], Tensor]) -> Tensor:
        """(R, C, d, d), symmetrised."""
        d = theta.shape[-1]
        columns = [self.chord(theta, torch.eye(d, dtype=theta.dtype)[i].expand_as(theta), field) for i in range(d)]
        H = torch.stack(columns, dim=-1)
        return (H + H.mT) / 2

    def full_gradient(self, theta: Tensor, data: Tensor) -> Tensor:
        """grad F_S: theta (R, C, d), data (R, n, w) -> (R, C, d)."""
        (R, C, d), n = theta.shape, data.shape[1]
        total = torch.zeros_like(theta)
        together = max(1, min(n, 2**16 // (R * C * d)))
        for first in range(0, n, together):
            z = data[:, first : first + together]
            at = theta.repeat_interleave(z.shape[1], 0)
            total += self.problem.gradient(at, z.flatten(0, 1)[:, None]).reshape(R, z.shape[1], C, d).sum(1)
        return total / n

    def climb(
        self,
        value: Callable[[Tensor], Tensor],
        direction: Callable[[Tensor], Tensor],
        theta: Tensor,
        rounds: int = 40,
    ) -> tuple[Tensor, Tensor]:
        """Admissible theta (R, C, d) improved until ``value`` (R, C) is locally large: along ``direction`` within a
        ball, at random within the hull of what is reachable. Answers theta and its value."""
        best = value(theta)
        for i in range(rounds):
            size = 0.5 * 0.75**i
            trials = [self.nearby(theta, size)]
            if self.radius is not None:
                ahead = torch.nn.functional.normalize(direction(theta), dim=-1)
                trials += [self.project(theta + 4 * size * self.radius * ahead)]
            for trial in trials:
                reached = value(trial)
                better = reached > best
                theta, best = torch.where(better[..., None], trial, theta), torch.where(better, reached, best)
        return theta, best


def _apart(a: Tensor, b: Tensor) -> float:
    """Largest difference, relative to the larger of the two sides' sizes; inf where one of them is not finite."""
    if not (bool(a.isfinite().all()) and bool(b.isfinite().all())):
        return math.inf
    return (
        float((a - b).abs().max() / torch.maximum(a.abs().max(), b.abs().max()).clamp(min=1e-300)) if a.numel() else 0
    )


def _shapes(s: _Subject) -> _Outcome:
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
                return _Outcome([f"sample {where} must be a tensor (R, n, w); got {getattr(data, 'shape', data)}."])
            expect(f"sample {where}", data, (R, n, data.shape[-1]), dtype)
            theta = s.admissible[:C].to(dtype).expand(R, C, d)
            expect(f"gradient {where}", p.gradient(theta, data[:, :1]), (R, C, d), dtype)
            expect(f"gradient of theta (R, 1, d) {where}", p.gradient(theta[:, :1], data[:, :1]), (R, 1, d), dtype)
            expect(f"empirical_risk {where}", p.empirical_risk(theta, data), (R, C), dtype)
            expect(f"empirical_minimiser {where}", p.empirical_minimiser(data), (R, d), dtype)
            expect(f"population_risk {where}", p.population_risk(theta), (R, C), dtype)
            expect(f"population_risk of theta (d,) {where}", p.population_risk(theta[0, 0]), (), dtype)
    return _Outcome(faults, "float64 and float32")


def _sampling(s: _Subject) -> _Outcome:
    """A sample is a prefix of a longer one; a replicate does not depend on the others; replicates differ."""
    faults = []
    n = max(s.sizes)
    whole = s.data(n, 8)
    if not torch.equal(whole, s.data(n, 8)):
        faults.append("sample: two calls with the same stream differ; draw random numbers from the stream alone.")
    for m in sorted({1, *s.sizes[:-1]}):
        if _apart(s.data(m, 8), whole[:, :m]) > EXACT:
            faults.append(
                f"sample: the sample of size {m} is not a prefix of that of size {n}; row i may depend on i alone."
            )
    if _apart(s.data(n, 3, first=4), whole[4:7]) > EXACT:
        faults.append("sample: replicates 4..6 change when drawn without the others.")
    if bool((whole[1:] == whole[:1]).flatten(1).all(1).any()):
        faults.append("sample: two replicates have the same examples.")
    return _Outcome(faults, f"nested up to n = {n}")


def _gradient(s: _Subject) -> _Outcome:
    """The gradient is the derivative of the risk at one example, which is the loss."""
    z = s.data(max(s.sizes), 32)[:, -1:]
    points = s.admissible[s.choose(len(s.admissible), 16)]
    theta = points.expand(32, 16, -1).clone()
    given = s.problem.gradient(theta, z)
    theta.requires_grad_(True)
    risk = s.problem.empirical_risk(theta, z)
    if risk.requires_grad:
        (derived,) = torch.autograd.grad(risk.sum(), theta)
        allowed, how = EXACT, "autograd"
    else:
        derived = torch.zeros_like(given)
        with torch.no_grad():
            for i in range(s.problem.dim):
                h = torch.zeros(s.problem.dim, dtype=torch.float64)
                h[i] = 1e-5 * max(1.0, float(points.abs().max()))
                rise = s.problem.empirical_risk(theta + h, z) - s.problem.empirical_risk(theta - h, z)
                derived[..., i] = rise / (2 * h[i])
        allowed, how = 1e-5, "central differences"
    apart = _apart(given, derived)
    fault = (
        f"gradient differs from the derivative of empirical_risk at one example ({how}) by {apart:.1e} of its size; "
        "check its sign, factors and terms."
    )
    return _Outcome([fault] if apart > allowed else [], f"{apart:.1e} from {how}")


def _mean_of_losses(s: _Subject) -> _Outcome:
    """F_S is the mean of the losses, each of which is the risk at one example."""
    faults, worst = [], 0.0
    for n in s.sizes:
        data = s.data(n, 8)
        theta = s.admissible[s.choose(len(s.admissible), 8)].expand(8, 8, -1)
        losses = torch.stack([s.problem.empirical_risk(theta, data[:, i : i + 1]) for i in range(n)])
        # Terms may cancel in the mean: compare with their size.
        gap = (s.problem.empirical_risk(theta, data) - losses.mean(0)).abs().max()
        apart = float(gap / losses.abs().max().clamp(min=1e-300))
        worst = max(worst, apart)
        if not apart <= EXACT:
            faults.append(f"empirical_risk differs from the mean of the {n} losses by {apart:.1e} of their size.")
    return _Outcome(faults, f"to {worst:.1e}")


def _invariance(s: _Subject) -> _Outcome:
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
        if _apart(company, alone) > EXACT:
            faults.append(f"{name}: replicate 3 alone gives something else than within a batch of 7.")
    for name, (company, alone) in {
        "gradient": (p.gradient(theta, data[:, :1])[:, few], p.gradient(theta[:, few], data[:, :1])),
        "empirical_risk": (p.empirical_risk(theta, data)[:, few], p.empirical_risk(theta[:, few], data)),
    }.items():
        if _apart(company, alone) > EXACT:
            faults.append(f"{name}: configuration 2 alone gives something else than among 5.")
    return _Outcome(faults)


def _single_precision(s: _Subject) -> _Outcome:
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
        apart = {name: _apart(single, double) for name, (single, double) in pairs.items()}
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
    return _Outcome(faults, f"to {worst:.1e}")


def _kkt(theta: Tensor, gradient: Tensor, radius: float | None) -> Tensor:
    """Norm of the gradient, less what the ball's normal cone absorbs: (..., d) -> (...)."""
    if radius is None:
        return gradient.norm(dim=-1)
    norm = theta.norm(dim=-1)
    multiplier = (-(gradient * theta).sum(-1) / norm.clamp(min=1e-300).square()).clamp(min=0)
    multiplier = torch.where(norm >= radius * (1 - EXACT), multiplier, 0)
    return (gradient + multiplier[..., None] * theta).norm(dim=-1)


def _descend(
    s: _Subject, theta: Tensor, risk: Callable[[Tensor], Tensor], field: Callable[[Tensor], Tensor], rounds: int = 150
) -> tuple[Tensor, Tensor]:
    """Projected gradient descent with a step size of its own for each (r, c): the points and values reached."""
    value, gradient = risk(theta), field(theta)
    eta = torch.full_like(value, 1.0)
    for _ in range(rounds):
        trial = s.project(theta - eta[..., None] * gradient)
        reached = risk(trial)
        better = reached < value
        theta, value = torch.where(better[..., None], trial, theta), torch.where(better, reached, value)
        eta = torch.where(better, eta * 1.6, eta / 3)
        gradient = field(theta)
    return theta, value


def _empirical_minimiser(s: _Subject) -> _Outcome:
    """Feasible, first-order conditions, no lower value from elsewhere, and the minimiser nearest theta_0."""
    faults, p, worst = [], s.problem, 0.0
    for n in s.sizes:
        data = s.data(n, 8)
        minimiser = p.empirical_minimiser(data)[:, None]
        norm = float(minimiser.norm(dim=-1).max())
        if s.radius is not None and norm > s.radius * (1 + EXACT):
            faults.append(f"empirical_minimiser (n = {n}) has norm {norm:g}, outside the ball of radius {s.radius:g}.")
            continue
        each = torch.stack([p.gradient(minimiser, data[:, i : i + 1]) for i in range(n)])
        elsewhere = p.gradient(s.admissible[:64].expand(8, 64, -1)[:, : len(s.admissible)], data[:, :1]).norm(dim=-1)
        scale = torch.maximum(each.norm(dim=-1).mean(0), 1e-3 * elsewhere.max())
        residual = _kkt(minimiser, each.mean(0), s.radius) / scale
        worst = max(worst, float(residual.max()))
        if not bool((residual <= EXACT).all()):
            faults.append(
                f"empirical_minimiser (n = {n}) is not stationary: the first-order condition fails by "
                f"{float(residual.max()):.1e} of the gradients' size, expected below {EXACT:g}."
            )
        least = p.empirical_risk(minimiser, data)
        begin = torch.cat([s.start[None], s.best[None], s.admissible[s.choose(len(s.admissible), 24)]]).expand(
            8, 26, -1
        )
        begin = torch.cat([begin, s.nearby(minimiser.expand(8, 6, -1), 1e-3)], dim=1)
        risk, field = functools.partial(p.empirical_risk, data=data), functools.partial(s.full_gradient, data=data)
        reached, values = _descend(s, begin, risk, field)
        size = torch.maximum(p.empirical_risk(begin, data).abs().amax(1, keepdim=True), least.abs())
        lower = (least - values) / size
        if not bool((lower <= EXACT).all()):
            faults.append(
                f"empirical_minimiser (n = {n}) is not a global minimiser: a descent from elsewhere reached a risk "
                f"lower by {float((least - values).max()):.3g}."
            )
        nearer = (s.start - minimiser).norm(dim=-1) - (s.start - reached).norm(dim=-1)
        as_good = (values - least).abs() <= 1e-14 * size
        distinct = nearer > 1e-4 * (s.start - minimiser).norm(dim=-1) + 1e-6
        if p.regime is not Regime.NONCONVEX and bool((as_good & distinct).any()):
            faults.append(
                f"empirical_minimiser (n = {n}) is not the minimiser nearest theta_0: another is nearer by "
                f"{float(nearer[as_good & distinct].max()):.3g}."
            )
    return _Outcome(faults, f"n in {s.sizes}, first-order residual {worst:.1e} of scale")


def _population_risk(s: _Subject) -> _Outcome:
    """F against the mean of the losses of draws, at several parameters and in differences between them."""
    n = max(s.sizes)
    block = max(1, min(1024, 2**20 // (n * 16)))
    blocks = max(2, math.ceil(s.draws / (n * block)))
    theta = torch.cat([s.start[None], s.best[None], s.admissible[s.choose(len(s.admissible), 10)]])
    means = torch.cat(
        [
            s.problem.empirical_risk(theta.expand(block, -1, -1), s.data(n, block, first=1000 + b * block))
            for b in range(blocks)
        ]
    )
    error = means - s.problem.population_risk(theta)
    error = torch.cat([error, error[:, 1:] - error[:, :1]], dim=1)
    R, count = error.shape
    size = means.abs().mean().clamp(min=1e-300)
    spread = error.std(0) / math.sqrt(R)
    score = error.mean(0) / torch.maximum(spread, EXACT * size)
    normal = float(-torch.special.ndtri(torch.tensor(FALSE_ALARM / 2 / count, dtype=torch.float64)))
    limit = normal + (normal**3 + normal) / (4 * (R - 1))  # Student's quantile, Cornish-Fisher
    worst = int(score.abs().argmax())
    note = f"largest |z| {float(score.abs().max()):.1f} of {limit:.1f} allowed, {R * n} draws"
    if bool(score.abs().max() <= limit):
        return _Outcome([], note)
    point = theta[worst if worst < len(theta) else worst - len(theta) + 1]
    shown = ", ".join(f"{value:.3g}" for value in point[:4].tolist()) + (", ..." if len(point) > 4 else "")
    what = "" if worst < len(theta) else " less its value at theta_0"
    fault = (
        f"population_risk at ({shown}){what} is off by {float(-error.mean(0)[worst]):.3g}: z = "
        f"{float(-score[worst]):.1f} against {R * n} draws (false-alarm rate {FALSE_ALARM:g})."
    )
    return _Outcome([fault], note)


def _population_minimiser(s: _Subject) -> _Outcome:
    """No parameter tried, far or near, has a lower population risk."""
    p = s.problem
    least = p.population_risk(s.best)
    solved = p.empirical_minimiser(s.data(max(s.sizes), 32))
    tried = [s.admissible, solved, s.start[None]]
    for exponent in range(1, 7):
        direction = torch.nn.functional.normalize(s.normal(64, p.dim), dim=-1)
        near = s.best + 10.0**-exponent * max(1.0, float(s.best.abs().max())) * direction
        tried.append(s.project(near))
    values = p.population_risk(torch.cat(tried))
    size = torch.maximum(least.abs(), values.abs().max())
    lower = float(least - values.min())
    fault = f"population_minimiser is not one: a parameter was found whose population risk is lower by {lower:.3g}."
    return _Outcome([fault] if not lower <= 1e-12 * float(size) else [], f"{len(values)} parameters tried")


def _too_small(name: str, stated: float, found: float, what: str, tolerance: float = EXACT) -> list[str]:
    """A fault if a constant that bounds from above was exceeded."""
    if found <= stated * (1 + tolerance) + tolerance * 1e-3:
        return []
    return [f"constants: {name} = {stated:.6g} is too small: {what} = {found:.6g} at an admissible parameter."]


def _too_large(name: str, stated: float, found: float, what: str, slack: float) -> list[str]:
    """A fault if a constant that bounds from below was undercut."""
    if found >= stated * (1 - 1e-3) - slack:
        return []
    return [f"constants: {name} = {stated:.6g} is too large: {what} = {found:.6g} at an admissible parameter."]


def _pairs(s: _Subject, examples: int, keep: int, value: Callable[[Tensor, Tensor], Tensor]) -> tuple[Tensor, Tensor]:
    """The ``keep`` pairs (theta, z) of largest ``value`` among all admissible parameters and many examples: theta
    (keep, 1, d), z (keep, 1, w)."""
    n = max(s.sizes)
    z = s.data(n, math.ceil(examples / n), first=500).flatten(0, 1)[:examples, None]
    scores = value(s.admissible.expand(len(z), -1, -1), z)
    top = scores.flatten().topk(min(keep, scores.numel())).indices
    row, column = top // scores.shape[1], top % scores.shape[1]
    return s.admissible[column][:, None], z[row]


def _gradient_bound(s: _Subject) -> _Outcome:
    """G against the largest gradient found."""
    G = s.constants.G
    if math.isinf(G):
        return _Outcome([], "not claimed")

    def norm(theta: Tensor, z: Tensor) -> Tensor:
        return s.problem.gradient(theta, z).norm(dim=-1)

    theta, z = _pairs(s, 512, 128, norm)

    def field(theta: Tensor) -> Tensor:
        return s.problem.gradient(theta, z)

    # The gradient of ||g||^2 / 2 is H g.
    _, best = s.climb(lambda t: norm(t, z), lambda t: s.chord(t, field(t), field), theta)
    found = float(best.max())
    return _Outcome(_too_small("G", G, found, "||grad l||"), f"{found:.6g} found of {G:.6g}")


def _range(s: _Subject) -> _Outcome:
    """M against the largest difference of losses found."""
    M = s.constants.M
    if math.isinf(M):
        return _Outcome([], "not claimed")
    ends = []
    for sign in (1, -1):
        theta, z = _pairs(s, 512, 64, lambda t, e, sign=sign: sign * s.problem.empirical_risk(t, e))  # type: ignore[misc]
        _, best = s.climb(
            lambda t, e=z, sign=sign: sign * s.problem.empirical_risk(t, e),  # type: ignore[misc]
            lambda t, e=z, sign=sign: sign * s.problem.gradient(t, e),  # type: ignore[misc]
            theta,
        )
        ends.append(float(best.max()))
    found = sum(ends)
    return _Outcome(_too_small("M", M, found, "sup l - inf l"), f"{found:.6g} found of {M:.6g}")


def _curvature(s: _Subject) -> _Outcome:
    """L and lam_example against the Hessians of losses, lam and rho against those of empirical risks."""
    c, d = s.constants, s.problem.dim
    faults: list[str] = []
    room = max(1, 2**21 // (d * d))
    count = min(len(s.admissible), max(1, room // 64))
    theta = s.admissible[torch.randperm(len(s.admissible), generator=s.generator)[:count]]
    z = s.data(max(s.sizes), 64, first=700)[:, -1:]

    def extremes(theta: Tensor, field: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
        values = torch.linalg.eigvalsh(s.hessian(theta, field))
        return values[..., 0], values[..., -1]

    def search(theta: Tensor, of: Callable[[Tensor], Callable[[Tensor], Tensor]], among: Tensor) -> tuple[float, float]:
        """Least and greatest eigenvalue: the best 16 pairs, improved by a local search. among: (R, n, w)."""
        low, high = extremes(theta.expand(len(among), -1, -1), of(among))
        found = []
        for scores, pick in ((-low, 0), (high, 1)):
            top = scores.flatten().topk(min(16, scores.numel())).indices
            at, own = theta[top % scores.shape[1]][:, None], of(among[top // scores.shape[1]])
            best = scores.flatten()[top][:, None]
            for i in range(12):
                trial = s.nearby(at, 0.3 * 0.6**i)
                reached = extremes(trial, own)[pick] * (1 if pick else -1)
                better = reached > best
                at, best = torch.where(better[..., None], trial, at), torch.where(better, reached, best)
            found.append(float(best.max()))
        return -found[0], found[1]

    low, high = search(theta, lambda e: lambda t: s.problem.gradient(t, e), z)
    largest = max(abs(low), abs(high))
    # A chord of length h carries the rounding eps ||g|| / h.
    noise = 1e-15 / CHORD * float(s.problem.gradient(theta.expand(64, -1, -1), z).norm(dim=-1).max())
    slack = 1e-6 * largest + 100 * noise
    if math.isfinite(c.L) and largest > c.L * (1 + 1e-4) + 100 * noise:
        faults += _too_small("L", c.L, largest, "||Hessian of l||", 1e-4)
    faults += _too_large("lam_example", c.lam_example, low, "least eigenvalue of a Hessian of l", slack) * (
        c.lam_example > 0
    )
    least = math.inf
    for n in s.sizes:
        if d * d * n > 2**21:
            continue
        few = s.admissible[s.choose(len(s.admissible), max(1, min(count, 2**20 // (n * d * d))))]
        data = s.data(n, 16, first=800)
        under, _ = search(few, lambda S: lambda t: s.full_gradient(t, S), data)
        least = min(least, under)
    if c.lam > 0:
        faults += _too_large("lam", c.lam, least, "least eigenvalue of a Hessian of F_S", slack)
    elif -least > c.rho * (1 + 1e-3) + slack:
        regime = f" (the regime is {s.problem.regime})" if c.rho == 0 else ""
        faults.append(
            f"constants: rho = {c.rho:.6g} is too small{regime}: a Hessian of F_S has the eigenvalue {least:.6g} at an "
            "admissible parameter."
        )
    note = f"Hessians of l in [{low:.6g}, {high:.6g}], of F_S above {least:.6g}"
    return _Outcome(faults, note)


def _gradient_domination(s: _Subject) -> _Outcome:
    """mu against the least ||grad F_S||^2 / (2 (F_S - F_S*)) found."""
    mu = s.constants.mu
    if mu == 0:
        return _Outcome([], "not claimed")
    least, faults = math.inf, []
    for n in s.sizes:
        data = s.data(n, 8, first=900)
        minimum = s.problem.empirical_risk(s.problem.empirical_minimiser(data)[:, None], data)

        def field(theta: Tensor, data: Tensor = data) -> Tensor:
            return s.full_gradient(theta, data)

        def gap(theta: Tensor, data: Tensor = data, minimum: Tensor = minimum) -> Tensor:
            risk = s.problem.empirical_risk(theta, data)
            excess = risk - minimum
            # Below 1e-7 of the risk, the difference is rounding.
            return torch.where(excess > 1e-7 * torch.maximum(risk.abs(), minimum.abs()), excess, math.nan)

        def ratio(theta: Tensor, field: Callable[..., Tensor] = field, gap: Callable[..., Tensor] = gap) -> Tensor:
            value = -field(theta).square().sum(-1) / (2 * gap(theta))
            return torch.where(value.isfinite(), value, -math.inf)

        def downhill(theta: Tensor, field: Callable[..., Tensor] = field, gap: Callable[..., Tensor] = gap) -> Tensor:
            g = field(theta)
            bend = 2 * s.chord(theta, g, field) / g.square().sum(-1, keepdim=True)
            return torch.nan_to_num(g / gap(theta)[..., None] - bend)

        points = s.admissible[s.choose(len(s.admissible), 32)].expand(8, -1, -1)
        _, best = s.climb(ratio, downhill, points)
        least = min(least, -float(best.max()))
    faults += _too_large("mu", mu, least, "||grad F_S||^2 / (2 (F_S - F_S*))", 1e-9)
    return _Outcome(faults, f"{least:.6g} found, {mu:.6g} stated")


def _formula(s: _Subject) -> _Outcome:
    """The scalar formula for compiled engines, where there is one, is the gradient."""
    formula = getattr(s.problem, "formula", None)
    if formula is None:
        return _Outcome([], "none given")
    z = s.data(max(s.sizes), 16)[:, 0]
    theta = s.admissible[s.choose(len(s.admissible), 16)]
    given = s.problem.gradient(theta[:, None], z[:, None])[:, 0]
    rows = list(zip(theta.tolist(), z.tolist(), strict=True))
    if isinstance(formula, Linear):
        built = []
        for t, (*x, y) in rows:
            slope = formula.slope(math.fsum(a * b for a, b in zip(x, t, strict=True)), y, formula.parameter)
            built.append([slope * a + formula.ridge * b for a, b in zip(x, t, strict=True)])
    elif isinstance(formula, Coordinatewise):
        built = [[formula.pull(a, b, p) for a, b, p in zip(t, e, formula.parameters, strict=True)] for t, e in rows]
    else:
        return _Outcome([f"formula must be a Linear or Coordinatewise of riskkit.formula; got {formula!r}."])
    apart = _apart(given, torch.tensor(built, dtype=torch.float64))
    return _Outcome(
        [f"formula differs from gradient by {apart:.1e} of its size."] if apart > EXACT else [], f"{apart:.1e}"
    )


CHECKS: tuple[tuple[str, Callable[[_Subject], _Outcome]], ...] = (
    ("shapes", _shapes),
    ("sample", _sampling),
    ("gradient", _gradient),
    ("empirical risk", _mean_of_losses),
    ("batches", _invariance),
    ("single precision", _single_precision),
    ("empirical minimiser", _empirical_minimiser),
    ("population risk", _population_risk),
    ("population minimiser", _population_minimiser),
    ("constant G", _gradient_bound),
    ("constant M", _range),
    ("constants L, lam, rho", _curvature),
    ("constant mu", _gradient_domination),
    ("formula", _formula),
)
"""Run in this order: what a check takes for granted was checked before."""
