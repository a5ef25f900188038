"""Gradients to reach an error: first passages of each line, how they grow, and what is claimed and proved of them.

A *line* is one run: an algorithm on one problem and sample size, its cells in the order of their gradients.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from riskkit.algorithms import traits
from riskkit.algorithms.staged import Output
from riskkit.experiment.plan import Cell
from riskkit.experiment.readings import GradientsTo
from riskkit.experiment.runs import Run
from riskkit.judges.outcome import Outcome, Verdict, counted, starved, undecided
from riskkit.judges.rate import END_MARGIN
from riskkit.stats import slopes
from riskkit.stats.first_passage import Growth, Passage, PassageStatus, first_passages, growth
from riskkit.stats.jackknife import MINIMUM_VERDICT
from riskkit.stats.slopes import MARGIN, MINIMUM_POINTS
from riskkit.theory import bound as theory
from riskkit.theory.bound import Floats
from riskkit.verdicts.data import Data, listed, nothing_left, sound, with_losses
from riskkit.verdicts.finding import Finding, finding


@dataclasses.dataclass(frozen=True)
class Line:
    """The cells of one run, ascending; ``reason``: why it has no counts, where a checkpoint is not sound."""

    run: Run
    cells: tuple[Cell, ...]
    reason: str

    @property
    def head(self) -> Cell:
        return self.cells[0]

    @property
    def where(self) -> dict[str, float]:
        """The coordinates that tell it from other lines: those of its point and what its algorithm says of itself."""
        shown = {name: value for name, value in self.head.shown.items() if name != "batch" or value != 1}
        point = {name: value for name, value in self.head.point.items() if name != "gradients"}
        found = {"n": float(self.run.n), **shown, **point}
        return {name: float(value) for name, value in found.items() if not math.isnan(value)}

    @property
    def gradients(self) -> np.ndarray:
        return self.run.gradients([cell.rounds for cell in self.cells])


def lines(data: Data) -> list[Line]:
    """Every algorithm on every run that it reads."""
    groups: dict[tuple[str, str], list[Cell]] = {}
    for cell in data.plan.cells:
        groups.setdefault((cell.name, cell.address), []).append(cell)
    found = []
    for cells in groups.values():
        cells.sort(key=lambda cell: cell.rounds)
        good, bad = sound(data, cells)
        found.append(Line(cells[0].run, tuple(cells), "" if len(good) == len(cells) else bad[0]))
    return found


LOST = Passage(math.nan, math.nan, math.nan, math.nan, np.empty(0), np.empty(0, dtype=np.int64), PassageStatus.LOST)
"""Of a line that is not sound."""


class Count(NamedTuple):
    """The gradients after which one line's mean is first under eps.

    ``beside`` (with its 95% interval) is another quantity at the first checkpoint under eps. ``said``: what is claimed
    and proved, None where nothing speaks of the line. A line that is not sound has no count, and says why.
    """

    line: Line
    output: Output
    eps: float
    passage: Passage
    said: theory.Count | None
    claim: float
    proved: float
    beside: str
    mean: float
    low: float
    high: float

    def to_json(self) -> dict[str, Any]:
        return {
            "algorithm": self.line.head.name,
            **self.line.where,
            "output": self.output,
            "eps": self.eps,
            "gradients": self.passage.at,
            "low": self.passage.low,
            "high": self.passage.high if math.isfinite(self.passage.high) else math.nan,
            "status": str(self.passage.status),
            "reason": self.line.reason,
            "claim": self.claim,
            "proved": self.proved,
            self.beside: self.mean,
            f"{self.beside}_low": self.low,
            f"{self.beside}_high": self.high,
        }


def counted_lines(data: Data, reading: GradientsTo) -> list[Count]:
    """Every line, output and target."""
    targets = np.array(sorted(reading.eps, reverse=True))
    found: list[Count] = []
    if not targets.size or data.replicates < 2:
        return found
    for line in lines(data):
        said = _said(line, reading)
        if line.reason:
            # What is claimed is known without a measurement, and says whose statement is left undecided.
            claims = np.full(len(targets), math.nan) if said is None else said.claim(data.at([line.head]), targets)
            found += [
                Count(line, output, eps, LOST, said, claim, math.nan, reading.beside, math.nan, math.nan, math.nan)
                for output in traits.outputs(line.head.algorithm)
                for eps, claim in zip(targets.tolist(), claims.tolist(), strict=True)
            ]
            continue
        claims, proofs = _numbers(data, line, said, targets)
        for output in traits.outputs(line.head.algorithm):
            values = data.values(line.cells, reading.quantity, output)
            passages = first_passages(values, line.gradients, targets)
            under = values.mean()[:, None] <= targets
            other = slopes.estimate(data.values(line.cells, reading.beside, output))
            speaks = said is not None and output in said.outputs
            for e, passage in enumerate(passages):
                at = int(np.argmax(under[:, e]))
                seen = [math.nan] * 3
                if passage.status in (PassageStatus.REACHED, PassageStatus.UNDECIDED):
                    seen = [float(part[at]) for part in (other.mean, other.low, other.high)]
                claim, proved = (float(claims[e]), float(proofs[e])) if speaks else (math.nan, math.nan)
                found.append(
                    Count(line, output, float(targets[e]), passage, said, claim, proved, reading.beside, *seen)
                )
    return found


def _said(line: Line, reading: GradientsTo) -> theory.Count | None:
    """The first of the reading's counts that covers the line."""
    problem = line.run.problem
    if problem is None:
        return None
    return next((count for count in reading.counts if count.excludes(problem, line.head.algorithm) is None), None)


