"""Who stands above a company, whoever may see it.

Whether a company would stand under itself is decided with all that is above it, also with what the
caller does not see. Where companies stand is changed by one transaction of a workspace at a time:
two that each put one under the other would both find nothing wrong.
"""

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """A function that the app role may call; it looks into the caller's workspace only."""
    op.execute("""
        CREATE FUNCTION company_lines(asked UUID[]) RETURNS TABLE (id UUID, parent_id UUID)
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
        DECLARE
            workspace UUID := nullif(current_setting('ff.workspace', true), '')::uuid;
        BEGIN
            IF workspace IS NULL THEN RETURN; END IF;
            PERFORM pg_advisory_xact_lock(hashtextextended('company_lines', 0)
                # hashtextextended(workspace::text, 0));
            RETURN QUERY
            WITH RECURSIVE line AS (
                SELECT found.id, found.parent_id FROM clients found
                WHERE found.workspace_id = workspace AND found.id = ANY (asked)
                UNION
                SELECT found.id, found.parent_id FROM line
                JOIN clients found ON found.workspace_id = workspace AND found.id = line.parent_id
            )
            SELECT line.id, line.parent_id FROM line;
        END $$;
        REVOKE ALL ON FUNCTION company_lines(UUID[]) FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION company_lines(UUID[]) TO crm_app;
    """)
