//! `AWS::EC2::VPCEndpoint`: a private way from a VPC to a service.

use super::ec2::{filter, is_own, known, made, owned, retag, tagged, tags_of, token};
use super::ec2_vpc_endpoint_properties::{DnsOptions, check};
use crate::resource::{
    Changes, Class, Cx, Desired, Early, Failure, Fault, Fixed, Found as _, Id, Live, Meta, Policy,
    Poll, Ready, Recorded, Resource, Result, Set, Tags, Volatile,
};
use aws_sdk_ec2::operation::modify_vpc_endpoint::builders::ModifyVpcEndpointFluentBuilder;
use aws_sdk_ec2::types::{DnsEntry, ResourceType, VpcEndpoint as Description};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;

/// An endpoint. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-ec2-vpcendpoint.html>
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct VpcEndpoint {
    /// The VPC, whose name server must be as it should be before private names
    /// can be had.
    pub vpc_id: Fixed<Ready<String>>,
    /// The service: `com.amazonaws.us-east-1.sqs`.
    pub service_name: Option<Fixed<String>>,
    /// The region of the service, if it is another.
    pub service_region: Option<Fixed<String>>,
    /// How it leads to the service: by routes (`Gateway`, the default) or
    /// by network interfaces.
    #[schemars(extend("enum" = [
        "Interface", "Gateway", "GatewayLoadBalancer", "ServiceNetwork", "Resource", "Tunnel"
    ]))]
    pub vpc_endpoint_type: Option<Fixed<String>>,
    /// The resource configuration, for the type `Resource`.
    pub resource_configuration_arn: Option<Fixed<String>>,
    /// The service network, for the type `ServiceNetwork`.
    pub service_network_arn: Option<Fixed<String>>,
    /// What may be done through it; unset, everything.
    pub policy_document: Option<Policy>,
    /// The route tables that lead to a gateway endpoint.
    pub route_table_ids: Option<Set<String>>,
    /// The subnets that have an interface of it, one of each zone.
    pub subnet_ids: Option<Set<String>>,
    /// The security groups of its interfaces; unset, the VPC's own.
    pub security_group_ids: Option<Set<String>>,
    /// Whether the service's usual name leads to it, in the VPC.
    pub private_dns_enabled: Option<bool>,
    /// Which addresses it has.
    #[schemars(extend("enum" = ["ipv4", "ipv6", "dualstack", "not-specified"]))]
    pub ip_address_type: Option<String>,
    /// Its names.
    pub dns_options: Option<DnsOptions>,
    /// Its tags.
    pub tags: Option<Tags>,
}

/// What EC2 gives back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    /// Its id.
    pub id: Early<String>,
    /// When it was made.
    pub creation_timestamp: Option<String>,
    /// Its names, each after the id of its zone and a colon.
    pub dns_entries: Volatile<Vec<String>>,
    /// Its network interfaces.
    pub network_interface_ids: Volatile<Vec<String>>,
}

/// How long an endpoint may take to come or go. It is mostly a few minutes.
const DEADLINE: Duration = Duration::from_secs(20 * 60);

/// What a call changes of an endpoint.
const MODIFIED: &[&str] = &[
    "DnsOptions",
    "IpAddressType",
    "PolicyDocument",
    "PrivateDnsEnabled",
    "RouteTableIds",
    "SecurityGroupIds",
    "SubnetIds",
];

impl Resource for VpcEndpoint {
    type Attributes = Attributes;

    const META: Meta = Meta::regional("AWS::EC2::VPCEndpoint").taggable().takes(60);

    fn check(desired: Desired<'_>) -> Vec<Fault> {
        check(desired)
    }

