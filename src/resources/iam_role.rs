//! `AWS::IAM::Role`: an identity that services and people assume.

use super::iam::{self, iam_tag, pages};
use crate::resource::{
    Changes, Class, Cx, Desired, Early, Failure, Fault, Fixed, Found as _, Id, Live, Meta, Place,
    Policy, Recorded, Resource, Result, Set, Shared, Tags,
};
use aws_sdk_iam::types::Role as Description;
use futures::{future::try_join_all, try_join};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A role. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-iam-role.html>
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Role {
    /// Its name.
    #[schemars(length(min = 1, max = 64), extend("pattern" = "^[\\w+=,.@-]+$"))]
    pub role_name: Option<Fixed<String>>,
    /// What stands before its name in its ARN; begins and ends with `/`.
    #[schemars(length(min = 1, max = 512))]
    pub path: Option<Fixed<String>>,
    /// Who may assume it.
    pub assume_role_policy_document: Policy,
    /// What it is for.
    #[schemars(length(max = 1000))]
    pub description: Option<String>,
    /// Seconds that a session of it may last.
    #[schemars(range(min = 3600, max = 43_200))]
    pub max_session_duration: Option<i32>,
    /// The ARN of the policy that limits what its other policies can grant.
    #[schemars(length(min = 20, max = 2048))]
    pub permissions_boundary: Option<String>,
    /// The ARNs of managed policies that apply to it.
    pub managed_policy_arns: Option<Shared<Set<String>>>,
    /// Policies of its own.
    #[schemars(extend("x-key" = "PolicyName"))]
    pub policies: Option<Shared<Set<InlinePolicy>>>,
    /// Its tags.
    pub tags: Option<Tags>,
}

/// A policy of the role's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct InlinePolicy {
    /// Its name among the role's.
    pub policy_name: String,
    /// What the role may do.
    pub policy_document: Policy,
}

/// What IAM gives back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    /// Its ARN. It is not early: who is given a role before its policies are
    /// attached is refused what they allow.
    pub arn: String,
    /// Its id, which no later role of the same name has.
    pub role_id: Early<String>,
}

/// The longest session that IAM documents as its own, in seconds.
const SESSION_SECONDS: i32 = 3600;

/// What a role's own policies may have together, in characters.
const LARGEST_POLICIES: usize = 10_240;

impl Resource for Role {
    type Attributes = Attributes;

    const META: Meta = Meta::global("AWS::IAM::Role").named("RoleName", 64).taggable();

    fn identity(desired: Desired<'_>, _place: &Place) -> Option<Id> {
        Some(Id::from(desired.text("RoleName")?))
    }

    fn predict(desired: Desired<'_>, place: &Place) -> Value {
        match (desired.text_or("Path", "/"), desired.text("RoleName")) {
            (Some(path), Some(name)) => {
                json!({"Arn": place.global_arn("iam", &format!("role{path}{name}"))})
            }
            _ => Value::Null,
        }
    }

    fn check(desired: Desired<'_>) -> Vec<Fault> {
        let policies = desired.get("Policies").and_then(Value::as_array);
        let size: usize =
            policies.into_iter().flatten().map(|p| iam::size(&p["PolicyDocument"])).sum();
        if size > LARGEST_POLICIES {
            vec![Fault::new(
                "Policies",
                format!(
                    "together they may have {LARGEST_POLICIES} characters, not {size}; write an AWS::IAM::ManagedPolicy"
                ),
            )]
        } else {
            Vec::new()
        }
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let name = id.as_str();
        let request = cx.iam().get_role().role_name(name);
        let (answer, managed, inline) = try_join!(
            async { cx.observe("iam:GetRole", || request.clone().send()).await.found() },
            attached(name, cx),
            inline(name, cx)
        )?;
        let Some(role) = answer.and_then(|answer| answer.role) else { return Ok(None) };
        let attributes = attributes(&role);
        let tags = role.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value));
        let trust = role.assume_role_policy_document.unwrap_or_default();
        let properties = Self {
            role_name: Some(Fixed(role.role_name)),
            path: Some(Fixed(role.path)),
            assume_role_policy_document: iam::document(&trust),
            description: Some(role.description.unwrap_or_default()),
            max_session_duration: role.max_session_duration,
            permissions_boundary: role
                .permissions_boundary
                .and_then(|boundary| boundary.permissions_boundary_arn),
            managed_policy_arns: Some(Shared(Set(managed))),
            policies: Some(Shared(Set(inline))),
            tags: Some(tags.collect()),
        };
        Ok(Some(Live { id: id.clone(), properties, attributes }))
    }

    async fn converge(
        &self,
        current: Option<&Live<Self>>,
        changes: &Changes,
        cx: &Cx,
    ) -> Result<Attributes> {
        match current {
            None => self.create(cx).await,
            Some(live) => {
                self.update(live, changes, cx).await?;
                Ok(live.attributes.clone())
            }
        }
    }

    /// IAM refuses to delete a role that still has policies or instance
    /// profiles, whoever gave them to it.
    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let name = recorded.id.as_str();
        let (managed, inline, profiles) =
            try_join!(attached(name, cx), inline_names(name, cx), profiles(name, cx))?;
        for policy in managed {
            detach(name, &policy, cx).await?;
        }
        for policy in inline {
            delete_inline(name, &policy, cx).await?;
        }
        for profile in profiles {
            let request = cx
                .iam()
                .remove_role_from_instance_profile()
                .instance_profile_name(profile)
                .role_name(name);
            cx.mutate("iam:RemoveRoleFromInstanceProfile", || request.clone().send())
                .await
                .found()?;
        }
        let request = cx.iam().delete_role().role_name(name);
        cx.mutate("iam:DeleteRole", || request.clone().send()).await.found()?;
        Ok(())
    }
}

