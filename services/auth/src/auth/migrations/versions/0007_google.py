"""Signing in with Google: what a browser has begun, and the address an account had there."""

from alembic import op

from kit.migrations import grant

revision = "0007"
down_revision = "0006"

# `sealed` can be read with the secret alone, which is not kept.
FLOWS = """
CREATE TABLE sign_in_flows (
    secret_hash bytea NOT NULL,
    purpose text NOT NULL,
    sealed bytea NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (secret_hash)
);
CREATE INDEX ix_sign_in_flows_expires_at ON sign_in_flows (expires_at);
ALTER TABLE identities ADD COLUMN email text NOT NULL DEFAULT '';
"""


def upgrade() -> None:
    op.execute(FLOWS)
    grant(op, "sign_in_flows", system="SELECT, INSERT, DELETE")
