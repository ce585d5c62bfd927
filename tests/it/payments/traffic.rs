//! What the deployed stack does with payments, events and alarms.

use super::deployment::{Payments, REGIONS};
use crate::support::wait::eventually;
use aws_sdk_cloudwatch::types::StateValue;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use aws_sdk_sfn::types::ExecutionStatus;
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};

/// 2024-01-15T10:30:00Z.
const MOMENT: i64 = 1_705_314_600;

#[tokio::test]
async fn the_api_stores_a_payment_once() {
    let payments = Payments::applied().await;
    let payment = json!({"transaction": {
        "id": "TXN001", "amount": 99.99, "currency": "USD", "timestamp": "2024-01-15T10:30:00Z",
    }});
    let (status, answer) = payments.post(&payment);
    assert_eq!((status, &answer["transactionId"]), (200, &json!("TXN001")), "{answer}");
    for region in REGIONS {
        let item = payments.item(region, "TXN001").await;
        assert_eq!(item["Amount"], AttributeValue::N("99.99".to_owned()), "in {region}");
        assert_eq!(item["Timestamp"], AttributeValue::N(MOMENT.to_string()), "in {region}");
        assert_eq!(item["Region"], AttributeValue::S("us-east-1".to_owned()), "in {region}");
        assert_eq!(payments.items_at(region, MOMENT).await, [item], "by the index in {region}");
    }

    let mut same = payment.clone();
    same["transaction"]["amount"] = json!("99.990");
    assert_eq!(payments.post(&payment).0, 200, "the same again");
    assert_eq!(payments.post(&same).0, 200, "the same in other words");
    let mut other = payment.clone();
    other["transaction"]["amount"] = json!(100);
    assert_eq!(payments.post(&other).0, 409, "another payment under the id");
    assert_eq!(
        payments.item("us-east-1", "TXN001").await["Amount"],
        AttributeValue::N("99.99".to_owned())
    );
    payments.world.assert_no_violations();
}

#[tokio::test]
async fn the_api_says_what_is_wrong_with_a_payment() {
    let payments = Payments::applied().await;
    let good = json!({"id": "TXN002", "amount": 1, "currency": "EUR", "timestamp": MOMENT});
    for (field, value) in [
        ("id", json!("")),
        ("amount", json!(-1)),
        ("amount", json!("a lot")),
        ("currency", json!("XXX")),
        ("timestamp", json!("yesterday")),
    ] {
        let mut bad = good.clone();
        bad[field] = value;
        let (status, answer) = payments.post(&bad);
        let reason = answer["error"].as_str().unwrap_or_default();
        assert!(status == 400 && reason.starts_with(field), "{bad}: {status} {answer}");
    }
    assert_eq!(payments.post(&good).0, 200);
}

#[tokio::test]
async fn workflows_store_payments_and_keep_those_that_fail() {
    let payments = Payments::applied().await;
    let payment = |id: &str, amount: i64| json!({"transaction": {"id": id, "amount": amount, "timestamp": MOMENT}});
    // The emulator does not know the function's own errors by name, so that the
    // failing execution takes all its retries, and 14 seconds. Both run at once.
    let failing = payments.start("ap-southeast-1", &payment("TXN004", -5)).await;
    let storing = payments.start("eu-west-1", &payment("TXN003", 5)).await;
    assert_eq!(payments.outcome("eu-west-1", &storing).await, ExecutionStatus::Succeeded);
    let item = payments.item("us-east-1", "TXN003").await;
    assert_eq!(item["Region"], AttributeValue::S("eu-west-1".to_owned()));

    assert_eq!(payments.outcome("ap-southeast-1", &failing).await, ExecutionStatus::Failed);
    let queue = payments.outputs()["dead_letter_queue_urls"]["ap-southeast-1"].clone();
    let letters = payments.messages("ap-southeast-1", &queue, 1).await;
    assert_eq!(letters[0]["Execution"], json!(failing));
    assert_eq!(letters[0]["Input"], payment("TXN004", -5));
    let cause = letters[0]["Cause"].as_str().unwrap_or_default();
    assert!(cause.contains("amount must be a positive decimal number"), "{cause}");
    payments.world.assert_no_violations();
}

