"""Activities that were dated in a year that nobody can have meant."""

from alembic import op

revision = "0026"
down_revision = "0025"

# Where a clock of any time zone shows a year from 1900 to 2199. Near the ends of the calendar a day
# of one zone is none in another, and one such row breaks every list that it is in.
FIRST, LAST = "1900-01-02 00:00:00+00", "2199-12-30 00:00:00+00"
INSTANTS = ("due_at", "remind_at", "reminded_for", "done_at", "created_at", "repeats_from")
_MENDED = "CASE WHEN {0} IS NOT NULL THEN greatest(least({0}, '{2}'), '{1}') END"
MEND = f"""
UPDATE activities SET {", ".join(f"{i} = {_MENDED.format(i, FIRST, LAST)}" for i in INSTANTS)}
WHERE {" OR ".join(f"{i} NOT BETWEEN '{FIRST}' AND '{LAST}'" for i in INSTANTS)};
"""


def upgrade() -> None:
    """They stand at the first or the last of these days, where somebody sees and mends them."""
    op.execute(MEND)
