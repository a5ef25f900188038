"""Imported by the server that workers are forked from, and by nobody else: what all of them need, once.

The libraries, the study's figure modules and, where workers compute, the plans of what will be asked, as the process
that asks makes them at the same time. What goes wrong here is told there.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from riskkit.execution.executors import AHEAD
from riskkit.execution.loading import loading

SHOWING = ("riskkit.report.presenting", "riskkit.report.figures.drawing", "riskkit.report.figures.standard")
"""What workers need that draw what is stored."""
COMPUTING = ("riskkit.execution.loop", "scipy.stats", "riskkit.engines.numba.ready")
"""What those need beside it that compute and judge: seconds of loading."""
FOR_NETWORKS = "torch._dynamo"
"""What torch loads at the first gradient of a stack of networks: a second and a half."""


@loading()
def prepare(told: str) -> None:
    """``told``: the requests, and whether workers ``compute``, in JSON."""
    asking, wanted = os.getppid(), json.loads(told)
    for name in (*SHOWING, *(COMPUTING if wanted["compute"] else ())):
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    before = _threads()
    if wanted["study"]:
        from riskkit.report.figures import drawing

        with contextlib.suppress(Exception, SystemExit):
            drawing.figure_modules()
    used = _planned(wanted["asked"], asking) if wanted["asked"] else set()
    if _threads() > before:  # started by a study: workers load and plan what is its own themselves
        alone = json.dumps({**wanted, "study": False, "asked": []})
        os.execve(sys.executable, sys.orig_argv, {**os.environ, AHEAD: alone})
    if "stacked" in used:
        importlib.import_module(FOR_NETWORKS)


def _planned(asked: Sequence[dict[str, Any]], asking: int) -> set[str]:
    """Makes the plans of what is asked, and says which engines they take."""
    from riskkit.engines.reference import one_thread
    from riskkit.execution.tasks import Request, engines

    used = set[str]()
    with one_thread():  # a pool of threads that has worked does not survive a fork, and who asks it then waits for ever
        for one in asked:
            if os.getppid() != asking:
                os._exit(0)  # it has found a fault, and is gone
            with contextlib.suppress(Exception, SystemExit):
                axes = tuple((name, tuple(values)) for name, values in one["axes"])
                used |= {choice.engine for choice in engines(Request(**{**one, "axes": axes})).values()}
    return used


def _threads() -> int:
    return len(os.listdir("/proc/self/task"))


if AHEAD in os.environ:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asked
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
        prepare(os.environ.pop(AHEAD))
