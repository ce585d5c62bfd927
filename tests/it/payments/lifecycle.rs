//! Up in three regions, down again, and up once more.

use super::deployment::{Payments, REGIONS};
use std::collections::BTreeMap;

#[tokio::test]
async fn the_stack_goes_up_and_down_and_up_again() {
    let payments = Payments::new().await;
    let output = payments.run(&["apply", "--yes", "--regions", &REGIONS.join(",")]);
    let (_, outputs) =
        output.success().stdout.split_once("\nOutputs:\n").expect("apply ends with outputs");
    assert!(outputs.contains("https://") && outputs.contains("api_endpoint"), "{outputs}");
    payments.assert_settled(&[]);

    let everywhere = payments.inventory(&[]);
    for kind in KINDS {
        assert!(everywhere.found.iter().any(|thing| thing.kind == *kind), "no {kind} is found");
    }
    payments.destroy();
    let left = payments.inventory(&[]);
    assert_eq!(left.found, []);
    assert_eq!(left.pending.len(), REGIONS.len(), "a key in each region waits for its deletion");
    let state = payments.run(&["state", "list"]);
    assert!(state.stderr.contains("has no state"), "{state}");

    payments.apply(&[]);
    payments.assert_settled(&[]);
    payments.world.assert_no_violations();
}

/// What the listing of an account with the stack has to show, so that a listing
/// of nothing means something.
const KINDS: &[&str] = &[
    "alarm",
    "alias",
    "api",
    "api deployment",
    "api stage",
    "bucket",
    "dashboard",
    "function",
    "key",
    "log group",
    "log policy",
    "policy",
    "queue",
    "role",
    "rule",
    "state machine",
    "subscription",
    "table",
    "topic",
];

#[tokio::test]
async fn every_component_has_its_place_and_its_name() {
    let payments = Payments::applied().await;
    let state = payments.state();
    // As the requirement's corrections count them: 19 nodes in a region, 10
    // more in the primary, 7 that are global.
    let expected = [("ap-southeast-1", 19), ("eu-west-1", 19), ("global", 7), ("us-east-1", 29)];
    let expected = expected.map(|(place, count)| (place.to_owned(), count));
    assert_eq!(payments.places(), BTreeMap::from(expected));

    let text = state.to_string();
    let missing: Vec<String> =
        names(&payments.env).into_iter().filter(|name| !text.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "nothing has these names: {missing:#?}");
    for address in ["us-east-1/Processor", "eu-west-1/Receipts", "global/ProcessorRole"] {
        let tags = state[address]["properties"]["Tags"].to_string();
        for word in ["multi-region-payment-processing", "finance", &payments.env] {
            assert!(tags.contains(word), "{address} has no tag {word}: {tags}");
        }
    }
    let outputs = payments.outputs();
    for name in OUTPUTS {
        assert!(!outputs[name].is_null(), "there is no output {name}: {outputs:#}");
    }
}

/// The outputs that the requirement gives.
const OUTPUTS: &[&str] = &[
    "api_endpoint",
    "dynamodb_table_name",
    "kms_key_ids",
    "lambda_function_arns",
    "s3_bucket_names",
    "sns_topic_arns",
    "state_machine_arns",
];

/// Returns the names that the requirement gives.
fn names(env: &str) -> Vec<String> {
    let mut names: Vec<String> = ["payments", "payment-api", "payment-lambda-role"]
        .into_iter()
        .chain(["payment-lambda-policy", "payment-sfn-role", "payment-sfn-policy"])
        .chain(["payment-processing"])
        .map(|name| format!("\"{name}-{env}\""))
        .collect();
    for region in REGIONS {
        names.extend(
            ["payment-processor", "payment-workflow", "payment-receipts", "payment-alerts"]
                .into_iter()
                .chain(["payment-lambda-errors", "alias/payment-processing"])
                .chain(["/aws/lambda/payment-processor", "/aws/states/payment-workflow"])
                .map(|name| format!("\"{name}-{region}-{env}\"")),
        );
        let peers = REGIONS.into_iter().filter(|peer| *peer != region);
        names.extend(peers.map(|peer| format!("\"payment-failover-{region}-to-{peer}-{env}\"")));
    }
    names
}

#[tokio::test]
async fn what_uses_a_role_waits_for_its_policies() {
    let payments = Payments::new().await;
    let when = payments.apply_in_order(&[]);
    for region in REGIONS {
        for (role, user) in [("ProcessorRole", "Processor"), ("WorkflowRole", "Workflow")] {
            let (role, user) = (format!("global/{role}"), format!("{region}/{user}"));
            assert!(when("finished", &role) < when("started", &user), "{user} before {role}");
        }
    }
}
