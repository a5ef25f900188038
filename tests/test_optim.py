"""riskkit.optim: hand-computed trajectories, and every trap into which public wrappers have fallen."""

from __future__ import annotations

import copy
import io
import math
import pickle
import warnings

import pytest
import torch
from torch.distributed.checkpoint.state_dict import get_optimizer_state_dict, set_optimizer_state_dict
from torch.optim import lr_scheduler
from torch.optim.optimizer import register_optimizer_step_post_hook

from riskkit.optim import SLRLA, TABLE3, Lookahead, build, rounds, stages

F64 = torch.float64


def weights(*values):
    return [torch.nn.Parameter(torch.tensor(value, dtype=F64)) for value in values]


def gradients(params, j, seed=0):
    """Gradients of quadratics with moving minima, free of the optimizer but for the point."""
    draw = torch.Generator().manual_seed(1000 * seed + j)
    for i, p in enumerate(params):
        p.grad = (1 + i) * (p.detach() - torch.randn(p.shape, generator=draw, dtype=p.dtype))


def train(optimizer, params, first, last):
    for j in range(first, last):
        gradients(params, j)
        optimizer.step()
    return [p.detach().clone() for p in params]


def equal(a, b):
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def two():
    return weights([1.0, -2.0, 0.5], [[0.3], [4.0]])


# -- trajectories by hand


class Plain:
    """SGD or Adam on one number, as their papers write them."""

    def __init__(self, rule, lr=0.1, momentum=0.0):
        self.rule, self.lr, self.momentum, self.m, self.v, self.t = rule, lr, momentum, 0.0, 0.0, 0

    def __call__(self, x, g):
        if self.rule == "SGD":
            self.m = self.momentum * self.m + g
            return x - self.lr * self.m
        self.t += 1
        self.m = 0.9 * self.m + 0.1 * g
        self.v = 0.999 * self.v + 0.001 * g * g
        return x - self.lr * (self.m / (1 - 0.9**self.t)) / (math.sqrt(self.v / (1 - 0.999**self.t)) + 1e-8)


CURVATURE, TARGETS = 1.5, [math.sin(3.0 * j) for j in range(40)]


def by_hand(rule, k, alpha, beta=0.0, every=None, stages=(), steps=23):
    """v after each step. A stage ends after the steps in ``stages``, closing the round that has been started."""
    x = slow = anchor = 2.0
    path, since = [], 0
    for j in range(steps):
        if every is not None and j % every == 0:
            anchor = x
        weight = beta if every is None else 2 * beta
        x = rule(x, CURVATURE * (x - TARGETS[j]) + weight * (x - anchor))
        since += 1
        if since % k == 0 or j + 1 in stages:
            slow = (1 - alpha) * slow + alpha * x
            x = slow
        if j + 1 in stages:
            since = 0
            if every is None:
                anchor = x
        path.append(x)
    return path


def by_torch(wrap, inner, stages=(), steps=23):
    (p,) = params = weights([2.0])
    optimizer, path = wrap(inner(params)), []
    for j in range(steps):
        p.grad = CURVATURE * (p.detach() - TARGETS[j])
        optimizer.step()
        if j + 1 in stages:
            optimizer.next_stage()
        path.append(p.item())
    return path


INNER = {
    "SGD": (lambda: Plain("SGD"), lambda params: torch.optim.SGD(params, lr=0.1)),
    "momentum": (lambda: Plain("SGD", momentum=0.9), lambda params: torch.optim.SGD(params, lr=0.1, momentum=0.9)),
    "Adam": (lambda: Plain("Adam"), lambda params: torch.optim.Adam(params, lr=0.1)),
}


