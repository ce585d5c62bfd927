"""Tests of the transaction processor. They need no network and no account."""

import base64
import datetime
import json
import pathlib
import sys
import types
from decimal import Decimal

import pytest
from botocore.exceptions import ClientError

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "transaction-processor"))

import transaction_processor as processor  # noqa: E402

EPOCH = 1705314600  # 2024-01-15T10:30:00Z
CONTEXT = types.SimpleNamespace(aws_request_id="request-1")


class FakeTable:
    """A table in memory that knows the one condition that the handler uses."""

    def __init__(self):
        self.items = {}
        self.failure = None
        self.forgets = False

    def put_item(self, Item, ConditionExpression, ExpressionAttributeNames):
        if self.failure:
            raise self.failure
        assert ConditionExpression == "attribute_not_exists(#id)"
        assert ExpressionAttributeNames == {"#id": "TransactionId"}
        if Item["TransactionId"] in self.items:
            raise client_error("ConditionalCheckFailedException")
        self.items[Item["TransactionId"]] = dict(Item)

    def get_item(self, Key, ConsistentRead):
        assert ConsistentRead is True
        item = None if self.forgets else self.items.get(Key["TransactionId"])
        return {"Item": dict(item)} if item else {}


def client_error(code, message="what AWS says"):
    return ClientError({"Error": {"Code": code, "Message": message}}, "PutItem")


@pytest.fixture(autouse=True)
def table(monkeypatch):
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("ENVIRONMENT", "test")
    fake = FakeTable()
    monkeypatch.setattr(processor, "table", lambda: fake)
    return fake


def payment(**changes):
    fields = {
        "id": "TXN001",
        "amount": 99.99,
        "currency": "EUR",
        "timestamp": "2024-01-15T10:30:00Z",
        **changes,
    }
    return {name: value for name, value in fields.items() if value is not ...}


def api_event(body, **fields):
    return {
        "httpMethod": "POST",
        "path": "/payments",
        "requestContext": {"stage": "prod"},
        "headers": {"Content-Type": "application/json"},
        "isBase64Encoded": False,
        "body": body if body is None or isinstance(body, str) else json.dumps(body),
        **fields,
    }


def call(event):
    return processor.handler(event, CONTEXT)


def answer(event):
    reply = call(event)
    return reply["statusCode"], json.loads(reply["body"])


def stored_amount(table, amount):
    call({"transaction": payment(amount=amount)})
    return table.items["TXN001"]["Amount"]


# What is stored


def test_the_item_has_the_documented_fields(table):
    call({"transaction": payment()})
    assert table.items == {
        "TXN001": {
            "TransactionId": "TXN001",
            "Amount": Decimal("99.99"),
            "Currency": "EUR",
            "Timestamp": Decimal(EPOCH),
            "Status": "processed",
            "Region": "eu-west-1",
        }
    }


def test_boto3_can_write_the_item(table):
    from boto3.dynamodb.types import TypeSerializer

    call({"transaction": payment(amount=100)})
    wire = TypeSerializer().serialize(table.items["TXN001"])["M"]
    assert wire["Amount"] == {"N": "100"}
    assert wire["Timestamp"] == {"N": str(EPOCH)}


def test_the_currency_defaults_to_dollars(table):
    call({"transaction": payment(currency=...)})
    assert table.items["TXN001"]["Currency"] == "USD"


# Who calls


@pytest.mark.parametrize(
    "event",
    [
        {"transaction": payment()},
        payment(),
        {"region": "us-east-1", "failover": True, "transaction": payment()},
        {"source": "payment.processing", "detail": {"failover": "true", "transaction": payment()}},
        api_event({"transaction": payment()}),
        api_event(payment()),
        api_event(payment(detail={"note": "not a wrapping"})),
        api_event(base64.b64encode(json.dumps(payment()).encode()).decode(), isBase64Encoded=True),
        {"body": json.dumps(payment())},
    ],
    ids=[
        "workflow",
        "workflow-bare",
        "failover-detail",
        "failover-envelope",
        "api-wrapped",
        "api-bare",
        "api-with-a-detail",
        "api-base64",
        "api-minimal",
    ],
)
def test_every_shape_of_input_is_understood(table, event):
    status, body = answer(event)
    assert status == 200
    assert body == {
        "message": "Transaction processed successfully",
        "transactionId": "TXN001",
    }
    assert table.items["TXN001"]["Amount"] == Decimal("99.99")


