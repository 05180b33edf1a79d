"""Prometheus and Grafana of the cluster of one's own: what they are told is there."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from deploy.k8s.tests.objects import Manifest, data_of, of_kind, workloads
from local.promtool import provide


@pytest.fixture(scope="module")
def kind(render: Callable[[str], list[Manifest]]) -> list[Manifest]:
    return render("kind")


def mounted(objects: list[Manifest], workload: str, volume: str) -> dict[str, str]:
    """The files of a volume that is a ConfigMap."""
    [found] = [each for each in workloads(objects) if each.name == workload]
    [name] = [v["configMap"]["name"] for v in found.pod["volumes"] if v["name"] == volume]
    return data_of(objects, "ConfigMap", name)


def test_every_name_that_is_scraped_finds_pods(kind: list[Manifest]) -> None:
    config = yaml.safe_load(mounted(kind, "prometheus", "config")["prometheus.yml"])
    [job] = config["scrape_configs"]
    [names] = [each["names"] for each in job["dns_sd_configs"]]
    lasting = {each.name for each in workloads(kind) if each.ours and each.kind != "Job"}
    assert len(names) == len(lasting)
    for name in names:
        service = of_kind(kind, "Service")[name]
        assert service["spec"]["clusterIP"] == "None"
        assert service["spec"]["publishNotReadyAddresses"]


def test_rules_and_dashboards_are_mounted(kind: list[Manifest]) -> None:
    rules = mounted(kind, "prometheus", "rules")
    alerts = {
        rule.get("alert")
        for text in rules.values()
        for group in yaml.safe_load(text)["groups"]
        for rule in group["rules"]
    }
    assert {"Watchdog", "GatewayDown", "SLOErrorBudgetBurnFast", "OutboxStalled"} <= alerts
    assert "ff-slo.json" in mounted(kind, "grafana", "dashboards")
    sources = yaml.safe_load(mounted(kind, "grafana", "provisioning")["datasources.yaml"])
    assert [source["uid"] for source in sources["datasources"]] == ["prometheus"]


@pytest.mark.promtool
def test_prometheus_reads_its_configuration(kind: list[Manifest], tmp_path: Path) -> None:
    file = tmp_path / "prometheus.yml"
    file.write_text(mounted(kind, "prometheus", "config")["prometheus.yml"])
    done = subprocess.run(
        [provide(lambda _line: None), "check", "config", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
