"""What a study shows beside its experiments: the tables that its ``experiments/__init__.py`` makes."""

from __future__ import annotations

from riskkit.experiment import study
from riskkit.report.tables.table import Table


def study_tables() -> list[Table]:
    """``tables()`` of the study's ``experiments`` package, each with a title; none where it has no such function."""
    if not (study.folder() / "experiments" / "__init__.py").is_file():
        return []
    made = getattr(study.module("experiments"), "tables", None)
    return [] if made is None else list(made())
