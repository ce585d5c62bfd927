//! `AWS::Lambda::Function`: a function from local code, a zip or an image.

use super::lambda::{or_empty, update_tags};
use super::lambda_function_properties::{
    Code, DeadLetterConfig, Environment, EphemeralStorage, FileSystemConfig, ImageConfig,
    LoggingConfig, RuntimeManagementConfig, SnapStart, TracingConfig, VpcConfig,
};
use super::lambda_function_state::{delete, get, settled, started, unreserved_minimum, working};
use crate::resource::{
    Changes, Cx, Desired, Early, Failure, Fault, Fixed, Found as _, Id, Live, Meta, Place,
    Recorded, Resource, Result, Tags, Volatile, WriteOnly,
};
use aws_sdk_lambda::types::{self, FunctionConfiguration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A function. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-lambda-function.html>
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Function {
    /// The processor: `x86_64` or `arm64`.
    #[schemars(length(min = 1, max = 1))]
    #[schemars(extend("items" = {"type": "string", "enum": ["x86_64", "arm64"]}))]
    pub architectures: Option<Vec<String>>,
    /// Its code.
    pub code: Code,
    /// Where asynchronous events go that fail.
    pub dead_letter_config: Option<DeadLetterConfig>,
    /// What it is for.
    #[schemars(length(max = 256))]
    pub description: Option<String>,
    /// Its variables.
    pub environment: Option<Environment>,
    /// The size of `/tmp`.
    pub ephemeral_storage: Option<EphemeralStorage>,
    /// The file system that it mounts.
    #[schemars(length(max = 1))]
    pub file_system_configs: Option<Vec<FileSystemConfig>>,
    /// Its name.
    #[schemars(length(min = 1, max = 64))]
    pub function_name: Option<Fixed<String>>,
    /// What Lambda calls: for Python `file.function`.
    #[schemars(length(max = 128))]
    pub handler: Option<String>,
    /// What overrides the image's settings.
    pub image_config: Option<ImageConfig>,
    /// The KMS key that encrypts its variables and snapshots.
    pub kms_key_arn: Option<String>,
    /// Layers below its code, by the ARN of a version.
    #[schemars(length(max = 5))]
    pub layers: Option<Vec<String>>,
    /// How it logs.
    pub logging_config: Option<LoggingConfig>,
    /// Megabytes of memory; the share of processor time follows it.
    #[schemars(range(min = 128, max = 10_240))]
    pub memory_size: Option<i32>,
    /// Whether its code is a zip or an image.
    #[schemars(extend("enum" = ["Image", "Zip"]))]
    pub package_type: Option<Fixed<String>>,
    /// What Lambda does when the function keeps calling itself. Not read back:
    /// it would cost a call of its own at every refresh.
    #[schemars(extend("enum" = ["Allow", "Terminate"]))]
    pub recursive_loop: Option<WriteOnly<String>>,
    /// How many calls may run at once; as many are set aside for it.
    #[schemars(range(min = 0))]
    pub reserved_concurrent_executions: Option<i32>,
    /// The ARN of the role that it runs as.
    pub role: String,
    /// The language and its version; deprecated ones too, which functions that
    /// exist may still have.
    #[schemars(extend("enum" = [
        "dotnet10", "dotnet6", "dotnet8", "dotnetcore1.0", "dotnetcore2.0", "dotnetcore2.1",
        "dotnetcore3.1", "go1.x", "java11", "java11.al2023", "java17", "java17.al2023", "java21",
        "java25", "java8", "java8.al2", "java8.al2023", "nodejs", "nodejs10.x", "nodejs12.x",
        "nodejs14.x", "nodejs16.x", "nodejs18.x", "nodejs20.x", "nodejs22.x", "nodejs24.x",
        "nodejs26.x", "nodejs4.3", "nodejs4.3-edge", "nodejs6.10", "nodejs8.10", "provided",
        "provided.al2", "provided.al2023", "python2.7", "python3.10", "python3.11", "python3.12",
        "python3.13", "python3.14", "python3.15", "python3.6", "python3.7", "python3.8",
        "python3.9", "ruby2.5", "ruby2.7", "ruby3.2", "ruby3.3", "ruby3.4", "ruby4.0",
    ]))]
    pub runtime: Option<String>,
    /// When the runtime is updated. Not read back: it would cost a call of its
    /// own at every refresh.
    pub runtime_management_config: Option<WriteOnly<RuntimeManagementConfig>>,
    /// Snapshots of published versions.
    pub snap_start: Option<SnapStart>,
    /// Its tags.
    pub tags: Option<Tags>,
    /// Seconds that a call may take.
    #[schemars(range(min = 1, max = 900))]
    pub timeout: Option<i32>,
    /// Whether it is traced.
    pub tracing_config: Option<TracingConfig>,
    /// The network that it runs in.
    pub vpc_config: Option<VpcConfig>,
}