    async fn find(&self, cx: &Cx) -> Result<Option<Id>> {
        let mut token = None;
        loop {
            let request =
                cx.ec2().describe_vpc_endpoints().set_filters(owned(cx)).set_next_token(token);
            let page = cx.observe("ec2:DescribeVpcEndpoints", || request.clone().send()).await?;
            let mut found = page.vpc_endpoints.unwrap_or_default().into_iter();
            let own = found.find(|e| is_there(e) && is_own(e.tags.as_deref(), cx));
            token = page.next_token;
            if own.is_some() || token.is_none() {
                return Ok(own.and_then(|endpoint| endpoint.vpc_endpoint_id).map(Id::from));
            }
        }
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let found = describe(id.as_str(), cx).await?.filter(is_there);
        Ok(found.map(|endpoint| {
            let attributes = attributes(&endpoint);
            Live { id: id.clone(), properties: properties(endpoint), attributes }
        }))
    }

    async fn converge(
        &self,
        current: Option<&Live<Self>>,
        changes: &Changes,
        cx: &Cx,
    ) -> Result<Attributes> {
        let Some(live) = current else { return self.create(cx).await };
        let id = live.id.as_str();
        if changes.any(MODIFIED) {
            // EC2 refuses a change while it makes another.
            available(id, cx).await?;
            self.modify(live, changes, cx).await?;
        }
        retag(id, self.tags.as_ref(), changes, cx).await?;
        Ok(attributes(&available(id, cx).await?))
    }

    /// Returns once the endpoint is gone: until then its interfaces hold its
    /// subnets and security groups.
    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let id = recorded.id.as_str();
        let request = cx.ec2().delete_vpc_endpoints().vpc_endpoint_ids(id);
        let attempt = || async {
            let answer = request.clone().send().await.map_err(Failure::from)?;
            refusals(answer.unsuccessful.unwrap_or_default())
        };
        cx.mutate("ec2:DeleteVpcEndpoints", attempt).await.found()?;
        cx.wait(DEADLINE, || async {
            Ok(match describe(id, cx).await? {
                Some(endpoint) if state(&endpoint) != "deleted" => {
                    Poll::Pending(format!("the VPC endpoint is {}", state(&endpoint)))
                }
                _ => Poll::Ready(()),
            })
        })
        .await
    }
}

impl VpcEndpoint {
    async fn create(&self, cx: &Cx) -> Result<Attributes> {
        let id = made(|dead| async move {
            let made = self.request(&dead, cx).await?;
            Ok((made.vpc_endpoint_id.clone().unwrap_or_default(), is_there(&made)))
        })
        .await?;
        cx.created(&Id::from(id.as_str()), json!({"Id": id})).await?;
        Ok(attributes(&available(&id, cx).await?))
    }

    /// Asks for the endpoint. `dead` is the one that an earlier token led to.
    async fn request(&self, dead: &str, cx: &Cx) -> Result<Description> {
        let text = |property: &Option<Fixed<String>>| property.as_deref().cloned();
        let list = |property: &Option<Set<String>>| property.as_ref().map(|items| items.0.clone());
        let kind = self.vpc_endpoint_type.as_deref().map_or("Gateway", String::as_str);
        // EC2 would turn private names on; CloudFormation leaves them off.
        let private_dns = self.private_dns_enabled.or((kind == "Interface").then_some(false));
        let request = cx
            .ec2()
            .create_vpc_endpoint()
            .client_token(token(self, dead, cx))
            .vpc_id(self.vpc_id.as_str())
            .vpc_endpoint_type(kind.into())
            .set_service_name(text(&self.service_name))
            .set_service_region(text(&self.service_region))
            .set_resource_configuration_arn(text(&self.resource_configuration_arn))
            .set_service_network_arn(text(&self.service_network_arn))
            .set_policy_document(self.policy_document.as_ref().map(Policy::text))
            .set_route_table_ids(list(&self.route_table_ids))
            .set_subnet_ids(list(&self.subnet_ids))
            .set_security_group_ids(list(&self.security_group_ids))
            .set_private_dns_enabled(private_dns.filter(|_| kind != "Gateway"))
            .set_ip_address_type(self.ip_address_type.as_deref().map(Into::into))
            .set_dns_options(self.dns_options.as_ref().map(DnsOptions::sent))
            .tag_specifications(tagged(ResourceType::VpcEndpoint, self.tags.as_ref()));
        let answer =
            known(cx, || cx.create("ec2:CreateVpcEndpoint", || request.clone().send())).await?;
        answer.vpc_endpoint.ok_or_else(|| {
            Failure::local(Class::InDoubt, "EC2 did not say which VPC endpoint it created")
        })
    }

