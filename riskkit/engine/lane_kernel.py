"""The loop of the fused CPU engine, compiled by numba for one formula.

The update of step j and the dot product of step j + 1 are one pass over the coordinates, the index stream being known
ahead.

``riskkit.engine.compiled`` copies this module into the cache folder once a formula, puts the formula's two functions in
the place of ``outer`` and ``inner``, and so gets compiled code from disk in every later process: numba keeps no code on
disk for a kernel that receives functions as arguments.
"""

from __future__ import annotations

import math
from typing import Any

import numba

from riskkit.engine.lane_state import apply, copy_bank, element, fetch, out_of_range, read, replicate_of
from riskkit.lanes import (
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

SPAN = 256
"""Gradient steps between two checks for divergence, as in the reference engine."""


def outer(u: Any, y: Any, parameter: Any) -> Any:
    """What a gradient computes once: the slope at u = <x, theta>. Replaced when the module is loaded."""
    raise NotImplementedError


def inner(slope: Any, t: Any, x: Any, weight: Any) -> Any:
    """One coordinate of the gradient. Replaced when the module is loaded."""
    raise NotImplementedError


def _pass(anchored: bool, bounded: bool, mixes: bool) -> Any:
    """The pass over the coordinates of one bank at one step, in the versions that occur."""

    @inlined
    def over(here, there, base, slope, back, order, formula, banked, stage, mixing):
        v, slow, total, anchor = banked
        rest, alpha, beta = stage
        width = lanes_of(v)
        a = b = c = e = square = norm = spread(0.0, v)
        for i in range(len(formula.weights)):
            at = base + i * width
            t = load(v, at)
            g = inner(slope, t, element(order, here, i), spread_at(formula.weights, i))
            square = fma(g, g, square)
            store(total, at, load(total, at) + t)
            if anchored:
                g = fma(beta, t - load(anchor, at), g)
            t = fma(back, g, t)
            if bounded:
                norm = fma(t, t, norm)
            if mixes:
                s = load(slow, at)
                mixed = rest * s + alpha * t
                t = choose(mixing, mixed, t)
                store(slow, at, choose(mixing, mixed, s))
            store(v, at, t)
            a, b, c, e = b, c, e, fma(element(order, there, i), t, a)
        return (a + b) + (c + e), square, norm

    return over


_plain, _mixed, _bounded, _anchored = (
    _pass(anchored=False, bounded=False, mixes=False),
    _pass(anchored=False, bounded=False, mixes=True),
    _pass(anchored=False, bounded=True, mixes=False),
    _pass(anchored=True, bounded=True, mixes=False),
)


@fragment
def _stretch(j0, j1, bank, group, order, formula, schedule, state):
    """Gradient steps j0 .. j1 - 1 of one bank, with no event and no reading in between."""
    v, slow = state.v[group], state.slow[group]
    banked = (v, slow, state.total[group], state.anchor[group])
    moment = state.moment[group]
    width = lanes_of(v)
    d = len(formula.weights)
    base, lane = bank * d * width, bank * width
    lanes, banks = len(moment), len(moment) // width
    last = order.first + order.steps - 1
    parameter, one = spread(formula.parameter, v), spread(1.0, v)
    alpha, beta = load(state.alpha[group], lane), load(state.beta[group], lane)
    rest = one - alpha
    stage = (rest, alpha, beta)
    anchored = above(beta, 0.0) != 0
    projected = formula.radius > 0
    radius, square_radius = spread(formula.radius, v), formula.radius * formula.radius

    half = 0
    here = fetch(group, j0, half, order, schedule)
    a = b = c = e = spread(0.0, v)
    for i in range(d):
        a, b, c, e = b, c, e, fma(element(order, here, i), load(v, base + i * width), a)
    u = (a + b) + (c + e)
    for j in range(j0, j1):
        at = j - order.first
        slope = outer(u, element(order, here, order.width - 1), parameter)
        back = -load(schedule.eta, at * lanes + lane)
        mixing = peek(schedule.mixing, at * banks + bank)
        half = 1 - half
        there = fetch(group, min(j + 1, last), half, order, schedule)
        if anchored:
            u, square, norm = _anchored(here, there, base, slope, back, order, formula, banked, stage, mixing)
        elif projected:
            u, square, norm = _bounded(here, there, base, slope, back, order, formula, banked, stage, mixing)
        elif mixing:
            u, square, norm = _mixed(here, there, base, slope, back, order, formula, banked, stage, mixing)
        else:
            u, square, norm = _plain(here, there, base, slope, back, order, formula, banked, stage, mixing)
        add_double(moment, lane, square)
        if projected:
            outside = above(norm, square_radius)
            if outside != 0:
                scale = choose(outside, radius / math.sqrt(norm), one)
                a = b = c = e = spread(0.0, v)
                for i in range(d):
                    t = scale * load(v, base + i * width)
                    store(v, base + i * width, t)
                    a, b, c, e = b, c, e, fma(element(order, there, i), t, a)
                u = (a + b) + (c + e)
        if (anchored or projected) and mixing:
            a = b = c = e = spread(0.0, v)
            for i in range(d):
                t, s = load(v, base + i * width), load(slow, base + i * width)
                mixed = rest * s + alpha * t
                t = choose(mixing, mixed, t)
                store(v, base + i * width, t)
                store(slow, base + i * width, choose(mixing, mixed, s))
                a, b, c, e = b, c, e, fma(element(order, there, i), t, a)
            u = (a + b) + (c + e)
        here = there


@compiled(cache=True, nogil=True, error_model="numpy")
def advance(low, high, banks, order, formula, schedule, state, before, spare, results):
    """All steps of a chunk for the first ``banks`` of the groups low .. high - 1, group by group and bank by bank.

    A span of steps with its events and readings ends with a look at the range. If something has left it, the span is
    gone through again from the state kept in ``before``, carefully: with a look after every step, to name the step.
    """
    d = len(formula.weights)
    end = order.first + order.steps
    events, readings = schedule.events, schedule.readings
    for group in range(low, high):
        for lane in range(len(order.owner)):
            order.owner[lane] = replicate_of(group, lane, order, schedule)
        for bank in range(banks):
            e_end, r_end = schedule.event_first[bank + 1], schedule.reading_first[bank + 1]
            for start in range(order.first, end, SPAN):
                stop = min(start + SPAN, end)
                copy_bank(state, group, before, 0, bank, d)
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
                        _stretch(j, pause, bank, group, order, formula, schedule, state)
                        j = pause
                        while r < r_end and readings[r].at == j:
                            suspect |= read(readings[r], group, formula.limit, order, schedule, state, results)
                            r += 1
                        if careful:
                            out_of_range(bank, group, d, formula.limit, j, state)
                    if careful or not (suspect or out_of_range(bank, group, d, formula.limit, 0, state)):
                        break
                    copy_bank(before, 0, state, group, bank, d)
