"""The command line: what a person types, what is refused, and that tables depend on nothing they should not."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from riskkit import load
from riskkit.cli import main as cli
from riskkit.execution import tasks
from riskkit.execution.loading import loading
from riskkit.execution.tasks import Request, missing_tasks
from riskkit.experiment import study
from riskkit.store.shards import Store
from riskkit.sweep import main
from riskkit.verdicts.data import Data
from riskkit.verdicts.findings import find

pytestmark = pytest.mark.usefixtures("unpresented")

SMALL = [
    "theorem2_exponents",
    "--engine",
    "fused",
    "--replicates",
    "120",
    "--T",
    "8",
    "16",
    "32",
    "64",
    "--alpha",
    "0.25",
    "1",
    "--jobs",
    "1",
]


def table(folder: Path) -> bytes:
    return (folder / "theorem2_exponents" / "table.parquet").read_bytes()


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    out = tmp_path_factory.mktemp("swept")
    assert main([*SMALL, "--out", str(out)]) == 0
    return out


def test_a_sweep_writes_table_verdicts_and_record(swept):
    folder = swept / "theorem2_exponents"
    frame = load(folder)
    assert set(frame["status"]) == {"ok"}
    optimization = frame[(frame["quantity"] == "optimization") & (frame["algorithm"] == "Lookahead")]
    assert (optimization["mean"][optimization["output"] == "last"] > 0).all()
    z = (frame["mean"] - frame["exact"]) / frame["sem"]
    # 36 exact values, |z| < 4.5: a false alarm once in 4,000 seeds.
    assert z[np.isfinite(z)].abs().max() < 4.5
    # A band over many cells is wider than the interval of each.
    ok = frame[frame["sem"] > 0]
    assert ((ok["band_low"] < ok["low"]) & (ok["high"] < ok["band_high"])).all()
    verdicts = json.loads((folder / "verdict.json").read_text())["verdicts"]
    assert {"HOLDS"} <= {verdict["outcome"] for verdict in verdicts}
    record = json.loads((folder / "run.json").read_text())
    assert record["request"]["replicates"] == 120
    assert record["versions"]["riskkit"]


def test_tables_are_byte_equal_in_any_order_of_blocks_and_after_growing(swept, tmp_path):
    """R = 120 at once, 7 and then 120, one process or two, blocks forwards or backwards."""
    whole = table(swept)
    assert main([*SMALL[:4], "7", *SMALL[5:], "--out", str(tmp_path / "grown")]) == 0
    assert main([*SMALL, "--out", str(tmp_path / "grown")]) == 0
    assert table(tmp_path / "grown") == whole
    assert main([*SMALL[:-1], "2", "--out", str(tmp_path / "two")]) == 0
    assert table(tmp_path / "two") == whole


def test_more_replicates_extend_what_is_there(tmp_path):
    """300 = 256 + 44: the second sweep computes the second block only."""
    arguments = ["theorem2_exponents", "--T", "8", "16", "--alpha", "0.5", "--n", "10", "--jobs", "1"]
    assert main([*arguments, "--replicates", "200", "--out", str(tmp_path / "a")]) == 0
    store = Store(tmp_path / "a" / "theorem2_exponents")
    axes = (("n", (10.0,)), ("T", (8.0, 16.0)), ("alpha", (0.5,)))
    request = Request(str(study.folder()), "theorem2_exponents", axes=axes, replicates=300)
    left = missing_tasks(request, store.have())
    assert {task.first for task in left} == {256}
    assert main([*arguments, "--replicates", "300", "--out", str(tmp_path / "a")]) == 0
    backwards = Store(tmp_path / "b" / "theorem2_exponents")
    backwards.prepare()
    for task in reversed(missing_tasks(request, {})):
        backwards.put(tasks.compute(task).measured)
    assert main([*arguments, "--replicates", "300", "--out", str(tmp_path / "b")]) == 0
    assert table(tmp_path / "a") == table(tmp_path / "b")


def test_another_question_has_a_place_of_its_own_and_a_sweep_says_what_it_took(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    small = ["theorem2_exponents", "--T", "8", "--alpha", "1", "--n", "10", "20", "--jobs", "1", "--replicates", "40"]
    assert main(small) == 0
    said = capsys.readouterr()
    assert "taken from the store" not in said.out
    home = Path("results", "theorem2_exponents")
    first = {name: (home / name).read_bytes() for name in ("table.parquet", "table.csv", "verdict.json")}
    assert main([*small, "--seed", "7"]) == 0
    assert Path("results", "seed-7", "theorem2_exponents", "table.parquet").is_file()
    assert main([*small, "--problem", "MeanEstimation", "--quick"]) == 0
    assert Path("results", "quick-MeanEstimation", "theorem2_exponents", "table.parquet").is_file()
    assert {name: (home / name).read_bytes() for name in first} == first
    capsys.readouterr()
    assert main(small) == 0
    said = capsys.readouterr()
    assert re.search(
        r"0 blocks computed, 2 taken from the store \(measured 20\d\d-\d\d-\d\d \d\d:\d\d.* UTC\); ", said.out
    )
    assert "is kept" not in said.err
    assert main([*small, "--n", "10"]) == 0  # of fewer cells: not a larger question
    assert "the table of another question that lay there is kept in results/theorem2_exponents/earlier/1." in (
        capsys.readouterr().err
    )
    assert {name: (home / "earlier" / "1" / name).read_bytes() for name in first} == first
    assert main(small) == 0  # which it has again
    assert "is kept" not in capsys.readouterr().err
    assert {name: (home / name).read_bytes() for name in first} == first


def test_compare_gives_the_same_verdicts_from_what_is_stored(swept, capsys):
    folder = swept / "theorem2_exponents"
    before = (folder / "verdict.json").read_bytes()
    assert cli.main(["compare", str(folder)]) == 0
    assert (folder / "verdict.json").read_bytes() == before
    assert "theorem2.optimization.last" in capsys.readouterr().out


def test_a_damaged_shard_is_named_and_computed_again_by_the_same_command(tmp_path, capsys):
    arguments = ["theorem2_exponents", "--replicates", "40", "--T", "8", "--alpha", "1", "--n", "10", "--jobs", "1"]
    assert main([*arguments, "--out", str(tmp_path)]) == 0
    whole = table(tmp_path)
    (shard,) = (tmp_path / "theorem2_exponents" / "shards").glob("*.parquet")
    content = bytearray(shard.read_bytes())
    content[len(content) // 3] ^= 1
    shard.write_bytes(content)
    capsys.readouterr()
    assert main([*arguments, "--out", str(tmp_path)]) == 0
    assert "is damaged" in capsys.readouterr().err
    assert table(tmp_path) == whole


def test_precision_doubles_the_replicates_until_the_width_and_keeps_the_first_ones(tmp_path, capsys):
    arguments = [
        "theorem2_exponents",
        "--replicates",
        "64",
        *["--T", "8", "16", "32", "64", "--alpha", "1", "--n", "10", "--jobs", "1", "--engine", "fused"],
    ]
    assert main([*arguments, "--precision", "0.06", "--out", str(tmp_path / "a")]) == 0
    frame = load(tmp_path / "a" / "theorem2_exponents")
    (replicates,) = set(frame["replicates"])
    assert replicates in (128, 256, 512, 1024, 2048)
    assert "doubling them" in capsys.readouterr().err
    arguments[2] = str(replicates)
    assert main([*arguments, "--out", str(tmp_path / "b")]) == 0
    assert table(tmp_path / "a") == table(tmp_path / "b")
    assert main([*arguments, "--precision", "0.06", "--dry-run"]) == 0
    assert "replicates (for +-0.06" in capsys.readouterr().out


def test_comparisons_are_paired_and_adjusted(swept):
    compared = json.loads((swept / "theorem2_exponents" / "verdict.json").read_text())["comparisons"]
    assert {c["against"] for c in compared} == {"SGD", "matched SGD"}
    assert all(c["alpha"] < 1 and c["low"] <= c["ratio"] <= c["high"] for c in compared)
    slow = [c for c in compared if c["against"] == "SGD" and c["quantity"] == "optimization" and c["T"] == 64]
    assert all(c["outcome"] == "larger" for c in slow)  # alpha = .25 against 1/T: far behind, as the oracle says


BAD = [
    (["--precision", "0"], "--precision must be a finite number > 0; got 0."),
    (["theorem3x"], "unknown experiment 'theorem3x': did you mean"),
    (["theorem2_ridg3"], "did you mean theorem2_ridge"),
    (["--alpha", "0"], "--alpha must lie in (0, 2]; got 0."),
    (["--alpha", "2.1"], "--alpha must lie in (0, 2]; got 2.1."),
    (["theorem2", "--alpha", "1.1"], "alpha > 1 would leave Theta, a ball, on ridge; take alpha <= 1."),
    (["--alpha", "nan"], "--alpha must lie in (0, 2]; got nan."),
    (["--alpha", "half"], "argument --alpha: invalid float value: 'half'"),
    (["--k", "0"], "--k must be a whole number >= 1; got 0."),
    (["--k", "2.5"], "--k must be a whole number >= 1; got 2.5."),
    (["--n", "1"], "--n must be a whole number >= 2; got 1."),
    (["--n"], "n needs at least one value; got none."),
    (["theorem2", "--T", "inf"], "--T must be a whole number >= 1; got inf."),
    (["--seed", "-1"], "seed must be a whole number in [0, 2^64); got -1."),
    (["--seed", str(2**64)], "seed must be a whole number in [0, 2^64)"),
    (["--replicates", "0"], "--replicates must be a whole number >= 1; got 0."),
    (["--jobs", "0"], "--jobs must lie between 1 and 1024; got 0."),
    (["--device", "tpu"], "--device must be cpu, cuda or cuda:N; got 'tpu'."),
    (["theorem2", "--problem", "Logistic"], "Theorems 1 and 2) needs strong convexity; logistic is convex."),
    (["--problem", "Logistik"], "unknown problem 'Logistik': did you mean Logistic"),
    (["theorem1_alpha", "--T", "8"], "theorem1_alpha does not accept --T; it accepts --n, --k, --alpha."),
    (["--quick", "--paper"], "not allowed with argument"),
    (["--frobnicate"], "unrecognized arguments: --frobnicate"),
]


@pytest.mark.parametrize(
    ("arguments", "message"), BAD, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_bad_input_is_one_line_and_status_2_and_writes_nothing(arguments, message, tmp_path, capsys):
    out = tmp_path / "results"
    try:
        status = main([*arguments, "--out", str(out)])
    except SystemExit as exit_:
        status = exit_.code
    captured = capsys.readouterr()
    assert status == 2
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert message in captured.err
    assert not out.exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is here")
def test_cuda_without_a_device_is_refused(tmp_path, capsys):
    assert main(["--device", "cuda", "--out", str(tmp_path / "x")]) == 2
    assert "needs a CUDA device" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["file", "beneath a file"])
def test_an_output_folder_that_cannot_be_written_is_refused(kind, tmp_path, capsys):
    (tmp_path / "taken").write_text("")
    out = tmp_path / "taken" if kind == "file" else tmp_path / "taken" / "deeper"
    assert main([*SMALL, "--out", str(out)]) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert str(tmp_path / "taken") in captured.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes anywhere")
def test_a_read_only_folder_is_refused(tmp_path, capsys):
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    assert main([*SMALL, "--out", str(tmp_path / "x")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_list_names_every_question_without_loading_torch(capsys):
    assert main(["--list"]) == 0
    listed = capsys.readouterr().out
    for name in study.names():
        assert f"{name} " in listed
        assert study.experiment(name).question in listed
    code = "import sys, riskkit.sweep; riskkit.sweep.main(['--list']); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode == 0


def test_dry_run_counts_and_computes_nothing(tmp_path, capsys):
    assert main([*SMALL, "--dry-run", "--out", str(tmp_path / "x")]) == 0
    assert "theorem2_exponents: " in capsys.readouterr().out
    assert not (tmp_path / "x").exists()


def test_a_bound_divided_by_ten_is_violated(swept):
    """Theorem 1's generalization bound is twice the truth on the linear loss; a tenth of it must not hold."""
    import dataclasses

    request = Request(
        str(study.folder()),
        "theorem1_attained",
        replicates=256,
        axes=(("n", (50.0,)), ("alpha", (0.5,)), ("k", (4.0,))),
    )
    made = request.plan()

    @dataclasses.dataclass(frozen=True)
    class Tenth:
        bound: object

        def __getattr__(self, name):
            return getattr(self.bound, name)

        def evaluate(self, form, at):
            terms = self.bound.evaluate(form, at)._asdict()
            return terms if form == "claim" else {name: term / 10 for name, term in terms.items()}

    measured = {m.run: m for task in missing_tasks(request, {}) for m in tasks.compute(task).measured}
    for tenth, outcome in ((False, "HOLDS"), (True, "VIOLATED")):
        bounds = tuple(Tenth(b) if tenth else b for b in made.experiment.bounds)
        plan = dataclasses.replace(made, experiment=dataclasses.replace(made.experiment, bounds=bounds))
        levels = [f for f in find(Data(plan, measured, {})).findings if f.verdict.kind == "level"]
        assert {str(f.verdict.outcome) for f in levels} == {outcome}


def test_a_failed_task_is_a_status_with_its_reason_and_exit_1(tmp_path, capsys, monkeypatch):
    def broken(task):
        raise ArithmeticError("the minimiser did not converge")

    monkeypatch.setattr(tasks, "compute", broken)
    assert main([*SMALL, "--out", str(tmp_path)]) == 1
    frame = load(tmp_path / "theorem2_exponents")
    assert set(frame["status"]) == {"failed"}
    assert frame["reason"].str.contains("the minimiser did not converge").all()
    assert frame["mean"].isna().all()
    assert "failed: theorem2_exponents" in capsys.readouterr().err


def test_garbage_is_looked_for_again_once_libraries_are_loaded():
    for fault, raised in ((contextlib.nullcontext(), False), (pytest.raises(ImportError), True)):
        held = gc.get_freeze_count()
        with fault, loading():
            assert not gc.isenabled()
            if raised:
                raise ImportError
        assert gc.isenabled()
        assert gc.get_freeze_count() == held  # nothing was loaded, and what is garbage here may still be found
