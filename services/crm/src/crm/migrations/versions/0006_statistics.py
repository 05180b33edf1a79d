"""Fresh statistics after an import.

Until autovacuum comes round, the planner takes a table that has just been filled for an empty one
and reads a whole workspace where it wants one row. ANALYZE belongs to a table's owner.
"""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """A function that the app role may call."""
    op.execute("""
        CREATE FUNCTION refresh_statistics() RETURNS void
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
        BEGIN
            ANALYZE clients, deals, deal_history, activities;
        END $$;
        REVOKE ALL ON FUNCTION refresh_statistics() FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION refresh_statistics() TO crm_app;
    """)
