"""Rows and drafts of activities as messages, and what messages hold as values."""

from typing import Any

from crm.domain.activity import ActivityKind
from crm.domain.quick_add import Draft
from crm.domain.repetition import Repetition
from crm.entrypoints.rpc.mapping import stamp, text_of
from freelanceflow.crm.v1 import activity_service_pb2 as pb

KINDS = {kind.value: pb.ActivityKind.Value(f"ACTIVITY_KIND_{kind.name}") for kind in ActivityKind}
KINDS_OF = {number: ActivityKind(name) for name, number in KINDS.items()}
REPETITIONS = {
    repetition.value: pb.ActivityRepetition.Value(
        f"ACTIVITY_REPETITION_{repetition.name if repetition else 'UNSPECIFIED'}"
    )
    for repetition in Repetition
}
REPETITIONS_OF = {number: Repetition(name) for name, number in REPETITIONS.items()}


def activity_message(row: Any) -> pb.Activity:
    """A row of adapters.activity_queries."""
    return pb.Activity(
        id=str(row["id"]),
        kind=KINDS[row["kind"]],
        subject=row["subject"],
        body=row["body"],
        client_id=text_of(row["client_id"]),
        deal_id=text_of(row["deal_id"]),
        owner_id=text_of(row["owner_id"]),
        due_time=stamp(row["due_at"]),
        remind_time=stamp(row["remind_at"]),
        done_time=stamp(row["done_at"]),
        create_time=stamp(row["created_at"]),
        update_time=stamp(row["updated_at"]),
        etag=str(row["version"]),
        all_day=row["all_day"],
        repetition=REPETITIONS[row["repetition"]],
        client_name=row["client_name"],
        deal_name=row["deal_name"],
        owner_name=row["owner_name"],
    )


def draft_message(draft: Draft) -> pb.Activity:
    """What a line of text says, before it is an activity."""
    return pb.Activity(
        kind=KINDS[draft.kind],
        subject=draft.subject,
        due_time=stamp(draft.due_at),
        all_day=draft.all_day,
        remind_time=stamp(draft.remind_at),
        repetition=REPETITIONS[draft.repetition],
    )
