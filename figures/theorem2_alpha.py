"""The excess risk against alpha under Theorem 2, for small and large n and T, beside what equation 7 predicts."""

from __future__ import annotations

from figures import _alpha
from riskkit.report import plot

EXPERIMENT = "theorem2_alpha"


def draw(stored: plot.Stored) -> plot.Page | None:
    """The last iterate throughout."""
    page = _alpha.u(stored, "last")
    if page is not None:
        for verdict in stored.verdicts:
            if verdict["kind"] == "minimiser":
                page.quote(verdict)
    return page
