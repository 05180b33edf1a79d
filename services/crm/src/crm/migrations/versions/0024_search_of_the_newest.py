"""Of a word that hundreds of records hold, the newest are among those that are compared.

An index brings 200 of them in the order of the table, which are the oldest. Ids are made in the
order of time, so the newest records lie at the end of the primary key.
"""

from alembic import op

revision = "0024"
down_revision = "0023"

CAUGHT = 200  # of each kind by each net
NEWEST = 500  # records of all kinds that are looked through when a net is full

COLUMNS = "found.kind, found.record_id, found.title, found.touched_at"


def _begins(kind: str) -> str:
    return f"""(
            SELECT {COLUMNS}, 2::real AS net
            FROM search_index found
            WHERE found.workspace_id = workspace AND found.kind = '{kind}'
                AND found.title >= wanted AND found.title < wanted || chr(1114109)
            ORDER BY found.title LIMIT {CAUGHT})"""


def _contains(kind: str, leads: str) -> str:
    led = " AND ".join(f"found.words LIKE {leads}[{number}]" for number in range(1, 5))
    return f"""(
            SELECT {COLUMNS}, 1::real AS net
            FROM search_index found
            WHERE found.workspace_id = workspace AND found.kind = '{kind}' AND {led}
                AND found.words || '' LIKE ALL (patterns)
                AND NOT (found.title >= wanted AND found.title < wanted || chr(1114109))
                AND (SELECT count(*) FROM begins WHERE kind = '{kind}') < most
            LIMIT {CAUGHT})"""


# An activity's text is long and has any three letters somewhere: all of a word lead to it.
LEADING = {"client": "leads", "deal": "leads", "activity": "whole"}
EVERYTHING = f"""
CREATE OR REPLACE FUNCTION search_everything(
    workspace UUID, wanted TEXT, patterns TEXT[], leads TEXT[], whole TEXT[], most INTEGER)
RETURNS TABLE (kind TEXT, record_id UUID, rank REAL)
LANGUAGE plpgsql STABLE ROWS 24
SET search_path = public, pg_temp SET enable_seqscan = off
SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY WITH begins AS MATERIALIZED ({" UNION ALL ".join(map(_begins, LEADING))}
        ), contains AS MATERIALIZED (
            {" UNION ALL ".join(_contains(*kind) for kind in LEADING.items())}
        ), full_nets AS MATERIALIZED (
            SELECT kind, net FROM (TABLE begins UNION ALL TABLE contains) held
            GROUP BY kind, net HAVING count(*) = {CAUGHT}
        ), newest AS (
            SELECT {COLUMNS}, full_nets.net
            FROM (SELECT * FROM search_index lately WHERE lately.workspace_id = workspace
                ORDER BY lately.record_id DESC LIMIT {NEWEST}) found
            JOIN full_nets ON full_nets.kind = found.kind AND full_nets.net =
                CASE WHEN found.title >= wanted AND found.title < wanted || chr(1114109)
                    THEN 2 ELSE 1 END
            WHERE EXISTS (TABLE full_nets) AND found.words LIKE ALL (patterns)
        ), scored AS (
            SELECT *, (net + CASE WHEN net = 1 THEN word_similarity(wanted, title)
                WHEN starts_with(title || ' ', wanted || ' ') THEN 1 ELSE 0.75 END)::real AS score
            FROM (TABLE begins UNION TABLE contains UNION TABLE newest) caught
        ), placed AS (
            SELECT *, row_number() OVER (
                PARTITION BY kind ORDER BY score DESC, touched_at DESC, record_id DESC) AS place
            FROM scored
        )
        SELECT kind, record_id, score FROM placed WHERE place <= most;
END $$;
"""


def upgrade() -> None:
    """The function stays its owner's."""
    op.execute(EVERYTHING)