@pytest.mark.parametrize("foreach", [False, True])
@pytest.mark.parametrize("inner", INNER)
@pytest.mark.parametrize("stages", [(), (10, 20), (7, 15)], ids=str)
@pytest.mark.parametrize("every", [None, 5, 3], ids=["published", "as coded", "as coded, K = 3"])
def test_a_trajectory_with_k_5_by_hand(inner, every, stages, foreach):
    """Sync after steps 5, 10, ... (jettify/pytorch-optimizer#371 and ReaLLMASIC/ReaLLM-Forge#479: at step 0 or never);
    gradients at the fast weights (google-deepmind/optax#263); stages that end inside a round."""
    hand, make = INNER[inner]

    def built(params):
        made = make(params)
        made.param_groups[0]["foreach"] = foreach
        return made

    expected = by_hand(hand(), 5, 0.8, 0.3, every, stages)
    assert by_torch(lambda made: SLRLA(made, 5, 0.8, 0.3, anchor_every=every), built, stages) == pytest.approx(
        expected, abs=1e-13
    )
    without = by_hand(hand(), 5, 0.8, stages=stages)
    assert by_torch(lambda made: Lookahead(made, 5, 0.8), built, stages) == pytest.approx(without, abs=1e-13)
    assert by_torch(lambda made: SLRLA(made, 5, 0.8, 0), built, stages) == pytest.approx(without, abs=1e-13)


@pytest.mark.parametrize("every", [None, 3])
def test_the_way_of_other_devices_by_hand(every, monkeypatch):
    """On a GPU all tensors are mixed at once."""
    for module in (rounds, stages):
        monkeypatch.setattr(module, "_on_cpu", lambda tensors: False)
    expected = by_hand(Plain("SGD", momentum=0.9), 5, 0.8, 0.3, every, (7, 15))
    path = by_torch(lambda made: SLRLA(made, 5, 0.8, 0.3, anchor_every=every), INNER["momentum"][1], (7, 15))
    assert path == pytest.approx(expected, abs=1e-13)


def test_the_first_rounds_of_sgd_in_fractions():
    """v_0 = 1, g = v, eta = 1/2, k = 2, alpha = 1/2: v = 1/2, 1/4; theta_1 = 1/2 + 1/8 = 5/8; theta_2 = (5/8)^2.
    timm and torch_optimizer run the first round at alpha = 1."""
    (p,) = params = weights([1.0])
    optimizer, seen = Lookahead(torch.optim.SGD(params, lr=0.5), 2, 0.5), []
    for _ in range(4):
        p.grad = p.detach().clone()
        optimizer.step()
        seen.append(p.item())
    assert seen == [1 / 2, 5 / 8, 5 / 16, 25 / 64]


@pytest.mark.parametrize("momentum", ["keep", "reset", "pullback"])
def test_momentum_at_the_end_of_a_round_by_hand(momentum):
    """The pulled-back momentum is a copy: in michaelrzhang/lookahead it aliases the buffer from the second sync on."""
    (p,) = params = weights([2.0])
    optimizer = Lookahead(torch.optim.SGD(params, lr=0.1, momentum=0.9), 3, 0.5, momentum=momentum)
    x = slow = 2.0
    m = cached = 0.0
    for j in range(12):
        p.grad = CURVATURE * (p.detach() - TARGETS[j])
        optimizer.step()
        m = 0.9 * m + CURVATURE * (x - TARGETS[j])
        x -= 0.1 * m
        if j % 3 == 2:
            x = slow = 0.5 * slow + 0.5 * x
            if momentum == "reset":
                m = 0.0
            if momentum == "pullback":
                m = cached = 0.5 * cached + 0.5 * m
        assert p.item() == pytest.approx(x, abs=1e-13)


def test_momentum_that_is_not_there_is_refused():
    params = two()
    optimizer = Lookahead(torch.optim.SGD(params, lr=0.1), 1, 0.5, momentum="reset")
    gradients(params, 0)
    with pytest.raises(ValueError, match=r"momentum='reset' needs an inner optimizer with momentum_buffer or exp_avg"):
        optimizer.step()


# -- the inner optimizer, bit for bit


@pytest.mark.parametrize("name", TABLE3)
def test_alpha_1_and_beta_0_are_the_inner_optimizer_bit_for_bit(name):
    ours, theirs = two(), two()
    inner = build("SGD" if name in ("SLA", "SLRLA") else name, ours, 0.05, 0.01)
    alone = build("SGD" if name in ("SLA", "SLRLA") else name, theirs, 0.05, 0.01)
    assert equal(train(SLRLA(inner, 5, 1.0, 0.0), ours, 0, 23), train(alone, theirs, 0, 23))
    assert equal(
        train(Lookahead(build("Adam", a := two(), 0.1), 3, 1), a, 0, 7), train(build("Adam", b := two(), 0.1), b, 0, 7)
    )


