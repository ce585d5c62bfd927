//! `AWS::IAM::ManagedPolicy`: a policy that applies to many roles, users and
//! groups.

use super::iam::{self, iam_tag, pages};
use crate::resource::{
    Changes, Class, Cx, Desired, Early, Failure, Fault, Fixed, Found as _, Id, Live, Meta, Place,
    Policy, Recorded, Resource, Result, Set, Shared, Tags, Volatile,
};
use aws_sdk_iam::operation::list_entities_for_policy::ListEntitiesForPolicyOutput;
use aws_sdk_iam::types::{Policy as Description, PolicyUsageType, PolicyVersion};
use futures::try_join;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A managed policy. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-iam-managedpolicy.html>
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ManagedPolicy {
    /// Its name.
    #[schemars(length(min = 1, max = 128))]
    pub managed_policy_name: Option<Fixed<String>>,
    /// What stands before its name in its ARN; begins and ends with `/`.
    #[schemars(length(min = 1, max = 512))]
    pub path: Option<Fixed<String>>,
    /// What it is for.
    #[schemars(length(max = 1000))]
    pub description: Option<Fixed<String>>,
    /// What it grants.
    pub policy_document: Policy,
    /// The names of groups that it applies to.
    pub groups: Option<Shared<Set<String>>>,
    /// The names of roles that it applies to.
    pub roles: Option<Shared<Set<String>>>,
    /// The names of users that it applies to.
    pub users: Option<Shared<Set<String>>>,
    /// Its tags.
    pub tags: Option<Tags>,
}

/// What IAM gives back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    /// Its ARN.
    pub policy_arn: Early<String>,
    /// Its id, which no later policy of the same name has.
    pub policy_id: Early<String>,
    /// When it was created.
    pub create_date: Early<String>,
    /// Whether it can be attached.
    pub is_attachable: Early<bool>,
    /// The version in force.
    pub default_version_id: Volatile<String>,
    /// When its version in force was made.
    pub update_date: Volatile<String>,
    /// How many roles, users and groups it applies to.
    pub attachment_count: Volatile<i32>,
    /// How many roles and users it limits.
    pub permissions_boundary_usage_count: Volatile<i32>,
}

/// The largest document, in characters.
const LARGEST: usize = 6144;

impl Resource for ManagedPolicy {
    type Attributes = Attributes;

    const META: Meta = Meta::global("AWS::IAM::ManagedPolicy")
        .named("ManagedPolicyName", 128)
        .taggable()
        .beyond_cloudformation(&["Tags"]);

    fn identity(desired: Desired<'_>, place: &Place) -> Option<Id> {
        let path = desired.text_or("Path", "/")?;
        let name = desired.text("ManagedPolicyName")?;
        Some(Id(place.global_arn("iam", &format!("policy{path}{name}"))))
    }

    fn predict(desired: Desired<'_>, place: &Place) -> Value {
        Self::identity(desired, place).map_or(Value::Null, |arn| json!({"PolicyArn": arn}))
    }

    fn check(desired: Desired<'_>) -> Vec<Fault> {
        match desired.get("PolicyDocument").map(iam::size) {
            Some(size) if size > LARGEST => vec![Fault::new(
                "PolicyDocument",
                format!("it may have {LARGEST} characters, not {size}; write several policies"),
            )],
            _ => Vec::new(),
        }
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let Some(policy) = describe(id, cx).await? else { return Ok(None) };
        let version = policy.default_version_id.as_deref().unwrap_or_default();
        let (document, entities) = try_join!(document(id, version, cx), entities(id, cx))?;
        let attributes = attributes(&policy);
        let tags = policy.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value));
        let properties = Self {
            managed_policy_name: policy.policy_name.map(Fixed),
            path: policy.path.map(Fixed),
            description: Some(Fixed(policy.description.unwrap_or_default())),
            policy_document: document,
            groups: Some(entities.groups),
            roles: Some(entities.roles),
            users: Some(entities.users),
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
            Some(live) => self.update(live, changes, cx).await,
        }
    }

    /// IAM refuses to delete a policy that is attached or has more than its
    /// version in force.
    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let id = &recorded.id;
        let (entities, versions) = try_join!(entities(id, cx), versions(id, cx))?;
        for (entity, name) in entities.all() {
            entity.detach(name, id, cx).await?;
        }
        for version in versions.iter().filter(|version| !version.is_default_version) {
            delete_version(id, version, cx).await?;
        }
        let request = cx.iam().delete_policy().policy_arn(id.as_str());
        cx.mutate("iam:DeletePolicy", || request.clone().send()).await.found()?;
        Ok(())
    }
}

