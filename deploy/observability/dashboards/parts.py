"""Dashboards of the parts that one does not see at the edge: events, jobs, databases."""

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from deploy.k8s.topology import load as load_topology
from deploy.observability.dashboards.panels import (
    COUNT,
    PER_SECOND,
    QUARTER,
    SECONDS,
    SHARE,
    THIRD,
    WIDE,
    Query,
    board,
    graph,
    number,
    one_of,
)
from deploy.observability.dashboards.queries import CHOSEN, quantile, rate


def events() -> Dashboard:
    lag = "event_end_to_end_lag_seconds"
    return board(
        "ff-async",
        "FreelanceFlow: events",
        "Is what happens told, and heard?",
        Row("Outbox"),
        graph(
            "Oldest fact not on the bus",
            SECONDS,
            Query("max by (service) (outbox_oldest_age_seconds)", "{{service}}"),
            width=THIRD,
        ),
        graph(
            "Facts that wait",
            COUNT,
            Query("max by (service) (outbox_pending_rows)", "{{service}}"),
            width=THIRD,
        ),
        graph(
            "Sent",
            PER_SECOND,
            Query(rate("outbox_published_total", "service"), "{{service}}"),
            Query(rate("outbox_publish_failures_total", "service"), "{{service}} not taken"),
            width=THIRD,
        ),
        Row("Consumers"),
        graph(
            "Events that wait",
            COUNT,
            Query("max by (consumer) (event_waiting)", "{{consumer}}"),
            width=THIRD,
        ),
        graph(
            "From fact to effect, p95",
            SECONDS,
            Query(quantile(0.95, lag, "consumer", where='bulk="no"'), "{{consumer}}"),
            width=THIRD,
            tells="Without imports and bulk edits. 10 s stands for more, too.",
        ),
        graph(
            "Handled",
            PER_SECOND,
            Query(rate("event_handled_total", "consumer", "outcome"), "{{consumer}} {{outcome}}"),
            width=THIRD,
        ),
        graph(
            "Set aside",
            COUNT,
            Query("max by (service) (dlq_messages)", "{{service}}"),
            width=WIDE,
            tells="In the service's dead_letters, with the reason.",
        ),
    )


def jobs() -> Dashboard:
    name = "job_duration_seconds"
    return board(
        "ff-jobs",
        "FreelanceFlow: jobs and mails",
        "Does background work get done?",
        graph(
            "Oldest job that waits",
            SECONDS,
            Query("max by (queue) (celery_queue_oldest_age_seconds)", "{{queue}}"),
        ),
        graph(
            "Oldest change without a score",
            SECONDS,
            Query("max(rescoring_oldest_dirty_age_seconds)", "analytics"),
        ),
        graph(
            "Attempts",
            PER_SECOND,
            Query(rate(f"{name}_count", "kind", "outcome"), "{{kind}} {{outcome}}"),
        ),
        graph("Duration, p95", SECONDS, Query(quantile(0.95, name, "kind"), "{{kind}}")),
        Row("Mails"),
        graph(
            "Oldest mail that is due",
            SECONDS,
            Query("max(mail_oldest_due_age_seconds)", "notify"),
            width=THIRD,
        ),
        graph(
            "Deliveries",
            PER_SECOND,
            Query(rate("mail_attempts_total", "outcome"), "{{outcome}}"),
            width=THIRD,
        ),
        graph(
            "Until accepted, p95",
            SECONDS,
            Query(quantile(0.95, "mail_accepted_delay_seconds"), "notify"),
            width=THIRD,
        ),
    )


def database() -> Dashboard:
    name = "db_client_operation_duration_seconds"
    backup = 'time() - max(kube_cronjob_status_last_successful_time{{cronjob="{}"}})'
    return board(
        "ff-database",
        "FreelanceFlow: databases",
        "Is a database what one waits for?",
        one_of("service", [s for s in load_topology().services if s != "gateway"]),
        number(
            "Last good backup",
            SECONDS,
            Query(backup.format("postgres-backup")),
            bad_above=93_600,
            tells="Needs kube-state-metrics, as the next one does.",
        ),
        number("Last restored", SECONDS, Query(backup.format("restore-drill")), bad_above=691_200),
        number(
            "Within 100 ms",
            SHARE,
            Query(
                f'sum(rate({name}_bucket{{{CHOSEN}, le="0.1"}}[$__rate_interval]))'
                f" / sum(rate({name}_count{{{CHOSEN}}}[$__rate_interval]))"
            ),
            bad_below=0.99,
        ),
        number(
            "Connections in use",
            COUNT,
            Query(f"sum(db_pool_in_use{{{CHOSEN}}})"),
            width=QUARTER,
        ),
        graph(
            "Statements",
            PER_SECOND,
            Query(rate(f"{name}_count", "service", where=CHOSEN), "{{service}}"),
        ),
        graph(
            "Duration, p95",
            SECONDS,
            Query(quantile(0.95, name, "service", where=CHOSEN), "{{service}}"),
        ),
        graph(
            "Slowest tables, p95",
            SECONDS,
            Query(
                f"topk(10, {quantile(0.95, name, 'service', 'table', 'op', where=CHOSEN)})",
                "{{service}} {{op}} {{table}}",
            ),
        ),
        graph(
            "Where the time goes",
            COUNT,
            Query(
                f"topk(10, {rate(f'{name}_sum', 'service', 'table', 'op', where=CHOSEN)})",
                "{{service}} {{op}} {{table}}",
            ),
            tells="Seconds of statements in each second.",
        ),
        graph(
            "Connections in use",
            COUNT,
            Query(f"sum by (pool) (db_pool_in_use{{{CHOSEN}}})", "{{pool}}"),
        ),
        graph(
            "Waiting for a connection, p95",
            SECONDS,
            Query(quantile(0.95, "db_pool_wait_seconds", "pool", where=CHOSEN), "{{pool}}"),
        ),
    )
