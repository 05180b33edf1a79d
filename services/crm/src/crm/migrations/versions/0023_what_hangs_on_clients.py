"""How many records hang on a client or came with a merge, whoever may see them.

Beside a client's own deals, activities and people: the deals whose contact it is.
"""

from alembic import op

revision = "0023"
down_revision = "0022"

WORKSPACE = "nullif(current_setting('ff.workspace', true), '')::uuid"


def upgrade() -> None:
    """Functions that the app role may call; they look into the caller's workspace only."""
    op.execute(f"""
        CREATE OR REPLACE FUNCTION records_of_client(asked UUID) RETURNS BIGINT
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
        DECLARE
            workspace UUID := {WORKSPACE};
        BEGIN
            RETURN (SELECT count(*) FROM deals
                    WHERE workspace_id = workspace AND client_id = asked AND deleted_at IS NULL)
                + (SELECT count(*) FROM activities
                    WHERE workspace_id = workspace AND client_id = asked AND deleted_at IS NULL)
                + (SELECT count(*) FROM clients
                    WHERE workspace_id = workspace AND parent_id = asked AND deleted_at IS NULL)
                + (SELECT count(*) FROM deal_contacts c JOIN deals d
                    ON d.workspace_id = workspace AND d.id = c.deal_id AND d.deleted_at IS NULL
                    WHERE c.workspace_id = workspace AND c.client_id = asked);
        END $$;
        CREATE FUNCTION records_of_merge(kept UUID, gone UUID, moved UUID[]) RETURNS BIGINT
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
        DECLARE
            workspace UUID := {WORKSPACE};
        BEGIN
            RETURN (SELECT count(*) FROM deals WHERE workspace_id = workspace
                    AND id = ANY(moved) AND client_id = kept AND deleted_at IS NULL)
                + (SELECT count(*) FROM activities WHERE workspace_id = workspace
                    AND id = ANY(moved) AND client_id = kept AND deleted_at IS NULL)
                + (SELECT count(*) FROM clients WHERE workspace_id = workspace
                    AND id = ANY(moved) AND parent_id = kept AND deleted_at IS NULL)
                + (SELECT count(*) FROM deal_contacts c JOIN deals d
                    ON d.workspace_id = workspace AND d.id = c.deal_id AND d.deleted_at IS NULL
                    WHERE c.workspace_id = workspace AND c.client_id = kept
                    AND c.deal_id = ANY(moved))
                + (SELECT count(*) FROM clients WHERE workspace_id = workspace AND id = gone);
        END $$;
        REVOKE ALL ON FUNCTION records_of_merge(UUID, UUID, UUID[]) FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION records_of_merge(UUID, UUID, UUID[]) TO crm_app;
    """)