    async fn modify(&self, live: &Live<Self>, changes: &Changes, cx: &Cx) -> Result<()> {
        let mut request = cx.ec2().modify_vpc_endpoint().vpc_endpoint_id(live.id.as_str());
        let now = &live.properties;
        if changes.has("PolicyDocument") {
            request = match &self.policy_document {
                Some(policy) => request.policy_document(policy.text()),
                None => request.reset_policy(true),
            };
        }
        if changes.has("PrivateDnsEnabled") {
            request = request.private_dns_enabled(self.private_dns_enabled.unwrap_or(false));
        }
        if changes.has("IpAddressType") {
            let kind = self.ip_address_type.as_deref().unwrap_or("ipv4");
            request = request.ip_address_type(kind.into());
        }
        if changes.has("DnsOptions") {
            let usual = self.ip_address_type.as_deref().unwrap_or("ipv4");
            let wanted = self.dns_options.clone().unwrap_or_default();
            request = request.dns_options(wanted.over(now.dns_options.as_ref(), usual, changes));
        }
        if changes.has("RouteTableIds") {
            let (added, gone) = differences(&self.route_table_ids, &now.route_table_ids);
            request = request.set_add_route_table_ids(added).set_remove_route_table_ids(gone);
        }
        if changes.has("SubnetIds") {
            let (added, gone) = differences(&self.subnet_ids, &now.subnet_ids);
            request = request.set_add_subnet_ids(added).set_remove_subnet_ids(gone);
        }
        if changes.has("SecurityGroupIds") {
            let wanted = self.groups(cx).await?;
            let (added, gone) = differences(&Some(wanted), &now.security_group_ids);
            request = request.set_add_security_group_ids(added).set_remove_security_group_ids(gone);
        }
        match modified(&request, cx).await {
            // A zone has room for one subnet: the old one goes first.
            Err(failure) if failure.is_code(&["DuplicateSubnetsInSameZone"]) => {
                let (_, gone) = differences(&self.subnet_ids, &now.subnet_ids);
                let id = live.id.as_str();
                let first = cx.ec2().modify_vpc_endpoint().vpc_endpoint_id(id);
                modified(&first.set_remove_subnet_ids(gone), cx).await?;
                available(id, cx).await?;
                modified(&request.set_remove_subnet_ids(None), cx).await
            }
            answer => answer,
        }
    }

    /// Returns the security groups that it should have: the VPC's own if it
    /// names none.
    async fn groups(&self, cx: &Cx) -> Result<Set<String>> {
        if let Some(groups) = self.security_group_ids.as_ref().filter(|groups| !groups.is_empty()) {
            return Ok(groups.clone());
        }
        let request = cx
            .ec2()
            .describe_security_groups()
            .filters(filter("vpc-id", self.vpc_id.as_str()))
            .filters(filter("group-name", "default"));
        let answer = cx.observe("ec2:DescribeSecurityGroups", || request.clone().send()).await?;
        let groups = answer.security_groups.unwrap_or_default().into_iter();
        Ok(groups.filter_map(|group| group.group_id).collect())
    }
}

async fn modified(request: &ModifyVpcEndpointFluentBuilder, cx: &Cx) -> Result<()> {
    known(cx, || cx.mutate("ec2:ModifyVpcEndpoint", || request.clone().send())).await?;
    Ok(())
}

/// Returns what a list gains and what it loses, where that is anything.
fn differences(
    wanted: &Option<Set<String>>,
    live: &Option<Set<String>>,
) -> (Option<Vec<String>>, Option<Vec<String>>) {
    let items = |list: &Option<Set<String>>| list.clone().unwrap_or_default().0;
    let (wanted, live) = (items(wanted), items(live));
    let lacking = |of: &[String], from: &[String]| {
        let found: Vec<_> = of.iter().filter(|item| !from.contains(item)).cloned().collect();
        Some(found).filter(|found| !found.is_empty())
    };
    (lacking(&wanted, &live), lacking(&live, &wanted))
}

