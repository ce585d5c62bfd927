//! Creations: the calls that each takes, what EC2 does not know yet, and tokens.

use super::{Error, good};
use crate::wire::replay::Replay;
use payctl::resource::Id;
use serde_json::json;

#[test]
fn a_vpc_is_made_without_a_look_before_and_ready_when_its_switches_are() {
    let vpc = |state: &str| {
        format!(
            "<vpcId>vpc-1</vpcId><cidrBlock>10.0.0.0/16</cidrBlock><state>{state}</state>\
             <cidrBlockAssociationSet><item><associationId>vpc-cidr-assoc-1</associationId></item>\
             </cidrBlockAssociationSet>"
        )
    };
    let vpcs = |state: &str| good(format!("<vpcSet><item>{}</item></vpcSet>", vpc(state)));
    let hostnames = |on: bool| {
        good(format!(
            "<vpcId>vpc-1</vpcId><enableDnsHostnames><value>{on}</value></enableDnsHostnames>"
        ))
    };
    let replay = Replay::of(vec![
        ("CreateVpc", good(format!("<vpc>{}</vpc>", vpc("pending")))),
        ("DescribeVpcs", Error("InvalidVpcID.NotFound")),
        ("DescribeVpcs", vpcs("pending")),
        ("DescribeVpcs", vpcs("available")),
        ("ModifyVpcAttribute", Error("InvalidVpcID.NotFound")),
        ("ModifyVpcAttribute", good("<return>true</return>")),
        ("DescribeVpcAttribute", hostnames(false)),
        ("DescribeVpcAttribute", hostnames(true)),
        (
            "DescribeNetworkAcls",
            good(
                "<networkAclSet><item><networkAclId>acl-1</networkAclId><vpcId>vpc-1</vpcId>\
                 <default>true</default></item></networkAclSet>",
            ),
        ),
        (
            "DescribeSecurityGroups",
            good("<securityGroupInfo><item><groupId>sg-1</groupId></item></securityGroupInfo>"),
        ),
    ]);
    let desired = json!({
        "CidrBlock": "10.0.0.0/16",
        "EnableDnsSupport": true,
        "EnableDnsHostnames": true,
        "Tags": [{"Key": "Name", "Value": "functions"}],
    });
    let attributes = replay.create("AWS::EC2::VPC", desired).expect("created");
    replay.assert_over();
    assert_eq!(replay.created(), [Id::from("vpc-1")]);
    assert_eq!(
        attributes,
        json!({
            "VpcId": "vpc-1",
            "CidrBlock": "10.0.0.0/16",
            "CidrBlockAssociations": ["vpc-cidr-assoc-1"],
            "Ipv6CidrBlocks": [],
            "DefaultNetworkAcl": "acl-1",
            "DefaultSecurityGroup": "sg-1",
        })
    );
    // Tagged by the very call that makes it, so that a crash orphans nothing.
    assert_eq!(
        replay.sent("CreateVpc"),
        ["CidrBlock=10.0.0.0/16 TagSpecification.1.ResourceType=vpc \
          TagSpecification.1.Tag.1.Key=Name TagSpecification.1.Tag.1.Value=functions"]
    );
    // It has a name server from the start: only the host names are turned on.
    let turned = "EnableDnsHostnames.Value=true VpcId=vpc-1";
    assert_eq!(replay.sent("ModifyVpcAttribute"), [turned, turned]);
}

#[test]
fn a_subnet_waits_for_its_vpc_to_be_known_and_takes_one_call_for_each_switch() {
    let subnet = "<subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId><state>available</state>\
        <cidrBlock>10.0.1.0/24</cidrBlock><availabilityZone>us-east-1a</availabilityZone>";
    let replay = Replay::of(vec![
        ("CreateSubnet", Error("InvalidVpcID.NotFound")),
        ("CreateSubnet", good(format!("<subnet>{subnet}</subnet>"))),
        ("DescribeSubnets", good(format!("<subnetSet><item>{subnet}</item></subnetSet>"))),
        ("ModifySubnetAttribute", good("<return>true</return>")),
        ("DescribeNetworkAcls", good("<networkAclSet/>")),
    ]);
    let desired = json!({
        "VpcId": "vpc-1",
        "CidrBlock": "10.0.1.0/24",
        "MapPublicIpOnLaunch": false,
        "PrivateDnsNameOptionsOnLaunch":
            {"HostnameType": "ip-name", "EnableResourceNameDnsARecord": true},
    });
    replay.create("AWS::EC2::Subnet", desired).expect("created");
    replay.assert_over();
    // What is so anyway takes no call.
    assert_eq!(
        replay.sent("ModifySubnetAttribute"),
        ["EnableResourceNameDnsARecordOnLaunch.Value=true SubnetId=subnet-1"]
    );
}

