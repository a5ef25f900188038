"""Bad input: one line that says what was expected, exit status 2, nothing computed, nothing written."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from riskkit.cli.main import main
from riskkit.execution import loop, tasks
from riskkit.experiment import study


@pytest.fixture
def refused(tmp_path, capsys, monkeypatch):
    """Calls a command and returns its one line; fails if anything else happens than a refusal."""

    def computed(*_, **__):
        raise AssertionError("something was computed")

    monkeypatch.setattr(loop, "answer", computed)
    monkeypatch.setattr(tasks, "compute", computed)
    monkeypatch.setattr(tasks, "probe", computed)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("mine")
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "run.json").write_text('{"request": ')
    (tmp_path / "alien").mkdir()
    (tmp_path / "alien" / "run.json").write_text(
        '{"request": {"experiment": 3, "engine_of_the_future": 1, "axes": []}}'
    )
    monkeypatch.setattr(study, "folder", lambda start=None: Path(__file__).resolve().parent.parent)
    before = everything(tmp_path)

    def call(arguments: list[str]) -> str:
        try:
            code = main(arguments)
        except SystemExit as exit_:
            code = exit_.code
        captured = capsys.readouterr()
        assert code == 2, f"{arguments}: {code}: {captured}"
        assert captured.out == "", arguments
        assert captured.err.endswith("\n"), arguments
        assert captured.err.count("\n") == 1, f"{arguments}: {captured.err}"
        assert captured.err[:-1].isprintable(), arguments
        assert "Traceback" not in captured.err
        assert len(captured.err) < 2000, arguments
        assert everything(tmp_path) == before, arguments
        return captured.err

    return call


def everything(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}


T2 = ["theorem2_exponents"]
SWEEP = [
    (["theorem3x"], "unknown experiment 'theorem3x': did you mean"),
    (["theorem2_ridg3"], "did you mean theorem2_ridge"),
    (["THEOREM2"], "unknown experiment 'THEOREM2'"),
    ([""], "unknown experiment ''"),
    (["theorem2", "nothing"], "unknown experiment 'nothing'"),
    (["../theorem2"], "unknown experiment '../theorem2'"),
    (["theorem2\n"], "unknown experiment 'theorem2\\n'"),
    (["*"], "unknown experiment '*'"),
    (["results/theorem2_ridge"], "unknown experiment"),
    (["--decide", "0.5"], "--decide must be a whole number >= 1; got 0.5."),
    (["--decide", "1e9"], "--decide makes at most 131072 replicates; got 1000000000."),
    (["--decide", "512", "--precision", "0.1"], "--decide and --precision are two rules for one number of replicates"),
    (["--alpha", "0"], "--alpha must lie in (0, 2]; got 0."),
    (["--alpha", "-0.5"], "--alpha must lie in (0, 2]; got -0.5."),
    (["--alpha", "2.1"], "--alpha must lie in (0, 2]; got 2.1."),
    (["--alpha", "nan"], "--alpha must lie in (0, 2]; got nan."),
    (["--alpha", "inf"], "--alpha must lie in (0, 2]; got inf."),
    (["--alpha", "0.5", "3"], "--alpha must lie in (0, 2]; got 3."),
    (["theorem2", "--alpha", "1.1"], "alpha > 1 would leave Theta, a ball, on ridge; take alpha <= 1."),
    (["--alpha", "half"], "argument --alpha: invalid float value: 'half'"),
    (["--alpha", "0,5"], "argument --alpha: invalid float value: '0,5'"),
    (["--alpha"], "alpha needs at least one value; got none."),
    (["--k", "0"], "--k must be a whole number >= 1; got 0."),
    (["--k", "-1"], "--k must be a whole number >= 1; got -1."),
    (["--k", "2.5"], "--k must be a whole number >= 1; got 2.5."),
    (["--k", "nan"], "--k must be a whole number >= 1; got nan."),
    (["--k", "inf"], "--k must be a whole number >= 1; got inf."),
    (["--k", "two"], "argument --k: invalid float value: 'two'"),
    (["--k"], "k needs at least one value; got none."),
    (["theorem1_alpha", "--k", "3"], "kT must be a multiple of k; got kT=256, k=3."),
    (["--n", "1"], "--n must be a whole number >= 2; got 1."),
    (["--n", "0"], "--n must be a whole number >= 2; got 0."),
    (["--n", "-50"], "--n must be a whole number >= 2; got -50."),
    (["--n", "2.5"], "--n must be a whole number >= 2; got 2.5."),
    (["--n", "nan"], "--n must be a whole number >= 2; got nan."),
    (["--n", "inf"], "--n must be a whole number >= 2; got inf."),
    (["--n", "1e300"], "n = 1e+300 asks for more draws than digits has rows (1797)"),
    ([*T2, "--n", "1e300"], "GiB"),
    ([*T2, "--n", "1e12"], "GiB"),
    (["--n", "1e12"], "n = 1e+12 asks for more draws than digits has rows (1797)"),
    (["--n"], "n needs at least one value; got none."),
    ([*T2, "--T", "0"], "--T must be a whole number >= 1; got 0."),
    ([*T2, "--T", "-4"], "--T must be a whole number >= 1; got -4."),
    ([*T2, "--T", "0.5"], "--T must be a whole number >= 1; got 0.5."),
    ([*T2, "--T", "nan"], "--T must be a whole number >= 1; got nan."),
    ([*T2, "--T", "inf"], "--T must be a whole number >= 1; got inf."),
    ([*T2, "--T", "1e13"], "GiB"),
    ([*T2, "--T", "1e200"], "GiB"),
    ([*T2, "--T"], "--T needs at least one value"),
    (["theorem1_alpha", "--T", "8"], "theorem1_alpha does not accept --T; it accepts --n, --k, --alpha."),
    ([*T2, "--kT", "8"], "unrecognized arguments: --kT"),
    (["--seed", "-1"], "seed must be a whole number in [0, 2^64); got -1."),
    (["--seed", str(2**64)], "seed must be a whole number in [0, 2^64)"),
    (["--seed", "1.5"], "argument --seed: must be a whole number in [0, 2^64); got '1.5'"),
    (["--seed", "today"], "argument --seed: must be a whole number in [0, 2^64); got 'today'"),
    (["--seed"], "argument --seed: expected one argument"),
    (["--replicates", "0"], "--replicates must be a whole number >= 1; got 0."),
    (["--replicates", "-3"], "--replicates must be a whole number >= 1; got -3."),
    (["--replicates", "2.5"], "--replicates must be a whole number >= 1; got 2.5."),
    (["--replicates", "nan"], "--replicates must be a whole number >= 1; got nan."),
    (["--replicates", "inf"], "--replicates must be a whole number >= 1; got inf."),
    (["--replicates", "many"], "argument --replicates: invalid float value: 'many'"),
    (["--replicates", "1e12"], "GiB of disk"),
    (["--replicates", "1e300"], "GiB"),
    (["--precision", "0"], "--precision must be a finite number > 0; got 0."),
    (["--precision", "-1"], "--precision must be a finite number > 0; got -1."),
    (["--precision", "nan"], "--precision must be a finite number > 0; got nan."),
    (["--precision", "inf"], "--precision must be a finite number > 0; got inf."),
    (["--precision", "fine"], "argument --precision: invalid float value: 'fine'"),
    (["--jobs", "0"], "--jobs must lie between 1 and 1024; got 0."),
    (["--jobs", "-2"], "--jobs must lie between 1 and 1024; got -2."),
    (["--jobs", "1000000"], "--jobs must lie between 1 and 1024; got 1000000."),
    (["--jobs", "1.5"], "argument --jobs: invalid int value: '1.5'"),
    (["--jobs", "all"], "argument --jobs: invalid int value: 'all'"),
    (["--device", "tpu"], "--device must be cpu, cuda or cuda:N; got 'tpu'."),
    (["--device", ""], "--device must be cpu, cuda or cuda:N; got ''."),
    (["--device", "cuda:x"], "--device must be cpu, cuda or cuda:N; got 'cuda:x'."),
    (["--device", "cuda:-1"], "--device must be cpu, cuda or cuda:N; got 'cuda:-1'."),
    (["--device", "CPU"], "--device must be cpu, cuda or cuda:N; got 'CPU'."),
    (["--device", "cuda:99"], "cuda"),
    (["--scheduler", "localhost"], "--scheduler must look like tcp://127.0.0.1:8786; got 'localhost'."),
    (["--scheduler", ""], "--scheduler must look like"),
    (["--scheduler", "tcp://"], "--scheduler must look like"),
    (["--scheduler", "tcp://127.0.0.1"], "--scheduler must look like"),
    (["--scheduler", "tcp://127.0.0.1:port"], "--scheduler must look like"),
    (["--scheduler", "tcp://127.0.0.1:99999"], "--scheduler must look like"),
    (["--scheduler", "http://127.0.0.1:8786"], "--scheduler must look like"),
    (["--scheduler", "tcp://127.0.0.1:8786", "--jobs", "2"], "drop --jobs and --device"),
    (["--scheduler", "tcp://127.0.0.1:8786", "--device", "cuda"], "drop --jobs and --device"),
    (["theorem2", "--problem", "Logistic"], "Theorems 1 and 2) needs strong convexity; logistic is convex."),
    (["--problem", "Logistik"], "unknown problem 'Logistik': did you mean Logistic"),
    (["--problem", ""], "unknown problem ''"),
    (["--problem", "problems.Logistic"], "unknown problem"),
    (["--problem"], "argument --problem: expected one argument"),
    (["--quick", "--paper"], "not allowed with argument"),
    (["--frobnicate"], "unrecognized arguments: --frobnicate"),
    (["--frobni\ncate"], "unrecognized arguments: --frobni\\ncate"),
    (["--resume"], "unrecognized arguments: --resume"),
    (["--dry-run=yes"], "ignored explicit argument 'yes'"),
    (["--fresh", "0"], "unknown experiment '0'"),
    ([*T2, "--out", "file"], "file: a file and a folder are in each other's place"),
    ([*T2, "--out", "file/deeper"], "file"),
    ([*T2, "--out", "nul\0"], "nul"),
    ([*T2, "--out", "x" * 300], "x"),
]
OTHERS = [
    ("compare", [], "the following arguments are required: FOLDER"),
    ("compare", ["nowhere"], "nowhere holds no run.json"),
    ("compare", ["empty"], "empty holds no run.json"),
    ("compare", ["file"], "file"),
    ("compare", ["torn"], "torn/run.json must hold a question of riskkit's"),
    ("compare", ["alien"], "alien was answered in Python, by no study; run that program again."),
    ("compare", ["--fast", "empty"], "unrecognized arguments: --fast"),
    ("figures", ["theorem9"], "unknown experiment 'theorem9'"),
    ("figures", ["--results", "nowhere"], "nothing stored in nowhere"),
    ("figures", ["theorem2", "--results", "empty"], "nothing stored in empty"),
    ("figures", ["--results", "file"], "nothing stored in file"),
    ("tables", ["theorem9"], "unknown experiment 'theorem9'"),
    ("tables", ["--results", "nowhere"], "nowhere"),
    ("status", ["nowhere"], "nowhere holds no sweeps"),
    ("status", ["empty"], "empty holds no sweeps"),
    ("status", ["file"], "file holds no sweeps"),
    ("status", ["a", "b"], "unrecognized arguments: b"),
    ("explain", ["theorem9"], "theorem9"),
    ("explain", ["theorem2", "--n", "-1"], "n"),
    ("explain", ["theorem2", "--problem", "Logistik"], "Logistik"),
    ("explain", ["theorem2", "--alpha", "2"], "alpha"),
    ("explain", ["theorem2", "--T", "0"], "T"),
    ("explain", ["theorem2", "--k", "0"], "k"),
    ("explain", ["theorem4", "--eps", "-1"], "eps"),
    ("explain", ["theorem2", "--replicates", "0"], "replicates"),
    ("check", [], "the following arguments are required: THING"),
    ("check", ["Ridgge"], "unknown problem 'Ridgge': did you mean Ridge"),
    ("check", ["problems.Nothing"], "'problems.Nothing' must name a problem"),
    ("check", ["problems:all_of_them"], "must name a problem"),
    ("check", ["fractions:Fraction"], "must name a problem; Fraction lacks some members of one"),
    ("check", ["problems.ridge"], "must name a problem"),
    ("check", ["problems:Nothing"], "'problems:Nothing' must name a problem"),
    ("check", ["nowhere:Nothing"], "'nowhere:Nothing' must name a problem"),
    ("check", [":"], "must name a problem"),
    ("report", ["nowhere"], "nothing stored in nowhere"),
    ("report", ["empty"], "nothing stored in empty"),
    ("explain", ["theorem4", "--problem", "Logistic"], "Theorems 5 and 6) needs lam > 0 or mu > 0; logistic is convex"),
    ("explain", ["theorem3", "--problem", "MonotoneLink", "--n", "9"], "has constants for fewer examples; got --n 9"),
    ("explain", ["theorem2", "--offset", "-1"], "offset"),
    ("figures", ["--jobs", "0"], "--jobs must be at least 1; got 0."),
]
NO_COMMAND = [
    ([], "the following arguments are required: COMMAND"),
    (["swep"], "unknown command 'swep': did you mean sweep"),
    (["--quick", "sweep"], "the following arguments are required: COMMAND"),
    (["--", "sweep"], "unknown command '--'"),
    (["swe\nep"], "unknown command 'swe\\nep'"),
]


def test_there_are_at_least_eighty_named_ones():
    assert len({tuple(arguments) for arguments, _ in SWEEP}) >= 80


@pytest.mark.parametrize(
    ("arguments", "message"), SWEEP, ids=lambda v: repr(" ".join(v))[:60] if isinstance(v, list) else ""
)
def test_sweep_refuses(arguments, message, refused):
    if "--out" not in arguments:
        arguments = [*arguments, "--out", "results"]
    assert message in refused(["sweep", *arguments])


@pytest.mark.parametrize(("command", "arguments", "message"), OTHERS, ids=[f"{c}: {' '.join(a)}" for c, a, _ in OTHERS])
def test_other_commands_refuse(command, arguments, message, refused):
    told = refused([command, *arguments])
    assert message in told
    assert told.startswith(f"riskkit {command}: ")


@pytest.mark.parametrize(("words", "message"), NO_COMMAND, ids=[repr(" ".join(w)) for w, _ in NO_COMMAND])
def test_what_is_no_command_is_refused(words, message, refused):
    assert message in refused(words)


def spoiled(draw: random.Random) -> list[str]:
    """A command that would be a good one but for one to three flaws."""
    names = study.names()
    texts = [
        "",
        "x",
        "0x10",
        "1e",
        "--",
        "½",
        "1_0_",
        "True",
        "None",
        "a b",
        "tab\t",
        "\n",
        "é",
        "𝛼",
        "'",
        "$(ls)",
        "%s",
    ]

    def whole(least: int) -> str:
        """Anything but a whole number >= least."""
        fraction = f"{draw.uniform(least, 1e4):.3f}1"
        return draw.choice([fraction, str(-draw.randint(1, 10**9)), "nan", "inf", "-inf", "0", *texts[:6]])

    flaws = {
        "name": lambda: [draw.choice([name[::-1] for name in names] + [name + "x" for name in names] + texts[4:])],
        "n": lambda: ["--n", *draw.choice([[], [whole(2)], ["50", whole(2)], ["1"], ["1e17"]])],
        "k": lambda: ["--k", *draw.choice([[], [whole(1)], ["4", whole(1)]])],
        "alpha": lambda: [
            "--alpha",
            *draw.choice(
                [[], [str(draw.uniform(2.0000001, 1e6))], [str(-draw.random())], ["0.5", draw.choice(texts)], ["0"]]
            ),
        ],
        "replicates": lambda: ["--replicates", draw.choice([whole(1), "1e15", "0.999"])],
        "precision": lambda: ["--precision", draw.choice(["0", "nan", "inf", str(-draw.random()), draw.choice(texts)])],
        "seed": lambda: [
            "--seed",
            draw.choice([str(-draw.randint(1, 2**70)), str(2**64 + draw.randint(0, 2**70)), "1.0"]),
        ],
        "jobs": lambda: [
            "--jobs",
            draw.choice([str(-draw.randint(0, 99)), str(draw.randint(1025, 10**20)), "2.0", "0"]),
        ],
        "device": lambda: ["--device", draw.choice(["gpu", "cuda:", "cuda:1.5", "cpu:0", "mps", *texts])],
        "scheduler": lambda: ["--scheduler", draw.choice(["tcp:/1", "tcp://:1", "tcp://h:-1", "inproc://x", *texts])],
        "problem": lambda: ["--problem", draw.choice(["Ridgge", "problem", *texts])],
        "flag": lambda: ["--" + "".join(draw.choice("xyzqw-=é\n ") for _ in range(draw.randint(3, 9)))],
    }
    flawed = draw.sample(sorted(flaws), draw.randint(1, 3))
    words = [] if "name" in flawed else draw.choice([[], ["theorem2_exponents"], ["theorem1"]])
    for flaw in flawed:
        words = [*words, *flaws[flaw]()] if flaw != "name" else [*flaws[flaw](), *words]
    return [*words, *draw.choice([[], ["--quick"], ["--dry-run"], ["--fresh"], ["--fail-fast"]])]


def test_a_thousand_generated_ones_are_refused(refused):
    draw = random.Random(20211207)
    for _ in range(1000):
        refused(["sweep", *spoiled(draw), "--out", "results"])
