"""Search costs half: for who sees everything nothing is planned anew, and few trigrams lead.

The index looks up each trigram of a question and compares whole lists. Of words that are everywhere
that is nearly all it does, and in a short text three letters of every three tell as much as each
three in a row.
"""

from alembic import op

revision = "0021"
down_revision = "0020"

# Four at most, of each word something. What is shorter than a trigram has to begin a word.
LEADS = """
CREATE FUNCTION search_leads(parts TEXT[]) RETURNS TEXT[]
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT array_agg(lead) FROM (
        SELECT CASE WHEN length(part) < 3 THEN '% ' || part || '%'
            WHEN part ~ '^[[:alnum:]]+$' THEN '%' || substr(part, start, 3) || '%'
            ELSE '%' || part || '%' END AS lead
        FROM unnest(parts) part, generate_series(1,
            CASE WHEN part ~ '^[[:alnum:]]{4,}$' THEN length(part) - 2 ELSE 1 END,
            CASE length(part) WHEN 4 THEN 1 WHEN 5 THEN 2 ELSE 3 END) start
        ORDER BY length(part) < 3, start, length(part) DESC LIMIT 4) few
$$;
"""


def _begins(kind: str) -> str:
    return f"""(
            SELECT found.kind, found.record_id, found.title, found.touched_at, 2::real AS net
            FROM search_index found
            WHERE found.workspace_id = workspace AND found.kind = '{kind}'
                AND found.title >= wanted AND found.title < wanted || chr(1114109)
            ORDER BY found.title LIMIT most)"""


def _contains(kind: str, leads: str) -> str:
    led = " AND ".join(f"found.words LIKE {leads}[{number}]" for number in range(1, 5))
    return f"""(
            SELECT found.kind, found.record_id, found.title, found.touched_at, 1::real AS net
            FROM search_index found
            WHERE found.workspace_id = workspace AND found.kind = '{kind}' AND {led}
                AND found.words || '' LIKE ALL (patterns)
                AND NOT (found.title >= wanted AND found.title < wanted || chr(1114109))
                AND (SELECT count(*) FROM begins WHERE kind = '{kind}') < most
            LIMIT 200)"""


# An activity's text is long and has any three letters somewhere: all of a word lead to it.
LEADING = {"client": "leads", "deal": "leads", "activity": "whole"}
# The first two nets, for who sees everything: planned once for each connection. The planner may
# not look at statistics of what a policy guards, so it knew nothing of the words in any case.
EVERYTHING = f"""
CREATE FUNCTION search_everything(
    workspace UUID, wanted TEXT, patterns TEXT[], leads TEXT[], whole TEXT[], most INTEGER)
RETURNS TABLE (kind TEXT, record_id UUID, rank REAL)
LANGUAGE plpgsql STABLE ROWS 24
SET search_path = public, pg_temp SET enable_seqscan = off
SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY WITH begins AS ({" UNION ALL ".join(map(_begins, LEADING))}
        ), contains AS ({" UNION ALL ".join(_contains(*kind) for kind in LEADING.items())}
        ), scored AS (
            SELECT *, (net + word_similarity(wanted, title))::real AS score
            FROM (TABLE begins UNION ALL TABLE contains) caught
        ), placed AS (
            SELECT *, row_number() OVER (
                PARTITION BY kind ORDER BY score DESC, touched_at DESC, record_id) AS place
            FROM scored
        )
        SELECT kind, record_id, score FROM placed WHERE place <= most;
END $$;
"""

# One net for each way in which an entry may be in sight, see 0015.
NET = """
CREATE OR REPLACE FUNCTION search_net(
    rank INTEGER, kind TEXT, sights TEXT[], wanted TEXT, most TEXT)
RETURNS TEXT LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT string_agg(format('(SELECT found.kind, found.record_id, found.title, found.touched_at,'
        ' %s::real AS rank FROM search_index found'
        ' WHERE found.workspace_id = $1 AND found.kind = %L%s AND %s %s)',
        rank, kind, sight, wanted, most), ' UNION ALL ')
    FROM unnest(sights) sight
$$;
"""

