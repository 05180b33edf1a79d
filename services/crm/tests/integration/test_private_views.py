"""A private view is its maker's alone. No policy keeps it, see ADR 97, so every way is tried."""

import pkgutil
from collections.abc import Iterator
from importlib import import_module

import pytest

import crm
from crm.adapters.tables import views
from crm.entrypoints.app import App
from freelanceflow.crm.v1 import view_service_pb2 as pb
from kit.database import Statement, Transaction
from kit.errors import ErrorKind
from kit.ids import parse_id
from kit.testing.database import ServiceDatabase
from services.crm.tests.factories import Crm, Person, refused
from services.crm.tests.integration.test_isolation import everything, replayed
from services.crm.tests.integration.test_views import make_view, term
from services.crm.tests.replay import BY_ID, NAMES_NOTHING, SECRET, Others

OF_ONE_VIEW = {"GetView", "UpdateView", "DeleteView", "ChooseView"}


@pytest.fixture
async def private(person: Person) -> pb.View:
    """What its maker sees first, too."""
    view = await make_view(person, SECRET, filter=[term("name__contains", SECRET)])
    await person.call("ChooseView", pb.ChooseViewRequest(resource="deals", view_id=view.id))
    return view


@pytest.fixture
def administrator(crm: Crm, person: Person) -> Person:
    """A colleague who may do everything."""
    return Person(crm, person.workspace_id)


@pytest.fixture
def named(private: pb.View) -> Others:
    """For requests that name the view."""
    return Others({"view_id": private.id, "View.id": private.id, "etag": private.etag})


def statements() -> Iterator[tuple[str, Statement]]:
    """All of crm's that touch the table."""
    for module in pkgutil.walk_packages(crm.__path__, "crm."):
        if module.name.startswith(("crm.migrations", "crm.__main__")):
            continue
        for name, value in vars(import_module(module.name)).items():
            if isinstance(value, Statement) and f" {views.name} " in f"{value.sql} ":
                yield name, value


async def test_no_operation_finds_somebody_elses(
    administrator: Person, named: Others, database: ServiceDatabase
) -> None:
    kept = await everything(database, administrator.workspace_id)
    methods = [method for method in BY_ID if "View" in method.name]
    assert {method.name for method in methods} == OF_ONE_VIEW
    for method in methods:
        with refused(ErrorKind.NOT_FOUND, "VIEW_NOT_FOUND"):
            await administrator.call(method.name, named.request(method))
    assert await everything(database, administrator.workspace_id) == kept


@pytest.mark.parametrize("name", sorted(NAMES_NOTHING))
async def test_no_operation_tells_of_somebody_elses(
    administrator: Person, named: Others, name: str
) -> None:
    assert not named.are_told_of(await replayed(administrator, named, name))


async def test_no_statement_reads_somebody_elses(
    person: Person, administrator: Person, private: pb.View, app: App
) -> None:
    found = dict(statements())
    assert set(found) == {"LIST", "GET", "LOAD", "COUNT", "ADD", "SAVE", "REMOVE", "TOTAL"}
    values = {
        "workspace": administrator.workspace_id,
        "me": administrator.user_id,
        "view": parse_id(private.id, "view"),
        "resource": private.resource,
    }
    async with Transaction(app.pool, administrator.workspace_id) as tx:
        for name in ("LIST", "GET", "LOAD"):
            assert await tx.rows(found[name], **values) == [], name
            assert len(await tx.rows(found[name], **values | {"me": person.user_id})) == 1
        assert await tx.value(found["COUNT"], **values) == 0
        taken_out = [
            await tx.value(found["TOTAL"], workspace=values["workspace"], maker=maker)
            for maker in (person.user_id, administrator.user_id)
        ]
        assert taken_out[0] - taken_out[1] == 1
