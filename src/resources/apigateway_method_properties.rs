//! The nested properties of `AWS::ApiGateway::Method`.

use super::apigateway::{filled, is_unset, sorted};
use crate::resource::{Desired, Fault, Set};
use aws_sdk_apigateway::types;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

/// What answers the requests of a method.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Integration {
    /// What kind of backend it is, and whether requests pass unchanged.
    #[serde(rename = "Type")]
    #[schemars(extend("enum" = ["AWS", "AWS_PROXY", "HTTP", "HTTP_PROXY", "MOCK"]))]
    pub kind: String,
    /// The HTTP method that the backend is called with; `POST` for functions.
    pub integration_http_method: Option<String>,
    /// The backend: a URL, or `arn:PARTITION:apigateway:REGION:SERVICE:…`.
    pub uri: Option<String>,
    /// The role that API Gateway calls the backend with.
    pub credentials: Option<String>,
    /// Whether the backend is reached through the internet or a VPC link.
    #[schemars(extend("enum" = ["INTERNET", "VPC_LINK"]))]
    pub connection_type: Option<String>,
    /// The VPC link.
    pub connection_id: Option<String>,
    /// The ARN of the load balancer's listener behind the VPC link.
    pub integration_target: Option<String>,
    /// How the encoding of request bodies is converted.
    #[schemars(extend("enum" = ["CONVERT_TO_BINARY", "CONVERT_TO_TEXT"]))]
    pub content_handling: Option<String>,
    /// What happens to bodies that have no template.
    #[schemars(extend("enum" = ["WHEN_NO_MATCH", "WHEN_NO_TEMPLATES", "NEVER"]))]
    pub passthrough_behavior: Option<String>,
    /// The backend's parameters, and where each is taken from.
    pub request_parameters: Option<BTreeMap<String, String>>,
    /// The templates of request bodies, by media type.
    pub request_templates: Option<BTreeMap<String, String>>,
    /// Which integrations share cached answers; the resource's id when unset.
    pub cache_namespace: Option<String>,
    /// The parameters that answers are cached by.
    pub cache_key_parameters: Option<Set<String>>,
    /// How long the backend may take, in milliseconds.
    #[schemars(range(min = 50))]
    pub timeout_in_millis: Option<i32>,
    /// Whether an answer is sent on while it still arrives.
    #[schemars(extend("enum" = ["BUFFERED", "STREAM"]))]
    pub response_transfer_mode: Option<String>,
    /// What becomes of the backend's answers, one for each status.
    pub integration_responses: Option<Set<IntegrationResponse>>,
}

/// What becomes of one sort of the backend's answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct IntegrationResponse {
    /// The status that the client gets; one of the method's responses.
    pub status_code: String,
    /// A regular expression of the backend's status or error; one response
    /// has none and takes what the others do not.
    pub selection_pattern: Option<String>,
    /// The headers that the client gets, and where each is taken from.
    pub response_parameters: Option<BTreeMap<String, String>>,
    /// The templates of response bodies, by media type.
    pub response_templates: Option<BTreeMap<String, String>>,
    /// How the encoding of response bodies is converted.
    #[schemars(extend("enum" = ["CONVERT_TO_BINARY", "CONVERT_TO_TEXT"]))]
    pub content_handling: Option<String>,
}

/// A response that a method may give.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct MethodResponse {
    /// Its HTTP status.
    pub status_code: String,
    /// Its headers (`method.response.header.NAME`), and whether each is
    /// required.
    pub response_parameters: Option<BTreeMap<String, bool>>,
    /// The models of its bodies, by media type.
    pub response_models: Option<BTreeMap<String, String>>,
}

/// A response, of which there is one for each status.
pub(super) trait Response: PartialEq {
    /// Returns the HTTP status.
    fn status(&self) -> &str;
}

impl Response for IntegrationResponse {
    fn status(&self) -> &str {
        &self.status_code
    }
}

impl Response for MethodResponse {
    fn status(&self) -> &str {
        &self.status_code
    }
}

/// Returns the items of `some` that are not in `others`.
pub(super) fn without<'a, T: Response>(
    some: &'a [T],
    others: &'a [T],
) -> impl Iterator<Item = &'a T> {
    some.iter().filter(|response| !others.contains(response))
}

/// Reads an integration from API Gateway's answer.
pub(super) fn integration(from: types::Integration) -> Integration {
    Integration {
        kind: from.r#type.map(|kind| kind.as_str().to_owned()).unwrap_or_default(),
        integration_http_method: filled(from.http_method),
        uri: filled(from.uri),
        credentials: filled(from.credentials),
        connection_type: from.connection_type.map(|kind| kind.as_str().to_owned()),
        connection_id: filled(from.connection_id),
        integration_target: filled(from.integration_target),
        content_handling: from.content_handling.map(|how| how.as_str().to_owned()),
        passthrough_behavior: filled(from.passthrough_behavior),
        request_parameters: sorted(from.request_parameters),
        request_templates: sorted(from.request_templates),
        cache_namespace: filled(from.cache_namespace),
        cache_key_parameters: from.cache_key_parameters.map(Set),
        timeout_in_millis: Some(from.timeout_in_millis).filter(|millis| *millis > 0),
        response_transfer_mode: from.response_transfer_mode.map(|mode| mode.as_str().to_owned()),
        integration_responses: Some(Set(integration_responses(from.integration_responses))),
    }
}

