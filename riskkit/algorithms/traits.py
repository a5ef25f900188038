"""What is asked of any algorithm: a staged lookahead, or a method of one's own.

An algorithm may answer each question by an attribute or a method of the name that is given; where it has none, the
answer is the default that is right for a method with ``init, query, step, output`` and a number of ``steps``.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from riskkit.algorithms.scheme import Scheme
from riskkit.algorithms.staged import OUTPUTS, Algorithm, Output, Sampling
from riskkit.algorithms.steps import described, first_size

Algorithmic = Any
"""A staged lookahead (``Algorithm``) or a method of one's own (``Method``)."""


def rounds(algorithm: Algorithmic) -> int:
    """``rounds``: how many rounds there are, which checkpoints count; default ``steps``: a round is one step."""
    return int(getattr(algorithm, "rounds", algorithm.steps))


def batch(algorithm: Algorithmic) -> int:
    """``batch``: how many examples each step draws; default 1."""
    return int(getattr(algorithm, "batch", 1))


def work(algorithm: Algorithmic) -> float:
    """``work``: gradients in all for each replicate, for the prediction of times; default: batch times steps."""
    return float(getattr(algorithm, "work", batch(algorithm) * algorithm.steps))


def steps_after(algorithm: Algorithmic, after: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """``steps_after(rounds)``: steps taken when the given rounds end; default: as many as rounds."""
    asked = np.asarray(after, dtype=np.int64)
    own = getattr(algorithm, "steps_after", None)
    return asked if own is None else np.asarray(own(asked), dtype=np.int64)


def gradients(algorithm: Algorithmic, after: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Stochastic gradients taken when the given rounds end: ``batch`` of them a step."""
    return batch(algorithm) * steps_after(algorithm, after)


def stage_ends(algorithm: Algorithmic) -> npt.NDArray[np.int64]:
    """``stage_ends``: the rounds with which stages end, (Q,); default: the last round."""
    return np.asarray(getattr(algorithm, "stage_ends", [rounds(algorithm)]), dtype=np.int64)


def outputs(algorithm: Algorithmic) -> tuple[Output, ...]:
    """``outputs``: which of ``last`` and ``average`` it has; default both. Bounds on another do not cover it."""
    stated = getattr(algorithm, "outputs", OUTPUTS)
    return tuple(name for name in OUTPUTS if name in stated) or OUTPUTS


def outputs_fault(algorithm: Algorithmic) -> str | None:
    """What is wrong with the ``outputs`` that it states, or None."""
    stated = getattr(algorithm, "outputs", OUTPUTS)
    if isinstance(stated, tuple) and stated and set(stated) <= set(OUTPUTS):
        return None
    return f"outputs must be a tuple of {' and '.join(OUTPUTS)}, or of one of them; got {stated!r}"


def overshoots(algorithm: Algorithmic) -> bool:
    """Whether a stage has alpha > 1: its slow weights may then leave a ball that all fast weights are in."""
    return max((stage.alpha for stage in getattr(algorithm, "stages", ())), default=0.0) > 1


def passed_on(algorithm: Algorithmic) -> Output:
    """``passed_on``: the output that it is run for; default ``last``, or the only one."""
    return getattr(algorithm, "passed_on", outputs(algorithm)[0])


def sampling(algorithm: Algorithmic) -> Sampling:
    """``sampling``: how examples are drawn; default with replacement."""
    drawn: Sampling = getattr(algorithm, "sampling", "with replacement")
    return drawn


def shown(algorithm: Algorithmic) -> dict[str, float]:
    """``shown()``: what tables say of it beside its name, numbers by name (k, alpha, eta, beta, batch, ...); default:
    its numeric fields but ``steps``, and eta, the first size of what it calls ``step_sizes``."""
    own = getattr(algorithm, "shown", None)
    if own is not None:
        return dict(own())
    found = {"k": 1.0, "alpha": 1.0, "beta": 0.0}
    if dataclasses.is_dataclass(algorithm):
        for field in dataclasses.fields(algorithm):
            value = getattr(algorithm, field.name)
            if (
                field.compare
                and field.name != "steps"
                and isinstance(value, int | float)
                and not isinstance(value, bool)
            ):
                found[field.name] = float(value)
    sizes = getattr(algorithm, "step_sizes", None)
    found.setdefault("eta", math.nan if sizes is None else first_size(sizes, 1, 1))
    return found


def schedule(algorithm: Algorithmic) -> str:
    """``schedule``: the step sizes as text; default: what it calls ``step_sizes``, or "its own"."""
    own = getattr(algorithm, "schedule", None)
    sizes = getattr(algorithm, "step_sizes", None)
    return own if isinstance(own, str) else "its own" if sizes is None else described(sizes)


def step_sizes(algorithm: Algorithmic) -> npt.NDArray[np.float64]:
    """eta_j of every step, (J,): of its stages, one after the other, or of what it calls ``step_sizes``, which is a
    schedule. Raises ValueError where it has neither."""
    stages, own = getattr(algorithm, "stages", ()), getattr(algorithm, "step_sizes", None)
    if stages:
        return np.concatenate([np.asarray(stage.step.sizes(stage.T, stage.k), dtype=np.float64) for stage in stages])
    if own is None:
        raise ValueError(f"the step sizes of {algorithm.name} are not known: it has no attribute step_sizes.")
    return np.asarray(own.sizes(algorithm.steps, 1), dtype=np.float64)


def without_horizon(algorithm: Algorithmic) -> Any:
    """``without_horizon()``: what identifies it but for how long it runs, so that a shorter run is the beginning of a
    longer one; default: itself, which shares with no other length."""
    own = getattr(algorithm, "without_horizon", None)
    return algorithm if own is None else own()


def begun(algorithm: Algorithmic, steps: int) -> Any:
    """``begun(steps)``: its beginning, of about so many steps, to try how long it takes; default: the same with that
    number of ``steps``, where this is a field that may be less, else itself."""
    own = getattr(algorithm, "begun", None)
    if own is not None:
        return own(steps)
    named = dataclasses.is_dataclass(algorithm) and any(f.name == "steps" for f in dataclasses.fields(algorithm))
    if not named or algorithm.steps <= steps:
        return algorithm
    try:
        return dataclasses.replace(algorithm, steps=steps)
    except Exception:  # whatever it asks of its fields
        return algorithm


def has_scheme(algorithm: Algorithmic) -> bool:
    """Whether it is one: ``scheme`` does not answer with None."""
    return isinstance(algorithm, Algorithm) or getattr(algorithm, "scheme", None) is not None


def scheme(algorithm: Algorithmic, radius: float | None) -> Scheme | None:
    """``scheme()``: the method as numbers and formulas; default: None, but for a staged lookahead, whose Theta is the
    problem's, of this ``radius``."""
    if isinstance(algorithm, Algorithm):
        return Scheme(algorithm.stages, radius=radius, batch=algorithm.batch, anchor_every=algorithm.anchor_every)
    own = getattr(algorithm, "scheme", None)
    return None if own is None else own()


def canonical(algorithm: Algorithmic) -> tuple[Algorithmic, int]:
    """``canonical()``: an algorithm with the same numbers and how many of its rounds make one of this one's; default:
    itself, and 1."""
    own = getattr(algorithm, "canonical", None)
    return (algorithm, 1) if own is None else own()