@pytest.mark.parametrize(
    "kind", ["SGD", "Adam", "AdamW", "RAdam", "NAdam", "RMSprop", "Adagrad", "Adadelta", "Adamax", "ASGD", "Rprop"]
)
@pytest.mark.parametrize("dtype", [torch.float32, F64, torch.bfloat16], ids=str)
def test_alpha_1_is_any_optimizer_of_torch_bit_for_bit(kind, dtype):
    def own():
        return [torch.nn.Parameter(p.detach().to(dtype)) for p in two()]

    make = getattr(torch.optim, kind)
    ours, theirs = own(), own()
    assert equal(
        train(SLRLA(make(ours, lr=0.05), 5, 1.0, 0.0), ours, 0, 12), train(make(theirs, lr=0.05), theirs, 0, 12)
    )


def test_nothing_rounds_towards_a_negative_zero():
    """x - 0 (x - y) would turn -0 into +0."""
    (p,) = params = weights([-0.0])
    optimizer = Lookahead(torch.optim.SGD(params, lr=1.0), 1, 1.0)
    p.grad = torch.zeros_like(p)
    optimizer.step()
    assert math.copysign(1, p.item()) == -1


# -- the penalty


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RAdam", "AdaBound", "AdaBelief"])
@pytest.mark.parametrize("every", [None, 5])
@pytest.mark.parametrize("closing", [False, True], ids=["step()", "step(closure)"])
def test_the_penalty_is_autograds_of_the_penalized_loss(name, every, closing):
    """The authors' code adds it to the loss. A closure's loss comes back without it."""
    ours, theirs, start = two(), two(), two()
    optimizer = SLRLA(build(name, ours, 0.05, 0.01), 5, 0.8, 0.4, anchor_every=every)
    alone, slow, anchor = build(name, theirs, 0.05, 0.01), [p.detach().clone() for p in start], None
    for j in range(23):
        target = math.sin(j)

        def loss(params, target=target):
            return sum(((p - target) ** 2).sum() * (1 + i) for i, p in enumerate(params))

        def closure(loss=loss):
            optimizer.zero_grad()
            value = loss(ours)
            value.backward()
            return value

        before = loss(ours).item()
        if closing:
            assert optimizer.step(closure).item() == before
        else:
            closure()
            given = [p.grad.clone() for p in ours]
            optimizer.step()
            assert equal([p.grad for p in ours], given)
        if anchor is None or (every is not None and j % every == 0):
            anchor = [p.detach().clone() for p in theirs]
        alone.zero_grad()
        weight = 0.4 / 2 if every is None else 0.4
        (loss(theirs) + weight * sum(((p - a) ** 2).sum() for p, a in zip(theirs, anchor, strict=True))).backward()
        alone.step()
        if j % 5 == 4:
            slow = [0.2 * s + 0.8 * p.detach() for s, p in zip(slow, theirs, strict=True)]
            for p, s in zip(theirs, slow, strict=True):
                p.data.copy_(s)
        for a, b in zip(ours, theirs, strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=1e-9)


def test_the_penalty_inside_lbfgs_whose_closure_runs_many_times():
    def run(penalty, wrap):
        params = weights([3.0, -1.0])
        optimizer = wrap(torch.optim.LBFGS(params, lr=0.5, max_iter=4))
        anchor = params[0].detach().clone()

        def closure():
            optimizer.zero_grad()
            loss = (params[0] ** 4).sum() + penalty * ((params[0] - anchor) ** 2).sum()
            loss.backward()
            return loss

        for _ in range(3):
            optimizer.step(closure)
        return params[0].detach()

    ours = run(0.0, lambda inner: SLRLA(inner, 5, 1.0, 0.6))
    torch.testing.assert_close(ours, run(0.3, lambda inner: inner), rtol=0, atol=1e-9)


def test_maximize_subtracts_the_penalty():
    down, up = two(), two()
    a = SLRLA(torch.optim.SGD(down, lr=0.1), 3, 0.5, 0.4)
    b = SLRLA(torch.optim.SGD(up, lr=0.1, maximize=True), 3, 0.5, 0.4)
    for j in range(10):
        gradients(down, j)
        for p, q in zip(down, up, strict=True):
            q.grad = -p.grad
        a.step()
        b.step()
    assert equal(down, up)


