"""Stores a payment once, whoever sends it and however often.

Two kinds of callers reach the handler, and they need different answers:

- API Gateway (proxy integration) always gets an HTTP response. Nothing of an
  unexpected error leaves the function.
- Step Functions, directly or with a failover event, gets exceptions, so that
  the workflow's Retry and Catch see them. `InvalidTransaction` and
  `TransactionConflict` mean that repeating is pointless.
"""

import base64
import datetime
import decimal
import functools
import json
import os
import re

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

# DynamoDB keeps 38 significant digits. Money needs far fewer; what exceeds
# these is a mistake, and refusing it is better than rounding it.
MAX_INTEGER_DIGITS = 15
MAX_DECIMAL_PLACES = 4
SMALLEST_STEP = decimal.Decimal(1).scaleb(-MAX_DECIMAL_PLACES)

# Four digits for the year keep every accepted moment printable as ISO 8601.
MAX_EPOCH = 253402300799

DEFAULT_CURRENCY = "USD"
STATUS = "processed"

# What makes two payments the same. The status and the region that stored it
# do not: a retry may well arrive in another region.
CONTENT = ("Amount", "Currency", "Timestamp")

IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
DATE_TIME = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}(?::\d{2})?)(?:[.,]\d{1,9})?([Zz]|[+-]\d{2}:?\d{2})?",
    re.ASCII,
)
PLAIN_DECIMAL = re.compile(r"[+-]?\d{1,64}(\.\d{1,64})?", re.ASCII)

# Active ISO 4217 codes, without those for funds, metals, testing and "none".
CURRENCIES = frozenset(
    """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL
    BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD
    EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR
    ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP
    LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD
    NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR
    SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP
    TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF
    YER ZAR ZMW ZWG
    """.split()
)


class InvalidTransaction(Exception):
    """The payment itself is wrong. The text says how, without its values."""


class TransactionConflict(Exception):
    """The identifier already belongs to another payment."""


def handler(event, context):
    """Entry point of the function."""
    if is_api_call(event):
        return answer_api(event, context)
    return answer_workflow(event, context)


def answer_workflow(event, context):
    """Processes the payload of a state machine. Failures are raised."""
    transaction_id = None
    try:
        transaction = transaction_of(event)
        transaction_id = loggable_id(transaction)
        return process(transaction, context, "workflow")
    except (InvalidTransaction, TransactionConflict) as error:
        log("WARNING", type(error).__name__, context, transaction_id, reason=str(error))
        raise
    except Exception as error:
        log("ERROR", "Failed", context, transaction_id, **cause(error))
        raise


def answer_api(event, context):
    """Processes a request of API Gateway. Every outcome is a response."""
    transaction_id = None
    try:
        transaction = transaction_of(body_of(event))
        transaction_id = loggable_id(transaction)
        return process(transaction, context, "api")
    except InvalidTransaction as error:
        log("WARNING", type(error).__name__, context, transaction_id, reason=str(error))
        return response(400, {"error": str(error)})
    except TransactionConflict as error:
        log("WARNING", type(error).__name__, context, transaction_id, reason=str(error))
        return response(409, {"error": str(error)})
    except Exception as error:
        # The caller may repeat the request safely: the identifier sees to it.
        log("ERROR", "Failed", context, transaction_id, **cause(error))
        return response(500, {"error": "the transaction could not be processed, please try again"})


def process(transaction, context, source):
    """Validates and stores one payment, and returns the success response."""
    item = item_of(transaction)
    repeated = not store(table(), item)
    log("INFO", "Processed", context, item["TransactionId"], source=source, repeated=repeated)
    return response(
        200,
        {
            "message": "Transaction processed successfully",
            "transactionId": item["TransactionId"],
        },
    )


# Reading the event


def is_api_call(event):
    """Whether API Gateway's proxy integration sent the event."""
    marks = {"httpMethod", "requestContext", "body"}
    return isinstance(event, dict) and not marks.isdisjoint(event)


def body_of(event):
    """Returns the JSON document in a request's body."""
    body = event.get("body")
    if not body:
        raise InvalidTransaction("the request has no body")
    try:
        if event.get("isBase64Encoded"):
            body = base64.b64decode(body, validate=True).decode("utf-8")
        # Exact decimals: a float would already have lost what was written.
        return json.loads(body, parse_float=decimal.Decimal, parse_constant=refuse_constant)
    except (ValueError, TypeError, ArithmeticError, RecursionError):
        raise InvalidTransaction("the body is not valid JSON") from None


def refuse_constant(name):
    """NaN and the infinities are no JSON, though Python reads them."""
    raise ValueError(name)


def transaction_of(document):
    """Finds the payment in a document: wrapped, in an event's detail, or bare."""
    for wrapping in (document, field(document, "detail")):
        if isinstance(wrapping, dict) and "transaction" in wrapping:
            document = wrapping["transaction"]
            break
    if not isinstance(document, dict):
        raise InvalidTransaction("the transaction must be an object")
    return document


def field(document, name):
    """Returns a field of what may not even be an object."""
    return document.get(name) if isinstance(document, dict) else None


# Validation


