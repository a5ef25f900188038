"""The questions of this study with their answers in words: the last screen of a sweep and the top of the report.

An answer is made of what is stored; a question whose experiments are not among the results is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from riskkit.identity import short
from riskkit.report import Headline, Results, answers

TUNED = {
    "logistic loss": ("Lookahead", "SGD (both tuned)"),
    "quadratics, constant steps": ("Lookahead, constant step", "SGD, constant step"),
    "quadratics, steps that fall linearly": ("Lookahead, linear decay", "SGD, linear decay"),
    "quadratics, steps c/(j + j0) at update j": ("Lookahead, c/(j + j0)", "SGD, c/(j + j0)"),
}
"""Where the step size of each is the best of its family: the names of both."""
UNTUNED = {
    "not tuned, SGD with the same step size eta": ("Lookahead", "SGD"),
    "not tuned, SGD with the step size alpha eta": ("Lookahead", "matched SGD"),
}

Stored = Mapping[str, Results]


def headlines(results: Sequence[Results]) -> list[Headline]:
    """The questions that the results answer."""
    stored = {result.name: result for result in results}
    return [headline for part in PARTS for headline in part(stored)]


def lookahead(stored: Stored) -> Iterator[Headline]:
    """Lookahead against SGD: excess risks, and generalization errors where the step sizes of both are tuned."""
    excess, alone = (
        {(pair.algorithm, pair.against): pair for pair in answers.pairs(list(stored.values()), quantity)}
        for quantity in ("excess", "generalization")
    )

    def told(ways: Mapping[str, tuple[str, str]], of: Mapping[tuple[str, str], answers.Pair]) -> dict[str, Any]:
        return {words: of[way] for words, way in ways.items() if way in of and of[way].sign == "/"}

    tuned, untuned, generalization = told(TUNED, excess), told(UNTUNED, excess), told(TUNED, alone)
    if not (tuned or untuned):
        return
    whole = answers.merged(list((tuned or untuned).values()))
    alone_whole = answers.merged(list(generalization.values())) if generalization else None
    how = "With the best step size for each" if tuned else "With step sizes that are not tuned"
    gap = f" Its generalization error alone is {_times(alone_whole)}." if alone_whole else ""
    yield Headline(
        "Does Lookahead generalize better than SGD here?",
        f"{_sides(whole)} {how} and equal numbers of gradients, its excess risk, the paper's measure, is "
        f"{_times(whole)}.{gap} Excess risk of Lookahead / SGD:",
        tuple(f"{words}: {_counted(pair)}" for words, pair in {**tuned, **untuned}.items()),
        "Excess risk: optimization error (risk on the sample less its minimum) + generalization error (risk on new "
        "data less risk on the sample). Lookahead: T rounds of k updates of SGD with step size eta, of whose movement "
        "the part alpha is kept (alpha = 1: SGD). n: examples. Setting: problem, n, k, alpha, gradients. Significant: "
        "5% level, after Holm. The paper: Zhou et al., NeurIPS 2021, with its supplement's numbers, or its slides'. "
        "PL: Polyak-Lojasiewicz.",
    )


def rate(stored: Stored) -> Iterator[Headline]:
    """Theorem 2's rate where it is attained."""
    every = [v for v in _verdicts(stored, "theorem2_exponents") if answers.group(v) == answers.SOURCE]
    found = [v for v in every if (v["axis"], v["quantity"]) == ("T", "optimization") and v["difference"] is not None]
    if found:
        tight, refuted = (sum(v["outcome"] == word for v in found) for word in ("TIGHT", "REFUTED"))
        counts = [f"{tight} of {len(found)} exponents are the claimed ones within 0.05"]
        counts += [f"{count} {word}" for count, word in ((refuted, "refuted"),) if count]
        least, most = min(v["difference_low"] for v in found), max(v["difference_high"] for v in found)
        how = "exact expectations" if all(v["exact"] for v in found) else "95% intervals"
        yield Headline(
            "Is T^-min(2 alpha, 1), the optimization error's rate claimed for strongly convex losses, reached?",
            f"On a problem built to attain it, {', '.join(counts)}; they differ from these by {least:+.3f} to "
            f"{most:+.3f} ({how}).",
        )


