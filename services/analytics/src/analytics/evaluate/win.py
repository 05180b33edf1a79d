"""Back-test the win odds: learn on deals closed before a day, score deals opened from it on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.evaluate import baselines
from analytics.evaluate.report import Goal, Grid, Report, at_most, number
from analytics.evaluate.table import BadFileError, Table
from analytics.science import metrics, win
from analytics.science.frames import frame

Floats = NDArray[np.float64]
Dates = NDArray[np.datetime64]
Bools = NDArray[np.bool_]

CREATED = ("engage_date", "created_at", "opened", "created_date", "date")
CLOSED = ("close_date", "closed_at", "closed_date")
WON = ("deal_stage", "stage", "status", "outcome", "is_won", "target")
VALUES = ("amount", "deal_value", "price", "sales_price")
CLIENTS = ("client_id", "account", "customer", "customer_id", "company")
MAX_CATEGORIES = 200
TRAIN_SHARE = 0.7

METHOD = (
    "The model learns from deals closed before the cut-off and scores deals opened from then on, "
    "with what was known when they were opened. Brier is the mean squared distance between the "
    "probability and the outcome; ECE the expected calibration error over ten equally filled bins; "
    "slope the calibration slope (1 is ideal)."
)


@dataclass(frozen=True, slots=True)
class Book:
    """Deals, shape (n,) each, in order of creation; features are what was known at creation."""

    created: Dates
    closed: Dates
    won: Floats
    categorical: dict[str, list[str]]
    numeric: dict[str, Floats]
    client: str | None
    value: str | None
    left_out: list[str]

    def rows(self, keep: Bools) -> dict[str, object]:
        """The features of some rows, as columns for a frame."""
        chosen = np.flatnonzero(keep)
        texts = {name: [c[i] for i in chosen] for name, c in self.categorical.items()}
        return {**texts, **{name: column[chosen] for name, column in self.numeric.items()}}


def read(table: Table) -> Book:
    """Deals of a file; every further column is a feature if it is known while a deal is open.

    A column that is empty for all open deals is written at closing and would give the outcome away;
    it is left out and named. Identifiers (a different text in nearly every row) are left out too.
    """
    created = table.dates(table.need("created", CREATED))
    closed_column, won_column = table.need("closed", CLOSED), table.need("won", WON)
    closed, won = table.dates(closed_column), table.outcomes(won_column)
    won = np.where(np.isnat(closed), np.nan, won)
    client, value = table.find("client", CLIENTS), table.find("value", VALUES)
    used = {table.need("created", CREATED), closed_column, won_column}
    keep = ~np.isnat(created)
    order = np.flatnonzero(keep)[np.argsort(created[keep], kind="stable")]
    still_open = np.isnan(won) & keep
    categorical: dict[str, list[str]] = {}
    numeric: dict[str, Floats] = {}
    left_out: list[str] = []
    for name, texts in table.columns.items():
        if name in used:
            continue
        if np.any(still_open) and np.all(table.empty(name)[still_open]):
            left_out.append(f"{name} (written at closing)")
        elif table.is_numeric(name) and name != client:
            numeric[name] = table.numbers(name)[order]
        elif len(set(texts)) > min(MAX_CATEGORIES, len(texts) / 2) and name != client:
            left_out.append(f"{name} (different in nearly every row)")
        else:
            categorical[name] = [texts[i].strip() for i in order]
    kept_value = value if value in numeric else None
    return Book(
        created[order], closed[order], won[order], categorical, numeric,
        client if client in categorical else None, kept_value, left_out,
    )  # fmt: skip


def cut_for(book: Book) -> np.datetime64:
    """The day before which 70 % of the closed deals were opened."""
    opened = np.sort(book.created[~np.isnan(book.won)])
    if len(opened) < 10:
        raise BadFileError("fewer than ten closed deals; there is nothing to test on.")
    return np.datetime64(opened[int(TRAIN_SHARE * len(opened))], "D")


def report(book: Book, cut: np.datetime64, title: str, *, limit: float | None) -> Report:
    """Fit, score and tabulate; `limit` is the goal for Brier over the base rate's."""
    past = ~np.isnan(book.won) & (book.closed < cut)
    later = ~np.isnan(book.won) & (book.created >= cut)
    if past.sum() < 2 or later.sum() < 2:
        raise BadFileError(f"before and after {cut} there must be closed deals to learn and test.")
    order = np.flatnonzero(past)[np.argsort(book.closed[past], kind="stable")]
    outcome = book.won[later]
    learnt = {name: _take(column, order) for name, column in book.rows(past | ~past).items()}
    columns = win.Columns(
        categorical=[name for name in book.categorical if name != book.client],
        numeric=[name for name in book.numeric if name != book.value],
        client=book.client,
        value=book.value,
    )
    model = win.fit(frame(learnt), book.won[order], columns)
    said = {
        "recommended": model.probability(frame(book.rows(later))),
        "base rate": np.full(len(outcome), float(book.won[past].mean())),
        "naive Bayes": _bayes(book, past, later),
    }
    if book.client is not None and book.value is not None:
        said["seed formula"] = _seed(book, past, later)
    rows = [_row(name, outcome, p) for name, p in said.items()]
    notes = [
        f"Cut-off {cut}: {int(past.sum())} closed deals to learn from ({model.evidence} evidence, "
        f"{model.method}), {len(outcome)} to test on, of which {outcome.mean():.0%} were won."
    ]
    if book.left_out:
        notes.append("Left out: " + ", ".join(book.left_out) + ".")
    header = ["method", "AUC", "Brier", "/ base", "log loss", "ECE", "slope"]
    base = metrics.brier(outcome, said["base rate"])
    for row, p in zip(rows, said.values(), strict=True):
        row.insert(3, number(metrics.brier(outcome, p) / base))
    goals = _goals(outcome, said, limit) if limit is not None else []
    return Report(title, METHOD, Grid(header, rows), notes, goals)


