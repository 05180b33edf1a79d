"""What figures rest on, in words and levels."""

FEW, SOME, MANY = 5, 20, 60
"""Below so many cases a share is hardly evidence, little, fair; from the last on good."""


def share_evidence(cases: int) -> str:
    """How much a share of so many cases may be believed."""
    if cases == 0:
        return "none"
    if cases < FEW:
        return "prior"
    if cases < SOME:
        return "low"
    return "medium" if cases < MANY else "high"


def count_evidence(cases: int) -> str:
    """What is counted is certain, as soon as there is something to count."""
    return "high" if cases else "none"


def plural(number: int, one: str, other: str) -> str:
    """1 deal, 2 deals."""
    return f"{number:,} {one if number == 1 else other}"


def counted_words(
    deals: int, unconverted: int = 0, *, estimated: str = "nothing is estimated"
) -> str:
    """What is counted, what is `estimated` beside it, and what could not be added up."""
    if not deals:
        return "There are no deals yet."
    said = f"Counts {plural(deals, 'deal', 'deals')}; {estimated}."
    if unconverted:
        have = plural(unconverted, "deal has a value", "deals have values")
        said += f" {have} in a currency without a rate and are in no sum."
    return said


def confidence_words(confidence: float, coverage: float | None) -> str:
    """What the number from nought to one stands for, or why there is none."""
    if coverage is None:
        return "too few months have passed to try its ranges on, so none is stated."
    held = f"its ranges held {coverage:.0%} of the time where 80% were promised"
    width = "narrow" if confidence >= 0.7 else "of middling width" if confidence >= 0.45 else "wide"
    return f"{held}, and they are {width}."


def tested_words(origins: int, comparisons: int, miss: float, coverage: float | None) -> str:
    """How the same method did on the workspace's own past."""
    said = (
        f"Tried at {plural(origins, 'earlier month', 'earlier months')} of your own history "
        f"({plural(comparisons, 'comparison', 'comparisons')}): off by {miss:.0%} of what came in"
    )
    return f"{said}, {coverage:.0%} inside the 80% range." if coverage is not None else f"{said}."


METHODS = {
    "none": "There are too few months for a curve.",
    "low": "With so few months only simple averages are honest.",
    "medium": "With one to three years of months, methods that know trends may speak too.",
    "high": "With three years and more, methods that know trends and seasons speak together.",
}
"""Why a forecast was made the way it was, by its evidence."""


def method_words(method: str, evidence: str) -> str:
    """The method and why."""
    return f"Made by: {method}. {METHODS.get(evidence, '')}".strip()


def said_words(source: str, what: str) -> str:
    """Whether it was shown, or only replayed; the two are never mixed."""
    if source == "backtest":
        return f"Back-test on your own past, never shown to you: {what}"
    return f"As shown to you: {what}"


def judged_odds_words(kind: str, source: str, count: int, mean: float, happened: int) -> str:
    """What was said of so many deals or clients, and what became of them."""
    who, what = ("deal", "odds") if kind == "win" else ("client", "a risk")
    did = ("was won" if happened == 1 else "were won") if kind == "win" else "stayed away"
    of = plural(count, who, f"{who}s")
    return said_words(source, f"of {of} with {what} of {mean:.0%} on average, {happened:,} {did}.")


NOTHING_TO_DO = "Nothing is overdue; keep to the planned next step."


def veiled(name: str, words: str, weight: float) -> str | None:
    """A reason for somebody who sees some deals only: without counts of other people's deals."""
    if name in ("base", "rest"):
        return None
    what = words.partition(":")[0].strip()
    return f"{what}: speaks {'for' if weight > 0 else 'against'} it"
