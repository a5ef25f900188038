"""``python docs/refresh.py --paper [results/paper]``: docs/paper_size.md, from what is stored at paper size.

Its numbers are marked as those of the other pages (``carried``), and fail before anything is written where one leaves
its range. A number of an experiment that the folder has not reads "not run". Between ``<!-- filled -->`` and ``<!-- end
-->`` stands what the page was filled from. docs/carried_paper.json keeps what was filled in.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from carried import Carried, UntrueError, carried, filled

from riskkit.experiment import study

DOCS = Path(__file__).resolve().parent
PAGE, STORED = DOCS / "paper_size.md", DOCS / "carried_paper.json"
NOT_RUN = "not run"


def standard() -> dict[str, tuple[int, int]]:
    """The experiments of the default sweep that have a paper size: name -> replicates of both."""
    sizes = {name: study.experiment(name).sizes for name in study.names()}
    return {
        name: (own["laptop"].replicates, own["paper"].replicates)
        for name, own in sizes.items()
        if "laptop" in own and "paper" in own
    }


def asked(results: Path) -> dict[str, int]:
    """Name -> replicates of every experiment in the folder. Raises ValueError for one that is not of paper size."""
    found = {}
    for path in sorted(results.glob("*/run.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        if record["request"].get("size") != "paper":
            raise ValueError(f"{path} is of the size '{record['request'].get('size')}'; run: riskkit sweep --paper.")
        found[path.parent.name] = int(record["replicates"])
    if not found:
        raise ValueError(f"{results} has no experiment; run: python -m riskkit.sweep --paper --out {results}.")
    return found


def source(found: dict[str, int], every: dict[str, tuple[int, int]]) -> str:
    """What the page was filled from, and how its size compares with the default."""
    ratios = sorted(paper / laptop for laptop, paper in every.values())
    own = [name for name in every if name in found]
    few = [f"`{name}` ({found[name]} of {every[name][1]})" for name in own if found[name] != every[name][1]]
    text = (
        f"At this size an experiment has {ratios[0]:g} to {ratios[-1]:g} times the replicates of the default sweep (1 "
        "where its expectations are exact, or where its runs alone are longer). Filled from "
        f"{len(own)} of the {len(every)} standard experiments at this size: {', '.join(f'`{name}`' for name in own)}."
    )
    if few:
        text += f" With fewer replicates than this size asks for: {', '.join(few)}."
    return f'{text} What belongs to another reads "{NOT_RUN}".' if len(own) < len(every) else text


def main(results: Path) -> None:
    found = asked(results)
    numbers: dict[str, str] = {}
    untrue: list[str] = []

    def fill(name: str) -> Carried:
        one = Carried(NOT_RUN, NOT_RUN)
        if name.split(";")[0].strip() in found:
            try:
                one = carried(results, name)
            except UntrueError as error:
                untrue.append(str(error))
        numbers[re.sub(r"\s+", " ", name)] = one.text
        return one

    text = filled(PAGE.read_text(encoding="utf-8"), fill)
    said = source(found, standard())
    text = re.sub(r"(<!-- filled -->\n).*?(<!-- end -->)", lambda m: f"{m[1]}{said}\n{m[2]}", text, flags=re.S)
    if all(one == NOT_RUN for one in numbers.values()):
        untrue.append(f"{results} has none of the experiments that docs/paper_size.md names.")
    if untrue:
        raise UntrueError("\n".join(untrue))
    PAGE.write_text(text, encoding="utf-8")
    STORED.write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
