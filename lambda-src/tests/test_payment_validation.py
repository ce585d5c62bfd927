"""Tests of the validation function. They need no network and no account."""

import base64
import json
import pathlib
import sys
import types
from decimal import Decimal

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "payment-validation"))

import payment_validation as validation  # noqa: E402

CONTEXT = types.SimpleNamespace(aws_request_id="request-1")
QUEUE_URL = "https://sqs.us-east-1.amazonaws.com/123456789012/payments"


def client_error(code, operation="PutItem", message="what AWS says"):
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


class FakeTable:
    """A table in memory that knows the one condition that the handler uses."""

    def __init__(self):
        self.items = {}
        self.failure = None
        self.write_failure = None
        self.forgets = False
        self.writes = 0

    def put_item(self, Item, ConditionExpression=None):
        if self.failure or self.write_failure:
            raise self.failure or self.write_failure
        if Item["transaction_id"].startswith("control#"):
            assert ConditionExpression is None
        else:
            assert ConditionExpression == "attribute_not_exists(transaction_id)"
            if Item["transaction_id"] in self.items:
                raise client_error("ConditionalCheckFailedException")
        self.items[Item["transaction_id"]] = dict(Item)
        self.writes += 1

    def get_item(self, Key, ConsistentRead):
        if self.failure:
            raise self.failure
        assert ConsistentRead is True
        item = None if self.forgets else self.items.get(Key["transaction_id"])
        return {"Item": dict(item)} if item else {}


class FakeQueue:
    """A queue that remembers what it was sent."""

    def __init__(self):
        self.messages = []
        self.failure = None

    def send_message(self, QueueUrl, MessageBody):
        if self.failure:
            raise self.failure
        assert QueueUrl == QUEUE_URL
        self.messages.append(json.loads(MessageBody))


@pytest.fixture(autouse=True)
def table(monkeypatch):
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("ENVIRONMENT", "test")
    monkeypatch.setenv("QUEUE_URL", QUEUE_URL)
    monkeypatch.setattr(validation, "last_heartbeat", None)
    fake = FakeTable()
    monkeypatch.setattr(validation, "table", lambda: fake)
    monkeypatch.setattr(validation, "health_table", lambda: fake)
    return fake


@pytest.fixture(autouse=True)
def queue(monkeypatch):
    fake = FakeQueue()
    monkeypatch.setattr(validation, "queue", lambda: fake)
    return fake


def payment(**changes):
    fields = {
        "transaction_id": "txn-123",
        "amount": 100.00,
        "currency": "USD",
        "customer_id": "cust-456",
        "payment_method": "credit_card",
        **changes,
    }
    return {name: value for name, value in fields.items() if value is not ...}


def request(body, **fields):
    return {
        "httpMethod": "POST",
        "resource": "/validate",
        "path": "/validate",
        "requestContext": {"stage": "prod"},
        "isBase64Encoded": False,
        "body": body if body is None or isinstance(body, str) else json.dumps(body),
        **fields,
    }


def answer(event):
    reply = validation.handler(event, CONTEXT)
    assert reply["headers"]["Content-Type"] == "application/json"
    return reply["statusCode"], json.loads(reply["body"])


