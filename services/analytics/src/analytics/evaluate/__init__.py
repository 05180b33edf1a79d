"""Measure the science on data: a user's own export or the sets that come with the repository."""
