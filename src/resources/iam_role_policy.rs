//! `AWS::IAM::RolePolicy`: an inline policy of a role.

use super::iam;
use crate::resource::{
    Changes, Cx, Desired, Fault, Fixed, Found as _, Id, Live, Meta, Place, Policy, Recorded,
    Resource, Result,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// An inline policy. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-iam-rolepolicy.html>
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct RolePolicy {
    /// Its name among the role's.
    #[schemars(length(min = 1, max = 128))]
    pub policy_name: Fixed<String>,
    /// The role's name.
    #[schemars(length(min = 1, max = 64))]
    pub role_name: Fixed<String>,
    /// What the role may do.
    pub policy_document: Option<Policy>,
}

/// IAM gives nothing back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Attributes {}

impl Resource for RolePolicy {
    type Attributes = Attributes;

    const META: Meta = Meta::global("AWS::IAM::RolePolicy").overwrites().completes("RoleName");

    fn identity(desired: Desired<'_>, _place: &Place) -> Option<Id> {
        Some(Id::join([desired.text("PolicyName")?, desired.text("RoleName")?]))
    }

    fn check(desired: Desired<'_>) -> Vec<Fault> {
        match desired.0.get("PolicyDocument") {
            // CloudFormation's schema leaves it optional; IAM does not.
            None | Some(Value::Null) => {
                vec![Fault::new("PolicyDocument", "write what the role may do")]
            }
            Some(_) => Vec::new(),
        }
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let [policy, role] = id.parts();
        let request = cx.iam().get_role_policy().role_name(role).policy_name(policy);
        let answer = cx.observe("iam:GetRolePolicy", || request.clone().send()).await.found()?;
        Ok(answer.map(|answer| Live {
            id: id.clone(),
            properties: Self {
                policy_name: Fixed(policy.to_owned()),
                role_name: Fixed(role.to_owned()),
                policy_document: Some(iam::document(&answer.policy_document)),
            },
            attributes: Attributes {},
        }))
    }

    async fn converge(
        &self,
        current: Option<&Live<Self>>,
        changes: &Changes,
        cx: &Cx,
    ) -> Result<Attributes> {
        let (policy, role) = (self.policy_name.as_str(), self.role_name.as_str());
        if current.is_none() || !changes.is_empty() {
            let request = cx
                .iam()
                .put_role_policy()
                .role_name(role)
                .policy_name(policy)
                .set_policy_document(self.policy_document.as_ref().map(Policy::text));
            cx.mutate("iam:PutRolePolicy", || request.clone().send()).await?;
        }
        if current.is_none() {
            cx.created(&Id::join([policy, role]), json!({})).await?;
        }
        Ok(Attributes {})
    }

    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let [policy, role] = recorded.id.parts();
        let request = cx.iam().delete_role_policy().role_name(role).policy_name(policy);
        cx.mutate("iam:DeleteRolePolicy", || request.clone().send()).await.found()?;
        Ok(())
    }
}
