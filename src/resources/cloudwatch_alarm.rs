//! `AWS::CloudWatch::Alarm`: an alarm on a metric, on an expression over
//! metrics, or on a PromQL query.

use super::cloudwatch_alarm_metrics::{
    Dimension, EvaluationCriteria, MetricDataQuery, UNITS, from_dimensions, sdk_dimensions,
};
use crate::resource::{
    Changes, Cx, Desired, Early, Fault, Fixed, Found as _, Id, Live, Meta, Place, Recorded,
    Resource, Result, Set, Tags,
};
use aws_sdk_cloudwatch::operation::put_metric_alarm::builders::PutMetricAlarmFluentBuilder;
use aws_sdk_cloudwatch::types;
use futures::try_join;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// An alarm. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-cloudwatch-alarm.html>
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct Alarm {
    /// Its name, unique in the region.
    #[schemars(length(min = 1, max = 255))]
    pub alarm_name: Option<Fixed<String>>,
    /// What it means and what to do.
    #[schemars(length(max = 1024))]
    pub alarm_description: Option<String>,
    /// Whether a change of state does anything.
    pub actions_enabled: Option<bool>,
    /// What to do when it rings: ARNs, at most 5.
    #[schemars(length(max = 5))]
    pub alarm_actions: Option<Set<String>>,
    /// What to do when data are missing.
    #[schemars(length(max = 5))]
    pub insufficient_data_actions: Option<Set<String>>,
    /// What to do when all is well again.
    #[schemars(length(max = 5))]
    #[serde(rename = "OKActions")]
    pub ok_actions: Option<Set<String>>,
    /// The metric's name, for an alarm on one metric.
    #[schemars(length(min = 1, max = 255))]
    pub metric_name: Option<String>,
    /// The metric's namespace.
    #[schemars(length(min = 1, max = 255))]
    pub namespace: Option<String>,
    /// The metric's dimensions: all of them, or the metric is another one.
    #[schemars(length(max = 30))]
    pub dimensions: Option<Set<Dimension>>,
    /// What is taken of the metric over a period.
    #[schemars(extend("enum" = ["Average", "Maximum", "Minimum", "SampleCount", "Sum"]))]
    pub statistic: Option<String>,
    /// A percentile or trimmed statistic instead: `p99`, `tm90`.
    pub extended_statistic: Option<String>,
    /// Seconds of a period: 10, 20, 30 or a multiple of 60.
    #[schemars(range(min = 1))]
    pub period: Option<i32>,
    /// The unit that the metric is published with.
    #[schemars(extend("enum" = UNITS))]
    pub unit: Option<String>,
    /// Metrics and expressions over them, one of which the alarm watches.
    pub metrics: Option<Set<MetricDataQuery>>,
    /// A query in PromQL, for an alarm on what it returns.
    pub evaluation_criteria: Option<EvaluationCriteria>,
    /// PromQL: seconds between evaluations.
    #[schemars(range(min = 10, max = 3600))]
    pub evaluation_interval: Option<i32>,
    /// How the value is compared with the threshold.
    #[schemars(extend("enum" = [
        "GreaterThanOrEqualToThreshold",
        "GreaterThanThreshold",
        "GreaterThanUpperThreshold",
        "LessThanLowerOrGreaterThanUpperThreshold",
        "LessThanLowerThreshold",
        "LessThanOrEqualToThreshold",
        "LessThanThreshold",
    ]))]
    pub comparison_operator: Option<String>,
    /// What the value is compared with.
    pub threshold: Option<f64>,
    /// Anomaly detection: the id of the band in `Metrics` to compare with.
    #[schemars(length(min = 1, max = 255))]
    pub threshold_metric_id: Option<String>,
    /// How many periods are looked at.
    #[schemars(range(min = 1))]
    pub evaluation_periods: Option<i32>,
    /// How many of these have to breach.
    #[schemars(range(min = 1))]
    pub datapoints_to_alarm: Option<i32>,
    /// What a period without data counts as.
    #[schemars(extend("enum" = ["breaching", "ignore", "missing", "notBreaching"]))]
    pub treat_missing_data: Option<String>,
    /// Percentiles: what too few data to tell mean.
    #[schemars(extend("enum" = ["evaluate", "ignore"]))]
    pub evaluate_low_sample_count_percentile: Option<String>,
    /// Its tags.
    #[schemars(length(max = 50))]
    pub tags: Option<Tags>,
}