def test_beta_may_differ_by_group_and_be_turned_on_with_a_stage():
    params = two()
    groups = [{"params": params[:1]}, {"params": params[1:], "slrla_beta": 0.5}]
    optimizer = SLRLA(torch.optim.SGD(groups, lr=0.1), 2, 0.5, 0.0)
    train(optimizer, params, 0, 3)
    assert "slrla_anchor" not in optimizer.state[params[0]]
    assert "slrla_anchor" in optimizer.state[params[1]]
    optimizer.param_groups[0]["slrla_beta"] = 0.1
    gradients(params, 3)
    with pytest.raises(RuntimeError, match=r"beta was raised from 0 to 0.1 inside a stage"):
        optimizer.step()
    optimizer.next_stage()
    train(optimizer, params, 3, 5)
    assert "slrla_anchor" in optimizer.state[params[0]]


def test_a_sparse_gradient_is_refused_only_where_there_is_a_penalty():
    for beta in (0.0, 0.1):
        table = torch.nn.Embedding(4, 2, sparse=True)
        optimizer = SLRLA(torch.optim.SparseAdam(list(table.parameters())), 2, 0.5, beta)
        for _ in range(3):
            optimizer.zero_grad()
            table(torch.tensor([1, 2])).sum().backward()
            if beta:
                with pytest.raises(ValueError, match=r"the penalty needs dense gradients; got a sparse one"):
                    optimizer.step()
            else:
                optimizer.step()


# -- what is saved


def through_a_file(state):
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


WRAPPED = {
    "Lookahead(Adam)": lambda params: Lookahead(torch.optim.Adam(params, lr=0.1), 5, 0.8),
    "SLRLA(momentum)": lambda params: SLRLA(torch.optim.SGD(params, lr=0.1, momentum=0.9), 5, 0.8, 0.3),
    "as coded": lambda params: SLRLA(torch.optim.SGD(params, lr=0.1, momentum=0.9), 5, 0.8, 0.3, anchor_every=3),
    "pullback": lambda params: Lookahead(torch.optim.SGD(params, lr=0.1, momentum=0.9), 5, 0.8, momentum="pullback"),
    "AdaBound": lambda params: SLRLA(build("AdaBound", params, 0.1), 5, 0.8, 0.3),
    "AdaBelief": lambda params: SLRLA(build("AdaBelief", params, 0.1), 5, 0.8, 0.3),
}


@pytest.mark.parametrize("make", WRAPPED.values(), ids=WRAPPED)
@pytest.mark.parametrize("at", [0, 3, 12, 15])
def test_resume_inside_a_round_and_a_stage_bit_for_bit(make, at):
    """michaelrzhang/lookahead, mgrankin/over9000#6 and #8, lonePatient/lookahead_pytorch#3, CyberZHG/keras-lookahead#2,
    tensorflow/addons#1373, #1911, #2102, kozistr/pytorch_optimizer#306: slow weights were not saved."""
    one = two()
    whole = make(one)
    train(whole, one, 0, 7)
    whole.next_stage()
    path = train(whole, one, 7, 23 + 7)

    first = two()
    early = make(first)
    train(early, first, 0, 7)
    early.next_stage()
    train(early, first, 7, 7 + at)
    state = through_a_file({"model": [p.data for p in first], "optimizer": early.state_dict()})
    again = [torch.nn.Parameter(torch.empty_like(p)) for p in first]
    for p, saved in zip(again, state["model"], strict=True):
        p.data.copy_(saved)
    later = make(again)
    later.load_state_dict(state["optimizer"])
    assert equal(train(later, again, 7 + at, 23 + 7), path)


def test_a_checkpoint_of_the_inner_optimizer_begins_a_round():
    params = two()
    alone = torch.optim.Adam(params, lr=0.1)
    train(alone, params, 0, 7)
    ours = [torch.nn.Parameter(p.detach().clone()) for p in params]
    optimizer = SLRLA(torch.optim.Adam(ours, lr=0.1), 5, 0.8, 0.3)
    optimizer.load_state_dict(through_a_file(alone.state_dict()))
    start = [p.detach().clone() for p in ours]
    train(optimizer, ours, 7, 8)
    assert equal([optimizer.state[p]["lookahead_slow"] for p in ours], start)
    assert equal([optimizer.state[p]["slrla_anchor"] for p in ours], start)
    train(optimizer, ours, 8, 12)
    assert optimizer.param_groups[0]["lookahead_step"] == 5


