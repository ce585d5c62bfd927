//! `AWS::ApiGateway::Resource`: one segment of the paths of a REST API.

use super::apigateway::{PAGE, filled};
use crate::resource::{
    Changes, Cx, Desired, Early, Fault, Fixed, Found as _, Id, Live, Meta, Recorded, Resource,
    Result,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A path segment. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-apigateway-resource.html>
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct PathResource {
    /// The API.
    pub rest_api_id: Fixed<String>,
    /// The resource that it is below; the API's root has the attribute
    /// `RootResourceId`.
    pub parent_id: Fixed<String>,
    /// The segment: text, `{variable}` or `{rest+}`.
    pub path_part: Fixed<String>,
}

/// What API Gateway gives back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    /// Its id.
    pub resource_id: Early<String>,
}

impl Resource for PathResource {
    type Attributes = Attributes;

    const META: Meta = Meta::regional("AWS::ApiGateway::Resource").reference("ResourceId");

    fn check(desired: Desired<'_>) -> Vec<Fault> {
        match desired.text("PathPart") {
            Some(part) if part.is_empty() || part.contains('/') => vec![Fault::new(
                "PathPart",
                "it is one segment of a path, without '/': declare a resource for each segment, \
                 each with the one before as its ParentId",
            )],
            _ => Vec::new(),
        }
    }

    /// A parent has one child of a name, and what is in an API belongs to the
    /// API's owner.
    async fn find(&self, cx: &Cx) -> Result<Option<Id>> {
        let mut position: Option<String> = None;
        loop {
            let request = cx
                .apigateway()
                .get_resources()
                .rest_api_id(&self.rest_api_id.0)
                .limit(PAGE)
                .set_position(position.take());
            let Some(page) =
                cx.observe("apigateway:GetResources", || request.clone().send()).await.found()?
            else {
                return Ok(None);
            };
            let own = page.items().iter().find(|resource| {
                resource.parent_id() == Some(&self.parent_id.0)
                    && resource.path_part() == Some(&self.path_part.0)
            });
            if let Some(id) = own.and_then(|resource| resource.id()) {
                return Ok(Some(Id::join([&self.rest_api_id.0, id])));
            }
            position = filled(page.position);
            if position.is_none() {
                return Ok(None);
            }
        }
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let [api, resource] = id.parts();
        let request = cx.apigateway().get_resource().rest_api_id(api).resource_id(resource);
        let answer =
            cx.observe("apigateway:GetResource", || request.clone().send()).await.found()?;
        Ok(answer.map(|answer| Live {
            id: id.clone(),
            properties: Self {
                rest_api_id: Fixed(api.to_owned()),
                parent_id: Fixed(answer.parent_id.unwrap_or_default()),
                path_part: Fixed(answer.path_part.unwrap_or_default()),
            },
            attributes: Attributes { resource_id: Early(resource.to_owned()) },
        }))
    }

    async fn converge(
        &self,
        current: Option<&Live<Self>>,
        _changes: &Changes,
        cx: &Cx,
    ) -> Result<Attributes> {
        if let Some(live) = current {
            return Ok(live.attributes.clone());
        }
        let request = cx
            .apigateway()
            .create_resource()
            .rest_api_id(&self.rest_api_id.0)
            .parent_id(&self.parent_id.0)
            .path_part(&self.path_part.0);
        // Repeated after a lost answer it would be refused, not found again.
        let answer = cx.create("apigateway:CreateResource", || request.clone().send()).await?;
        let attributes = Attributes { resource_id: Early(answer.id.unwrap_or_default()) };
        let id = Id::join([&self.rest_api_id.0, &attributes.resource_id.0]);
        cx.created(&id, json!(attributes)).await?;
        Ok(attributes)
    }

    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let [api, resource] = recorded.id.parts();
        let request = cx.apigateway().delete_resource().rest_api_id(api).resource_id(resource);
        cx.mutate("apigateway:DeleteResource", || request.clone().send()).await.found()?;
        Ok(())
    }
}
