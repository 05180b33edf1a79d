"""Floor 2, behind the hop: grpc.aio and asyncpg. `python -m bench.floors.service HOST:PORT`"""

import asyncio
import sys
from typing import Any

import grpc
import uvloop

from bench.floors import sql, stubs
from bench.floors.web import DSN, cursor_behind, place_of

pb, api = stubs.load()


def deal_message(row: Any) -> Any:
    """A row as a message."""
    return pb.Deal(
        id=row[0], title=row[1], stage=row[2], amount=row[3], currency=row[4],
        company_id=row[5] or "", contact_id=row[6] or "", owner_id=row[7] or "",
        probability=row[8], expected_close=row[9] or "", version=row[10],
        created_at=row[11].isoformat(), updated_at=row[12].isoformat(),
    )  # fmt: skip


def who(context: Any) -> tuple[str, str]:
    """Workspace and person, as the gateway says."""
    said = dict(context.invocation_metadata())
    return said["ws"], said["user"]


class Crm:
    """The five operations."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    async def List(self, request: Any, context: Any) -> Any:
        """A page, newest first."""
        workspace, _ = who(context)
        if request.cursor:
            place = place_of(request.cursor)
            rows = await self._pool.fetch(sql.LIST_AFTER, workspace, request.limit, *place)
        else:
            rows = await self._pool.fetch(sql.LIST, workspace, request.limit)
        full = len(rows) == request.limit
        return pb.ListRes(
            items=[deal_message(row) for row in rows],
            next_cursor=cursor_behind(rows[-1][11], rows[-1][0]) if full else "",
        )

    async def Get(self, request: Any, context: Any) -> Any:
        """One."""
        row = await self._pool.fetchrow(sql.GET, request.id, who(context)[0])
        if row is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, "not found")
        return deal_message(row)

    async def Create(self, request: Any, context: Any) -> Any:
        """A new one, with a row in the outbox."""
        workspace, user = who(context)
        row = await self._pool.fetchrow(
            sql.CREATE, workspace, request.stage, request.title, request.amount, request.currency,
            request.company_id or None, user, request.probability,
        )  # fmt: skip
        return deal_message(row)

    async def Move(self, request: Any, context: Any) -> Any:
        """Another stage, with a row in the outbox."""
        row = await self._pool.fetchrow(
            sql.MOVE, request.id, who(context)[0], request.stage, request.version
        )
        if row is None:
            await context.abort(grpc.StatusCode.ABORTED, "version conflict")
        return deal_message(row)

    async def Board(self, request: Any, context: Any) -> Any:
        """Counted anew, with the first cards."""
        workspace, _ = who(context)
        async with self._pool.acquire() as connection:
            totals = await connection.fetch(sql.TOTALS, workspace)
            cards = await connection.fetch(sql.CARDS, workspace)
        columns: dict[int, list[Any]] = {}
        for row in cards:
            card = pb.Card(
                id=row[1], title=row[2], amount=row[3], currency=row[4],
                owner_id=row[5] or "", version=row[6],
            )  # fmt: skip
            columns.setdefault(row[0], []).append(card)
        stages = [
            pb.Stage(stage=row[0], count=row[1], sum=row[2], cards=columns.get(row[0], ()))
            for row in totals
        ]
        return pb.BoardRes(stages=stages)


async def serve(address: str) -> None:
    """Until it is killed."""
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    api.add_CrmServicer_to_server(Crm(await sql.open_pool(DSN)), server)
    server.add_insecure_port(address)
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(sys.argv[1]))
