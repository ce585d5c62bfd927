//! `AWS::KMS::Key`: a customer managed key.

use super::kms::settled;
use crate::aws::owned::TAG_PREFIX;
use crate::resource::{
    Changes, Class, Cx, Desired, Early, Failure, Fault, Fixed, Found as _, Id, Live, Meta, Policy,
    Recorded, Resource, Result, Tag, Tags, WriteOnly,
};
use aws_sdk_kms::operation::get_key_rotation_status::GetKeyRotationStatusOutput;
use aws_sdk_kms::types::{KeyMetadata, KeySpec, KeyState, KeyUsageType, OriginType, Tag as KmsTag};
use futures::{StreamExt as _, TryStreamExt as _, stream, try_join};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A key. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-kms-key.html>
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct Key {
    /// What it is for.
    #[schemars(length(max = 8192))]
    pub description: Option<String>,
    /// Who may use and manage it; unset, the account's IAM policies decide.
    pub key_policy: Option<Policy>,
    /// Whether a policy may lock out the principal that sets it.
    pub bypass_policy_lockout_safety_check: Option<WriteOnly<bool>>,
    /// Whether it can be used.
    pub enabled: Option<bool>,
    /// Whether KMS makes new key material regularly.
    pub enable_key_rotation: Option<bool>,
    /// Days between rotations.
    #[schemars(range(min = 90, max = 2560))]
    pub rotation_period_in_days: Option<i32>,
    /// What kind of key material it has.
    #[schemars(extend("enum" = [
        "SYMMETRIC_DEFAULT", "RSA_2048", "RSA_3072", "RSA_4096", "ECC_NIST_P256", "ECC_NIST_P384",
        "ECC_NIST_P521", "ECC_SECG_P256K1", "HMAC_224", "HMAC_256", "HMAC_384", "HMAC_512", "SM2",
        "ML_DSA_44", "ML_DSA_65", "ML_DSA_87", "ECC_NIST_EDWARDS25519"
    ]))]
    pub key_spec: Option<Fixed<String>>,
    /// What it does: encrypt, sign, authenticate or agree on keys.
    #[schemars(extend("enum" = [
        "ENCRYPT_DECRYPT", "SIGN_VERIFY", "GENERATE_VERIFY_MAC", "KEY_AGREEMENT"
    ]))]
    pub key_usage: Option<Fixed<String>>,
    /// Whether it can have replicas in other regions.
    pub multi_region: Option<Fixed<bool>>,
    /// Where its material comes from: KMS, or an import that the user makes.
    #[schemars(extend("enum" = ["AWS_KMS", "EXTERNAL"]))]
    pub origin: Option<Fixed<String>>,
    /// Days between its deletion and the end of its material.
    #[schemars(range(min = 7, max = 30))]
    pub pending_window_in_days: Option<WriteOnly<i32>>,
    /// Its tags.
    pub tags: Option<Tags>,
}

/// What KMS gives back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    /// Its ARN.
    pub arn: Early<String>,
    /// Its id.
    pub key_id: Early<String>,
}

/// The rotation period that KMS documents as its own.
const ROTATION_DAYS: i32 = 365;

/// The only name that a key policy can have.
const POLICY_NAME: &str = "default";

/// Keys whose tags are asked for at the same time.
const CONCURRENT_KEYS: usize = 16;

impl Resource for Key {
    type Attributes = Attributes;

    const META: Meta = Meta::regional("AWS::KMS::Key").taggable().holds_data();

    fn check(desired: Desired<'_>) -> Vec<Fault> {
        let mut faults: Vec<_> = usage_fault(desired).into_iter().collect();
        faults.extend(rotation_fault(desired));
        faults
    }

