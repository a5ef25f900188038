"""What training does to an optimizer: checkpoints, copies, schedulers, skipped steps, hooks, groups, freezing."""

from __future__ import annotations

import contextlib
import io
import math
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.optim import lr_scheduler

from riskkit.conformance.claims import DIM, REPLICATES, parameters
from riskkit.conformance.driven import Subject, apart, apart_from, exactly, theta_of, told
from riskkit.conformance.findings import EXACT, Found, disagreement
from riskkit.conformance.rounds import Staged


def resume(s: Subject) -> Found:
    """A checkpoint inside a round, through a file, into fresh objects that start elsewhere."""
    last = s.inside + s.claim.k + 1
    params = parameters()
    whole = s.make(params)
    s.run(whole, params, 0, s.inside)
    weights, file = theta_of(params), io.BytesIO()
    torch.save(whole.state_dict(), file)
    file.seek(0)
    fresh = parameters()
    later = s.make(fresh)
    with torch.no_grad():
        for p, saved in zip(fresh, weights.chunk(2, 1), strict=True):
            p.copy_(saved)
    later.load_state_dict(torch.load(file, weights_only=True))
    expected, path = s.run(whole, params, s.inside, last), s.run(later, fresh, s.inside, last)
    if disagreement(path, expected) > EXACT:
        fault = f"resumed after step {s.inside}, theta differs {apart_from(s.inside, path, expected)}"
        return Found([fault + _lost(s, path, last)])
    for optimizer in (whole, later):
        for group in optimizer.param_groups:
            if "lr" in group:
                group["lr"] = group["lr"] / 2
    how = exactly(path, expected)
    expected, path = s.run(whole, params, last, s.steps), s.run(later, fresh, last, s.steps)
    if disagreement(path, expected) > EXACT:
        return Found(
            ["after load_state_dict an lr set in param_groups is not read: the groups are copies that have gone stale."]
        )
    return Found([], f"after step {s.inside}, weights_only=True, {how}")


def _lost(s: Subject, path: Tensor, last: int) -> str:
    """What was lost on the way: the first explanation that fits."""
    if s.rule is None:
        return "."

    def slow(staged: Staged) -> None:
        staged.slow = [p.detach().clone() for p in staged.fast]

    def start(staged: Staged) -> None:
        staged.slow = [p.detach().clone() for p in parameters()]

    def count(staged: Staged) -> None:
        staged.count = staged.round = 0

    def anchor(staged: Staged) -> None:
        staged.anchor = [p.detach().clone() for p in staged.fast]

    def inner(staged: Staged) -> None:
        staged.inner = s.claim.inner(staged.fast)

    losses: dict[str, tuple[Callable[[Staged], None], ...]] = {
        "the slow weights are lost": (slow,),
        "the slow weights are lost (theta_0 takes their place)": (start,),
        "the step counter is lost": (count,),
        "the slow weights and the step counter are lost": (slow, count),
        "the anchor is lost": (anchor,),
        "the slow weights and the anchor are lost": (slow, anchor),
        "slow weights, anchor and step counter are lost": (slow, anchor, count),
        "the inner optimizer's state is lost": (inner,),
        "the inner optimizer's state, slow weights and step counter are lost": (inner, slow, anchor, count),
    }
    for words, changes in losses.items():
        staged, params = s.staged(s.rule)
        s.run(staged, params, 0, s.inside)
        for change in changes:
            change(staged)
        if disagreement(s.run(staged, params, s.inside, last), path) <= EXACT:
            return (
                f": {words}; keep them in state_dict()." if " are " in words else f": {words}; keep it in state_dict()."
            )
    return "; what is lost could not be told."


@contextlib.contextmanager
def _class_as_it_is(kind: type) -> Iterator[None]:
    """torch's ``__setstate__`` may patch the class's ``step``, and objects made without hooks could then not step."""
    own, step = "step" in vars(kind), kind.step  # type: ignore[attr-defined]
    try:
        yield
    except Exception:
        if own:
            kind.step = step  # type: ignore[attr-defined]
        raise


