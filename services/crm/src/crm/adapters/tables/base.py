"""What every table of crm has in common."""

from typing import Any

from sqlalchemy import Column, DateTime, ForeignKeyConstraint, MetaData, func

metadata = MetaData()


def instant(name: str, **options: Any) -> Column[Any]:
    """An aware point in time."""
    return Column(name, DateTime(timezone=True), **options)


def recorded() -> Column[Any]:
    """When we learnt it; business time is another column."""
    return instant("recorded_at", nullable=False, server_default=func.now())


def points_to(table: str, column: str) -> ForeignKeyConstraint:
    """A reference that cannot leave the workspace."""
    return ForeignKeyConstraint(["workspace_id", column], [f"{table}.workspace_id", f"{table}.id"])