def _row(name: str, outcome: Floats, p: Floats) -> list[str]:
    slope, _ = metrics.calibration_line(outcome, p)
    return [
        name,
        number(metrics.auc(outcome, p)),
        number(metrics.brier(outcome, p), 4),
        number(metrics.log_loss(outcome, p)),
        number(metrics.ece(outcome, p)),
        number(slope, 2),
    ]


def _goals(outcome: Floats, said: dict[str, Floats], limit: float) -> list[Goal]:
    base = metrics.brier(outcome, said["base rate"])
    ours = metrics.brier(outcome, said["recommended"])
    bayes = metrics.brier(outcome, said["naive Bayes"])
    return [
        at_most("Brier / base rate", ours / base, limit),
        at_most("Brier / naive Bayes", ours / bayes, 1.0),
    ]


def _bayes(book: Book, past: Bools, later: Bools) -> Floats:
    known = {name: _take(column, np.flatnonzero(past)) for name, column in _texts(book).items()}
    asked = {name: _take(column, np.flatnonzero(later)) for name, column in _texts(book).items()}
    if not known:
        return np.full(int(later.sum()), float(book.won[past].mean()))
    return baselines.naive_bayes(known, book.won[past], asked)


def _texts(book: Book) -> dict[str, list[str]]:
    """Naive Bayes reads categories only; numbers are cut into fifths."""
    cut = {}
    for name, column in book.numeric.items():
        edges = np.unique(np.nanquantile(column, (0.2, 0.4, 0.6, 0.8)))
        cut[name] = [str(np.searchsorted(edges, x)) for x in column]
    return {**book.categorical, **cut}


def _seed(book: Book, past: Bools, later: Bools) -> Floats:
    value, client = book.numeric[str(book.value)], book.categorical[str(book.client)]
    return baselines.seed_win(
        value[later],
        _take(client, np.flatnonzero(later)),
        _take(client, np.flatnonzero(past)),
        book.won[past],
        float(np.nanmedian(value[past])),
    )


def _take(column: object, rows: NDArray[np.int64]) -> list[str]:
    return [column[i] for i in rows]  # type: ignore[index]
