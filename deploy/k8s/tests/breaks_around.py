"""Planted errors in what lies around the pods: scaling, network, settings."""

import copy
from typing import Any

from deploy.k8s.tests.breaks import Break, Objects


def _rename_env(objects: Objects) -> None:
    data = objects.one("ConfigMap", "crm-config")["data"]
    data["CRM_AUTH_ADRESS"] = data.pop("CRM_AUTH_ADDRESS")


def _add_stray_policy(objects: Objects) -> None:
    policy = copy.deepcopy(objects.one("NetworkPolicy", "default-deny"))
    policy["metadata"]["name"] = "stray"
    policy["spec"]["ingress"] = [{}]
    policy["spec"]["egress"] = [{}]
    objects.append(policy)


def _open_database(objects: Objects) -> None:
    objects.rules("provider-database", "ingress")[0]["from"].append({"podSelector": {}})
    objects.rules("gateway-serve", "egress").append({"to": [{"podSelector": {}}]})


def _drop_defaults(objects: Objects) -> None:
    for name in ("default-deny", "provider-mail"):
        objects.remove(objects.one("NetworkPolicy", name))


def _scale(**changes: Any) -> Break:
    """A break that adds an autoscaler of crm, right but for something."""

    def broken(objects: Objects) -> None:
        crm = objects.one("Deployment", "crm")
        del crm["spec"]["replicas"]
        spec = {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "crm"},
            "minReplicas": 2,
            "maxReplicas": 4,
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": 300}},
        }
        crm["spec"].update(changes.pop("deployment", {}))
        kind = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler"}
        metadata = {"name": "crm", "namespace": "freelanceflow"}
        objects.append({**kind, "metadata": metadata, "spec": {**spec, **changes}})

    return broken


AROUND: list[tuple[str, str, Break, str]] = [
    ("scaled", "replicas are set", _scale(deployment={"replicas": 2}), "would reset the pods"),
    ("scaled", "one pod", _scale(minReplicas=1), "from 1 to 4 pods"),
    ("scaled", "no room", _scale(maxReplicas=2), "from 2 to 2 pods"),
    ("scaled", "at once", _scale(behavior={}), "at every pause"),
    (
        "scaled",
        "a worker",
        _scale(scaleTargetRef={"kind": "Deployment", "name": "crm-worker"}),
        "nothing that serves",
    ),
    (
        "network",
        "an edge too many",
        _open_database,
        "Deployment/gateway reaches StatefulSet/postgres",
    ),
    (
        "network",
        "an edge too few",
        lambda o: o.rules("crm-serve", "egress").pop(0),
        "Deployment/crm cannot reach Deployment/auth",
    ),
    (
        "network",
        "one end only",
        lambda o: o.remove(o.one("NetworkPolicy", "provider-bus")),
        "cannot reach StatefulSet/nats",
    ),
    (
        "network",
        "no default",
        _drop_defaults,
        "reaches Deployment/mail",
    ),
    ("network", "everything allowed", _add_stray_policy, "internet reaches Deployment/crm:8081"),
    ("settings", "a setting nobody reads", _rename_env, "CRM_AUTH_ADRESS"),
    (
        "settings",
        "a setting production refuses",
        lambda o: o.one("ConfigMap", "auth-config")["data"].update(AUTH_EMAIL_VERIFICATION="false"),
        "Deployment/auth",
    ),
    (
        "settings",
        "a local profile",
        lambda o: o.one("ConfigMap", "notify-config")["data"].update(NOTIFY_PROFILE="local"),
        "production profile",
    ),
    (
        "settings",
        "a setting that is missing",
        lambda o: o.app("crm")["env"].clear(),
        "Deployment/crm",
    ),
    (
        "addresses",
        "another port",
        lambda o: o.one("ConfigMap", "crm-config")["data"].update(CRM_AUTH_ADDRESS="auth:50052"),
        "auth:50052",
    ),
]
