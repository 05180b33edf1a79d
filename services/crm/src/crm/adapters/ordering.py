"""Short keys for the cards of a column again, where many moves into one gap have made long ones.

A key grows by about one character with every fifth move into the same gap. Only the surroundings
are renumbered, so that the work is bounded however long the column is. The order, and with it the
deals' versions, stay as they are.
"""

from uuid import UUID

from fractional_indexing import generate_n_keys_between
from sqlalchemy import ARRAY, Text, Uuid, bindparam, func, literal_column, select, update

from crm.adapters.reading import WORKSPACE
from crm.adapters.tables import deals
from kit.database import Statement, Transaction

LONGEST_KEY = 64
REACH = 500  # cards on either side; more than the moves that make a key that long

STAGE = bindparam("stage", type_=Uuid())
KEY = bindparam("key", type_=Text())
_in_column = (
    deals.c.workspace_id == WORKSPACE,
    deals.c.stage_id == STAGE,
    deals.c.deleted_at.is_(None),
)
_card = select(deals.c.id, deals.c.position).where(*_in_column)
ABOVE = Statement(
    _card.where(deals.c.position < KEY)
    .order_by(deals.c.position.desc(), deals.c.id.desc())
    .limit(literal_column(str(REACH + 1)))
    .with_for_update()
)
BELOW = Statement(
    _card.where(deals.c.position >= KEY)
    .order_by(deals.c.position, deals.c.id)
    .limit(literal_column(str(REACH + 1)))
    .with_for_update()
)
_keys = (
    func.unnest(bindparam("ids", type_=ARRAY(Uuid())), bindparam("keys", type_=ARRAY(Text())))
    .table_valued("id", "key", name="keys")
    .render_derived()
)
RENUMBER = Statement(
    update(deals)
    .where(deals.c.workspace_id == WORKSPACE, deals.c.id == _keys.c.id)
    .values(position=_keys.c.key)
)


async def renumber_around(tx: Transaction, stage_id: UUID, key: str) -> None:
    """Spread the cards around `key` evenly between the outermost ones, which keep their keys."""
    place = {"workspace": tx.workspace_id, "stage": stage_id, "key": key}
    above = [tuple(row) for row in await tx.rows(ABOVE, **place)]
    below = [tuple(row) for row in await tx.rows(BELOW, **place)]
    first = above.pop()[1] if len(above) > REACH else None
    last = below.pop()[1] if len(below) > REACH else None
    ids = [card for card, _ in (*reversed(above), *below)]
    keys = generate_n_keys_between(first, last, len(ids))
    await tx.run(RENUMBER, workspace=tx.workspace_id, ids=ids, keys=keys)
