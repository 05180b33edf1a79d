"""API keys at the edge: each is exchanged for an access token, which is all that services know.

A key is asked about once in some minutes, however often it is used: tokens are kept in memory
until shortly before they end, by the hash of their key.
"""

import asyncio
from collections import OrderedDict
from time import monotonic
from typing import NamedTuple

from freelanceflow.auth.v1.api_key_service_pb2 import ExchangeApiKeyRequest
from gateway.adapters.clients import Clients
from kit.api_key import PREFIX, digest_of, is_api_key
from kit.errors import DomainError, ErrorKind

KEEP = 4096  # tokens
MARGIN = 30.0  # seconds before its end at which a token is no longer used


class ApiKeyMistyped(DomainError):
    """Not a key of ours, which is seen without asking; the reason is the one auth gives."""

    kind, reason = ErrorKind.UNAUTHENTICATED, "API_KEY_INVALID"


class _Kept(NamedTuple):
    token: str
    until: float  # on the monotonic clock


def begins_as_api_key(token: str) -> bool:
    """Whether it is meant to be one."""
    return token.startswith(PREFIX)


class ApiKeys:
    """The tokens that stand for the keys in use."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()
        self._exchanges: dict[bytes, asyncio.Task[str]] = {}

    async def token_of(self, key: str, address: str) -> str:
        """Raises ApiKeyMistyped, and what auth refuses."""
        if not is_api_key(key):
            raise ApiKeyMistyped("This API key is not valid.")
        digest = digest_of(key)
        kept = self._kept.get(digest)
        if kept is not None and monotonic() < kept.until:
            self._kept.move_to_end(digest)
            return kept.token
        return await asyncio.shield(self._exchange(digest, key, address))

    def forget(self, key: str, token: str) -> None:
        """A token that is refused; another one, which has come meanwhile, stays."""
        digest = digest_of(key)
        kept = self._kept.get(digest)
        if kept is not None and kept.token == token:
            del self._kept[digest]

    def _exchange(self, digest: bytes, key: str, address: str) -> "asyncio.Task[str]":
        """One for all who wait for it; who gives up waiting does not end it for the others."""
        task = self._exchanges.get(digest)
        if task is None:
            task = asyncio.create_task(self._exchanged(digest, key, address))
            self._exchanges[digest] = task
            task.add_done_callback(lambda done: self._over(digest, done))
        return task

    def _over(self, digest: bytes, task: "asyncio.Task[str]") -> None:
        del self._exchanges[digest]
        if not task.cancelled():
            task.exception()  # perhaps nobody waits any more who could be told

    async def _exchanged(self, digest: bytes, key: str, address: str) -> str:
        asked = ExchangeApiKeyRequest(key=key, client_address=address)
        answer = await self._clients.api_keys.ExchangeApiKey(asked)
        token: str = answer.access_token
        self._kept[digest] = _Kept(token, monotonic() + answer.expires_in - MARGIN)
        self._kept.move_to_end(digest)
        if len(self._kept) > KEEP:
            self._kept.popitem(last=False)
        return token
