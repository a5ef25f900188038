"""Tests that are known to fail, each with the fault that it shows; an entry goes when its fault is mended.

They run, and are reported as expected failures (or as unexpected passes).
"""

QUICK = "a quick run of theorem2_exponents has one value of T, so that its figures are nearly empty"
FAULTS = {
    "test_figures.py::test_the_csv_holds_what_is_stored[theorem2_exponents]": QUICK,
    "test_figures.py::test_the_csv_holds_what_is_stored[theorem2_generalization]": QUICK,
    "test_figures.py::test_missing_cells_are_shown_and_said": "the page's sentence on missing cells has changed",
    "test_tables.py::test_every_table_and_section_compiles_within_the_text": "overfull lines, first in statements.tex",
}
