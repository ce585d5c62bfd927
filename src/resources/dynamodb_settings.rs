//! What DynamoDB keeps beside a table in each region, each under calls of its
//! own: insights, backups, policy, tags and expiry.

use super::dynamodb::{ContributorInsights, PointInTimeRecovery, TimeToLive};
use crate::resource::{Cx, Found as _, Policy, Result, TagChanges, Tags};
use aws_sdk_dynamodb::types::{
    ContributorInsightsAction, ContributorInsightsMode, ContributorInsightsStatus,
    ContributorInsightsSummary, PointInTimeRecoverySpecification, PointInTimeRecoveryStatus, Tag,
    TimeToLiveSpecification, TimeToLiveStatus,
};
use futures::future::join_all;
use futures::{join, try_join};
use std::collections::BTreeMap;

/// The settings of a table in one region.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    /// Insights of the table itself.
    pub insights: Option<ContributorInsights>,
    /// Insights of its indexes, by their names.
    pub index_insights: BTreeMap<String, ContributorInsights>,
    /// Continuous backups.
    pub recovery: Option<PointInTimeRecovery>,
    /// Its policy.
    pub policy: Option<Policy>,
    /// Its tags.
    pub tags: Tags,
}

/// Returns the ARN of a table in the region of `cx`.
pub(super) fn table_arn(name: &str, cx: &Cx) -> String {
    cx.place.arn("dynamodb", &format!("table/{name}"))
}

impl Settings {
    /// Reads the settings of a table.
    pub(super) async fn read(name: &str, cx: &Cx) -> Result<Self> {
        let (insights, recovery, policy, tags) =
            try_join!(insights(name, cx), recovery(name, cx), policy(name, cx), tags(name, cx))?;
        let insights_of_table = Some(ContributorInsights::OFF);
        let mut settings =
            Self { insights: insights_of_table, recovery, policy, tags, ..Self::default() };
        for summary in insights {
            let found = of_summary(&summary);
            match summary.index_name {
                Some(index) => drop(settings.index_insights.insert(index, found)),
                None => settings.insights = Some(found),
            }
        }
        Ok(settings)
    }

    /// Takes from `live` what is unset here, so that it stays.
    pub(super) fn keep_unset(&mut self, live: &Self) {
        self.insights = self.insights.take().or_else(|| live.insights.clone());
        self.recovery = self.recovery.take().or_else(|| live.recovery.clone());
        self.policy = self.policy.take().or_else(|| live.policy.clone());
        for (index, insights) in &live.index_insights {
            self.index_insights.entry(index.clone()).or_insert_with(|| insights.clone());
        }
    }

    /// Brings the settings of a table from `live` to these. What is unset here
    /// goes back to DynamoDB's default if it is set in `live`.
    pub(super) async fn apply(
        &self,
        name: &str,
        live: &Self,
        tags: TagChanges,
        cx: &Cx,
    ) -> Result<()> {
        let indexes = self.index_insights.keys().chain(live.index_insights.keys());
        let mut indexes: Vec<_> = indexes.collect();
        indexes.sort();
        indexes.dedup();
        let indexes = indexes.into_iter().map(|index| {
            let (wanted, live) = (self.index_insights.get(index), live.index_insights.get(index));
            set_insights(name, Some(index), wanted, live, cx)
        });
        // All of them end before a failure is told: a call in flight is not
        // to be forgotten.
        let (insights, indexes, recovery, policy, tags) = join!(
            set_insights(name, None, self.insights.as_ref(), live.insights.as_ref(), cx),
            join_all(indexes),
            set_recovery(name, self.recovery.as_ref(), live.recovery.as_ref(), cx),
            set_policy(name, self.policy.as_ref(), live.policy.as_ref(), cx),
            set_tags(name, tags, cx),
        );
        indexes.into_iter().collect::<Result<()>>()?;
        insights.and(recovery).and(policy).and(tags)
    }
}

