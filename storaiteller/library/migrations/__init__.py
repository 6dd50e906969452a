"""How a library of an earlier StorAIteller becomes one of this: Alembic's scripts, which ``open`` runs."""
