"""The chart renders, what it renders is valid Kubernetes, and it refuses what cannot work."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

import guardrail
from guardrail import settings

EVERYTHING = {
    "replicas": 3,
    "shareLedger": True,
    "autoscaling": {"enabled": True, "targetQueueDepth": 8},
    "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
    "prometheusRule": {"enabled": True, "labels": {"release": "prometheus"}},
    "dashboard": {"enabled": True},
    "upstreamKey": {"secretName": "llm"},
    "imagePullSecrets": [{"name": "pull"}],
    "policies": {"pharmacy.yaml": "id: pharmacy\nname: 药学部\n"},
    "networkPolicy": {
        "from": [{"namespaceSelector": {"matchLabels": {"team": "clinic"}}}],
        "metricsFrom": [{"namespaceSelector": {"matchLabels": {"team": "ops"}}}],
        "upstreamTo": [{"ipBlock": {"cidr": "10.0.0.0/24"}}],
    },
    "podAnnotations": {"note": "x"},
    "podLabels": {"tier": "front"},
    "nodeSelector": {"disk": "ssd"},
    "tolerations": [{"key": "gpu", "operator": "Exists"}],
    "topologySpreadConstraints": [
        {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}
    ],
    "affinity": {"podAntiAffinity": {}},
    "persistence": {"storageClass": "fast", "accessModes": ["ReadWriteMany"]},
}
SHAPES: dict[str, dict[str, Any]] = {
    "minimal": {},
    "everything": EVERYTHING,
    "gpu": {"gpu": {"enabled": True, "count": 2, "runtimeClassName": "nvidia"}},
    "settings from a secret": {"settingsSecret": "guardrail-settings"},
    "a claim that exists": {"persistence": {"existingClaim": "records"}},
    "shared ledger without a claim": {"shareLedger": True, "persistence": {"enabled": False}},
}


def kind(documents: list[dict[str, Any]], name: str) -> dict[str, Any]:
    (found,) = [document for document in documents if document["kind"] == name]
    return found


def pod(documents: list[dict[str, Any]]) -> dict[str, Any]:
    spec: dict[str, Any] = kind(documents, "Deployment")["spec"]["template"]["spec"]
    return spec


def configured(documents: list[dict[str, Any]]) -> str:
    texts = [d["data"] for d in documents if d["kind"] == "ConfigMap"]
    (text,) = [data["guardrail.yaml"] for data in texts if "guardrail.yaml" in data]
    return str(text)


def test_lint_finds_nothing(run: Any, chart: Path, tmp_path: Path) -> None:
    from_test = tmp_path / "values.json"
    keys = [{"name": "his", "sha256": "0" * 64}]
    from_test.write_text(
        json.dumps({"settings": {"upstream": {"url": "http://llm/v1"}, "keys": keys}}), "utf-8"
    )
    done = run("helm", "lint", "--strict", chart, "-f", from_test)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[WARNING]" not in done.stdout


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("version", ["1.25.0", "1.31.0"])
def test_kubernetes_takes_what_is_rendered(
    shape: str, version: str, template: Any, run: Any, tmp_path: Path
) -> None:
    done = template(SHAPES[shape])
    assert done.returncode == 0, done.stderr
    file = tmp_path / "rendered.yaml"
    file.write_text(done.stdout, "utf-8")
    checked = run("kubernetes-validate", "--strict", "-k", version, file)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("shape", ["minimal", "everything", "gpu"])
def test_guardrail_starts_with_what_is_rendered(shape: str, render: Any, tmp_path: Path) -> None:
    file = tmp_path / "guardrail.yaml"
    file.write_text(configured(render(SHAPES[shape])), "utf-8")
    read = settings.load(file, environment={})
    assert (read.host, read.port, read.metrics_port) == ("0.0.0.0", 8080, 9090)
    assert read.data == Path("/var/lib/guardrail")
    assert read.upstream.url == "http://llm.models.svc:8000/v1"
    assert [(key.name, key.tenant) for key in read.keys] == [("his", "hospital-1")]
    assert read.classifier.device == ("cuda" if shape == "gpu" else "cpu")
    assert (read.policies is not None) == (shape == "everything")


def test_the_container_is_confined(render: Any) -> None:
    spec = pod(render())
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] == 10001
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    (container,) = spec["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {mount["mountPath"] for mount in container["volumeMounts"]} == {
        "/etc/guardrail/guardrail.yaml",
        "/var/lib/guardrail",
        "/tmp",
    }


def test_service_links_cannot_become_settings(render: Any) -> None:
    """A Service called guardrail would set GUARDRAIL_PORT=tcp://..., which settings read."""
    assert pod(render())["enableServiceLinks"] is False