async fn insights(name: &str, cx: &Cx) -> Result<Vec<ContributorInsightsSummary>> {
    let request = cx.dynamodb().list_contributor_insights().table_name(name);
    let mut found = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let page = cx
            .observe("dynamodb:ListContributorInsights", || {
                request.clone().set_next_token(token.clone()).send()
            })
            .await?;
        found.extend(page.contributor_insights_summaries.unwrap_or_default());
        token = page.next_token;
        if token.is_none() {
            return Ok(found);
        }
    }
}

fn of_summary(summary: &ContributorInsightsSummary) -> ContributorInsights {
    let on = [ContributorInsightsStatus::Enabled, ContributorInsightsStatus::Enabling];
    let enabled = summary.contributor_insights_status().is_some_and(|now| on.contains(now));
    let mode = summary.contributor_insights_mode().filter(|_| enabled);
    ContributorInsights { enabled, mode: mode.map(|mode| mode.as_str().to_owned()) }
}

async fn set_insights(
    name: &str,
    index: Option<&String>,
    wanted: Option<&ContributorInsights>,
    live: Option<&ContributorInsights>,
    cx: &Cx,
) -> Result<()> {
    let is_on = |insights: Option<&ContributorInsights>| insights.is_some_and(|i| i.enabled);
    let mode = wanted.and_then(|wanted| wanted.mode.as_deref()).filter(|_| is_on(wanted));
    let live_mode = live.and_then(|live| live.mode.as_deref());
    if is_on(wanted) == is_on(live) && (mode.is_none() || mode == live_mode) {
        return Ok(());
    }
    let action = if is_on(wanted) {
        ContributorInsightsAction::Enable
    } else {
        ContributorInsightsAction::Disable
    };
    let request = cx
        .dynamodb()
        .update_contributor_insights()
        .table_name(name)
        .set_index_name(index.cloned())
        .contributor_insights_action(action)
        .set_contributor_insights_mode(mode.map(ContributorInsightsMode::from));
    cx.mutate("dynamodb:UpdateContributorInsights", || request.clone().send()).await?;
    Ok(())
}

async fn recovery(name: &str, cx: &Cx) -> Result<Option<PointInTimeRecovery>> {
    let request = cx.dynamodb().describe_continuous_backups().table_name(name);
    let answer =
        cx.observe("dynamodb:DescribeContinuousBackups", || request.clone().send()).await?;
    let live = answer
        .continuous_backups_description
        .and_then(|backups| backups.point_in_time_recovery_description);
    Ok(live.map(|live| {
        let status = live.point_in_time_recovery_status;
        let enabled = status == Some(PointInTimeRecoveryStatus::Enabled);
        PointInTimeRecovery {
            point_in_time_recovery_enabled: Some(enabled),
            recovery_period_in_days: live.recovery_period_in_days.filter(|_| enabled),
        }
    }))
}

async fn set_recovery(
    name: &str,
    wanted: Option<&PointInTimeRecovery>,
    live: Option<&PointInTimeRecovery>,
    cx: &Cx,
) -> Result<()> {
    let of = |recovery: Option<&PointInTimeRecovery>| {
        let on = recovery.and_then(|r| r.point_in_time_recovery_enabled).unwrap_or(false);
        (on, recovery.and_then(|r| r.recovery_period_in_days).filter(|_| on))
    };
    let ((enabled, days), (is_enabled, live_days)) = (of(wanted), of(live));
    if enabled == is_enabled && (days.is_none() || days == live_days) {
        return Ok(());
    }
    let specification = PointInTimeRecoverySpecification::builder()
        .point_in_time_recovery_enabled(enabled)
        .set_recovery_period_in_days(days)
        .build()?;
    let request = cx
        .dynamodb()
        .update_continuous_backups()
        .table_name(name)
        .point_in_time_recovery_specification(specification);
    cx.mutate("dynamodb:UpdateContinuousBackups", || request.clone().send()).await?;
    Ok(())
}

async fn policy(name: &str, cx: &Cx) -> Result<Option<Policy>> {
    let request = cx.dynamodb().get_resource_policy().resource_arn(table_arn(name, cx));
    let answer = cx.observe("dynamodb:GetResourcePolicy", || request.clone().send()).await;
    let answer = match answer {
        Err(failure) if failure.is_code(&["PolicyNotFoundException"]) => return Ok(None),
        answer => answer?,
    };
    Ok(answer.policy.as_deref().map(Policy::parse))
}

