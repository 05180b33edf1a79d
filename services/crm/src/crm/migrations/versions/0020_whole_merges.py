"""How many records hang on a client, whoever may see them.

A merge moves them all; who sees only some of them cannot, and is told that there are others.
"""

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """A function that the app role may call; it looks into the caller's workspace only."""
    op.execute("""
        CREATE FUNCTION records_of_client(asked UUID) RETURNS BIGINT
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
        DECLARE
            workspace UUID := nullif(current_setting('ff.workspace', true), '')::uuid;
        BEGIN
            RETURN (SELECT count(*) FROM deals
                    WHERE workspace_id = workspace AND client_id = asked AND deleted_at IS NULL)
                + (SELECT count(*) FROM activities
                    WHERE workspace_id = workspace AND client_id = asked AND deleted_at IS NULL)
                + (SELECT count(*) FROM clients
                    WHERE workspace_id = workspace AND parent_id = asked AND deleted_at IS NULL);
        END $$;
        REVOKE ALL ON FUNCTION records_of_client(UUID) FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION records_of_client(UUID) TO crm_app;
    """)
