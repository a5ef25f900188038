"""Methods of one's own as formulas: the fused CPU engine against the reference engine, the trial, what is refused."""

from __future__ import annotations

import dataclasses
import math
import random
from typing import Any

import numpy as np
import pytest
import torch

from problems import Logistic, MeanEstimation
from riskkit import Constant, InverseTime, Lookahead, Stage, simulate
from riskkit.algorithms import FormulaMethod, Scheme, traits
from riskkit.algorithms.formula_method import formulas_of
from riskkit.algorithms.formulas import TENSORS
from riskkit.algorithms.tracing import SCALAR, TRIALS, traced
from riskkit.conformance import check
from riskkit.engines import trial
from riskkit.engines.numba import schemes
from riskkit.measure import measure_block
from tests.own_formulas import AdaGrad, Clipped, Falling, Growing, Nesterov, ScheduleFree, SignSGD, SoftThreshold
from tests.test_fused import agree, both, same_bits_alone

STEP = Constant(0.1)
MADE = [
    AdaGrad(1000, STEP, radius=0.4, batch=2),
    AdaGrad(700, Constant(0.05), 1e-3, radius=0.4, batch=2),
    Nesterov((Stage(60, 5, 0.3, Constant(0.02), 0.3), Stage(70, 10, 1.0, Constant(0.02))), 0.8, batch=3, radius=0.5),
    SignSGD(1000, InverseTime(1.0, 50.0)),
    Clipped(1000, STEP, batch=5),
    Clipped(900, Constant(0.05), 0.01, batch=5),
    SoftThreshold(1000, Constant(0.05)),
    ScheduleFree(1000, STEP, batch=7),
]
READ = [
    np.array(r)
    for r in (
        [1, 256, 1000],
        [700],
        [1, 60, 61, 130],
        [1, 2, 1000],
        [3, 51, 52, 1000],
        [900],
        [1, 500, 1000],
        [1, 36, 1000],
    )
]


def test_the_engines_agree_in_double_precision():
    """States, norms, stages, anchors, batches, projection, weights and formulas of outputs, over 1,000 steps."""
    expected, found = both(Logistic(dim=9), MADE, READ)
    agree(expected, found, 1e-10)
    assert float(expected[0].theta[:, :, 0].norm(dim=-1).max()) >= 0.4 * (1 - 1e-12)
    assert (expected[6].theta[:, -1, 0] == 0).any()
    assert not torch.equal(expected[7].theta[:, :, 0], expected[7].theta[:, :, 1])


def test_the_engines_agree_in_single_precision_and_on_formulas_by_coordinate():
    agree(*both(Logistic(dim=9), [MADE[4], MADE[7]], [READ[4], READ[7]], dtype=torch.float32), 5e-6)
    agree(*both(MeanEstimation(dim=3), MADE[:2], READ[:2]), 1e-10)


@pytest.mark.slow
def test_all_agree_on_formulas_by_coordinate_and_in_single_precision():
    agree(*both(MeanEstimation(dim=3), MADE, READ), 1e-10)
    continuous = [i for i, made in enumerate(MADE) if not isinstance(made, SignSGD)]
    problem, made = Logistic(dim=9), [MADE[i] for i in continuous]
    agree(*both(problem, made, [READ[i] for i in continuous], dtype=torch.float32), 5e-6)


def same_bits(chosen, monkeypatch):
    problem, made = Logistic(dim=9), [MADE[i] for i in chosen]
    read = [READ[i] for i in chosen]
    ends = [own[-1:] for own in read]
    _, together = both(problem, made * 2, read * 2, replicates=13)
    monkeypatch.setattr(schemes, "TABLE", 1)
    _, threaded = both(problem, made, ends, replicates=13, threads=3)
    same_bits_alone(problem, made, ends, (together, threaded))


def test_a_run_has_the_same_bits_in_any_company_chunks_and_on_any_number_of_threads(monkeypatch):
    """Of one formula with a state, and of one with a norm, at two step sizes each."""
    same_bits((0, 1, 4, 5), monkeypatch)


@pytest.mark.slow
def test_every_run_has_the_same_bits_in_any_company_chunks_and_on_any_number_of_threads(monkeypatch):
    same_bits(range(len(MADE)), monkeypatch)


def test_what_a_step_of_size_0_moves_is_held_when_a_run_has_ended():
    """Beside longer runs a lane that has ended stays where it is, and does not diverge. It is read at its end."""
    problem, made = MeanEstimation(dim=3), [Growing(40, 2.0), Growing(900, 0.9, Falling()), Growing(900, 3.0)]
    expected, found = both(problem, made, [np.array([5, 40]), np.array([900]), np.array([30, 900])])
    agree(expected[:2], found[:2], 1e-10)
    assert torch.equal(expected[2].diverged_at, found[2].diverged_at)
    assert (found[2].diverged_at > 0).all()
    assert (found[0].diverged_at == -1).all()


