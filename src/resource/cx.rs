//! What a kind works with: its place, AWS, and the engine behind it.

use super::{Class, Failure, Id, Result};
use crate::address::Address;
use crate::asset::Assets;
use crate::aws::call::{self, Verb};
use crate::aws::clients::Clients;
use crate::aws::owned::{ADDRESS_TAG, DEPLOYMENT_TAG, GENERATION_TAG, Owned};
use futures::future::BoxFuture;
use serde_json::Value;
use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// The account and region that a node lives in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The region; for global types the one that signs for the partition.
    pub region: String,
    /// The account's 12 digits.
    pub account: String,
    /// `aws`, `aws-cn` or `aws-us-gov`.
    pub partition: String,
}

impl Place {
    /// Returns `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`.
    pub fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:{}:{service}:{}:{}:{resource}", self.partition, self.region, self.account)
    }

    /// Returns an ARN without a region, as IAM's are.
    pub fn global_arn(&self, service: &str, resource: &str) -> String {
        format!("arn:{}:{service}::{}:{resource}", self.partition, self.account)
    }

    /// Returns the domain that service endpoints of the partition end in.
    pub fn dns_suffix(&self) -> &'static str {
        if self.partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" }
    }
}

/// Whose a resource is: the deployment and address that its ownership tags
/// carry, and which of its instances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The deployment's id: `payment-processing.dev`.
    pub deployment: String,
    /// The node's address.
    pub address: Address,
    /// Counts the replacements of the node, from 0.
    pub generation: u32,
}

impl Owner {
    /// Returns text that is the same for every attempt to create this
    /// instance, as an idempotency token (at most 64 characters, letters,
    /// digits and `-`).
    pub fn token(&self) -> String {
        let seed = format!("{} {} {}", self.deployment, self.address, self.generation);
        crate::hash::hex(seed.as_bytes())[..32].to_owned()
    }

    /// Whether these are the ownership tags of this very instance.
    pub fn owns(&self, tags: &HashMap<String, String>) -> bool {
        let has = |key: &str, value: &str| tags.get(key).is_some_and(|found| found == value);
        has(DEPLOYMENT_TAG, &self.deployment)
            && has(ADDRESS_TAG, &self.address.tag())
            && has(GENERATION_TAG, &self.generation.to_string())
    }
}

/// What a wait found.
#[derive(Debug)]
pub enum Poll<T> {
    /// It is over.
    Ready(T),
    /// It goes on; the text says what AWS still does ("replica is CREATING").
    Pending(String),
}

/// The engine as a kind's calls see it. The plan has one that refuses to
/// mutate.
pub trait Link: Send + Sync {
    /// Records that a mutating call is about to be sent; returns once synced.
    fn intent<'a>(&'a self, operation: &'a str) -> BoxFuture<'a, Result<u64>>;
    /// Records how the call of that intent ended.
    fn outcome<'a>(
        &'a self,
        intent: u64,
        failure: Option<&'a Failure>,
    ) -> BoxFuture<'a, Result<()>>;
    /// Records what names the resource; returns once synced.
    fn created<'a>(&'a self, id: &'a Id, attributes: &'a Value) -> BoxFuture<'a, Result<()>>;
    /// Tells the user what the node waits for.
    fn waiting(&self, reason: &str);
    /// Whether the user asked to stop: nothing new may start.
    fn is_stopping(&self) -> bool;
    /// Whether no call to the region has been answered for a while.
    fn is_silent(&self, region: &str) -> bool;
    /// Counts a call that ended.
    fn called(&self, operation: &str, region: &str, took: Duration, failure: Option<&Failure>);
    /// Returns a permit to have one call in flight in the region.
    fn permit<'a>(
        &'a self,
        region: &'a str,
    ) -> BoxFuture<'a, Option<tokio::sync::OwnedSemaphorePermit>>;
}

/// What a kind works with. Cheap to clone.
#[derive(Clone)]
pub struct Cx {
    /// Where the node lives.
    pub place: Place,
    /// Whose it is.
    pub owner: Owner,
    /// Whether items of late properties are left out because their inputs are
    /// not known (yet): what is missing there is not undesired.
    pub partial: bool,
    pub(crate) clients: Arc<Clients>,
    pub(crate) link: Arc<dyn Link>,
    pub(crate) owned: Arc<Owned>,
    pub(crate) assets: Arc<Assets>,
    pub(crate) in_doubt: bool,
}

impl Cx {
    /// Makes the context of one node's work.
    pub fn new(
        place: Place,
        owner: Owner,
        clients: Arc<Clients>,
        link: Arc<dyn Link>,
        owned: Arc<Owned>,
        assets: Arc<Assets>,
    ) -> Self {
        Self { place, owner, partial: false, clients, link, owned, assets, in_doubt: false }
    }

    /// Returns the region of the node.
    pub fn region(&self) -> &str {
        &self.place.region
    }

