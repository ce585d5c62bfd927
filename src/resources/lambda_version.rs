//! `AWS::Lambda::Version`: a function's code and configuration, frozen under a
//! number.
//!
//! When the function changes, the node publishes it again and stands for the
//! new version, and so do the aliases that refer to it. The earlier versions
//! stay, as Lambda keeps them, to go back to; they go with the function.

use super::lambda::{ProvisionedConcurrencyConfig, name_fault, provision, provisioned};
use crate::resource::{
    Changes, Class, Cx, Desired, Failure, Fault, Fixed, Found as _, Id, Live, Meta, Poll, Ready,
    Recorded, Resource, Result, Volatile, WriteOnly,
};
use aws_sdk_lambda::types::{FunctionConfiguration, State};
use futures::try_join;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;

/// A version. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-lambda-version.html>
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Version {
    /// The SHA-256 of the code in base64: other code is not published.
    pub code_sha256: Option<Fixed<String>>,
    /// What it is.
    #[schemars(length(max = 256))]
    pub description: Option<Fixed<String>>,
    /// The function, by its name.
    #[schemars(length(min = 1, max = 140))]
    pub function_name: Fixed<Ready<String>>,
    /// The hash of the function's content, which payctl fills in: other content
    /// is published as another version.
    pub content_hash: Option<WriteOnly<String>>,
    /// Instances that are kept ready.
    pub provisioned_concurrency_config: Option<ProvisionedConcurrencyConfig>,
    /// When the runtime is updated. Not read back: it would cost a call of its
    /// own at every refresh.
    pub runtime_policy: Option<WriteOnly<RuntimePolicy>>,
}

/// When the runtime is updated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct RuntimePolicy {
    /// `Manual`: the runtime's version to use.
    #[schemars(length(min = 26, max = 2048))]
    pub runtime_version_arn: Option<String>,
    /// `Auto`, `FunctionUpdate` or `Manual`.
    pub update_runtime_on: String,
}

/// What Lambda gives back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    /// Its ARN.
    pub function_arn: Volatile<String>,
    /// Its number.
    pub version: Volatile<String>,
}

/// How long a version may take to start: one with snapshots takes minutes.
const STARTS: Duration = Duration::from_secs(15 * 60);

impl Resource for Version {
    type Attributes = Attributes;

    const META: Meta = Meta::regional("AWS::Lambda::Version")
        .snapshots("FunctionName")
        .reference("FunctionArn")
        .takes(3)
        .unsupported(&["FunctionScalingConfig"]);

    fn check(desired: Desired<'_>) -> Vec<Fault> {
        name_fault(desired).into_iter().collect()
    }

    /// A version has neither a name nor tags nor a token. Where a creation was
    /// begun, it is the newest one if that is what the function is now: to
    /// publish again would return it.
    async fn find(&self, cx: &Cx) -> Result<Option<Id>> {
        if !cx.is_in_doubt() {
            return Ok(None);
        }
        let versions = versions(&self.function_name, cx).await?;
        let latest = versions.iter().find(|version| version.version() == Some("$LATEST"));
        let newest = newest(&versions);
        let description = self.description.as_deref().map(String::as_str);
        let found = newest.zip(latest).filter(|(newest, latest)| {
            number(newest.version()) > 0
                && newest.code_sha256() == latest.code_sha256()
                && newest.config_sha256() == latest.config_sha256()
                && description.is_none_or(|text| newest.description() == Some(text))
        });
        Ok(found.and_then(|(newest, _)| newest.function_arn()).map(Id::from))
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let (function, version) = parts(id.as_str());
        let request = cx.lambda().get_function_configuration().function_name(id.as_str());
        let answers = try_join!(
            cx.observe("lambda:GetFunctionConfiguration", || request.clone().send()),
            provisioned(function, version, cx),
        );
        let Some((answer, provisioned)) = answers.found()? else { return Ok(None) };
        let properties = Self {
            code_sha256: answer.code_sha256.map(Fixed),
            content_hash: None,
            description: answer.description.filter(|text| !text.is_empty()).map(Fixed),
            function_name: Fixed(Ready(function.to_owned())),
            provisioned_concurrency_config: provisioned,
            runtime_policy: None,
        };
        Ok(Some(Live { id: id.clone(), properties, attributes: Attributes::of(id) }))
    }

