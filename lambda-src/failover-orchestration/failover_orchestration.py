"""Decides whether payments move from the primary region to the secondary.

It runs in the secondary and uses nothing of the primary: neither its services
nor the control plane of Route 53, which lives in us-east-1. It moves traffic
by *draining* the primary: a mark in the secondary's replica of the table,
which replication carries over. While it is there, `GET /health` of the primary
answers 503, and Route 53's own health checks send everyone to the secondary.
A primary that is too sick to replicate fails its health checks anyway.

What reaches the handler:

- alarms of CloudWatch, through the topics of both regions;
- alerts of the functions and its own announcements, which share these topics
  and are left alone;
- an operator: `{"action": "failover" | "failback" | "status", "reason": "…"}`.

Deciding twice is deciding once: the mark is set by a conditional write. After
a change in either direction, alarms change nothing for a while, and never back:
only an operator returns to the primary.
"""

import datetime
import functools
import json
import os
import re
import time

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

STATE_KEY = "control#failover"
HEARTBEAT_KEY = "control#heartbeat#{region}"
SECONDS_UNTIL_LOST = 180  # six heartbeats

# What makes an alarm critical: a word of its name, or the service it watches.
CRITICAL_WORDS = {"api", "lambda", "dynamodb"}
CRITICAL_NAMESPACES = {"AWS/ApiGateway", "AWS/Lambda", "AWS/DynamoDB"}

SOURCE = "payment-failover"
NAMESPACE = "PaymentProcessing"
REASON_LENGTH = 300


class BadRequest(Exception):
    """An operator asked for what does not exist."""


def handler(event, context):
    """Entry point of the function: messages of topics, or an operator."""
    if "Records" in event:
        return {"decisions": [receive(record["Sns"], context) for record in event["Records"]]}
    return obey(event, context)


# Alarms


def receive(notification, context):
    """Decides on one message of a topic, and logs why."""
    alarm = alarm_of(notification)
    if alarm is None:
        return decided("ignored", "it is no alarm", {}, context)
    decision, why = decide(alarm)
    if decision == "failover":
        decision, why = drain(reason_of(alarm), alarm["name"], context, alarm["changed_at"])
    if decision == "refused":
        announce(decision, why, alarm["name"], context)
    return decided(decision, why, alarm, context)


def alarm_of(notification):
    """Returns what an alarm says, or None for any other message.

    Its region is that of the topic, since an alarm tells its own region only.
    """
    try:
        message = json.loads(notification["Message"])
    except (ValueError, TypeError, RecursionError):
        return None
    if not isinstance(message, dict) or message.get("source") == SOURCE:
        return None
    name, state = message.get("AlarmName"), message.get("NewStateValue")
    if not isinstance(name, str) or not isinstance(state, str):
        return None
    trigger = message.get("Trigger")
    return {
        "name": name,
        "state": state,
        "region": notification["TopicArn"].split(":")[3],
        "namespace": trigger.get("Namespace") if isinstance(trigger, dict) else None,
        "reason": str(message.get("NewStateReason", "")),
        "changed_at": seconds_of(message.get("StateChangeTime")),
    }


def seconds_of(moment):
    """Returns a time such as 2026-01-15T10:30:00.123+0000 in seconds since 1970."""
    try:
        text = re.sub(r"(Z|\+0000)$", "+00:00", moment)
        return int(datetime.datetime.fromisoformat(text).timestamp())
    except (ValueError, TypeError):
        return None


def is_critical(alarm):
    """Whether an alarm tells of what payments cannot do without."""
    words = set(re.split(r"[^a-z0-9]+", alarm["name"].lower()))
    return not words.isdisjoint(CRITICAL_WORDS) or alarm["namespace"] in CRITICAL_NAMESPACES


def decide(alarm):
    """Returns a decision on an alarm, and the reason for it."""
    if alarm["state"] != "ALARM":
        return "ignored", f"its state is {alarm['state']}"
    if alarm["name"] == os.environ.get("TAKEOVER_ALARM"):
        return decide_takeover()
    if not is_critical(alarm):
        return "noted", "it is not critical"
    if alarm["region"] != primary():
        if is_drained(state()):
            return "refused", f"{alarm['region']} is in trouble, and {primary()} is drained already"
        return "noted", f"{alarm['region']} does not serve, so nothing is to be moved"
    return "failover", "it is critical"


