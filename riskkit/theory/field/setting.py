"""What the theorems on SGD share: which runs they are about, and the step sizes up to each checkpoint."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from riskkit.algorithms import traits
from riskkit.algorithms.staged import Algorithm, Sampling
from riskkit.problem import Problem
from riskkit.theory.bound import At, Floats
from riskkit.theory.hypotheses import Hypothesis
from riskkit.theory.recursion import scan

ROUNDING = 1 + 4 * np.finfo(float).eps


def sgd(title: str, sampling: Sampling = "with replacement") -> Hypothesis:
    """SGD with one example a step, drawn in the given way, and step sizes for which the problem's constants hold."""

    def ask(problem: Problem, algorithm: Any) -> str | None:
        if not isinstance(algorithm, Algorithm) or len(algorithm.stages) != 1:
            return f"{title} is about SGD; got {getattr(algorithm, 'name', type(algorithm).__name__)}."
        (stage,) = algorithm.stages
        if stage.alpha != 1 or stage.beta != 0:
            return (
                f"{title} is about SGD; got alpha = {stage.alpha:g}, beta = {stage.beta:g}. Take alpha = 1, beta = 0."
            )
        if algorithm.batch != 1:
            return f"{title} is about one example a step; got batches of {algorithm.batch}."
        if algorithm.sampling != sampling:
            return f"{title} needs examples drawn {sampling}; got {algorithm.sampling}."
        most, eta = getattr(problem, "largest_step", math.inf), float(traits.step_sizes(algorithm).max())
        if eta > most * ROUNDING:
            return (
                f"{title} needs step sizes <= {most:.4g} on {problem.name}, for which its constants hold; "
                f"got {eta:.4g}. Take smaller steps."
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
