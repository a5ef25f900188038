"""The loop of the fused CPU engine for schemes: batches, weighted averages, momentum or a step of one's own formulas
(``riskkit.algorithms.scheme``).

All lanes of a run draw batches of one size and are projected onto one ball. A step goes through its batch by four
examples at a time, whose products with v are taken side by side, and then by single ones, in the batch's order. The
last of these blocks moves the parameters in the pass that adds its gradients. Examples are numbered through, batch
after batch: the i-th of step j is number j b + i of the index stream.

``kernel.py`` is the loop for single examples and plain steps, and says how the functions of the problem's formula get
here; those of the step's are appended as text (``printed.py``).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numba

from riskkit.engines.numba.state import (
    apply,
    copy_bank,
    element,
    enter,
    fetch,
    out_of_range,
    read,
    replicate_of,  # noqa: F401
)
from riskkit.vectors import (
    above,
    add_double,
    choose,
    fma,
    fragment,
    inlined,
    lanes_of,
    larger,  # noqa: F401
    load,
    peek,
    smaller,  # noqa: F401
    spread,
    spread_at,
    store,
    with_sign,  # noqa: F401
)

compiled: Any = numba.njit

# What differs from problem to problem; all replaced when the module is loaded.

linear = True
"""Whether a gradient is slope(<v, x>) x + ridge v, and not given coordinate by coordinate."""


def outer(u: Any, y: Any, parameter: Any) -> Any:
    """What a gradient computes once: the slope at u = <x, theta>."""
    raise NotImplementedError


def add(g: Any, slope: Any, t: Any, x: Any, weight: Any) -> Any:
    """One coordinate of a sum of gradients, with another example's but for its ridge."""
    raise NotImplementedError


# What differs from step to step; all replaced by the text that is appended.

normed = False
"""Whether a step asks for the norm of its gradient."""

averaged = True
"""Whether the mean of the iterates is wanted."""

resting = False
"""Whether lanes that have ended must be held, which steps of the size -inf say, since one of size 0 may move them."""


def constants(numbers: Any, lane: Any, lanes: Any) -> Any:
    """The method's own numbers of a bank, a tuple of vectors."""
    raise NotImplementedError


def of_group(states: Any, group: Any) -> Any:
    """The states of a group, a tuple of arrays."""
    raise NotImplementedError


def copy_states(source: Any, group: Any, to: Any, place: Any, first: Any, last: Any, width: Any) -> Any:
    """Numbers first .. last - 1 of each state."""
    raise NotImplementedError


def update(at: Any, v: Any, g: Any, j: Any, eta: Any, norm: Any, states: Any, own: Any, like: Any) -> Any:
    """One coordinate after a step; its states, at ``at``, are replaced."""
    raise NotImplementedError


def answer(reading: Any, group: Any, d: Any, order: Any, schedule: Any, scheme: Any, state: Any, results: Any) -> Any:
    """Writes the outputs of a lane that are formulas."""
    raise NotImplementedError


class Scheme(NamedTuple):
    """What schemes have beside stages.

    Attributes:
        batch: b.
        share: 1 / b, in the type of the data.
        first, steps: of the chunk; ``Order.first`` and ``Order.steps`` count examples.
        span: steps between two checks for divergence.
        averaging: (steps, lanes) weights of the average, flat.
        numbers: (numbers of a method, lanes), flat.
        states: a tuple of (groups, banks * d * lanes of a bank).
        before: a tuple of (1, banks * d * lanes of a bank), room for one group's states.
        gradient: (d * lanes of a bank,), room for a batch's sum of gradients.
            The last two are a thread's own.
    """

    batch: int
    share: Any
    first: int
    steps: int
    span: int
    averaging: Any
    numbers: Any
    states: Any
    before: Any
    gradient: Any


@inlined
def _slope(here, base, order, formula, v):
    """The slope of the examples at ``here``, lane by lane."""
    width = lanes_of(v)
    parameter = spread(formula.parameter, v)
    a0 = a1 = a2 = a3 = spread(0.0, v)
    if linear:
        d = len(formula.weights)
        whole = d - d % 4
        for i in range(0, whole, 4):
            at = base + i * width
            a0 = fma(element(order, here, i), load(v, at), a0)
            a1 = fma(element(order, here, i + 1), load(v, at + width), a1)
            a2 = fma(element(order, here, i + 2), load(v, at + 2 * width), a2)
            a3 = fma(element(order, here, i + 3), load(v, at + 3 * width), a3)
        for i in range(whole, d):
            a0 = fma(element(order, here, i), load(v, base + i * width), a0)
        return outer((a0 + a2) + (a1 + a3), element(order, here, order.width - 1), parameter)
    return a0


