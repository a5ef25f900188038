"""The conformance kit for torch optimizers: planted faults are found and named, riskkit's and torch's own have none."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.optim import Optimizer

from riskkit.cli import main as cli
from riskkit.conformance import Claim, check_optimiser
from riskkit.conformance.rounds import Rule, faults
from riskkit.optim import SLRLA, TABLE3, Lookahead, build, rounds, stages

sys.path.insert(0, str(Path(__file__).parent))
import optimisers_to_check as shown

from benchmarks import wrappers

ROOT = Path(__file__).resolve().parent.parent


def sgd(params, momentum=0.0):
    return torch.optim.SGD(params, lr=0.1, momentum=momentum)


def heavy(params):
    return sgd(params, 0.9)


OWN = {
    "Lookahead": lambda params: Lookahead(sgd(params), 5, 0.8),
    "k = 1": lambda params: Lookahead(sgd(params), 1, 0.3),
    "k = 2": lambda params: Lookahead(sgd(params), 2, 0.5),
    "alpha = 1": lambda params: Lookahead(heavy(params), 3, 1.0),
    "Adam": lambda params: Lookahead(torch.optim.Adam(params, lr=0.1), 7, 0.4),
    "reset": lambda params: Lookahead(heavy(params), 5, 0.8, momentum="reset"),
    "pullback": lambda params: Lookahead(torch.optim.Adam(params, lr=0.1), 5, 0.8, momentum="pullback"),
    "SLRLA": lambda params: SLRLA(sgd(params), 5, 0.8, 0.3),
    "beta = 0": lambda params: SLRLA(heavy(params), 5, 0.8, 0.0),
    "AdamW": lambda params: SLRLA(torch.optim.AdamW(params, lr=0.1), 5, 0.8, 0.3),
    "as coded": lambda params: SLRLA(sgd(params), 5, 0.8, 0.3, anchor_every=5),
    "as coded, K = 3": lambda params: SLRLA(heavy(params), 5, 0.8, 0.3, anchor_every=3),
    **{f"Table 3: {name}": lambda params, name=name: build(name, params, 0.05, 0.01, beta=0.2) for name in TABLE3},
}


@pytest.mark.parametrize("make", OWN.values(), ids=OWN)
def test_riskkits_own_have_no_fault(make):
    assert check_optimiser(make).faults == []


TORCH = [
    "SGD",
    "Adam",
    "AdamW",
    "RAdam",
    "NAdam",
    "Adagrad",
    "Adadelta",
    "Adamax",
    "ASGD",
    "RMSprop",
    "Rprop",
    "Adafactor",
]


@pytest.mark.parametrize("kind", [*TORCH, "Muon"])
def test_torchs_own_have_no_fault(kind):
    if not hasattr(torch.optim, kind):
        pytest.skip(f"this torch has no {kind}")
    make = getattr(torch.optim, kind)
    assert check_optimiser(lambda params: make(params, lr=0.05)).faults == []


def test_the_exact_moments_and_the_staged_algorithm_are_asked():
    """SGD with a constant step inside: both are compared, neither is left out in silence."""
    for make in (OWN["Lookahead"], OWN["SLRLA"]):
        notes = {finding.title: finding.note for finding in check_optimiser(make).findings}
        assert "rounds of riskkit's" in notes["staged algorithm"]
        assert "standard errors" in notes["exact moments"]


# -- planted faults


class NeverSyncs(Lookahead):
    def _close(self, group):
        pass


class SyncsAtStep0(Lookahead):
    """jettify/pytorch-optimizer: the test for the end of a round comes before the step is counted."""

    def _close(self, group):
        pass

    def _count(self, group):
        if group[rounds.STEP] % group[rounds.K] == 0:
            super()._close(group)
        super()._count(group)


class FirstRoundAtAlpha1(Lookahead):
    """timm: the slow weights are copied when they are first needed."""

    def _close(self, group):
        if group[rounds.STEP] == group[rounds.K]:
            for p in self._enrolled(group):
                self.state[p][rounds.SLOW].copy_(p)
        super()._close(group)


class Exchanged(Lookahead):
    def _close(self, group):
        super()._close({**group, rounds.ALPHA: 1 - group[rounds.ALPHA]})


class SlowWeightsStay(Lookahead):
    def _close(self, group):
        fast = self._enrolled(group)
        kept = [self.state[p][rounds.SLOW].clone() for p in fast]
        super()._close(group)
        for p, slow in zip(fast, kept, strict=True):
            self.state[p][rounds.SLOW].copy_(slow)


class OneStepTooMany(Lookahead):
    def _close(self, group):
        pass

    def _count(self, group):
        super()._count(group)
        if group[rounds.STEP] % (group[rounds.K] + 1) == 0:
            super()._close(group)


class HalfWay(Lookahead):
    """No known fault: alpha changes every round."""

    def _close(self, group):
        super()._close({**group, rounds.ALPHA: 1 / (1 + group[rounds.STEP])})


class LosesSlowWeights(Lookahead):
    """michaelrzhang/lookahead: only the inner optimizer's state is saved."""

    def state_dict(self):
        found = super().state_dict()
        state = {i: {k: v for k, v in own.items() if k != rounds.SLOW} for i, own in found["state"].items()}
        return {**found, "state": state}


