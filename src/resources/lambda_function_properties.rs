//! The nested properties of `AWS::Lambda::Function`, and how the SDK spells
//! them.

use super::lambda_function::Function;
use crate::asset::zip_text;
use crate::resource::{Asset, Cx, Failure, Fixed, Result, Set, WriteOnly};
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where the code is. The stack file may write a path to a local folder or
/// file instead.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
#[schemars(extend("x-asset" = true, "type" = ["object", "string"]))]
pub(super) struct Code {
    /// Local code, zipped by payctl. Its hash is compared with that of the
    /// code that runs.
    pub asset: Option<Asset>,
    /// The container image: a URI in ECR.
    pub image_uri: Option<WriteOnly<String>>,
    /// The bucket that holds the zip, in the function's region.
    #[schemars(length(min = 3, max = 63))]
    pub s3_bucket: Option<WriteOnly<String>>,
    /// The zip's key in the bucket.
    #[schemars(length(min = 1, max = 1024))]
    pub s3_key: Option<WriteOnly<String>>,
    /// Whether Lambda copies the zip or reads it from the bucket.
    #[schemars(extend("enum" = ["COPY", "REFERENCE"]))]
    pub s3_object_storage_mode: Option<WriteOnly<String>>,
    /// The zip's version in a versioned bucket.
    #[schemars(length(min = 1, max = 1024))]
    pub s3_object_version: Option<WriteOnly<String>>,
    /// The KMS key that encrypts the stored zip.
    #[serde(rename = "SourceKMSKeyArn")]
    pub source_kms_key_arn: Option<WriteOnly<String>>,
    /// The source text itself, for Python and Node.js; it becomes the file
    /// `index`.
    pub zip_file: Option<WriteOnly<String>>,
}

impl Code {
    /// Returns the code as Lambda takes it.
    pub(super) fn package(&self, runtime: &str, cx: &Cx) -> Result<types::FunctionCode> {
        let zip = match (&self.asset, &self.zip_file) {
            (Some(asset), _) => Some(cx.asset(&asset.sha256)?),
            (None, Some(text)) => {
                let zip = zip_text(inline_name(runtime), text);
                Some(zip.map_err(|error| Failure::refused(format!("ZipFile: {error}")))?)
            }
            (None, None) => None,
        };
        let text = |value: &Option<WriteOnly<String>>| value.as_deref().cloned();
        let mode = self.s3_object_storage_mode.as_ref().map(|mode| mode.as_str().into());
        Ok(types::FunctionCode::builder()
            .set_zip_file(zip.map(Blob::new))
            .set_image_uri(text(&self.image_uri))
            .set_s3_bucket(text(&self.s3_bucket))
            .set_s3_key(text(&self.s3_key))
            .set_s3_object_storage_mode(mode)
            .set_s3_object_version(text(&self.s3_object_version))
            .set_source_kms_key_arn(text(&self.source_kms_key_arn))
            .build())
    }
}

/// Returns the file that CloudFormation puts inline code in.
fn inline_name(runtime: &str) -> &'static str {
    if runtime.starts_with("nodejs") { "index.js" } else { "index.py" }
}

/// The environment of the function's code.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct Environment {
    /// Variables by name; together at most 4 KB.
    pub variables: Option<BTreeMap<String, String>>,
}

impl From<&Environment> for types::Environment {
    fn from(from: &Environment) -> Self {
        let variables = from.variables.clone().unwrap_or_default();
        Self::builder().set_variables(Some(variables.into_iter().collect())).build()
    }
}

/// X-Ray tracing.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct TracingConfig {
    /// `Active` samples calls itself; `PassThrough` follows the caller.
    #[schemars(extend("enum" = ["Active", "PassThrough"]))]
    pub mode: Option<String>,
}

impl From<&TracingConfig> for types::TracingConfig {
    fn from(from: &TracingConfig) -> Self {
        let mode = from.mode.as_deref().unwrap_or("PassThrough");
        Self::builder().mode(mode.into()).build()
    }
}

/// The size of `/tmp`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct EphemeralStorage {
    /// Megabytes.
    #[schemars(range(min = 512, max = 10_240))]
    pub size: i32,
}

/// Where events go that an asynchronous call could not process.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct DeadLetterConfig {
    /// The ARN of an SQS queue or SNS topic.
    pub target_arn: Option<String>,
}

impl From<&DeadLetterConfig> for types::DeadLetterConfig {
    fn from(from: &DeadLetterConfig) -> Self {
        Self::builder().target_arn(from.target_arn.clone().unwrap_or_default()).build()
    }
}

