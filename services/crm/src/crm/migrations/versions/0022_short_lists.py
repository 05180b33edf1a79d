"""What was written lately is in order soon: a search reads through all of it, each time.

It waits in a list of each index, and whoever makes the list too long puts it in order while a
person waits for them. At 1 MB that was half of a search's work and the slowest of a hundred new
deals. It is as short as can be now; only where many records come at once, as in an import, it grows
as before, for then it costs less for each.
"""

from alembic import op

revision = "0022"
down_revision = "0021"

SHORT, LONG = "64kB", "1MB"  # the first is the least there can be

DEAL = """concat_ws(' ', next_step, source, external_id, array_to_string(tags, ' '))"""
# A telephone number is also found without its blanks.
CLIENT = """concat_ws(' ', array_to_string(emails, ' '), array_to_string(phones, ' '),
        translate(regexp_replace(array_to_string(phones, ';'), '[^0-9;]', '', 'g'), ';', ' '),
        website, address, external_id, array_to_string(tags, ' '))"""
ACTIVITY = "left(body, 2000)"
KEPT = (  # table, kind, title, what else can be found, deal, client
    ("deals", "deal", "name", DEAL, "NULL::uuid", "client_id"),
    ("clients", "client", "name", CLIENT, "NULL::uuid", "id"),
    ("activities", "activity", "subject", ACTIVITY, "deal_id", "client_id"),
)


def _keeps_new(table: str, kind: str, title: str, words: str, deal: str, client: str) -> str:
    """As in 0018; what the function sets ends with it."""
    return f"""
CREATE OR REPLACE FUNCTION search_keeps_new_{table}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET gin_pending_list_limit = '{SHORT}' AS $$
BEGIN
    IF (SELECT count(*) FROM new_rows) >= 50 THEN
        SET LOCAL gin_pending_list_limit = '{LONG}';
    END IF;
    INSERT INTO search_index
        (workspace_id, record_id, kind, owner_id, deal_id, client_id, title, words, touched_at)
    SELECT workspace_id, id, '{kind}', owner_id, {deal}, {client}, btrim(titled),
        rtrim(titled) || ' ' || ltrim(search_words({words})), updated_at
    FROM (SELECT *, search_words({title}) AS titled FROM new_rows
        WHERE deleted_at IS NULL OFFSET 0) AS kept
    ON CONFLICT (workspace_id, record_id) DO UPDATE SET owner_id = excluded.owner_id,
        deal_id = excluded.deal_id, client_id = excluded.client_id, title = excluded.title,
        words = excluded.words, touched_at = excluded.touched_at;
    RETURN NULL;
END $$;
"""


def upgrade() -> None:
    """Lists, and who makes them long."""
    for table, *kept in KEPT:
        index = f"ix_search_index_{table}"
        op.execute(f"ALTER INDEX {index} RESET (gin_pending_list_limit)")
        op.execute(f"SELECT gin_clean_pending_list('{index}')")
        op.execute(_keeps_new(table, *kept))
        op.execute(f"ALTER FUNCTION search_keeps_{table}() SET gin_pending_list_limit = '{SHORT}'")
    # New words are few, and looked up with each question that finds nothing.
    op.execute("ALTER INDEX ix_search_terms_like SET (fastupdate = off)")
    op.execute("SELECT gin_clean_pending_list('ix_search_terms_like')")