def decide_takeover():
    """Decides on payments that arrive in the secondary.

    Either Route 53 has moved, or somebody calls the secondary directly. The
    primary's heartbeat tells one from the other.
    """
    key = {"transaction_id": HEARTBEAT_KEY.format(region=primary())}
    heartbeat = table().get_item(Key=key, ConsistentRead=True).get("Item")
    if heartbeat is None:
        return "noted", f"payments arrive here, and {primary()} was never seen alive"
    silence = int(time.time()) - int(heartbeat["beat_at"])
    if silence < SECONDS_UNTIL_LOST:
        return "noted", f"payments arrive here, but {primary()} is alive"
    return "failover", f"payments arrive here, and {primary()} is silent"


def reason_of(alarm):
    """Returns the reason that is kept with a failover."""
    return f"{alarm['name']}: {alarm['reason']}"[:REASON_LENGTH]


# Operators


def obey(event, context):
    """Does what an operator asks for."""
    action = event.get("action")
    reason = f"an operator: {event.get('reason') or 'no reason given'}"[:REASON_LENGTH]
    if action == "failover":
        decision, why = drain(reason, None, context)
    elif action == "failback":
        decision, why = undrain(reason, context)
    elif action == "status":
        decision, why = "status", "asked for"
    else:
        raise BadRequest("action must be failover, failback or status")
    return {**decided(decision, why, {}, context), "state": shown(state())}


# The state


def state():
    """Returns the mark, as this region's replica has it."""
    key = {"transaction_id": STATE_KEY}
    return table().get_item(Key=key, ConsistentRead=True).get("Item", {})


def is_drained(mark):
    """Whether the primary is drained."""
    return mark.get("drained_region") == primary()


def drain(reason, alarm, context, changed_at=None):
    """Drains the primary. An alarm cannot do so soon after a change."""
    mark = state()
    if is_drained(mark):
        announce_once("failover", mark, context)
        return "already", f"{primary()} is drained since {time_of(mark['changed_at'])}"
    since = int(mark.get("changed_at", 0))
    if alarm is not None and changed_at is not None and changed_at < since:
        return "ignored", "it is older than the last change"
    if alarm is not None and time.time() - since < cooldown():
        return "refused", f"the last change was less than {cooldown()} seconds ago"
    return change("failover", mark, {"drained_region": primary(), "alarm": alarm}, reason, context)


def undrain(reason, context):
    """Lets the primary serve again."""
    mark = state()
    if not is_drained(mark):
        if mark:
            announce_once("failback", mark, context)
        return "already", f"{primary()} is not drained"
    return change("failback", mark, {}, reason, context)