# What a word may have been; nothing where it begins a known word, or is like none.
GUESSES = """
CREATE FUNCTION search_guesses(workspace UUID, part TEXT, most INTEGER) RETURNS TEXT[]
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT array_agg('% ' || likely.word || ' %') FROM (
        SELECT DISTINCT known.word, similarity(known.word, part)
        FROM search_terms known
        WHERE part ~ '^[[:alpha:]]{4,40}$'
            AND known.workspace_id = workspace AND known.word % part
            AND NOT EXISTS (SELECT FROM search_terms begun
                WHERE begun.workspace_id = workspace
                    AND begun.word >= part AND begun.word < part || chr(1114109))
        ORDER BY 2 DESC, 1 LIMIT most) likely
$$;
"""

# Any of these patterns as a condition; of a short text few trigrams lead to it.
ANY = """
CREATE FUNCTION search_any(patterns TEXT[], short BOOLEAN) RETURNS TEXT
LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp AS $$
    SELECT '(' || string_agg(CASE WHEN short
        THEN (SELECT string_agg(format('words LIKE %L AND ', lead), '')
            FROM unnest(search_leads(ARRAY[btrim(pattern, '% ')])) lead)
            || format('words || '''' LIKE %L', pattern)
        ELSE format('words LIKE %L', pattern) END, ' OR ') || ')'
    FROM unnest(patterns) pattern
$$;
"""

