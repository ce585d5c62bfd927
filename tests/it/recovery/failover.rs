//! Who decides about failover, on what, and what comes of it.

use super::deployment::{PRIMARY, REGIONS, Recovery, SECONDARY};
use crate::support::wait::eventually;
use aws_sdk_cloudwatch::types::StateValue;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_lambda::primitives::Blob;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

#[tokio::test]
async fn a_critical_alarm_of_the_primary_drains_it_once() {
    let recovery = Recovery::applied().await;
    let listener = recovery.listen().await;
    for region in REGIONS {
        assert_eq!(recovery.health(region), (200, json!({"status": "healthy", "region": region})));
    }
    recovery.alarm(PRIMARY, "api-latency").await;
    assert_eq!(recovery.decisions(1).await, ["failover"]);
    let drained = json!({"status": "drained", "region": PRIMARY});
    assert_eq!(recovery.health(PRIMARY), (503, drained.clone()), "Route 53 sees this");
    assert_eq!(recovery.health(SECONDARY).0, 200);
    for region in REGIONS {
        let mark = recovery.item(region, "control#failover").await.expect("a mark");
        assert_eq!(mark["drained_region"], AttributeValue::S(PRIMARY.to_owned()), "in {region}");
    }
    let mut heard = recovery.heard(&listener, 2).await;
    heard.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(heard[0].1["AlarmName"], json!(recovery.name("api-latency", PRIMARY)));
    assert_eq!((heard[1].0.as_str(), &heard[1].1["kind"]), (SECONDARY, &json!("failover")));

    // Neither another alarm nor one of the secondary moves anything.
    recovery.alarm(PRIMARY, "api-5xx").await;
    assert_eq!(recovery.decisions(2).await, ["failover", "already"]);
    recovery.alarm(SECONDARY, "lambda-validation-errors").await;
    assert_eq!(recovery.decisions(3).await, ["failover", "already", "refused"]);
    assert_eq!(recovery.health(PRIMARY), (503, drained));
    assert_eq!(recovery.ask("status").await["state"]["changes"], 1);
    recovery.world.assert_no_violations();
}

#[tokio::test]
async fn the_drill_fails_health_and_an_alarm_right_after_it_is_refused() {
    let recovery = Recovery::applied().await;
    let listener = recovery.listen().await;
    assert_eq!(recovery.ask("failover").await["decision"], "failover");
    assert_eq!(recovery.ask("failover").await["decision"], "already");
    assert_eq!(recovery.health(PRIMARY).0, 503);
    assert_eq!(recovery.ask("failback").await["decision"], "failback");
    assert_eq!(recovery.health(PRIMARY).0, 200);

    recovery.alarm(PRIMARY, "lambda-processing-errors").await;
    let expected = ["failover", "already", "failback", "refused"];
    assert_eq!(recovery.decisions(4).await, expected);
    assert_eq!(recovery.health(PRIMARY).0, 200, "it does not flap");
    let heard = recovery.heard(&listener, 4).await;
    let mut told: Vec<_> =
        heard.iter().filter_map(|(_, message)| message["kind"].as_str()).collect();
    told.sort_unstable();
    assert_eq!(told, ["failback", "failover", "refused"]);
    recovery.world.assert_no_violations();
}

#[tokio::test]
async fn nothing_but_a_critical_alarm_of_the_primary_is_a_reason() {
    let recovery = Recovery::applied().await;
    let topics = recovery.outputs()["alert_topic_arns"].clone();
    for region in REGIONS {
        let topic = topics[region].as_str().expect("a topic");
        for source in ["payment-processing", "payment-failover"] {
            let message = json!({"source": source, "kind": "failover", "reason": "api"});
            recovery.publish(region, topic, &message).await;
        }
    }
    recovery.alarm(PRIMARY, "dlq-messages").await;
    assert_eq!(recovery.decisions(1).await, ["noted"], "what is no alarm does not get there");
    recovery.alarm(SECONDARY, "api-latency").await;
    assert_eq!(recovery.decisions(2).await, ["noted", "noted"]);

    // Should the subscription let its own words through one day, they are
    // still no alarm.
    let own = json!({"source": "payment-failover", "AlarmName": "api", "NewStateValue": "ALARM"});
    let record = json!({"Sns": {"TopicArn": topics[PRIMARY], "Message": own.to_string()}});
    let answer = recovery.invoke(&json!({"Records": [record]})).await;
    assert_eq!(answer["decisions"][0]["decision"], "ignored");
    assert_eq!(recovery.item(SECONDARY, "control#failover").await, None);
    assert_eq!(recovery.health(PRIMARY).0, 200);
    recovery.world.assert_no_violations();
}

