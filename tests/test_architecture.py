"""The directions in which the house may be walked, as DESIGN.md draws them, and what may not change
unseen."""

from __future__ import annotations

import ast
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from storaiteller import prompts

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "storaiteller"

LAYERS: tuple[frozenset[str], ...] = tuple(
    map(
        frozenset,
        (
            {"story", "errors", "durable", "ledger_csv"},
            {"bounds", "ledger_index", "ollama_store"},
            {"config", "prompts", "excerpt", "ledger", "version", "feedback_csv", "preferences_csv"},
            {"feedback", "preferences", "engines", "registry", "library"},
            {"demo_model", "learned", "own_model", "verdicts", "answers"},
            {"model_files"},
            {"models", "writer", "reader"},
            {"api"},
            {"app"},
            {"server", "terminal"},
            {"__main__"},
        ),
    )
)
"""Every room of the house, lowest first. A room is a module of the package, or a package in it."""


@cache
def imports_of(file: Path) -> frozenset[str]:
    """The full names of all that a file imports, wherever in it."""

    def found() -> Iterator[str]:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{file} imports relatively"
                yield node.module or ""
                yield from (f"{node.module}.{alias.name}" for alias in node.names)

    return frozenset(found())


def files_of(room: str) -> list[Path]:
    folder = PACKAGE / room
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [PACKAGE / f"{room}.py"]


def rooms() -> set[str]:
    modules = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    return modules | {path.parent.name for path in PACKAGE.glob("*/__init__.py")}


def rooms_used_by(room: str) -> set[str]:
    names = set().union(*(imports_of(file) for file in files_of(room)))
    parts = (name.split(".") for name in names if name.startswith("storaiteller."))
    return ({part[1] for part in parts} & rooms()) - {room}


def level(room: str) -> int:
    return next(number for number, layer in enumerate(LAYERS) if room in layer)


def test_every_room_has_its_place() -> None:
    assert rooms() == set().union(*LAYERS), "say in LAYERS where the new module belongs"


@pytest.mark.parametrize("room", sorted(set().union(*LAYERS)))
def test_a_room_uses_only_those_below_it(room: str) -> None:
    below = set().union(*LAYERS[: level(room)])
    assert rooms_used_by(room) <= below


def test_a_story_knows_nothing_but_itself() -> None:
    assert rooms_used_by("story") == set()


@pytest.mark.parametrize("room", ["prompts", "answers", "reader", "writer", "engines"])
def test_what_makes_a_story_knows_nothing_of_how_it_is_asked_for(room: str) -> None:
    assert not rooms_used_by(room) & {"api", "app", "server", "config", "models", "model_files"}


def test_the_api_never_sees_an_engine_of_its_own() -> None:
    for file in files_of("api"):
        engines = {name for name in imports_of(file) if name.startswith("storaiteller.engines.")}
        modules = {name.split(".")[2] for name in engines}
        assert modules <= {"base", "pool"}, file.name


@pytest.mark.parametrize(
    ("library", "only_in"),
    [
        ("xllamacpp", {"engines/llama_native.py"}),
        ("ollama", {"engines/ollama.py", "engines/ollama_wire.py"}),
        ("fastapi", {"app.py", "server.py", "api/"}),
        ("uvicorn", {"server.py"}),
        ("typer", {"__main__.py", "terminal.py"}),
        ("pydantic_settings", {"config.py"}),
        ("sqlalchemy", {"library/"}),
        ("alembic", {"library/"}),
        ("docx", {"library/word_files.py", "library/word_notes.py"}),
    ],
)
def test_what_we_do_not_own_is_known_in_one_place(library: str, only_in: set[str]) -> None:
    users = {
        str(file.relative_to(PACKAGE))
        for file in PACKAGE.rglob("*.py")
        if any(name.split(".")[0] == library for name in imports_of(file))
    }
    assert users
    assert all(user.startswith(tuple(only_in)) for user in users)


def test_the_environment_is_read_in_one_place() -> None:
    """``demo_model`` hands it on to pip, whole."""
    readers = {
        file.name
        for file in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
    }
    assert readers <= {"demo_model.py"}


def test_the_tuner_uses_the_app_and_never_the_reverse() -> None:
    for file in PACKAGE.rglob("*.py"):
        assert not {name for name in imports_of(file) if name.split(".")[0] == "finetune"}, file.name


def test_the_tuner_knows_the_app_but_not_its_page() -> None:
    rooms_known = {
        name.split(".")[1]
        for file in (ROOT / "finetune").rglob("*.py")
        for name in imports_of(file)
        if name.startswith("storaiteller.")
    }
    assert rooms_known <= rooms()
    assert not rooms_known & {"api", "app", "server", "writer", "__main__"}


def test_the_training_libraries_are_only_imported_where_they_are_used() -> None:
    """So that all but training starts at once, and says what is missing where they are not installed."""
    heavy = {"torch", "transformers", "peft", "unsloth", "trl", "datasets", "safetensors"}
    for file in (ROOT / "finetune").rglob("*.py"):
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.Import):
                assert not {alias.name.split(".")[0] for alias in node.names} & heavy, file
            elif isinstance(node, ast.ImportFrom):
                assert (node.module or "").split(".")[0] not in heavy, file


@pytest.mark.parametrize("module", ["storaiteller.app", "finetune.__main__"])
def test_starting_imports_nothing_heavy(module: str) -> None:
    code = f"import json, sys, {module}; print(json.dumps(sorted(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in json.loads(told.stdout)}
    assert module.split(".")[0] in loaded
    heavy = {"torch", "transformers", "unsloth", "peft", "trl", "datasets", "pandas", "numpy", "xllamacpp"}
    assert not loaded & (heavy | {"gguf", "libgguf", "safetensors", "docx", "lxml", "alembic"})


PAGE_ROOMS = (
    *("text", "common", "server", "origins", "manuscript", "telling", "desk", "saving", "takes", "bar"),
    *("verdicts", "settings", "page", "shelf", "choices", "learned"),
)
"""The folders of the page's scripts, lowest first."""


def test_the_rooms_of_the_page_know_only_those_below() -> None:
    source = ROOT / "web" / "src"
    assert {path.name for path in source.iterdir() if path.is_dir()} == set(PAGE_ROOMS)
    for file in source.glob("*/*.js"):
        room = file.parent.name
        for known in re.findall(r'from "\.\./(\w+)/', file.read_text()):
            assert PAGE_ROOMS.index(known) < PAGE_ROOMS.index(room), f"{file.name} of {room} knows {known}"


def test_a_template_does_not_change_without_a_new_version() -> None:
    """The ledger keeps the version with each story: one version has to mean one wording.

    Changed a template? Raise ``PROMPT_VERSION`` and add the new digests; the old ones stay. A template that
    is new, for something that could not be asked before, changes no wording.
    """
    digests = {
        "v1": {
            "rewrite.j2 rewrite_shown.j2 story.j2": (
                "3313f6c1b1d3cb67a43314d09baa8dc26ca2af06849bfb8879f5ca92bb535bfa"
            ),
            "insert.j2 proofread.j2 summary.j2 titles.j2 wish.j2": (
                "7d19e7b84b79fabebdafe5e170c59821ddfda417994f906d387475ccf40b4793"
            ),
        }
    }
    folder = PACKAGE / "prompts"
    known = digests[prompts.PROMPT_VERSION]
    assert sorted(" ".join(known).split()) == sorted(path.name for path in folder.glob("*.j2"))
    for names, digest in known.items():
        whole = b"\0".join((folder / name).read_bytes() for name in names.split())
        assert digest == hashlib.sha256(whole).hexdigest(), names
