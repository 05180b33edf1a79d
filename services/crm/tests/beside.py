"""What stands beside the model: crm itself, asked in the same words, and compared with it."""

import asyncio
import hashlib
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, TypeVar

import pytest
from hypothesis.stateful import RuleBasedStateMachine

from crm.entrypoints.app import App
from freelanceflow.crm.v1 import activity_service_pb2 as activity_pb
from freelanceflow.crm.v1 import client_service_pb2 as client_pb
from freelanceflow.crm.v1 import contact_service_pb2 as contact_pb
from freelanceflow.crm.v1 import deal_service_pb2 as deal_pb
from freelanceflow.crm.v1 import import_service_pb2 as import_pb
from freelanceflow.crm.v1 import record_service_pb2 as record_pb
from kit.errors import ErrorKind
from kit.rpc.errors import RemoteError
from services.crm.tests.factories import (
    Crm,
    Person,
    by,
    commit,
    import_of,
    upload,
    where,
    work_off,
)
from services.crm.tests.model import (
    OPEN,
    Activity,
    Brought,
    Client,
    Deal,
    Model,
    Row,
    Thing,
)

RESOURCES = {
    "deals": import_pb.IMPORT_RESOURCE_DEALS,
    "clients": import_pb.IMPORT_RESOURCE_CLIENTS,
}
FIGURES: dict[str, Callable[[client_pb.Client], int]] = {
    "won_value": lambda client: client.won_value.amount_minor,
    "last_contact_at": lambda client: client.last_contact_time.ToNanoseconds(),
}
PAGE = 200
T = TypeVar("T")
Some = TypeVar("Some", bound=Thing)


