"""`python -m vflow`: the command line."""

from __future__ import annotations

from vflow.cli.main import entry

if __name__ == "__main__":
    entry()
