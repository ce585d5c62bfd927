//! What counts as a difference, value by value.

use crate::plan::diff::{diff, drift};
use crate::resource::Change;
use crate::resources::kind;
use crate::value::unknown;
use serde_json::{Value, json};

/// Returns changes in one line each.
fn lines(changes: Vec<Change>) -> String {
    let line = |change: Change| {
        let replaces = if change.replaces { " (replaces)" } else { "" };
        format!("{}: {} → {}{replaces}", change.path, change.before, change.after)
    };
    let lines: Vec<_> = changes.into_iter().map(line).collect();
    if lines.is_empty() { "none".to_owned() } else { lines.join("\n") }
}

/// Compares desired with live properties where nothing was applied before.
fn fresh(type_name: &str, desired: Value, live: Value) -> String {
    compared(type_name, desired, live, Value::Null)
}

fn compared(type_name: &str, desired: Value, live: Value, applied: Value) -> String {
    lines(diff(kind(type_name).expect("a kind"), &desired, &live, &applied))
}

#[test]
fn numbers_compare_by_value() {
    let alarm = "AWS::CloudWatch::Alarm";
    assert_eq!(fresh(alarm, json!({"Threshold": 5}), json!({"Threshold": 5.0})), "none");
    assert_eq!(
        fresh(alarm, json!({"Threshold": 5}), json!({"Threshold": 5.5})),
        "Threshold: 5.5 → 5"
    );
}

#[test]
fn sets_have_no_order_and_change_whole() {
    let alarm = "AWS::CloudWatch::Alarm";
    let actions = |names: &[&str]| json!({"AlarmActions": names});
    assert_eq!(fresh(alarm, actions(&["a", "b"]), actions(&["b", "a"])), "none");
    assert_eq!(
        fresh(alarm, actions(&["a", "b"]), actions(&["a"])),
        r#"AlarmActions: ["a"] → ["a","b"]"#
    );
    assert_eq!(
        fresh(alarm, actions(&["a", "a"]), actions(&["a", "b"])),
        r#"AlarmActions: ["a","b"] → ["a","a"]"#
    );
}

#[test]
fn items_of_a_set_may_have_more_than_was_asked_for() {
    let table = "AWS::DynamoDB::GlobalTable";
    let desired = json!({"Replicas": [{"Region": "us-east-1"}, {"Region": "eu-west-1"}]});
    let live = json!({"Replicas": [
        {"Region": "eu-west-1", "TableClass": "STANDARD"},
        {"Region": "us-east-1", "TableClass": "STANDARD"},
    ]});
    assert_eq!(fresh(table, desired, live), "none");
}

