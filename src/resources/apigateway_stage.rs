//! `AWS::ApiGateway::Stage`: a deployment of a REST API under a name, with
//! logging, throttling and caching.

use super::apigateway::{
    Patch, Setting, filled, required, retag, sorted, tag_map, tags_of, unsorted,
};
use super::apigateway_stage_properties::{
    AccessLogSetting, CanarySetting, MethodSetting, check_logging, check_method_settings,
};
use crate::resource::{
    Changes, Cx, Desired, Early, Fault, Fixed, Found as _, Id, Live, Meta, Place, Poll, Recorded,
    Resource, Result, Set, Tags,
};
use aws_sdk_apigateway::operation::get_stage::GetStageOutput;
use aws_sdk_apigateway::types::{CacheClusterStatus, Op};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// A stage. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-apigateway-stage.html>
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Stage {
    /// The API.
    pub rest_api_id: Fixed<String>,
    /// Its name, the first part of the path of a call.
    #[schemars(length(min = 1, max = 128))]
    pub stage_name: Option<Fixed<String>>,
    /// The deployment that it serves.
    pub deployment_id: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Where and how calls are logged.
    pub access_log_setting: Option<AccessLogSetting>,
    /// Logging, metrics, throttling and caching by method.
    pub method_settings: Option<Set<MethodSetting>>,
    /// Values that integrations and templates may use.
    pub variables: Option<BTreeMap<String, String>>,
    /// Whether X-Ray traces calls.
    pub tracing_enabled: Option<bool>,
    /// Whether it has a cache.
    pub cache_cluster_enabled: Option<bool>,
    /// The size of the cache, in GB: from `0.5` to `237`.
    pub cache_cluster_size: Option<String>,
    /// A deployment that gets a part of the calls.
    pub canary_setting: Option<CanarySetting>,
    /// The certificate that it shows to backends.
    pub client_certificate_id: Option<String>,
    /// The version of the API's documentation.
    pub documentation_version: Option<String>,
    /// Its tags.
    pub tags: Option<Tags>,
}

/// What is known of a stage.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    /// Its name.
    pub stage_name: Early<String>,
}

const SETTINGS: &[Setting] = &[
    ("CacheClusterEnabled", "/cacheClusterEnabled", Some("false")),
    ("ClientCertificateId", "/clientCertificateId", Some("")),
    ("DeploymentId", "/deploymentId", Some("")),
    ("Description", "/description", Some("")),
    ("DocumentationVersion", "/documentationVersion", Some("")),
    ("TracingEnabled", "/tracingEnabled", Some("false")),
];

impl Resource for Stage {
    type Attributes = Attributes;

    const META: Meta = Meta::regional("AWS::ApiGateway::Stage")
        .named("StageName", 128)
        .taggable()
        .reference("StageName");

    fn identity(desired: Desired<'_>, _place: &Place) -> Option<Id> {
        Some(Id::join([desired.text("RestApiId")?, desired.text("StageName")?]))
    }

    fn predict(desired: Desired<'_>, _place: &Place) -> Value {
        desired.text("StageName").map_or(Value::Null, |name| json!({"StageName": name}))
    }

    fn check(desired: Desired<'_>) -> Vec<Fault> {
        let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let wrong_name = desired.text("StageName").filter(|name| !name.chars().all(word));
        let mut faults: Vec<_> =
            required(desired, "DeploymentId", "a stage serves a deployment").into_iter().collect();
        faults.extend(wrong_name.map(|_| {
            Fault::new("StageName", "use only letters, digits, '-' and '_' in a stage's name")
        }));
        check_logging(desired, &mut faults);
        check_method_settings(desired, &mut faults);
        faults
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let [api, name] = id.parts();
        let request = cx.apigateway().get_stage().rest_api_id(api).stage_name(name);
        let answer = cx.observe("apigateway:GetStage", || request.clone().send()).await.found()?;
        Ok(answer.map(|answer| Live {
            id: id.clone(),
            properties: properties(answer, api, name),
            attributes: Attributes { stage_name: Early(name.to_owned()) },
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
            Some(live) => {
                let patch = self.patch(&live.properties, |property| changes.has(property));
                self.apply(patch, None, cx).await?;
                let [api, name] = live.id.parts();
                let path = format!("/restapis/{api}/stages/{name}");
                retag(&path, self.tags.as_ref(), changes, cx).await?;
            }
        }
        Ok(Attributes { stage_name: Early(self.name().to_owned()) })
    }

    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let [api, name] = recorded.id.parts();
        let request = cx.apigateway().delete_stage().rest_api_id(api).stage_name(name);
        cx.mutate("apigateway:DeleteStage", || request.clone().send()).await.found()?;
        Ok(())
    }
}

impl Stage {
    fn name(&self) -> &str {
        self.stage_name.as_deref().map_or("", String::as_str)
    }

