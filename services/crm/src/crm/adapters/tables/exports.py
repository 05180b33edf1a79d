"""Files that go out."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from crm.adapters.tables.base import instant, metadata

# `request` is the list as it was asked for; `sight` whose records its maker saw then: who sees less
# by now does not get the file.
exports = Table(
    "exports",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("workspace_id", Uuid, nullable=False),
    Column("resource", Text, nullable=False),
    Column("format", Text, nullable=False),
    Column("request", JSONB, nullable=False),
    Column("columns", ARRAY(Text), nullable=False),
    Column("raw", Boolean, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("total_rows", Integer, nullable=False),
    Column("rows", Integer, nullable=False, server_default=text("0")),
    Column("size", BigInteger, nullable=False, server_default=text("0")),
    Column("job_id", Uuid, nullable=False),
    Column("file_id", Uuid),
    Column("sight", Text, nullable=False),
    Column("created_by", Uuid, nullable=False),
    instant("created_at", nullable=False),
    instant("finished_at"),
    instant("expires_at"),
    PrimaryKeyConstraint("workspace_id", "id"),
)
Index(
    "ix_exports_list",
    exports.c.workspace_id,
    exports.c.created_by,
    exports.c.created_at.desc(),
    exports.c.id.desc(),
)