def test_the_pod_may_finish_what_runs(render: Any) -> None:
    assert pod(render())["terminationGracePeriodSeconds"] > settings.LimitSettings().drain_s


def test_probes_ask_what_the_server_answers(render: Any) -> None:
    (container,) = pod(render())["containers"]
    asked = {
        name: container[name]["httpGet"]["path"] for name in container if name.endswith("Probe")
    }
    assert asked == {
        "startupProbe": "/livez",
        "livenessProbe": "/livez",
        "readinessProbe": "/readyz",
    }


def test_the_upstream_key_comes_from_a_secret(render: Any) -> None:
    documents = render({"upstreamKey": {"secretName": "llm", "secretKey": "token"}})
    (container,) = pod(documents)["containers"]
    reference = {"secretKeyRef": {"name": "llm", "key": "token"}}
    assert container["env"] == [{"name": "GUARDRAIL_UPSTREAM__KEY", "valueFrom": reference}]
    assert "env" not in pod(render())["containers"][0]


def test_settings_from_a_secret_leave_no_config_map(render: Any) -> None:
    documents = render({"settingsSecret": "mine", "settings": {}})
    assert [d for d in documents if d["kind"] == "ConfigMap"] == []
    (volume,) = [v for v in pod(documents)["volumes"] if v["name"] == "settings"]
    assert volume["secret"]["secretName"] == "mine"
    assert kind(documents, "NetworkPolicy")["spec"]["egress"][1] == {}


def test_one_ledger_has_one_writer(render: Any) -> None:
    deployment = kind(render(), "Deployment")["spec"]
    assert (deployment["replicas"], deployment["strategy"]) == (1, {"type": "Recreate"})
    shared = kind(render({"shareLedger": True, "replicas": 4}), "Deployment")["spec"]
    assert (shared["replicas"], shared["strategy"]["type"]) == (4, "RollingUpdate")