impl ManagedPolicy {
    async fn create(&self, cx: &Cx) -> Result<Attributes> {
        let text = |property: &Option<Fixed<String>>| property.as_ref().map(|text| text.0.clone());
        let tags = self.tags.iter().flat_map(Tags::pairs).map(iam_tag).collect::<Result<_>>()?;
        let request = cx
            .iam()
            .create_policy()
            .set_policy_name(text(&self.managed_policy_name))
            .set_path(text(&self.path))
            .set_description(text(&self.description))
            .policy_document(self.policy_document.text())
            .set_tags(Some(tags));
        let answer = cx.mutate("iam:CreatePolicy", || request.clone().send()).await?;
        let Some(policy) = answer.policy else {
            return Err(Failure::local(Class::InDoubt, "IAM did not say which policy it created"));
        };
        let mut attributes = attributes(&policy);
        let id = Id::from(attributes.policy_arn.as_str());
        cx.created(&id, json!(attributes)).await?;
        for (entity, name) in self.attachments().all() {
            entity.attach(name, &id, cx).await?;
            attributes.attachment_count.0 += 1;
        }
        Ok(attributes)
    }

    async fn update(&self, live: &Live<Self>, changes: &Changes, cx: &Cx) -> Result<Attributes> {
        let id = &live.id;
        if changes.has("PolicyDocument") {
            self.put_version(id, cx).await?;
        }
        self.update_attachments(live, changes, cx).await?;
        self.update_tags(id, changes, cx).await?;
        if !changes.any(&["PolicyDocument", "Groups", "Roles", "Users"]) {
            return Ok(live.attributes.clone());
        }
        Ok(describe(id, cx).await?.as_ref().map_or_else(|| live.attributes.clone(), attributes))
    }

    /// Puts the document in force as a new version. IAM keeps five: where they
    /// are there, the oldest that is not in force goes.
    async fn put_version(&self, id: &Id, cx: &Cx) -> Result<()> {
        let request = cx
            .iam()
            .create_policy_version()
            .policy_arn(id.as_str())
            .policy_document(self.policy_document.text())
            .set_as_default(true);
        match cx.mutate("iam:CreatePolicyVersion", || request.clone().send()).await {
            Err(failure) if failure.is_code(&["LimitExceeded", "LimitExceededException"]) => {
                let versions = versions(id, cx).await?;
                let spare = versions.iter().filter(|version| !version.is_default_version);
                if let Some(oldest) = spare.min_by_key(|version| number(version)) {
                    delete_version(id, oldest, cx).await?;
                }
                cx.mutate("iam:CreatePolicyVersion", || request.clone().send()).await.map(drop)
            }
            answer => answer.map(drop),
        }
    }

    async fn update_attachments(
        &self,
        live: &Live<Self>,
        changes: &Changes,
        cx: &Cx,
    ) -> Result<()> {
        let (wanted, present) = (self.attachments(), live.properties.attachments());
        for entity in Entity::ALL.into_iter().filter(|entity| changes.has(entity.property())) {
            let (wanted, present) = (wanted.of(entity), present.of(entity));
            for name in wanted.iter().filter(|name| !present.contains(name)) {
                entity.attach(name, &live.id, cx).await?;
            }
            for name in iam::before(changes, entity.property()).iter().filter_map(|n| n.as_str()) {
                if !wanted.iter().any(|wanted| wanted == name) {
                    entity.detach(name, &live.id, cx).await?;
                }
            }
        }
        Ok(())
    }

