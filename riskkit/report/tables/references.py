"""BibTeX: riskkit itself, and the sources of the bounds that results were judged by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any


def toolkit_version() -> str:
    """Of the package that is installed; "unknown" where riskkit runs without its metadata, from a copied folder say."""
    try:
        return version("riskkit")
    except PackageNotFoundError:
        return "unknown"


def toolkit_entry() -> str:
    """BibTeX for riskkit itself, in the version that runs."""
    return f"""@software{{riskkit,
  title   = {{riskkit: bounds on excess risk tested by simulation}},
  author  = {{{{The riskkit authors}}}},
  version = {{{toolkit_version()}}},
  year    = {{2026}},
}}
"""


def sources(records: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Key -> text and BibTeX of every source that some run.json names, each once."""
    return {key: source for record in records for key, source in record["sources"].items()}


def bibliography(records: Iterable[Mapping[str, Any]]) -> str:
    """Every source's entry, and riskkit's own."""
    return "\n".join([*(source["bibtex"] for source in sources(records).values()), toolkit_entry()])
