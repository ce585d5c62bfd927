//! The nested properties of `AWS::ApiGateway::Stage`.

use super::apigateway::{Patch, sorted, text, unsorted};
use crate::resource::{Desired, Fault, Set, WriteOnly};
use aws_sdk_apigateway::types::{self, Op};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};

/// Where and how calls are logged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct AccessLogSetting {
    /// The ARN of the log group or delivery stream. API Gateway drops the
    /// `:*` that ends a log group's ARN.
    pub destination_arn: Option<WriteOnly<String>>,
    /// One line of text with `$context` variables.
    pub format: Option<String>,
}

/// The settings of some methods.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct MethodSetting {
    /// The path with `~1` for every `/` after the first (`/~1payments`); `/`
    /// is the root and `/*` every path.
    pub resource_path: Option<String>,
    /// The HTTP method, or `*`.
    pub http_method: Option<String>,
    /// Whether CloudWatch gets metrics by method.
    pub metrics_enabled: Option<bool>,
    /// What the execution log gets: `OFF`, `ERROR` or `INFO`.
    pub logging_level: Option<String>,
    /// Whether the execution log gets whole requests and responses.
    pub data_trace_enabled: Option<bool>,
    /// Calls that may come at once.
    #[schemars(range(min = 0))]
    pub throttling_burst_limit: Option<i32>,
    /// Calls a second.
    #[schemars(range(min = 0))]
    pub throttling_rate_limit: Option<f64>,
    /// Whether answers are cached.
    pub caching_enabled: Option<bool>,
    /// Seconds that an answer is cached.
    pub cache_ttl_in_seconds: Option<i32>,
    /// Whether cached answers are encrypted.
    pub cache_data_encrypted: Option<bool>,
}

/// A deployment that gets a part of a stage's calls.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct CanarySetting {
    /// The deployment.
    pub deployment_id: Option<String>,
    /// The part of the calls, in percent.
    #[schemars(range(min = 0, max = 100))]
    pub percent_traffic: Option<f64>,
    /// Stage variables that differ for it.
    pub stage_variable_overrides: Option<BTreeMap<String, String>>,
    /// Whether it shares the stage's cache.
    pub use_stage_cache: Option<bool>,
}

/// The settings of a method and their paths below the method's.
const METHOD_SETTINGS: &[(&str, &str)] = &[
    ("CacheDataEncrypted", "caching/dataEncrypted"),
    ("CacheTtlInSeconds", "caching/ttlInSeconds"),
    ("CachingEnabled", "caching/enabled"),
    ("DataTraceEnabled", "logging/dataTrace"),
    ("LoggingLevel", "logging/loglevel"),
    ("MetricsEnabled", "metrics/enabled"),
    ("ThrottlingBurstLimit", "throttling/burstLimit"),
    ("ThrottlingRateLimit", "throttling/rateLimit"),
];

impl AccessLogSetting {
    /// Reads the setting; without a destination there is none.
    pub(super) fn received(from: types::AccessLogSettings) -> Option<Self> {
        from.destination_arn.as_ref()?;
        Some(Self { destination_arn: None, format: from.format })
    }

    /// Adds what changes the setting.
    pub(super) fn patch(before: Option<&Self>, after: Option<&Self>, patch: &mut Patch) {
        let Some(setting) = after else {
            if before.is_some() {
                patch.remove("/accessLogSettings");
            }
            return;
        };
        if let Some(WriteOnly(arn)) = &setting.destination_arn {
            let group = arn.strip_suffix(":*").unwrap_or(arn);
            patch.set("/accessLogSettings/destinationArn", group);
        }
        if let Some(format) = &setting.format {
            patch.set("/accessLogSettings/format", format);
        }
    }
}

impl CanarySetting {
    /// Returns the setting as the SDK takes it.
    pub(super) fn sent(&self) -> types::CanarySettings {
        types::CanarySettings::builder()
            .set_deployment_id(self.deployment_id.clone())
            .set_percent_traffic(self.percent_traffic)
            .set_stage_variable_overrides(unsorted(self.stage_variable_overrides.as_ref()))
            .set_use_stage_cache(self.use_stage_cache)
            .build()
    }

    /// Reads the setting.
    pub(super) fn received(from: types::CanarySettings) -> Self {
        Self {
            deployment_id: from.deployment_id,
            percent_traffic: Some(from.percent_traffic),
            stage_variable_overrides: sorted(from.stage_variable_overrides),
            use_stage_cache: Some(from.use_stage_cache),
        }
    }

    /// Adds what changes the setting.
    pub(super) fn patch(before: Option<&Self>, after: Option<&Self>, patch: &mut Patch) {
        let Some(canary) = after else {
            if before.is_some() {
                patch.remove("/canarySettings");
            }
            return;
        };
        if let Some(deployment) = &canary.deployment_id {
            patch.set("/canarySettings/deploymentId", deployment);
        }
        patch.set("/canarySettings/percentTraffic", canary.percent_traffic.unwrap_or(0.0));
        patch.set("/canarySettings/useStageCache", canary.use_stage_cache.unwrap_or(false));
        let overrides = |of: &Self| of.stage_variable_overrides.clone().unwrap_or_default();
        patch.map(
            "/canarySettings/stageVariableOverrides",
            &before.map(overrides).unwrap_or_default(),
            &overrides(canary),
            &Op::Replace,
        );
    }
}

