"""What Alembic runs; the connection, in its transaction, is handed over by ``upgrading``."""

from __future__ import annotations

from alembic import context

from storaiteller.library.schema import metadata
from storaiteller.library.upgrading import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
)
with context.begin_transaction():
    context.run_migrations()
