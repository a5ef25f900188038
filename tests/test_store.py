"""What is put is got, bit for bit, or its absence is said; no accident of the disk passes for a measurement."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskkit.algorithms.staged import SGD, Lookahead, Stage
from riskkit.algorithms.steps import Constant, InverseTime
from riskkit.identity import address
from riskkit.measure.quantities import Measured
from riskkit.store import atomic, parquet, shards
from riskkit.store.replicates import load_replicates
from riskkit.store.shards import MissingReplicatesError, QuarantineWarning, Store, StoreError
from riskkit.store.table import load, write_table

ROOT = Path(__file__).resolve().parent.parent
R = 8
A, B = "a" * 64, "b" * 64


def measured(run: str, first: int = 0, rounds: tuple[int, ...] = (1, 4, 16)) -> Measured:
    """A run whose numbers depend on (run, first) alone, as a recomputation's do."""
    rng = np.random.default_rng([*run.encode(), first])
    values = {name: rng.normal(size=(R, len(rounds), 2)) for name in ("optimization", "excess")}
    control = {"control": rng.normal(size=R)}
    return Measured(run, first, np.array(rounds), values, control, rng.integers(-1, 9, size=R), "reference")


def same(x: Measured, y: Measured) -> bool:
    """Bit for bit: signs of zero and payloads of NaN count."""
    arrays = [{"rounds": one.rounds, "at": one.diverged_at, **one.values, **one.dataset} for one in (x, y)]
    return (x.run, x.first, x.engine, sorted(arrays[0])) == (y.run, y.first, y.engine, sorted(arrays[1])) and all(
        (value.dtype, value.shape, value.tobytes()) == (other.dtype, other.shape, other.tobytes())
        for value, other in ((arrays[0][name], arrays[1][name]) for name in arrays[0])
    )


def joined(run: str, blocks: int, replicates: int) -> Measured:
    """The first blocks of a run, cut."""
    parts = [measured(run, R * b) for b in range(blocks)]
    cut = lambda arrays: np.concatenate(arrays)[:replicates]  # noqa: E731
    return dataclasses.replace(
        parts[0],
        values={name: cut([part.values[name] for part in parts]) for name in parts[0].values},
        dataset={name: cut([part.dataset[name] for part in parts]) for name in parts[0].dataset},
        diverged_at=cut([part.diverged_at for part in parts]),
    )


@pytest.fixture
def two(tmp_path: Path) -> Store:
    """A store of two runs on two blocks."""
    made = Store(tmp_path / "results" / "theorem2")
    for first in (0, R):
        made.put([measured(A, first), measured(B, first)])
    return made


def shard_files(of: Store) -> list[Path]:
    return sorted((of.root / "shards").iterdir())


# Addresses.


@dataclasses.dataclass(frozen=True)
class Ridge:
    dim: int = 3
    lam: float = 0.1


def test_an_address_never_changes() -> None:
    question = {
        "problem": Ridge(),
        "n": 100,
        "algorithm": Lookahead(8, 5, 0.3, InverseTime(1.0)),
        "rounds": (1, 8),
        "seed": 2**64 - 1,
        "dtype": "float64",
        "radius": None,
        "M": np.inf,
        "flags": [True, False],
    }
    stage = (
        '{"class":"Stage","fields":{"T":8,"alpha":0.3,"beta":0,"k":5,"output":"last",'
        '"step":{"class":"InverseTime","fields":{"lam":1,"offset":2}}}}'
    )
    canonical = (
        '{"M":Infinity,"algorithm":{"class":"Algorithm","fields":{"anchor_every":null,'
        '"sampling":"with replacement","stages":[' + stage + "]}},"
        '"dtype":"float64","flags":[true,false],"n":100,"problem":{"class":"Ridge","fields":{"dim":3,"lam":0.1}},'
        '"radius":null,"rounds":[1,8],"seed":18446744073709551615}'
    )
    assert address(question) == hashlib.sha256(canonical.encode()).hexdigest()
    assert address(dict(reversed(question.items()))) == address(question)


