"""The words, and the sentence around each: what every verdict is made of, whatever it judges.

A verdict on its own is tested at its own level. A family of verdicts, declared beforehand, is adjusted by Holm's
procedure, and an assertion that does not survive becomes INCONCLUSIVE.
"""

from __future__ import annotations

import dataclasses
import enum
import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from riskkit.identity import short
from riskkit.stats.jackknife import MINIMUM_VERDICT, SEEN
from riskkit.stats.multiplicity import LEAST, cautious, holm, p_text

Kind = Literal["level", "rate", "exponent", "limit", "identity", "count", "minimiser"]


class Outcome(enum.StrEnum):
    """The words; the module of each judge says when it uses them."""

    HOLDS = "HOLDS"
    VIOLATED = "VIOLATED"
    TIGHT = "TIGHT"
    LOOSE = "LOOSE"
    REFUTED = "REFUTED"
    AGREES = "AGREES"
    DISAGREES = "DISAGREES"
    DETECTED = "DETECTED"
    MISSED = "MISSED"
    VACUOUS = "VACUOUS"
    NOT_DECAYING = "NOT DECAYING"
    TOO_FEW_POINTS = "TOO FEW POINTS"
    PRE_ASYMPTOTIC = "PRE-ASYMPTOTIC"
    INCONCLUSIVE = "INCONCLUSIVE"
    NOT_COVERED = "NOT COVERED"


