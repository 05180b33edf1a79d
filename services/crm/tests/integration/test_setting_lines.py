"""What the audit log will say of settings, asked for by way of their RPCs: before and after."""

from freelanceflow.crm.v1 import field_service_pb2 as field_pb
from freelanceflow.crm.v1 import rate_service_pb2 as rate_pb
from freelanceflow.crm.v1 import stage_service_pb2 as stage_pb
from kit.testing.database import ServiceDatabase
from services.crm.tests.factories import Person, mask
from services.crm.tests.integration.test_own_settings import details


async def test_stages_and_lost_reasons(person: Person, database: ServiceDatabase) -> None:
    names = list(await person.stages())
    stage = await person.call(
        "CreateStage",
        stage_pb.CreateStageRequest(
            stage=stage_pb.Stage(name="Trial", type=stage_pb.STAGE_TYPE_OPEN)
        ),
    )
    await person.call(
        "UpdateStage",
        stage_pb.UpdateStageRequest(
            stage=stage_pb.Stage(id=stage.id, name="Pilot", rotting_days=7),
            update_mask=mask("name", "rotting_days"),
            etag=stage.etag,
        ),
    )
    await person.call("DeleteStage", stage_pb.DeleteStageRequest(stage_id=stage.id, etag="2"))
    price = (await person.lost_reasons())["Price"]
    renamed = stage_pb.LostReason(id=price, name="Budget")
    await person.call("UpdateLostReason", stage_pb.UpdateLostReasonRequest(lost_reason=renamed))
    await person.call("DeleteLostReason", stage_pb.DeleteLostReasonRequest(lost_reason_id=price))
    again = stage_pb.CreateLostReasonRequest(lost_reason=stage_pb.LostReason(name="Budget"))
    await person.call("CreateLostReason", again)
    said = [line for line in await details(database, person) if line]
    open_ones = len(names) - 2
    assert said == [
        "Trial: new",
        f"Won: position {open_ones} → {open_ones + 1}",
        f"Lost: position {open_ones + 1} → {open_ones + 2}",
        "Pilot: name Trial → Pilot, rotting days 0 → 7",
        "Pilot: removed",
        f"Won: position {open_ones + 1} → {open_ones}",
        f"Lost: position {open_ones + 2} → {open_ones + 1}",
        "Budget: name Price → Budget",
        "Budget: removed",
        "Budget: offered again",
    ]


async def test_custom_fields_and_tags(person: Person, database: ServiceDatabase) -> None:
    new = field_pb.CustomField(name="Kind", type="select", resource="deals", options=["a"])
    made = await person.call(
        "CreateCustomField", field_pb.CreateCustomFieldRequest(custom_field=new)
    )
    changed = await person.call(
        "UpdateCustomField",
        field_pb.UpdateCustomFieldRequest(
            custom_field=field_pb.CustomField(id=made.id, name="Sort", options=["a", "b"]),
            update_mask=mask("name", "options"),
            etag=made.etag,
        ),
    )
    await person.call(
        "DeleteCustomField",
        field_pb.DeleteCustomFieldRequest(custom_field_id=made.id, etag=changed.etag),
    )
    for color in ("teal", "teal", "red"):  # the second time changes nothing
        tag = field_pb.Tag(name="web", color=color)
        await person.call("PutTag", field_pb.PutTagRequest(tag=tag))
    await person.call("RenameTag", field_pb.RenameTagRequest(name="web", new_name="Website"))
    await person.call("DeleteTag", field_pb.DeleteTagRequest(name="Website"))
    assert await details(database, person) == [
        "Kind (deals): new",
        "Sort (deals): name Kind → Sort, options a → a, b",
        "Sort (deals): removed",
        "web: color none → teal",
        "web: color teal → red",
        "web → Website",
        "Website: removed",
    ]


async def test_rates(person: Person, database: ServiceDatabase) -> None:
    def usd(day: int, rate: str) -> rate_pb.Rate:
        return rate_pb.Rate(currency_code="USD", valid_from=f"2026-01-0{day}", rate=rate)

    for rates in ([usd(1, "0.9")], [usd(1, "0.9"), usd(2, "0.95")], [usd(1, "0.91")]):
        await person.call("PutRates", rate_pb.PutRatesRequest(rates=rates))
    await person.call(
        "DeleteRate", rate_pb.DeleteRateRequest(currency_code="USD", valid_from="2026-01-01")
    )
    content = b"date,currency,rate\n2026-01-01,USD,0.8\n2026-01-02,USD,0.95\n"
    await person.call("ImportRates", rate_pb.ImportRatesRequest(content=content))
    assert await details(database, person) == [
        "USD of 2026-01-01: none → 0.9",
        "USD of 2026-01-02: none → 0.95",
        "USD of 2026-01-01: 0.9 → 0.91",
        "USD of 2026-01-01: 0.91 → none",
        "USD of 2026-01-01: none → 0.8",
    ]
