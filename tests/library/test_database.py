"""What the library promises of its database: what was saved is there, and what is not ours is left alone."""

from __future__ import annotations

import hashlib
import os
import random
import re
import resource
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.pool import Pool

from storaiteller.config import Config
from storaiteller.errors import ConfigError
from storaiteller.library import search, upgrading
from storaiteller.library.errors import (
    LibraryError,
    LibraryFullError,
    LibraryNewerError,
    LibraryReadOnlyError,
)
from storaiteller.library.library import Library
from storaiteller.library.schema import metadata
from storaiteller.library.values import Story, VersionText
from tests.closed import open_folder
from tests.library.postgresql import Server

NOBODY = 65_534
ODD = "Once.\r\n\r\n“Upon”\ta time 🌙 \n\u00a0 e\u0301\rend  \n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "library.db"


@contextmanager
def opened(path: Path, **options: Any) -> Iterator[Library]:
    library = Library(f"sqlite:///{path}", **options)
    try:
        library.open()
        yield library
    finally:
        library.close()


def exported(library: Library) -> list[tuple[Story, list[VersionText]]]:
    return [(story, list(versions)) for story, versions, _ in library.export()]


def with_a_story(path: Path) -> str:
    """Make a library with one story in it, and return the story's id."""
    with opened(path) as library:
        return library.create(text="kept", reason="import").id


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may write anywhere, so a test run as root becomes nobody for a moment."""
    if os.geteuid() == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(os.getuid())


@contextmanager
def each_connection(*statements: str) -> Iterator[None]:
    """Every new connection begins with these."""

    def begin(connection: Any, record: object) -> None:
        for statement in statements:
            connection.execute(statement)

    event.listen(Pool, "connect", begin)
    try:
        yield
    finally:
        event.remove(Pool, "connect", begin)


# --- making and opening ---------------------------------------------------------------------------


def test_a_new_library_is_for_its_owner_alone(path: Path) -> None:
    with opened(path) as library:
        library.create(text="secret")
        assert {each.name for each in path.parent.iterdir()} == {
            path.name,
            f"{path.name}-wal",
            f"{path.name}-shm",
        }
        assert {stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()} == {0o600}
    assert list(path.parent.iterdir()) == [path]


def test_nothing_is_made_before_the_library_is_opened(path: Path) -> None:
    Library(f"sqlite:///{path}").close()
    assert not path.parent.exists()


def test_what_is_acknowledged_is_on_the_disk(path: Path) -> None:
    found: list[list[Any]] = []

    def look(connection: Any) -> None:
        driver = connection.connection.driver_connection
        pragmas = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        found.append([driver.execute(f"PRAGMA {name}").fetchone()[0] for name in pragmas])

    with opened(path) as library:
        event.listen(Engine, "commit", look)
        library.create(text="Once")
        event.remove(Engine, "commit", look)
    assert found == [["wal", 2, 1, 5_000]]


def test_opening_twice_is_opening_once(url: str) -> None:
    library = Library(url)
    library.open()
    story = library.create(text="Once")
    library.open()
    library.close()
    library.close()
    assert library.get(story.id) == story  # asked for something, it opens itself
    library.close()


def test_an_empty_file_is_a_library_that_was_not_begun(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    assert with_a_story(path)


@pytest.mark.parametrize("name", ["a b%20c?d#e&f=g.db", "bücher 😀.db", ":memory:", "file:x.db?mode=memory"])
def test_a_library_may_have_any_name(tmp_path: Path, name: str) -> None:
    story = with_a_story(tmp_path / name)
    assert (tmp_path / name).stat().st_size > 0
    with opened(tmp_path / name) as library:
        assert library.get(story).text == "kept"


OPENING = """
import sys
from storaiteller.library.library import Library
library = Library(sys.argv[1])
sys.stdin.read()
library.open()
print(library.create(text=sys.argv[2]).id)
library.close()
"""


def test_two_programs_may_make_the_library_at_once(path: Path, server: Server) -> None:
    for url in (f"sqlite:///{path}", server.url(server.new_database())):
        commands = [[sys.executable, "-c", OPENING, url, str(number)] for number in range(2)]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        children = [subprocess.Popen(command, **pipes) for command in commands]
        for child in children:
            assert child.stdin is not None
            child.stdin.close()
            child.stdin = None
        made = {child.communicate()[0].strip() for child in children}
        with closing(Library(url)) as library:
            assert {story.id for story in library.page().stories} == made
        assert len(made) == 2


def test_a_library_exchanged_under_a_running_app_is_opened_anew(path: Path) -> None:
    """A file that was moved away still takes what is written to it, where nobody will look for it."""
    with opened(path) as library:
        library.create(text="old")
        for each in list(path.parent.iterdir()):
            each.rename(each.with_name(f"moved-{each.name}"))
        story = library.create(text="new")
        assert [each.id for each in library.page().stories] == [story.id]
    with opened(path) as library:
        assert library.get(story.id) == story


# --- migrations -----------------------------------------------------------------------------------


def test_the_migrations_make_the_tables_that_the_code_knows(path: Path, server: Server) -> None:
    for url in (f"sqlite:///{path}", server.url(server.new_database())):
        with closing(Library(url)) as library:
            library.open()
        engine = create_engine(url)
        with engine.connect() as connection:
            options = {"version_table": upgrading.VERSION_TABLE, "include_name": not_of_the_index}
            context = MigrationContext.configure(connection, opts=options)
            assert compare_metadata(context, metadata) == []
            assert upgrading.revision_of(connection) == upgrading.known_revisions()[0]
        engine.dispose()


def test_a_library_of_the_first_storaiteller_with_one_is_brought_up_to_date_without_loss(
    path: Path, server: Server
) -> None:
    """Its rows, as that one wrote them, with a text that has all kinds of characters."""
    texts = ODD.encode(), b"Twice."
    digests = [hashlib.sha256(each).digest() for each in texts]
    for url in (f"sqlite:///{path}", server.url(server.new_database())):
        path.parent.mkdir(exist_ok=True)
        engine = create_engine(url)
        with engine.begin() as connection:
            config = upgrading._config()
            config.attributes["connection"] = connection
            command.upgrade(config, "0001")
            for table, rows in first_rows(texts, digests).items():
                names = ", ".join(rows[0])
                values = ", ".join(f":{name}" for name in rows[0])
                connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({values})"), rows)
            search.index(connection, 1, "The fox", ODD)
        engine.dispose()
        with closing(Library(url)) as library:
            story = library.get("a" * 32)
            assert (story.text, story.tags, story.settings, story.origins) == (ODD, ("sea",), {"a": 1}, None)
            assert [library.version(story.id, each).text for each in (1, 2)] == [ODD, "Twice."]
            assert {library.version(story.id, each).origins for each in (1, 2)} == {None}
            assert library.page(query="upon tim").total == 1
            assert library.passages.of(story.id) == []
            assert library.favourites.all() == []
            assert library.save(story.id, 3, origins=((len(ODD), "writer"),)).revision == 4
            assert library.keep_version(story.id, "pause").number == 3
            library.trash(story.id)
            assert library.empty_trash() == 1


def first_rows(texts: Sequence[bytes], digests: Sequence[bytes]) -> dict[str, list[dict[str, Any]]]:
    """What the first revision has of one story with two versions and a tag."""
    at = "2026-11-22 17:30:05.123456+00:00"
    story = {
        "key": 1, "id": "a" * 32, "title": "The fox", "title_order": "the fox", "excerpt": "Once.",
        "words": 5, "settings": '{"a": 1}', "created_at": at, "updated_at": at, "revision": 3,
    }  # fmt: skip
    return {
        "stories": [story],
        "story_texts": [{"story": 1, "text": texts[0].decode()}],
        "contents": [
            {"digest": digest, "compressed": zlib.compress(each)}
            for digest, each in zip(digests, texts, strict=True)
        ],
        "versions": [
            {"story": 1, "number": number, "at": at, "reason": "pause", "words": 5, "digest": digest}
            for number, digest in enumerate(digests, start=1)
        ],
        "tags": [{"key": 1, "folded": "sea", "name": "sea"}],
        "story_tags": [{"story": 1, "tag": 1}],
    }


def not_of_the_index(name: str | None, kind: str, parents: object) -> bool:
    """Every kind of database has that in its own way."""
    return not (name or "").startswith("story_words")


def test_a_library_of_a_newer_storaiteller_is_left_alone(url: str) -> None:
    with closing(Library(url)) as library:
        story = library.create(text="Once")
    set_revision(url, "9999_of_the_future")
    with closing(Library(url)) as library:
        for attempt in (library.open, library.page, lambda: library.save(story.id, 1, text="x")):
            with pytest.raises(LibraryNewerError, match="newer StorAIteller, and was left as it is"):
                attempt()
    set_revision(url, upgrading.known_revisions()[0])
    with closing(Library(url)) as library:
        assert library.get(story.id) == story


def set_revision(url: str, revision: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        statement = text(f"UPDATE {upgrading.VERSION_TABLE} SET version_num = :revision")
        connection.execute(statement, {"revision": revision})
    engine.dispose()


def test_a_newer_file_stays_as_it_is_to_the_byte(path: Path) -> None:
    with_a_story(path)
    set_revision(f"sqlite:///{path}", "9999")
    before = path.read_bytes()
    with pytest.raises(LibraryNewerError), opened(path):
        pass
    assert path.read_bytes() == before


# --- what is not ours, or damaged -----------------------------------------------------------------


def test_a_database_of_another_program_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as foreign:
        foreign.execute("CREATE TABLE recipes (name)")
    before = path.read_bytes()
    with pytest.raises(LibraryError, match="another program, so it was left as it is"), opened(path):
        pass
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    "content", [b"Once upon a\n" * 99, b"\0" * 8192, b"PK\3\4" + b"\1" * 600, b"x", b"SQLi"]
)
def test_a_file_that_is_no_database_is_said_and_left_alone(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(LibraryError, match=r"library\.db\) is damaged.*Nothing was changed"), opened(path):
        pass
    assert path.read_bytes() == content


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_a_library_cut_off_is_said(path: Path, kept: float) -> None:
    with_a_story(path)
    whole = path.read_bytes()
    cut = whole[: int(len(whole) * kept)]
    path.write_bytes(cut)
    with pytest.raises(LibraryError, match="backup"), opened(path) as library:
        exported(library)
    assert path.read_bytes() == cut
    path.write_bytes(whole)
    with opened(path) as library:
        assert library.page().total == 1


def test_a_folder_where_the_library_should_be_is_said(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(LibraryError, match="it is a folder"), opened(path):
        pass


def test_a_file_where_the_folder_should_be_is_said(path: Path) -> None:
    path.parent.touch()
    with pytest.raises(LibraryError, match=str(path)), opened(path):
        pass


# --- held, read only, full ------------------------------------------------------------------------

CHANGES: list[Callable[[Library, str], Any]] = [
    lambda library, story: library.create(text="new " * 5_000, reason="generation"),
    lambda library, story: library.save(story, 1, text="changed " * 5_000),
    lambda library, story: library.create(text="tagged", tags=[f"tag {n} {'x' * 40}" for n in range(50)]),
]


def test_a_library_that_another_program_holds_is_said(path: Path) -> None:
    story = with_a_story(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        with opened(path, patience=0.01) as library:
            other.execute("BEGIN IMMEDIATE")
            for change in CHANGES:
                with pytest.raises(LibraryError, match="held by another program, so nothing was changed"):
                    change(library, story)
            assert library.get(story).text == "kept"  # reading waits for nobody
        with pytest.raises(LibraryError, match="held by another program"), opened(path, patience=0.01):
            pass
        other.execute("ROLLBACK")
    with opened(path) as library:
        assert library.save(story, 1, text="changed").revision == 2


def test_a_change_waits_for_the_one_before_it(path: Path) -> None:
    story = with_a_story(path)
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    with closing(other), opened(path) as library:
        other.execute("BEGIN IMMEDIATE")

        def let_go(*_: object) -> None:
            other.execute("ROLLBACK")

        event.listen(Engine, "begin", let_go, once=True)  # before ours is sent
        assert library.save(story, 1, text="changed").text == "changed"


def test_a_file_that_may_not_be_written_is_said() -> None:
    with open_folder() as folder:
        path = folder / "library.db"
        with_a_story(path)
        path.chmod(0o444)
        before = path.read_bytes()
        with as_nobody(), pytest.raises(LibraryReadOnlyError, match="Allow writing"), opened(path):
            pass
        assert path.read_bytes() == before


def test_a_folder_that_may_not_be_written_is_said() -> None:
    with open_folder() as folder:
        folder.chmod(0o555)
        with as_nobody(), pytest.raises(LibraryReadOnlyError, match="Allow writing") as caught:
            Library(f"sqlite:///{folder}/library.db").open()
        assert str(folder) in caught.value.message
        assert list(folder.iterdir()) == []


def test_a_folder_that_may_not_be_written_any_more_is_said() -> None:
    with open_folder() as folder:
        path = folder / "library.db"
        with_a_story(path)
        path.chmod(0o666)
        folder.chmod(0o555)
        before = path.read_bytes()
        with as_nobody(), pytest.raises(LibraryReadOnlyError, match="Allow writing"), opened(path):
            pass
        assert path.read_bytes() == before


def test_a_full_disk_is_said_and_changes_nothing(path: Path) -> None:
    story = with_a_story(path)
    with closing(sqlite3.connect(path)) as connection:
        [pages] = connection.execute("PRAGMA page_count").fetchone()
    with each_connection(f"PRAGMA max_page_count = {pages}"), opened(path) as library:
        before = exported(library)
        for change in CHANGES[:2]:
            with pytest.raises(LibraryFullError, match="Make room there and try again"):
                change(library, story)
        assert exported(library) == before
        assert library.page(query="new").total == library.page(query="changed").total == 0
        library.trash(story)
        library.delete(story)  # which makes room
        assert library.create(text="again").text == "again"


def test_a_new_library_on_a_full_disk_is_said_and_made_later(path: Path) -> None:
    with (
        each_connection("PRAGMA max_page_count = 3"),
        pytest.raises(LibraryFullError, match="no room"),
        opened(path),
    ):
        pass
    assert with_a_story(path)


def test_a_real_limit_on_the_file_loses_nothing(path: Path) -> None:
    """The kernel itself refuses here, in the midst of a write (EFBIG; Python ignores SIGXFSZ)."""
    story = with_a_story(path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with opened(path) as library:
        library.save(story, 1, title="so that there is a log to write to")
        size = path.with_name("library.db-wal").stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 5_000, hard))
        try:
            with pytest.raises(LibraryError, match="Nothing was changed"):
                library.save(story, 2, text="changed " * 5_000)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert library.get(story).text == "kept"
        assert library.save(story, 2, text="changed").revision == 3
    with opened(path) as library:
        assert library.get(story).text == "changed"


# --- programs that die ----------------------------------------------------------------------------

SAVES_WITHOUT_END = """
import itertools, sys
from storaiteller.library.library import Library