@inlined
def _slopes(here, base, order, formula, v):
    """The slopes of four examples."""
    width = lanes_of(v)
    p, q, r, s = here
    a = b = c = e = spread(0.0, v)
    if linear:
        y, parameter = order.width - 1, spread(formula.parameter, v)
        for i in range(len(formula.weights)):
            t = load(v, base + i * width)
            a, b = fma(element(order, p, i), t, a), fma(element(order, q, i), t, b)
            c, e = fma(element(order, r, i), t, c), fma(element(order, s, i), t, e)
        a, b = outer(a, element(order, p, y), parameter), outer(b, element(order, q, y), parameter)
        c, e = outer(c, element(order, r, y), parameter), outer(e, element(order, s, y), parameter)
    return a, b, c, e


@inlined
def _add_one(g, here, slopes, i, t, weight, order):
    return add(g, slopes, t, element(order, here, i), weight)


@inlined
def _add_four(g, here, slopes, i, t, weight, order):
    p, q, r, s = here
    a, b, c, e = slopes
    g = add(g, a, t, element(order, p, i), weight)
    g = add(g, b, t, element(order, q, i), weight)
    g = add(g, c, t, element(order, r, i), weight)
    return add(g, e, t, element(order, s, i), weight)


def _gather(add_block: Any) -> Any:
    """The pass that adds a block's gradients to those of the batch's blocks before: ``begun`` has no bits set where
    there are none, else all."""

    @inlined
    def over(here, slopes, begun, base, order, formula, gradient, v):
        width = lanes_of(v)
        for i in range(len(formula.weights)):
            t, weight = load(v, base + i * width), spread_at(formula.weights, i)
            g = choose(begun, load(gradient, i * width), spread(0.0, v))
            store(gradient, i * width, add_block(g, here, slopes, i, t, weight, order))

    return over


def _move(add_block: Any) -> Any:
    """The pass that adds the last block's gradients and takes the step, two passes where it asks for the norm of its
    gradient: it answers with ||v||^2 and the squared norm of the batch's mean gradient."""

    @inlined
    def whole(here, slopes, begun, i, t, order, formula, gradient, share, square):
        """One coordinate of the batch's mean gradient, and ``square`` with what it adds to it."""
        weight = spread_at(formula.weights, i)
        g = choose(begun, load(gradient, i * lanes_of(t)), spread(0.0, gradient))
        g = share * add_block(g, here, slopes, i, t, weight, order)
        if linear:
            g = fma(weight, t, g)
        return g, fma(g, g, square)

    @inlined
    def over(here, slopes, begun, base, order, formula, gradient, banked, numbers, pulled):
        v, total, anchor, states = banked
        j, eta, share, weighing, beta, own = numbers
        width = lanes_of(v)
        norm = square = length = spread(0.0, v)
        moving = above(eta, -math.inf)
        if normed:
            size = spread(0.0, v)
            for i in range(len(formula.weights)):
                t = load(v, base + i * width)
                g, square = whole(here, slopes, begun, i, t, order, formula, gradient, share, square)
                if pulled:
                    g = fma(beta, t - load(anchor, base + i * width), g)
                size = fma(g, g, size)
                store(gradient, i * width, g)
            length = math.sqrt(size)
        for i in range(len(formula.weights)):
            at = base + i * width
            t = load(v, at)
            if normed:
                g = load(gradient, i * width)
            else:
                g, square = whole(here, slopes, begun, i, t, order, formula, gradient, share, square)
            if averaged:
                average = load(total, at)
                store(total, at, fma(weighing, t - average, average))
            if pulled and not normed:
                g = fma(beta, t - load(anchor, at), g)
            moved = update(at, t, g, j, eta, length, states, own, v)
            t = choose(moving, moved, t) if resting else moved
            store(v, at, t)
            norm = fma(t, t, norm)
        return norm, square

    return over


_gather_one, _gather_four = _gather(_add_one), _gather(_add_four)
_move_one, _move_four = _move(_add_one), _move(_add_four)


