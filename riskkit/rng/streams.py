"""Random numbers by address: Philox4x32-10 words of (seed, purpose, replicate, counter); no state anywhere.

The 64-bit key is the seed (low word first). The 128-bit counter holds the 64-bit counter (low word first), the
replicate and the purpose, 32 bits each; a purpose is the CRC-32 of its name. One counter gives 4 words, 2 uniforms or
2 normals. So replicate r, and row i of its dataset, are the same numbers whatever else is drawn, in which order,
wherever: words and indices bit for bit on every backend, normals to 1e-14 (their logarithm and cosine come from the
backend's library).

Four implementations of the same function: compiled by numba for the CPU; Triton for CUDA
(``riskkit.rng.philox_triton``); torch integer arithmetic for CUDA without Triton; numpy, to be read. Source:
Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

from __future__ import annotations

import importlib.util
import math
import zlib
from collections.abc import Sequence

import numba
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from riskkit.vectors import lanes

Words = npt.NDArray[np.uint64]

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)
ROUNDS = 10
MASK = 0xFFFFFFFF
TRITON = importlib.util.find_spec("triton") is not None
"""Whether words on CUDA come from Triton, which needs a C compiler there; CUDA's torch brings it along."""


def philox_numpy(counter: Words, key: Words) -> Words:
    """Ten rounds on counters (..., 4) with keys (..., 2), all 32-bit words held in uint64 -> words (..., 4)."""
    mask, shift = np.uint64(MASK), np.uint64(32)
    c0, c1, c2, c3 = (counter[..., i] for i in range(4))
    k0, k1 = key[..., 0], key[..., 1]
    for _ in range(ROUNDS):
        p0, p1 = np.uint64(MULTIPLIERS[0]) * c0, np.uint64(MULTIPLIERS[1]) * c2
        c0, c1, c2, c3 = (p1 >> shift) ^ c1 ^ k0, p1 & mask, (p0 >> shift) ^ c3 ^ k1, p0 & mask
        k0, k1 = (k0 + np.uint64(WEYL[0])) & mask, (k1 + np.uint64(WEYL[1])) & mask
    return np.stack(np.broadcast_arrays(c0, c1, c2, c3), axis=-1)


def _multiply(constant: int, word: Tensor) -> tuple[Tensor, Tensor]:
    """High and low 32 bits of constant * word in int64, which holds no 64-bit product: by 16-bit halves of word."""
    low, high = constant * (word & 0xFFFF), constant * (word >> 16)  # both below 2^48
    middle = high + (low >> 16)
    return middle >> 16, ((middle & 0xFFFF) << 16) | (low & 0xFFFF)


