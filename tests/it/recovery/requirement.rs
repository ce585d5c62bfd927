//! The requirement's names and figures, as they were applied.

use super::deployment::{PRIMARY, REGIONS, Recovery, SECONDARY};
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[tokio::test]
async fn every_component_has_its_place_and_its_name() {
    let recovery = Recovery::applied().await;
    let expected =
        [("global", 7), (PRIMARY, 38 + 1), (SECONDARY, 38 + 6)].map(|(p, n)| (p.to_owned(), n));
    assert_eq!(recovery.places(), BTreeMap::from(expected));

    let state = recovery.state();
    let text = state.to_string();
    let missing: Vec<String> =
        names(&recovery.env).into_iter().filter(|name| !text.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "nothing has these names: {missing:#?}");
    let outputs = recovery.outputs();
    for name in OUTPUTS {
        assert!(!outputs[name].is_null(), "there is no output {name}: {outputs:#}");
    }
}

#[tokio::test]
async fn it_needs_two_regions_and_calls_no_third() {
    let recovery = Recovery::new().await;
    let one = recovery.run(&["validate", "--regions", "us-east-1"]);
    assert_eq!(one.code, Some(1), "{one}");
    let plan = recovery.plan(&["--regions", "us-east-1,us-east-2,eu-west-1"]);
    let has = |address: &str| plan.contains(&format!("{address} create"));
    assert!(has("eu-west-1/Validation") && has("global/HealthCheck[us-east-2]"), "{plan:#?}");
    assert!(!has("global/HealthCheck[eu-west-1]"), "{plan:#?}");
}

/// The outputs that the requirement gives.
const OUTPUTS: [&str; 4] =
    ["primary_api_endpoint", "secondary_api_endpoint", "transactions_table_name", "hosted_zone_id"];

/// Returns the names that the requirement gives.
fn names(env: &str) -> Vec<String> {
    let mut names: Vec<String> = [
        format!("payment-transactions-{env}"),
        format!("payment-failover-orchestration-{env}"),
        format!("payment-api-{env}.internal"),
    ]
    .map(|name| format!("\"{name}\""))
    .into();
    for region in REGIONS {
        let of_region = ["processing-queue", "dlq", "alerts", "validation", "processing", "api"]
            .into_iter()
            .chain(["api-latency", "dashboard"]);
        names.extend(of_region.map(|what| format!("\"payment-{what}-{env}-{region}\"")));
    }
    names
}

#[tokio::test]
async fn the_figures_are_those_of_the_requirement() {
    let recovery = Recovery::applied().await;
    let state = recovery.state();
    let mut wrong = Vec::new();
    let mut expect = |address: &str, path: &str, value: Value| {
        let found = state[address]["properties"].pointer(path);
        if found != Some(&value) {
            wrong.push(format!("{address} {path}: {found:?} instead of {value}"));
        }
    };
    expect("us-east-1/Transactions", "/BillingMode", json!("PAY_PER_REQUEST"));
    expect("us-east-1/Transactions", "/KeySchema/0/AttributeName", json!("transaction_id"));
    let stream = "/StreamSpecification/StreamViewType";
    expect("us-east-1/Transactions", stream, json!("NEW_AND_OLD_IMAGES"));
    for (index, region) in REGIONS.into_iter().enumerate() {
        let recovery = format!(
            "/Replicas/{index}/PointInTimeRecoverySpecification/PointInTimeRecoveryEnabled"
        );
        expect("us-east-1/Transactions", &format!("/Replicas/{index}/Region"), json!(region));
        expect("us-east-1/Transactions", &recovery, json!(true));
        for (name, path, value) in figures() {
            expect(&format!("{region}/{name}"), path, value);
        }
    }
    for (region, role) in [(PRIMARY, "PRIMARY"), (SECONDARY, "SECONDARY")] {
        let check = format!("global/HealthCheck[{region}]");
        for (path, value) in [
            ("/HealthCheckConfig/Type", json!("HTTPS")),
            ("/HealthCheckConfig/Port", json!(443)),
            ("/HealthCheckConfig/FailureThreshold", json!(3)),
            ("/HealthCheckConfig/RequestInterval", json!(30)),
            ("/HealthCheckConfig/MeasureLatency", json!(true)),
        ] {
            expect(&check, path, value);
        }
        let index = usize::from(region == SECONDARY);
        for (key, value) in [("Failover", role), ("TTL", "60"), ("Type", "CNAME")] {
            expect("global/Records", &format!("/RecordSets/{index}/{key}"), json!(value));
        }
    }
    for (path, value) in [
        ("/MemorySize", json!(256)),
        ("/Timeout", json!(60)),
        ("/ReservedConcurrentExecutions", json!(5)),
        ("/Runtime", json!("python3.11")),
    ] {
        expect("us-east-2/Failover", path, value);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Returns the figures of each region: resource, property, value.
fn figures() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("Vpc", "/CidrBlock", json!("10.0.0.0/16")),
        ("Vpc", "/EnableDnsSupport", json!(true)),
        ("Vpc", "/EnableDnsHostnames", json!(true)),
        ("Subnet[1]", "/CidrBlock", json!("10.0.1.0/24")),
        ("Subnet[2]", "/CidrBlock", json!("10.0.2.0/24")),
        ("ProcessingQueue", "/VisibilityTimeout", json!(300)),
        ("ProcessingQueue", "/MessageRetentionPeriod", json!(345_600)),
        ("ProcessingQueue", "/RedrivePolicy/maxReceiveCount", json!(3)),
        ("DeadLetters", "/MessageRetentionPeriod", json!(1_209_600)),
        ("Validation", "/Runtime", json!("python3.11")),
        ("Validation", "/MemorySize", json!(256)),
        ("Validation", "/Timeout", json!(30)),
        ("Validation", "/ReservedConcurrentExecutions", json!(10)),
        ("Processing", "/MemorySize", json!(512)),
        ("Processing", "/Timeout", json!(60)),
        ("Processing", "/ReservedConcurrentExecutions", json!(20)),
        ("ProcessingTrigger", "/BatchSize", json!(10)),
        ("ProcessingTrigger", "/MaximumBatchingWindowInSeconds", json!(5)),
        ("ApiStage", "/StageName", json!("prod")),
        ("LatencyAlarm", "/Statistic", json!("Average")),
        ("LatencyAlarm", "/Threshold", json!(1000)),
        ("LatencyAlarm", "/EvaluationPeriods", json!(2)),
        ("ValidationAlarm", "/Threshold", json!(10)),
        ("ValidationAlarm", "/EvaluationPeriods", json!(1)),
        ("ProcessingAlarm", "/Threshold", json!(10)),
        ("ThrottleAlarm[read]", "/Threshold", json!(5)),
        ("ThrottleAlarm[write]", "/EvaluationPeriods", json!(1)),
    ]
}