#[test]
fn lists_with_an_order_compare_item_by_item() {
    let table = "AWS::DynamoDB::Table";
    let key = |names: &[&str]| {
        let parts = names.iter().map(|name| json!({"AttributeName": name, "KeyType": "HASH"}));
        json!({"KeySchema": parts.collect::<Vec<_>>()})
    };
    assert_eq!(fresh(table, key(&["a"]), key(&["a"])), "none");
    insta::assert_snapshot!(fresh(table, key(&["b"]), key(&["a"])), @r#"KeySchema/0/AttributeName: "a" → "b" (replaces)"#);
    insta::assert_snapshot!(fresh(table, key(&["a", "b"]), key(&["a"])), @r#"KeySchema: [{"AttributeName":"a","KeyType":"HASH"}] → [{"AttributeName":"a","KeyType":"HASH"},{"AttributeName":"b","KeyType":"HASH"}] (replaces)"#);
}

#[test]
fn members_that_were_never_set_are_awss_own_and_those_that_were_go_back() {
    let table = "AWS::DynamoDB::Table";
    let desired = json!({"StreamSpecification": {"StreamViewType": "KEYS_ONLY"}});
    let live = json!({"StreamSpecification": {"StreamViewType": "KEYS_ONLY", "Other": 1}});
    assert_eq!(fresh(table, desired.clone(), live.clone()), "none");
    assert_eq!(compared(table, desired, live.clone(), live), "StreamSpecification/Other: 1 → null");
}

#[test]
fn what_is_empty_or_off_is_as_good_as_unset() {
    let queue = "AWS::SQS::Queue";
    for empty in [json!(""), json!([]), json!({}), json!(false), Value::Null] {
        let desired = json!({"ContentBasedDeduplication": empty});
        assert_eq!(fresh(queue, desired, json!({})), "none", "{empty}");
    }
    assert_eq!(
        fresh(queue, json!({"DelaySeconds": 0}), json!({})),
        "DelaySeconds: null → 0",
        "a number is never nothing"
    );
}

#[test]
fn what_is_not_known_yet_differs_at_its_place() {
    let queue = "AWS::SQS::Queue";
    let arn = unknown(["us-east-1/Dead.Arn"]);
    let desired = json!({"RedrivePolicy": {"deadLetterTargetArn": arn, "maxReceiveCount": 3}});
    let live = json!({"RedrivePolicy": {"deadLetterTargetArn": "x", "maxReceiveCount": 3}});
    let changes = diff(kind(queue).expect("a kind"), &desired, &live, &live);
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].path, "RedrivePolicy");
    assert_eq!(
        fresh(queue, json!({"KmsMasterKeyId": arn}), json!({"KmsMasterKeyId": arn})),
        "none"
    );
}

#[test]
fn what_aws_does_not_return_is_compared_with_what_was_applied() {
    let key = "AWS::KMS::Key";
    let window = |days: u32| json!({"PendingWindowInDays": days});
    assert_eq!(compared(key, window(7), json!({}), window(7)), "none");
    assert_eq!(compared(key, window(9), json!({}), window(7)), "PendingWindowInDays: 7 → 9");
    assert_eq!(compared(key, json!({}), json!({}), window(7)), "PendingWindowInDays: 7 → null");
}

#[test]
fn what_others_add_to_a_shared_list_is_theirs() {
    let role = "AWS::IAM::Role";
    let arns = |names: &[&str]| json!({"ManagedPolicyArns": names});
    assert_eq!(compared(role, arns(&["a"]), arns(&["a", "theirs"]), arns(&["a"])), "none");
    assert_eq!(
        compared(role, arns(&["a", "b"]), arns(&["a", "theirs"]), arns(&["a"])),
        r#"ManagedPolicyArns/b: null → "b""#
    );
    assert_eq!(
        compared(role, arns(&["a"]), arns(&["a", "b", "theirs"]), arns(&["a", "b"])),
        r#"ManagedPolicyArns/b: "b" → null"#
    );
    assert_eq!(
        compared(role, json!({}), arns(&["a", "theirs"]), arns(&["a"])),
        r#"ManagedPolicyArns/a: "a" → null"#
    );
}

#[test]
fn tags_of_payctl_and_aws_are_never_a_difference() {
    let tag = |key: &str, value: &str| json!({"Key": key, "Value": value});
    let live = json!({"Tags": [tag("aws:cloudformation:stack", "x"), tag("payctl:address", "y")]});
    assert_eq!(fresh("AWS::SQS::Queue", json!({}), live.clone()), "none");
    assert_eq!(compared("AWS::SQS::Queue", json!({}), live.clone(), live), "none");
}

#[test]
fn drift_goes_from_what_was_applied_to_what_is() {
    let queue = kind("AWS::SQS::Queue").expect("a kind");
    let applied = json!({"DelaySeconds": 5, "KmsMasterKeyId": "alias/a"});
    let live = json!({"DelaySeconds": 9, "VisibilityTimeout": 30});
    insta::assert_snapshot!(lines(drift(queue, &live, &applied)), @r#"
    DelaySeconds: 5 → 9
    KmsMasterKeyId: "alias/a" → null
    "#);
}
