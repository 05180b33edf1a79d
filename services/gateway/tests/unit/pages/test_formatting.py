"""Numbers, dates and names as people read them."""

from types import SimpleNamespace

import pytest

from gateway.entrypoints.pages.formatting import Formats, avatar_tone, device, initials

EDGE = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/156.0 Safari/537.36 Edg/156.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Mobile Safari/604.1"


@pytest.fixture
def formats(make: SimpleNamespace) -> Formats:
    return Formats(locale="en", time_zone="Pacific/Auckland", now=make.now)


def test_money_has_the_digits_of_its_currency(formats: Formats, make: SimpleNamespace) -> None:
    assert formats.money(make.money(125_000)) == "€1,250"
    assert formats.money(make.money(125_050)) == "€1,250.50"
    assert formats.money(make.money(1250, "JPY")) == "¥1,250"
    assert formats.money_short(make.money(123_456_789)) == "€1.2M"
    assert formats.money_short(make.money(125_050)) == "€1,250"
    assert formats.money_input(make.money(125_050)) == "1250.5"


def test_a_chance_is_never_none_and_never_certain(formats: Formats) -> None:
    said = [formats.chance(share) for share in (0.0004, 0.0099, 0.01, 0.5, 0.99, 0.9951)]
    assert said == ["under 1%", "under 1%", "1%", "50%", "99%", "over 99%"]


def test_today_is_the_workspace_s_day(formats: Formats) -> None:
    # 09:30 in UTC is 22:30 in Auckland; half past eleven would be tomorrow there.
    assert formats.today.isoformat() == "2026-11-25"
    assert formats.next_step("Call", "2026-11-24")[0] == "overdue"
    assert formats.next_step("Call", "2026-11-25") == ("today", "Call · today")
    assert formats.next_step("Call", "2026-11-26") == ("later", "Call · Nov 26")
    assert formats.next_step("Call", "2027-01-02") == ("later", "Call · Jan 2, 2027")
    assert formats.next_step("", "") == ("none", "No next step")
    assert formats.next_step("Call", "") == ("later", "Call")


def test_time_passed_is_said_in_words(formats: Formats, make: SimpleNamespace) -> None:
    assert formats.ago(make.ago(seconds=5)) == "just now"
    assert formats.ago(make.ago(minutes=1)) == "1 minute ago"
    assert formats.ago(make.ago(hours=3)) == "3 hours ago"
    assert formats.ago(make.ago(days=90)) == "Aug 27"
    assert formats.duration(0.4) == "less than a day"
    assert formats.duration(1.2) == "1 day"
    assert formats.plural(1589, "deal", "deals") == "1,589 deals"


def test_days_pass_at_the_midnights_of_the_workspace(make: SimpleNamespace) -> None:
    auckland = Formats(locale="en", time_zone="Pacific/Auckland", now=make.now)  # 22:30
    assert auckland.ago(make.ago(hours=22)) == "22 hours ago"
    assert auckland.ago(make.ago(hours=23)) == "yesterday"
    assert auckland.days_since(make.ago(hours=23)) == 1
    utc = Formats(locale="en", time_zone="UTC", now=make.now)  # 09:30
    assert utc.ago(make.ago(hours=7)) == "7 hours ago"
    assert utc.ago(make.ago(hours=10)) == "yesterday"
    assert utc.ago(make.ago(hours=34)) == "2 days ago"


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Mara Vogel", "MV"),
        ("ada", "A"),
        ("李 雷", "李雷"),
        ("🦊 Fox", "F"),
        ("🦊", "?"),
        ("", "?"),
    ],
)
def test_a_name_has_initials(name: str, letters: str) -> None:
    assert initials(name) == letters
    assert avatar_tone(name) in range(5)


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (EDGE, "Edge on Windows"),
        (IPHONE, "Safari on iPhone"),
        ("curl/8", "curl/8"),
        ("", "Unknown device"),
    ],
)
def test_a_device_has_a_name(agent: str, name: str) -> None:
    assert device(agent) == name
