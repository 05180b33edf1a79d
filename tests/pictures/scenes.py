"""What is photographed: each scene brings a state about and takes it."""

from tests.pictures.analytics import analytics_of_little, analytics_of_studio
from tests.pictures.camera import Scene
from tests.pictures.faults import analytics_away, crm_away, others_away
from tests.pictures.guide import guide
from tests.pictures.records import bulk_job, bulk_refused, deleting, merging, timelines
from tests.pictures.rooms import (
    choosing_a_member,
    forms_refused,
    joining,
    notices,
    offline,
    passwords,
    refusals,
    views_and_fields,
)

SCENES: tuple[Scene, ...] = (
    guide,
    bulk_refused,
    bulk_job,
    merging,
    deleting,
    offline,
    joining,
    passwords,
    timelines,
    notices,
    choosing_a_member,
    views_and_fields,
    analytics_of_little,
    analytics_of_studio,
    refusals,
    forms_refused,
    crm_away,
    analytics_away,
    others_away,
)