#[tokio::test]
async fn alarms_of_every_region_reach_the_inbox() {
    let payments = Payments::applied().await;
    let mut expected = BTreeSet::new();
    for region in REGIONS {
        let name = format!("payment-lambda-errors-{region}-{}", payments.env);
        let client = payments.aws.cloudwatch(region);
        let alarm = client.set_alarm_state().alarm_name(&name).state_reason("a drill");
        alarm.state_value(StateValue::Alarm).send().await.expect("set an alarm");
        expected.insert(name);
    }
    let inbox = payments.outputs()["alerts_inbox_url"].clone();
    let alerts = payments.messages("us-east-1", &inbox, REGIONS.len()).await;
    let names: BTreeSet<String> = alerts
        .iter()
        .map(|alert| {
            let message = alert["Message"].as_str().expect("an alert has a message");
            let message: Value = serde_json::from_str(message).expect("CloudWatch writes JSON");
            assert_eq!(message["NewStateValue"], "ALARM");
            message["AlarmName"].as_str().unwrap_or_default().to_owned()
        })
        .collect();
    assert_eq!(names, expected);
}

/// The emulator drops what a rule sends to another region's bus. So the event
/// is put on the target's bus, just as EventBridge would deliver it there, and
/// the rules that send it are looked at instead.
#[tokio::test]
async fn an_event_with_the_failover_flag_starts_the_workflow_of_its_target() {
    let payments = Payments::applied().await;
    for (number, (target, flag)) in
        REGIONS.into_iter().zip([json!(true), json!("true"), json!(true)]).enumerate()
    {
        let source = REGIONS[(number + 1) % REGIONS.len()];
        let id = format!("TXN01{number}");
        let payment = json!({"id": id, "amount": 5, "timestamp": MOMENT});
        let detail = json!({"region": source, "failover": flag, "targetRegion": target, "transaction": payment});
        payments.put_event(target, &detail).await;
        let item = payments.item(source, &id).await;
        assert_eq!(item["Region"], AttributeValue::S(target.to_owned()));

        let rule = format!("payment-failover-{source}-to-{target}-{}", payments.env);
        let client = payments.aws.events(source);
        let sent = client.list_targets_by_rule().rule(rule).send().await.expect("a rule");
        let bus = format!("arn:aws:events:{target}:{}:event-bus/default", payments.world.account());
        assert_eq!(sent.targets().iter().map(|target| target.arn()).collect::<Vec<_>>(), [bus]);
    }
    payments.world.assert_no_violations();
}

impl Payments {
    /// Posts a payment to the API; returns the status and the answer.
    fn post(&self, payment: &Value) -> (u16, Value) {
        let outputs = self.outputs();
        let endpoint = outputs["api_endpoint"].as_str().expect("the API has an address");
        self.request("POST", &format!("{endpoint}/payments"), &payment.to_string())
    }

    /// Returns a payment as a region stores it, as soon as it does.
    async fn item(&self, region: &str, id: &str) -> HashMap<String, AttributeValue> {
        let get = self.aws.dynamodb(region).get_item().table_name(self.table());
        let get = get.key("TransactionId", AttributeValue::S(id.to_owned()));
        eventually(&format!("{id} in {region}"), async || {
            get.clone().send().await.expect("read the table").item
        })
        .await
    }

    /// Returns the payments of a moment, by the index.
    async fn items_at(&self, region: &str, moment: i64) -> Vec<HashMap<String, AttributeValue>> {
        let query = self.aws.dynamodb(region).query().table_name(self.table());
        let query = query
            .index_name("TimestampIndex")
            .key_condition_expression("#ts = :ts")
            .expression_attribute_names("#ts", "Timestamp")
            .expression_attribute_values(":ts", AttributeValue::N(moment.to_string()));
        eventually(&format!("an item in the index in {region}"), async || {
            let items = query.clone().send().await.expect("query the index").items;
            items.filter(|items| !items.is_empty())
        })
        .await
    }

    fn table(&self) -> String {
        format!("payments-{}", self.env)
    }

    /// Starts the workflow of a region; returns the execution.
    async fn start(&self, region: &str, input: &Value) -> String {
        let outputs = self.outputs();
        let workflow = outputs["state_machine_arns"][region].as_str().expect("a workflow");
        let start = self.aws.sfn(region).start_execution().state_machine_arn(workflow);
        start.input(input.to_string()).send().await.expect("start a workflow").execution_arn
    }

    /// Returns how an execution ended, as soon as it has.
    async fn outcome(&self, region: &str, execution: &str) -> ExecutionStatus {
        let describe = self.aws.sfn(region).describe_execution().execution_arn(execution);
        eventually("the end of the execution", async || {
            let status = describe.clone().send().await.expect("look at the execution").status;
            Some(status).filter(|status| *status != ExecutionStatus::Running)
        })
        .await
    }

    /// Puts a payment's event on the default bus of a region.
    async fn put_event(&self, region: &str, detail: &Value) {
        let event = PutEventsRequestEntry::builder()
            .source("payment.processing")
            .detail_type("Payment Transaction")
            .detail(detail.to_string())
            .build();
        let put = self.aws.events(region).put_events().entries(event).send().await;
        assert_eq!(put.expect("put an event").failed_entry_count, 0);
    }
}
