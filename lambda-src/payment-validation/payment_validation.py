"""Takes a payment: checks it, stores it once and queues it for processing.

Behind API Gateway's proxy integration it answers two routes:

- `POST /validate` stores a valid payment and queues it. Repeating the request
  is safe and completes whatever an earlier attempt left undone.
- `GET /health` says whether the region may serve. Route 53 asks for it, so it
  answers quickly or not at all. It fails when the region's table cannot be
  read, and when the region is drained, by a failover or in a drill.
"""

import base64
import datetime
import decimal
import functools
import json
import os
import re
import time

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

AMOUNT_LIMIT = decimal.Decimal(100_000)  # amounts stay under it
CURRENCIES = ("USD", "EUR", "GBP")  # two decimal places in all of them
CENT = decimal.Decimal("0.01")

# What makes two payments the same. When and where it arrived does not: a
# retry may well come in another region.
CONTENT = ("amount", "currency", "customer_id", "payment_method")

IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
METHOD = re.compile(r"[A-Za-z][A-Za-z_-]{0,31}")
PLAIN_DECIMAL = re.compile(r"[+-]?\d{1,64}(\.\d{1,64})?", re.ASCII)

# The table also holds what the regions tell each other. No identifier of a
# payment contains "#", so that none can reach these items.
FAILOVER_KEY = "control#failover"
HEARTBEAT_KEY = "control#heartbeat#{region}"
SECONDS_BETWEEN_HEARTBEATS = 30

last_heartbeat = None


class InvalidPayment(Exception):
    """The payment itself is wrong. The text says how, without its values."""


class PaymentConflict(Exception):
    """The identifier already belongs to another payment."""


def handler(event, context):
    """Entry point of the function. Every outcome is a response."""
    method = event.get("httpMethod")
    if method == "GET":
        return health(context)
    if method == "POST":
        return validate(event, context)
    return response(405, {"error": "use POST /validate or GET /health"})


# POST /validate


def validate(event, context):
    """Checks, stores and queues the payment of a request."""
    transaction_id = None
    try:
        payment = document_of(event)
        transaction_id = loggable_id(payment)
        item = item_of(payment)
        status = store(item)
        # An earlier attempt may have ended between the two. A second message
        # does no harm: processing looks at the payment's status.
        if status != "processed":
            enqueue(item["transaction_id"])
        log("INFO", "Validated", context, transaction_id, status=status)
        return response(
            200,
            {"message": "Payment validated", "transaction_id": transaction_id, "status": status},
        )
    except InvalidPayment as error:
        log("WARNING", "InvalidPayment", context, transaction_id, reason=str(error))
        return response(400, {"error": str(error)})
    except PaymentConflict as error:
        log("WARNING", "PaymentConflict", context, transaction_id, reason=str(error))
        return response(409, {"error": str(error)})
    except Exception as error:
        log("ERROR", "Failed", context, transaction_id, **cause(error))
        return response(500, {"error": "the payment could not be taken, please try again"})


def document_of(event):
    """Returns the payment in a request's body."""
    body = event.get("body")
    if not body:
        raise InvalidPayment("the request has no body")
    try:
        if event.get("isBase64Encoded"):
            body = base64.b64decode(body, validate=True).decode("utf-8")
        # Exact decimals: a float would already have lost what was written.
        document = json.loads(body, parse_float=decimal.Decimal, parse_constant=refuse_constant)
    except (ValueError, TypeError, ArithmeticError, RecursionError):
        raise InvalidPayment("the body is not valid JSON") from None
    if not isinstance(document, dict):
        raise InvalidPayment("the payment must be a JSON object")
    return document


def refuse_constant(name):
    """NaN and the infinities are no JSON, though Python reads them."""
    raise ValueError(name)


def item_of(payment):
    """Returns the table item of a payment, every field checked."""
    return {
        "transaction_id": identifier(payment, "transaction_id"),
        "amount": amount(payment),
        "currency": currency(payment),
        "customer_id": identifier(payment, "customer_id"),
        "payment_method": payment_method(payment),
        "status": "validated",
        "validated_at": now(),
        "region": region(),
    }


def present(payment, name):
    """Returns a field that must be there."""
    if payment.get(name) is None:
        raise InvalidPayment(f"{name} is missing")
    return payment[name]


def identifier(payment, name):
    """Checks an identifier."""
    value = present(payment, name)
    if not isinstance(value, str) or not IDENTIFIER.fullmatch(value):
        raise InvalidPayment(
            f"{name} must be 1 to 128 letters, digits or . _ : - and begin with a letter or digit"
        )
    return value


def amount(payment):
    """Returns a positive amount as an exact decimal."""
    number = number_of(present(payment, "amount"))
    if number is None or number <= 0:
        raise InvalidPayment("amount must be a positive decimal number")
    if number >= AMOUNT_LIMIT:
        raise InvalidPayment(f"amount must be under {AMOUNT_LIMIT}")
    exact = number.quantize(CENT)
    if exact != number:
        raise InvalidPayment("amount must have at most two decimal places")
    return exact


