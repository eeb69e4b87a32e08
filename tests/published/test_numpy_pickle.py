"""Pickled dictionaries of arrays come back equal; a pickle that wants more is refused before it does anything."""

from __future__ import annotations

import io
import math
import os
import pickle
import subprocess
import sys
import textwrap
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from refusals import refusal

from megami.errors import UserError
from megami.processor import target_from_fine_curve
from megami.processor.fxnorm import smoothing_rows
from megami.published import loading as published
from megami.published.addresses import FEATURES
from megami.published.loading import FINE_BINS, fine_curve, load_fxnorm
from megami.published.numpy_pickle import read_array_dict

BUILD_ARRAY = np.zeros(0).__reduce__()[0]  # numpy's _reconstruct; its module has another name since numpy 2


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "features.npy"


class Reduced:
    """Comes back, where it is unpickled without care, as what a function gives: (function, arguments, state)."""

    def __init__(self, *words: object) -> None:
        self.words = words

    def __reduce__(self) -> tuple[object, ...]:
        return self.words


def leave_mark(name: str) -> None:
    Path(name).touch()


def write(path: Path, content: object, protocol: int = 3) -> None:
    """Write what numpy.save would for an object, but with any pickle."""
    write_pickle(path, pickle.dumps(content, protocol))


def write_pickle(path: Path, pickled: bytes) -> None:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "|O", "fortran_order": False, "shape": ()})
    path.write_bytes(file.getvalue() + pickled)


def arrays() -> dict[str, Any]:
    """Arrays of several types and orders, in dictionaries of dictionaries."""
    rng = np.random.default_rng(0)
    curves = {name: rng.random(50).astype(np.float32) for name in ("vocals", "other")}
    table = np.asfortranarray(rng.random((3, 4)))
    return {
        "eq": curves,
        "rms": {"other": rng.random(2), "deep": {"table": table, "flags": np.array([True, False])}},
        "big-endian": rng.random(3).astype(">f4"),
        "counts": np.arange(5)[::2],
        "none at all": np.zeros((0, 3)),
        "names": ["é", "b"],
        "count": 3,
        "level": -16.5,
        "nothing": None,
    }


def assert_same(read: object, expected: object) -> None:
    if isinstance(expected, dict):
        assert isinstance(read, dict) and list(read) == list(expected)
        for key, value in expected.items():
            assert_same(read[key], value)
    elif isinstance(expected, np.ndarray):
        assert isinstance(read, np.ndarray) and read.dtype == expected.dtype.newbyteorder("=")  # as np.load does
        np.testing.assert_array_equal(np.asarray(read), expected)
    else:
        assert read == expected and type(read) is type(expected)


def test_what_numpy_saves_comes_back(path):
    np.save(path, arrays(), allow_pickle=True)
    assert_same(read_array_dict(path), arrays())


@pytest.mark.parametrize("protocol", [3, 4])
def test_the_protocols_that_numpy_uses(path, protocol):
    write(path, np.array(arrays(), dtype=object), protocol)
    assert_same(read_array_dict(path), arrays())
    write(path, arrays(), protocol)
    assert_same(read_array_dict(path), arrays())


def test_a_dictionary_in_an_array_of_one(path):
    np.save(path, np.array([arrays()], dtype=object), allow_pickle=True)
    assert_same(read_array_dict(path), arrays())


EVIL = {
    "posix.system": lambda marker: Reduced(os.system, (f"touch '{marker}'",)),
    "builtins.eval": lambda marker: Reduced(eval, (f"open({str(marker)!r}, 'w')",)),
    "leave_mark": lambda marker: Reduced(leave_mark, (str(marker),)),
    "numpy.load": lambda marker: Reduced(np.load, (str(marker),)),
    "numpy.memmap": lambda marker: Reduced(np.memmap, (str(marker), "b", "w+", 0, (10,))),
    "numpy.save": lambda marker: Reduced(np.save, (str(marker), 1)),
    "builtins.getattr": lambda marker: Reduced(getattr, (np.ndarray, "tofile")),
}


@pytest.mark.parametrize("name", EVIL)
@pytest.mark.parametrize("place", ["top", "value", "inside an array"])
def test_a_call_is_refused_by_name_and_not_made(path, marker, name, place):
    evil = EVIL[name](marker)
    content = {"top": evil, "value": {"eq": {"other": evil}}, "inside an array": {"eq": np.array([evil, None])}}[place]
    for protocol in (3, 4):
        write(path, content, protocol)
        name_alone = name.partition(".")[2] or name
        refusal(lambda: read_array_dict(path), str(path), "more than arrays", "it names ", f"{name_alone})")
        assert not marker.exists()


