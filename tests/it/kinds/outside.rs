//! What a case needs that payctl does not make: the `Outside` of its first
//! document, names with CloudFormation types. Each is made before the case
//! begins, and its stack gets the ARN as a parameter of that name.

use aws_sdk_wafv2::types::{AllowAction, DefaultAction, Scope, VisibilityConfig};
use payctl::aws::clients::Clients;
use serde_json::{Map, Value, json};

/// Makes what is listed, and adds the parameters to the stack.
pub(super) async fn make(clients: &Clients, stack: &mut Value) {
    for (name, type_name) in take(stack) {
        let arn = match type_name.as_str() {
            Some("AWS::WAFv2::WebACL") => web_acl(clients, &name).await,
            _ => panic!("the runner cannot make {name}, a {type_name}"),
        };
        give(stack, &name, &arn);
    }
}

/// Adds the parameters without making anything, for what only reads the stack.
pub(super) fn stand_in(stack: &mut Value) {
    for (name, type_name) in take(stack) {
        let resource = match type_name.as_str() {
            Some("AWS::WAFv2::WebACL") => "wafv2:us-east-1:123456789012:regional/webacl",
            _ => panic!("the runner knows no ARN for {name}, a {type_name}"),
        };
        give(stack, &name, &format!("arn:aws:{resource}/{name}/a1b2c3d4"));
    }
}

/// Takes the names and types out of the stack.
fn take(stack: &mut Value) -> Map<String, Value> {
    let outside = stack.as_object_mut().and_then(|stack| stack.remove("Outside"));
    match outside {
        None => Map::new(),
        Some(Value::Object(outside)) => outside,
        Some(other) => panic!("Outside lists names and types, not {other}"),
    }
}

fn give(stack: &mut Value, name: &str, arn: &str) {
    stack["Parameters"][name] = json!({"Type": "String", "Default": arn});
}

async fn web_acl(clients: &Clients, name: &str) -> String {
    let allow = DefaultAction::builder().allow(AllowAction::builder().build()).build();
    let visibility = VisibilityConfig::builder()
        .sampled_requests_enabled(false)
        .cloud_watch_metrics_enabled(false)
        .metric_name(name)
        .build();
    let answer = clients
        .wafv2("us-east-1")
        .create_web_acl()
        .name(name)
        .scope(Scope::Regional)
        .default_action(allow)
        .visibility_config(visibility.expect("all that it needs"))
        .send()
        .await;
    let made = answer.expect("make a web ACL").summary;
    made.and_then(|made| made.arn).expect("the ARN of a web ACL")
}
