"""A freelancer's or small studio's years, with the truth that no real workspace shows.

Every client asks at its own rhythm until it leaves, every deal has a win probability that is
written down before the dice fall, and one quarter breaks the trend. Models are tested against this
truth; a demo workspace is filled from it.

A deal that enters stage k of K is won with probability p^(w_k + ... + w_K), w being the shares of
the risk that lie in each stage: at creation that is p, and it rises with every stage survived.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from analytics.science.win_features import Columns
from analytics.science.win_linear import expit

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

STAGES = ("lead", "proposal", "negotiation")
STAGE_RISK = np.array([0.45, 0.35, 0.2])  # share of the risk, hence the exponent, of each stage
STAGE_DAYS = np.array([5.0, 12.0, 8.0])  # median stay
LOST_LINGERS = 1.6  # a deal about to be lost stays this much longer in its last stage
SCORED_AT = np.array([0.6, 0.25, 0.15])  # in which stage a deal is looked at
SOURCES = ("referral", "repeat", "website", "marketplace", "cold")
SOURCE_SHARE = np.array([0.25, 0.15, 0.25, 0.2, 0.15])
SOURCE_ODDS = np.array([1.1, 0.8, 0.1, -0.6, -1.3])
SERVICES = ("branding", "website", "retainer", "consulting", "illustration")
SERVICE_ODDS = np.array([0.2, -0.3, 0.9, 0.3, -0.5])
SERVICE_VALUE = np.array([4200.0, 6500.0, 1800.0, 1200.0, 700.0])
CURRENCIES = ("EUR", "USD")
EUR_PER = np.array([1.0, 0.9])
SEASON = np.array([0.8, 0.9, 1.1, 1.05, 1.0, 0.95, 0.7, 0.6, 1.15, 1.25, 1.2, 0.9])
BASE_ODDS = -0.6
VALUE_ODDS = -0.7  # per e-fold above the service's usual price
SILENCE_ODDS, SILENCE_DAYS = -0.9, 180.0  # falls evenly until so many days without a purchase
KNOWN_ODDS = 0.7  # for a client that bought before
BREAK_ODDS, BREAK_DEMAND = -0.9, 0.5
ADJECTIVES = ("Amber", "Birch", "Cedar", "Delta", "Ember", "Fjord", "Grove", "Harbour", "Indigo")
NOUNS = ("Bakery", "Clinic", "Estates", "Foods", "Hotels", "Labs", "Press", "School", "Yachts")


@dataclass(frozen=True, slots=True)
class Studio:
    """The tables of a simulated studio; dates are days, amounts are in `currency`.

    clients: client_id, name, source, currency, rhythm_days, joined, left (NaT: still there at the
        end), taste (log-odds the client adds to each of its deals).
    deals: deal_id, client_id, source, service, currency, value, value_eur, created, closed (NaT
        open), won (1, 0, NaN open), stage (the current one), probability (true, at creation).
    stages: deal_id, stage, entered: the history from day one.
    scored: one row per closed deal that reached the stage it was looked at, in that order: what was
        known on `scored_on`, the true `probability` on that day and the outcome `won`.
    purchases: client_id, date, value (EUR), one per won deal on the day it closed.
    broken_quarter: first day and first day after the quarter that breaks the trend, or None.
    """

    clients: "pd.DataFrame"
    deals: "pd.DataFrame"
    stages: "pd.DataFrame"
    scored: "pd.DataFrame"
    purchases: "pd.DataFrame"
    start: "pd.Timestamp"
    end: "pd.Timestamp"
    broken_quarter: "tuple[pd.Timestamp, pd.Timestamp] | None"

    @property
    def columns(self) -> Columns:
        """The columns of `scored` a win model may learn from."""
        return Columns(("source", "service", "stage"), ("silence_days",), "client_id", "value_eur")

    def stayed_away(self, as_of: object, horizon_days: int) -> "pd.Series":
        """1 per buyer known at `as_of` who bought nothing in the following days, else 0."""
        import pandas as pd

        day = pd.Timestamp(as_of)
        past = self.purchases[self.purchases.date <= day]
        until = day + pd.Timedelta(days=horizon_days)
        later = self.purchases[(self.purchases.date > day) & (self.purchases.date <= until)]
        ids = past.client_id.unique()
        return pd.Series((~np.isin(ids, later.client_id.unique())).astype(np.int64), ids)

    def gone(self, as_of: object) -> "pd.Series":
        """1 per buyer known at `as_of` who had left by then, else 0."""
        import pandas as pd

        day = pd.Timestamp(as_of)
        ids = self.purchases.loc[self.purchases.date <= day, "client_id"].unique()
        left = self.clients.set_index("client_id")["left"].reindex(ids)
        return (left <= day).astype(np.int64)


@dataclass(frozen=True, slots=True)
class _World:
    """What holds for every client: days of the simulation and the quarter that breaks the trend."""

    first: int  # day since 1970
    days: int
    broken: tuple[int, int] | None  # days since the first

    def season(self, day: float) -> float:
        month = (np.datetime64(self.first + int(day), "D").astype("datetime64[M]").astype(int)) % 12
        return float(SEASON[month])

    def is_broken(self, day: float) -> bool:
        return self.broken is not None and self.broken[0] <= day < self.broken[1]


def studio(
    seed: int,
    years: float = 3,
    *,
    clients: int = 60,
    rhythm_days: float = 45.0,
    stay_days: float = 700.0,
    taste_spread: float = 0.25,
    broken: bool = True,
    signal: float = 1.0,
    start: str = "2022-01-01",
) -> Studio:
    """Simulate a studio; the same arguments give the same years.

    Args:
        seed: of the dice.
        years: how long, from `start`.
        clients: how many ever turn up.
        rhythm_days: typical days between a client's requests; each has its own around it.
        stay_days: mean days until a client leaves.
        taste_spread: spread of what each client adds to the log-odds of its deals.
        broken: whether one quarter, two thirds in, halves demand and lowers the odds.
        signal: scales all log-odds differences between deals; 0 makes every deal alike.
        start: first day.

    Raises:
        ValueError: `years`, `clients`, `rhythm_days` or `stay_days` is not above zero.
    """
    import pandas as pd

    for name, amount in (
        ("years", years),
        ("clients", clients),
        ("rhythm_days", rhythm_days),
        ("stay_days", stay_days),
    ):
        if not amount > 0:
            raise ValueError(f"{name} must be above zero, not {amount}")
    rng = np.random.default_rng(seed)
    first = int(np.datetime64(start, "D").astype(int))
    days = round(365.25 * years)
    at = round(days * 2 / 3)
    world = _World(first, days, (at, min(at + 91, days)) if broken else None)
    people = _people(rng, clients, world, rhythm_days, stay_days, taste_spread)
    deals: list[dict[str, object]] = []
    for person in people.to_dict("records"):
        deals.extend(_requests(rng, person, world, signal))
    return _tables(rng, people, pd.DataFrame(deals, columns=_RAW), world)


_RAW = [
    "client_id",
    "source",
    "service",
    "currency",
    "value",
    "value_eur",
    "created",
    "closed",
    "won",
    "probability",
    "silence_days",
    "entered",
]


def _people(
    rng: np.random.Generator, n: int, world: _World, rhythm: float, stay: float, taste: float
) -> "pd.DataFrame":
    import pandas as pd

    # A third was there from the start; the others turn up over the years.
    joined = np.where(rng.random(n) < 1 / 3, 0.0, rng.uniform(0, world.days, n))
    left = joined + rng.exponential(stay, n)
    left[left >= world.days] = np.nan
    return pd.DataFrame(
        {
            "client_id": [f"C{i:04d}" for i in range(n)],
            "name": [_name(i) for i in range(n)],
            "source": rng.choice(SOURCES, n, p=SOURCE_SHARE),
            "currency": rng.choice(CURRENCIES, n, p=[0.7, 0.3]),
            "rhythm_days": rhythm * rng.lognormal(0, 0.5, n),
            "size": rng.lognormal(0, 0.5, n),
            "joined": joined,
            "left": left,
            "taste": rng.normal(0, 1, n) * taste,
        }
    )


def _name(i: int) -> str:
    turn, rest = divmod(i, len(ADJECTIVES) * len(NOUNS))
    name = f"{ADJECTIVES[rest % len(ADJECTIVES)]} {NOUNS[rest // len(ADJECTIVES)]}"
    return name if turn == 0 else f"{name} {turn + 1}"


def _requests(
    rng: np.random.Generator, person: dict[str, object], world: _World, signal: float
) -> list[dict[str, object]]:
    """All deals of one client, in the order of their creation."""
    rhythm = float(person["rhythm_days"])  # type: ignore[arg-type]
    left = float(person["left"])  # type: ignore[arg-type]
    day = float(person["joined"])  # type: ignore[arg-type]
    end = world.days if np.isnan(left) else left
    deals: list[dict[str, object]] = []
    bought: list[float] = []
    while day < end:
        deals.append(_deal(rng, person, day, bought, world, signal))
        if deals[-1]["won"] == 1:
            bought.append(float(deals[-1]["closed"]))  # type: ignore[arg-type]
        demand = world.season(day) * (BREAK_DEMAND if world.is_broken(day) else 1.0)
        # Gamma gaps of shape 2: people are more regular than chance, less than a clock.
        day += float(rng.gamma(2.0, rhythm / 2.0)) / demand
    return deals


def _deal(
    rng: np.random.Generator,
    person: dict[str, object],
    day: float,
    bought: list[float],
    world: _World,
    signal: float,
) -> dict[str, object]:
    service = int(rng.integers(len(SERVICES)))
    past = [when for when in bought if when <= day]
    silence = day - past[-1] if past else np.nan
    dear = float(rng.normal(0, 0.6))
    value_eur = SERVICE_VALUE[service] * float(person["size"]) * np.exp(dear)  # type: ignore[arg-type]
    source = SOURCES.index("repeat") if past else SOURCES.index(str(person["source"]))
    odds = BASE_ODDS + SOURCE_ODDS[source] + SERVICE_ODDS[service] + VALUE_ODDS * dear
    odds += float(person["taste"])  # type: ignore[arg-type]
    odds += KNOWN_ODDS if past else 0.0
    odds += SILENCE_ODDS * min(silence / SILENCE_DAYS, 1.0) if past else 0.0
    odds += BREAK_ODDS if world.is_broken(day) else 0.0
    probability = float(np.clip(expit(signal * odds), 0.02, 0.98))
    currency = CURRENCIES.index(str(person["currency"]))
    stays, won = _walk(rng, probability)
    entered = day + np.concatenate([[0.0], np.cumsum(stays)[:-1]])
    return {
        "client_id": person["client_id"],
        "source": SOURCES[source],
        "service": SERVICES[service],
        "currency": CURRENCIES[currency],
        "value": round(value_eur / float(EUR_PER[currency]), 2),
        "value_eur": round(value_eur, 2),
        "created": day,
        "closed": day + float(stays.sum()),
        "won": float(won),
        "probability": probability,
        "silence_days": silence,
        "entered": entered,
    }


def _walk(rng: np.random.Generator, probability: float) -> tuple[Floats, bool]:
    """Days in each stage the deal entered, and whether it came out won."""
    passes = rng.random(len(STAGES)) < probability**STAGE_RISK
    won = bool(passes.all())
    last = len(STAGES) if won else int(np.argmin(passes)) + 1
    stays = STAGE_DAYS[:last] * rng.lognormal(0, 0.6, last)
    if not won:
        stays[-1] *= LOST_LINGERS
    return stays, won


def _dates(world: _World, days: Floats) -> NDArray[np.datetime64]:
    whole = np.where(np.isnan(days), 0, np.floor(np.nan_to_num(days))).astype(np.int64)
    dates = (world.first + whole).astype("datetime64[D]").astype("datetime64[ns]")
    return np.where(np.isnan(days), np.datetime64("NaT"), dates)


def _tables(
    rng: np.random.Generator, people: "pd.DataFrame", raw: "pd.DataFrame", world: _World
) -> Studio:
    import pandas as pd

    raw = raw.sort_values(["created", "client_id"], kind="stable", ignore_index=True)
    raw["deal_id"] = [f"D{i:05d}" for i in range(len(raw))]
    target = rng.choice(len(STAGES), len(raw), p=SCORED_AT)
    scored = _scored(raw, target, world)
    open_at_end = raw["closed"].to_numpy() >= world.days
    current = [
        STAGES[int(np.searchsorted(e, world.days, "right")) - 1]
        if still
        else ("won" if w else "lost")
        for e, w, still in zip(raw["entered"], raw["won"], open_at_end, strict=True)
    ]
    stages = pd.DataFrame(
        [
            (deal, STAGES[k], when)
            for deal, entered in zip(raw["deal_id"], raw["entered"], strict=True)
            for k, when in enumerate(entered)
            if when < world.days
        ],
        columns=["deal_id", "stage", "entered"],
    )
    stages["entered"] = _dates(world, stages["entered"].to_numpy(np.float64))
    closed = np.where(open_at_end, np.nan, raw["closed"].to_numpy(np.float64))
    deals = raw[["deal_id", "client_id", "source", "service", "currency", "value", "value_eur"]]
    deals = deals.assign(
        created=_dates(world, raw["created"].to_numpy(np.float64)),
        closed=_dates(world, closed),
        won=np.where(open_at_end, np.nan, raw["won"].to_numpy(np.float64)),
        stage=current,
        probability=raw["probability"],
    )
    paid = deals[deals["won"] == 1].sort_values("closed", kind="stable")
    purchases = pd.DataFrame(
        {"client_id": paid["client_id"], "date": paid["closed"], "value": paid["value_eur"]}
    ).reset_index(drop=True)
    people = people.drop(columns="size").assign(
        joined=_dates(world, people["joined"].to_numpy(np.float64)),
        left=_dates(world, people["left"].to_numpy(np.float64)),
    )
    begin = pd.Timestamp(np.datetime64(world.first, "D"))
    quarter = None
    if world.broken is not None:
        quarter = tuple(begin + pd.Timedelta(days=d) for d in world.broken)
    return Studio(
        people,
        deals,
        stages,
        scored,
        purchases,
        begin,
        begin + pd.Timedelta(days=world.days),
        quarter,
    )


def _scored(raw: "pd.DataFrame", target: NDArray[np.int64], world: _World) -> "pd.DataFrame":
    """Deals that reached the stage they were to be looked at, as they stood on that day."""
    reached = np.array([len(e) for e in raw["entered"]]) > target
    ended = raw["closed"].to_numpy(np.float64) < world.days
    rows, stage = raw[reached & ended], target[reached & ended]
    day = np.array([e[k] for e, k in zip(rows["entered"], stage, strict=True)], dtype=np.float64)
    ahead = np.array([STAGE_RISK[k:].sum() for k in range(len(STAGES))])
    created = rows["created"].to_numpy(np.float64)
    table = rows[
        [
            "deal_id",
            "client_id",
            "source",
            "service",
            "currency",
            "value",
            "value_eur",
            "silence_days",
            "won",
        ]
    ].assign(
        stage=np.array(STAGES)[stage] if len(stage) else np.array([], dtype=str),
        age_days=day - created,
        scored_on=_dates(world, day),
        probability=rows["probability"].to_numpy(np.float64) ** ahead[stage],
    )
    order = np.argsort(day, kind="stable")
    return table.iloc[order].reset_index(drop=True)