class Beside(RuleBasedStateMachine):
    """Set up by the test: a loop to run on, and whom to be."""

    loop: asyncio.AbstractEventLoop
    crm: Crm
    app: App

    def __init__(self) -> None:
        super().__init__()
        self.person = Person(self.crm)
        self.model = Model()
        self.names = 0
        self.stages = self.run(self.person.stages())
        self.reason = next(iter(self.run(self.person.lost_reasons()).values()))

    # ------------------------------------------------------------ speaking with crm

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """On the test's own loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def call(self, method: str, request: Any) -> Any:
        """By the person."""
        return self.run(self.person.call(method, request))

    def refused(self, kind: ErrorKind, work: Coroutine[Any, Any, Any]) -> None:
        """It must say no, for this kind of reason."""
        with pytest.raises(RemoteError) as refusal:
            self.run(work)
        assert refusal.value.kind is kind

    def new_name(self) -> str:
        """Like no other; of letters, because a number would tell names apart that are alike."""
        self.names += 1
        digest = hashlib.sha256(str(self.names).encode()).hexdigest()[:12]
        return "Imported " + digest.translate(str.maketrans("0123456789", "ghijklmnop"))

    @staticmethod
    def pick(things: Iterable[Some], number: int, *, deleted: bool = False) -> Some | None:
        """One of those that are there, or of those in the trash."""
        there = [thing for thing in things if thing.deleted is deleted]
        return there[number % len(there)] if there else None

    # ------------------------------------------------------------ importing

    def file_of(self, rows: Sequence[tuple[str, int, str, bool]], what: str) -> list[Row]:
        """Deals of a new company, or clients under the first new one of the file."""
        company = self.new_name() if what == "deals" else ""
        file: list[Row] = []
        for external, amount, stage, along in rows:
            row = Row(self.new_name(), external, amount, stage)
            if what == "deals" or self.model.holder(self.model.clients, external) is None:
                row.client = company if along else ""
                company = company or row.name
            file.append(row)
        return file

    def import_file(self, rows: Sequence[Row], what: str, mode: str) -> import_pb.Import:
        """A file of these rows, imported."""
        return self.run(self._imported(rows, what, mode))

    async def _imported(self, rows: Sequence[Row], what: str, mode: str) -> import_pb.Import:
        deals = what == "deals"
        lines = ["name,external_id,client,amount,stage" if deals else "name,external_id,parent"]
        for row in rows:
            more = f",{row.amount // 100}.{row.amount % 100:02},{row.stage}" if deals else ""
            lines.append(f"{row.name},{row.external_id},{row.client}{more}")
        made = await upload(self.person, "\n".join(lines), RESOURCES[what])
        settings = import_pb.UpdateImportRequest(
            import_id=made.id, on_duplicate=mode, create_clients=deals
        )
        await self.person.call("UpdateImport", settings)
        await work_off(self.app, (await commit(self.person, made.id)).job_id)
        return await import_of(self.person, made.id)

    def new_deal(self, row: Row) -> Brought:
        """It came to be in the first stage, then it moved."""
        (found,) = self.run(self.person.list_deals(where("name", "EQ", row.name))).deals
        client = next((one.id for one in self.model.clients if one.name == row.client), "")
        deal = Deal(found.id, row.name, amount=row.amount, client=client)
        deal.external_id = row.external_id
        if row.stage != deal.stage:
            deal.go_to(row.stage)
        self.model.deals.append(deal)
        return Brought(deal, deal.version, None)

    def new_client(self, name: str, external_id: str = "", parent: str = "") -> Brought:
        """A company that a file has brought, maybe under one that it has brought before."""
        request = client_pb.ListClientsRequest(conditions=[where("name", "EQ", name)])
        (found,) = self.call("ListClients", request).clients
        client = Client(found.id, name, external_id=external_id, owner=found.owner_id)
        client.parent = next((one.id for one in self.model.clients if one.name == parent), "")
        self.model.clients.append(client)
        return Brought(client, client.version, None)

    # ------------------------------------------------------------ comparing

    def compare(self, *things: Thing) -> None:
        """What crm says of them."""
        for thing in things:
            if thing.deleted:
                self.refused(ErrorKind.NOT_FOUND, self._get(thing))
            else:
                self._compare(thing, self.run(self._get(thing)))

    async def _get(self, thing: Thing) -> Any:
        match thing:
            case Deal():
                return await self.person.deal(thing.id)
            case Client():
                request = client_pb.GetClientRequest(client_id=thing.id)
                return await self.person.call("GetClient", request)
        asked = activity_pb.GetActivityRequest(activity_id=thing.id)
        return await self.person.call("GetActivity", asked)

    def _compare(self, thing: Thing, found: Any) -> None:
        assert found.etag == thing.etag, thing
        match thing:
            case Deal():
                said = (found.name, found.stage_name, found.amount.amount_minor, found.external_id)
                assert said == (thing.name, thing.stage, thing.amount, thing.external_id), found
                assert found.client_id == thing.client
            case Client():
                said = (found.name, found.parent_id, found.notes, found.external_id)
                assert said == (thing.name, thing.parent, thing.notes, thing.external_id), found
                assert found.owner_id == thing.owner
                assert tuple(found.emails) == thing.emails
                assert dict(found.custom_fields) == thing.custom
            case Activity():
                assert (found.subject, found.client_id) == (thing.name, thing.client)

    def compare_all(self) -> None:
        """Everything, and what it adds up to."""
        self.compare(*self.model.things)
        there = [deal for deal in self.model.deals if not deal.deleted]
        listed = self.run(self.person.list_deals(page_size=PAGE, with_total=True))
        assert {deal.id for deal in listed.deals} == {deal.id for deal in there}
        assert listed.total == len(there)
        for name, column in self.run(self.person.board()).items():
            here = [deal for deal in there if deal.stage == name]
            assert column.count == len(here)
            assert column.sum.amount_minor == sum(deal.amount for deal in here)
            assert {card.id for card in column.cards} <= {deal.id for deal in here}
        for client in self.model.clients:
            if not client.deleted:
                self._compare_sums(client)
        self._compare_orders()
        for deal in there:
            self._compare_contacts(deal)
        gone = self.call("ListTrash", record_pb.ListTrashRequest(page_size=PAGE))
        ours = {thing.id for thing in self.model.things if thing.deleted}
        assert {record.id for record in gone.records} == ours
        self._compare_histories()

    def _compare_sums(self, client: Client) -> None:
        found = self.run(self._get(client))
        deals = self.model.deals_of(client)
        for said, stages in ((found.open_value, OPEN), (found.won_value, ("Won",))):
            assert said.amount_minor == sum(d.amount for d in deals if d.stage in stages), client
        assert found.open_deal_count == sum(deal.stage in OPEN for deal in deals)
        assert found.people_count == len(self.model.people_of(client))

    def _compare_orders(self) -> None:
        """Sorted by a figure is sorted by what each client shows of it."""
        there = sorted(client.id for client in self.model.clients if not client.deleted)
        for field, figure in FIGURES.items():
            request = client_pb.ListClientsRequest(page_size=PAGE, sort=[by(field)])
            found = self.call("ListClients", request).clients
            assert sorted(client.id for client in found) == there
            keys = [(figure(client), client.id) for client in found]
            assert keys == sorted(keys)

    def _compare_contacts(self, deal: Deal) -> None:
        request = contact_pb.ListDealContactsRequest(deal_id=deal.id, page_size=PAGE)
        found = self.call("ListDealContacts", request).contacts
        alive = {client.id for client in self.model.clients if not client.deleted}
        expected = [(id, role) for id, role in deal.contacts.items() if id in alive]
        assert [(contact.client_id, contact.role) for contact in found] == expected, deal

    def _compare_histories(self) -> None:
        """A line for each version, on the record itself."""
        for thing in self.model.things:
            if thing.deleted or thing.version > PAGE:
                continue
            match thing:
                case Deal():
                    asked = deal_pb.ListDealHistoryRequest(deal_id=thing.id, page_size=PAGE)
                    entries = self.call("ListDealHistory", asked).entries
                    assert [entry.version for entry in entries] == [*range(thing.version, 0, -1)]
                case Client():
                    wanted = record_pb.ListClientHistoryRequest(client_id=thing.id, page_size=PAGE)
                    assert len(self.call("ListClientHistory", wanted).entries) == thing.version
