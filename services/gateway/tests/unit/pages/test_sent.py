"""A form whose sender's session is over: nothing typed is lost, and nothing of it gets about."""

from typing import Any

from freelanceflow.auth.v1.auth_service_pb2 import TokenPair
from kit.errors import ErrorKind
from kit.rpc.errors import RemoteError
from services.gateway.tests.unit.reading import hidden

TYPED = {"name": "Acme", "notes": 'Says "later",\nmeans <never> & 5 %', "etag": ""}
PAIR = TokenPair(access_token="a", refresh_token="r", refresh_expires_in=60)


async def test_what_was_typed_waits_for_the_sign_in(site: Any) -> None:
    site.sign_out()
    came = {"referer": "http://localhost/clients/c-1/edit?from=list"}
    asked = await site.post("/clients/c-1/edit?from=list", TYPED, **came)
    assert asked.status == 401
    assert "what you typed is kept" in asked.text
    kept = hidden(asked.text)
    assert kept["next"] == "/clients/c-1/edit?from=list"
    assert (kept["sent_to"], "location" in asked.headers) == ("/clients/c-1/edit?from=list", False)
    assert "Acme" not in " ".join([*asked.headers.values(), *asked.cookies])
    site.neighbours.auth.answers["LogIn"] = RemoteError(ErrorKind.UNAUTHENTICATED, "NO", "Wrong.")
    wrong = await site.post("/sign-in", kept | {"email": "m@example.com", "password": "w"})
    assert (wrong.status, hidden(wrong.text)) == (401, kept)
    site.neighbours.auth.answers["LogIn"] = PAIR
    back = await site.post("/sign-in", kept | {"email": "m@example.com", "password": "a few words"})
    assert (back.status, len(back.cookies)) == (200, 2)
    assert '<form method="post" action="/clients/c-1/edit?from=list">' in back.text
    assert hidden(back.text) == TYPED
    assert "a few words" not in back.text


async def test_a_service_that_knows_the_session_no_more_loses_nothing_either(site: Any) -> None:
    over = RemoteError(ErrorKind.UNAUTHENTICATED, "SESSION_ENDED", "Sign in again.")
    site.neighbours.clients.answers["UpdateClient"] = over
    asked = await site.post("/clients/c-1/edit", TYPED)
    assert asked.status == 401
    assert hidden(asked.text)["sent_to"] == "/clients/c-1/edit"


async def test_a_session_that_cannot_be_looked_up_is_not_said_to_be_over(site: Any) -> None:
    """It is renewed when auth is back; a form is sent again then."""
    site.sign_out()
    site.app.refusal = RemoteError(ErrorKind.UNAVAILABLE, "AUTH_UNAVAILABLE", "")
    assert (await site.get("/clients")).status == 503
    page = await site.post("/clients/c-1/edit", TYPED)
    assert page.status == 503
    assert hidden(page.text) == TYPED
    assert "Send it again" in page.text


async def test_secrets_and_files_are_not_kept(site: Any) -> None:
    site.sign_out()
    secret = await site.post("/clients/c-1/edit", {"new_password": "a few words"})
    file = {"content-type": "multipart/form-data; boundary=x"}
    upload = await site.post("/imports", {"file": "lines"}, **file)
    for asked in (secret, upload):
        assert (asked.status, "sent" in hidden(asked.text)) == (401, False)
        assert "was not carried out" in asked.text
    assert "a few words" not in secret.text


async def test_what_was_kept_is_sent_to_us_alone(site: Any) -> None:
    site.neighbours.auth.answers["LogIn"] = PAIR
    for target in ("https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)"):
        asked = {"email": "m@example.com", "password": "w", "sent_to": target, "sent": "a=1"}
        answer = await site.post("/sign-in", asked)
        assert (answer.status, answer.headers["location"]) == (303, "/")
    foreign = await sent_from(site, "https://elsewhere.example/clients")
    assert hidden(foreign)["next"] == "/"


async def sent_from(site: Any, page: str) -> str:
    """The answer to a form of a page, sent by nobody."""
    site.sign_out()
    text: str = (await site.post("/clients/c-1/edit", TYPED, referer=page)).text
    return text
