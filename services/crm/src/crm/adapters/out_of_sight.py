"""What hangs on a client and the caller does not see: counted, and never shown.

A function of the database counts whatever is there, the same sums under the caller's own rights
what they see of it; the difference is what somebody else would find changed without a word.
"""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, text

from crm.adapters.reading import WORKSPACE
from kit.database import Statement, Transaction


def _seen(among: str) -> str:
    """The sums of records_of_client and records_of_merge, of what the caller sees."""
    hanging = (("deals", "client_id"), ("activities", "client_id"), ("clients", "parent_id"))
    sums = [
        f"(SELECT count(*) FROM {table} WHERE workspace_id = :workspace AND {column} = :client"
        f" AND deleted_at IS NULL{among.format('id')})"
        for table, column in hanging
    ]
    sums.append(
        "(SELECT count(*) FROM deal_contacts c JOIN deals d ON d.workspace_id = :workspace"
        " AND d.id = c.deal_id AND d.deleted_at IS NULL"
        f" WHERE c.workspace_id = :workspace AND c.client_id = :client{among.format('c.deal_id')})"
    )
    return " - ".join(sums)


_CLIENT = bindparam("client", type_=Uuid())
OF_CLIENT = Statement(
    text(f"SELECT records_of_client(:client) - {_seen('')}").bindparams(WORKSPACE, _CLIENT)
)
OF_MERGE = Statement(
    text(
        f"SELECT records_of_merge(:client, :gone, :moved) - {_seen(' AND {} = ANY(:moved)')}"
        " - (SELECT count(*) FROM clients WHERE workspace_id = :workspace AND id = :gone)"
    ).bindparams(
        WORKSPACE,
        _CLIENT,
        bindparam("gone", type_=Uuid()),
        bindparam("moved", type_=ARRAY(Uuid())),
    )
)
IS_SEEN = Statement(
    text(
        "SELECT EXISTS (SELECT FROM clients WHERE workspace_id = :workspace AND id = :client)"
    ).bindparams(WORKSPACE, _CLIENT)
)


async def hang_on_client(tx: Transaction, client_id: UUID) -> int:
    """Records of a client that the caller does not see."""
    if tx.sight.owners is None:
        return 0
    return int(await tx.value(OF_CLIENT, workspace=tx.workspace_id, client=client_id))


async def came_with_merge(
    tx: Transaction, *, kept_id: UUID, gone_id: UUID, moved: Iterable[UUID]
) -> int:
    """What would go back to a client that went, and the client itself, without being seen."""
    if tx.sight.owners is None:
        return 0
    return int(
        await tx.value(
            OF_MERGE,
            workspace=tx.workspace_id,
            client=kept_id,
            gone=gone_id,
            moved=list(set(moved)),
        )
    )


async def sees_client(tx: Transaction, client_id: UUID) -> bool:
    """Whether the caller sees a client, also one in the trash."""
    return bool(
        tx.sight.owners is None
        or await tx.value(IS_SEEN, workspace=tx.workspace_id, client=client_id)
    )
