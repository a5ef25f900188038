"""What is measured of a run, replicate by replicate: the excess risk and its parts, and stability.

    optimization      F_S(theta) - F_S(theta*_S)
    generalization    F(theta)   - F_S(theta)          signed
    excess            F(theta)   - F_S(theta*_S)       the sum of the two
    population_excess F(theta)   - F(theta*)           the classical notion
    distance          ||theta - theta*_S||^2
    path_moment       mean over the steps so far of ||grad l(v_j; z_j)||^2 (the same for both outputs)

and, from a run on S^i (S with the example i exchanged for a fresh one) with the same indices, the *coupled* run,

    replace_one       l(theta(S^i); z_i) - l(theta(S); z_i): its expectation is that of the generalization error, since
                      theta(S^i) does not depend on z_i and i is drawn uniformly
    stability         ||theta(S) - theta(S^i)||
    path_stability    the largest stability at the checkpoints so far
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

QUANTITIES = (
    "optimization",
    "generalization",
    "excess",
    "population_excess",
    "distance",
    "path_moment",
    "replace_one",
    "stability",
    "path_stability",
)
COUPLED = ("replace_one", "stability", "path_stability")
DATASET = ("start_distance", "start_gap", "gradient_at_minimiser", "control", "control_start", "control_pairs")
FOLLOWED = ("optimization", "generalization", "excess", "stability")
"""Quantities that a run on a companion problem is a control variate of (``riskkit.measure.companion``)."""


def followed(quantity: str) -> str:
    """The name under which a quantity's control variate of each cell stands among a run's values."""
    return f"{quantity}_followed"


CONTROLS = tuple(map(followed, FOLLOWED))


@dataclasses.dataclass(frozen=True)
class Measured:
    """One run on consecutive replicates first .. first + R - 1, read at K checkpoints; O = 2 outputs.

    Attributes:
        run: content address of the run.
        first: number of the first replicate.
        rounds: int64 (K,), the checkpoints.
        values: quantity -> float64 (R, K, O), outputs in the order of ``OUTPUTS``.
        dataset: name -> float64 (R,): start_distance ||theta_0 - theta*_S||^2, start_gap F_S(theta_0) - F_S*,
            gradient_at_minimiser ||grad F_S(theta*_S)||^2, and of expectation 0 control F(theta*) - F_S(theta*),
            control_start F(theta_0) - F_S(theta_0) and control_pairs, the mean product of the gradients at theta* of
            two examples (for smooth losses and a theta* inside Theta).
        diverged_at: int64 (R,), gradients after which the parameters left the range, -1 if they did not.
        engine: which engine ran it.
    """

    run: str
    first: int
    rounds: np.ndarray
    values: Mapping[str, np.ndarray]
    dataset: Mapping[str, np.ndarray]
    diverged_at: np.ndarray
    engine: str
