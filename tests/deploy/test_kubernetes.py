"""The manifests: what Kubernetes' own schemas say of them, and that what they refer to is there."""

from typing import Any

import pytest

from crewhall.kernel.telemetry import METRICS
from tests.architecture.source import DOCS
from tests.deploy.files import DEPLOY, documents, manifests

OLDEST, NEWEST = "1.30", "1.37"
"""Versions of Kubernetes; before the first there was no `sleep` before a stop."""
SECRETS = {"crewhall", "crewhall-admin"}
OBJECTS = manifests()


def name_of(one: dict[str, Any]) -> str:
    return f"{one['kind']}/{one['metadata']['name']}"


def of_kind(*kinds: str) -> list[dict[str, Any]]:
    return [one for one in OBJECTS if one["kind"] in kinds]


def pods() -> dict[str, dict[str, Any]]:
    """The pods' descriptions, by the name that they carry."""
    found = [one["spec"]["template"] for one in of_kind("Deployment", "Job")]
    return {one["metadata"]["labels"]["app.kubernetes.io/name"]: one["spec"] for one in found}


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_each_object_is_as_the_schema_has_it(version: str):
    import kubernetes_validate

    for one in OBJECTS:
        kubernetes_validate.validate(one, version, strict=True)


def test_a_word_that_no_schema_knows_is_noticed():
    import kubernetes_validate

    wrong = {**OBJECTS[0], "datta": {}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, NEWEST, strict=True)


def test_what_is_scaled_by_a_figure_of_ours_is_scaled_by_one_that_is_told():
    named = {
        metric["external"]["metric"]["name"]
        for one in of_kind("HorizontalPodAutoscaler")
        for metric in one["spec"]["metrics"]
        if metric["type"] == "External"
    }
    assert named
    assert named <= {family.name for family in METRICS.collect()}


def test_every_file_is_applied_or_offered():
    listed = (DEPLOY / "kubernetes" / "kustomization.yaml").read_text(encoding="utf-8")
    files = {path.name for path in (DEPLOY / "kubernetes").glob("*.yaml")} - {"kustomization.yaml"}
    assert {name for name in files if f"- {name}" not in listed} == set()
    applied = set(documents(DEPLOY / "kubernetes" / "kustomization.yaml")[0]["resources"])
    assert files - applied == {"kafka.yaml"}


def test_what_is_referred_to_is_there():
    maps = {one["metadata"]["name"] for one in of_kind("ConfigMap")}
    for name, pod in pods().items():
        for container in pod["containers"]:
            for source in container.get("envFrom", []):
                if "configMapRef" in source:
                    assert source["configMapRef"]["name"] in maps, name
                else:
                    assert source["secretRef"]["name"] in SECRETS, name
            mounted = {mount["name"] for mount in container["volumeMounts"]}
            assert mounted == {volume["name"] for volume in pod["volumes"]}, name
    selected = [
        *(one["spec"]["selector"] for one in of_kind("Service")),
        *(one["spec"]["selector"]["matchLabels"] for one in of_kind("PodDisruptionBudget", "Deployment")),
        *(one["spec"]["podSelector"].get("matchLabels", {}) for one in of_kind("NetworkPolicy")),
    ]
    assert {labels["app.kubernetes.io/name"] for labels in selected if labels} <= set(pods())
    deployments = {one["metadata"]["name"] for one in of_kind("Deployment")}
    assert {one["spec"]["scaleTargetRef"]["name"] for one in of_kind("HorizontalPodAutoscaler")} <= deployments
    page = (DOCS / "deploy.md").read_text(encoding="utf-8")
    assert all(f"create secret generic {name} " in page for name in SECRETS)


def test_what_is_said_outlives_a_broker():
    (said,) = [one["data"] for one in of_kind("ConfigMap") if one["metadata"]["name"] == "crewhall-log"]
    assert said["CREWHALL_LOG"] == "kafka"
    assert int(said["CREWHALL_KAFKA_REPLICATION"]) >= 3


def test_no_secret_stands_in_a_file():
    assert of_kind("Secret") == []
    for one in of_kind("ConfigMap"):
        assert not [name for name in one["data"] if "SECRET" in name or "PASSWORD" in name or "KEY" in name]


def test_only_the_job_that_migrates_may_change_the_schema():
    for name, pod in pods().items():
        names = {
            variable["valueFrom"]["secretKeyRef"]["name"]
            for container in pod["containers"]
            for variable in container.get("env", [])
            if "secretKeyRef" in variable.get("valueFrom", {})
        } | {
            source["secretRef"]["name"]
            for container in pod["containers"]
            for source in container.get("envFrom", [])
            if "secretRef" in source
        }
        assert ("crewhall-admin" in names) is (name == "crewhall-migrate"), name


def test_no_pod_has_rights_and_each_can_be_asked_how_it_is():
    for name, pod in pods().items():
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
            }, name  # fmt: skip
            assert "memory" in container["resources"]["limits"]
            if name != "crewhall-migrate":
                probes = {
                    kind: container[kind]["httpGet"] for kind in ("startupProbe", "readinessProbe", "livenessProbe")
                }
                ports = {port["name"] for port in container["ports"]}
                assert {probe["port"] for probe in probes.values()} == {"http"} == ports
                assert probes["readinessProbe"]["path"] == "/health/ready"
                assert probes["livenessProbe"]["path"] == "/health/live"


def test_each_kind_may_lose_one_at_a_time():
    budgets = {
        one["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"] for one in of_kind("PodDisruptionBudget")
    }
    deployments = of_kind("Deployment")
    assert {one["metadata"]["labels"]["app.kubernetes.io/name"] for one in deployments} == budgets
    scaled = {one["spec"]["scaleTargetRef"]["name"]: one["spec"] for one in of_kind("HorizontalPodAutoscaler")}
    for one in deployments:
        name = one["metadata"]["name"]
        least = scaled[name]["minReplicas"] if name in scaled else one["spec"]["replicas"]
        assert least == 2, name
        assert (name in scaled) != ("replicas" in one["spec"]), (
            "what is scaled by load is not set back by who applies it"
        )
