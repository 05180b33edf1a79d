"""One planted error of each kind: the rule, what is wrong, how it is done, what must be said."""

from collections.abc import Callable
from typing import Any

from deploy.k8s.tests.objects import Manifest

Break = Callable[["Objects"], object]


class Objects(list[Manifest]):
    """A rendered overlay in which one object is easily found."""

    def one(self, kind: str, name: str) -> Any:
        """The object of that kind whose name is this, generated hash aside."""
        [found] = [
            item
            for item in self
            if item["kind"] == kind
            and (
                item["metadata"]["name"] == name or item["metadata"]["name"].startswith(f"{name}-")
            )
            and item["metadata"]["name"].count("-") - name.count("-") <= (kind == "ConfigMap")
        ]
        return found

    def pod(self, name: str, kind: str = "Deployment") -> Any:
        """The pod of a workload."""
        return self.one(kind, name)["spec"]["template"]["spec"]

    def app(self, name: str, kind: str = "Deployment") -> Any:
        """The main container of a workload."""
        return self.pod(name, kind)["containers"][0]

    def rules(self, policy: str, way: str) -> Any:
        """The ingress or egress rules of a policy."""
        return self.one("NetworkPolicy", policy)["spec"][way]


def _drop(name: str, *path: str) -> Break:
    """A break that removes a field of a workload's main container."""

    def broken(objects: Objects) -> None:
        where = objects.app(name)
        for step in path[:-1]:
            where = where[step]
        del where[path[-1]]

    return broken


