"""Files that came in, and what was wrong with them."""

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)

from crm.adapters.tables.base import instant, metadata, points_to

imports = Table(
    "imports",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("workspace_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("resource", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("file_id", Uuid, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("total_rows", Integer, nullable=False),
    Column("done_rows", Integer, nullable=False, server_default=text("0")),
    Column("created_rows", Integer, nullable=False, server_default=text("0")),
    Column("skipped_rows", Integer, nullable=False, server_default=text("0")),
    Column("failed_rows", Integer, nullable=False, server_default=text("0")),
    Column("job_id", Uuid),
    Column("error", Text, nullable=False, server_default=text("''")),
    Column("created_by", Uuid, nullable=False),
    instant("created_at", nullable=False),
    instant("finished_at"),
    PrimaryKeyConstraint("workspace_id", "id"),
)
Index("ix_imports_list", imports.c.workspace_id, imports.c.created_at.desc(), imports.c.id.desc())

import_errors = Table(
    "import_errors",
    metadata,
    Column("workspace_id", Uuid, nullable=False),
    Column("import_id", Uuid, nullable=False),
    Column("row", Integer, nullable=False),
    Column("column", Text, nullable=False),
    Column("message", Text, nullable=False),
    PrimaryKeyConstraint("workspace_id", "import_id", "row", "column"),
    points_to("imports", "import_id"),
)
