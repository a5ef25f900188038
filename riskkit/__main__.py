"""``python -m riskkit COMMAND``: the same as ``riskkit COMMAND``."""

from riskkit.cli.main import run

if __name__ == "__main__":
    run()
