"""What the theorems on SGD share: which runs they are about, and how distances of coupled runs become bounds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from riskkit.algorithms import traits
from riskkit.algorithms.staged import Algorithm, Output, Sampling
from riskkit.problem import Problem
from riskkit.theory.bound import At, Floats, Inequality, Source
from riskkit.theory.hypotheses import Hypothesis, within_reach
from riskkit.theory.recursion import scan

ROUNDING = 1 + 4 * np.finfo(float).eps


def sgd(title: str, sampling: Sampling = "with replacement") -> Hypothesis:
    """SGD with one example a step, drawn in the given way, and step sizes for which the problem's constants hold."""
    plain, reach = unmixed(title), within_reach(title)

    def ask(problem: Problem, algorithm: Any) -> str | None:
        if (reason := plain(problem, algorithm)) is not None:
            return reason
        if algorithm.batch != 1:
            return f"{title} is about one example a step; got batches of {algorithm.batch}."
        if algorithm.sampling != sampling:
            return f"{title} needs examples drawn {sampling}; got {algorithm.sampling}."
        return reach(problem, algorithm)

    return ask


def gradient_descent(title: str) -> Hypothesis:
    """The full gradient at every step: as many examples as there are, without replacement. How many there are is asked
    by ``at_full_batch``."""
    plain, reach = unmixed(title), within_reach(title)

    def ask(problem: Problem, algorithm: Any) -> str | None:
        if (reason := plain(problem, algorithm)) is not None:
            return reason
        if algorithm.batch == 1 or algorithm.sampling == "with replacement":
            return (
                f"{title} is about full gradients, batches of n drawn without replacement; got batches of "
                f"{algorithm.batch} drawn {algorithm.sampling}."
            )
        return reach(problem, algorithm)

    return ask


def at_full_batch(values: Floats, at: At) -> Floats:
    """The values; nan where a step does not take all n examples."""
    return values if at.algorithm.batch == at.n else np.full_like(values, np.nan)


def unmixed(title: str) -> Hypothesis:
    """SGD of any batch and sampling: one stage, without an outer step and a penalty."""

    def ask(problem: Problem, algorithm: Any) -> str | None:
        if not isinstance(algorithm, Algorithm) or len(algorithm.stages) != 1:
            return f"{title} is about SGD; got {getattr(algorithm, 'name', type(algorithm).__name__)}."
        (stage,) = algorithm.stages
        if stage.alpha != 1 or stage.beta != 0:
            return (
                f"{title} is about SGD; got alpha = {stage.alpha:g}, beta = {stage.beta:g}. Take alpha = 1, beta = 0."
            )
        return None

    return ask


def steps_at_most(title: str, formula: str, limit: Any) -> Hypothesis:
    """Every eta_j <= limit(problem), up to a rounding."""

    def ask(problem: Problem, algorithm: Any) -> str | None:
        eta, most = float(traits.step_sizes(algorithm).max()), float(limit(problem.constants))
        if eta <= most * ROUNDING:
            return None
        return (
            f"{title} needs step sizes <= {formula} = {most:.4g} on {problem.name}; got {eta:.4g}. Take smaller steps."
        )

    return ask


def constant_steps(title: str) -> Hypothesis:
    def ask(problem: Problem, algorithm: Any) -> str | None:
        sizes = traits.step_sizes(algorithm)
        if sizes.max() <= sizes.min() * ROUNDING:
            return None
        return (
            f"{title} is proved for a constant step size; got sizes from {sizes.max():.4g} down to {sizes.min():.4g}."
        )

    return ask


def read(values: Floats, at: At) -> Floats:
    """values[J] at each checkpoint, of an array (J + 1,) indexed by the number of gradients taken."""
    found: Floats = np.asarray(values, dtype=np.float64)[at.steps]
    return found


def averaged(values: Floats) -> Floats:
    """The means of values[0] .. values[J-1], at J = 0 .. : what a bound on each iterate says of their average."""
    count = np.maximum(np.arange(values.size), 1)
    return np.concatenate([[0.0], np.cumsum(values)[:-1]]) / count


def linear(a: Floats, b: Floats) -> Floats:
    """x_0 = 0, x_{j+1} = a_j x_j + b_j: (J + 1,)."""
    return np.concatenate([[0.0], scan(a, b)[1]])


def of_distances(
    name: str,
    title: str,
    source: Source,
    hypotheses: tuple[Hypothesis, ...],
    distances: Callable[[At], Floats],
    symbol: str,
    recursion: str,
    output: Output = "last",
    **others: Any,
) -> Inequality:
    """What a bound on the distance of coupled runs at each step says of their stability, or, for a name that ends in
    ``generalization.<output>``, times G of the generalization error.

    Args:
        distances: (J + 1,) at a run; of the average their means.
        symbol, recursion: delta_J of the last iterate and how it comes about, in LaTeX.
        others: further fields of the inequality, such as its claim.
    """
    quantity = "generalization" if name.endswith(f"generalization.{output}") else "stability"

    def proved(at: At) -> Floats:
        along = distances(at)
        values = read(averaged(along) if output == "average" else along, at)
        return at.constants.G * values if quantity == "generalization" else values

    left = rf"\frac{{1}}{{J}}\sum_{{j<J}} {symbol}_j" if output == "average" else f"{symbol}_J"
    if quantity == "generalization":
        left = rf"G\,{left}"
    return Inequality(
        name=name,
        title=title,
        quantity=quantity,
        output=output,
        source=source,
        hypotheses=hypotheses,
        proved=proved,
        statement=rf"{left},\quad {recursion}",
        **others,
    )