# As 0015, in one statement for all kinds.
WORKSPACE = "nullif(current_setting('ff.workspace', true), '')::uuid"
SEARCH = f"""
CREATE OR REPLACE FUNCTION search_records(asked TEXT, most INTEGER)
RETURNS TABLE (kind TEXT, record_id UUID, rank REAL)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 24
SET search_path = public, pg_temp SET pg_trgm.similarity_threshold = 0.3
SET enable_seqscan = off AS $$
DECLARE
    kinds CONSTANT TEXT[] := ARRAY['client', 'deal', 'activity'];
    best CONSTANT TEXT := ' SELECT kind, record_id, score FROM (SELECT kind, record_id, score,
            row_number() OVER (PARTITION BY kind ORDER BY score DESC, at DESC, record_id) AS place
        FROM (SELECT kind, record_id, max(touched_at) AS at,
                (max(rank) + max(word_similarity($2, title)))::real AS score
            FROM caught GROUP BY kind, record_id) AS scored) AS placed WHERE place <= $3';
    workspace UUID := {WORKSPACE};
    sees TEXT := current_setting('ff.sees', true);
    wanted TEXT := btrim(search_words(left(asked, 200)));
    sights TEXT[] := ARRAY[''];
    on_seen TEXT[] := '{{}}';
    own TEXT;
    parts TEXT[];
    part TEXT;
    patterns TEXT[];
    every TEXT;
    leads TEXT[];
    forms TEXT[];
    guessed BOOLEAN := false;
    near TEXT[] := '{{}}';  -- conditions for short texts
    near_long TEXT[] := '{{}}';
    begins TEXT[] := '{{}}';
    contains TEXT[] := '{{}}';
    this TEXT;
    caught INTEGER;
BEGIN
    IF workspace IS NULL OR wanted = '' OR coalesce(sees, '') = '' THEN RETURN; END IF;
    -- A number that is dialled at home has noughts where others have a country.
    SELECT array_agg(CASE WHEN given ~ '^0[0-9]{{6,}}$' THEN ltrim(given, '0') ELSE given END
        ORDER BY length(given) DESC)
    INTO parts FROM unnest(string_to_array(wanted, ' ')) given;
    -- Three letters make a trigram; fewer must begin a word, so that the index can help.
    SELECT array_agg(CASE WHEN length(given) < 3 THEN '% ' ELSE '%' END || given || '%')
    INTO patterns FROM unnest(parts) given;
    IF sees = 'all' THEN
        leads := search_leads(parts);
        RETURN QUERY SELECT * FROM search_everything(workspace, wanted, patterns,
            leads || array_fill(leads[1], ARRAY[3]), patterns || array_fill(patterns[1], ARRAY[3]),
            most);
    ELSE
        own := format('.owner_id = ANY (%L::uuid[])', sees::uuid[]);
        sights := ARRAY[' AND found' || own];
        on_seen := ARRAY(
            SELECT format(' AND found.%1$s_id IN (SELECT seen.record_id FROM search_index seen'
                ' WHERE seen.workspace_id = $1 AND seen.kind = %1$L AND seen%2$s)', parent, own)
            FROM unnest(kinds[1:2]) parent);
        SELECT string_agg(format('words LIKE %L AND ', pattern), '')
        INTO every FROM unnest(patterns) pattern;
        FOREACH this IN ARRAY kinds LOOP
            IF this = 'activity' THEN sights := sights || on_seen; END IF;
            begins := begins || search_net(2, this, sights,
                'title >= $2 AND title < $2 || chr(1114109)', 'ORDER BY title LIMIT $3');
            contains := contains || search_net(1, this, sights, every || format(
                '(SELECT count(DISTINCT record_id) FROM begins WHERE kind = %L) < $3', this),
                'LIMIT 300');
        END LOOP;
        RETURN QUERY EXECUTE format('WITH begins AS (%s), contains AS (%s),'
            ' caught AS (TABLE begins UNION ALL TABLE contains)',
            array_to_string(begins, ' UNION ALL '), array_to_string(contains, ' UNION ALL '))
            || best USING workspace, wanted, most;
    END IF;
    GET DIAGNOSTICS caught = ROW_COUNT;
    IF caught >= 3 OR length(wanted) < 4 THEN RETURN; END IF;
    -- Four forms of a single word, two of each of several; the longest four words decide.
    FOREACH part IN ARRAY parts[1:4] LOOP
        forms := search_guesses(workspace, part, CASE cardinality(parts) WHEN 1 THEN 4 ELSE 2 END);
        guessed := guessed OR forms IS NOT NULL;
        forms := coalesce(forms, ARRAY['%' || part || '%']);
        near := near || search_any(forms, true);
        near_long := near_long || search_any(forms, false);
    END LOOP;
    IF NOT guessed THEN RETURN; END IF;
    begins := '{{}}';
    FOREACH this IN ARRAY kinds LOOP
        begins := begins || search_net(0, this,
            CASE this WHEN 'activity' THEN sights ELSE sights[1:1] END,
            array_to_string(CASE this WHEN 'activity' THEN near_long ELSE near END, ' AND ')
                || ' AND NOT words LIKE ALL ($4)', 'LIMIT 200');
    END LOOP;
    RETURN QUERY EXECUTE format('WITH caught AS (%s)', array_to_string(begins, ' UNION ALL '))
        || best USING workspace, wanted, most - caught, patterns;
END $$;
"""
MADE = ("search_leads", "search_everything", "search_guesses", "search_any")


def upgrade() -> None:
    """The same is found as before."""
    op.execute("SELECT similarity('', '')")  # loads what knows the threshold that is set below
    op.execute("GRANT CREATE ON SCHEMA public TO crm_definer")
    op.execute("DROP FUNCTION search_guesses(UUID, TEXT, INTEGER)")
    for made in (LEADS, EVERYTHING, NET, GUESSES, ANY, SEARCH):
        op.execute(made)
    for function in MADE:
        op.execute(f"ALTER FUNCTION {function} OWNER TO crm_definer")
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
    op.execute("REVOKE CREATE ON SCHEMA public FROM crm_definer")
