//! Clients per service and region, made on first use, over one connection
//! pool and one source of credentials.

use super::lenient::lenient;
use crate::resource::Cx;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Where and as whom to call AWS.
#[derive(Clone, Debug, Default)]
pub struct Endpoint {
    /// An address that stands for all of AWS (an emulator).
    pub url: Option<String>,
    /// A profile of the shared configuration files.
    pub profile: Option<String>,
    /// Fixed credentials, for an emulator: the access key selects the account.
    pub access_key: Option<String>,
}

/// The clients of a run.
pub struct Clients {
    base: SdkConfig,
    custom_endpoint: bool,
    made: Mutex<HashMap<(TypeId, String), Arc<dyn Any + Send + Sync>>>,
}

impl std::fmt::Debug for Clients {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clients")
            .field("endpoint", &self.base.endpoint_url())
            .finish_non_exhaustive()
    }
}

impl Clients {
    /// Reads the configuration as AWS's own tools do: environment, profile
    /// files, roles. No call is made yet.
    pub async fn load(endpoint: &Endpoint) -> Self {
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http_client())
            // The retries are ours (see `call`): the SDK's would repeat a
            // create whose answer was lost, and know nothing of the journal.
            .retry_config(RetryConfig::disabled())
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(Duration::from_secs(4))
                    .operation_attempt_timeout(Duration::from_secs(60))
                    .build(),
            )
            .region(Region::new("us-east-1"));
        if let Some(url) = &endpoint.url {
            loader = loader.endpoint_url(url);
        }
        if let Some(profile) = &endpoint.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(key) = &endpoint.access_key {
            loader = loader.credentials_provider(aws_credential_types::Credentials::from_keys(
                key, "sandbox", None,
            ));
        }
        let base = loader.load().await;
        let custom_endpoint = base.endpoint_url().is_some();
        Self { base, custom_endpoint, made: Mutex::default() }
    }

    /// Whether an endpoint stands for all of AWS.
    pub fn is_custom(&self) -> bool {
        self.custom_endpoint
    }

    /// Returns the address that stands for all of AWS.
    pub fn endpoint_url(&self) -> Option<&str> {
        self.base.endpoint_url()
    }

    fn get<C: Clone + Send + Sync + 'static>(
        &self,
        region: &str,
        make: impl FnOnce(&SdkConfig) -> C,
    ) -> C {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let client = made.entry((TypeId::of::<C>(), region.to_owned())).or_insert_with(|| {
            let config = self.base.to_builder().region(Region::new(region.to_owned())).build();
            Arc::new(make(&config))
        });
        client
            .downcast_ref::<C>()
            .cloned()
            .unwrap_or_else(|| unreachable!("the key holds the client's type"))
    }
}

fn http_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https()
}

macro_rules! services {
    ($($(#[$doc:meta])* $method:ident: $sdk:ident;)*) => {
        impl Clients {
            $($(#[$doc])*
            pub fn $method(&self, region: &str) -> $sdk::Client {
                self.get(region, $sdk::Client::new)
            })*
        }

        impl Cx {
            $($(#[$doc])*
            pub fn $method(&self) -> $sdk::Client {
                self.clients.$method(self.region())
            })*
        }
    };
}

services! {
    /// API Gateway (REST APIs).
    apigateway: aws_sdk_apigateway;
    /// CloudWatch.
    cloudwatch: aws_sdk_cloudwatch;
    /// DynamoDB.
    dynamodb: aws_sdk_dynamodb;
    /// EC2, which VPCs are part of.
    ec2: aws_sdk_ec2;
    /// EventBridge.
    events: aws_sdk_eventbridge;
    /// IAM.
    iam: aws_sdk_iam;
    /// KMS.
    kms: aws_sdk_kms;
    /// Lambda.
    lambda: aws_sdk_lambda;
    /// CloudWatch Logs.
    logs: aws_sdk_cloudwatchlogs;
    /// Secrets Manager.
    secretsmanager: aws_sdk_secretsmanager;
    /// Step Functions.
    sfn: aws_sdk_sfn;
    /// SNS.
    sns: aws_sdk_sns;
    /// SQS.
    sqs: aws_sdk_sqs;
    /// Systems Manager.
    ssm: aws_sdk_ssm;
    /// STS.
    sts: aws_sdk_sts;
    /// The tagging API.
    tagging: aws_sdk_resourcegroupstagging;
    /// WAF.
    wafv2: aws_sdk_wafv2;
}

impl Clients {
    /// S3. An emulator has one host for every bucket, so names go in the path.
    pub fn s3(&self, region: &str) -> aws_sdk_s3::Client {
        let path_style = self.custom_endpoint;
        self.get(region, |config| {
            let config =
                aws_sdk_s3::config::Builder::from(config).force_path_style(path_style).build();
            aws_sdk_s3::Client::from_conf(config)
        })
    }

    /// Route 53. An emulator's answers are read leniently.
    pub fn route53(&self, region: &str) -> aws_sdk_route53::Client {
        let is_emulated = self.custom_endpoint;
        self.get(region, |config| {
            let mut builder = aws_sdk_route53::config::Builder::from(config);
            if is_emulated {
                builder.set_http_client(config.http_client().map(lenient));
            }
            aws_sdk_route53::Client::from_conf(builder.build())
        })
    }
}

impl Cx {
    /// Route 53.
    pub fn route53(&self) -> aws_sdk_route53::Client {
        self.clients.route53(self.region())
    }

    /// S3.
    pub fn s3(&self) -> aws_sdk_s3::Client {
        self.clients.s3(self.region())
    }
}
