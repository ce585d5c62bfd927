//! One file in several deployments, and what nodes say once more is known.

use super::{Known, deployment, expand, parse};
use crate::stack::Stack;
use serde_json::json;
use std::fs;
use std::path::Path;

const MESH: &str = "
Stack: mesh
Regions: [us-east-1, eu-west-1, ap-southeast-1]
Resources:
  Bucket:
    Type: AWS::Test::Bucket
    Properties:
      BucketName: mesh-${region}
      Replication:
        ForEach: {r: '${regions.filter(r, r != region)}'}
        Item: {Bucket: '${Bucket[r].Arn}'}
  Peer:
    Type: AWS::SQS::Queue
    ForEach: {peer: '${regions.filter(r, r != region)}'}
    Properties: {QueueName: '${region}-to-${peer}', KmsMasterKeyId: 'a ${Bucket} b'}
  Watch:
    Type: AWS::Test::Bucket
    Region: ${primary}
    Properties: {Notify: '${regions.map(r, Bucket[r].Arn)}'}
";

#[test]
fn one_file_serves_any_number_of_regions() {
    let stack = parse(MESH).expect("a stack");
    for (regions, nodes) in [
        (vec!["us-east-1"], 2),
        (vec!["us-east-1", "eu-west-1"], 5),
        (vec!["eu-west-1", "us-east-1", "us-west-2", "eu-north-1", "sa-east-1"], 26),
    ] {
        let mut deployment = deployment(&stack).expect("parameters");
        deployment.regions = regions.iter().map(|region| (*region).to_owned()).collect();
        deployment.primary = regions[0].to_owned();
        let expansion = stack.expand(&deployment).expect("nodes");
        assert_eq!(expansion.nodes.len(), nodes, "{regions:?}");
        assert_eq!(expansion.order.len(), nodes);
    }
}

#[test]
fn the_primary_must_be_one_of_the_regions() {
    let stack = parse(MESH).expect("a stack");
    let mut deployment = deployment(&stack).expect("parameters");
    deployment.primary = "eu-north-1".to_owned();
    let problems = stack.expand(&deployment).expect_err("a mistake").to_string();
    assert!(problems.contains("the primary region `eu-north-1`"), "{problems}");
    deployment.regions.clear();
    let problems = stack.expand(&deployment).expect_err("a mistake").to_string();
    assert!(problems.contains("no region"), "{problems}");
}

#[test]
fn properties_know_what_the_lookup_knows() {
    let expansion = expand(MESH).expect("nodes");
    let node = |address: &str| &expansion.nodes[&address.parse().expect("an address")];
    let known = Known::new([
        ("us-east-1/Bucket", json!("mesh")),
        ("us-east-1/Bucket.Arn", json!("arn:1")),
        ("eu-west-1/Bucket.Arn", json!("arn:2")),
    ]);
    let peer = node("us-east-1/Peer[eu-west-1]").properties(&known).expect("properties");
    assert_eq!(peer, json!({"QueueName": "us-east-1-to-eu-west-1", "KmsMasterKeyId": "a mesh b"}));
    let here = node("us-east-1/Bucket").property("Replication", &known).expect("a property");
    assert_eq!(
        here,
        json!([{"Bucket": "arn:2"}, {"Bucket": {"$unknown": ["ap-southeast-1/Bucket.Arn"]}}])
    );
    let absent = node("us-east-1/Bucket").property("Notify", &known).expect("a property");
    assert_eq!(absent, json!(null));
    let watch = node("us-east-1/Watch").property("Notify", &known).expect("a property");
    assert_eq!(watch, json!({"$unknown": ["ap-southeast-1/Bucket.Arn"]}));
    let known = Known::new([
        ("us-east-1/Bucket.Arn", json!("arn:1")),
        ("eu-west-1/Bucket.Arn", json!("arn:2")),
        ("ap-southeast-1/Bucket.Arn", json!("arn:3")),
    ]);
    let watch = node("us-east-1/Watch").property("Notify", &known).expect("a property");
    assert_eq!(watch, json!(["arn:1", "arn:2", "arn:3"]));
}

#[test]
fn a_value_that_turns_out_wrong_is_a_mistake_in_the_file() {
    let text = "
Stack: late
Regions: [us-east-1]
Resources:
  A: {Type: AWS::SQS::Queue}
  B: {Type: AWS::SQS::Queue, Properties: {QueueName: '${A.Arn.split(\":\")[9]}'}}
";
    let expansion = expand(text).expect("nodes");
    let node = &expansion.nodes[&"us-east-1/B".parse().expect("an address")];
    let known = Known::new([("us-east-1/A.Arn", json!("arn:aws:sqs"))]);
    let problems = node.properties(&known).expect_err("a mistake").to_string();
    assert!(problems.contains("stack.yaml:6"), "{problems}");
    assert!(problems.contains("the list is shorter than that"), "{problems}");
}

#[test]
fn nodes_are_shared_between_threads() {
    fn check<T: Send + Sync + Clone>(_: &T) {}
    let stack = parse(MESH).expect("a stack");
    let expansion = expand(MESH).expect("nodes");
    check(&stack);
    check(&expansion);
    expansion.nodes.values().for_each(check);
    expansion.outputs.iter().for_each(check);
}

#[test]
fn paths_start_from_the_project_folder() {
    let project = tempfile::tempdir().expect("a folder");
    let plans = project.path().join("plans");
    fs::create_dir(&plans).expect("made");
    let text = "Stack: a\nDescription: b\nRegions: [us-east-1]\nResources: {}\n";
    for folder in [project.path(), &plans] {
        let file = folder.join("a.yaml");
        fs::write(&file, text).expect("written");
        let stack = Stack::load(&file).expect("a stack");
        assert_eq!(stack.root(), project.path());
        assert_eq!((stack.name(), stack.description()), ("a", Some("b")));
        assert_eq!(stack.regions(), ["us-east-1"]);
    }
}

#[test]
fn a_file_that_cannot_be_read_is_a_mistake() {
    let folder = tempfile::tempdir().expect("a folder");
    let binary = folder.path().join("binary.yaml");
    fs::write(&binary, b"Stack: \xff").expect("written");
    for (path, why) in [
        (folder.path().join("none.yaml"), "there is no such file"),
        (folder.path().to_path_buf(), "it is a folder"),
        (binary, "byte 8 is not UTF-8 text"),
    ] {
        let problems = Stack::load(&path).expect_err("a mistake").to_string();
        assert!(problems.contains(why), "{problems}");
    }
}

#[test]
fn the_schema_of_the_file_describes_every_type() {
    let schema = Stack::json_schema();
    let text = schema.to_string();
    for kind in crate::resources::KINDS {
        assert!(text.contains(kind.meta().type_name));
    }
    assert!(!text.contains("x-replace"), "internal marks stay inside");
    let first = crate::resources::KINDS[0].meta().type_name;
    let branch = &schema["properties"]["Resources"]["additionalProperties"]["allOf"][0];
    assert_eq!(branch["if"]["properties"]["Type"]["const"], first);
}

#[test]
fn the_payment_stack_expands() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("plans/payment-processing.yaml");
    let stack = Stack::load(&file).expect("the payment stack");
    let expansion = stack.expand(&deployment(&stack).expect("parameters")).expect("nodes");
    assert!(expansion.nodes.len() > 60, "{} nodes", expansion.nodes.len());
    for node in expansion.nodes.values() {
        node.properties(&Known::default()).expect("properties");
    }
}
