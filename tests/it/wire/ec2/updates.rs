//! Changes in place of what MiniStack does not keep: each is read from AWS's
//! form of it, compared, and sent.

use super::{Answer, Error, done, good};
use crate::wire::replay::Replay;
use serde_json::{Value, json};

const MODIFY_SUBNET: &str = "ModifySubnetAttribute";

/// A subnet with a block of IPv6 addresses, or without.
fn subnets(block: Option<&str>, state: &str, is_on: bool) -> Answer {
    let blocks = block.map_or_else(String::new, |block| {
        format!(
            "<item><associationId>assoc-1</associationId><ipv6CidrBlock>{block}</ipv6CidrBlock>\
             <ipv6CidrBlockState><state>{state}</state></ipv6CidrBlockState></item>"
        )
    });
    good(format!(
        "<subnetSet><item><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId><state>available</state>\
         <cidrBlock>10.0.1.0/24</cidrBlock>\
         <assignIpv6AddressOnCreation>{is_on}</assignIpv6AddressOnCreation>\
         <enableDns64>{is_on}</enableDns64>\
         <privateDnsNameOptionsOnLaunch><hostnameType>ip-name</hostnameType>\
         <enableResourceNameDnsARecord>false</enableResourceNameDnsARecord>\
         <enableResourceNameDnsAAAARecord>{is_on}</enableResourceNameDnsAAAARecord>\
         </privateDnsNameOptionsOnLaunch>\
         <ipv6CidrBlockAssociationSet>{blocks}</ipv6CidrBlockAssociationSet></item></subnetSet>"
    ))
}

fn acls() -> (&'static str, Answer) {
    ("DescribeNetworkAcls", good("<networkAclSet/>"))
}

#[test]
fn a_subnet_turns_off_what_needs_ipv6_before_it_loses_it() {
    let block = Some("2001:db8:0:1::/64");
    let replay = Replay::of(vec![
        ("DescribeSubnets", subnets(block, "associated", true)),
        acls(),
        (MODIFY_SUBNET, done()),
        (MODIFY_SUBNET, done()),
        (MODIFY_SUBNET, done()),
        (MODIFY_SUBNET, done()),
        ("DescribeSubnets", subnets(block, "associated", false)),
        ("DisassociateSubnetCidrBlock", done()),
        ("DescribeSubnets", subnets(block, "disassociating", false)),
        ("DescribeSubnets", subnets(None, "", false)),
        ("DescribeSubnets", subnets(None, "", false)),
        acls(),
    ]);
    let applied = json!({
        "VpcId": "vpc-1",
        "CidrBlock": "10.0.1.0/24",
        "Ipv6CidrBlock": "2001:db8:0:1::/64",
        "AssignIpv6AddressOnCreation": true,
        "EnableDns64": true,
        "EnableLniAtDeviceIndex": 1,
        "PrivateDnsNameOptionsOnLaunch": {"EnableResourceNameDnsAAAARecord": true},
    });
    let desired = json!({"VpcId": "vpc-1", "CidrBlock": "10.0.1.0/24"});
    let made = replay.update("AWS::EC2::Subnet", "subnet-1", &applied, desired).expect("updated");
    replay.assert_over();
    assert_eq!(
        replay.sent(MODIFY_SUBNET),
        [
            "AssignIpv6AddressOnCreation.Value=false SubnetId=subnet-1",
            "EnableDns64.Value=false SubnetId=subnet-1",
            "DisableLniAtDeviceIndex.Value=true SubnetId=subnet-1",
            "EnableResourceNameDnsAAAARecordOnLaunch.Value=false SubnetId=subnet-1",
        ]
    );
    assert_eq!(replay.sent("DisassociateSubnetCidrBlock"), ["AssociationId=assoc-1"]);
    assert_eq!(made["Ipv6CidrBlocks"], json!([]));
}

