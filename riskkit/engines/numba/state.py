"""What the fused CPU engine keeps of each lane, and everything done to it that does not depend on the formula.

A *lane* is one configuration of one replicate; a *bank* is a vector of lanes. The parameters of a bank are stored
coordinate by coordinate, (d, lanes), so that one example serves every lane and no sum ever runs across lanes: a lane's
bits do not depend on its neighbours. Replicates come in *groups* that share banks: one replicate where the
configurations fill vectors, several, in the same lanes of every bank, where they do not.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import types

from riskkit.vectors import (
    across,
    beyond,
    fma,
    fragment,
    gather,
    inlined,
    lanes_of,
    load,
    load_four,
    overload,
    peek,
    prefetch,
    put,
    spread,
    spread_at,
    store,
    transpose,
)

SPAN = 256
"""Gradient steps between two checks for divergence, as in the reference engine."""

AHEAD = 8
"""Where a group is several replicates, their rows are asked for so many steps before they are used; else a span."""


class Order(NamedTuple):
    """The examples and the order in which they come.

    Attributes:
        x: the data (R / share, n, w), flat.
        replicates, share, n, width: R, how many of them after one another draw from the same examples, how many
            examples those are, numbers an example.
        chosen: int64 (R, steps), flat: the examples of the chunk's steps first .. first + steps - 1.
        data, drawn: int64 (2 * lanes of a bank,), where each lane's replicate begins in x and, less ``first``, in
            chosen; then the same of the next group's.
        place: int64 (lanes of a bank,), where each lane's example begins.
        rows: (4 * w * lanes of a bank,); None where a group is one replicate.
        lengths, products: (SPAN + 1,), of the examples of a span's steps, ||x_j|| and, where j is even,
            <x_j, x_{j+1}>, in a group of one replicate; the last number is read and not used.
            These six are a thread's own.
    """

    x: Any
    replicates: int
    share: int
    n: int
    width: int
    chosen: Any
    first: int
    steps: int
    data: Any
    drawn: Any
    place: Any
    rows: Any
    lengths: Any
    products: Any


class Formula(NamedTuple):
    """The numbers of a formula, all in the type of the data; ``weights`` (d,), ``radius`` 0 for R^d."""

    parameter: Any
    weights: Any
    radius: Any
    limit: Any


class Schedule(NamedTuple):
    """``riskkit.engines.schedule.Timeline`` in arrays, flat where they are read lane by lane.

    Attributes:
        members, member: see ``Layout``.
        eta: (steps, lanes) step sizes of the chunk, flat. mixing: int64 (steps, banks), flat.
        ends: int64 (banks,), steps of the longest lane of each bank.
        events, readings: records; those of bank b are number event_first[b] .. event_first[b + 1] - 1.
    """

    members: int
    member: Any
    eta: Any
    mixing: Any
    ends: Any
    events: Any
    event_first: Any
    readings: Any
    reading_first: Any


class State(NamedTuple):
    """Of each group, or of one in a thread's copy.

    Attributes:
        v, slow, total, anchor: (groups, banks * d * lanes of a bank).
        alpha, beta: (groups, lanes), of the present stage.
        moment: float64 (groups, lanes), sum of squared gradients.
        diverged: int64 (groups, lanes), -1 or the number of gradients after which a lane left the range.
        u: (groups, lanes), <v, x> of the example to come.
    """

    v: Any
    slow: Any
    total: Any
    anchor: Any
    alpha: Any
    beta: Any
    moment: Any
    diverged: Any
    u: Any


class Results(NamedTuple):
    """theta (R, slots, 2, d) and moment (R, slots)."""

    theta: Any
    moment: Any


@inlined
def replicate_of(group, lane, order, schedule):
    """A lane's replicate; the last group repeats the last one."""
    return min(group * schedule.members + schedule.member[lane], order.replicates - 1)