def change(decision, mark, content, reason, context):
    """Writes a new mark, unless another invocation has, and announces it."""
    generation = int(mark.get("generation", 0))
    new = {
        "transaction_id": STATE_KEY,
        "changed_at": int(time.time()),
        "reason": reason,
        "generation": generation + 1,
        **{name: value for name, value in content.items() if value is not None},
    }
    try:
        table().put_item(
            Item=new,
            ConditionExpression="attribute_not_exists(generation) OR generation = :generation",
            ExpressionAttributeValues={":generation": generation},
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        return "already", "another invocation was faster"
    announce_once(decision, new, context)
    return decision, reason


def announce_once(decision, mark, context):
    """Announces a change, and notes that it is done.

    It is told first and noted then, so that whoever finds the note missing
    tells it: rather twice than never.
    """
    if "announced_at" in mark:
        return
    announce(decision, mark["reason"], mark.get("alarm"), context)
    measure(decision, context)
    try:
        table().update_item(
            Key={"transaction_id": STATE_KEY},
            UpdateExpression="SET announced_at = :now",
            ConditionExpression="generation = :generation",
            ExpressionAttributeValues={
                ":now": int(time.time()),
                ":generation": mark["generation"],
            },
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise


def shown(mark):
    """Returns the mark as JSON can say it."""
    return {
        "primary": primary(),
        "drained_region": mark.get("drained_region"),
        "changed_at": time_of(mark["changed_at"]) if mark else None,
        "reason": mark.get("reason"),
        "changes": int(mark.get("generation", 0)),
    }


# Announcements, metrics, logs


def announce(decision, why, alarm, context):
    """Publishes on the topic of this region.

    It is an object with `source` and without `AlarmName`: no subscriber, this
    function least of all, can take it for an alarm.
    """
    message = {
        "source": SOURCE,
        "kind": decision,
        "reason": why,
        "alarm": alarm,
        "primary": primary(),
        "region": region(),
        "environment": os.environ.get("ENVIRONMENT"),
        "time": time_of(time.time()),
        "effect": EFFECTS[decision],
    }
    topic().publish(
        TopicArn=os.environ["TOPIC_ARN"],
        Subject=f"Payment {decision} of {os.environ.get('ENVIRONMENT')} decided in {region()}",
        Message=json.dumps(message),
        MessageAttributes={"kind": {"DataType": "String", "StringValue": decision}},
    )
    log("INFO", "Announced", context, decision=decision)


EFFECTS = {
    "failover": "GET /health of the primary answers 503 as soon as the mark has been replicated; "
    "Route 53 follows within its check interval and the records' time to live",
    "failback": "GET /health of the primary answers 200 again as soon as the mark has been "
    "replicated, and Route 53 returns to it",
    "refused": "nothing was changed",
}


def measure(decision, context):
    """Counts a change. Failover does not depend on it."""
    name = {"failover": "Failovers", "failback": "Failbacks"}[decision]
    environment = os.environ.get("ENVIRONMENT", "unknown")
    datum = {
        "MetricName": name,
        "Value": 1,
        "Unit": "Count",
        "Dimensions": [{"Name": "Environment", "Value": environment}],
    }
    try:
        metrics().put_metric_data(Namespace=NAMESPACE, MetricData=[datum])
    except (ClientError, BotoCoreError) as error:
        log("WARNING", "MetricsLost", context, error=type(error).__name__)


def decided(decision, why, alarm, context):
    """Logs a decision and returns it."""
    name, place = alarm.get("name"), alarm.get("region")
    log("INFO", "Decided", context, decision=decision, reason=why, alarm=name, alarm_region=place)
    return {"decision": decision, "reason": why}


def log(level, message, context, **details):
    """Writes one line of JSON."""
    line = {
        "level": level,
        "message": message,
        "request_id": getattr(context, "aws_request_id", None),
        "environment": os.environ.get("ENVIRONMENT"),
        "region": region(),
        **details,
    }
    print(json.dumps({name: value for name, value in line.items() if value is not None}))


# Settings and connections, which outlive an invocation


def primary():
    """Returns the region that payments are taken in."""
    return os.environ["PRIMARY_REGION"]


def region():
    """Returns the region that the function runs in: the secondary."""
    return os.environ.get("AWS_REGION", "unknown")


def cooldown():
    """Returns the seconds after a change in which alarms change nothing."""
    return int(os.environ.get("COOLDOWN_SECONDS", "900"))


def time_of(seconds):
    """Returns a number of seconds since 1970 as a time in UTC."""
    moment = datetime.datetime.fromtimestamp(int(seconds), datetime.timezone.utc)
    return moment.isoformat(timespec="seconds")


@functools.cache
def table():
    """Returns the secondary's replica of the table."""
    resource = boto3.resource("dynamodb", config=config())
    return resource.Table(os.environ["DYNAMODB_TABLE_NAME"])


@functools.cache
def topic():
    """Returns the client of the topic."""
    return boto3.client("sns", config=config())


@functools.cache
def metrics():
    """Returns the client of the metrics."""
    return boto3.client("cloudwatch", config=config())


def config():
    """Limits how long a call may take, so that all fit into 60 seconds."""
    return Config(
        connect_timeout=2,
        read_timeout=4,
        retries={"mode": "standard", "total_max_attempts": 2},
    )