impl Role {
    async fn create(&self, cx: &Cx) -> Result<Attributes> {
        let name = self.role_name.as_ref().map(|name| name.0.clone()).unwrap_or_default();
        let tags = self.tags.iter().flat_map(Tags::pairs).map(iam_tag).collect::<Result<_>>()?;
        let request = cx
            .iam()
            .create_role()
            .role_name(&name)
            .set_path(self.path.as_ref().map(|path| path.0.clone()))
            .assume_role_policy_document(self.assume_role_policy_document.text())
            .set_description(self.description.clone())
            .set_max_session_duration(self.max_session_duration)
            .set_permissions_boundary(self.permissions_boundary.clone())
            .set_tags(Some(tags));
        let answer = cx.mutate("iam:CreateRole", || request.clone().send()).await?;
        let Some(role) = &answer.role else {
            return Err(Failure::local(Class::InDoubt, "IAM did not say which role it created"));
        };
        let attributes = attributes(role);
        cx.created(&Id::from(name.as_str()), json!(attributes)).await?;
        // One after the other: IAM refuses concurrent changes of one role.
        for policy in self.managed() {
            attach(&name, policy, cx).await?;
        }
        for policy in self.inline() {
            put_inline(&name, policy, cx).await?;
        }
        Ok(attributes)
    }

    async fn update(&self, live: &Live<Self>, changes: &Changes, cx: &Cx) -> Result<()> {
        let name = live.id.as_str();
        if changes.has("AssumeRolePolicyDocument") {
            let request = cx
                .iam()
                .update_assume_role_policy()
                .role_name(name)
                .policy_document(self.assume_role_policy_document.text());
            cx.mutate("iam:UpdateAssumeRolePolicy", || request.clone().send()).await?;
        }
        if changes.any(&["Description", "MaxSessionDuration"]) {
            self.update_settings(name, changes, cx).await?;
        }
        if changes.has("PermissionsBoundary") {
            self.set_boundary(name, cx).await?;
        }
        if changes.has("ManagedPolicyArns") {
            self.update_managed(live, changes, cx).await?;
        }
        if changes.has("Policies") {
            self.update_inline(live, changes, cx).await?;
        }
        self.update_tags(name, changes, cx).await
    }

    async fn update_settings(&self, name: &str, changes: &Changes, cx: &Cx) -> Result<()> {
        let mut request = cx.iam().update_role().role_name(name);
        if changes.has("Description") {
            request = request.description(self.description.clone().unwrap_or_default());
        }
        if changes.has("MaxSessionDuration") {
            let seconds = self.max_session_duration.unwrap_or(SESSION_SECONDS);
            request = request.max_session_duration(seconds);
        }
        cx.mutate("iam:UpdateRole", || request.clone().send()).await?;
        Ok(())
    }

    async fn set_boundary(&self, name: &str, cx: &Cx) -> Result<()> {
        if let Some(boundary) = &self.permissions_boundary {
            let request = cx
                .iam()
                .put_role_permissions_boundary()
                .role_name(name)
                .permissions_boundary(boundary);
            cx.mutate("iam:PutRolePermissionsBoundary", || request.clone().send()).await?;
        } else {
            let request = cx.iam().delete_role_permissions_boundary().role_name(name);
            cx.mutate("iam:DeleteRolePermissionsBoundary", || request.clone().send())
                .await
                .found()?;
        }
        Ok(())
    }

    /// Attaches before it detaches, so that the role never lacks what both the
    /// old and the new policies grant.
    async fn update_managed(&self, live: &Live<Self>, changes: &Changes, cx: &Cx) -> Result<()> {
        let name = live.id.as_str();
        for policy in self.managed().iter().filter(|p| !live.properties.managed().contains(p)) {
            attach(name, policy, cx).await?;
        }
        for policy in iam::before(changes, "ManagedPolicyArns").iter().filter_map(|p| p.as_str()) {
            if !self.managed().iter().any(|desired| desired == policy) {
                detach(name, policy, cx).await?;
            }
        }
        Ok(())
    }

    async fn update_inline(&self, live: &Live<Self>, changes: &Changes, cx: &Cx) -> Result<()> {
        let name = live.id.as_str();
        for policy in self.inline().iter().filter(|p| !live.properties.inline().contains(p)) {
            put_inline(name, policy, cx).await?;
        }
        for policy in
            iam::before(changes, "Policies").iter().filter_map(|p| p["PolicyName"].as_str())
        {
            if !self.inline().iter().any(|desired| desired.policy_name == policy) {
                delete_inline(name, policy, cx).await?;
            }
        }
        Ok(())
    }

