"""The fused GPU engine: a Triton loop for problems with a formula, to the contract of the reference engine.

A program holds the parameters of a replicate's configurations in registers, or of as many as find room there, and goes
through the steps between two events (a stage's end, a refreshed anchor, a checkpoint, a look at the range), which the
host then attends to. Nothing of it has been run on a GPU yet: it is compiled for one (``python benchmarks/gpu.py
--registers``), and tested in Triton's interpreter, on a CPU, against the reference engine.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
import inspect
import math
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path as File
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from riskkit.algorithms import traits
from riskkit.algorithms.formulas import HEAVY_BALL, Formulas, ended, evaluated
from riskkit.algorithms.method import Method
from riskkit.algorithms.scheme import Scheme
from riskkit.algorithms.staged import OUTPUTS, Algorithm
from riskkit.engines import formulas
from riskkit.engines.reference import Indices, Path
from riskkit.engines.schedule import Stages, Timeline, companies, had, timeline
from riskkit.engines.triton import printed
from riskkit.problem import Linear, Problem

SPAN = 256
"""Gradient steps between two looks at the range, as in the reference engine."""

INDICES = 2**28
"""Bytes of a chunk's indices."""

WARPS = 4
"""Warps a program, unless one configuration needs more; of 32 threads each."""

SHARE = 32
"""Bytes of a parameter array that a thread holds; at twice as many, compiled code keeps some of them in memory."""

SCHEME_SHARE = 16
"""The same in the loop of schemes, which holds a state and a batch's sum of gradients beside; half with more states."""

KNOWN = {"exp", "sin", "cos", "sqrt", "log", "fabs"}
"""What of ``math`` has a twin in Triton."""


def refusal(problem: Problem) -> str | None:
    """Why this engine cannot run the problem, or None."""
    if importlib.util.find_spec("triton") is None:
        return "Triton is not installed"
    formula = getattr(problem, "formula", None)
    if formula is None:
        return f"{problem.name} has no formula"
    reason = formulas.refusal(formula)
    if reason is not None:
        return reason
    try:
        twin(formulas.part(formula).formula)
    except ValueError as error:
        return str(error)
    return None


def twin(function: FunctionType) -> str:
    """The source of a formula in Triton: one expression in arithmetic and ``math``, or assignments and then one.

    Raises ValueError, with the reason, for anything else.
    """
    try:
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    except (OSError, SyntaxError, ValueError) as error:
        raise ValueError(f"the source of {function.__name__} cannot be read") from error
    if not isinstance(definition, ast.FunctionDef):
        raise ValueError(f"{function.__name__} is no plain function")
    body = [node for node in definition.body if not _is_docstring(node)]
    if not all(isinstance(node, ast.Assign | ast.AnnAssign | ast.Return) for node in body):
        raise ValueError(f"{function.__name__} of its formula has branches or loops")
    arguments = [argument.arg for argument in definition.args.args]
    lines = [ast.unparse(ast.fix_missing_locations(_Twin(function).visit(node))) for node in body]
    head = f"@triton.jit\ndef gradient_factor({', '.join(arguments)}):\n"
    return head + "".join(f"    {line}\n" for line in lines)


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


class _Twin(ast.NodeTransformer):
    """math.f(a) -> tl.f(a), numbers by name -> numbers, whole powers -> products, annotations dropped."""

    def __init__(self, function: FunctionType) -> None:
        self.function = function

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is None:
            raise ValueError(f"{self.function.__name__} of its formula declares without a value")
        return self.visit(ast.Assign([node.target], node.value))

    def visit_Call(self, node: ast.Call) -> ast.AST:
        called = node.func
        if (
            isinstance(called, ast.Attribute)
            and isinstance(called.value, ast.Name)
            and self.function.__globals__.get(called.value.id) is math
            and called.attr in KNOWN
        ):
            name = "abs" if called.attr == "fabs" else called.attr
            arguments = [self.visit(argument) for argument in node.args]
            return ast.Call(ast.Attribute(ast.Name("tl", ast.Load()), name, ast.Load()), arguments, [])
        raise ValueError(f"{self.function.__name__} of its formula calls {ast.unparse(called)}")

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        value = getattr(math, node.attr, None) if isinstance(node.value, ast.Name) else None
        if not isinstance(value, float):
            raise ValueError(f"{self.function.__name__} of its formula uses {ast.unparse(node)}")
        return ast.Constant(value)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        value = self.function.__globals__.get(node.id)
        if node.id not in self.function.__code__.co_varnames and isinstance(value, int | float):
            return ast.Constant(float(value))
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.op, ast.Pow):
            return node
        power = node.right
        if not (isinstance(power, ast.Constant) and isinstance(power.value, int) and power.value >= 1):
            raise ValueError(f"{self.function.__name__} of its formula has the power {ast.unparse(power)}")
        product = node.left
        for _ in range(power.value - 1):
            product = ast.BinOp(product, ast.Mult(), node.left)
        return product


