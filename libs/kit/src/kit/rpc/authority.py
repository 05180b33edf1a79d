"""auth, as everybody sees it who verifies tokens on the spot: where keys and endings come from."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol
from uuid import UUID

import orjson
from nats.js import JetStreamContext

from kit.rpc.client import Caller
from kit.rpc.revocations import Revocations
from kit.rpc.tokens import TokenVerifier

TIMEOUT = 1.0  # seconds; a request of somebody waits for the answer


class Keys(Protocol):
    """The stub of auth's key service, which kit may not import."""

    GetJwks: Any
    IsSessionActive: Any


def trust(
    auth: Caller,
    keys: Keys,
    jetstream: JetStreamContext,
    *,
    ask_keys: Callable[[], Any],
    ask_session: Callable[..., Any],
) -> tuple[TokenVerifier, Revocations]:
    """Verify with the keys of auth, heeding the sessions it ends.

    `ask_keys` and `ask_session` make the requests' messages. `Revocations.follow` is to run in the
    background.
    """

    async def jwks() -> Mapping[str, Any]:
        reply = await auth.call(keys.GetJwks, ask_keys(), timeout=TIMEOUT, idempotent=True)
        found: Mapping[str, Any] = orjson.loads(reply.jwks_json)
        return found

    async def is_active(session_id: UUID) -> bool:
        asked = ask_session(session_id=str(session_id))
        reply = await auth.call(keys.IsSessionActive, asked, timeout=TIMEOUT, idempotent=True)
        return bool(reply.active)

    revocations = Revocations(is_active, jetstream=jetstream)
    return TokenVerifier(jwks, revocations=revocations), revocations
