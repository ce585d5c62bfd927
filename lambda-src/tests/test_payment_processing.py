"""Tests of the processing function. They need no network and no account."""

import json
import pathlib
import re
import sys
import types
from decimal import Decimal

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "payment-processing"))

import payment_processing as processing  # noqa: E402

CONTEXT = types.SimpleNamespace(
    aws_request_id="request-1", get_remaining_time_in_millis=lambda: 60_000
)
TOPIC = "arn:aws:sns:us-east-1:123456789012:payment-alerts-test-us-east-1"


def client_error(code, operation="UpdateItem"):
    return ClientError({"Error": {"Code": code, "Message": "secret"}}, operation)


class FakeTable:
    """A table in memory that understands the handler's updates."""

    def __init__(self):
        self.items = {}
        self.failures = {}  # by transaction_id
        self.update_failures = []

    def get_item(self, Key, ConsistentRead):
        assert ConsistentRead is True
        if Key["transaction_id"] in self.failures:
            raise self.failures[Key["transaction_id"]]
        item = self.items.get(Key["transaction_id"])
        return {"Item": dict(item)} if item else {}

    def update_item(
        self,
        Key,
        UpdateExpression,
        ConditionExpression,
        ExpressionAttributeNames,
        ExpressionAttributeValues,
    ):
        if self.update_failures:
            raise self.update_failures.pop(0)
        # DynamoDB refuses what is given and not used.
        used = UpdateExpression + " " + ConditionExpression
        for name in (*ExpressionAttributeNames, *ExpressionAttributeValues):
            assert name in used
        item = self.items.get(Key["transaction_id"])
        if ConditionExpression == "attribute_exists(#status)":
            holds = item is not None
        else:
            assert ConditionExpression == "#status IN (:validated, :failed)"
            holds = item is not None and item.get("status") in ("validated", "failed")
        if not holds:
            raise client_error("ConditionalCheckFailedException")
        setting, _, removing = UpdateExpression.removeprefix("SET ").partition(" REMOVE ")
        for assignment in setting.split(", "):
            name, value = assignment.split(" = ")
            item[ExpressionAttributeNames.get(name, name)] = ExpressionAttributeValues[value]
        for name in filter(None, removing.split(", ")):
            item.pop(name, None)


class World:
    """The table, the topic and the metrics."""

    def __init__(self):
        self.table = FakeTable()
        self.published = []
        self.topic_failures = []
        self.measured = {}
        self.metrics_failure = None

    def publish(self, **arguments):
        if self.topic_failures:
            raise self.topic_failures.pop(0)
        self.published.append(arguments)

    def put_metric_data(self, Namespace, MetricData):
        assert Namespace == "PaymentProcessing"
        if self.metrics_failure:
            raise self.metrics_failure
        for datum in MetricData:
            name = datum["MetricName"]
            self.measured[name] = self.measured.get(name, 0) + datum["Value"]

    def add(self, transaction_id="txn-1", amount="99.99", status="validated", **fields):
        self.table.items[transaction_id] = {
            "transaction_id": transaction_id,
            "amount": Decimal(amount),
            "currency": "USD",
            "status": status,
            **fields,
        }

    def item(self, transaction_id="txn-1"):
        return self.table.items[transaction_id]

    @property
    def alerts(self):
        return [json.loads(message["Message"]) for message in self.published]

    @property
    def kinds(self):
        return [alert["kind"] for alert in self.alerts]


