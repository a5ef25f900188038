"""Expectations without Monte Carlo error, of any problem whose D is a law on finitely many atoms.

A dataset counts through how often it has each atom, and has the multinomial probability. Two ways to the expectation
over the draws, given S:

*Moments.* On a quadratic loss, as long as nothing is projected (``riskkit.engines.moments``).

*Enumeration.* theta depends on the atoms drawn, one after the other, and not on S: the reference engine runs all A^J
sequences of J draws, once. The probability of a sequence given S depends on how often it has each atom, in all if draws
are independent, prod_a (c_a/n)^(m_a); in each pass if it goes through S in a random order, c_a (c_a - 1) ... for the
m_a draws of an atom in a pass, over n (n - 1) ... for all; where all passes share one order the first decides. So sums
over the sequences of one *type* are enough. For stability the replaced example is a letter of its own, of which S has
one: the two runs are the sequences in which that letter stands for the one atom, and for the other.

Shapes: A atoms, Q datasets, J draws, 2 outputs (``OUTPUTS``).
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from riskkit.algorithms import traits
from riskkit.engines import moments, reference
from riskkit.measure import closed, expectation
from riskkit.measure.coupled import Pair
from riskkit.measure.decomposition import GroundTruth
from riskkit.measure.own import PATH_RISK, PATH_ROOT_RISK, SQUARED_STABILITY
from riskkit.problem import Problem

Floats = npt.NDArray[np.float64]

SEQUENCES = 2**13
"""Runs of J draws that are enumerated at most; for stability, with the replaced example for a letter."""
DATASETS = 4000
"""Datasets, as counts of their atoms, over which an expectation is taken at most."""
WATCHED = 2**24
"""Numbers along the path, one for each sequence and dataset, that are kept at most."""

ALONG: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    PATH_RISK.name: lambda risk: risk,
    PATH_ROOT_RISK.name: lambda risk: risk.clamp(min=0).sqrt(),
}
"""Means along the path whose expectations are found, as functions of F_S(v_j)."""
STABILITY = ("stability", SQUARED_STABILITY.name)


class Expected(NamedTuple):
    """Expectations at the end of a run.

    Attributes:
        values: quantity -> (2,), for the outputs ``last`` and ``average``.
        dataset: name -> number, as ``Measured.dataset`` on average.
        way: ``moments`` or ``enumeration``.
        terms: datasets and sequences summed over; 0 where a closed form needs none.
        along: name of ``ALONG`` -> its expectation, for those that were asked for.
    """

    values: dict[str, Floats]
    dataset: dict[str, float]
    way: str
    terms: tuple[int, int]
    along: Mapping[str, float] = {}


def expected(problem: Problem, algorithm: Any, n: int, quantity: str, along: Collection[str] = ()) -> Expected | None:
    """The expectation of ``quantity``, and what a bound on it reads, of ``ALONG`` the names asked for; None where no
    exact way covers the run."""
    if not set(along) <= set(ALONG):
        return None
    if moments.refusal(problem, algorithm, n) is None:
        found = _by_moments(problem, algorithm, n)
        if found is not None and along:
            found = found._replace(along=_path_by_moments(problem, algorithm, n, found.dataset["start_gap"]))
        if found is not None and quantity in found.values and set(along) <= set(found.along):
            return found
    return _by_enumeration(problem, algorithm, n, quantity, along)


def law_of(problem: Problem) -> tuple[Floats, Floats] | None:
    """Atoms (A, w) and weights (A,) of D, which a problem says as ``law``."""
    law = getattr(problem, "law", None)
    return None if law is None else (np.asarray(law[0], dtype=np.float64), np.asarray(law[1], dtype=np.float64))


class Datasets(NamedTuple):
    """counts (Q, A) and probabilities (Q,) of all datasets of n examples."""

    counts: npt.NDArray[np.int64]
    weights: Floats


@functools.lru_cache(maxsize=64)
def compositions(n: int, parts: int) -> npt.NDArray[np.int64]:
    """All (c_1 .. c_A) >= 0 with sum n."""
    bars = itertools.combinations(range(n + parts - 1), parts - 1)
    rows = [np.diff([-1, *cut, n + parts - 1]) - 1 for cut in bars]
    return np.array(rows, dtype=np.int64)


def datasets(n: int, weights: Floats) -> Datasets | None:
    """None if they are too many."""
    if math.comb(n + len(weights) - 1, len(weights) - 1) > DATASETS:
        return None
    counts = compositions(n, len(weights))
    logs = math.lgamma(n + 1) - _log_factorial(counts).sum(1) + counts @ np.log(weights)
    return Datasets(counts, np.exp(logs))


def _log_factorial(counts: npt.NDArray[np.int64]) -> Floats:
    table = np.array([math.lgamma(m + 1.0) for m in range(int(counts.max(initial=0)) + 1)])
    found: Floats = table[counts]
    return found


def _spelled(atoms: Floats, counts: npt.NDArray[np.int64]) -> torch.Tensor:
    """The datasets themselves, (Q, n, w)."""
    Q, n = len(counts), int(counts[0].sum())
    which = np.repeat(np.tile(np.arange(len(atoms)), Q), counts.ravel()).reshape(Q, n)
    return torch.as_tensor(atoms[which])


def _ground(problem: Problem, data: torch.Tensor) -> GroundTruth:
    return GroundTruth.of(problem, Pair.alone(data))


def _on_average(ground: GroundTruth, weights: Floats) -> dict[str, float]:
    return {name: float(weights @ values) for name, values in ground.dataset().items()}


def _by_moments(problem: Problem, algorithm: Any, n: int) -> Expected | None:
    end = np.array([traits.rounds(algorithm)])
    with np.errstate(over="ignore", invalid="ignore"):
        squared = _squared_stability(problem, algorithm, n, end)
        exact = {name: value[-1] for name, value in closed.expectations(problem, algorithm, n, end.tolist()).items()}
        exact[SQUARED_STABILITY.name] = squared
        law, known = law_of(problem), closed.dataset_expectations(problem, n)
        if law is None:
            return None if known is None else Expected(exact, known, "moments", (0, 0))
        every = datasets(n, law[1])
        if every is None:
            return None if known is None else Expected(exact, known, "moments", (0, 0))
        with reference.one_thread():
            data = _spelled(law[0], every.counts)
            ground = _ground(problem, data)
            given = expectation.given_dataset(problem, algorithm, end, expectation.Drawn.of(Pair.alone(data), ground))
    values = {name: every.weights @ value[:, -1] for name, value in given.items()}
    values |= {name: exact[name] for name in STABILITY if name in exact}
    return Expected(values, _on_average(ground, every.weights), "moments", (len(every.counts), 0))


def _squared_stability(problem: Problem, algorithm: Any, n: int, end: npt.NDArray[np.int64]) -> Floats:
    law, found = moments.quadratic(problem), moments.responses(problem, algorithm, n, end)
    assert law is not None
    squares: Floats = 2 * np.array(law.variance) * (found.mean[-1] ** 2 + found.spread[-1] * (n - 1)) / n**2
    return squares.sum(-1)


def _path_by_moments(problem: Problem, algorithm: Any, n: int, start_gap: float) -> dict[str, float]:
    """The mean of F_S(v_j); nothing where a curvature is 0, or draws depend on each other."""
    law = moments.quadratic(problem)
    assert law is not None
    h, w, mean, variance = (np.array(part) for part in law[:4])
    if not (h > 0).all() or traits.sampling(algorithm) != "with replacement":
        return {}
    with np.errstate(over="ignore", invalid="ignore"):
        found = moments.responses(problem, algorithm, n, np.array([traits.rounds(algorithm)]))
        start, within = np.asarray(problem.start, dtype=np.float64), (1 - 1 / n) * variance
        parts = np.stack([start**2, start * mean, mean**2 + variance / n, within])
        gradients = (found.squares[-1] * parts).sum(0) - w**2 * within / traits.batch(algorithm)
        least = float(problem.population_risk(torch.as_tensor(start)[None, None])) - start_gap
        return {PATH_RISK.name: least + float((gradients / (2 * h)).sum())}


def _by_enumeration(
    problem: Problem, algorithm: Any, n: int, quantity: str, along: Collection[str] = ()
) -> Expected | None:
    law = law_of(problem)
    sampling = traits.sampling(algorithm)
    draws = traits.batch(algorithm) * algorithm.steps
    if law is None or sampling == "one stream for all" or draws > SEQUENCES:
        return None
    free = min(n, draws) if sampling == "one shuffle" else draws  # the draws that decide all of them
    atoms, weights = law
    letters = len(atoms) + (quantity in STABILITY and len(atoms) > 1)
    every = datasets(n, weights)
    if every is None or letters**free > SEQUENCES:
        return None
    if len(along) * len(every.counts) * len(atoms) ** free > WATCHED:
        return None
    epoch = 0 if sampling == "with replacement" else n
    with reference.one_thread(), np.errstate(over="ignore", invalid="ignore"):
        sequences = _words(len(atoms), free)
        watch = _watch(problem, atoms, every.counts / n, along) if along else None
        path = _run(problem, algorithm, atoms, sequences[:, np.arange(draws) % free], watch)
        theta = path.theta[:, -1].double()
        if not bool(torch.isfinite(theta).all()):
            return None
        ground = _ground(problem, _spelled(atoms, every.counts))
        losses = _losses(problem, theta, atoms)
        best = float(problem.population_risk(torch.as_tensor(np.asarray(problem.population_minimiser()))))
    types, which = _types(sequences, len(atoms), epoch)
    R, d = len(theta), theta.shape[-1]
    parts = [losses.numpy(), theta.numpy(), (theta**2).sum(-1, keepdim=True).numpy()]
    moment = np.repeat(path.path_moment[:, -1:, None].double().numpy(), 2, axis=1)
    features = np.concatenate([*parts, moment], axis=-1).reshape(R, -1)
    sums = np.zeros((len(types), features.shape[1]))
    np.add.at(sums, which, features)
    likely = _probabilities(types, every.counts, n, epoch)
    given = (likely @ sums).reshape(len(every.counts), 2, -1)
    with np.errstate(over="ignore", invalid="ignore"):
        loss, mean, square, moment = np.split(given, np.cumsum([len(atoms), d, 1]), axis=-1)
        share = (every.counts / n)[:, None, :]
        empirical, population = (share * loss).sum(-1), loss @ weights
        minimum = ground.minimum.numpy()[:, None]
        star = ground.minimiser.numpy()
        distance = square[..., 0] - 2 * (mean * star[:, None, :]).sum(-1) + (star**2).sum(-1)[:, None]
        found = {
            "optimization": empirical - minimum,
            "generalization": population - empirical,
            "excess": population - minimum,
            "population_excess": population - best,
            "distance": distance,
            "path_moment": moment[..., 0],
        }
        values = {name: every.weights @ value for name, value in found.items()}
    if quantity in STABILITY:
        values |= _stability(theta.numpy(), sequences, weights, n, epoch)
    risks: dict[str, float] = {}
    if path.watched is not None:
        for name, seen in zip(along, path.watched[:, -1].double().chunk(len(along), -1), strict=True):
            sums = np.zeros((len(types), len(every.counts)))
            np.add.at(sums, which, seen.numpy())
            risks[name] = float(every.weights @ np.einsum("qt,tq->q", likely, sums))
    terms = (len(every.counts), len(sequences))
    return Expected(values, _on_average(ground, every.weights), "enumeration", terms, risks)


def _losses(problem: Problem, theta: torch.Tensor, atoms: Floats) -> torch.Tensor:
    """l(theta; z) at every atom: theta (R, C, d) -> (R, C, A)."""
    examples = [torch.as_tensor(atom).expand(len(theta), 1, -1).contiguous() for atom in atoms]
    return torch.stack([problem.empirical_risk(theta, one) for one in examples], dim=-1)


def _watch(problem: Problem, atoms: Floats, shares: Floats, along: Collection[str]) -> reference.Watch:
    """What is noted of an iterate: each function of F_S there, on every dataset, (R, 1, names * Q)."""

    def watch(theta: torch.Tensor) -> torch.Tensor:
        risk = _losses(problem, theta.double(), atoms) @ torch.as_tensor(shares.T)
        return torch.cat([ALONG[name](risk) for name in along], dim=-1)

    return watch


def _words(letters: int, draws: int) -> npt.NDArray[np.int64]:
    """All words of so many letters, in their order as numbers to the base ``letters``: (letters^draws, draws)."""
    place = letters ** np.arange(draws - 1, -1, -1)
    words: npt.NDArray[np.int64] = np.arange(letters**draws)[:, None] // place % letters
    return words


def _run(
    problem: Problem,
    algorithm: Any,
    atoms: Floats,
    sequences: npt.NDArray[np.int64],
    watch: reference.Watch | None = None,
) -> reference.Path:
    """One replicate for each sequence, on the atoms as a dataset."""
    indices = torch.as_tensor(sequences)
    data = torch.as_tensor(atoms).expand(len(sequences), -1, -1).contiguous()
    end = np.array([traits.rounds(algorithm)])
    (path,) = reference.run(problem, [algorithm], data, lambda j, count: indices[:, j : j + count], [end], watch)
    return path


def _types(
    sequences: npt.NDArray[np.int64], letters: int, epoch: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """How often each letter is drawn in each pass (one pass where draws are independent): the distinct (types, passes,
    letters), and which of them each sequence has."""
    draws = sequences.shape[1]
    cuts = range(0, draws, epoch or draws)
    passes = [sequences[:, first : first + (epoch or draws)] for first in cuts]
    counts = np.stack([np.stack([(part == a).sum(1) for a in range(letters)], -1) for part in passes], 1)
    distinct, which = np.unique(counts.reshape(len(sequences), -1), axis=0, return_inverse=True)
    return distinct.reshape(len(distinct), len(passes), letters), which.reshape(-1)


def _probabilities(types: npt.NDArray[np.int64], counts: npt.NDArray[np.int64], n: int, epoch: int) -> Floats:
    """Of one sequence of each type given each dataset, (Q, types)."""
    found = np.ones((len(counts), len(types)))
    for part in np.moveaxis(types, 1, 0):  # (types, letters) of one pass
        for a in range(part.shape[1]):
            for i in range(int(part[:, a].max(initial=0))):
                factor = (counts[:, a] - (i if epoch else 0)) / n
                found *= np.where(part[:, a] > i, factor[:, None], 1.0)
        if epoch:
            found *= np.array([n**m / math.perm(n, m) for m in part.sum(1).tolist()])
    return found


def _stability(
    theta: Floats, sequences: npt.NDArray[np.int64], weights: Floats, n: int, epoch: int
) -> dict[str, Floats]:
    """E ||theta(S) - theta(S^i)|| and the expectation of its square, (2,) each."""
    A, draws = len(weights), sequences.shape[1]
    if A == 1:
        return {name: np.zeros(2) for name in STABILITY}
    words = _words(A + 1, draws)
    place = A ** np.arange(draws - 1, -1, -1)
    runs = [np.where(words == A, a, words) @ place for a in range(A)]  # the sequence that a word stands for
    types, which = _types(words, A + 1, epoch)
    others = datasets(n - 1, weights)
    assert others is not None
    counts = np.concatenate([others.counts, np.ones((len(others.counts), 1), dtype=np.int64)], axis=1)
    chance = others.weights @ _probabilities(types, counts, n, epoch)
    found = np.zeros(4)
    for a, b in itertools.combinations(range(A), 2):
        apart = np.linalg.norm(theta[runs[a]] - theta[runs[b]], axis=-1)
        sums = np.zeros((len(types), 4))
        np.add.at(sums, which, np.concatenate([apart, apart**2], axis=1))
        found += 2 * weights[a] * weights[b] * (chance @ sums)
    return dict(zip(STABILITY, (found[:2], found[2:]), strict=True))
