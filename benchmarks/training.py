"""Images a second that the networks of published tables are trained with on this machine, and what a row would take.

    python -m benchmarks.training             prints the table: a few minutes on two cores
    python -m benchmarks.training --write     puts it into docs/training.md and into ``riskkit train --help``

Training on random images, batch 32, with SLRLA as coded; ``riskkit train --measure`` is one line of it. On a CPU it
takes one thread, and the hours of a row are those of a core that nobody else uses: by CPU time.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from riskkit.cli.common import Parser  # noqa: E402
from riskkit.images import Plan, speed  # noqa: E402
from riskkit.images.plan import standard_epochs  # noqa: E402

PAGE, STORED = ROOT / "docs" / "training.md", ROOT / "riskkit" / "images" / "speeds.json"
START, END = "<!-- speeds -->\n", "<!-- end -->"
NAMES = ("resnet18", "vgg16", "vgg16-bn", "wrn-16-10", "resnet18-imagenet")
BATCH = 32


def measured(name: str, device: torch.device, seconds: float) -> dict[str, Any]:
    images, classes = (1_281_167, 1000) if name == "resnet18-imagenet" else (50_000, 10)
    epochs = standard_epochs(name)
    found = speed(Plan(name, "SLRLA", 0.1, 1e-3, batch=BATCH), classes, device, seconds)
    own = found._replace(images=found.cpu) if device.type == "cpu" else found
    hours = own.hours(images, epochs)
    return {"network": name, "images": found.images, "cpu": found.cpu, "epochs": epochs, "hours": hours}


def table(machine: str, rows: list[dict[str, Any]]) -> str:
    heads = "| network | images a second, as measured | a second of CPU time | epochs | hours a seed |"
    lines = [heads, "|---|---:|---:|---:|---:|"]
    for row in rows:
        lines.append(
            f"| {row['network']} | {row['images']:.3g} | {row['cpu']:.3g} | {row['epochs']} | {row['hours']:,.0f} |"
        )
    return f"Measured on {machine}.\n\n" + "\n".join(lines) + "\n"


def main() -> None:
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seconds", type=float, default=20.0)
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    torch.set_num_threads(1)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "one core of a CPU"
    machine = f"{name}, torch {torch.__version__.partition('+')[0]}, batch {BATCH}, SLRLA"
    rows = [measured(network, device, arguments.seconds) for network in NAMES]
    text = table(machine, rows)
    print(text)
    if arguments.write:
        STORED.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n", encoding="utf-8")
        page = PAGE.read_text(encoding="utf-8")
        page = re.sub(f"{START}.*?{END}", lambda _: START + text + END, page, flags=re.DOTALL)
        PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
