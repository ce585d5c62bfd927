"""Prints AWS's own schemas of resource types as JSON.

    python provider_schema.py TYPE…

They are the provider schemas of us-east-1 that cfn-lint packages, with
cfn-lint's patches and with their references resolved. For each type: "schema",
and "attributes", the names that Fn::GetAtt takes. A type that AWS does not
have is null.
"""

import json
import sys
from pathlib import Path

import cfnlint
from cfnlint.schema import ResourceNotFoundError
from cfnlint.schema.manager import ProviderSchemaManager

REGION = "us-east-1"
# Named explicitly: by default a newer download in the user's cache would win.
PACKAGED = Path(cfnlint.__file__).parent / "data" / "schemas"


def main(types: list[str]) -> None:
    manager = ProviderSchemaManager(PACKAGED / "providers", PACKAGED / "resources")
    json.dump({name: described(manager, name) for name in types}, sys.stdout)


def described(manager: ProviderSchemaManager, name: str) -> dict | None:
    try:
        found = manager.get_resource_schema(REGION, name)
    except ResourceNotFoundError:
        return None
    return {
        "schema": resolved(found.schema, found.schema, ()),
        "attributes": sorted(found.get_atts.data),
    }


def resolved(node, root: dict, above: tuple[str, ...]):
    """The node without references; one to itself or to another file ends as {}."""
    if isinstance(node, list):
        return [resolved(item, root, above) for item in node]
    if not isinstance(node, dict):
        return node
    node = {key: value for key, value in node.items() if key != "definitions"}
    reference = node.pop("$ref", None)
    if not isinstance(reference, str):
        return {key: resolved(value, root, above) for key, value in node.items()}
    if reference in above or not reference.startswith("#/"):
        return {}
    target = root
    for key in reference.removeprefix("#/").split("/"):
        target = target[key]
    return resolved({**target, **node}, root, (*above, reference))


if __name__ == "__main__":
    main(sys.argv[1:])