def printed(stored: Stored) -> Iterator[Headline]:
    """The bounds of the supplement with the constants printed there."""
    every = [v for name in stored for v in _verdicts(stored, name) if v["form"] == "published"]
    found = [v for v in every if v["bound"].startswith("paper.")]
    if not found:
        return
    outcomes: dict[str, set[str]] = {}
    for v in found:
        outcomes.setdefault(v["bound"], set()).add(v["outcome"])
    violated = [v for v in found if v["outcome"] == "VIOLATED"]
    fail = sum("VIOLATED" in words for words in outcomes.values())
    hold = sum(words == {"HOLDS"} for words in outcomes.values())
    open_ = len(outcomes) - hold - fail
    most = max((v["ratio"] for v in violated if v["ratio"] is not None), default=None)
    factor = "" if most is None else f", by a factor of up to {short(most)}"
    yield Headline(
        "Do the bounds that the paper prints hold?",
        f"Of {len(outcomes)}, hold wherever they were tested: {hold}; violated somewhere: {fail}{factor}"
        f"{f'; not decided everywhere: {open_}' if open_ else ''}.",
        terms="Average: of the iterates.",
    )


def stationary(stored: Stored) -> Iterator[Headline]:
    """The error at which a constant step size ends, beside two SGDs: the settings of the most gradients."""
    every = [c for c in _compared(stored, "theorem2_edge", "optimization") if c["output"] == "last"]
    told = []
    for against, named in (
        ("matched SGD", "SGD's with the step size alpha eta"),
        ("contraction-matched SGD", "that of the SGD whose mean error shrinks as fast"),
    ):
        own = [c for c in every if c["against"] == against]
        late = [c for c in own if c["gradients"] == max(one["gradients"] for one in own)]
        if late:
            ratios = [c["ratio"] for c in late]
            told.append(f"{answers.between(ratios)} times {named}")
    if told:
        yield Headline(
            "Is the error at which Lookahead settles, with a constant step size, smaller than SGD's?",
            f"It is {', and '.join(told)} ({len(late)} settings each).",
        )


def slrla(stored: Stored) -> Iterator[Headline]:
    """SLRLA where the optimization error is eps, and its penalty."""
    stated = {v["bound"]: v for v in _verdicts(stored, "theorem4_at_eps")}
    for bound, asked in (
        ("theorem4.smaller generalization", "is SLRLA's generalization error below Lookahead's"),
        ("theorem4.fewer gradients", "has SLRLA needed fewer gradients than Lookahead"),
    ):
        if bound in stated:
            said = str(stated[bound]["finding"]).removeprefix("the exact ratio is ")
            yield Headline(
                f"Once the optimization error is eps, {asked}?",
                f"The ratio is {said}.",
                terms="SLRLA: Lookahead in stages, with a penalty on the distance from each stage's start."
                if asked.startswith("is")
                else "",
            )
    for pair in answers.pairs([stored["theorem4_tuned"]]) if "theorem4_tuned" in stored else ():
        yield Headline(
            "Does SLRLA's penalty lower the excess risk, step size and alpha tuned?",
            f"With / without: {_counted(pair)}.",
        )


PARTS = (lookahead, rate, printed, stationary, slrla)


def _sides(pair: answers.Pair) -> str:
    """Which way the differences go that are significant."""
    if pair.smaller and pair.larger:
        return "In some settings better, in others worse."
    if not (pair.smaller or pair.larger):
        return "No difference is significant."
    return f"{'Yes' if pair.smaller else 'No'}{', wherever a difference is significant' if pair.undecided else ''}."


def _times(pair: answers.Pair) -> str:
    """``0.2 to 3 times SGD's, median 0.9: smaller in 14 of 24 settings, larger in 9``."""
    counts = f"smaller in {pair.smaller} of {pair.settings} settings, larger in {pair.larger}"
    undecided = f", not significantly different in {pair.undecided}" if pair.undecided else ""
    return f"{pair.range} times SGD's, median {pair.typical}: {counts}{undecided}"


def _counted(pair: answers.Pair) -> str:
    return f"{pair.range}, median {pair.typical}; smaller in {pair.smaller}, larger in {pair.larger} of {pair.settings}"


def _verdicts(stored: Stored, name: str) -> list[dict[str, Any]]:
    return stored[name].verdicts if name in stored else []


def _compared(stored: Stored, name: str, quantity: str) -> list[dict[str, Any]]:
    found = stored[name].comparisons if name in stored else []
    return [one for one in found if one["quantity"] == quantity and one["ratio"] is not None]
