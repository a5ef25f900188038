"""Table and verdicts of an experiment, a function of its shards and of the question in run.json."""

from __future__ import annotations

import dataclasses
import io
import json
import math
import platform
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from riskkit.execution.tasks import Request, engines
from riskkit.experiment import study
from riskkit.experiment.race import Race, passed_on
from riskkit.problem import Problem
from riskkit.stats.first_passage import PassageStatus
from riskkit.store import provenance
from riskkit.store.atomic import read
from riskkit.store.shards import MissingReplicatesError, Store, StoreError
from riskkit.store.table import frame
from riskkit.verdicts import best, confront, contest
from riskkit.verdicts.evidence import Comparison, Evidence, Finding, Judge, labels, table
from riskkit.verdicts.judges import Verdict

Lost = Mapping[str, tuple[str, str]]
"""The runs without a result, by address: status and reason."""


Colour = Literal["plain", "ansi"]


class Terminal(NamedTuple):
    """Where verdicts are read."""

    width: int
    colour: Colour

    @staticmethod
    def here() -> Terminal:
        """Standard output, or a page of 140 columns."""
        return Terminal(Console().width, "ansi") if sys.stdout.isatty() else Terminal(140, "plain")


class Outcome(NamedTuple):
    """An experiment's question and its verdicts."""

    name: str
    question: str
    findings: list[Finding]
    comparisons: list[Comparison]
    uncompared: list[str]
    counts: list[contest.Count]

    def text(self, width: int, colour: Colour = "plain") -> str:
        """The verdicts as a table, the counts and the comparisons, for a terminal of that width."""
        console = Console(file=io.StringIO(), width=width, force_terminal=colour == "ansi")
        shown = Table(title=f"{self.name}\n{self.question}", title_justify="left", title_style="bold")
        for heading in ("bound", "where", "verdict"):
            shown.add_column(heading, no_wrap=True)
        shown.add_column("numbers")
        # Lines of one bound that end the same way without a number of their own share a row.
        rows: dict[tuple[str, str, str], list[str]] = {}
        for finding in self.findings:
            numbers = _numbers(finding.verdict) or finding.verdict.finding
            rows.setdefault((finding.bound, str(finding.verdict.outcome), numbers), []).append(_place(finding))
        for (bound, outcome, numbers), places in rows.items():
            where = places[0] if len(places) == 1 else f"{len(places)} lines, {places[0].split(':')[0]} .."
            shown.add_row(bound, where, outcome, numbers)
        console.print(shown)
        if self.counts:
            console.print(_counted(self.counts))
        for line in (*_compared(self.comparisons), *self.uncompared):
            console.print(line)
        assert isinstance(console.file, io.StringIO)
        return console.file.getvalue()


def _compared(comparisons: Sequence[Comparison]) -> list[str]:
    """One line for each opponent and quantity."""
    groups: dict[tuple[str, str, str, str], list[Comparison]] = {}
    for comparison in comparisons:
        key = (comparison.algorithm, comparison.against, comparison.quantity, comparison.output)
        groups.setdefault(key, []).append(comparison)
    lines = []
    for (algorithm, against, quantity, output), group in groups.items():
        ratios = [comparison.ratio for comparison in group]
        outcomes = [comparison.outcome for comparison in group]
        lines.append(
            f"{algorithm} / {against}, {quantity} ({output}): {min(ratios):.3g} to {max(ratios):.3g} in {len(group)} "
            f"cells; smaller in {outcomes.count('smaller')}, larger in {outcomes.count('larger')} after Holm"
        )
    return lines


