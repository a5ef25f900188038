"""All that is found of an experiment: one judge a reading, and one family of verdicts."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

from riskkit.experiment.readings import (
    Best,
    Exact,
    Follows,
    GradientsTo,
    Paired,
    Quantiles,
    Reaches,
    Same,
    Smaller,
    Tuned,
    Unbiased,
)
from riskkit.judges.outcome import adjust
from riskkit.verdicts.best import BestValue, best_findings, best_values
from riskkit.verdicts.bounds import RunningExponents, bound_findings, running
from riskkit.verdicts.comparisons import comparisons, uncompared
from riskkit.verdicts.counts import Count, count_findings, counted_lines
from riskkit.verdicts.data import Data
from riskkit.verdicts.exact_values import (
    estimator_findings,
    exact_findings,
    limit_findings,
    same_findings,
    unbiased_findings,
)
from riskkit.verdicts.finding import Comparison, Finding
from riskkit.verdicts.known import follows_findings, reaches_findings, smaller_findings
from riskkit.verdicts.quantiles import QuantileOf, quantile_answers


class Answer(NamedTuple):
    """What one judge found of its reading: verdicts, and the numbers that they rest on."""

    findings: list[Finding] = []  # noqa: RUF012 (never written to)
    counts: list[Count] = []  # noqa: RUF012
    best: list[BestValue] = []  # noqa: RUF012
    quantiles: list[QuantileOf] = []  # noqa: RUF012


@functools.singledispatch
def judge(reading: Any, data: Data) -> Answer:
    """The judge of a reading; another kind of reading registers its own (``judge.register``). TypeError for one
    that has none."""
    raise TypeError(
        f"{data.plan.experiment.name}: readings must be Exact, Best, Follows, GradientsTo, Paired, Quantiles, Reaches, "
        f"Same, Smaller, Tuned, Unbiased, or of a class with a judge of its own; got {type(reading).__name__}."
    )


@judge.register
def _(reading: Exact, data: Data) -> Answer:
    return Answer(findings=exact_findings(data, reading))


@judge.register
def _(reading: Best, data: Data) -> Answer:
    best = best_values(data, reading)
    return Answer(findings=best_findings(data, reading, best), best=best)


@judge.register
def _(reading: GradientsTo, data: Data) -> Answer:
    counts = counted_lines(data, reading)
    return Answer(findings=count_findings(data, reading, counts), counts=counts)


@judge.register
def _(reading: Unbiased, data: Data) -> Answer:
    return Answer(findings=unbiased_findings(data, reading))


@judge.register
def _(reading: Same, data: Data) -> Answer:
    return Answer(findings=same_findings(data, reading))


@judge.register
def _(reading: Smaller, data: Data) -> Answer:
    return Answer(findings=smaller_findings(data, reading))


@judge.register
def _(reading: Follows, data: Data) -> Answer:
    return Answer(findings=follows_findings(data, reading))


@judge.register
def _(reading: Reaches, data: Data) -> Answer:
    return Answer(findings=reaches_findings(data, reading))


@judge.register
def _(reading: Quantiles, data: Data) -> Answer:
    findings, measured = quantile_answers(data, reading)
    return Answer(findings=findings, quantiles=measured)


@judge.register(Paired)
@judge.register(Tuned)
def _(reading: Paired | Tuned, data: Data) -> Answer:
    return Answer()  # comparisons are one family of their own


class Found(NamedTuple):
    """Everything that is said of an experiment.

    Attributes:
        findings: the verdicts, Holm-adjusted as one family.
        comparisons: Holm-adjusted as another.
        uncompared: a sentence for each comparison in which some cells had no part.
        running, counts, best, quantiles: numbers beside the verdicts.
    """

    findings: list[Finding]
    comparisons: list[Comparison]
    uncompared: list[str]
    running: list[RunningExponents]
    counts: list[Count]
    best: list[BestValue]
    quantiles: list[QuantileOf]


def find(data: Data) -> Found:
    """What bounds and readings say of what was measured."""
    answers = [judge(reading, data) for reading in data.plan.experiment.readings]
    found = [
        *bound_findings(data),
        *(one for answer in answers for one in answer.findings),
        *limit_findings(data),
        *estimator_findings(data),
    ]
    adjusted = adjust([one.verdict for one in found])
    return Found(
        findings=[one._replace(verdict=v) for one, v in zip(found, adjusted, strict=True)],
        comparisons=comparisons(data),
        uncompared=uncompared(data),
        running=running(data),
        counts=[count for answer in answers for count in answer.counts],
        best=[value for answer in answers for value in answer.best],
        quantiles=[value for answer in answers for value in answer.quantiles],
    )
