"""What ``python -m benchmarks.versions`` reads from pyproject.toml, and that its page says what it kept."""

from __future__ import annotations

import pytest

from benchmarks import versions


def test_the_page_is_what_the_script_writes_from_what_it_kept():
    written = versions.PAGE.read_text().split(versions.START)[1].split(versions.END)[0]
    assert written == versions.page(versions.read())


def test_a_failure_and_what_was_not_tried_are_on_the_page():
    failed = versions.Tried(
        "3.12.1", "newest", "numpy 2", {"install": "passed", "sweep": "FAILED"}, "sweep: x", ["t"], "Linux, x", "d"
    )
    page = versions.page([failed])
    assert "| 3.12.1 | newest | numpy 2 | passed | FAILED | -- | -- | d |" in page
    assert "Python 3.12.1, newest: `sweep: x`." in page
    assert "On Linux, x, tests `t`: 3.12 newest." in page
    assert "| 3.12 | lowest | not tried | | | | | |" in page
    assert "No run was made of 3.11 newest, 3.11 lowest, 3.12 lowest," in page


def test_lower_bounds_become_pins():
    declared = ["numpy>=1.26", "torch>=2.5,<2.14", "scipy>=1.11; python_version < '3.12'"]
    assert versions.lowest(declared) == ["numpy==1.26", "torch==2.5", "scipy==1.11; python_version < '3.12'"]
    with pytest.raises(ValueError, match="'numpy<3': no lower bound"):
        versions.lowest(["numpy<3"])


def test_pythons_between_the_bounds():
    assert versions.supported(">=3.11,<3.14") == ["3.11", "3.12", "3.13"]
    with pytest.raises(ValueError, match=r"expected '>=3\.A,<3\.B'"):
        versions.supported(">=3.11")


def test_what_failed_is_the_first_test_or_the_last_error():
    assert versions._wrong("x\nFAILED a - 1\nFAILED b - KeyError\n2 failed in 1s") == "FAILED a - 1"
    assert versions._wrong("Error: one\n  ValueError: two\nsee above") == "ValueError: two"
    assert (
        versions._counted("...\n1 failed, 20 passed, 2 skipped in 61.20s (0:01:01)") == "1 failed, 20 passed, 2 skipped"
    )


def test_a_name_without_an_interpreter_is_said(capsys):
    assert versions.main(["--python", "python3.99"]) == 1
    assert "python3.99: no interpreter that starts" in capsys.readouterr().out
