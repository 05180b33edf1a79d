"""One's keys: listed, made, shown once, taken back."""

from types import SimpleNamespace

import pytest

from freelanceflow.auth.v1.api_key_service_pb2 import (
    ApiKey,
    CreateApiKeyRequest,
    ListApiKeysResponse,
    RevokeApiKeyResponse,
)
from kit.api_key import new_api_key
from kit.errors import ErrorKind
from kit.ids import new_id
from kit.rpc.errors import RemoteError
from services.gateway.tests.unit.pages.conftest import Site
from services.gateway.tests.unit.pages.factories import ago

PAGE = "/settings/api-keys"
ID = str(new_id())
FORM = {"name": "Nightly", "scope": "all", "days": "30", "password": " p "}


@pytest.fixture
def auth(site: Site) -> SimpleNamespace:
    """What auth answers about keys: one is there."""
    peer: SimpleNamespace = site.neighbours.api_keys
    key = ApiKey(id=ID, name="<b>Export</b>", read_only=True, create_time=ago(days=3))
    peer.answers["ListApiKeys"] = ListApiKeysResponse(keys=[key])
    return peer


def asked_of(auth: SimpleNamespace) -> CreateApiKeyRequest:
    (asked,) = [asked for asked in auth.asked if isinstance(asked, CreateApiKeyRequest)]
    return asked


async def test_the_settings_lead_to_them(site: Site, auth: SimpleNamespace) -> None:
    assert f'href="{PAGE}"' in (await site.get("/settings")).text
    page = await site.get(PAGE)
    assert "&lt;b&gt;Export&lt;/b&gt;" in page.text
    for said in ("Only reads", "never used", "no end", f'href="{PAGE}/{ID}/revoke"'):
        assert said in page.text


async def test_a_key_says_when_it_was_used_and_that_its_time_is_over(
    site: Site, auth: SimpleNamespace
) -> None:
    key = ApiKey(id=ID, name="Old", create_time=ago(days=40), expired=True)
    key.last_use_time.CopyFrom(ago(days=20))
    key.expire_time.CopyFrom(ago(days=10))
    auth.answers["ListApiKeys"] = ListApiKeysResponse(keys=[key])
    page = await site.get(PAGE)
    for said in ("Expired", "All you may do", "last used 20 days ago", "worked until"):
        assert said in page.text


async def test_a_new_one_is_shown_this_one_time(site: Site, auth: SimpleNamespace) -> None:
    secret = new_api_key()
    auth.answers["CreateApiKey"] = ApiKey(id=ID, name="Nightly", key=secret)
    page = await site.post(PAGE, FORM)
    assert (page.status, f'value="{secret}"' in page.text) == (200, True)
    assert page.headers["cache-control"] == "private, no-store"
    asked = asked_of(auth)
    assert (asked.name, asked.read_only, asked.expire_days) == ("Nightly", False, 30)
    assert asked.password == " p "
    assert secret not in (await site.get(PAGE)).text


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        (
            RemoteError(ErrorKind.UNAUTHENTICATED, "CREDENTIALS_WRONG", "Wrong."),
            "This is not your password.",
        ),
        (
            RemoteError(ErrorKind.INVALID, "NAME_MISSING", "No.", fields={"name": "Give a name."}),
            "Give a name.",
        ),
        (
            RemoteError(
                ErrorKind.INVALID, "KEY_LIFE_INVALID", "No.", fields={"expires_in_days": "Days!"}
            ),
            "Days!",
        ),
        (RemoteError(ErrorKind.REFUSED, "TOO_MANY_API_KEYS", "Too many."), "Too many."),
        (RemoteError(ErrorKind.REFUSED, "PASSWORD_NOT_SET", "None yet."), "None yet."),
        (RemoteError(ErrorKind.EXHAUSTED, "TOO_MANY_ATTEMPTS", "Wait."), "Wait."),
    ],
)
async def test_what_is_wrong_is_said_on_the_page(
    site: Site, auth: SimpleNamespace, refusal: RemoteError, said: str
) -> None:
    auth.answers["CreateApiKey"] = refusal
    page = await site.post(PAGE, FORM | {"days": "8"})
    assert (page.status, said in page.text) == (422, True)
    assert 'value="Nightly"' in page.text
    assert asked_of(auth).expire_days == -1  # none of those to choose from


async def test_one_is_taken_back_after_a_question(site: Site, auth: SimpleNamespace) -> None:
    page = await site.get(f"{PAGE}/{ID}/revoke")
    assert f'action="{PAGE}/{ID}/revoke"' in page.text
    assert (await site.get(f"{PAGE}/{new_id()}/revoke")).status == 404
    auth.answers["RevokeApiKey"] = RevokeApiKeyResponse()
    answer = await site.post(f"{PAGE}/{ID}/revoke", {})
    assert (answer.status, answer.headers["location"]) == (303, f"{PAGE}?revoked=1")
    assert "The key works no more." in (await site.get(f"{PAGE}?revoked=1")).text