#[tokio::test]
async fn payments_in_the_secondary_count_only_when_the_primary_is_silent() {
    let recovery = Recovery::applied().await;
    assert_eq!(recovery.health(PRIMARY).0, 200, "this leaves a heartbeat");
    recovery.alarm(SECONDARY, "takeover").await;
    assert_eq!(recovery.decisions(1).await, ["noted"]);

    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs();
    recovery.beat(PRIMARY, now - 181).await;
    recovery.set_alarm(SECONDARY, "takeover", StateValue::Ok).await;
    recovery.alarm(SECONDARY, "takeover").await;
    assert_eq!(recovery.decisions(2).await, ["noted", "failover"]);
    assert_eq!(recovery.health(PRIMARY).0, 503);
    recovery.world.assert_no_violations();
}

impl Recovery {
    /// Raises an alarm, as CloudWatch would.
    async fn alarm(&self, region: &str, what: &str) {
        self.set_alarm(region, what, StateValue::Alarm).await;
    }

    async fn set_alarm(&self, region: &str, what: &str, state: StateValue) {
        let set = self.aws.cloudwatch(region).set_alarm_state();
        let set = set.alarm_name(self.name(what, region)).state_value(state);
        set.state_reason("a drill").send().await.expect("set an alarm");
    }

    async fn publish(&self, region: &str, topic: &str, message: &Value) {
        let publish = self.aws.sns(region).publish().topic_arn(topic).message(message.to_string());
        publish.send().await.expect("publish a message");
    }

    /// Writes a region's heartbeat.
    async fn beat(&self, region: &str, moment: u64) {
        let put = self.aws.dynamodb(SECONDARY).put_item().table_name(self.table());
        put.item("transaction_id", AttributeValue::S(format!("control#heartbeat#{region}")))
            .item("beat_at", AttributeValue::N(moment.to_string()))
            .send()
            .await
            .expect("write to the table");
    }

    fn function(&self) -> String {
        format!("payment-failover-orchestration-{}", self.env)
    }

    /// Asks the failover function for something, as an operator.
    async fn ask(&self, action: &str) -> Value {
        self.invoke(&json!({"action": action, "reason": "a drill"})).await
    }

    async fn invoke(&self, event: &Value) -> Value {
        let invoke = self.aws.lambda(SECONDARY).invoke().function_name(self.function());
        let answer = invoke.payload(Blob::new(event.to_string())).send().await;
        let answer = answer.expect("invoke the function");
        let payload = answer.payload.expect("the function answers").into_inner();
        let answer_text = String::from_utf8_lossy(&payload);
        assert_eq!(answer.function_error, None, "{answer_text}");
        serde_json::from_slice(&payload).expect("the function answers in JSON")
    }

    /// Returns the decisions in the function's log, as soon as there are this
    /// many.
    async fn decisions(&self, count: usize) -> Vec<String> {
        let group = format!("/aws/lambda/{}", self.function());
        let filter = self.aws.logs(SECONDARY).filter_log_events().log_group_name(group);
        eventually(&format!("{count} decisions in the log"), async || {
            let events = filter.clone().send().await.expect("read the log").events;
            let mut events = events.unwrap_or_default();
            events.sort_by_key(|event| event.timestamp);
            let decisions: Vec<String> = events
                .iter()
                .filter_map(|event| serde_json::from_str(event.message.as_deref()?).ok())
                .filter(|line: &Value| line["message"] == "Decided" && line["decision"] != "status")
                .filter_map(|line| line["decision"].as_str().map(str::to_owned))
                .collect();
            (decisions.len() >= count).then_some(decisions)
        })
        .await
    }
}
