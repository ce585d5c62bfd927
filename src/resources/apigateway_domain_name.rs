//! `AWS::ApiGateway::DomainName`: a public domain name of one's own, behind
//! which REST APIs are mapped.

use super::apigateway::{
    Patch, Setting, arn, filled, one_endpoint_type, one_of, required, retag, tag_map, tags_of,
};
use crate::resource::{
    Changes, Class, Cx, Desired, Early, Failure, Fault, Fixed, Found as _, Id, Live, Meta, Place,
    Poll, Recorded, Resource, Result, Set, Tags,
};
use aws_sdk_apigateway::operation::get_domain_name::GetDomainNameOutput;
use aws_sdk_apigateway::types::{self, DomainNameStatus};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;

/// A domain name. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-apigateway-domainname.html>
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct DomainName {
    /// The name: `api.example.com`.
    pub domain_name: Option<Fixed<String>>,
    /// The ARN of the certificate of an edge endpoint, in us-east-1.
    pub certificate_arn: Option<String>,
    /// The ARN of the certificate of a regional endpoint, in its region.
    pub regional_certificate_arn: Option<String>,
    /// The ARN of the public certificate that proves whose the domain is,
    /// beside an imported or private one with mutual TLS.
    pub ownership_verification_certificate_arn: Option<String>,
    /// How clients reach it.
    pub endpoint_configuration: Option<EndpointConfiguration>,
    /// The oldest TLS that is accepted: `TLS_1_0` or `TLS_1_2`.
    pub security_policy: Option<String>,
    /// The authorities whose certificates clients must show.
    pub mutual_tls_authentication: Option<MutualTlsAuthentication>,
    /// Whether base path mappings, routing rules or both choose the API.
    #[schemars(extend(
        "enum" = [
            "BASE_PATH_MAPPING_ONLY",
            "ROUTING_RULE_THEN_BASE_PATH_MAPPING",
            "ROUTING_RULE_ONLY"
        ]
    ))]
    pub routing_mode: Option<String>,
    /// Its tags.
    pub tags: Option<Tags>,
}

/// How clients reach a domain name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct EndpointConfiguration {
    /// `EDGE` or `REGIONAL`.
    pub types: Option<Set<String>>,
    /// `ipv4` or `dualstack`.
    pub ip_address_type: Option<String>,
}

/// The authorities whose certificates clients must show.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct MutualTlsAuthentication {
    /// Where their certificates are: `s3://bucket/key`.
    pub truststore_uri: Option<String>,
    /// The version of that object.
    pub truststore_version: Option<String>,
}

/// What API Gateway gives back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    /// Its ARN.
    pub domain_name_arn: Early<String>,
    /// What a DNS record of a regional domain name points to.
    pub regional_domain_name: Option<Early<String>>,
    /// The hosted zone that an alias record names for it.
    pub regional_hosted_zone_id: Option<Early<String>>,
    /// What a DNS record of an edge domain name points to.
    pub distribution_domain_name: Option<Early<String>>,
    /// The hosted zone that an alias record names for it.
    pub distribution_hosted_zone_id: Option<Early<String>>,
}

const SETTINGS: &[Setting] = &[
    ("OwnershipVerificationCertificateArn", "/ownershipVerificationCertificateArn", Some("")),
    ("RoutingMode", "/routingMode", Some("BASE_PATH_MAPPING_ONLY")),
    ("SecurityPolicy", "/securityPolicy", Some("TLS_1_2")),
];

/// A new edge distribution takes up to 40 minutes.
const DEADLINE: Duration = Duration::from_secs(60 * 60);

impl Resource for DomainName {
    type Attributes = Attributes;

    const META: Meta = Meta::regional("AWS::ApiGateway::DomainName")
        .taggable()
        .takes(10)
        .unsupported(&["EndpointAccessMode"]);

    fn identity(desired: Desired<'_>, _place: &Place) -> Option<Id> {
        Some(Id::from(desired.text("DomainName")?))
    }

