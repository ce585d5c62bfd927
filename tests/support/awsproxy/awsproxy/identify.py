"""What a request is: region, service, operation and wire protocol."""

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qs, parse_qsl

from botocore.model import OperationModel

from .models import Catalog, Service, is_mutating

DATA = "data"
UNKNOWN = "unknown"
FORM = "application/x-www-form-urlencoded"

_CREDENTIAL = re.compile(r"Credential=([^,\s]+)")
_CBOR_PATH = re.compile(r"/service/([^/]+)/operation/([^/]+)/?")


@dataclass
class Call:
    """One request as the proxy sees it."""

    method: str
    path: str  # raw (still percent-encoded), without the query
    query: dict[str, list[str]]
    headers: object  # case-insensitive multi-mapping
    body: bytes | None  # None: streamed, not looked at
    account: str = "-"  # the access key, by which an emulator tells accounts apart
    region: str = "-"
    service: str = DATA
    operation: str = "-"
    protocol: str = ""
    model: Service | None = None
    operation_model: OperationModel | None = None
    labels: dict[str, str] = field(default_factory=dict)
    form: list[tuple[str, str]] = field(default_factory=list)

    @property
    def key(self) -> str:
        return f"{self.service}.{self.operation}"

    @property
    def mutating(self) -> bool:
        return is_mutating(self.operation)


def credential_scope(headers, query) -> tuple[str, str, str] | None:
    """(access key, region, signing name) from a SigV4 header or presigned query."""
    found = _CREDENTIAL.search(headers.get("Authorization", ""))
    credential = found[1] if found else query.get("X-Amz-Credential", [""])[0]
    parts = credential.split("/")
    if parts[-1] == "aws4_request" and len(parts) == 5:
        return parts[0], parts[2], parts[3]
    if parts[-1] == "aws4_request" and len(parts) == 4:  # SigV4A: no region
        return parts[0], headers.get("X-Amz-Region-Set", "*"), parts[2]
    return None


def is_form(headers) -> bool:
    return headers.get("Content-Type", "").startswith(FORM)


def identify(catalog: Catalog, method, raw_path, headers, body) -> Call:
    """Identify a request; body may be None for one that is not read."""
    path, _, query_text = raw_path.partition("?")
    query = parse_qs(query_text, keep_blank_values=True)
    call = Call(method, path, query, headers, body)
    scope = credential_scope(headers, query)
    if scope is None:
        return call
    call.account, call.region, call.service = scope
    if call.service == "execute-api":  # an IAM-authorised API Gateway invoke
        call.service = DATA
        return call
    call.operation = UNKNOWN
    services = catalog.by_signing_name(call.service)
    _identify_operation(call, services, query_text)
    if call.model:
        if call.model is not services[0]:
            call.service = call.model.label
        call.operation_model = call.model.operation(call.operation)
    return call


def _identify_operation(call: Call, services: list[Service], query_text: str) -> None:
    rpc = _CBOR_PATH.fullmatch(call.path)
    target = call.headers.get("X-Amz-Target")
    if rpc and "cbor" in call.headers.get("Smithy-Protocol", ""):
        call.protocol, call.operation = "rpc-v2-cbor", rpc[2]
        call.model = _first(services, lambda s: rpc[2] in s.operations)
    elif target:
        prefix, _, call.operation = target.rpartition(".")
        call.protocol = "json"
        call.model = _first(services, lambda s: s.target_prefix == prefix)
    elif is_form(call.headers) or "Action" in call.query:
        text = query_text
        if is_form(call.headers):
            text = (call.body or b"").decode("utf-8", "replace")
        call.form = parse_qsl(text, keep_blank_values=True)
        form = dict(call.form)
        call.operation = form.get("Action", UNKNOWN)
        version = form.get("Version")
        call.model = _first(services, lambda s: s.api_version == version)
        is_ec2 = call.model and call.model.protocol == "ec2"
        call.protocol = "ec2" if is_ec2 else "query"
    else:
        _identify_rest(call, services)


def _first(services, wanted):
    return next(filter(wanted, services), services[0] if services else None)


def _identify_rest(call: Call, services: list[Service]) -> None:
    best = None
    for service in services:
        if not service.protocol.startswith("rest-"):
            continue
        found = service.match(call.method, call.path, call.query, call.headers)
        if found and (best is None or found[0] > best[0]):
            best = found
            call.model, call.protocol = service, service.protocol
            call.operation, call.labels = found[1], found[2]
    if best is None and services:
        call.model = services[0]
        call.protocol = services[0].protocol
