//! `AWS::Route53::HealthCheck`: probes an endpoint, watches an alarm, or sums
//! up other checks.
//!
//! CloudFormation calls its tags `HealthCheckTags`; those of the stack and the
//! ones that say whose the check is come in `Tags`.

use super::route53::{
    all_tags, caller_reference, is_ours, retag, tag_changes, tag_faults, tags, with_owner,
};
use super::route53_health_check_config::{
    AlarmIdentifier, HealthCheckConfig, faults as config_faults,
};
use crate::resource::{
    Changes, Class, Cx, Desired, Early, Failure, Fault, Found as _, Id, Live, Meta, Recorded,
    Resource, Result, TagChanges, Tags,
};
use aws_sdk_route53::types::{ResettableElementName, TagResourceType};
use futures::try_join;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A health check. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-route53-healthcheck.html>
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct HealthCheck {
    /// What is checked, and how.
    pub health_check_config: HealthCheckConfig,
    /// Its tags, under CloudFormation's name.
    pub health_check_tags: Option<Tags>,
    /// Its tags beside `HealthCheckTags`: those of the stack.
    pub tags: Option<Tags>,
}

/// What Route 53 gives back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    /// Its id.
    pub health_check_id: Early<String>,
}

impl Resource for HealthCheck {
    type Attributes = Attributes;

    const META: Meta =
        Meta::global("AWS::Route53::HealthCheck").taggable().beyond_cloudformation(&["Tags"]);

    fn check(desired: Desired<'_>) -> Vec<Fault> {
        let mut faults = tag_faults(desired, "HealthCheckTags");
        faults.extend(config_faults(desired));
        faults
    }

    async fn find(&self, cx: &Cx) -> Result<Option<Id>> {
        let mut marker = None;
        loop {
            let request = cx.route53().list_health_checks().set_marker(marker);
            let page = cx.observe("route53:ListHealthChecks", || request.clone().send()).await?;
            let ours = page.health_checks.iter().find(|check| is_ours(&check.caller_reference, cx));
            if let Some(check) = ours {
                return Ok(Some(Id::from(check.id.as_str())));
            }
            marker = page.next_marker.filter(|_| page.is_truncated);
            if marker.is_none() {
                return Ok(None);
            }
        }
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let request = cx.route53().get_health_check().health_check_id(id.as_str());
        let answers = try_join!(
            cx.observe("route53:GetHealthCheck", || request.clone().send()),
            tags(TagResourceType::Healthcheck, id.as_str(), cx),
        );
        let Some((answer, tags)) = answers.found()? else { return Ok(None) };
        let Some(check) = answer.health_check else { return Ok(None) };
        let tags = with_owner(tags, &check.caller_reference, cx);
        let properties = Self {
            health_check_config: check.health_check_config.map(Into::into).unwrap_or_default(),
            health_check_tags: Some(tags.clone()),
            tags: Some(tags),
        };
        Ok(Some(Live { id: id.clone(), properties, attributes: attributes(id) }))
    }

    async fn converge(
        &self,
        current: Option<&Live<Self>>,
        changes: &Changes,
        cx: &Cx,
    ) -> Result<Attributes> {
        let Some(live) = current else { return self.create(cx).await };
        if changes.has("HealthCheckConfig") {
            self.update(live, changes, cx).await?;
        }
        let tags = tag_changes(changes, "HealthCheckTags", &self.all_tags());
        retag(&TagResourceType::Healthcheck, live.id.as_str(), tags, cx).await?;
        Ok(attributes(&live.id))
    }

    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let request = cx.route53().delete_health_check().health_check_id(recorded.id.as_str());
        cx.mutate("route53:DeleteHealthCheck", || request.clone().send()).await.found()?;
        Ok(())
    }
}

impl HealthCheck {
    fn all_tags(&self) -> Tags {
        all_tags(self.tags.as_ref(), self.health_check_tags.as_ref())
    }

