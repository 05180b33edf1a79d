"""What every table of analytics is made with."""

from sqlalchemy import Column, DateTime, MetaData

metadata = MetaData()


def instant(name: str, *, optional: bool = False) -> "Column[object]":
    """A point in time."""
    return Column(name, DateTime(timezone=True), nullable=optional)