def lines(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


# A valid payment


def test_a_valid_payment_is_stored_and_queued(table, queue):
    status, body = answer(request(payment()))
    assert status == 200
    assert body == {
        "message": "Payment validated",
        "transaction_id": "txn-123",
        "status": "validated",
    }
    item = table.items["txn-123"]
    assert item.pop("validated_at").endswith("+00:00")
    assert item == {
        "transaction_id": "txn-123",
        "amount": Decimal("100"),
        "currency": "USD",
        "customer_id": "cust-456",
        "payment_method": "credit_card",
        "status": "validated",
        "region": "us-east-1",
    }
    assert queue.messages == [{"transaction_id": "txn-123"}]


def test_boto3_can_write_the_item(table):
    from boto3.dynamodb.types import TypeSerializer

    answer(request(payment(amount=99.99)))
    wire = TypeSerializer().serialize(table.items["txn-123"])["M"]
    assert wire["amount"] == {"N": "99.99"}


def test_a_base64_body_is_understood(table):
    body = base64.b64encode(json.dumps(payment()).encode()).decode()
    assert answer(request(body, isBase64Encoded=True))[0] == 200
    assert "txn-123" in table.items


def test_further_fields_are_not_stored(table):
    assert answer(request(payment(card_number="4111111111111111")))[0] == 200
    assert "4111" not in str(table.items)


@pytest.mark.parametrize("currency", ["USD", "EUR", "GBP"])
def test_currencies(table, currency):
    assert answer(request(payment(currency=currency)))[0] == 200
    assert table.items["txn-123"]["currency"] == currency


@pytest.mark.parametrize(
    ("written", "exact"),
    [
        ("0.01", "0.01"),
        ("0.1", "0.10"),
        ("100", "100.00"),
        ("1e2", "100.00"),
        ("19.99", "19.99"),
        ("99999.99", "99999.99"),
        ('"19.99"', "19.99"),
        ('"+5"', "5.00"),
        ("10.50000", "10.50"),
    ],
)
def test_amounts_are_exact(table, written, exact):
    body = json.dumps(payment(amount="AMOUNT")).replace('"AMOUNT"', written)
    assert answer(request(body))[0] == 200
    amount = table.items["txn-123"]["amount"]
    assert isinstance(amount, Decimal)
    assert str(amount) == exact


# Invalid payments


def refused(table, queue, event, reason):
    status, body = answer(event)
    assert status == 400
    assert reason in body["error"]
    assert not table.items and not queue.messages


@pytest.mark.parametrize("value", [..., None])
@pytest.mark.parametrize(
    "name", ["transaction_id", "amount", "currency", "customer_id", "payment_method"]
)
def test_every_field_is_required(table, queue, name, value):
    refused(table, queue, request(payment(**{name: value})), f"{name} is missing")


@pytest.mark.parametrize("name", ["transaction_id", "customer_id"])
@pytest.mark.parametrize(
    "value",
    ["", " ", "-a", "a b", "a\n", "ä", "a#b", "control#failover", "7" * 129, 7, True, ["a"], {}],
)
def test_bad_identifiers(table, queue, name, value):
    refused(table, queue, request(payment(**{name: value})), f"{name} must")


@pytest.mark.parametrize(
    "value",
    [0, -1, -1e-9, "-5", "0.00", "", " 5", "1e3", "1,50", "0x10", "５", "NaN", True, [1], {}],
)
def test_amounts_must_be_positive_decimals(table, queue, value):
    refused(table, queue, request(payment(amount=value)), "positive decimal")


@pytest.mark.parametrize("value", [100000, "100000.00", 100000.01, 1e15, 10**4000, "9" * 64])
def test_amounts_stay_under_the_limit(table, queue, value):
    refused(table, queue, request(payment(amount=value)), "under 100000")


@pytest.mark.parametrize("value", [0.001, "1.999", 99999.999, 1e-300, "0." + "0" * 63 + "1"])
def test_fractions_of_a_cent_are_refused_not_rounded(table, queue, value):
    refused(table, queue, request(payment(amount=value)), "two decimal places")


@pytest.mark.parametrize("value", ["JPY", "usd", "", "US", "USD ", 840, True, ["USD"], {"a": 1}])
def test_other_currencies_are_refused(table, queue, value):
    refused(table, queue, request(payment(currency=value)), "USD, EUR, GBP")


@pytest.mark.parametrize(
    "value", ["", " ", "4111111111111111", "visa 4111", "a" * 33, "_x", "ä", 7, ["card"], {}]
)
def test_bad_payment_methods(table, queue, value):
    refused(table, queue, request(payment(payment_method=value)), "payment_method must")


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (request(None), "no body"),
        (request(""), "no body"),
        (request("{"), "not valid JSON"),
        (request("[1, 2]"), "must be a JSON object"),
        (request("null"), "must be a JSON object"),
        (request('"text"'), "must be a JSON object"),
        (request('{"amount": NaN}'), "not valid JSON"),
        (request('{"amount": Infinity}'), "not valid JSON"),
        (request('{"amount": 1e99999999999999999999}'), "not valid JSON"),
        (request("not base64!", isBase64Encoded=True), "not valid JSON"),
        (request(base64.b64encode(b"\xff\xfe").decode(), isBase64Encoded=True), "not valid JSON"),
        (request("[" * 100_000), "not valid JSON"),
        ({"httpMethod": "POST", "body": 7}, "not valid JSON"),
    ],
)
def test_a_body_that_is_no_payment(table, queue, event, reason):
    refused(table, queue, event, reason)


