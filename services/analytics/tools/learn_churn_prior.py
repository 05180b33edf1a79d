"""Fit BG/NBD on a public purchase history and print the churn prior as JSON.

cd services/analytics
python tools/learn_churn_prior.py data/cdnow/transactions.csv.gz 1997-09-30 \
    > src/analytics/science/data/churn_prior.json
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from analytics.science.churn_bgnbd import Buying, fit
from analytics.science.churn_ledger import read_ledger, standing

FLAT = 100.0  # a spread so wide that the fit is the maximum likelihood
LOG_SPREAD = 1.0  # a factor of e either way is one standard deviation: weak


def learn(path: Path, until: str) -> dict[str, object]:
    """The prior's centre and spread from purchases (client_id, date, value) up to `until`."""
    purchases = pd.read_csv(path)
    ledger, _, today = read_ledger(purchases, until)
    known = standing(ledger, today)
    start = Buying(1.0, 30.0, 1.0, 1.0)
    args = known.repeats, known.active_days, known.age_days
    centre = fit(*args, start, np.full(4, FLAT))
    return {
        "centre": {name: round(value, 4) for name, value in asdict(centre).items()},
        "clients": ledger.clients,
        "log_spread": {name: LOG_SPREAD for name in asdict(centre)},
        "made_by": "services/analytics/tools/learn_churn_prior.py",
        "made_from": f"{path.parent.name}/{path.name} up to {until}, days",
    }


if __name__ == "__main__":
    prior = learn(Path(sys.argv[1]), sys.argv[2])
    sys.stdout.write(json.dumps(prior, indent=1, sort_keys=True) + "\n")