/// Reads the responses of an integration, in the order of their statuses.
pub(super) fn integration_responses(
    from: Option<HashMap<String, types::IntegrationResponse>>,
) -> Vec<IntegrationResponse> {
    let read = |(status, response): (String, types::IntegrationResponse)| IntegrationResponse {
        status_code: status,
        selection_pattern: filled(response.selection_pattern),
        response_parameters: sorted(response.response_parameters),
        response_templates: sorted(response.response_templates),
        content_handling: response.content_handling.map(|how| how.as_str().to_owned()),
    };
    sorted(from).unwrap_or_default().into_iter().map(read).collect()
}

/// Reads the responses of a method, in the order of their statuses.
pub(super) fn method_responses(
    from: Option<HashMap<String, types::MethodResponse>>,
) -> Vec<MethodResponse> {
    let read = |(status, response): (String, types::MethodResponse)| MethodResponse {
        status_code: status,
        response_parameters: sorted(response.response_parameters),
        response_models: sorted(response.response_models),
    };
    sorted(from).unwrap_or_default().into_iter().map(read).collect()
}

/// Finds what API Gateway would refuse of an integration.
pub(super) fn check_integration(desired: Desired<'_>, faults: &mut Vec<Fault>) {
    let part =
        |name: &str| desired.0.pointer(&format!("/Integration/{name}")).unwrap_or(&Value::Null);
    let mut need = |name: &str, why: &str| {
        if part(name).is_null() {
            faults.push(Fault::new(
                format!("Integration/{name}"),
                format!("{name} is missing: {why}"),
            ));
        }
    };
    let kind = desired.text("Integration/Type").unwrap_or("MOCK");
    if kind != "MOCK" {
        need("Uri", "only a MOCK integration has none");
        need(
            "IntegrationHttpMethod",
            "write the method that the backend takes, POST for a function",
        );
    }
    if desired.text("Integration/ConnectionType") == Some("VPC_LINK") {
        need("ConnectionId", "a VPC_LINK connection needs the id of its VPC link");
    }
    let uri = desired.text("Integration/Uri").unwrap_or_default();
    let method = desired.text("Integration/IntegrationHttpMethod");
    if uri.contains(":lambda:path/") && method.is_some_and(|method| method != "POST") {
        faults.push(Fault::new(
            "Integration/IntegrationHttpMethod",
            "a function is invoked by POST, whatever the method's own HTTP method is",
        ));
    }
    check_responses(desired, faults);
}

/// Every integration response needs a method response of its status, and one
/// of them at most is without a selection pattern.
fn check_responses(desired: Desired<'_>, faults: &mut Vec<Fault>) {
    const PATH: &str = "Integration/IntegrationResponses";
    let Some(responses) = desired.get(PATH).and_then(Value::as_array) else { return };
    let unset = is_unset(desired, "MethodResponses");
    let declared = desired.get("MethodResponses").and_then(Value::as_array);
    let declares = |status: &Value| match declared {
        Some(declared) => declared.iter().any(|response| response["StatusCode"] == *status),
        None => !unset,
    };
    for response in responses.iter().filter(|response| !declares(&response["StatusCode"])) {
        let status = &response["StatusCode"];
        faults.push(Fault::new(
            PATH,
            format!(
                "there is no response {status} in MethodResponses: add {{StatusCode: {status}}}"
            ),
        ));
    }
    let plain = |response: &&Value| response["SelectionPattern"].as_str().is_none_or(str::is_empty);
    if responses.iter().filter(plain).count() > 1 {
        faults.push(Fault::new(
            PATH,
            "only one response may be the default: give the others a SelectionPattern",
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn faults(properties: &Value) -> Vec<String> {
        let mut faults = Vec::new();
        check_integration(Desired(properties), &mut faults);
        faults.into_iter().map(|fault| fault.property).collect()
    }

    #[test]
    fn an_integration_is_checked_before_the_first_call() {
        assert_eq!(faults(&json!({"Integration": {"Type": "MOCK"}})), [""; 0]);
        assert_eq!(
            faults(&json!({"Integration": {
                "Type": "AWS_PROXY",
                "Uri": "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/f/invocations",
                "IntegrationHttpMethod": "GET",
            }})),
            ["Integration/IntegrationHttpMethod"]
        );
        assert_eq!(
            faults(&json!({"Integration": {"Type": "HTTP", "ConnectionType": "VPC_LINK"}})),
            ["Integration/Uri", "Integration/IntegrationHttpMethod", "Integration/ConnectionId"]
        );
    }

    #[test]
    fn integration_responses_fit_the_methods() {
        let with = |methods: Value| {
            json!({
                "MethodResponses": methods,
                "Integration": {
                    "Type": "MOCK",
                    "IntegrationResponses": [{"StatusCode": "200"}, {"StatusCode": "500"}],
                },
            })
        };
        let path = "Integration/IntegrationResponses";
        let both = json!([{"StatusCode": "200"}, {"StatusCode": "500"}]);
        assert_eq!(faults(&with(both)), [path]); // two defaults
        assert_eq!(faults(&with(json!([{"StatusCode": "200"}]))), [path, path]);
        assert_eq!(faults(&with(Value::Null)), [path, path, path]);
        assert_eq!(faults(&with(crate::value::unknown(["us-east-1/X.Arn"]))), [path]);
    }
}
