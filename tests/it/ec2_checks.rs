//! What EC2 refuses of its kinds' properties is refused by the plan.

use payctl::resource::Desired;
use payctl::resources::kind;
use serde_json::{Value, json};

/// Returns the properties that have a fault.
fn faults(type_name: &str, properties: &Value) -> Vec<String> {
    let kind = kind(type_name).expect("a kind");
    let faults = kind.check(Desired(properties)).into_iter();
    faults.map(|fault| fault.property).collect()
}

/// Asserts what has a fault when `good`, which has none, is changed.
fn check(type_name: &str, good: &Value, changes: &[(Value, &[&str])]) {
    assert_eq!(faults(type_name, good), Vec::<String>::new(), "{good}");
    for (change, expected) in changes {
        let mut properties = good.clone();
        for (name, value) in change.as_object().expect("an object") {
            properties[name] = value.clone();
        }
        let mut found = faults(type_name, &properties);
        found.sort();
        assert_eq!(found, *expected, "{type_name} {properties}");
    }
}

#[test]
fn of_vpcs() {
    check(
        "AWS::EC2::VPC",
        &json!({"CidrBlock": "10.0.0.0/16"}),
        &[
            (json!({"CidrBlock": "10.0.0.0/28"}), &[]),
            (json!({"CidrBlock": "10.0.0.0/29"}), &["CidrBlock"]),
            (json!({"CidrBlock": "10.0.0.0/15"}), &["CidrBlock"]),
            (json!({"CidrBlock": "10.0.1.0/16"}), &["CidrBlock"]),
            (json!({"CidrBlock": "2001:db8::/32"}), &["CidrBlock"]),
            (json!({"CidrBlock": null}), &["CidrBlock"]),
            (json!({"CidrBlock": null, "Ipv4IpamPoolId": "ipam-pool-1"}), &[]),
            (json!({"Ipv4NetmaskLength": 20}), &["Ipv4NetmaskLength"]),
            (json!({"EnableDnsHostnames": true}), &[]),
            (
                json!({"EnableDnsHostnames": true, "EnableDnsSupport": false}),
                &["EnableDnsHostnames"],
            ),
        ],
    );
}

#[test]
fn of_subnets() {
    check(
        "AWS::EC2::Subnet",
        &json!({"VpcId": "vpc-1", "CidrBlock": "10.0.1.0/24"}),
        &[
            (json!({"CidrBlock": "10.0.1.0/30"}), &["CidrBlock"]),
            (json!({"CidrBlock": "10.0.1.1/24"}), &["CidrBlock"]),
            (json!({"CidrBlock": null}), &["CidrBlock"]),
            (json!({"Ipv6CidrBlock": "2001:db8:0:1::/64"}), &[]),
            (json!({"Ipv6CidrBlock": "2001:db8:0:1::/96"}), &["Ipv6CidrBlock"]),
            (json!({"Ipv6CidrBlock": "10.0.1.0/24"}), &["Ipv6CidrBlock"]),
            (json!({"AssignIpv6AddressOnCreation": true}), &["AssignIpv6AddressOnCreation"]),
            (json!({"Ipv6CidrBlock": "2001:db8:0:1::/64", "Ipv6Native": true}), &["Ipv6Native"]),
            (
                json!({"AvailabilityZone": "us-east-1a", "AvailabilityZoneId": "use1-az1"}),
                &["AvailabilityZoneId"],
            ),
        ],
    );
}

#[test]
fn of_routes() {
    check(
        "AWS::EC2::Route",
        &json!({
            "RouteTableId": "rtb-1",
            "DestinationCidrBlock": "0.0.0.0/0",
            "GatewayId": "igw-1",
        }),
        &[
            (json!({"DestinationCidrBlock": "10.0.0.1/8"}), &["DestinationCidrBlock"]),
            (json!({"DestinationCidrBlock": "::/0"}), &["DestinationCidrBlock"]),
            (json!({"DestinationIpv6CidrBlock": "::/0"}), &[""]),
            (json!({"DestinationCidrBlock": null}), &[""]),
            (json!({"NatGatewayId": "nat-1"}), &[""]),
            (json!({"GatewayId": null}), &[""]),
            (
                json!({"GatewayId": null, "EgressOnlyInternetGatewayId": "eigw-1"}),
                &["EgressOnlyInternetGatewayId"],
            ),
        ],
    );
}

