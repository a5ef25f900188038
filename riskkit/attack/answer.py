"""What a search came to: a word, a sentence, and the instance as code that anyone can run."""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from typing import Any

import riskkit
from riskkit.attack.arms import Arm
from riskkit.attack.evaluation import LEVEL, Instance, Value
from riskkit.theory.bound import Bound, Form

INTERRUPTED = "it was interrupted"
"""Why a search stopped that somebody stopped."""
EQUAL = 1e-9
"""An exact ratio up to 1 + EQUAL is one of an equality, but for rounding."""


class Word(StrEnum):
    """HOLDS says no more than: on all instances that were searched."""

    HOLDS = "HOLDS"
    TIGHT = "TIGHT"
    VIOLATED = "VIOLATED"
    INCONCLUSIVE = "INCONCLUSIVE"


@dataclasses.dataclass(frozen=True)
class Answer:
    """The largest measured / bound that was found.

    Attributes:
        bound, label, form: what was attacked, and how it is named.
        tight: the factor within which the bound is called TIGHT.
        seed, evaluations, budget: of the search; ``evaluations`` were made of ``budget``.
        cut: why it stopped early, or None.
        allowed: the arms whose instances the bound allows.
        instance, value: the worst instance and its ratio; None where no instance had a value.
        arm, coordinates: where in the space it lies.
        without: the hypothesis that was dropped, or None.
    """

    bound: Bound
    label: str
    form: Form
    tight: float
    seed: int
    evaluations: int
    budget: int
    cut: str | None
    allowed: tuple[Arm, ...]
    instance: Instance | None = None
    value: Value | None = None
    arm: Arm | None = None
    coordinates: tuple[float, ...] = ()
    without: str | None = None

    @property
    def interrupted(self) -> bool:
        """Whether somebody stopped it."""
        return self.cut == INTERRUPTED

    @property
    def word(self) -> Word:
        """HOLDS, TIGHT, VIOLATED, or INCONCLUSIVE."""
        value = self.value
        if value is None:
            return Word.INCONCLUSIVE
        if value.low > 1 + EQUAL:
            return Word.VIOLATED
        if value.high > 1 + EQUAL:
            return Word.INCONCLUSIVE
        return Word.TIGHT if value.low * self.tight >= 1 else Word.HOLDS

    @property
    def ratio(self) -> float:
        """Measured / bound; nan without an instance."""
        return float("nan") if self.value is None else self.value.ratio

    @property
    def sentence(self) -> str:
        """The word, the ratio and how it is known, how much was searched, and why it stopped early."""
        form = {"published": "the bound as printed", "proved": "the explicit bound"}[self.form]
        kinds = len(self.allowed)
        made = f"{self.evaluations} instances of {kinds} kind{'s' if kinds > 1 else ''}"
        ended = (
            "" if self.cut is None else f" The search stopped after {self.evaluations} of {self.budget}: {self.cut}."
        )
        subject = f"{self.bound.name}: {form}"
        if self.value is None:
            return f"{subject} is {Word.INCONCLUSIVE}. None of {made} has a known value.{ended}"
        ratio = f"{self.value.ratio:.4g}"
        if self.value.exact:
            how = "an exact value"
        else:
            how = (
                f"{LEVEL:.0%} interval {self.value.low:.4g} to {self.value.high:.4g}, {self.value.terms[0]} replicates "
                "that the search did not see"
            )
        largest = f"Measured / bound is {ratio} on the worst of {made} ({how})"
        match self.word:
            case Word.VIOLATED:
                return f"{subject} is {Word.VIOLATED}. {largest}.{ended}"
            case Word.TIGHT:
                return f"{subject} is {Word.TIGHT} within a factor of {self.tight:g}. {largest}.{ended}"
            case Word.INCONCLUSIVE:
                return f"{subject} is {Word.INCONCLUSIVE}. {largest}.{ended}"
        return f"{subject} {Word.HOLDS} in all instances that were searched. {largest}.{ended}"

    @property
    def code(self) -> str:
        """A program that evaluates the instance and prints measured / bound; "" without an instance."""
        return "" if self.instance is None else program(self)

    def record(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "bound": self.label,
            "form": self.form,
            "word": str(self.word),
            "sentence": self.sentence,
            "without": self.without,
            "tight": self.tight,
            "seed": self.seed,
            "evaluations": self.evaluations,
            "budget": self.budget,
            "cut": self.cut,
            "searched": [[arm.name, *map(str, arm.parameters)] for arm in self.allowed],
            "value": None if self.value is None else dataclasses.asdict(self.value),
            "kind": None if self.arm is None else self.arm.name,
            "chosen": {} if self.arm is None else self.arm.choices(self.coordinates),
            "code": self.code,
        }


def program(answer: Answer) -> str:
    """The worst instance as Python, with all that it needs."""
    instance, value = answer.instance, answer.value
    assert instance is not None
    homes: dict[str, set[str]] = {"riskkit.attack": {"Instance", "evaluate", "named"}}
    for part in (instance.problem, instance.algorithm):
        _homes(part, homes)
    bound = f"named({answer.label!r})"
    if answer.without is not None:
        homes["riskkit.attack"].add("dropped")
        bound = f"dropped({bound}, {answer.without!r})"
    imports = [f"from {home} import {', '.join(sorted(names))}" for home, names in sorted(homes.items())]
    replicates = "" if value is None or value.exact else f", replicates={value.terms[0]}, first=2**20"
    return "\n".join(
        [
            *imports,
            "",
            f"problem = {instance.problem!r}",
            f"algorithm = {instance.algorithm!r}",
            f"instance = Instance(problem, algorithm, n={instance.n})",
            f"value = evaluate({bound}, {answer.form!r}, instance{replicates})",
            "print(value.ratio)",
            "",
        ]
    )


def _homes(part: Any, homes: dict[str, set[str]]) -> None:
    """The module and the name of the class of a frozen dataclass, and of those in its fields."""
    if isinstance(part, tuple):
        for inner in part:
            _homes(inner, homes)
    if dataclasses.is_dataclass(part) and not isinstance(part, type):
        kind = type(part)
        home = "riskkit" if getattr(riskkit, kind.__name__, None) is kind else kind.__module__
        homes.setdefault(home, set()).add(kind.__name__)
        for field in dataclasses.fields(part):
            _homes(getattr(part, field.name), homes)