class LosesCounter(Lookahead):
    def load_state_dict(self, state_dict):
        super().load_state_dict(state_dict)
        for group in self.param_groups:
            group[rounds.STEP] = 0

    def _open(self, group):
        pass


class LosesInnerState(Lookahead):
    def load_state_dict(self, state_dict):
        kept = [{k: v for k, v in own.items() if k == rounds.SLOW} for own in state_dict["state"].values()]
        super().load_state_dict({**state_dict, "state": dict(enumerate(kept))})


class UnsafeCheckpoint(Lookahead):
    def state_dict(self):
        return {**super().state_dict(), "extra": Path("x")}

    def load_state_dict(self, state_dict):
        super().load_state_dict({k: v for k, v in state_dict.items() if k != "extra"})


class StaleGroups(Lookahead):
    """kozistr/pytorch_optimizer#237: what users set is a copy."""

    @property
    def param_groups(self):
        return vars(self).get("copied", self.inner.param_groups)

    def load_state_dict(self, state_dict):
        super().load_state_dict(state_dict)
        self.copied = [dict(group) for group in self.inner.param_groups]


class AliasedMomentum(Lookahead):
    """michaelrzhang/lookahead: the slow copy is the buffer itself."""

    def _close_momentum(self, group, fast):
        if rounds.PULLED not in self.state[fast[0]]:
            super()._close_momentum(group, fast)
            for p in fast:
                self.state[p][rounds.PULLED] = self.state[p]["momentum_buffer"]


class ResetsMomentum(Lookahead):
    def _close(self, group):
        super()._close({**group, rounds.MOMENTUM: "reset"})


class AnchorStays(SLRLA):
    def _open(self, group):
        started = group[stages.STEP] == 0 and group[stages.TOTAL] > 0
        super()._open({**group, stages.STEP: 1} if started else group)


class AnchorEveryRound(SLRLA):
    def _close(self, group):
        super()._close(group)
        for p in self._enrolled(group):
            self.state[p][stages.ANCHOR].copy_(p)


class Penalty(SLRLA):
    factor = 0.0

    def _penalized(self, group, fresh):
        return super()._penalized({**group, stages.BETA: self.factor * group[stages.BETA]}, fresh)


class TwiceThePenalty(Penalty):
    factor = 2.0


class RepellingAnchor(Penalty):
    factor = -1.0


class ForgetsToCloseTheRound(SLRLA):
    def next_stage(self):
        for group in self.param_groups:
            group[stages.STEP] = 0


class CopiesLikeTorch(Lookahead):
    """torch's own ``__getstate__``."""

    def __getstate__(self):
        return {"state": self.state, "param_groups": self.param_groups}


class SharedCopy(Lookahead):
    def __deepcopy__(self, memo):
        return self


class IgnoresTheScaler(Lookahead):
    _step_supports_amp_scaling = True