@pytest.mark.parametrize("method", ["PUT", "DELETE", None])
def test_other_methods_are_refused(method):
    assert answer(request(payment(), httpMethod=method))[0] == 405


# Repeating


@pytest.mark.parametrize(
    "again", [payment(), payment(amount="100.00"), payment(note="does not count")]
)
def test_the_same_payment_again_is_a_success(table, queue, again):
    answer(request(payment()))
    before = dict(table.items["txn-123"])
    assert answer(request(again))[0] == 200
    assert table.items["txn-123"] == before
    assert table.writes == 1


def test_a_repetition_queues_what_may_have_been_lost(table, queue):
    queue.failure = client_error("ServiceUnavailable", "SendMessage")
    assert answer(request(payment()))[0] == 500
    assert "txn-123" in table.items
    queue.failure = None
    assert answer(request(payment()))[0] == 200
    assert queue.messages == [{"transaction_id": "txn-123"}]


@pytest.mark.parametrize(
    ("status", "messages"), [("processed", 1), ("validated", 2), ("failed", 2)]
)
def test_a_repetition_is_queued_unless_it_is_processed(table, queue, status, messages):
    answer(request(payment()))
    table.items["txn-123"]["status"] = status
    code, body = answer(request(payment()))
    assert (code, body["status"]) == (200, status)
    assert len(queue.messages) == messages


def test_a_repetition_in_the_other_region_is_a_success(table, queue, monkeypatch):
    answer(request(payment()))
    monkeypatch.setenv("AWS_REGION", "us-east-2")
    assert answer(request(payment()))[0] == 200
    assert table.items["txn-123"]["region"] == "us-east-1"


@pytest.mark.parametrize(
    "other",
    [
        payment(amount=1),
        payment(currency="EUR"),
        payment(customer_id="cust-1"),
        payment(payment_method="wire"),
    ],
)
def test_another_payment_under_the_same_id_is_a_conflict(table, queue, other):
    answer(request(payment()))
    before = dict(table.items["txn-123"])
    status, body = answer(request(other))
    assert status == 409
    assert body == {"error": "another payment with this transaction_id exists already"}
    assert table.items["txn-123"] == before
    assert len(queue.messages) == 1


def test_an_item_that_vanished_in_between_is_tried_again(table):
    answer(request(payment()))
    table.forgets = True
    assert answer(request(payment()))[0] == 500


# Failures


FAILURES = [
    client_error("ProvisionedThroughputExceededException", message="secret 100.00"),
    client_error("ResourceNotFoundException", message="secret 100.00"),
    RuntimeError("secret 100.00"),
]


@pytest.mark.parametrize("failure", FAILURES)
def test_callers_see_nothing_of_a_failure(table, queue, failure, capsys):
    table.failure = failure
    status, body = answer(request(payment()))
    assert status == 500
    assert body == {"error": "the payment could not be taken, please try again"}
    assert "secret" not in capsys.readouterr().out
    assert not queue.messages