def _numbers(data: Data, line: Line, said: theory.Count | None, targets: Floats) -> tuple[Floats, Floats]:
    if said is None:
        nothing = np.full(len(targets), math.nan)
        return nothing, nothing
    at = data.at([line.head])
    return said.claim(at, targets), said.proved(at, targets)


def count_findings(data: Data, reading: GradientsTo, counts: Sequence[Count]) -> list[Finding]:
    """Along eps a verdict for each line and output; along the reading's coordinate one for each algorithm and output,
    from counts averaged over eps. Both from the counts that were reached; lines that are not sound are counted in the
    sentence."""
    found: list[Finding] = []
    for group, axis, where, least in fitted_groups(reading, counts):
        found += _growth(data, reading, group, axis, where, least)
    return found


Group = tuple[list[Count], str, dict[str, float], int]
"""Counts along one axis, the axis, what is held, and how many must have been reached."""


def fitted_groups(reading: GradientsTo, counts: Sequence[Count]) -> list[Group]:
    """What growth is fitted to: along eps for each line and output, along the reading's coordinate for each algorithm
    and output."""
    found: list[Group] = []
    along_eps: dict[tuple[Any, ...], list[Count]] = {}
    along_axis: dict[tuple[Any, ...], list[Count]] = {}
    for count in counts:
        along_eps.setdefault((count.line.head.name, count.line.run, count.output), []).append(count)
        if reading.along:
            held = tuple(_held(count, reading.along).items())
            along_axis.setdefault((count.line.head.name, held, count.output), []).append(count)
    for group in along_eps.values():
        found.append((group, "eps", dict(group[0].line.where), MINIMUM_POINTS))
    for group in along_axis.values():
        averaged = _averaged(group)
        values = [count.line.where[reading.along] for count in averaged if reading.along in count.line.where]
        if len(set(values)) == len(averaged):
            found.append((averaged, reading.along, _held(group[0], reading.along), MINIMUM_POINTS - 1))
    return found


def _averaged(group: Sequence[Count]) -> list[Count]:
    """For each line one count, the geometric mean over the targets that all lines of the group reach that reach any.

    Where an algorithm halves its step from stage to stage its counts are a staircase with a stair an octave: that of
    one eps is off by up to 2, at another phase for each line. Over targets that sample the phases it averages out.
    """
    by_line: dict[Run, list[Count]] = {}
    for count in group:
        by_line.setdefault(count.line.run, []).append(count)
    reached = [{count.eps for count in own if _fitted(count.passage)} for own in by_line.values()]
    common = set.intersection(*(own for own in reached if own)) if any(reached) else set()
    return [_mean(own[0], [count for count in own if count.eps in common]) for own in by_line.values()]


