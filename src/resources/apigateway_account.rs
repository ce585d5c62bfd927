//! `AWS::ApiGateway::Account`: the role by which API Gateway writes logs, one
//! for an account and region.
//!
//! There is just one, which is set and never deleted. A role that somebody
//! else set is left alone; one that exists no more is as good as none.

use super::apigateway::{Patch, filled};
use crate::resource::{
    Changes, Class, Cx, Desired, Early, Fault, Found as _, Id, Live, Meta, Place, Recorded,
    Resource, Result,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The account's settings. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-apigateway-account.html>
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct Account {
    /// The ARN of the role by which API Gateway writes to CloudWatch Logs.
    pub cloud_watch_role_arn: Option<String>,
}

/// What is known of the account's settings.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    /// Its id: an account has one in a region.
    pub id: Early<String>,
}

const ID: &str = "Account";

impl Resource for Account {
    type Attributes = Attributes;

    const META: Meta =
        Meta::regional("AWS::ApiGateway::Account").singleton().overwrites().takes(10);

    fn identity(_desired: Desired<'_>, _place: &Place) -> Option<Id> {
        Some(Id::from(ID))
    }

    fn check(desired: Desired<'_>) -> Vec<Fault> {
        let is_set = desired.0.get("CloudWatchRoleArn").is_some_and(|arn| !arn.is_null());
        let fault = || Fault::new("CloudWatchRoleArn", "give the role: '${Role.Arn}'");
        (!is_set).then(fault).into_iter().collect()
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let request = cx.apigateway().get_account();
        let answer = cx.observe("apigateway:GetAccount", || request.clone().send()).await?;
        let Some(arn) = filled(answer.cloudwatch_role_arn) else { return Ok(None) };
        if !exists(&arn, cx).await? {
            return Ok(None);
        }
        Ok(Some(Live {
            id: id.clone(),
            properties: Self { cloud_watch_role_arn: Some(arn) },
            attributes: attributes(),
        }))
    }

    async fn converge(
        &self,
        current: Option<&Live<Self>>,
        changes: &Changes,
        cx: &Cx,
    ) -> Result<Attributes> {
        if current.is_none() || changes.has("CloudWatchRoleArn") {
            let mut patch = Patch::default();
            patch.set(
                "/cloudwatchRoleArn",
                self.cloud_watch_role_arn.as_deref().unwrap_or_default(),
            );
            let request = cx.apigateway().update_account().set_patch_operations(patch.operations());
            cx.mutate("apigateway:UpdateAccount", || request.clone().send()).await?;
        }
        if current.is_none() {
            cx.created(&Id::from(ID), json!(attributes())).await?;
        }
        Ok(attributes())
    }

    /// Other APIs of the account may log by the role: it stays.
    async fn delete(_recorded: &Recorded<Self>, _cx: &Cx) -> Result<()> {
        Ok(())
    }
}

fn attributes() -> Attributes {
    Attributes { id: Early(ID.to_owned()) }
}

/// Whether a role exists. Who may not see that takes it for granted.
async fn exists(arn: &str, cx: &Cx) -> Result<bool> {
    let name = arn.rsplit('/').next().unwrap_or_default();
    let request = cx.iam().get_role().role_name(name);
    match cx.observe("iam:GetRole", || request.clone().send()).await.found() {
        Err(failure) if failure.class == Class::Denied => Ok(true),
        answer => Ok(answer?.is_some()),
    }
}