def philox_torch(counter: Sequence[Tensor], key: tuple[int, int]) -> list[Tensor]:
    """Ten rounds on four int64 tensors of 32-bit words, broadcasting -> four int64 tensors of words."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(ROUNDS):
        high0, low0 = _multiply(MULTIPLIERS[0], c0)
        high1, low1 = _multiply(MULTIPLIERS[1], c2)
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0, k1 = (k0 + WEYL[0]) & MASK, (k1 + WEYL[1]) & MASK
    shape = (c0 + c1 + c2 + c3).shape
    return [word.expand(shape) for word in (c0, c1, c2, c3)]


@numba.njit(inline="always")
def _philox(c0, c1, c2, c3, k0, k1):  # type: ignore[no-untyped-def]
    """Ten rounds on six uint64 scalars that hold 32-bit words."""
    mask, shift = np.uint64(0xFFFFFFFF), np.uint64(32)
    for _ in range(10):
        p0 = np.uint64(0xD2511F53) * c0
        p1 = np.uint64(0xCD9E8D57) * c2
        c0, c1, c2, c3 = (p1 >> shift) ^ c1 ^ k0, p1 & mask, (p0 >> shift) ^ c3 ^ k1, p0 & mask
        k0 = (k0 + np.uint64(0x9E3779B9)) & mask
        k1 = (k1 + np.uint64(0xBB67AE85)) & mask
    return c0, c1, c2, c3


TILE = 512
"""Counters whose words are held at a time, in the first-level cache; a multiple of the lanes of a vector."""


@numba.njit(error_model="numpy")
def _tile(words, first, count, replicate, purpose, k0, k1):  # type: ignore[no-untyped-def]
    """words (4, TILE) uint64: those of counters first .. first + count - 1, in columns of like words, which a compiler
    turns into vectors; integers have no rounding to lose by it."""
    mask, shift = np.uint64(0xFFFFFFFF), np.uint64(32)
    a, b, c, d = words[0], words[1], words[2], words[3]
    for i in range(count):
        counter = np.uint64(first) + np.uint64(i)
        a[i], b[i], c[i], d[i] = _philox(counter & mask, counter >> shift, replicate, purpose, k0, k1)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _fill_words(out, replicates, first, purpose, k0, k1):  # type: ignore[no-untyped-def]
    """out (R, count, 4) int64: the words of counters first .. first + count - 1."""
    words = np.empty((4, TILE), dtype=np.uint64)
    for r in range(out.shape[0]):
        for start in range(0, out.shape[1], TILE):
            count = min(TILE, out.shape[1] - start)
            _tile(words, np.uint64(first) + np.uint64(start), count, replicates[r], purpose, k0, k1)
            for i in range(count):
                for k in range(4):
                    out[r, start + i, k] = words[k, i]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _fill_indices(out, n, replicates, first, purpose, k0, k1):  # type: ignore[no-untyped-def]
    """out (R, count, 4) int64: floor(word n / 2^32) of the words of counters first .. first + count - 1."""
    words = np.empty((4, TILE), dtype=np.uint64)
    for r in range(out.shape[0]):
        for start in range(0, out.shape[1], TILE):
            count = min(TILE, out.shape[1] - start)
            _tile(words, np.uint64(first) + np.uint64(start), count, replicates[r], purpose, k0, k1)
            for i in range(count):
                for k in range(4):
                    out[r, start + i, k] = (words[k, i] * np.uint64(n)) >> np.uint64(32)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _fill_uniforms(out, replicates, purpose, k0, k1):  # type: ignore[no-untyped-def]
    """out (R, count, 2) float64: two uniforms a counter, in (0, 1)."""
    words, pairs = np.empty((4, TILE), dtype=np.uint64), np.empty(2 * TILE)
    for r in range(out.shape[0]):
        for start in range(0, out.shape[1], TILE):
            count = min(TILE, out.shape[1] - start)
            _tile(words, np.uint64(start), TILE, replicates[r], purpose, k0, k1)
            for i in range(0, count, 8):
                lanes.store_pairs(
                    pairs, 2 * i, lanes.uniform(words[0], words[1], i), lanes.uniform(words[2], words[3], i)
                )
            for i in range(count):
                out[r, start + i, 0], out[r, start + i, 1] = pairs[2 * i], pairs[2 * i + 1]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _fill_normals(out, replicates, purpose, k0, k1):  # type: ignore[no-untyped-def]
    """out (R, count, 2) float64: two normals a counter."""
    words, pairs = np.empty((4, TILE), dtype=np.uint64), np.empty(2 * TILE)
    for r in range(out.shape[0]):
        for start in range(0, out.shape[1], TILE):
            count = min(TILE, out.shape[1] - start)
            _tile(words, np.uint64(start), TILE, replicates[r], purpose, k0, k1)
            for i in range(0, count, 8):
                radius = math.sqrt(-2.0 * math.log(lanes.uniform(words[0], words[1], i)))
                angle = (2.0 * math.pi) * lanes.uniform(words[2], words[3], i)
                lanes.store_pairs(pairs, 2 * i, radius * math.cos(angle), radius * math.sin(angle))
            for i in range(count):
                out[r, start + i, 0], out[r, start + i, 1] = pairs[2 * i], pairs[2 * i + 1]


def purpose_number(purpose: str) -> int:
    """The 32-bit number of a purpose."""
    return zlib.crc32(purpose.encode())


class Stream:
    """The numbers of some replicates of one seed.

    ``purpose`` tells independent draws of one dataset apart ("features", "labels"). Row i of ``n`` depends on (seed,
    purpose, replicate, i) and the width alone, so that the dataset of size n is a prefix of that of size 2n.

    Args:
        seed: in [0, 2^64).
        replicates: their numbers, each in [0, 2^32); R of them.
        dtype: of uniforms and normals, which are computed in float64 and rounded (a float32 uniform may round to 1).
        device: "cpu" or a CUDA device.
        family: streams of different families are independent of each other; a prefix of every purpose.

    Raises ValueError for a seed or a replicate out of range.
    """

    def __init__(
        self,
        seed: int,
        replicates: Sequence[int] | range,
        dtype: torch.dtype = torch.float64,
        device: str | torch.device = "cpu",
        family: str = "",
    ) -> None:
        if not 0 <= seed < 2**64:
            raise ValueError(f"seed must be a whole number in [0, 2^64); got {seed}.")
        if len(replicates) and not (min(replicates) >= 0 and max(replicates) < 2**32):
            raise ValueError(f"replicates must be numbered in [0, 2^32); got {min(replicates)} .. {max(replicates)}.")
        self.seed = seed
        self.replicates = replicates
        self.dtype = dtype
        self.device = torch.device(device)
        self.family = family
        self._numbers = np.array(replicates, dtype=np.uint64)

    @property
    def _key(self) -> tuple[int, int]:
        return self.seed & MASK, self.seed >> 32

    def _words(self, purpose: str, first: int, count: int) -> Tensor:
        """Counters first .. first + count - 1, int64 (R, count, 4)."""
        number = purpose_number(self.family + purpose)
        if self.device.type == "cpu":
            out = np.empty((len(self.replicates), count, 4), dtype=np.int64)
            k0, k1 = self._key
            _fill_words(out, self._numbers, first, np.uint64(number), np.uint64(k0), np.uint64(k1))
            return torch.from_numpy(out)
        return self._on_device(number, first, count)

    def _on_device(self, number: int, first: int, count: int, n: int = 0) -> Tensor:
        """The words of a purpose's number, or for n > 0 the examples that they draw, on CUDA."""
        replicates = torch.as_tensor(self._numbers.astype(np.int64), device=self.device)
        if TRITON:
            from riskkit.rng import philox_triton

            return philox_triton.words(replicates, first, count, number, self.seed, n)
        counter = torch.arange(first, first + count, device=self.device)[None, :]
        which = torch.full_like(counter, number)
        words = philox_torch([counter & MASK, counter >> 32, replicates[:, None], which], self._key)
        drawn = torch.stack(words, dim=-1)
        return (drawn * n) >> 32 if n else drawn

    def words(self, purpose: str, n: int, width: int) -> Tensor:
        """32-bit words in int64, (R, n, width)."""
        per_row = -(-width // 4)
        return self._words(purpose, 0, n * per_row).reshape(-1, n, 4 * per_row)[:, :, :width]

    def uniforms(self, purpose: str, n: int, width: int) -> Tensor:
        """(R, n, width) in the open interval (0, 1), 53 bits."""
        return self._pairs(_fill_uniforms, purpose, n, width)

    def normals(self, purpose: str, n: int, width: int) -> Tensor:
        """(R, n, width) standard normals, by Box and Muller's transform."""
        return self._pairs(_fill_normals, purpose, n, width)

    def _pairs(self, fill, purpose: str, n: int, width: int) -> Tensor:  # type: ignore[no-untyped-def]
        per_row = -(-width // 2)
        if self.device.type == "cpu":
            out = np.empty((len(self.replicates), n * per_row, 2))
            k0, k1 = self._key
            number = purpose_number(self.family + purpose)
            fill(out, self._numbers, np.uint64(number), np.uint64(k0), np.uint64(k1))
            pairs = torch.from_numpy(out)
        else:
            words = self._words(purpose, 0, n * per_row)
            low, high = words[..., 0::2], words[..., 1::2]
            pairs = (((high << 21) | (low >> 11)).double() + 0.5) * 2.0**-53
            if fill is _fill_normals:
                radius, angle = (-2 * pairs[..., :1].log()).sqrt(), 2 * math.pi * pairs[..., 1:]
                pairs = torch.cat([radius * angle.cos(), radius * angle.sin()], dim=-1)
        return pairs.reshape(-1, n, 2 * per_row)[:, :, :width].to(self.dtype).contiguous()

    def sphere(self, purpose: str, n: int, d: int) -> Tensor:
        """(R, n, d) points uniform on the unit sphere; for d = 1 signs."""
        x = Stream(self.seed, self.replicates, torch.float64, self.device, self.family).normals(purpose, n, d)
        return (x / x.square().sum(-1, keepdim=True).sqrt()).to(self.dtype)

    def indices(self, n: int, first: int, count: int) -> Tensor:
        """The examples drawn at steps first .. first + count - 1, int64 (R, count): floor(word * n / 2^32); step j
        reads word j mod 4 of counter j // 4. The chance of an index differs from 1/n by less than 2^-32.

        Raises ValueError for n out of [1, 2^31)."""
        if not 1 <= n < 2**31:
            raise ValueError(f"n must be a whole number in [1, 2^31); got {n}.")
        start = first // 4
        counters = -(-(first + count) // 4) - start
        number = purpose_number(self.family + "index")
        if self.device.type == "cpu":
            out = np.empty((len(self.replicates), counters, 4), dtype=np.int64)
            k0, k1 = self._key
            _fill_indices(out, n, self._numbers, start, np.uint64(number), np.uint64(k0), np.uint64(k1))
            drawn = torch.from_numpy(out)
        else:
            drawn = self._on_device(number, start, counters, n)
        return drawn.flatten(1)[:, first - 4 * start :][:, :count]

    def shuffled(self, n: int, first: int, count: int) -> Tensor:
        """The examples at steps first .. first + count - 1 without replacement, int64 (R, count): each run of n steps
        takes all examples, in the order of 63-bit keys; pass p reads n of them, from counter p ceil(n/2) on. Two keys
        are equal with probability below n^2 2^-64."""
        begin, end = first // n, -(-(first + count) // n)
        per_pass = -(-n // 2)
        words = self._words("shuffle", begin * per_pass, (end - begin) * per_pass)
        keys = ((words[..., 0::2] << 31) | (words[..., 1::2] >> 1)).reshape(len(self.replicates), end - begin, -1)
        return keys[..., :n].argsort(-1).flatten(1)[:, first - n * begin :][:, :count]
