"""numba, ready: the first compiled function that a process calls waits for numba's tables to be filled.

Imported by the server that the workers of a sweep are forked from, so that they are filled once for all of them."""

from __future__ import annotations

import numba

numba.njit("int64()")(lambda: 0)