#[test]
fn a_subnet_turns_on_what_needs_ipv6_after_it_has_it() {
    let block = Some("2001:db8:0:1::/64");
    let replay = Replay::of(vec![
        ("DescribeSubnets", subnets(None, "", false)),
        acls(),
        ("DescribeSubnets", subnets(None, "", false)),
        ("DescribeSubnets", subnets(None, "", false)),
        ("AssociateSubnetCidrBlock", done()),
        ("DescribeSubnets", subnets(block, "associating", false)),
        ("DescribeSubnets", subnets(block, "associated", false)),
        (MODIFY_SUBNET, done()),
        (MODIFY_SUBNET, done()),
        ("DescribeSubnets", subnets(block, "associated", true)),
        acls(),
    ]);
    let applied = json!({"VpcId": "vpc-1", "CidrBlock": "10.0.1.0/24"});
    let mut desired = applied.clone();
    desired["Ipv6CidrBlock"] = json!("2001:db8:0:1::/64");
    desired["AssignIpv6AddressOnCreation"] = json!(true);
    desired["EnableDns64"] = json!(true);
    replay.update("AWS::EC2::Subnet", "subnet-1", &applied, desired).expect("updated");
    replay.assert_over();
    assert_eq!(
        replay.sent("AssociateSubnetCidrBlock"),
        ["Ipv6CidrBlock=2001:db8:0:1::/64 SubnetId=subnet-1"]
    );
}

#[test]
fn a_route_changes_over_to_any_target_in_one_call() {
    for (name, id) in [
        ("CarrierGatewayId", "cagw-1"),
        ("CoreNetworkArn", "arn:aws:networkmanager::000000000000:core-network/core-network-1"),
        ("InstanceId", "i-1"),
        ("LocalGatewayId", "lgw-1"),
        ("NatGatewayId", "nat-1"),
        ("NetworkInterfaceId", "eni-1"),
        ("OdbNetworkArn", "arn:aws:odb:us-east-1:000000000000:odb-network/odbnet_1"),
        ("TransitGatewayId", "tgw-1"),
        ("VpcEndpointId", "vpce-1"),
        ("VpcPeeringConnectionId", "pcx-1"),
    ] {
        let replay = Replay::of(vec![
            ("DescribeRouteTables", routes("gatewayId", "igw-1")),
            ("ReplaceRoute", done()),
        ]);
        let applied = route("GatewayId", "igw-1");
        replay
            .update("AWS::EC2::Route", "rtb-1|10.1.0.0/16", &applied, route(name, id))
            .expect("updated");
        replay.assert_over();
        let mut sent = [
            "DestinationCidrBlock=10.1.0.0/16".to_owned(),
            "RouteTableId=rtb-1".to_owned(),
            format!("{name}={id}"),
        ];
        sent.sort();
        assert_eq!(replay.sent("ReplaceRoute"), [sent.join(" ")]);
    }
}

#[test]
fn a_route_by_an_endpoint_is_shown_as_one_by_a_gateway() {
    let replay = Replay::of(vec![("DescribeRouteTables", routes("gatewayId", "vpce-1"))]);
    let applied = route("VpcEndpointId", "vpce-1");
    let id = "rtb-1|10.1.0.0/16";
    replay.update("AWS::EC2::Route", id, &applied, applied.clone()).expect("nothing to do");
    replay.assert_over();
}

fn route(target: &str, id: &str) -> Value {
    json!({"RouteTableId": "rtb-1", "DestinationCidrBlock": "10.1.0.0/16", target: id})
}

fn routes(element: &str, id: &str) -> Answer {
    good(format!(
        "<routeTableSet><item><routeTableId>rtb-1</routeTableId><routeSet><item>\
         <destinationCidrBlock>10.1.0.0/16</destinationCidrBlock><{element}>{id}</{element}>\
         <origin>CreateRoute</origin></item></routeSet></item></routeTableSet>"
    ))
}

