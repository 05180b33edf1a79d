"""Files that came in, and what was wrong with them."""

from sqlalchemy import (
    ARRAY,
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
from sqlalchemy.dialects.postgresql import JSONB

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
    Column("updated_rows", Integer, nullable=False, server_default=text("0")),
    # How the file is read (domain.imports.Settings); its columns with header, samples, guess; the
    # field of each; and what the dry run found, while it holds.
    Column("settings", JSONB, nullable=False, server_default=text("'{}'")),
    Column("columns", JSONB, nullable=False, server_default=text("'[]'")),
    Column("fields", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("checked", JSONB),
    Column("reverted_records", Integer, nullable=False, server_default=text("0")),
    Column("kept_records", Integer, nullable=False, server_default=text("0")),
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
    Column("value", Text, nullable=False, server_default=text("''")),
    PrimaryKeyConstraint("workspace_id", "import_id", "row", "column"),
    points_to("imports", "import_id"),
)

# What rows brought, changed, or were recognised as. `version` is the record's when the row was done
# with it: a revert leaves alone what has another one by then. `before` is what it puts back.
import_rows = Table(
    "import_rows",
    metadata,
    Column("workspace_id", Uuid, nullable=False),
    Column("import_id", Uuid, nullable=False),
    Column("row", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("record_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("matched_by", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("before", JSONB),
    PrimaryKeyConstraint("workspace_id", "import_id", "row", "kind"),
    points_to("imports", "import_id"),
)
Index(
    "ix_import_rows_record",
    import_rows.c.workspace_id,
    import_rows.c.import_id,
    import_rows.c.record_id,
)
