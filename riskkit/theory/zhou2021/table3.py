"""Table 3 as printed, and what its numbers can and cannot decide.

Every entry is the accuracy, in percent, of a network on a common test set. Adam to AdaBelief stand without an interval;
the others have +- of a number of seeds that is not stated. Entries with a mark were copied from the source that the
mark names, so that their seeds, code and epochs are others.

Source: Zhou, Yan, Yuan, Feng, Yan, "Towards Understanding Why Lookahead Generalizes Better Than SGD and Beyond",
NeurIPS 2021, Table 3.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from scipy import special

from riskkit.theory.zhou2021.as_coded import largest_beta, pace, round_factor


class Column(NamedTuple):
    """One network on one data set, and how many images its test set has."""

    data: str
    network: str
    test: int


COLUMNS = (
    Column("CIFAR-10", "ResNet18", 10_000),
    Column("CIFAR-10", "VGG16", 10_000),
    Column("CIFAR-10", "WRN-16-10", 10_000),
    Column("CIFAR-100", "ResNet18", 10_000),
    Column("CIFAR-100", "VGG16", 10_000),
    Column("CIFAR-100", "WRN-16-10", 10_000),
    Column("ImageNet", "ResNet18", 50_000),
)

PRINTED: dict[str, tuple[float, ...]] = {
    "Adam": (94.84, 91.08, 93.54, 76.88, 64.07, 74.81, 66.54),
    "AdaBound": (92.56, 91.35, 91.68, 71.43, 64.74, 71.64, 68.13),
    "RAdam": (93.85, 90.84, 94.16, 74.30, 63.99, 75.92, 67.62),
    "AdamW": (94.95, 90.75, 95.95, 77.30, 63.40, 79.63, 67.93),
    "AdaBelief": (95.20, 92.25, 95.71, 77.02, 68.63, 77.93, 70.08),
    "stagewise SGD": (95.23, 92.13, 95.51, 78.24, 69.97, 78.95, 70.23),
    "SLA": (95.27, 92.38, 95.73, 78.34, 70.20, 79.54, 70.30),
    "SLRLA": (95.47, 92.63, 96.08, 78.58, 70.63, 79.85, 70.47),
}
SPREAD: dict[str, tuple[float, ...]] = {
    "stagewise SGD": (0.19, 0.02, 0.02, 0.18, 0.02, 0.03, math.nan),
    "SLA": (0.06, 0.02, 0.02, 0.05, 0.04, 0.02, 0.09),
    "SLRLA": (0.20, 0.03, 0.07, 0.15, 0.02, 0.05, 0.12),
}
"""What is printed after +-; nan for none."""

COPIED: dict[str, tuple[int, ...]] = {
    "Adam": (0, 3, 6),
    "AdaBound": (6,),
    "RAdam": (6,),
    "AdamW": (6,),
    "AdaBelief": (0, 3, 6),
    "stagewise SGD": (0, 3, 6),
    "SLA": (0, 3),
}
"""Columns whose entry is marked as reported elsewhere."""


class Gap(NamedTuple):
    """SLRLA's accuracy less another's in one column, in points.

    Attributes:
        gap: the difference.
        test_error: standard error of one accuracy on a test set of that size, sqrt(a (1 - a) / N).
        disagreement: the gap is significant at the 5% level on this test set only if the two networks differ in being
            right on a smaller share of its images, N gap^2 / 1.96^2, in percent (McNemar).
        seeds: for each method, that a gap of this size needs at 5% and power .8, if the printed +- are standard
            deviations over seeds; nan where one is not printed.
    """

    column: Column
    gap: float
    test_error: float
    disagreement: float
    seeds: float


def gaps(against: str = "SLA") -> list[Gap]:
    """One for each column."""
    found = []
    for c, column in enumerate(COLUMNS):
        ours, theirs = PRINTED["SLRLA"][c], PRINTED[against][c]
        gap = ours - theirs
        spread = SPREAD.get(against, (math.nan,) * len(COLUMNS))[c]
        needed = math.nan
        if not math.isnan(spread):
            needed = seeds_needed(gap, SPREAD["SLRLA"][c], spread)
        found.append(
            Gap(
                column,
                round(gap, 10),
                100 * math.sqrt(ours / 100 * (1 - ours / 100) / column.test),
                100 * column.test * (gap / 100) ** 2 / 1.96**2,
                needed,
            )
        )
    return found


def seeds_needed(gap: float, first: float, second: float, *, level: float = 0.05, power: float = 0.8) -> int:
    """Seeds for each of two methods so that a two-sided t test of independent seeds sees a difference of means.

    Args:
        gap: the difference, in any unit.
        first, second: standard deviations over seeds, in the same unit.

    The least r >= 2 with power at least as asked, by the noncentral t distribution with 2 (r - 1) degrees of freedom
    and noncentrality gap / sqrt((first^2 + second^2) / r). Raises ValueError for numbers that make no test.
    """
    for name, value in (("gap", abs(gap)), ("first", first), ("second", second)):
        if not 0 < value < math.inf:
            raise ValueError(f"seeds_needed: {name} must be a finite number other than 0; got {value!r}.")
    if not (0 < level < 1 and 0 < power < 1):
        raise ValueError(f"seeds_needed: level and power must lie in (0, 1); got {level!r} and {power!r}.")

    def reached(r: int) -> float:
        df, shift = 2 * (r - 1), abs(gap) / math.sqrt((first**2 + second**2) / r)
        edge = float(special.stdtrit(df, 1 - level / 2))
        return float(1 - special.nctdtr(df, shift, edge) + special.nctdtr(df, shift, -edge))

    low, high = 1, 2
    while reached(high) < power:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) >= power else (middle, high)
    return high


class Row(NamedTuple):
    """One audit of the table: what is printed, what it is compared with, and what comes of it."""

    number: int
    name: str
    printed: str
    compared: str
    finding: str


BETAS = (0.2, 0.8, 2.0, 5.0, 20.0, 50.0, 100.0)
"""Supplement, Figure 4: "relatively stable"."""


def audits() -> list[Row]:
    """Computed from the printed numbers alone."""
    over_sla = gaps("SLA")
    within = [gap for gap in over_sla if gap.gap <= gap.test_error]
    largest = max(over_sla, key=lambda gap: gap.gap / gap.test_error)
    few = max(gap.disagreement for gap in within)
    copied = sum(len(columns) for columns in COPIED.values())
    baselines = sum(len(PRINTED[name]) for name in COPIED)
    printed = sum(not math.isnan(spread) for values in SPREAD.values() for spread in values)
    without = sum(map(len, PRINTED.values())) - printed
    limit = largest_beta(0.1)
    published = [beta for beta in BETAS if beta >= limit]
    coded = [beta for beta in BETAS if abs(round_factor(0.1, beta, 5)) >= 1]
    seeds = [int(gap.seeds) for gap in over_sla]
    return [
        Row(
            1,
            "SLRLA less SLA",
            f"{min(g.gap for g in over_sla):.2f} to {max(g.gap for g in over_sla):.2f} points",
            "standard error of one accuracy on the test set",
            f"{len(within)} of {len(over_sla)} gaps are at most one standard error; the largest is "
            f"{largest.gap / largest.test_error:.1f} of them ({largest.column.data}, {largest.column.network})",
        ),
        Row(
            2,
            "the same test set for both",
            "no count of images on which the networks differ",
            "McNemar's test at 5%",
            f"a gap of at most one standard error is significant only if the two networks differ on at most {few:.2g}% "
            "of the images",
        ),
        Row(
            3,
            "seeds",
            "+- of an unstated number of seeds, not paired",
            "a t test with power 0.8, +- taken as standard deviations over seeds",
            f"the seven gaps need {min(seeds)} to {max(seeds)} seeds for each method",
        ),
        Row(
            4,
            "baselines",
            f"{copied} of {baselines} entries of the other methods are copied from elsewhere; "
            f"{without} of {sum(map(len, PRINTED.values()))} have no interval",
            "the same code, epochs and seeds",
            "a gap to a copied entry is one between two codes",
        ),
        Row(
            5,
            "Figure 4: beta up to 100 is stable",
            f"beta = {', '.join(f'{beta:g}' for beta in BETAS)}",
            "momentum SGD at lr 0.1, momentum 0.9 without curvature: lr beta < 2 (1 + momentum); as coded, a round "
            "(k = 5) must not enlarge its momentum",
            f"as published beta < {limit:.3g} is stable: {', '.join(f'{beta:g}' for beta in published)} are not; as "
            f"coded {', '.join(f'{beta:g}' for beta in coded)} are not",
        ),
        Row(
            6,
            "the control that is missing",
            "SLRLA as coded, lr 0.1, beta = 0.2",
            "SLA at a shorter step size",
            f"a round goes {pace(0.1, 0.2, 5, 0.8):.2f} times as far as SLA's under a constant gradient: SLA at lr "
            f"{0.1 * pace(0.1, 0.2, 5, 0.8):.3f} goes as far, and is not in the table",
        ),
    ]