BREAKS: list[tuple[str, str, Break, str]] = [
    (
        "schema",
        "a field is misspelt",
        lambda o: o.app("crm").update(imagePullPolcy="Always"),
        "imagePullPolcy",
    ),
    (
        "schema",
        "a number is a word",
        lambda o: o.one("Deployment", "crm")["spec"].update(replicas="two"),
        "replicas",
    ),
    (
        "core_only",
        "an operator's kind",
        lambda o: o.append(
            {
                "apiVersion": "postgresql.cnpg.io/v1",
                "kind": "Cluster",
                "metadata": {"name": "crm-db", "namespace": "freelanceflow"},
            }
        ),
        "cnpg",
    ),
    (
        "one_namespace",
        "another namespace",
        lambda o: o.one("Service", "crm")["metadata"].update(namespace="default"),
        "Service/crm",
    ),
    (
        "one_namespace",
        "nothing is enforced",
        lambda o: o.one("Namespace", "freelanceflow")["metadata"].pop("labels"),
        "restricted",
    ),
    (
        "ports",
        "a long port name",
        lambda o: o.app("crm")["ports"][0].update(name="internal-metrics-port"),
        "no port name",
    ),
    (
        "ports",
        "a Service to nowhere",
        lambda o: o.one("Service", "crm")["spec"]["ports"][0].update(targetPort="rpc"),
        "no port rpc",
    ),
    (
        "ports",
        "a Service without pods",
        lambda o: o.one("Service", "crm")["spec"]["selector"].update(
            {"app.kubernetes.io/name": "cmr"}
        ),
        "Service/crm",
    ),
    (
        "ports",
        "a Service over two workloads",
        lambda o: o.one("Service", "crm")["spec"]["selector"].pop("app.kubernetes.io/component"),
        "crm-worker",
    ),
    (
        "resources",
        "128Mb",
        lambda o: o.app("crm")["resources"]["limits"].update(memory="128Mb"),
        "128Mb",
    ),
    ("resources", "no limit", _drop("notify", "resources", "limits"), "no memory"),
    (
        "resources",
        "more than the limit",
        lambda o: o.app("crm")["resources"]["requests"].update(memory="4Gi"),
        "more memory",
    ),
    (
        "selectors",
        "labels that are not selected",
        lambda o: o.one("Deployment", "crm")["spec"]["selector"]["matchLabels"].update(tier="db"),
        "Deployment/crm",
    ),
    (
        "selectors",
        "a selector of two workloads",
        lambda o: o.one("Deployment", "crm")["spec"]["selector"]["matchLabels"].pop(
            "app.kubernetes.io/component"
        ),
        "crm-worker",
    ),
    (
        "selectors",
        "a foreign spread",
        lambda o: o.pod("crm")["topologySpreadConstraints"][0]["labelSelector"][
            "matchLabels"
        ].update({"app.kubernetes.io/name": "auth"}),
        "spreads",
    ),
    (
        "resolved",
        "a missing Secret",
        lambda o: o.remove(o.one("Secret", "crm-db-app")),
        "Secret/crm-db-app",
    ),
    (
        "resolved",
        "a missing key",
        lambda o: o.one("Secret", "crm-db-app")["data"].pop("uri"),
        "no key uri",
    ),
    (
        "resolved",
        "a missing ConfigMap",
        lambda o: o.remove(o.one("ConfigMap", "gateway-config")),
        "ConfigMap/gateway-config",
    ),
    (
        "resolved",
        "a missing account",
        lambda o: o.remove(o.one("ServiceAccount", "gateway")),
        "ServiceAccount/gateway",
    ),
    ("resolved", "a missing volume", lambda o: o.pod("auth")["volumes"].pop(), "no volume"),
    ("probes", "no liveness", _drop("analytics", "livenessProbe"), "livenessProbe"),
    ("probes", "no startup", _drop("gateway", "startupProbe"), "startupProbe"),
    (
        "probes",
        "a probe on no port",
        lambda o: o.app("crm")["readinessProbe"]["httpGet"].update(port="health"),
        "health",
    ),
    (
        "probes",
        "liveness that looks at dependencies",
        lambda o: o.app("crm")["livenessProbe"]["httpGet"].update(path="/readyz"),
        "/livez",
    ),
    (
        "restricted",
        "root",
        lambda o: o.pod("crm")["securityContext"].pop("runAsNonRoot"),
        "may run as root",
    ),
    (
        "restricted",
        "root in one container",
        lambda o: o.pod("crm-migrate", "Job")["initContainers"][0]["securityContext"].update(
            runAsUser=0
        ),
        "provision",
    ),
    (
        "restricted",
        "no seccomp",
        lambda o: o.pod("postgres", "StatefulSet")["securityContext"].pop("seccompProfile"),
        "seccomp",
    ),
    (
        "restricted",
        "a writable root",
        lambda o: o.app("valkey", "StatefulSet")["securityContext"].update(
            readOnlyRootFilesystem=False
        ),
        "can be written",
    ),
    (
        "restricted",
        "privileges",
        _drop("crm", "securityContext", "allowPrivilegeEscalation"),
        "gain privileges",
    ),
    (
        "restricted",
        "a capability",
        lambda o: o.app("gateway")["securityContext"]["capabilities"].update(
            add=["NET_BIND_SERVICE"]
        ),
        "capabilities",
    ),
    (
        "restricted",
        "the host's network",
        lambda o: o.pod("crm").update(hostNetwork=True),
        "hostNetwork",
    ),
    (
        "restricted",
        "the host's disk",
        lambda o: o.pod("crm")["volumes"].append({"name": "host", "hostPath": {"path": "/"}}),
        "volume host",
    ),
    (
        "restricted",
        "an unbounded volume",
        lambda o: o.pod("crm")["volumes"][0]["emptyDir"].clear(),
        "fill the node",
    ),
    (
        "no_token",
        "a token in a pod",
        lambda o: o.pod("crm").update(automountServiceAccountToken=True),
        "mounts a token",
    ),
    (
        "no_token",
        "a token in an account",
        lambda o: o.one("ServiceAccount", "crm").pop("automountServiceAccountToken"),
        "ServiceAccount/crm",
    ),
    ("no_token", "service links", lambda o: o.pod("crm").pop("enableServiceLinks"), "variables"),
    ("shutdown", "no time to leave the Service", _drop("gateway", "lifecycle"), "still called"),
    (
        "shutdown",
        "no time to drain",
        lambda o: o.pod("crm").update(terminationGracePeriodSeconds=15),
        "while it drains",
    ),
    (
        "jobs",
        "a job for ever",
        lambda o: o.one("Job", "auth-migrate")["spec"].pop("activeDeadlineSeconds"),
        "too long",
    ),
    (
        "jobs",
        "a job that stays",
        lambda o: o.one("Job", "auth-migrate")["spec"].pop("ttlSecondsAfterFinished"),
        "stays",
    ),
    (
        "cron_jobs",
        "two drills at once",
        lambda o: o.one("CronJob", "restore-drill")["spec"].pop("concurrencyPolicy"),
        "twice",
    ),
    (
        "budgets",
        "no pod may go",
        lambda o: o.one("PodDisruptionBudget", "crm")["spec"].update(maxUnavailable=0),
        "stop a drain",
    ),
    (
        "budgets",
        "a budget on a singleton",
        lambda o: o.one("Deployment", "crm")["spec"].update(replicas=1),
        "PodDisruptionBudget/crm",
    ),
    (
        "budgets",
        "no budget",
        lambda o: o.remove(o.one("PodDisruptionBudget", "gateway")),
        "Deployment/gateway",
    ),
    (
        "scraped",
        "another port",
        lambda o: o.app("crm")["ports"][0].update(containerPort=9000),
        "Deployment/crm",
    ),
    (
        "tagged",
        "no tag",
        lambda o: o.app("crm").update(image="freelanceflow/crm"),
        "may be anything",
    ),
    (
        "tagged",
        "latest",
        lambda o: o.app("crm").update(image="freelanceflow/crm:latest"),
        "may be anything",
    ),
]
