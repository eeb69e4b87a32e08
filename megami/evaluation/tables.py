"""Rows as the tables that a person reads, in Markdown: the command line prints them, results/RESULTS.md keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from megami.evaluation.render import HEARD_LUFS
from megami.evaluation.results import Row, kept
from megami.studio import ENGINEERS


@dataclass(frozen=True)
class Table:
    """A title, a sentence that says how to read it, and which systems and metrics it shows under which names."""

    title: str
    reading: str
    systems: dict[str, str]
    metrics: dict[str, str]


SYSTEMS = {
    "megami": "**MEGAMI**",
    "megami_as_learned": "MEGAMI at temperature 1",
    "regression": "regression (same network)",
    "per_track": "per-track diffusion",
    "rule_based": "rule-based",
    "nearest_neighbour": "nearest neighbour",
    "random": "random training mix",
    "equal_loudness": "equal loudness",
    "raw_sum": "raw sum",
    "engineers_processor": "engineers' embeddings, our processor",
    "engineers": "engineers, other mixes (floor)",
}
KINDS = ("compressor", "delay", "drive", "equaliser", "gain", "pan", "reverb", "width", "identity")
TABLES = (
    Table(
        "Mixing",
        "Distances to the engineers' mixes of the same unseen songs: KAD x 100 of effect embeddings, of descriptors of "
        "tracks that no network was trained on, and of descriptors of whole mixes; FAD of embeddings; share of the "
        "engineers' styles that the mixes of a song reach (32 by the networks that draw), and share of mixes that some "
        f"engineer would make. Every mix is heard at {HEARD_LUFS:g} LUFS.",
        SYSTEMS,
        {
            "kad_embedding": "KAD embedding ↓",
            "kad_descriptor": "KAD descriptors ↓",
            "kad_mix": "KAD mix ↓",
            "fad_embedding": "FAD ↓",
            "coverage": "coverage ↑",
            "precision": "precision ↑",
        },
    ),
    Table(
        "Styles",
        "Coverage and precision along the directions in which the engineers of a song differ; other faults of a mix do "
        "not count there.",
        SYSTEMS,
        {"coverage_of_style": "coverage of styles ↑", "precision_of_style": "precision of style ↑"},
    ),
    Table(
        "Deciding together",
        "KAD within roles; share of a mix's tracks that follow the same engineer; how well panned tracks answer each "
        "other (1: perfectly); distance of the lead's level against all else from the engineers' (LU).",
        SYSTEMS,
        {
            "kad_embedding_by_role": "KAD embedding by role ↓",
            "kad_descriptor_by_role": "KAD descriptors by role ↓",
            "agreement": "agreement ↑",
            "panning_balance": "panning balance ↑",
            "lead_level_distance_db": "lead level ↓",
        },
    ),
    Table(
        "The engineers",
        "What their mixes of the test songs measure, on average: lead over all else (LU), side over mid from 250 Hz to "
        "4 kHz (dB), brightness (centroid in octaves over 1 kHz), punch (peak over RMS in 100 ms, dB), range of levels "
        "of the mix and of single tracks (dB).",
        {f"engineer {engineer.name}": engineer.name for engineer in ENGINEERS},
        {
            "lead_over_rest_db": "lead",
            "mix_width_mid_db": "width",
            "mix_centroid_octaves": "brightness",
            "mix_punch_db": "punch",
            "mix_range_db": "range of mix",
            "track_range_db": "range of tracks",
        },
    ),
    Table(
        "What limits: parts replaced by oracles",
        "`decided` is the KAD of embeddings before any processor; the other columns as above.",
        {
            "megami": "the whole system",
            "megami_adapted": "dry content through the adaptor too",
            "megami_true_dry": "trained on dry content, no adaptor",
            "megami_wet_content": "adapted content of the engineers' wet tracks",
            "engineers_processor": "the engineers' own embeddings",
            "engineers": "... and their own effect chains",
            "rule_based": "rules, our processor",
            "rule_based_chain": "rules, true chains",
            "random": "random training mix, our processor",
            "random_chain": "random training mix, true chains",
            "nearest_neighbour": "nearest neighbour, our processor",
            "nearest_neighbour_chain": "nearest neighbour, true chains",
        },
        {
            "kad_decided": "KAD decided ↓",
            "kad_embedding": "KAD embedding ↓",
            "kad_descriptor": "KAD descriptors ↓",
            "kad_mix": "KAD mix ↓",
            "precision": "precision ↑",
        },
    ),
    Table(
        "Encoders",
        "Share of clips whose chain is found on other content among 100 unseen chains; accuracy of a linear probe for "
        "the instrument (an effect embedding should not know it); cosine of the content of wet and dry tracks, and the "
        "share of the gap that the adaptor closes.",
        {
            "effect_encoder": "effect encoder",
            "effect_encoder_untrained": "the same, untrained",
            "mean_log_mel": "mean log-mel",
            "adaptor_none": "no adaptor",
            "adaptor_by_content": "domain adaptor, not told the effects",
            "adaptor": "domain adaptor",
        },
        {
            "retrieval_top1": "retrieval top-1 ↑",
            "instrument_readable": "instrument readable ↓",
            "cosine_to_dry": "cosine to dry ↑",
            "gap_closed": "gap closed ↑",
        },
    ),
    Table(
        "Effect processors",
        "Known effects on unseen tracks, at the target's true level and balance: spectral error over that of the track "
        "left dry, errors of mid and side bands, cosine of effect embeddings.",
        {"dry_track": "track left dry", "processor": "structured", "processor_tcn": "FiLM-TCN"},
        {
            "error_ratio": "error ratio ↓",
            "spectral_error": "spectral error ↓",
            "mid_error_db": "mid (dB) ↓",
            "side_error_db": "side (dB) ↓",
            "embedding_cosine": "cosine ↑",
        },
    ),
    Table(
        "Rooms and echoes",
        "Known reverbs and echoes on unseen tracks that stop, so that the tail stands alone. Medians over crops: error "
        "of the decay time as a share of it, error of the direct-to-reverberant ratio. Share of echoes that come "
        "within 10 ms and 3 dB, and share of crops without an echo that got one.",
        {"dry_track": "track left dry", "processor": "structured", "processor_tcn": "FiLM-TCN"},
        {
            "decay_error": "decay ↓",
            "direct_to_reverberant_error_db": "direct to reverberant (dB) ↓",
            "echoes_found": "echoes found ↑",
            "echoes_made_up": "made up ↓",
        },
    ),
    Table(
        "Directing",
        "Plans drawn from evidence that a known engineer's mix gives, before any processor: share of the tracks "
        "without evidence that follow that engineer (chance: 0.2), share of a mix's tracks that follow one engineer, "
        "whoever it is, distance of two mixes drawn from one evidence, share of the engineer's own values that lie "
        "within those of 19 draws (0.9 if draws vary rightly), kernel distance of all plans to those of all engineers "
        "(x 100), to other mixes by that engineer and to those by the others, share of wishes met within 0.5 dB, "
        "error of the wish in dB, share of wishes that the model had to be held to.",
        {
            "directed: nothing": "free mixes",
            "directed: three tracks kept": "three tracks kept",
            "directed: nearest of many": "of 32 free mixes the nearest to those tracks",
            "directed: a record followed": "that engineer's mix of the song as a record",
            "directed: a record of another song followed": "that engineer's mix of another song as a record",
            "directed: stems of another song followed": "the wet stems of that mix of another song",
            "directed: one level wished": "the level of one track wished for",
            "directed: the engineer": "the engineer's own mix",
        },
        {
            "followed": "followed ↑",
            "agreement": "agreement ↑",
            "spread": "spread",
            "within": "within (0.9)",
            "kad_decided": "KAD ↓",
            "kad_same_engineer": "KAD to that engineer ↓",
            "kad_other_engineers": "to the others",
            "wish_met": "wish met ↑",
            "wish_error_db": "error (dB) ↓",
            "strange": "strange ↓",
        },
    ),
    Table(
        "Spectral error by kind of effect",
        "Single effects and identity; lower is better, 0 is equality.",
        {"dry_track": "track left dry", "processor": "structured", "processor_tcn": "FiLM-TCN"},
        {f"spectral_error_{kind}": kind for kind in KINDS},
    ),
)

SONGS = "songs"
"""The metric of a row that says how many of the n test songs another system has mixed; only others have it."""

SUMMARY = Table(
    "In short",
    "Distances to the engineers' mixes of the same unseen songs (KAD x 100, of effect embeddings and of whole mixes); "
    "share of the engineers' styles that the mixes of a song reach; share of mixes that some engineer would make.",
    {name: SYSTEMS[name] for name in ("megami", "regression", "per_track", "raw_sum", "engineers")},
    {name: TABLES[0].metrics[name] for name in ("kad_embedding", "kad_mix", "coverage", "precision")},
)
"""The few rows that the README shows."""


def markdown_table(rows: Sequence[Row], table: Table) -> str:
    """A line per system, a column per metric; intervals in brackets."""
    cells = {(row.system, row.metric): row for row in rows}
    lines = [
        f"**{table.title}.** {table.reading}",
        "",
        "| | " + " | ".join(table.metrics.values()) + " |",
        "|---" * (len(table.metrics) + 1) + "|",
    ]
    for system, title in table.systems.items():
        found = [cells.get((system, metric)) for metric in table.metrics]
        if any(found):
            lines.append(f"| {title} | " + " | ".join(format_row(row) for row in found) + " |")
    return "\n".join(lines) + "\n"


def format_row(row: Row | None) -> str:
    """Value and interval, or nothing."""
    if row is None:
        return ""
    return f"{format_value(row.value)} ({format_value(row.low)}–{format_value(row.high)})"


def format_value(value: float) -> str:
    """Three significant digits, without an exponent; at most three decimals."""
    magnitude = abs(float(f"{value:.3g}"))  # as it will be shown: 9.996 is 10.0
    digits = 0 if magnitude >= 100 else 1 if magnitude >= 10 else 2 if magnitude >= 1 else 3
    return f"{value:.{digits}f}"


def table_of_others(rows: Sequence[Row]) -> Table | None:
    """The table of other systems beside ours, by what stereo mixes alone tell; None where there are no others."""
    songs = {row.system: row for row in rows if row.metric == SONGS}
    others = {
        name: name if row.value == row.n else f"{name} ({row.value:g} of {row.n} songs)" for name, row in songs.items()
    }
    if not others:
        return None
    return Table(
        "Other systems",
        "By their mixes alone, which is less than what is measured of ours: distances to the engineers' mixes of the "
        "same songs; share of the engineers that the mixes of a song reach, and share of mixes that some engineer "
        "would make, on a map of whole mixes that knows nothing of tracks; spectral error against one engineer's mix.",
        {**others, **SYSTEMS},
        {
            "kad_mix": "KAD mix ↓",
            "fad_mix": "FAD mix ↓",
            "coverage_of_mix": "coverage of mixes ↑",
            "precision_of_mix": "precision of mixes ↑",
            "IM-mss-lr": "spectral error ↓",
        },
    )


def report(rows: Sequence[Row]) -> str:
    """All tables that have rows, as Markdown; the same for rows as measured and as read from a results file."""
    rows = [kept(row) for row in rows]
    others = table_of_others(rows)
    tables = TABLES if others is None else (*TABLES, others)
    shown = [t for t in tables if any(row.system in t.systems and row.metric in t.metrics for row in rows)]
    return "\n".join(markdown_table(rows, table) for table in shown)