def test_replaced_neighbours_are_coupled_as_by_the_reference_engine():
    problem = Logistic(dim=9)
    made = [Clipped(20, STEP, batch=5), ScheduleFree(20, STEP, batch=7), Lookahead(6, 5, 0.5, STEP)]

    def measured(engine):
        rounds = [np.array([2, 6])] * 3
        return measure_block(problem, 30, made, rounds, list("abc"), seed=1, first=0, engine=engine, neighbours=2)

    for one, other in zip(measured("auto"), measured("reference"), strict=True):
        assert (one.engine, other.engine) == ("fused_cpu", "reference")
        for name, values in other.values.items():
            np.testing.assert_allclose(one.values[name], values, rtol=1e-8, atol=1e-13, err_msg=name)


def test_against_the_formulas_worked_out_by_hand():
    """AdaGrad in numpy on one example, as it is written in a textbook; and what ``simulate`` says of the engine."""
    x, steps = np.array([[0.6, -0.8]]), 30
    mine = AdaGrad(steps, STEP, epsilon=0.0)
    measured = simulate(MeanEstimation(dim=2), mine, data=np.repeat(x, 4, 0), replicates=2)
    assert measured.engine[0] == "fused_cpu"
    theta = np.asarray(MeanEstimation(dim=2).start, dtype=np.float64)
    square, lam = np.zeros(2), MeanEstimation(dim=2).lam
    iterates = []
    for _ in range(steps):
        iterates.append(theta)
        g = lam * (theta - x[0])
        square = square + g**2
        theta = theta - 0.1 * g / np.sqrt(square)
    np.testing.assert_allclose(measured.theta[0, -1], [theta, np.mean(iterates, 0)], rtol=1e-12)


@pytest.mark.parametrize("made", [AdaGrad(32, STEP), Clipped(32, STEP), ScheduleFree(32, STEP), MADE[2]], ids=repr)
def test_methods_of_formulas_conform(made):
    assert check(made).faults == []


def test_a_shorter_run_is_the_beginning_of_a_longer_one_where_nothing_depends_on_the_length():
    assert AdaGrad(9, STEP).without_horizon() == AdaGrad(30, STEP).without_horizon()
    own = SoftThreshold(9, STEP)
    assert own.without_horizon() == own
    shown = {"k": 1, "alpha": 1.0, "eta": 0.1, "beta": 0.0, "batch": 3, "most": 0.5}
    assert traits.shown(Clipped(9, STEP, 0.5, batch=3)) == shown


# What is refused.


@dataclasses.dataclass(frozen=True)
class Planted(AdaGrad):
    """Its own torch step is another method than its formula."""

    factor: float = 1.001

    def step(self, state, gradient, j):
        return super().step(state, self.factor * gradient, j) if j > 1 else super().step(state, gradient, j)


def test_the_trial_sees_a_step_that_is_not_the_formula():
    def found(made):
        return trial.fault(made, (0.3, 0.1, 0.2), None, math.inf, 9, [2, 9])

    assert found(Planted(9, STEP, factor=1.0)) is None
    said, member = found(Planted(9, STEP))
    assert member == "scheme"
    assert said.startswith("scheme must be the method itself; after 3 steps of the same gradients its iterate is ")


def test_the_trial_sees_numbers_that_are_not_finite():
    said, member = trial.fault(AdaGrad(9, STEP, epsilon=0.0), (0.0, 0.0), None, math.inf, 9, [9])
    assert (said, member) == ("its formulas must give finite numbers; v is nan after 1 steps", "update")


def test_a_method_that_leaves_theta_is_told_what_to_do():
    said, _ = trial.fault(AdaGrad(99, STEP), (0.0, 0.0), 0.2, 1.0, 99, [99])
    assert said.startswith("query must stay in Theta, the ball of radius 0.2; ")
    assert said.endswith("; give it a radius")


def branch(v, g, eta):
    return v - eta * g if g > 0 else v


def called(v, g, eta):
    return v - eta * math.tanh(g)


def of_numpy(v, g, eta):
    return v - eta * np.sign(g)


def power(v, g, eta):
    return v - eta * g**1.5


def raising(v, g, eta):
    return v - eta * g.clip(1)


def random_step(v, g, eta):
    return v - eta * g * random.random()


def two(v, g, eta):
    return v - eta * g, g


def everything(*args):
    return args[0]


def unknown(v, g, mu):
    return v - mu * g


def of_self(self, v, g):
    return v - g


