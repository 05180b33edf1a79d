"""Whatever somebody does is in the audit log: each type is kept, or named here with why not."""

from pathlib import Path

from auth.entrypoints.consumers import OF_AUTH, OF_CRM

GOLDEN = Path(__file__).resolve().parents[4] / "proto" / "golden"
NOT_KEPT = {
    "auth.member.v1.erased",  # that they left is kept
    "auth.two_step.v1.changed",  # told to each of the person's workspaces as well
    "auth.user.v1.deleted",  # each workspace keeps that they left
    "auth.user.v1.registered",  # in no workspace yet
    "auth.verification.v1.requested",
    "auth.workspace.v1.erasure_near",  # the system says so
    "auth.workspace.v1.erased",  # its log goes with it
    "auth.password.v1.changed",  # each workspace of the person has a line of its own
    "auth.password.v1.forgotten",  # by nobody that is known
    "auth.password.v1.link_issued",
    "crm.activity.v1.reminded",  # the system's doing
    "crm.board.v1.reweighted",
    "crm.bulk.v1.finished",  # each of its changes is kept
    "crm.export.v1.failed",  # that it was asked for is kept
    "crm.export.v1.finished",
}


def test_every_type_is_kept_or_has_a_reason_not_to_be() -> None:
    told = {path.stem for path in GOLDEN.glob("*.binpb")}
    of_both = {type_ for type_ in told if type_.split(".")[0] in ("auth", "crm")}
    kept = OF_AUTH.keys() | OF_CRM.keys()
    assert kept & NOT_KEPT == set()
    assert kept | NOT_KEPT == of_both
