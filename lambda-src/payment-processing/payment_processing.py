"""Processes the payments of the queue.

A message names a payment; the table says what it is and how far it got. So a
message that is delivered again changes nothing and tells nobody twice, and
whatever was cut short is completed by the next delivery:

    validated → processed            and, over 10,000, an alert
    validated → failed               with an alert, at the last delivery

A message that fails is reported on its own: its neighbours in the batch are
done. After the last of its deliveries the queue moves it to the dead letters,
from where it may be sent again; a failed payment can still be processed.
"""

import datetime
import decimal
import functools
import json
import os

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

HIGH_VALUE = decimal.Decimal(10_000)  # amounts over it raise an alert
NAMESPACE = "PaymentProcessing"

# Below this no further message is begun: what is cut off by the end of the
# invocation would take the whole batch with it.
MILLISECONDS_FOR_A_MESSAGE = 20_000

# What an alert carries so that subscribers can tell it from an alarm.
SOURCE = "payment-processing"


class BadMessage(Exception):
    """The message names no payment."""


class UnknownPayment(Exception):
    """The table has no such payment, or not yet."""


class DamagedPayment(Exception):
    """The payment in the table is not what validation writes."""


class OutOfTime(Exception):
    """The invocation ends too soon for another message."""


def handler(event, context):
    """Entry point of the function: a batch of the queue."""
    failures = []
    counts = {"PaymentsProcessed": 0, "PaymentsFailed": 0, "HighValuePayments": 0}
    for record in event["Records"]:
        if not process(record, context, counts):
            failures.append({"itemIdentifier": record["messageId"]})
    count(counts, context)
    return {"batchItemFailures": failures}


def process(record, context, counts):
    """Processes a message and returns whether it is done with."""
    transaction_id = None
    try:
        transaction_id = transaction_of(record)
        if milliseconds_left(context) < MILLISECONDS_FOR_A_MESSAGE:
            # A failure like any other: this delivery may be the last.
            raise OutOfTime("no time was left for the message")
        settle(transaction_id, context, counts)
        return True
    except Exception as error:
        attempt = attempt_of(record)
        log("ERROR", "Failed", context, transaction_id, attempt=attempt, **cause(error))
        if attempt >= int(os.environ.get("MAX_ATTEMPTS", "3")):
            counts["PaymentsFailed"] += give_up(transaction_id, record, error, context)
        return False


def transaction_of(record):
    """Returns the identifier of the payment that a message names."""
    try:
        message = json.loads(record["body"])
    except (ValueError, TypeError, RecursionError):
        raise BadMessage("the message is not valid JSON") from None
    value = message.get("transaction_id") if isinstance(message, dict) else None
    # "#" marks the items by which the regions talk; they are no payments.
    if not isinstance(value, str) or not 0 < len(value) <= 128 or "#" in value:
        raise BadMessage("the message has no transaction_id")
    return value


def attempt_of(record):
    """Returns which delivery of the message this is, beginning with 1."""
    return int(record.get("attributes", {}).get("ApproximateReceiveCount", "1"))


# The payment's way


def settle(transaction_id, context, counts):
    """Brings a payment to its end, wherever an earlier delivery left it."""
    payment = read(transaction_id)
    check(payment)
    if payment["status"] != "processed":
        mark_processed(transaction_id)
        counts["PaymentsProcessed"] += 1
        log("INFO", "Processed", context, transaction_id)
    else:
        log("INFO", "AlreadyProcessed", context, transaction_id)
    if payment["amount"] > HIGH_VALUE and "alerted_at" not in payment:
        # Told first and noted then: rather twice than never.
        alert("high-value-payment", "High-value payment", transaction_id, payment)
        note(transaction_id, "alerted_at")
        counts["HighValuePayments"] += 1


def read(transaction_id):
    """Returns a payment from the table."""
    key = {"transaction_id": transaction_id}
    payment = table().get_item(Key=key, ConsistentRead=True).get("Item")
    if payment is None:
        raise UnknownPayment("the table has no such payment")
    return payment


def check(payment):
    """Refuses what validation would not have written."""
    if payment.get("status") not in ("validated", "failed", "processed"):
        raise DamagedPayment("the payment has no status from which it can be processed")
    if not isinstance(payment.get("amount"), decimal.Decimal) or payment["amount"] <= 0:
        raise DamagedPayment("the payment has no positive amount")


def mark_processed(transaction_id):
    """Sets the status; a delivery at the same time may have been faster."""
    update(
        transaction_id,
        "SET #status = :processed, processed_at = :now, processed_in = :region"
        " REMOVE failed_at, error_message, failure_alerted_at",
        "#status IN (:validated, :failed)",
        {
            ":processed": "processed",
            ":validated": "validated",
            ":failed": "failed",
            ":now": now(),
            ":region": region(),
        },
    )