def test_the_claim_outlives_the_release(render: Any) -> None:
    claim = kind(render(), "PersistentVolumeClaim")
    assert claim["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    assert claim["spec"]["accessModes"] == ["ReadWriteOnce"]


def test_the_autoscaler_follows_cpu_and_queue(render: Any) -> None:
    documents = render(EVERYTHING)
    scaler = kind(documents, "HorizontalPodAutoscaler")["spec"]
    names = [
        m.get("resource", {}).get("name") or m["pods"]["metric"]["name"] for m in scaler["metrics"]
    ]
    assert names == ["cpu", "guardrail_queue_depth"]
    assert scaler["scaleTargetRef"]["name"] == kind(documents, "Deployment")["metadata"]["name"]
    assert "replicas" not in kind(documents, "Deployment")["spec"]


def test_everything_selects_the_same_pods(render: Any) -> None:
    documents = render(EVERYTHING)
    labels = kind(documents, "Deployment")["spec"]["template"]["metadata"]["labels"]
    selectors = [
        kind(documents, "Service")["spec"]["selector"],
        kind(documents, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        kind(documents, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        kind(documents, "Deployment")["spec"]["selector"]["matchLabels"],
    ]
    for selector in selectors:
        assert selector.items() <= labels.items()
    monitor = kind(documents, "ServiceMonitor")
    service = kind(documents, "Service")
    assert (
        monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    )
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("http://llm:8000/v1", 8000),
        ("http://llm/v1", 80),
        ("https://llm.example/v1", 443),
        ("https://llm.example:8443/v1", 8443),
    ],
)
def test_only_the_upstream_can_be_reached(url: str, port: int, render: Any) -> None:
    keys = [{"name": "his", "sha256": "0" * 64}]
    documents = render({"settings": {"upstream": {"url": url}, "keys": keys}})
    names, upstream = kind(documents, "NetworkPolicy")["spec"]["egress"]
    assert {one["port"] for one in names["ports"]} == {53}
    assert upstream == {"ports": [{"port": port, "protocol": "TCP"}]}


POLICY = 'id: pharmacy\nname: "药学部 {{ not a template }}"\nrules: []\n'


def test_policies_arrive_as_they_were_written(render: Any, chart: Path, tmp_path: Path) -> None:
    copy = tmp_path / "guardrail"
    shutil.copytree(chart, copy)
    (copy / "policies" / "pharmacy.yaml").write_text(POLICY, "utf-8")
    (copy / "policies" / "ethics.yaml").write_text("id: ethics\n", "utf-8")
    documents = render({"policies": {"ethics.yaml": "id: ethics-2\n"}}, of=copy)
    (data,) = [d["data"] for d in documents if d["metadata"]["name"].endswith("-policies")]
    assert {name: text.strip() for name, text in data.items()} == {
        "pharmacy.yaml": POLICY.strip(),
        "ethics.yaml": "id: ethics-2",
    }
    assert "policies: /etc/guardrail/policies" in configured(documents)
    mounts = pod(documents)["containers"][0]["volumeMounts"]
    assert "/etc/guardrail/policies" in {mount["mountPath"] for mount in mounts}


def test_a_change_of_settings_or_policies_rolls_the_pod(render: Any) -> None:
    def checksums(values: dict[str, Any]) -> dict[str, str]:
        template = kind(render(values), "Deployment")["spec"]["template"]
        return {k: v for k, v in template["metadata"]["annotations"].items() if "checksum" in k}

    before = checksums({})
    assert before == checksums({"replicas": 1})
    policies = checksums({"policies": {"x.yaml": "id: x\n"}})
    assert policies["checksum/policies"] != before["checksum/policies"]
    other = checksums({"gpu": {"enabled": True}})
    assert other["checksum/settings"] != before["checksum/settings"]


NO_KEYS = {"upstream": {"url": "http://llm/v1"}, "keys": []}
KEY = {"name": "his", "sha256": "0" * 64}


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"settings": {"keys": [KEY]}}, "settings.upstream.url is missing"),
        ({"settings": NO_KEYS}, "settings.keys is empty"),
        ({"replicas": 2}, "shareLedger"),
        ({"autoscaling": {"enabled": True}}, "shareLedger"),
        ({"persistence": {"enabled": False}}, "lose the ledger"),
        ({"policies": {"x.yml": "id: x"}}, "does not end in .yaml"),
        ({"replica": 2}, "replica"),
        ({"image": {"tagg": "1"}}, "tagg"),
        ({"service": {"port": 99999}}, "port"),
        ({"settings": {"port": 9}}, "port"),
        ({"settings": {"keys": [{"name": "a", "sha256": "secret"}]}}, "sha256"),
        ({"settings": {"upstream": {"key": "secret"}}}, "key"),
        ({"settings": {"upstream": {"url": "llm:8000"}}}, "url"),
    ],
)
def test_what_cannot_work_is_refused(values: dict[str, Any], says: str, template: Any) -> None:
    done = template(values)
    assert done.returncode != 0
    assert says in done.stderr


def test_values_and_their_schema_name_the_same_things(chart: Path) -> None:
    values = yaml.safe_load((chart / "values.yaml").read_text("utf-8"))
    schema = json.loads((chart / "values.schema.json").read_text("utf-8"))
    assert set(values) == set(schema["properties"]) - {"global"}
    for name, part in schema["properties"].items():
        if part.get("additionalProperties") is False and part.get("type") == "object":
            assert set(part["properties"]) == set(values[name]), name


def test_the_chart_has_the_version_of_the_product(chart: Path, render: Any) -> None:
    about = yaml.safe_load((chart / "Chart.yaml").read_text("utf-8"))
    assert about["version"] == about["appVersion"] == guardrail.__version__
    image = pod(render())["containers"][0]["image"]
    assert image == f"guardrail:{guardrail.__version__}"
    gpu = pod(render(SHAPES["gpu"]))["containers"][0]
    assert gpu["image"] == f"guardrail:{guardrail.__version__}-gpu"
    assert gpu["resources"]["limits"]["nvidia.com/gpu"] == 2


def test_alerts_and_dashboard_are_carried_as_they_are(chart: Path, render: Any) -> None:
    documents = render(EVERYTHING)
    alerts = yaml.safe_load((chart / "files" / "alerts.yaml").read_text("utf-8"))
    assert kind(documents, "PrometheusRule")["spec"] == alerts
    (data,) = [d["data"] for d in documents if d["metadata"]["name"].endswith("-dashboard")]
    shipped = (chart / "files" / "dashboard.json").read_text("utf-8")
    assert json.loads(data["guardrail.json"]) == json.loads(shipped)
