//! `AWS::Route53::HostedZone`: a public zone, or a private one of VPCs.
//!
//! CloudFormation calls its tags `HostedZoneTags`; those of the stack and the
//! ones that say whose the zone is come in `Tags`.

use super::route53::{
    all_tags, bare, caller_reference, is_ours, name, retag, spelling_fault, spread, tag_changes,
    tag_faults, tags, with_owner, zones,
};
use crate::resource::{
    Changes, Class, Cx, Desired, Early, Failure, Fault, Fixed, Found as _, Id, Live, Meta,
    Recorded, Resource, Result, Set, TagChanges, Tags, WriteOnly,
};
use aws_sdk_route53::operation::get_hosted_zone::GetHostedZoneOutput;
use aws_sdk_route53::types::{self, QueryLoggingConfig, RrType, TagResourceType};
use futures::try_join;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A zone. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-route53-hostedzone.html>
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct HostedZone {
    /// Its domain, such as `payments.acme.dev`.
    #[schemars(length(max = 1024))]
    pub name: Option<Fixed<String>>,
    /// The reusable set of name servers that serves it.
    #[schemars(length(max = 32))]
    pub delegation_set_id: Option<Fixed<String>>,
    /// What it is for.
    pub hosted_zone_config: Option<HostedZoneConfig>,
    /// Its tags, under CloudFormation's name.
    pub hosted_zone_tags: Option<Tags>,
    /// Where queries are logged. Not read back: it would cost a call of its
    /// own at every refresh, and Route 53 takes five a second.
    pub query_logging_config: Option<WriteOnly<QueryLogging>>,
    /// The VPCs that a private zone is for.
    #[serde(rename = "VPCs")]
    pub vpcs: Option<Set<Vpc>>,
    /// Its tags beside `HostedZoneTags`: those of the stack.
    pub tags: Option<Tags>,
}

/// What a zone is for.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct HostedZoneConfig {
    /// The comment.
    #[schemars(length(max = 256))]
    pub comment: Option<String>,
}

/// Where queries are logged.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct QueryLogging {
    /// The ARN of a log group in us-east-1 that Route 53 may write to.
    pub cloud_watch_logs_log_group_arn: String,
}

/// A VPC of a private zone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Vpc {
    /// Its id.
    #[serde(rename = "VPCId")]
    pub vpc_id: String,
    /// Its region.
    #[serde(rename = "VPCRegion")]
    pub vpc_region: String,
}

/// What Route 53 gives back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    /// Its id.
    pub id: Early<String>,
    /// The name servers that the domain has to be delegated to; none where the
    /// zone is private.
    pub name_servers: Early<Vec<String>>,
}

/// How many of a zone's records a message names.
const NAMED_RECORDS: usize = 5;

impl Resource for HostedZone {
    type Attributes = Attributes;

    const META: Meta = Meta::global("AWS::Route53::HostedZone")
        .taggable()
        .beyond_cloudformation(&["Tags"])
        .takes(40)
        .unsupported(&["HostedZoneFeatures"]);

    fn check(desired: Desired<'_>) -> Vec<Fault> {
        let is_set = |name: &str| desired.0.get(name).is_some_and(|value| !value.is_null());
        let mut faults = tag_faults(desired, "HostedZoneTags");
        let mut fault = |property: &str, message: &str| faults.push(Fault::new(property, message));
        if !is_set("Name") {
            fault("Name", "a zone needs its domain name: Name: payments.acme.dev");
        }
        let reserved = |name: &&str| *name == "example.com" || name.ends_with(".example.com");
        if desired.text("Name").filter(reserved).is_some() {
            fault("Name", "AWS keeps example.com for itself: write a domain of your own");
        }
        for property in ["DelegationSetId", "QueryLoggingConfig"] {
            if is_set("VPCs") && is_set(property) {
                fault(property, "only public zones have it: leave it or VPCs out");
            }
        }
        faults.extend(spelling_fault(desired, "Name"));
        faults
    }

    async fn find(&self, cx: &Cx) -> Result<Option<Id>> {
        let Some(name) = &self.name else { return Ok(None) };
        let mut zones = zones(name, cx).await?.into_iter();
        let ours = zones.find(|zone| is_ours(&zone.caller_reference, cx));
        Ok(ours.map(|zone| Id::from(bare(&zone.id))))
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let request = cx.route53().get_hosted_zone().id(id.as_str());
        let answers = try_join!(
            cx.observe("route53:GetHostedZone", || request.clone().send()),
            tags(TagResourceType::Hostedzone, id.as_str(), cx),
        );
        let Some((zone, tags)) = answers.found()? else { return Ok(None) };
        let reference = zone.hosted_zone.as_ref().map(|zone| zone.caller_reference.as_str());
        let tags = with_owner(tags, reference.unwrap_or_default(), cx);
        let servers = zone.delegation_set.as_ref().map(|set| set.name_servers.clone());
        let attributes = attributes(id, servers);
        Ok(Some(Live { id: id.clone(), properties: properties(zone, tags), attributes }))
    }

