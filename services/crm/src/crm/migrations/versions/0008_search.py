"""Search over clients, deals and activities.

One table with what can be found, kept by triggers and read through one function. Free text cannot
use an index under a policy, because its operators are not leakproof; so the function runs as a role
that no one can log in as, which sees the whole table and asks for workspace and sight itself.
"""

from alembic import op

from kit.migrations import SEES_ALL, grant, owner_in_sight, sight_policy, tenant_table

revision = "0008"
down_revision = "0007"

TABLE = """
CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;
CREATE EXTENSION IF NOT EXISTS btree_gin WITH SCHEMA public;
CREATE EXTENSION IF NOT EXISTS unaccent WITH SCHEMA public;

CREATE TABLE search_index (
    workspace_id UUID NOT NULL,
    record_id UUID NOT NULL,
    kind TEXT NOT NULL,
    owner_id UUID,
    deal_id UUID,
    client_id UUID,
    title TEXT COLLATE "C" NOT NULL,
    words TEXT NOT NULL,
    touched_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (workspace_id, record_id),
    CONSTRAINT ck_search_index_kind CHECK (kind IN ('deal', 'client', 'activity'))
);
CREATE INDEX ix_search_index_title ON search_index (workspace_id, kind, title);
CREATE INDEX ix_search_index_words ON search_index USING gin (workspace_id, words gin_trgm_ops);
"""

# Small letters without accents, one blank between words and at both ends.
WORDS = r"""
CREATE FUNCTION search_words(given TEXT) RETURNS TEXT
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = public, pg_temp AS $$
    SELECT ' ' || btrim(regexp_replace(
        lower(unaccent('unaccent', given)), '[^[:alnum:]@.+]+', ' ', 'g')) || ' '
$$;
"""

DEAL = """concat_ws(' ', name, next_step, source, external_id, array_to_string(tags, ' '))"""
CLIENT = """concat_ws(' ', name, array_to_string(emails, ' '), array_to_string(phones, ' '),
        regexp_replace(array_to_string(phones, ' '), '[^0-9 ]', '', 'g'), website, address,
        external_id, array_to_string(tags, ' '))"""
ACTIVITY = "concat_ws(' ', subject, left(body, 2000))"
KEPT = (  # table, kind, title, what can be found, deal, client, columns that matter
    (
        "deals",
        "deal",
        "name",
        DEAL,
        "NULL::uuid",
        "client_id",
        ("name", "next_step", "source", "external_id", "tags", "owner_id", "client_id"),
    ),
    (
        "clients",
        "client",
        "name",
        CLIENT,
        "NULL::uuid",
        "id",
        ("name", "emails", "phones", "website", "address", "external_id", "tags", "owner_id"),
    ),
    (
        "activities",
        "activity",
        "subject",
        ACTIVITY,
        "deal_id",
        "client_id",
        ("subject", "body", "owner_id", "deal_id", "client_id"),
    ),
)


def _triggers(
    table: str, kind: str, title: str, words: str, deal: str, client: str, columns: tuple[str, ...]
) -> str:
    """New rows by the statement, changed ones one by one and only if it matters here."""
    put = f"""
        INSERT INTO search_index
            (workspace_id, record_id, kind, owner_id, deal_id, client_id, title, words, touched_at)
        SELECT workspace_id, id, '{kind}', owner_id, {deal}, {client},
            btrim(search_words({title})), search_words({words}), updated_at
        FROM {{rows}} WHERE deleted_at IS NULL
        ON CONFLICT (workspace_id, record_id) DO UPDATE SET owner_id = excluded.owner_id,
            deal_id = excluded.deal_id, client_id = excluded.client_id, title = excluded.title,
            words = excluded.words, touched_at = excluded.touched_at;"""
    changed = " OR ".join(
        f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in (*columns, "deleted_at")
    )
    return f"""
CREATE FUNCTION search_keeps_new_{table}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN {put.format(rows="new_rows")} RETURN NULL; END $$;
CREATE TRIGGER search_of_new_{table} AFTER INSERT ON {table}
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION search_keeps_new_{table}();

CREATE FUNCTION search_keeps_{table}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' OR NEW.deleted_at IS NOT NULL THEN
        DELETE FROM search_index
        WHERE workspace_id = OLD.workspace_id AND record_id = OLD.id;
    ELSE {put.format(rows="(SELECT NEW.*) AS changed")}
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER search_of_changed_{table} AFTER UPDATE ON {table}
    FOR EACH ROW WHEN ({changed}) EXECUTE FUNCTION search_keeps_{table}();
CREATE TRIGGER search_of_gone_{table} AFTER DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION search_keeps_{table}();
"""