#[test]
fn a_subnet_has_its_ipv6_addresses_before_interfaces_get_them() {
    let subnet = |state: &str| {
        good(format!(
            "<subnetSet><item><subnetId>subnet-1</subnetId><state>available</state>\
             <ipv6CidrBlockAssociationSet><item><ipv6CidrBlock>2001:db8:0:1::/64</ipv6CidrBlock>\
             <ipv6CidrBlockState><state>{state}</state></ipv6CidrBlockState></item>\
             </ipv6CidrBlockAssociationSet></item></subnetSet>"
        ))
    };
    let replay = Replay::of(vec![
        ("CreateSubnet", good("<subnet><subnetId>subnet-1</subnetId></subnet>")),
        ("DescribeSubnets", subnet("associating")),
        ("DescribeSubnets", subnet("associating")),
        ("DescribeSubnets", subnet("associated")),
        ("ModifySubnetAttribute", good("<return>true</return>")),
        ("ModifySubnetAttribute", good("<return>true</return>")),
        ("DescribeNetworkAcls", good("<networkAclSet/>")),
    ]);
    let desired = json!({
        "VpcId": "vpc-1",
        "CidrBlock": "10.0.1.0/24",
        "Ipv6CidrBlock": "2001:db8:0:1::/64",
        "AssignIpv6AddressOnCreation": true,
        "EnableLniAtDeviceIndex": 1,
    });
    let attributes = replay.create("AWS::EC2::Subnet", desired).expect("created");
    replay.assert_over();
    assert_eq!(attributes["Ipv6CidrBlocks"], json!(["2001:db8:0:1::/64"]));
    assert_eq!(
        replay.sent("ModifySubnetAttribute"),
        [
            "AssignIpv6AddressOnCreation.Value=true SubnetId=subnet-1",
            "EnableLniAtDeviceIndex=1 SubnetId=subnet-1"
        ]
    );
}

#[test]
fn a_lost_resource_is_found_by_its_tags_in_one_call() {
    for (type_name, desired, action, answer, id) in [
        (
            "AWS::EC2::VPC",
            json!({}),
            "DescribeVpcs",
            "<vpcSet><item><vpcId>vpc-1</vpcId>TAGS</item></vpcSet>",
            "vpc-1",
        ),
        (
            "AWS::EC2::EIP",
            json!({}),
            "DescribeAddresses",
            "<addressesSet><item><allocationId>eipalloc-1</allocationId>\
             <publicIp>192.0.2.1</publicIp>TAGS</item></addressesSet>",
            "192.0.2.1|eipalloc-1",
        ),
        (
            "AWS::EC2::NatGateway",
            json!({}),
            "DescribeNatGateways",
            "<natGatewaySet><item><natGatewayId>nat-0</natGatewayId><state>deleted</state>TAGS</item>\
             <item><natGatewayId>nat-1</natGatewayId><state>pending</state>TAGS</item></natGatewaySet>",
            "nat-1",
        ),
        (
            "AWS::EC2::VPCEndpoint",
            json!({"VpcId": "vpc-1"}),
            "DescribeVpcEndpoints",
            "<vpcEndpointSet><item><vpcEndpointId>vpce-0</vpcEndpointId><state>deleted</state>TAGS\
             </item><item><vpcEndpointId>vpce-1</vpcEndpointId><state>pending</state>TAGS</item>\
             </vpcEndpointSet>",
            "vpce-1",
        ),
    ] {
        for (generation, found) in [("0", Some(Id::from(id))), ("1", None)] {
            let tag = |key: &str, value: &str| {
                format!("<item><key>{key}</key><value>{value}</value></item>")
            };
            let tags = [
                tag("payctl:deployment", "wire.test"),
                tag("payctl:address", "us-east-1/Subject"),
                tag("payctl:generation", generation),
            ];
            let tags = format!("<tagSet>{}</tagSet>", tags.concat());
            let replay = Replay::of(vec![(action, good(answer.replace("TAGS", &tags)))]);
            let answer = replay.find(type_name, desired.clone()).expect("an answer");
            assert_eq!(answer, found, "{type_name}");
            replay.assert_over();
            let asked = replay.sent(action);
            assert!(asked[0].contains("Name=tag:payctl:address"), "{asked:?}");
        }
    }
}

