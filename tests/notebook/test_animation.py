"""Animation, the Python side: coordinates survive the packing, pages stay light, and what does not fit is named."""

from __future__ import annotations

import base64
import html
import io
import json
import re
import zlib

import numpy as np
import pytest
from PIL import Image

from megami.errors import UserError
from megami.notebook import Widget, animation
from megami.notebook.animation import LEVELS, NOWHERE

WORDS = "Points drift together."


def config(widget: Widget) -> dict:
    return json.loads(html.unescape(re.search(r'data-config="([^"]+)"', widget.html)[1]))


def steps(packed: dict) -> np.ndarray:
    """Coordinates as the page unpacks them: [frames, n, 2], in steps across the box."""
    planes = np.frombuffer(zlib.decompress(base64.b64decode(packed["data"])), dtype=np.uint8).reshape(2, -1)
    changes = (planes[0].astype(np.uint16) | (planes[1].astype(np.uint16) << 8)).astype(np.int16)
    changes = changes.reshape(packed["frames"], packed["size"], 2)
    return np.cumsum(changes, axis=0, dtype=np.int16)


def walk(points: int, frames: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    start, end = rng.normal(size=(2, points, 2))
    share = np.linspace(0, 1, frames)[:, None, None]
    return (1 - share) * start + share * end


def test_coordinates_come_back_to_a_quarter_of_a_pixel() -> None:
    group = walk(50, 20)
    packed = config(animation({"samples": group}, description=WORDS, limits=(-5, 5, -4, 4)))["groups"][0]
    back = steps(packed) / LEVELS * [10, 8] - [5, 4]
    assert np.abs(back - group).max() <= 0.5 * 10 / LEVELS + 1e-9


def test_gaps_of_lines_and_points_far_outside_come_back_too() -> None:
    line = np.array([[[0.0, 0.0], [np.nan, np.nan], [1.0, 1.0]], [[0.0, 1.0], [1e9, -1e9], [np.nan, 0.5]]])
    shown = config(animation({}, description=WORDS, lines={"path": line}, limits=(0, 1, 0, 1)))
    back = steps(shown["lines"][0])
    assert (back[0, 1] == NOWHERE).all() and back[1, 2, 0] == NOWHERE
    assert back[0, 2].tolist() == [LEVELS, LEVELS] and back[1, 0].tolist() == [0, LEVELS]
    assert back[1, 1, 0] > LEVELS and back[1, 1, 1] < 0  # still outside the picture


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_a_thousand_points_over_sixty_frames_stay_light(noise: float) -> None:
    group = walk(1000, 60)
    group += noise * np.random.default_rng(1).normal(size=group.shape)
    assert len(animation({"samples": group}, description=WORDS).body) < 300_000


def test_everything_lies_within_the_limits_that_are_found() -> None:
    still = np.array([[-7.0, 0.0], [0.0, 12.0]])
    left, right, bottom, top = config(animation({"a": walk(9, 4)}, description=WORDS, lines={"b": still}))["limits"]
    assert left < -7 and top > 12 and right > walk(9, 4)[..., 0].max() and bottom < walk(9, 4)[..., 1].min()
    point = config(animation({"a": np.ones((3, 1, 2))}, description=WORDS))
    assert point["limits"] == [0, 2, 0, 2]  # a single place still has a picture around it


def test_the_background_stands_upright_on_one_scale() -> None:
    values = np.zeros((4, 6))
    values[0, 1] = 2.0  # bottom row
    values[3, 5] = 1.0
    shown = config(animation({"a": walk(3, 2)}, description=WORDS, background=(values, (0, 6, 0, 4))))["background"]
    pixels = np.array(Image.open(io.BytesIO(base64.b64decode(shown["picture"].split(",")[1]))))
    assert pixels.shape == (4, 6) and pixels[3, 1] == 255 and pixels[0, 5] == 128 and pixels.sum() == 383


def test_without_scripts_the_first_and_the_last_frame_are_there() -> None:
    page = animation({"a": walk(500, 5)}, description=WORDS, frames=list("vwxyz"), frame_label="noise").body
    assert f'role="img" aria-label="{WORDS} The first and the last frame."' in page
    assert re.findall(r">(noise \w)</text>", page) == ["noise v", "noise z"] * 2
    assert page.count("<svg") == 2


def test_names_cannot_break_out_and_the_same_input_gives_the_same_page() -> None:
    nasty = """</script><img src=x onerror=alert(1)> "quoted" 'n' & co"""
    pages = [animation({nasty: walk(3, 2)}, nasty, description=nasty, labels=(nasty, nasty)).html for _ in range(2)]
    assert "<img" not in pages[0] and pages[0].count("</script>") == 2 and pages[0] == pages[1]


@pytest.mark.parametrize(
    ("points", "options", "message"),
    [
        ({}, {}, "nothing moves"),
        ({}, {"lines": {"still": np.zeros((3, 2))}}, "nothing moves"),
        ({"a": np.zeros((3, 2))}, {}, r"\[frames, points, 2\], got \[3, 2\]"),
        ({"a": np.full((3, 2, 2), np.nan)}, {}, "NaN or infinite"),
        ({"a": walk(3, 4), "b": walk(3, 5)}, {}, r"same number of frames, got \[4, 5\]"),
        ({"a": walk(3, 4)}, {"lines": {"b": np.zeros((5, 3, 2))}}, "same number of frames"),
        ({"a": walk(3, 4)}, {"frames": ["1"]}, "4 frames but 1 words"),
        ({"a": walk(3, 4)}, {"limits": (1, 0, 0, 1)}, "left < right"),
        ({"a": walk(3, 4)}, {"background": (np.zeros(3), (0, 1, 0, 1))}, "background"),
        ({"a": walk(3, 4)}, {"description": ""}, "description|alt text"),
    ],
)
def test_what_does_not_fit_is_named(points: dict, options: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        animation(points, **{"description": WORDS, **options})