impl MethodSetting {
    /// Returns the key under which API Gateway keeps the setting.
    fn key(&self) -> String {
        let path = match self.resource_path.as_deref().unwrap_or("/*") {
            "/" => "~1",
            path => path.strip_prefix('/').unwrap_or(path),
        };
        format!("{path}/{}", self.http_method.as_deref().unwrap_or("*"))
    }

    /// Adds what changes the settings. A single one cannot be unset, so those
    /// of a method go as a whole and come again.
    pub(super) fn patch(before: &[Self], after: &[Self], patch: &mut Patch) {
        for known in before {
            patch.remove(format!("/{}", known.key()));
        }
        for desired in after {
            let values = json!(desired);
            for (name, path) in METHOD_SETTINGS {
                if let Some(value) = text(&values[*name]) {
                    patch.set(format!("/{}/{path}", desired.key()), value);
                }
            }
        }
    }

    /// Reads the settings, in the order of their keys.
    pub(super) fn received(from: Option<HashMap<String, types::MethodSetting>>) -> Set<Self> {
        let read = |(key, setting): (String, types::MethodSetting)| {
            let (path, method) = key.rsplit_once('/').unwrap_or((&key, "*"));
            Self {
                resource_path: Some(resource_path(path)),
                http_method: Some(method.to_owned()),
                metrics_enabled: Some(setting.metrics_enabled),
                logging_level: setting.logging_level,
                data_trace_enabled: Some(setting.data_trace_enabled),
                throttling_burst_limit: Some(setting.throttling_burst_limit),
                throttling_rate_limit: Some(setting.throttling_rate_limit),
                caching_enabled: Some(setting.caching_enabled),
                cache_ttl_in_seconds: Some(setting.cache_ttl_in_seconds),
                cache_data_encrypted: Some(setting.cache_data_encrypted),
            }
        };
        sorted(from).unwrap_or_default().into_iter().map(read).collect()
    }
}

/// Returns a path as `ResourcePath` writes it, from the first part of a key.
fn resource_path(path: &str) -> String {
    match path.replace("~1", "/").as_str() {
        "/" => "/".to_owned(),
        plain if plain.starts_with('/') => format!("/{}", plain.replace('/', "~1")),
        _ => format!("/{path}"),
    }
}

/// Finds what API Gateway would refuse of access logging.
pub(super) fn check_logging(desired: Desired<'_>, faults: &mut Vec<Fault>) {
    let Some(setting) = desired.0.get("AccessLogSetting").filter(|setting| setting.is_object())
    else {
        return;
    };
    for name in ["DestinationArn", "Format"] {
        if setting.get(name).is_none_or(Value::is_null) {
            let message =
                format!("{name} is missing: access logging needs DestinationArn and Format");
            faults.push(Fault::new("AccessLogSetting", message));
        }
    }
    if desired.text("AccessLogSetting/Format").is_some_and(|f| !f.contains("$context.requestId")) {
        let message = "the format has to contain $context.requestId";
        faults.push(Fault::new("AccessLogSetting/Format", message));
    }
}

/// Finds what API Gateway would refuse of method settings.
pub(super) fn check_method_settings(desired: Desired<'_>, faults: &mut Vec<Fault>) {
    let settings = desired.get("MethodSettings").and_then(Value::as_array);
    for setting in settings.into_iter().flatten() {
        let (Some(path), Some(_)) =
            (setting["ResourcePath"].as_str(), setting["HttpMethod"].as_str())
        else {
            faults.push(Fault::new(
                "MethodSettings",
                "each needs ResourcePath and HttpMethod; '/*' and '*' mean every method",
            ));
            continue;
        };
        if path != "/" && path != "/*" && (!path.starts_with("/~1") || path[1..].contains('/')) {
            let right = format!("/~1{}", path.trim_start_matches('/').replace('/', "~1"));
            faults.push(Fault::new(
                "MethodSettings",
                format!("a ResourcePath is written with '~1' for '/': {right} in place of {path}"),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_setting_keeps_its_path() {
        for (path, method, key) in [
            ("/*", "*", "*/*"),
            ("/", "GET", "~1/GET"),
            ("/~1payments", "POST", "~1payments/POST"),
            ("/~1payments~1{id}", "GET", "~1payments~1{id}/GET"),
        ] {
            let setting = MethodSetting {
                resource_path: Some(path.to_owned()),
                http_method: Some(method.to_owned()),
                ..MethodSetting::default()
            };
            assert_eq!(setting.key(), key);
            let (part, _) = key.rsplit_once('/').unwrap_or_default();
            assert_eq!(resource_path(part), path);
        }
    }
}
