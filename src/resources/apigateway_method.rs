//! `AWS::ApiGateway::Method`: a method of a REST API's resource, with its
//! integration and its responses.

use super::apigateway::{Patch, Setting, filled, is_unset, one_of, required, sorted, unsorted};
use super::apigateway_method_properties::{
    Integration, IntegrationResponse, MethodResponse, Response as _, check_integration,
    integration, integration_responses, method_responses, without,
};
use crate::resource::{
    Changes, Class, Cx, Desired, Fault, Fixed, Found as _, Id, Live, Meta, Place, Recorded,
    Resource, Result, Set,
};
use aws_sdk_apigateway::operation::get_method::GetMethodOutput;
use aws_sdk_apigateway::types::Op;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;

/// A method. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-apigateway-method.html>
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Method {
    /// The API.
    pub rest_api_id: Fixed<String>,
    /// The resource.
    pub resource_id: Fixed<String>,
    /// The HTTP method, or `ANY`.
    pub http_method: Fixed<String>,
    /// Who may call it: `NONE` (anyone), `AWS_IAM`, `CUSTOM` or
    /// `COGNITO_USER_POOLS`.
    pub authorization_type: Option<String>,
    /// The authorizer of a `CUSTOM` or `COGNITO_USER_POOLS` method.
    pub authorizer_id: Option<String>,
    /// The scopes of which a caller's access token must have one.
    pub authorization_scopes: Option<Set<String>>,
    /// Whether a request needs an API key.
    pub api_key_required: Option<bool>,
    /// Its name in generated clients.
    pub operation_name: Option<String>,
    /// The parameters of a request
    /// (`method.request.{querystring,path,header}.NAME`), and whether each is
    /// required.
    pub request_parameters: Option<BTreeMap<String, bool>>,
    /// The models of request bodies, by media type.
    pub request_models: Option<BTreeMap<String, String>>,
    /// The validator of requests.
    pub request_validator_id: Option<String>,
    /// What answers its requests.
    pub integration: Option<Integration>,
    /// The responses that it may give, one for each status.
    pub method_responses: Option<Set<MethodResponse>>,
}

/// API Gateway gives nothing back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Attributes {}

const SETTINGS: &[Setting] = &[
    ("AuthorizationType", "/authorizationType", Some("NONE")),
    ("AuthorizerId", "/authorizerId", Some("")),
    ("ApiKeyRequired", "/apiKeyRequired", Some("false")),
    ("OperationName", "/operationName", None),
    ("RequestValidatorId", "/requestValidatorId", None),
];