#[test]
fn the_small_ones_take_a_call_to_be_made_and_one_to_be_seen() {
    for (type_name, desired, script) in [
        (
            "AWS::EC2::InternetGateway",
            json!({}),
            [
                (
                    "CreateInternetGateway",
                    "<internetGateway><internetGatewayId>igw-1</internetGatewayId></internetGateway>",
                ),
                (
                    "DescribeInternetGateways",
                    "<internetGatewaySet><item><internetGatewayId>igw-1</internetGatewayId></item>\
                     </internetGatewaySet>",
                ),
            ],
        ),
        (
            "AWS::EC2::VPCGatewayAttachment",
            json!({"VpcId": "vpc-1", "InternetGatewayId": "igw-1"}),
            [
                ("AttachInternetGateway", "<return>true</return>"),
                (
                    "DescribeInternetGateways",
                    "<internetGatewaySet><item><internetGatewayId>igw-1</internetGatewayId>\
                     <attachmentSet><item><vpcId>vpc-1</vpcId><state>available</state></item>\
                     </attachmentSet></item></internetGatewaySet>",
                ),
            ],
        ),
        (
            "AWS::EC2::RouteTable",
            json!({"VpcId": "vpc-1"}),
            [
                ("CreateRouteTable", "<routeTable><routeTableId>rtb-1</routeTableId></routeTable>"),
                (
                    "DescribeRouteTables",
                    "<routeTableSet><item><routeTableId>rtb-1</routeTableId></item></routeTableSet>",
                ),
            ],
        ),
        (
            "AWS::EC2::SubnetRouteTableAssociation",
            json!({"SubnetId": "subnet-1", "RouteTableId": "rtb-1"}),
            [
                ("AssociateRouteTable", "<associationId>rtbassoc-1</associationId>"),
                (
                    "DescribeRouteTables",
                    "<routeTableSet><item><routeTableId>rtb-1</routeTableId><associationSet><item>\
                     <routeTableAssociationId>rtbassoc-1</routeTableAssociationId>\
                     <routeTableId>rtb-1</routeTableId><subnetId>subnet-1</subnetId>\
                     <associationState><state>associated</state></associationState>\
                     </item></associationSet></item></routeTableSet>",
                ),
            ],
        ),
        (
            "AWS::EC2::EIP",
            json!({}),
            [
                (
                    "AllocateAddress",
                    "<publicIp>192.0.2.1</publicIp><allocationId>eipalloc-1</allocationId>",
                ),
                (
                    "DescribeAddresses",
                    "<addressesSet><item><allocationId>eipalloc-1</allocationId>\
                     <publicIp>192.0.2.1</publicIp></item></addressesSet>",
                ),
            ],
        ),
        (
            "AWS::EC2::VPCEndpoint",
            json!({"VpcId": "vpc-1", "ServiceName": "com.amazonaws.us-east-1.s3"}),
            [
                (
                    "CreateVpcEndpoint",
                    "<vpcEndpoint><vpcEndpointId>vpce-1</vpcEndpointId><state>available</state>\
                     </vpcEndpoint>",
                ),
                (
                    "DescribeVpcEndpoints",
                    "<vpcEndpointSet><item><vpcEndpointId>vpce-1</vpcEndpointId>\
                     <state>available</state></item></vpcEndpointSet>",
                ),
            ],
        ),
    ] {
        let replay = Replay::of(script.map(|(action, answer)| (action, good(answer))).into());
        replay.create(type_name, desired).expect("created");
        replay.assert_over();
        assert_eq!(replay.created().len(), 1, "{type_name}");
    }
}

#[test]
fn routes_have_any_destination_and_wait_for_what_they_lead_by() {
    for (name, destination, element) in [
        ("DestinationIpv6CidrBlock", "::/0", "destinationIpv6CidrBlock"),
        ("DestinationPrefixListId", "pl-1", "destinationPrefixListId"),
    ] {
        let tables = format!(
            "<routeTableSet><item><routeTableId>rtb-1</routeTableId><routeSet>\
             <item><{element}>{destination}</{element}></item></routeSet></item></routeTableSet>"
        );
        let replay = Replay::of(vec![
            ("CreateRoute", Error("InvalidGatewayID.NotFound")),
            ("CreateRoute", good("<return>true</return>")),
            ("DescribeRouteTables", good("<routeTableSet/>")),
            ("DescribeRouteTables", good(tables)),
        ]);
        let desired = json!({"RouteTableId": "rtb-1", name: destination, "GatewayId": "igw-1"});
        replay.create("AWS::EC2::Route", desired).expect("created");
        replay.assert_over();
        assert_eq!(
            replay.sent("CreateRoute")[1],
            format!("{name}={destination} GatewayId=igw-1 RouteTableId=rtb-1")
        );
        assert_eq!(replay.created(), [Id::join(["rtb-1", destination])]);
    }
}

