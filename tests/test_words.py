"""Words, numbers and lines that people read: what is odd is written in a way that can be read, and loses nothing."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskkit.cli.common import one_line
from riskkit.identity import label, short
from riskkit.report import answers, html
from riskkit.report.screen import screen
from riskkit.report.tables import content, latex, printed
from riskkit.report.tables.table import Column, number, plain


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a\nb", "a\\nb"),
        ("a\r\nb", "a\\r\\nb"),
        ("\t", "\\t"),
        ("\x00", "\\x00"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\u202eabc", "\\u202eabc"),
        ("\u2028", "\\u2028"),
        ("é 𝛼 ½", "é 𝛼 ½"),
        ("7" * 39, "7" * 39),
        ("7" * 300, "777777... (300 digits)"),
        ("1," * 50 + "1", "1,1,1,... (51 digits)"),
        ("", ""),
    ],
)
def test_a_message_is_one_line_that_can_be_printed(text, wanted):
    assert one_line(text) == wanted


@given(st.floats(1e-300, 1e300), st.integers(2, 4))
def test_a_short_number_is_near_the_number(value, digits):
    assert float(short(value, digits)) == pytest.approx(value, rel=10.0 ** (1 - digits))
    assert short(-value, digits) == f"-{short(value, digits)}"


@given(st.floats(1e-4, 9e5))
def test_a_number_of_usual_size_has_no_power_of_ten(value):
    assert "e" not in short(value)
    assert "e" not in number(value, "significant")


@pytest.mark.parametrize(
    ("value", "align", "text"),
    [
        (math.inf, "significant", "inf"),
        (-math.inf, "fixed", "-inf"),
        (-0.0001, "fixed", "0.000"),
        (153.2, "significant", "153"),
        (95023.0, "significant", "95000"),
        (0.05, "p", "0.05"),
        (1e6, "count", "1000000"),
        (12.0, "count", "12"),
    ],
)
def test_a_cell_of_a_table(value, align, text):
    assert number(value, align) == text
    assert plain(value, Column("x", align)) == text


def test_a_cell_with_nothing_to_say():
    assert plain(None, Column("x", "significant")) == "--"


@pytest.mark.parametrize("value", [0.1 + 0.2, 1 / 3, 1e15, 2.0**53, 1e300, 5e-324, 0.0, -1.5, math.nan, math.inf])
def test_any_number_has_a_label(value):
    assert float(label(value)) == pytest.approx(value, rel=1e-11, nan_ok=True)


@pytest.mark.parametrize(
    "text", ["a_b", "50%", "a & b", "#1", "{x}", "~", "^", "\\", "<=", "theta_0", "l(.; z)", "1e-5", "R^d", "é"]
)
def test_text_for_latex_has_no_bare_special_character(text):
    made = latex.text(text)
    inside = made.split("$")[0::2]
    assert made.count("$") % 2 == 0
    for part in inside:
        for char in "#%&_":
            assert part.count(char) == part.count(f"\\{char}")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("alpha <= 1", "α ≤ 1"),
        ("alphabet", "alphabet"),
        ("-0.5 to -1", "\N{MINUS SIGN}0.5 to \N{MINUS SIGN}1"),
        ("theta*_S", "θ*_S"),
        ("printed_alpha", "printed_alpha"),
        ("x +- 1", "x ± 1"),
    ],
)
def test_prose_of_the_report(text, wanted):
    assert html.prose(text) == wanted


def level(form, outcome, **more):
    about = {
        "bound": "b",
        "algorithm": "A",
        "quantity": "generalization",
        "output": "last",
        "axis": "",
        "kind": "level",
    }
    numbers = {"points": 9, "exceeded": 0, "ratio": 0.5, "over_proved": (0.1, 250.0), "title": "T", "subject": "s"}
    return {**about, **numbers, "form": form, "outcome": outcome, "group": "source", **more}


@pytest.mark.parametrize(
    ("verdict", "said", "ratio"),
    [
        (level("published", "HOLDS"), "HOLDS in 9 cells", "0.5"),
        (level("published", "VIOLATED", exceeded=4, ratio=48.57), "VIOLATED in 4 of 9 cells", "48.6"),
        (level("published", "VACUOUS", points=0, ratio=None), "VACUOUS", "--"),
        (level("published", "INCONCLUSIVE", ratio=1234.5), "INCONCLUSIVE in 9 cells", "1230"),
        (None, "--", "--"),
    ],
)
def test_what_is_said_of_a_printed_bound(verdict, said, ratio):
    assert printed.said(verdict) == said
    assert printed.ratio(verdict) == ratio


def test_printed_bounds_stand_beside_those_that_are_rederived():
    verdicts = [
        level("published", "VIOLATED", exceeded=4, ratio=2.0),
        level("proved", "HOLDS"),
        level("published", "HOLDS", algorithm="B", over_proved=None),
        level("published", "NOT COVERED", algorithm="C"),
        level("claim", "LOOSE", kind="rate", axis="T"),
    ]
    first, second = printed.printed([content.Results("e", "?", verdicts, [], [], {})])
    assert (first.over_rederived, second.over_rederived) == ("0.1 to 250", "--")
    assert second.rederived is None
    told = printed.answer([first, second])
    assert told.startswith(
        "1 of 2 printed bounds hold; the printed bound on the generalization error, last iterate of A"
    )
    assert "(measured / printed up to 2, the re-derived bound: HOLDS in 9 cells)" in told
    assert told.endswith("1 of 1 re-derived bounds hold.")
    assert len(printed.table("t", [first, second]).rows) == 2
    assert printed.answer([]) == "Nothing is stored that tests it."


@pytest.mark.parametrize("width", [1, 20, 39, 79, 99, 100, 101, 119, 120, 500])
@pytest.mark.parametrize(
    "verdicts", [[], [level("published", "VIOLATED", ratio=None)]], ids=["nothing", "a bound of 0"]
)
def test_a_last_screen_of_little_fits_every_width(width, verdicts, tmp_path):
    result = content.Results("e", "Is " + "this " * 30 + "so?", verdicts, [], [], {"sources": {}})
    lines = screen([result], tmp_path, width).splitlines()
    assert max(map(len, lines)) <= max(20, min(width, 120)) + 5
    assert ("over a bound of 0" in " ".join(" ".join(lines).split())) == bool(verdicts) or width < 80


@pytest.mark.parametrize(
    ("outcomes", "said"),
    [
        ([], ""),
        (["NOT COVERED"], "1 not covered"),
        (["INCONCLUSIVE", "TOO FEW POINTS"], "2 of 2 undecided"),
        (["VIOLATED", "HOLDS", "NOT COVERED"], "1 of 2 hold, 1 violated"),
        (["NOT DECAYING", "VACUOUS", "LOOSE"], "1 of 3 loose, 1 not decaying, 1 vacuous"),
    ],
)
def test_outcomes_are_counted_in_words(outcomes, said):
    assert answers.counted([level("claim", outcome) for outcome in outcomes]) == said
