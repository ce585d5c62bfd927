//! What Lambda's types have in common.

use crate::resource::{Changes, Cx, Desired, Failure, Fault, Found as _, Poll, Result, Tags};
use aws_sdk_lambda::types::ProvisionedConcurrencyStatusEnum;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Instances of a version that are kept ready.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ProvisionedConcurrencyConfig {
    /// How many.
    #[schemars(range(min = 1))]
    pub provisioned_concurrent_executions: i32,
}

/// How long instances may take to be ready: Lambda starts hundreds a minute.
const PROVISIONED: Duration = Duration::from_secs(15 * 60);

/// Returns a nested property as the SDK has it; unset, it is sent empty, which
/// takes away what was set.
pub(super) fn or_empty<T: Default, S: for<'a> From<&'a T>>(value: &Option<T>) -> S {
    value.as_ref().map_or_else(|| S::from(&T::default()), S::from)
}

/// Sets and removes the tags that changed.
pub(super) async fn update_tags(
    arn: &str,
    desired: Option<&Tags>,
    changes: &Changes,
    cx: &Cx,
) -> Result<()> {
    let tags = changes.tags(desired);
    if !tags.set.is_empty() {
        let map = tags.set.into_iter().map(|tag| (tag.key, tag.value)).collect();
        let request = cx.lambda().tag_resource().resource(arn).set_tags(Some(map));
        cx.mutate("lambda:TagResource", || request.clone().send()).await?;
    }
    if !tags.remove.is_empty() {
        let request = cx.lambda().untag_resource().resource(arn).set_tag_keys(Some(tags.remove));
        cx.mutate("lambda:UntagResource", || request.clone().send()).await?;
    }
    Ok(())
}

/// Refuses a function's ARN where Lambda's answer tells the name: the two could
/// not be compared.
pub(super) fn name_fault(desired: Desired<'_>) -> Option<Fault> {
    desired.text("FunctionName").filter(|name| name.contains(':')).map(|_| {
        Fault::new("FunctionName", "write the function's name, ${Function}, instead of its ARN")
    })
}

/// Returns how many instances of a version or alias are kept ready.
pub(super) async fn provisioned(
    function: &str,
    qualifier: &str,
    cx: &Cx,
) -> Result<Option<ProvisionedConcurrencyConfig>> {
    let request = cx
        .lambda()
        .get_provisioned_concurrency_config()
        .function_name(function)
        .qualifier(qualifier);
    let operation = "lambda:GetProvisionedConcurrencyConfig";
    let answer = cx.observe(operation, || request.clone().send()).await.found()?;
    let wanted = answer.and_then(|it| it.requested_provisioned_concurrent_executions);
    Ok(wanted
        .map(|count| ProvisionedConcurrencyConfig { provisioned_concurrent_executions: count }))
}

/// Keeps as many instances ready, and returns when they are; none without a
/// configuration.
pub(super) async fn provision(
    function: &str,
    qualifier: &str,
    config: Option<&ProvisionedConcurrencyConfig>,
    cx: &Cx,
) -> Result<()> {
    let Some(config) = config else {
        let request = cx
            .lambda()
            .delete_provisioned_concurrency_config()
            .function_name(function)
            .qualifier(qualifier);
        let operation = "lambda:DeleteProvisionedConcurrencyConfig";
        cx.mutate(operation, || request.clone().send()).await.found()?;
        return Ok(());
    };
    let request = cx
        .lambda()
        .put_provisioned_concurrency_config()
        .function_name(function)
        .qualifier(qualifier)
        .provisioned_concurrent_executions(config.provisioned_concurrent_executions);
    let operation = "lambda:PutProvisionedConcurrencyConfig";
    cx.mutate(operation, || request.clone().send()).await?;
    await_provisioned(function, qualifier, cx).await
}

/// Waits until the instances of a version or alias are ready.
pub(super) async fn await_provisioned(function: &str, qualifier: &str, cx: &Cx) -> Result<()> {
    let request = cx
        .lambda()
        .get_provisioned_concurrency_config()
        .function_name(function)
        .qualifier(qualifier);
    cx.wait(PROVISIONED, || async {
        let operation = "lambda:GetProvisionedConcurrencyConfig";
        let now = cx.observe(operation, || request.clone().send()).await?;
        match now.status {
            Some(ProvisionedConcurrencyStatusEnum::Ready) => Ok(Poll::Ready(())),
            Some(ProvisionedConcurrencyStatusEnum::Failed) => Err(Failure::refused(format!(
                "the instances of {function}:{qualifier} could not be made ready: {}",
                now.status_reason.as_deref().unwrap_or("Lambda gives no reason")
            ))),
            _ => Ok(Poll::Pending(format!(
                "{} of {} instances of {function}:{qualifier} are ready",
                now.available_provisioned_concurrent_executions.unwrap_or_default(),
                now.requested_provisioned_concurrent_executions.unwrap_or_default(),
            ))),
        }
    })
    .await
}