def test_the_evil_files_would_do_harm_elsewhere(path, marker):
    for name in ("posix.system", "builtins.eval", "leave_mark", "numpy.memmap"):
        write(path, {"eq": EVIL[name](marker)})
        np.load(path, allow_pickle=True)
        assert marker.exists(), name
        marker.unlink()


def test_names_that_only_look_like_numpys_are_refused(path):
    for words in (b"cnumpy\nload\n", b"cnumpy.ndarray\nshape\n", b"cnumpy\ndtype.type\n", b"cbuiltins\ndict\n"):
        write_pickle(path, words + b".")
        refusal(lambda: read_array_dict(path), "it names")


def test_something_outside_the_file_is_refused(path):
    write_pickle(path, b"\x80\x03X\x01\x00\x00\x00aQ.")
    refusal(lambda: read_array_dict(path), str(path), "outside")


def test_a_name_of_two_lines_is_refused_in_one(path):
    words = b"os\nmegami: all is well"
    write_pickle(path, b"\x80\x04\x8c" + bytes([len(words)]) + words + b"\x8c\x04exit\x93.")
    refusal(lambda: read_array_dict(path), str(path), "it names")


def peak_bytes(call: Callable[[], object]) -> int:
    """The most memory that a call takes, in bytes, counting what numpy asks for and does not use."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


HUGE = {
    "begun full": Reduced(BUILD_ARRAY, (np.ndarray, (10**8,), b"b")),
    "begun enormous": Reduced(BUILD_ARRAY, (np.ndarray, (10**12,), b"b")),
    "called": Reduced(np.ndarray, ((10**8,), "b")),
    "called in several dimensions": Reduced(np.ndarray, ((10**4, 10**4), "b")),
}


@pytest.mark.parametrize("name", HUGE)
def test_a_small_file_does_not_take_much_memory(path, name):
    write(path, {"eq": {"other": HUGE[name]}})
    peak = peak_bytes(lambda: refusal(lambda: read_array_dict(path), str(path)))
    assert peak < 10_000_000


def test_a_buffer_is_not_made_before_it_is_filled(path):
    write_pickle(path, b"\x80\x05\x96" + (3 * 10**8).to_bytes(8, "little") + b"a.")
    peak = peak_bytes(lambda: refusal(lambda: read_array_dict(path), str(path)))
    assert peak < 10_000_000


def test_an_array_without_all_of_its_data_is_refused(path):
    state = (1, (10**12,), np.dtype("f8"), False, b"12345678")
    write(path, {"eq": Reduced(BUILD_ARRAY, (np.ndarray, (0,), b"b"), state)})
    peak = peak_bytes(lambda: refusal(lambda: read_array_dict(path), str(path), "not a whole file of arrays"))
    assert peak < 10_000_000


ADDRESS = (16).to_bytes(8, "little")
"""Eight bytes that are no object's place in memory: looking there ends the process."""

PLAIN_OBJECTS = Reduced(np.dtype, ("O8", False, True), (3, "|", None, None, None, -1, -1, 0))
HIDDEN_OBJECTS = Reduced(np.dtype, ("V8", False, True), (3, "|", None, ("a",), {"a": (np.dtype("O"), 0)}, 8, 1, 1))
FEW_OBJECTS = (1, (3,), np.dtype("O"), False, [None])  # numpy does not count them, and takes the rest from nowhere
ADDRESSES = {
    "fewer objects than places": Reduced(BUILD_ARRAY, (np.ndarray, (0,), b"b"), FEW_OBJECTS),
    "no objects, many places": Reduced(BUILD_ARRAY, (np.ndarray, (0,), b"b"), (1, (10**7,), np.dtype("O"), False, [])),
    "objects called plain data": Reduced(BUILD_ARRAY, (np.ndarray, (0,), b"b"), (1, (), PLAIN_OBJECTS, False, ADDRESS)),
    "objects in a record": Reduced(BUILD_ARRAY, (np.ndarray, (0,), b"b"), (1, (), HIDDEN_OBJECTS, False, ADDRESS)),
    "objects over a buffer": Reduced(np.ndarray, ((1,), "O", ADDRESS)),
}
READER = """
    import sys, types
    room = types.ModuleType("megami.published")  # The room without its networks: torch takes seconds to load.
    room.__path__ = ["megami/published"]
    sys.modules["megami.published"] = room
    from pathlib import Path
    from megami.errors import UserError
    from megami.published.numpy_pickle import read_array_dict
    try:
        read_array_dict(Path(sys.argv[1]))
    except UserError as error:
        sys.exit(f"{error}")
"""


