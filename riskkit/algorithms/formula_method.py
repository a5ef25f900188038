"""A method of one's own, written once, as formulas of one coordinate: every engine runs it.

    @dataclasses.dataclass(frozen=True)
    class AdaGrad(FormulaMethod):
        steps: int
        step_sizes: Step
        epsilon: float = 1e-8
        name: str = "AdaGrad"
        states = {"square": 0.0}

        @staticmethod
        def update(v, g, square, eta, epsilon):
            square = square + g * g
            return v - eta * g / (math.sqrt(square) + epsilon), square

What a formula asks for it finds by the names of its arguments. The reference engine evaluates it with tensors, fused
engines compile it (``riskkit.algorithms.tracing`` says what it may use).
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import numpy as np

from riskkit.algorithms.arguments import number
from riskkit.algorithms.formulas import STEPWISE, Formulas, evaluated
from riskkit.algorithms.scheme import Scheme
from riskkit.algorithms.staged import OUTPUTS, Output, Stage, Staged
from riskkit.algorithms.steps import described, first_size, horizon_free
from riskkit.algorithms.tracing import Program, inputs_of, traced

GIVEN = ("v", "g", *STEPWISE)
"""Names that mean the same in every update."""


class _Moment(NamedTuple):
    """Of one step its size, its stage's beta and alpha, the weight of its iterate, whether it starts a stage, and
    whether it ends a round."""

    eta: float
    beta: float
    alpha: float
    weight: float
    starts: bool
    ends: bool


class FormulaMethod:
    """Base of a frozen dataclass with ``steps``, ``step_sizes``, ``name`` and a formula ``update``.

    ``update`` returns v and the states after a step, in the order of ``states``. It may ask for

        v, g        the iterate and the mean gradient of the batch, one coordinate of each
        a state     by its name in ``states``, which maps it to the number that it starts with, or to "v": theta_0
        eta, j      the step's size, and its number, 0 for the first
        norm        ||g||, over all coordinates
        a number    any finite number that the method has under that name: a field, a property

    Formulas ``last`` and ``average`` may say what is reported, from v, states, numbers and j, the steps taken; without
    them it is v, and the uniform mean of the iterates before each step, or, with ``weights`` (steps,), the mean that
    gives the j-th of them the share ``weights[j]``. After an update v is projected onto the ball of ``radius``, if
    there is one. ``batch``, ``sampling`` and the like are in ``riskkit.algorithms.traits``.

    Raises ValueError, in one line, for a formula that cannot be compiled and for a number that is not finite.
    """

    states: ClassVar[Mapping[str, float | str]] = MappingProxyType({})

    def __post_init__(self) -> None:
        self._scheme  # noqa: B018  # which says what is wrong

    @functools.cached_property
    def _scheme(self) -> Scheme:
        kind: Any = type(self)
        formulas, me = formulas_of(kind), kind.__name__
        numbers = []
        for name in formulas.numbers:
            value = number(getattr(self, name, None))
            if not math.isfinite(value):
                known = ", ".join(("v", "g", *STEPWISE, *formulas.states))
                raise ValueError(
                    f"{me}: {name}, which a formula asks for, must be a finite number of the method, or one of "
                    f"{known}; got {getattr(self, name, 'nothing of that name')!r}."
                )
            numbers.append(value)
        stages: tuple[Stage, ...] = tuple(getattr(self, "stages", ()))
        if any(stage.output != "last" for stage in stages):
            raise ValueError(f"{me}: every stage must pass on its last iterate; got output='average'.")
        return Scheme(
            stages or (Stage(self.steps, 1, 1.0, self.step_sizes),),  # type: ignore[attr-defined]
            radius=getattr(self, "radius", None),
            batch=int(getattr(self, "batch", 1)),
            weights=getattr(self, "weights", None),
            formulas=formulas,
            numbers=tuple(numbers),
        )

    def scheme(self) -> Scheme:
        return self._scheme

    @functools.cached_property
    def _plan(self) -> list[_Moment]:
        found, scheme = [], self._scheme
        weights = iter(scheme.averaging.tolist())
        for stage in scheme.stages:
            for j, eta in enumerate(np.asarray(stage.step.sizes(stage.T, stage.k), dtype=np.float64).tolist()):
                ends = (j + 1) % stage.k == 0
                found.append(_Moment(eta, stage.beta, stage.alpha, next(weights), j == 0, ends))
        return found

    # What the reference engine runs. The state is v, the slow weights, the anchor, the average, the steps taken, and
    # the method's own states.

    def init(self, theta: Any) -> tuple[Any, ...]:
        starts = self._scheme.step.starts
        states = (theta.clone() if at == "v" else theta.new_full(theta.shape, at) for at in starts)
        return (theta.clone(), theta.clone(), theta.clone(), theta * 0, 0, *states)

    def query(self, state: tuple[Any, ...]) -> Any:
        return state[0]

    def step(self, state: tuple[Any, ...], gradient: Any, j: int) -> tuple[Any, ...]:
        v, slow, anchor, average, taken, *states = state
        moment, scheme = self._plan[j], self._scheme
        if moment.starts:
            anchor, average = v, average * 0
        if scheme.step.averaged:
            average = average + moment.weight * (v - average)
        if moment.beta:
            gradient = gradient + moment.beta * (v - anchor)
        given = self._given(v, states) | {"g": gradient, "j": float(j), "eta": moment.eta}
        if scheme.step.normed:
            given["norm"] = (gradient * gradient).sum(-1, keepdim=True) ** 0.5
        v, *states = evaluated(scheme.step.update, given)
        if scheme.radius is not None:
            norm = (v * v).sum(-1, keepdim=True) ** 0.5
            v = v * (scheme.radius / norm).clip(max=1)
        if moment.alpha == 1:
            slow = v
        elif moment.ends:
            v = slow = (1 - moment.alpha) * slow + moment.alpha * v
        return (v, slow, anchor, average, taken + 1, *states)

    def output(self, state: tuple[Any, ...]) -> dict[Output, Any]:
        v, slow, _, average, taken, *states = state
        formulas, found = self._scheme.step, {}
        own: dict[Output, Program | None] = {"last": formulas.last, "average": formulas.average}
        begun = bool(taken) and bool(self._scheme.averaged(np.array([taken]))[0])
        plain = {"last": slow, "average": average if begun else slow}
        for name in getattr(self, "outputs", OUTPUTS):
            program = own[name]
            found[name] = plain[name]
            if program is not None:
                (found[name],) = evaluated(program, self._given(v, states) | {"j": float(taken)})
        return found

    def _given(self, v: Any, states: list[Any]) -> dict[str, Any]:
        formulas = self._scheme.step
        return {
            "v": v,
            **dict(zip(formulas.states, states, strict=True)),
            **dict(zip(formulas.numbers, self._scheme.numbers, strict=True)),
        }

    # What tables and plans ask for.

    def shown(self) -> dict[str, float]:
        """k, alpha and eta of the first stage, the largest beta, the batch, and its numbers."""
        scheme, first = self._scheme, self._scheme.stages[0]
        told = {
            "k": first.k,
            "alpha": first.alpha,
            "eta": first_size(first.step, first.T, first.k),
            "beta": max(stage.beta for stage in scheme.stages),
            "batch": scheme.batch,
        }
        return told | {
            name: value for name, value in zip(scheme.step.numbers, scheme.numbers, strict=True) if name != "steps"
        }

    def without_horizon(self) -> Any:
        """Where nothing depends on how many steps there are, a shorter run is the beginning of a longer one."""
        sizes: Any = getattr(self, "step_sizes", None)
        if hasattr(self, "stages") or self._scheme.weights is not None or not horizon_free(sizes):
            return self
        try:
            shortest = dataclasses.replace(self, steps=1)  # type: ignore[type-var]
        except Exception:  # whatever it asks of its fields
            return self
        return shortest if shortest._scheme.numbers == self._scheme.numbers else self

    @property
    def schedule(self) -> str:
        return described(self.step_sizes)  # type: ignore[attr-defined]


class StagedFormulaMethod(Staged, FormulaMethod):
    """The same with ``stages`` in place of ``steps`` and ``step_sizes``: outer steps and anchors around the formula.

    Outer steps and anchors concern v; states go on over rounds and stages. Every stage passes on its last iterate.
    """

    def without_horizon(self) -> Any:
        return self

    def begun(self, steps: int) -> Any:
        try:
            return super().begun(steps)
        except TypeError:  # its stages are no field
            return self


@functools.lru_cache(maxsize=256)
def formulas_of(kind: type) -> Formulas:
    """The formulas of a class; ValueError, in one line, for what is wrong with them."""
    declared: Mapping[str, float | str] = getattr(kind, "states", {})
    me, states = kind.__name__, dict(declared)
    for name, start in states.items():
        if not (isinstance(name, str) and name.isidentifier() and name not in GIVEN):
            raise ValueError(f"{me}: a state needs a name of its own, none of {', '.join(GIVEN)}; got {name!r}.")
        if start != "v" and not math.isfinite(number(start)):
            raise ValueError(f'{me}: the state {name} must start with a finite number or with "v"; got {start!r}.')
    programs: dict[str, Program] = {}
    outputs = getattr(kind, "outputs", OUTPUTS)
    wanted: dict[str, tuple[str, ...]] = {
        "update": ("v", *states),
        **{name: (name,) for name in OUTPUTS if hasattr(kind, name)},
    }
    for name, results in wanted.items():
        found = inspect.getattr_static(kind, name, None)
        function = getattr(found, "__func__", found)
        names = inputs_of(function, f"{me}: {name}")
        if "self" in names:
            raise ValueError(f"{me}: {name} must be a function of numbers, found by their names; it has self.")
        if name != "update" and (amiss := [one for one in names if one in GIVEN and one not in ("v", "j")]):
            raise ValueError(f"{me}: {name} may ask for v, j, states and numbers; it asks for {', '.join(amiss)}.")
        programs[name] = traced(function, f"{me}: {name}", results)
    asked = dict.fromkeys(one for program in programs.values() for one in program.inputs)
    return Formulas(
        update=programs["update"],
        states=tuple(states),
        starts=tuple(start if isinstance(start, str) else float(start) for start in states.values()),
        numbers=tuple(name for name in asked if name not in GIVEN and name not in states),
        last=programs.get("last"),
        average=programs.get("average"),
        averaged="average" not in programs and "average" in outputs,
    )
