//! What the emulator is known not to keep, in one place.
//!
//! On MiniStack, whoever started it, the state's word is taken for these
//! properties, so that they are shown as what they are and never as drift.

use super::http;
use crate::aws::owned::TAG_PREFIX;
use crate::plan::{Look, Observed};
use crate::state::State;
use serde_json::Value;
use std::collections::BTreeSet;

/// A property that the emulator does not keep.
#[derive(Clone, Copy, Debug)]
pub struct Deviation {
    /// The type.
    pub type_name: &'static str,
    /// The property, names joined by `/`; `*` is every item of a list.
    pub property: &'static str,
    /// What happens.
    pub why: &'static str,
}

/// All that is known of MiniStack.
pub const DEVIATIONS: &[Deviation] = &[
    not_kept("AWS::ApiGateway::DomainName", "Tags", "tags stay as they were at creation"),
    not_kept(
        "AWS::ApiGateway::Method",
        "Integration/CacheNamespace",
        "it is always the resource's id",
    ),
    not_kept("AWS::ApiGateway::Method", "Integration/ConnectionId", "it is dropped"),
    not_kept("AWS::ApiGateway::RestApi", "Tags", "tags stay as they were at creation"),
    not_kept("AWS::ApiGateway::Stage", "CanarySetting", "it is dropped at creation"),
    not_kept("AWS::ApiGateway::Stage", "Tags", "tags stay as they were at creation"),
    not_kept("AWS::CloudWatch::Alarm", "EvaluateLowSampleCountPercentile", "it is dropped"),
    not_kept("AWS::CloudWatch::Alarm", "Metrics", "metric math is dropped"),
    not_kept(
        "AWS::DynamoDB::GlobalTable",
        "Replicas/*/PointInTimeRecoverySpecification/RecoveryPeriodInDays",
        "it is dropped",
    ),
    not_kept(
        "AWS::DynamoDB::GlobalTable",
        "Replicas/*/SSESpecification/KMSMasterKeyId",
        "every replica shows the key of the first",
    ),
    not_kept(
        "AWS::DynamoDB::Table",
        "PointInTimeRecoverySpecification/RecoveryPeriodInDays",
        "it is dropped",
    ),
    not_kept("AWS::EC2::EIP", "NetworkBorderGroup", "it is dropped"),
    not_kept("AWS::EC2::NatGateway", "AllocationId", "a gateway has no addresses"),
    not_kept("AWS::EC2::Subnet", "EnableDns64", "it is dropped"),
    not_kept("AWS::EC2::VPCEndpoint", "DnsOptions", "it is dropped"),
    not_kept("AWS::EC2::VPCEndpoint", "IpAddressType", "it is dropped"),
    not_kept("AWS::EC2::VPCEndpoint", "PolicyDocument", "it is kept and not returned"),
    not_kept("AWS::EC2::VPCEndpoint", "PrivateDnsEnabled", "it is dropped"),
    not_kept("AWS::EC2::VPCEndpoint", "SecurityGroupIds", "they are dropped"),
    not_kept(
        "AWS::Events::EventBus",
        "Policy",
        "the policy is replaced by one of the emulator's own",
    ),
    not_kept(
        "AWS::Events::EventBusPolicy",
        "Statement",
        "anything beyond an account's PutEvents is replaced",
    ),
    not_kept("AWS::Lambda::EventSourceMapping", "KmsKeyArn", "it is dropped"),
    not_kept("AWS::Lambda::EventSourceMapping", "MetricsConfig", "it is dropped"),
    not_kept("AWS::Lambda::EventSourceMapping", "ProvisionedPollerConfig", "it is dropped"),
    not_kept("AWS::Lambda::EventSourceMapping", "TumblingWindowInSeconds", "it is dropped"),
    not_kept(
        "AWS::Route53::HealthCheck",
        "HealthCheckConfig/ChildHealthChecks",
        "the items of the list are blank",
    ),
    not_kept(
        "AWS::Route53::HealthCheck",
        "HealthCheckConfig/Regions",
        "the items of the list are blank",
    ),
    not_kept("AWS::SecretsManager::Secret", "ReplicaRegions", "a secret is not replicated"),
    not_kept("AWS::StepFunctions::StateMachine", "TracingConfiguration", "it is dropped"),
];

const fn not_kept(type_name: &'static str, property: &'static str, why: &'static str) -> Deviation {
    Deviation { type_name, property, why }
}

/// Whether MiniStack answers at an address.
pub fn is_ministack(url: &str) -> bool {
    matches!(http::request(url, "GET", "/_ministack/health"), Some((200, _)))
}

/// Takes the state's word for what the emulator does not keep. Returns the
/// deviations that mattered.
pub fn take_states_word(
    observed: &mut Observed,
    state: &State,
) -> BTreeSet<(&'static str, &'static str)> {
    let mut mattered = BTreeSet::new();
    for (address, record) in &state.records {
        let Some(Look::Live(live)) = observed.recorded.get_mut(address) else { continue };
        for deviation in
            DEVIATIONS.iter().filter(|deviation| deviation.type_name == record.type_name)
        {
            let path: Vec<&str> = deviation.property.split('/').collect();
            without_ownership(&mut live.properties);
            if copy(&path, &record.properties, &mut live.properties) {
                mattered.insert((deviation.type_name, deviation.property));
            }
        }
    }
    mattered
}

/// The state does not hold the tags that say whose a resource is.
fn without_ownership(properties: &mut Value) {
    if let Some(tags) = properties.get_mut("Tags").and_then(Value::as_array_mut) {
        tags.retain(|tag| !tag["Key"].as_str().is_some_and(|key| key.starts_with(TAG_PREFIX)));
    }
}

/// Copies what lies at `path`; returns whether that changed anything.
fn copy(path: &[&str], from: &Value, to: &mut Value) -> bool {
    match (path, from, to) {
        ([], from, to) => {
            let changes = from != to;
            from.clone_into(to);
            changes
        }
        (["*", rest @ ..], Value::Array(from), Value::Array(to)) => {
            let mut changed = false;
            for (index, from) in from.iter().enumerate() {
                if let Some(to) = counterpart(from, index, to) {
                    changed |= copy(rest, from, to);
                }
            }
            changed
        }
        ([name, rest @ ..], Value::Object(from), Value::Object(to)) => match from.get(*name) {
            Some(from) => copy(rest, from, to.entry(*name).or_insert(Value::Null)),
            None => {
                to.remove(*name);
                false
            }
        },
        ([_, ..], Value::Object(_), to @ Value::Null) => {
            from.clone_into(to);
            true
        }
        _ => false,
    }
}

/// Returns the item that stands for `item`: of the same region where items
/// have one, else at the same place.
fn counterpart<'a>(item: &Value, index: usize, items: &'a mut [Value]) -> Option<&'a mut Value> {
    let place = match item.get("Region") {
        Some(region) => items.iter().position(|other| other.get("Region") == Some(region))?,
        None => index,
    };
    items.get_mut(place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_the_path_names_is_copied() {
        let from = json!({"A": [{"B": 1, "C": 2}], "D": 3});
        let mut to = json!({"A": [{"C": 9}], "D": 4});
        assert!(copy(&["A", "*", "B"], &from, &mut to));
        assert_eq!(to, json!({"A": [{"B": 1, "C": 9}], "D": 4}));
        assert!(!copy(&["E"], &from, &mut to), "what was never set is not missed");
        assert!(!copy(&["A", "*", "B"], &from, &mut to));
    }
}
