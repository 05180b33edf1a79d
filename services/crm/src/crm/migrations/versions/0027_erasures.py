"""Workspaces can be erased."""

from alembic import op

from kit.erasure import erasures
from kit.migrations import grant, kit_tables

revision = "0027"
down_revision = "0026"

TABLES = (
    "activities",
    "board_totals",
    "calendar_feeds",
    "client_keys",
    "clients",
    "currency_rates",
    "custom_fields",
    "deal_contacts",
    "deal_history",
    "deals",
    "exports",
    "import_errors",
    "import_rows",
    "imports",
    "known_as_two",
    "lost_reasons",
    "merges",
    "owners",
    "record_history",
    "removed_stages",
    "search_index",
    "search_terms",
    "stages",
    "tags",
    "view_choices",
    "views",
    "workspaces",
)


def upgrade() -> None:
    """The system role deletes what is left of a workspace, some rows at a time."""
    kit_tables(op, erasures)
    for table in TABLES:
        grant(op, table, system="SELECT, DELETE")