@functools.lru_cache(maxsize=64)
def kernel(source: str, step: Formulas = HEAVY_BALL) -> ModuleType:
    """``kernel.py`` with a problem's formula in it, and a scheme's step."""
    text = (File(__file__).parent / "kernel.py").read_text()
    start = text.index("@triton.jit\ndef gradient_factor")
    end = text.index("@triton.jit(do_not_specialize")
    text = printed.inserted(text[:start] + source + "\n\n" + text[end:], step)
    name = "riskkit_gpu_" + hashlib.sha256(text.encode()).hexdigest()[:24]
    return formulas.module_of(name, text)


def scheme_share(step: Formulas) -> int:
    """Bytes of a parameter array that a thread holds in the loop of schemes."""
    return SCHEME_SHARE if len(step.states) < 2 else SCHEME_SHARE // 2


class Blocks(NamedTuple):
    """Configurations and coordinates of a program, whole powers of 2, and its warps."""

    C: int
    d: int
    warps: int


def blocks(C: int, d: int, size: int, share: int = SHARE) -> Blocks:
    """Of C configurations in d dimensions, with numbers of ``size`` bytes: at most ``share`` bytes a thread."""
    d_block = 1 << (d - 1).bit_length()
    room = share * 32 // size  # numbers of a warp
    warps = min(32, max(WARPS, d_block // room))
    return Blocks(min(1 << (C - 1).bit_length(), max(1, warps * room // d_block)), d_block, warps)


class _State(NamedTuple):
    """(R, C, d) each, the stage's alpha and beta (C,), the sums of squared gradients and the divergences (R, C).

    ``total`` is the sum of the stage's iterates, of schemes their average; states are (states of a scheme, R, C, d)."""

    v: Tensor
    slow: Tensor
    total: Tensor
    anchor: Tensor
    alpha: Tensor
    beta: Tensor
    moment: Tensor
    diverged: Tensor
    states: Tensor


def run(
    problem: Problem,
    algorithms: Sequence[Algorithm | Method],
    data: Tensor,
    indices: Indices,
    rounds: Sequence[np.ndarray],
    share: int = 1,
) -> list[Path]:
    """Runs every algorithm from theta_0 on ``data`` (R / share, n, w) and reads it after the given rounds (ascending).

    Of the R replicates, ``share`` after one another draw their examples from the same n rows. Returns one Path an
    algorithm, in their order. ``refusal`` must be None, and each algorithm a ``Scheme``.
    """
    after = [traits.steps_after(algorithm, own) for algorithm, own in zip(algorithms, rounds, strict=True)]
    together = companies(algorithms, problem.radius)
    paths: dict[int, Path] = {}
    if together.plain:
        paths |= _run(_Loop, problem, problem.radius, together.plain, 1, data, indices, after, share)
    for schemes in together.schemes:
        batch, radius = next((own.batch, own.radius) for own in schemes.values())
        paths |= _run(_SchemeLoop, problem, radius, schemes, batch, data, indices, after, share)
    return [had(algorithm, paths[c]) for c, algorithm in enumerate(algorithms)]


def _run(
    kind: type[_Loop],
    problem: Problem,
    radius: float | None,
    algorithms: Mapping[int, Stages],
    batch: int,
    data: Tensor,
    indices: Indices,
    after: Sequence[np.ndarray],
    share: int,
) -> dict[int, Path]:
    """What one loop runs, by their places."""
    R = len(data) * share
    # In the order of the timeline's lanes: those that still run are a prefix.
    order = sorted(algorithms, key=lambda c: (-algorithms[c].steps, algorithms[c].stages[0].k, c))
    width = min(len(algorithms), 32)
    line = timeline([algorithms[c] for c in order], [after[c] for c in order], width)
    loop = kind(problem, radius, line, data.contiguous(), batch, share)
    span = loop.span
    for first in range(0, line.steps, step := max(span, INDICES // (8 * R * batch) // span * span)):
        count = min(step, line.steps - first)
        loop.chunk(first, count, indices(first * batch, count * batch).contiguous())
    paths: dict[int, Path] = {}
    for place, c in enumerate(order):
        slots = slice(int(line.offsets[place]), int(line.offsets[place + 1]))
        paths[c] = Path(loop.theta[:, slots], loop.moments[:, slots], loop.state.diverged[:, place])
    return paths


class _Table(NamedTuple):
    """Of a chunk: step sizes (count, C), who mixes (count, C), examples (R, count batch); of schemes the weights of the
    average, (count, C)."""

    eta: Tensor
    mixing: Tensor
    examples: Tensor
    averaging: Tensor | None


class _Loop:
    """The stretches of one run, and what happens between them."""

    def __init__(
        self, problem: Problem, radius: float | None, line: Timeline, data: Tensor, batch: int, share: int
    ) -> None:
        formula = problem.formula  # type: ignore[attr-defined]
        self.linear = isinstance(formula, Linear)
        weights = [formula.ridge] * problem.dim if isinstance(formula, Linear) else list(formula.parameters)
        parameter = formula.parameter if isinstance(formula, Linear) else 0.0
        self.kernel = kernel(twin(formulas.part(formula).formula), self._step(line))
        self.data, self.line, self.radius, self.batch, self.share = data, line, radius, batch, share
        self.span = max(1, SPAN // batch)
        self.weights = data.new_tensor(weights)
        self.numbers = data.new_tensor([parameter, radius or 0.0, 1 / batch])
        self.limit = torch.finfo(data.dtype).max ** 0.5 * 1e-4  # the reference engine's
        R, C, slots = len(data) * share, len(line.algorithms), int(line.offsets[-1])
        theta_0 = torch.as_tensor(np.asarray(problem.start, dtype=np.float64)).to(data)
        v = theta_0.expand(R, C, -1).contiguous()
        self.state = _State(
            v=v,
            slow=v.clone(),
            total=torch.zeros_like(v),
            anchor=v.clone(),
            alpha=data.new_tensor(line.alpha[:C]),
            beta=data.new_tensor(line.beta[:C]),
            moment=torch.zeros((R, C), dtype=torch.float64, device=data.device),
            diverged=torch.full((R, C), -1, dtype=torch.int64, device=data.device),
            states=self._states(v),
        )
        self.theta = data.new_full((R, slots, len(OUTPUTS), problem.dim), torch.nan)
        self.moments = data.new_full((R, slots), torch.nan)
        self.events: dict[int, list[Any]] = {}
        self.readings: dict[int, list[Any]] = {}
        for event in line.events:
            self.events.setdefault(int(event["at"]), []).append(event)
        for reading in line.readings:
            self.readings.setdefault(int(reading["at"]), []).append(reading)
        self.pauses = sorted({*self.events, *self.readings})

    def _step(self, line: Timeline) -> Formulas:
        """Of the loop of schemes, which this one does not use."""
        return HEAVY_BALL

    def _ended(self) -> float:
        """The size of a step of a configuration that has ended."""
        return 0.0

    def _states(self, v: Tensor) -> Tensor:
        return v.new_empty((0, *v.shape))

    def chunk(self, first: int, count: int, index: Tensor) -> None:
        """Steps first .. first + count - 1, span by span; a span in which something leaves the range is gone through
        again, step by step, to name the step."""
        eta, mixing = self.line.chunk(first, count, self._ended())
        C = len(self.line.algorithms)
        bits = (mixing[:, :, None] >> np.arange(self.line.layout.width)) & 1
        mixes = torch.as_tensor(bits.reshape(count, -1)[:, :C].astype(np.int8), device=self.data.device)
        table = _Table(self.data.new_tensor(eta[:, :C]), mixes, index, self._averaging(first, count))
        for start in range(first, first + count, self.span):
            stop = min(start + self.span, first + count)
            before = _State(*(part.clone() for part in self.state))
            if self._span(start, stop, first, table) or bool(self._gone().any()):
                self.state = before
                for j in range(start, stop):
                    self._span(j, j + 1, first, table)
                    self.state.diverged[self._gone()] = self.batch * (j + 1)

    def _gone(self) -> Tensor:
        """(R, C): out of range, and not known to be."""
        return torch.logical_not((self.state.v.abs() <= self.limit).all(-1)) & (self.state.diverged < 0)

    def _span(self, start: int, stop: int, first: int, table: _Table) -> bool:
        """True if something read is out of range."""
        suspect = False
        ends = [at for at in self.pauses if start < at < stop] + [stop]
        j = start
        for end in ends:
            for event in self.events.get(j, ()):
                self._apply(event)
            self._stretch(first, j - first, end - first, self._active(j), table)
            j = end
            for reading in self.readings.get(j, ()):
                suspect |= self._read(reading)
        return suspect

    def _active(self, j: int) -> int:
        return sum(algorithm.steps > j for algorithm in self.line.algorithms)

    def _stretch(self, first: int, start: int, stop: int, active: int, table: _Table) -> None:
        eta, mixing, index, _ = table
        state = self.state
        _, n, w = self.data.shape
        R, C, d = state.v.shape
        own = blocks(C, d, self.data.element_size())
        # Triton launches on the current device.
        with torch.cuda.device_of(self.data):  # type: ignore[no-untyped-call]
            self.kernel.stretch[(R * -(-C // own.C),)](
                state.v,
                state.slow,
                state.total,
                state.anchor,
                state.moment,
                self.data,
                index,
                eta,
                state.beta,
                state.alpha,
                mixing,
                self.weights,
                self.numbers,
                n,
                w,
                d,
                C,
                active,
                self.share,
                index.shape[1],
                start,
                stop,
                LINEAR=self.linear,
                ANCHORED=bool((state.beta > 0).any()),
                BOUNDED=self.radius is not None,
                C_BLOCK=own.C,
                D_BLOCK=own.d,
                num_warps=own.warps,
            )

    def _averaging(self, first: int, count: int) -> Tensor | None:
        return None

    def _output(self, c: int, output: int, taken: int) -> Tensor:
        """(R, d). Where alpha = 1 mixing is left out, and the slow weights are the fast ones."""
        if output == 1 and taken:
            return self.state.total[:, c] / taken
        return self.state.v[:, c] if float(self.state.alpha[c]) == 1 else self.state.slow[:, c]

    def _apply(self, event: Any) -> None:
        c = int(event["lane"])
        if event["refresh"]:
            self.state.anchor[:, c] = self.state.v[:, c]
            return
        end = self._output(c, int(event["output"]), int(event["taken"])).clone()
        self.state.v[:, c] = end
        self.state.slow[:, c] = end
        self.state.total[:, c] = 0
        if not event["fixed"]:
            self.state.anchor[:, c] = end
        self.state.alpha[c] = float(event["alpha"])
        self.state.beta[c] = float(event["beta"])

    def _read(self, reading: Any) -> bool:
        c, slot = int(reading["lane"]), int(reading["slot"])
        for output in range(len(OUTPUTS)):
            self.theta[:, slot, output] = self._output(c, output, int(reading["taken"]))
        self.moments[:, slot] = (self.state.moment[:, c] / int(reading["at"])).to(self.moments.dtype)
        gone = torch.logical_not((self.theta[:, slot].abs() <= self.limit).flatten(1).all(-1))
        return bool((gone & (self.state.diverged[:, c] < 0)).any())


class _SchemeLoop(_Loop):
    """The same for schemes of one kind of step, batch size and radius."""

    def __init__(
        self, problem: Problem, radius: float | None, line: Timeline, data: Tensor, batch: int, share: int
    ) -> None:
        self.step = self._step(line)
        super().__init__(problem, radius, line, data, batch, share)
        own = [scheme.step_numbers for scheme in line.algorithms if isinstance(scheme, Scheme)]
        self.own = data.new_tensor(own).T.contiguous()  # (numbers, C)

    def _step(self, line: Timeline) -> Formulas:
        scheme = line.algorithms[0]
        assert isinstance(scheme, Scheme)
        return scheme.step

    def _ended(self) -> float:
        return ended(self.step)

    def _states(self, v: Tensor) -> Tensor:
        begun = [v if start == "v" else torch.full_like(v, float(start)) for start in self.step.starts]
        return torch.stack(begun) if begun else super()._states(v)

    def _read(self, reading: Any) -> bool:
        """Outputs that are formulas are made of what was read."""
        suspect = super()._read(reading)
        c, slot = int(reading["lane"]), int(reading["slot"])
        given = dict(zip(self.step.states, self.state.states[:, :, c], strict=True))
        given |= dict(zip(self.step.numbers, self.own[:, c].tolist(), strict=True))
        given |= {"v": self.state.v[:, c], "j": float(reading["at"])}
        for output, program in enumerate((self.step.last, self.step.average)):
            if program is not None:
                (self.theta[:, slot, output],) = evaluated(program, given)
        return suspect

    def _averaging(self, first: int, count: int) -> Tensor:
        return self.data.new_tensor(self.line.averaging(first, count)[:, : len(self.line.algorithms)])

    def _stretch(self, first: int, start: int, stop: int, active: int, table: _Table) -> None:
        state = self.state
        _, n, w = self.data.shape
        R, C, d = state.v.shape
        own = blocks(C, d, self.data.element_size(), scheme_share(self.step))
        with torch.cuda.device_of(self.data):  # type: ignore[no-untyped-call]
            self.kernel.scheme_stretch[(R * -(-C // own.C),)](
                state.v,
                state.slow,
                state.total,
                state.anchor,
                state.states,
                state.moment,
                self.data,
                table.examples,
                table.eta,
                table.averaging,
                state.beta,
                self.own,
                state.alpha,
                table.mixing,
                self.weights,
                self.numbers,
                n,
                w,
                d,
                C,
                self.batch,
                active,
                self.share,
                table.examples.shape[1],
                first,
                start,
                stop,
                LINEAR=self.linear,
                PULLED=bool((state.beta > 0).any()),
                BOUNDED=self.radius is not None,
                C_BLOCK=own.C,
                D_BLOCK=own.d,
                num_warps=own.warps,
            )