    async fn create(&self, cx: &Cx) -> Result<Attributes> {
        let request = cx
            .route53()
            .create_health_check()
            .caller_reference(caller_reference(cx))
            .health_check_config(self.health_check_config.sdk()?);
        let answer = cx.mutate("route53:CreateHealthCheck", || request.clone().send()).await?;
        let Some(check) = answer.health_check else {
            return Err(Failure::local(Class::InDoubt, "Route 53 did not say which check it made"));
        };
        let id = Id::from(check.id);
        cx.created(&id, json!(attributes(&id))).await?;
        let tags = TagChanges { set: self.all_tags().0, remove: Vec::new() };
        retag(&TagResourceType::Healthcheck, id.as_str(), tags, cx).await?;
        Ok(attributes(&id))
    }

    async fn update(&self, live: &Live<Self>, changes: &Changes, cx: &Cx) -> Result<()> {
        let config = &self.health_check_config;
        let names: Vec<_> = changes.0.iter().filter_map(|change| member(&change.path)).collect();
        let has = |name: &str| names.contains(&name);
        if config.ip_address.is_some() != live.properties.health_check_config.ip_address.is_some() {
            return Err(Failure::refused(
                "Route 53 neither adds nor removes the IPAddress of a health check: make \
                 another one with --replace",
            ));
        }
        let resets = [
            ("ChildHealthChecks", config.child_health_checks.is_none()),
            ("FullyQualifiedDomainName", config.fully_qualified_domain_name.is_none()),
            ("Regions", config.regions.is_none()),
            ("ResourcePath", config.resource_path.is_none()),
        ];
        let resets: Vec<_> = resets
            .into_iter()
            .filter(|(name, is_unset)| *is_unset && has(name))
            .map(|(name, _)| ResettableElementName::from(name))
            .collect();
        let is_https = config.kind.starts_with("HTTPS");
        let port = config.port.unwrap_or(if is_https { 443 } else { 80 });
        let alarm = config.alarm_identifier.as_ref().map(AlarmIdentifier::sdk).transpose()?;
        let verdict =
            config.insufficient_data_health_status.as_deref().unwrap_or("LastKnownStatus");
        let request = cx
            .route53()
            .update_health_check()
            .health_check_id(live.id.as_str())
            .set_alarm_identifier(alarm.filter(|_| has("AlarmIdentifier")))
            .set_child_health_checks(config.children().filter(|_| has("ChildHealthChecks")))
            .set_enable_sni(has("EnableSNI").then(|| config.enable_sni.unwrap_or(is_https)))
            .set_failure_threshold(
                has("FailureThreshold").then(|| config.failure_threshold.unwrap_or(3)),
            )
            .set_fully_qualified_domain_name(
                config
                    .fully_qualified_domain_name
                    .clone()
                    .filter(|_| has("FullyQualifiedDomainName")),
            )
            .set_health_threshold(
                has("HealthThreshold").then(|| config.health_threshold.unwrap_or_default()),
            )
            .set_insufficient_data_health_status(
                has("InsufficientDataHealthStatus").then(|| verdict.into()),
            )
            .set_inverted(has("Inverted").then(|| config.inverted.unwrap_or_default()))
            .set_ip_address(config.ip_address.clone().filter(|_| has("IPAddress")))
            .set_port(has("Port").then_some(port))
            .set_regions(config.probers().filter(|_| has("Regions")))
            .set_reset_elements((!resets.is_empty()).then_some(resets))
            .set_resource_path(config.resource_path.clone().filter(|_| has("ResourcePath")))
            .set_search_string(config.search_string.clone().filter(|_| has("SearchString")));
        cx.mutate("route53:UpdateHealthCheck", || request.clone().send()).await?;
        Ok(())
    }
}

/// Returns the member of the configuration that a path leads into.
fn member(path: &str) -> Option<&str> {
    path.strip_prefix("HealthCheckConfig/")?.split('/').next()
}

fn attributes(id: &Id) -> Attributes {
    Attributes { health_check_id: Early(id.to_string()) }
}
