//! The rules of security groups: EC2's own, those of others, and those that are
//! there already.

use super::{Answer, Error, done, good};
use crate::wire::replay::Replay;
use payctl::resource::{Class, Id};
use serde_json::{Value, json};

const IN: &str = "AuthorizeSecurityGroupIngress";
const OUT: &str = "AuthorizeSecurityGroupEgress";

/// EC2's rules for new groups in a VPC with IPv6.
const EVERYTHING: &str = "<item><ipProtocol>-1</ipProtocol><ipRanges><item><cidrIp>0.0.0.0/0</cidrIp>\
    </item></ipRanges></item><item><ipProtocol>-1</ipProtocol><ipv6Ranges><item>\
    <cidrIpv6>::/0</cidrIpv6></item></ipv6Ranges></item>";

/// HTTPS to or from a block.
fn https(block: &str) -> String {
    format!(
        "<item><ipProtocol>tcp</ipProtocol><fromPort>443</fromPort><toPort>443</toPort>\
         <ipRanges><item><cidrIp>{block}</cidrIp></item></ipRanges></item>"
    )
}

fn groups(ingress: &str, egress: &str) -> Answer {
    good(format!(
        "<securityGroupInfo><item><groupId>sg-1</groupId><groupName>functions</groupName>\
         <groupDescription>the functions</groupDescription><ownerId>000000000000</ownerId>\
         <vpcId>vpc-1</vpcId><ipPermissions>{ingress}</ipPermissions>\
         <ipPermissionsEgress>{egress}</ipPermissionsEgress></item></securityGroupInfo>"
    ))
}

fn rule(block: &str) -> Value {
    json!({"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": block})
}

fn group(ingress: &[&str], egress: &[&str]) -> Value {
    let rules = |blocks: &[&str]| blocks.iter().map(|block| rule(block)).collect::<Vec<_>>();
    let mut group = json!({
        "GroupName": "functions",
        "GroupDescription": "the functions",
        "VpcId": "vpc-1",
    });
    for (name, blocks) in [("SecurityGroupIngress", ingress), ("SecurityGroupEgress", egress)] {
        if !blocks.is_empty() {
            group[name] = json!(rules(blocks));
        }
    }
    group
}