def test_api_answers_are_json(table):
    assert call(api_event(payment()))["headers"]["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "event",
    [
        api_event(None),
        api_event(""),
        api_event("{"),
        api_event("[1, 2]"),
        api_event("null"),
        api_event('"text"'),
        api_event('{"transaction": null}'),
        api_event('{"transaction": [1]}'),
        api_event('{"id": "TXN001", "amount": NaN, "timestamp": 1}'),
        api_event('{"id": "TXN001", "amount": Infinity, "timestamp": 1}'),
        api_event('{"amount": 1e99999999999999999999}'),
        api_event("not base64!", isBase64Encoded=True),
        api_event(base64.b64encode(b"\xff\xfe").decode(), isBase64Encoded=True),
        api_event("[" * 100_000),
        {"body": {"id": "TXN001"}},
        {"body": 7},
    ],
)
def test_a_body_that_is_no_payment_gets_400(table, event):
    status, body = answer(event)
    assert status == 400
    assert body["error"]
    assert not table.items


@pytest.mark.parametrize(
    "event", [None, [], "text", {}, {"transaction": None}, {"transaction": "x"}]
)
def test_a_workflow_input_that_is_no_payment_is_invalid(event):
    with pytest.raises(processor.InvalidTransaction):
        call(event)


# Identifiers


@pytest.mark.parametrize("value", ["A", "TXN001", "a.b_c:d-e", "7" * 128, "0"])
def test_good_identifiers(table, value):
    call({"transaction": payment(id=value)})
    assert value in table.items


@pytest.mark.parametrize(
    "value", [..., None, "", " ", "-a", "a b", "a\n", "ä", "7" * 129, 7, True, ["a"], {"a": 1}]
)
def test_bad_identifiers(table, value):
    status, body = answer(api_event(payment(id=value)))
    assert status == 400
    assert body["error"].startswith("id must")
    assert not table.items


# Amounts


@pytest.mark.parametrize(
    ("value", "exact"),
    [
        (99.99, "99.99"),
        (0.1, "0.1"),
        (149.50, "149.5"),
        (100, "100"),
        (1e2, "100"),
        ("99.990", "99.99"),
        ("+5", "5"),
        ("0.0001", "0.0001"),
        (999999999999999, "999999999999999"),
        ("999999999999999.9999", "999999999999999.9999"),
    ],
)
def test_amounts_are_exact(table, value, exact):
    amount = stored_amount(table, value)
    assert amount == Decimal(exact)
    assert str(amount) == exact


def test_amounts_in_a_body_keep_every_digit(table):
    body = '{"id": "TXN001", "amount": 123456789012345.6789, "timestamp": 1}'
    assert answer(api_event(body))[0] == 200
    assert table.items["TXN001"]["Amount"] == Decimal("123456789012345.6789")


@pytest.mark.parametrize(
    "value",
    [
        ...,
        None,
        0,
        -1,
        0.0,
        "-5",
        "0.00",
        "",
        " 5",
        "5 ",
        "1e3",
        "1,50",
        "0x10",
        "５",
        "NaN",
        True,
        float("nan"),
        float("inf"),
        [1],
        {"amount": 1},
    ],
)
def test_amounts_that_are_no_positive_decimal(table, value):
    with pytest.raises(processor.InvalidTransaction, match="positive decimal"):
        call({"transaction": payment(amount=value)})
    assert not table.items


@pytest.mark.parametrize(
    "value",
    [
        "0.00001",
        "1.23456",
        1e-7,
        1e15,
        10**15,
        10**4000,
        "1000000000000000",
        "9" * 16 + ".9",
        Decimal("1E-999999"),
    ],
)
def test_amounts_beyond_the_precision_are_refused_not_rounded(table, value):
    with pytest.raises(processor.InvalidTransaction, match="digits"):
        call({"transaction": payment(amount=value)})
    assert not table.items


