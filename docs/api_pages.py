"""A hook of mkdocs: one page of the API reference for each room, from the names that its stub makes public.

Each public name is documented once, in the room where it is defined; the page of ``riskkit`` lists what it exports,
with links. Nothing of riskkit is imported: docstrings are read from the source.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "riskkit"


def exported(stub: Path) -> dict[str, str]:
    """Public name -> where it is defined, such as ``riskkit.algorithms.staged.SGD``, by a package's ``__init__``."""
    home = ".".join(stub.parent.relative_to(ROOT).parts)
    found = {}
    for node in ast.parse(stub.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.level:
            base = f"{home}.{node.module}" if node.module else home
            found |= {alias.asname or alias.name: f"{base}.{alias.name}" for alias in node.names}
    return found


def rooms() -> dict[str, list[str]]:
    """Room -> what is public in it, each once: its own stub's names, and those that the root exports from it."""
    public: dict[str, dict[str, None]] = {}
    for stub in sorted(PACKAGE.rglob("__init__.pyi")):
        for target in exported(stub).values():
            public.setdefault(target.split(".")[1], {})[target] = None
    return {room: list(targets) for room, targets in sorted(public.items())}


def summary(package: Path) -> str:
    """The first line of a package's docstring."""
    text = ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8"))) or ""
    return text.splitlines()[0]


def pages() -> dict[str, str]:
    """Path of each page of the reference -> its Markdown."""
    found = {}
    for room, targets in rooms().items():
        home = PACKAGE / room
        head = f"# riskkit.{room}\n\n{summary(home) if home.is_dir() else ''}\n"
        found[f"api/{room}.md"] = head + "".join(f"\n::: {target}\n" for target in targets)
    shipped = exported(ROOT / "problems" / "__init__.py").values()
    found["api/problems.md"] = f"# riskkit.problems\n\n{summary(ROOT / 'problems')}\n" + "".join(
        f"\n::: {target}\n" for target in shipped
    )
    rows = [
        f"| [`{name}`][{target}] | [`riskkit.{target.split('.')[1]}`]({target.split('.')[1]}.md) |"
        for name, target in sorted(exported(PACKAGE / "__init__.pyi").items())
    ]
    table = "\n".join(["| name | room |", "|---|---|", *rows])
    found["api/riskkit.md"] = f"# riskkit\n\nWhat `import riskkit` gives, and where it is defined.\n\n{table}\n"
    return found


def on_config(config: Any) -> Any:
    """The entry ``API: api/`` of the navigation stands for all pages of the reference."""
    names = sorted(pages(), key=lambda name: (name != "api/riskkit.md", name))
    for section in config.nav:
        if "Reference" in section:
            section["Reference"] = [
                {"API": names} if entry == {"API": "api/"} else entry for entry in section["Reference"]
            ]
    return config


def on_files(files: Any, config: Any) -> Any:
    for name, text in pages().items():
        files.append(File.generated(config, name, content=text))
    return files
