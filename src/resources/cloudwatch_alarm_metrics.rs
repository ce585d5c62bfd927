//! What an `AWS::CloudWatch::Alarm` watches: metrics, expressions over them,
//! queries.

use crate::resource::Set;
use aws_sdk_cloudwatch::types;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The units of metrics.
pub(super) const UNITS: [&str; 27] = [
    "Bits",
    "Bits/Second",
    "Bytes",
    "Bytes/Second",
    "Count",
    "Count/Second",
    "Gigabits",
    "Gigabits/Second",
    "Gigabytes",
    "Gigabytes/Second",
    "Kilobits",
    "Kilobits/Second",
    "Kilobytes",
    "Kilobytes/Second",
    "Megabits",
    "Megabits/Second",
    "Megabytes",
    "Megabytes/Second",
    "Microseconds",
    "Milliseconds",
    "None",
    "Percent",
    "Seconds",
    "Terabits",
    "Terabits/Second",
    "Terabytes",
    "Terabytes/Second",
];

/// A dimension of a metric.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Dimension {
    /// Its name.
    #[schemars(length(min = 1, max = 255))]
    pub name: String,
    /// Its value.
    #[schemars(length(min = 1, max = 1024))]
    pub value: String,
}

/// A metric, or an expression over others.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct MetricDataQuery {
    /// What expressions call it; begins with a lower-case letter.
    #[schemars(length(min = 1, max = 255))]
    pub id: String,
    /// An expression over other items.
    #[schemars(length(min = 1, max = 2048))]
    pub expression: Option<String>,
    /// A metric and its statistic.
    pub metric_stat: Option<MetricStat>,
    /// What it is called in a graph.
    pub label: Option<String>,
    /// Seconds of a period of the expression.
    #[schemars(range(min = 1))]
    pub period: Option<i32>,
    /// Whether this is what the alarm watches: true for exactly one item, and
    /// where unset.
    pub return_data: Option<bool>,
    /// The account whose metric it is.
    #[schemars(length(min = 1, max = 255))]
    pub account_id: Option<String>,
}

/// A statistic of a metric.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct MetricStat {
    /// The metric.
    pub metric: Metric,
    /// Seconds of a period.
    #[schemars(range(min = 1))]
    pub period: i32,
    /// The statistic: `Sum`, `p99`.
    pub stat: String,
    /// The unit that the metric is published with.
    #[schemars(extend("enum" = UNITS))]
    pub unit: Option<String>,
}

/// A metric.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct Metric {
    /// Its dimensions.
    #[schemars(length(max = 30))]
    pub dimensions: Option<Set<Dimension>>,
    /// Its name.
    #[schemars(length(min = 1, max = 255))]
    pub metric_name: Option<String>,
    /// Its namespace.
    #[schemars(length(min = 1, max = 255))]
    pub namespace: Option<String>,
}

/// What an alarm evaluates that is no metric.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct EvaluationCriteria {
    /// A query in PromQL.
    #[serde(rename = "PromQLCriteria")]
    pub prom_ql_criteria: Option<PromQlCriteria>,
}

/// A query in PromQL.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct PromQlCriteria {
    /// The query, which returns a vector.
    pub query: Option<String>,
    /// Seconds that it has to breach before the alarm rings.
    pub pending_period: Option<i32>,
    /// Seconds that it has to be well before the alarm is over.
    pub recovery_period: Option<i32>,
}

impl MetricDataQuery {
    /// Returns the item as the SDK takes it.
    pub(super) fn sdk(&self) -> types::MetricDataQuery {
        types::MetricDataQuery::builder()
            .id(&self.id)
            .set_expression(self.expression.clone())
            .set_metric_stat(self.metric_stat.as_ref().map(MetricStat::sdk))
            .set_label(self.label.clone())
            .set_period(self.period)
            .set_return_data(self.return_data)
            .set_account_id(self.account_id.clone())
            .build()
    }
}

impl From<types::MetricDataQuery> for MetricDataQuery {
    fn from(query: types::MetricDataQuery) -> Self {
        Self {
            id: query.id.unwrap_or_default(),
            expression: query.expression,
            metric_stat: query.metric_stat.map(Into::into),
            label: query.label,
            period: query.period,
            return_data: query.return_data,
            account_id: query.account_id,
        }
    }
}

impl MetricStat {
    fn sdk(&self) -> types::MetricStat {
        let metric = types::Metric::builder()
            .set_dimensions(self.metric.dimensions.as_ref().map(sdk_dimensions))
            .set_metric_name(self.metric.metric_name.clone())
            .set_namespace(self.metric.namespace.clone())
            .build();
        types::MetricStat::builder()
            .metric(metric)
            .period(self.period)
            .stat(&self.stat)
            .set_unit(self.unit.as_deref().map(types::StandardUnit::from))
            .build()
    }
}

impl From<types::MetricStat> for MetricStat {
    fn from(stat: types::MetricStat) -> Self {
        Self {
            metric: stat
                .metric
                .map(|metric| Metric {
                    dimensions: metric.dimensions.map(from_dimensions),
                    metric_name: metric.metric_name,
                    namespace: metric.namespace,
                })
                .unwrap_or_default(),
            period: stat.period.unwrap_or_default(),
            stat: stat.stat.unwrap_or_default(),
            unit: stat.unit.map(|unit| unit.as_str().to_owned()),
        }
    }
}

impl EvaluationCriteria {
    /// Returns the criteria as the SDK takes them.
    pub(super) fn sdk(&self) -> Option<types::EvaluationCriteria> {
        let criteria = self.prom_ql_criteria.as_ref()?;
        Some(types::EvaluationCriteria::PromQlCriteria(
            types::AlarmPromQlCriteria::builder()
                .set_query(criteria.query.clone())
                .set_pending_period(criteria.pending_period)
                .set_recovery_period(criteria.recovery_period)
                .build(),
        ))
    }

    /// Reads the criteria from the SDK; `None` for a form it does not know.
    pub(super) fn from_sdk(criteria: types::EvaluationCriteria) -> Option<Self> {
        let types::EvaluationCriteria::PromQlCriteria(criteria) = criteria else { return None };
        Some(Self {
            prom_ql_criteria: Some(PromQlCriteria {
                query: criteria.query,
                pending_period: criteria.pending_period,
                recovery_period: criteria.recovery_period,
            }),
        })
    }
}

/// Returns dimensions as the SDK takes them.
pub(super) fn sdk_dimensions(dimensions: &Set<Dimension>) -> Vec<types::Dimension> {
    dimensions
        .iter()
        .map(|one| types::Dimension::builder().name(&one.name).value(&one.value).build())
        .collect()
}

/// Reads dimensions from the SDK.
pub(super) fn from_dimensions(dimensions: Vec<types::Dimension>) -> Set<Dimension> {
    dimensions
        .into_iter()
        .map(|one| Dimension {
            name: one.name.unwrap_or_default(),
            value: one.value.unwrap_or_default(),
        })
        .collect()
}
