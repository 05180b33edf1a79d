"""Reading rendered manifests: workloads, their pods, what selects what."""

from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Manifest = dict[str, Any]
LONG_RUNNING = ("Deployment", "StatefulSet")


@dataclass(frozen=True)
class Workload:
    """Something that makes pods."""

    kind: str
    name: str
    labels: dict[str, str]
    annotations: dict[str, str]
    pod: Manifest
    manifest: Manifest

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"

    @property
    def replicas(self) -> int:
        """How many pods it wants; 1 is what Kubernetes assumes."""
        return int(self.manifest["spec"].get("replicas", 1))

    @property
    def containers(self) -> list[Manifest]:
        """All of a pod's containers, those that run first included."""
        return [*self.pod.get("initContainers", []), *self.pod["containers"]]

    @property
    def ours(self) -> bool:
        """One of our five services, not a server beside them."""
        return "app.kubernetes.io/component" in self.labels and "app" in {
            container["name"] for container in self.pod["containers"]
        }


def workloads(objects: list[Manifest]) -> list[Workload]:
    """Everything that makes pods."""
    return [
        Workload(
            kind=manifest["kind"],
            name=manifest["metadata"]["name"],
            labels=template["metadata"].get("labels", {}),
            annotations=template["metadata"].get("annotations", {}),
            pod=template["spec"],
            manifest=manifest,
        )
        for manifest in objects
        if (template := _template(manifest))
    ]


def _template(manifest: Manifest) -> Manifest | None:
    """What the pods of a workload are made from."""
    spec = manifest.get("spec", {})
    if manifest["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    elif manifest["kind"] not in (*LONG_RUNNING, "Job"):
        return None
    template: Manifest = spec["template"]
    return template


def long_running(objects: list[Manifest]) -> list[Workload]:
    """Workloads that are meant to stay."""
    return [workload for workload in workloads(objects) if workload.kind in LONG_RUNNING]


def of_kind(objects: list[Manifest], kind: str) -> dict[str, Manifest]:
    """Objects of a kind by name."""
    return {item["metadata"]["name"]: item for item in objects if item["kind"] == kind}


def selects(selector: Manifest, labels: dict[str, str]) -> bool:
    """Does a label selector (matchLabels only, all that we use) choose these labels?"""
    unknown = set(selector) - {"matchLabels"}
    if unknown:
        raise ValueError(f"a selector these tests do not read: {unknown}")
    wanted: dict[str, str] = selector.get("matchLabels", {})
    return wanted.items() <= labels.items()


def environment(container: Manifest, objects: list[Manifest]) -> dict[str, str]:
    """What a container's process would see, ConfigMaps and Secrets resolved."""
    found: dict[str, str] = {}
    for source in container.get("envFrom", []):
        for kind, key in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
            if key in source:
                found |= data_of(objects, kind, source[key]["name"])
    for variable in container.get("env", []):
        found[variable["name"]] = _value(variable, objects)
    return found


def data_of(objects: list[Manifest], kind: str, name: str) -> dict[str, str]:
    """The keys and values of a ConfigMap or Secret; empty if there is none."""
    manifest = of_kind(objects, kind).get(name, {})
    if kind == "ConfigMap":
        return dict(manifest.get("data", {}))
    return {key: _decoded(value) for key, value in manifest.get("data", {}).items()}


def references(workload: Workload) -> Iterator[tuple[str, str, str | None]]:
    """(kind, name, key or None) of all that a pod needs to be there."""
    yield "ServiceAccount", workload.pod["serviceAccountName"], None
    for container in workload.containers:
        for source in container.get("envFrom", []):
            if "configMapRef" in source:
                yield "ConfigMap", source["configMapRef"]["name"], None
            if "secretRef" in source:
                yield "Secret", source["secretRef"]["name"], None
        for variable in container.get("env", []):
            for kind, key in (("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")):
                if reference := variable.get("valueFrom", {}).get(key):
                    yield kind, reference["name"], reference["key"]
    for volume in workload.pod.get("volumes", []):
        if "secret" in volume:
            yield "Secret", volume["secret"]["secretName"], None
        if "configMap" in volume:
            yield "ConfigMap", volume["configMap"]["name"], None
        if "persistentVolumeClaim" in volume:
            yield "PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"], None


def _value(variable: Manifest, objects: list[Manifest]) -> str:
    if "value" in variable:
        return str(variable["value"])
    for kind, key in (("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")):
        if reference := variable["valueFrom"].get(key):
            return data_of(objects, kind, reference["name"]).get(reference["key"], "")
    raise ValueError(f"a source these tests do not read: {variable}")


def _decoded(value: str) -> str:
    return b64decode(value).decode()