    async fn update_tags(&self, name: &str, changes: &Changes, cx: &Cx) -> Result<()> {
        let tags = changes.tags(self.tags.as_ref());
        if !tags.set.is_empty() {
            let set = tags.set.into_iter().map(|tag| iam_tag((tag.key, tag.value)));
            let request =
                cx.iam().tag_role().role_name(name).set_tags(Some(set.collect::<Result<_>>()?));
            cx.mutate("iam:TagRole", || request.clone().send()).await?;
        }
        if !tags.remove.is_empty() {
            let request = cx.iam().untag_role().role_name(name).set_tag_keys(Some(tags.remove));
            cx.mutate("iam:UntagRole", || request.clone().send()).await?;
        }
        Ok(())
    }

    fn managed(&self) -> &[String] {
        self.managed_policy_arns.as_ref().map_or(&[], |arns| arns.as_slice())
    }

    fn inline(&self) -> &[InlinePolicy] {
        self.policies.as_ref().map_or(&[], |policies| policies.as_slice())
    }
}

fn attributes(role: &Description) -> Attributes {
    Attributes { arn: role.arn.clone(), role_id: Early(role.role_id.clone()) }
}

async fn attach(role: &str, policy: &str, cx: &Cx) -> Result<()> {
    let request = cx.iam().attach_role_policy().role_name(role).policy_arn(policy);
    cx.mutate("iam:AttachRolePolicy", || request.clone().send()).await.map(drop)
}

async fn detach(role: &str, policy: &str, cx: &Cx) -> Result<()> {
    let request = cx.iam().detach_role_policy().role_name(role).policy_arn(policy);
    cx.mutate("iam:DetachRolePolicy", || request.clone().send()).await.found().map(drop)
}

async fn put_inline(role: &str, policy: &InlinePolicy, cx: &Cx) -> Result<()> {
    let request = cx
        .iam()
        .put_role_policy()
        .role_name(role)
        .policy_name(&policy.policy_name)
        .policy_document(policy.policy_document.text());
    cx.mutate("iam:PutRolePolicy", || request.clone().send()).await.map(drop)
}

async fn delete_inline(role: &str, policy: &str, cx: &Cx) -> Result<()> {
    let request = cx.iam().delete_role_policy().role_name(role).policy_name(policy);
    cx.mutate("iam:DeleteRolePolicy", || request.clone().send()).await.found().map(drop)
}

/// Returns the ARNs of the managed policies that apply to a role.
async fn attached(role: &str, cx: &Cx) -> Result<Vec<String>> {
    let request = cx.iam().list_attached_role_policies().role_name(role);
    let page = |marker| {
        let request = request.clone().set_marker(marker);
        async move { cx.observe("iam:ListAttachedRolePolicies", || request.clone().send()).await }
    };
    let pages = pages(page, |page| page.marker()).await.found()?.unwrap_or_default();
    let policies = pages.into_iter().flat_map(|page| page.attached_policies.unwrap_or_default());
    Ok(policies.filter_map(|policy| policy.policy_arn).collect())
}

/// Returns a role's own policies.
async fn inline(role: &str, cx: &Cx) -> Result<Vec<InlinePolicy>> {
    let names = inline_names(role, cx).await?;
    let found = try_join_all(names.iter().map(|name| get_inline(role, name, cx))).await?;
    Ok(found.into_iter().flatten().collect())
}

async fn inline_names(role: &str, cx: &Cx) -> Result<Vec<String>> {
    let request = cx.iam().list_role_policies().role_name(role);
    let page = |marker| {
        let request = request.clone().set_marker(marker);
        async move { cx.observe("iam:ListRolePolicies", || request.clone().send()).await }
    };
    let pages = pages(page, |page| page.marker()).await.found()?.unwrap_or_default();
    Ok(pages.into_iter().flat_map(|page| page.policy_names).collect())
}

async fn get_inline(role: &str, policy: &str, cx: &Cx) -> Result<Option<InlinePolicy>> {
    let request = cx.iam().get_role_policy().role_name(role).policy_name(policy);
    let answer = cx.observe("iam:GetRolePolicy", || request.clone().send()).await.found()?;
    Ok(answer.map(|answer| InlinePolicy {
        policy_name: answer.policy_name,
        policy_document: iam::document(&answer.policy_document),
    }))
}

/// Returns the names of the instance profiles that hold a role.
async fn profiles(role: &str, cx: &Cx) -> Result<Vec<String>> {
    let request = cx.iam().list_instance_profiles_for_role().role_name(role);
    let page = |marker| {
        let request = request.clone().set_marker(marker);
        async move { cx.observe("iam:ListInstanceProfilesForRole", || request.clone().send()).await }
    };
    let pages = pages(page, |page| page.marker()).await.found()?.unwrap_or_default();
    let profiles = pages.into_iter().flat_map(|page| page.instance_profiles);
    Ok(profiles.map(|profile| profile.instance_profile_name).collect())
}
