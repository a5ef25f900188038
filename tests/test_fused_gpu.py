"""The fused GPU engine against the reference engine, in Triton's interpreter on a CPU, at tiny sizes; and compiled."""

from __future__ import annotations

import importlib.util
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

import problems
from problems import pseudo_huber
from riskkit.engines.triton import engine as fused_gpu

ROOT = Path(__file__).resolve().parent.parent
FAST = [name for name in problems.__all__ if hasattr(getattr(problems, name)(), "formula")]


@pytest.fixture(scope="module")
def apart():
    if importlib.util.find_spec("triton") is None:
        pytest.skip("Triton is not installed")
    done = subprocess.run(
        [sys.executable, "tests/interpreted.py", *FAST],
        cwd=ROOT,
        env={**os.environ, "TRITON_INTERPRET": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", FAST)
def test_the_engines_agree(name, apart):
    assert apart[name]["theta"] < 1e-12
    assert apart[name]["moment"] < 1e-12


def test_the_engines_agree_in_single_precision_and_with_many_configurations(apart):
    assert apart["single"]["theta"] < 5e-6
    assert apart["many"]["theta"] < 1e-12


@pytest.mark.parametrize("name", ["Logistic", "MeanEstimation"])
def test_batches_momentum_and_averages_agree(name, apart):
    assert apart[f"schemes on {name}"]["theta"] < 1e-12
    assert apart[f"schemes on {name}"]["moment"] < 1e-12
    assert all(one == other for one, other in apart[f"schemes on {name}"]["diverged"])


@pytest.mark.parametrize("loop", ["shared", "schemes, shared"])
def test_replicates_that_share_examples_agree(loop, apart):
    assert apart[loop]["theta"] < 1e-12
    assert apart[loop]["moment"] < 1e-12


def test_methods_of_formulas_agree(apart):
    """The last one diverges, and says when, as it does on the reference engine."""
    assert apart["own"]["theta"] < 1e-12
    assert apart["own"]["moment"] < 1e-12
    assert all(one == other for one, other in apart["own"]["diverged"])
    assert [min(one) > 0 for one, _ in apart["own"]["diverged"]] == [False] * 7 + [True]


def test_words_and_indices_are_the_streams_bit_for_bit(apart):
    assert len(apart["words"]) == 20
    assert all(apart["words"])


def test_divergence_is_named_as_by_the_reference_engine(apart):
    (wild, found), (tame, calm) = apart["wild"]["diverged"]
    assert wild == found
    assert tame == calm == [-1, -1]
    assert min(wild) > 0


@pytest.mark.parametrize(
    ("words", "names"), [(["--quick"], ["Logistic", "WarpedMean"]), pytest.param([], FAST, marks=pytest.mark.slow)]
)
def test_formulas_compile_for_a_gpu_and_stay_in_registers(words, names):
    """Without a GPU: Triton brings NVIDIA's tools. sin and cos of large numbers keep some bytes in memory."""
    if importlib.util.find_spec("triton") is None:
        pytest.skip("Triton is not installed")
    done = subprocess.run(
        [sys.executable, "benchmarks/gpu.py", "--registers", *words],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert {line.split()[0] for line in lines} == {*names, "indices", "words"}
    assert max(int(line.split()[-4]) for line in lines) <= 64, done.stdout


def test_configurations_share_a_program_while_they_find_room():
    assert fused_gpu.blocks(16, 32, 4) == (16, 32, 4)
    assert fused_gpu.blocks(16, 128, 8) == (4, 128, 4)
    assert fused_gpu.blocks(1, 8192, 8) == (1, 8192, 32)


def test_a_formula_has_a_twin_in_triton_or_a_reason_why_not():
    source = fused_gpu.twin(pseudo_huber.slope)
    assert "tl.sqrt(1.0 + (u - y) / delta * ((u - y) / delta))" in source

    def branching(u: float, y: float, _: float) -> float:
        if u > y:
            return 1.0
        return math.tanh(u - y)

    def unknown(u: float, y: float, _: float) -> float:
        return math.tanh(u - y)

    with pytest.raises(ValueError, match=r"^branching of its formula has branches or loops$"):
        fused_gpu.twin(branching)
    with pytest.raises(ValueError, match=r"^unknown of its formula calls math\.tanh$"):
        fused_gpu.twin(unknown)


def test_the_script_for_a_day_with_a_gpu_runs_as_far_as_a_cpu_lets_it(tmp_path):
    if importlib.util.find_spec("triton") is None:
        pytest.skip("Triton is not installed")
    command = [sys.executable, "benchmarks/gpu_day.py", str(tmp_path), "--interpreted", "--formulas", "MeanEstimation"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    told = (tmp_path / "agreement.txt").read_text()
    assert told.count("MeanEstimation") == told.count(" agrees: ") == 2