    async fn create(&self, cx: &Cx) -> Result<()> {
        let request = cx
            .apigateway()
            .create_stage()
            .rest_api_id(&self.rest_api_id.0)
            .stage_name(self.name())
            .set_deployment_id(self.deployment_id.clone())
            .set_description(self.description.clone())
            .set_variables(unsorted(self.variables.as_ref()))
            .set_tracing_enabled(self.tracing_enabled)
            .set_cache_cluster_enabled(self.cache_cluster_enabled)
            .set_cache_cluster_size(self.cache_cluster_size.as_deref().map(Into::into))
            .set_canary_settings(self.canary_setting.as_ref().map(CanarySetting::sent))
            .set_documentation_version(self.documentation_version.clone())
            .set_tags(tag_map(self.tags.as_ref()));
        let answer = cx.mutate("apigateway:CreateStage", || request.clone().send()).await?;
        let id = Id::join([self.rest_api_id.as_str(), self.name()]);
        cx.created(&id, json!({"StageName": self.name()})).await?;
        // These the create call does not take.
        let patch = self.patch(&Self::default(), |property| match property {
            "AccessLogSetting" => self.access_log_setting.is_some(),
            "ClientCertificateId" => self.client_certificate_id.is_some(),
            "MethodSettings" => self.method_settings.is_some(),
            _ => false,
        });
        self.apply(patch, answer.cache_cluster_status, cx).await
    }

    fn patch(&self, before: &Self, changed: impl Fn(&str) -> bool) -> Patch {
        let mut patch = Patch::default();
        patch.settings(SETTINGS, &json!(self), &changed);
        // The size of a cache that is off cannot be set.
        if changed("CacheClusterSize") && self.cache_cluster_enabled == Some(true) {
            let size = self.cache_cluster_size.as_deref().unwrap_or("0.5");
            patch.set("/cacheClusterSize", size);
        }
        if changed("Variables") {
            let map = |of: &Self| of.variables.clone().unwrap_or_default();
            patch.map("/variables", &map(before), &map(self), &Op::Replace);
        }
        if changed("CanarySetting") {
            let (old, new) = (before.canary_setting.as_ref(), self.canary_setting.as_ref());
            CanarySetting::patch(old, new, &mut patch);
        }
        if changed("AccessLogSetting") {
            let (old, new) = (before.access_log_setting.as_ref(), self.access_log_setting.as_ref());
            AccessLogSetting::patch(old, new, &mut patch);
        }
        if changed("MethodSettings") {
            let settings = |of: &Self| of.method_settings.clone().unwrap_or_default().0;
            MethodSetting::patch(&settings(before), &settings(self), &mut patch);
        }
        patch
    }

    /// Applies a patch and waits for the cache, if it changed.
    async fn apply(
        &self,
        patch: Patch,
        mut cache: Option<CacheClusterStatus>,
        cx: &Cx,
    ) -> Result<()> {
        if !patch.is_empty() {
            let request = cx
                .apigateway()
                .update_stage()
                .rest_api_id(&self.rest_api_id.0)
                .stage_name(self.name())
                .set_patch_operations(patch.operations());
            let answer = cx.mutate("apigateway:UpdateStage", || request.clone().send()).await?;
            cache = answer.cache_cluster_status;
        }
        if is_settled(cache.as_ref()) {
            return Ok(());
        }
        let request =
            cx.apigateway().get_stage().rest_api_id(&self.rest_api_id.0).stage_name(self.name());
        cx.wait(CACHE_DEADLINE, || async {
            let stage = cx.observe("apigateway:GetStage", || request.clone().send()).await?;
            Ok(match stage.cache_cluster_status {
                Some(status) if !is_settled(Some(&status)) => {
                    Poll::Pending(format!("the stage's cache is {status}"))
                }
                _ => Poll::Ready(()),
            })
        })
        .await
    }
}

/// A cache takes a few minutes to come and go, and up to an hour and a half
/// to change its size.
const CACHE_DEADLINE: Duration = Duration::from_secs(90 * 60);

fn is_settled(cache: Option<&CacheClusterStatus>) -> bool {
    use CacheClusterStatus::{CreateInProgress, DeleteInProgress, FlushInProgress};
    !matches!(cache, Some(CreateInProgress | DeleteInProgress | FlushInProgress))
}

fn properties(answer: GetStageOutput, api: &str, name: &str) -> Stage {
    Stage {
        rest_api_id: Fixed(api.to_owned()),
        stage_name: Some(Fixed(name.to_owned())),
        deployment_id: answer.deployment_id,
        description: filled(answer.description),
        access_log_setting: answer.access_log_settings.and_then(AccessLogSetting::received),
        method_settings: Some(MethodSetting::received(answer.method_settings)),
        variables: sorted(answer.variables),
        tracing_enabled: Some(answer.tracing_enabled),
        cache_cluster_enabled: Some(answer.cache_cluster_enabled),
        cache_cluster_size: answer.cache_cluster_size.map(|size| size.as_str().to_owned()),
        canary_setting: answer.canary_settings.map(CanarySetting::received),
        client_certificate_id: filled(answer.client_certificate_id),
        documentation_version: filled(answer.documentation_version),
        tags: tags_of(answer.tags),
    }
}
