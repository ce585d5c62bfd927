"""The presets and the README's scenario are well formed."""

import re

import pytest
import yaml
from conftest import ROOT

from awsproxy.identify import Call
from awsproxy.models import PRELOAD, Catalog
from awsproxy.scenario import PRESETS, load, matches, parse

CATALOG = Catalog()


def test_readme_scenario():
    text = re.search(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.S)[1]
    scenario = parse(text)
    assert scenario.fail and scenario.throttle.rules and scenario.region_down


@pytest.mark.parametrize("name", [path.stem for path in PRESETS.iterdir()])
def test_preset_operations_exist(name):
    services = [CATALOG.service(name) for name in (*PRELOAD, "apigatewayv2")]
    keys = {f"{s.label}.{operation}" for s in services for operation in s.operations}
    for bucket in yaml.safe_load((PRESETS / f"{name}.yaml").read_text())["throttle"][
        "buckets"
    ]:
        for pattern in bucket["match"] + bucket.get("except", []):
            wanted = pattern if "." in pattern else f"{pattern}.*"
            assert any(matches(wanted, key) for key in keys), pattern


def test_preset_rates():
    throttle = load("aws-limits").throttle

    def call(service, operation):
        return Call("POST", "/", {}, {}, b"", "a", "r", service, operation, "json")

    def allowed(service, operation, count):
        calls = (call(service, operation) for _ in range(count))
        return sum(throttle.refuse(c, 0) is None for c in calls)

    assert allowed("apigateway", "CreateRestApi", 5) == 1
    assert allowed("apigateway", "GetRestApi", 100) == 39
    assert allowed("lambda", "CreateFunction", 10) == 10
    assert allowed("lambda", "AddPermission", 10) == 5
    assert allowed("lambda", "GetFunction", 50) == 50
    assert allowed("states", "CreateStateMachine", 200) == 100
    assert allowed("s3", "PutObject", 200) == 200
    assert allowed("s3", "PutBucketPolicy", 50) == 20
    assert allowed("route53", "ListHostedZones", 50) == 5
    assert throttle.refuse(call("apigateway", "CreateRestApi"), 2) is not None
    assert throttle.refuse(call("apigateway", "CreateRestApi"), 5.1) is None
