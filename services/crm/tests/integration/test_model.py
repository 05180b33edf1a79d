"""Whatever people do, in whatever order: crm and a model of a few lines say the same.

After every step the records that were touched are compared; at the end everything: lists, the board
with its sums, what clients add up to, contacts, the trash, and each history.
"""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule, run_state_machine_as_test

from crm.application.import_revert import REVERT_JOB
from crm.entrypoints.app import App
from freelanceflow.crm.v1 import activity_service_pb2 as activity_pb
from freelanceflow.crm.v1 import client_service_pb2 as client_pb
from freelanceflow.crm.v1 import contact_service_pb2 as contact_pb
from freelanceflow.crm.v1 import deal_service_pb2 as deal_pb
from freelanceflow.crm.v1 import duplicate_service_pb2 as duplicate_pb
from freelanceflow.crm.v1 import field_service_pb2 as field_pb
from freelanceflow.crm.v1 import import_service_pb2 as import_pb
from freelanceflow.crm.v1 import record_service_pb2 as record_pb
from kit.errors import ErrorKind
from services.crm.tests.beside import RESOURCES, Beside
from services.crm.tests.factories import (
    Crm,
    euros,
    make_activity,
    make_client,
    make_deal,
    mask,
    work_off,
)
from services.crm.tests.model import (
    CHOICES,
    OPEN,
    STAGES,
    Activity,
    Brought,
    Client,
    Deal,
    Merge,
    Row,
    Thing,
)

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)
TITLES = NAMES.map(str.strip).filter(bool)
AMOUNTS = st.integers(0, 10**9)
PICK = st.integers(0, 10**6)
# Few, so that they meet.
SOURCE_IDS = st.sampled_from(("", "", "E1", "E2", "E3", "E4"))
MAILS = st.lists(st.sampled_from(("a@ann.ch", "b@ben.ch", "c@cid.ch")), unique=True, max_size=2)
VALUES = st.dictionaries(st.sampled_from(("size", "mood")), st.sampled_from("SML"))
KINDS = {True: client_pb.CLIENT_KIND_COMPANY, False: client_pb.CLIENT_KIND_PERSON}
ROWS = st.lists(
    st.tuples(SOURCE_IDS.filter(bool), AMOUNTS, st.sampled_from(STAGES), st.booleans()),
    min_size=1,
    max_size=3,
    unique_by=lambda row: row[0],
)


