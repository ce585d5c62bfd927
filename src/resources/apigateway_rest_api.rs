//! `AWS::ApiGateway::RestApi`: a REST API, empty of resources and methods.

use super::apigateway::{
    PAGE, Patch, Setting, filled, one_endpoint_type, one_of, required, retag, tag_map, tags_of,
};
use crate::resource::{
    Changes, Cx, Desired, Early, Fault, Found as _, Id, Live, Meta, Policy, Recorded, Resource,
    Result, Set, Tags,
};
use aws_sdk_apigateway::operation::get_rest_api::GetRestApiOutput;
use aws_sdk_apigateway::types;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A REST API. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-apigateway-restapi.html>
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct RestApi {
    /// Its name, which need not be unique.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Where clients reach it.
    pub endpoint_configuration: Option<EndpointConfiguration>,
    /// The media types whose bodies are passed on as bytes.
    pub binary_media_types: Option<Set<String>>,
    /// The smallest body that is compressed, in bytes; unset turns
    /// compression off.
    #[schemars(range(min = 0, max = 10_485_760))]
    pub minimum_compression_size: Option<i32>,
    /// Where the API key of a request is taken from: `HEADER` or `AUTHORIZER`.
    pub api_key_source_type: Option<String>,
    /// Whether it is reachable only by a domain name of one's own.
    pub disable_execute_api_endpoint: Option<bool>,
    /// Who may call it. Its own ARN is written `execute-api:/…`.
    pub policy: Option<Policy>,
    /// Its tags.
    pub tags: Option<Tags>,
}

/// Where clients reach an API.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct EndpointConfiguration {
    /// One of `EDGE`, `REGIONAL`, `PRIVATE`.
    pub types: Option<Set<String>>,
    /// The VPC endpoints of a private API that get a DNS alias for it.
    pub vpc_endpoint_ids: Option<Set<String>>,
    /// `ipv4` or `dualstack`.
    pub ip_address_type: Option<String>,
}

/// What API Gateway gives back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    /// Its id.
    pub rest_api_id: Early<String>,
    /// The id of its root resource, `/`.
    pub root_resource_id: Early<String>,
}

const SETTINGS: &[Setting] = &[
    ("Name", "/name", Some("")),
    ("Description", "/description", Some("")),
    ("ApiKeySourceType", "/apiKeySource", Some("HEADER")),
    ("DisableExecuteApiEndpoint", "/disableExecuteApiEndpoint", Some("false")),
    ("MinimumCompressionSize", "/minimumCompressionSize", None),
    ("Policy", "/policy", Some("")),
];

impl Resource for RestApi {
    type Attributes = Attributes;

    const META: Meta =
        Meta::regional("AWS::ApiGateway::RestApi").taggable().takes(3).unsupported(&[
            "Body",
            "BodyS3Location",
            "CloneFrom",
            "EndpointAccessMode",
            "FailOnWarnings",
            "Mode",
            "Parameters",
            "SecurityPolicy",
            "Version",
        ]);

    fn check(desired: Desired<'_>) -> Vec<Fault> {
        let private = desired
            .get("EndpointConfiguration/Types")
            .is_some_and(|types| *types == json!(["PRIVATE"]));
        let endpoints = desired.get("EndpointConfiguration/VpcEndpointIds").is_some();
        [
            required(desired, "Name", "an API that is not imported needs a name"),
            one_of(desired, "ApiKeySourceType", &["HEADER", "AUTHORIZER"]),
            one_of(desired, "EndpointConfiguration/IpAddressType", &["ipv4", "dualstack"]),
            one_endpoint_type(desired, &["EDGE", "REGIONAL", "PRIVATE"]),
            (endpoints && !private).then(|| {
                Fault::new(
                    "EndpointConfiguration/VpcEndpointIds",
                    "only a private API has VPC endpoints: write Types: [PRIVATE] or leave them out",
                )
            }),
            if private {
                required(desired, "Policy", "a private API cannot be deployed without a policy")
            } else {
                None
            },
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    async fn find(&self, cx: &Cx) -> Result<Option<Id>> {
        let mut position: Option<String> = None;
        loop {
            let request = cx.apigateway().get_rest_apis().limit(PAGE).set_position(position.take());
            let page = cx.observe("apigateway:GetRestApis", || request.clone().send()).await?;
            let own = page.items().iter().find(|api| api.tags().is_some_and(|t| cx.owner.owns(t)));
            if let Some(id) = own.and_then(types::RestApi::id) {
                return Ok(Some(Id::from(id)));
            }
            position = filled(page.position);
            if position.is_none() {
                return Ok(None);
            }
        }
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let request = cx.apigateway().get_rest_api().rest_api_id(id.as_str());
        let answer =
            cx.observe("apigateway:GetRestApi", || request.clone().send()).await.found()?;
        Ok(answer.map(|answer| Live {
            id: id.clone(),
            attributes: attributes(id, answer.root_resource_id.clone()),
            properties: properties(answer, id, cx),
        }))
    }

    async fn converge(
        &self,
        current: Option<&Live<Self>>,
        changes: &Changes,
        cx: &Cx,
    ) -> Result<Attributes> {
        let Some(live) = current else { return self.create(cx).await };
        let patch = self.patch(&live.properties, changes);
        if !patch.is_empty() {
            let request = cx
                .apigateway()
                .update_rest_api()
                .rest_api_id(live.id.as_str())
                .set_patch_operations(patch.operations());
            cx.mutate("apigateway:UpdateRestApi", || request.clone().send()).await?;
        }
        retag(&format!("/restapis/{}", live.id), self.tags.as_ref(), changes, cx).await?;
        Ok(live.attributes.clone())
    }

    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let request = cx.apigateway().delete_rest_api().rest_api_id(recorded.id.as_str());
        cx.mutate("apigateway:DeleteRestApi", || request.clone().send()).await.found()?;
        Ok(())
    }
}

impl RestApi {
    async fn create(&self, cx: &Cx) -> Result<Attributes> {
        let request = cx
            .apigateway()
            .create_rest_api()
            .set_name(self.name.clone())
            .set_description(self.description.clone())
            .set_endpoint_configuration(self.endpoint_configuration.as_ref().map(sent))
            .set_binary_media_types(self.binary_media_types.clone().map(|types| types.0))
            .set_minimum_compression_size(self.minimum_compression_size)
            .set_api_key_source(self.api_key_source_type.as_deref().map(Into::into))
            .set_disable_execute_api_endpoint(self.disable_execute_api_endpoint)
            .set_policy(self.policy.as_ref().map(Policy::text))
            .set_tags(tag_map(self.tags.as_ref()));
        let answer = cx.create("apigateway:CreateRestApi", || request.clone().send()).await?;
        let id = Id::from(answer.id.unwrap_or_default());
        let attributes = attributes(&id, answer.root_resource_id);
        cx.created(&id, json!(attributes)).await?;
        Ok(attributes)
    }