@pytest.fixture(autouse=True)
def world(monkeypatch):
    settings = {
        "AWS_REGION": "us-east-1",
        "ENVIRONMENT": "test",
        "TOPIC_ARN": TOPIC,
        "MAX_ATTEMPTS": "3",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    fake = World()
    monkeypatch.setattr(processing, "table", lambda: fake.table)
    monkeypatch.setattr(processing, "topic", lambda: fake)
    monkeypatch.setattr(processing, "metrics", lambda: fake)
    return fake


def record(transaction_id="txn-1", attempt=1, body=None):
    body = json.dumps({"transaction_id": transaction_id}) if body is None else body
    return {
        "messageId": f"message-{transaction_id}",
        "body": body,
        "attributes": {"ApproximateReceiveCount": str(attempt)},
        "eventSource": "aws:sqs",
    }


def run(*records, context=CONTEXT):
    """Returns the identifiers of the messages that failed."""
    answer = processing.handler({"Records": list(records)}, context)
    assert set(answer) == {"batchItemFailures"}
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def lines(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


# Processing


def test_a_payment_becomes_processed(world):
    world.add()
    assert run(record()) == []
    assert world.item()["status"] == "processed"
    assert world.item()["processed_in"] == "us-east-1"
    assert re.fullmatch(r"\d{4}-.*\+00:00", world.item()["processed_at"])
    assert world.item()["amount"] == Decimal("99.99")
    assert not world.published


@pytest.mark.parametrize(
    ("amount", "alerted"),
    [("10000", False), ("9999.99", False), ("10000.01", True), ("99999.99", True)],
)
def test_amounts_over_ten_thousand_raise_an_alert(world, amount, alerted):
    world.add(amount=amount)
    assert run(record()) == []
    assert world.kinds == (["high-value-payment"] if alerted else [])
    assert ("alerted_at" in world.item()) is alerted


def test_what_an_alert_says(world):
    world.add(amount="12345.60")
    run(record())
    (message,) = world.published
    assert message["TopicArn"] == TOPIC
    assert len(message["Subject"]) <= 100
    assert message["MessageAttributes"]["kind"]["StringValue"] == "high-value-payment"
    (alert,) = world.alerts
    assert alert["source"] == "payment-processing"
    assert alert["transaction_id"] == "txn-1"
    assert (alert["amount"], alert["currency"]) == ("12345.60", "USD")
    assert "AlarmName" not in alert


# Delivered again


@pytest.mark.parametrize("amount", ["5", "50000"])
def test_a_message_delivered_again_changes_nothing(world, amount):
    world.add(amount=amount)
    run(record())
    before, alerts = dict(world.item()), len(world.published)
    assert run(record(attempt=2), record(attempt=3)) == []
    assert world.item() == before
    assert len(world.published) == alerts
    assert world.measured["PaymentsProcessed"] == 1


def test_an_alert_that_was_cut_short_is_raised_by_the_next_delivery(world):
    world.add(amount="50000")
    world.topic_failures = [client_error("InternalError", "Publish")]
    assert run(record()) == ["message-txn-1"]
    assert world.item()["status"] == "processed"
    assert run(record(attempt=2)) == []
    assert world.kinds == ["high-value-payment"]


def test_another_delivery_at_the_same_time_may_be_faster(world, monkeypatch):
    world.add()
    read = processing.read

    def slow(transaction_id):
        payment = read(transaction_id)
        world.item()["status"] = "processed"
        return payment

    monkeypatch.setattr(processing, "read", slow)
    assert run(record()) == []
    assert "processed_at" not in world.item()


# Batches


def test_a_bad_message_does_not_fail_its_neighbours(world):
    for number in range(10):
        world.add(f"txn-{number}")
    world.table.failures["txn-4"] = client_error("InternalServerError", "GetItem")
    batch = [record(f"txn-{number}") for number in range(10)]
    assert run(*batch) == ["message-txn-4"]
    statuses = [world.item(f"txn-{number}")["status"] for number in range(10)]
    assert statuses == ["processed"] * 4 + ["validated"] + ["processed"] * 5
    assert world.measured == {"PaymentsProcessed": 9}


def test_an_empty_batch_is_a_success(world):
    assert run() == []
    assert world.measured == {}


def test_what_cannot_be_done_in_time_is_left_for_later(world):
    world.add("txn-1")
    world.add("txn-2")
    left = iter([30_000, 10_000])
    context = types.SimpleNamespace(get_remaining_time_in_millis=lambda: next(left))
    assert run(record("txn-1"), record("txn-2"), context=context) == ["message-txn-2"]
    assert world.item("txn-2")["status"] == "validated"


def test_the_last_delivery_that_comes_too_late_is_a_failure(world):
    world.add()
    context = types.SimpleNamespace(get_remaining_time_in_millis=lambda: 10_000)
    assert run(record(attempt=3), context=context) == ["message-txn-1"]
    assert world.item()["status"] == "failed"
    assert world.item()["error_message"] == "no time was left for the message"
    assert world.kinds == ["payment-failed"]


def test_payments_do_not_depend_on_metrics(world):
    world.add()
    world.metrics_failure = EndpointConnectionError(endpoint_url="https://monitoring")
    assert run(record()) == []
    assert world.item()["status"] == "processed"


# Failing


def damaged(world):
    world.add()
    world.item()["amount"] = "a lot"


def test_the_first_failures_are_left_to_the_queue(world):
    damaged(world)
    for attempt in (1, 2):
        assert run(record(attempt=attempt)) == ["message-txn-1"]
    assert world.item()["status"] == "validated"
    assert not world.published


def test_the_last_failure_marks_the_payment_and_is_told(world):
    damaged(world)
    assert run(record(attempt=3)) == ["message-txn-1"]
    assert world.item()["status"] == "failed"
    assert world.item()["error_message"] == "the payment has no positive amount"
    assert "failed_at" in world.item()
    (alert,) = world.alerts
    assert alert["kind"] == "payment-failed"
    assert alert["transaction_id"] == "txn-1"
    assert alert["reason"] == "the payment has no positive amount"
    assert alert["message_id"] == "message-txn-1"
    assert world.measured == {"PaymentsFailed": 1}


def test_a_failure_is_told_once(world):
    damaged(world)
    run(record(attempt=3))
    assert run(record(attempt=4)) == ["message-txn-1"]
    assert world.kinds == ["payment-failed"]


def test_a_failed_payment_can_be_processed_after_all(world):
    damaged(world)
    run(record(attempt=3))
    world.item()["amount"] = Decimal(5)
    assert run(record(attempt=1)) == []
    item = world.item()
    assert item["status"] == "processed"
    assert not {"failed_at", "error_message", "failure_alerted_at"} & set(item)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("{", "not valid JSON"),
        ("", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("null", "no transaction_id"),
        ("[1]", "no transaction_id"),
        ("{}", "no transaction_id"),
        ('{"transaction_id": ""}', "no transaction_id"),
        ('{"transaction_id": 7}', "no transaction_id"),
        ('{"transaction_id": "control#failover"}', "no transaction_id"),
        (json.dumps({"transaction_id": "x" * 129}), "no transaction_id"),
    ],
)
def test_a_message_that_names_no_payment_goes_to_the_dead_letters(world, body, reason):
    world.table.items["control#failover"] = {"status": "validated"}
    for attempt in (1, 2, 3):
        assert run(record(attempt=attempt, body=body)) == ["message-txn-1"]
    (alert,) = world.alerts
    assert reason in alert["reason"]
    assert alert["transaction_id"] is None
    assert world.table.items == {"control#failover": {"status": "validated"}}


def test_an_unknown_payment_goes_to_the_dead_letters(world):
    assert run(record(attempt=3)) == ["message-txn-1"]
    assert world.alerts[0]["reason"] == "the table has no such payment"
    assert not world.table.items


@pytest.mark.parametrize("status", [None, "", "refunded"])
def test_a_payment_in_another_status_is_left_alone(world, status):
    world.add(status=status)
    assert run(record()) == ["message-txn-1"]
    assert world.item()["status"] == status


def test_a_processed_payment_never_becomes_failed(world):
    world.add(amount="50000")
    world.topic_failures = [client_error("InternalError", "Publish")] * 4
    for attempt in (1, 2, 3):
        assert run(record(attempt=attempt)) == ["message-txn-1"]
    assert world.item()["status"] == "processed"
    assert "PaymentsFailed" not in world.measured


def test_a_failure_that_cannot_be_told_still_fails(world, capsys):
    damaged(world)
    world.topic_failures = [client_error("InternalError", "Publish")]
    assert run(record(attempt=3)) == ["message-txn-1"]
    assert world.item()["status"] == "failed"
    assert "failure_alerted_at" not in world.item()
    assert "FailureNotTold" in [line["message"] for line in lines(capsys)]


def test_a_failure_of_the_table_is_named_without_its_text(world, capsys):
    world.add()
    world.table.update_failures = [client_error("InternalServerError")]
    assert run(record(attempt=3)) == ["message-txn-1"]
    assert world.item()["error_message"] == "UpdateItem: InternalServerError"
    assert "secret" not in capsys.readouterr().out
    assert "secret" not in json.dumps(world.alerts)


def test_a_record_without_a_count_is_the_first_delivery(world):
    damaged(world)
    message = record()
    del message["attributes"]
    assert run(message) == ["message-txn-1"]
    assert world.item()["status"] == "validated"


# Logs


def test_a_success_is_one_line_without_the_amount(world, capsys):
    world.add(amount="4242.42")
    run(record())
    assert lines(capsys) == [
        {
            "level": "INFO",
            "message": "Processed",
            "transaction_id": "txn-1",
            "request_id": "request-1",
            "environment": "test",
            "region": "us-east-1",
        }
    ]


def test_a_failure_is_named_in_the_log(world, capsys):
    world.table.failures["txn-1"] = client_error("ThrottlingException", "GetItem")
    run(record(attempt=2))
    (line,) = lines(capsys)
    assert line["level"] == "ERROR"
    assert (line["code"], line["operation"]) == ("ThrottlingException", "GetItem")
    assert line["attempt"] == 2
    assert line["transaction_id"] == "txn-1"


def test_a_missing_context_does_no_harm(world):
    world.add()
    assert run(record(), context=None) == []
