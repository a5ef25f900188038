"""The loops of the fused GPU engine, in Triton: a program holds configurations of one replicate in registers, all of
them where they fit.

``riskkit.engines.triton.engine`` writes a copy of this module for each formula, with the formula's function in the
place of ``gradient_factor``, and with a scheme's step between the marks ``begin`` and ``end``: Triton compiles source
text. What stands there is heavy ball.
"""

import triton
import triton.language as tl


@triton.jit
def gradient_factor(u, y, parameter):
    """The slope at u = <x, theta>, or the pull of one coordinate. Replaced in every copy."""
    return u - y


@triton.jit(do_not_specialize=["active", "count", "start", "stop"])
def stretch(
    v,
    slow,
    total,
    anchor,
    moment,
    x,
    index,
    eta,
    beta,
    alpha,
    mixing,
    weights,
    numbers,
    n,
    w,
    d,
    C,
    active,
    share,
    count,
    start,
    stop,
    LINEAR: tl.constexpr,
    ANCHORED: tl.constexpr,
    BOUNDED: tl.constexpr,
    C_BLOCK: tl.constexpr,
    D_BLOCK: tl.constexpr,
):
    """Steps start .. stop - 1 of a chunk of ``count``, with no event and no reading in between.

    v, slow, total, anchor: (R, C, d), read and written. moment: float64 (R, C), added to. x: (R / share, n, w).
    index: int64 (R, count). eta: (count, C). beta, alpha: (C,), of the present stage. mixing: int8 (count, C), whether
    a configuration mixes after a step. weights: (d,). numbers: (2,), the formula's parameter and the radius.
    Only the first ``active`` configurations move; ``share`` replicates after one another draw from the same n rows.
    """
    blocks = tl.cdiv(C, C_BLOCK)
    program = tl.program_id(0)
    r = (program // blocks).to(tl.int64)  # r n w and r C d may exceed 2^31
    first = r // share * n
    c = program % blocks * C_BLOCK + tl.arange(0, C_BLOCK)
    i = tl.arange(0, D_BLOCK)
    moving = c < active
    inside = moving[:, None] & (i < d)[None, :]
    at = (r * C + c[:, None]) * d + i[None, :]
    V = tl.load(v + at, mask=inside, other=0.0)
    S = tl.load(slow + at, mask=inside, other=0.0)
    total_v = tl.load(total + at, mask=inside, other=0.0)
    A = tl.load(anchor + at, mask=inside, other=0.0)
    squares = tl.load(moment + r * C + c, mask=moving, other=0.0)
    b = tl.load(beta + c, mask=moving, other=0.0)[:, None]
    outer = tl.load(alpha + c, mask=moving, other=1.0)[:, None]
    weight = tl.load(weights + i, mask=i < d, other=0.0)
    parameter = tl.load(numbers)
    radius = tl.load(numbers + 1)
    for j in range(start, stop):
        row = tl.load(index + r * count + j)
        z = x + (first + row) * w
        example = tl.load(z + i, mask=i < d, other=0.0)
        if LINEAR:
            y = tl.load(z + w - 1)
            u = tl.sum(V * example[None, :], 1)
            slope = gradient_factor(u, y, parameter)
            g = slope[:, None] * example[None, :] + weight[None, :] * V
        else:
            g = gradient_factor(V, example[None, :], weight[None, :])
        g = tl.where(inside, g, 0.0)
        squares += tl.sum(g * g, 1)
        total_v += V
        if ANCHORED:
            g += b * (V - A)
        step = tl.load(eta + j * C + c, mask=moving, other=0.0)[:, None]
        V -= step * g
        if BOUNDED:
            norm = tl.sqrt(tl.sum(V * V, 1))
            V *= (radius / tl.maximum(norm, radius))[:, None]
        mixes = tl.load(mixing + j * C + c, mask=moving, other=0)[:, None] != 0
        mixed = (1.0 - outer) * S + outer * V
        V = tl.where(mixes, mixed, V)
        S = tl.where(mixes, mixed, S)
    tl.store(v + at, V, mask=inside)
    tl.store(slow + at, S, mask=inside)
    tl.store(total + at, total_v, mask=inside)
    tl.store(moment + r * C + c, squares, mask=moving)


@triton.jit(do_not_specialize=["batch", "active", "count", "begun", "start", "stop"])
def scheme_stretch(
    v,
    slow,
    average,
    anchor,
    states,
    moment,
    x,
    index,
    eta,
    averaging,
    beta,
    own,
    alpha,
    mixing,
    weights,
    numbers,
    n,
    w,
    d,
    C,
    batch,
    active,
    share,
    count,
    begun,
    start,
    stop,
    LINEAR: tl.constexpr,
    PULLED: tl.constexpr,
    BOUNDED: tl.constexpr,
    C_BLOCK: tl.constexpr,
    D_BLOCK: tl.constexpr,
):
    """The same for schemes (``riskkit.algorithms.scheme``), which draw ``batch`` examples a step: ``count`` and the
    columns of ``index`` are examples, start and stop are steps of a chunk before which ``begun`` were taken. states:
    (states, R, C, d), read and written. averaging: (count / batch, C), the weights of the average. own: (numbers of the
    step, C). numbers: (3,), the last is 1 / batch.
    """
    blocks = tl.cdiv(C, C_BLOCK)
    program = tl.program_id(0)
    r = (program // blocks).to(tl.int64)  # r n w and r C d may exceed 2^31
    first = r // share * n
    c = program % blocks * C_BLOCK + tl.arange(0, C_BLOCK)
    i = tl.arange(0, D_BLOCK)
    moving = c < active
    inside = moving[:, None] & (i < d)[None, :]
    at = (r * C + c[:, None]) * d + i[None, :]
    V = tl.load(v + at, mask=inside, other=0.0)
    S = tl.load(slow + at, mask=inside, other=0.0)
    mean = tl.load(average + at, mask=inside, other=0.0)
    A = tl.load(anchor + at, mask=inside, other=0.0)
    squares = tl.load(moment + r * C + c, mask=moving, other=0.0)
    b = tl.load(beta + c, mask=moving, other=0.0)[:, None]
    outer = tl.load(alpha + c, mask=moving, other=1.0)[:, None]
    weight = tl.load(weights + i, mask=i < d, other=0.0)
    parameter = tl.load(numbers)
    radius = tl.load(numbers + 1)
    inverse = tl.load(numbers + 2)
    size = (tl.num_programs(0) // blocks).to(tl.int64) * C * d  # noqa: F841
    # begin load
    s0 = tl.load(states + at, mask=inside, other=0.0)
    c0 = tl.load(own + c, mask=moving, other=0.0)[:, None]
    # end load
    for j in range(start, stop):
        g = tl.zeros_like(V)
        for q in range(j * batch, (j + 1) * batch):
            row = tl.load(index + r * count + q)
            z = x + (first + row) * w
            example = tl.load(z + i, mask=i < d, other=0.0)
            if LINEAR:
                y = tl.load(z + w - 1)
                u = tl.sum(V * example[None, :], 1)
                slope = gradient_factor(u, y, parameter)
                g += slope[:, None] * example[None, :]
            else:
                g += gradient_factor(V, example[None, :], weight[None, :])
        g *= inverse
        if LINEAR:
            g += weight[None, :] * V
        g = tl.where(inside, g, 0.0)
        squares += tl.sum(g * g, 1)
        part = tl.load(averaging + j * C + c, mask=moving, other=0.0)[:, None]
        mean += part * (V - mean)
        if PULLED:
            g += b * (V - A)
            g = tl.where(inside, g, 0.0)
        step = tl.load(eta + j * C + c, mask=moving, other=0.0)[:, None]
        number = tl.zeros((1, 1), V.dtype) + (begun + j)  # noqa: F841
        # begin step
        s0 = c0 * s0 + g
        V = tl.where(inside & (step > float("-inf")), V - step * s0, V)
        # end step
        if BOUNDED:
            norm = tl.sqrt(tl.sum(V * V, 1))
            V *= (radius / tl.maximum(norm, radius))[:, None]
        mixes = tl.load(mixing + j * C + c, mask=moving, other=0)[:, None] != 0
        mixed = (1.0 - outer) * S + outer * V
        V = tl.where(mixes, mixed, V)
        S = tl.where(mixes, mixed, S)
    tl.store(v + at, V, mask=inside)
    tl.store(slow + at, S, mask=inside)
    tl.store(average + at, mean, mask=inside)
    # begin store
    tl.store(states + at, s0, mask=inside)
    # end store
    tl.store(moment + r * C + c, squares, mask=moving)
