"""Search that costs what it finds, in a workspace of any size.

The trigrams lie in one index for each kind, so that looking among clients does not read what deals
have in common with the question. Words that are nearly so are looked for among the different words
of a workspace, which are few, and only those found there among its records.
"""

from alembic import op

from kit.migrations import SEES_ALL, owner_in_sight, tenant_table

revision = "0011"
down_revision = "0010"

# A pending list is read through by every search: a small one, written out by the import at its end.
INDEXES = """
CREATE INDEX ix_search_index_clients ON search_index USING gin (workspace_id, words gin_trgm_ops)
    WITH (gin_pending_list_limit = 1024) WHERE kind = 'client';
CREATE INDEX ix_search_index_deals ON search_index USING gin (workspace_id, words gin_trgm_ops)
    WITH (gin_pending_list_limit = 1024) WHERE kind = 'deal';
CREATE INDEX ix_search_index_activities ON search_index USING gin (workspace_id, words gin_trgm_ops)
    WITH (gin_pending_list_limit = 1024) WHERE kind = 'activity';
DROP INDEX ix_search_index_words;
"""

# A telephone number is also found without its blanks.
WORDS = """concat_ws(' ', name, array_to_string(emails, ' '), array_to_string(phones, ' '),
        translate(regexp_replace(array_to_string(phones, ';'), '[^0-9;]', '', 'g'), ';', ' '),
        website, address, external_id, array_to_string(tags, ' '))"""
PUT = f"""
        INSERT INTO search_index
            (workspace_id, record_id, kind, owner_id, client_id, title, words, touched_at)
        SELECT workspace_id, id, 'client', owner_id, id, btrim(search_words(name)),
            search_words({WORDS}), updated_at
        FROM %s WHERE deleted_at IS NULL
        ON CONFLICT (workspace_id, record_id) DO UPDATE SET owner_id = excluded.owner_id,
            title = excluded.title, words = excluded.words, touched_at = excluded.touched_at;"""
CLIENTS = f"""
CREATE OR REPLACE FUNCTION search_keeps_new_clients() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN {PUT % "new_rows"} RETURN NULL; END $$;

CREATE OR REPLACE FUNCTION search_keeps_clients() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' OR NEW.deleted_at IS NOT NULL THEN
        DELETE FROM search_index
        WHERE workspace_id = OLD.workspace_id AND record_id = OLD.id;
    ELSE {PUT % "(SELECT NEW.*) AS changed"}
    END IF;
    RETURN NULL;
END $$;

UPDATE search_index SET words = search_words({WORDS}) FROM clients
WHERE search_index.workspace_id = clients.workspace_id AND record_id = clients.id
    AND phones <> '{{}}';
"""

# Not unique: two who bring a new word in the same moment need not wait for each other.
TERMS = """
CREATE TABLE search_terms (
    workspace_id UUID NOT NULL,
    word TEXT COLLATE "C" NOT NULL
);
CREATE INDEX ix_search_terms_word ON search_terms (workspace_id, word);
CREATE INDEX ix_search_terms_like ON search_terms USING gin (workspace_id, word gin_trgm_ops);
"""
# Nobody means a number that is nearly so, nor an address.
TERM = "word ~ '^[[:alpha:]]{4,40}$'"
LEARN = f"""
CREATE FUNCTION search_learns() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO search_terms (workspace_id, word)
    SELECT given.workspace_id, given.word
    FROM (SELECT DISTINCT workspace_id, word
          FROM found, string_to_table(found.words, ' ') AS word WHERE {TERM}) given
    WHERE NOT EXISTS (SELECT FROM search_terms known
        WHERE known.workspace_id = given.workspace_id AND known.word = given.word);
    RETURN NULL;
END $$;
CREATE TRIGGER search_learns_new AFTER INSERT ON search_index
    REFERENCING NEW TABLE AS found FOR EACH STATEMENT EXECUTE FUNCTION search_learns();
CREATE TRIGGER search_learns_changed AFTER UPDATE ON search_index
    REFERENCING NEW TABLE AS found FOR EACH STATEMENT EXECUTE FUNCTION search_learns();
INSERT INTO search_terms (workspace_id, word)
    SELECT DISTINCT workspace_id, word
    FROM search_index, string_to_table(words, ' ') AS word WHERE {TERM};
"""
# What is erased leaves no word behind. One that comes in this very moment may be forgotten with
# the others until it comes again: then a typing error in it finds nothing.
FORGET = """
CREATE FUNCTION forget_search_terms(workspace UUID) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    DELETE FROM search_terms WHERE workspace_id = workspace AND word NOT IN (
        SELECT given.word FROM search_index, string_to_table(words, ' ') AS given (word)
        WHERE workspace_id = workspace)
$$;
"""
# What somebody else refreshes in this moment is left to them.
STATISTICS = """
CREATE OR REPLACE FUNCTION refresh_statistics() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    ANALYZE (SKIP_LOCKED) clients, deals, deal_history, activities, search_index, search_terms;
    PERFORM gin_clean_pending_list('ix_search_index_clients'),
        gin_clean_pending_list('ix_search_index_deals'),
        gin_clean_pending_list('ix_search_index_activities');
END $$;
"""

# Who may see an entry: its owner's watchers; an activity also whoever sees its deal or client.
MINE = f"""({SEES_ALL} OR {owner_in_sight("found.owner_id")}
    OR (found.kind = 'activity' AND EXISTS (
        SELECT FROM search_index seen WHERE seen.workspace_id = found.workspace_id
            AND seen.record_id IN (found.deal_id, found.client_id)
            AND {owner_in_sight("seen.owner_id")})))"""
WORKSPACE = "nullif(current_setting('ff.workspace', true), '')::uuid"