@pytest.mark.parametrize(
    ("update", "said"),
    [
        (branch, "Own: update has a branch that depends on its numbers, which differ from coordinate to coordinate; "),
        (called, "Own: update calls a function that is not known here; it may call abs, min, max and math.sqrt, "),
        (of_numpy, "Own: update calls a function of numpy; it may call abs, min, max and math.sqrt, "),
        (power, "Own: update has the power 1.5; it may have whole ones from 1 to 16, and 0.5."),
        (raising, "Own: update raised AttributeError: "),
        (random_step, "Own: update must give the same for the same numbers; it keeps something, or draws random "),
        (two, "Own: update must return one number (v); got 2."),
        (everything, "Own: update must name its arguments; got *args."),
        (unknown, "Own: mu, which a formula asks for, must be a finite number of the method, or one of v, g, j, eta, "),
        (of_self, "Own: update must be a function of numbers, found by their names; it has self."),
        (3, "Own: update must be a plain function of numbers; got int."),
    ],
)
def test_a_formula_that_cannot_be_compiled_is_refused_in_one_line(update, said):
    with pytest.raises(ValueError, match=r"^Own: ") as caught:
        owned(update=staticmethod(update) if callable(update) else update)(9, STEP)
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)


def owned(**members: Any) -> Any:
    """A class ``Own`` with these members."""
    fields = [("steps", int), ("step_sizes", Any), ("name", str, "own")]
    return dataclasses.make_dataclass("Own", fields, bases=(FormulaMethod,), namespace=members, frozen=True)


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"states": {"g": 0.0}}, "Own: a state needs a name of its own, none of v, g, j, eta, norm; got 'g'."),
        ({"states": {"m": math.inf}}, 'Own: the state m must start with a finite number or with "v"; got inf.'),
        ({"states": {"m": 0.0}}, "Own: update must return 2 numbers (v, m); got 1."),
        ({"last": staticmethod(lambda v, eta: v)}, "Own: last may ask for v, j, states and numbers; it asks for eta."),
        ({"stages": (Stage(3, 3, 0.5, STEP),), "last": staticmethod(lambda v: v)}, "Scheme: an output that is a "),
        ({"stages": (Stage(3, 3, 1.0, STEP, output="average"),)}, "Own: every stage must pass on its last iterate; "),
    ],
)
def test_states_and_outputs_that_make_no_sense_are_refused(members, said):
    with pytest.raises(ValueError, match=r"^(Own|Scheme): ") as caught:
        owned(**{"update": staticmethod(lambda v, g, eta: v - eta * g), **members})(9, STEP)
    assert str(caught.value).startswith(said)


def test_momentum_has_no_place_beside_formulas():
    with pytest.raises(ValueError, match="momentum and weight_decay are heavy ball's"):
        Scheme((Stage(3, 1, 1.0, STEP),), 0.9, formulas=formulas_of(AdaGrad))


def test_a_formula_is_noted_as_it_is_written():
    """Numbers by name, helpers, variables of an enclosing function, and the functions of lanes, min and max."""
    factor = 3.0

    def helper(a: float) -> float:
        return math.sqrt(a) * factor

    def formula(v: float, g: float) -> tuple[float, float]:
        return max(min(helper(v * v), g, 2), -1), -(abs(v) ** 3) + math.copysign(g, v) * math.pi + 1 / (2 - v)

    noted = traced(formula, "it", ("v", "g"))
    for v, g in ((0.3, -0.7), (-1.4, 5.0), (0.9, 0.0)):
        np.testing.assert_allclose(noted.evaluate({"v": v, "g": g}), formula(v, g), rtol=1e-15)


def test_operations_of_tensors_are_those_of_numbers():
    pairs = [(a, b) for a in TRIALS[:4] for b in (*TRIALS[:3], 0.0)]
    for name, plain in SCALAR.items():
        count = 1 if name in ("neg", "abs", "sqrt", "exp", "sin", "cos") else 2
        given = [one for one in pairs if not (name == "div" and one[1] == 0) and not (name == "sqrt" and one[0] < 0)]
        expected = [plain(*one[:count]) for one in given]
        a, b = torch.tensor(given, dtype=torch.float64).T
        ways = [(a, b), *((x, y) for x, y in given)] if count == 2 else [(a,), *((x,) for x, _ in given)]
        whole, *single = (TENSORS[name](*way) for way in ways)
        torch.testing.assert_close(whole.tolist(), expected, rtol=1e-15, atol=0)
        assert single == expected
        if count == 2:
            mixed = [TENSORS[name](*way).item() for x, y in zip(a, given, strict=True) for way in [(x, y[1])]]
            mixed += [TENSORS[name](x[0], y).item() for x, y in zip(given, b, strict=True)]
            torch.testing.assert_close(mixed, expected * 2, rtol=1e-15, atol=0)
