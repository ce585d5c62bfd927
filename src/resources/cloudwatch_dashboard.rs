//! `AWS::CloudWatch::Dashboard`: a dashboard. Dashboards belong to the
//! account, not to a region.

use crate::resource::{
    Changes, Cx, Desired, Fixed, Found as _, Id, Json, Live, Meta, Place, Recorded, Resource,
    Result,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A dashboard. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-cloudwatch-dashboard.html>
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Dashboard {
    /// Its name, unique in the account: letters, digits, `-` and `_`.
    #[schemars(length(min = 1, max = 255))]
    #[serde(default)]
    pub dashboard_name: Option<Fixed<String>>,
    /// Its widgets, as the reference of the dashboard body has them.
    pub dashboard_body: Json,
}

/// CloudWatch gives nothing back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Attributes {}

impl Resource for Dashboard {
    type Attributes = Attributes;

    const META: Meta = Meta::regional("AWS::CloudWatch::Dashboard")
        .named("DashboardName", 255)
        .overwrites()
        .unsupported(&["Tags"]);

    fn identity(desired: Desired<'_>, _place: &Place) -> Option<Id> {
        Some(Id::from(desired.text("DashboardName")?))
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let request = cx.cloudwatch().get_dashboard().dashboard_name(id.as_str());
        let answer = cx.observe("cloudwatch:GetDashboard", || request.clone().send()).await;
        let Some(dashboard) = answer.found()? else { return Ok(None) };
        let properties = Self {
            dashboard_name: Some(Fixed(id.to_string())),
            dashboard_body: Json::parse(dashboard.dashboard_body().unwrap_or_default()),
        };
        Ok(Some(Live { id: id.clone(), properties, attributes: Attributes {} }))
    }

    async fn converge(
        &self,
        current: Option<&Live<Self>>,
        changes: &Changes,
        cx: &Cx,
    ) -> Result<Attributes> {
        if current.is_none() || !changes.is_empty() {
            self.put(cx).await?;
        }
        if current.is_none() {
            cx.created(&Id::from(self.name()), json!({})).await?;
        }
        Ok(Attributes {})
    }

    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let request = cx.cloudwatch().delete_dashboards().dashboard_names(recorded.id.as_str());
        cx.mutate("cloudwatch:DeleteDashboards", || request.clone().send()).await.found()?;
        Ok(())
    }
}

impl Dashboard {
    fn name(&self) -> &str {
        self.dashboard_name.as_deref().map_or("", String::as_str)
    }

    async fn put(&self, cx: &Cx) -> Result<()> {
        let request = cx
            .cloudwatch()
            .put_dashboard()
            .dashboard_name(self.name())
            .dashboard_body(self.dashboard_body.text());
        let answer = cx.mutate("cloudwatch:PutDashboard", || request.clone().send()).await?;
        // These are warnings: a faulty body fails the call.
        for message in answer.dashboard_validation_messages() {
            let path = message.data_path().unwrap_or_default();
            cx.progress(&format!("{path} {}", message.message().unwrap_or_default()));
        }
        Ok(())
    }
}
