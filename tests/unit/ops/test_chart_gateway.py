"""The chart's gateways: how they are reached, share limits, scale and stop."""

from typing import Any

import pytest

from seedcast.health import LIVE, READY
from seedcast.settings import GatewaySettings
from tests.unit.ops.chart import GATEWAY, NAME, environment, helm, needs_helm, objects, pod

pytestmark = needs_helm

FRONT = f"{NAME}-gateway"
INGRESS = ("gateway.ingress.enabled=true", "gateway.ingress.host=speech.example.org")
ROUTE = (
    "gateway.httpRoute.enabled=true",
    'gateway.httpRoute.parentRefs=[{"name":"public","namespace":"edge"}]',
)
SCALES = "gateway.autoscaling.enabled=true"
OUTSIDE = {"/v1", "/openapi.json"}  # paths for others
PAGE = ("/login", "/login/preferences", "/logout", "/static/x/page.css", "/campaigns/night")
NGINX = "nginx.ingress.kubernetes.io/"
GIB = 2**30


def gateway(kind: str, *changes: str) -> dict[str, Any]:
    """Return one of the gateway's objects."""
    return objects(*GATEWAY, *changes)[kind, FRONT]


def test_a_gateway_is_there_only_where_it_is_enabled() -> None:
    assert not [name for _, name in objects() if "gateway" in name]
    named = {kind for kind, name in objects(*GATEWAY) if name == FRONT}
    assert named == {"Deployment", "Service", "PodDisruptionBudget"}


def test_the_service_leads_to_the_port_where_the_gateways_listen() -> None:
    spec, template = gateway("Service")["spec"], gateway("Deployment")["spec"]["template"]
    [port] = spec["ports"]
    [http] = [
        p for p in pod("gateway")["containers"][0]["ports"] if p["name"] == port["targetPort"]
    ]
    variables = environment("gateway")
    assert variables["SEEDCAST_GATEWAY_PORT"] == str(http["containerPort"])
    assert variables["SEEDCAST_GATEWAY_HOST"] == "0.0.0.0"  # noqa: S104
    assert spec["selector"].items() <= template["metadata"]["labels"].items()
    others = objects()["Deployment", f"{NAME}-feeder"]["spec"]["template"]["metadata"]["labels"]
    assert not spec["selector"].items() <= others.items()


def test_a_gateway_has_its_databases_and_their_passwords() -> None:
    secrets = (
        "gateway.accounts.passwordSecret=a",
        "gateway.index.passwordSecret=i",
        "gateway.limitsPasswordSecret=l",
    )
    variables, spec = environment("gateway", *secrets), pod("gateway", *secrets)
    assert variables["SEEDCAST_ACCOUNTS_URL"] == GATEWAY[1].partition("=")[2]
    assert variables["SEEDCAST_INDEX_URL"] == GATEWAY[2].partition("=")[2]
    volumes = {v["name"]: v["secret"]["secretName"] for v in spec["volumes"] if "secret" in v}
    paths = {m["mountPath"]: m["name"] for m in spec["containers"][0]["volumeMounts"]}
    for section, secret in (("ACCOUNTS", "a"), ("INDEX", "i"), ("GATEWAY_LIMITS", "l")):
        folder, _, key = variables[f"SEEDCAST_{section}_PASSWORD_FILE"].rpartition("/")
        assert (volumes[paths[folder]], key) == (secret, "password")
    indexer = environment("indexer", *GATEWAY, *secrets, "indexPasswordSecret=w")
    assert indexer["SEEDCAST_INDEX_URL"] != variables["SEEDCAST_INDEX_URL"]
    assert "SEEDCAST_ACCOUNTS_URL" not in indexer
    assert "SEEDCAST_ACCOUNTS_PASSWORD_FILE" not in indexer


def test_gateways_share_limits_by_the_number_that_always_runs() -> None:
    assert environment("gateway", "gateway.replicas=3")["SEEDCAST_GATEWAY_REPLICAS"] == "3"
    assert gateway("Deployment", "gateway.replicas=3")["spec"]["replicas"] == 3
    changes = (SCALES, "gateway.replicas=3", "gateway.autoscaling.minReplicas=4")
    assert environment("gateway", *changes)["SEEDCAST_GATEWAY_REPLICAS"] == "4"
    assert environment("gateway", "gateway.replicas=0")["SEEDCAST_GATEWAY_REPLICAS"] == "1"


