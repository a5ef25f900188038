"""Checkpoints and weights on disk: torch's zip format, loaded with ``weights_only=True``, which runs no code.

``checkpoint.pt`` holds a dict of tensors, numbers and text:

    format     1
    identity   JSON: the plan, the data's name and SHA-256, the seed
    step       steps taken
    network    the network's state_dict: parameters, batch norm's statistics
    optimizer  the optimizer's state_dict: momentum, slow weights, anchors, counters, lr
    history    JSON: what was found after every epoch
    loss       the sum of this epoch's losses so far

``weights.pt`` holds a network's state_dict alone. Both are whole or not there.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from riskkit.store.atomic import StoreError, make_folder

FORMAT = 1
CHECKPOINT, WEIGHTS = "checkpoint.pt", "weights.pt"


def save(folder: Path, identity: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """Writes the checkpoint; StoreError, in one line, if the disk refuses, and the one before it is kept."""
    told = {"identity": json.dumps(identity, sort_keys=True), "history": json.dumps(state["history"])}
    _written(folder / CHECKPOINT, {**state, **told, "format": FORMAT})


def save_weights(folder: Path, weights: Mapping[str, Any]) -> None:
    """Writes a network's state_dict."""
    _written(folder / WEIGHTS, dict(weights))


def load(folder: Path, identity: Mapping[str, Any], device: torch.device) -> dict[str, Any] | None:
    """The checkpoint's state, None if there is none. ValueError, in one line, if it is damaged or another run's."""
    path = folder / CHECKPOINT
    if not path.exists():
        return None
    try:
        state = torch.load(path, map_location=device, weights_only=True)
        own = json.loads(state["identity"]), int(state["format"])
        state["history"] = json.loads(state["history"])
    except Exception as error:  # torch raises whatever a damaged file leads it to
        raise ValueError(
            f"{path} is no checkpoint that can be read ({type(error).__name__}); move it away to begin anew."
        ) from error
    if own != (json.loads(json.dumps(identity)), FORMAT):
        raise ValueError(f"{path} belongs to another run; use another --out, or move it away.")
    return dict(state)


def _written(path: Path, value: object) -> None:
    make_folder(path.parent)
    temporary = path.parent / f".{os.getpid()}-{secrets.token_hex(8)}.tmp"
    try:
        with temporary.open("xb") as file:
            torch.save(value, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except (OSError, RuntimeError) as error:  # torch's writer makes a RuntimeError of a full disk
        raise StoreError(
            f"{path} cannot be written ({_line(error)}); free some space, or use another --out."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__
