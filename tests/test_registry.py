"""What the registry promises: the active version is always one that can write, and nothing added is lost."""

from __future__ import annotations

import errno
import json
import math
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from pydantic import ValidationError

from storaiteller import durable
from storaiteller.errors import InvalidRequestError, RegistryError, UnknownVersionError
from storaiteller.registry import Registry, State, Version, is_version_name
from tests.versions import DEMO, add, measured, story_ids


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path)


def names(state: State) -> list[str]:
    return [version.name for version in state.versions]


def everything(folder: Path) -> dict[str, bytes]:
    """Every file but the lock's, and what is in it."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


# --- adding ---------------------------------------------------------------------------------------


def test_where_nothing_was_learned_the_base_writes_as_it_is(registry: Registry, tmp_path: Path) -> None:
    assert registry.read() == State(active=None, strength=1.0, versions=())
    assert list(tmp_path.iterdir()) == []


def test_a_version_comes_back_as_it_was_added(registry: Registry, tmp_path: Path) -> None:
    added = add(registry, stories=story_ids(31), status="promoted", reason="Because. 😀", metrics=measured())
    assert added.name == "v1"
    [found] = Registry(tmp_path).read().versions
    assert found == added
    assert Version.model_validate_json((registry.folder("v1") / "version.json").read_bytes()) == added
    assert registry.read().active is None


def test_versions_are_numbered_in_the_order_they_are_added(registry: Registry) -> None:
    assert [add(registry).name for _ in range(11)] == [f"v{number}" for number in range(1, 12)]
    assert names(registry.read()) == [f"v{number}" for number in range(1, 12)]


def test_a_name_is_never_given_twice_even_if_the_list_is_lost(registry: Registry) -> None:
    add(registry)
    add(registry)
    registry.path.unlink()
    assert add(registry).name == "v3"


def test_a_version_without_its_adapter_is_not_added(registry: Registry, tmp_path: Path) -> None:
    def bare(name: str) -> Version:
        registry.folder(name).mkdir(parents=True)
        return Version(name=name, run_id="r", created_at="now", base=DEMO)

    add(registry)
    before = everything(tmp_path)
    with pytest.raises(RegistryError, match="v2 has no adapter"):
        registry.add(bare)
    assert everything(tmp_path) == before


def test_a_version_that_could_not_be_made_leaves_no_trace(registry: Registry, tmp_path: Path) -> None:
    def halfway(name: str) -> Version:
        registry.folder(name).mkdir(parents=True)
        registry.adapter(name).write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    add(registry)
    before = everything(tmp_path)
    with pytest.raises(RegistryError, match="v2 could not be kept: No space left on device"):
        registry.add(halfway)
    assert everything(tmp_path) == before
    assert not registry.folder("v2").exists()


def test_what_a_crash_left_of_a_version_is_not_taken_for_one(registry: Registry) -> None:
    add(registry)
    registry.folder("v2").mkdir()
    registry.adapter("v2").write_bytes(b"half of an adapter")
    (registry.folder("v2") / "old.txt").write_text("of another run")
    assert add(registry).name == "v2"
    assert not (registry.folder("v2") / "old.txt").exists()


def test_a_run_killed_before_its_version_was_listed_adds_it_once(registry: Registry) -> None:
    first = add(registry)
    listed = registry.path.read_bytes()
    add(registry, run_id="20261109-030000")
    registry.path.write_bytes(listed)  # the record was written, and the list was not
    again = add(registry, run_id="20261109-030000")
    assert not registry.folder("v2").exists()
    registry.path.write_text("{")
    registry.mend()
    assert registry.read().versions == (first, again)


def test_what_other_runs_left_unlisted_is_not_removed(registry: Registry) -> None:
    first = add(registry)
    registry.path.unlink()
    second = add(registry)
    registry.path.unlink()
    registry.mend()
    assert registry.read().versions == (first, second)


def test_folders_that_are_no_versions_are_passed_over(registry: Registry) -> None:
    add(registry)
    for name in ("vast", "v1 copy", "v01"):
        registry.folder(name).mkdir()
        (registry.folder(name) / "version.json").write_bytes(
            (registry.folder("v1") / "version.json").read_bytes()
        )
    registry.path.write_text("{")
    registry.mend()
    assert names(registry.read()) == ["v1"]
    assert add(registry).name == "v2"


# --- changing -------------------------------------------------------------------------------------


def test_promoting_and_rolling_back_are_seen_by_everybody_at_once(registry: Registry, tmp_path: Path) -> None:
    app = Registry(tmp_path)
    for _ in range(2):
        add(registry)
    for choice in ("v1", "v2", "v1", None, "v2"):
        registry.activate(choice)
        assert app.read().active == choice
        version = app.read().active_version
        assert (version and version.name) == choice


def test_activating_twice_is_activating_once(registry: Registry, tmp_path: Path) -> None:
    add(registry)
    registry.activate("v1")
    before = everything(tmp_path)
    registry.activate("v1")
    assert everything(tmp_path) == before


def test_only_a_version_that_is_there_can_write(registry: Registry) -> None:
    with pytest.raises(UnknownVersionError, match=r"no version v7\. There are: none yet"):
        registry.activate("v7")
    add(registry)
    add(registry)
    registry.activate("v2")
    registry.adapter("v1").unlink()
    with pytest.raises(RegistryError, match="The file of version v1 is gone"):
        registry.activate("v1")
    with pytest.raises(UnknownVersionError, match="There are: v1, v2"):
        registry.activate("v3")
    assert registry.read().active == "v2"


def test_a_version_learns_how_it_did(registry: Registry, tmp_path: Path) -> None:
    add(registry)
    first = add(registry)
    told = registry.update("v2", status="kept", reason="It was worse.", metrics=measured(40.0))
    assert (told.status, told.reason) == ("kept", "It was worse.")
    assert Registry(tmp_path).read().find("v2") == told
    assert told.trained_on == first.trained_on
    assert registry.read().find("v1").status == "candidate"
    assert b"It was worse." in (registry.folder("v2") / "version.json").read_bytes()


@pytest.mark.parametrize("changes", [{"status": "nice"}, {"metrics": "good"}, {"reason": None}])
def test_what_could_not_be_read_again_is_not_written(
    registry: Registry, tmp_path: Path, changes: dict[str, Any]
) -> None:
    add(registry)
    before = everything(tmp_path)
    with pytest.raises(ValidationError):
        registry.update("v1", **changes)
    assert everything(tmp_path) == before


@pytest.mark.parametrize("change", ["name", "statsu"])
def test_a_change_of_something_that_cannot_change_is_a_mistake(registry: Registry, change: str) -> None:
    add(registry)
    with pytest.raises(TypeError, match=change):
        registry.update("v1", **{change: "v9"})


def test_figures_that_are_no_numbers_do_not_break_the_list(registry: Registry, tmp_path: Path) -> None:
    add(registry)
    registry.update("v1", metrics={"a": math.nan, "b": [math.inf, {"c": -math.inf}], "d": 0.5})
    expected = {"a": None, "b": [None, {"c": None}], "d": 0.5}
    assert Registry(tmp_path).read().find("v1").metrics == expected


@pytest.mark.parametrize("strength", [0, 0.35, 1, 1.2])
def test_the_strength_is_kept(registry: Registry, tmp_path: Path, strength: float) -> None:
    registry.set_strength(strength)
    assert Registry(tmp_path).read().strength == strength


@pytest.mark.parametrize("strength", [-0.01, 1.21, math.nan, math.inf])
def test_a_strength_that_cannot_be_is_refused(registry: Registry, strength: float) -> None:
    registry.set_strength(0.5)
    with pytest.raises(InvalidRequestError, match=r"between 0 and 1\.2"):
        registry.set_strength(strength)
    assert registry.read().strength == 0.5


def test_a_file_of_the_same_size_and_time_is_still_read_anew(registry: Registry, tmp_path: Path) -> None:
    """Two changes within a tick of the clock may look the same to ``stat``, down to the inode."""
    app = Registry(tmp_path)
    for _ in range(2):
        add(registry)
    registry.activate("v1")
    assert app.read().active == "v1"
    found = registry.path.stat()
    raw = registry.path.read_bytes()
    registry.path.write_bytes(raw.replace(b'"active": "v1"', b'"active": "v2"'))
    os.utime(registry.path, ns=(found.st_atime_ns, found.st_mtime_ns))
    assert app.read().active == "v2"


@pytest.mark.parametrize(
    ("text", "is_name"),
    [("v1", True), ("v123456", True), ("v0", False), ("v01", False), ("v1\n", False), ("../v1", False)],
)
def test_a_name_is_a_v_and_a_number(text: str, is_name: bool) -> None:
    assert is_version_name(text) == is_name


# --- a file that is damaged -----------------------------------------------------------------------

CHANGES: list[Callable[[Registry], Any]] = [
    add,
    lambda registry: registry.activate("v1"),
    lambda registry: registry.activate(None),
    lambda registry: registry.set_strength(0.5),
    lambda registry: registry.update("v1", status="kept"),
]


def test_a_list_cut_off_anywhere_is_damaged_and_never_half_believed(
    registry: Registry, tmp_path: Path
) -> None:
    add(registry, stories=story_ids(2))
    add(registry, stories=story_ids(2))
    registry.activate("v2")
    whole = registry.path.read_bytes()
    for length in range(len(whole.rstrip())):
        registry.path.write_bytes(whole[:length])
        with pytest.raises(RegistryError, match="damaged"):
            registry.read()
    registry.path.write_bytes(whole)
    assert registry.read().active == "v2"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 200,
        b"[]",
        b"\xff\xfe",
        b'{"format": 2}',
        b'{"active": "v1"}',
        b'{"active": "../v1", "versions": []}',
        b'{"strength": 7}',
        b"[" * 100_000,
    ],
    ids=lambda content: ascii(content[:20]),
)
@pytest.mark.parametrize("change", range(len(CHANGES)))
def test_a_damaged_list_is_said_and_left_as_it_is(registry: Registry, content: bytes, change: int) -> None:
    add(registry)
    registry.path.write_bytes(content)
    with pytest.raises(RegistryError) as caught:
        CHANGES[change](registry)
    assert "Mend it in the terminal: “storaiteller-finetune status --mend”." in caught.value.message
    assert registry.path.read_bytes() == content


def test_a_version_listed_twice_is_damage(registry: Registry) -> None:
    add(registry)
    state = json.loads(registry.path.read_bytes())
    state["versions"] *= 2
    registry.path.write_text(json.dumps(state))
    with pytest.raises(RegistryError):
        registry.read()


def test_mending_brings_every_version_back_and_lets_the_base_write(
    registry: Registry, tmp_path: Path
) -> None:
    versions = [add(registry, metrics=measured()) for _ in range(11)]
    registry.activate("v2")
    broken = registry.path.read_bytes()[:-40]
    registry.path.write_bytes(broken)
    aside = registry.mend()
    assert aside is not None
    assert aside.read_bytes() == broken
    assert registry.read() == State(versions=tuple(versions))
    assert registry.mend() is None
    assert len(list(tmp_path.glob("registry.json.broken-*"))) == 1
    registry.activate("v2")
    assert Registry(tmp_path).read().active == "v2"


def test_mending_what_is_whole_changes_nothing(registry: Registry, tmp_path: Path) -> None:
    assert registry.mend() is None
    add(registry)
    registry.activate("v1")
    before = everything(tmp_path)
    assert registry.mend() is None
    assert everything(tmp_path) == before


def test_a_list_that_is_gone_is_mended_too(registry: Registry) -> None:
    added = add(registry)
    registry.path.unlink()
    assert registry.read() == State()
    assert registry.mend() is None
    assert registry.read() == State(versions=(added,))


def test_a_record_that_is_damaged_too_is_left_out(registry: Registry) -> None:
    add(registry)
    second = add(registry)
    (registry.folder("v1") / "version.json").write_text("{")
    registry.path.write_text("{")
    registry.mend()
    assert registry.read().versions == (second,)
    assert add(registry).name == "v3"


# --- disks that fail, programs that die -----------------------------------------------------------


@pytest.mark.parametrize("change", range(len(CHANGES)))
def test_a_full_disk_changes_nothing_and_is_said(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, change: int
) -> None:
    add(registry)
    registry.activate("v1")
    before = registry.path.read_bytes()

    def full(path: Path, data: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(durable, "create", full)
        with pytest.raises(RegistryError, match=r"No space left on device.*Nothing was changed"):
            CHANGES[change](registry)
    assert registry.path.read_bytes() == before
    CHANGES[change](registry)


def test_a_lock_that_is_never_let_go_is_an_error(registry: Registry, tmp_path: Path) -> None:
    add(registry)
    with FileLock(f"{registry.path}.lock"):
        with pytest.raises(RegistryError, match="Another program"):
            Registry(tmp_path, lock_timeout=0).activate("v1")
        assert names(registry.read()) == ["v1"]  # reading waits for nobody


CHANGES_WITHOUT_END = """
import itertools, sys
from pathlib import Path
from storaiteller.registry import BaseRecord, Registry, Version