library, story_id = Library(sys.argv[1]), sys.argv[2]
story = library.get(story_id)
for revision in itertools.count(story.revision):
    now = f"revision {revision + 1} "
    story = library.save(story_id, revision, text=now * 3_000, tags=[now])
    library.keep_version(story_id, "pause")
    print(story.revision, flush=True)
"""


def test_kill_9_in_mid_save_loses_nothing_that_was_acknowledged(library: Library, url: str) -> None:
    chance = random.Random(4)
    story = library.create(text="revision 1 " * 3_000)
    library.close()
    for _ in range(6):
        command = [sys.executable, "-c", SAVES_WITHOUT_END, url, story.id]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            acknowledged = [child.stdout.readline().strip() for _ in range(chance.randrange(1, 4))]
            with suppress(subprocess.TimeoutExpired):
                child.wait(timeout=chance.random() / 40)
            child.send_signal(signal.SIGKILL)
            acknowledged += child.stdout.read().split()
        found = library.get(story.id)
        assert found.revision >= int(acknowledged[-1])
        assert found.text == f"revision {found.revision} " * 3_000
        assert found.tags == (f"revision {found.revision}",)
        assert [each.id for each in library.page(query=f"{found.revision}").stories] == [story.id]
        [newest, *_] = library.versions(story.id)
        assert re.fullmatch(r"(revision \d+ )\1{2999}", library.version(story.id, newest.number).text)
        library.close()


# --- addresses ------------------------------------------------------------------------------------


def test_the_library_is_in_the_data_folder_unless_said_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Config(data_dir=Path("data")).library_url == f"sqlite:///{tmp_path}/data/library.db"
    monkeypatch.setenv("STORAITELLER_DATABASE_URL", "postgresql://ada:secret@host/stories")
    config = Config()
    assert config.library_url == "postgresql://ada:secret@host/stories"
    assert "secret" not in repr(config)


@pytest.mark.parametrize(
    "url", ["", "sqlite://", "sqlite:///", "mysql://host/x", "library.db", "://", "http://x"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(
        ConfigError, match=r"sqlite:////folder/library\.db or postgresql://host/name"
    ) as caught:
        Library(url)
    assert caught.value.field == "database_url"


# --- PostgreSQL -----------------------------------------------------------------------------------


@pytest.fixture
def postgresql(server: Server) -> Iterator[Library]:
    with closing(Library(server.emptied(), patience=0.01)) as library:
        yield library


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2"])
def test_every_way_of_naming_postgresql_is_understood(server: Server, scheme: str) -> None:
    with closing(Library(server.emptied().replace("postgresql+psycopg", scheme))) as library:
        assert library.page().total == 0


def test_a_server_that_is_not_there_is_said_without_the_password() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        url = f"postgresql://ada:secret@127.0.0.1:{taken.getsockname()[1]}/stories"
        with pytest.raises(LibraryError, match="does not answer as it should") as caught:
            Library(url).open()
    assert "127.0.0.1" in caught.value.message
    assert "secret" not in caught.value.message


@pytest.mark.parametrize(
    ("code", "error", "told"),
    [
        ("53100", LibraryFullError, "Make room there"),
        ("25006", LibraryReadOnlyError, "Allow writing"),
        ("42501", LibraryReadOnlyError, "Allow writing"),
        ("55P03", LibraryError, "held by another program"),
        ("XX001", LibraryError, "is damaged"),
        ("XX000", LibraryError, "does not answer as it should: as told"),
    ],
)
def test_what_the_server_says_is_told_in_the_writers_words(
    server: Server, postgresql: Library, code: str, error: type[LibraryError], told: str
) -> None:
    """The server says so from within the statement, as it does when its disk is full."""
    story = postgresql.create(text="kept")
    engine = create_engine(server.emptied_url)
    raising = f"BEGIN RAISE EXCEPTION 'as told' USING ERRCODE = '{code}'; END"
    with engine.begin() as connection:
        connection.execute(
            text(f"CREATE FUNCTION trouble() RETURNS trigger LANGUAGE plpgsql AS $${raising}$$")
        )
        connection.execute(
            text("CREATE TRIGGER trouble BEFORE UPDATE ON story_texts EXECUTE FUNCTION trouble()")
        )
    try:
        with pytest.raises(error, match=told) as caught:
            postgresql.save(story.id, 1, text="changed", tags=["new"])
        assert type(caught.value) is error
        assert postgresql.get(story.id) == story
    finally:
        with engine.begin() as connection:
            connection.execute(text("DROP FUNCTION trouble CASCADE"))
        engine.dispose()


def test_a_database_that_may_only_be_read_is_said(server: Server) -> None:
    url = server.url(server.new_database())
    library = Library(f"{url}&options=-cdefault_transaction_read_only%3Don")
    with pytest.raises(LibraryReadOnlyError, match="Allow writing"):
        library.open()


def test_a_server_that_was_started_anew_is_found_again(server: Server, postgresql: Library) -> None:
    story = postgresql.create(text="kept")
    server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'library_%'")
    assert postgresql.get(story.id) == story


def test_a_change_that_waits_too_long_for_another_is_said(server: Server, postgresql: Library) -> None:
    story = postgresql.create(text="kept")
    engine = create_engine(server.emptied_url)
    with engine.begin() as other:
        other.execute(text("LOCK TABLE stories IN EXCLUSIVE MODE"))
        with pytest.raises(LibraryError, match="held by another program"):
            postgresql.save(story.id, 1, text="changed")
        assert postgresql.get(story.id) == story
    engine.dispose()
    assert postgresql.save(story.id, 1, text="changed").revision == 2