fn create(script: Vec<(&'static str, Answer)>, desired: Value) -> Replay {
    let replay = Replay::of(script);
    replay.create("AWS::EC2::SecurityGroup", desired).expect("created");
    replay.assert_over();
    replay
}

fn update(script: Vec<(&'static str, Answer)>, applied: &Value, desired: Value) -> Replay {
    let replay = Replay::of(script);
    replay.update("AWS::EC2::SecurityGroup", "sg-1", applied, desired).expect("updated");
    replay.assert_over();
    replay
}

#[test]
fn a_new_group_loses_the_rules_that_let_everything_out() {
    let replay = create(
        vec![
            ("CreateSecurityGroup", good("<groupId>sg-1</groupId>")),
            // It takes a moment until EC2 shows it.
            ("DescribeSecurityGroups", Error("InvalidGroup.NotFound")),
            ("DescribeSecurityGroups", groups("", EVERYTHING)),
            ("RevokeSecurityGroupEgress", done()),
            (OUT, Error("InvalidGroup.NotFound")),
            (OUT, done()),
        ],
        group(&[], &["0.0.0.0/0"]),
    );
    let revoked =
        replay.values("RevokeSecurityGroupEgress", "IpPermissions.2.Ipv6Ranges.1.CidrIpv6");
    assert_eq!(revoked, ["::/0"], "the rule for IPv6 goes too");
}

#[test]
fn the_rule_that_lets_everything_out_goes_even_before_ec2_shows_it() {
    let replay = create(
        vec![
            ("CreateSecurityGroup", good("<groupId>sg-1</groupId>")),
            ("DescribeSecurityGroups", groups("", "")),
            ("RevokeSecurityGroupEgress", done()),
            (OUT, done()),
        ],
        group(&[], &["10.0.0.0/16"]),
    );
    let revoked = replay.values("RevokeSecurityGroupEgress", "IpPermissions.1.IpRanges.1.CidrIp");
    assert_eq!(revoked, ["0.0.0.0/0"]);
}

#[test]
fn a_group_without_rules_takes_two_calls_and_keeps_ec2s_own() {
    create(
        vec![
            ("CreateSecurityGroup", good("<groupId>sg-1</groupId>")),
            ("DescribeSecurityGroups", groups("", EVERYTHING)),
        ],
        group(&[], &[]),
    );
}

#[test]
fn the_first_rules_close_what_ec2_opened_beside_rules_of_others() {
    let others = format!("{EVERYTHING}{}", https("192.0.2.0/24"));
    let replay = update(
        vec![
            ("DescribeSecurityGroups", groups("", &others)),
            ("RevokeSecurityGroupEgress", done()),
            (OUT, done()),
        ],
        &group(&[], &[]),
        group(&[], &["10.0.0.0/16"]),
    );
    assert_eq!(
        replay.sent("RevokeSecurityGroupEgress"),
        ["GroupId=sg-1 IpPermissions.1.IpProtocol=-1 IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0/0 \
          IpPermissions.2.IpProtocol=-1 IpPermissions.2.Ipv6Ranges.1.CidrIpv6=::/0"]
    );
}

#[test]
fn rules_of_others_are_left_alone() {
    let live = format!("{}{EVERYTHING}", https("10.0.0.0/16"));
    let replay = update(
        vec![("DescribeSecurityGroups", groups("", &live)), (OUT, done())],
        &group(&[], &["10.0.0.0/16"]),
        group(&[], &["10.0.0.0/16", "10.1.0.0/16"]),
    );
    assert_eq!(
        replay.values(OUT, "IpPermissions.1.IpRanges.1.CidrIp"),
        ["10.1.0.0/16"],
        "only what is new is added"
    );
}

#[test]
fn rules_that_a_lost_answer_added_are_not_added_again() {
    let replay = update(
        vec![
            ("DescribeSecurityGroups", groups("", EVERYTHING)),
            (IN, Error("InvalidPermission.Duplicate")),
            ("DescribeSecurityGroups", groups(&https("10.0.0.0/16"), EVERYTHING)),
            (IN, done()),
        ],
        &group(&[], &[]),
        group(&["10.0.0.0/16", "10.1.0.0/16"], &[]),
    );
    assert_eq!(
        replay.sent(IN)[1],
        "GroupId=sg-1 IpPermissions.1.FromPort=443 IpPermissions.1.IpProtocol=tcp \
         IpPermissions.1.IpRanges.1.CidrIp=10.1.0.0/16 IpPermissions.1.ToPort=443"
    );
}

/// A rule as EC2 shows it, with an owner's tags or without.
fn shown(id: &str, deployment: &str) -> String {
    let tag =
        |key: &str, value: &str| format!("<item><key>{key}</key><value>{value}</value></item>");
    let tags = [
        tag("payctl:deployment", deployment),
        tag("payctl:address", "us-east-1/Subject"),
        tag("payctl:generation", "0"),
    ];
    format!(
        "<item><securityGroupRuleId>{id}</securityGroupRuleId><groupId>sg-1</groupId>\
         <isEgress>false</isEgress><ipProtocol>tcp</ipProtocol><fromPort>443</fromPort>\
         <toPort>443</toPort><cidrIpv4>10.0.0.0/16</cidrIpv4><tagSet>{}</tagSet></item>",
        tags.concat()
    )
}

fn single() -> Value {
    let mut single = rule("10.0.0.0/16");
    single["GroupId"] = json!("sg-1");
    single
}

#[test]
fn a_rule_of_its_own_is_told_from_others_by_its_tags() {
    let type_name = "AWS::EC2::SecurityGroupIngress";
    let rules =
        |rules: String| good(format!("<securityGroupRuleSet>{rules}</securityGroupRuleSet>"));
    let replay = Replay::of(vec![
        (IN, rules(shown("sgr-1", "wire.test"))),
        ("DescribeSecurityGroupRules", rules(shown("sgr-1", "wire.test"))),
        ("DescribeSecurityGroupRules", rules(shown("sgr-0", "") + &shown("sgr-1", "wire.test"))),
        ("DescribeSecurityGroupRules", rules(shown("sgr-0", "other.test"))),
    ]);
    replay.create(type_name, single()).expect("created");
    assert!(replay.sent(IN)[0].contains("TagSpecification.1.ResourceType=security-group-rule"));
    assert_eq!(replay.find(type_name, single()).expect("found"), Some(Id::from("sgr-1")));
    assert_eq!(replay.find(type_name, single()).expect("an answer"), None);
    replay.assert_over();
}

#[test]
fn a_rule_that_is_somebody_elses_is_not_taken_over() {
    let replay = Replay::of(vec![(IN, Error("InvalidPermission.Duplicate"))]);
    let made = replay.create("AWS::EC2::SecurityGroupIngress", single());
    assert_eq!(made.expect_err("it is there").class, Class::Exists);
    assert!(replay.created().is_empty());
}

#[test]
fn a_recorded_rule_is_removed_in_one_call() {
    let replay = Replay::of(vec![("RevokeSecurityGroupIngress", done())]);
    let type_name = "AWS::EC2::SecurityGroupIngress";
    replay.delete_applied(type_name, "sgr-1", single()).expect("removed");
    replay.assert_over();
    assert_eq!(
        replay.sent("RevokeSecurityGroupIngress"),
        ["GroupId=sg-1 SecurityGroupRuleId.1=sgr-1"]
    );
}
