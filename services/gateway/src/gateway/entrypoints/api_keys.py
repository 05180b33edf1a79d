"""API keys at the edge: each is exchanged for an access token, which is all that services know.

A key is asked about once in some minutes, however often it is used: tokens are kept in memory
until shortly before they end, by the hash of their key. So is, for a minute, that a key is none:
a program that was forgotten with its key costs nothing. Whoever makes keys up is soon told to
wait, before auth looks one up; keys that are in use here go on meanwhile.
"""

import asyncio
from collections import OrderedDict
from time import monotonic
from typing import Generic, NamedTuple, TypeVar

from freelanceflow.auth.v1.api_key_service_pb2 import ExchangeApiKeyRequest
from gateway.adapters.clients import Clients
from gateway.entrypoints.limits import Limits
from kit.api_key import PREFIX, digest_of, is_api_key
from kit.errors import DomainError, ErrorKind

KEEP = 4096  # tokens, and as many refusals
REFUSED_FOR = 60.0  # seconds; a refused key never becomes a good one
MARGIN = 30.0  # seconds before its end at which a token is no longer used


class ApiKeyMistyped(DomainError):
    """Not a key of ours, which is seen without asking; the reason is the one auth gives."""

    kind, reason = ErrorKind.UNAUTHENTICATED, "API_KEY_INVALID"


T = TypeVar("T")


class _Kept(NamedTuple, Generic[T]):
    what: T
    until: float  # on the monotonic clock


class _Memory(Generic[T]):
    """Of what was used last; bounded, and each for its time."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, _Kept[T]] = OrderedDict()

    def get(self, digest: bytes) -> T | None:
        """What is kept of a key."""
        kept = self._kept.get(digest)
        if kept is None or monotonic() >= kept.until:
            return None
        self._kept.move_to_end(digest)
        return kept.what

    def keep(self, digest: bytes, what: T, seconds: float) -> None:
        """In the place of what was there."""
        self._kept[digest] = _Kept(what, monotonic() + seconds)
        self._kept.move_to_end(digest)
        if len(self._kept) > KEEP:
            self._kept.popitem(last=False)

    def drop(self, digest: bytes, what: T) -> None:
        """If that is still what is kept."""
        if self.get(digest) == what:
            del self._kept[digest]


def begins_as_api_key(token: str) -> bool:
    """Whether it is meant to be one."""
    return token.startswith(PREFIX)


class ApiKeys:
    """The tokens that stand for the keys in use."""

    def __init__(self, clients: Clients, limits: Limits) -> None:
        self._clients = clients
        self._limits = limits
        self._tokens: _Memory[str] = _Memory()
        self._refusals: _Memory[DomainError] = _Memory()
        self._exchanges: dict[bytes, asyncio.Task[str]] = {}

    async def token_of(self, key: str, address: str) -> str:
        """Raises ApiKeyMistyped, HttpProblem 429, and what auth refuses."""
        if not is_api_key(key):
            raise ApiKeyMistyped("This API key is not valid.")
        digest = digest_of(key)
        if (refusal := self._refusals.get(digest)) is not None:
            raise refusal.with_traceback(None)
        if (token := self._tokens.get(digest)) is not None:
            return token
        return await asyncio.shield(self._exchange(digest, key, address))

    def forget(self, key: str, token: str) -> None:
        """A token that is refused; another one, which has come meanwhile, stays."""
        self._tokens.drop(digest_of(key), token)

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
        await self._limits.may_exchange(address)
        asked = ExchangeApiKeyRequest(key=key, client_address=address)
        try:
            answer = await self._clients.api_keys.ExchangeApiKey(asked)
        except DomainError as refusal:
            if refusal.kind is ErrorKind.UNAUTHENTICATED:
                self._refusals.keep(digest, refusal, REFUSED_FOR)
                await self._limits.exchange_failed(address)
            raise
        token: str = answer.access_token
        self._tokens.keep(digest, token, answer.expires_in - MARGIN)
        return token
