"""What is left out of the process with the science changes no number."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from analytics.science import win
from analytics.science.forecast import forecast_line, forecast_monthly
from analytics.science.frames import frame
from analytics.science.libraries import ABSENT

ROOT = Path(__file__).parents[4]
PARTS = ("pandas", "prophet", "scipy", "sklearn", "statsforecast")
UNWANTED = ("fugue", "statsmodels.genmod.api", *ABSENT)
CHILD = f"""
import json, sys
from analytics.science import libraries
libraries.leave_out()
from services.analytics.tests.science.test_libraries import said
print(json.dumps(said()))
print(json.dumps([name for name in {PARTS} if not sys.modules.get(name)]))
print(json.dumps([name for name in {UNWANTED} if sys.modules.get(name)]))
"""


def said() -> list[str]:
    """A number to the last bit from each library: the ensemble, Prophet, and boosted trees."""
    dice = np.random.default_rng(4)
    months = dice.lognormal(7, 0.4, 48) * (1 + np.arange(48) % 12 / 12)
    sold = frame({"source": dice.choice(["a", "b"], 300), "age": dice.exponential(30, 300)})
    won = (dice.random(300) < np.where(sold["source"] == "a", 0.6, 0.3)).astype(np.float64)
    model = win.fit(sold, won, win.Columns(categorical=["source"], numeric=["age"]))
    found = [
        forecast_monthly(months, 6, deadline_s=0).mean,
        forecast_line("prophet", months, 6, deadline_s=60).mean,
        model.probability(sold),
    ]
    return [numbers.tobytes().hex() for numbers in found]


def test_a_process_without_them_says_the_same() -> None:
    told = subprocess.run(
        [sys.executable, "-c", CHILD], check=True, capture_output=True, text=True, cwd=ROOT
    ).stdout.splitlines()
    numbers, missing, loaded = (json.loads(line) for line in told)
    assert numbers == said()
    assert (missing, loaded) == ([], [])
