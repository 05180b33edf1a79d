"""What notify alone tells of itself at /metrics."""

from kit.telemetry.metrics import counter, gauge, histogram

MAIL_DELAY = histogram(
    "mail_accepted_delay_seconds",
    "From the moment a mail was to go out until the mail server took it.",
    buckets=(1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 14400),
)
MAIL_ATTEMPTS = counter("mail_attempts_total", "Deliveries tried, by how they ended.", "outcome")
MAIL_DUE_AGE = gauge("mail_oldest_due_age_seconds", "Since the oldest mail that is due was so.")

# From the start at zero: what has not happened yet is not unknown.
ACCEPTED, DEFERRED, REFUSED, GIVEN_UP = (
    MAIL_ATTEMPTS.labels(outcome) for outcome in ("accepted", "deferred", "refused", "given_up")
)
