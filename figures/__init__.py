"""The figures of the study, each drawn from what is stored."""

from __future__ import annotations

from pathlib import Path


def draw(results: Path, names: list[str]) -> list[Path]:
    """Draws the figures that the named experiments feed; returns the files written."""
    return []
