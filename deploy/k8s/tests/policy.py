"""The rules for our manifests: each is a function from all objects to what is wrong with them."""

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache

from kubernetes_validate import (  # type: ignore[import-untyped]
    ValidationError,
    utils,
    validate,
)

from deploy.k8s.tests.objects import (
    Manifest,
    Workload,
    data_of,
    long_running,
    of_kind,
    references,
    selects,
    workloads,
)

# The library reads the same large files anew for every object.
utils.schema_contents = cache(utils.schema_contents)

Rule = Callable[[list[Manifest]], Iterator[str]]

KUBERNETES = "1.33"  # the oldest we support
API_GROUPS = {
    "",
    "apps",
    "batch",
    "autoscaling",
    "policy",
    "networking.k8s.io",
    "rbac.authorization.k8s.io",
}
VOLUMES = {"emptyDir", "configMap", "secret", "projected", "persistentVolumeClaim"}
UNITS: dict[str, int | str] = {
    "": 1,
    "m": "0.001",
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
}


def schema(objects: list[Manifest]) -> Iterator[str]:
    """Types and fields are those of Kubernetes, nothing is misspelt."""
    for item in objects:
        try:
            validate(item, KUBERNETES, strict=True)
        except ValidationError as error:
            where = ".".join(map(str, error.path))
            yield f"{item['kind']}/{item['metadata']['name']} {where}: {error.message}"


def core_only(objects: list[Manifest]) -> Iterator[str]:
    """A bare cluster understands everything."""
    for item in objects:
        group = item["apiVersion"].rpartition("/")[0]
        if group not in API_GROUPS:
            yield f"{item['kind']}/{item['metadata']['name']}: group {group} needs an operator"


def one_namespace(objects: list[Manifest]) -> Iterator[str]:
    """All is in one namespace, and that enforces the restricted standard."""
    namespaces = of_kind(objects, "Namespace")
    for name, namespace in namespaces.items():
        labels = namespace["metadata"].get("labels", {})
        if labels.get("pod-security.kubernetes.io/enforce") != "restricted":
            yield f"Namespace/{name}: does not enforce the restricted standard"
    for item in objects:
        if item["kind"] != "Namespace" and item["metadata"].get("namespace") not in namespaces:
            yield f"{item['kind']}/{item['metadata']['name']}: outside the namespace"


def ports(objects: list[Manifest]) -> Iterator[str]:
    """Names Kubernetes accepts, and every Service reaches a port that is there."""
    everything = workloads(objects)
    for workload in everything:
        names = [port["name"] for item in workload.containers for port in item.get("ports", [])]
        for name in names:
            if not re.fullmatch(r"(?=.{1,15}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?", name):
                yield f"{workload}: {name!r} is no port name"
        if len(names) != len(set(names)):
            yield f"{workload}: two ports of one name"
    for name, service in of_kind(objects, "Service").items():
        chosen = [w for w in everything if service["spec"]["selector"].items() <= w.labels.items()]
        if len(chosen) != 1:
            yield f"Service/{name}: selects {[str(workload) for workload in chosen]}, not one"
        for workload in chosen:
            for port in service["spec"]["ports"]:
                if port["targetPort"] not in _port_names(workload):
                    yield f"Service/{name}: {workload} has no port {port['targetPort']}"


def resources(objects: list[Manifest]) -> Iterator[str]:
    """Every container asks for CPU and memory, is bounded in memory, and the figures parse."""
    for workload in workloads(objects):
        for container in workload.containers:
            where = f"{workload}.{container['name']}"
            wanted = container.get("resources", {})
            requests, limits = wanted.get("requests", {}), wanted.get("limits", {})
            for kind, needed in (("cpu", requests), ("memory", requests), ("memory", limits)):
                if kind not in needed:
                    yield f"{where}: no {kind} in {needed or 'its resources'}"
            for quantity in (*requests.values(), *limits.values()):
                if _amount(quantity) is None:
                    yield f"{where}: {quantity!r} is no quantity"
            if (_amount(requests.get("memory")) or 0) > (_amount(limits.get("memory")) or 0):
                yield f"{where}: asks for more memory than its limit"


def selectors(objects: list[Manifest]) -> Iterator[str]:
    """A workload selects its own pods and nobody else's."""
    everything = workloads(objects)
    for workload in long_running(objects):
        selector = workload.manifest["spec"]["selector"]
        chosen = [other for other in everything if selects(selector, other.labels)]
        if [str(other) for other in chosen] != [str(workload)]:
            yield f"{workload}: its selector chooses {[str(other) for other in chosen]}"
    for workload in everything:
        for spread in workload.pod.get("topologySpreadConstraints", []):
            if not selects(spread["labelSelector"], workload.labels):
                yield f"{workload}: spreads over pods that are not its own"


