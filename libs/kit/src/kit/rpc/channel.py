"""What both ends of a channel must agree on."""

from collections.abc import Sequence

MAX_MESSAGE = 4 * 1024 * 1024
MAX_METADATA = 16 * 1024

# A ping more often than the server's least interval is answered with the end of the connection.
PING_EVERY_MS = 10_000
PING_TIMEOUT_MS = 3_000
PING_LEAST_MS = 5_000

# A balancer's new replica is found only by a new connection, so none lives for ever.
CONNECTION_AGE_MS = 120_000
CONNECTION_AGE_GRACE_MS = 30_000

# A peer that came back is tried again within two seconds.
RECONNECT_FIRST_MS = 100
RECONNECT_LEAST_MS = 500
RECONNECT_MOST_MS = 2_000

_BOTH: list[tuple[str, int]] = [
    ("grpc.max_receive_message_length", MAX_MESSAGE),
    ("grpc.max_send_message_length", MAX_MESSAGE),
    ("grpc.max_metadata_size", MAX_METADATA),
    ("grpc.keepalive_time_ms", PING_EVERY_MS),
    ("grpc.keepalive_timeout_ms", PING_TIMEOUT_MS),
]
SERVER_OPTIONS: Sequence[tuple[str, int]] = [
    *_BOTH,
    ("grpc.http2.min_recv_ping_interval_without_data_ms", PING_LEAST_MS),
    ("grpc.max_connection_age_ms", CONNECTION_AGE_MS),
    ("grpc.max_connection_age_grace_ms", CONNECTION_AGE_GRACE_MS),
    ("grpc.so_reuseport", 0),  # a second process on our port must fail, not share it
]
CLIENT_OPTIONS: Sequence[tuple[str, int | str]] = [
    *_BOTH,
    ("grpc.initial_reconnect_backoff_ms", RECONNECT_FIRST_MS),
    ("grpc.min_reconnect_backoff_ms", RECONNECT_LEAST_MS),
    ("grpc.max_reconnect_backoff_ms", RECONNECT_MOST_MS),
    ("grpc.lb_policy_name", "round_robin"),
    ("grpc.dns_min_time_between_resolutions_ms", RECONNECT_MOST_MS),
    ("grpc.enable_http_proxy", 0),
]
