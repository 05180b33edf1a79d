"""Our dashboards: one question each, from the objectives down to the parts."""

from collections.abc import Iterator

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from deploy.k8s.topology import load as load_topology
from deploy.observability.dashboards.panels import (
    BYTES,
    COUNT,
    PER_SECOND,
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
from deploy.observability.dashboards.parts import database, events, jobs
from deploy.observability.dashboards.queries import CHOSEN, quantile, rate

NO_STREAM = 'route!="/api/v1/events"'


def boards() -> Iterator[Dashboard]:
    """All of them."""
    yield _slo()
    yield _gateway()
    yield _grpc()
    yield events()
    yield jobs()
    yield database()
    yield _business()


def _slo() -> Dashboard:
    left = (
        "1 - sum_over_time(slo:sli_errors:rate5m[30d])"
        " / sum_over_time(slo:sli_requests:rate5m[30d])"
        " / on (slo) slo:error_budget:ratio"
    )
    burn = "slo:sli_error:ratio_rate{} / on (slo) slo:error_budget:ratio"
    return board(
        "ff-slo",
        "FreelanceFlow: objectives",
        "Is what is promised kept?",
        number(
            "Budget left of 30 days",
            SHARE,
            Query(left, "{{slo}}"),
            bad_below=0.1,
            width=WIDE,
            tells="Of the errors that an objective allows. Below zero it was missed.",
        ),
        graph(
            "Alerts that fire",
            COUNT,
            Query(
                'sum by (alertname, severity) (ALERTS{alertstate="firing", severity!="none"})',
                "{{alertname}} ({{severity}})",
            ),
            width=WIDE,
        ),
        graph(
            "Burn rate, 1 hour",
            COUNT,
            Query(burn.format("1h"), "{{slo}}"),
            tells="1 uses the budget up in just 30 days; at 14.4 somebody is woken.",
        ),
        graph("Burn rate, 1 day", COUNT, Query(burn.format("1d"), "{{slo}}")),
        graph("Share that goes wrong", SHARE, Query("slo:sli_error:ratio_rate5m", "{{slo}}")),
        graph("Requests that count", PER_SECOND, Query("slo:sli_requests:rate5m", "{{slo}}")),
    )


def _gateway() -> Dashboard:
    name = "http_server_request_duration_seconds"
    failed = rate(f"{name}_count", "route", where='status=~"5.."')
    return board(
        "ff-gateway",
        "FreelanceFlow: gateway",
        "What do people get, and how soon?",
        number("Up", COUNT, Query('sum(up{service="gateway"})'), bad_below=1, tells="Processes."),
        number("Requests", PER_SECOND, Query(f"sum(rate({name}_count[$__rate_interval]))")),
        number(
            "Within 200 ms",
            SHARE,
            Query(
                f'sum(rate({name}_bucket{{{NO_STREAM}, le="0.2"}}[$__rate_interval]))'
                f" / sum(rate({name}_count{{{NO_STREAM}}}[$__rate_interval]))"
            ),
            bad_below=0.95,
        ),
        number(
            "Server errors",
            SHARE,
            Query(
                f'(sum(rate({name}_count{{status=~"5.."}}[$__rate_interval])) or vector(0))'
                f" / sum(rate({name}_count[$__rate_interval]))"
            ),
            bad_above=0.001,
        ),
        graph(
            "Requests by status",
            PER_SECOND,
            Query(rate(f"{name}_count", "status"), "{{status}}"),
        ),
        graph(
            "Duration of all",
            SECONDS,
            *(
                Query(quantile(share, name, where=NO_STREAM), f"p{share * 100:g}")
                for share in (0.5, 0.95, 0.99)
            ),
        ),
        graph(
            "Slowest routes, p95",
            SECONDS,
            Query(f"topk(10, {quantile(0.95, name, 'route', where=NO_STREAM)})", "{{route}}"),
        ),
        graph("Server errors by route", PER_SECOND, Query(failed, "{{route}}")),
        graph(
            "Calls to services, p95",
            SECONDS,
            Query(
                quantile(0.95, "rpc_client_duration_seconds", "callee", where='service="gateway"'),
                "{{callee}}",
            ),
        ),
        graph(
            "Busiest routes",
            PER_SECOND,
            Query(f"topk(10, {rate(f'{name}_count', 'route')})", "{{route}}"),
        ),
    )


def _grpc() -> Dashboard:
    name = "rpc_server_duration_seconds"
    method = "{{rpc_method}}"
    bad = f'{CHOSEN}, code=~"INTERNAL|UNKNOWN|UNAVAILABLE|DEADLINE_EXCEEDED"'
    process = "{{service}} {{component}} {{instance}}"
    return board(
        "ff-grpc",
        "FreelanceFlow: services",
        "Which service, which method, which process?",
        one_of("service", list(load_topology().services)),
        graph(
            "Calls",
            PER_SECOND,
            Query(rate(f"{name}_count", "service", where=CHOSEN), "{{service}}"),
        ),
        graph(
            "Duration, p95",
            SECONDS,
            Query(quantile(0.95, name, "service", where=CHOSEN), "{{service}}"),
        ),
        graph(
            "Slowest methods, p95",
            SECONDS,
            Query(f"topk(10, {quantile(0.95, name, 'rpc_method', where=CHOSEN)})", method),
        ),
        graph(
            "Calls that failed",
            PER_SECOND,
            Query(
                rate(f"{name}_count", "rpc_method", "code", where=bad),
                f"{method} {{{{code}}}}",
            ),
        ),
        Row("Processes"),
        graph(
            "Checks of readiness that fail",
            COUNT,
            Query(f"ready{{{CHOSEN}}} == 0", "{{service}} {{check}} {{instance}}"),
        ),
        graph(
            "Unexpected errors",
            PER_SECOND,
            Query(rate("errors_total", "service", where=CHOSEN), "{{service}}"),
        ),
        graph(
            "CPU",
            COUNT,
            Query(f"rate(process_cpu_seconds_total{{{CHOSEN}}}[$__rate_interval])", process),
            width=THIRD,
            tells="Cores in use.",
        ),
        graph(
            "Memory",
            BYTES,
            Query(f"process_resident_memory_bytes{{{CHOSEN}}}", process),
            width=THIRD,
        ),
        graph(
            "Open files",
            SHARE,
            Query(f"process_open_fds{{{CHOSEN}}} / process_max_fds", process),
            width=THIRD,
        ),
    )


def _business() -> Dashboard:
    calls = "rpc_server_duration_seconds_count"

    def did(*methods: str) -> Query:
        wanted = f'rpc_method=~"{"|".join(methods)}", code="OK"'
        return Query(f"sum by (rpc_method) (increase({calls}{{{wanted}}}[1h]))", "{{rpc_method}}")

    return board(
        "ff-business",
        "FreelanceFlow: use",
        "What do people do with it?",
        graph("Came in, by the hour", COUNT, did("Register", "LogIn")),
        graph("Deals, by the hour", COUNT, did("CreateDeal", "MoveDeal", "UpdateDeal")),
        graph("Clients and activities, by the hour", COUNT, did("CreateClient", "CreateActivity")),
        graph(
            "Jobs done, by the hour",
            COUNT,
            Query(
                'sum by (kind) (increase(job_duration_seconds_count{outcome="done"}[1h]))',
                "{{kind}}",
            ),
        ),
        graph(
            "Mails, by the hour",
            COUNT,
            Query('sum(increase(mail_attempts_total{outcome="accepted"}[1h]))', "accepted"),
        ),
        graph(
            "Sign-ins refused, by the hour",
            COUNT,
            Query(
                f'sum by (code) (increase({calls}{{rpc_method="LogIn", code!="OK"}}[1h]))',
                "{{code}}",
            ),
            tells="Many at once are somebody who guesses.",
        ),
    )