class CountsSkippedSteps(Lookahead):
    """Counts where gradients are cleared or looked at, not where steps are taken."""

    @property
    def param_groups(self):
        groups = self.inner.param_groups
        if sys._getframe(1).f_code.co_name == "_unscale_grads_":
            for group in groups:
                group[rounds.STEP] += 1
        return groups

    def _count(self, group):
        super()._count(group)
        if sys._getframe(3).f_back.f_code.co_name == "_maybe_opt_step":
            group[rounds.STEP] -= 1


class FrozenStep(Lookahead):
    """Schedulers move a lr that nobody reads."""

    def _advance(self, closure, fresh):
        before = [group["lr"] for group in self.param_groups]
        for group in self.param_groups:
            group["lr"] = 0.1
        answer = super()._advance(closure, fresh)
        for group, lr in zip(self.param_groups, before, strict=True):
            group["lr"] = lr
        return answer


class DropsTheLoss(Lookahead):
    def step(self, closure=None):
        super().step(closure)


class NoCounterInLaterGroups(Lookahead):
    def add_param_group(self, param_group):
        self.inner.add_param_group(param_group)

    def _fill(self):
        if not vars(self).get("filled"):
            super()._fill()
            self.filled = True


class SkipsFrozen(Lookahead):
    """timm and pytorch_optimizer: no return without a gradient."""

    def _enrolled(self, group):
        return [p for p in super()._enrolled(group) if p.grad is not None]


class EvaluatesFast(Lookahead):
    def slow_weights(self):
        import contextlib

        return contextlib.nullcontext()


class KeepsSlow(Lookahead):
    def slow_weights(self):
        for group in self.param_groups:
            for p in self._enrolled(group):
                p.data.copy_(self.state[p][rounds.SLOW])
        import contextlib

        return contextlib.nullcontext()


class NoHooks(Lookahead):
    def _begin(self, inner, settings):
        super()._begin(inner, settings)
        del self._optimizer_state_dict_pre_hooks

    def state_dict(self):
        return self.inner.state_dict()


class TwoHooks(Lookahead):
    """A step that is profiled, and so hooked, twice."""

    def step(self, closure=None):
        return Lookahead.step(self, closure)


class Bare:
    """michaelrzhang's first version: no Optimizer."""

    def __init__(self, inner):
        self.inner, self.param_groups = inner, inner.param_groups

    def step(self):
        self.inner.step()


def wrap(kind, inner=sgd, **more):
    return lambda params: kind(inner(params), 5, 0.8, **more)