    fn check(desired: Desired<'_>) -> Vec<Fault> {
        let types = desired.get("EndpointConfiguration/Types");
        let certificate = match types {
            Some(types) if *types == json!(["REGIONAL"]) => {
                required(desired, "RegionalCertificateArn", "a regional endpoint needs it")
            }
            Some(types) if *types == json!(["EDGE"]) => {
                required(desired, "CertificateArn", "an edge endpoint needs it")
            }
            _ => None,
        };
        [
            required(desired, "DomainName", "payctl cannot make up a domain"),
            one_endpoint_type(desired, &["EDGE", "REGIONAL"]),
            one_of(desired, "EndpointConfiguration/IpAddressType", &["ipv4", "dualstack"]),
            certificate,
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let request = cx.apigateway().get_domain_name().domain_name(id.as_str());
        let answer =
            cx.observe("apigateway:GetDomainName", || request.clone().send()).await.found()?;
        Ok(answer.map(|answer| Live {
            id: id.clone(),
            attributes: attributes(&answer, id, cx),
            properties: properties(answer),
        }))
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

    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let request = cx.apigateway().delete_domain_name().domain_name(recorded.id.as_str());
        cx.mutate("apigateway:DeleteDomainName", || request.clone().send()).await.found()?;
        Ok(())
    }
}

impl DomainName {
    async fn create(&self, cx: &Cx) -> Result<Attributes> {
        let name = self.domain_name.as_deref().cloned().unwrap_or_default();
        let request = cx
            .apigateway()
            .create_domain_name()
            .domain_name(&name)
            .set_certificate_arn(self.certificate_arn.clone())
            .set_regional_certificate_arn(self.regional_certificate_arn.clone())
            .set_ownership_verification_certificate_arn(
                self.ownership_verification_certificate_arn.clone(),
            )
            .set_endpoint_configuration(self.endpoint_configuration.as_ref().map(|e| e.sent()))
            .set_security_policy(self.security_policy.as_deref().map(Into::into))
            .set_mutual_tls_authentication(
                self.mutual_tls_authentication.as_ref().map(|m| m.sent()),
            )
            .set_routing_mode(self.routing_mode.as_deref().map(Into::into))
            .set_tags(tag_map(self.tags.as_ref()));
        let answer = cx.mutate("apigateway:CreateDomainName", || request.clone().send()).await?;
        let id = Id::from(name);
        let attributes = Attributes {
            domain_name_arn: Early(own_arn(answer.domain_name_arn, &id, cx)),
            regional_domain_name: filled(answer.regional_domain_name).map(Early),
            regional_hosted_zone_id: filled(answer.regional_hosted_zone_id).map(Early),
            distribution_domain_name: filled(answer.distribution_domain_name).map(Early),
            distribution_hosted_zone_id: filled(answer.distribution_hosted_zone_id).map(Early),
        };
        cx.created(&id, json!(attributes)).await?;
        if !is_available(answer.domain_name_status.as_ref()) {
            available(&id, cx).await?;
        }
        Ok(attributes)
    }

    /// The endpoint moves as AWS documents it: the new one is added, and the
    /// old one goes once the new one works.
    async fn update(&self, live: &Live<Self>, changes: &Changes, cx: &Cx) -> Result<Attributes> {
        let before = &live.properties;
        let mut patches = vec![self.patch(before, changes)];
        let kind = |of: &Self| of.endpoint_configuration.clone().unwrap_or_default().kind();
        let (old, new) = (kind(before), kind(self));
        if changes.has("EndpointConfiguration") && old != new {
            patches[0].add("/endpointConfiguration/types", &new);
            let mut removal = Patch::default();
            removal.remove_value("/endpointConfiguration/types", &old);
            removal.remove(certificate_path(&old));
            patches.push(removal);
        }
        let mut attributes = live.attributes.clone();
        for patch in patches.into_iter().filter(|patch| !patch.is_empty()) {
            let request = cx
                .apigateway()
                .update_domain_name()
                .domain_name(live.id.as_str())
                .set_patch_operations(patch.operations());
            cx.mutate("apigateway:UpdateDomainName", || request.clone().send()).await?;
            attributes = available(&live.id, cx).await?;
        }
        retag(&format!("/domainnames/{}", live.id), self.tags.as_ref(), changes, cx).await?;
        Ok(attributes)
    }

    fn patch(&self, before: &Self, changes: &Changes) -> Patch {
        let mut patch = Patch::default();
        patch.settings(SETTINGS, &json!(self), |property| changes.has(property));
        let certificates = [
            ("CertificateArn", "EDGE", &self.certificate_arn),
            ("RegionalCertificateArn", "REGIONAL", &self.regional_certificate_arn),
        ];
        for (property, kind, certificate) in certificates {
            // One that is unset goes with its endpoint.
            if let Some(certificate) = certificate.as_ref().filter(|_| changes.has(property)) {
                patch.set(certificate_path(kind), certificate);
            }
        }
        if changes.has("MutualTlsAuthentication") {
            let known = before.mutual_tls_authentication.clone().unwrap_or_default();
            let desired = self.mutual_tls_authentication.clone().unwrap_or_default();
            desired.patch(&known, &mut patch);
        }
        let addresses = |of: &Self| of.endpoint_configuration.clone()?.ip_address_type;
        let default = || "ipv4".to_owned();
        let (old, new) = (addresses(before), addresses(self).unwrap_or_else(default));
        if changes.has("EndpointConfiguration") && old.unwrap_or_else(default) != new {
            patch.set("/endpointConfiguration/ipAddressType", new);
        }
        patch
    }
}

impl EndpointConfiguration {
    /// Returns the endpoint type; unset it is EDGE.
    fn kind(&self) -> String {
        let first = self.types.as_ref().and_then(|types| types.first());
        first.cloned().unwrap_or_else(|| "EDGE".to_owned())
    }

