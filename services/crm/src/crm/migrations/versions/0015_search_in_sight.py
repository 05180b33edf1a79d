"""Search for somebody who sees little looks among what they see.

A common word stands on a tenth of a workspace, and whoever sees a few records of it had all of
them read before the first of theirs was found. The planner now knows whose records are asked for,
and can begin with them where they are fewer than what holds the word.
"""

from alembic import op

revision = "0015"
down_revision = "0014"

# What hangs on a deal or a client is seen with it; others are no activities and need no entry.
INDEXES = """
CREATE INDEX ix_search_index_owner ON search_index (workspace_id, owner_id);
CREATE INDEX ix_search_index_on_deal ON search_index (workspace_id, deal_id)
    WHERE kind = 'activity' AND deal_id IS NOT NULL;
CREATE INDEX ix_search_index_on_client ON search_index (workspace_id, client_id)
    WHERE kind = 'activity' AND client_id IS NOT NULL;
"""

# One net for each way in which an entry may be in sight. What two of them catch counts once later.
NET = """
CREATE FUNCTION search_net(rank INTEGER, kind TEXT, sights TEXT[], wanted TEXT, most TEXT)
RETURNS TEXT LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT string_agg(format('(SELECT found.record_id, found.title, found.touched_at,'
        ' %s::real AS rank FROM search_index found'
        ' WHERE found.workspace_id = $1 AND found.kind = %L%s AND %s %s)',
        rank, kind, sight, wanted, most), ' UNION ALL ')
    FROM unnest(sights) sight
$$;
"""
WORKSPACE = "nullif(current_setting('ff.workspace', true), '')::uuid"
SEARCH = f"""
CREATE OR REPLACE FUNCTION search_records(asked TEXT, most INTEGER)
RETURNS TABLE (kind TEXT, record_id UUID, rank REAL)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 24
SET search_path = public, pg_temp SET pg_trgm.similarity_threshold = 0.3
SET enable_seqscan = off AS $$
DECLARE
    best CONSTANT TEXT := ' SELECT %L, record_id,
            (max(rank) + max(word_similarity($2, title)))::real
        FROM caught GROUP BY record_id ORDER BY 3 DESC, max(touched_at) DESC, record_id LIMIT $3';
    workspace UUID := {WORKSPACE};
    sees TEXT := current_setting('ff.sees', true);
    wanted TEXT := btrim(search_words(left(asked, 200)));
    sights TEXT[] := ARRAY[''];
    own TEXT;
    parts TEXT[];
    every TEXT;
    likely TEXT;
    forms INTEGER;
    this TEXT;
    caught INTEGER := 0;
    more INTEGER;
BEGIN
    IF workspace IS NULL OR wanted = '' OR coalesce(sees, '') = '' THEN RETURN; END IF;
    IF sees <> 'all' THEN
        own := format('.owner_id = ANY (%L::uuid[])', sees::uuid[]);
        sights := ARRAY[' AND found' || own];
    END IF;
    parts := string_to_array(wanted, ' ');
    -- Three letters make a trigram; fewer must begin a word, so that the index can help. A number
    -- that is dialled at home has noughts where others have a country.
    SELECT string_agg(format('words LIKE %L', CASE
        WHEN length(part) < 3 THEN '% ' || part || '%'
        WHEN part ~ '^0[0-9]{{6,}}$' THEN '%' || ltrim(part, '0') || '%'
        ELSE '%' || part || '%' END), ' AND ')
    INTO every FROM unnest(parts) part;
    FOREACH this IN ARRAY ARRAY['client', 'deal', 'activity'] LOOP
        IF this = 'activity' AND own IS NOT NULL THEN
            sights := sights || ARRAY(
                SELECT format(' AND found.%1$s_id IN (SELECT seen.record_id FROM search_index seen'
                    ' WHERE seen.workspace_id = $1 AND seen.kind = %1$L AND seen%2$s)', parent, own)
                FROM unnest(ARRAY['deal', 'client']) parent);
        END IF;
        RETURN QUERY EXECUTE format('WITH begins AS (%s), contains AS (%s),'
                || ' caught AS (TABLE begins UNION ALL TABLE contains)' || best,
            search_net(2, this, sights, 'title >= $2 AND title < $2 || chr(1114109)',
                'ORDER BY title LIMIT $3'),
            search_net(1, this, sights,
                every || ' AND (SELECT count(DISTINCT record_id) FROM begins) < $3', 'LIMIT 300'),
            this) USING workspace, wanted, most;
        GET DIAGNOSTICS more = ROW_COUNT;
        caught := caught + more;
    END LOOP;
    IF caught >= 3 OR length(wanted) < 4 THEN RETURN; END IF;
    -- Four forms of a single word, two of each of several; the longest four words decide.
    forms := CASE cardinality(parts) WHEN 1 THEN 4 ELSE 2 END;
    SELECT string_agg(search_guesses(workspace, part, forms), ' AND ') INTO likely
    FROM (SELECT part FROM unnest(parts) part ORDER BY length(part) DESC LIMIT 4) longest;
    FOREACH this IN ARRAY ARRAY['client', 'deal', 'activity'] LOOP
        RETURN QUERY EXECUTE format('WITH caught AS (%s)' || best,
            search_net(0, this, CASE this WHEN 'activity' THEN sights ELSE sights[1:1] END,
                format('%s AND NOT (%s)', likely, every), 'LIMIT 300'),
            this) USING workspace, wanted, most - caught;
    END LOOP;
END $$;
"""


def upgrade() -> None:
    """Ways in by owner, and the function that takes them."""
    op.execute("SELECT similarity('', '')")  # loads what knows the threshold that is set below
    op.execute(INDEXES)
    op.execute("GRANT CREATE ON SCHEMA public TO crm_definer")
    op.execute(NET)
    op.execute(SEARCH)
    net = "search_net(INTEGER, TEXT, TEXT[], TEXT, TEXT)"
    op.execute(f"ALTER FUNCTION {net} OWNER TO crm_definer")
    op.execute(f"REVOKE ALL ON FUNCTION {net} FROM PUBLIC")
    op.execute("REVOKE CREATE ON SCHEMA public FROM crm_definer")
