"""What a file brings twice comes once, and a dry run says so before."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.application import import_batches
from crm.entrypoints.app import App
from freelanceflow.crm.v1 import import_service_pb2 as pb
from kit.ids import new_id
from services.crm.tests.factories import (
    Crm,
    Person,
    commit,
    import_of,
    make_client,
    upload,
    work_off,
)
from services.crm.tests.integration.test_import_runs import (
    CLIENTS,
    checked,
    clients_of,
    rows_of,
    told,
)

SPELLINGS = ["Acme GmbH", "ACME Gmbh ", "Acme, gmbh", "Ácme", "Beta", "beta AG"]


@pytest.mark.parametrize("at_a_time", [2, 500])
async def test_two_spellings_of_a_new_client_are_one(
    app: App, person: Person, monkeypatch: pytest.MonkeyPatch, at_a_time: int
) -> None:
    """By the rule by which a spelling is recognised as a client that is there."""
    monkeypatch.setattr(import_batches, "BATCH", at_a_time)
    rows = "".join(f'D{n},"{name}"\n' for n, name in enumerate(SPELLINGS))
    made = await upload(person, f"deal,client\n{rows}")
    await told(person, made.id, create_clients=True)
    ready = await checked(app, person, made.id)
    assert (ready.check.created_rows, ready.check.new_clients) == (len(SPELLINGS), 2)
    await work_off(app, (await commit(person, made.id)).job_id)
    assert set(await clients_of(person)) == {"Acme GmbH", "Beta"}
    deals = {deal.name: deal.client_name for deal in (await person.list_deals()).deals}
    assert set(deals.values()) == {"Acme GmbH", "Beta"}
    assert (deals["D3"], deals["D5"]) == ("Acme GmbH", "Beta")


@pytest.mark.parametrize("at_a_time", [2, 500])
async def test_a_dry_run_says_which_rows_repeat_an_earlier_one(
    app: App, person: Person, monkeypatch: pytest.MonkeyPatch, at_a_time: int
) -> None:
    monkeypatch.setattr(import_batches, "BATCH", at_a_time)
    names = [*SPELLINGS, "Rome", "Ramo", "RAMO", "Rome Ltd"]  # of the same consonants, yet two
    made = await upload(
        person, "name\n" + "".join(f'"{name}"\n' for name in names), resource=CLIENTS
    )
    ready = await checked(app, person, made.id)
    assert (ready.check.created_rows, ready.check.skipped_rows) == (4, 6)
    repeated = [
        (3, "Acme GmbH"), (4, "Acme GmbH"), (5, "Acme GmbH"), (7, "Beta"), (10, "Ramo"),
        (11, "Rome"),
    ]  # fmt: skip
    assert await rows_of(person, made.id) == [
        (row, "skipped", "file", name) for row, name in repeated
    ]
    found = await person.call("ListImportRows", pb.ListImportRowsRequest(import_id=made.id))
    assert {row.record_id for row in found.rows} == {""}  # of records that are not there yet
    await work_off(app, (await commit(person, made.id)).job_id)
    assert set(await clients_of(person)) == {"Acme GmbH", "Beta", "Rome", "Ramo"}


async def test_an_id_of_the_source_goes_to_one_client(app: App, person: Person) -> None:
    """To the one who gets it by a change; a later row with it is a repetition."""
    await make_client(person, name="Acme")
    made = await upload(person, "name,id\nAcme Ltd,7\nBeta,7\n", resource=CLIENTS)
    await told(person, made.id, on_duplicate="update")
    await work_off(app, (await commit(person, made.id)).job_id)
    done = await import_of(person, made.id)
    assert (done.updated_rows, done.created_rows, done.skipped_rows) == (1, 0, 1)
    (client,) = (await clients_of(person)).values()
    assert (client.name, client.external_id) == ("Acme Ltd", "7")


names = st.sampled_from(
    ["Acme", "ACME Ltd", "acme gmbh", "Beta", "Beta 2", "Betta", "Gamma", "Gama", ""]
)
mails = st.sampled_from(["", "a@acme.com", "b@beta.io", "x@gmail.com"])
ids = st.sampled_from(["", "", "1", "2"])


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    rows=st.lists(st.tuples(names, mails, ids), min_size=1, max_size=12),
    there=st.lists(st.tuples(names.filter(bool), mails), max_size=3),
    on_duplicate=st.sampled_from(["skip", "update", "create"]),
)
async def test_a_dry_run_counts_what_a_commit_does(
    app: App,
    crm: Crm,
    rows: list[tuple[str, str, str]],
    there: list[tuple[str, str]],
    on_duplicate: str,
) -> None:
    person = Person(crm, new_id())
    for name, mail in there:
        await make_client(person, name=name, emails=[mail] if mail else [])
    text = "name,email,id,notes\n" + "".join(f"{','.join(row)},x\n" for row in rows)
    made = await upload(person, text, resource=CLIENTS)
    await told(person, made.id, on_duplicate=on_duplicate)
    check = (await checked(app, person, made.id)).check
    committed = await commit(person, made.id)
    await work_off(app, committed.job_id)
    done = await import_of(person, made.id)
    assert (check.created_rows, check.updated_rows) == (done.created_rows, done.updated_rows)
    assert (check.skipped_rows, check.failed_rows) == (done.skipped_rows, done.failed_rows)
    assert done.done_rows == len(rows)