/// What Lambda gives back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    /// Its ARN.
    pub arn: Early<String>,
    /// What its snapshots are.
    pub snap_start_response: Volatile<SnapStartResponse>,
}

/// What a function's snapshots are.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SnapStartResponse {
    /// What is snapshotted.
    pub apply_on: String,
    /// Whether this version runs from a snapshot.
    pub optimization_status: String,
}

/// What one UpdateFunctionConfiguration changes.
const CONFIGURATION: &[&str] = &[
    "DeadLetterConfig",
    "Description",
    "Environment",
    "EphemeralStorage",
    "FileSystemConfigs",
    "Handler",
    "ImageConfig",
    "KmsKeyArn",
    "Layers",
    "LoggingConfig",
    "MemorySize",
    "Role",
    "Runtime",
    "SnapStart",
    "Timeout",
    "TracingConfig",
    "VpcConfig",
];

impl Resource for Function {
    type Attributes = Attributes;

    const META: Meta = Meta::regional("AWS::Lambda::Function")
        .named("FunctionName", 64)
        .taggable()
        .takes(5)
        .unsupported(&[
            "CapacityProviderConfig",
            "CodeSigningConfigArn",
            "DurableConfig",
            "FunctionScalingConfig",
            "PublishToLatestPublished",
            "TenancyConfig",
        ]);

    fn identity(desired: Desired<'_>, _place: &Place) -> Option<Id> {
        Some(Id::from(desired.text("FunctionName")?))
    }

    fn predict(desired: Desired<'_>, place: &Place) -> Value {
        match desired.text("FunctionName") {
            Some(name) => json!({"Arn": place.arn("lambda", &format!("function:{name}"))}),
            None => Value::Null,
        }
    }

    fn check(desired: Desired<'_>) -> Vec<Fault> {
        super::lambda_function_check::faults(desired)
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let Some(answer) = get(id.as_str(), cx).await.found()? else { return Ok(None) };
        let Some(configuration) = answer.configuration() else { return Ok(None) };
        let attributes = attributes(id.as_str(), configuration, cx);
        let mut properties = Self::from(configuration);
        properties.tags = Some(answer.tags.unwrap_or_default().into_iter().collect());
        properties.reserved_concurrent_executions =
            answer.concurrency.and_then(|set| set.reserved_concurrent_executions);
        Ok(Some(Live { id: id.clone(), properties, attributes }))
    }

    async fn converge(
        &self,
        current: Option<&Live<Self>>,
        changes: &Changes,
        cx: &Cx,
    ) -> Result<Attributes> {
        let configuration = match current {
            None => self.create(cx).await?,
            Some(live) => self.update(live, changes, cx).await?,
        };
        Ok(attributes(self.name(), &configuration, cx))
    }

    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        delete(recorded.id.as_str(), cx).await
    }
}

impl Function {
    fn name(&self) -> &str {
        self.function_name.as_ref().map(|name| name.as_str()).unwrap_or_default()
    }

    fn package(&self, cx: &Cx) -> Result<types::FunctionCode> {
        self.code.package(self.runtime.as_deref().unwrap_or_default(), cx)
    }

    fn architectures(&self) -> Vec<types::Architecture> {
        match &self.architectures {
            Some(names) => names.iter().map(|name| name.as_str().into()).collect(),
            None => vec![types::Architecture::X8664],
        }
    }

    fn file_systems(&self) -> Result<Vec<types::FileSystemConfig>> {
        self.file_system_configs.iter().flatten().map(TryInto::try_into).collect()
    }