def copied(way: Callable[[Any], Any]) -> Callable[[Subject], Found]:
    def run(s: Subject) -> Found:
        params = parameters()
        optimizer = s.make(params)
        s.run(optimizer, params, 0, s.inside)
        before = theta_of(params)
        with _class_as_it_is(type(optimizer)):
            others, twin = way((params, optimizer))
            path = s.run(twin, others, s.inside, s.steps)
        wrong = []
        if not torch.equal(theta_of(params), before):
            wrong.append("steps of the copy move the original's parameters.")
        expected = s.run(optimizer, params, s.inside, s.steps)
        if disagreement(path, expected) > EXACT:
            wrong.append(
                f"the copy, made after step {s.inside}, differs from the original "
                f"{apart_from(s.inside, path, expected)}: __getstate__ must keep what is not torch's own."
            )
        return told(wrong, exactly(path, expected))

    return run


def scheduler(s: Subject) -> Found:
    """LambdaLR with 1/(1 + j), against lr set by hand in the inner optimizer."""
    params = parameters()
    optimizer = s.make(params)
    if any("lr" not in group for group in optimizer.param_groups):
        return Found([], "none: its groups have no lr")
    if s.rule is None:
        return Found([], "not compared")
    path = []
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        scheduler = lr_scheduler.LambdaLR(optimizer, lambda j: 1 / (1 + j))
        for j in range(s.steps):
            path.append(s.run(optimizer, params, j, j + 1)[0])
            scheduler.step()
    staged, others = s.staged(s.rule)
    first = [group["lr"] for group in staged.inner.param_groups]
    expected = []
    for j in range(s.steps):
        for group, lr in zip(staged.inner.param_groups, first, strict=True):
            group["lr"] = lr / (1 + j)
        expected.append(s.run(staged, others, j, j + 1)[0])
    wrong = [f"a scheduler warns: {str(warning.message).splitlines()[0]}" for warning in given[:1]]
    if disagreement(torch.stack(path), torch.stack(expected)) > EXACT:
        where = apart(torch.stack(path), torch.stack(expected))
        wrong.append(f"under LambdaLR theta differs {where}: the scheduled lr is not what the inner optimizer reads.")
    return told(wrong, "LambdaLR moves the inner optimizer's lr")


def skipped(s: Subject) -> Found:
    """Two gradients overflow: GradScaler skips those steps, which must not count."""
    overflow = {1, s.inside - 1}
    params = parameters()
    optimizer = s.make(params)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10, growth_interval=10**6)
    scaler.scale(torch.zeros(()))
    path = []
    for j in range(s.steps):
        s.put(params, j, scaler.get_scale())
        if j in overflow and params[0].grad is not None:
            params[0].grad[0, 0] = math.inf
        scaler.step(optimizer)
        scaler.update()
        path.append(theta_of(params))
    others = parameters()
    alone = s.make(others)
    expected, last = [], theta_of(others)
    for j in range(s.steps):
        if j not in overflow:
            last = s.run(alone, others, j, j + 1)[0]
        expected.append(last)
    if disagreement(torch.stack(path), torch.stack(expected)) > EXACT:
        where = apart(torch.stack(path), torch.stack(expected))
        return Found([f"where GradScaler skips steps theta differs {where}: a skipped step must not count."])
    return Found([], f"GradScaler skips steps {', '.join(str(j + 1) for j in sorted(overflow))}: they do not count")


def closing(s: Subject) -> Found:
    """step(closure) returns the closure's loss, and steps as after the gradients alone."""
    params = parameters()
    optimizer = s.make(params)
    path: list[Tensor] = []
    wrong: list[str] = []
    for j in range(s.steps):

        def closure(j: int = j) -> float:
            s.put(params, j)
            return 1.0 + j

        loss = optimizer.step(closure)
        if loss != 1.0 + j and not wrong:
            wrong.append(f"step(closure) must return the closure's loss, {1.0 + j:g}; got {loss!r}.")
        path.append(theta_of(params))
    expected = s.own()
    if disagreement(torch.stack(path), expected) > EXACT:
        wrong.append(f"step(closure) differs from step() {apart(torch.stack(path), expected)}.")
    return told(wrong, "its loss is returned")