# Currencies


@pytest.mark.parametrize("value", ["USD", "EUR", "JPY", "SGD", "XOF", "ZWG"])
def test_good_currencies(table, value):
    call({"transaction": payment(currency=value)})
    assert table.items["TXN001"]["Currency"] == value


@pytest.mark.parametrize(
    "value", [None, "", "usd", "US", "USDX", "XXX", "XAU", "ABC", 840, ["USD"], {"USD": 1}]
)
def test_bad_currencies(table, value):
    status, body = answer(api_event(payment(currency=value)))
    assert status == 400
    assert "ISO 4217" in body["error"]


def test_currencies_have_the_form_of_the_standard():
    for code in processor.CURRENCIES:
        assert len(code) == 3 and code.isascii() and code.isupper()
    assert len(processor.CURRENCIES) > 150


# Timestamps


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("2024-01-15T10:30:00Z", EPOCH),
        ("2024-01-15t10:30:00z", EPOCH),
        ("2024-01-15 10:30:00Z", EPOCH),
        ("2024-01-15T10:30Z", EPOCH),
        ("2024-01-15T10:30:00", EPOCH),
        ("2024-01-15T10:30:00.999Z", EPOCH),
        ("2024-01-15T10:30:00.123456789+00:00", EPOCH),
        ("2024-01-15T11:30:00+01:00", EPOCH),
        ("2024-01-15T16:00:00+0530", EPOCH),
        ("2024-01-15T05:30:00-05:00", EPOCH),
        (EPOCH, EPOCH),
        (EPOCH + 0.75, EPOCH),
        (Decimal(EPOCH), EPOCH),
        ("9999-12-31T23:59:59Z", 253402300799),
        (1, 1),
    ],
)
def test_timestamps_become_whole_seconds(table, value, seconds):
    call({"transaction": payment(timestamp=value)})
    stored = table.items["TXN001"]["Timestamp"]
    assert stored == seconds
    assert isinstance(stored, Decimal)


@pytest.mark.parametrize(
    "value",
    [
        ...,
        None,
        "",
        "now",
        "2024-01-15",
        "2024-13-01T00:00:00Z",
        "2024-02-30T00:00:00Z",
        "2024-01-15T25:00:00Z",
        "2024-01-15T10:30:00+99:00",
        "2024-01-15T10:30:00 UTC",
        "２024-01-15T10:30:00Z",
        "1969-12-31T23:59:59Z",
        "0001-01-01T00:00:00+14:00",
        str(EPOCH),
        0,
        0.5,
        -1,
        EPOCH * 1000,
        10**400,
        float("nan"),
        True,
        [EPOCH],
        {"seconds": EPOCH},
        datetime.datetime(2024, 1, 15),
    ],
)
def test_bad_timestamps(table, value):
    with pytest.raises(processor.InvalidTransaction, match="timestamp must"):
        call({"transaction": payment(timestamp=value)})
    assert not table.items


# Repeating


@pytest.mark.parametrize(
    "again",
    [
        payment(),
        payment(amount="99.990"),
        payment(timestamp=EPOCH),
        payment(timestamp="2024-01-15T11:30:00+01:00"),
        payment(note="fields beside the payment do not count"),
    ],
)
def test_the_same_payment_again_is_a_success(table, again):
    assert answer(api_event(payment()))[0] == 200
    before = dict(table.items["TXN001"])
    assert answer(api_event(again))[0] == 200
    call({"transaction": again})
    assert table.items["TXN001"] == before


def test_a_repetition_in_another_region_is_a_success(table, monkeypatch):
    call({"transaction": payment()})
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    assert answer({"transaction": payment()})[0] == 200
    assert table.items["TXN001"]["Region"] == "eu-west-1"


def test_a_later_status_does_not_make_it_another_payment(table):
    call({"transaction": payment()})
    table.items["TXN001"]["Status"] = "settled"
    assert answer({"transaction": payment()})[0] == 200
    assert table.items["TXN001"]["Status"] == "settled"