/// Returns what EC2 refused to delete; it says so in a good answer.
fn refusals(items: Vec<aws_sdk_ec2::types::UnsuccessfulItem>) -> Result<()> {
    let Some(error) = items.into_iter().find_map(|item| item.error) else { return Ok(()) };
    let code = error.code.unwrap_or_default();
    let code = code.rsplit('.').next().unwrap_or_default();
    Err(Failure::of_entry(code, error.message.unwrap_or_default()))
}

/// Returns the state in small letters: EC2 capitalises it now and then.
fn state(endpoint: &Description) -> String {
    endpoint.state.as_ref().map_or_else(String::new, |state| state.as_str().to_lowercase())
}

/// Whether an endpoint is there to stay.
fn is_there(endpoint: &Description) -> bool {
    !matches!(state(endpoint).as_str(), "deleting" | "deleted" | "expired" | "failed" | "rejected")
}

/// Waits until the endpoint works, or waits itself for somebody to accept it.
async fn available(id: &str, cx: &Cx) -> Result<Description> {
    cx.wait(DEADLINE, || async {
        let Some(endpoint) = describe(id, cx).await? else {
            return Ok(Poll::Pending("EC2 does not show the VPC endpoint yet".to_owned()));
        };
        let state = state(&endpoint);
        if !is_there(&endpoint) {
            let error = endpoint.last_error.and_then(|error| error.message);
            let why = error.or(endpoint.failure_reason).unwrap_or_default();
            return Err(Failure::refused(format!("the VPC endpoint is {state}: {why}")));
        }
        Ok(match state.as_str() {
            "pending" | "partial" => Poll::Pending(format!("the VPC endpoint is {state}")),
            _ => Poll::Ready(endpoint),
        })
    })
    .await
}

async fn describe(id: &str, cx: &Cx) -> Result<Option<Description>> {
    let request = cx.ec2().describe_vpc_endpoints().vpc_endpoint_ids(id);
    let answer = cx.observe("ec2:DescribeVpcEndpoints", || request.clone().send()).await.found()?;
    Ok(answer.and_then(|answer| answer.vpc_endpoints?.into_iter().next()))
}

fn attributes(endpoint: &Description) -> Attributes {
    let entry =
        |entry: &DnsEntry| Some(format!("{}:{}", entry.hosted_zone_id()?, entry.dns_name()?));
    Attributes {
        id: Early(endpoint.vpc_endpoint_id.clone().unwrap_or_default()),
        creation_timestamp: endpoint.creation_timestamp.as_ref().map(ToString::to_string),
        dns_entries: Volatile(endpoint.dns_entries().iter().filter_map(entry).collect()),
        network_interface_ids: Volatile(endpoint.network_interface_ids().to_vec()),
    }
}

fn properties(endpoint: Description) -> VpcEndpoint {
    let groups = endpoint.groups.unwrap_or_default().into_iter();
    VpcEndpoint {
        vpc_id: Fixed(Ready(endpoint.vpc_id.unwrap_or_default())),
        service_name: endpoint.service_name.map(Fixed),
        service_region: endpoint.service_region.map(Fixed),
        vpc_endpoint_type: endpoint.vpc_endpoint_type.map(|kind| Fixed(kind.to_string())),
        resource_configuration_arn: endpoint.resource_configuration_arn.map(Fixed),
        service_network_arn: endpoint.service_network_arn.map(Fixed),
        policy_document: endpoint.policy_document.map(|text| Policy::parse(&text)),
        route_table_ids: Some(Set(endpoint.route_table_ids.unwrap_or_default())),
        subnet_ids: Some(Set(endpoint.subnet_ids.unwrap_or_default())),
        security_group_ids: Some(groups.filter_map(|group| group.group_id).collect()),
        private_dns_enabled: endpoint.private_dns_enabled,
        ip_address_type: endpoint.ip_address_type.map(|kind| kind.to_string()),
        dns_options: endpoint.dns_options.map(DnsOptions::received),
        tags: tags_of(endpoint.tags.as_deref()),
    }
}