#[tokio::test]
async fn whatever_takes_tags_has_its_environment_region_and_name() {
    let recovery = Recovery::applied().await;
    let state = recovery.state();
    let mut wrong = Vec::new();
    for (address, record) in state.as_object().expect("a map of addresses") {
        let properties = &record["properties"];
        let mut tags = BTreeMap::new();
        for list in ["Tags", "HostedZoneTags", "HealthCheckTags"] {
            tags.extend(pairs(&properties[list]));
        }
        // A table's tags are those of its replicas.
        let replicas = properties["Replicas"].as_array().into_iter().flatten();
        let mut sets: Vec<_> = replicas
            .map(|replica| tags.clone().into_iter().chain(pairs(&replica["Tags"])).collect())
            .collect();
        if sets.is_empty() && !tags.is_empty() {
            sets.push(tags);
        }
        let is_whole = |tags: &BTreeMap<String, String>| {
            tags.get("Environment") == Some(&recovery.env)
                && tags.get("Region").is_some_and(|region| !region.is_empty())
                && tags.get("Name").is_some_and(|name| name.starts_with("payment-"))
        };
        wrong
            .extend(sets.iter().filter(|tags| !is_whole(tags)).map(|t| format!("{address} {t:?}")));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    for region in REGIONS {
        let table = format!(
            "arn:aws:dynamodb:{region}:{}:table/{}",
            recovery.world.account(),
            recovery.table()
        );
        let list = recovery.aws.dynamodb(region).list_tags_of_resource().resource_arn(table);
        let tags = list.send().await.expect("list the table's tags").tags.unwrap_or_default();
        let is_own = tags.iter().any(|tag| tag.key() == "Region" && tag.value() == region);
        assert!(is_own, "{region}: {tags:?}");
    }
}

/// Returns the keys and values of a list of tags.
fn pairs(tags: &Value) -> BTreeMap<String, String> {
    let text = |tag: &Value, key: &str| tag[key].as_str().unwrap_or_default().to_owned();
    let tags = tags.as_array().into_iter().flatten();
    tags.map(|tag| (text(tag, "Key"), text(tag, "Value"))).collect()
}

#[tokio::test]
async fn every_alarm_tells_its_own_region_and_every_function_is_in_the_network() {
    let recovery = Recovery::applied().await;
    let state = recovery.state();
    let (mut alarms, mut functions) = (0, 0);
    for (address, record) in state.as_object().expect("a map of addresses") {
        let region = address.split('/').next().expect("an address begins with its place");
        let properties = &record["properties"];
        match record["type"].as_str().unwrap_or_default() {
            "AWS::CloudWatch::Alarm" => {
                let topic = &recovery.outputs()["alert_topic_arns"][region];
                assert_eq!(properties["AlarmActions"], json!([topic]), "{address}");
                alarms += 1;
            }
            "AWS::Lambda::Function" => {
                let subnets = &properties["VpcConfig"]["SubnetIds"];
                assert_eq!(subnets.as_array().map(Vec::len), Some(2), "{address}");
                functions += 1;
            }
            _ => {}
        }
    }
    assert_eq!((alarms, functions), (2 * 7 + 1, 2 * 2 + 1));
}