def _counted(counts: Sequence[contest.Count]) -> Table:
    """Gradients to reach a few of the targets: a row for each entry and problem, with the output it passes on. All of
    them, with intervals, claims and proved counts, are in verdict.json."""
    shown = Table(title="gradients to reach eps (claimed; proved)", title_justify="left")
    targets = sorted({count.eps for count in counts}, reverse=True)
    chosen = dict.fromkeys(targets[i] for i in (len(targets) // 3, 2 * len(targets) // 3, len(targets) - 1))
    rows: dict[contest.Line, dict[float, str]] = {}
    for count in counts:
        if count.eps in chosen and count.output == passed_on(count.line.run.algorithm):
            reached = f"{count.passage.at:.3g}"
            if count.passage.status is not PassageStatus.REACHED:
                reached = {
                    PassageStatus.AT_ONCE: "1",
                    PassageStatus.NOT_REACHED: f"> {count.line.gradients[-1]}",
                    PassageStatus.LOST: "no value",
                }.get(count.passage.status, "?")
            said = "; ".join("-" if math.isnan(x) else f"{x:.2g}" for x in (count.claim, count.explicit))
            rows.setdefault(count.line, {})[count.eps] = f"{reached} ({said})"
    varied = [
        name
        for name in dict.fromkeys(name for line in rows for name in line.where)
        if len({line.where.get(name) for line in rows}) > 1
    ]
    for heading in ("algorithm", *varied, *(f"eps = {eps:.3g}" for eps in chosen)):
        shown.add_column(heading, no_wrap=True)
    for line, cells in rows.items():
        places = (f"{line.where[name]:.3g}" if name in line.where else "" for name in varied)
        shown.add_row(line.head.role, *places, *(cells.get(eps, "") for eps in chosen))
    return shown


def _place(finding: Finding) -> str:
    axis = "all cells" if finding.axis is None else f"along {finding.axis}:"
    return f"{axis} {', '.join(f'{name}={value:g}' for name, value in finding.where.items())}".strip()


def _numbers(verdict: Verdict) -> str:
    """What the verdict rests on, in a few words ("" if no number); the sentence in verdict.json says all of it."""
    if verdict.kind in ("rate", "exponent") and math.isfinite(verdict.slope):
        text = f"slope {verdict.slope:+.3f} [{verdict.slope_low:+.3f}, {verdict.slope_high:+.3f}]"
        text += f", {'oracle' if verdict.kind == 'exponent' else 'claim'} {verdict.claim_slope:+.3f}"
        if math.isfinite(verdict.asymptote):
            text += f", limit {verdict.asymptote:+g}"
        return text
    if verdict.kind in ("count", "minimiser") and math.isfinite(verdict.slope):
        text = f"exponent {verdict.slope:.3f} [{verdict.slope_low:.3f}, {verdict.slope_high:.3f}]"
        return text if math.isnan(verdict.claim_slope) else f"{text}, claim {verdict.claim_slope:.3f}"
    if verdict.kind == "level" and math.isfinite(verdict.ratio):
        return f"measured / bound at most {verdict.ratio:.3g} in {verdict.points} cells"
    if verdict.kind == "identity" and math.isfinite(verdict.ratio):
        return f"measured / exact {verdict.ratio:.4g} in the farthest of {verdict.points} cells"
    return ""


def gather(request: Request, store: Store, failures: Lost) -> Evidence:
    """What is stored of an experiment; raises MissingReplicatesError if a run is incomplete without having failed."""
    made = request.plan()
    complete = [address for address in made.runs if address not in failures]
    return Evidence(made, store.get_many(complete, made.size.replicates), dict(failures))


def check(request: Request, store: Store, failures: Lost) -> None:
    """Raises as ``gather`` would, and reads no more than checksums."""
    made = request.plan()
    store.check([address for address in made.runs if address not in failures], made.size.replicates)


def judge(evidence: Evidence) -> Judge:
    """What is known beside the measurements of an experiment or a race."""
    experiment = evidence.plan.experiment
    if isinstance(experiment, Race):
        return Judge(contest.level, contest.exact, tuple(dict.fromkeys(q for q, _ in experiment.compared)))
    return Judge(confront.level, confront.exact_at)


class Concluded(NamedTuple):
    """What is left to tell of an experiment whose table and verdicts have been written."""

    text: str
    engines: list[str]


def conclude_stored(request: Request, root: Path, failures: Lost, terminal: Terminal) -> Concluded:
    """``gather`` and ``conclude``, in any process."""
    store = Store(root)
    evidence = gather(request, store, failures)
    ran = sorted({measured.engine for measured in evidence.measured.values()})
    return Concluded(conclude(evidence, store).text(*terminal), ran)


@threadpool_limits.wrap(limits=1)  # type: ignore[untyped-decorator]
def conclude(evidence: Evidence, store: Store) -> Outcome:
    """Table and verdicts of one experiment, written beside its shards.

    On one thread of the BLAS: the bits of a matrix product change with their number.
    """
    experiment = evidence.plan.experiment
    counts: list[contest.Count] = []
    alphas: list[best.BestAlpha] = []
    running: list[confront.RunningExponents] = []
    if isinstance(experiment, Race):
        counts = contest.counted_lines(evidence)
        found, compared = contest.findings(evidence, counts), contest.comparisons(evidence)
        aside = contest.uncompared(evidence)
    else:
        alphas, running = best.best_alphas(evidence), confront.running(evidence)
        found, compared = confront.findings(evidence, alphas), confront.comparisons(evidence)
        aside = confront.uncompared(evidence)
    store.write_table("table", frame(table(evidence, judge(evidence))))
    store.write_json(
        "verdict.json",
        {
            "experiment": experiment.name,
            "question": experiment.question,
            "verdicts": [finding.to_json() for finding in found],
            "comparisons": [comparison.to_json() for comparison in compared],
            "uncompared": aside,
            "running": [line.to_json() for line in running],
            "counts": [count.to_json() for count in counts],
            "best_alphas": [line.to_json() for line in alphas],
        },
    )
    store.write_text("README.txt", provenance.explanation(experiment.name, experiment.question))
    return Outcome(experiment.name, experiment.question, found, compared, aside, counts)


def record(request: Request, folder: Path, failures: Lost) -> dict[str, Any]:
    """run.json: the full question, which run answers which cell, what failed, and every sweep that had a part in it."""
    made = request.plan()
    experiment = made.experiment
    chosen = engines(request)
    runs: dict[str, Any] = {}
    for cell in made.cells:
        about = {**labels(cell), "checkpoint": cell.rounds}
        runs.setdefault(cell.address, []).append(about)
    return {
        "request": request._asdict(),
        "question": experiment.question,
        "problem": repr(experiment.problem),
        "constants": _constants(experiment.problem),
        "problems": {repr(run.problem): _constants(run.problem) for run in made.runs.values()},
        "step": "each entry's own" if isinstance(experiment, Race) else repr(experiment.schedule()),
        "algorithms": list(dict.fromkeys(repr(run.algorithm) for run in made.runs.values())),
        "engines": [
            {"problem": problem, **choice._asdict()}
            for problem, choice in sorted({(repr(made.runs[run].problem), choice) for run, choice in chosen.items()})
        ],
        "replicates": made.size.replicates,
        "seed": str(experiment.seed),
        "bounds": [] if isinstance(experiment, Race) else [bound.name for bound in experiment.bounds],
        "runs": runs,
        "failures": {run: {"status": status, "reason": reason} for run, (status, reason) in failures.items()},
        "versions": provenance.versions(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "sessions": provenance.diaries(folder),
    }


def _constants(problem: Problem) -> dict[str, Any]:
    """Regime, dimension, radius and constants; "inf" where there is no finite one (JSON has no infinity)."""
    numbers = dataclasses.asdict(problem.constants)
    plain = {name: value if math.isfinite(value) else "inf" for name, value in numbers.items()}
    return {"regime": str(problem.regime), "dim": problem.dim, "radius": problem.radius, **plain}


def reopen(folder: Path) -> tuple[Request, Lost]:
    """The question that a results folder answers, and what of it had failed; raises StoreError."""
    path = folder / "run.json"
    try:
        stored = json.loads(read(path))
        asked = dict(stored["request"])
        asked["axes"] = tuple((name, tuple(values)) for name, values in asked["axes"])
        asked["study"] = str(study.folder())
        failures = {run: (about["status"], about["reason"]) for run, about in stored["failures"].items()}
        return Request(**asked), failures
    except FileNotFoundError:
        raise StoreError(
            f"{folder} holds no run.json; expected the folder of a finished sweep, such as results/theorem2_ridge."
        ) from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StoreError(f"{path} must hold a question of riskkit's; it is damaged; sweep again.") from error


def settle(request: Request, store: Store, failures: Lost) -> tuple[Evidence, Lost]:
    """``gather`` that takes what is not there as failed, for the reason on record if there is one."""
    complete: Lost = {}
    while True:
        try:
            return gather(request, store, complete), complete
        except MissingReplicatesError as error:
            unknown = ("failed", "not computed: replicates are missing from the store; run the same sweep again")
            complete = {**complete, **{run: failures.get(run, unknown) for run in error.missing}}
