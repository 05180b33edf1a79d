"""What crm answers about activities, timelines, contacts and the first run."""

from typing import Any

from freelanceflow.crm.v1.activity_service_pb2 import (
    DraftActivityResponse,
    ListActivitiesResponse,
)
from freelanceflow.crm.v1.calendar_service_pb2 import CalendarFeed, DeleteCalendarFeedResponse
from freelanceflow.crm.v1.setup_service_pb2 import Setup
from services.gateway.tests.unit.pages.factories import (
    ago,
    make_activity,
    make_contacts,
    make_timeline,
)


def people_answers() -> dict[str, dict[str, Any]]:
    """By the peers' names and their methods."""
    return {
        "setups": dict.fromkeys(("GetSetup", "AddSamples", "RemoveSamples"), Setup()),
        "timelines": {"ListTimeline": make_timeline()},
        "calendars": {
            "GetCalendarFeed": CalendarFeed(exists=True, create_time=ago(days=2)),
            "CreateCalendarFeed": CalendarFeed(
                exists=True, create_time=ago(days=0), token="a-secret"
            ),
            "DeleteCalendarFeed": DeleteCalendarFeedResponse(),
        },
        "contacts": {
            "ListDealContacts": make_contacts(),
            "PutDealContact": make_contacts().contacts[0],
            "RemoveDealContact": None,
        },
        "activities": {
            "ListActivities": ListActivitiesResponse(
                activities=[make_activity(n) for n in range(6)], next_page_token="next"
            ),
            "GetActivity": make_activity(1),
            "DraftActivity": DraftActivityResponse(activity=make_activity(1)),
            "CreateActivity": make_activity(1),
            "UpdateActivity": make_activity(1),
            "SetActivityDone": make_activity(1),
            "DeleteActivity": None,
        },
    }