#[test]
fn an_interface_endpoint_is_ready_when_it_is_available() {
    let endpoint = |state: &str| {
        good(format!(
            "<vpcEndpointSet><item><vpcEndpointId>vpce-1</vpcEndpointId><state>{state}</state>\
             <dnsEntrySet><item><dnsName>sqs.us-east-1.amazonaws.com</dnsName>\
             <hostedZoneId>Z1</hostedZoneId></item></dnsEntrySet></item></vpcEndpointSet>"
        ))
    };
    let replay = Replay::of(vec![
        ("CreateVpcEndpoint", Error("InvalidSubnetID.NotFound")),
        (
            "CreateVpcEndpoint",
            good(
                "<vpcEndpoint><vpcEndpointId>vpce-1</vpcEndpointId><state>pending</state></vpcEndpoint>",
            ),
        ),
        ("DescribeVpcEndpoints", Error("InvalidVpcEndpointId.NotFound")),
        ("DescribeVpcEndpoints", endpoint("pending")),
        ("DescribeVpcEndpoints", endpoint("available")),
    ]);
    let desired = json!({
        "VpcId": "vpc-1",
        "VpcEndpointType": "Interface",
        "ServiceName": "com.amazonaws.us-east-1.sqs",
        "SubnetIds": ["subnet-1"],
        "SecurityGroupIds": ["sg-1"],
    });
    let attributes = replay.create("AWS::EC2::VPCEndpoint", desired).expect("created");
    replay.assert_over();
    assert_eq!(attributes["DnsEntries"], json!(["Z1:sqs.us-east-1.amazonaws.com"]));
    // EC2 would turn private names on where CloudFormation leaves them off.
    assert_eq!(replay.values("CreateVpcEndpoint", "PrivateDnsEnabled"), ["false", "false"]);
    let tokens = replay.values("CreateVpcEndpoint", "ClientToken");
    assert_eq!(tokens[0], tokens[1], "a repeated call makes no second endpoint");
}

#[test]
fn a_token_that_leads_to_a_deleted_gateway_is_not_used_again() {
    let replay = Replay::of(vec![
        (
            "CreateNatGateway",
            good(
                "<natGateway><natGatewayId>nat-dead</natGatewayId><state>deleted</state></natGateway>",
            ),
        ),
        (
            "CreateNatGateway",
            good(
                "<natGateway><natGatewayId>nat-1</natGatewayId><state>pending</state></natGateway>",
            ),
        ),
        (
            "DescribeNatGateways",
            good(
                "<natGatewaySet><item><natGatewayId>nat-1</natGatewayId><state>pending</state></item></natGatewaySet>",
            ),
        ),
        (
            "DescribeNatGateways",
            good(
                "<natGatewaySet><item><natGatewayId>nat-1</natGatewayId><state>available</state></item></natGatewaySet>",
            ),
        ),
    ]);
    let desired = json!({"SubnetId": "subnet-1", "AllocationId": "eipalloc-1"});
    let attributes = replay.create("AWS::EC2::NatGateway", desired).expect("created");
    replay.assert_over();
    assert_eq!(attributes["NatGatewayId"], "nat-1");
    assert_eq!(replay.created(), [Id::from("nat-1")]);
    let tokens = replay.values("CreateNatGateway", "ClientToken");
    assert!(tokens.len() == 2 && tokens[0] != tokens[1], "{tokens:?}");
}

#[test]
fn a_gateway_that_fails_says_why() {
    let replay = Replay::of(vec![
        (
            "CreateNatGateway",
            good(
                "<natGateway><natGatewayId>nat-1</natGatewayId><state>pending</state></natGateway>",
            ),
        ),
        (
            "DescribeNatGateways",
            good(
                "<natGatewaySet><item><natGatewayId>nat-1</natGatewayId><state>failed</state>\
                 <failureMessage>Network vpc-1 has no Internet gateway attached</failureMessage>\
                 </item></natGatewaySet>",
            ),
        ),
    ]);
    let desired = json!({"SubnetId": "subnet-1", "AllocationId": "eipalloc-1"});
    let failure = replay.create("AWS::EC2::NatGateway", desired).expect_err("it fails");
    assert!(failure.message.contains("has no Internet gateway"), "{failure}");
}