#[test]
fn an_address_goes_to_an_instance_and_comes_back() {
    let addresses = |instance: &str| {
        good(format!(
            "<addressesSet><item><allocationId>eipalloc-1</allocationId>\
             <publicIp>192.0.2.1</publicIp><domain>vpc</domain>{instance}</item></addressesSet>"
        ))
    };
    let held = "<associationId>eipassoc-1</associationId><instanceId>i-1</instanceId>";
    let (type_name, id) = ("AWS::EC2::EIP", "192.0.2.1|eipalloc-1");
    let replay = Replay::of(vec![
        ("DescribeAddresses", addresses("")),
        ("AssociateAddress", done()),
        ("DescribeAddresses", addresses(held)),
        ("DescribeAddresses", addresses(held)),
        ("DisassociateAddress", done()),
    ]);
    let applied = json!({"InstanceId": "i-1"});
    replay.update(type_name, id, &json!({}), applied.clone()).expect("given");
    replay.update(type_name, id, &applied, json!({})).expect("taken back");
    replay.assert_over();
    assert_eq!(
        replay.sent("AssociateAddress"),
        ["AllocationId=eipalloc-1 AllowReassociation=true InstanceId=i-1"]
    );
    assert_eq!(replay.sent("DisassociateAddress"), ["AssociationId=eipassoc-1"]);
}

#[test]
fn a_vpc_changes_its_virtual_private_gateway() {
    let gateways = |id: &str, state: &str| {
        good(format!(
            "<vpnGatewaySet><item><vpnGatewayId>{id}</vpnGatewayId><attachments><item>\
             <vpcId>vpc-1</vpcId><state>{state}</state></item></attachments></item></vpnGatewaySet>"
        ))
    };
    let replay = Replay::of(vec![
        ("DescribeVpnGateways", gateways("vgw-1", "attached")),
        ("DescribeVpnGateways", gateways("vgw-1", "attached")),
        ("DetachVpnGateway", done()),
        ("DescribeVpnGateways", gateways("vgw-1", "detaching")),
        ("DescribeVpnGateways", gateways("vgw-1", "detached")),
        ("AttachVpnGateway", done()),
        ("DescribeVpnGateways", gateways("vgw-2", "attaching")),
        ("DescribeVpnGateways", gateways("vgw-2", "attached")),
    ]);
    let attachment = |id: &str| json!({"VpcId": "vpc-1", "VpnGatewayId": id});
    let (type_name, id) = ("AWS::EC2::VPCGatewayAttachment", "VGW|vpc-1");
    replay.update(type_name, id, &attachment("vgw-1"), attachment("vgw-2")).expect("changed");
    replay.assert_over();
    assert_eq!(replay.sent("AttachVpnGateway"), ["VpcId=vpc-1 VpnGatewayId=vgw-2"]);
}

/// A NAT gateway with one further address.
fn gateways(kind: &str, address: &str) -> Answer {
    good(format!(
        "<natGatewaySet><item><natGatewayId>nat-1</natGatewayId><subnetId>subnet-1</subnetId>\
         <state>available</state><connectivityType>{kind}</connectivityType><natGatewayAddressSet>\
         <item><isPrimary>true</isPrimary><status>succeeded</status></item>\
         <item><isPrimary>false</isPrimary><status>succeeded</status>{address}</item>\
         </natGatewayAddressSet></item></natGatewaySet>"
    ))
}

#[test]
fn a_public_gateway_gets_an_address_before_it_loses_another() {
    let old = "<allocationId>eipalloc-2</allocationId><associationId>eipassoc-2</associationId>";
    let gateway = || gateways("public", old);
    let replay = Replay::of(vec![
        ("DescribeNatGateways", gateway()),
        ("DescribeNatGateways", gateway()),
        ("AssociateNatGatewayAddress", good("<natGatewayId>nat-1</natGatewayId>")),
        ("DisassociateNatGatewayAddress", good("<natGatewayId>nat-1</natGatewayId>")),
        ("DescribeNatGateways", gateway()),
    ]);
    let applied = json!({"SubnetId": "subnet-1", "SecondaryAllocationIds": ["eipalloc-2"]});
    let desired = json!({
        "SubnetId": "subnet-1",
        "SecondaryAllocationIds": ["eipalloc-3"],
        "MaxDrainDurationSeconds": 60,
    });
    replay.update("AWS::EC2::NatGateway", "nat-1", &applied, desired).expect("changed");
    replay.assert_over();
    assert_eq!(
        replay.sent("AssociateNatGatewayAddress"),
        ["AllocationId.1=eipalloc-3 NatGatewayId=nat-1"]
    );
    assert_eq!(
        replay.sent("DisassociateNatGatewayAddress"),
        ["AssociationId.1=eipassoc-2 MaxDrainDurationSeconds=60 NatGatewayId=nat-1"]
    );
}

