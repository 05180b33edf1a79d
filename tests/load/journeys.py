"""What people do on a working day, request by request.

Nothing here knows who sends the requests: Locust does in `make load`, the tests do once each.
"""

import random
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import urlencode
from uuid import uuid4

PASSWORD = "a few words that are easy"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
FRAGMENT = {"HX-Request": "true"}
NOT_IN = "somebody could not come in"
SIGN_INS_PER_MINUTE = 24  # of the 30 that the platform lets one address have
WORK = ("Website", "Logo", "Poster", "Catalogue", "Newsletter", "Packaging", "Audit", "Workshop")
FOR = ("Heron", "Weir", "Kestrel", "Otter", "Juniper", "Cobalt", "Meadow", "Quartz", "Linden")
CLIENTS, DEALS = 8, 40  # that everybody brings along
PATIENCE = 30.0


class Answer(Protocol):
    """As much of a response as is looked at here."""

    @property
    def status_code(self) -> int:
        """The status."""

    def json(self) -> Any:
        """The body, read."""


class Ask(Protocol):
    """Sends a request with the person's cookies and follows no redirect.

    Raises if the answer has another status than the expected one.
    """

    def __call__(
        self,
        name: str,
        method: str,
        path: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        data: str | None = None,
    ) -> Answer:
        """One request; `name` is what it is counted under."""


class Pace:
    """So many a minute, evenly: all of us come from one address, which has a limit of its own."""

    def __init__(self, per_minute: float) -> None:
        self._apart = 60 / per_minute
        self._next = 0.0

    def wait(self) -> None:
        """Take the next turn, whenever it comes."""
        now = time.monotonic()
        mine = max(now, self._next)
        self._next = mine + self._apart
        time.sleep(mine - now)

    def is_free(self) -> bool:
        """Take a turn if that is possible at once."""
        free = time.monotonic() >= self._next
        if free:
            self.wait()
        return free


@dataclass
class Person:
    """Somebody signed in. `deals` are those they answer for, with the version last seen."""

    ask: Ask
    pace: Pace
    email: str
    password: str = PASSWORD
    stages: list[str] = field(default_factory=list)
    clients: list[str] = field(default_factory=list)
    deals: dict[str, int] = field(default_factory=dict)
    to_do: list[str] = field(default_factory=list)

    def found_workspace(self, currency: str = "EUR") -> None:
        """Register, which makes a workspace."""
        self.pace.wait()
        person = {"email": self.email, "password": self.password, "name": "Load"}
        self._send("register", "/register", {**person, "currency_code": currency})
        self._know_stages()

    def invite(self, email: str) -> str:
        """The word that lets a colleague in."""
        body = {"email": email, "role": "sales"}
        answer = self.ask("invite", "POST", "/api/v1/invitations", status=201, json=body)
        return str(answer.json()["token"])

    def join(self, token: str) -> None:
        """Come into a colleague's workspace."""
        self.pace.wait()
        self._send("join", "/join", {"token": token, "password": self.password, "name": "Load"})
        self._know_stages()

    def enter(self) -> None:
        """Sign in by the page, and look around."""
        self.pace.wait()
        self._sign_in()
        self._know_stages()
        found = self.ask("find deals", "GET", "/api/v1/deals?limit=50").json()
        self.deals = {deal["id"]: deal["version"] for deal in found["items"]}

    def bring_work(self, *, clients: int = CLIENTS, deals: int = DEALS) -> None:
        """What somebody has in hand before the day begins."""
        for _ in range(clients):
            name = f"{random.choice(FOR)} {secrets.token_hex(3)}"
            answer = self.ask(
                "add client", "POST", "/api/v1/clients", status=201, json={"name": name}
            )
            self.clients.append(answer.json()["id"])
        for _ in range(deals):
            create_deal(self)

    def _sign_in(self) -> None:
        self._send("sign in", "/sign-in", {"email": self.email, "password": self.password})

    def _send(self, name: str, path: str, values: Mapping[str, str]) -> None:
        self.ask(name, "POST", path, status=303, headers=FORM, data=urlencode(values))

    def _know_stages(self) -> None:
        """A new workspace has its stages a moment after it was made."""
        deadline = time.monotonic() + PATIENCE
        while not self.stages and time.monotonic() < deadline:
            found = self.ask("stages", "GET", "/api/v1/stages").json()["items"]
            self.stages = [stage["id"] for stage in found if stage["type"] == "open"]
            if not self.stages:
                time.sleep(0.1)


def sign_in_again(person: Person) -> None:
    """Out, and in by the page; left out while others are at it."""
    if person.pace.is_free():
        person.ask("sign out", "POST", "/sign-out", status=303)
        person.ask("sign-in page", "GET", "/sign-in")
        person._sign_in()


def open_today(person: Person) -> None:
    """Where the day begins."""
    person.ask("Today", "GET", "/")


def open_board(person: Person) -> None:
    """The pipeline, whole."""
    person.ask("board", "GET", "/pipeline")


def refresh_board(person: Person) -> None:
    """As an open window does when a colleague has changed something."""
    headers = {**FRAGMENT, "HX-Target": "board", "X-Refresh": "1"}
    person.ask("board, refreshed", "GET", "/pipeline", headers=headers)