    async fn converge(
        &self,
        current: Option<&Live<Self>>,
        changes: &Changes,
        cx: &Cx,
    ) -> Result<Attributes> {
        let Some(live) = current else { return self.create(cx).await };
        let id = live.id.as_str();
        if changes.has("HostedZoneConfig") {
            let comment = self.comment().unwrap_or_default();
            let request = cx.route53().update_hosted_zone_comment().id(id).comment(comment);
            cx.mutate("route53:UpdateHostedZoneComment", || request.clone().send()).await?;
        }
        if changes.has("VPCs") {
            self.update_vpcs(id, live.properties.vpcs(), cx).await?;
        }
        if changes.has("QueryLoggingConfig") {
            self.update_logging(id, cx).await?;
        }
        let tags = tag_changes(changes, "HostedZoneTags", &self.all_tags());
        retag(&TagResourceType::Hostedzone, id, tags, cx).await?;
        Ok(live.attributes.clone())
    }

    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let id = recorded.id.as_str();
        if recorded.applied.as_ref().is_some_and(|zone| zone.query_logging_config.is_some()) {
            stop_logging(id, cx).await.found()?;
        }
        let request = cx.route53().delete_hosted_zone().id(id);
        match cx.mutate("route53:DeleteHostedZone", || request.clone().send()).await.found() {
            Err(failure) if failure.is_code(&["HostedZoneNotEmpty"]) => {
                Err(not_empty(failure, id, cx).await)
            }
            answer => answer.map(drop),
        }
    }
}

impl HostedZone {
    fn comment(&self) -> Option<String> {
        self.hosted_zone_config.as_ref()?.comment.clone()
    }

    fn vpcs(&self) -> &[Vpc] {
        self.vpcs.as_ref().map_or(&[], |vpcs| vpcs.as_slice())
    }

    fn all_tags(&self) -> Tags {
        all_tags(self.tags.as_ref(), self.hosted_zone_tags.as_ref())
    }

    async fn create(&self, cx: &Cx) -> Result<Attributes> {
        let vpcs = self.vpcs();
        let is_plain = self.comment().is_none() && vpcs.is_empty();
        let config = types::HostedZoneConfig::builder()
            .set_comment(self.comment())
            .private_zone(!vpcs.is_empty())
            .build();
        let request = cx
            .route53()
            .create_hosted_zone()
            .caller_reference(caller_reference(cx))
            .name(self.name.as_deref().map_or("", String::as_str))
            .set_delegation_set_id(self.delegation_set_id.as_deref().cloned())
            .set_hosted_zone_config((!is_plain).then_some(config))
            .set_vpc(vpcs.first().map(Vpc::sdk));
        let answer = cx.mutate("route53:CreateHostedZone", || request.clone().send()).await?;
        let Some(zone) = answer.hosted_zone else {
            return Err(Failure::local(Class::InDoubt, "Route 53 did not say which zone it made"));
        };
        let id = Id::from(bare(&zone.id));
        let attributes = attributes(&id, answer.delegation_set.map(|set| set.name_servers));
        cx.created(&id, json!(attributes)).await?;
        let tags = TagChanges { set: self.all_tags().0, remove: Vec::new() };
        retag(&TagResourceType::Hostedzone, id.as_str(), tags, cx).await?;
        for vpc in vpcs.iter().skip(1) {
            associate(id.as_str(), vpc, cx).await?;
        }
        if self.query_logging_config.is_some() {
            self.update_logging(id.as_str(), cx).await?;
        }
        spread(answer.change_info, cx).await?;
        Ok(attributes)
    }

    /// Adds VPCs before it takes others away: a private zone needs one.
    async fn update_vpcs(&self, id: &str, live: &[Vpc], cx: &Cx) -> Result<()> {
        if live.is_empty() != self.vpcs().is_empty() {
            return Err(Failure::refused(
                "a zone stays public or private for life: make another one with --replace, \
                 or leave VPCs as they were",
            ));
        }
        for vpc in self.vpcs().iter().filter(|vpc| !live.contains(vpc)) {
            associate(id, vpc, cx).await?;
        }
        for vpc in live.iter().filter(|vpc| !self.vpcs().contains(vpc)) {
            let request =
                cx.route53().disassociate_vpc_from_hosted_zone().hosted_zone_id(id).vpc(vpc.sdk());
            let operation = "route53:DisassociateVPCFromHostedZone";
            cx.mutate(operation, || request.clone().send()).await.found()?;
        }
        Ok(())
    }