    async fn update_tags(&self, id: &Id, changes: &Changes, cx: &Cx) -> Result<()> {
        let arn = id.as_str();
        let tags = changes.tags(self.tags.as_ref());
        if !tags.set.is_empty() {
            let set = tags.set.into_iter().map(|tag| iam_tag((tag.key, tag.value)));
            let request =
                cx.iam().tag_policy().policy_arn(arn).set_tags(Some(set.collect::<Result<_>>()?));
            cx.mutate("iam:TagPolicy", || request.clone().send()).await?;
        }
        if !tags.remove.is_empty() {
            let request = cx.iam().untag_policy().policy_arn(arn).set_tag_keys(Some(tags.remove));
            cx.mutate("iam:UntagPolicy", || request.clone().send()).await?;
        }
        Ok(())
    }

    fn attachments(&self) -> Entities {
        Entities {
            groups: self.groups.clone().unwrap_or_default(),
            roles: self.roles.clone().unwrap_or_default(),
            users: self.users.clone().unwrap_or_default(),
        }
    }
}

/// What a policy can apply to.
#[derive(Clone, Copy)]
enum Entity {
    Group,
    Role,
    User,
}

impl Entity {
    const ALL: [Self; 3] = [Self::Group, Self::Role, Self::User];

    fn property(self) -> &'static str {
        match self {
            Self::Group => "Groups",
            Self::Role => "Roles",
            Self::User => "Users",
        }
    }

    async fn attach(self, name: &str, policy: &Id, cx: &Cx) -> Result<()> {
        let (iam, arn) = (cx.iam(), policy.as_str());
        match self {
            Self::Group => {
                let request = iam.attach_group_policy().group_name(name).policy_arn(arn);
                cx.mutate("iam:AttachGroupPolicy", || request.clone().send()).await.map(drop)
            }
            Self::Role => {
                let request = iam.attach_role_policy().role_name(name).policy_arn(arn);
                cx.mutate("iam:AttachRolePolicy", || request.clone().send()).await.map(drop)
            }
            Self::User => {
                let request = iam.attach_user_policy().user_name(name).policy_arn(arn);
                cx.mutate("iam:AttachUserPolicy", || request.clone().send()).await.map(drop)
            }
        }
    }

    async fn detach(self, name: &str, policy: &Id, cx: &Cx) -> Result<()> {
        let (iam, arn) = (cx.iam(), policy.as_str());
        let answer = match self {
            Self::Group => {
                let request = iam.detach_group_policy().group_name(name).policy_arn(arn);
                cx.mutate("iam:DetachGroupPolicy", || request.clone().send()).await.map(drop)
            }
            Self::Role => {
                let request = iam.detach_role_policy().role_name(name).policy_arn(arn);
                cx.mutate("iam:DetachRolePolicy", || request.clone().send()).await.map(drop)
            }
            Self::User => {
                let request = iam.detach_user_policy().user_name(name).policy_arn(arn);
                cx.mutate("iam:DetachUserPolicy", || request.clone().send()).await.map(drop)
            }
        };
        answer.found().map(drop)
    }
}

/// The names that a policy applies to.
#[derive(Default)]
struct Entities {
    groups: Shared<Set<String>>,
    roles: Shared<Set<String>>,
    users: Shared<Set<String>>,
}

impl Entities {
    fn of(&self, entity: Entity) -> &[String] {
        match entity {
            Entity::Group => &self.groups,
            Entity::Role => &self.roles,
            Entity::User => &self.users,
        }
    }

    fn all(&self) -> impl Iterator<Item = (Entity, &String)> {
        Entity::ALL
            .into_iter()
            .flat_map(|entity| self.of(entity).iter().map(move |name| (entity, name)))
    }