def test_gateways_scale_by_cpu() -> None:
    scaled = gateway("HorizontalPodAutoscaler", SCALES)["spec"]
    assert scaled["scaleTargetRef"] == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": FRONT,
    }
    assert (scaled["minReplicas"], scaled["maxReplicas"]) == (2, 8)
    [metric] = scaled["metrics"]
    assert metric["resource"]["name"] == "cpu"
    assert pod("gateway", SCALES)["containers"][0]["resources"]["requests"]["cpu"]
    # Else each `helm upgrade` would set back what the autoscaler has decided.
    assert "replicas" not in gateway("Deployment", SCALES)["spec"]
    slowly = 'gateway.autoscaling.behavior={"scaleDown":{"stabilizationWindowSeconds":600}}'
    assert "scaleDown" in gateway("HorizontalPodAutoscaler", SCALES, slowly)["spec"]["behavior"]


def test_metrics_and_probes_are_not_reached_from_outside() -> None:
    [rule] = gateway("Ingress", *INGRESS)["spec"]["rules"]
    assert {path["path"] for path in rule["http"]["paths"]} == OUTSIDE
    [rule] = gateway("HTTPRoute", *ROUTE)["spec"]["rules"]
    assert {match["path"]["value"] for match in rule["matches"]} == OUTSIDE
    for own in (LIVE, READY, "/metrics"):
        assert not own.startswith(tuple(OUTSIDE))


def test_the_page_is_reached_where_it_is_wanted_and_probes_are_not() -> None:
    page = "gateway.page=true"
    [rule] = gateway("Ingress", *INGRESS, page)["spec"]["rules"]
    types = {path["path"]: path["pathType"] for path in rule["http"]["paths"]}
    [rule] = gateway("HTTPRoute", *ROUTE, page)["spec"]["rules"]
    assert {match["path"]["value"] for match in rule["matches"]} == types.keys()
    assert types["/"] == "Exact"
    prefixes = tuple(path for path, type_ in types.items() if type_ == "Prefix")
    assert all(path.startswith(prefixes) for path in PAGE)
    assert not any(own.startswith(prefixes) for own in (LIVE, READY, "/metrics"))


def test_an_ingress_leads_to_the_service_over_tls() -> None:
    spec = gateway("Ingress", *INGRESS, "gateway.ingress.tlsSecret=cert")["spec"]
    assert spec["tls"] == [{"hosts": ["speech.example.org"], "secretName": "cert"}]
    assert spec["rules"][0]["host"] == "speech.example.org"
    [port] = gateway("Service")["spec"]["ports"]
    for path in spec["rules"][0]["http"]["paths"]:
        assert path["backend"] == {"service": {"name": FRONT, "port": {"name": port["name"]}}}
    assert "tls" not in gateway("Ingress", *INGRESS)["spec"]
    assert "ingressClassName" not in gateway("Ingress", *INGRESS)["spec"]


def test_an_ingress_takes_large_lists_and_waits_longer_than_the_gateway() -> None:
    notes = gateway("Ingress", *INGRESS)["metadata"]["annotations"]
    assert notes[f"{NGINX}proxy-body-size"].endswith("m")
    assert int(notes[f"{NGINX}proxy-body-size"][:-1]) * 2**20 > 2 * GIB
    assert int(notes[f"{NGINX}proxy-read-timeout"]) > GatewaySettings().wait
    for place in ("settings", "gateway.settings"):
        unset = "gateway.settings.SEEDCAST_GATEWAY_WAIT=null"
        changes = (*INGRESS, unset, f"{place}.SEEDCAST_GATEWAY_WAIT=300.5")
        notes = gateway("Ingress", *changes)["metadata"]["annotations"]
        assert notes[f"{NGINX}proxy-read-timeout"] == "316"
    own = f'gateway.ingress.annotations={{"{NGINX}proxy-body-size":"1m","a":"b"}}'
    notes = gateway("Ingress", *INGRESS, own)["metadata"]["annotations"]
    assert (notes[f"{NGINX}proxy-body-size"], notes["a"]) == ("1m", "b")
    assert f"{NGINX}proxy-read-timeout" in notes


def test_a_route_leads_to_the_service_without_an_end_to_long_uploads() -> None:
    names = 'gateway.httpRoute.hostnames=["speech.example.org"]'
    spec = gateway("HTTPRoute", *ROUTE, names, "gateway.service.port=8000")["spec"]
    assert spec["parentRefs"] == [{"name": "public", "namespace": "edge"}]
    assert spec["hostnames"] == ["speech.example.org"]
    [rule] = spec["rules"]
    assert rule["backendRefs"] == [{"name": FRONT, "port": 8000}]
    assert rule["timeouts"] == {"request": "0s"}
    [rule] = gateway("HTTPRoute", *ROUTE, "gateway.httpRoute.timeout=")["spec"]["rules"]
    assert "timeouts" not in rule


