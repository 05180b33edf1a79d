"""The link in mails that ends mails of its kind: for people and for mail programs."""

import pytest

from freelanceflow.notify.v1.notification_service_pb2 import Unsubscription
from kit.errors import ErrorKind
from kit.rpc.errors import RemoteError
from services.gateway.tests.unit.pages.conftest import Site


@pytest.fixture(autouse=True)
def answers(site: Site) -> None:
    found = Unsubscription(kind="deal_won", workspace_name="Studio Nord")
    site.neighbours.notifications.answers |= {"GetUnsubscription": found, "Unsubscribe": found}


async def test_a_link_is_followed_without_signing_in_and_asks_first(site: Site) -> None:
    site.sign_out()
    page = await site.get("/unsubscribe?token=secret-_1")
    assert page.status == 200
    assert "“A deal is won” in Studio Nord" in page.text
    assert '<form method="post" action="/unsubscribe?token=secret-_1"' in page.text
    assert page.headers["referrer-policy"] == "strict-origin"
    assert [type(asked).__name__ for asked in site.neighbours.notifications.asked] == [
        "GetUnsubscriptionRequest"
    ]


async def test_a_mail_program_needs_one_request(site: Site) -> None:
    site.sign_out()
    done = await site.post("/unsubscribe?token=secret", {"List-Unsubscribe": "One-Click"})
    assert (done.status, "You get no more of these mails" in done.text) == (200, True)
    assert site.neighbours.notifications.asked[-1].token == "secret"


async def test_a_digest_is_named_so(site: Site) -> None:
    site.neighbours.notifications.answers["GetUnsubscription"] = Unsubscription(kind="digest")
    page = await site.get("/unsubscribe?token=secret")
    assert "“What was collected for the morning”." in page.text


async def test_a_link_that_was_cut_off_says_so(site: Site) -> None:
    site.neighbours.notifications.answers["Unsubscribe"] = RemoteError(
        ErrorKind.NOT_FOUND, "UNSUBSCRIBE_LINK_INVALID", "This link does not work."
    )
    refused = await site.post("/unsubscribe?token=cut", {})
    assert (refused.status, "This link does not work" in refused.text) == (400, True)
    assert 'href="/settings/notifications"' in refused.text
