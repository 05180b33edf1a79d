"""deploy/bin/deploy against a kubectl that records what it is asked."""

from pathlib import Path

import pytest

from deploy.k8s.tests.cluster import Cluster


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    """Nothing has been deployed yet; secrets are there already."""
    return Cluster(tmp_path)


def test_migrations_come_before_the_roll_out(cluster: Cluster) -> None:
    done = cluster.run("deploy")

    assert done.code == 0, done.said
    order = [
        "delete jobs",
        "apply -k deploy/k8s/overlays/kind -l",
        " wait job",
        "create -f -",  # the record
        "rollout status",
    ]
    positions = [done.position(what) for what in order]
    assert positions == sorted(positions)
    assert done.calls.index("apply -k deploy/k8s/overlays/kind") == positions[-1] - 1


def test_failed_migration_rolls_nothing_out(cluster: Cluster) -> None:
    done = cluster.run("deploy", WAITED="1")

    assert done.code == 1
    assert "nothing was rolled out" in done.said
    assert "apply -k deploy/k8s/overlays/kind" not in done.calls
    assert cluster.releases == []


def test_running_migration_is_left_alone(cluster: Cluster) -> None:
    done = cluster.run("deploy", ACTIVE="crm-migrate ")

    assert done.code == 1
    assert "still running: crm-migrate" in done.said
    assert len(done.calls) == 1


def test_unknown_overlay_is_named(cluster: Cluster) -> None:
    done = cluster.run("deploy", "moon")

    assert (done.code, done.calls) == (1, [])
    assert "there is no overlay moon" in done.said


def test_secrets_need_the_services(cluster: Cluster) -> None:
    (cluster.checkout / "deploy/k8s/components/secrets-generated/secrets").rmdir()

    done = cluster.run("deploy")

    assert (done.code, done.calls) == (1, [])
    assert "make setup" in done.said
