"""`python -m megami.cli`: the same as `megami`."""

from __future__ import annotations

from megami.cli.main import main

if __name__ == "__main__":
    main()