#[test]
fn a_private_gateway_changes_its_further_addresses() {
    let gateway = || gateways("private", "<privateIp>10.0.1.5</privateIp>");
    let replay = Replay::of(vec![
        ("DescribeNatGateways", gateway()),
        ("DescribeNatGateways", gateway()),
        ("AssignPrivateNatGatewayAddress", good("<natGatewayId>nat-1</natGatewayId>")),
        ("UnassignPrivateNatGatewayAddress", good("<natGatewayId>nat-1</natGatewayId>")),
        ("DescribeNatGateways", gateway()),
    ]);
    let with = |address: &str| {
        json!({
            "SubnetId": "subnet-1",
            "ConnectivityType": "private",
            "SecondaryPrivateIpAddresses": [address],
        })
    };
    replay
        .update("AWS::EC2::NatGateway", "nat-1", &with("10.0.1.5"), with("10.0.1.6"))
        .expect("changed");
    replay.assert_over();
    assert_eq!(
        replay.sent("AssignPrivateNatGatewayAddress"),
        ["NatGatewayId=nat-1 PrivateIpAddress.1=10.0.1.6"]
    );
    assert_eq!(
        replay.sent("UnassignPrivateNatGatewayAddress"),
        ["NatGatewayId=nat-1 PrivateIpAddress.1=10.0.1.5"]
    );
}

/// An interface endpoint as EC2 shows it.
fn endpoints() -> Answer {
    good(
        "<vpcEndpointSet><item><vpcEndpointId>vpce-1</vpcEndpointId><vpcId>vpc-1</vpcId>\
         <vpcEndpointType>Interface</vpcEndpointType><state>available</state>\
         <serviceName>com.amazonaws.us-east-1.sqs</serviceName>\
         <policyDocument>{\"Statement\":[]}</policyDocument>\
         <subnetIdSet><item>subnet-1</item></subnetIdSet>\
         <groupSet><item><groupId>sg-1</groupId></item></groupSet>\
         <privateDnsEnabled>true</privateDnsEnabled><ipAddressType>dualstack</ipAddressType>\
         <dnsOptions><dnsRecordIpType>dualstack</dnsRecordIpType></dnsOptions>\
         </item></vpcEndpointSet>",
    )
}

/// The properties that make such an endpoint.
fn endpoint() -> Value {
    json!({
        "VpcId": "vpc-1",
        "VpcEndpointType": "Interface",
        "ServiceName": "com.amazonaws.us-east-1.sqs",
        "SubnetIds": ["subnet-1"],
        "SecurityGroupIds": ["sg-1"],
        "PolicyDocument": {"Statement": []},
        "PrivateDnsEnabled": true,
        "IpAddressType": "dualstack",
        "DnsOptions": {"DnsRecordIpType": "dualstack"},
    })
}

#[test]
fn an_endpoint_that_is_as_it_should_be_is_left_alone() {
    let replay = Replay::of(vec![
        ("DescribeVpcEndpoints", endpoints()),
        ("DescribeVpcEndpoints", endpoints()),
    ]);
    replay
        .update("AWS::EC2::VPCEndpoint", "vpce-1", &endpoint(), endpoint())
        .expect("nothing to do");
    replay.assert_over();
}

