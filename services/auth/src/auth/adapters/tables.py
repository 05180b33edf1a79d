"""The tables of auth: for migrations, and to write statements with."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.schema import SchemaItem

metadata = MetaData()


def _instant(name: str, *, optional: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=optional)


# People belong to no workspace: these tables have no row-level security and only the system role
# may touch them (tests/integration/test_workspaces.py has the list and the reasons).
users = Table(
    "users",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("email", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("password_hash", Text),  # none for somebody who only signs in elsewhere
    Column("locale", Text, nullable=False),
    _instant("email_verified_at", optional=True),
    _instant("created_at"),
)

# A sign-in elsewhere is known by issuer and subject, never by its e-mail address.
identities = Table(
    "identities",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False, index=True),
    _instant("linked_at"),
    Column("email", Text, nullable=False, server_default=""),  # there and then, to be told apart
)

# A sign-in on its way, sealed with a secret that only who began it holds.
sign_in_flows = Table(
    "sign_in_flows",
    metadata,
    Column("secret_hash", LargeBinary, primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    _instant("expires_at"),
    Index("ix_sign_in_flows_expires_at", "expires_at"),
)

one_time_tokens = Table(
    "one_time_tokens",
    metadata,
    Column("secret_hash", LargeBinary, primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False, index=True),
    _instant("expires_at"),
    _instant("used_at", optional=True),
)

# What makes the codes of somebody's second step; its secret is sealed with a key that is not here.
totp_devices = Table(
    "totp_devices",
    metadata,
    Column("user_id", Uuid, ForeignKey("users.id"), primary_key=True),
    Column("key_id", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("last_step", BigInteger, nullable=False, server_default="0"),
    _instant("confirmed_at", optional=True),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("user_id", Uuid, ForeignKey("users.id"), primary_key=True),
    Column("code_hash", LargeBinary, primary_key=True),
)

attempts = Table(
    "attempts",
    metadata,
    Column("bucket", LargeBinary, primary_key=True),
    Column("count", Integer, nullable=False),
    _instant("window_started_at"),
)

workspaces = Table(
    "workspaces",
    metadata,
    Column("workspace_id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    _instant("created_at"),
    _instant("erase_at", optional=True),  # closed until then
    _instant("warned_at", optional=True),
    Index("ix_workspaces_erase_at", "erase_at", postgresql_where=text("erase_at IS NOT NULL")),
)

# Of a workspace's own; the built-in ones are in the code.
custom_roles = Table(
    "custom_roles",
    metadata,
    Column("workspace_id", Uuid, ForeignKey("workspaces.workspace_id"), primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("base", Text, nullable=False),
    Column("permissions", ARRAY(Text), nullable=False),
    Index("ix_custom_roles_name", "workspace_id", text("lower(name)"), unique=True),
)


def _custom_role(table: str) -> tuple[SchemaItem, ...]:
    """None for a built-in role."""
    return (
        Column("custom_role_id", Uuid),
        ForeignKeyConstraint(
            ["workspace_id", "custom_role_id"],
            ["custom_roles.workspace_id", "custom_roles.id"],
            name=f"fk_{table}_custom_role",
        ),
        Index(
            f"ix_{table}_custom_role",
            *("workspace_id", "custom_role_id"),
            postgresql_where=text("custom_role_id IS NOT NULL"),
        ),
    )


members = Table(
    "members",
    metadata,
    Column("workspace_id", Uuid, ForeignKey("workspaces.workspace_id"), primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id"), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("role", Text, nullable=False),
    _instant("joined_at"),
    Column("visibility", Text, nullable=False, server_default="all"),
    Column("team", Text, nullable=False, server_default=""),
    *_custom_role("members"),
    Index("ix_members_user_id", "user_id"),
    CheckConstraint("visibility IN ('own', 'team', 'all')", name="ck_members_visibility"),
)

invitations = Table(
    "invitations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("workspace_id", Uuid, ForeignKey("workspaces.workspace_id"), nullable=False),
    Column("email", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("secret_hash", LargeBinary, nullable=False, unique=True),
    Column("invited_by", Uuid, nullable=False),
    _instant("expires_at"),
    _instant("accepted_at", optional=True),
    *_custom_role("invitations"),
    Index("ix_invitations_workspace_id", "workspace_id", "id"),
    Index("ix_invitations_email", "email"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("workspace_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("device", Text, nullable=False),
    _instant("created_at"),
    _instant("last_seen_at"),
    _instant("ended_at", optional=True),
    Column("api_key_id", Uuid),  # of a program's; outlives the key, so that its end can be told
    # Whoever leaves a workspace takes the sessions along.
    ForeignKeyConstraint(["user_id"], ["users.id"]),
    Index("ix_sessions_user_id", "user_id", "id"),
    Index("ix_sessions_ended_at", "ended_at"),
    Index("ix_sessions_api_key_id", "api_key_id", postgresql_where=text("api_key_id IS NOT NULL")),
)

# Keys for programs; the key itself is never kept.
api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("workspace_id", Uuid, ForeignKey("workspaces.workspace_id"), nullable=False),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("secret_hash", LargeBinary, nullable=False, unique=True),
    Column("read_only", Boolean, nullable=False),
    _instant("created_at"),
    _instant("expires_at", optional=True),
    _instant("last_used_at", optional=True),
    Index("ix_api_keys_owner", "workspace_id", "user_id", "id"),
    Index("ix_api_keys_expires_at", "expires_at"),
)

# Read, written by a consumer, never changed: only whoever deletes their account takes along what
# names them.
audit_entries = Table(
    "audit_entries",
    metadata,
    Column("workspace_id", Uuid, primary_key=True),
    Column("event_id", Uuid, primary_key=True),
    Column("type", Text, nullable=False),
    Column("subject_id", Uuid, nullable=False),
    Column("actor_id", Uuid),
    Column("version", Integer, nullable=False),
    Column("bulk_id", Uuid),
    _instant("happened_at"),
    _instant("recorded_at"),
    Column("address", Text, nullable=False, server_default=""),  # as the gateway saw it
    Column("detail", Text, nullable=False, server_default=""),
    Index("ix_audit_entries_actor", "workspace_id", "actor_id", "event_id"),
    Index("ix_audit_entries_subject", "workspace_id", "subject_id", "event_id"),
)

# Who deleted their account, until their lines of the audit log name no address any more.
former_members = Table(
    "former_members",
    metadata,
    Column("workspace_id", Uuid, primary_key=True),
    Column("user_id", Uuid, primary_key=True),
    _instant("deleted_at"),
)

# Who was removed, and as of which version: whoever comes back goes on behind it, since the other
# services take no older one for news.
left_members = Table(
    "left_members",
    metadata,
    Column("workspace_id", Uuid, primary_key=True),
    Column("user_id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("secret_hash", LargeBinary, primary_key=True),
    Column("session_id", Uuid, ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False),
    _instant("expires_at"),
    _instant("used_at", optional=True),
    Column("sealed_successor", LargeBinary),
    Index("ix_refresh_tokens_session_id", "session_id"),
)