    async fn update_logging(&self, id: &str, cx: &Cx) -> Result<()> {
        stop_logging(id, cx).await?;
        let Some(logging) = self.query_logging_config.as_ref() else { return Ok(()) };
        let request = cx
            .route53()
            .create_query_logging_config()
            .hosted_zone_id(id)
            .cloud_watch_logs_log_group_arn(&logging.cloud_watch_logs_log_group_arn);
        cx.mutate("route53:CreateQueryLoggingConfig", || request.clone().send()).await.map(drop)
    }
}

impl Vpc {
    fn sdk(&self) -> types::Vpc {
        let region = self.vpc_region.as_str().into();
        types::Vpc::builder().vpc_id(&self.vpc_id).vpc_region(region).build()
    }
}

async fn associate(id: &str, vpc: &Vpc, cx: &Cx) -> Result<()> {
    let request = cx.route53().associate_vpc_with_hosted_zone().hosted_zone_id(id).vpc(vpc.sdk());
    let operation = "route53:AssociateVPCWithHostedZone";
    let answer = cx.mutate(operation, || request.clone().send()).await?;
    spread(answer.change_info, cx).await
}

/// Removes what logs the queries; a zone has one at most.
async fn stop_logging(id: &str, cx: &Cx) -> Result<()> {
    let request = cx.route53().list_query_logging_configs().hosted_zone_id(id);
    let answer = cx.observe("route53:ListQueryLoggingConfigs", || request.clone().send()).await?;
    for QueryLoggingConfig { id, .. } in answer.query_logging_configs {
        let request = cx.route53().delete_query_logging_config().id(id);
        let operation = "route53:DeleteQueryLoggingConfig";
        cx.mutate(operation, || request.clone().send()).await.found()?;
    }
    Ok(())
}

/// Says which records keep a zone from being deleted. Somebody else made them,
/// and may need them: they are not ours to delete.
async fn not_empty(mut failure: Failure, id: &str, cx: &Cx) -> Failure {
    let request = cx.route53().list_resource_record_sets().hosted_zone_id(id);
    let operation = "route53:ListResourceRecordSets";
    let answer = cx.observe(operation, || request.clone().send()).await;
    let records = answer.map(|answer| answer.resource_record_sets).unwrap_or_default();
    let apex = records.iter().find(|record| record.r#type == RrType::Soa);
    let apex = apex.map(|record| record.name.as_str()).unwrap_or_default();
    let is_zones = |kind: &RrType| matches!(kind, RrType::Soa | RrType::Ns);
    let foreign: Vec<_> = records
        .iter()
        .filter(|record| record.name != apex || !is_zones(&record.r#type))
        .map(|record| format!("{} {}", name(&record.name), record.r#type))
        .collect();
    let more = if foreign.len() > NAMED_RECORDS { " and others" } else { "" };
    let named = foreign[..foreign.len().min(NAMED_RECORDS)].join(", ");
    failure.message = format!(
        "{} This deployment did not make them, so it leaves them alone: {named}{more}. Delete them \
         and run the same command again, or keep the zone with 'DeletionPolicy: Retain'.",
        failure.message
    );
    failure
}

fn attributes(id: &Id, name_servers: Option<Vec<String>>) -> Attributes {
    Attributes { id: Early(id.to_string()), name_servers: Early(name_servers.unwrap_or_default()) }
}

fn properties(answer: GetHostedZoneOutput, tags: Tags) -> HostedZone {
    let vpc = |vpc: types::Vpc| {
        let vpc_region = vpc.vpc_region?.as_str().to_owned();
        Some(Vpc { vpc_id: vpc.vpc_id?, vpc_region })
    };
    let comment = |zone: &types::HostedZone| zone.config.as_ref()?.comment.clone();
    let set = answer.delegation_set.and_then(|set| set.id);
    HostedZone {
        name: answer.hosted_zone.as_ref().map(|zone| Fixed(name(&zone.name))),
        delegation_set_id: set.map(|id| Fixed(bare(&id).to_owned())),
        hosted_zone_config: Some(HostedZoneConfig {
            comment: answer.hosted_zone.as_ref().and_then(comment).filter(|text| !text.is_empty()),
        }),
        hosted_zone_tags: Some(tags.clone()),
        query_logging_config: None,
        vpcs: Some(answer.vpcs.unwrap_or_default().into_iter().filter_map(vpc).collect()),
        tags: Some(tags),
    }
}
