"""Tests of the failover function. They need no network and no account."""

import datetime
import json
import pathlib
import sys
import types
from decimal import Decimal

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "failover-orchestration"))

import failover_orchestration as failover  # noqa: E402

PRIMARY, SECONDARY = "us-east-1", "us-east-2"
OWN_TOPIC = f"arn:aws:sns:{SECONDARY}:123456789012:payment-alerts-test-{SECONDARY}"
CONTEXT = types.SimpleNamespace(aws_request_id="request-1")
START = 1_800_000_000


def client_error(code, operation="PutItem"):
    return ClientError({"Error": {"Code": code, "Message": "secret"}}, operation)


class FakeTable:
    """A table in memory that knows the conditions that the handler uses."""

    def __init__(self):
        self.items = {}
        self.failure = None
        self.writes = 0
        self.before_write = None

    def get_item(self, Key, ConsistentRead):
        if self.failure:
            raise self.failure
        assert ConsistentRead is True
        item = self.items.get(Key["transaction_id"])
        return {"Item": dict(item)} if item else {}

    def put_item(self, Item, ConditionExpression, ExpressionAttributeValues):
        assert ConditionExpression == "attribute_not_exists(generation) OR generation = :generation"
        if self.before_write:
            self.before_write()
        stored = self.items.get(Item["transaction_id"])
        if stored and stored["generation"] != ExpressionAttributeValues[":generation"]:
            raise client_error("ConditionalCheckFailedException")
        assert not any(isinstance(value, float) or value is None for value in Item.values())
        self.items[Item["transaction_id"]] = numbers(Item)
        self.writes += 1

    def update_item(
        self, Key, UpdateExpression, ConditionExpression, ExpressionAttributeValues
    ):
        assert UpdateExpression == "SET announced_at = :now"
        assert ConditionExpression == "generation = :generation"
        item = self.items[Key["transaction_id"]]
        if item["generation"] != ExpressionAttributeValues[":generation"]:
            raise client_error("ConditionalCheckFailedException", "UpdateItem")
        item["announced_at"] = Decimal(ExpressionAttributeValues[":now"])


def numbers(item):
    """Returns an item as DynamoDB gives it back."""
    return {
        name: Decimal(value) if isinstance(value, int) else value for name, value in item.items()
    }


class World:
    """The table, the topic, the metrics and the clock."""

    def __init__(self):
        self.table = FakeTable()
        self.published = []
        self.measured = []
        self.topic_failure = None
        self.metrics_failure = None
        self.seconds = START

    def publish(self, **arguments):
        if self.topic_failure:
            raise self.topic_failure
        self.published.append(arguments)

    def put_metric_data(self, **arguments):
        if self.metrics_failure:
            raise self.metrics_failure
        self.measured.append(arguments)

    @property
    def mark(self):
        return self.table.items.get("control#failover", {})

    @property
    def kinds(self):
        return [json.loads(message["Message"])["kind"] for message in self.published]