    /// Makes a call that changes nothing. Retried while that can help.
    pub async fn observe<T, E, F>(
        &self,
        operation: &str,
        request: impl FnMut() -> F + Send,
    ) -> Result<T>
    where
        F: Future<Output = std::result::Result<T, E>> + Send,
        Failure: From<E>,
        E: Send,
        T: Send,
    {
        call::run(self, operation, self.region(), Verb::Observe, request).await
    }

    /// Makes a call that changes something and may be repeated safely, because
    /// it names what it changes or carries a token.
    pub async fn mutate<T, E, F>(
        &self,
        operation: &str,
        request: impl FnMut() -> F + Send,
    ) -> Result<T>
    where
        F: Future<Output = std::result::Result<T, E>> + Send,
        Failure: From<E>,
        E: Send,
        T: Send,
    {
        call::run(self, operation, self.region(), Verb::Mutate, request).await
    }

    /// Makes a call that makes a second resource when it is repeated. If its
    /// answer is lost it fails with [`Class::InDoubt`], and the engine looks
    /// for the resource before it tries again.
    pub async fn create<T, E, F>(
        &self,
        operation: &str,
        request: impl FnMut() -> F + Send,
    ) -> Result<T>
    where
        F: Future<Output = std::result::Result<T, E>> + Send,
        Failure: From<E>,
        E: Send,
        T: Send,
    {
        call::run(self, operation, self.region(), Verb::Create, request).await
    }

    /// Whether a creation of this node was begun and its end is not known. A
    /// search then leaves no stone unturned; otherwise the cheap ways suffice.
    pub fn is_in_doubt(&self) -> bool {
        self.in_doubt
    }

    /// Returns the same context for a search after a creation whose end is not
    /// known.
    #[must_use]
    pub(crate) fn doubting(mut self, in_doubt: bool) -> Self {
        self.in_doubt = in_doubt;
        self
    }

    /// Returns the same context in another region, for the types that reach
    /// over regions (the replicas of a table).
    pub fn in_region(&self, region: &str) -> Self {
        let mut there = self.clone();
        region.clone_into(&mut there.place.region);
        there
    }

    /// Records that AWS has named the resource, with the attributes that are
    /// certain already. Returns once that is on disk.
    pub async fn created(&self, id: &Id, early_attributes: Value) -> Result<()> {
        self.link.created(id, &early_attributes).await
    }

    /// Polls until `check` says ready: soon at first, then ever more slowly,
    /// at most every five seconds, and fails after `deadline`.
    pub async fn wait<T, F>(
        &self,
        deadline: Duration,
        mut check: impl FnMut() -> F + Send,
    ) -> Result<T>
    where
        F: Future<Output = Result<Poll<T>>> + Send,
        T: Send,
    {
        let started = tokio::time::Instant::now();
        let mut pause = Duration::from_millis(50);
        loop {
            let reason = match check().await? {
                Poll::Ready(value) => return Ok(value),
                Poll::Pending(reason) => reason,
            };
            if started.elapsed() > deadline {
                return Err(Failure::local(
                    Class::Terminal,
                    format!(
                        "{reason} after {} s, which is longer than AWS documents",
                        deadline.as_secs()
                    ),
                ));
            }
            if self.link.is_stopping() {
                return Err(Failure::local(
                    Class::Interrupted,
                    format!("interrupted while {reason}"),
                ));
            }
            self.link.waiting(&reason);
            tokio::time::sleep(pause).await;
            pause = (pause * 3 / 2).min(Duration::from_secs(5));
        }
    }

    /// Tells the user how far a long piece of work is.
    pub fn progress(&self, text: &str) {
        self.link.waiting(text);
    }

    /// Returns the zip with this hash (see [`super::Asset`]).
    pub fn asset(&self, sha256: &str) -> Result<Vec<u8>> {
        self.assets.zip(sha256).ok_or_else(|| {
            Failure::refused(format!(
                "no local code has the hash {sha256}: it changed since the plan was made"
            ))
        })
    }

    /// Returns the ARN of this node's own resource by its ownership tags,
    /// through one tag query per region. `resource_type` is the tagging API's:
    /// `kms:key`, `lambda:function`.
    pub async fn find_owned(&self, resource_type: &str) -> Result<Option<String>> {
        Ok(self.find_all_owned(resource_type).await?.into_iter().next())
    }

    /// Like [`Cx::find_owned`], for what goes on existing under its tags after
    /// its deletion (a key that is pending deletion): there may be several.
    pub async fn find_all_owned(&self, resource_type: &str) -> Result<Vec<String>> {
        self.owned.find(self, resource_type).await
    }
}

/// Reads "not found" as an answer.
pub trait Found<T> {
    /// Returns `None` where AWS says that the thing does not exist.
    fn found(self) -> Result<Option<T>>;
}

impl<T> Found<T> for Result<T> {
    fn found(self) -> Result<Option<T>> {
        match self {
            Ok(value) => Ok(Some(value)),
            Err(failure) if failure.class == Class::Gone => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}