    async fn create(&self, cx: &Cx) -> Result<FunctionConfiguration> {
        let name = self.name();
        let request = cx
            .lambda()
            .create_function()
            .function_name(name)
            .code(self.package(cx)?)
            .role(&self.role)
            .set_package_type(self.package_type.as_ref().map(|kind| kind.as_str().into()))
            .set_architectures(self.architectures.as_ref().map(|_| self.architectures()))
            .set_dead_letter_config(self.dead_letter_config.as_ref().map(Into::into))
            .set_description(self.description.clone())
            .set_environment(self.environment.as_ref().map(Into::into))
            .set_ephemeral_storage(
                self.ephemeral_storage.as_ref().map(|_| self.storage()).transpose()?,
            )
            .set_file_system_configs(Some(self.file_systems()?).filter(|list| !list.is_empty()))
            .set_handler(self.handler.clone())
            .set_image_config(self.image_config.as_ref().map(Into::into))
            .set_kms_key_arn(self.kms_key_arn.clone())
            .set_layers(self.layers.clone())
            .set_logging_config(self.logging_config.as_ref().map(LoggingConfig::sdk))
            .set_memory_size(self.memory_size)
            .set_runtime(self.runtime.as_deref().map(Into::into))
            .set_snap_start(self.snap_start.as_ref().map(|_| self.snap_start()))
            .set_tags(self.tags.as_ref().map(|tags| tags.pairs().collect()))
            .set_timeout(self.timeout)
            .set_tracing_config(self.tracing_config.as_ref().map(Into::into))
            .set_vpc_config(self.vpc_config.as_ref().map(Into::into));
        cx.mutate("lambda:CreateFunction", || request.clone().send()).await?;
        cx.created(&Id::from(name), json!({"Arn": arn(name, cx)})).await?;
        let configuration = started(name, cx).await?;
        if self.reserved_concurrent_executions.is_some() {
            self.put_concurrency(cx).await?;
        }
        if self.runtime_management_config.is_some() {
            self.put_runtime_management(cx).await?;
        }
        if self.recursive_loop.is_some() {
            self.put_recursion(cx).await?;
        }
        Ok(configuration)
    }

    async fn update(
        &self,
        live: &Live<Self>,
        changes: &Changes,
        cx: &Cx,
    ) -> Result<FunctionConfiguration> {
        // A create or update that was cut off may still be under way.
        let mut configuration = started(self.name(), cx).await?;
        if changes.any(CONFIGURATION) {
            configuration = self.update_configuration(changes, cx).await?;
        }
        if changes.has("Architectures") || code_changes(changes) {
            configuration = self.update_code(cx).await?;
        }
        if changes.has("ReservedConcurrentExecutions") {
            self.put_concurrency(cx).await?;
        }
        if changes.has("RuntimeManagementConfig") {
            self.put_runtime_management(cx).await?;
        }
        if changes.has("RecursiveLoop") {
            self.put_recursion(cx).await?;
        }
        update_tags(&live.attributes.arn, self.tags.as_ref(), changes, cx).await?;
        working(configuration)
    }

    async fn update_configuration(
        &self,
        changes: &Changes,
        cx: &Cx,
    ) -> Result<FunctionConfiguration> {
        let has = |property| changes.has(property);
        let logging = || self.logging_config.clone().unwrap_or_default().complete(self.name());
        let file_systems = self.file_systems()?;
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let request = cx
            .lambda()
            .update_function_configuration()
            .function_name(self.name())
            .set_dead_letter_config(
                has("DeadLetterConfig").then(|| or_empty(&self.dead_letter_config)),
            )
            .set_description(has("Description").then(|| text(&self.description)))
            .set_environment(has("Environment").then(|| or_empty(&self.environment)))
            .set_ephemeral_storage(has("EphemeralStorage").then(|| self.storage()).transpose()?)
            .set_file_system_configs(has("FileSystemConfigs").then_some(file_systems))
            .set_handler(self.handler.clone().filter(|_| has("Handler")))
            .set_image_config(has("ImageConfig").then(|| or_empty(&self.image_config)))
            .set_kms_key_arn(has("KmsKeyArn").then(|| text(&self.kms_key_arn)))
            .set_layers(has("Layers").then(|| self.layers.clone().unwrap_or_default()))
            .set_logging_config(has("LoggingConfig").then(logging))
            .set_memory_size(has("MemorySize").then(|| self.memory_size.unwrap_or(128)))
            .set_role(has("Role").then(|| self.role.clone()))
            .set_runtime(self.runtime.as_deref().filter(|_| has("Runtime")).map(Into::into))
            .set_snap_start(has("SnapStart").then(|| self.snap_start()))
            .set_timeout(has("Timeout").then(|| self.timeout.unwrap_or(3)))
            .set_tracing_config(has("TracingConfig").then(|| or_empty(&self.tracing_config)))
            .set_vpc_config(has("VpcConfig").then(|| or_empty(&self.vpc_config)));
        cx.mutate("lambda:UpdateFunctionConfiguration", || request.clone().send()).await?;
        working(settled(self.name(), cx).await?)
    }

