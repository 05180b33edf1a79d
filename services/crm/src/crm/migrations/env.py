"""Alembic's entrance."""

from kit.migrations import run_migrations

run_migrations()
