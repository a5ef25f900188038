"""Imported by the server that workers are forked from, and by nobody else: what all of them need, once.

The libraries, and the plans of what will be asked, as the process that asks makes them at the same time. What goes
wrong here is told there.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import sys

from riskkit.execution.executors import AHEAD

LOADED = [
    *("riskkit.execution.loop", "riskkit.report.presenting", "riskkit.report.figures.drawing", "scipy.stats"),
    "riskkit.engines.numba.ready",
]
"""What workers need before they do anything: seconds of loading."""
FOR_NETWORKS = "torch._dynamo"
"""What torch loads at the first gradient of a stack of networks: a second and a half."""


def prepare(told: str) -> None:
    """``told``: the requests, in JSON."""
    asking = os.getppid()
    for name in LOADED:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    from riskkit.engines.reference import one_thread
    from riskkit.execution.tasks import Request, engines

    used, before = set[str](), _threads()
    with one_thread():  # a pool of threads that has worked does not survive a fork, and who asks it then waits for ever
        for one in json.loads(told):
            if os.getppid() != asking:
                os._exit(0)  # it has found a fault, and is gone
            with contextlib.suppress(Exception, SystemExit):
                axes = tuple((name, tuple(values)) for name, values in one["axes"])
                used |= {choice.engine for choice in engines(Request(**{**one, "axes": axes})).values()}
    if _threads() > before:  # started by a study: workers make its plans themselves
        os.execve(sys.executable, sys.orig_argv, {**os.environ, AHEAD: "[]"})
    if "stacked" in used:
        importlib.import_module(FOR_NETWORKS)


def _threads() -> int:
    return len(os.listdir("/proc/self/task"))


if AHEAD in os.environ:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asked
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
        prepare(os.environ.pop(AHEAD))
