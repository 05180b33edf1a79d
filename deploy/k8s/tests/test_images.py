"""The Dockerfile's own steps without an engine, started with the settings of the manifests."""

from pathlib import Path

import pytest

from deploy.docker.rehearse import rehearse
from deploy.k8s.tests.conftest import Render
from deploy.k8s.tests.objects import environment, workloads
from deploy.k8s.topology import load


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("service", load().services)
def test_image_holds_all_that_its_service_needs(
    service: str, render: Render, tmp_path: Path
) -> None:
    """Its own lock and wheels suffice to import everything, and its manifest to configure it."""
    objects = render("kind")
    [workload] = [
        workload
        for workload in workloads(objects)
        if (workload.kind, workload.name) == ("Deployment", service)
    ]
    settings = environment(workload.pod["containers"][0], objects)

    assert rehearse(service, tmp_path, settings) == 0