def test_k_and_alpha_are_loaded_as_lr_is():
    params, others = two(), two()
    saved = Lookahead(torch.optim.SGD(params, lr=0.1), 5, 0.8).state_dict()
    optimizer = Lookahead(torch.optim.SGD(others, lr=0.7), 2, 0.3)
    optimizer.load_state_dict(saved)
    group = optimizer.param_groups[0]
    assert (group["lr"], group["lookahead_k"], group["lookahead_alpha"]) == (0.1, 5, 0.8)


def test_groups_are_never_stale():
    """kozistr/pytorch_optimizer#237: after a load the wrapper's groups were not those that the inner one reads."""
    params = two()
    optimizer = Lookahead(torch.optim.SGD(params, lr=0.1), 5, 0.8)
    optimizer.load_state_dict(optimizer.state_dict())
    assert optimizer.param_groups is optimizer.inner.param_groups
    assert optimizer.state is optimizer.inner.state
    before = [p.detach().clone() for p in params]
    optimizer.param_groups[0]["lr"] = 0.0
    assert equal(train(optimizer, params, 0, 3), before)


@pytest.mark.parametrize("make", WRAPPED.values(), ids=WRAPPED)
@pytest.mark.parametrize("way", ["deepcopy", "pickle"])
def test_copies_go_on_bit_for_bit_and_alone(make, way):
    """jettify/pytorch-optimizer#349, and pytorch_optimizer 4.1.0, whose copies raise: torch's ``__getstate__`` keeps
    groups, state and defaults alone."""
    params = two()
    optimizer = make(params)
    train(optimizer, params, 0, 12)
    twin = copy.deepcopy(optimizer) if way == "deepcopy" else pickle.loads(pickle.dumps(optimizer))
    own = twin.param_groups[0]["params"]
    kept = [p.detach().clone() for p in params]
    theirs = train(twin, own, 12, 23)
    assert equal(params, kept)
    assert equal(train(optimizer, params, 12, 23), theirs)
    twin.next_stage()
    twin.add_param_group({"params": weights([1.0])})
    with twin.slow_weights():
        pass


def test_a_copy_of_model_and_optimizer_together_stays_together():
    model = torch.nn.Linear(3, 1)
    optimizer = Lookahead(torch.optim.Adam(model.parameters(), lr=0.1), 5, 0.8)
    net, twin = copy.deepcopy((model, optimizer))
    assert twin.param_groups[0]["params"][0] is net.weight


def test_distributed_checkpoints_go_there_and_back_inside_a_round():
    def made():
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 1)).double()
        return model, SLRLA(torch.optim.Adam(model.parameters(), lr=0.1), 5, 0.8, 0.2)

    model, optimizer = made()
    train(optimizer, list(model.parameters()), 0, 12)
    other, later = made()
    saved = get_optimizer_state_dict(model, optimizer)
    assert "lookahead_slow" in saved["state"]["0.weight"]
    kept = {name: value.clone() for name, value in model.state_dict().items()}
    set_optimizer_state_dict(other, later, copy.deepcopy(saved))
    other.load_state_dict(kept)
    path = train(optimizer, list(model.parameters()), 12, 23)
    assert equal(train(later, list(other.parameters()), 12, 23), path)


def test_torchs_own_first_step_counts_as_it_does_for_adam():
    """torch initializes the state of an optimizer without one by a step with lr = 0 and gradients 0."""
    model = torch.nn.Linear(2, 1)
    optimizer = Lookahead(torch.optim.Adam(model.parameters(), lr=0.1), 5, 0.8)
    start = [p.detach().clone() for p in model.parameters()]
    saved = get_optimizer_state_dict(model, optimizer)
    assert equal(model.parameters(), start)
    assert saved["state"]["weight"]["step"] == 1
    assert optimizer.param_groups[0]["lookahead_step"] == 1