# Who may see an entry: its owner's watchers; an activity also whoever sees its deal or client.
OWN = owner_in_sight("found.owner_id")
MINE = f"""({SEES_ALL} OR {OWN} OR (found.kind = 'activity' AND EXISTS (
        SELECT FROM search_index seen WHERE seen.workspace_id = found.workspace_id
            AND seen.record_id IN (found.deal_id, found.client_id)
            AND {owner_in_sight("seen.owner_id")})))"""
WORKSPACE = "nullif(current_setting('ff.workspace', true), '')::uuid"

# Three nets, each finer and dearer than the one before, thrown only while too little was caught:
# titles that begin so, texts that contain every word, texts with words that are nearly so.
SEARCH = f"""
CREATE FUNCTION search_records(asked TEXT, most INTEGER)
RETURNS TABLE (kind TEXT, record_id UUID, rank REAL)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp SET pg_trgm.word_similarity_threshold = 0.45 AS $$
DECLARE
    workspace UUID := {WORKSPACE};
    wanted TEXT := btrim(search_words(left(asked, 200)));
    parts TEXT[];
    longest TEXT;
    this TEXT;
BEGIN
    IF workspace IS NULL OR wanted = '' THEN RETURN; END IF;
    -- Three letters make a trigram; fewer must begin a word, so that the index can help.
    SELECT array_agg(CASE WHEN length(part) < 3 THEN '% ' || part || '%'
                          ELSE '%' || part || '%' END)
    INTO parts FROM unnest(string_to_array(replace(wanted, '%', ''), ' ')) part;
    -- One pattern leads into the index, the others sift what it brings.
    SELECT part INTO longest FROM unnest(parts) part ORDER BY length(part) DESC LIMIT 1;
    FOREACH this IN ARRAY ARRAY['client', 'deal', 'activity'] LOOP
        RETURN QUERY
        WITH begins AS (
            SELECT found.record_id, found.title, found.touched_at, 2::real AS rank
            FROM search_index found
            WHERE found.workspace_id = workspace AND found.kind = this
                AND found.title >= wanted AND found.title < wanted || chr(1114109) AND {MINE}
            ORDER BY found.title LIMIT most
        ), contains AS (
            SELECT found.record_id, found.title, found.touched_at, 1::real AS rank
            FROM search_index found
            WHERE (SELECT count(*) FROM begins) < most
                AND found.workspace_id = workspace AND found.kind = this
                AND found.words LIKE longest AND found.words LIKE ALL (parts) AND {MINE}
            LIMIT 300
        ), near AS (
            SELECT found.record_id, found.title, found.touched_at, 0::real AS rank
            FROM search_index found
            WHERE (SELECT count(*) FROM begins) + (SELECT count(*) FROM contains) < 3
                AND length(wanted) > 3
                AND found.workspace_id = workspace AND found.kind = this
                AND wanted <% found.words AND {MINE}
            LIMIT 100
        ), caught AS (
            SELECT * FROM begins UNION ALL SELECT * FROM contains UNION ALL SELECT * FROM near
        )
        SELECT this, c.record_id, (max(c.rank) + max(word_similarity(wanted, c.title)))::real
        FROM caught c GROUP BY c.record_id
        ORDER BY 3 DESC, max(c.touched_at) DESC, c.record_id LIMIT most;
    END LOOP;
END $$;
"""
FUNCTIONS = (
    "search_records(TEXT, INTEGER)",
    *(f"search_keeps_{new}{table[0]}()" for table in KEPT for new in ("new_", "")),
)


def upgrade() -> None:
    """Table, triggers, the function, and the role they run as."""
    op.execute(TABLE)
    op.execute(WORDS)
    tenant_table(op, "search_index")
    sight_policy(op, "search_index")
    grant(op, "search_index", app="SELECT", system="SELECT")
    op.execute("CREATE POLICY definer ON search_index TO crm_definer USING (true)")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON search_index TO crm_definer")
    for kept in KEPT:
        op.execute(_triggers(*kept))
    op.execute(SEARCH)
    op.execute("GRANT CREATE ON SCHEMA public TO crm_definer")
    for function in FUNCTIONS:
        op.execute(f"ALTER FUNCTION {function} OWNER TO crm_definer")
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
    op.execute("REVOKE CREATE ON SCHEMA public FROM crm_definer")
    op.execute("GRANT EXECUTE ON FUNCTION search_records(TEXT, INTEGER) TO crm_app")