    fn patch(&self, before: &Self, changes: &Changes) -> Patch {
        let mut patch = Patch::default();
        patch.settings(SETTINGS, &json!(self), |property| changes.has(property));
        if changes.has("BinaryMediaTypes") {
            let types = |api: &Self| api.binary_media_types.clone().unwrap_or_default().0;
            patch.items("/binaryMediaTypes", &types(before), &types(self));
        }
        if changes.has("EndpointConfiguration") {
            let endpoint = |api: &Self| api.endpoint_configuration.clone().unwrap_or_default();
            endpoint(self).patch(&endpoint(before), &mut patch);
        }
        patch
    }
}

impl EndpointConfiguration {
    /// Returns the endpoint type, of which API Gateway takes one.
    fn kind(&self) -> &str {
        self.types.as_ref().and_then(|types| types.first()).map_or("EDGE", String::as_str)
    }

    fn addresses(&self) -> &str {
        let default = if self.kind() == "PRIVATE" { "dualstack" } else { "ipv4" };
        self.ip_address_type.as_deref().unwrap_or(default)
    }

    /// VPC endpoints go before the API stops being private, and come after it
    /// has become so.
    fn patch(&self, before: &Self, patch: &mut Patch) {
        const ENDPOINTS: &str = "/endpointConfiguration/vpcEndpointIds";
        let ids = |of: &Self| of.vpc_endpoint_ids.clone().unwrap_or_default().0;
        let (old, new) = (ids(before), ids(self));
        let kept: Vec<_> = old.iter().filter(|id| new.contains(id)).cloned().collect();
        patch.values(ENDPOINTS, &old, &kept);
        if self.kind() != before.kind() {
            let path = format!("/endpointConfiguration/types/{}", before.kind());
            patch.set(path, self.kind());
        }
        if self.addresses() != before.addresses() {
            patch.set("/endpointConfiguration/ipAddressType", self.addresses());
        }
        patch.values(ENDPOINTS, &kept, &new);
    }
}

fn sent(endpoint: &EndpointConfiguration) -> types::EndpointConfiguration {
    let kinds = endpoint.types.as_ref();
    types::EndpointConfiguration::builder()
        .set_types(kinds.map(|kinds| kinds.iter().map(|t| t.as_str().into()).collect()))
        .set_vpc_endpoint_ids(endpoint.vpc_endpoint_ids.clone().map(|ids| ids.0))
        .set_ip_address_type(endpoint.ip_address_type.as_deref().map(Into::into))
        .build()
}

fn received(endpoint: types::EndpointConfiguration) -> EndpointConfiguration {
    let kinds = endpoint.types.unwrap_or_default();
    EndpointConfiguration {
        types: Some(kinds.iter().map(|t| t.as_str().to_owned()).collect()),
        vpc_endpoint_ids: endpoint.vpc_endpoint_ids.map(Set),
        ip_address_type: endpoint.ip_address_type.map(|t| t.as_str().to_owned()),
    }
}

fn properties(answer: GetRestApiOutput, id: &Id, cx: &Cx) -> RestApi {
    RestApi {
        name: answer.name,
        description: filled(answer.description),
        endpoint_configuration: answer.endpoint_configuration.map(received),
        binary_media_types: answer.binary_media_types.map(Set),
        minimum_compression_size: answer.minimum_compression_size,
        api_key_source_type: answer.api_key_source.map(|source| source.as_str().to_owned()),
        disable_execute_api_endpoint: Some(answer.disable_execute_api_endpoint),
        policy: filled(answer.policy).map(|text| policy(&text, id, cx)),
        tags: tags_of(answer.tags),
    }
}

/// API Gateway returns a policy as the inside of a JSON string, and with
/// `execute-api:/` spelled out to the API's ARN.
fn policy(text: &str, id: &Id, cx: &Cx) -> Policy {
    let document =
        serde_json::from_str::<String>(&format!("\"{text}\"")).unwrap_or_else(|_| text.to_owned());
    let arn = cx.place.arn("execute-api", &format!("{id}/"));
    Policy::parse(&document.replace(&arn, "execute-api:/"))
}

fn attributes(id: &Id, root: Option<String>) -> Attributes {
    Attributes {
        rest_api_id: Early(id.to_string()),
        root_resource_id: Early(root.unwrap_or_default()),
    }
}
