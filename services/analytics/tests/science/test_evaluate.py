"""The evaluation on a user's own file: what it reads, what it refuses by row and column."""

import gzip
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from analytics.__main__ import main as dispatch
from analytics.evaluate import baselines, churn, forecast, revenue, win
from analytics.evaluate import datasets_crm as crm
from analytics.evaluate.cli import main
from analytics.evaluate.datasets import m3_monthly
from analytics.evaluate.datasets_lumpy import lumpy_series
from analytics.evaluate.report import (
    Grid,
    Report,
    as_markdown,
    as_text,
    at_most,
    number,
    percent,
    within,
)
from analytics.evaluate.table import BadFileError, read_table


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "deals.csv"


# ---------------------------------------------------------------- reading


def test_numbers_dates_and_outcomes_are_read(file: Path) -> None:
    table = read_table(
        write(file, "Value;Closed;Stage", "1.5;31.12.2024;Won", ";;Open", "2;01.02.2024;lost")
    )
    assert table.numbers("Value").tolist()[::2] == [1.5, 2.0]
    assert np.isnan(table.numbers("Value")[1])
    assert table.dates("Closed").astype(str).tolist() == ["2024-12-31", "NaT", "2024-02-01"]
    assert table.outcomes("Stage").tolist()[::2] == [1.0, 0.0]
    assert np.isnan(table.outcomes("Stage")[1])
    assert table.need("value", ()) == "Value"


def test_a_day_is_never_taken_for_a_month_halfway_down(file: Path) -> None:
    table = read_table(write(file, "d", "03/04/2024", "25/04/2024"))
    assert table.dates("d").astype(str).tolist() == ["2024-04-03", "2024-04-25"]


def test_gz_is_read_and_columns_can_be_renamed(tmp_path: Path) -> None:
    path = tmp_path / "x.csv.gz"
    path.write_bytes(gzip.compress(b"Betrag\n5\n"))
    assert read_table(path, {"value": "Betrag"}).numbers("value").tolist() == [5.0]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["date,value", "2024-01-01,12", "2024-02-01,x"], "row 3, column value: 'x' is not a num"),
        (["date,value", "2024-01-01,12", "soon,3"], "row 3, column date: 'soon' is not a date"),
        (["date,amount", "2024-01-01,12,9"], "row 2 has 3 cells, the header has 2"),
        (["date,date", "1,2"], "column date is there twice"),
        (["date,value"], "there is a header but no row"),
        (["when,value", "2024-01-01,12"], "no column for 'date'.*the file has when, value"),
        (["date,value", "2024-01-01,12"], "no series has 4 months"),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_by_row_and_column(
    file: Path, lines: list[str], message: str
) -> None:
    with pytest.raises(BadFileError, match=message):
        forecast.read(read_table(write(file, *lines)), 6, 10)


def test_outcomes_in_unknown_words_are_no_open_deals(file: Path) -> None:
    table = read_table(write(file, "won,stage", ",Won", "gewonnen,open"))
    assert np.isnan(table.outcomes("stage")[1])
    with pytest.raises(BadFileError, match="row 3, column won: 'gewonnen' says neither won nor"):
        table.outcomes("won")


def test_a_quote_that_never_ends_swallows_no_rows(file: Path) -> None:
    with pytest.raises(BadFileError, match="cannot be read as CSV text"):
        read_table(write(file, "date,value", '2024-01-01,"12', "2024-02-01,13"))


def test_missing_and_empty_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(BadFileError, match="no such file"):
        read_table(tmp_path / "nothing.csv")
    with pytest.raises(BadFileError, match="the file is empty"):
        read_table(write(tmp_path / "empty.csv", ""))
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(BadFileError, match="cannot be read"):
        read_table(tmp_path / "binary.csv")
    with pytest.raises(BadFileError, match="no column 'Umsatz'"):
        read_table(write(tmp_path / "ok.csv", "a", "1"), {"value": "Umsatz"})


def test_payments_are_summed_by_month_and_silent_months_are_zero(file: Path) -> None:
    lines = [f"2024-{m:02d}-0{d},10" for m in (1, 2, 4, 5, 6, 7, 8) for d in (1, 2)]
    [*_, last] = forecast.read(read_table(write(file, "date,value", *lines)), 3, 10)
    assert last.history.tolist() == [20.0, 20.0, 0.0, 20.0, 20.0]
    assert last.future.tolist() == [20.0, 20.0, 20.0]


def test_columns_written_at_closing_are_no_features(file: Path) -> None:
    lines = [f"c{i % 3},2024-01-{i + 1:02d},2024-02-01,won,{i}" for i in range(20)]
    lines += ["c1,2024-01-05,,open,"]
    book = win.read(read_table(write(file, "client,created,closed,stage,close_value", *lines)))
    assert list(book.categorical) == ["client"]
    assert book.numeric == {}
    assert book.left_out == ["close_value (written at closing)"]


# ---------------------------------------------------------------- baselines