/// The network that the function runs in.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct VpcConfig {
    /// Whether it may call out over IPv6 from dual-stack subnets.
    pub ipv6_allowed_for_dual_stack: Option<bool>,
    /// Its security groups.
    #[schemars(length(max = 5))]
    pub security_group_ids: Option<Set<String>>,
    /// Its subnets.
    #[schemars(length(max = 16))]
    pub subnet_ids: Option<Set<String>>,
}

impl From<&VpcConfig> for types::VpcConfig {
    fn from(from: &VpcConfig) -> Self {
        let items = |set: &Option<Set<String>>| set.as_deref().cloned().unwrap_or_default();
        Self::builder()
            .set_ipv6_allowed_for_dual_stack(from.ipv6_allowed_for_dual_stack)
            .set_security_group_ids(Some(items(&from.security_group_ids)))
            .set_subnet_ids(Some(items(&from.subnet_ids)))
            .build()
    }
}

impl From<&types::VpcConfigResponse> for VpcConfig {
    fn from(from: &types::VpcConfigResponse) -> Self {
        Self {
            ipv6_allowed_for_dual_stack: from.ipv6_allowed_for_dual_stack,
            security_group_ids: Some(from.security_group_ids().iter().cloned().collect()),
            subnet_ids: Some(from.subnet_ids().iter().cloned().collect()),
        }
    }
}

/// How the function logs.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct LoggingConfig {
    /// JSON: the least level of the code's own logs.
    #[schemars(extend("enum" = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"]))]
    pub application_log_level: Option<String>,
    /// `Text` or `JSON`.
    #[schemars(extend("enum" = ["Text", "JSON"]))]
    pub log_format: Option<String>,
    /// The log group's name; `/aws/lambda/` and the function's name when unset.
    #[schemars(length(min = 1, max = 512))]
    pub log_group: Option<String>,
    /// JSON: the least level of Lambda's logs.
    #[schemars(extend("enum" = ["DEBUG", "INFO", "WARN"]))]
    pub system_log_level: Option<String>,
}

impl LoggingConfig {
    /// Returns the settings with what is unset at Lambda's default, so that
    /// an update resets it.
    pub(super) fn complete(&self, function_name: &str) -> types::LoggingConfig {
        let json = self.log_format.as_deref() == Some("JSON");
        let level = |set: &Option<String>| set.clone().or(json.then(|| "INFO".to_owned()));
        let group = self.log_group.clone();
        Self {
            application_log_level: level(&self.application_log_level),
            log_format: self.log_format.clone().or_else(|| Some("Text".to_owned())),
            log_group: group.or_else(|| Some(format!("/aws/lambda/{function_name}"))),
            system_log_level: level(&self.system_log_level),
        }
        .sdk()
    }

    /// Returns the settings that are set.
    pub(super) fn sdk(&self) -> types::LoggingConfig {
        types::LoggingConfig::builder()
            .set_application_log_level(self.application_log_level.as_deref().map(Into::into))
            .set_log_format(self.log_format.as_deref().map(Into::into))
            .set_log_group(self.log_group.clone())
            .set_system_log_level(self.system_log_level.as_deref().map(Into::into))
            .build()
    }
}

impl From<&types::LoggingConfig> for LoggingConfig {
    fn from(from: &types::LoggingConfig) -> Self {
        Self {
            application_log_level: from.application_log_level().map(|l| l.as_str().to_owned()),
            log_format: from.log_format().map(|format| format.as_str().to_owned()),
            log_group: from.log_group.clone(),
            system_log_level: from.system_log_level().map(|level| level.as_str().to_owned()),
        }
    }
}

/// Snapshots of initialised published versions.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct SnapStart {
    /// What is snapshotted.
    #[schemars(extend("enum" = ["PublishedVersions", "None"]))]
    pub apply_on: String,
}

/// A file system that the function mounts.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct FileSystemConfig {
    /// The ARN of the access point.
    #[schemars(length(max = 200))]
    pub arn: String,
    /// Where it is mounted, below `/mnt/`.
    #[schemars(length(max = 160))]
    pub local_mount_path: String,
    /// S3 Files: how objects are read.
    pub s3_files_config: Option<S3FilesConfig>,
}

/// How an S3 Files file system is read.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct S3FilesConfig {
    /// Whether large reads go to S3 directly.
    #[schemars(extend("enum" = ["ENABLED", "DISABLED", "AUTO"]))]
    pub direct_s3_read: Option<String>,
}

impl TryFrom<&FileSystemConfig> for types::FileSystemConfig {
    type Error = Failure;

