"""What judges find: verdicts, and comparisons of algorithms."""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple

from riskkit.experiment.plan import Cell
from riskkit.judges.outcome import Verdict
from riskkit.stats.multiplicity import LEAST

VerdictForm = Literal["claim", "published", "proved", "exact", "comparison"]
"""What a verdict holds the measurements to: a bound's form, a value known exactly, or another measurement."""

Group = Literal["source", "rederived", "self-check"]
"""Whose statement it is: the source's own, one re-derived here, or the toolkit's agreement with itself."""

GROUPS: dict[VerdictForm, Group] = {
    "claim": "source",
    "published": "source",
    "proved": "rederived",
    "exact": "self-check",
    "comparison": "self-check",
}


class Finding(NamedTuple):
    """A verdict and what it is about.

    Attributes:
        bound: the name of the bound, or of what else is tested; with algorithm, axis and where it is the verdict's key.
        title: as sentences call it.
        algorithm: by its name in the experiment; "" for a statement about several.
        form, group: see above.
        axis, where: along which coordinate, and what is held; None and {} for all cells.
        over_proved: of a published bound, the least and the most of published / proved over the cells where both say
            something.
    """

    bound: str
    title: str
    algorithm: str
    form: VerdictForm
    axis: str | None
    where: dict[str, float]
    quantity: str
    output: str
    verdict: Verdict
    group: Group
    over_proved: tuple[float, float] | None = None

    def to_json(self) -> dict[str, Any]:
        """As verdict.json has it."""
        about = {name: value for name, value in self._asdict().items() if name != "verdict"}
        return {**about, **self.verdict.to_json()}


def finding(
    bound: str,
    verdict: Verdict,
    *,
    title: str,
    algorithm: str,
    form: VerdictForm,
    quantity: str,
    output: str,
    axis: str | None = None,
    where: dict[str, float] | None = None,
    group: Group | None = None,
) -> Finding:
    """A Finding; without ``group`` the one that goes with the form."""
    return Finding(bound, title, algorithm, form, axis, where or {}, quantity, output, verdict, group or GROUPS[form])


class Comparison(NamedTuple):
    """An algorithm against another on common random numbers: the ratio of their means, with its interval.

    Attributes:
        note: how they were chosen, in words.
        where: the coordinates of the first, and the other's alpha, beta and eta under ``against_<name>``.
        ratio: of the means; nan where a minimum is known as an interval only.
        difference: of the means, from which such a minimum cancels; else nan.
        low, high: 95% interval of the one that is known.
        p_value, p_adjusted: two-sided, and after Holm; nan for too few replicates and for exact means, in plain numbers
            at least .001.
    """

    algorithm: str
    against: str
    note: str
    where: dict[str, float]
    quantity: str
    output: str
    ratio: float
    difference: float
    low: float
    high: float
    p_value: float
    p_adjusted: float = math.nan

    @property
    def outcome(self) -> str:
        """ "smaller" or "larger" if the adjusted p-value is at most .05, or both means are exact, else "undecided"."""
        if not (self.p_adjusted <= 0.05 or (math.isnan(self.p_value) and self.low == self.high)):
            return "undecided"
        return "smaller" if self.ratio < 1 or self.difference < 0 else "larger"

    def to_json(self) -> dict[str, Any]:
        """As verdict.json has it."""
        fields = {name: value for name, value in self._asdict().items() if name not in ("where", "note")}
        fields["against"] = f"{self.against}{self.note}"
        fields |= {name: max(fields[name], LEAST) for name in ("p_value", "p_adjusted")}
        return {**self.where, **fields, "outcome": self.outcome}


def coordinates(cell: Cell) -> dict[str, float]:
    """A cell's coordinates: those of its point, and what its algorithm says of itself (T: rounds taken)."""
    found = {"n": float(cell.run.n), "T": float(cell.taken), **cell.shown, **cell.point}
    return {name: float(value) for name, value in found.items() if not math.isnan(value)}