@pytest.mark.parametrize("name", ADDRESSES)
def test_bytes_of_a_file_are_not_taken_for_objects_in_memory(path, name):
    write(path, ADDRESSES[name])
    command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(READER), str(path)]
    root = Path(__file__).parents[2]
    ran = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 1, ran  # negative: it crashed
    assert len(ran.stderr.splitlines()) == 1 and str(path) in ran.stderr, ran


def test_other_files_of_numpy_are_refused(path, tmp_path):
    np.save(path, np.zeros(5))
    refusal(lambda: read_array_dict(path), str(path), "a plain array, not a dictionary")
    np.savez(tmp_path / "arrays.npz", other=np.zeros(5))
    refusal(lambda: read_array_dict(tmp_path / "arrays.npz"), "arrays.npz", "not a whole file of arrays")
    for content in ([1, 2], np.array([{}, {}], dtype=object), "text"):
        np.save(path, np.array(content, dtype=object), allow_pickle=True)
        refusal(lambda: read_array_dict(path), str(path), "no dictionary of arrays")


def test_a_file_that_breaks_off(path):
    np.save(path, arrays(), allow_pickle=True)
    whole = path.read_bytes()
    for size in range(0, len(whole) - 1, 13):
        path.write_bytes(whole[:size])
        refusal(lambda: read_array_dict(path), str(path))


JUNK = {
    "empty": b"",
    "text": b"no arrays here\n" * 9,
    "random": np.random.default_rng(0).bytes(3000),
    "zeros": bytes(500),
    "magic only": b"\x93NUMPY",
    "unknown version": b"\x93NUMPY\x09\x00\x76\x00" + b"{}" * 60,
    "header that is no dictionary": b"\x93NUMPY\x01\x00\x06\x00[1, 2]",
    "header that calls": b"\x93NUMPY\x01\x00\x10\x00__import__('os')",
    "long header": b"\x93NUMPY\x02\x00" + (20_000).to_bytes(4, "little") + b"{".ljust(20_000),
}


@pytest.mark.parametrize("name", JUNK)
def test_junk_is_refused(path, name):
    path.write_bytes(JUNK[name])
    refusal(lambda: read_array_dict(path), str(path))


def test_a_damaged_pickle_is_refused(path):
    np.save(path, arrays(), allow_pickle=True)
    whole, rng = bytearray(path.read_bytes()), np.random.default_rng(0)
    for position in rng.integers(128, 700, 100):
        path.write_bytes(whole[:position] + bytes([255]) + whole[position + 1 :])
        try:
            read_array_dict(path)  # the byte may have been of a number
        except UserError as error:
            assert len(str(error).splitlines()) == 1


def test_a_folder_and_a_missing_file_are_named(tmp_path):
    refusal(lambda: read_array_dict(tmp_path), str(tmp_path), "cannot be read")
    refusal(lambda: read_array_dict(tmp_path / "none.npy"), "none.npy: no such file")


def curve(seed: int = 0) -> np.ndarray:
    """A spectrum that falls towards high frequencies, far from smooth: [32769] float64."""
    rng = np.random.default_rng(seed)
    return rng.exponential(1.0, FINE_BINS) / (1 + np.arange(FINE_BINS) / 500)


@pytest.mark.parametrize("shape", [(FINE_BINS,), (FINE_BINS, 1), (1, FINE_BINS)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("nested", [True, False])
def test_the_curve_is_found_in_either_nesting_and_shape(path, shape, dtype, nested):
    curves = {"vocals": np.ones(FINE_BINS), "other": curve().reshape(shape).astype(dtype)}
    np.save(path, {"eq": curves, "other": "misleading"} if nested else curves, allow_pickle=True)
    found = fine_curve(path)
    assert found.shape == (FINE_BINS,) and found.dtype == torch.float32
    np.testing.assert_array_equal(found.numpy(), curve().astype(np.float32))


def changed(value: float) -> np.ndarray:
    """The curve with one bin of another value."""
    values = curve()
    values[7] = value
    return values


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (curve()[:-1], "shape [32768], expected [32769]"),
        (np.ones(2049), "shape [2049]"),
        (np.ones((2, FINE_BINS)), "shape [2, 32769]"),
        (np.float64(1).reshape(1), "shape []"),
        (changed(-1e-9), "negative or not finite"),
        (changed(math.nan), "negative or not finite"),
        (changed(math.inf), "negative or not finite"),
        (changed(1e300), "negative or not finite"),  # too large for single precision
        (np.full(FINE_BINS, "1.0"), "no array of numbers"),
        (np.array(["a", None]), "no array of numbers"),
        ("1.0", "no array of numbers"),
        (None, "no array of numbers"),
        ({"mean": curve()}, "no array of numbers"),
    ],
    ids=repr,
)
def test_a_curve_that_cannot_be_used_is_refused(path, other, words):
    np.save(path, {"eq": {"other": other}}, allow_pickle=True)
    refusal(lambda: fine_curve(path), str(path), "'other'", words)


