"""How the other services come to believe auth's tokens."""

import pytest

from freelanceflow.auth.v1 import auth_service_pb2 as auth_pb
from freelanceflow.auth.v1.key_service_pb2 import GetJwksRequest, IsSessionActiveRequest
from kit.bus.jetstream import Bus
from kit.clock import FakeClock, SystemClock
from kit.errors import DomainError
from kit.rpc.authority import trust
from kit.rpc.client import Caller
from services.auth.tests.factories import Door


async def test_a_token_is_believed_until_its_session_ends(caller: Caller, clock: FakeClock) -> None:
    clock.set(SystemClock().now())  # the others have clocks of their own
    door = Door(caller)
    mira, noor = await door.register(), await door.register()
    bus = Bus("nats://127.0.0.1:9", name="nobody")  # away, so that auth itself is asked
    verifier, _ = trust(
        caller,
        door.keys,
        bus.jetstream,
        ask_keys=GetJwksRequest,
        ask_session=IsSessionActiveRequest,
    )
    principal = await verifier.verify(f"Bearer {mira.tokens.access_token}")
    assert (principal.workspace_id, principal.role) == (mira.workspace_id, "owner")
    assert principal.may("deals.write")
    await caller.call(
        door.auth.LogOut, auth_pb.LogOutRequest(refresh_token=noor.tokens.refresh_token)
    )
    with pytest.raises(DomainError) as refusal:
        await verifier.verify(f"Bearer {noor.tokens.access_token}")
    assert refusal.value.reason == "SESSION_REVOKED"
