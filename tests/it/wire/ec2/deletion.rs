//! Deletions: what lingers, what goes slowly, and what others hold.

use super::{Error, done, good};
use crate::wire::replay::Replay;
use serde_json::json;

/// Four interfaces, one each: Lambda's, detached; Lambda's, in use; one that
/// AWS manages; Lambda's in another subnet and group.
const INTERFACES: &str = "<networkInterfaceSet>\
    <item><networkInterfaceId>eni-free</networkInterfaceId><subnetId>subnet-1</subnetId>\
    <status>available</status><description>AWS Lambda VPC ENI-validation-1</description>\
    <groupSet><item><groupId>sg-1</groupId></item></groupSet></item>\
    <item><networkInterfaceId>eni-used</networkInterfaceId><subnetId>subnet-1</subnetId>\
    <status>in-use</status><description>AWS Lambda VPC ENI-validation-2</description>\
    <groupSet><item><groupId>sg-1</groupId></item></groupSet></item>\
    <item><networkInterfaceId>eni-other</networkInterfaceId><subnetId>subnet-1</subnetId>\
    <status>in-use</status><description>VPC Endpoint Interface vpce-1</description>\
    <requesterManaged>true</requesterManaged><groupSet><item><groupId>sg-1</groupId></item></groupSet></item>\
    <item><networkInterfaceId>eni-far</networkInterfaceId><subnetId>subnet-2</subnetId>\
    <status>available</status><description>AWS Lambda VPC ENI-validation-3</description>\
    <groupSet><item><groupId>sg-2</groupId></item></groupSet></item>\
    </networkInterfaceSet>";

/// The second of them when Lambda has let go of it.
const LET_GO: &str = "<networkInterfaceSet>\
    <item><networkInterfaceId>eni-used</networkInterfaceId><subnetId>subnet-1</subnetId>\
    <status>available</status><description>AWS Lambda VPC ENI-validation-2</description>\
    <groupSet><item><groupId>sg-1</groupId></item></groupSet></item></networkInterfaceSet>";

#[test]
fn interfaces_of_deleted_functions_are_removed_and_waited_for() {
    for (type_name, id, delete) in [
        ("AWS::EC2::Subnet", "subnet-1", "DeleteSubnet"),
        ("AWS::EC2::SecurityGroup", "sg-1", "DeleteSecurityGroup"),
    ] {
        let replay = Replay::of(vec![
            (delete, Error("DependencyViolation")),
            ("DescribeNetworkInterfaces", good(INTERFACES)),
            ("DeleteNetworkInterface", done()),
            ("DescribeNetworkInterfaces", good(LET_GO)),
            ("DeleteNetworkInterface", done()),
            (delete, done()),
        ]);
        replay.delete(type_name, id).expect("deleted");
        replay.assert_over();
        assert_eq!(
            replay.values("DeleteNetworkInterface", "NetworkInterfaceId"),
            ["eni-free", "eni-used"],
            "{id}"
        );
        let said = replay.said();
        assert!(
            said.contains(
                "waiting for Lambda to let go of network interface eni-used \
                 (AWS Lambda VPC ENI-validation-2),"
            ),
            "{said}"
        );
    }
}

#[test]
fn what_nothing_holds_is_deleted_in_one_call() {
    let replay = Replay::of(vec![("DeleteSubnet", done())]);
    replay.delete("AWS::EC2::Subnet", "subnet-1").expect("deleted");
    let replay = Replay::of(vec![("DeleteSubnet", Error("InvalidSubnetID.NotFound"))]);
    replay.delete("AWS::EC2::Subnet", "subnet-1").expect("gone already");
    replay.assert_over();
}

#[test]
fn what_others_are_being_deleted_from_is_deleted_after_them() {
    let replay = Replay::of(vec![
        ("DeleteSubnet", Error("DependencyViolation")),
        ("DescribeNetworkInterfaces", good("<networkInterfaceSet/>")),
        ("DeleteSubnet", Error("DependencyViolation")),
        ("DeleteSubnet", done()),
    ]);
    replay.delete("AWS::EC2::Subnet", "subnet-1").expect("deleted");
    replay.assert_over();
}

/// A server of somebody else's in our subnet, group and VPC, under which Lambda
/// has let go of everything.
const FOREIGN: &str = "<networkInterfaceSet>\
    <item><networkInterfaceId>eni-other</networkInterfaceId><subnetId>subnet-1</subnetId>\
    <vpcId>vpc-1</vpcId><status>in-use</status><description>a database</description>\
    <requesterManaged>false</requesterManaged>\
    <groupSet><item><groupId>sg-1</groupId></item></groupSet></item></networkInterfaceSet>";

