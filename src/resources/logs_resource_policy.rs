//! `AWS::Logs::ResourcePolicy`: lets other services write logs to the account.

use crate::resource::{
    Changes, Cx, Desired, Fault, Fixed, Found as _, Id, Live, Meta, Place, Policy, Recorded,
    Resource, Result,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A resource policy of an account's region. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-logs-resourcepolicy.html>
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ResourcePolicy {
    /// Its name.
    #[schemars(length(min = 1, max = 255))]
    pub policy_name: Fixed<String>,
    /// Which services may do what to which log groups.
    pub policy_document: Policy,
}

/// CloudWatch Logs gives nothing back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Attributes {}

/// The longest document of an account's policy, in characters.
const LONGEST: usize = 5120;

impl Resource for ResourcePolicy {
    type Attributes = Attributes;

    const META: Meta = Meta::regional("AWS::Logs::ResourcePolicy").overwrites();

    fn identity(desired: Desired<'_>, _place: &Place) -> Option<Id> {
        Some(Id::from(desired.text("PolicyName")?))
    }

    fn check(desired: Desired<'_>) -> Vec<Fault> {
        let document = desired.get("PolicyDocument").cloned();
        match document.map(serde_json::from_value::<Policy>) {
            Some(Ok(policy)) if policy.text().chars().count() > LONGEST => vec![Fault::new(
                "PolicyDocument",
                format!(
                    "it may have {LONGEST} characters; allow a prefix of log groups instead of each one"
                ),
            )],
            _ => Vec::new(),
        }
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let request = cx.logs().describe_resource_policies();
        let mut token = None;
        loop {
            let page = cx
                .observe("logs:DescribeResourcePolicies", || {
                    request.clone().set_next_token(token.clone()).send()
                })
                .await?;
            let mut policies = page.resource_policies.unwrap_or_default().into_iter();
            if let Some(found) = policies.find(|policy| policy.policy_name() == Some(id.as_str())) {
                let properties = Self {
                    policy_name: Fixed(id.to_string()),
                    policy_document: Policy::parse(found.policy_document().unwrap_or_default()),
                };
                return Ok(Some(Live { id: id.clone(), properties, attributes: Attributes {} }));
            }
            token = page.next_token;
            if token.is_none() {
                return Ok(None);
            }
        }
    }

    async fn converge(
        &self,
        current: Option<&Live<Self>>,
        changes: &Changes,
        cx: &Cx,
    ) -> Result<Attributes> {
        if current.is_none() || !changes.is_empty() {
            let request = cx
                .logs()
                .put_resource_policy()
                .policy_name(self.policy_name.as_str())
                .policy_document(self.policy_document.text());
            cx.mutate("logs:PutResourcePolicy", || request.clone().send()).await?;
        }
        if current.is_none() {
            cx.created(&Id::from(self.policy_name.as_str()), json!({})).await?;
        }
        Ok(Attributes {})
    }

    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let request = cx.logs().delete_resource_policy().policy_name(recorded.id.as_str());
        cx.mutate("logs:DeleteResourcePolicy", || request.clone().send()).await.found()?;
        Ok(())
    }
}
