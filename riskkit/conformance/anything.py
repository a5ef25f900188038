"""``check``: whatever has a conformance test, by what it has."""

from __future__ import annotations

from typing import Any

from riskkit.algorithms.staged import Algorithm
from riskkit.conformance import problems
from riskkit.conformance.bounds import check_bound
from riskkit.conformance.findings import Report
from riskkit.conformance.methods import check_method
from riskkit.conformance.schedules import check_schedule


def check(thing: Any, **options: Any) -> Report:
    """Is it what it says it is? A problem (``sample``), a method of one's own (``step``), a schedule (``sizes``), a
    staged algorithm (its schedules) or a bound (``evaluate``).

    ``options`` are those of the check: for a problem ``sizes``, ``step``, ``draws``, ``seed``; for a method ``seed``;
    for a bound ``on``. Raises TypeError for anything else.
    """
    if isinstance(thing, type):
        raise TypeError(f"check: expected a problem, method, schedule or bound; got the class {thing.__name__}.")
    if isinstance(thing, Algorithm):
        reports = [check_schedule(stage.step, **options) for stage in thing.stages]
        return Report(thing.name, tuple(finding for report in reports for finding in report.findings))
    if hasattr(thing, "evaluate") or hasattr(thing, "excludes"):
        return check_bound(thing, **options)
    if callable(getattr(thing, "sizes", None)):
        return check_schedule(thing, **options)
    if callable(getattr(thing, "step", None)) or hasattr(thing, "steps"):
        return check_method(thing, **options)
    if hasattr(thing, "sample") or hasattr(thing, "gradient"):
        return problems.check(thing, **options)
    raise TypeError(
        f"check: expected a problem, method, schedule or bound; a {type(thing).__name__} has no sample, step, sizes or "
        "evaluate."
    )