# What a word may have been, as a condition: itself where it begins a known word, or is none.
GUESSES = """
CREATE FUNCTION search_guesses(workspace UUID, part TEXT, most INTEGER) RETURNS TEXT
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT coalesce(
        (SELECT '('
            || string_agg(format('words LIKE %L', '% ' || likely.word || ' %'), ' OR ') || ')'
        FROM (
            SELECT DISTINCT known.word, similarity(known.word, part)
            FROM search_terms known
            WHERE part ~ '^[[:alpha:]]{4,40}$'
                AND known.workspace_id = workspace AND known.word % part
                AND NOT EXISTS (SELECT FROM search_terms begun
                    WHERE begun.workspace_id = workspace
                        AND begun.word >= part AND begun.word < part || chr(1114109))
            ORDER BY 2 DESC, 1 LIMIT most) likely),
        format('words LIKE %L', '%' || part || '%'))
$$;
"""

# Three nets: titles that begin so; texts that contain every word, thrown only while the first
# caught too little; and, when both caught next to nothing, texts with words that are nearly so.
# Each question is a statement of its own, for what a common word needs is wrong for a rare one:
# of what is everywhere it takes the first few, what is rare it looks up. Never row by row through
# the table, because that reads what is other people's.
FOUND = f"""SELECT found.record_id, found.title, found.touched_at, %s::real AS rank
    FROM search_index found WHERE found.workspace_id = $1 AND found.kind = %L AND {MINE}"""
SEARCH = f"""
CREATE FUNCTION search_records(asked TEXT, most INTEGER)
RETURNS TABLE (kind TEXT, record_id UUID, rank REAL)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp SET pg_trgm.similarity_threshold = 0.3
SET enable_seqscan = off AS $$
DECLARE
    found CONSTANT TEXT := $found${FOUND}$found$;
    best CONSTANT TEXT := ' SELECT %L, record_id,
            (max(rank) + max(word_similarity($2, title)))::real
        FROM caught GROUP BY record_id ORDER BY 3 DESC, max(touched_at) DESC, record_id LIMIT $3';
    workspace UUID := {WORKSPACE};
    wanted TEXT := btrim(search_words(left(asked, 200)));
    parts TEXT[];
    every TEXT;
    likely TEXT;
    forms INTEGER;
    this TEXT;
    caught INTEGER := 0;
    more INTEGER;
BEGIN
    IF workspace IS NULL OR wanted = '' THEN RETURN; END IF;
    parts := string_to_array(wanted, ' ');
    -- Three letters make a trigram; fewer must begin a word, so that the index can help. A number
    -- that is dialled at home has noughts where others have a country.
    SELECT string_agg(format('words LIKE %L', CASE
        WHEN length(part) < 3 THEN '% ' || part || '%'
        WHEN part ~ '^0[0-9]{{6,}}$' THEN '%' || ltrim(part, '0') || '%'
        ELSE '%' || part || '%' END), ' AND ')
    INTO every FROM unnest(parts) part;
    FOREACH this IN ARRAY ARRAY['client', 'deal', 'activity'] LOOP
        RETURN QUERY EXECUTE format('WITH begins AS (' || found
                || ' AND title >= $2 AND title < $2 || chr(1114109) ORDER BY title LIMIT $3),'
                || ' contains AS (' || found || ' AND %s AND (SELECT count(*) FROM begins) < $3'
                || ' LIMIT 300), caught AS (TABLE begins UNION ALL TABLE contains)' || best,
            2, this, 1, this, every, this) USING workspace, wanted, most;
        GET DIAGNOSTICS more = ROW_COUNT;
        caught := caught + more;
    END LOOP;
    IF caught >= 3 OR length(wanted) < 4 THEN RETURN; END IF;
    -- Four forms of a single word, two of each of several; the longest four words decide.
    forms := CASE cardinality(parts) WHEN 1 THEN 4 ELSE 2 END;
    SELECT string_agg(search_guesses(workspace, part, forms), ' AND ') INTO likely
    FROM (SELECT part FROM unnest(parts) part ORDER BY length(part) DESC LIMIT 4) longest;
    FOREACH this IN ARRAY ARRAY['client', 'deal', 'activity'] LOOP
        RETURN QUERY EXECUTE format('WITH caught AS (' || found
                || ' AND %s AND NOT (%s) LIMIT 300)' || best,
            0, this, likely, every, this) USING workspace, wanted, most - caught;
    END LOOP;
END $$;
"""


def upgrade() -> None:
    """Indexes, words, and the function that looks there."""
    op.execute(CLIENTS)
    op.execute(INDEXES)
    op.execute(TERMS)
    tenant_table(op, "search_terms")
    op.execute("CREATE POLICY definer ON search_terms TO crm_definer USING (true)")
    op.execute("GRANT SELECT, INSERT, DELETE ON search_terms TO crm_definer")
    op.execute(LEARN)
    op.execute(STATISTICS)
    op.execute("GRANT CREATE ON SCHEMA public TO crm_definer")
    op.execute("DROP FUNCTION search_records(TEXT, INTEGER)")
    for made in (GUESSES, SEARCH, FORGET):
        op.execute(made)
    for function in (
        "search_guesses(UUID, TEXT, INTEGER)",
        "search_records(TEXT, INTEGER)",
        "forget_search_terms(UUID)",
    ):
        op.execute(f"ALTER FUNCTION {function} OWNER TO crm_definer")
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION search_records(TEXT, INTEGER) TO crm_app")
    op.execute("GRANT EXECUTE ON FUNCTION forget_search_terms(UUID) TO crm_system")
    op.execute("REVOKE CREATE ON SCHEMA public FROM crm_definer")