async fn set_policy(
    name: &str,
    wanted: Option<&Policy>,
    live: Option<&Policy>,
    cx: &Cx,
) -> Result<()> {
    let arn = table_arn(name, cx);
    match (wanted, live) {
        (Some(wanted), live) if Some(wanted) != live => {
            let request =
                cx.dynamodb().put_resource_policy().resource_arn(arn).policy(wanted.text());
            cx.mutate("dynamodb:PutResourcePolicy", || request.clone().send()).await?;
        }
        (None, Some(_)) => {
            let request = cx.dynamodb().delete_resource_policy().resource_arn(arn);
            cx.mutate("dynamodb:DeleteResourcePolicy", || request.clone().send()).await.found()?;
        }
        _ => {}
    }
    Ok(())
}

async fn tags(name: &str, cx: &Cx) -> Result<Tags> {
    let request = cx.dynamodb().list_tags_of_resource().resource_arn(table_arn(name, cx));
    let mut found = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let page = cx
            .observe("dynamodb:ListTagsOfResource", || {
                request.clone().set_next_token(token.clone()).send()
            })
            .await?;
        found.extend(page.tags.unwrap_or_default());
        token = page.next_token;
        if token.is_none() {
            return Ok(found.into_iter().map(|tag| (tag.key, tag.value)).collect());
        }
    }
}

async fn set_tags(name: &str, changes: TagChanges, cx: &Cx) -> Result<()> {
    let arn = table_arn(name, cx);
    if !changes.set.is_empty() {
        let request = cx
            .dynamodb()
            .tag_resource()
            .resource_arn(&arn)
            .set_tags(Some(sdk_tags(&Tags(changes.set))?));
        cx.mutate("dynamodb:TagResource", || request.clone().send()).await?;
    }
    if !changes.remove.is_empty() {
        let request =
            cx.dynamodb().untag_resource().resource_arn(arn).set_tag_keys(Some(changes.remove));
        cx.mutate("dynamodb:UntagResource", || request.clone().send()).await?;
    }
    Ok(())
}

/// Returns tags as the SDK takes them.
pub(super) fn sdk_tags(tags: &Tags) -> Result<Vec<Tag>> {
    let tag = |(key, value)| Ok(Tag::builder().key(key).value(value).build()?);
    tags.pairs().map(tag).collect()
}

/// Reads when items expire.
pub(super) async fn time_to_live(name: &str, cx: &Cx) -> Result<Option<TimeToLive>> {
    let request = cx.dynamodb().describe_time_to_live().table_name(name);
    let answer = cx.observe("dynamodb:DescribeTimeToLive", || request.clone().send()).await?;
    Ok(answer.time_to_live_description.map(|live| {
        let on = [TimeToLiveStatus::Enabled, TimeToLiveStatus::Enabling];
        let enabled = live.time_to_live_status().is_some_and(|now| on.contains(now));
        TimeToLive { enabled, attribute_name: live.attribute_name.filter(|_| enabled) }
    }))
}

/// Sets when items expire. Expiry by another attribute needs it switched off
/// first; DynamoDB takes one such change an hour and says so.
pub(super) async fn set_time_to_live(
    name: &str,
    wanted: Option<&TimeToLive>,
    live: Option<&TimeToLive>,
    cx: &Cx,
) -> Result<()> {
    let on = |ttl: Option<&TimeToLive>| {
        ttl.filter(|ttl| ttl.enabled).map(|ttl| ttl.attribute_name.clone().unwrap_or_default())
    };
    let (wanted, live) = (on(wanted), on(live));
    if wanted == live {
        return Ok(());
    }
    for (attribute, enabled) in [(live, false), (wanted, true)] {
        let Some(attribute) = attribute else { continue };
        let specification = TimeToLiveSpecification::builder()
            .attribute_name(attribute)
            .enabled(enabled)
            .build()?;
        let request = cx
            .dynamodb()
            .update_time_to_live()
            .table_name(name)
            .time_to_live_specification(specification);
        cx.mutate("dynamodb:UpdateTimeToLive", || request.clone().send()).await?;
    }
    Ok(())
}
