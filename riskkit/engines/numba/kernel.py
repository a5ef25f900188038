"""The loop of the fused CPU engine, compiled by numba for one formula.

Steps go in pairs, an even one and the next, in one pass over the coordinates that also takes the products of the new
v with the next pair's examples, the index stream being known ahead. For a gradient slope x + ridge v the second step's
u = <v_1, x_1> needs no pass of its own: with w = <v_0, x_1>,

    <v_1, x_1> = w - eta_0 (slope_0 <x_0, x_1> + ridge w),

and <x_0, x_1> is one number for all lanes. Where something comes between the two (a mixing or a reading, a projection
that may be due, an anchor's pull) they are made one by one. For a lane that nothing happens to that is the same
arithmetic, so that its bits do not tell what its neighbours do; a lane that was mixed, projected or pulled takes
<v_1, x_1> from its new v_1.

``riskkit.engines.numba.compiled`` copies this module into the cache folder once a formula, puts the formula's functions
in the place of those below, and so gets compiled code from disk in every later process: numba keeps no code on disk for
a kernel that receives functions as arguments.
"""

from __future__ import annotations

import math
from typing import Any

import numba

from riskkit.engines.numba.state import (
    SPAN,
    apply,
    copy_bank,
    element,
    enter,
    fetch,
    out_of_range,
    read,
    relate,
    related,
)
from riskkit.vectors import (
    above,
    add_double,
    choose,
    fma,
    fragment,
    inlined,
    lanes_of,
    load,
    peek,
    spread,
    spread_at,
    store,
)

compiled: Any = numba.njit

SURE = 0.999
"""A step is taken to stay in the ball if a bound of its norm is under so many radii, rounding included."""

# What differs from formula to formula; all replaced when the module is loaded. ``back`` is -eta, ``length`` ||x||.

linear = True
"""Whether a gradient is slope(<v, x>) x + ridge v, and not given coordinate by coordinate."""


def outer(u: Any, y: Any, parameter: Any) -> Any:
    """What a gradient computes once: the slope at u = <x, theta>."""
    raise NotImplementedError


def move(back: Any, slope: Any, t: Any, x: Any, weight: Any, square: Any) -> Any:
    """One coordinate after a step, and ``square`` with what the step adds to it."""
    raise NotImplementedError


def carry(w: Any, back: Any, slope: Any, product: Any, ridge: Any) -> Any:
    """<v_1, x_1> from w = <v_0, x_1> and the product <x_0, x_1>; only where ``linear``."""
    raise NotImplementedError


def energy(square: Any, slope: Any, length: Any) -> Any:
    """The squared norm of a gradient."""
    raise NotImplementedError


def reach(size: Any, back: Any, slope: Any, length: Any, ridge: Any) -> Any:
    """A bound of ||v_1||, ``size`` being one of ||v_0||; only where ``linear``."""
    raise NotImplementedError


def _arrival(mixes: bool, looks: int) -> Any:
    """How a coordinate's new value t is left behind: mixed or not, stored, and with its part in ||v||^2 and in the
    products with the examples ``ahead``."""

    @inlined
    def over(t, i, at, ahead, order, v, slow, rest, alpha, mixing, u, w, norm):
        if mixes:
            s = load(slow, at)
            mixed = rest * s + alpha * t
            t = choose(mixing, mixed, t)
            store(slow, at, choose(mixing, mixed, s))
        store(v, at, t)
        norm = fma(t, t, norm)
        if linear:
            u = fma(element(order, ahead[0], i), t, u)
        if linear and looks == 2:
            w = fma(element(order, ahead[1], i), t, w)
        return u, w, norm

    return over


