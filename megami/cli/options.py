"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

# Plain help and messages: quicker than rich ones, and the same in a terminal and in a pipe.
PLAIN: dict[str, Any] = {"rich_markup_mode": None, "context_settings": {"help_option_names": ["-h", "--help"]}}

Device = Annotated[str, typer.Option(help="auto, cpu or cuda")]
Precision = Annotated[str, typer.Option(help="auto (fp32), fp32, or bf16: paper on CPUs made for it, coarse")]
Weights = Annotated[str, typer.Option(help="small, paper, or a folder of weights")]
WeightsDir = Annotated[
    Path | None, typer.Option(help="folder that has the published files (paper)", show_default=False)
]
Workers = Annotated[int, typer.Option(help="processes that render; one per core if 0")]
