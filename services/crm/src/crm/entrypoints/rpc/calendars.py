"""Calendar feeds over gRPC."""

from crm.adapters import calendars
from crm.adapters.reading import row, rows
from crm.application.calendars import create_feed, end_feed
from crm.domain.errors import CalendarNotFound
from crm.entrypoints.app import App
from crm.entrypoints.rpc.activity_messages import activity_message
from crm.entrypoints.rpc.mapping import money, stamp
from freelanceflow.crm.v1 import calendar_service_pb2 as pb
from freelanceflow.crm.v1 import calendar_service_pb2_grpc as api
from kit.rpc.identity import Context, principal_of


class CalendarService(api.CalendarServiceServicer):
    """Secrets are made here and never stored, not even with an idempotency key."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def GetCalendarFeed(
        self, request: pb.GetCalendarFeedRequest, context: Context
    ) -> pb.CalendarFeed:
        """Whether there is one."""
        principal = principal_of(context)
        found = await row(
            self._app.pool, principal.workspace_id, calendars.FEED, user=principal.user_id
        )
        if found is None:
            return pb.CalendarFeed()
        return pb.CalendarFeed(exists=True, create_time=stamp(found["created_at"]))

    async def CreateCalendarFeed(
        self, request: pb.CreateCalendarFeedRequest, context: Context
    ) -> pb.CalendarFeed:
        """A new one."""
        principal, now = principal_of(context), self._app.clock.now()
        async with self._app.unit_of_work(principal.workspace_id) as uow:
            token = await create_feed(uow, by=principal.user_id, now=now)
        return pb.CalendarFeed(exists=True, create_time=stamp(now), token=token)

    async def DeleteCalendarFeed(
        self, request: pb.DeleteCalendarFeedRequest, context: Context
    ) -> pb.DeleteCalendarFeedResponse:
        """No more."""
        principal, now = principal_of(context), self._app.clock.now()
        async with self._app.unit_of_work(principal.workspace_id) as uow:
            await end_feed(uow, by=principal.user_id, now=now)
        return pb.DeleteCalendarFeedResponse()

    async def GetCalendar(self, request: pb.GetCalendarRequest, context: Context) -> pb.Calendar:
        """What a secret leads to."""
        pool = self._app.pool
        whose = await calendars.whose(self._app.system, request.token)
        if whose is None:
            raise CalendarNotFound("There is no such calendar.")
        workspace_id, user_id, reads_deals = whose
        settled = await row(pool, workspace_id, calendars.WORKSPACE_OF)
        planned = await rows(pool, workspace_id, calendars.PLANNED, user=user_id)
        closes = (
            await rows(pool, workspace_id, calendars.CLOSES, user=user_id) if reads_deals else []
        )
        return pb.Calendar(
            workspace_name=settled["name"] if settled else "",
            time_zone=settled["time_zone"] if settled else "",
            activities=[activity_message(activity) for activity in planned],
            closes=[
                pb.ExpectedClose(
                    deal_id=str(deal["id"]),
                    name=deal["name"],
                    client_name=deal["client_name"],
                    amount=money(deal["amount_minor"], deal["currency"]),
                    expected_close_date=deal["expected_close_date"].isoformat(),
                    update_time=stamp(deal["updated_at"]),
                )
                for deal in closes
            ],
        )