ASSERTIONS = frozenset(
    {
        Outcome.HOLDS,
        Outcome.VIOLATED,
        Outcome.TIGHT,
        Outcome.LOOSE,
        Outcome.REFUTED,
        Outcome.AGREES,
        Outcome.DISAGREES,
        Outcome.DETECTED,
        Outcome.MISSED,
    }
)
"""Outcomes that assert something of the truth behind the data."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verdict:
    """An outcome, the sentence that states it, and the numbers in the sentence; nan where a number does not apply.

    Attributes:
        outcome, kind, subject: the word, the kind of question, and what it is about.
        finding: the numbers as a clause.
        replicates: R.
        exact: the numbers are expectations, equal in every replicate; nothing is tested, and the outcome is exact.
        p_value: of the assertion that the outcome makes or, if INCONCLUSIVE, of the one that came nearest; below .01
            more cautious than its test (``riskkit.stats.multiplicity``), and plain numbers and sentences stop at .001.
        p_adjusted, family: after Holm over a family of that many tests; p_value and 1 for a verdict on its own.
        ratio: largest measured / bound (level), measured / claim at the end of the window (rate), or measured / exact
            in the cell that is farthest off (identity).
        axis: of a rate or exponent.
        slope, slope_low, slope_high: measured exponent and its 95% interval.
        claim_slope, explicit_slope: of the curves on the same points with the same weights (claim_slope: the oracle's,
            in a verdict on an exponent).
        difference, difference_low, difference_high: slope of measured / claim (or oracle) and its 90% interval.
        asymptote, asymptote_distance: the exponent in the limit, and the measured one minus it.
        start, stop: first and last x of the window.
        points: in the window (rate), cells judged (level, identity).
        exceeded: of those, the cells in which the band lies above the bound (level).
        replicates_needed: about how many would decide, if the means stay where they are.
        against: what it is compared with, in words; "" where the subject says so.
    """

    outcome: Outcome
    kind: Kind
    subject: str
    finding: str
    replicates: int
    exact: bool = False
    p_value: float = math.nan
    p_adjusted: float = math.nan
    family: int = 1
    ratio: float = math.nan
    axis: str = ""
    slope: float = math.nan
    slope_low: float = math.nan
    slope_high: float = math.nan
    claim_slope: float = math.nan
    explicit_slope: float = math.nan
    difference: float = math.nan
    difference_low: float = math.nan
    difference_high: float = math.nan
    asymptote: float = math.nan
    asymptote_distance: float = math.nan
    start: float = math.nan
    stop: float = math.nan
    points: int = 0
    exceeded: int = 0
    replicates_needed: float = math.nan
    against: str = ""

    @property
    def sentence(self) -> str:
        """Subject, what it is compared with, outcome and finding, to be pasted into a paper."""
        against = f", against {self.against}" if self.against else ""
        return f"{self.subject}{against}: {self.outcome}: {self.finding}."

    @property
    def basis(self) -> str:
        """What the numbers rest on: ``exact expectations``, ``256 replicates``."""
        return "exact expectations" if self.exact else counted(self.replicates, "replicate")

    @property
    def asserts(self) -> bool:
        """True if the outcome says something of the truth behind the data."""
        return self.outcome in ASSERTIONS

    def concluded(self, outcome: Outcome, finding: str, p_value: float = math.nan, needed: float = math.nan) -> Verdict:
        """The same numbers with a conclusion; ``p_value`` as the test has it, ``needed``: the replicates that would
        decide. What is exact has none, and no number of replicates would change it.

        What fewer than ``SEEN`` replicates would assert by a test stays INCONCLUSIVE: they may have missed values that
        are rare and large, and carry the mean. (Levels know when the range of the loss excludes such values.)
        """
        if self.exact:
            p_value = needed = math.nan
        tested = p_value == p_value and outcome in ASSERTIONS
        if tested and self.kind != "level" and self.replicates < SEEN:
            finding = (
                f"{finding}; {outcome} but that {self.replicates} replicates may miss a value seen in 1 of 40 ({SEEN} "
                "are needed)"
            )
            outcome, needed = Outcome.INCONCLUSIVE, float(SEEN)
        p_value = min(1.0, cautious(p_value)) if p_value == p_value else p_value
        return dataclasses.replace(
            self, outcome=outcome, finding=finding, p_value=p_value, p_adjusted=p_value, replicates_needed=needed
        )

    def to_json(self) -> dict[str, str | float | int | None]:
        """The fields and the sentence as plain strings and numbers, None for nan and infinities; a p-value below .001
        stands as .001."""
        plain: dict[str, str | float | int | None] = {"sentence": self.sentence}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, str):
                plain[field.name] = str(value)
            elif isinstance(value, int):
                plain[field.name] = value
            else:
                known = max(value, LEAST) if field.name in ("p_value", "p_adjusted") else value
                plain[field.name] = float(known) if math.isfinite(known) else None
        return plain


def undecided(
    kind: Kind, subject: str, replicates: int, *, axis: str = "", points: int = 0, exact: bool = False
) -> Verdict:
    """INCONCLUSIVE with nothing found: what a judge starts from."""
    return Verdict(
        outcome=Outcome.INCONCLUSIVE,
        kind=kind,
        subject=subject,
        finding="nothing was found",
        replicates=replicates,
        axis=axis,
        points=points,
        exact=exact,
    )


def starved(draft: Verdict) -> Verdict:
    """INCONCLUSIVE for want of replicates."""
    finding = f"{counted(draft.replicates, 'replicate')}, and a verdict needs {MINIMUM_VERDICT}"
    return draft.concluded(Outcome.INCONCLUSIVE, finding, needed=MINIMUM_VERDICT)


def not_covered(kind: Kind, reason: str, *, subject: str) -> Verdict:
    """The verdict where the problem or the run fails a hypothesis of the bound; ``reason`` names it."""
    return undecided(kind, subject, 0).concluded(Outcome.NOT_COVERED, reason.rstrip(". "))


def adjust(verdicts: Sequence[Verdict], *, alpha: float = 0.05) -> list[Verdict]:
    """The verdicts of a family declared beforehand, with Holm-adjusted p-values; in the order given.

    An assertion whose adjusted p-value exceeds alpha becomes INCONCLUSIVE and says so. Each verdict asserts at most one
    of several exclusive things, as a two-sided test does with its direction; Holm's procedure keeps the probability of
    any false assertion under alpha for directional decisions too (Shaffer 1980, for independent tests). Verdicts
    without a test (exact ones, VACUOUS, NOT COVERED, too few replicates) do not count.
    """
    adjusted = holm([verdict.p_value for verdict in verdicts])
    family = int(np.count_nonzero(~np.isnan(adjusted)))
    decided = []
    for verdict, p in zip(verdicts, adjusted, strict=True):
        if math.isnan(p):
            decided.append(verdict)
            continue
        outcome, finding = verdict.outcome, verdict.finding
        if verdict.asserts and p > alpha:
            finding = (
                f"{outcome} on its own ({p_text(verdict.p_value)}) but not after Holm over a family of {family} "
                f"({p_text(p)}); {finding}"
            )
            outcome = Outcome.INCONCLUSIVE
        elif verdict.asserts:
            finding = f"{finding}; {p_text(p)} after Holm over a family of {family}"
        decided.append(
            dataclasses.replace(verdict, outcome=outcome, finding=finding, p_adjusted=float(p), family=family)
        )
    return decided


def counted(number: int, noun: str) -> str:
    """``1 cell``, ``2 cells``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def caveat(draft: Verdict, what: str) -> str:
    """What a confirmation does not say: ``simulation never proves a bound``."""
    return f"exact where it was tested, which proves no {what}" if draft.exact else f"simulation never proves a {what}"


def afford(needed: float) -> str:
    """The clause that says how many replicates would decide; empty where none would."""
    return f"; about {short(needed, 2)} replicates would decide" if math.isfinite(needed) and needed > 0 else ""