#[test]
fn what_is_somebody_elses_is_named_and_not_waited_for() {
    for (type_name, id, delete) in [
        ("AWS::EC2::Subnet", "subnet-1", "DeleteSubnet"),
        ("AWS::EC2::SecurityGroup", "sg-1", "DeleteSecurityGroup"),
        ("AWS::EC2::VPC", "vpc-1", "DeleteVpc"),
    ] {
        let replay = Replay::of(vec![
            (delete, Error("DependencyViolation")),
            ("DescribeNetworkInterfaces", good(FOREIGN)),
        ]);
        let failure = replay.delete(type_name, id).expect_err("it is held");
        replay.assert_over();
        let words = "held by network interface eni-other (a database)";
        assert!(failure.message.contains(words), "{failure}");
    }
}

#[test]
fn interfaces_in_a_vpc_are_nobodys_to_delete() {
    let lambdas = FOREIGN.replace("a database", "AWS Lambda VPC ENI-theirs-1");
    let replay = Replay::of(vec![
        ("DeleteVpc", Error("DependencyViolation")),
        ("DescribeNetworkInterfaces", good(lambdas.replace("in-use", "available"))),
        ("DeleteVpc", Error("DependencyViolation")),
        ("DeleteVpc", done()),
    ]);
    replay.delete("AWS::EC2::VPC", "vpc-1").expect("deleted");
    replay.assert_over();
}

#[test]
fn an_endpoint_is_gone_when_ec2_shows_it_no_more() {
    let replay = Replay::of(vec![
        ("DeleteVpcEndpoints", good("<unsuccessful/>")),
        (
            "DescribeVpcEndpoints",
            good(
                "<vpcEndpointSet><item><vpcEndpointId>vpce-1</vpcEndpointId><state>Deleting</state></item></vpcEndpointSet>",
            ),
        ),
        ("DescribeVpcEndpoints", Error("InvalidVpcEndpointId.NotFound")),
    ]);
    replay.delete("AWS::EC2::VPCEndpoint", "vpce-1").expect("deleted");
    replay.assert_over();
}

#[test]
fn an_endpoint_that_ec2_does_not_delete_is_not_taken_for_deleted() {
    let refused = "<unsuccessful><item><resourceId>vpce-1</resourceId><error>\
        <code>Client.OperationNotPermitted</code><message>It is managed by a service</message>\
        </error></item></unsuccessful>";
    let replay = Replay::of(vec![("DeleteVpcEndpoints", good(refused))]);
    let failure = replay.delete("AWS::EC2::VPCEndpoint", "vpce-1").expect_err("it is refused");
    assert!(failure.message.contains("managed by a service"), "{failure}");
}

#[test]
fn an_address_is_given_back_when_its_gateway_has_let_go() {
    let replay = Replay::of(vec![
        ("ReleaseAddress", Error("InvalidIPAddress.InUse")),
        ("ReleaseAddress", done()),
    ]);
    let applied = json!({"NetworkBorderGroup": "us-east-1"});
    replay.delete_applied("AWS::EC2::EIP", "192.0.2.1|eipalloc-1", applied).expect("released");
    replay.assert_over();
    let released = "AllocationId=eipalloc-1 NetworkBorderGroup=us-east-1";
    assert_eq!(replay.sent("ReleaseAddress"), [released, released]);
}

#[test]
fn a_gateway_is_deleted_when_ec2_says_so() {
    let gateway = |state: &str| {
        good(format!(
            "<natGatewaySet><item><natGatewayId>nat-1</natGatewayId><state>{state}</state></item>\
             </natGatewaySet>"
        ))
    };
    let replay = Replay::of(vec![
        ("DeleteNatGateway", good("<natGatewayId>nat-1</natGatewayId>")),
        ("DescribeNatGateways", gateway("deleting")),
        ("DescribeNatGateways", gateway("deleted")),
    ]);
    replay.delete("AWS::EC2::NatGateway", "nat-1").expect("deleted");
    replay.assert_over();
}

#[test]
fn routes_are_deleted_by_their_destination() {
    for (destination, parameter) in [
        ("198.51.100.0/24", "DestinationCidrBlock"),
        ("2001:db8::/32", "DestinationIpv6CidrBlock"),
        ("pl-1", "DestinationPrefixListId"),
    ] {
        let replay = Replay::of(vec![("DeleteRoute", done())]);
        let id = format!("rtb-1|{destination}");
        replay.delete("AWS::EC2::Route", &id).expect("deleted");
        assert_eq!(
            replay.sent("DeleteRoute"),
            [format!("{parameter}={destination} RouteTableId=rtb-1")]
        );
    }
}