def test_naive_bayes_by_hand() -> None:
    # Prior 3:2; "a" is 2 of 2 wins and 0 of 1 losses, each plus one of two values.
    p = baselines.naive_bayes(
        {"x": ["a", "a", "b"]}, np.array([1.0, 1.0, 0.0]), {"x": ["a", "new"]}
    )
    odds = 3 / 2 * (3 / 4) / (1 / 3)
    assert p == pytest.approx([odds / (1 + odds), 0.6])


def test_the_seed_win_formula_never_reaches_its_own_focus() -> None:
    p = baselines.seed_win(np.array([1.0, 9.0]), ["a", "a"], ["a"], np.array([1.0]), 5.0)
    assert p == pytest.approx([0.55, 0.45])


def test_isotonic_rule_pools_violators() -> None:
    rule = baselines.isotonic_rule(
        np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.0, 1.0, 0.0, 1.0]), np.array([1.0, 2.5, 4.0])
    )
    assert rule.tolist() == [0.0, 0.5, 1.0]
    assert baselines.days_over_horizon(np.array([0.0, 45.0, 400.0]), 90).tolist() == [0, 0.5, 1]
    assert baselines.day_thresholds(np.array([30.0, 31.0, 999.0])).tolist() == [0.1, 0.3, 0.9]
    assert baselines.seed_churn(np.array([45.0, 900.0]), 90).tolist() == [0.25, 0.5]


# ---------------------------------------------------------------- the sets of the repository


def test_the_samples_are_disjoint_and_stable() -> None:
    learnt, tested = m3_monthly(skip=0), m3_monthly()
    assert len(learnt) == len(tested) == 300
    assert not {s.name for s in learnt} & {s.name for s in tested}
    assert [s.name for s in m3_monthly(take=3)] == [s.name for s in tested[:3]]
    assert {len(s.history) for s in tested} == {36, 48, 60, 72}


def test_the_lumpy_series_are_lumpy() -> None:
    assert all(np.mean(s.history == 0) >= 0.25 for s in lumpy_series())


def test_revenue_knows_only_the_past() -> None:
    book = crm.crm_revenue()
    known = book.known_at(crm.REVENUE_CUTS[0])
    assert known["created"].max() <= crm.REVENUE_CUTS[0]
    assert np.nanmax(known["closed"][~np.isnat(known["closed"])]) <= crm.REVENUE_CUTS[0]
    assert np.isnan(known["won"][np.isnat(known["closed"])]).all()


def test_revenue_beats_velocity_on_one_cut() -> None:
    found = revenue.report(crm.crm_revenue(), 30, crm.REVENUE_CUTS[3:4], "x", goals=True)
    scores = {row[0]: float(row[1]) for row in found.grid.rows}
    assert scores["recommended"] < 0.5 * scores["velocity, textbook"]


def test_churn_reads_the_cdnow_set() -> None:
    purchases = crm.cdnow()
    found = churn.report(purchases, crm.CHURN_CUT, 180, "x", least=2, goals=True)
    assert found.grid.rows[0][0] == "recommended"
    assert all(goal.met for goal in found.goals)


# ---------------------------------------------------------------- the command


def test_a_single_series_is_cut_at_successive_months(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    lines = [f"{2020 + m // 12}-{m % 12 + 1:02d},{rng.uniform(50, 150):.2f}" for m in range(17)]
    write(file, "month,amount", *lines)
    assert main(["forecast", str(file), "--without-prophet", "--horizon", "3"]) == 0
    told = capsys.readouterr().out
    assert "recommended" in told
    assert "linear regression (seed)" in told
    assert "11 forecasts from 4 to 14 months" in told


def test_a_bad_file_ends_with_one_line_and_code_one(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(file, "client,date,value", "a,2024-01-01,x")
    assert main(["churn", str(file)]) == 1
    err = capsys.readouterr().err
    assert err == "analytics evaluate: deals.csv: row 2, column value: 'x' is not a number.\n"


@pytest.mark.parametrize(
    "arguments",
    [[], ["forecast"], ["nonsense", "x.csv"], ["win", "x.csv", "--column", "value"],
     ["churn", "x.csv", "--horizon", "0"]],
)  # fmt: skip
def test_bad_arguments_end_with_code_two(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert "usage" in capsys.readouterr().err


def test_the_dispatcher_knows_its_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert dispatch(["--help"]) == 0
    assert "evaluate" in capsys.readouterr().out
    assert dispatch(["frobnicate"]) == 2
    assert "no command 'frobnicate'" in capsys.readouterr().err


def test_the_module_runs() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "analytics", "evaluate", "win", "/nowhere.csv"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "no such file" in done.stderr


# ---------------------------------------------------------------- reports


def test_reports_as_text_and_markdown() -> None:
    report = Report(
        "T", "How.", Grid(["method", "x"], [["ours", "0.1"]]), ["A note."],
        [at_most("x", 0.1, 0.2), within("y", 9.0, 0.0, 1.0)],
    )  # fmt: skip
    assert "met     x: 0.100 (≤ 0.2)" in as_text(report)
    assert "MISSED  y: 9.000 (0 to 1)" in as_text(report)
    assert "| y | 9.000 | 0 to 1 | **missed** |" in as_markdown(report)
    assert "| ours | 0.1 |" in as_markdown(report)
    assert (number(float("nan")), percent(0.126)) == ("–", "13 %")
