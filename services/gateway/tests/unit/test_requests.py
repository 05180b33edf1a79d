"""What an address and headers hold is read strictly, and however long it is."""

import pytest
from starlette.requests import Request

from gateway.entrypoints.api.requests import LARGEST_PAGE, if_match, read_flag, read_page
from gateway.entrypoints.errors import HttpProblem

ENDLESS = "9" * 5000  # more digits than Python makes a number of


@pytest.mark.parametrize("limit", ["0", "-1", "201", "", "ten", "1.0", "٣", "1_0", ENDLESS])
def test_a_limit_is_a_number_of_few_digits(limit: str) -> None:
    with pytest.raises(HttpProblem) as refusal:
        read_page({"limit": limit})
    assert (refusal.value.status, refusal.value.reason) == (400, "LIMIT_INVALID")
    assert list(refusal.value.fields) == ["limit"]


def test_a_page_is_as_large_as_it_is_asked_for() -> None:
    assert read_page({"limit": "200", "cursor": "next"}) == (LARGEST_PAGE, "next")
    assert read_page({}) == (0, "")


@pytest.mark.parametrize("etag", ["*", "7", 'W/"7"', '"7", "8"', '""', '"-1"', f'"{ENDLESS}"'])
def test_an_etag_that_is_none_of_ours_is_refused(etag: str) -> None:
    with pytest.raises(HttpProblem) as refusal:
        if_match(with_if_match(etag))
    assert (refusal.value.status, refusal.value.reason) == (400, "IF_MATCH_INVALID")


def test_the_largest_version_is_one() -> None:
    assert if_match(with_if_match(f'"{2**63 - 1}"')) == str(2**63 - 1)


def test_a_flag_is_true_or_false() -> None:
    assert [read_flag(query, "unread") for query in ({}, {"unread": "true"})] == [False, True]
    with pytest.raises(HttpProblem) as refusal:
        read_flag({"unread": "yes"}, "unread")
    assert list(refusal.value.fields) == ["unread"]


def with_if_match(etag: str) -> Request:
    """A request with that header."""
    headers = [(b"if-match", etag.encode("latin-1"))]
    return Request({"type": "http", "method": "PATCH", "path": "/", "headers": headers})