def resolved(objects: list[Manifest]) -> Iterator[str]:
    """What a pod refers to is there, down to the key."""
    for workload in workloads(objects):
        for kind, name, key in references(workload):
            if name not in of_kind(objects, kind):
                yield f"{workload}: there is no {kind}/{name}"
            elif key is not None and key not in data_of(objects, kind, name):
                yield f"{workload}: {kind}/{name} has no key {key}"
        volumes = {volume["name"] for volume in workload.pod.get("volumes", [])} | {
            claim["metadata"]["name"]
            for claim in workload.manifest["spec"].get("volumeClaimTemplates", [])
        }
        for container in workload.containers:
            for mount in container.get("volumeMounts", []):
                if mount["name"] not in volumes:
                    yield f"{workload}: there is no volume {mount['name']}"


def probes(objects: list[Manifest]) -> Iterator[str]:
    """Every long-running container is probed three ways, on ports that it has."""
    for workload in long_running(objects):
        for container in workload.pod["containers"]:
            for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
                probe = container.get(kind)
                if probe is None:
                    yield f"{workload}.{container['name']}: no {kind}"
                    continue
                port = (probe.get("httpGet") or probe.get("tcpSocket") or {}).get("port")
                if port is not None and port not in _port_names(workload):
                    yield f"{workload}.{container['name']}: {kind} on {port}, no port of its pod"
        if workload.ours:
            probed = workload.pod["containers"][0]
            for kind, path in (("livenessProbe", "/livez"), ("readinessProbe", "/readyz")):
                if probed.get(kind, {}).get("httpGet", {}).get("path") != path:
                    yield f"{workload}: its {kind} is not {path}"


def restricted(objects: list[Manifest]) -> Iterator[str]:
    """Pod Security Standard "restricted", and a read-only root."""
    for workload in workloads(objects):
        pod = workload.pod
        context = pod.get("securityContext", {})
        if context.get("runAsNonRoot") is not True or not context.get("runAsUser"):
            yield f"{workload}: may run as root"
        if context.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            yield f"{workload}: no seccomp profile"
        for name in ("hostNetwork", "hostPID", "hostIPC"):
            if pod.get(name):
                yield f"{workload}: {name}"
        for volume in pod.get("volumes", []):
            if not VOLUMES & volume.keys():
                yield f"{workload}: volume {volume['name']} is of a kind that is not allowed"
            if "emptyDir" in volume and "sizeLimit" not in volume["emptyDir"]:
                yield f"{workload}: volume {volume['name']} may fill the node"
        for container in workload.containers:
            yield from _container_security(workload, container)


def _container_security(workload: Workload, container: Manifest) -> Iterator[str]:
    where = f"{workload}.{container['name']}"
    context = container.get("securityContext", {})
    if context.get("allowPrivilegeEscalation") is not False or context.get("privileged"):
        yield f"{where}: may gain privileges"
    if context.get("capabilities") != {"drop": ["ALL"]}:
        yield f"{where}: keeps capabilities"
    if context.get("readOnlyRootFilesystem") is not True:
        yield f"{where}: its root can be written"
    if context.get("runAsUser") == 0 or context.get("runAsNonRoot") is False:
        yield f"{where}: may run as root"


def no_token(objects: list[Manifest]) -> Iterator[str]:
    """Nobody gets the cluster's credentials, nor variables for every Service."""
    for workload in workloads(objects):
        if workload.pod.get("automountServiceAccountToken") is not False:
            yield f"{workload}: mounts a token"
        if workload.pod.get("enableServiceLinks") is not False:
            yield f"{workload}: Services become variables of its environment"
        if workload.pod.get("serviceAccountName") in (None, "default"):
            yield f"{workload}: has no account of its own"
    for name, account in of_kind(objects, "ServiceAccount").items():
        if account.get("automountServiceAccountToken") is not False:
            yield f"ServiceAccount/{name}: mounts a token"


def shutdown(objects: list[Manifest]) -> Iterator[str]:
    """Our processes leave the Service first and then have time to drain (20 s)."""
    for workload in long_running(objects):
        if workload.ours:
            sleep = workload.pod["containers"][0].get("lifecycle", {}).get("preStop", {})
            seconds = sleep.get("sleep", {}).get("seconds", 0)
            if seconds < 5:
                yield f"{workload}: hears SIGTERM while it is still called"
            if workload.pod.get("terminationGracePeriodSeconds", 30) < seconds + 30:
                yield f"{workload}: is killed while it drains"


def jobs(objects: list[Manifest]) -> Iterator[str]:
    """A job that cannot succeed ends, and one that is done goes away."""
    for workload in workloads(objects):
        spec = workload.manifest["spec"]
        if workload.kind != "Job":
            continue
        if spec.get("backoffLimit", 6) > 3 or spec.get("activeDeadlineSeconds", 10**9) > 600:
            yield f"{workload}: tries for too long"
        if "ttlSecondsAfterFinished" not in spec:
            yield f"{workload}: stays for ever"
        if workload.labels.get("app.kubernetes.io/component") != "migrate":
            yield f"{workload}: deploy/bin/deploy would not find it"