def mark_failed(transaction_id, reason):
    """Sets the status, unless the payment has been processed after all."""
    return update(
        transaction_id,
        "SET #status = :failed, failed_at = :now, error_message = :reason",
        "#status IN (:validated, :failed)",
        {
            ":failed": "failed",
            ":validated": "validated",
            ":now": now(),
            ":reason": reason,
        },
    )


def note(transaction_id, name):
    """Remembers that something was told."""
    update(transaction_id, f"SET {name} = :now", "attribute_exists(#status)", {":now": now()})


def update(transaction_id, expression, condition, values):
    """Changes a payment, and returns whether the condition held."""
    names = {"#status": "status"}
    try:
        table().update_item(
            Key={"transaction_id": transaction_id},
            UpdateExpression=expression,
            ConditionExpression=condition,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=values,
        )
        return True
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        return False


# Failing for good


def give_up(transaction_id, record, error, context):
    """Marks the payment as failed and tells of it, and returns whether it is.

    The message goes to the dead letters whatever happens here, so that a
    failure of the telling is only logged.
    """
    reason = reason_of(error)
    try:
        payment = None
        if transaction_id is not None:
            marked = mark_failed(transaction_id, reason)
            payment = payment_or_none(transaction_id)
            if payment and not marked:
                # It is processed, and only its alert is missing.
                return False
        if payment is None or "failure_alerted_at" not in payment:
            details = {"reason": reason, "message_id": record["messageId"]}
            alert("payment-failed", "Payment failed", transaction_id, payment, **details)
        if payment is not None:
            note(transaction_id, "failure_alerted_at")
    except Exception as problem:
        log("ERROR", "FailureNotTold", context, transaction_id, **cause(problem))
    return True


def payment_or_none(transaction_id):
    """Returns a payment from the table if it is there."""
    try:
        return read(transaction_id)
    except UnknownPayment:
        return None


def reason_of(error):
    """Returns what is said of an error: never a text that AWS or Python wrote."""
    if isinstance(error, (BadMessage, UnknownPayment, DamagedPayment, OutOfTime)):
        return str(error)
    if isinstance(error, ClientError):
        return f"{error.operation_name}: {error.response.get('Error', {}).get('Code')}"
    return type(error).__name__


# Alerts, metrics, logs


def alert(kind, subject, transaction_id, payment, **details):
    """Publishes an alert on the region's own topic.

    It is an object with `source` and `kind` and without `AlarmName`, so that
    the failover function cannot take it for an alarm.
    """
    message = {
        "source": SOURCE,
        "kind": kind,
        "transaction_id": transaction_id,
        "region": region(),
        "environment": os.environ.get("ENVIRONMENT"),
        "time": now(),
        **details,
    }
    if payment:
        message["amount"] = str(payment.get("amount"))
        message["currency"] = payment.get("currency")
    topic().publish(
        TopicArn=os.environ["TOPIC_ARN"],
        Subject=f"{subject} in {region()}",
        Message=json.dumps(message),
        MessageAttributes={"kind": {"DataType": "String", "StringValue": kind}},
    )


def count(counts, context):
    """Sends the metrics of a batch. Payments do not depend on it."""
    data = [
        {"MetricName": name, "Value": value, "Unit": "Count", "Dimensions": dimensions()}
        for name, value in counts.items()
        if value
    ]
    if not data:
        return
    try:
        metrics().put_metric_data(Namespace=NAMESPACE, MetricData=data)
    except (ClientError, BotoCoreError) as error:
        log("WARNING", "MetricsLost", context, None, **cause(error))


def dimensions():
    """Returns what the metrics are told apart by."""
    return [{"Name": "Environment", "Value": os.environ.get("ENVIRONMENT", "unknown")}]


@functools.cache
def table():
    """Returns the table; the connection outlives an invocation."""
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
    """Limits how long a call may take."""
    return Config(
        connect_timeout=2,
        read_timeout=4,
        retries={"mode": "standard", "total_max_attempts": 2},
    )


def milliseconds_left(context):
    """Returns how long the invocation may still take."""
    left = getattr(context, "get_remaining_time_in_millis", None)
    return left() if left else float("inf")


def region():
    """Returns the region that the function runs in."""
    return os.environ.get("AWS_REGION", "unknown")


def now():
    """Returns the time in UTC."""
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")


def cause(error):
    """Names an error without a text that may quote the payment."""
    details = {"error": type(error).__name__, "reason": reason_of(error)}
    if isinstance(error, ClientError):
        details["code"] = error.response.get("Error", {}).get("Code")
        details["operation"] = error.operation_name
    return details


def log(level, message, context, transaction_id, **details):
    """Writes one line of JSON; no amount and no customer is ever in it."""
    line = {
        "level": level,
        "message": message,
        "transaction_id": transaction_id,
        "request_id": getattr(context, "aws_request_id", None),
        "environment": os.environ.get("ENVIRONMENT"),
        "region": region(),
        **details,
    }
    print(json.dumps({name: value for name, value in line.items() if value is not None}))
