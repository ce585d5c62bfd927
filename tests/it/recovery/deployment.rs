//! The disaster-recovery stack as a test deploys it.

use crate::support::deployment::Deployment;
use crate::support::payctl::TestEnvironment;
use crate::support::wait::eventually;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::ops::Deref;

/// Where payments are taken.
pub(super) const PRIMARY: &str = "us-east-1";
/// Where they are taken when the primary is lost.
pub(super) const SECONDARY: &str = "us-east-2";
/// Both.
pub(super) const REGIONS: [&str; 2] = [PRIMARY, SECONDARY];

/// The stack in one environment.
#[derive(Clone)]
pub(super) struct Recovery(Deployment);

impl Recovery {
    /// Makes a copy of the stack in an account of its own. Nothing is deployed
    /// yet.
    pub(super) async fn new() -> Self {
        Self(Deployment::new("disaster-recovery").await)
    }

    /// Makes a copy of the stack whose AWS is at this address.
    pub(super) async fn at(endpoint: &str) -> Self {
        Self(Deployment::inside(TestEnvironment::at(endpoint), "disaster-recovery").await)
    }

    /// Deploys the stack in its two regions.
    pub(super) async fn applied() -> Self {
        let recovery = Self::new().await;
        recovery.apply(&[]);
        recovery
    }

    /// Posts a body to `/validate` of a region.
    pub(super) fn post(&self, region: &str, body: &str) -> (u16, Value) {
        self.request("POST", &self.address(region, "validate"), body)
    }

    /// Asks for `/health` of a region.
    pub(super) fn health(&self, region: &str) -> (u16, Value) {
        self.request("GET", &self.address(region, "health"), "")
    }

    fn address(&self, region: &str, path: &str) -> String {
        let name = if region == PRIMARY { "primary" } else { "secondary" };
        let outputs = self.outputs();
        let endpoint = outputs[format!("{name}_api_endpoint")].as_str().expect("an address");
        format!("{endpoint}/{path}")
    }

    /// Returns the name of a thing of a region.
    pub(super) fn name(&self, what: &str, region: &str) -> String {
        format!("payment-{what}-{}-{region}", self.env)
    }

    /// Returns the table's name.
    pub(super) fn table(&self) -> String {
        format!("payment-transactions-{}", self.env)
    }

    /// Returns an item as a region's replica has it.
    pub(super) async fn item(
        &self,
        region: &str,
        id: &str,
    ) -> Option<HashMap<String, AttributeValue>> {
        let get = self.aws.dynamodb(region).get_item().table_name(self.table());
        let get = get.key("transaction_id", AttributeValue::S(id.to_owned())).consistent_read(true);
        get.send().await.expect("read the table").item
    }

    /// Returns a payment as a region's replica has it, as soon as it has this
    /// status.
    pub(super) async fn payment(
        &self,
        region: &str,
        id: &str,
        status: &str,
    ) -> HashMap<String, AttributeValue> {
        let wanted = AttributeValue::S(status.to_owned());
        eventually(&format!("{id} is {status} in {region}"), async || {
            self.item(region, id).await.filter(|item| item.get("status") == Some(&wanted))
        })
        .await
    }

    /// Returns the address of a region's processing queue.
    pub(super) fn queue(&self, region: &str) -> String {
        let queues = &self.outputs()["processing_queue_urls"];
        queues[region].as_str().expect("a queue has an address").to_owned()
    }

    /// Returns once a region's processing queue holds nothing, in no one's
    /// hands either. The emulator asks nobody's leave to make the log group of a
    /// function that ends after its log group was deleted.
    pub(super) async fn idle(&self, region: &str) {
        use QueueAttributeName::{
            ApproximateNumberOfMessages as Waiting, ApproximateNumberOfMessagesNotVisible as Taken,
        };
        let attributes = self.aws.sqs(region).get_queue_attributes().queue_url(self.queue(region));
        let attributes = attributes.attribute_names(Waiting).attribute_names(Taken);
        eventually(&format!("nothing is processed in {region}"), async || {
            let answer = attributes.clone().send().await.expect("look at the queue");
            let counts = answer.attributes.expect("a queue has attributes");
            assert_eq!(counts.len(), 2, "{counts:?}");
            counts.values().all(|count| count == "0").then_some(())
        })
        .await;
    }

    /// Puts a message into a region's processing queue, as validation does.
    pub(super) async fn enqueue(&self, region: &str, id: &str) {
        let send = self.aws.sqs(region).send_message().queue_url(self.queue(region));
        let send = send.message_body(json!({ "transaction_id": id }).to_string());
        send.send().await.expect("send a message");
    }

    /// Makes a queue that hears what the topics of both regions tell; returns
    /// its address.
    pub(super) async fn listen(&self) -> Value {
        let name = format!("listener-{}", self.env);
        let made = self.aws.sqs(SECONDARY).create_queue().queue_name(&name).send().await;
        let url = made.expect("make a queue").queue_url.expect("a queue has an address");
        for region in REGIONS {
            let topic = self.outputs()["alert_topic_arns"][region].clone();
            let subscribe = self.aws.sns(region).subscribe().protocol("sqs");
            let endpoint = format!("arn:aws:sqs:{SECONDARY}:{}:{name}", self.world.account());
            subscribe
                .topic_arn(topic.as_str().expect("a topic"))
                .endpoint(endpoint)
                .send()
                .await
                .expect("subscribe to a topic");
        }
        json!(url)
    }

    /// Takes this many messages of topics from the listener: where each comes
    /// from, and what it says.
    pub(super) async fn heard(&self, listener: &Value, count: usize) -> Vec<(String, Value)> {
        let messages = self.messages(SECONDARY, listener, count).await;
        let content = |message: Value| {
            let topic = message["TopicArn"].as_str().expect("a topic").to_owned();
            let text = message["Message"].as_str().expect("a message");
            let region = topic.split(':').nth(3).expect("an ARN").to_owned();
            (region, serde_json::from_str(text).expect("the message is JSON"))
        };
        messages.into_iter().map(content).collect()
    }
}

impl Deref for Recovery {
    type Target = Deployment;

    fn deref(&self) -> &Deployment {
        &self.0
    }
}

/// Returns a valid payment.
pub(super) fn payment(id: &str, amount: &str) -> Value {
    json!({
        "transaction_id": id,
        "amount": amount,
        "currency": "USD",
        "customer_id": "cust-456",
        "payment_method": "credit_card",
    })
}