@given(st.floats(allow_nan=False), st.floats(allow_nan=False) | st.integers())
def test_numbers_share_an_address_iff_they_are_equal(x: float, y: float) -> None:
    assert (address({"x": x}) == address({"x": y})) == (x == y)
    assert address({"x": np.float64(x)}) == address({"x": x})


def test_an_address_sees_every_bit_and_no_label() -> None:
    assert address({"x": 0.1}) != address({"x": np.nextafter(0.1, 1)})
    assert address({"x": (1, (2,))}) == address({"x": [1, [2]]}) != address({"x": [1, 2]})
    assert address({"x": True}) != address({"x": 1}) != address({"x": "1"})
    assert address({"p": Ridge()}) != address({"p": Ridge(dim=4)}) != address({"p": Stage(4, 1, 1.0, Constant(0.1))})
    plain = SGD(8, Constant(0.1))
    assert address({"a": plain}) == address({"a": dataclasses.replace(plain, name="vanilla")})


@pytest.mark.parametrize("value", [{1, 2}, np.zeros(2), b"x", object(), Ridge, {1: 2}, 1j])
def test_what_has_no_canonical_form_has_no_address(value: object) -> None:
    with pytest.raises(TypeError, match=r"address: .*parts\.problem\.deep"):
        address({"problem": {"deep": value}})


def test_nan_has_no_address() -> None:
    with pytest.raises(ValueError, match="nan"):
        address({"lam": float("nan")})


# Round trips.


def test_get_is_the_inverse_of_put_bit_for_bit(tmp_path: Path) -> None:
    nan = np.array([0x7FF8000000000001, 0xFFF8000000000000, 0x7FF0DEADBEEF0001], dtype=np.uint64).view(np.float64)
    odd = np.concatenate([nan, [np.inf, -np.inf, -0.0, 5e-324, np.nextafter(1, 2)]])
    one, two = measured(A), measured(B, rounds=(2,))
    one.values["excess"][:, 1, 0] = odd
    one.dataset["control"][:] = odd
    there = Store(tmp_path)
    there.put([two, one])
    found = Store(tmp_path).get_many([A, B], R)
    assert same(found[A], one)
    assert same(found[B], two)


@pytest.mark.parametrize("replicates", [1, R - 1, R, R + 1, 2 * R])
def test_blocks_join_in_order_and_are_cut(two: Store, replicates: int) -> None:
    assert same(two.get(A, replicates), joined(A, 2, replicates))


@pytest.mark.parametrize("replicates", [1, R + 1, 2 * R])
def test_what_is_laid_out_in_a_file_is_what_would_be_in_memory(two: Store, replicates: int) -> None:
    """Bit for bit, and nothing of it is left beside the shards."""
    before = sorted(two.root.rglob("*"))
    found = two.lay_out([B, A], replicates)
    assert list(found) == [B, A]
    for run in (A, B):
        assert same(found[run], joined(run, 2, replicates))
        assert not found[run].values["excess"].flags.writeable
    assert sorted(two.root.rglob("*")) == before


