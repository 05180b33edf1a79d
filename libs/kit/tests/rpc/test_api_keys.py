"""How far a token reaches that stands for an API key."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from kit.errors import DomainError
from kit.ids import new_id
from kit.rpc.access import Access, AccessUndeclared
from kit.rpc.client import Caller
from kit.rpc.identity import CallIdentity, KeyScope, Principal
from kit.rpc.server import RpcServer
from kit.sight import EVERYTHING
from kit.testing.rpc import Issuer

READS = Access(permission="deals.read", reads=True)
SAVES_FOR_ONESELF = Access(permission="deals.read")
WRITES = Access(permission="deals.write")
ACCOUNT = Access(signed_in=True, reads=True)
FOR_KEYS_TOO = Access(signed_in=True, keys=True, reads=True)
MARKS_FOR_KEYS_TOO = Access(signed_in=True, keys=True)


def principal(key: KeyScope | None) -> Principal:
    return Principal(
        user_id=new_id(),
        workspace_id=new_id(),
        session_id=new_id(),
        role="sales",
        permissions=frozenset({"deals.read", "deals.write"}),
        expires_at=0.0,
        sight=EVERYTHING,
        token="t",
        key=key,
    )


@pytest.mark.parametrize(
    ("access", "by_all", "by_read"),
    [
        (READS, "", ""),
        (SAVES_FOR_ONESELF, "", "API_KEY_READS_ONLY"),
        (WRITES, "", "API_KEY_READS_ONLY"),
        (ACCOUNT, "API_KEY_NOT_ENOUGH", "API_KEY_NOT_ENOUGH"),
        (FOR_KEYS_TOO, "", ""),
        (MARKS_FOR_KEYS_TOO, "", "API_KEY_READS_ONLY"),
        (Access(permission="members.write"), "PERMISSION_MISSING", "API_KEY_READS_ONLY"),
    ],
)
def test_a_key_reaches_as_far_as_its_owner_and_its_scope(
    access: Access, by_all: str, by_read: str
) -> None:
    for scope, reason in ((KeyScope.ALL, by_all), (KeyScope.READ, by_read)):
        said = ""
        try:
            principal(scope).admit(access)
        except DomainError as refusal:
            said = refusal.reason
        assert said == reason, scope
    if access.permission != "members.write":
        principal(None).admit(access)  # somebody who has signed in


@pytest.mark.parametrize("access", [READS, WRITES, ACCOUNT, FOR_KEYS_TOO])
def test_whoever_is_in_no_workspace_reaches_what_is_about_themselves(access: Access) -> None:
    person = principal(None)
    nobody_there = replace(person, workspace_id=person.user_id)
    with pytest.raises(DomainError) as refusal:
        nobody_there.admit(access)  # whatever permissions the token may say
    assert refusal.value.reason == "NO_WORKSPACE"
    nobody_there.admit(Access(signed_in=True, without_workspace=True))


async def test_the_claim_of_a_token_says_so_to_every_service(
    caller: Caller, stubs: SimpleNamespace, issuer: Issuer
) -> None:
    stub, text = stubs.api.EchoStub(caller.channel), stubs.pb.Text

    async def reason(method: Any, **claims: str) -> str:
        identity = CallIdentity(issuer.sign(issuer.claims("echo.write", **claims)))
        try:
            await caller.call(method, text(text="x"), identity=identity)
        except DomainError as refusal:
            return refusal.reason
        return ""

    assert await reason(stub.Say, key="all") == ""
    assert await reason(stub.Say, key="read") == "API_KEY_READS_ONLY"
    assert await reason(stub.Me, key="all") == "API_KEY_NOT_ENOUGH"
    assert await reason(stub.Me) == ""
    assert await reason(stub.Say, key="some") == "TOKEN_INVALID"


def test_a_contract_says_keys_only_where_there_is_no_permission(
    stubs: SimpleNamespace, echo: Any, issuer: Issuer
) -> None:
    add = stubs.api.add_KeptServicer_to_server
    with pytest.raises(AccessUndeclared, match=r"kit\.test\.v1\.Kept\.Say says keys"):
        RpcServer("127.0.0.1:0", [(add, echo)], issuer.verifier())