def test_a_gateway_is_asked_for_some_seconds_after_it_was_told_to_end() -> None:
    spec = pod("gateway")
    seconds = spec["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    own = GatewaySettings()
    least = seconds + int(own.drain + own.send_timeout) + 5
    assert spec["terminationGracePeriodSeconds"] >= least
    assert "lifecycle" not in pod("feeder")["containers"][0]

    def grace(seconds: int, *changes: str) -> str:
        period = f"gateway.terminationGracePeriodSeconds={seconds}"
        return helm("template", *GATEWAY, period, *changes).stderr

    assert f"expected at least {least}" in grace(least - 1)
    assert not grace(least)
    assert "SEEDCAST_GATEWAY_DRAIN (50 s)" in grace(
        60, "gateway.settings.SEEDCAST_GATEWAY_DRAIN=50"
    )
    longer = "settings.SEEDCAST_GATEWAY_SEND_TIMEOUT=30"
    assert "SEEDCAST_GATEWAY_SEND_TIMEOUT (30 s)" in grace(60, longer)


@pytest.mark.sample(8)
@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("gateway.accounts.url=", "gateway.accounts.url: expected postgresql://USER@HOST/DATABASE"),
        ("gateway.accounts.url=postgresql://u:hush@h/d", "gateway/accounts/url"),
        ("gateway.accounts.url=sqlite:////tmp/a", "gateway/accounts/url"),  # of one pod alone
        ("gateway.index.url=", "gateway.index.url: expected postgresql://USER@HOST/DATABASE"),
        ("gateway.ingress.enabled=true", "gateway.ingress.host: expected the name"),
        ("gateway.ingress.host=https://speech.example.org", "gateway/ingress/host"),
        ("gateway.ingress.hots=x", "hots"),
        ("gateway.httpRoute.enabled=true", "gateway.httpRoute.parentRefs: expected the Gateway"),
        ("gateway.httpRoute.timeout=75", "gateway/httpRoute/timeout"),
        ("gateway.service.type=ExternalName", "gateway/service/type"),
        ("gateway.replicas=-1", "gateway/replicas"),
        ("gateway.gpus=1", "gpus"),
        ("gateway.autoscaling.minReplicas=0", "gateway/autoscaling/minReplicas"),
        ("gateway.autoscaling.lagThreshold=1", "lagThreshold"),
        ("gateway=null", "gateway"),
        ("gateway.settings.SEEDCAST_ACCOUNTS_PASSWORD=hush", "existingSecret"),
        ("gateway.settings.SEEDCAST_WEBHOOKS_KEY=hush", "existingSecret"),
        ("gateway.settings.SEEDCAST_GATEWAY_PORT=80", "gateway.service.port"),
        ("gateway.settings.SEEDCAST_GATEWAY_REPLICAS=9", "set gateway.replicas"),
        ("settings.SEEDCAST_GATEWAY_HOST=::", "settings.SEEDCAST_GATEWAY_HOST: the chart sets it"),
        ("settings.SEEDCAST_ACCOUNTS_URL=x", "set gateway.accounts.url"),
        ("gateway.settings.SEEDCAST_INDEX_URL=x", "gateway.index.url"),
        (
            'gateway.extraEnv=[{"name":"SEEDCAST_GATEWAY_PORT","value":"1"}]',
            "SEEDCAST_GATEWAY_PORT",
        ),
    ],
)
def test_a_wrong_value_is_refused(change: str, told: str) -> None:
    refused = helm("template", *GATEWAY, change)
    assert refused.returncode != 0
    assert told in refused.stderr
    assert "nil pointer" not in refused.stderr


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            (SCALES, "gateway.autoscaling.maxReplicas=1"),
            "gateway.autoscaling.maxReplicas: expected",
        ),
        ((SCALES, "gateway.resources.requests=null"), "gateway.resources.requests.cpu: expected"),
        (
            (
                "gateway.index.passwordSecret=i",
                "gateway.settings.SEEDCAST_INDEX_PASSWORD_FILE=/f",
            ),
            "leave gateway.index.passwordSecret empty",
        ),
        (
            (
                "gateway.accounts.passwordSecret=a",
                "gateway.settings.SEEDCAST_ACCOUNTS_PASSWORD_FILE=/f",
            ),
            "leave gateway.accounts.passwordSecret empty",
        ),
        (
            (
                "gateway.limitsPasswordSecret=l",
                "gateway.settings.SEEDCAST_GATEWAY_LIMITS_PASSWORD_FILE=/f",
            ),
            "leave gateway.limitsPasswordSecret empty",
        ),
    ],
)
def test_contradictions_are_refused(changes: tuple[str, ...], told: str) -> None:
    refused = helm("template", *GATEWAY, *changes)
    assert refused.returncode != 0
    assert told in refused.stderr


def test_without_an_index_a_gateway_needs_no_url_of_one() -> None:
    changes = ("settings.SEEDCAST_INDEX_URL=null", "gateway.index.url=")
    assert "SEEDCAST_INDEX_URL" not in environment("gateway", *changes)
