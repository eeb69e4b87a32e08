"""The Mix Gym: a console whose mixes are measured in the page and placed among mixes whose makers are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from megami.errors import UserError
from megami.evaluation.measures.tracks_in_mix import NAMES, track_measures
from megami.notebook.console import Settings, build_console
from megami.notebook.palette import COLOURS, ON_DARK
from megami.notebook.recordings import Item
from megami.notebook.stores import store_here
from megami.notebook.widget import Widget

FEATURES = ("level_db", "off_centre_db", "width_db", "brightness_octaves")
"""What the map and the distances rest on; clearness follows from the levels and the spectra of all tracks."""
LEAST_SPREAD = {"level_db": 1.0, "off_centre_db": 1.0, "width_db": 2.0, "brightness_octaves": 0.1}
"""Differences that are hardly heard, so that a feature in which all known mixes agree does not rule the map."""
USUAL = (0.05, 0.95)
"""Between these quantiles of the known mixes a track counts as usual."""
FEWEST_MIXES = 4


def mix_gym(
    stems: Sequence[Item],
    sample_rate: int,
    title: str = "",
    *,
    description: str,
    known: Mapping[str, Tensor],
    takes: Sequence[tuple[str, Tensor]] = (),
    settings: Settings | None = None,
    bitrate_kbps: int = 128,
) -> Widget:
    """A console with a judge: the reader mixes, and the page says where the mix stands among mixes of known styles.

    stems: (name, audio [channels, samples]) each, as for `console`. known: for each style what `track_measures` says of
    some mixes of the same passage, [mixes, tracks, 5], tracks in the order of the stems. takes: (name, wet tracks
    [tracks, 2, samples]) of further mixes, which can be heard once the reader's own was judged, equally loud. Nothing
    needs a kernel: level, place, width, brightness and clearness of each track are measured in the page, as Python does
    it. The map shows the two directions in which the known mixes differ most, each feature in units of its spread.
    Raises UserError for fewer than four known mixes, and for mixes that do not fit the stems.
    """
    styles = [style for style, group in known.items() for _ in group]
    if len(styles) < FEWEST_MIXES:
        raise UserError(f"the gym needs at least {FEWEST_MIXES} mixes to compare with, got {len(styles)}")
    for name, group in known.items():
        if group.shape[1:] != (len(stems), len(NAMES)):
            raise UserError(f"{name}: expected measures [mixes, {len(stems)}, {len(NAMES)}], got {list(group.shape)}")
    for name, mix in takes:
        if mix.ndim != 3 or mix.shape[:2] != (len(stems), 2):
            raise UserError(f"{name}: expected tracks [{len(stems)}, 2, samples], got {list(mix.shape)}")
    measures = torch.cat([group.float() for group in known.values()])
    judged = [track_measures(mix, sample_rate) for _, mix in takes]
    config = gym_config(styles, measures, [name for name, _ in takes], judged)
    heard = [*stems, *((name, mix.sum(0)) for name, mix in takes)]
    return build_console(
        heard, sample_rate, title, description, store_here(), settings=settings, bitrate_kbps=bitrate_kbps, gym=config
    )


def gym_config(
    styles: Sequence[str], measures: Tensor, take_names: Sequence[str], takes: Sequence[Tensor]
) -> dict[str, object]:
    """What the page needs to know of the known mixes: measures [mixes, tracks, 5] with the style of each, and takes."""
    names = list(dict.fromkeys(styles))
    features = _features(measures)
    mean = features.mean(0)
    least = torch.tensor([LEAST_SPREAD[name] for name in FEATURES]).repeat(measures.shape[1])
    spread = features.std(0).maximum(least)
    standard = (features - mean) / spread
    directions = torch.linalg.svd(standard - standard.mean(0), full_matrices=False).Vh[:2]
    group = torch.tensor([names.index(style) for style in styles])
    centres = [standard[group == number].mean(0) for number in range(len(names))]
    quantiles = measures.quantile(torch.tensor(USUAL), dim=0)  # [2, tracks, 5]
    dots = standard @ directions.T
    taken = [(_features(take[None])[0] - mean) / spread @ directions.T for take in takes]
    return {
        "features": FEATURES,
        "mean": _short(mean),
        "spread": _short(spread),
        "directions": [_short(axis) for axis in directions],
        "styles": [
            {
                "name": name,
                "light": COLOURS[1 + number % (len(COLOURS) - 1)],
                "dark": ON_DARK[COLOURS[1 + number % (len(COLOURS) - 1)]],
                "centre": _short(centre),
                "typical": round(float((standard[group == number] - centre).square().mean(1).sqrt().mean()), 3),
            }
            for number, (name, centre) in enumerate(zip(names, centres, strict=True))
        ],
        "dots": [{"at": _short(dot), "style": int(number)} for dot, number in zip(dots, group, strict=True)],
        "takes": [{"name": name, "at": _short(at)} for name, at in zip(take_names, taken, strict=True)],
        "ranges": [
            {name: _short(quantiles[:, track, place]) for place, name in enumerate(NAMES)}
            for track in range(measures.shape[1])
        ],
        "description": f"A map of {len(styles)} mixes in {len(names)} styles: mixes that are alike lie close together.",
    }


def _features(measures: Tensor) -> Tensor:
    """The features of whole mixes: measures [mixes, tracks, 5] -> [mixes, tracks * 4]."""
    return measures[..., [NAMES.index(name) for name in FEATURES]].flatten(1)


def _short(values: Tensor) -> list[float]:
    return [round(float(value), 4) for value in values]
