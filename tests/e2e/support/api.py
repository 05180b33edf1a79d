"""People of the tests and what they ask of the public API."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.e2e.support.platform import until

PASSWORD = "a few words that are easy"


@dataclass
class Person:
    """Somebody with a bearer token; requests go below /api/v1 unless the path says otherwise."""

    http: httpx.AsyncClient
    email: str
    password: str = PASSWORD
    token: str = ""
    refresh: str = ""
    workspace_id: str = ""
    user_id: str = ""
    stages: dict[str, str] = field(default_factory=dict)

    async def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> httpx.Response:
        """One request as this person; whatever the answer is."""
        target = path if path.startswith(("/api/", "/.well-known")) else f"/api/v1{path}"
        sent = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return await self.http.request(method, target, headers={**sent, **(headers or {})}, **more)

    async def request_at(self, url: str, method: str, path: str) -> httpx.Response:
        """The same at another gateway."""
        sent = {"Authorization": f"Bearer {self.token}"}
        return await self.http.request(method, f"{url}/api/v1{path}", headers=sent)

    async def get(self, path: str, status: int = 200, **query: Any) -> Any:
        """The body of a GET that answers as expected."""
        answer = await self.request("GET", path, params=query)
        assert answer.status_code == status, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def post(self, path: str, body: Any = None, status: int = 200, **headers: str) -> Any:
        """The body of a POST that answers as expected; `If_Match="3"` becomes a header."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = await self.request("POST", path, json=body, headers=named)
        assert answer.status_code == status, f"{path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    async def new_deal(self, name: str = "", **values: Any) -> dict[str, Any]:
        """A deal in the first stage."""
        body = {"name": name or f"Deal {secrets.token_hex(4)}", **values}
        created: dict[str, Any] = await self.post("/deals", body, 201)
        return created

    async def move(self, deal: Mapping[str, Any], stage: str, **more: Any) -> dict[str, Any]:
        """A deal into a stage by its name."""
        moved: dict[str, Any] = await self.post(
            f"/deals/{deal['id']}/move",
            {"stage_id": self.stages[stage], **more},
            If_Match=etag(deal),
        )
        return moved

    async def hear_own_changes(self) -> None:
        """Be told of what they do themselves, as only who wants it is."""
        answer = await self.request(
            "PUT", "/notifications/preferences", json={"mute_own_changes": False}
        )
        assert answer.status_code == 200, answer.text

    async def sign_in(self) -> None:
        """New tokens for the same person."""
        credentials = {"email": self.email, "password": self.password}
        answer = await self.http.post("/api/v1/auth/login", json=credentials)
        assert answer.status_code == 200, answer.text
        self.take(answer.json())

    def take(self, tokens: Mapping[str, Any]) -> None:
        """Keep the tokens of an answer."""
        self.token, self.refresh = tokens["access_token"], tokens["refresh_token"]
        self.workspace_id, self.user_id = tokens["workspace_id"], tokens["user_id"]

    @asynccontextmanager
    async def events(self, **headers: str) -> AsyncIterator["asyncio.Queue[dict[str, str]]"]:
        """The live stream; each message is its lines by name."""
        heard: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        sent = {"Authorization": f"Bearer {self.token}", **headers}
        async with self.http.stream(
            "GET", "/api/v1/events", headers=sent, timeout=httpx.Timeout(10, read=None)
        ) as stream:
            assert stream.status_code == 200

            async def listen() -> None:
                message: dict[str, str] = {}
                async for line in stream.aiter_lines():
                    if line:
                        name, _, value = line.partition(": ")
                        message[name] = value
                    else:
                        heard.put_nowait(message)
                        message = {}

            listening = asyncio.create_task(listen())
            try:
                await heard.get()  # `retry`: from now on nothing is missed
                yield heard
            finally:
                listening.cancel()


def etag(record: Mapping[str, Any]) -> str:
    """What If-Match asks for."""
    return f'"{record["version"]}"'


def some_email(name: str = "someone") -> str:
    """An address nobody has used."""
    return f"{name}-{secrets.token_hex(6)}@example.org"


async def register(http: httpx.AsyncClient, name: str = "Someone", **more: Any) -> Person:
    """A person with a workspace of their own, whose stages are there."""
    person = Person(http, some_email(name.lower()))
    body = {"email": person.email, "password": PASSWORD, "name": name, "currency": "EUR", **more}
    answer = await http.post("/api/v1/auth/register", json=body)
    assert answer.status_code == 201, answer.text
    person.take(answer.json())

    async def has_stages() -> bool:
        stages = (await person.get("/stages"))["items"]
        person.stages = {stage["name"]: stage["id"] for stage in stages}
        return bool(stages)

    await until(has_stages)
    return person


async def invite(owner: Person, role: str) -> Person:
    """A member of the owner's workspace in a role, whom crm has heard of."""
    member = Person(owner.http, some_email(role), stages=owner.stages)
    invitation = await owner.post("/invitations", {"email": member.email, "role": role}, 201)
    answer = await owner.http.post(
        "/api/v1/invitations/accept",
        json={"token": invitation["token"], "name": role.title(), "password": PASSWORD},
    )
    assert answer.status_code == 200, answer.text
    member.take(answer.json())

    async def can_own() -> bool:
        owners = (await owner.get("/owners", limit=200))["items"]
        return member.user_id in {one["id"] for one in owners}

    await until(can_own)
    return member
