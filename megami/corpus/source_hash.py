"""Hashes of source code, by which a cache knows what made it: every module that one needs, found by its imports.

What cannot change a result is left out of a hash: comments, layout, docstrings, annotations of functions, and the words
of errors. So a better sentence does not cost hours of rendering, and a changed number never passes unseen.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
KEEPING = ("megami.corpus.code_mark", "megami.corpus.source_hash")
"""How caches are kept has no say in what is in them."""


def source_hash(*roots: str, without: Sequence[str] = (), package: Path = PACKAGE) -> str:
    """Twelve digits that change with the code of the modules or rooms `roots`, or of any module that they import.

    Names as in "megami.effects.reverb". `without`: modules or rooms that have no say in the results, with all that only
    they import. `package`: the folder of the package.
    """
    text = repr(sorted(module_hashes(roots, tuple(without), package).items()))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@cache
def module_hashes(roots: tuple[str, ...], without: tuple[str, ...] = (), package: Path = PACKAGE) -> dict[str, str]:
    """Eight digits for each module of the package that `roots` are or need, by its name.

    An import through a room's `__init__` leads to the module that the name comes from, not to the whole room. Raises
    ValueError for a name that is no module, and for relative imports.
    """
    waiting = [module for root in roots for module in _within(root, package)]
    found: dict[str, str] = {}
    while waiting:
        name = waiting.pop()
        if name in found or any(f"{name}.".startswith(f"{left_out}.") for left_out in (*without, *KEEPING)):
            continue
        source = _source(_file(name, package).read_text(encoding="utf-8"))
        found[name] = source.digits
        waiting += [needed for item in source.imports for needed in _home(*item, package)]
    return found


@dataclass(frozen=True)
class Source:
    """What counts of one file: digits of its code, what it imports as (module, name), and from where it has names.

    The name None stands for the module itself.
    """

    digits: str
    imports: tuple[tuple[str, str | None], ...]
    names: dict[str, tuple[str, str]]


@cache
def _source(text: str) -> Source:
    tree = ast.parse(text)
    imports: list[tuple[str, str | None]] = []
    names: dict[str, tuple[str, str]] = {}
    # Also those inside functions, and for type checkers: a room that is loaded lazily says there where names are from.
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports += [(item.name, None) for item in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level or node.module is None:
                raise ValueError(f"relative import in line {node.lineno}: name the module from the package on")
            imports += [(node.module, item.name) for item in node.names]
            names |= {item.asname or item.name: (node.module, item.name) for item in node.names}
    return Source(hashlib.sha256(repr(_plain(tree)).encode()).hexdigest()[:8], tuple(imports), names)


def _file(name: str, package: Path) -> Path:
    """Where the source of a module lies, or of a room's `__init__`."""
    parts = name.split(".")
    if parts[0] == package.name:
        place = package.joinpath(*parts[1:])
        for file in (place.with_suffix(".py"), place / "__init__.py"):
            if file.is_file():
                return file
    raise ValueError(f"no module {name!r} in {package}")


def _within(root: str, package: Path) -> list[str]:
    """The modules of a room; for a module, itself."""
    file = _file(root, package)
    if file.name != "__init__.py":
        return [root]
    inside = (path.relative_to(package).with_suffix("") for path in sorted(file.parent.rglob("*.py")))
    return [".".join((package.name, *path.parts)).removesuffix(".__init__") for path in inside]


def _home(module: str, name: str | None, package: Path) -> list[str]:
    """The module that `from module import name` takes its name from; none for what is not of this package."""
    if module.split(".")[0] != package.name:
        return []
    file = _file(module, package)
    if name is None or file.name != "__init__.py":
        return [module]
    names = _source(file.read_text(encoding="utf-8")).names
    if name in names:
        return _home(*names[name], package)
    try:
        _file(f"{module}.{name}", package)
    except ValueError:
        return [module]  # the room's __init__ makes the name itself
    return [f"{module}.{name}"]


def _plain(node: object) -> object:
    """A syntax tree as nested tuples of what counts; the same in every version of Python, unlike `ast.dump`."""
    if isinstance(node, list):
        return tuple(_plain(item) for item in node if not _is_remark(item))
    if not isinstance(node, ast.AST):
        return node
    if isinstance(node, ast.Raise):
        return ("Raise",)
    fields = [
        (name, value)
        for name, value in ast.iter_fields(node)
        if value is not None and value != [] and name not in ("returns", "type_comment", "ctx")
    ]
    if isinstance(node, ast.arg):
        fields = [("arg", node.arg)]
    return (type(node).__name__, *((name, _plain(value)) for name, value in fields))


def _is_remark(node: object) -> bool:
    """Whether this is a docstring, or another sentence that stands alone."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
