"""Problems are kept per account."""

from awsproxy.identify import credential_scope
from awsproxy.record import Recorder


def test_problems_of_an_account():
    recorder = Recorder()
    for account in ("111111111111", "222222222222", "111111111111"):
        entry = recorder.begin("POST", "/")
        entry.account, entry.service, entry.operation = account, "sqs", "CreateQueue"
        entry.violations = [{"kind": "missing", "path": "QueueName", "detail": "required"}]
        recorder.end(entry)
    assert [p["count"] for p in recorder.problems("111111111111")] == [2]
    assert [p["count"] for p in recorder.problems("222222222222")] == [1]
    assert len(recorder.problems()) == 2
    assert recorder.problems("333333333333") == []


def test_account_is_the_access_key():
    scope = "Credential=111111111111/20240101/eu-west-1/sqs/aws4_request"
    headers = {"Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host"}
    assert credential_scope(headers, {}) == ("111111111111", "eu-west-1", "sqs")