#[test]
fn an_endpoint_changes_in_one_call() {
    let replay = Replay::of(vec![
        ("DescribeVpcEndpoints", endpoints()),
        ("DescribeVpcEndpoints", endpoints()),
        // A subnet of the same apply.
        ("ModifyVpcEndpoint", Error("InvalidSubnetID.NotFound")),
        ("ModifyVpcEndpoint", done()),
        ("DescribeVpcEndpoints", endpoints()),
    ]);
    let mut desired = endpoint();
    desired["SubnetIds"] = json!(["subnet-2"]);
    desired["SecurityGroupIds"] = json!(["sg-1", "sg-2"]);
    desired["PolicyDocument"] = json!({"Statement": [{"Effect": "Allow"}]});
    desired["PrivateDnsEnabled"] = json!(false);
    desired["IpAddressType"] = json!("ipv4");
    desired["DnsOptions"] = json!({"DnsRecordIpType": "ipv4"});
    replay.update("AWS::EC2::VPCEndpoint", "vpce-1", &endpoint(), desired).expect("changed");
    replay.assert_over();
    assert_eq!(
        replay.sent("ModifyVpcEndpoint")[1],
        "AddSecurityGroupId.1=sg-2 AddSubnetId.1=subnet-2 DnsOptions.DnsRecordIpType=ipv4 \
         IpAddressType=ipv4 PolicyDocument={\"Statement\":[{\"Effect\":\"Allow\"}]} \
         PrivateDnsEnabled=false RemoveSubnetId.1=subnet-1 VpcEndpointId=vpce-1"
    );
}

#[test]
fn an_endpoint_goes_back_to_ec2s_own() {
    let replay = Replay::of(vec![
        ("DescribeVpcEndpoints", endpoints()),
        ("DescribeVpcEndpoints", endpoints()),
        (
            "DescribeSecurityGroups",
            good("<securityGroupInfo><item><groupId>sg-0</groupId></item></securityGroupInfo>"),
        ),
        ("ModifyVpcEndpoint", done()),
        ("DescribeVpcEndpoints", endpoints()),
    ]);
    let mut desired = endpoint();
    let unset =
        ["SecurityGroupIds", "PolicyDocument", "PrivateDnsEnabled", "IpAddressType", "DnsOptions"];
    let properties = desired.as_object_mut().expect("an object");
    properties.retain(|name, _| !unset.contains(&name.as_str()));
    replay.update("AWS::EC2::VPCEndpoint", "vpce-1", &endpoint(), desired).expect("changed");
    replay.assert_over();
    assert_eq!(
        replay.sent("ModifyVpcEndpoint"),
        ["AddSecurityGroupId.1=sg-0 DnsOptions.DnsRecordIpType=ipv4 IpAddressType=ipv4 \
          PrivateDnsEnabled=false RemoveSecurityGroupId.1=sg-1 ResetPolicy=true \
          VpcEndpointId=vpce-1"]
    );
}

#[test]
fn an_endpoint_leaves_a_subnet_before_it_enters_another_of_its_zone() {
    let replay = Replay::of(vec![
        ("DescribeVpcEndpoints", endpoints()),
        ("DescribeVpcEndpoints", endpoints()),
        ("ModifyVpcEndpoint", Error("DuplicateSubnetsInSameZone")),
        ("ModifyVpcEndpoint", done()),
        ("DescribeVpcEndpoints", endpoints()),
        ("ModifyVpcEndpoint", done()),
        ("DescribeVpcEndpoints", endpoints()),
    ]);
    let mut desired = endpoint();
    desired["SubnetIds"] = json!(["subnet-2"]);
    replay.update("AWS::EC2::VPCEndpoint", "vpce-1", &endpoint(), desired).expect("changed");
    replay.assert_over();
    assert_eq!(
        replay.sent("ModifyVpcEndpoint"),
        [
            "AddSubnetId.1=subnet-2 RemoveSubnetId.1=subnet-1 VpcEndpointId=vpce-1",
            "RemoveSubnetId.1=subnet-1 VpcEndpointId=vpce-1",
            "AddSubnetId.1=subnet-2 VpcEndpointId=vpce-1",
        ]
    );
}
