"""deploy/bin/rollback rolls out what deploy/bin/deploy recorded, and refuses what cannot run."""

import ast
import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from deploy.k8s import releases
from deploy.k8s.tests.cluster import Cluster
from deploy.k8s.tests.conftest import ROOT, kubectl

# What older code may miss: tables and columns that go or are called otherwise.
TAKES_AWAY = re.compile(
    r"drop_(table|column)|rename_table|new_column_name"
    r"|DROP\s+(TABLE|COLUMN)|RENAME\s+(TO|COLUMN)|SET\s+NOT\s+NULL",
    re.IGNORECASE,
)


@pytest.fixture(scope="session")
def rendered(k8s_copy: Path) -> str:
    """All of kind, with its secrets."""
    command = [kubectl(), "kustomize", str(k8s_copy / "overlays/kind")]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def cluster(tmp_path: Path, rendered: str) -> Cluster:
    """Two releases were deployed: of crm at revision 0001, and at 0002."""
    cluster = Cluster(tmp_path)
    for number in (1, 2):
        cluster.renders(rendered.replace("freelanceflow/crm:dev", f"freelanceflow/crm:{number}"))
        cluster.migration("crm", f"000{number}")
        release(cluster, f"2026010{number}-000000")
    return cluster


def release(cluster: Cluster, name: str) -> None:
    """As deploy/bin/deploy records it, under a name of the test's."""
    code = releases_in(cluster, "record", "kind", name, f"c{name[7]}")
    assert code == 0


def releases_in(cluster: Cluster, *arguments: str) -> int:
    script = cluster.checkout / "deploy/bin/releases"
    script.write_text(
        f'#!/bin/sh\ncd {cluster.checkout}\nexec "$PYTHON" -m deploy.k8s.releases "$@"\n'
    )
    script.chmod(0o755)
    return cluster.run("releases", *arguments).code


def crm_image(objects: str) -> str:
    """The image that crm's pods would run."""
    [image] = [
        each["spec"]["template"]["spec"]["containers"][0]["image"]
        for each in yaml.safe_load_all(objects)
        if each["kind"] == "Deployment" and each["metadata"]["name"] == "crm"
    ]
    return str(image)


def test_a_record_holds_what_serves_and_its_settings_and_no_secret(cluster: Cluster) -> None:
    record = cluster.kept("release-20260102-000000")

    assert record["immutable"] is True
    objects = list(yaml.safe_load_all(record["data"]["objects"]))
    names = {(each["kind"], each["metadata"]["name"].rsplit("-config-")[0]) for each in objects}
    services = ("auth", "crm", "analytics", "notify", "gateway")
    assert names == {
        *(("ConfigMap", name) for name in services),
        *(("Deployment", name) for name in services),
        ("Deployment", "crm-worker"),
        ("Deployment", "analytics-worker"),
    }
    data = record["data"]
    assert (data["before"], data["commit"]) == ("20260101-000000", "c2")
    assert json.loads(data["schema"]) == {"crm": "0002"}
    assert "freelanceflow/crm:2" in data["images"].splitlines()


def test_without_a_name_it_goes_to_the_one_before(cluster: Cluster) -> None:
    done = cluster.run("rollback")

    assert done.code == 0, done.said
    assert crm_image(cluster.applied) == "freelanceflow/crm:1"
    assert cluster.kept("release")["data"]["current"] == "20260101-000000"
    assert len([call for call in done.calls if "rollout status deployment/" in call]) == 7
    assert not any("jobs" in call for call in done.calls), "older code knows no newer revision"
    assert "made from c1; the databases stay" in done.said


def test_it_ends_where_nothing_was_before(cluster: Cluster) -> None:
    cluster.run("rollback")
    done = cluster.run("rollback")

    assert done.code == 1
    assert "there is no release before 20260101-000000" in done.said


def test_a_named_release_is_found_again(cluster: Cluster) -> None:
    cluster.run("rollback")
    done = cluster.run("rollback", "20260102-000000")

    assert done.code == 0, done.said
    assert crm_image(cluster.applied) == "freelanceflow/crm:2"


def test_what_follows_a_way_back_goes_back_to_where_it_began(cluster: Cluster) -> None:
    cluster.run("rollback")
    release(cluster, "20260103-000000")

    assert cluster.kept("release-20260103-000000")["data"]["before"] == "20260101-000000"


def test_a_migration_that_contracts_is_not_crossed(cluster: Cluster) -> None:
    cluster.migration("crm", "0003", contracts="deals.source is gone")
    release(cluster, "20260103-000000")

    done = cluster.run("rollback")

    assert done.code == 1
    assert "crm's migration 0003 contracts (deals.source is gone)" in done.said
    assert not any(call.endswith("apply -f -") for call in done.calls)
    assert cluster.kept("release")["data"]["current"] == "20260103-000000"


def test_what_contracted_stays_remembered_after_a_way_back(cluster: Cluster) -> None:
    cluster.migration("crm", "0003", contracts="deals.source is gone")
    release(cluster, "20260103-000000")
    cluster.migration("crm", "0004")
    release(cluster, "20260104-000000")

    assert cluster.run("rollback").code == 0
    done = cluster.run("rollback", "20260102-000000")

    assert (done.code, "migration 0003" in done.said) == (1, True)


def test_a_roll_out_that_fails_is_recorded_so_that_the_way_back_is_there(
    cluster: Cluster,
) -> None:
    failed = cluster.run("deploy", ROLLED="1")
    assert failed.code == 1
    assert len(cluster.releases) == 3

    assert cluster.run("rollback").code == 0
    assert cluster.kept("release")["data"]["current"] == "20260102-000000"


def test_an_unknown_release_is_named_beside_the_known(cluster: Cluster) -> None:
    done = cluster.run("rollback", "yesterday")

    assert done.code == 1
    assert "no release yesterday; there are 20260101-000000, 20260102-000000" in done.said


def test_an_empty_cluster_says_so(tmp_path: Path) -> None:
    done = Cluster(tmp_path).run("rollback")

    assert (done.code, "no release is recorded" in done.said) == (1, True)


def test_twenty_releases_are_kept(cluster: Cluster) -> None:
    for number in range(10, 31):
        release(cluster, f"202602{number}-000000")

    assert len(cluster.releases) == releases.KEPT
    assert cluster.releases[0] == "release-20260211-000000"


def test_migrations_are_numbered_in_the_order_they_run() -> None:
    """Going back compares numbers."""
    for folder in ROOT.glob("services/*/src/*/migrations/versions"):
        files = sorted(folder.glob("[0-9]*.py"))
        numbers = [file.name.partition("_")[0] for file in files]
        assert numbers == [f"{number:04}" for number in range(1, len(files) + 1)]
        for file, before in zip(files, [None, *numbers], strict=False):
            assert f"\ndown_revision = {before!r}".replace("'", '"') in file.read_text()


def test_a_migration_that_takes_something_away_says_what() -> None:
    for file in ROOT.glob("services/*/src/*/migrations/versions/[0-9]*.py"):
        tree = ast.parse(file.read_text())
        named = {
            target.id
            for node in tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        if TAKES_AWAY.search(file.read_text()):
            assert releases.CONTRACTS in named, f"{file.name}: say what older code misses"


@pytest.mark.parametrize(
    "statement", ['op.drop_column("deals", "source")', "ALTER TABLE deals DROP  COLUMN source"]
)
def test_taking_away_is_noticed(statement: str) -> None:
    assert TAKES_AWAY.search(statement)
