"""The colours of figures and tables, light and dark, and how a picture follows the page's theme without a script.

The series have the hues of Okabe & Ito (2008), which colour-blind readers can tell apart. Their lightness is moved, for
light pages and for dark ones, until each stands out from the ground by 3:1 and any two differ. Python code draws in the
light colours; in the page each becomes a CSS variable. A variable reads whether the text around the picture is dark or
light: text is the one thing that every page, notebook and frame sets to fit its theme.
"""

from __future__ import annotations

INK, QUIET, GRID, PAPER = "#1d2126", "#5f6670", "#e2dfd8", "#ffffff"
COLOURS = ("#7d8593", "#0d6ecb", "#c44c00", "#0a865c", "#991b77", "#c08803", "#2c8ed5")
"""Grey for what is compared with, then blue, vermilion, green, purple, ochre, sky blue."""

ON_DARK = {
    INK: "#eceef1",
    QUIET: "#a0a8b4",
    GRID: "#363d47",
    PAPER: "#15181d",
    COLOURS[0]: "#c3cbd8",
    COLOURS[1]: "#2a80e8",
    COLOURS[2]: "#ee7b30",
    COLOURS[3]: "#3fc7a0",
    COLOURS[4]: "#d6558b",
    COLOURS[5]: "#efda57",
    COLOURS[6]: "#40adfc",
}
"""Each colour on dark pages."""


def css_name(colour: str) -> str:
    """The CSS variable of a colour: `--megami-0d6ecb` for #0d6ecb."""
    return f"--megami-{colour[1:]}"


def palette_css() -> str:
    """Declarations of all variables: first for browsers that know no relative colours, which show the light ones."""
    pairs = [(light, dark) for light, dark in ON_DARK.items() if light != INK]  # ink is the text's own colour
    plain = "".join(f"{css_name(light)}:{light};" for light, _ in pairs)
    following = "".join(f"{css_name(light)}:{_by_text(light, dark)};" for light, dark in pairs)
    return (
        f".megami-colours{{{css_name(INK)}:currentColor;{plain}}}"
        f"@supports (color:rgb(from red r g b)){{.megami-colours{{{following}}}}}"
    )


def _by_text(light: str, dark: str) -> str:
    """A CSS colour: `light` where the text is dark, `dark` where it is light; the text's green channel decides."""
    channels = []
    for start in (1, 3, 5):
        one, other = int(light[start : start + 2], 16), int(dark[start : start + 2], 16)
        switch = "(g - 128)" if one <= other else "(128 - g)"
        channels.append(f"clamp({min(one, other)},{switch} * 999,{max(one, other)})")
    return f"rgb(from currentColor {' '.join(channels)})"