def _pass(steps: int, pulled: bool = False, mixes: bool = False, looks: int = 2) -> Any:
    """The pass over the coordinates of one bank, in the versions that occur: one step or two, with or without an
    anchor's pull and a mixing after the last step.

    A step (here, slope, back) is where its examples are, and its slopes and step sizes. ``ahead`` is where those of the
    two steps are (``looks`` = 1: the first of them) whose products with v are wanted; they come back with ||v||^2 and
    the squares of the gradients.
    """

    arrive = _arrival(mixes, looks)

    @inlined
    def over(one, two, ahead, base, order, formula, banked, stage, mixing):
        v, slow, total, anchor = banked
        rest, alpha, beta = stage
        width = lanes_of(v)
        first, second = spread(0.0, v), spread(0.0, v)
        u = w = norm = spread(0.0, v)
        for i in range(len(formula.weights)):
            at = base + i * width
            weight = spread_at(formula.weights, i)
            start = t = load(v, at)
            sum_ = load(total, at) + t
            here, slope, back = one
            t, first = move(back, slope, t, element(order, here, i), weight, first)
            if pulled:
                t = fma(back * beta, start - load(anchor, at), t)
            if steps == 2:
                sum_ = sum_ + t
                here, slope, back = two
                t, second = move(back, slope, t, element(order, here, i), weight, second)
            store(total, at, sum_)
            u, w, norm = arrive(t, i, at, ahead, order, v, slow, rest, alpha, mixing, u, w, norm)
        return u, w, norm, first, second

    return over


_pair, _mixed_pair, _half, _single, _mixed_single, _pulled_single = (
    _pass(2),
    _pass(2, mixes=True),
    _pass(1, looks=1),
    _pass(1),
    _pass(1, mixes=True),
    _pass(1, pulled=True),
)


def _settle(mixes: bool) -> Any:
    """What follows a step after which a projection was due or an anchor pulled: v times ``scale``, then the mixing."""

    arrive = _arrival(mixes, 2)

    @inlined
    def over(scale, ahead, base, order, formula, banked, stage, mixing):
        v, slow, _, _ = banked
        rest, alpha, _ = stage
        width = lanes_of(v)
        u = w = norm = spread(0.0, v)
        for i in range(len(formula.weights)):
            at = base + i * width
            t = scale * load(v, at)
            u, w, norm = arrive(t, i, at, ahead, order, v, slow, rest, alpha, mixing, u, w, norm)
        return u, w, norm

    return over


_scaled, _scaled_and_mixed = _settle(mixes=False), _settle(mixes=True)


@fragment
def _stretch(j0, j1, renewed, bank, group, order, formula, schedule, state):
    """Gradient steps j0 .. j1 - 1 of one bank, with no event and no reading in between. ``renewed``: the bits of the
    lanes that an event gave a new v after the last stretch."""
    v, slow = state.v[group], state.slow[group]
    banked = (v, slow, state.total[group], state.anchor[group])
    moment, kept = state.moment[group], state.u[group]
    width = lanes_of(v)
    d, y = len(formula.weights), order.width - 1
    base, lane = bank * d * width, bank * width
    lanes, banks = len(moment), len(moment) // width
    parameter, one, ridge = spread(formula.parameter, v), spread(1.0, v), spread_at(formula.weights, 0)
    alpha, beta = load(state.alpha[group], lane), load(state.beta[group], lane)
    rest = one - alpha
    stage = (rest, alpha, beta)
    pulled = above(beta, 0.0)
    projected = formula.radius > 0
    radius, near, square_radius = spread(formula.radius, v), SURE * formula.radius, formula.radius * formula.radius

    here, there = fetch(j0, order), fetch(j0 + 1, order)
    u = w = norm = spread(0.0, v)
    for i in range(d):
        t = load(v, base + i * width)
        norm = fma(t, t, norm)
        if linear:
            u = fma(element(order, here, i), t, u)
            w = fma(element(order, there, i), t, w)
    if j0 % 2 == 1:
        u = choose(renewed, u, load(kept, lane))
    j = j0
    while j < j1:
        at = j - order.first
        even = j % 2 == 0
        slope = outer(u, element(order, here, y), parameter)
        back = -load(schedule.eta, at * lanes + lane)
        length = length_2 = product = bound = one
        if linear:
            length, length_2, product = related(order, here, there, j, d)
            if projected:
                bound = reach(math.sqrt(norm), back, slope, length, ridge)
        mixing = peek(schedule.mixing, at * banks + bank)
        careful = pulled != 0 or (projected and (not linear or above(bound, near) != 0))
        if even:
            if linear:
                u = carry(w, back, slope, product, ridge)
            if j + 1 < j1 and mixing == 0 and not careful:
                slope_2 = outer(u, element(order, there, y), parameter)
                back_2 = -load(schedule.eta, (at + 1) * lanes + lane)
                if linear and projected:
                    bound = reach(bound, back_2, slope_2, length_2, ridge)
                if not projected or above(bound, near) == 0:
                    ahead = (fetch(j + 2, order), fetch(j + 3, order))
                    mixing = peek(schedule.mixing, (at + 1) * banks + bank)
                    step, step_2 = (here, slope, back), (there, slope_2, back_2)
                    if mixing != 0:
                        u, w, norm, square, square_2 = _mixed_pair(
                            step, step_2, ahead, base, order, formula, banked, stage, mixing
                        )
                    else:
                        u, w, norm, square, square_2 = _pair(
                            step, step_2, ahead, base, order, formula, banked, stage, mixing
                        )
                    add_double(moment, lane, energy(square, slope, length))
                    add_double(moment, lane, energy(square_2, slope_2, length_2))
                    here, there = ahead
                    j += 2
                    continue
            ahead = (there, there)
        else:
            ahead = (fetch(j + 1, order), fetch(j + 2, order))
        step = (here, slope, back)
        changed = mixing
        if pulled != 0:
            fresh, w, norm, square, _ = _pulled_single(step, step, ahead, base, order, formula, banked, stage, mixing)
        elif mixing != 0 and not careful:
            fresh, w, norm, square, _ = _mixed_single(step, step, ahead, base, order, formula, banked, stage, mixing)
        elif even:
            fresh, w, norm, square, _ = _half(step, step, ahead, base, order, formula, banked, stage, mixing)
        else:
            fresh, w, norm, square, _ = _single(step, step, ahead, base, order, formula, banked, stage, mixing)
        if careful:
            outside = above(norm, square_radius) if projected else 0
            changed |= pulled | outside
            scale = choose(outside, radius / math.sqrt(norm), one)
            if mixing != 0:
                fresh, w, norm = _scaled_and_mixed(scale, ahead, base, order, formula, banked, stage, mixing)
            elif outside != 0:
                fresh, w, norm = _scaled(scale, ahead, base, order, formula, banked, stage, mixing)
        add_double(moment, lane, energy(square, slope, length))
        u = choose(changed, fresh, u) if even else fresh
        here, there = ahead
        j += 1
    store(kept, lane, u)