def filter_board(person: Person) -> None:
    """Typing into the filter above the board."""
    headers = {**FRAGMENT, "HX-Target": "board"}
    person.ask("board, filtered", "GET", f"/pipeline?q={_word()}", headers=headers)


def open_deal(person: Person) -> None:
    """One's own deal, whole."""
    person.ask("deal", "GET", f"/deals/{_deal(person)}")


def open_clients(person: Person) -> None:
    """The list of clients."""
    person.ask("clients", "GET", "/clients")


def open_activities(person: Person) -> None:
    """What is planned."""
    person.ask("activities", "GET", "/activities")


def open_analytics(person: Person) -> None:
    """What will I earn."""
    person.ask("analytics", "GET", "/analytics")


def list_deals(person: Person) -> None:
    """A page of fifty."""
    person.ask("list deals", "GET", "/api/v1/deals?limit=50")


def filter_deals(person: Person) -> None:
    """Those of some value, the most valuable first, and what they come to."""
    query = "stage_type=open&amount_minor__gte=100000&sort=-amount_minor&total=true&limit=50"
    person.ask("filter deals", "GET", f"/api/v1/deals?{query}")


def search(person: Person) -> None:
    """By a word of a name."""
    person.ask("search", "GET", f"/api/v1/search?q={_word()}")


def read_deal(person: Person) -> None:
    """One deal as a record."""
    person.ask("get deal", "GET", f"/api/v1/deals/{_deal(person)}")


def create_deal(person: Person) -> None:
    """A new one, with a client where there are any."""
    body = {
        "name": f"{random.choice(WORK)} for {random.choice(FOR)}",
        "amount": {"amount_minor": random.randrange(20_000, 2_000_000, 500), "currency": "EUR"},
        "client_id": random.choice(person.clients) if person.clients else None,
        "stage_id": random.choice(person.stages),
    }
    key = {"Idempotency-Key": str(uuid4())}
    answer = person.ask("create deal", "POST", "/api/v1/deals", status=201, headers=key, json=body)
    _note(person, answer)


def change_deal(person: Person) -> None:
    """What comes next, by the record's version."""
    deal = _deal(person)
    body = {"next_step": f"Call about the {_word()}"}
    headers = _if_match(person, deal)
    answer = person.ask("change deal", "PATCH", f"/api/v1/deals/{deal}", headers=headers, json=body)
    _note(person, answer)


def move_deal(person: Person) -> None:
    """To some other open stage."""
    deal = _deal(person)
    body = {"stage_id": random.choice(person.stages)}
    headers = _if_match(person, deal)
    answer = person.ask(
        "move deal", "POST", f"/api/v1/deals/{deal}/move", headers=headers, json=body
    )
    _note(person, answer)


def plan_activity(person: Person) -> None:
    """A call about a deal, today."""
    body = {"kind": "call", "subject": f"Ask about the {_word()}", "deal_id": _deal(person)}
    body["due_at"] = datetime.now(UTC).isoformat()
    answer = person.ask("plan activity", "POST", "/api/v1/activities", status=201, json=body)
    person.to_do.append(answer.json()["id"])


def finish_activity(person: Person) -> None:
    """The oldest that is open."""
    if not person.to_do:
        plan_activity(person)
    activity = person.to_do.pop(0)
    person.ask("finish activity", "POST", f"/api/v1/activities/{activity}/done")


def list_activities(person: Person) -> None:
    """Those that are open, what is due first on top."""
    person.ask(
        "list activities", "GET", "/api/v1/activities?done_at__isnull=true&sort=due_at&limit=50"
    )


def list_notifications(person: Person) -> None:
    """What one was told."""
    person.ask("list notifications", "GET", "/api/v1/notifications?limit=20")


def open_notifications(person: Person) -> None:
    """The same as a page."""
    person.ask("notifications", "GET", "/notifications")


Task = Callable[[Person], None]
LOOKING: dict[Task, int] = {
    open_today: 10,
    open_board: 10,
    refresh_board: 12,
    filter_board: 4,
    open_deal: 12,
    open_clients: 3,
    open_activities: 4,
    open_analytics: 3,
    list_deals: 6,
    filter_deals: 4,
    search: 5,
    read_deal: 6,
    list_activities: 3,
    list_notifications: 4,
    open_notifications: 3,
    sign_in_again: 1,
}
CHANGING: dict[Task, int] = {
    create_deal: 3,
    change_deal: 5,
    move_deal: 6,
    plan_activity: 4,
    finish_activity: 3,
}
TASKS = LOOKING | CHANGING


def some_email() -> str:
    """An address nobody has used."""
    return f"load-{secrets.token_hex(6)}@example.org"


def _word() -> str:
    return random.choice((*WORK, *FOR)).lower()


def _deal(person: Person) -> str:
    return random.choice(list(person.deals))


def _if_match(person: Person, deal: str) -> dict[str, str]:
    return {"If-Match": f'"{person.deals[deal]}"'}


def _note(person: Person, answer: Answer) -> None:
    deal = answer.json()
    person.deals[deal["id"]] = deal["version"]
