//! `AWS::ApiGateway::BasePathMapping`: a REST API's place behind a domain
//! name.

use super::apigateway::{Patch, filled, is_unset, required};
use crate::resource::{
    Changes, Cx, Desired, Failure, Fault, Fixed, Found as _, Id, Live, Meta, Place, Poll, Recorded,
    Resource, Result,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;

/// A base path mapping. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-apigateway-basepathmapping.html>
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct BasePathMapping {
    /// The domain name.
    pub domain_name: Fixed<String>,
    /// The path behind the domain name; unset it is the root.
    pub base_path: Option<Fixed<String>>,
    /// The API.
    pub rest_api_id: Option<String>,
    /// The API's stage; unset it is the first part of the remaining path.
    pub stage: Option<String>,
}

/// API Gateway gives nothing back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Attributes {}

/// What API Gateway calls an empty base path, and in answers an open stage.
const NONE: &str = "(none)";

/// How long a new API or stage may be unknown to the mapping.
const STAGE_LAG: Duration = Duration::from_secs(30);

impl Resource for BasePathMapping {
    type Attributes = Attributes;

    const META: Meta = Meta::regional("AWS::ApiGateway::BasePathMapping");

    fn identity(desired: Desired<'_>, _place: &Place) -> Option<Id> {
        let path = match desired.text("BasePath") {
            Some(path) => path,
            None if is_unset(desired, "BasePath") => NONE,
            None => return None,
        };
        Some(Id::join([desired.text("DomainName")?, named(path)]))
    }

    fn check(desired: Desired<'_>) -> Vec<Fault> {
        let slash = desired.text("BasePath").is_some_and(|path| path.starts_with('/'));
        let mut faults: Vec<_> =
            required(desired, "RestApiId", "name the API to map").into_iter().collect();
        if slash {
            let message = "write it without the '/' at its beginning; leave it out for the root";
            faults.push(Fault::new("BasePath", message));
        }
        faults
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let [domain, path] = id.parts();
        let request = cx.apigateway().get_base_path_mapping().domain_name(domain).base_path(path);
        let answer =
            cx.observe("apigateway:GetBasePathMapping", || request.clone().send()).await.found()?;
        Ok(answer.map(|answer| Live {
            id: id.clone(),
            properties: Self {
                domain_name: Fixed(domain.to_owned()),
                base_path: unnamed(answer.base_path).map(Fixed),
                rest_api_id: answer.rest_api_id,
                stage: unnamed(answer.stage),
            },
            attributes: Attributes {},
        }))
    }

    async fn converge(
        &self,
        current: Option<&Live<Self>>,
        changes: &Changes,
        cx: &Cx,
    ) -> Result<Attributes> {
        match current {
            None => self.create(cx).await?,
            Some(live) => self.update(&live.id, changes, cx).await?,
        }
        Ok(Attributes {})
    }

    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let [domain, path] = recorded.id.parts();
        let request =
            cx.apigateway().delete_base_path_mapping().domain_name(domain).base_path(path);
        cx.mutate("apigateway:DeleteBasePathMapping", || request.clone().send()).await.found()?;
        Ok(())
    }
}

impl BasePathMapping {
    async fn create(&self, cx: &Cx) -> Result<()> {
        let path = self.base_path.as_deref().map_or(NONE, |path| named(path));
        let request = cx
            .apigateway()
            .create_base_path_mapping()
            .domain_name(&self.domain_name.0)
            .base_path(path)
            .set_rest_api_id(self.rest_api_id.clone())
            .set_stage(self.stage.clone());
        cx.wait(STAGE_LAG, || async {
            known(cx.mutate("apigateway:CreateBasePathMapping", || request.clone().send()).await)
        })
        .await?;
        cx.created(&Id::join([self.domain_name.as_str(), path]), json!({})).await
    }

    async fn update(&self, id: &Id, changes: &Changes, cx: &Cx) -> Result<()> {
        let [domain, path] = id.parts();
        let mut patch = Patch::default();
        if let Some(api) = self.rest_api_id.as_ref().filter(|_| changes.has("RestApiId")) {
            patch.set("/restapiId", api);
        }
        if changes.has("Stage") {
            patch.set("/stage", self.stage.as_deref().unwrap_or_default());
        }
        if patch.is_empty() {
            return Ok(());
        }
        let request = cx
            .apigateway()
            .update_base_path_mapping()
            .domain_name(domain)
            .base_path(path)
            .set_patch_operations(patch.operations());
        cx.wait(STAGE_LAG, || async {
            known(cx.mutate("apigateway:UpdateBasePathMapping", || request.clone().send()).await)
        })
        .await
    }
}

/// Takes "invalid identifier" of an API or stage as "not known yet": both
/// were there before the mapping was asked for.
fn known<T>(answer: Result<T>) -> Result<Poll<()>> {
    let unknown = |failure: &Failure| {
        failure.is_code(&["BadRequestException"])
            && failure.message.contains("identifier specified")
    };
    match answer {
        Err(failure) if unknown(&failure) => Ok(Poll::Pending(failure.message)),
        answer => answer.map(|_| Poll::Ready(())),
    }
}

fn named(path: &str) -> &str {
    if path.is_empty() { NONE } else { path }
}

fn unnamed(text: Option<String>) -> Option<String> {
    filled(text).filter(|text| text != NONE)
}