@compiled(cache=True, nogil=True, error_model="numpy")
def advance(low, high, banks, order, formula, schedule, state, before, spare, results):
    """All steps of a chunk for the first ``banks`` of the groups low .. high - 1, group by group and bank by bank.

    A span of steps with its events and readings ends with a look at the range. If something has left it, the span is
    gone through again from the state kept in ``before``, carefully: with a look after every step, to name the step.
    """
    d, width = len(formula.weights), lanes_of(spare)
    end = order.first + order.steps
    events, readings = schedule.events, schedule.readings
    for group in range(low, high):
        enter(group, order, schedule)
        for start in range(order.first, end, SPAN):
            if linear and order.rows is None:
                relate(start, min(start + SPAN, end), d, order)
            for bank in range(banks):
                stop = min(start + SPAN, end, schedule.ends[bank])
                if stop <= start:
                    break  # and the banks after it have ended too
                e_end, r_end = schedule.event_first[bank + 1], schedule.reading_first[bank + 1]
                copy_bank(state, group, before, 0, bank, d)
                for careful in range(2):
                    e, r = schedule.event_first[bank], schedule.reading_first[bank]
                    while e < e_end and events[e].at < start:
                        e += 1
                    while r < r_end and readings[r].at <= start:
                        r += 1
                    suspect = False
                    renewed = 0
                    j = start
                    while j < stop:
                        while e < e_end and events[e].at == j:
                            apply(events[e], group, d, state, spare)
                            renewed |= 1 << (events[e].lane % width)
                            e += 1
                        pause = j + 1 if careful else stop
                        if e < e_end:
                            pause = min(pause, events[e].at)
                        if r < r_end:
                            pause = min(pause, readings[r].at)
                        _stretch(j, pause, renewed, bank, group, order, formula, schedule, state)
                        j, renewed = pause, 0
                        while r < r_end and readings[r].at == j:
                            suspect |= read(readings[r], group, formula.limit, order, schedule, state, results)
                            r += 1
                        if careful:
                            out_of_range(bank, group, d, formula.limit, j, state)
                    if careful or not (suspect or out_of_range(bank, group, d, formula.limit, 0, state)):
                        break
                    copy_bank(before, 0, state, group, bank, d)