    async fn converge(
        &self,
        current: Option<&Live<Self>>,
        changes: &Changes,
        cx: &Cx,
    ) -> Result<Attributes> {
        let before = current.map(|live| &live.id);
        let id = match before {
            None => self.publish_first(cx).await?,
            Some(_) if changes.has("ContentHash") => self.publish(cx).await?.0,
            Some(id) => id.clone(),
        };
        let is_new = before != Some(&id);
        if is_new {
            cx.created(&id, json!(Attributes::of(&id))).await?;
        }
        started(&id, cx).await?;
        let has = |property| changes.has(property);
        if has("RuntimePolicy") || (is_new && self.runtime_policy.is_some()) {
            self.put_runtime_policy(&id, cx).await?;
        }
        let config = self.provisioned_concurrency_config.as_ref();
        if has("ProvisionedConcurrencyConfig") || (is_new && config.is_some()) {
            let (function, version) = parts(id.as_str());
            provision(function, version, config, cx).await?;
        }
        if let Some(before) = before.filter(|_| is_new) {
            // What is kept ready costs, and the earlier version is kept for
            // going back alone.
            let (function, version) = parts(before.as_str());
            provision(function, version, None, cx).await?;
        }
        Ok(Attributes::of(&id))
    }

    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let (function, version) = parts(recorded.id.as_str());
        let applied = recorded.applied.as_ref();
        if applied.is_some_and(|version| version.provisioned_concurrency_config.is_some()) {
            provision(function, version, None, cx).await?;
        }
        let request = cx.lambda().delete_function().function_name(function).qualifier(version);
        cx.mutate("lambda:DeleteFunction", || request.clone().send()).await.found()?;
        Ok(())
    }
}

impl Version {
    /// Publishes a version that there was not before. Where nothing changed,
    /// Lambda returns the last one: the one that is to be replaced, another
    /// resource's or one that a user made.
    async fn publish_first(&self, cx: &Cx) -> Result<Id> {
        let before = versions(&self.function_name, cx).await?;
        let (id, number) = self.publish(cx).await?;
        if before.iter().any(|version| version.version() == Some(&number)) {
            return Err(Failure::refused(format!(
                "{} is just what it was as version {number}, and Lambda makes no second version \
                 of that. Change its code or configuration, or leave the new version out",
                self.function_name.as_str()
            )));
        }
        Ok(id)
    }

    /// Publishes the function as it is, and returns the version that is just
    /// that, which may be there already.
    async fn publish(&self, cx: &Cx) -> Result<(Id, String)> {
        let request = cx
            .lambda()
            .publish_version()
            .function_name(self.function_name.as_str())
            .set_code_sha256(self.code_sha256.as_deref().cloned())
            .set_description(self.description.as_deref().cloned());
        let answer = cx.mutate("lambda:PublishVersion", || request.clone().send()).await?;
        let Some((arn, number)) = answer.function_arn.zip(answer.version) else {
            return Err(Failure::local(Class::InDoubt, "Lambda did not say what it published"));
        };
        Ok((Id::from(arn), number))
    }

    async fn put_runtime_policy(&self, id: &Id, cx: &Cx) -> Result<()> {
        let (function, version) = parts(id.as_str());
        let policy = self.runtime_policy.as_deref();
        let moment = policy.map_or("Auto", |policy| policy.update_runtime_on.as_str());
        let request = cx
            .lambda()
            .put_runtime_management_config()
            .function_name(function)
            .qualifier(version)
            .update_runtime_on(moment.into())
            .set_runtime_version_arn(policy.and_then(|policy| policy.runtime_version_arn.clone()));
        let operation = "lambda:PutRuntimeManagementConfig";
        cx.mutate(operation, || request.clone().send()).await.map(drop)
    }
}

/// Returns all versions of a function, `$LATEST` among them.
async fn versions(function: &str, cx: &Cx) -> Result<Vec<FunctionConfiguration>> {
    let mut found = Vec::new();
    let mut marker = None;
    loop {
        let request =
            cx.lambda().list_versions_by_function().function_name(function).set_marker(marker);
        let operation = "lambda:ListVersionsByFunction";
        let answer = cx.observe(operation, || request.clone().send()).await.found()?;
        let Some(page) = answer else { return Ok(found) };
        found.extend(page.versions.unwrap_or_default());
        marker = page.next_marker.filter(|marker| !marker.is_empty());
        if marker.is_none() {
            return Ok(found);
        }
    }
}

fn newest(versions: &[FunctionConfiguration]) -> Option<&FunctionConfiguration> {
    versions.iter().max_by_key(|version| number(version.version()))
}

impl Attributes {
    fn of(id: &Id) -> Self {
        let version = parts(id.as_str()).1.to_owned();
        Self { function_arn: Volatile(id.to_string()), version: Volatile(version) }
    }
}

/// Returns the function's name and the version's number.
fn parts(arn: &str) -> (&str, &str) {
    let mut parts = arn.rsplit(':');
    let version = parts.next().unwrap_or_default();
    (parts.next().unwrap_or_default(), version)
}

/// Returns a version's number; `$LATEST` has none.
fn number(version: Option<&str>) -> u64 {
    version.and_then(|version| version.parse().ok()).unwrap_or_default()
}

async fn started(id: &Id, cx: &Cx) -> Result<()> {
    let request = cx.lambda().get_function_configuration().function_name(id.as_str());
    cx.wait(STARTS, || async {
        let operation = "lambda:GetFunctionConfiguration";
        let now = cx.observe(operation, || request.clone().send()).await?;
        match now.state() {
            Some(State::Pending) => Ok(Poll::Pending(format!("{id} is starting"))),
            Some(State::Failed) => Err(Failure::refused(format!(
                "{id} failed to start: {}",
                now.state_reason().unwrap_or("Lambda gives no reason")
            ))),
            _ => Ok(Poll::Ready(())),
        }
    })
    .await
}
