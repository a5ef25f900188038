"""The measured generalization error beside the paper's printed bounds and those re-derived, along alpha."""

from __future__ import annotations

from typing import NamedTuple

from riskkit.report import plot

EXPERIMENT = None


class Part(NamedTuple):
    """One panel: experiment, algorithm, output, what is held, and the theorem."""

    experiment: str
    algorithm: str
    output: str
    where: dict[str, float]
    title: str


PARTS = (
    Part("printed_theorem3", "Lookahead", "average", {"n": 20, "k": 20, "T": 1}, "Theorem 3 (slide 1)"),
    Part(
        "printed_theorem4",
        "Lookahead, step 1/(alpha mu (j+1))",
        "last",
        {"n": 20, "radius": 1, "condition": 1, "k": 1, "T": 1},
        "Theorem 4 (slide 3)",
    ),
    Part("printed_theorem5", "SLRLA", "average", {"n": 20, "radius": 1, "k": 5, "S": 5}, "Theorem 5 (slide 4)"),
)
RED, BLUE = "#b2182b", "#0072b2"
WORDS = {"S": "stages", "condition": "L/lam"}


def draw(everything: list[plot.Stored]) -> plot.Page | None:
    """One panel for each theorem that is stored."""
    by_name = {stored.name: stored for stored in everything}
    parts = [part for part in PARTS if part.experiment in by_name]
    if not parts:
        return None
    page = plot.Page(
        "Generalization error against alpha, with the bound that the paper prints (red) and the bound re-derived here "
        "(black)",
        height=2.2,
        columns=len(parts),
    )
    for place, part in enumerate(parts):
        stored = by_name[part.experiment]
        panel = page.panel(xlabel="alpha", ylabel="" if place else "generalization error", title=part.title)
        line = stored.line("alpha", "generalization", part.output, part.where, algorithm=part.algorithm)
        panel.curve(line, "published", colour=RED)
        panel.curve(line, "proved", colour=plot.INK)
        panel.measured(line, colour=BLUE)
        held = ", ".join(f"{WORDS.get(name, name)} = {value:g}" for name, value in part.where.items())
        page.note(f"{part.title}: {part.algorithm}, {part.output} iterate, on {line.rows['problem'].iloc[0]}; {held}.")
        for verdict in stored.judged("generalization", part.output, "level"):
            if verdict["form"] == "published" and verdict["algorithm"] == part.algorithm:
                page.quote(verdict)
    page.note("The numbers are the paper's, beside them the slides'.")
    return page