PLANTED = {
    "never syncs": (wrap(NeverSyncs), "rounds", "never return to the slow weights"),
    "syncs at step 0": (wrap(SyncsAtStep0), "rounds", "rounds end after steps 1, 6, 11, ... instead of 5, 10, 15"),
    "alpha = 1 first": (wrap(FirstRoundAtAlpha1), "rounds", "the first round has alpha = 1 instead of 0.8"),
    "alpha and 1 - alpha": (wrap(Exchanged), "rounds", "alpha and 1 - alpha are exchanged"),
    "slow weights stay": (wrap(SlowWeightsStay), "rounds", "the slow weights stay at theta_0"),
    "k + 1 steps": (wrap(OneStepTooMany), "rounds", "rounds have 6 step(s) instead of 5"),
    "unknown": (wrap(HalfWay), "rounds", "steps that are not the inner optimizer's: 5, 10, 15, 20"),
    "momentum reset": (wrap(ResetsMomentum, heavy), "rounds", "the momentum is set to 0 when a round ends"),
    "momentum aliased": (wrap(AliasedMomentum, heavy, momentum="pullback"), "rounds", "must be no alias of the buffer"),
    "anchor stays": (wrap(AnchorStays, beta=0.3), "rounds", "the anchor never moves"),
    "anchor every round": (wrap(AnchorEveryRound, beta=0.3), "rounds", "the anchor moves every round"),
    "no penalty": (wrap(Penalty, beta=0.3), "rounds", "there is no penalty"),
    "2 beta": (wrap(TwiceThePenalty, beta=0.3), "rounds", "gradient is 0.6 (theta - anchor), twice"),
    "wrong sign": (wrap(RepellingAnchor, beta=0.3), "rounds", "it pushes away from the anchor"),
    "open round": (wrap(ForgetsToCloseTheRound, beta=0.3), "stages", "it must end the round"),
    "slow weights lost": (wrap(LosesSlowWeights), "resume", "the slow weights are lost"),
    "counter lost": (wrap(LosesCounter), "resume", "the step counter is lost"),
    "inner state lost": (wrap(LosesInnerState, heavy), "resume", "the inner optimizer's state is lost"),
    "unsafe checkpoint": (wrap(UnsafeCheckpoint), "resume", "Weights only load failed"),
    "stale groups": (wrap(StaleGroups), "resume", "the groups are copies that have gone stale"),
    "torch's copy": (wrap(CopiesLikeTorch), "deepcopy", "raised AttributeError"),
    "torch's pickle": (wrap(CopiesLikeTorch), "pickle", "raised AttributeError"),
    "shared copy": (wrap(SharedCopy), "deepcopy", "steps of the copy move the original's parameters"),
    "ignores the scaler": (wrap(IgnoresTheScaler), "skipped steps", "a skipped step must not count"),
    "counts skipped steps": (wrap(CountsSkippedSteps), "skipped steps", "a skipped step must not count"),
    "frozen step": (wrap(FrozenStep), "scheduler", "the scheduled lr is not what the inner optimizer reads"),
    "no loss": (wrap(DropsTheLoss), "closure", "must return the closure's loss, 1; got None"),
    "no counter": (wrap(NoCounterInLaterGroups), "groups added later", "raised KeyError: 'lookahead_step'"),
    "skips frozen": (wrap(SkipsFrozen), "frozen parameters", "must return to the slow weights too"),
    "evaluates fast": (wrap(EvaluatesFast), "weights", "evaluation inside a round differs from the slow weights"),
    "keeps slow": (wrap(KeepsSlow), "weights", "the parameters are not the fast weights that they were"),
    "no hooks": (wrap(NoHooks), "hooks", "register_state_dict_pre_hook raises AttributeError"),
    "two hooks": (wrap(TwoHooks), "hooks", "a step_post hook must run once; it ran 2 times"),
    "no optimizer": (lambda params: Bare(sgd(params)), "torch optimizer", "Bare is no torch.optim.Optimizer"),
    "foreign parameters": (
        lambda params: sgd([p.detach().clone().requires_grad_() for p in params]),
        "torch optimizer",
        "param_groups must hold the parameters that were given",
    ),
}


@pytest.mark.parametrize(("make", "title", "words"), PLANTED.values(), ids=PLANTED)
def test_a_planted_fault_is_found_and_named(make, title, words):
    report = check_optimiser(make)
    found = {finding.title: finding.faults for finding in report.findings}
    assert any(words in fault for fault in found[title]), str(report)
    assert all("\n" not in fault for fault in report.faults)


def test_a_wrong_first_round_is_significant_against_the_exact_moments():
    findings = check_optimiser(PLANTED["alpha = 1 first"][0]).findings
    (fault,) = next(finding.faults for finding in findings if finding.title == "exact moments")
    assert float(fault.split()[-3]) < -5


def test_the_rules_of_faults_differ_from_the_rule_and_from_each_other():
    for rule in (Rule(5, 0.8), Rule(5, 0.8, 0.3), Rule(5, 0.8, 0.6, 3), Rule(1, 0.5)):
        known = [other for other, _ in faults(rule)]
        assert rule not in known
        assert len(set(known)) == len(known)


# -- public wrappers

KNOWN = {
    "timm": {"rounds", "staged algorithm", "exact moments", "hooks", "frozen parameters", "deepcopy", "pickle"},
    "torch_optimizer": {
        "rounds",
        "staged algorithm",
        "exact moments",
        "resume",
        "hooks",
        "groups added later",
        "deepcopy",
        "pickle",
    },
    "pytorch_optimizer": {"hooks", "frozen parameters", "deepcopy", "pickle"},
}
"""timm 1.0.31, torch_optimizer 0.3.0, pytorch_optimizer 4.1.0."""


@pytest.mark.parametrize("name", KNOWN)
def test_the_faults_of_public_wrappers_are_found(name, capsys):
    """Those of the extra ``wrappers``; the tests' own extra has pytorch_optimizer alone."""
    found = {title.split()[0]: make for title, make in wrappers.wrappers().items()}
    if name not in found:
        pytest.skip(f"{name} is not installed")
    report = check_optimiser(found[name])
    assert {finding.title for finding in report.findings if finding.faults} == KNOWN[name]