    fn try_from(from: &FileSystemConfig) -> Result<Self> {
        let s3 = from.s3_files_config.as_ref().map(|config| {
            let read = config.direct_s3_read.as_deref().map(Into::into);
            types::S3FilesConfig::builder().set_direct_s3_read(read).build()
        });
        Self::builder()
            .arn(&from.arn)
            .local_mount_path(&from.local_mount_path)
            .set_s3_files_config(s3)
            .build()
            .map_err(|error| Failure::refused(error.to_string()))
    }
}

impl From<&types::FileSystemConfig> for FileSystemConfig {
    fn from(from: &types::FileSystemConfig) -> Self {
        Self {
            arn: from.arn.clone(),
            local_mount_path: from.local_mount_path.clone(),
            s3_files_config: from.s3_files_config().map(|config| S3FilesConfig {
                direct_s3_read: config.direct_s3_read().map(|read| read.as_str().to_owned()),
            }),
        }
    }
}

/// What overrides the settings of a container image.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct ImageConfig {
    /// The arguments (`CMD`).
    pub command: Option<Vec<String>>,
    /// The program (`ENTRYPOINT`).
    pub entry_point: Option<Vec<String>>,
    /// The working directory (`WORKDIR`).
    #[schemars(length(max = 1000))]
    pub working_directory: Option<String>,
}

impl From<&ImageConfig> for types::ImageConfig {
    fn from(from: &ImageConfig) -> Self {
        Self::builder()
            .set_command(from.command.clone())
            .set_entry_point(from.entry_point.clone())
            .set_working_directory(from.working_directory.clone())
            .build()
    }
}

impl From<&types::ImageConfig> for ImageConfig {
    fn from(from: &types::ImageConfig) -> Self {
        Self {
            command: from.command.clone(),
            entry_point: from.entry_point.clone(),
            working_directory: from.working_directory.clone(),
        }
    }
}

/// When the function moves to a new version of its runtime.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct RuntimeManagementConfig {
    /// `Manual`: the version to stay on.
    pub runtime_version_arn: Option<String>,
    /// The moment of the move.
    #[schemars(extend("enum" = ["Auto", "FunctionUpdate", "Manual"]))]
    pub update_runtime_on: String,
}

impl From<&types::FunctionConfiguration> for Function {
    fn from(from: &types::FunctionConfiguration) -> Self {
        let zip = from.package_type() != Some(&types::PackageType::Image);
        // The path is the stack file's; only the hash says what runs.
        let asset =
            Asset { sha256: from.code_sha256.clone().unwrap_or_default(), ..Asset::default() };
        let variables = from.environment().and_then(|environment| environment.variables.clone());
        let image_config = from.image_config_response().and_then(|image| image.image_config());
        let layers = from.layers().iter().filter_map(|layer| layer.arn.clone());
        Self {
            architectures: Some(from.architectures().iter().map(|a| a.as_str().into()).collect()),
            code: Code { asset: zip.then_some(asset), ..Code::default() },
            dead_letter_config: Some(DeadLetterConfig {
                target_arn: from.dead_letter_config().and_then(|config| config.target_arn.clone()),
            }),
            description: from.description.clone(),
            environment: Some(Environment {
                variables: Some(variables.unwrap_or_default().into_iter().collect()),
            }),
            ephemeral_storage: from
                .ephemeral_storage()
                .map(|storage| EphemeralStorage { size: storage.size }),
            file_system_configs: Some(from.file_system_configs().iter().map(Into::into).collect()),
            function_name: from.function_name.clone().map(Fixed),
            handler: from.handler.clone(),
            image_config: image_config.map(Into::into),
            kms_key_arn: from.kms_key_arn.clone(),
            layers: Some(layers.collect()),
            logging_config: from.logging_config().map(Into::into),
            memory_size: from.memory_size,
            package_type: from.package_type().map(|kind| Fixed(kind.as_str().to_owned())),
            recursive_loop: None,
            reserved_concurrent_executions: None,
            role: from.role.clone().unwrap_or_default(),
            runtime: from.runtime().map(|runtime| runtime.as_str().to_owned()),
            runtime_management_config: None,
            snap_start: from
                .snap_start()
                .and_then(|snap| snap.apply_on())
                .map(|apply_on| SnapStart { apply_on: apply_on.as_str().to_owned() }),
            tags: None,
            timeout: from.timeout,
            tracing_config: from.tracing_config().map(|config| TracingConfig {
                mode: config.mode().map(|mode| mode.as_str().to_owned()),
            }),
            vpc_config: from.vpc_config().map(Into::into),
        }
    }
}
