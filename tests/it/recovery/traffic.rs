//! What the deployed stack does with payments.

use super::deployment::{PRIMARY, REGIONS, Recovery, SECONDARY, payment};
use crate::support::wait::eventually;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::{Value, json};

#[tokio::test]
async fn each_region_takes_a_payment_and_processes_it() {
    let recovery = Recovery::applied().await;
    for region in REGIONS {
        let id = format!("txn-{region}");
        let mut first = payment(&id, "");
        first["amount"] = json!(100.10);
        let (status, answer) = recovery.post(region, &first.to_string());
        assert_eq!((status, &answer["transaction_id"]), (200, &json!(id)), "{answer}");
        for place in REGIONS {
            let item = recovery.payment(place, &id, "processed").await;
            assert_eq!(item["amount"], AttributeValue::N("100.1".to_owned()), "exact in {place}");
            assert_eq!(item["processed_in"], AttributeValue::S(region.to_owned()), "in {place}");
        }
        let other = if region == PRIMARY { SECONDARY } else { PRIMARY };
        let again = recovery.post(other, &payment(&id, "100.10").to_string());
        assert_eq!((again.0, &again.1["status"]), (200, &json!("processed")), "{}", again.1);
        let conflict = recovery.post(region, &payment(&id, "100.11").to_string());
        assert_eq!(conflict.0, 409, "another payment under the id: {}", conflict.1);
    }
    recovery.world.assert_no_violations();
}

#[tokio::test]
async fn each_region_says_what_is_wrong_with_a_payment() {
    let recovery = Recovery::applied().await;
    for region in REGIONS {
        for (field, value) in [
            ("transaction_id", json!("no#hash")),
            ("amount", json!(0)),
            ("amount", json!(-1)),
            ("amount", json!(100_000)),
            ("amount", json!(0.001)),
            ("amount", json!("a lot")),
            ("currency", json!("JPY")),
            ("customer_id", json!(7)),
            ("payment_method", json!("4111111111111111")),
        ] {
            let mut bad = payment("txn-bad", "1");
            bad[field] = value;
            recovery.assert_refused(region, &bad.to_string(), field);
        }
        for field in ["transaction_id", "amount", "currency", "customer_id", "payment_method"] {
            let mut bad = payment("txn-bad", "1");
            bad[field] = Value::Null;
            recovery.assert_refused(region, &bad.to_string(), &format!("{field} is missing"));
        }
        recovery.assert_refused(region, "{", "the body is not valid JSON");
        recovery.assert_refused(region, "[]", "the payment must be a JSON object");
        assert_eq!(recovery.item(region, "txn-bad").await, None);
    }
}

#[tokio::test]
async fn a_payment_that_fails_three_times_ends_in_the_dead_letter_queue() {
    let recovery = Recovery::applied().await;
    let listener = recovery.listen().await;
    for region in REGIONS {
        recovery.redeliver_soon(region).await;
        let (good, bad) = (format!("txn-good-{region}"), format!("txn-bad-{region}"));
        recovery.damage(region, &bad).await;
        recovery.enqueue(region, &bad).await;
        assert_eq!(recovery.post(region, &payment(&good, "5").to_string()).0, 200);
        recovery.payment(region, &good, "processed").await;

        let letters = recovery.outputs()["dead_letter_queue_urls"][region].clone();
        let letters = recovery.messages(region, &letters, 1).await;
        assert_eq!(letters, [json!({ "transaction_id": bad })]);
        let item = recovery.payment(region, &bad, "failed").await;
        let reason = AttributeValue::S("the payment has no positive amount".to_owned());
        assert_eq!(item["error_message"], reason);
        let (topic, alert) = recovery.heard(&listener, 1).await.remove(0);
        assert_eq!((topic.as_str(), &alert["kind"]), (region, &json!("payment-failed")), "{alert}");
        assert_eq!(alert["transaction_id"], json!(bad));
    }
    recovery.world.assert_no_violations();
}

#[tokio::test]
async fn a_payment_over_ten_thousand_raises_one_alert() {
    let recovery = Recovery::applied().await;
    let listener = recovery.listen().await;
    for region in REGIONS {
        let ids = ["low", "high", "last"].map(|name| format!("txn-{name}-{region}"));
        for (id, amount) in ids.iter().zip(["10000.00", "10000.01", "99999.99"]) {
            assert_eq!(recovery.post(region, &payment(id, amount).to_string()).0, 200);
            recovery.payment(region, id, "processed").await;
            // As SQS may: the same message once more.
            recovery.enqueue(region, id).await;
            recovery.drained(region).await;
        }
        let alerts = recovery.heard(&listener, 2).await;
        let told: Vec<_> = alerts
            .iter()
            .map(|(topic, alert)| {
                assert_eq!(
                    (topic.as_str(), &alert["kind"]),
                    (region, &json!("high-value-payment"))
                );
                (alert["transaction_id"].clone(), alert["amount"].clone())
            })
            .collect();
        let expected = [(json!(ids[1]), json!("10000.01")), (json!(ids[2]), json!("99999.99"))];
        assert_eq!(told, expected, "each once, and none for {}", ids[0]);
    }
    recovery.world.assert_no_violations();
}

impl Recovery {
    fn assert_refused(&self, region: &str, body: &str, words: &str) {
        let (status, answer) = self.post(region, body);
        let reason = answer["error"].as_str().unwrap_or_default();
        assert!(status == 400 && reason.starts_with(words), "{region}: {body}: {status} {answer}");
    }

    /// Lets a failed message come back at once: the stack's five minutes are
    /// more than a test has.
    async fn redeliver_soon(&self, region: &str) {
        let set = self.aws.sqs(region).set_queue_attributes().queue_url(self.queue(region));
        let set = set.attributes(QueueAttributeName::VisibilityTimeout, "1");
        set.send().await.expect("change the queue");
    }

    /// Stores a payment that cannot be processed.
    async fn damage(&self, region: &str, id: &str) {
        let put = self.aws.dynamodb(region).put_item().table_name(self.table());
        put.item("transaction_id", AttributeValue::S(id.to_owned()))
            .item("status", AttributeValue::S("validated".to_owned()))
            .item("amount", AttributeValue::N("0".to_owned()))
            .send()
            .await
            .expect("write to the table");
    }

    /// Returns once a region's processing queue has nothing left.
    async fn drained(&self, region: &str) {
        let counts = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        ];
        let get = self.aws.sqs(region).get_queue_attributes().queue_url(self.queue(region));
        let get = get.set_attribute_names(Some(counts.to_vec()));
        eventually(&format!("an empty queue in {region}"), async || {
            let answer = get.clone().send().await.expect("look at the queue");
            let attributes = answer.attributes.unwrap_or_default();
            counts.iter().all(|count| attributes[count] == "0").then_some(())
        })
        .await;
    }
}