#[test]
fn of_groups() {
    let rule = json!({"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "0.0.0.0/0"});
    let mut same = rule.clone();
    same["Description"] = json!("the same");
    check(
        "AWS::EC2::SecurityGroup",
        &json!({"GroupDescription": "HTTPS", "SecurityGroupIngress": [rule]}),
        &[
            (json!({"GroupDescription": ""}), &["GroupDescription"]),
            (json!({"GroupDescription": "HTTPS – only"}), &["GroupDescription"]),
            (json!({"GroupName": "sg-functions"}), &["GroupName"]),
            (json!({"SecurityGroupEgress": [rule]}), &[]),
            (json!({"SecurityGroupIngress": [rule, same]}), &["SecurityGroupIngress/1"]),
            (
                json!({"SecurityGroupEgress": [{"IpProtocol": "tcp", "CidrIp": "0.0.0.0/0"}]}),
                &["SecurityGroupEgress/0/FromPort", "SecurityGroupEgress/0/ToPort"],
            ),
            (json!({"SecurityGroupEgress": [{"IpProtocol": "-1"}]}), &["SecurityGroupEgress/0"]),
        ],
    );
    let mut single = rule.clone();
    single["GroupId"] = json!("sg-1");
    check(
        "AWS::EC2::SecurityGroupIngress",
        &single,
        &[(json!({"CidrIp": "10.0.0.0"}), &["CidrIp"]), (json!({"FromPort": 444}), &["ToPort"])],
    );
    assert_eq!(faults("AWS::EC2::SecurityGroupIngress", &rule), ["GroupId"]);
}

#[test]
fn of_endpoints() {
    check(
        "AWS::EC2::VPCEndpoint",
        &json!({
            "VpcId": "vpc-1",
            "ServiceName": "com.amazonaws.us-east-1.dynamodb",
            "RouteTableIds": ["rtb-1"],
            "PrivateDnsEnabled": false,
        }),
        &[
            (json!({"ServiceName": null}), &["ServiceName"]),
            (json!({"ServiceName": "com.amazonaws.us-east-1.sqs"}), &["VpcEndpointType"]),
            (json!({"SubnetIds": ["subnet-1"]}), &["SubnetIds"]),
            (json!({"SecurityGroupIds": ["sg-1"]}), &["SecurityGroupIds"]),
            (json!({"PrivateDnsEnabled": true}), &["PrivateDnsEnabled"]),
        ],
    );
    check(
        "AWS::EC2::VPCEndpoint",
        &json!({
            "VpcId": "vpc-1",
            "VpcEndpointType": "Interface",
            "ServiceName": "com.amazonaws.us-east-1.sqs",
            "SubnetIds": ["subnet-1"],
            "SecurityGroupIds": ["sg-1"],
            "PrivateDnsEnabled": true,
            "DnsOptions": {"DnsRecordIpType": "ipv4"},
        }),
        &[
            (json!({"SubnetIds": null}), &["SubnetIds"]),
            (json!({"RouteTableIds": ["rtb-1"]}), &["RouteTableIds"]),
        ],
    );
}

#[test]
fn of_gateways_and_addresses() {
    check(
        "AWS::EC2::NatGateway",
        &json!({"SubnetId": "subnet-1", "AllocationId": "eipalloc-1"}),
        &[
            (json!({"AllocationId": null}), &["AllocationId"]),
            (json!({"AllocationId": null, "ConnectivityType": "private"}), &[]),
            (json!({"ConnectivityType": "private"}), &["AllocationId"]),
            (json!({"SubnetId": null}), &["SubnetId"]),
        ],
    );
    check(
        "AWS::EC2::VPCGatewayAttachment",
        &json!({"VpcId": "vpc-1", "InternetGatewayId": "igw-1"}),
        &[(json!({"InternetGatewayId": null}), &[""]), (json!({"VpnGatewayId": "vgw-1"}), &[""])],
    );
    check(
        "AWS::EC2::EIP",
        &json!({"Domain": "vpc"}),
        &[(json!({"Domain": "standard"}), &["Domain"])],
    );
}
