"""A library's tables, made at once: only the first library is migrated, and the others copy its tables.

The migrations themselves are tested in ``library/test_database.py``, which does not use this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, text

from storaiteller.library import upgrading

_Statements = list[tuple[str, tuple[object, ...]]]
_made: _Statements = []


@contextmanager
def copied_tables() -> Iterator[None]:
    """Meanwhile an empty SQLite database gets its tables from the first one that was migrated."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(upgrading, "upgrade", _copying(upgrading.upgrade))
        yield


def _copying(upgrade: Callable[[Connection], None]) -> Callable[[Connection], None]:
    def copy(connection: Connection) -> None:
        if connection.dialect.name != "sqlite" or _schema_of(connection):
            upgrade(connection)
        elif _made:
            for statement, values in _made:
                connection.exec_driver_sql(statement, values)
        else:
            upgrade(connection)
            _made.extend(_schema_of(connection))
            for row in connection.execute(text(f"SELECT * FROM {upgrading.VERSION_TABLE}")):
                _made.append((f"INSERT INTO {upgrading.VERSION_TABLE} VALUES (?)", tuple(row)))

    return copy


def _schema_of(connection: Connection) -> _Statements:
    """All that makes the tables but the parts of a search index, which it makes by itself."""
    query = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid"
    rows = [(str(name), str(sql)) for name, sql in connection.execute(text(query))]
    indexes = tuple(f"{name}_" for name, sql in rows if sql.startswith("CREATE VIRTUAL TABLE"))
    return [(sql, ()) for name, sql in rows if not name.startswith(indexes)]
