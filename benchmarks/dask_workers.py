"""What a second Dask worker gains: one sweep on a local cluster of one worker and of two, each with one thread.

    python benchmarks/dask_workers.py [EXPERIMENT REPLICATES]

Wall seconds of the blocks alone, from the first task that is sent to the last that is back (verdicts and figures are
made after them by the command itself), and of the whole command. Workers have loaded riskkit and its compiled code in
a sweep before, which is not counted. Needs ``riskkit[cluster]``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from distributed import LocalCluster

ROOT = Path(__file__).resolve().parent.parent


def swept(words: list[str], out: Path) -> tuple[float, float]:
    """Seconds of the blocks, and of the whole command."""
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "riskkit.sweep", *words, "--out", str(out)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    (session,) = (out / words[0] / "sessions").glob("*.json")
    return float(json.loads(session.read_text(encoding="utf-8"))["seconds"]), time.perf_counter() - began


def main(words: list[str]) -> None:
    name, replicates = words or ["theorem1_stability", "4096"]
    found: dict[int, tuple[float, float]] = {}
    os.environ["PYTHONPATH"] = str(ROOT)
    for workers in (1, 2, 1, 2):
        with (
            tempfile.TemporaryDirectory() as folder,
            LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        ):
            asked = ["--scheduler", cluster.scheduler_address]
            swept([name, "--quick", *asked], Path(folder) / "before")
            seconds = swept([name, "--replicates", replicates, *asked], Path(folder) / "out")
        found[workers] = min(found.get(workers, seconds), seconds)
        print(f"{workers} worker(s): blocks {seconds[0]:6.1f} s, command {seconds[1]:6.1f} s", flush=True)
    blocks, whole = (found[1][part] / found[2][part] for part in (0, 1))
    print(f"two workers are {blocks:.2f} times one for the blocks, {whole:.2f} times for the command")


if __name__ == "__main__":
    main(sys.argv[1:])