def test_overlaps_breaks_and_holes_of_what_is_laid_out_are_those_of_what_is_read(tmp_path: Path) -> None:
    there = Store(tmp_path)
    for first in (0, R // 2, R):
        there.put([measured(A, first)])
    there.put([measured(A, 0), measured(B, 0)])
    assert same(there.lay_out([A], R + R // 2)[A], there.get(A, R + R // 2))
    with pytest.raises(MissingReplicatesError):
        there.lay_out([A, B], 2 * R)
    broken = next(path for path in shard_files(there) if Store(tmp_path)._open(path.name).runs == (A, B))
    broken.write_bytes(broken.read_bytes()[:-99] + bytes(99))
    with pytest.warns(QuarantineWarning), pytest.raises(MissingReplicatesError):
        Store(tmp_path).lay_out([B], R)
    other = Store(tmp_path / "other")
    other.put([measured(A, 0)])
    other.put([measured(A, R, rounds=(1, 4))])
    with pytest.raises(StoreError, match="disagree"):
        other.lay_out([A], 2 * R)


def test_blocks_that_overlap_give_each_replicate_once(tmp_path: Path) -> None:
    there = Store(tmp_path)
    early, late = measured(A, 0), measured(A, R // 2)
    there.put([late])
    there.put([early])
    found = there.get(A, R + R // 2)
    expected = np.concatenate([early.values["excess"], late.values["excess"][R // 2 :]])
    assert np.array_equal(found.values["excess"], expected)


def test_the_bytes_depend_on_the_measurements_alone(two: Store, tmp_path: Path) -> None:
    other = Store(tmp_path / "elsewhere")
    for first in (R, 0):
        other.put([measured(B, first), measured(A, first)])
        other.put([measured(A, first), measured(B, first)])
    assert [(path.name, path.read_bytes()) for path in shard_files(two)] == [
        (path.name, path.read_bytes()) for path in shard_files(other)
    ]


def test_any_parquet_reader_understands_a_shard(two: Store) -> None:
    table = pq.read_table(shard_files(two)[0]).to_pandas()
    first = int(table["replicate"].min())
    row = table[(table["run"] == A) & (table["T"] == 4) & (table["output"] == "average")]
    assert row["replicate"].tolist() == list(range(first, first + R))
    assert row["excess"].tolist() == measured(A, first).values["excess"][:, 1, 1].tolist()
    assert row["control"].tolist() == measured(A, first).dataset["control"].tolist()


def test_what_is_missing_is_named(two: Store, tmp_path: Path) -> None:
    assert two.have() == {A: {0, R}, B: {0, R}}
    assert Store(tmp_path / "empty").have() == {}
    assert not (tmp_path / "empty").exists()
    two.put([measured(A, 4 * R)])
    with pytest.raises(MissingReplicatesError) as caught:
        two.get_many([A, B], 6 * R)
    assert caught.value.missing == {A: (range(16, 32), range(40, 48)), B: (range(16, 48),)}
    line = f"run {A} lacks replicates 16..31, 40..47 (and 1 more runs lack some); run the same sweep again"
    assert line in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    with pytest.raises(KeyError, match=r"c{64} lacks replicates 0\.\.7"):
        two.get("c" * 64, R)


def test_two_sweeps_on_one_store_do_no_harm(two: Store) -> None:
    # Another sweep groups the runs differently: each block lies there twice.
    for first in (0, R):
        Store(two.root).put([measured(A, first)])
        Store(two.root).put([measured(B, first)])
    assert two.have() == {A: {0, R}, B: {0, R}}
    assert all(same(found, joined(run, 2, 2 * R)) for run, found in two.get_many([A, B], 2 * R).items())
    # A block that has a sound twin is not missing when one of the two breaks.
    broken = next(
        path for path in shard_files(two) if path.stat().st_size == max(p.stat().st_size for p in shard_files(two))
    )
    flip(broken, broken.stat().st_size // 2)
    with pytest.warns(QuarantineWarning):
        found = two.get_many([A, B], 2 * R)
    assert all(same(found[run], joined(run, 2, 2 * R)) for run in (A, B))


@pytest.mark.parametrize(
    ("batch", "reason"),
    [
        ([], "at least one"),
        ([measured(A), measured(A)], "once"),
        ([measured(A), measured(B, R)], "one block"),
        ([dataclasses.replace(measured(A), values={"excess": np.zeros((R, 3, 2), np.float32)})], "float64"),
        ([dataclasses.replace(measured(A), values={"excess": np.zeros((R, 2, 2))})], r"\(8, 3, 2\); got"),
        ([dataclasses.replace(measured(A), values={"T": np.zeros((R, 3, 2))})], "differ"),
        ([measured(A), dataclasses.replace(measured(B), values={})], "same quantities"),
        ([dataclasses.replace(measured(A), rounds=np.array([1, 2]))], "must be"),
    ],
)
def test_what_does_not_belong_in_one_shard_is_refused(tmp_path: Path, batch: list[Measured], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Store(tmp_path / "x").put(batch)
    assert not (tmp_path / "x").exists()


# Accidents of the disk.


def flip(path: Path, position: int, mask: int = 1) -> None:
    payload = bytearray(path.read_bytes())
    payload[position] ^= mask
    path.write_bytes(payload)


def detected_and_repaired(there: Store, damaged: Path, whole: bytes) -> bool:
    """The damage counts as missing, is kept for inspection, and the recomputation puts the very bytes back."""
    with pytest.warns(QuarantineWarning, match=damaged.name), pytest.raises(MissingReplicatesError):
        there.get_many([A, B], R)
    kept = [event.kept for event in there.quarantined]
    there.put([measured(A), measured(B)])
    intact = same(there.get(A, R), measured(A)) and same(there.get(B, R), measured(B))
    return intact and kept == [there.root / "quarantine" / damaged.name] and damaged.read_bytes() == whole


def damages(size: int) -> Iterator[tuple[str, int, int]]:
    rng = np.random.default_rng(7)
    inner = rng.choice(np.arange(4, size - 1200), size=96, replace=False)
    footer = rng.choice(np.arange(size - 1200, size - 8), size=92, replace=False)
    for position in (*range(4), *range(size - 8, size), *inner, *footer):
        yield "flip", int(position), int(rng.integers(1, 256))
    for length in (0, 1, 4, 8, 11, 12, size - 1, size - 4, size - 8, size - 9, *rng.integers(12, size, size=10)):
        yield "cut", int(length), 0


def test_every_flipped_byte_and_every_truncation_is_detected_and_repaired(tmp_path: Path) -> None:
    damaged = Store(tmp_path / "0").put([measured(A), measured(B)])
    whole = damaged.read_bytes()
    found = {"flip": 0, "cut": 0}
    for number, (kind, place, mask) in enumerate(damages(len(whole))):
        there = Store(tmp_path / "0" / str(number))
        (there.root / "shards").mkdir(parents=True)
        copy = there.root / "shards" / damaged.name
        if kind == "flip":
            copy.write_bytes(whole)
            flip(copy, place, mask)
        else:
            copy.write_bytes(whole[:place])
        found[kind] += detected_and_repaired(there, copy, whole)
    assert found == {"flip": 200, "cut": 20}


def test_verify_names_what_have_cannot_see(two: Store) -> None:
    flip(shard_files(two)[0], 100)
    assert two.have() == {A: {0, R}, B: {0, R}}
    with pytest.warns(QuarantineWarning, match="do not match its checksum"):
        assert [event.reason for event in two.verify()] == ["its contents do not match its checksum"]
    assert len(two.have()[A]) == 1


def test_swapped_names_are_detected(two: Store) -> None:
    one, other = shard_files(two)
    shelf = one.with_name("shelf")
    one.rename(shelf)
    other.rename(one)
    shelf.rename(other)
    with pytest.warns(QuarantineWarning, match="its name belongs to other runs"):
        assert Store(two.root).have() == {}


def test_a_foreign_file_is_no_shard(two: Store) -> None:
    shutil.copy(shard_files(two)[0], two.root / "shards" / "copy.parquet")
    with pytest.warns(QuarantineWarning, match=r"copy.parquet .*not that of a shard"):
        assert two.have() == {A: {0, R}, B: {0, R}}


def test_a_shard_deleted_while_in_use_counts_as_missing(two: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    two.have()
    shard_files(two)[0].unlink()
    with pytest.raises(MissingReplicatesError):
        two.get(A, 2 * R)
    # Deleted after the folder has been listed:
    gone = shard_files(two)[0].name
    monkeypatch.setattr(shards.os, "listdir", lambda _: [gone] if len(two.quarantined) == 0 else [])
    shard_files(two)[0].unlink()
    with pytest.warns(QuarantineWarning, match=f"{gone} .*deleted while in use"), pytest.raises(MissingReplicatesError):
        two.get(A, R)


def test_a_bad_shard_in_results_that_may_only_be_read_stays_and_counts_as_missing(
    two: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "rename", refuse)
    bad = shard_files(two)[0]
    flip(bad, 100)
    with pytest.warns(QuarantineWarning, match=bad.name), pytest.raises(MissingReplicatesError):
        two.get(A, 2 * R)
    assert bad.exists()
    assert len(two.have()[A]) == 1


def test_a_newer_schema_is_refused_in_one_line(two: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    newer = Store(tmp_path / "newer")
    monkeypatch.setattr(parquet, "SCHEMA", 3)
    path = newer.put([measured(A)])
    newer.write_table("table", pd.DataFrame({"mean": [1.0]}))
    monkeypatch.setattr(parquet, "SCHEMA", 2)
    line = "written by schema 3; this riskkit reads up to 2; upgrade riskkit or use --out elsewhere."
    for read in (lambda: Store(newer.root).have(), lambda: load(newer.root)):
        with pytest.raises(StoreError) as caught:
            read()
        assert line in str(caught.value)
        assert "\n" not in str(caught.value)
    # A damaged byte that makes a schema look newer is damage, not a newer schema.
    flip(path, 100)
    with pytest.warns(QuarantineWarning):
        assert Store(newer.root).have() == {}


FAULTS = [
    (errno.ENOSPC, "the disk is full"),
    (errno.EROFS, "access refused"),
    (errno.EACCES, "access refused"),
    (errno.EIO, "check the disk"),
]


@pytest.mark.parametrize(("fault", "line"), FAULTS)
@pytest.mark.parametrize("step", ["open", "write", "fsync", "replace"])
def test_when_writing_fails_nothing_finished_is_lost_and_nothing_is_left_behind(
    two: Store, monkeypatch: pytest.MonkeyPatch, fault: int, line: str, step: str
) -> None:
    two.write_json("run.json", {"version": 1})
    before = {path: path.read_bytes() for path in two.root.rglob("*") if path.is_file()}
    real = getattr(os, step)
    calls = 0

    def failing(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if step == "write" and calls % 2:
            return real(arguments[0], arguments[1][:7])  # a full disk takes some bytes first
        raise OSError(fault, os.strerror(fault))

    monkeypatch.setattr(atomic.os, step, failing)
    for attempt in (lambda: two.put([measured("c" * 64)]), lambda: two.write_json("run.json", {"version": 2})):
        with pytest.raises(StoreError, match=line) as caught:
            attempt()
        assert "\n" not in str(caught.value)
    monkeypatch.undo()
    assert {path: path.read_bytes() for path in two.root.rglob("*") if path.is_file()} == before
    assert same(two.get(A, 2 * R), joined(A, 2, 2 * R))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_refused_before_anything_is_computed(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir(mode=0o555)
    with pytest.raises(StoreError, match=r"results.*access refused .*--out"):
        Store(tmp_path / "results" / "theorem2").prepare()


def test_a_file_in_the_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("mine")
    with pytest.raises(StoreError, match="must be a folder; it is a file"):
        Store(tmp_path / "results")
    with pytest.raises(StoreError, match="in each other's place"):
        Store(tmp_path / "results" / "theorem2").prepare()
    assert (tmp_path / "results").read_text() == "mine"


def test_prepare_sweeps_away_only_what_nobody_writes_any_more(tmp_path: Path) -> None:
    there = Store(tmp_path)
    there.prepare()
    old, new = (there.root / "shards" / f".{name}.tmp" for name in ("old", "new"))
    for path in (old, new):
        path.touch()
    os.utime(old, (0, 0))
    there.prepare()
    assert [path.name for path in shard_files(there)] == [".new.tmp"]


# A writer that is killed. The driver forks one child for each death, so that Python starts once.
DRIVER = """
import os, random, signal, sys, time
from pathlib import Path
from types import SimpleNamespace
import numpy as np
from riskkit.store import Store, atomic

R = 8
root, points = Path(sys.argv[1]), int(sys.argv[2])

def measured(run, first, rounds=(1, 4, 16)):
    rng = np.random.default_rng([*run.encode(), first])
    values = {name: rng.normal(size=(R, len(rounds), 2)) for name in ("optimization", "excess")}
    control = {"control": rng.normal(size=R)}
    return SimpleNamespace(run=run, first=first, rounds=np.array(rounds), values=values, dataset=control,
                           diverged_at=rng.integers(-1, 9, size=R), engine="reference")

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def step(name, when):
    real, calls = getattr(os, name), 0
    def dying(*arguments):
        nonlocal calls
        calls += 1
        last = calls == 4  # in the middle of the sweep
        if last and when == "before":
            die()
        if last and when == "during":
            real(arguments[0], arguments[1][:50])
            die()
        answer = real(*arguments)
        if last and when == "after":
            die()
        return answer
    setattr(atomic.os, name, dying)

STEPS = [("open", "before"), ("open", "after"), ("write", "before"), ("write", "during"), ("write", "after"),
         ("fsync", "before"), ("fsync", "after"), ("replace", "before"), ("replace", "after"), ("close", "before")]

def sweep(there):
    there.prepare()
    have = there.have()
    for block in range(6):
        if 8 * block not in have.get("a" * 64, ()):
            there.put([measured("a" * 64, 8 * block), measured("b" * 64, 8 * block)])

draw = random.Random(1)
for number in range(points):
    child = os.fork()
    if child == 0:
        if number < len(STEPS):
            step(*STEPS[number])
        sweep(Store(root / str(number)))
        os._exit(0)
    if number >= len(STEPS):
        time.sleep(draw.uniform(0, 0.03))
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert number >= len(STEPS) or os.WIFSIGNALED(status), number
    held = sorted(Store(root / str(number)).have().get("a" * 64, ()))
    print(number, len(held), flush=True)
    sweep(Store(root / str(number)))
os._exit(0)
"""


def test_a_writer_killed_at_any_of_its_steps_or_moments_leaves_a_store_that_resumes(tmp_path: Path) -> None:
    points = 60
    command = [sys.executable, "-c", DRIVER, str(tmp_path / "killed"), str(points)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # no shard was quarantined
    held = [int(line.split()[1]) for line in done.stdout.splitlines()]
    assert len(held) == points
    assert any(0 < count < 6 for count in held)  # some died in the middle
    whole = Store(tmp_path / "whole")
    for first in range(0, 6 * R, R):
        whole.put([measured(A, first), measured(B, first)])
    expected = {path.name: path.read_bytes() for path in shard_files(whole)}
    for number in range(points):
        there = Store(tmp_path / "killed" / str(number))
        assert there.verify() == []
        assert {path.name: path.read_bytes() for path in (there.root / "shards").glob("*.parquet")} == expected


# Tables and records.


def table(name: str) -> pd.DataFrame:
    return pd.DataFrame(
        {"experiment": [name] * 2, "n": [100, 200], "mean": [0.1 + 0.2, np.nan], "high": [np.inf, -0.0], "reason": None}
    )


def test_equal_tables_are_equal_bytes_and_csv_floats_are_exact(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        write_table(tmp_path / folder / "table.parquet", table("x"))
    one, two = ({p.name: p.read_bytes() for p in (tmp_path / folder).iterdir()} for folder in ("one", "two"))
    assert one == two
    assert one["table.csv"] == (
        b'"experiment","n","mean","high","reason"\n"x",100,0.30000000000000004,inf,\n"x",200,,-0,\n'
    )
    back = load(tmp_path / "one")
    assert back["mean"].to_numpy().tobytes() == table("x")["mean"].to_numpy().tobytes()
    assert (back["high"].tolist(), back["n"].tolist()) == ([np.inf, -0.0], [100, 200])
    assert back["reason"].isna().all()


def test_load_gathers_the_folders_that_begin_with_a_name(tmp_path: Path) -> None:
    for name in ("theorem2_ridge", "theorem2_exponents", "theorem1"):
        Store(tmp_path / name).write_table("table", table(name))
    assert load(str(tmp_path / "theorem1"))["experiment"].tolist() == ["theorem1"] * 2
    found = load(tmp_path / "theorem2")
    assert found["experiment"].tolist() == ["theorem2_exponents"] * 2 + ["theorem2_ridge"] * 2
    assert found.index.tolist() == [0, 1, 2, 3]
    with pytest.raises(FileNotFoundError, match=r"python -m riskkit.sweep theorem3"):
        load(tmp_path / "theorem3")
    with pytest.raises(FileNotFoundError, match=r"name one of theorem1, theorem2_exponents, theorem2_ridge"):
        load(tmp_path)


def test_load_replicates_gives_the_values_behind_the_means(two: Store) -> None:
    two.write_table("table", table("theorem2_ridge"))
    about = {"algorithm": "SGD", "n": 50, "k": 1, "alpha": 1.0, "eta": float("nan")}
    # One run answers two cells, at different checkpoints.
    cells = {
        A: [{**about, "T": 4, "checkpoint": 4}, {**about, "T": 8, "k": 2, "checkpoint": 16}],
        B: [{**about, "algorithm": "Lookahead", "alpha": 0.5, "T": 4, "checkpoint": 4}],
    }
    record = {"request": {"experiment": "theorem2_ridge"}, "replicates": 2 * R - 3, "runs": cells}
    two.write_json("run.json", record)
    found = load_replicates(two.root)
    assert len(found) == 3 * 2 * 2 * (2 * R - 3)
    assert set(found["experiment"]) == {"theorem2_ridge"}
    pick = found[
        (found["run"] == A) & (found["k"] == 2) & (found["output"] == "average") & (found["quantity"] == "excess")
    ]
    whole = joined(A, 2, 2 * R - 3)
    assert pick["value"].tolist() == whole.values["excess"][:, 2, 1].tolist()
    assert pick["replicate"].tolist() == list(range(2 * R - 3))
    assert pick["diverged_at"].tolist() == whole.diverged_at.tolist()
    assert set(pick["T"]) == {8}
    assert found["eta"].isna().all()
    assert all(found[name].dtype == "category" for name in ("experiment", "algorithm", "run", "output", "quantity"))

    two.write_json("run.json", {**record, "runs": {**cells, "c" * 64: [{**about, "T": 4, "checkpoint": 4}]}})
    with pytest.warns(UserWarning, match=r"c{64} lacks replicates 0\.\.12"):
        assert load_replicates(two.root).equals(found)
    two.write_json("run.json", {"runs": {}})
    with pytest.raises(StoreError, match="which run answers which cell"):
        load_replicates(two.root)


def test_json_is_strict_sorted_and_atomic(tmp_path: Path) -> None:
    value = {"b": (np.float64(0.1), float("nan"), np.array([np.inf, -1.0])), "a": {"n": np.int64(3), "ok": np.True_}}
    atomic.write_json(tmp_path / "deep" / "x.json", value)
    text = (tmp_path / "deep" / "x.json").read_text()

    def refuse(token: str) -> None:
        raise AssertionError(token)

    assert json.loads(text, parse_constant=refuse) == {"a": {"n": 3, "ok": True}, "b": [0.1, None, ["inf", -1.0]]}
    assert text.index('"a"') < text.index('"b"')
    with pytest.raises(TypeError, match="got object"):
        atomic.write_json(tmp_path / "deep" / "x.json", object())
    assert (tmp_path / "deep" / "x.json").read_text() == text


@dataclasses.dataclass
class Bomb:
    """What runs when it is unpickled makes a folder."""

    crater: str

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.crater,)


def test_opening_a_strangers_results_runs_no_code(two: Store, tmp_path: Path) -> None:
    plain = {"int64", "double", "dictionary<values=string, indices=int32, ordered=0>"}
    assert {str(field.type) for path in shard_files(two) for field in pq.read_schema(path)} == plain
    crater = tmp_path / "crater"
    payload = pickle.dumps(Bomb(str(crater)))
    pickle.loads(payload)
    crater.rmdir()  # the bomb works
    with pytest.raises(ValueError, match="numbers, truth values or text"):
        write_table(tmp_path / "table.parquet", pd.DataFrame({"mean": [payload]}))
    hostile = pa.table({"mean": [payload]}).replace_schema_metadata({"riskkit": '{"schema": 1}', "pandas": "{}"})
    pq.write_table(hostile, tmp_path / "table.parquet")
    with pytest.raises(StoreError, match="damaged or another's"):
        load(tmp_path)
    assert not crater.exists()


def test_a_damaged_table_is_refused_and_not_misread(tmp_path: Path) -> None:
    there = Store(tmp_path / "x")
    many = pd.DataFrame({"n": np.arange(50), "mean": np.random.default_rng(0).normal(size=50)})
    there.write_table("table", many)
    path = there.root / "table.parquet"
    whole = path.read_bytes()
    footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    refused = 0
    for position in range(footer):
        flip(path, position)
        try:
            assert load(there.root).equals(many)
        except StoreError as error:
            assert "damaged" in str(error)  # noqa: PT017
            refused += 1
        path.write_bytes(whole)
    assert refused > 0.9 * footer