def _mean(head: Count, counts: Sequence[Count]) -> Count:
    """The geometric mean of a line's counts that stand; ``head`` without a passage where there are none."""
    counts = [count for count in counts if _fitted(count.passage)]
    if not counts:
        return head._replace(passage=LOST)
    passages = [count.passage for count in counts]
    at = math.exp(float(np.mean([math.log(passage.at) for passage in passages])))
    smooth = float(np.mean([passage.smooth for passage in passages]))
    leaves = np.mean([passage.leaves for passage in passages], axis=0)
    passage = Passage(at, math.nan, math.nan, smooth, leaves, passages[0].sizes, PassageStatus.REACHED)
    with np.errstate(divide="ignore", invalid="ignore"):
        claim, proved = (
            float(np.exp(np.mean(np.log([getattr(count, what) for count in counts])))) for what in ("claim", "proved")
        )
    return head._replace(passage=passage, claim=claim, proved=proved)


def _held(count: Count, axis: str) -> dict[str, float]:
    """What is held along another coordinate than eps: n, k, alpha and the line's other coordinates, but for what the
    algorithm derives from the coordinate itself."""
    point = count.line.head.point
    return {
        name: value
        for name, value in count.line.where.items()
        if name in ("n", "k", "alpha") or (name in point and name != axis)
    }


def _growth(
    data: Data, reading: GradientsTo, group: Sequence[Count], axis: str, where: dict[str, float], least: int
) -> list[Finding]:
    """The exponent of the counts in 1/eps or another 1/coordinate, and what claim and proof have on the same points;
    nothing where fewer than ``least`` targets were reached, unless that is because cells have no value."""
    name, output, said = group[0].line.head.name, group[0].output, group[0].said
    reached = [count for count in group if _fitted(count.passage)]
    lost = [count for count in group if count.line.reason]
    cells = list(dict.fromkeys(cell for count in lost for cell in count.line.cells))
    each = "eps" if axis == "eps" else "eps, the mean over targets,"
    about = f"gradients of {name} ({output} iterate) to reach {each} ({listed(where)})"

    def made(judged: Verdict) -> list[Finding]:
        return [
            finding(
                "count" if said is None else said.name,
                judged,
                title="" if said is None else said.title,
                algorithm=name,
                form="claim" if any(math.isfinite(count.claim) for count in reached or group) else "proved",
                axis=axis,
                where=where,
                quantity="gradients",
                output=output,
            )
        ]

    if len(reached) < least:
        if len(reached) + len(lost) < least or not lost:
            return []
        return made(nothing_left("count", about, data, cells, axis=axis))
    if (fitted := _claimed(reached, axis)) is None:
        return []
    if data.replicates < MINIMUM_VERDICT:
        return made(starved(undecided("count", about, data.replicates, axis=axis, points=len(reached))))
    reached, coordinate, claim, proved = fitted
    passages = [count.passage for count in reached]
    curve = [float(count.proved if math.isnan(claim) else count.claim) for count in reached]
    gap, end = _gaps(passages, curve, coordinate)
    against = proved if math.isnan(claim) else claim
    exact = all(data.exact_cells(count.line.cells, reading.quantity, output) for count in reached)
    draft = dataclasses.replace(
        undecided("count", about, data.replicates, axis=axis, points=gap.points, exact=exact),
        slope=gap.slope + against,
        slope_low=gap.low + against,
        slope_high=gap.high + against,
        claim_slope=against,
        explicit_slope=proved,
        difference=gap.slope,
        difference_low=gap.narrow_low,
        difference_high=gap.narrow_high,
        ratio=passages[-1].at / curve[-1],
        start=min(coordinate),
        stop=max(coordinate),
    )
    rival = "the proved counts" if math.isnan(claim) else "the claim"
    return made(with_losses(judge_growth(draft, gap, end, rival), data, cells))


def _claimed(reached: Sequence[Count], axis: str) -> tuple[list[Count], list[float], float, float] | None:
    """Reached counts in the order of the coordinate 1/eps or 1/axis, the coordinate, and how claim and proof grow in it
    (nan for the one that has no numbers); None where neither has."""
    ordered = sorted(reached, key=lambda count: -(count.eps if axis == "eps" else count.line.where[axis]))
    coordinate = [1 / (count.eps if axis == "eps" else count.line.where[axis]) for count in ordered]
    claim, proved = (_curve_slope([getattr(c, what) for c in ordered], coordinate) for what in ("claim", "proved"))
    return None if math.isnan(claim) and math.isnan(proved) else (ordered, coordinate, claim, proved)


