"""What was measured on a data set as a table: a line for each system, a column for each way to hear or compare."""

from __future__ import annotations

from collections.abc import Sequence

from megami.evaluation.real_data.ears import Ear
from megami.evaluation.real_data.settings import DataSettings
from megami.evaluation.real_data.systems import OWN_SYSTEMS
from megami.evaluation.results import Row
from megami.evaluation.tables import SONGS, Table, markdown_table

DIFFERENCES = {
    "IM-mss-lr": "spectrum, left and right ↓",
    "IM-mss-ms": "spectrum, mid and side ↓",
    "stereowidth": "width ↓",
    "stereoimbalance": "panning ↓",
    "crestfactor": "crest (dB) ↓",
    "logspread": "dynamics (dB) ↓",
    "logrms": "level (dB) ↓",
}
WHERE_THE_PAPER_IS = (
    "The paper's own figures are in Table 1 of arXiv 2511.08040. It claims that mixes by MEGAMI lie closer to the "
    "engineers' than those of earlier systems, by distances like these. Its figures stand on other songs, so only the "
    "order of systems can be compared with this table, and only by the encoders that both have."
)


def data_table(rows: Sequence[Row], ears: Sequence[Ear], settings: DataSettings, songs: int) -> str:
    """The distances, the differences, and where to find the paper's own: Markdown."""
    titles = {name: OWN_SYSTEMS.get(name, name) for name in dict.fromkeys(row.system for row in rows)}
    for row in rows:
        if row.metric == SONGS and row.value < songs:
            titles[row.system] += f" ({row.value:g} of {songs} songs)"
    amount = f"{songs} songs, up to {settings.segments} segments of {settings.seconds:.1f} s each"
    distances = Table(
        "Distances",
        f"KAD x 100 to the engineers' mixes, every mix at {settings.target_lufs:g} LUFS; {amount}. In brackets the "
        "95 % interval over songs.",
        titles,
        {ear.metric: ear.title for ear in ears},
    )
    differences = Table(
        "Differences",
        "From the engineer's mix of the same segment, mean over songs, both equally loud.",
        titles,
        DIFFERENCES,
    )
    return "\n".join([markdown_table(rows, distances), markdown_table(rows, differences), WHERE_THE_PAPER_IS])