def test_the_page_has_the_table():
    page = (ROOT / "docs" / "optimisers.md").read_text()
    table = page.split(wrappers.START)[1].split(wrappers.END)[0]
    reports = {title: check_optimiser(make) for title, make in wrappers.wrappers().items() if "riskkit" in title}
    for row in wrappers.table(reports).splitlines():
        assert row.split("|")[1:4] in [line.split("|")[1:4] for line in table.splitlines()]
    for name, faulty in KNOWN.items():
        column = next(i for i, cell in enumerate(table.splitlines()[0].split("|")) if cell.split()[:1] == [name])
        rows = [line.split("|") for line in table.splitlines() if line.startswith("|")]
        assert {row[1].strip() for row in rows if row[column].strip() == "FAULT"} == faulty


def test_the_page_runs_as_it_stands():
    page = (ROOT / "docs" / "optimisers.md").read_text()
    program = "".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL))
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "0.55 times the stationary error of matched SGD" in done.stdout
    assert "make_optimiser: conforms" in done.stdout


# -- claims


def test_a_claim_may_be_given_or_be_the_functions_own():
    assert check_optimiser(shown.lookahead, Claim(sgd, 5, 0.8)).faults == []
    assert any("never return" in fault for fault in check_optimiser(shown.claimed).faults)
    wrong = check_optimiser(shown.lookahead, Claim(sgd, 4, 0.8))
    assert any("rounds have 5 step(s) instead of 4" in fault for fault in wrong.faults)


def test_slrla_needs_stages():
    report = check_optimiser(shown.sgd, Claim(sgd, 5, 0.8, 0.3))
    assert "SLRLA has stages, but the optimizer has no next_stage()." in report.faults


class Silent(Optimizer):
    """Says no k."""

    def __init__(self, inner):
        super().__init__(inner.param_groups[0]["params"], {})
        self.inner = inner

    def step(self, closure=None):
        return self.inner.step(closure)


def test_a_claim_that_cannot_be_read_is_asked_for():
    with pytest.raises(
        ValueError, match=r"Silent has an inner optimizer but no k and alpha .* Claim\(inner, k, alpha\)\."
    ):
        check_optimiser(lambda params: Silent(sgd(params)))


def test_a_claim_of_another_kind_is_refused():
    def make(params):
        return sgd(params)

    make.claim = {"k": 5}
    with pytest.raises(ValueError, match=r"make: claim must be a riskkit.conformance.Claim; got dict\."):
        check_optimiser(make)


def test_a_closure_at_every_step_is_not_covered():
    with pytest.raises(
        ValueError, match=r"LBFGS: step\(\) needs closure; only optimizers that step on gradients alone"
    ):
        check_optimiser(torch.optim.LBFGS)


def test_a_divergence_is_no_riddle():
    report = check_optimiser(lambda params: torch.optim.SGD(params, lr=1e20))
    assert any("theta is not finite" in fault for fault in report.faults)


# -- from the shell


def test_the_command(capsys, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    assert cli.main(["check", "optimisers_to_check:lookahead", "optimisers_to_check:slrla", "torch.optim:SGD"]) == 0
    out = capsys.readouterr().out
    assert "lookahead: conforms" in out
    assert "slrla: conforms" in out
    assert "SGD: conforms" in out
    assert cli.main(["check", "optimisers_to_check:never_syncs"]) == 1
    assert "the parameters never return to the slow weights" in capsys.readouterr().out
    assert cli.main(["check", "torch.optim:LBFGS"]) == 2
    assert capsys.readouterr().err.startswith("riskkit check: 'torch.optim:LBFGS': LBFGS: step() needs closure; only ")


def test_the_command_finds_a_module_of_the_working_directory(tmp_path):
    """As a console script does, which has not the working directory on its path: -P."""
    (tmp_path / "mine.py").write_text(
        "import torch\n\n\ndef make(params):\n    return torch.optim.SGD(params, lr=0.1)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-P", "-m", "riskkit", "check", "mine:make"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("make: conforms\n")