    fn sent(&self) -> types::EndpointConfiguration {
        let kinds = self.types.as_ref();
        types::EndpointConfiguration::builder()
            .set_types(kinds.map(|kinds| kinds.iter().map(|t| t.as_str().into()).collect()))
            .set_ip_address_type(self.ip_address_type.as_deref().map(Into::into))
            .build()
    }
}

impl MutualTlsAuthentication {
    fn sent(&self) -> types::MutualTlsAuthenticationInput {
        types::MutualTlsAuthenticationInput::builder()
            .set_truststore_uri(self.truststore_uri.clone())
            .set_truststore_version(self.truststore_version.clone())
            .build()
    }

    /// Without a truststore mutual TLS is off.
    fn patch(&self, before: &Self, patch: &mut Patch) {
        let text = |part: &Option<String>| part.clone().unwrap_or_default();
        if self.truststore_uri != before.truststore_uri {
            patch.set("/mutualTlsAuthentication/truststoreUri", text(&self.truststore_uri));
        }
        if self.truststore_uri.is_some() && self.truststore_version != before.truststore_version {
            patch.set("/mutualTlsAuthentication/truststoreVersion", text(&self.truststore_version));
        }
    }
}

fn certificate_path(endpoint: &str) -> &'static str {
    if endpoint == "EDGE" { "/certificateArn" } else { "/regionalCertificateArn" }
}

fn is_available(status: Option<&DomainNameStatus>) -> bool {
    status.is_none_or(|status| *status == DomainNameStatus::Available)
}

/// Waits until the domain name is available.
async fn available(id: &Id, cx: &Cx) -> Result<Attributes> {
    let request = cx.apigateway().get_domain_name().domain_name(id.as_str());
    cx.wait(DEADLINE, || async {
        let answer = cx.observe("apigateway:GetDomainName", || request.clone().send()).await?;
        let Some(status) =
            answer.domain_name_status.as_ref().filter(|status| !is_available(Some(status)))
        else {
            return Ok(Poll::Ready(attributes(&answer, id, cx)));
        };
        let said = answer.domain_name_status_message().unwrap_or_default();
        let state = format!("the domain name is {status} {said}").trim_end().to_owned();
        match status {
            DomainNameStatus::Updating | DomainNameStatus::Pending => Ok(Poll::Pending(state)),
            _ => Err(Failure::local(Class::Terminal, state)),
        }
    })
    .await
}

fn properties(answer: GetDomainNameOutput) -> DomainName {
    let endpoint = |from: types::EndpointConfiguration| EndpointConfiguration {
        types: from.types.map(|types| types.iter().map(|t| t.as_str().to_owned()).collect()),
        ip_address_type: from.ip_address_type.map(|t| t.as_str().to_owned()),
    };
    let mutual = |from: types::MutualTlsAuthentication| MutualTlsAuthentication {
        truststore_uri: from.truststore_uri,
        truststore_version: from.truststore_version,
    };
    let truststore = answer.mutual_tls_authentication.filter(|m| m.truststore_uri.is_some());
    DomainName {
        domain_name: answer.domain_name.map(Fixed),
        certificate_arn: filled(answer.certificate_arn),
        regional_certificate_arn: filled(answer.regional_certificate_arn),
        ownership_verification_certificate_arn: filled(
            answer.ownership_verification_certificate_arn,
        ),
        endpoint_configuration: answer.endpoint_configuration.map(endpoint),
        security_policy: answer.security_policy.map(|policy| policy.as_str().to_owned()),
        mutual_tls_authentication: truststore.map(mutual),
        routing_mode: answer.routing_mode.map(|mode| mode.as_str().to_owned()),
        tags: tags_of(answer.tags),
    }
}

fn attributes(answer: &GetDomainNameOutput, id: &Id, cx: &Cx) -> Attributes {
    Attributes {
        domain_name_arn: Early(own_arn(answer.domain_name_arn.clone(), id, cx)),
        regional_domain_name: filled(answer.regional_domain_name.clone()).map(Early),
        regional_hosted_zone_id: filled(answer.regional_hosted_zone_id.clone()).map(Early),
        distribution_domain_name: filled(answer.distribution_domain_name.clone()).map(Early),
        distribution_hosted_zone_id: filled(answer.distribution_hosted_zone_id.clone()).map(Early),
    }
}

/// API Gateway states the ARN only for private domain names; that of a public
/// one follows from its name.
fn own_arn(stated: Option<String>, id: &Id, cx: &Cx) -> String {
    stated.unwrap_or_else(|| arn(&format!("/domainnames/{id}"), cx))
}
