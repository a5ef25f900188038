"""``python -m riskkit.sweep``: the main command, ``riskkit sweep``."""

from collections.abc import Sequence

from riskkit.cli import common
from riskkit.cli import main as cli


def main(words: Sequence[str] | None = None) -> int:
    return cli.main(["sweep", *common.given(words)])


if __name__ == "__main__":
    common.leave(common.ended(main))
