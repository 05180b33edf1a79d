"""Pure numerics: arrays in, results out; no I/O, no clock, no global random state.

The one home of pandas, prophet, statsforecast, scikit-learn, scipy and polars. Those are imported
inside the functions that need them, because a request that reads a stored answer must not pay for
them.
"""
