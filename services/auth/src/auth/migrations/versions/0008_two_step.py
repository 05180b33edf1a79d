"""Signing in in two steps: what makes the codes, and codes for whoever has lost it."""

from alembic import op

from kit.migrations import grant

revision = "0008"
down_revision = "0007"

# `sealed` is read with a key that the database does not hold; `last_step` is the last that let in.
TABLES = """
CREATE TABLE totp_devices (
    user_id uuid NOT NULL,
    key_id text NOT NULL,
    sealed bytea NOT NULL,
    last_step bigint NOT NULL DEFAULT 0,
    confirmed_at timestamptz,
    PRIMARY KEY (user_id),
    FOREIGN KEY(user_id) REFERENCES users (id)
);
CREATE TABLE recovery_codes (
    user_id uuid NOT NULL,
    code_hash bytea NOT NULL,
    PRIMARY KEY (user_id, code_hash),
    FOREIGN KEY(user_id) REFERENCES users (id)
);
"""


def upgrade() -> None:
    op.execute(TABLES)
    grant(op, "totp_devices", system="SELECT, INSERT, UPDATE, DELETE")
    grant(op, "recovery_codes", system="SELECT, INSERT, DELETE")