@fragment
def enter(group, order, schedule):
    """Notes where the data of a group's lanes and of the next group's begin."""
    lanes = len(order.place)
    for lane in range(2 * lanes):
        replicate = replicate_of(group + lane // lanes, lane % lanes, order, schedule)
        order.data[lane] = replicate // order.share * order.n * order.width
        order.drawn[lane] = replicate * order.steps - order.first


# How the examples of a step reach the lanes: ``order.rows`` is None where a bank has one replicate, whose row is then
# read where it lies; else the coordinates of the lanes' examples are first brought together there, (4, w, lanes).


@inlined
def row(lane, j, order):
    """Where a lane's example of step j begins in the data; lanes + l is lane l of the next group."""
    return peek(order.data, lane) + peek(order.chosen, peek(order.drawn, lane) + j) * order.width


@inlined
def last(order):
    """The chunk's last step: it stands in for what comes after the end, not to be used."""
    return order.first + order.steps - 1


@inlined
def ahead_of(j, distance, order):
    """The step that comes so long after step j and, if it is the next group's, the number of lanes, else 0."""
    at = j + distance
    over = np.int64(at > last(order))
    return min(at - over * order.steps, last(order)), over * len(order.place)


@inlined
def ask(place, order):
    """Asks for an example to be brought into the cache."""
    end = place + order.width
    while place < end:
        prefetch(order.x, place)
        place += lanes_of(order.x)


def fetch(j, order):
    """Where the examples of step j are to be found, by ``element``. Those of four steps in turn can be at hand."""
    raise NotImplementedError


@overload(fetch, jit_options={"forceinline": True})
def _fetch(j, order):
    if isinstance(order[order.fields.index("rows")], types.NoneType):

        def locate(j, order):
            later, lane = ahead_of(j, SPAN, order)
            ask(row(lane, later, order), order)
            return row(0, min(j, last(order)), order)

        return locate

    def bring(j, order):
        lanes = lanes_of(order.x)
        later, shift = ahead_of(j, AHEAD, order)
        now = min(j, last(order))
        for lane in range(lanes):
            ask(row(shift + lane, later, order), order)
            put(order.place, lane, row(lane, now, order))
        start = (j % 4) * order.width * lanes
        whole = order.width - order.width % lanes
        for i in range(0, whole, lanes):
            transpose(order.x, order.place, i, order.rows, start + i * lanes)
        for i in range(whole, order.width):
            store(order.rows, start + i * lanes, gather(order.x, order.place, 0, i))
        return start

    return bring


def element(order, start, i):
    """Number i of the examples that ``fetch`` found, lane by lane."""
    raise NotImplementedError


@overload(element, jit_options={"forceinline": True})
def _element(order, start, i):
    if isinstance(order[order.fields.index("rows")], types.NoneType):
        return lambda order, start, i: spread_at(order.x, start + i)
    return lambda order, start, i: load(order.rows, start + i * lanes_of(order.x))


# What products of examples are needed are sums of four, over the coordinates i = 0, 1, 2, 3 modulo 4, whether they are
# taken for one row and all lanes or lane by lane.


@inlined
def products(x, p, q, d):
    """||x_p||, ||x_q|| and <x_p, x_q> of two examples."""
    pp = qq = pq = load_four(x, p, 0)
    i = 0
    while i + 4 <= d:
        a, b = load_four(x, p + i, 4), load_four(x, q + i, 4)
        pp, qq, pq = fma(a, a, pp), fma(b, b, qq), fma(a, b, pq)
        i += 4
    a, b = load_four(x, p + i, d - i), load_four(x, q + i, d - i)
    pp, qq, pq = fma(a, a, pp), fma(b, b, qq), fma(a, b, pq)
    return math.sqrt(across(pp)), math.sqrt(across(qq)), across(pq)


@fragment
def relate(start, stop, d, order):
    """Fills ``order.lengths`` and ``order.products`` for the steps start .. stop - 1 of a span."""
    for j in range(start, stop, 2):
        a, b, both = products(order.x, row(0, j, order), row(0, min(j + 1, last(order)), order), d)
        put(order.lengths, j % SPAN, a)
        put(order.lengths, j % SPAN + 1, b)
        put(order.products, j % SPAN, both)


def related(order, here, there, j, d):
    """||x_j||, ||x_{j+1}|| and <x_j, x_{j+1}>, lane by lane; the last two where j is even."""
    raise NotImplementedError


@overload(related, jit_options={"forceinline": True})
def _related(order, here, there, j, d):
    if isinstance(order[order.fields.index("rows")], types.NoneType):

        def known(order, here, there, j, d):
            at = j % SPAN
            return spread_at(order.lengths, at), spread_at(order.lengths, at + 1), spread_at(order.products, at)

        return known

    def found(order, here, there, j, d):
        zero = spread(0.0, order.x)
        a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = c0 = c1 = c2 = c3 = zero
        for i in range(0, d, 4):
            p, q = element(order, here, i), element(order, there, i)
            a0, b0, c0 = fma(p, p, a0), fma(q, q, b0), fma(p, q, c0)
            if i + 1 < d:
                p, q = element(order, here, i + 1), element(order, there, i + 1)
                a1, b1, c1 = fma(p, p, a1), fma(q, q, b1), fma(p, q, c1)
            if i + 2 < d:
                p, q = element(order, here, i + 2), element(order, there, i + 2)
                a2, b2, c2 = fma(p, p, a2), fma(q, q, b2), fma(p, q, c2)
            if i + 3 < d:
                p, q = element(order, here, i + 3), element(order, there, i + 3)
                a3, b3, c3 = fma(p, p, a3), fma(q, q, b3), fma(p, q, c3)
        return math.sqrt((a0 + a2) + (a1 + a3)), math.sqrt((b0 + b2) + (b1 + b3)), (c0 + c2) + (c1 + c3)

    return found


@fragment
def output_of(lane, output, taken, group, d, state, t):
    """t (d,): a lane's output, 0 for last and 1 for average, which is kept ``taken`` times, or not at all.
    Where alpha = 1 the slow weights are the fast ones."""
    width = lanes_of(t)
    base = (lane // width) * d * width + lane % width
    for i in range(d):
        at = base + i * width
        if output == 1 and taken > 0:
            t[i] = state.total[group, at] / t.dtype.type(taken)
        elif state.alpha[group, lane] == 1:
            t[i] = state.v[group, at]
        else:
            t[i] = state.slow[group, at]


@fragment
def apply(event, group, d, state, spare):
    """A restart or a refreshed anchor, before a step."""
    width = lanes_of(spare)
    lane = event.lane
    base = (lane // width) * d * width + lane % width
    if event.refresh:
        for i in range(d):
            state.anchor[group, base + i * width] = state.v[group, base + i * width]
        return
    output_of(lane, event.output, event.taken, group, d, state, spare)
    for i in range(d):
        at = base + i * width
        state.v[group, at] = spare[i]
        state.slow[group, at] = spare[i]
        state.total[group, at] = 0
        if not event.fixed:
            state.anchor[group, at] = spare[i]
    state.alpha[group, lane] = event.alpha
    state.beta[group, lane] = event.beta


@fragment
def read(reading, group, limit, order, schedule, state, results):
    """Writes a lane's outputs at a checkpoint; True if they have left the range and no divergence is known."""
    d = results.theta.shape[3]
    replicate = replicate_of(group, reading.lane, order, schedule)
    gone = False
    for output in range(2):
        t = results.theta[replicate, reading.slot, output]
        output_of(reading.lane, output, reading.taken, group, d, state, t)
        for i in range(d):
            gone |= not abs(t[i]) <= limit
    results.moment[replicate, reading.slot] = state.moment[group, reading.lane] / reading.at
    return gone and state.diverged[group, reading.lane] < 0


@fragment
def out_of_range(bank, group, d, limit, after, state):
    """Whether lanes of a bank are out of range for the first time; ``after`` > 0 records that so many gradients did
    it."""
    v = state.v[group]
    width = lanes_of(v)
    bits = np.int64(0)
    for i in range(d):
        bits |= beyond(load(v, (bank * d + i) * width), limit)
    found = False
    if bits != 0:
        for lane in range(width):
            if (bits >> lane) & 1 and state.diverged[group, bank * width + lane] < 0:
                found = True
                if after > 0:
                    state.diverged[group, bank * width + lane] = after
    return found


@fragment
def copy_bank(source, group, to, place, bank, d):
    """A bank's parameters, stage and moment."""
    width = lanes_of(source.v)
    first, lane = bank * d * width, bank * width
    for part, copy in (
        (source.v[group], to.v[place]),
        (source.slow[group], to.slow[place]),
        (source.total[group], to.total[place]),
        (source.anchor[group], to.anchor[place]),
    ):
        for at in range(first, first + d * width, width):
            store(copy, at, load(part, at))
    store(to.alpha[place], lane, load(source.alpha[group], lane))
    store(to.beta[place], lane, load(source.beta[group], lane))
    for i in range(lane, lane + width):
        put(to.moment[place], i, peek(source.moment[group], i))