/// What CloudWatch gives back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    /// Its ARN.
    pub arn: Early<String>,
}

impl Resource for Alarm {
    type Attributes = Attributes;

    const META: Meta = Meta::regional("AWS::CloudWatch::Alarm")
        .named("AlarmName", 255)
        .taggable()
        .overwrites()
        .unsupported(&["ActionConfiguration", "EvaluationWindow", "WarmUpConfiguration"]);

    fn identity(desired: Desired<'_>, _place: &Place) -> Option<Id> {
        Some(Id::from(desired.text("AlarmName")?))
    }

    fn predict(desired: Desired<'_>, place: &Place) -> Value {
        desired.text("AlarmName").map_or(Value::Null, |name| json!(Attributes::of(name, place)))
    }

    fn check(desired: Desired<'_>) -> Vec<Fault> {
        let mut faults = Vec::new();
        check_source(desired, &mut faults);
        check_threshold(desired, &mut faults);
        check_periods(desired, &mut faults);
        check_metrics(desired, &mut faults);
        faults
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let attributes = Attributes::of(id.as_str(), &cx.place);
        let alarms = cx
            .cloudwatch()
            .describe_alarms()
            .alarm_names(id.as_str())
            .alarm_types(types::AlarmType::MetricAlarm);
        let tags = cx.cloudwatch().list_tags_for_resource().resource_arn(&attributes.arn.0);
        let answers = try_join!(
            cx.observe("cloudwatch:DescribeAlarms", || alarms.clone().send()),
            cx.observe("cloudwatch:ListTagsForResource", || tags.clone().send()),
        );
        let Some((alarms, tags)) = answers.found()? else { return Ok(None) };
        let Some(alarm) = alarms.metric_alarms.into_iter().flatten().next() else {
            return Ok(None);
        };
        let mut properties = Self::from(alarm);
        properties.tags = Some(
            tags.tags
                .into_iter()
                .flatten()
                .map(|tag| (tag.key.unwrap_or_default(), tag.value.unwrap_or_default()))
                .collect(),
        );
        Ok(Some(Live { id: id.clone(), properties, attributes }))
    }

    async fn converge(
        &self,
        current: Option<&Live<Self>>,
        changes: &Changes,
        cx: &Cx,
    ) -> Result<Attributes> {
        let Some(live) = current else { return self.create(cx).await };
        // The call replaces the whole alarm, so it always says everything.
        if changes.0.iter().any(|change| change.property() != "Tags") {
            let request = self.request(cx);
            cx.mutate("cloudwatch:PutMetricAlarm", || request.clone().send()).await?;
        }
        self.update_tags(&live.attributes.arn, changes, cx).await?;
        Ok(live.attributes.clone())
    }

    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let request = cx.cloudwatch().delete_alarms().alarm_names(recorded.id.as_str());
        cx.mutate("cloudwatch:DeleteAlarms", || request.clone().send()).await.found()?;
        Ok(())
    }
}

impl Attributes {
    fn of(name: &str, place: &Place) -> Self {
        Self { arn: Early(place.arn("cloudwatch", &format!("alarm:{name}"))) }
    }
}

impl Alarm {
    async fn create(&self, cx: &Cx) -> Result<Attributes> {
        let request = self.request(cx).set_tags(self.tags.as_ref().map(sdk_tags));
        cx.mutate("cloudwatch:PutMetricAlarm", || request.clone().send()).await?;
        let name = self.alarm_name.as_deref().map_or("", String::as_str);
        let attributes = Attributes::of(name, &cx.place);
        cx.created(&Id::from(name), json!(attributes)).await?;
        Ok(attributes)
    }