def number_of(value):
    """Returns a JSON number, or a plain decimal in a string, as a Decimal."""
    if isinstance(value, bool) or not isinstance(value, (int, str, decimal.Decimal)):
        return None
    if isinstance(value, str) and not PLAIN_DECIMAL.fullmatch(value):
        return None
    return decimal.Decimal(value)


def currency(payment):
    """Checks the currency's code."""
    value = present(payment, "currency")
    if value not in CURRENCIES:
        raise InvalidPayment(f"currency must be one of {', '.join(CURRENCIES)}")
    return value


def payment_method(payment):
    """Checks the name of the method; a card number is none."""
    value = present(payment, "payment_method")
    if not isinstance(value, str) or not METHOD.fullmatch(value):
        raise InvalidPayment(
            "payment_method must be a name such as credit_card: 1 to 32 letters, _ or -"
        )
    return value


def store(item):
    """Writes a payment unless its identifier is taken, and returns its status.

    The condition sees the table of this region alone: two regions that write
    the same identifier within the replication delay are settled by DynamoDB,
    the last writer winning.
    """
    try:
        table().put_item(Item=item, ConditionExpression="attribute_not_exists(transaction_id)")
        return item["status"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        refused = error
    key = {"transaction_id": item["transaction_id"]}
    stored = table().get_item(Key=key, ConsistentRead=True).get("Item")
    if stored is None:
        # Deleted in between: neither stored nor in conflict, so try again.
        raise refused
    if any(stored.get(name) != item[name] for name in CONTENT):
        raise PaymentConflict("another payment with this transaction_id exists already")
    return stored["status"]


def enqueue(transaction_id):
    """Queues a payment by its identifier; what it is stays in the table."""
    queue().send_message(
        QueueUrl=os.environ["QUEUE_URL"],
        MessageBody=json.dumps({"transaction_id": transaction_id}),
    )


# GET /health


def health(context):
    """Tells Route 53 whether this region may serve."""
    here = region()
    try:
        key = {"transaction_id": FAILOVER_KEY}
        state = health_table().get_item(Key=key, ConsistentRead=True).get("Item", {})
        if state.get("drained_region") == here:
            return response(503, {"status": "drained", "region": here})
        send_heartbeat(here)
    except (ClientError, BotoCoreError) as error:
        log("ERROR", "Unhealthy", context, None, **cause(error))
        return response(503, {"status": "unhealthy", "region": here})
    return response(200, {"status": "healthy", "region": here})


def send_heartbeat(here):
    """Leaves a sign of life in the table, which carries it to the other region."""
    global last_heartbeat
    moment = time.monotonic()
    if last_heartbeat is not None and moment - last_heartbeat < SECONDS_BETWEEN_HEARTBEATS:
        return
    item = {"transaction_id": HEARTBEAT_KEY.format(region=here), "beat_at": int(time.time())}
    health_table().put_item(Item=item)
    last_heartbeat = moment


# Connections, which outlive an invocation


@functools.cache
def table():
    """Returns the table. All attempts of all calls fit into 30 seconds."""
    return boto3.resource("dynamodb", config=config(1, 3, 2)).Table(
        os.environ["DYNAMODB_TABLE_NAME"]
    )


@functools.cache
def health_table():
    """Returns the table for checks: Route 53 waits for two seconds only."""
    return boto3.resource("dynamodb", config=config(0.5, 0.5, 2)).Table(
        os.environ["DYNAMODB_TABLE_NAME"]
    )


@functools.cache
def queue():
    """Returns the client of the queue."""
    return boto3.client("sqs", config=config(1, 3, 2))


def config(connect_timeout, read_timeout, attempts):
    """Limits how long a call may take."""
    return Config(
        connect_timeout=connect_timeout,
        read_timeout=read_timeout,
        retries={"mode": "standard", "total_max_attempts": attempts},
    )


# Answers and logs


def region():
    """Returns the region that the function runs in."""
    return os.environ.get("AWS_REGION", "unknown")


def now():
    """Returns the time in UTC."""
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")


def response(status, body):
    """Returns a response in the form that the proxy integration expects."""
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json", "Cache-Control": "no-store"},
        "body": json.dumps(body),
    }


def loggable_id(payment):
    """Returns the identifier if it is one: anything else could be a secret."""
    value = payment.get("transaction_id")
    return value if isinstance(value, str) and IDENTIFIER.fullmatch(value) else None


def cause(error):
    """Names an unexpected error without its text, which may quote the payment."""
    details = {"error": type(error).__name__}
    if isinstance(error, ClientError):
        details["code"] = error.response.get("Error", {}).get("Code")
        details["operation"] = error.operation_name
    return details


def log(level, message, context, transaction_id, **details):
    """Writes one line of JSON; no amount, customer or body is ever in it."""
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