    async fn update_code(&self, cx: &Cx) -> Result<FunctionConfiguration> {
        let code = self.package(cx)?;
        let request = cx
            .lambda()
            .update_function_code()
            .function_name(self.name())
            .set_architectures(Some(self.architectures()))
            .set_image_uri(code.image_uri)
            .set_s3_bucket(code.s3_bucket)
            .set_s3_key(code.s3_key)
            .set_s3_object_storage_mode(code.s3_object_storage_mode)
            .set_s3_object_version(code.s3_object_version)
            .set_source_kms_key_arn(code.source_kms_key_arn)
            .set_zip_file(code.zip_file);
        cx.mutate("lambda:UpdateFunctionCode", || request.clone().send()).await?;
        working(settled(self.name(), cx).await?)
    }

    fn storage(&self) -> Result<types::EphemeralStorage> {
        let size = self.ephemeral_storage.as_ref().map_or(512, |storage| storage.size);
        let built = types::EphemeralStorage::builder().size(size).build();
        built.map_err(|error| Failure::refused(error.to_string()))
    }

    fn snap_start(&self) -> types::SnapStart {
        let apply_on = self.snap_start.as_ref().map_or("None", |snap| snap.apply_on.as_str());
        types::SnapStart::builder().apply_on(apply_on.into()).build()
    }

    async fn put_concurrency(&self, cx: &Cx) -> Result<()> {
        let Some(reserved) = self.reserved_concurrent_executions else {
            let request = cx.lambda().delete_function_concurrency().function_name(self.name());
            let operation = "lambda:DeleteFunctionConcurrency";
            cx.mutate(operation, || request.clone().send()).await.found()?;
            return Ok(());
        };
        let request = cx
            .lambda()
            .put_function_concurrency()
            .function_name(self.name())
            .reserved_concurrent_executions(reserved);
        match cx.mutate("lambda:PutFunctionConcurrency", || request.clone().send()).await {
            Ok(_) => Ok(()),
            Err(failure) if failure.message.contains("UnreservedConcurrentExecution") => {
                Err(unreserved_minimum(failure, cx).await)
            }
            Err(failure) => Err(failure),
        }
    }

    async fn put_runtime_management(&self, cx: &Cx) -> Result<()> {
        let config = self.runtime_management_config.as_deref();
        let moment = config.map_or("Auto", |config| config.update_runtime_on.as_str());
        let request = cx
            .lambda()
            .put_runtime_management_config()
            .function_name(self.name())
            .update_runtime_on(moment.into())
            .set_runtime_version_arn(config.and_then(|config| config.runtime_version_arn.clone()));
        cx.mutate("lambda:PutRuntimeManagementConfig", || request.clone().send()).await?;
        Ok(())
    }

    async fn put_recursion(&self, cx: &Cx) -> Result<()> {
        let value = self.recursive_loop.as_ref().map_or("Terminate", |value| value.as_str());
        let request = cx
            .lambda()
            .put_function_recursion_config()
            .function_name(self.name())
            .recursive_loop(value.into());
        cx.mutate("lambda:PutFunctionRecursionConfig", || request.clone().send()).await?;
        Ok(())
    }
}

/// Whether what runs changes, not only where it lies on this machine.
fn code_changes(changes: &Changes) -> bool {
    changes.0.iter().any(|change| change.property() == "Code" && change.path != "Code/Asset/Path")
}

fn arn(name: &str, cx: &Cx) -> String {
    cx.place.arn("lambda", &format!("function:{name}"))
}

fn attributes(name: &str, configuration: &FunctionConfiguration, cx: &Cx) -> Attributes {
    let snap = configuration.snap_start();
    let apply_on = snap.and_then(|snap| snap.apply_on()).map(|value| value.as_str());
    let status = snap.and_then(|snap| snap.optimization_status()).map(|value| value.as_str());
    Attributes {
        arn: Early(arn(name, cx)),
        snap_start_response: Volatile(SnapStartResponse {
            apply_on: apply_on.unwrap_or("None").to_owned(),
            optimization_status: status.unwrap_or("Off").to_owned(),
        }),
    }
}
