//! `AWS::EC2::Route`: a route of a route table.

use super::ec2::{Blocks, known, seen};
use crate::resource::{
    Changes, Cx, Desired, Early, Fault, Fixed, Found as _, Id, Live, Meta, Place, Ready, Recorded,
    Resource, Result,
};
use aws_sdk_ec2::types::{Route as Description, RouteOrigin};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A route. What it leads by must work first: EC2 refuses what is still
/// coming up. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-ec2-route.html>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Route {
    /// The route table.
    pub route_table_id: Fixed<String>,
    /// Where to: a block of IPv4 addresses.
    pub destination_cidr_block: Option<Fixed<String>>,
    /// Where to: a block of IPv6 addresses.
    pub destination_ipv6_cidr_block: Option<Fixed<String>>,
    /// Where to: a prefix list.
    pub destination_prefix_list_id: Option<Fixed<String>>,
    /// By which internet gateway or virtual private gateway.
    pub gateway_id: Option<String>,
    /// By which NAT gateway.
    pub nat_gateway_id: Option<Ready<String>>,
    /// By which gateway for outgoing IPv6.
    pub egress_only_internet_gateway_id: Option<String>,
    /// By which NAT instance.
    pub instance_id: Option<Ready<String>>,
    /// By which network interface.
    pub network_interface_id: Option<String>,
    /// By which Gateway Load Balancer endpoint.
    pub vpc_endpoint_id: Option<Ready<String>>,
    /// By which peering connection.
    pub vpc_peering_connection_id: Option<String>,
    /// By which transit gateway.
    pub transit_gateway_id: Option<Ready<String>>,
    /// By which gateway of an Outpost.
    pub local_gateway_id: Option<String>,
    /// By which carrier gateway.
    pub carrier_gateway_id: Option<String>,
    /// By which core network.
    pub core_network_arn: Option<String>,
    /// By which ODB network.
    pub odb_network_arn: Option<String>,
}

/// What is known of a route.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    /// Where it leads to: a block of addresses or a prefix list.
    pub cidr_block: Early<String>,
}

const DESTINATIONS: [&str; 3] =
    ["DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId"];

const TARGETS: [&str; 12] = [
    "CarrierGatewayId",
    "CoreNetworkArn",
    "EgressOnlyInternetGatewayId",
    "GatewayId",
    "InstanceId",
    "LocalGatewayId",
    "NatGatewayId",
    "NetworkInterfaceId",
    "OdbNetworkArn",
    "TransitGatewayId",
    "VpcEndpointId",
    "VpcPeeringConnectionId",
];

/// Gives a request the destination and the target of a route, under the names
/// that creating and replacing share.
macro_rules! filled {
    ($request:expr, $route:expr) => {
        $request
            .route_table_id(&$route.route_table_id.0)
            .set_destination_cidr_block($route.destination_cidr_block.as_deref().cloned())
            .set_destination_ipv6_cidr_block($route.destination_ipv6_cidr_block.as_deref().cloned())
            .set_destination_prefix_list_id($route.destination_prefix_list_id.as_deref().cloned())
            .set_gateway_id($route.gateway_id.clone())
            .set_nat_gateway_id($route.nat_gateway_id.as_deref().cloned())
            .set_egress_only_internet_gateway_id($route.egress_only_internet_gateway_id.clone())
            .set_instance_id($route.instance_id.as_deref().cloned())
            .set_network_interface_id($route.network_interface_id.clone())
            .set_vpc_endpoint_id($route.vpc_endpoint_id.as_deref().cloned())
            .set_vpc_peering_connection_id($route.vpc_peering_connection_id.clone())
            .set_transit_gateway_id($route.transit_gateway_id.as_deref().cloned())
            .set_local_gateway_id($route.local_gateway_id.clone())
            .set_carrier_gateway_id($route.carrier_gateway_id.clone())
            .set_core_network_arn($route.core_network_arn.clone())
            .set_odb_network_arn($route.odb_network_arn.clone())
    };
}

impl Resource for Route {
    type Attributes = Attributes;

    const META: Meta = Meta::regional("AWS::EC2::Route");

    fn identity(desired: Desired<'_>, _place: &Place) -> Option<Id> {
        let destination = DESTINATIONS.iter().find_map(|name| desired.text(name))?;
        Some(Id::join([desired.text("RouteTableId")?, destination]))
    }

    fn predict(desired: Desired<'_>, _place: &Place) -> Value {
        let destination = DESTINATIONS.iter().find_map(|name| desired.text(name));
        destination.map_or(Value::Null, |destination| json!({"CidrBlock": destination}))
    }