OTHERS = [payment(amount=1), payment(currency="USD"), payment(timestamp=EPOCH + 1)]


@pytest.mark.parametrize("other", OTHERS)
def test_another_payment_under_the_same_id_gets_409(table, other):
    call({"transaction": payment()})
    before = dict(table.items["TXN001"])
    status, body = answer(api_event(other))
    assert status == 409
    assert body == {"error": "another transaction with this id exists already"}
    assert table.items["TXN001"] == before


@pytest.mark.parametrize("other", OTHERS)
def test_another_payment_under_the_same_id_stops_a_workflow(other):
    call({"transaction": payment()})
    with pytest.raises(processor.TransactionConflict):
        call({"transaction": other})


def test_an_item_that_vanished_in_between_is_tried_again(table):
    call({"transaction": payment()})
    table.forgets = True
    with pytest.raises(ClientError):
        call({"transaction": payment()})


# Failures


def test_the_error_names_that_the_workflow_catches():
    assert processor.InvalidTransaction.__name__ == "InvalidTransaction"
    assert processor.TransactionConflict.__name__ == "TransactionConflict"


FAILURES = [
    client_error("ProvisionedThroughputExceededException", "secret 99.99"),
    client_error("ResourceNotFoundException", "secret 99.99"),
    RuntimeError("secret 99.99"),
]


@pytest.mark.parametrize("failure", FAILURES)
def test_api_callers_see_nothing_of_a_failure(table, failure, capsys):
    table.failure = failure
    status, body = answer(api_event(payment()))
    assert status == 500
    assert body == {"error": "the transaction could not be processed, please try again"}
    assert "secret" not in capsys.readouterr().out


@pytest.mark.parametrize("failure", FAILURES)
def test_a_workflow_sees_the_failure_so_that_it_can_retry(table, failure):
    table.failure = failure
    with pytest.raises(type(failure)):
        call({"transaction": payment()})


def test_a_missing_table_name_is_a_failure_not_a_bad_payment(monkeypatch):
    monkeypatch.undo()
    monkeypatch.delenv("DYNAMODB_TABLE_NAME", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert answer(api_event(payment()))[0] == 500


# Logs


def lines(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_success_is_one_line_without_the_payment(capsys):
    call(api_event(payment(amount="4242.42", cardNumber="4111111111111111")))
    assert lines(capsys) == [
        {
            "level": "INFO",
            "message": "Processed",
            "transactionId": "TXN001",
            "requestId": "request-1",
            "environment": "test",
            "region": "eu-west-1",
            "source": "api",
            "repeated": False,
        }
    ]


def test_a_repetition_is_marked_in_the_log(capsys):
    call({"transaction": payment()})
    call({"transaction": payment()})
    assert [line["repeated"] for line in lines(capsys)] == [False, True]


def test_a_refusal_says_why_but_not_what(capsys):
    call(api_event(payment(amount="-4242.42")))
    (line,) = lines(capsys)
    assert line["level"] == "WARNING"
    assert line["message"] == "InvalidTransaction"
    assert line["transactionId"] == "TXN001"
    assert "positive decimal" in line["reason"]
    assert "4242" not in json.dumps(line)


def test_what_is_no_identifier_is_not_logged_as_one(capsys):
    call(api_event(payment(id="4111 1111 1111 1111")))
    (line,) = lines(capsys)
    assert "transactionId" not in line
    assert "4111" not in json.dumps(line)


def test_a_failure_is_named_in_the_log(table, capsys):
    table.failure = client_error("ThrottlingException", "secret")
    call(api_event(payment()))
    (line,) = lines(capsys)
    assert line["level"] == "ERROR"
    assert line["error"] == "ClientError"
    assert line["code"] == "ThrottlingException"
    assert line["operation"] == "PutItem"


def test_a_missing_context_does_no_harm(capsys):
    assert processor.handler({"transaction": payment()}, None)["statusCode"] == 200
    assert "requestId" not in lines(capsys)[0]