HOOKS = ("step_pre", "step_post", "state_dict_pre", "state_dict_post", "load_state_dict_pre", "load_state_dict_post")


def hooks(s: Subject) -> Found:
    """Each of torch's hooks runs once."""
    params = parameters()
    optimizer = s.make(params)
    ran = dict.fromkeys(HOOKS, 0)
    wrong: list[str] = []
    for kind in HOOKS:

        def hook(*_: Any, kind: str = kind) -> None:
            ran[kind] += 1

        try:
            getattr(optimizer, f"register_{kind}_hook")(hook)
        except AttributeError:
            wrong.append(
                f"register_{kind}_hook raises AttributeError: call super().__init__, or make the hooks' dictionaries."
            )
            ran[kind] = 1
    s.run(optimizer, params, 0, 1)
    state = optimizer.state_dict()
    if ran["load_state_dict_pre"] == ran["load_state_dict_post"] == 0:
        optimizer.load_state_dict(state)
    wrong += [f"a {kind} hook must run once; it ran {times} times." for kind, times in ran.items() if times != 1]
    return told(wrong, "all six kinds")


def groups(s: Subject) -> Found:
    """A group added inside a round: its rounds are its own, or those of the others."""
    if s.rule is None:
        return Found([], "not compared")
    at = s.claim.k + max(1, s.claim.k // 2)

    def late() -> Tensor:
        return torch.nn.Parameter(torch.full((REPLICATES, DIM // 2), 0.5, dtype=torch.float64))

    def follow(optimizers: list[Any], params: list[Tensor]) -> Tensor:
        path = []
        for j in range(at, s.steps):
            s.put(params, j)
            for optimizer in optimizers:
                optimizer.step()
            path.append(theta_of(params))
        return torch.stack(path)

    params = parameters()
    optimizer = s.make(params)
    s.run(optimizer, params, 0, at)
    params = [*params, late()]
    optimizer.add_param_group({"params": [params[-1]]})
    path = follow([optimizer], params)

    staged, others = s.staged(s.rule)
    s.run(staged, others, 0, at)
    added = late()
    if disagreement(path, follow([staged, Staged(s.rule, s.claim.inner, [added])], [*others, added])) <= EXACT:
        return Found([], "rounds of its own" if not s.rule.plain else "its steps are taken")
    staged, others = s.staged(s.rule)
    s.run(staged, others, 0, at)
    added = late()
    staged.inner.add_param_group({"params": [added]})
    staged.enter([added])
    expected = follow([staged], [*others, added])
    if disagreement(path, expected) <= EXACT:
        return Found([], "it joins the others' rounds")
    fault = f"with a group added after step {at} theta differs {apart_from(at, path, expected)}"
    return Found([f"{fault}: the group has neither rounds of its own nor those of the others."])


def frozen(s: Subject) -> Found:
    """A parameter without gradients from the start, and one that is frozen inside a round."""
    if s.rule is None:
        return Found([], "not compared")
    wrong = []

    def run(optimizer: Any, params: list[Tensor], since: int) -> Tensor:
        path = []
        for j in range(s.steps):
            s.put(params, j)
            if j >= since:
                params[1].grad = None
            optimizer.step()
            path.append(theta_of(params))
        return torch.stack(path)

    params = parameters()
    start = params[1].detach().clone()
    run(s.make(params), params, 0)
    if not torch.equal(params[1], start):
        wrong.append("a parameter that never has a gradient is moved.")
    at = s.claim.k + max(1, s.claim.k // 2)
    params = parameters()
    path = run(s.make(params), params, at)
    staged, others = s.staged(s.rule)
    expected = run(staged, others, at)
    if disagreement(path, expected) > EXACT:
        wrong.append(
            f"with a parameter frozen after step {at}, inside a round, theta differs {apart(path, expected)}: a "
            "parameter whose gradient is None when the round ends must return to the slow weights too."
        )
    return told(wrong, "they stay, and a round that they have started ends")
