"""Looking up by the hundred what may be there already, or is meant by a name."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, DateTime, Text, Uuid, bindparam, text

from crm.adapters.bulk import Known, by_names
from crm.domain.entries import Named
from kit.database import Statement, Transaction

Likeness = tuple[str, UUID | None, int | None]

# By client, which is an index, and those of nobody by name, which is another; these one by one.
DEALS_ALIKE = Statement(
    text(
        "WITH g AS MATERIALIZED (SELECT * FROM unnest(:names, :clients, :amounts) WITH ORDINALITY"
        "   AS g (name, client_id, amount_minor, number)) "
        "SELECT g.number, d.id, d.name FROM g "
        "JOIN deals d ON d.workspace_id = :workspace AND d.client_id = g.client_id"
        "   AND d.deleted_at IS NULL AND d.sort_name = g.name"
        "   AND d.amount_minor IS NOT DISTINCT FROM g.amount_minor "
        "UNION ALL "
        "SELECT g.number, d.id, d.name FROM g CROSS JOIN LATERAL ("
        "  SELECT t.id, t.name FROM deals t WHERE t.workspace_id = :workspace"
        "   AND t.client_id IS NULL AND t.deleted_at IS NULL AND t.sort_name = g.name"
        "   AND t.amount_minor IS NOT DISTINCT FROM g.amount_minor OFFSET 0) d "
        "WHERE g.client_id IS NULL "
        "ORDER BY 1, 2 DESC"
    ).bindparams(
        bindparam("workspace", type_=Uuid()),
        bindparam("names", type_=ARRAY(Text())),
        bindparam("clients", type_=ARRAY(Uuid())),
        bindparam("amounts", type_=ARRAY(BigInteger())),
    )
)
# The id of a source leads to a deal at once; a name is compared with those of the whole workspace.
DEALS = by_names(
    "SELECT DISTINCT ON (wanted) wanted, id, name, client_id, client_name FROM ("
    "  SELECT g.name AS wanted, 0 AS rank, d.id, d.name, d.client_id, d.created_at"
    "  FROM unnest(:names) AS g (name) CROSS JOIN LATERAL (SELECT * FROM deals t"
    "    WHERE t.workspace_id = :workspace AND t.external_id = g.name"
    "    AND t.deleted_at IS NULL LIMIT 1) d"
    "  UNION ALL"
    "  SELECT g.name, 1, d.id, d.name, d.client_id, d.created_at"
    "  FROM unnest(:names) AS g (name) JOIN deals d ON d.workspace_id = :workspace"
    "    AND lower(d.name) = lower(g.name) AND d.deleted_at IS NULL) found "
    "LEFT JOIN LATERAL (SELECT c.name AS client_name FROM clients c"
    "  WHERE c.workspace_id = :workspace AND c.id = found.client_id) client ON true "
    "ORDER BY wanted, rank, created_at DESC, id"
)
ACTIVITIES_ALIKE = Statement(
    text(
        "SELECT g.number, a.id, a.subject FROM unnest(:subjects, :clients, :deals, :times)"
        "   WITH ORDINALITY AS g (subject, client_id, deal_id, at, number) "
        "JOIN activities a ON a.workspace_id = :workspace AND a.client_id = g.client_id"
        "   AND a.deleted_at IS NULL AND lower(a.subject) = g.subject"
        "   AND a.deal_id IS NOT DISTINCT FROM g.deal_id"
        "   AND coalesce(a.due_at, a.created_at) = g.at "
        "UNION "
        "SELECT g.number, a.id, a.subject FROM unnest(:subjects, :clients, :deals, :times)"
        "   WITH ORDINALITY AS g (subject, client_id, deal_id, at, number) "
        "JOIN activities a ON a.workspace_id = :workspace AND a.deal_id = g.deal_id"
        "   AND a.deleted_at IS NULL AND lower(a.subject) = g.subject"
        "   AND a.client_id IS NOT DISTINCT FROM g.client_id"
        "   AND coalesce(a.due_at, a.created_at) = g.at"
    ).bindparams(
        bindparam("workspace", type_=Uuid()),
        bindparam("subjects", type_=ARRAY(Text())),
        bindparam("clients", type_=ARRAY(Uuid())),
        bindparam("deals", type_=ARRAY(Uuid())),
        bindparam("times", type_=ARRAY(DateTime(timezone=True))),
    )
)


class DealNamed(NamedTuple):
    """A deal and whose it is."""

    deal: Named
    client: Named | None


async def deals_alike(tx: Transaction, wanted: Sequence[Likeness]) -> dict[Likeness, Known]:
    """Deals with the same name (in small letters), client and amount; of several the oldest."""
    if not wanted:
        return {}
    names, clients, amounts = zip(*wanted, strict=True)
    rows = await tx.rows(
        DEALS_ALIKE, workspace=tx.workspace_id, names=names, clients=clients, amounts=amounts
    )
    return {wanted[row["number"] - 1]: Known(row["id"], row["name"], True) for row in rows}


async def deals_by_name(tx: Transaction, names: Iterable[str]) -> dict[str, DealNamed]:
    """By the names or ids of a source that were asked for; of several the newest."""
    wanted = sorted({name for name in names if name})
    if not wanted:
        return {}
    return {
        row["wanted"]: DealNamed(
            Named(row["id"], row["name"]),
            Named(row["client_id"], row["client_name"]) if row["client_id"] else None,
        )
        for row in await tx.rows(DEALS, workspace=tx.workspace_id, names=wanted)
    }


async def activities_alike(
    tx: Transaction, wanted: Sequence[tuple[str, UUID | None, UUID | None, datetime]]
) -> dict[int, Known]:
    """By their place in `wanted`: subject (in small letters), what it is about, and when."""
    if not wanted:
        return {}
    subjects, clients, deals, times = zip(*wanted, strict=True)
    rows = await tx.rows(
        ACTIVITIES_ALIKE,
        workspace=tx.workspace_id,
        subjects=subjects,
        clients=clients,
        deals=deals,
        times=times,
    )
    return {row["number"] - 1: Known(row["id"], row["subject"], True) for row in rows}