def _gaps(passages: Sequence[Passage], curve: Sequence[float], coordinate: Sequence[float]) -> tuple[Growth, Growth]:
    """How counts / curve grow over all points, and over the last half of them."""
    last = max(len(passages) - max(MINIMUM_POINTS - 1, math.ceil(len(passages) / 2)), 0)
    gap, end = (_excess(passages[first:], curve[first:], coordinate[first:]) for first in (0, last))
    return gap, end


def growth_over_claim(group: Sequence[Count], axis: str, least: int) -> list[tuple[Growth, float]] | None:
    """What a group's verdict rests on, each with its margin; None where too few targets were reached for one, or
    nothing is claimed."""
    reached = [count for count in group if _fitted(count.passage)]
    fitted = _claimed(reached, axis) if len(reached) >= least else None
    if fitted is None:
        return None
    ordered, coordinate, claim, _ = fitted
    curve = [float(count.proved if math.isnan(claim) else count.claim) for count in ordered]
    gap, end = _gaps([count.passage for count in ordered], curve, coordinate)
    return [(gap, MARGIN), (end, END_MARGIN * MARGIN)]


def _fitted(passage: Passage) -> bool:
    """Whether a count may stand among those whose growth is fitted."""
    known = math.isfinite(passage.smooth) and bool(np.isfinite(passage.leaves).all())
    return passage.status is PassageStatus.REACHED and known


def _excess(passages: Sequence[Passage], curve: Sequence[float], coordinate: Sequence[float]) -> Growth:
    """How counts / curve grow in the coordinate."""
    ratios = [math.exp(passage.smooth) / value for passage, value in zip(passages, curve, strict=True)]
    leaves = [passage.leaves - math.log(value) for passage, value in zip(passages, curve, strict=True)]
    return growth(ratios, leaves, passages[0].sizes, coordinate)


def judge_growth(draft: Verdict, gap: Growth, end: Growth, rival: str) -> Verdict:
    """Do counts grow as claimed? ``gap`` is the exponent of counts / claim, ``end`` that of the last half of them, and
    ``rival`` names the claim, or the proved counts where none is stated.

    TIGHT: the gap is equivalent to 0, and at the end within twice the margin. LOOSE: the gap lies below -margin, and at
    the end below 0.
    """
    axis, alpha = draft.axis, 0.05
    interval = "" if draft.exact else f" [{draft.slope_low:.3f}, {draft.slope_high:.3f}]"
    found = (
        f"the counts grow like (1/{axis})^{draft.slope:.3f}{interval}, {rival} "
        f"like (1/{axis})^{draft.claim_slope:.3f} on the same {counted(draft.points, 'point')}"
        f"{' (exact expectations)' if draft.exact else ''}"
    )
    if rival == "the claim" and math.isfinite(draft.explicit_slope):
        found += f", the proved counts like (1/{axis})^{draft.explicit_slope:.3f}"

    def p_beyond(grown: Growth, edge: float) -> float:
        """Against a gap of at most ``edge`` > 0, or of at least ``edge`` < 0."""
        return slopes.tail(math.copysign(1.0, edge) * (grown.slope - edge), grown.se, grown.df)

    def p_inside(grown: Growth, margin: float) -> float:
        return max(slopes.tail(margin + side * grown.slope, grown.se, grown.df) for side in (-1, 1))

    within = max(p_inside(gap, MARGIN), p_inside(end, END_MARGIN * MARGIN))
    loose = max(2 * p_beyond(gap, -MARGIN), slopes.tail(-end.slope, end.se, end.df))
    if within <= alpha:
        return draft.concluded(Outcome.TIGHT, found, within)
    if loose <= alpha:
        fewer = "fewer than claimed" if rival == "the claim" else "fewer than proved"
        return draft.concluded(Outcome.LOOSE, f"{found}: {fewer}", loose)
    if 2 * p_beyond(gap, MARGIN) <= alpha:
        # An O(.) on a bounded window is not refuted by a steeper slope.
        reason = f"steeper than {rival} on this window, which bounds what happens as 1/{axis} grows without limit only"
        return draft.concluded(Outcome.PRE_ASYMPTOTIC, f"{found}: {reason}")
    return draft.concluded(Outcome.INCONCLUSIVE, found, min(loose, within))


def _curve_slope(values: Sequence[float], coordinate: Sequence[float]) -> float:
    y, u = np.asarray(values, dtype=np.float64), np.log(coordinate)
    if not (np.isfinite(y).all() and (y > 0).all()):
        return math.nan
    return float(np.polyfit(u, np.log(y), 1)[0])