# -- torch around it


def test_state_of_adam_is_initialized_by_adam():
    """torch and pytorch_optimizer initialize where ``len(state) == 0``: slow weights put there first raise KeyError."""
    params = two()
    optimizer = SLRLA(torch.optim.Adam(params, lr=0.1), 5, 0.8, 0.1)
    assert not optimizer.state
    train(optimizer, params, 0, 1)
    assert {"exp_avg", "lookahead_slow", "slrla_anchor"} <= set(optimizer.state[params[0]])
    assert optimizer.state[params[0]]["lookahead_slow"].data_ptr() != params[0].data_ptr()


def test_hooks_of_every_kind_run_once():
    """jettify/pytorch-optimizer#349: without ``super().__init__`` there are none."""
    params, seen = two(), []
    optimizer = Lookahead(torch.optim.SGD(params, lr=0.1), 2, 0.5)
    for kind in (
        "step_pre",
        "step_post",
        "state_dict_pre",
        "state_dict_post",
        "load_state_dict_pre",
        "load_state_dict_post",
    ):
        getattr(optimizer, f"register_{kind}_hook")(lambda *_, kind=kind: seen.append(kind))
    gradients(params, 0)
    optimizer.step()
    optimizer.load_state_dict(optimizer.state_dict())
    assert seen == [
        "step_pre",
        "step_post",
        "state_dict_pre",
        "state_dict_post",
        "load_state_dict_pre",
        "load_state_dict_post",
    ]
    optimizer.register_state_dict_post_hook(lambda _, state: {**state, "extra": 1})
    assert optimizer.state_dict()["extra"] == 1
    optimizer.register_load_state_dict_pre_hook(lambda _, state: {k: v for k, v in state.items() if k != "extra"})
    optimizer.load_state_dict(optimizer.state_dict())
    assert optimizer.zero_grad() is None
    assert params[0].grad is None
    assert "lookahead_alpha: 0.5" in repr(optimizer)


def test_a_hook_of_all_optimizers_runs_for_both():
    params, seen = two(), []
    optimizer = Lookahead(torch.optim.SGD(params, lr=0.1), 2, 0.5)
    handle = register_optimizer_step_post_hook(lambda own, *_: seen.append(type(own).__name__))
    try:
        train(optimizer, params, 0, 1)
    finally:
        handle.remove()
    assert seen == ["SGD", "Lookahead"]


SCHEDULERS = {
    "MultiStepLR": lambda o: lr_scheduler.MultiStepLR(o, [6, 12], 0.2),
    "CosineAnnealingLR": lambda o: lr_scheduler.CosineAnnealingLR(o, 20),
    "OneCycleLR": lambda o: lr_scheduler.OneCycleLR(o, 0.2, total_steps=30),
    "LambdaLR": lambda o: lr_scheduler.LambdaLR(o, lambda j: 1 / (1 + j)),
    "CyclicLR": lambda o: lr_scheduler.CyclicLR(o, 0.01, 0.1, step_size_up=3),
}


@pytest.mark.parametrize("kind", SCHEDULERS)
def test_schedulers_move_the_inner_optimizers_steps(kind):
    """They ask for an Optimizer and patch ``step``; a copy must not step the original's."""
    ours, theirs = two(), two()
    optimizer, alone = (
        Lookahead(torch.optim.SGD(ours, lr=0.1, momentum=0.9), 5, 1.0),
        torch.optim.SGD(theirs, lr=0.1, momentum=0.9),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        schedulers = [SCHEDULERS[kind](optimizer), SCHEDULERS[kind](alone)]
        for j in range(20):
            for params, one, scheduler in zip((ours, theirs), (optimizer, alone), schedulers, strict=True):
                gradients(params, j)
                one.step()
                scheduler.step()
    assert equal(ours, theirs)
    assert schedulers[0].get_last_lr() == schedulers[1].get_last_lr()
    twin = copy.deepcopy(optimizer)
    kept = [p.detach().clone() for p in ours]
    train(twin, twin.param_groups[0]["params"], 20, 26)
    assert equal(ours, kept)


def test_reduce_on_plateau_too():
    optimizer = Lookahead(torch.optim.SGD(two(), lr=0.1), 5, 0.8)
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, patience=0)
    for _ in range(3):
        scheduler.step(1.0)
    assert optimizer.param_groups[0]["lr"] < 0.1