def cron_jobs(objects: list[Manifest]) -> Iterator[str]:
    """One at a time, each with an end, and few of them stay to be looked at."""
    for name, manifest in of_kind(objects, "CronJob").items():
        spec, job = manifest["spec"], manifest["spec"]["jobTemplate"]["spec"]
        if spec.get("concurrencyPolicy") != "Forbid":
            yield f"CronJob/{name}: may run twice at once"
        if spec.get("timeZone") != "Etc/UTC":
            yield f"CronJob/{name}: runs when the cluster's clock says so"
        if job.get("backoffLimit", 6) > 3 or job.get("activeDeadlineSeconds", 10**9) > 3600:
            yield f"CronJob/{name}: tries for too long"


def budgets(objects: list[Manifest]) -> Iterator[str]:
    """What runs more than once has a budget, singletons have none, and no budget stops a drain."""
    disruption = of_kind(objects, "PodDisruptionBudget")
    covered: set[str] = set()
    for name, budget in disruption.items():
        spec = budget["spec"]
        chosen = [w for w in long_running(objects) if selects(spec["selector"], w.labels)]
        covered |= {str(workload) for workload in chosen}
        if len(chosen) != 1 or any(_fewest(workload, objects) < 2 for workload in chosen):
            yield f"PodDisruptionBudget/{name}: not for one workload of several pods"
        if spec.get("maxUnavailable", 0) != 1:
            yield f"PodDisruptionBudget/{name}: may stop a drain"
    for workload in long_running(objects):
        if _fewest(workload, objects) > 1 and str(workload) not in covered:
            yield f"{workload}: no budget"


def scaled(objects: list[Manifest]) -> Iterator[str]:
    """An autoscaler has what it scales to itself, and takes its time to let pods go."""
    serving = {
        workload.name: workload
        for workload in long_running(objects)
        if workload.labels.get("app.kubernetes.io/component") == "serve"
    }
    for name, scaler in of_kind(objects, "HorizontalPodAutoscaler").items():
        spec, where = scaler["spec"], f"HorizontalPodAutoscaler/{name}"
        workload = serving.get(spec["scaleTargetRef"]["name"])
        if workload is None:
            yield f"{where}: scales nothing that serves"
        elif "replicas" in workload.manifest["spec"]:
            yield f"{where}: every deployment would reset the pods of {workload}"
        if not 2 <= spec.get("minReplicas", 1) < spec["maxReplicas"]:
            yield f"{where}: from {spec.get('minReplicas', 1)} to {spec['maxReplicas']} pods"
        down = spec.get("behavior", {}).get("scaleDown", {})
        if down.get("stabilizationWindowSeconds", 0) < 300:
            yield f"{where}: lets pods go at every pause"


def scraped(objects: list[Manifest]) -> Iterator[str]:
    """Prometheus finds the internal port of every process of ours."""
    for workload in long_running(objects):
        if workload.ours:
            wanted = {
                "prometheus.io/scrape": "true",
                "prometheus.io/port": str(_port_names(workload).get("internal")),
                "prometheus.io/path": "/metrics",
            }
            if not wanted.items() <= workload.annotations.items():
                yield f"{workload}: is not scraped on its internal port"


def tagged(objects: list[Manifest]) -> Iterator[str]:
    """An image says which one it is."""
    for workload in workloads(objects):
        for container in workload.containers:
            image = container["image"]
            if "@sha256:" not in image and (":" not in image or image.endswith(":latest")):
                yield f"{workload}.{container['name']}: {image} may be anything"


def digests(objects: list[Manifest]) -> Iterator[str]:
    """What production runs cannot change under its name."""
    for workload in workloads(objects):
        for container in workload.containers:
            if not re.search(r"@sha256:[0-9a-f]{64}$", container["image"]):
                yield f"{workload}.{container['name']}: {container['image']} has no digest"


RULES: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (
        schema,
        core_only,
        one_namespace,
        ports,
        resources,
        selectors,
        resolved,
        probes,
        restricted,
        no_token,
        shutdown,
        jobs,
        cron_jobs,
        budgets,
        scaled,
        scraped,
        tagged,
    )
}


def _fewest(workload: Workload, objects: list[Manifest]) -> int:
    """How many pods there are at least."""
    for scaler in of_kind(objects, "HorizontalPodAutoscaler").values():
        if scaler["spec"]["scaleTargetRef"]["name"] == workload.name:
            return int(scaler["spec"].get("minReplicas", 1))
    return workload.replicas


def _port_names(workload: Workload) -> dict[str, int]:
    return {
        port["name"]: port["containerPort"]
        for container in workload.containers
        for port in container.get("ports", [])
    }


def _amount(quantity: object) -> Decimal | None:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(m|k|M|G|Ki|Mi|Gi|)", str(quantity))
    return Decimal(found.group(1)) * Decimal(UNITS[found.group(2)]) if found else None
