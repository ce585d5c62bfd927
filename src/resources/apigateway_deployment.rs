//! `AWS::ApiGateway::Deployment`: a snapshot of a REST API, which stages
//! serve.

use super::apigateway::{PAGE, Patch, filled};
use crate::resource::{
    Changes, Cx, Early, Failure, Fixed, Found as _, Id, Live, Meta, Poll, Recorded, Resource,
    Result, WriteOnly,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;

/// A deployment. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-apigateway-deployment.html>
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Deployment {
    /// The API.
    pub rest_api_id: Fixed<String>,
    /// What is special about it.
    pub description: Option<String>,
    /// The hash of the API's content, which payctl fills in: other content is
    /// another deployment.
    pub content_hash: Option<Fixed<WriteOnly<String>>>,
}

/// What API Gateway gives back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    /// Its id.
    pub deployment_id: Early<String>,
}

/// How long a stage that was moved or deleted may still be seen at its
/// deployment.
const STAGE_LAG: Duration = Duration::from_secs(60);

impl Resource for Deployment {
    type Attributes = Attributes;

    const META: Meta = Meta::regional("AWS::ApiGateway::Deployment")
        .snapshots("RestApiId")
        .reference("DeploymentId")
        .takes(2)
        .unsupported(&["DeploymentCanarySettings", "StageDescription", "StageName"]);

    async fn find(&self, cx: &Cx) -> Result<Option<Id>> {
        let marker = marker(cx);
        let mut position: Option<String> = None;
        loop {
            let request = cx
                .apigateway()
                .get_deployments()
                .rest_api_id(&self.rest_api_id.0)
                .limit(PAGE)
                .set_position(position.take());
            let Some(page) =
                cx.observe("apigateway:GetDeployments", || request.clone().send()).await.found()?
            else {
                return Ok(None);
            };
            let own =
                page.items().iter().find(|d| d.description().is_some_and(|d| d.ends_with(&marker)));
            if let Some(id) = own.and_then(|deployment| deployment.id()) {
                return Ok(Some(Id::join([id, &self.rest_api_id.0])));
            }
            position = filled(page.position);
            if position.is_none() {
                return Ok(None);
            }
        }
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let [deployment, api] = id.parts();
        let request = cx.apigateway().get_deployment().rest_api_id(api).deployment_id(deployment);
        let answer =
            cx.observe("apigateway:GetDeployment", || request.clone().send()).await.found()?;
        Ok(answer.map(|answer| Live {
            id: id.clone(),
            properties: Self {
                rest_api_id: Fixed(api.to_owned()),
                description: answer.description.as_deref().and_then(unmarked),
                content_hash: None,
            },
            attributes: Attributes { deployment_id: Early(deployment.to_owned()) },
        }))
    }

    async fn converge(
        &self,
        current: Option<&Live<Self>>,
        changes: &Changes,
        cx: &Cx,
    ) -> Result<Attributes> {
        let Some(live) = current else { return self.create(cx).await };
        if changes.has("Description") {
            let mut patch = Patch::default();
            patch.set("/description", self.marked(cx));
            let request = cx
                .apigateway()
                .update_deployment()
                .rest_api_id(&self.rest_api_id.0)
                .deployment_id(&live.attributes.deployment_id.0)
                .set_patch_operations(patch.operations());
            cx.mutate("apigateway:UpdateDeployment", || request.clone().send()).await?;
        }
        Ok(live.attributes.clone())
    }

    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let [deployment, api] = recorded.id.parts();
        let request =
            cx.apigateway().delete_deployment().rest_api_id(api).deployment_id(deployment);
        cx.wait(STAGE_LAG, || async {
            let answer =
                cx.mutate("apigateway:DeleteDeployment", || request.clone().send()).await.found();
            match answer {
                Err(failure) if is_in_use(&failure) => {
                    Ok(Poll::Pending("a stage still points to this deployment".to_owned()))
                }
                answer => answer.map(|_| Poll::Ready(())),
            }
        })
        .await
    }
}

impl Deployment {
    async fn create(&self, cx: &Cx) -> Result<Attributes> {
        let request = cx
            .apigateway()
            .create_deployment()
            .rest_api_id(&self.rest_api_id.0)
            .description(self.marked(cx));
        let answer = cx.create("apigateway:CreateDeployment", || request.clone().send()).await?;
        let attributes = Attributes { deployment_id: Early(answer.id.unwrap_or_default()) };
        let id = Id::join([&attributes.deployment_id.0, &self.rest_api_id.0]);
        cx.created(&id, json!(attributes)).await?;
        Ok(attributes)
    }

    /// Returns the description with the marker behind it. A deployment has
    /// neither a name nor tags nor a token, so only its description can say
    /// whose it is.
    fn marked(&self, cx: &Cx) -> String {
        match &self.description {
            Some(text) => format!("{text} {}", marker(cx)),
            None => marker(cx),
        }
    }
}

const MARKER: &str = "[payctl ";

fn marker(cx: &Cx) -> String {
    format!("{MARKER}{}]", cx.owner.token())
}

/// Returns the description that the user gave.
fn unmarked(description: &str) -> Option<String> {
    let text = match description.rfind(MARKER) {
        Some(at) if description.ends_with(']') => description[..at].trim_end_matches(' '),
        _ => description,
    };
    filled(Some(text.to_owned()))
}

fn is_in_use(failure: &Failure) -> bool {
    failure.message.contains("pointing to this deployment must be moved or deleted")
}

#[cfg(test)]
mod tests {
    use super::unmarked;

    #[test]
    fn the_marker_is_not_the_users() {
        assert_eq!(unmarked("[payctl 0a]"), None);
        assert_eq!(unmarked("first [payctl 0a]").as_deref(), Some("first"));
        assert_eq!(unmarked("by hand").as_deref(), Some("by hand"));
        assert_eq!(unmarked(""), None);
    }
}