@pytest.mark.parametrize("fused", [False, True])
def test_a_step_that_the_scaler_skips_does_not_count(fused):
    def made():
        params = [torch.nn.Parameter(p.detach().float()) for p in two()]
        return params, SLRLA(torch.optim.Adam(params, lr=0.1, fused=fused), 5, 0.8, 0.2)

    (ours, optimizer), (theirs, alone) = made(), made()
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=1000)
    scaler.scale(torch.zeros(()))
    for j in range(14):
        gradients(ours, j)
        for p in ours:
            p.grad *= scaler.get_scale()
        overflow = j in (3, 8)
        if overflow:
            ours[0].grad[0] = math.inf
        scaler.step(optimizer)
        scaler.update()
        if not overflow:
            gradients(theirs, j)
            alone.step()
    assert optimizer.param_groups[0]["lookahead_step"] == 12
    for p, q in zip(ours, theirs, strict=True):
        torch.testing.assert_close(p, q, rtol=1e-6, atol=1e-6)


def test_a_group_added_later_has_rounds_of_its_own():
    """lonePatient/lookahead_pytorch#1 and lessw2020/Ranger#8: its counter was missing."""
    first, late = weights([1.0], [3.0])
    optimizer = SLRLA(torch.optim.SGD([first], lr=0.5), 2, 0.5, 0.0)
    first.grad = torch.zeros_like(first)
    optimizer.step()
    optimizer.add_param_group({"params": [late], "lr": 1.0, "lookahead_alpha": 0.25})
    seen = []
    for _ in range(4):
        late.grad = torch.ones_like(late)
        optimizer.step()
        seen.append(late.item())
    assert seen == [2.0, 0.75 * 3 + 0.25 * 1, 1.5, 0.75 * 2.5 + 0.25 * 0.5]
    assert [group["lookahead_step"] for group in optimizer.param_groups] == [5, 4]


def test_a_group_added_to_the_inner_optimizer_works_too():
    first, late = weights([1.0], [3.0])
    inner = torch.optim.SGD([first], lr=0.5)
    optimizer = SLRLA(inner, 2, 0.5, 0.1)
    inner.add_param_group({"params": [late]})
    assert train(optimizer, [first, late], 0, 3)
    assert optimizer.param_groups[1]["lookahead_step"] == 3


def test_frozen_parameters():
    """Without a gradient from the start: untouched, no state. Frozen inside a round: the round still ends for it. Freed
    later: a parameter starts from where it is."""
    always, sometimes, later = params = weights([1.0], [2.0], [3.0])
    optimizer = SLRLA(torch.optim.Adam(params, lr=0.1), 5, 0.5, 0.1)
    for j in range(8):
        gradients(params, j)
        always.grad = later.grad = None
        if j >= 3:
            sometimes.grad = None
        optimizer.step()
        if j == 2:
            moved = sometimes.item()
        if j == 3:
            assert sometimes.item() == moved
    assert sometimes.item() == pytest.approx(0.5 * 2.0 + 0.5 * moved)
    assert always.item() == 1.0
    assert always not in optimizer.state
    for j in range(8, 10):
        gradients(params, j)
        always.grad = None
        optimizer.step()
    fast = 3.0
    assert optimizer.state[later]["lookahead_slow"].item() == later.item() != fast
    assert optimizer.state[later]["slrla_anchor"].item() == 3.0


def test_a_closure_finds_parameters_without_gradients():
    params = two()
    optimizer = SLRLA(torch.optim.SGD(params, lr=0.1), 2, 0.5, 0.3)
    start = [p.detach().clone() for p in params]

    def closure():
        optimizer.zero_grad()
        loss = (params[0] ** 2).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == (start[0] ** 2).sum()
    assert torch.equal(optimizer.state[params[0]]["lookahead_slow"], start[0])
    assert params[1] not in optimizer.state


def test_weights_loaded_between_stages_start_the_next_one():
    (p,) = params = weights([1.0])
    optimizer = SLRLA(torch.optim.SGD(params, lr=0.5), 2, 0.5, 0.0)
    train(optimizer, params, 0, 3)
    optimizer.next_stage()
    p.data.fill_(4.0)
    for _ in range(2):
        p.grad = torch.ones_like(p)
        optimizer.step()
    assert p.item() == 0.5 * 4 + 0.5 * 3


