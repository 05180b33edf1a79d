"""A new password: what the forms ask of auth, what they say, and what no page lets slip."""

import pytest

from freelanceflow.auth.v1.account_service_pb2 import ChangePasswordRequest, ChangePasswordResponse
from freelanceflow.auth.v1.auth_service_pb2 import (
    LogOutResponse,
    RequestPasswordResetRequest,
    RequestPasswordResetResponse,
    ResetPasswordRequest,
    ResetPasswordResponse,
)
from kit.errors import DomainError, ErrorKind
from kit.rpc.errors import RemoteError
from services.gateway.tests.unit.pages.conftest import Site

TOO_MANY = RemoteError(ErrorKind.EXHAUSTED, "TOO_MANY_ATTEMPTS", "Try again in 9 minutes.")
SHORT = RemoteError(
    ErrorKind.INVALID, "PASSWORD_TOO_SHORT", "", fields={"password": "Use at least 12 characters."}
)
FORM = {"current_password": " old one ", "new_password": " a new one "}


async def test_a_password_is_changed_as_typed(site: Site) -> None:
    site.neighbours.account.answers["ChangePassword"] = ChangePasswordResponse()
    answer = await site.post("/settings/password", FORM)
    assert (answer.status, answer.headers["location"]) == (303, "/settings?saved=password")
    assert site.neighbours.account.asked[-1] == ChangePasswordRequest(
        current_password=" old one ", password=" a new one "
    )
    page = await site.get("/settings?saved=password")
    assert "Your other devices are signed out." in page.text


@pytest.mark.parametrize(
    ("refusal", "status", "said"),
    [
        (SHORT, 422, "Use at least 12 characters."),
        (TOO_MANY, 429, "Try again in 9 minutes."),
        (RemoteError(ErrorKind.REFUSED, "PASSWORD_NOT_SET", "There is none."), 422, "There is"),
    ],
)
async def test_why_it_was_not_changed_is_said_and_no_password_comes_back(
    site: Site, refusal: DomainError, status: int, said: str
) -> None:
    site.neighbours.account.answers["ChangePassword"] = refusal
    answer = await site.post("/settings/password", FORM)
    assert (answer.status, said in answer.text) == (status, True)
    assert "a new one" not in answer.text
    assert "old one" not in answer.text


async def test_who_has_no_password_is_offered_a_link(site: Site) -> None:
    page = await site.get("/settings")
    assert 'name="current_password"' in page.text
    site.neighbours.account.answers["GetMe"].has_password = False
    page = await site.get("/settings")
    assert 'name="current_password"' not in page.text
    assert '<input type="hidden" name="email" value="mira@example.com">' in page.text


async def test_every_address_is_answered_in_the_same_bytes(site: Site) -> None:
    site.sign_out()
    site.neighbours.auth.answers["RequestPasswordReset"] = RequestPasswordResetResponse()
    answers = [await site.post("/forgot", {"email": e}) for e in ("a@b.example", "nobody", "")]
    assert {answer.status for answer in answers} == {202}
    assert len({answer.text for answer in answers}) == 1
    assert site.neighbours.auth.asked[0] == RequestPasswordResetRequest(
        email="a@b.example", client_address="127.0.0.1"
    )
    site.neighbours.auth.answers["RequestPasswordReset"] = TOO_MANY
    limited = await site.post("/forgot", {"email": "a@b.example"})
    assert (limited.status, "Try again in 9 minutes." in limited.text) == (429, True)
    assert 'value="a@b.example"' in limited.text


async def test_the_link_leads_to_a_form_that_alone_uses_it(site: Site) -> None:
    site.sign_out()
    page = await site.get("/reset?token=se%22cret")
    assert 'name="token" value="se&#34;cret"' in page.text
    assert page.text.count("cret") == 1
    assert page.headers["referrer-policy"] == "strict-origin"
    assert site.neighbours.auth.asked == []
    site.neighbours.auth.answers["ResetPassword"] = SHORT
    refused = await site.post("/reset", {"token": "secret", "password": "short"})
    assert (refused.status, "Use at least 12" in refused.text) == (422, True)
    assert 'value="secret"' in refused.text
    gone = RemoteError(ErrorKind.NOT_FOUND, "LINK_NOT_VALID", "This link is not valid any more.")
    site.neighbours.auth.answers["ResetPassword"] = gone
    late = await site.post("/reset", {"token": "secret", "password": "x"})
    assert (late.status, "not valid any more" in late.text) == (422, True)
    assert 'href="/forgot"' in late.text


async def test_whoever_was_signed_in_here_no_longer_is(site: Site) -> None:
    site.neighbours.auth.answers |= {
        "ResetPassword": ResetPasswordResponse(),
        "LogOut": LogOutResponse(),
    }
    form = {"token": "secret", "password": " a new one "}
    answer = await site.post("/reset", form, cookie="ff_access=a; ff_refresh=r")
    assert (answer.status, answer.headers["location"]) == (303, "/sign-in?reset=1")
    asked = site.neighbours.auth.asked
    assert asked[0] == ResetPasswordRequest(token="secret", password=" a new one ")
    assert asked[1].refresh_token == "r"
    assert all("Max-Age=0" in line for line in answer.cookies)
    assert len(answer.cookies) == 2
    site.sign_out()
    page = await site.get("/sign-in?reset=1")
    assert "Your new password is set." in page.text
    assert 'href="/forgot"' in page.text
