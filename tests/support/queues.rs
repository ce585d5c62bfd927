//! The queues of a test's account, behind payctl's back.

use super::payctl::TestEnvironment;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName;
use payctl::aws::clients::{Clients, Endpoint};
use std::collections::BTreeMap;
use tokio::runtime::Runtime;

/// The queues of one region.
pub(crate) struct Queues {
    client: Client,
    runtime: Runtime,
}

impl Queues {
    /// Looks at a region of a test's account.
    pub(crate) fn of(environment: &TestEnvironment, region: &str) -> Self {
        let runtime = Runtime::new().expect("start a runtime");
        let endpoint = Endpoint {
            url: Some(environment.endpoint().to_owned()),
            profile: None,
            access_key: Some(environment.account().to_owned()),
        };
        let clients = runtime.block_on(Clients::load(&endpoint));
        Self { client: clients.sqs(region), runtime }
    }

    /// Returns the names of all queues, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        let listed = self.runtime.block_on(self.client.list_queues().send());
        let urls = listed.expect("list the queues").queue_urls.unwrap_or_default();
        let name = |url: &String| url.rsplit('/').next().unwrap_or_default().to_owned();
        let mut names: Vec<_> = urls.iter().map(name).collect();
        names.sort();
        names
    }

    /// Makes a queue that is nobody's.
    pub(crate) fn create(&self, name: &str) {
        let made = self.runtime.block_on(self.client.create_queue().queue_name(name).send());
        made.expect("create a queue");
    }

    /// Removes a queue.
    pub(crate) fn delete(&self, name: &str) {
        let url = self.url(name);
        let gone = self.runtime.block_on(self.client.delete_queue().queue_url(url).send());
        gone.expect("delete a queue");
    }

    /// Changes how long the messages of a queue are delayed.
    pub(crate) fn set_delay(&self, name: &str, seconds: u32) {
        let request = self
            .client
            .set_queue_attributes()
            .queue_url(self.url(name))
            .attributes(QueueAttributeName::DelaySeconds, seconds.to_string());
        self.runtime.block_on(request.send()).expect("change a queue");
    }

    /// Returns how long the messages of a queue are delayed.
    pub(crate) fn delay(&self, name: &str) -> String {
        self.attributes(name)["DelaySeconds"].clone()
    }

    /// Returns all the attributes of a queue.
    pub(crate) fn attributes(&self, name: &str) -> BTreeMap<String, String> {
        let request = self
            .client
            .get_queue_attributes()
            .queue_url(self.url(name))
            .attribute_names(QueueAttributeName::All);
        let answer = self.runtime.block_on(request.send()).expect("read a queue");
        let attributes = answer.attributes.unwrap_or_default();
        attributes.into_iter().map(|(name, value)| (name.as_str().to_owned(), value)).collect()
    }

    fn url(&self, name: &str) -> String {
        let found = self.runtime.block_on(self.client.get_queue_url().queue_name(name).send());
        found.expect("find a queue").queue_url.unwrap_or_default()
    }
}
