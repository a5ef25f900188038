"""What public Lookahead wrappers do: ``riskkit check`` of each around SGD, k = 5, alpha = 0.8, beside riskkit's own.

    python -m benchmarks.wrappers             prints the table and the faults
    python -m benchmarks.wrappers --write     puts them into docs/optimisers.md

Wrappers: pip install 'riskkit[wrappers]'. One that is not installed is left out.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from riskkit.cli.common import Parser  # noqa: E402
from riskkit.conformance import Report, check_optimiser  # noqa: E402
from riskkit.optim import SLRLA, Lookahead  # noqa: E402

PAGE = ROOT / "docs" / "optimisers.md"
START, END = "<!-- wrappers -->\n", "<!-- end -->"
Make = Callable[[Any], Any]


def sgd(params: Any) -> Any:
    return torch.optim.SGD(params, lr=0.1)


def _timm() -> ModuleType:
    """The one file, which needs only torch: importing timm would import torchvision."""
    found = importlib.util.find_spec("timm")
    if found is None or found.origin is None:
        raise ImportError("No module named 'timm'")
    name = "timm_lookahead"
    spec = importlib.util.spec_from_file_location(name, Path(found.origin).parent / "optim" / "lookahead.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # for pickle
    spec.loader.exec_module(module)
    return module


PUBLIC: dict[str, tuple[str, Callable[[], ModuleType]]] = {
    "timm": ("timm", _timm),
    "torch_optimizer": ("torch-optimizer", lambda: importlib.import_module("torch_optimizer")),
    "pytorch_optimizer": ("pytorch-optimizer", lambda: importlib.import_module("pytorch_optimizer")),
}
"""Name -> its distribution, and what imports the module that has Lookahead."""


def wrappers() -> dict[str, Make]:
    """Title -> function of params, for what is installed; those that are missing are told on standard error."""
    found: dict[str, Make] = {
        "riskkit Lookahead": lambda params: Lookahead(sgd(params), 5, 0.8),
        "riskkit SLRLA": lambda params: SLRLA(sgd(params), 5, 0.8, 0.3),
    }
    for name, (distribution, load) in PUBLIC.items():
        try:
            kind = load().Lookahead
            title = f"{name} {version(distribution)}"
        except (ImportError, PackageNotFoundError) as error:
            print(f"{name} is left out: {error}", file=sys.stderr)
            continue
        found[title] = lambda params, kind=kind: kind(sgd(params), k=5, alpha=0.8)
    return found


def table(reports: dict[str, Report]) -> str:
    """Markdown: a row a check, a column a wrapper; then every fault in words."""
    checks = [finding.title for finding in next(iter(reports.values())).findings]
    lines = [f"| check | {' | '.join(reports)} |", f"|---|{'---|' * len(reports)}"]
    for check in checks:
        cells = []
        for report in reports.values():
            finding = next((finding for finding in report.findings if finding.title == check), None)
            if finding is None or finding.note.startswith(("none", "not compared")):
                cells.append("--")
            else:
                cells.append("FAULT" if finding.faults else "ok")
        lines.append(f"| {check} | {' | '.join(cells)} |")
    for title, report in reports.items():
        if report.faults:
            lines += ["", f"{title}:", ""]
            lines += [f"- *{f.title}*: {fault}" for f in report.findings for fault in f.faults]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.relative_to(ROOT)}")
    arguments = parser.parse_args()
    found = table({title: check_optimiser(make) for title, make in wrappers().items()})
    if not arguments.write:
        print(found, end="")
        return
    before, rest = PAGE.read_text(encoding="utf-8").split(START)
    PAGE.write_text(f"{before}{START}{found}{END}{rest.split(END, 1)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
