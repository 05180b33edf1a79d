"""Who sees which records."""

from alembic import op

from kit.migrations import owner_in_sight, sight_policy

revision = "0005"
down_revision = "0004"


def _seen(of: str, key: str, table: str) -> str:
    """What the key names is in sight: the other table's own policy decides."""
    return (
        f"EXISTS (SELECT FROM {table} seen "
        f"WHERE seen.workspace_id = {of}.workspace_id AND seen.id = {of}.{key})"
    )


def upgrade() -> None:
    """Policies on top of the tenant's."""
    for table in ("clients", "deals"):
        sight_policy(op, table)
    # A statement on deals appends to the sums whatever it changed.
    sight_policy(op, "board_totals", for_="SELECT")
    # A line is written with its deal, which the statement's own snapshot does not show yet.
    sight_policy(op, "deal_history", _seen("deal_history", "deal_id", "deals"), for_="SELECT")
    # Whoever sees a deal or a client sees what was done for it, by anybody.
    seen = (
        owner_in_sight("owner_id"),
        _seen("activities", "deal_id", "deals"),
        _seen("activities", "client_id", "clients"),
    )
    sight_policy(op, "activities", " OR ".join(seen))