OTHERS = {"vocals": curve()}


@pytest.mark.parametrize("content", [{}, {"eq": OTHERS}, {"eq": curve()}, {"eq": None}, OTHERS])
def test_a_file_without_the_class_is_refused(path, content):
    np.save(path, content, allow_pickle=True)
    refusal(lambda: fine_curve(path), str(path), "no curve 'other'")


def smoothed(values: np.ndarray, bin: int) -> float:
    """One bin of the published smoothing: the mean under a Gaussian of standard deviation bin / (3 pi)."""
    if bin == 0:
        return float(values[0])
    distance = (np.arange(len(values)) - bin) * 3 * math.pi / bin
    weights = np.exp(-0.5 * distance**2)
    return float((weights * values).sum() / weights.sum())


def target(values: np.ndarray, bin: int, bins: int) -> float:
    """One bin of the target curve: the smoothed curve half-way between neighbours where the bins' centres fall."""
    place = max(0.0, (bin + 0.5) * len(values) / bins - 0.5)
    below = min(int(place), len(values) - 1)
    above = min(below + 1, len(values) - 1)
    return smoothed(values, below) * (1 - (place - below)) + smoothed(values, above) * (place - below)


def test_a_short_curve_is_smoothed_and_interpolated_as_published():
    values = np.random.default_rng(1).random(65)
    for bins in (65, 9, 13):
        ours = target_from_fine_curve(torch.tensor(values, dtype=torch.float32), bins).numpy()
        np.testing.assert_allclose(ours, [target(values, bin, bins) for bin in range(bins)], rtol=1e-5)


def load_and_compare(folder: Path, values: np.ndarray) -> None:
    """Check FxNorm from a file with this curve, at some bins, against the smoothing as published."""
    content = {"eq": {"other": values[:, None], "vocals": np.ones(len(values))}}
    np.save(folder / "features.npy", content, allow_pickle=True)
    loaded = load_fxnorm(folder)
    bins = [0, 1, 5, 400, 1300, 2048]
    expected = [target(values.astype(np.float64), bin, 2049) for bin in bins]
    assert loaded.target_curve.shape == (2049,) and loaded.target_curve.dtype == torch.float32
    np.testing.assert_allclose(loaded.target_curve[bins].numpy(), expected, rtol=2e-5)
    assert not loaded.training and not list(loaded.parameters())


def test_fxnorm_gets_the_published_target(tmp_path, monkeypatch):
    monkeypatch.setattr(published, "FINE_BINS", 4099)  # an eighth of the published number, for speed
    load_and_compare(tmp_path, curve()[:4099].astype(np.float32))


def test_fxnorm_gets_the_published_target_at_full_size(tmp_path):
    load_and_compare(tmp_path, curve().astype(np.float32))


def test_some_rows_of_the_full_smoothing_are_as_published():
    rows = [0, 1, 7, 8, 6403, 20_800, 32_768]
    ours = smoothing_rows(torch.tensor(rows), FINE_BINS) @ torch.tensor(curve(), dtype=torch.float32)
    np.testing.assert_allclose(ours.numpy(), [smoothed(curve(), row) for row in rows], rtol=2e-5)


def test_either_name_of_the_file_will_do(tmp_path, monkeypatch):
    monkeypatch.setattr(published, "target_from_fine_curve", lambda fine, bins: fine[:bins])
    for seed, name in enumerate(("features_tency1_4instr_v4.npy", FEATURES.name)):  # the second counts where both are
        np.save(tmp_path / name, {"eq": {"other": curve(seed)}}, allow_pickle=True)
        got = load_fxnorm(tmp_path).target_curve
        np.testing.assert_array_equal(got.numpy(), curve(seed)[:2049].astype(np.float32))


def test_a_folder_without_the_file_is_refused(tmp_path):
    refusal(lambda: load_fxnorm(tmp_path), str(tmp_path), "features.npy", "missing")
