"""What is said and done about two clients is told, once, and is a line of the audit log."""

from freelanceflow.crm.v1 import duplicate_service_pb2 as pb
from kit.errors import ErrorKind
from kit.testing.database import ServiceDatabase
from services.crm.tests.factories import Person, make_activity, make_client, make_deal, refused
from services.crm.tests.integration.test_duplicates import merge
from services.crm.tests.integration.test_events import told


async def test_that_two_are_two_is_told_once(person: Person, database: ServiceDatabase) -> None:
    one, other = await make_client(person), await make_client(person)
    for ids in ((one.id, other.id), (one.id, other.id), (other.id, one.id)):
        request = pb.DismissDuplicateRequest(client_id=ids[0], other_id=ids[1])
        await person.call("DismissDuplicate", request)
    with refused(ErrorKind.INVALID, "MERGE_WITH_ITSELF"):
        request = pb.DismissDuplicateRequest(client_id=one.id, other_id=one.id)
        await person.call("DismissDuplicate", request)
    ((kind, said, headers),) = (await told(database, person.workspace_id))[2:]
    assert (kind, said.client_id, said.other_id) == ("crm.duplicate.v1.dismissed", one.id, other.id)
    assert (said.actor_id, headers["ff-version"]) == (str(person.user_id), "1")


async def test_a_merge_and_its_end_are_told_behind_what_they_changed(
    person: Person, database: ServiceDatabase
) -> None:
    one, other = await make_client(person, name="Acme"), await make_client(person, name="Acme Ltd")
    for _ in range(2):
        await make_deal(person, client_id=other.id)
    await make_activity(person, client_id=other.id)
    made = await merge(person, one, other)
    undo = pb.UndoMergeRequest(merge_id=made.id)
    await person.call("UndoMerge", undo)
    with refused(ErrorKind.REFUSED, "MERGE_UNDONE"):
        await person.call("UndoMerge", undo)
    events = await told(database, person.workspace_id)
    kinds = [kind.removeprefix("crm.") for kind, _, _ in events][5:]
    assert kinds.count("deal.v1.updated") == 4
    assert kinds.index("client.v1.deleted") < kinds.index("merge.v1.made")
    assert kinds.index("client.v1.restored") < kinds.index("merge.v1.undone") == len(kinds) - 1
    said = [(body, headers) for kind, body, headers in events if kind.startswith("crm.merge.")]
    for body, headers in said:
        assert (body.client_id, body.other_id, body.merge_id) == (one.id, other.id, made.id)
        assert body.actor_id == headers["ff-actor"] == str(person.user_id)
    assert [headers.get("ff-detail", "") for _, headers in said] == [
        "2 deals, 1 activities, 0 people went over",
        "",
    ]