@pytest.fixture(autouse=True)
def world(monkeypatch):
    settings = {
        "AWS_REGION": SECONDARY,
        "ENVIRONMENT": "test",
        "PRIMARY_REGION": PRIMARY,
        "TOPIC_ARN": OWN_TOPIC,
        "TAKEOVER_ALARM": f"payment-takeover-test-{SECONDARY}",
        "COOLDOWN_SECONDS": "900",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    fake = World()
    monkeypatch.setattr(failover, "table", lambda: fake.table)
    monkeypatch.setattr(failover, "topic", lambda: fake)
    monkeypatch.setattr(failover, "metrics", lambda: fake)
    monkeypatch.setattr(failover.time, "time", lambda: fake.seconds)
    return fake


def alarm(name="payment-api-latency-test-us-east-1", region=PRIMARY, changed=START, **changes):
    moment = datetime.datetime.fromtimestamp(changed, datetime.timezone.utc)
    message = {
        "AlarmName": name,
        "AWSAccountId": "123456789012",
        "NewStateValue": "ALARM",
        "OldStateValue": "OK",
        "NewStateReason": "Threshold Crossed",
        "StateChangeTime": moment.strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
        "Region": "US East (N. Virginia)",
        "Trigger": {"Namespace": "Custom", "MetricName": "Latency"},
        **changes,
    }
    message = {name: value for name, value in message.items() if value is not ...}
    return notification(message, region)


def notification(message, region=PRIMARY):
    text = message if isinstance(message, str) else json.dumps(message)
    topic = f"arn:aws:sns:{region}:123456789012:payment-alerts-test-{region}"
    record = {"EventSource": "aws:sns", "Sns": {"TopicArn": topic, "Message": text}}
    return {"Records": [record]}


def decide(event):
    (decision,) = failover.handler(event, CONTEXT)["decisions"]
    return decision["decision"]


def ask(action, **fields):
    return failover.handler({"action": action, **fields}, CONTEXT)


# Failing over


def test_a_critical_alarm_drains_the_primary(world):
    assert decide(alarm()) == "failover"
    assert world.mark["drained_region"] == PRIMARY
    assert world.mark["alarm"] == "payment-api-latency-test-us-east-1"
    assert "Threshold Crossed" in world.mark["reason"]
    assert world.mark["changed_at"] == START
    assert world.mark["announced_at"] == START


def test_a_failover_is_announced_on_the_own_topic_only(world):
    decide(alarm())
    (announcement,) = world.published
    assert announcement["TopicArn"] == OWN_TOPIC
    assert len(announcement["Subject"]) <= 100
    message = json.loads(announcement["Message"])
    assert message["source"] == "payment-failover"
    assert message["kind"] == "failover"
    assert message["primary"] == PRIMARY
    assert message["alarm"] == "payment-api-latency-test-us-east-1"
    assert "AlarmName" not in message
    assert announcement["MessageAttributes"]["kind"]["StringValue"] == "failover"


def test_a_failover_is_counted(world):
    decide(alarm())
    (call,) = world.measured
    assert call["Namespace"] == "PaymentProcessing"
    assert call["MetricData"][0]["MetricName"] == "Failovers"


def test_nothing_depends_on_the_metrics(world):
    world.metrics_failure = EndpointConnectionError(endpoint_url="https://monitoring")
    assert decide(alarm()) == "failover"
    assert "announced_at" in world.mark


@pytest.mark.parametrize(
    "name",
    [
        "payment-api-latency-dev-us-east-1",
        "payment-api-errors-dev-us-east-1",
        "payment-lambda-validation-errors-dev-us-east-1",
        "payment-lambda-processing-errors-dev-us-east-1",
        "payment-dynamodb-read-throttle-dev-us-east-1",
        "Payment API",
        "DynamoDB.throttled",
    ],
)
def test_names_of_critical_alarms(name):
    assert decide(alarm(name)) == "failover"


@pytest.mark.parametrize("namespace", ["AWS/ApiGateway", "AWS/Lambda", "AWS/DynamoDB"])
def test_what_an_alarm_watches_makes_it_critical(namespace):
    assert decide(alarm("trouble", Trigger={"Namespace": namespace})) == "failover"


@pytest.mark.parametrize(
    "name",
    ["payment-dlq-messages-dev-us-east-1", "capital", "apiary", "lambdas", "rapid-dynamodbs", "x"],
)
def test_alarms_that_are_not_critical(world, name):
    assert decide(alarm(name)) == "noted"
    assert not world.mark and not world.published


@pytest.mark.parametrize("state", ["OK", "INSUFFICIENT_DATA"])
def test_other_states_of_an_alarm_are_ignored(world, state):
    assert decide(alarm(NewStateValue=state)) == "ignored"
    assert not world.mark and not world.published


def test_an_alarm_of_the_secondary_moves_nothing(world):
    assert decide(alarm("payment-api-latency-test-us-east-2", region=SECONDARY)) == "noted"
    assert not world.mark and not world.published


@pytest.mark.parametrize("trigger", [..., None, "text", {}])
def test_an_alarm_without_a_trigger_goes_by_its_name(trigger):
    assert decide(alarm(Trigger=trigger)) == "failover"


@pytest.mark.parametrize("moment", [..., None, "yesterday", 7])
def test_an_alarm_without_a_readable_time_counts(moment):
    assert decide(alarm(StateChangeTime=moment)) == "failover"


def test_a_long_reason_is_cut(world):
    decide(alarm(NewStateReason="x" * 5000))
    assert len(world.mark["reason"]) == 300


# What is no alarm


@pytest.mark.parametrize(
    "message",
    [
        {"source": "payment-processing", "kind": "high-value-payment", "transaction_id": "api"},
        {"source": "payment-processing", "kind": "payment-failed", "reason": "DynamoDB"},
        {"source": "payment-failover", "kind": "failover"},
        {"source": "payment-failover", "AlarmName": "payment-api", "NewStateValue": "ALARM"},
        {"AlarmName": "payment-api"},
        {"AlarmName": 7, "NewStateValue": "ALARM"},
        {"AlarmName": "payment-api", "NewStateValue": None},
        {},
        [],
        "api lambda dynamodb ALARM",
        "null",
        "{",
        "[" * 100_000,
    ],
)
@pytest.mark.parametrize("region", [PRIMARY, SECONDARY])
def test_other_messages_are_ignored(world, message, region):
    assert decide(notification(message, region)) == "ignored"
    assert not world.mark and not world.published


def test_its_own_announcement_ends_the_chain(world):
    decide(alarm())
    (announcement,) = world.published
    assert decide(notification(announcement["Message"], SECONDARY)) == "ignored"
    assert len(world.published) == 1


# Once


def test_the_same_alarm_again_changes_nothing(world):
    decide(alarm())
    before = dict(world.mark)
    assert decide(alarm()) == "already"
    world.seconds += 5000
    assert decide(alarm(changed=world.seconds)) == "already"
    assert world.mark == before
    assert world.kinds == ["failover"]


def test_of_two_at_once_one_writes(world):
    def faster():
        world.table.before_write = None
        failover.handler(alarm("payment-lambda-errors"), CONTEXT)

    world.table.before_write = faster
    assert decide(alarm()) == "already"
    assert world.table.writes == 1
    assert world.kinds == ["failover"]
    assert world.mark["alarm"] == "payment-lambda-errors"


def test_an_announcement_that_was_cut_short_is_made_later(world):
    world.topic_failure = client_error("InternalError", "Publish")
    with pytest.raises(ClientError):
        decide(alarm())
    assert world.mark["drained_region"] == PRIMARY
    world.topic_failure = None
    assert decide(alarm()) == "already"
    assert world.kinds == ["failover"]
    assert decide(alarm()) == "already"
    assert world.kinds == ["failover"]


def test_without_its_table_it_fails_so_that_lambda_tries_again(world):
    world.table.failure = client_error("InternalServerError", "GetItem")
    with pytest.raises(ClientError):
        decide(alarm())


def test_several_messages_at_once(world):
    event = {"Records": alarm()["Records"] + alarm("payment-dlq")["Records"] + alarm()["Records"]}
    decisions = failover.handler(event, CONTEXT)["decisions"]
    assert [each["decision"] for each in decisions] == ["failover", "noted", "already"]
    assert world.table.writes == 1


# No flapping


def test_trouble_in_the_secondary_does_not_lead_back(world):
    decide(alarm())
    assert decide(alarm("payment-api-latency-test-us-east-2", region=SECONDARY)) == "refused"
    assert world.mark["drained_region"] == PRIMARY
    assert world.kinds == ["failover", "refused"]


def test_an_alarm_soon_after_the_failback_is_refused(world):
    decide(alarm())
    world.seconds += 3600
    ask("failback")
    world.seconds += 899
    assert decide(alarm(changed=world.seconds)) == "refused"
    assert "drained_region" not in world.mark
    world.seconds += 1
    assert decide(alarm(changed=world.seconds)) == "failover"
    assert world.kinds == ["failover", "failback", "refused", "failover"]


def test_an_alarm_from_before_the_failback_comes_too_late(world):
    decide(alarm())
    world.seconds += 3600
    ask("failback")
    world.seconds += 3600
    assert decide(alarm(changed=START + 3599)) == "ignored"
    assert "drained_region" not in world.mark


def test_an_alarm_in_the_second_of_the_failback_is_refused(world):
    decide(alarm())
    world.seconds += 3600
    ask("failback")
    assert decide(alarm(changed=world.seconds)) == "refused"
    assert "drained_region" not in world.mark


def test_recovery_of_the_alarm_does_not_lead_back(world):
    decide(alarm())
    assert decide(alarm(NewStateValue="OK", changed=START + 5000)) == "ignored"
    assert world.mark["drained_region"] == PRIMARY


# The secondary's own trigger


def takeover():
    return alarm(f"payment-takeover-test-{SECONDARY}", region=SECONDARY)


def beat(world, seconds_ago):
    world.table.items[f"control#heartbeat#{PRIMARY}"] = {"beat_at": Decimal(START - seconds_ago)}


def test_payments_in_the_secondary_and_a_silent_primary_mean_failover(world):
    beat(world, 180)
    assert decide(takeover()) == "failover"
    assert world.mark["drained_region"] == PRIMARY


def test_payments_in_the_secondary_while_the_primary_is_alive_mean_nothing(world):
    beat(world, 179)
    assert decide(takeover()) == "noted"
    assert not world.mark and not world.published


def test_a_primary_that_never_lived_is_not_lost(world):
    assert decide(takeover()) == "noted"
    assert not world.mark


# Operators


def test_an_operator_fails_over_and_back(world):
    answer = ask("failover", reason="drill")
    assert answer["decision"] == "failover"
    assert answer["state"] == {
        "primary": PRIMARY,
        "drained_region": PRIMARY,
        "changed_at": "2027-01-15T08:00:00+00:00",
        "reason": "an operator: drill",
        "changes": 1,
    }
    assert "alarm" not in world.mark
    answer = ask("failback", reason="drill is over")
    assert answer["decision"] == "failback"
    assert answer["state"]["drained_region"] is None
    assert answer["state"]["changes"] == 2
    assert world.kinds == ["failover", "failback"]
    assert [call["MetricData"][0]["MetricName"] for call in world.measured] == [
        "Failovers",
        "Failbacks",
    ]


def test_an_operator_need_not_wait(world):
    for expected in ["failover", "failback", "failover", "failback"]:
        assert ask(expected)["decision"] == expected


def test_an_operator_who_asks_twice_changes_nothing(world):
    assert ask("failback")["decision"] == "already"
    ask("failover")
    assert ask("failover")["decision"] == "already"
    ask("failback")
    assert ask("failback")["decision"] == "already"
    assert world.kinds == ["failover", "failback"]


def test_a_failback_that_was_not_announced_is_announced_later(world):
    ask("failover")
    world.topic_failure = client_error("InternalError", "Publish")
    with pytest.raises(ClientError):
        ask("failback")
    world.topic_failure = None
    assert ask("failback")["decision"] == "already"
    assert world.kinds == ["failover", "failback"]


def test_the_status_is_only_read(world):
    answer = ask("status")
    assert answer["decision"] == "status"
    assert answer["state"]["changes"] == 0
    assert answer["state"]["changed_at"] is None
    assert not world.table.writes and not world.published
    json.dumps(answer)


def test_answers_are_json(world):
    json.dumps(ask("failover"))
    json.dumps(failover.handler(alarm(), CONTEXT))


@pytest.mark.parametrize("event", [{}, {"action": None}, {"action": "explode"}])
def test_an_unknown_request_is_refused(event):
    with pytest.raises(failover.BadRequest):
        failover.handler(event, CONTEXT)


# Logs


def lines(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(
    ("event", "decision"),
    [
        (alarm(), "failover"),
        (alarm("payment-dlq"), "noted"),
        (alarm(NewStateValue="OK"), "ignored"),
        (notification({"source": "payment-processing"}), "ignored"),
        ({"action": "status"}, "status"),
    ],
)
def test_every_decision_is_logged_with_its_reason(capsys, event, decision):
    failover.handler(event, CONTEXT)
    last = lines(capsys)[-1]
    assert last["message"] == "Decided"
    assert last["decision"] == decision
    assert last["reason"]
    assert last["request_id"] == "request-1"
    assert last["environment"] == "test"
    assert last["region"] == SECONDARY


def test_the_log_names_the_alarm(capsys):
    failover.handler(alarm(), None)
    last = lines(capsys)[-1]
    assert last["alarm"] == "payment-api-latency-test-us-east-1"
    assert last["alarm_region"] == PRIMARY