    /// Looks for the key by its tags. A deleted key keeps its tags for as long
    /// as it is pending deletion, so there may be several. The tagging API
    /// learns of a new key late; KMS's own listing knows it.
    async fn find(&self, cx: &Cx) -> Result<Option<Id>> {
        for arn in cx.find_all_owned("kms:key").await? {
            let id = arn.rsplit('/').next().unwrap_or_default();
            if describe(id, cx).await?.is_some() {
                return Ok(Some(Id::from(id)));
            }
        }
        if !cx.is_in_doubt() {
            return Ok(None);
        }
        // The tagging API may not know yet of a key that was just made.
        let mut ours = stream::iter(list(cx).await?)
            .map(|id| self.if_ours(id, cx))
            .buffer_unordered(CONCURRENT_KEYS);
        while let Some(found) = ours.try_next().await? {
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let key = id.as_str();
        let (described, policy, rotation, tags) =
            try_join!(describe(key, cx), policy(key, cx), rotation(key, cx), tags(key, cx))?;
        let Some(metadata) = described else { return Ok(None) };
        let rotates = rotation.as_ref().is_some_and(|r| r.key_rotation_enabled);
        let properties = Self {
            description: Some(metadata.description.clone().unwrap_or_default()),
            key_policy: policy,
            enabled: match metadata.key_state {
                Some(KeyState::PendingImport) | None => None,
                Some(_) => Some(metadata.enabled),
            },
            enable_key_rotation: Some(rotates),
            rotation_period_in_days: rotation
                .and_then(|r| r.rotation_period_in_days)
                .filter(|_| rotates),
            key_spec: metadata.key_spec.as_ref().map(|spec| Fixed(spec.to_string())),
            key_usage: metadata.key_usage.as_ref().map(|usage| Fixed(usage.to_string())),
            multi_region: Some(Fixed(metadata.multi_region.unwrap_or_default())),
            origin: metadata.origin.as_ref().map(|origin| Fixed(origin.to_string())),
            tags,
            ..Self::default()
        };
        Ok(Some(Live { id: id.clone(), properties, attributes: attributes(metadata) }))
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

    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let window = recorded.applied.as_ref().and_then(|key| key.pending_window_in_days.as_ref());
        let request = cx
            .kms()
            .schedule_key_deletion()
            .key_id(recorded.id.as_str())
            .set_pending_window_in_days(window.map(|days| days.0));
        cx.mutate("kms:ScheduleKeyDeletion", || request.clone().send()).await.found()?;
        Ok(())
    }
}

impl Key {
    async fn create(&self, cx: &Cx) -> Result<Attributes> {
        let text = |property: &Option<Fixed<String>>| property.as_ref().map(|text| text.0.clone());
        let tags = self.tags.iter().flat_map(Tags::pairs).map(kms_tag).collect::<Result<Vec<_>>>();
        let request = cx
            .kms()
            .create_key()
            .set_policy(self.key_policy.as_ref().map(Policy::text))
            .set_description(self.description.clone())
            .set_key_usage(text(&self.key_usage).map(|usage| KeyUsageType::from(usage.as_str())))
            .set_key_spec(text(&self.key_spec).map(|spec| KeySpec::from(spec.as_str())))
            .set_origin(text(&self.origin).map(|origin| OriginType::from(origin.as_str())))
            .set_multi_region(self.multi_region.as_deref().copied())
            .set_bypass_policy_lockout_safety_check(self.bypasses_check())
            .set_tags(Some(tags?));
        let answer = cx.create("kms:CreateKey", || request.clone().send()).await?;
        let Some(metadata) = answer.key_metadata else {
            return Err(Failure::local(Class::InDoubt, "KMS did not say which key it created"));
        };
        let id = metadata.key_id.clone();
        let attributes = attributes(metadata);
        cx.created(&Id::from(id.as_str()), json!(attributes)).await?;
        if self.rotates() {
            self.set_rotation(&id, cx).await?;
        }
        if self.enabled == Some(false) {
            self.set_enabled(&id, cx).await?;
        }
        Ok(attributes)
    }

    /// Enables before everything else and disables after it, because KMS
    /// refuses to change the rotation of a disabled key.
    async fn update(&self, live: &Live<Self>, changes: &Changes, cx: &Cx) -> Result<()> {
        let id = live.id.as_str();
        let stays_enabled = self.enabled != Some(false);
        if changes.has("Enabled") && stays_enabled {
            self.set_enabled(id, cx).await?;
        }
        if changes.has("Description") {
            let description = self.description.clone().unwrap_or_default();
            let request = cx.kms().update_key_description().key_id(id).description(description);
            cx.mutate("kms:UpdateKeyDescription", || request.clone().send()).await?;
        }
        if changes.has("KeyPolicy") {
            self.put_policy(id, cx).await?;
        }
        if changes.any(&["EnableKeyRotation", "RotationPeriodInDays"]) {
            if live.properties.enabled == Some(false) && !stays_enabled {
                return Err(Failure::refused(
                    "KMS changes the rotation of enabled keys only: set Enabled to true first",
                ));
            }
            self.set_rotation(id, cx).await?;
        }
        self.update_tags(id, changes, cx).await?;
        if changes.has("Enabled") && !stays_enabled {
            self.set_enabled(id, cx).await?;
        }
        Ok(())
    }