    fn add(&mut self, page: ListEntitiesForPolicyOutput) {
        let groups = page.policy_groups.unwrap_or_default().into_iter();
        self.groups.0.0.extend(groups.filter_map(|group| group.group_name));
        let roles = page.policy_roles.unwrap_or_default().into_iter();
        self.roles.0.0.extend(roles.filter_map(|role| role.role_name));
        let users = page.policy_users.unwrap_or_default().into_iter();
        self.users.0.0.extend(users.filter_map(|user| user.user_name));
    }
}

fn attributes(policy: &Description) -> Attributes {
    let date = |date: Option<aws_sdk_iam::primitives::DateTime>| {
        date.map(|date| date.to_string()).unwrap_or_default()
    };
    Attributes {
        policy_arn: Early(policy.arn.clone().unwrap_or_default()),
        policy_id: Early(policy.policy_id.clone().unwrap_or_default()),
        create_date: Early(date(policy.create_date)),
        is_attachable: Early(policy.is_attachable),
        default_version_id: Volatile(policy.default_version_id.clone().unwrap_or_default()),
        update_date: Volatile(date(policy.update_date)),
        attachment_count: Volatile(policy.attachment_count.unwrap_or_default()),
        permissions_boundary_usage_count: Volatile(
            policy.permissions_boundary_usage_count.unwrap_or_default(),
        ),
    }
}

async fn describe(id: &Id, cx: &Cx) -> Result<Option<Description>> {
    let request = cx.iam().get_policy().policy_arn(id.as_str());
    let answer = cx.observe("iam:GetPolicy", || request.clone().send()).await.found()?;
    Ok(answer.and_then(|answer| answer.policy))
}

async fn document(id: &Id, version: &str, cx: &Cx) -> Result<Policy> {
    let request = cx.iam().get_policy_version().policy_arn(id.as_str()).version_id(version);
    let answer = cx.observe("iam:GetPolicyVersion", || request.clone().send()).await?;
    let text = answer.policy_version.and_then(|version| version.document);
    Ok(iam::document(&text.unwrap_or_default()))
}

/// Returns what the policy grants something to, not what it limits.
async fn entities(id: &Id, cx: &Cx) -> Result<Entities> {
    let request = cx
        .iam()
        .list_entities_for_policy()
        .policy_arn(id.as_str())
        .policy_usage_filter(PolicyUsageType::PermissionsPolicy);
    let page = |marker| {
        let request = request.clone().set_marker(marker);
        async move { cx.observe("iam:ListEntitiesForPolicy", || request.clone().send()).await }
    };
    let mut entities = Entities::default();
    for page in pages(page, |page| page.marker()).await.found()?.unwrap_or_default() {
        entities.add(page);
    }
    Ok(entities)
}

async fn versions(id: &Id, cx: &Cx) -> Result<Vec<PolicyVersion>> {
    let request = cx.iam().list_policy_versions().policy_arn(id.as_str());
    let page = |marker| {
        let request = request.clone().set_marker(marker);
        async move { cx.observe("iam:ListPolicyVersions", || request.clone().send()).await }
    };
    let pages = pages(page, |page| page.marker()).await.found()?.unwrap_or_default();
    Ok(pages.into_iter().flat_map(|page| page.versions.unwrap_or_default()).collect())
}

/// Returns the number in a version's id, `v12`.
fn number(version: &PolicyVersion) -> u64 {
    let id = version.version_id().unwrap_or_default();
    id.trim_start_matches('v').parse().unwrap_or_default()
}

async fn delete_version(id: &Id, version: &PolicyVersion, cx: &Cx) -> Result<()> {
    let request = cx
        .iam()
        .delete_policy_version()
        .policy_arn(id.as_str())
        .version_id(version.version_id().unwrap_or_default());
    cx.mutate("iam:DeletePolicyVersion", || request.clone().send()).await.found().map(drop)
}
