//! What needs neither AWS nor credentials nor a network.

use super::SHOP;
use crate::support::payctl::{Output, TestEnvironment};

/// Runs a command whose environment holds nothing at all.
fn offline(arguments: &[&str]) -> Output {
    let environment = TestEnvironment::offline();
    environment.write("plans/shop.yaml", &SHOP.replace("eu-west-1", "ap-southeast-1"));
    environment.run_with(arguments, |command| {
        command.env_clear();
    })
}

#[test]
fn validate() {
    insta::assert_snapshot!(offline(&["validate", "shop"]), @"shop is valid: 4 nodes in us-east-1, ap-southeast-1");
    insta::assert_snapshot!(offline(&["validate", "shop", "--json"]), @r#"{"nodes":4,"regions":["us-east-1","ap-southeast-1"],"valid":true}"#);
}

#[test]
fn graph_as_dot() {
    insta::assert_snapshot!(offline(&["graph", "shop"]), @r#"
    digraph payctl {
      rankdir=LR;
      node [shape=box];
      subgraph cluster_0 {
        label="ap-southeast-1";
        "ap-southeast-1/Dead";
        "ap-southeast-1/Orders";
      }
      subgraph cluster_1 {
        label="us-east-1";
        "us-east-1/Dead";
        "us-east-1/Orders";
      }
      "ap-southeast-1/Orders" -> "ap-southeast-1/Dead";
      "us-east-1/Orders" -> "us-east-1/Dead";
    }
    "#);
}

#[test]
fn graph_as_mermaid() {
    insta::assert_snapshot!(offline(&["graph", "shop", "--format", "mermaid"]), @r#"
    flowchart LR
      subgraph ap-southeast-1
        n0["ap-southeast-1/Dead"]
        n1["ap-southeast-1/Orders"]
      end
      subgraph us-east-1
        n2["us-east-1/Dead"]
        n3["us-east-1/Orders"]
      end
      n1 --> n0
      n3 --> n2
    "#);
}

#[test]
fn schema_of_a_type() {
    let output = offline(&["schema", "AWS::SQS::QueuePolicy"]);
    output.success();
    let schema: serde_json::Value = serde_json::from_str(&output.stdout).expect("JSON");
    assert_eq!(schema["properties"]["required"], serde_json::json!(["PolicyDocument", "Queues"]));
    assert_eq!(schema["attributes"]["properties"]["Id"]["type"], "string");
}

#[test]
fn schema_of_a_type_that_is_not_there() {
    insta::assert_snapshot!(offline(&["schema", "AWS::SQS::Queu"]), @r"
    --- standard error ---
    Error: payctl does not know the type AWS::SQS::Queu
    Hint: did you mean AWS::SQS::Queue? All types: payctl schema --list
    --- exit code 1 ---
    ");
    insta::assert_snapshot!(offline(&["schema", "--list", "AWS::SQS::Queue"]), @r"
    --- standard error ---
    error: the argument '--list' cannot be used with '[TYPE]'

    Usage: payctl schema --list [TYPE]

    For more information, try '--help'.
    --- exit code 1 ---
    ");
}

#[test]
fn types_are_listed() {
    let output = offline(&["schema", "--list"]);
    output.success();
    let known: Vec<_> = payctl::resources::KINDS.iter().map(|kind| kind.meta().type_name).collect();
    assert_eq!(output.stdout.lines().collect::<Vec<_>>(), known);
}

#[test]
fn export() {
    insta::assert_snapshot!(offline(&["export", "shop", "--region", "ap-southeast-1"]), @r#"
    {
      "AWSTemplateFormatVersion": "2010-09-09",
      "Description": "shop.dev in ap-southeast-1",
      "Resources": {
        "Dead": {
          "DeletionPolicy": "Delete",
          "Properties": {
            "QueueName": "dead-dev"
          },
          "Type": "AWS::SQS::Queue",
          "UpdateReplacePolicy": "Delete"
        },
        "Orders": {
          "DeletionPolicy": "Delete",
          "Properties": {
            "DelaySeconds": 5,
            "QueueName": "orders-dev",
            "Tags": [
              {
                "Key": "dead-letters",
                "Value": {
                  "Fn::GetAtt": [
                    "Dead",
                    "Arn"
                  ]
                }
              }
            ]
          },
          "Type": "AWS::SQS::Queue",
          "UpdateReplacePolicy": "Delete"
        }
      }
    }
    "#);
    insta::assert_snapshot!(offline(&["export", "shop", "--region", "eu-west-1"]), @r"
    --- standard error ---
    Error: eu-west-1 is not among the regions
    Hint: regions: us-east-1, ap-southeast-1, and global
    --- exit code 1 ---
    ");
}