    fn request(&self, cx: &Cx) -> PutMetricAlarmFluentBuilder {
        let list = |set: &Option<Set<String>>| set.as_ref().map(|set| set.0.clone());
        cx.cloudwatch()
            .put_metric_alarm()
            .set_alarm_name(self.alarm_name.as_deref().cloned())
            .set_alarm_description(self.alarm_description.clone())
            .set_actions_enabled(self.actions_enabled)
            .set_alarm_actions(list(&self.alarm_actions))
            .set_insufficient_data_actions(list(&self.insufficient_data_actions))
            .set_ok_actions(list(&self.ok_actions))
            .set_metric_name(self.metric_name.clone())
            .set_namespace(self.namespace.clone())
            .set_dimensions(self.dimensions.as_ref().map(sdk_dimensions))
            .set_statistic(self.statistic.as_deref().map(types::Statistic::from))
            .set_extended_statistic(self.extended_statistic.clone())
            .set_period(self.period)
            .set_unit(self.unit.as_deref().map(types::StandardUnit::from))
            .set_metrics(self.metrics.as_ref().map(|all| all.iter().map(|one| one.sdk()).collect()))
            .set_evaluation_criteria(self.evaluation_criteria.as_ref().and_then(|all| all.sdk()))
            .set_evaluation_interval(self.evaluation_interval)
            .set_comparison_operator(
                self.comparison_operator.as_deref().map(types::ComparisonOperator::from),
            )
            .set_threshold(self.threshold)
            .set_threshold_metric_id(self.threshold_metric_id.clone())
            .set_evaluation_periods(self.evaluation_periods)
            .set_datapoints_to_alarm(self.datapoints_to_alarm)
            .set_treat_missing_data(self.treat_missing_data.clone())
            .set_evaluate_low_sample_count_percentile(
                self.evaluate_low_sample_count_percentile.clone(),
            )
    }

    async fn update_tags(&self, arn: &str, changes: &Changes, cx: &Cx) -> Result<()> {
        let tags = changes.tags(self.tags.as_ref());
        if !tags.set.is_empty() {
            let set = sdk_tags(&Tags(tags.set));
            let request = cx.cloudwatch().tag_resource().resource_arn(arn).set_tags(Some(set));
            cx.mutate("cloudwatch:TagResource", || request.clone().send()).await?;
        }
        if !tags.remove.is_empty() {
            let request =
                cx.cloudwatch().untag_resource().resource_arn(arn).set_tag_keys(Some(tags.remove));
            cx.mutate("cloudwatch:UntagResource", || request.clone().send()).await?;
        }
        Ok(())
    }
}

impl From<types::MetricAlarm> for Alarm {
    fn from(alarm: types::MetricAlarm) -> Self {
        Self {
            alarm_name: alarm.alarm_name.map(Fixed),
            alarm_description: alarm.alarm_description,
            actions_enabled: alarm.actions_enabled,
            alarm_actions: alarm.alarm_actions.map(Set),
            insufficient_data_actions: alarm.insufficient_data_actions.map(Set),
            ok_actions: alarm.ok_actions.map(Set),
            metric_name: alarm.metric_name,
            namespace: alarm.namespace,
            dimensions: alarm.dimensions.map(from_dimensions),
            statistic: alarm.statistic.map(|statistic| statistic.as_str().to_owned()),
            extended_statistic: alarm.extended_statistic,
            period: alarm.period,
            unit: alarm.unit.map(|unit| unit.as_str().to_owned()),
            metrics: alarm.metrics.map(|all| all.into_iter().map(Into::into).collect()),
            evaluation_criteria: alarm.evaluation_criteria.and_then(EvaluationCriteria::from_sdk),
            evaluation_interval: alarm.evaluation_interval,
            comparison_operator: alarm.comparison_operator.map(|it| it.as_str().to_owned()),
            threshold: alarm.threshold,
            threshold_metric_id: alarm.threshold_metric_id,
            evaluation_periods: alarm.evaluation_periods,
            datapoints_to_alarm: alarm.datapoints_to_alarm,
            treat_missing_data: alarm.treat_missing_data,
            evaluate_low_sample_count_percentile: alarm.evaluate_low_sample_count_percentile,
            tags: None,
        }
    }
}

fn sdk_tags(tags: &Tags) -> Vec<types::Tag> {
    tags.iter().map(|tag| types::Tag::builder().key(&tag.key).value(&tag.value).build()).collect()
}

/// Whether a property is set, be its value known or not.
fn is_set(value: &Value, property: &str) -> bool {
    value.get(property).is_some_and(|value| !value.is_null())
}