def item_of(transaction):
    """Returns the table item of a payment, every field checked."""
    return {
        "TransactionId": identifier(transaction.get("id")),
        "Amount": amount(transaction.get("amount")),
        "Currency": currency(transaction.get("currency", DEFAULT_CURRENCY)),
        "Timestamp": timestamp(transaction.get("timestamp")),
        "Status": STATUS,
        "Region": os.environ.get("AWS_REGION", "unknown"),
    }


def identifier(value):
    """Checks the payment's identifier."""
    if not isinstance(value, str) or not IDENTIFIER.fullmatch(value):
        raise InvalidTransaction(
            "id must be 1 to 128 letters, digits or . _ : - and begin with a letter or digit"
        )
    return value


def amount(value):
    """Returns a positive amount as an exact decimal."""
    number = number_of(value)
    if number is None or number <= 0:
        raise InvalidTransaction("amount must be a positive decimal number")
    exact = number.quantize(SMALLEST_STEP) if number.adjusted() < MAX_INTEGER_DIGITS else None
    if exact != number:
        raise InvalidTransaction(
            f"amount must have at most {MAX_INTEGER_DIGITS} digits before"
            f" and {MAX_DECIMAL_PLACES} after the decimal point"
        )
    # Without trailing zeros, and never as 1E+2.
    return exact.quantize(1) if exact == exact.to_integral_value() else exact.normalize()


def currency(value):
    """Checks the currency's code."""
    if not isinstance(value, str) or value not in CURRENCIES:
        raise InvalidTransaction("currency must be an ISO 4217 code such as USD or EUR")
    return value


def timestamp(value):
    """Returns the moment of the payment in whole seconds since 1970.

    It is a number because the table's index has a numeric key.
    """
    seconds = parse_date_time(value) if isinstance(value, str) else number_of(value)
    if seconds is None or not 1 <= seconds <= MAX_EPOCH:
        raise InvalidTransaction(
            "timestamp must be an ISO 8601 date and time such as 2024-01-15T10:30:00Z,"
            " or a number of seconds since 1970"
        )
    return decimal.Decimal(int(seconds))


def parse_date_time(text):
    """Returns the seconds since 1970 of an ISO 8601 text, or None.

    Without an offset it is UTC, as everything that the stack writes.
    """
    match = DATE_TIME.fullmatch(text)
    if not match:
        return None
    date, time, offset = match.groups()
    offset = "+00:00" if offset in (None, "Z", "z") else offset
    try:
        moment = datetime.datetime.fromisoformat(f"{date}T{time}{offset}")
        return int(moment.timestamp())
    except (ValueError, OverflowError):
        return None


def number_of(value):
    """Returns a JSON number, or a plain decimal in a string, as a Decimal.

    A float only comes from a workflow, whose runtime has parsed the JSON
    before us; its shortest spelling is what was written.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and not PLAIN_DECIMAL.fullmatch(value):
        return None
    if not isinstance(value, (int, float, str, decimal.Decimal)):
        return None
    number = decimal.Decimal(repr(value) if isinstance(value, float) else value)
    return number if number.is_finite() else None


# Storage


@functools.cache
def table():
    """Returns the payments table; the connection outlives an invocation.

    Three short attempts fit into the 29 seconds that API Gateway waits.
    """
    config = Config(
        connect_timeout=2,
        read_timeout=5,
        retries={"mode": "standard", "total_max_attempts": 3},
    )
    return boto3.resource("dynamodb", config=config).Table(os.environ["DYNAMODB_TABLE_NAME"])


def store(payments, item):
    """Writes a payment unless its identifier is taken.

    Returns whether it was written now. The same payment again is no error; a
    different one under the same identifier is a TransactionConflict. The
    condition sees the table of this region alone: two regions that write the
    same identifier within the replication delay are settled by DynamoDB, the
    last writer winning.
    """
    try:
        payments.put_item(
            Item=item,
            ConditionExpression="attribute_not_exists(#id)",
            ExpressionAttributeNames={"#id": "TransactionId"},
        )
        return True
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        refused = error
    key = {"TransactionId": item["TransactionId"]}
    stored = payments.get_item(Key=key, ConsistentRead=True).get("Item")
    if stored is None:
        # Deleted in between: neither stored nor in conflict, so try again.
        raise refused
    if any(stored.get(name) != item[name] for name in CONTENT):
        raise TransactionConflict("another transaction with this id exists already")
    return False


# Answers and logs


def response(status, body):
    """Returns a response in the form that the proxy integration expects."""
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps(body),
    }


def loggable_id(transaction):
    """Returns the identifier if it is one: anything else could be a secret."""
    value = transaction.get("id")
    return value if isinstance(value, str) and IDENTIFIER.fullmatch(value) else None


def cause(error):
    """Names an unexpected error without its text, which may quote the payment."""
    details = {"error": type(error).__name__}
    if isinstance(error, ClientError):
        details["code"] = error.response.get("Error", {}).get("Code")
        details["operation"] = error.operation_name
    return details


def log(level, message, context, transaction_id, **details):
    """Writes one line of JSON; no amount, currency or body is ever in it."""
    line = {
        "level": level,
        "message": message,
        "transactionId": transaction_id,
        "requestId": getattr(context, "aws_request_id", None),
        "environment": os.environ.get("ENVIRONMENT"),
        "region": os.environ.get("AWS_REGION"),
        **details,
    }
    print(json.dumps({name: value for name, value in line.items() if value is not None}))
