"""Loading without looking for garbage: libraries make hundreds of thousands of objects, which stay."""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def loading() -> Iterator[None]:
    """No garbage is looked for inside and, where modules were loaded, never again among what is there at the end.

    A fifth of the time of loading torch, numba and pandas goes into that, and in processes that are forked later every
    look would copy what they share.
    """
    was, before = gc.isenabled(), len(sys.modules)
    gc.disable()
    try:
        yield
    finally:
        if len(sys.modules) > before:
            gc.freeze()
        if was:
            gc.enable()