const HTTP_METHODS: &[&str] = &["GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "HEAD", "ANY"];

const AUTHORIZATIONS: &[&str] = &["NONE", "AWS_IAM", "CUSTOM", "COGNITO_USER_POOLS"];

impl Resource for Method {
    type Attributes = Attributes;

    const META: Meta = Meta::regional("AWS::ApiGateway::Method").completes("RestApiId");

    fn identity(desired: Desired<'_>, _place: &Place) -> Option<Id> {
        Some(Id::join([
            desired.text("RestApiId")?,
            desired.text("ResourceId")?,
            desired.text("HttpMethod")?,
        ]))
    }

    fn check(desired: Desired<'_>) -> Vec<Fault> {
        let authorized =
            matches!(desired.text("AuthorizationType"), Some("CUSTOM" | "COGNITO_USER_POOLS"));
        let mut faults: Vec<_> = [
            required(desired, "AuthorizationType", "write NONE to let anyone call the method"),
            one_of(desired, "AuthorizationType", AUTHORIZATIONS),
            one_of(desired, "HttpMethod", HTTP_METHODS),
            if authorized {
                required(desired, "AuthorizerId", "this AuthorizationType needs an authorizer")
            } else {
                None
            },
        ]
        .into_iter()
        .flatten()
        .collect();
        if !is_unset(desired, "Integration") {
            check_integration(desired, &mut faults);
        }
        faults
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let [api, resource, method] = id.parts();
        let request =
            cx.apigateway().get_method().rest_api_id(api).resource_id(resource).http_method(method);
        let answer = cx.observe("apigateway:GetMethod", || request.clone().send()).await.found()?;
        Ok(answer.map(|answer| Live {
            id: id.clone(),
            properties: properties(answer, [api, resource, method]),
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
            Some(live) => self.update(&live.properties, changes, cx).await?,
        }
        Ok(Attributes {})
    }

    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let [api, resource, method] = recorded.id.parts();
        let request = cx
            .apigateway()
            .delete_method()
            .rest_api_id(api)
            .resource_id(resource)
            .http_method(method);
        cx.mutate("apigateway:DeleteMethod", || request.clone().send()).await.found()?;
        Ok(())
    }
}

/// Starts a request that names the method.
macro_rules! request {
    ($self:ident, $cx:ident, $operation:ident) => {
        $cx.apigateway()
            .$operation()
            .rest_api_id(&$self.rest_api_id.0)
            .resource_id(&$self.resource_id.0)
            .http_method(&$self.http_method.0)
    };
}

impl Method {
    async fn create(&self, cx: &Cx) -> Result<()> {
        let request = request!(self, cx, put_method)
            .set_authorization_type(self.authorization_type.clone())
            .set_authorizer_id(self.authorizer_id.clone())
            .set_authorization_scopes(self.authorization_scopes.clone().map(|scopes| scopes.0))
            .set_api_key_required(self.api_key_required)
            .set_operation_name(self.operation_name.clone())
            .set_request_parameters(unsorted(self.request_parameters.as_ref()))
            .set_request_models(unsorted(self.request_models.as_ref()))
            .set_request_validator_id(self.request_validator_id.clone());
        cx.mutate("apigateway:PutMethod", || request.clone().send()).await?;
        let id = Id::join([&self.rest_api_id.0, &self.resource_id.0, &self.http_method.0]);
        cx.created(&id, json!({})).await?;
        for response in self.method_responses.iter().flat_map(|responses| &responses.0) {
            self.put_method_response(response, cx).await?;
        }
        if let Some(integration) = &self.integration {
            self.put_integration(integration, cx).await?;
        }
        Ok(())
    }

    /// An integration response needs the method response of its status, so
    /// the method's responses come first.
    async fn update(&self, before: &Self, changes: &Changes, cx: &Cx) -> Result<()> {
        let patch = self.patch(before, changes);
        if !patch.is_empty() {
            let request =
                request!(self, cx, update_method).set_patch_operations(patch.operations());
            cx.mutate("apigateway:UpdateMethod", || request.clone().send()).await?;
        }
        if changes.has("MethodResponses") {
            self.update_method_responses(before, cx).await?;
        }
        if changes.has("Integration") {
            self.update_integration(before, changes, cx).await?;
        }
        Ok(())
    }

    fn patch(&self, before: &Self, changes: &Changes) -> Patch {
        let mut patch = Patch::default();
        patch.settings(SETTINGS, &json!(self), |property| changes.has(property));
        if changes.has("AuthorizationScopes") {
            let scopes = |of: &Self| of.authorization_scopes.clone().unwrap_or_default().0;
            patch.values("/authorizationScopes", &scopes(before), &scopes(self));
        }
        if changes.has("RequestParameters") {
            let map = |of: &Self| of.request_parameters.clone().unwrap_or_default();
            patch.map("/requestParameters", &map(before), &map(self), &Op::Add);
        }
        if changes.has("RequestModels") {
            let map = |of: &Self| of.request_models.clone().unwrap_or_default();
            patch.map("/requestModels", &map(before), &map(self), &Op::Add);
        }
        patch
    }

    /// A response that exists cannot be put again, so a changed one goes
    /// first. Clients see none of it before the next deployment.
    async fn update_method_responses(&self, before: &Self, cx: &Cx) -> Result<()> {
        let responses = |of: &Self| of.method_responses.clone().unwrap_or_default().0;
        let (before, after) = (responses(before), responses(self));
        for response in without(&before, &after) {
            let request = request!(self, cx, delete_method_response).status_code(response.status());
            cx.mutate("apigateway:DeleteMethodResponse", || request.clone().send())
                .await
                .found()?;
        }
        for response in without(&after, &before) {
            self.put_method_response(response, cx).await?;
        }
        Ok(())
    }

    async fn put_method_response(&self, response: &MethodResponse, cx: &Cx) -> Result<()> {
        let request = request!(self, cx, put_method_response)
            .status_code(response.status())
            .set_response_parameters(unsorted(response.response_parameters.as_ref()))
            .set_response_models(unsorted(response.response_models.as_ref()));
        match cx.mutate("apigateway:PutMethodResponse", || request.clone().send()).await {
            // It was not there before: an attempt whose answer was lost made it.
            Err(failure) if failure.class == Class::Exists => Ok(()),
            answer => answer.map(drop),
        }
    }

    async fn update_integration(&self, before: &Self, changes: &Changes, cx: &Cx) -> Result<()> {
        let Some(integration) = &self.integration else {
            let request = request!(self, cx, delete_integration);
            cx.mutate("apigateway:DeleteIntegration", || request.clone().send()).await.found()?;
            return Ok(());
        };
        let only_responses = before.integration.is_some()
            && changes
                .0
                .iter()
                .filter(|change| change.property() == "Integration")
                .all(|change| change.path.starts_with("Integration/IntegrationResponses"));
        if !only_responses {
            return self.put_integration(integration, cx).await;
        }
        let known = before.integration.as_ref().and_then(|i| i.integration_responses.clone());
        self.update_integration_responses(known.unwrap_or_default().0, integration, cx).await
    }

    /// Makes the integration, or overwrites the one that there is.
    async fn put_integration(&self, integration: &Integration, cx: &Cx) -> Result<()> {
        let request = request!(self, cx, put_integration)
            .r#type(integration.kind.as_str().into())
            .set_integration_http_method(integration.integration_http_method.clone())
            .set_uri(integration.uri.clone())
            .set_credentials(integration.credentials.clone())
            .set_connection_type(integration.connection_type.as_deref().map(Into::into))
            .set_connection_id(integration.connection_id.clone())
            .set_integration_target(integration.integration_target.clone())
            .set_content_handling(integration.content_handling.as_deref().map(Into::into))
            .set_passthrough_behavior(integration.passthrough_behavior.clone())
            .set_request_parameters(unsorted(integration.request_parameters.as_ref()))
            .set_request_templates(unsorted(integration.request_templates.as_ref()))
            .set_cache_namespace(integration.cache_namespace.clone())
            .set_cache_key_parameters(integration.cache_key_parameters.clone().map(|keys| keys.0))
            .set_timeout_in_millis(integration.timeout_in_millis)
            .set_response_transfer_mode(
                integration.response_transfer_mode.as_deref().map(Into::into),
            );
        let answer = cx.mutate("apigateway:PutIntegration", || request.clone().send()).await?;
        let left = integration_responses(answer.integration_responses);
        self.update_integration_responses(left, integration, cx).await
    }

    /// Changed responses go first, because no two may ever have one selection
    /// pattern.
    async fn update_integration_responses(
        &self,
        known: Vec<IntegrationResponse>,
        integration: &Integration,
        cx: &Cx,
    ) -> Result<()> {
        let desired = integration.integration_responses.as_ref().map_or(&[][..], |set| &set.0);
        for response in without(&known, desired) {
            let request =
                request!(self, cx, delete_integration_response).status_code(response.status());
            cx.mutate("apigateway:DeleteIntegrationResponse", || request.clone().send())
                .await
                .found()?;
        }
        for response in without(desired, &known) {
            let request = request!(self, cx, put_integration_response)
                .status_code(response.status())
                .set_selection_pattern(response.selection_pattern.clone())
                .set_response_parameters(unsorted(response.response_parameters.as_ref()))
                .set_response_templates(unsorted(response.response_templates.as_ref()))
                .set_content_handling(response.content_handling.as_deref().map(Into::into));
            cx.mutate("apigateway:PutIntegrationResponse", || request.clone().send()).await?;
        }
        Ok(())
    }
}

fn properties(answer: GetMethodOutput, [api, resource, method]: [&str; 3]) -> Method {
    Method {
        rest_api_id: Fixed(api.to_owned()),
        resource_id: Fixed(resource.to_owned()),
        http_method: Fixed(method.to_owned()),
        authorization_type: answer.authorization_type,
        authorizer_id: filled(answer.authorizer_id),
        authorization_scopes: answer.authorization_scopes.map(Set),
        api_key_required: answer.api_key_required,
        operation_name: filled(answer.operation_name),
        request_parameters: sorted(answer.request_parameters),
        request_models: sorted(answer.request_models),
        request_validator_id: filled(answer.request_validator_id),
        integration: answer.method_integration.map(integration),
        method_responses: Some(Set(method_responses(answer.method_responses))),
    }
}