    async fn update_tags(&self, id: &str, changes: &Changes, cx: &Cx) -> Result<()> {
        let tags = changes.tags(self.tags.as_ref());
        if !tags.set.is_empty() {
            let set = tags.set.into_iter().map(|tag| kms_tag((tag.key, tag.value)));
            let request =
                cx.kms().tag_resource().key_id(id).set_tags(Some(set.collect::<Result<_>>()?));
            cx.mutate("kms:TagResource", || request.clone().send()).await?;
        }
        if !tags.remove.is_empty() {
            let request = cx.kms().untag_resource().key_id(id).set_tag_keys(Some(tags.remove));
            cx.mutate("kms:UntagResource", || request.clone().send()).await?;
        }
        Ok(())
    }

    async fn put_policy(&self, id: &str, cx: &Cx) -> Result<()> {
        let policy = self.key_policy.as_ref().map_or_else(|| default_policy(cx), Policy::text);
        let request = cx
            .kms()
            .put_key_policy()
            .key_id(id)
            .policy_name(POLICY_NAME)
            .policy(policy)
            .set_bypass_policy_lockout_safety_check(self.bypasses_check());
        cx.mutate("kms:PutKeyPolicy", || request.clone().send()).await?;
        Ok(())
    }

    async fn set_rotation(&self, id: &str, cx: &Cx) -> Result<()> {
        if self.rotates() {
            let days = self.rotation_period_in_days.unwrap_or(ROTATION_DAYS);
            let request = cx.kms().enable_key_rotation().key_id(id).rotation_period_in_days(days);
            settled(cx, || cx.mutate("kms:EnableKeyRotation", || request.clone().send())).await?;
        } else {
            let request = cx.kms().disable_key_rotation().key_id(id);
            settled(cx, || cx.mutate("kms:DisableKeyRotation", || request.clone().send())).await?;
        }
        Ok(())
    }

    async fn set_enabled(&self, id: &str, cx: &Cx) -> Result<()> {
        if self.enabled == Some(false) {
            let request = cx.kms().disable_key().key_id(id);
            settled(cx, || cx.mutate("kms:DisableKey", || request.clone().send())).await?;
        } else {
            let request = cx.kms().enable_key().key_id(id);
            cx.mutate("kms:EnableKey", || request.clone().send()).await?;
        }
        Ok(())
    }

    fn rotates(&self) -> bool {
        self.enable_key_rotation == Some(true)
    }

    fn bypasses_check(&self) -> Option<bool> {
        self.bypass_policy_lockout_safety_check.as_deref().copied()
    }

    /// Returns a key's id where the key carries the ownership tags of this one
    /// and is there to stay. A key that hides its tags from us is not ours.
    async fn if_ours(&self, id: String, cx: &Cx) -> Result<Option<Id>> {
        let live = match tags(&id, cx).await {
            Err(failure) if failure.class == Class::Denied => return Ok(None),
            answer => answer?.unwrap_or_default(),
        };
        let ownership: Vec<_> = self
            .tags
            .iter()
            .flat_map(Tags::iter)
            .filter(|tag| tag.key.starts_with(TAG_PREFIX))
            .collect();
        let has = |tag: &&Tag| live.get(&tag.key) == Some(&tag.value);
        let is_ours = !ownership.is_empty() && ownership.iter().all(has);
        Ok((is_ours && describe(&id, cx).await?.is_some()).then_some(Id(id)))
    }
}

/// Returns the usages that KMS allows for a key spec.
fn usages(spec: &str) -> &'static [&'static str] {
    match spec {
        "SYMMETRIC_DEFAULT" => &["ENCRYPT_DECRYPT"],
        "SM2" => &["ENCRYPT_DECRYPT", "SIGN_VERIFY", "KEY_AGREEMENT"],
        _ if spec.starts_with("HMAC_") => &["GENERATE_VERIFY_MAC"],
        _ if spec.starts_with("RSA_") => &["ENCRYPT_DECRYPT", "SIGN_VERIFY"],
        _ if spec.starts_with("ECC_NIST_P") => &["SIGN_VERIFY", "KEY_AGREEMENT"],
        _ => &["SIGN_VERIFY"],
    }
}

fn usage_fault(desired: Desired<'_>) -> Option<Fault> {
    let spec = desired.text_or("KeySpec", "SYMMETRIC_DEFAULT")?;
    let usage = desired.text_or("KeyUsage", "ENCRYPT_DECRYPT")?;
    let allowed = usages(spec);
    (!allowed.contains(&usage)).then(|| {
        Fault::new("KeyUsage", format!("for KeySpec {spec} write {}", allowed.join(" or ")))
    })
}