class Life(Beside):
    """What can happen."""

    def __init__(self) -> None:
        super().__init__()
        self.merges: list[Merge] = []
        self.imports: dict[str, list[Brought]] = {}

    # ------------------------------------------------------------ to make

    @initialize()
    def begin(self) -> None:
        """Two fields, and enough that things can happen to."""
        for name in ("size", "mood"):
            field = field_pb.CustomField(resource="clients", name=name, type="text")
            request = field_pb.CreateCustomFieldRequest(custom_field=field)
            assert self.call("CreateCustomField", request).key == name
        for name in ("One", "Two", "Three"):
            self.create_client(name, "", [], {}, is_company=True, number=0)
        for number in range(2):
            self.create_deal("Deal", 1, OPEN[0], "", number)

    @rule(
        name=TITLES, amount=AMOUNTS, stage=st.sampled_from(OPEN), external=SOURCE_IDS, number=PICK
    )
    def create_deal(self, name: str, amount: int, stage: str, external: str, number: int) -> None:
        """On a stage, with a client if there is one."""
        client = self.pick(self.model.clients, number)
        new = Deal("", name, stage=stage, amount=amount, external_id=external)
        new.client = client.id if client else ""
        work = make_deal(
            self.person,
            name=name,
            amount=euros(amount),
            stage_id=self.stages[stage],
            client_id=new.client,
            external_id=external,
        )
        if self.model.holder(self.model.deals, external):
            self.refused(ErrorKind.DUPLICATE, work)
            return
        new.id = self.run(work).id
        self.model.deals.append(new)
        self.compare(new)

    @rule(
        name=TITLES,
        external=SOURCE_IDS,
        mails=MAILS,
        values=VALUES,
        is_company=st.booleans(),
        number=PICK,
    )
    def create_client(
        self,
        name: str,
        external: str,
        mails: list[str],
        values: dict[str, str],
        is_company: bool,
        number: int,
    ) -> None:
        """A company, or a person; every other one under a company."""
        companies = [client for client in self.model.clients if client.is_company]
        parent = self.pick(companies, number) if number % 2 else None
        new = Client("", name, is_company=is_company, emails=tuple(mails), external_id=external)
        new.custom, new.parent = values, parent.id if parent else ""
        work = make_client(
            self.person,
            name=name,
            kind=KINDS[is_company],
            parent_id=new.parent,
            emails=mails,
            external_id=external,
            custom_fields=values,
        )
        if not self.model.has_room_for(new, external):
            self.refused(ErrorKind.DUPLICATE, work)
            return
        new.id = self.run(work).id
        self.model.clients.append(new)
        self.compare(new)

    @rule(name=TITLES, number=PICK)
    def create_activity(self, name: str, number: int) -> None:
        """A call with a client."""
        if client := self.pick(self.model.clients, number):
            made = self.run(make_activity(self.person, subject=name, client_id=client.id))
            self.model.activities.append(Activity(made.id, name, client=client.id))

    # ------------------------------------------------------------ to change

    @rule(number=PICK, name=TITLES, amount=AMOUNTS)
    def edit_deal(self, number: int, name: str, amount: int) -> None:
        """The same values again are no change."""
        if deal := self.pick(self.model.deals, number):
            new = deal_pb.Deal(id=deal.id, name=name, amount=euros(amount))
            request = deal_pb.UpdateDealRequest(
                deal=new, update_mask=mask("name", "amount"), etag=deal.etag
            )
            self.call("UpdateDeal", request)
            deal.change(name=name, amount=amount)
            self.compare(deal)

    @rule(number=PICK, name=TITLES, notes=st.sampled_from(("", "noted")), external=SOURCE_IDS)
    def edit_client(self, number: int, name: str, notes: str, external: str) -> None:
        """Its id of the source as well, if nobody has it."""
        if client := self.pick(self.model.clients, number):
            new = client_pb.Client(id=client.id, name=name, notes=notes, external_id=external)
            request = client_pb.UpdateClientRequest(
                client=new, update_mask=mask("name", "notes", "external_id"), etag=client.etag
            )
            work = self.person.call("UpdateClient", request)
            if self.model.has_room_for(client, external):
                self.run(work)
                client.change(name=name, notes=notes, external_id=external)
            else:
                self.refused(ErrorKind.DUPLICATE, work)
            self.compare(client)

    @rule(number=PICK, other=PICK, role=st.sampled_from(("", "Buyer", "Decides")))
    def put_contact(self, number: int, other: int, role: str) -> None:
        """Somebody one speaks with about a deal."""
        deal, client = self.pick(self.model.deals, number), self.pick(self.model.clients, other)
        if deal and client:
            request = contact_pb.PutDealContactRequest(
                deal_id=deal.id, client_id=client.id, role=role
            )
            self.call("PutDealContact", request)
            self.model.set_contacts(deal, {**deal.contacts, client.id: role})
            self.compare(deal)

    @rule(number=PICK, stage=st.sampled_from(STAGES))
    def move(self, number: int, stage: str) -> None:
        """To a stage, or to the top of the one it is in."""
        if deal := self.pick(self.model.deals, number):
            seen = deal_pb.Deal(id=deal.id, etag=deal.etag)
            reason = self.reason if stage == "Lost" else ""
            self.run(self.person.move(seen, self.stages[stage], lost_reason_id=reason))
            deal.go_to(stage)
            self.compare(deal)

    @rule(number=PICK)
    def reopen(self, number: int) -> None:
        """Back to the open stage it left last; an open one refuses."""
        if deal := self.pick(self.model.deals, number):
            request = record_pb.ReopenDealRequest(deal_id=deal.id, etag=deal.etag)
            work = self.person.call("ReopenDeal", request)
            if deal.stage in OPEN:
                self.refused(ErrorKind.REFUSED, work)
                return
            self.run(work)
            deal.go_to(deal.left)
            self.compare(deal)

    @rule(number=PICK)
    def edit_what_is_old(self, number: int) -> None:
        """A version that was left behind changes nothing."""
        deal = self.pick(self.model.deals, number)
        if deal and deal.version > 1:
            request = deal_pb.UpdateDealRequest(
                deal=deal_pb.Deal(id=deal.id, name="Too late"),
                update_mask=mask("name"),
                etag=str(deal.version - 1),
            )
            self.refused(ErrorKind.STALE, self.person.call("UpdateDeal", request))
            self.compare(deal)

    # ------------------------------------------------------------ the trash

    @rule(number=PICK)
    def delete(self, number: int) -> None:
        """Into the trash; what hangs on it stays."""
        if thing := self.pick(self.model.things, number):
            method, request = _deletion(thing)
            self.call(method, request)
            thing.delete()
            self.refused(ErrorKind.NOT_FOUND, self.person.call(method, request))

    @rule(number=PICK)
    def restore(self, number: int) -> None:
        """Out of the trash, once."""
        if thing := self.pick(self.model.things, number, deleted=True):
            request = record_pb.RestoreRecordRequest(record_id=thing.id)
            self.call("RestoreRecord", request)
            thing.restore()
            self.refused(ErrorKind.NOT_FOUND, self.person.call("RestoreRecord", request))

    # ------------------------------------------------------------ merges

    @rule(number=PICK, other_number=PICK, named=st.sets(st.sampled_from(sorted(CHOICES))))
    def merge(self, number: int, other_number: int, named: set[str]) -> None:
        """Two clients become one; nobody can stand under a person."""
        one = self.pick(self.model.clients, number)
        other = self.pick([c for c in self.model.clients if c is not one], other_number)
        if one is None or other is None:
            return
        request = duplicate_pb.MergeClientsRequest(
            client_id=one.id,
            etag=one.etag,
            other_id=other.id,
            other_etag=other.etag,
            fields_from_other=named,
        )
        work = self.person.call("MergeClients", request)
        if not one.is_company and [p for p in self.model.people_of(other) if p is not one]:
            self.refused(ErrorKind.INVALID, work)
            return
        made = self.run(work)
        merge = self.model.merge(made.id, one, other, named)
        self.merges.append(merge)
        self.compare(one)
        counts = (made.deals, made.activities, made.people)
        assert sum(counts) == len(merge.moved)

    @rule(number=PICK)
    def undo_merge(self, number: int) -> None:
        """Two again, once, and only while the other lies in the trash."""
        if not self.merges:
            return
        merge = self.merges[number % len(self.merges)]
        work = self.person.call("UndoMerge", duplicate_pb.UndoMergeRequest(merge_id=merge.id))
        if merge.undone:
            self.refused(ErrorKind.REFUSED, work)
        elif not merge.other.deleted:
            self.refused(ErrorKind.NOT_FOUND, work)
        else:
            self.run(work)
            self.model.undo(merge)
            self.compare(merge.one, merge.other)

    # ------------------------------------------------------------ imports

    @rule(rows=ROWS, what=st.sampled_from(sorted(RESOURCES)), update=st.booleans())
    def bring(self, rows: list[tuple[str, int, str, bool]], what: str, update: bool) -> None:
        """A file: some records are new, some are there already; companies come along."""
        file = self.file_of(rows, what)
        done = self.import_file(file, what, "update" if update else "skip")
        assert done.failed_rows == 0
        if what == "deals":
            company = next((row.client for row in file if self._comes_along(row, update)), "")
            first = self.new_client(company) if company else None
            brought = [first, *(self._deal(row, update) for row in file)]
        else:
            brought = [self._client(row, update) for row in file]
        self.imports[done.id] = [one for one in brought if one is not None]
        self.compare(*(one.thing for one in self.imports[done.id]))

    def _comes_along(self, row: Row, update: bool) -> bool:
        """A client comes with a row that becomes a deal or changes one, not with one left out."""
        held = self.model.holder(self.model.deals, row.external_id)
        return bool(row.client) and (held is None or (update and not held.deleted))

    def _deal(self, row: Row, update: bool) -> Brought | None:
        held = self.model.holder(self.model.deals, row.external_id)
        return self.model.bring_deal(held, row, update=update) if held else self.new_deal(row)

    def _client(self, row: Row, update: bool) -> Brought | None:
        held = self.model.holder(self.model.clients, row.external_id)
        if held:
            return self.model.bring_client(held, row, update=update)
        return self.new_client(row.name, row.external_id, row.client)

    @rule(number=PICK)
    def revert(self, number: int) -> None:
        """An import taken back, once; what somebody has touched since stays."""
        if self.imports:
            import_id = list(self.imports)[number % len(self.imports)]
            brought = self.imports.pop(import_id)
            request = import_pb.RevertImportRequest(import_id=import_id)
            job_id = self.call("RevertImport", request).job_id
            self.run(work_off(self.app, job_id, REVERT_JOB))
            self.refused(ErrorKind.REFUSED, self.person.call("RevertImport", request))
            self.model.revert(brought)
            self.compare(*(one.thing for one in brought))

    def teardown(self) -> None:
        """Everything at once."""
        self.compare_all()


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
            phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
        ),
    )


async def test_five_hundred_steps(crm: Crm, app: App) -> None:
    await live(crm, app, lives=10, steps=50)


@pytest.mark.slow
@pytest.mark.timeout(7200)
async def test_ten_thousand_steps(crm: Crm, app: App) -> None:
    await live(crm, app, lives=100, steps=100)


def _deletion(thing: Thing) -> tuple[str, Any]:
    """How to put something into the trash."""
    match thing:
        case Deal():
            return "DeleteDeal", deal_pb.DeleteDealRequest(deal_id=thing.id, etag=thing.etag)
        case Client():
            wanted = client_pb.DeleteClientRequest(client_id=thing.id, etag=thing.etag)
            return "DeleteClient", wanted
    asked = activity_pb.DeleteActivityRequest(activity_id=thing.id, etag=thing.etag)
    return "DeleteActivity", asked