fn check_source(desired: Desired<'_>, faults: &mut Vec<Fault>) {
    let is_set = |property: &&str| is_set(desired.0, property);
    let sources = ["MetricName", "Metrics", "EvaluationCriteria"];
    if sources.iter().filter(|source| is_set(source)).count() != 1 {
        faults.push(Fault::new(
            "",
            "an alarm watches one thing: set one of MetricName, Metrics, EvaluationCriteria",
        ));
        return;
    }
    let of_one = ["Namespace", "Period", "Statistic", "ExtendedStatistic", "Dimensions", "Unit"];
    if !is_set(&"MetricName") {
        faults.extend(of_one.iter().filter(|property| is_set(property)).map(|property| {
            Fault::new(*property, "it goes with MetricName; write it into the items of Metrics")
        }));
        return;
    }
    faults.extend(
        of_one[..2]
            .iter()
            .filter(|property| !is_set(property))
            .map(|property| Fault::new(*property, "a metric needs it beside MetricName")),
    );
    if is_set(&"Statistic") == is_set(&"ExtendedStatistic") {
        faults.push(Fault::new("Statistic", "set one of Statistic and ExtendedStatistic"));
    }
}

fn check_threshold(desired: Desired<'_>, faults: &mut Vec<Fault>) {
    let is_set = |property: &str| is_set(desired.0, property);
    if is_set("EvaluationCriteria") {
        return;
    }
    for property in ["ComparisonOperator", "EvaluationPeriods"] {
        if !is_set(property) {
            faults.push(Fault::new(property, "an alarm on metrics needs it"));
        }
    }
    if is_set("Threshold") == is_set("ThresholdMetricId") {
        faults.push(Fault::new("Threshold", "set one of Threshold and ThresholdMetricId"));
    }
    let operator = desired.text("ComparisonOperator").unwrap_or_default();
    let of_band = operator.contains("LowerThreshold") || operator.contains("UpperThreshold");
    if of_band && is_set("Threshold") {
        faults.push(Fault::new(
            "ComparisonOperator",
            "it compares with a band: set ThresholdMetricId, or write GreaterThanThreshold or \
             LessThanThreshold",
        ));
    }
}

fn check_periods(desired: Desired<'_>, faults: &mut Vec<Fault>) {
    let number = |property: &str| desired.get(property).and_then(Value::as_i64);
    let periods = number("EvaluationPeriods");
    if let (Some(breaching), Some(periods)) = (number("DatapointsToAlarm"), periods)
        && breaching > periods
    {
        faults.push(Fault::new(
            "DatapointsToAlarm",
            format!("of {periods} EvaluationPeriods no more can breach"),
        ));
    }
    let Some(period) = number("Period") else { return };
    if !matches!(period, 10 | 20 | 30) && (period < 1 || period % 60 != 0) {
        faults.push(Fault::new("Period", "write 10, 20, 30 or a multiple of 60"));
    }
    let (longest, span) = if period < 3600 { (86_400, "a day") } else { (604_800, "a week") };
    if periods.is_some_and(|periods| periods.saturating_mul(period) > longest) {
        faults.push(Fault::new(
            "EvaluationPeriods",
            format!("with this Period they are longer than {span}, which is the most"),
        ));
    }
}

fn check_metrics(desired: Desired<'_>, faults: &mut Vec<Fault>) {
    let Some(metrics) = desired.0.get("Metrics").and_then(Value::as_array) else { return };
    let mut ids = BTreeSet::new();
    for (index, metric) in metrics.iter().enumerate() {
        if is_set(metric, "Expression") == is_set(metric, "MetricStat") {
            faults.push(Fault::new(
                format!("Metrics/{index}"),
                "an item is either an Expression or a MetricStat",
            ));
        }
        if metric["Id"].as_str().is_some_and(|id| !ids.insert(id)) {
            faults.push(Fault::new(format!("Metrics/{index}/Id"), "another item has this Id"));
        }
    }
    let watched = metrics.iter().filter(|metric| metric["ReturnData"] != false).count();
    // A band and its metric are both returned.
    if watched != 1 && !is_set(desired.0, "ThresholdMetricId") {
        faults.push(Fault::new(
            "Metrics",
            format!(
                "an alarm watches one item, not {watched}: set ReturnData to false on the others"
            ),
        ));
    }
}