# -- the slow weights


def test_the_slow_weights_within_a_round():
    """lessw2020/Ranger#24, and the authors' repository, which stores the fast network and evaluates the slow one."""
    params = two()
    start = [p.detach().clone() for p in params]
    optimizer = Lookahead(torch.optim.SGD(params, lr=0.1), 5, 0.8)
    with optimizer.slow_weights():
        assert equal(params, start)
    fast = train(optimizer, params, 0, 3)
    with optimizer.slow_weights():
        assert equal(params, start)
    assert equal(params, fast)
    synced = train(optimizer, params, 3, 5)
    fast = train(optimizer, params, 5, 8)

    def evaluation():
        with optimizer.slow_weights():
            assert equal(params, synced)
            raise KeyError

    with pytest.raises(KeyError):
        evaluation()
    assert equal(params, fast)


@pytest.mark.parametrize(
    "call",
    [
        lambda o: o.step(),
        lambda o: o.next_stage(),
        lambda o: o.state_dict(),
        lambda o: o.load_state_dict({}),
        lambda o: copy.deepcopy(o),
        lambda o: o.slow_weights().__enter__(),
    ],
)
def test_within_the_slow_weights_nothing_else_is_done(call):
    optimizer = Lookahead(torch.optim.SGD(two(), lr=0.1), 5, 0.8)
    with (
        optimizer.slow_weights(),
        pytest.raises(RuntimeError, match=r"was called within slow_weights\(\); leave it first"),
    ):
        call(optimizer)


def test_batch_norms_statistics_stay_the_fast_weights():
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
    optimizer = Lookahead(torch.optim.SGD(model.parameters(), lr=0.1), 5, 0.8)
    for _ in range(3):
        optimizer.zero_grad()
        model(torch.randn(8, 2)).square().sum().backward()
        optimizer.step()
    fast = model[1].running_mean.clone()
    with optimizer.slow_weights():
        assert torch.equal(model[1].running_mean, fast)


# -- errors


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((5, 1.5, 0.0), r"SLRLA: alpha must lie in \(0, 1\]; got 1.5\."),
        ((5, 0, 0.0), r"SLRLA: alpha must lie in \(0, 1\]; got 0\."),
        ((5, "a", 0.0), r"SLRLA: alpha must lie in \(0, 1\]; got 'a'\."),
        ((0, 0.5, 0.0), r"SLRLA: k must be a whole number >= 1; got 0\."),
        ((2.5, 0.5, 0.0), r"SLRLA: k must be a whole number >= 1; got 2.5\."),
        ((True, 0.5, 0.0), r"SLRLA: k must be a whole number >= 1; got True\."),
        ((5, 0.5, -1), r"SLRLA: beta must be a finite number >= 0; got -1\."),
        ((5, 0.5, math.inf), r"SLRLA: beta must be a finite number >= 0; got inf\."),
        ((5, 0.5, 0.1, 0), r"SLRLA: anchor_every must be None or a whole number >= 1; got 0\."),
        ((5, 0.5, 0.1, None, "none"), r"SLRLA: momentum must be one of keep, reset, pullback; got 'none'\."),
    ],
    ids=str,
)
def test_wrong_numbers_are_refused_in_one_line(arguments, words):
    with pytest.raises(ValueError, match=words):
        SLRLA(torch.optim.SGD(two(), lr=0.1), *arguments)


def test_what_is_no_optimizer_is_refused():
    with pytest.raises(TypeError, match=r"Lookahead: inner must be a torch.optim.Optimizer; got list\."):
        Lookahead(two(), 5, 0.5)
    with pytest.raises(TypeError, match=r"SLRLA: inner must not be a Lookahead itself; got SLRLA\."):
        SLRLA(SLRLA(torch.optim.SGD(two(), lr=0.1), 5, 0.5, 0), 5, 0.5, 0)
    with pytest.raises(ValueError, match=r"build: name must be one of Adam, .*; got 'Adamm'\."):
        build("Adamm", two(), 0.1)
