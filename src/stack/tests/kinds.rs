//! Types that exist for these tests alone: between them they have whatever a
//! schema or a type's constants can say. None of them reaches AWS.

use crate::resource::{
    Asset, Changes, Cx, Desired, Early, Fault, Fixed, Id, Json, Kind, Late, Live, Meta, Place,
    Recorded, Resource, Result, Tags, of,
};
use crate::resources::KINDS;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::LazyLock;

static OWN: &[&dyn Kind] =
    &[&of::<Role>(), &of::<Bucket>(), &of::<Function>(), &of::<Deployment>()];

/// The queue, which is real, and these.
pub(super) fn kinds() -> &'static [&'static dyn Kind] {
    static ALL: LazyLock<Vec<&'static dyn Kind>> = LazyLock::new(|| {
        let queue = KINDS.iter().copied().filter(|k| k.meta().type_name == "AWS::SQS::Queue");
        queue.chain(OWN.iter().copied()).collect()
    });
    &ALL
}

/// Implements the part of a type that these tests never call.
macro_rules! offline {
    () => {
        async fn read(_: &Id, _: &Cx) -> Result<Option<Live<Self>>> {
            Ok(None)
        }

        async fn converge(
            &self,
            _: Option<&Live<Self>>,
            _: &Changes,
            _: &Cx,
        ) -> Result<Self::Attributes> {
            Err(crate::resource::Failure::refused("a test type"))
        }

        async fn delete(_: &Recorded<Self>, _: &Cx) -> Result<()> {
            Ok(())
        }
    };
}

/// Global, with a name that two of them cannot share.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Role {
    /// Its name.
    #[schemars(regex(pattern = r"^[\w+=,.@-]+$"), length(max = 20))]
    role_name: Option<Fixed<String>>,
    /// Who may assume it.
    assume_role_policy_document: Json,
    /// Policies of its own.
    policies: Option<Vec<RolePolicy>>,
    /// Its tags.
    tags: Option<Tags>,
}

/// An inline policy.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RolePolicy {
    /// Its name.
    policy_name: String,
    /// Its content.
    policy_document: Json,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct RoleAttributes {
    /// Its ARN.
    arn: String,
    /// Its id.
    role_id: String,
}

impl Resource for Role {
    type Attributes = RoleAttributes;
    const META: Meta = Meta::global("AWS::Test::Role")
        .named("RoleName", 20)
        .taggable()
        .unsupported(&["PermissionsBoundary"]);

    fn identity(desired: Desired<'_>, _: &Place) -> Option<Id> {
        desired.text("RoleName").map(Id::from)
    }

    offline!();
}

/// Regional, with a late property.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Bucket {
    /// Its name.
    bucket_name: Option<Fixed<String>>,
    /// Where its objects go.
    replication: Option<Late<Vec<Replication>>>,
    /// What hears of its objects.
    notify: Option<Vec<String>>,
    /// Who may read it.
    access: Option<Access>,
    /// Its tags.
    tags: Option<Tags>,
}

/// A destination.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Replication {
    /// The other bucket.
    bucket: String,
    /// The order.
    #[schemars(range(min = 1, max = 9))]
    priority: Option<i32>,
    /// The tags of the copies.
    tags: Option<Tags>,
}

/// Who may read a bucket.
#[derive(Serialize, Deserialize, JsonSchema)]
enum Access {
    Private,
    PublicRead,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct BucketAttributes {
    /// Its ARN.
    arn: Early<String>,
    /// Where it is reached.
    endpoint: Endpoint,
}

/// An address.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Endpoint {
    /// The host.
    address: String,
    /// The port.
    port: String,
}

impl Resource for Bucket {
    type Attributes = BucketAttributes;
    const META: Meta = Meta::regional("AWS::Test::Bucket")
        .named_lowercase("BucketName", 63)
        .taggable()
        .unsupported(&["CorsConfiguration"])
        .unsupported_attributes(&["WebsiteURL"]);

    fn identity(desired: Desired<'_>, _: &Place) -> Option<Id> {
        desired.text("BucketName").map(Id::from)
    }

    offline!();
}

/// Regional, with code, maps and rules of its own.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Function {
    /// Its code.
    code: Code,
    /// The ARN of its role.
    role: String,
    /// Variables.
    environment: Option<BTreeMap<String, String>>,
    /// Layers.
    #[schemars(length(max = 2))]
    layers: Option<Vec<String>>,
    /// Share of traffic.
    weight: Option<f64>,
}

/// Where the code is.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[schemars(extend("x-asset" = true, "type" = ["object", "string"]))]
struct Code {
    /// Local code.
    asset: Option<Asset>,
    /// The source itself.
    zip_file: Option<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct FunctionAttributes {
    /// Its ARN.
    arn: String,
}

impl Resource for Function {
    type Attributes = FunctionAttributes;
    const META: Meta = Meta::regional("AWS::Test::Function");

    fn check(desired: Desired<'_>) -> Vec<Fault> {
        match desired.get("Environment/AWS_REGION") {
            Some(_) => vec![Fault::new("Environment/AWS_REGION", "a variable that Lambda sets")],
            None => Vec::new(),
        }
    }

    offline!();
}

/// Regional; freezes what it names.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Deployment {
    /// What is deployed.
    api: String,
    /// The hash of it.
    content_hash: Option<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct DeploymentAttributes {}

impl Resource for Deployment {
    type Attributes = DeploymentAttributes;
    const META: Meta = Meta::regional("AWS::Test::Deployment").snapshots("Api");
    offline!();
}