    fn check(desired: Desired<'_>) -> Vec<Fault> {
        let blocks = DESTINATIONS.iter().zip([Blocks::ANY_V4, Blocks::ANY_V6]);
        let mut faults: Vec<_> =
            blocks.filter_map(|(property, of)| of.fault(desired, property)).collect();
        let is_set = |name: &&&str| desired.0.get(**name).is_some_and(|value| !value.is_null());
        for (names, what) in [(&DESTINATIONS[..], "leads to"), (&TARGETS[..], "leads by")] {
            if names.iter().filter(is_set).count() != 1 {
                let names = names.join(", ");
                faults.push(Fault::new("", format!("a route {what} exactly one of {names}")));
            }
        }
        if is_set(&&"EgressOnlyInternetGatewayId") && is_set(&&"DestinationCidrBlock") {
            faults.push(Fault::new(
                "EgressOnlyInternetGatewayId",
                "it is for IPv6: set DestinationIpv6CidrBlock",
            ));
        }
        faults
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let [table, destination] = id.parts();
        let found = describe(table, destination, cx).await?;
        Ok(found.map(|route| Live {
            id: id.clone(),
            properties: Self::received(table, route),
            attributes: Attributes { cidr_block: Early(destination.to_owned()) },
        }))
    }

    async fn converge(
        &self,
        current: Option<&Live<Self>>,
        changes: &Changes,
        cx: &Cx,
    ) -> Result<Attributes> {
        let (table, destination) = (self.route_table_id.as_str(), self.destination());
        let attributes = Attributes { cidr_block: Early(destination.to_owned()) };
        if current.is_none() {
            let request = filled!(cx.ec2().create_route(), self);
            known(cx, || cx.mutate("ec2:CreateRoute", || request.clone().send())).await?;
            cx.created(&Id::join([table, destination]), json!(attributes)).await?;
            seen(cx, || describe(table, destination, cx)).await?;
        } else if changes.any(&TARGETS) {
            let request = filled!(cx.ec2().replace_route(), self);
            known(cx, || cx.mutate("ec2:ReplaceRoute", || request.clone().send())).await?;
        }
        Ok(attributes)
    }

    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let [table, destination] = recorded.id.parts();
        let request = cx.ec2().delete_route().route_table_id(table);
        let request = if destination.starts_with("pl-") {
            request.destination_prefix_list_id(destination)
        } else if destination.contains(':') {
            request.destination_ipv6_cidr_block(destination)
        } else {
            request.destination_cidr_block(destination)
        };
        cx.mutate("ec2:DeleteRoute", || request.clone().send()).await.found()?;
        Ok(())
    }
}

impl Route {
    fn destination(&self) -> &str {
        let destinations = [
            &self.destination_cidr_block,
            &self.destination_ipv6_cidr_block,
            &self.destination_prefix_list_id,
        ];
        destinations.into_iter().flatten().next().map_or("", |destination| destination.0.as_str())
    }

    fn received(table: &str, route: Description) -> Self {
        // EC2 shows an endpoint as the gateway that it is.
        let (vpc_endpoint_id, gateway_id) = match route.gateway_id {
            Some(id) if id.starts_with("vpce-") => (Some(Ready(id)), None),
            id => (None, id),
        };
        Self {
            route_table_id: Fixed(table.to_owned()),
            destination_cidr_block: route.destination_cidr_block.map(Fixed),
            destination_ipv6_cidr_block: route.destination_ipv6_cidr_block.map(Fixed),
            destination_prefix_list_id: route.destination_prefix_list_id.map(Fixed),
            gateway_id,
            nat_gateway_id: route.nat_gateway_id.map(Ready),
            egress_only_internet_gateway_id: route.egress_only_internet_gateway_id,
            instance_id: route.instance_id.map(Ready),
            network_interface_id: route.network_interface_id,
            vpc_endpoint_id,
            vpc_peering_connection_id: route.vpc_peering_connection_id,
            transit_gateway_id: route.transit_gateway_id.map(Ready),
            local_gateway_id: route.local_gateway_id,
            carrier_gateway_id: route.carrier_gateway_id,
            core_network_arn: route.core_network_arn,
            odb_network_arn: route.odb_network_arn,
        }
    }
}

/// Returns the route of a table with this destination, unless a gateway
/// announced it.
async fn describe(table: &str, destination: &str, cx: &Cx) -> Result<Option<Description>> {
    let request = cx.ec2().describe_route_tables().route_table_ids(table);
    let answer = cx.observe("ec2:DescribeRouteTables", || request.clone().send()).await.found()?;
    let tables = answer.and_then(|answer| answer.route_tables).unwrap_or_default();
    let mut routes = tables.into_iter().flat_map(|table| table.routes.unwrap_or_default());
    Ok(routes.find(|route| {
        let destinations = [
            route.destination_cidr_block(),
            route.destination_ipv6_cidr_block(),
            route.destination_prefix_list_id(),
        ];
        destinations.contains(&Some(destination))
            && route.origin != Some(RouteOrigin::EnableVgwRoutePropagation)
    }))
}
