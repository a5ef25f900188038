"""What a source states, sentence by sentence: where each statement stands, and which verdicts bear on it."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import NamedTuple


class Bearing(NamedTuple):
    """Verdicts that bear on a statement: those on a bound, in one form; names may hold * and ?.

    Attributes:
        bound: the verdict's bound.
        form: claim, published, exact or comparison, as ``verdict.json`` has it.
        experiment, algorithm: of the verdict; * for any.
    """

    bound: str
    form: str
    experiment: str = "*"
    algorithm: str = "*"

    def met_by(self, experiment: str, bound: str, form: str, algorithm: str) -> bool:
        asked = ((self.bound, bound), (self.experiment, experiment), (self.algorithm, algorithm))
        return form == self.form and all(fnmatchcase(name, pattern) for pattern, name in asked)


class Statement(NamedTuple):
    """One statement of a source.

    Attributes:
        name: short and unique; rows of tables and figures have it.
        says: what is stated, as a clause in plain characters.
        place: where: slide, theorem, equation, page.
        bearings: the verdicts that bear on it.
    """

    name: str
    says: str
    place: str
    bearings: tuple[Bearing, ...]

    def met_by(self, experiment: str, bound: str, form: str, algorithm: str) -> bool:
        """Whether a verdict bears on it."""
        return any(bearing.met_by(experiment, bound, form, algorithm) for bearing in self.bearings)