registry, count = Registry(Path(sys.argv[1])), int(sys.argv[2])
base = BaseRecord(model_id="m", name="m", sha256="0", size_bytes=1)

def make(name):
    registry.folder(name).mkdir(parents=True)
    registry.adapter(name).write_bytes(b"x" * 100_000)
    return Version(name=name, run_id="r", created_at="now", base=base, metrics={"curve": [[1, 2.5]] * 300})

for number in itertools.islice(itertools.count(), count or None):
    name = registry.add(make).name
    registry.activate(name)
    registry.update(name, status="promoted")
    print(name, flush=True)
"""


def start_changing(data_dir: Path, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CHANGES_WITHOUT_END, str(data_dir), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_two_programs_changing_at_once_lose_nothing(registry: Registry, tmp_path: Path) -> None:
    children = [start_changing(tmp_path, 10) for _ in range(2)]
    while any(child.poll() is None for child in children):
        state = registry.read()  # never damaged, never half of a change
        assert names(state) == [f"v{number}" for number in range(1, len(state.versions) + 1)]
    added = [name for child in children for name in child.communicate()[0].split()]
    assert [child.returncode for child in children] == [0, 0]
    assert sorted(added) == sorted(names(registry.read()))
    assert len(set(added)) == 20
    assert all(version.status == "promoted" for version in registry.read().versions)


@pytest.mark.slow
def test_kill_9_at_any_moment_leaves_an_active_version_that_can_write(
    registry: Registry, tmp_path: Path
) -> None:
    chance = random.Random(9)
    acknowledged: list[str] = []
    for _ in range(8):
        with start_changing(tmp_path, 0) as child:
            assert child.stdout is not None
            acknowledged += [child.stdout.readline().strip() for _ in range(chance.randrange(1, 4))]
            with suppress(subprocess.TimeoutExpired):
                child.wait(timeout=chance.random() / 40)
            child.send_signal(signal.SIGKILL)
            acknowledged += child.stdout.read().split()
        state = Registry(tmp_path).read()
        assert state.active is not None
        assert registry.adapter(state.active).stat().st_size == 100_000
        assert set(acknowledged) <= set(names(state))
    assert "" not in acknowledged
    add(registry)
    registry.activate("v1")
    assert registry.read().active == "v1"
