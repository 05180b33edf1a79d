"""The tables of notify: for migrations, and to write statements with."""

from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    Uuid,
    false,
)

metadata = MetaData()


recipients = Table(
    "recipients",
    metadata,
    Column("workspace_id", Uuid, primary_key=True),
    Column("user_id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("email", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("locale", Text, nullable=False),
    Column("visibility", Text, nullable=False, server_default="all"),
    Column("team", Text, nullable=False, server_default=""),
    Column("permissions", ARRAY(Text)),  # NULL until auth has told
    # A member who left stays as a tombstone: an older event must not bring them back.
    Column("removed_at", DateTime(timezone=True)),
)

# What somebody has chosen; a kind without a row is told as usual.
preferences = Table(
    "preferences",
    metadata,
    Column("workspace_id", Uuid, primary_key=True),
    Column("user_id", Uuid, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("in_app", Boolean, nullable=False),
    Column("by_mail", Boolean, nullable=False),
    Column("digest", Boolean, nullable=False, server_default=false()),
)

# Who is told of their own changes, or not; without a row one is not.
own_changes = Table(
    "own_changes",
    metadata,
    Column("workspace_id", Uuid, primary_key=True),
    Column("user_id", Uuid, primary_key=True),
    Column("muted", Boolean, nullable=False),
)

workspaces = Table(
    "workspaces",
    metadata,
    Column("workspace_id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("name", Text, nullable=False, server_default=""),
)

# What waits for its reader's next digest, in words.
digest_items = Table(
    "digest_items",
    metadata,
    Column("workspace_id", Uuid, primary_key=True),
    Column("user_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("page", Text, nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Index("ix_digest_items_due", "due_at"),
)

# Whose digest of which day is made: the key is what makes it once.
digests = Table(
    "digests",
    metadata,
    Column("workspace_id", Uuid, primary_key=True),
    Column("user_id", Uuid, primary_key=True),
    Column("day", Date, primary_key=True),
)

notifications = Table(
    "notifications",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("workspace_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("target_kind", Text, nullable=False),
    Column("target_id", Uuid),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("read_at", DateTime(timezone=True)),
    Index("ix_notifications_inbox", "workspace_id", "user_id", "id"),
)

mails = Table(
    "mails",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("workspace_id", Uuid, nullable=False),
    Column("to_address", Text, nullable=False),
    Column("to_name", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("html", Text, nullable=False),
    Column("unsubscribe", Text, nullable=False, server_default=""),  # a link, where there is one
    Column("status", Text, nullable=False),  # queued, sent or failed
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", DateTime(timezone=True), nullable=False),
    Column("error", Text),
    Column("queued_at", DateTime(timezone=True), nullable=False),
    Column("sent_at", DateTime(timezone=True)),
    Index("ix_mails_due", "status", "next_attempt_at"),
)
