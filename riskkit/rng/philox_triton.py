"""The words of ``riskkit.rng.streams`` in Triton, one pass over the memory they go to.

In torch every operation of the ten rounds is a pass of its own, 260 in all. Not yet run on a GPU: tested bit for bit in
Triton's interpreter, on a CPU, and compiled for one.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

BLOCK = 256
"""Counters a program."""


@triton.jit
def _keep(out, at, word, n, inside, INDEX: tl.constexpr):
    """Stores a word or, of n, the example that it draws."""
    number = word.to(tl.int64)
    if INDEX:
        number = (number * n) >> 32  # below 2^63
    tl.store(out + at, number, mask=inside)


@triton.jit(do_not_specialize=["first", "count", "purpose", "seed", "n"])
def fill(out, replicates, first, count, purpose, seed, n, INDEX: tl.constexpr, BLOCK: tl.constexpr):
    """out (R, count, 4) int64: the words of counters first .. first + count - 1, or the examples they draw of n."""
    blocks = tl.cdiv(count, BLOCK)
    program = tl.program_id(0).to(tl.int64)  # all on one axis: the others end at 65,535
    r = program // blocks
    i = program % blocks * BLOCK + tl.arange(0, BLOCK).to(tl.int64)
    inside = i < count
    counter = i + first
    low, high = (counter & 0xFFFFFFFF).to(tl.uint32), (counter >> 32).to(tl.uint32)
    replicate = (tl.load(replicates + r) + 0 * counter).to(tl.uint32)
    which = (purpose + 0 * counter).to(tl.uint32)
    a, b, c, d = tl.philox(seed, low, high, replicate, which)
    at = (r * count + i) * 4
    _keep(out, at, a, n, inside, INDEX)
    _keep(out, at + 1, b, n, inside, INDEX)
    _keep(out, at + 2, c, n, inside, INDEX)
    _keep(out, at + 3, d, n, inside, INDEX)


def words(replicates: Tensor, first: int, count: int, purpose: int, seed: int, n: int = 0) -> Tensor:
    """int64 (R, count, 4) on the device of ``replicates`` (int64 (R,)): the words of counters first .. first + count -
    1 or, for n > 0 (below 2^31), floor(word n / 2^32). ``purpose`` is its number."""
    out = torch.empty(len(replicates), count, 4, dtype=torch.int64, device=replicates.device)
    if out.numel():
        grid = (len(replicates) * triton.cdiv(count, BLOCK),)
        with torch.cuda.device_of(out):  # Triton launches on the current device
            fill[grid](out, replicates, first, count, purpose, seed, n, INDEX=n > 0, BLOCK=BLOCK)
    return out
