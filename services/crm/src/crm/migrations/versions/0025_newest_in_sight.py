"""Who sees some owners' records only finds the newest of what hundreds of theirs hold, too.

The nets took the first that came, which are the oldest, and the first of the alphabet.
"""

from alembic import op

revision = "0025"
down_revision = "0024"

CAUGHT = 300  # of each kind by each net
# Ids are made in the order of time. As a text, so that no index is walked in this order: the few
# that hold a rare word may lie far off in it.
NEWEST = "found.record_id::text DESC"
WORKSPACE = "nullif(current_setting('ff.workspace', true), '')::uuid"
# As in 0021 but for the order within sight.
SEARCH = f"""
CREATE OR REPLACE FUNCTION search_records(asked TEXT, most INTEGER)
RETURNS TABLE (kind TEXT, record_id UUID, rank REAL)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 24
SET search_path = public, pg_temp SET pg_trgm.similarity_threshold = 0.3
SET enable_seqscan = off AS $$
DECLARE
    kinds CONSTANT TEXT[] := ARRAY['client', 'deal', 'activity'];
    best CONSTANT TEXT := ' SELECT kind, record_id, score FROM (SELECT kind, record_id, score,
            row_number() OVER (
                PARTITION BY kind ORDER BY score DESC, at DESC, record_id DESC) AS place
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
                'title >= $2 AND title < $2 || chr(1114109)',
                'ORDER BY {NEWEST} LIMIT {CAUGHT}');
            contains := contains || search_net(1, this, sights, every || format(
                '(SELECT count(DISTINCT record_id) FROM begins WHERE kind = %L) < $3', this),
                'ORDER BY {NEWEST} LIMIT {CAUGHT}');
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


def upgrade() -> None:
    """The function stays its owner's."""
    op.execute("SELECT similarity('', '')")  # loads what knows the threshold that is set below
    op.execute(SEARCH)
