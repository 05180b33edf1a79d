"""Whatever people do, in whatever order: crm and a model of a few lines say the same.

The model knows names, stages, amounts, clients, versions and where a record is. After every step
the record that was touched is compared; at the end everything: lists, the board with its sums, the
trash, and the length of each history.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from crm.application.import_revert import REVERT_JOB
from crm.entrypoints.app import App
from freelanceflow.crm.v1 import client_service_pb2 as client_pb
from freelanceflow.crm.v1 import deal_service_pb2 as deal_pb
from freelanceflow.crm.v1 import import_service_pb2 as import_pb
from freelanceflow.crm.v1 import record_service_pb2 as record_pb
from kit.errors import ErrorKind
from kit.rpc.errors import RemoteError
from services.crm.tests.factories import (
    Crm,
    Person,
    euros,
    imported,
    make_client,
    make_deal,
    mask,
    work_off,
)

STAGES = ("Prospecting", "Engaging", "Proposal", "Won", "Lost")
OPEN = STAGES[:3]
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)
AMOUNTS = st.integers(0, 10**9)
PICK = st.integers(0, 10**6)
T = TypeVar("T")


@dataclass
class Thing:
    """What the model knows of a deal or a client."""

    id: str
    name: str
    version: int = 1
    deleted: bool = False
    stage: str = ""
    left: str = OPEN[0]  # the open stage that it left last
    amount: int = 0
    client: str = ""

    @property
    def etag(self) -> str:
        """The version it was seen at."""
        return str(self.version)


class Life(RuleBasedStateMachine):
    """Set up by the test: a loop to run on, and whom to be."""

    loop: asyncio.AbstractEventLoop
    crm: Crm
    app: App

    def __init__(self) -> None:
        super().__init__()
        self.person = Person(self.crm)
        self.deals: list[Thing] = []
        self.clients: list[Thing] = []
        self.stages = self.run(self.person.stages())
        self.reason = next(iter(self.run(self.person.lost_reasons()).values()))
        self.imports = 0

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """On the test's own loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def call(self, method: str, request: Any) -> Any:
        """By the person."""
        return self.run(self.person.call(method, request))

    def refused(self, kind: ErrorKind, method: str, request: Any) -> None:
        """It must say no, for this kind of reason."""
        with pytest.raises(RemoteError) as refusal:
            self.call(method, request)
        assert refusal.value.kind is kind

    def pick(self, things: list[Thing], number: int, *, deleted: bool = False) -> Thing | None:
        """One of those that are there, or of those in the trash."""
        there = [thing for thing in things if thing.deleted is deleted]
        return there[number % len(there)] if there else None

    @rule(name=NAMES, amount=AMOUNTS, stage=st.sampled_from(OPEN), number=PICK)
    def create_deal(self, name: str, amount: int, stage: str, number: int) -> None:
        """On a stage, with a client if there is one."""
        if not name.strip():
            return
        client = self.pick(self.clients, number)
        made = self.run(
            make_deal(
                self.person,
                name=name,
                amount=euros(amount),
                stage_id=self.stages[stage],
                client_id=client.id if client else "",
            )
        )
        self.deals.append(
            Thing(
                made.id,
                name.strip(),
                stage=stage,
                amount=amount,
                client=client.id if client else "",
            )
        )
        self.compare(self.deals[-1])

    @rule(name=NAMES)
    def create_client(self, name: str) -> None:
        """A company."""
        if name.strip():
            made = self.run(make_client(self.person, name=name))
            self.clients.append(Thing(made.id, name.strip()))

    @rule(number=PICK, name=NAMES, amount=AMOUNTS)
    def edit_deal(self, number: int, name: str, amount: int) -> None:
        """The same values again are no change."""
        deal = self.pick(self.deals, number)
        if deal is None or not name.strip():
            return
        new = deal_pb.Deal(id=deal.id, name=name, amount=euros(amount))
        self.call(
            "UpdateDeal",
            deal_pb.UpdateDealRequest(deal=new, update_mask=mask("name", "amount"), etag=deal.etag),
        )
        changed = (deal.name, deal.amount) != (name.strip(), amount)
        deal.version += changed
        deal.name, deal.amount = name.strip(), amount
        self.compare(deal)

    @rule(number=PICK, name=NAMES)
    def edit_client(self, number: int, name: str) -> None:
        """Another name."""
        client = self.pick(self.clients, number)
        if client is None or not name.strip():
            return
        request = client_pb.UpdateClientRequest(
            client=client_pb.Client(id=client.id, name=name),
            update_mask=mask("name"),
            etag=client.etag,
        )
        found = self.call("UpdateClient", request)
        client.version += client.name != name.strip()
        client.name = name.strip()
        assert (found.name, found.etag) == (client.name, client.etag)

    @rule(number=PICK, stage=st.sampled_from(STAGES))
    def move(self, number: int, stage: str) -> None:
        """To a stage, or to the top of the one it is in."""
        deal = self.pick(self.deals, number)
        if deal is None:
            return
        reason = self.reason if stage == "Lost" else ""
        self.run(
            self.person.move(
                deal_pb.Deal(id=deal.id, etag=deal.etag),
                self.stages[stage],
                lost_reason_id=reason,
            )
        )
        if stage != deal.stage and deal.stage in OPEN:
            deal.left = deal.stage
        deal.stage, deal.version = stage, deal.version + 1
        self.compare(deal)

    @rule(number=PICK)
    def reopen(self, number: int) -> None:
        """Back to the open stage it left last; an open one refuses."""
        deal = self.pick(self.deals, number)
        if deal is None:
            return
        request = record_pb.ReopenDealRequest(deal_id=deal.id, etag=deal.etag)
        if deal.stage in OPEN:
            self.refused(ErrorKind.REFUSED, "ReopenDeal", request)
            return
        self.call("ReopenDeal", request)
        deal.stage, deal.version = deal.left, deal.version + 1
        self.compare(deal)

    @rule(number=PICK)
    def delete_deal(self, number: int) -> None:
        """Into the trash."""
        if deal := self.pick(self.deals, number):
            request = deal_pb.DeleteDealRequest(deal_id=deal.id, etag=deal.etag)
            self.call("DeleteDeal", request)
            deal.deleted, deal.version = True, deal.version + 1
            self.refused(ErrorKind.NOT_FOUND, "DeleteDeal", request)

    @rule(number=PICK)
    def delete_client(self, number: int) -> None:
        """Into the trash; its deals stay."""
        if client := self.pick(self.clients, number):
            request = client_pb.DeleteClientRequest(client_id=client.id, etag=client.etag)
            self.call("DeleteClient", request)
            client.deleted, client.version = True, client.version + 1

    @rule(number=PICK, what=st.sampled_from(("deals", "clients")))
    def restore(self, number: int, what: str) -> None:
        """Out of the trash."""
        if thing := self.pick(getattr(self, what), number, deleted=True):
            request = record_pb.RestoreRecordRequest(record_id=thing.id)
            self.call("RestoreRecord", request)
            thing.deleted, thing.version = False, thing.version + 1
            self.refused(ErrorKind.NOT_FOUND, "RestoreRecord", request)

    @rule(number=PICK)
    def edit_what_is_old(self, number: int) -> None:
        """A version that was left behind changes nothing."""
        deal = self.pick(self.deals, number)
        if deal is None or deal.version == 1:
            return
        request = deal_pb.UpdateDealRequest(
            deal=deal_pb.Deal(id=deal.id, name="Too late"),
            update_mask=mask("name"),
            etag=str(deal.version - 1),
        )
        self.refused(ErrorKind.STALE, "UpdateDeal", request)
        self.compare(deal)

    @rule()
    def bring_in_and_take_back(self) -> None:
        """An import that is reverted leaves nothing in the lists."""
        self.imports += 1
        text = "".join(
            f"Imported {self.imports} {n},Proposal,i{self.imports}-{n}\n" for n in range(2)
        )
        done = self.run(imported(self.app, self.person, f"name,stage,external_id\n{text}"))
        assert done.created_rows == 2
        going = self.call("RevertImport", import_pb.RevertImportRequest(import_id=done.id))
        self.run(work_off(self.app, going.job_id, REVERT_JOB))

    def compare(self, deal: Thing) -> None:
        """What crm says of a deal."""
        found = self.run(self.person.deal(deal.id))
        said = (found.name, found.stage_name, found.amount.amount_minor, found.version)
        assert said == (deal.name, deal.stage, deal.amount, deal.version)
        assert found.client_id == deal.client

    def teardown(self) -> None:
        """Everything at once."""
        there = [deal for deal in self.deals if not deal.deleted]
        listed = self.run(self.person.list_deals(page_size=200, with_total=True))
        assert {deal.id for deal in listed.deals} == {deal.id for deal in there}
        assert listed.total == len(there)
        for name, column in self.run(self.person.board()).items():
            here = [deal for deal in there if deal.stage == name]
            assert column.count == len(here)
            assert column.sum.amount_minor == sum(deal.amount for deal in here)
            assert {card.id for card in column.cards} <= {deal.id for deal in here}
        gone = self.call("ListTrash", record_pb.ListTrashRequest(page_size=200))
        ours = {thing.id for thing in (*self.deals, *self.clients)}
        assert {record.id for record in gone.records if record.id in ours} == {
            thing.id for thing in (*self.deals, *self.clients) if thing.deleted
        }
        for deal in there[:3]:
            history = self.call(
                "ListDealHistory",
                deal_pb.ListDealHistoryRequest(deal_id=deal.id, page_size=200),
            )
            versions = [entry.version for entry in history.entries]
            assert versions == list(range(deal.version, 0, -1))


async def live(crm: Crm, app: App, *, lives: int, steps: int) -> None:
    """In a thread, because a machine's steps are plain functions."""
    machine = type("Machine", (Life,), {"loop": asyncio.get_running_loop(), "crm": crm, "app": app})
    await asyncio.to_thread(
        run_state_machine_as_test,
        machine,
        settings=settings(
            max_examples=lives,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )


async def test_five_hundred_steps(crm: Crm, app: App) -> None:
    await live(crm, app, lives=10, steps=50)


@pytest.mark.slow
async def test_ten_thousand_steps(crm: Crm, app: App) -> None:
    await live(crm, app, lives=100, steps=100)
