//! Large stacks.

use super::{Known, expand};
use std::fmt::Write as _;

/// A stack of `count` resources in three regions, each using the one before.
fn stack(count: usize) -> String {
    let mut text = String::from(
        "Stack: large\nRegions: [us-east-1, eu-west-1, ap-southeast-1]\n\
         Tags: {Application: 'payments-${env}', Region: '${region}'}\nResources:\n",
    );
    for index in 0..count {
        let before = index.saturating_sub(1);
        let policy = match index {
            0 => String::new(),
            _ => format!(
                "\n      RedrivePolicy: {{deadLetterTargetArn: '${{Q{before}.Arn}}', \
                 maxReceiveCount: 3}}"
            ),
        };
        writeln!(
            text,
            "  Q{index}:\n    Type: AWS::SQS::Queue\n    Properties:\n      \
             QueueName: q{index}-${{region}}-${{env}}\n      DelaySeconds: ${{1 + 2}}{policy}"
        )
        .expect("text");
    }
    text
}

#[test]
fn ten_thousand_nodes_in_chains() {
    let expansion = expand(&stack(3334)).expect("a stack");
    assert_eq!(expansion.nodes.len(), 10_002);
    let known = Known::default();
    for node in expansion.nodes.values() {
        let properties = node.properties(&known).expect("properties");
        assert_eq!(properties["DelaySeconds"], 3);
    }
    let last = "ap-southeast-1/Q3333".parse().expect("an address");
    assert_eq!(expansion.nodes[&last].references[0].target.to_string(), "ap-southeast-1/Q3332");
}

#[test]
fn fifty_mistakes_are_fifty_mistakes() {
    let mut text = String::from("Stack: fifty\nRegions: [us-east-1]\nResources:\n");
    for index in 0..10 {
        writeln!(
            text,
            "  Q{index}:\n    Type: AWS::SQS::Queu\n    Properties:\n      \
             QueueNam: x\n      DelaySeconds: long\n      KmsMasterKeyId: ${{Q{index}.Arm}}\n      \
             DeduplicationScope: ${{nothing}}"
        )
        .expect("text");
    }
    let problems = super::parse(&text).expect_err("mistakes");
    assert_eq!(problems.len(), 50, "{problems}");
    let shown = problems.to_string();
    assert_eq!(shown.matches("error: ").count(), 50);
}