def test_missing_settings_are_a_failure_not_a_bad_payment(monkeypatch):
    monkeypatch.undo()
    for name in ("DYNAMODB_TABLE_NAME", "QUEUE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert answer(request(payment()))[0] == 500


# Health


HEALTH = {"httpMethod": "GET", "resource": "/health", "path": "/health", "body": None}


def test_a_healthy_region_answers_200(table):
    assert answer(HEALTH) == (200, {"status": "healthy", "region": "us-east-1"})


def test_health_is_never_cached():
    assert validation.handler(HEALTH, CONTEXT)["headers"]["Cache-Control"] == "no-store"


def test_a_drained_region_answers_503(table):
    table.items["control#failover"] = {"drained_region": "us-east-1", "generation": 1}
    assert answer(HEALTH) == (503, {"status": "drained", "region": "us-east-1"})
    assert table.writes == 0


@pytest.mark.parametrize("mark", [{"drained_region": "us-east-2"}, {"generation": 2}])
def test_a_region_that_is_not_the_drained_one_answers_200(table, mark):
    table.items["control#failover"] = mark
    assert answer(HEALTH)[0] == 200


def test_a_drained_region_still_takes_the_payments_that_reach_it(table):
    table.items["control#failover"] = {"drained_region": "us-east-1"}
    assert answer(request(payment()))[0] == 200


@pytest.mark.parametrize("name", ["failure", "write_failure"])
@pytest.mark.parametrize(
    "failure",
    [client_error("InternalServerError"), ReadTimeoutError(endpoint_url="https://dynamodb")],
)
def test_a_region_without_its_table_is_unhealthy(table, name, failure):
    setattr(table, name, failure)
    assert answer(HEALTH) == (503, {"status": "unhealthy", "region": "us-east-1"})


def test_a_healthy_region_leaves_heartbeats(table, monkeypatch):
    clock = types.SimpleNamespace(now=1000.0)
    monkeypatch.setattr(validation.time, "monotonic", lambda: clock.now)
    monkeypatch.setattr(validation.time, "time", lambda: 1_800_000_000.7)
    for seconds, writes in [(0, 1), (29, 1), (1, 2), (10, 2), (20, 3)]:
        clock.now += seconds
        assert answer(HEALTH)[0] == 200
        assert table.writes == writes
    assert table.items == {
        "control#heartbeat#us-east-1": {
            "transaction_id": "control#heartbeat#us-east-1",
            "beat_at": 1_800_000_000,
        }
    }


def test_a_heartbeat_that_failed_is_tried_again(table):
    table.write_failure = client_error("InternalServerError")
    assert answer(HEALTH)[0] == 503
    table.write_failure = None
    assert answer(HEALTH)[0] == 200
    assert table.writes == 1


def test_health_is_logged_only_when_it_fails(table, capsys):
    answer(HEALTH)
    assert lines(capsys) == []
    table.failure = client_error("InternalServerError", "GetItem")
    answer(HEALTH)
    (line,) = lines(capsys)
    assert line["message"] == "Unhealthy"
    assert line["code"] == "InternalServerError"


def test_the_clients_give_up_before_route_53_does(monkeypatch):
    monkeypatch.undo()
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("DYNAMODB_TABLE_NAME", "payments")
    settings = validation.health_table().meta.client.meta.config
    attempts = settings.retries["total_max_attempts"]
    assert attempts * max(settings.connect_timeout, settings.read_timeout) <= 2


# Logs


def test_a_success_is_one_line_without_the_payment(capsys):
    answer(request(payment(amount="4242.42", customer_id="cust-secret")))
    assert lines(capsys) == [
        {
            "level": "INFO",
            "message": "Validated",
            "transaction_id": "txn-123",
            "request_id": "request-1",
            "environment": "test",
            "region": "us-east-1",
            "status": "validated",
        }
    ]


def test_a_refusal_says_why_but_not_what(capsys):
    answer(request(payment(amount="-4242.42")))
    (line,) = lines(capsys)
    assert line["level"] == "WARNING"
    assert "positive decimal" in line["reason"]
    assert "4242" not in json.dumps(line)


def test_what_is_no_identifier_is_not_logged_as_one(capsys):
    answer(request(payment(transaction_id="4111 1111 1111 1111")))
    (line,) = lines(capsys)
    assert "transaction_id" not in line
    assert "4111" not in json.dumps(line)


def test_a_missing_context_does_no_harm(capsys):
    assert validation.handler(request(payment()), None)["statusCode"] == 200
    assert "request_id" not in lines(capsys)[0]