fn rotation_fault(desired: Desired<'_>) -> Option<Fault> {
    let spec = desired.text_or("KeySpec", "SYMMETRIC_DEFAULT")?;
    let origin = desired.text_or("Origin", "AWS_KMS")?;
    let is_unknown = desired.0.get("EnableKeyRotation").is_some_and(crate::value::has_unknown);
    let rotates = desired.get("EnableKeyRotation") == Some(&Value::Bool(true));
    if rotates && (spec, origin) != ("SYMMETRIC_DEFAULT", "AWS_KMS") {
        Some(Fault::new(
            "EnableKeyRotation",
            "KMS rotates only symmetric keys whose material it made; leave it out",
        ))
    } else if !rotates && !is_unknown && desired.get("RotationPeriodInDays").is_some() {
        Some(Fault::new(
            "RotationPeriodInDays",
            "a key that does not rotate has no period; set EnableKeyRotation to true, or leave the period out",
        ))
    } else {
        None
    }
}

/// Returns the policy that KMS gives to a key which is created without one.
fn default_policy(cx: &Cx) -> String {
    json!({
        "Version": "2012-10-17",
        "Id": "key-default-1",
        "Statement": [{
            "Sid": "Enable IAM User Permissions",
            "Effect": "Allow",
            "Principal": {"AWS": cx.place.global_arn("iam", "root")},
            "Action": "kms:*",
            "Resource": "*",
        }],
    })
    .to_string()
}

fn attributes(metadata: KeyMetadata) -> Attributes {
    Attributes { arn: Early(metadata.arn.unwrap_or_default()), key_id: Early(metadata.key_id) }
}

fn kms_tag((key, value): (String, String)) -> Result<KmsTag> {
    let tag = KmsTag::builder().tag_key(key).tag_value(value).build();
    tag.map_err(|error| Failure::refused(error.to_string()))
}

/// Returns a key that is there to stay: one that is pending deletion is gone.
async fn describe(id: &str, cx: &Cx) -> Result<Option<KeyMetadata>> {
    let request = cx.kms().describe_key().key_id(id);
    let answer = cx.observe("kms:DescribeKey", || request.clone().send()).await.found()?;
    let going = [KeyState::PendingDeletion, KeyState::PendingReplicaDeletion];
    Ok(answer
        .and_then(|answer| answer.key_metadata)
        .filter(|metadata| metadata.key_state.as_ref().is_none_or(|state| !going.contains(state))))
}

async fn policy(id: &str, cx: &Cx) -> Result<Option<Policy>> {
    let request = cx.kms().get_key_policy().key_id(id).policy_name(POLICY_NAME);
    let answer = cx.observe("kms:GetKeyPolicy", || request.clone().send()).await.found()?;
    Ok(answer.and_then(|answer| answer.policy).map(|text| Policy::parse(&text)))
}

/// Returns how the key rotates; `None` for a key of a kind that cannot.
async fn rotation(id: &str, cx: &Cx) -> Result<Option<GetKeyRotationStatusOutput>> {
    let request = cx.kms().get_key_rotation_status().key_id(id);
    match cx.observe("kms:GetKeyRotationStatus", || request.clone().send()).await {
        Err(failure) if failure.is_code(&["UnsupportedOperationException"]) => Ok(None),
        answer => answer.found(),
    }
}

/// Returns the key's tags. A key has at most 50, which is one page.
async fn tags(id: &str, cx: &Cx) -> Result<Option<Tags>> {
    let request = cx.kms().list_resource_tags().key_id(id);
    let answer = cx.observe("kms:ListResourceTags", || request.clone().send()).await.found()?;
    Ok(answer.map(|answer| {
        answer
            .tags
            .unwrap_or_default()
            .into_iter()
            .map(|tag| (tag.tag_key, tag.tag_value))
            .collect()
    }))
}

/// Returns the ids of the region's keys.
async fn list(cx: &Cx) -> Result<Vec<String>> {
    let request = cx.kms().list_keys().limit(1000);
    let mut ids = Vec::new();
    let mut marker = None;
    loop {
        let page = cx
            .observe("kms:ListKeys", || request.clone().set_marker(marker.clone()).send())
            .await?;
        ids.extend(page.keys.unwrap_or_default().into_iter().filter_map(|key| key.key_id));
        marker = page.next_marker;
        if marker.is_none() {
            return Ok(ids);
        }
    }
}