@fragment
def _stretch(j0, j1, bank, group, order, formula, schedule, scheme, state):
    """Steps j0 .. j1 - 1 of one bank, with no event and no reading in between."""
    v, slow, gradient = state.v[group], state.slow[group], scheme.gradient
    banked = (v, state.total[group], state.anchor[group], of_group(scheme.states, group))
    moment = state.moment[group]
    width, d = lanes_of(v), len(formula.weights)
    base, lane = bank * d * width, bank * width
    lanes, banks = len(moment), len(moment) // width
    one = spread(1.0, v)
    alpha, beta = load(state.alpha[group], lane), load(state.beta[group], lane)
    own = constants(scheme.numbers, lane, lanes)
    rest, share = one - alpha, spread(scheme.share, v)
    pulled = above(beta, 0.0) != 0
    projected = formula.radius > 0
    radius, square_radius = spread(formula.radius, v), formula.radius * formula.radius
    for j in range(j0, j1):
        at = j - scheme.first
        place, end = j * scheme.batch, (j + 1) * scheme.batch
        eta = load(schedule.eta, at * lanes + lane)
        numbers = (spread(j, v), eta, share, load(scheme.averaging, at * lanes + lane), beta, own)
        norm = square = one
        begun = 0  # no lane's gradient, then every lane's
        while place < end:
            if end - place >= 4:
                four = (fetch(place, order), fetch(place + 1, order), fetch(place + 2, order), fetch(place + 3, order))
                slopes = _slopes(four, base, order, formula, v)
                place += 4
                if place < end:
                    _gather_four(four, slopes, begun, base, order, formula, gradient, v)
                else:
                    norm, square = _move_four(
                        four, slopes, begun, base, order, formula, gradient, banked, numbers, pulled
                    )
            else:
                here = fetch(place, order)
                slope = _slope(here, base, order, formula, v)
                place += 1
                if place < end:
                    _gather_one(here, slope, begun, base, order, formula, gradient, v)
                else:
                    norm, square = _move_one(
                        here, slope, begun, base, order, formula, gradient, banked, numbers, pulled
                    )
            begun = -1
        add_double(moment, lane, square)
        outside = above(norm, square_radius) if projected else 0
        if outside != 0:
            scale = choose(outside, radius / math.sqrt(norm), one)
            for i in range(base, base + d * width, width):
                store(v, i, scale * load(v, i))
        mixing = peek(schedule.mixing, at * banks + bank)
        if mixing != 0:
            for i in range(base, base + d * width, width):
                s, t = load(slow, i), load(v, i)
                mixed = rest * s + alpha * t
                store(v, i, choose(mixing, mixed, t))
                store(slow, i, choose(mixing, mixed, s))


@compiled(cache=True, nogil=True, error_model="numpy")
def advance(low, high, banks, order, formula, schedule, scheme, state, before, spare, results):
    """All steps of a chunk for the first ``banks`` of the groups low .. high - 1, group by group and bank by bank.

    A span of steps ends with a look at the range; where something has left it, the span is gone through again, from
    the state kept in ``before``, with a look after every step.
    """
    d, width = len(formula.weights), lanes_of(spare)
    end = scheme.first + scheme.steps
    events, readings = schedule.events, schedule.readings
    for group in range(low, high):
        enter(group, order, schedule)
        for start in range(scheme.first, end, scheme.span):
            for bank in range(banks):
                stop = min(start + scheme.span, end, schedule.ends[bank])
                if stop <= start:
                    break  # and the banks after it have ended too
                e_end, r_end = schedule.event_first[bank + 1], schedule.reading_first[bank + 1]
                copy_bank(state, group, before, 0, bank, d)
                low_end, high_end = bank * d * width, (bank + 1) * d * width
                copy_states(scheme.states, group, scheme.before, 0, low_end, high_end, width)
                for careful in range(2):
                    e, r = schedule.event_first[bank], schedule.reading_first[bank]
                    while e < e_end and events[e].at < start:
                        e += 1
                    while r < r_end and readings[r].at <= start:
                        r += 1
                    suspect = False
                    j = start
                    while j < stop:
                        while e < e_end and events[e].at == j:
                            apply(events[e], group, d, state, spare)
                            e += 1
                        pause = j + 1 if careful else stop
                        if e < e_end:
                            pause = min(pause, events[e].at)
                        if r < r_end:
                            pause = min(pause, readings[r].at)
                        _stretch(j, pause, bank, group, order, formula, schedule, scheme, state)
                        j = pause
                        while r < r_end and readings[r].at == j:
                            suspect |= read(readings[r], group, formula.limit, order, schedule, state, results)
                            answer(readings[r], group, d, order, schedule, scheme, state, results)
                            r += 1
                        if careful:
                            out_of_range(bank, group, d, formula.limit, scheme.batch * j, state)
                    if careful or not (suspect or out_of_range(bank, group, d, formula.limit, 0, state)):
                        break
                    copy_bank(before, 0, state, group, bank, d)
                    copy_states(scheme.before, 0, scheme.states, group, low_end, high_end, width)
