"""The U of the excess risk in alpha on least squares with many scales, n below and above d."""

from __future__ import annotations

from figures import _alpha
from riskkit.report import plot

EXPERIMENT = "theorem1_power_law"


def draw(stored: plot.Stored) -> plot.Page | None:
    """The averaged iterate throughout."""
    return _alpha.u(stored, "average")
