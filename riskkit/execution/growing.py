"""Replicates on demand: whether an experiment gets more of them before it is concluded."""

from __future__ import annotations

from riskkit.execution.tasks import Request
from riskkit.identity import short
from riskkit.judges.outcome import counted
from riskkit.stats.columns import selecting_replicates
from riskkit.verdicts.bounds import half_width
from riskkit.verdicts.data import Data
from riskkit.verdicts.deciding import replicates_to_decide

MOST_REPLICATES = 2**17
"""Precision on demand goes no further."""

Grown = tuple[Request | None, list[str]]
"""The request with more replicates, None where there are enough; and lines for people."""


def doubled(data: Data, request: Request, precision: float) -> Grown:
    """Twice the replicates if some exponent is not known to +-precision yet. The width alone decides, never what a
    verdict would say; the replicates there are stay the first ones."""
    width, replicates = half_width(data), data.replicates
    if not width > precision:
        return None, []
    known = f"{request.experiment}: +-{short(width, 2)} after {replicates} replicates;"
    if 2 * replicates > MOST_REPLICATES:
        return None, [f"{known} at most {MOST_REPLICATES} are made."]
    return request._replace(replicates=2 * replicates), [f"{known} doubling them."]


def pilot(request: Request) -> Request:
    """The same of the first quarter of the replicates."""
    return request._replace(replicates=max(selecting_replicates(request.plan().size.replicates), 1))


def enough(pilot: Data, request: Request, budget: int) -> Grown:
    """The replicates that the lines need for their declared widths, as far as the budget reaches; None where they have
    them. The variances of the pilot alone decide, before any verdict."""
    name, replicates = request.experiment, int(request.plan().size.replicates)
    try:
        needed, beyond = replicates_to_decide(pilot, replicates, budget)
    except ValueError as error:
        return None, [f"{name}: no replicates are added: {error}."]
    kinds = ", ".join(counted(count, kind) for kind, count in beyond.items())
    more = f"; more than {budget} would be needed by {kinds}" if beyond else ""
    if needed <= replicates:
        return None, [f"{name}: no line within the budget needs more than its {replicates} replicates{more}."]
    changed = f"{needed} replicates in place of {replicates}, for the declared widths{more}."
    return request._replace(replicates=needed), [f"{name}: {changed}"]
