//! The same input gives the same plan, and a plan tells no secret.

use super::STACK;
use crate::plan::{Look, Plan};
use crate::testing::World;
use serde_json::json;

#[test]
fn the_same_input_gives_the_same_bytes() {
    let payments = include_str!("../../../plans/payment-processing.yaml");
    let [first, second] = [World::new(payments).plan(), World::new(payments).plan()];
    assert_eq!(first.to_json(), second.to_json());
    assert_eq!(first.digest(), second.digest());
}

#[test]
fn a_plan_is_json_and_back() {
    let mut world = World::applied(STACK);
    world.live("us-east-1/Base").properties["Size"] = json!(100);
    let mut plan = world.plan();
    // What AWS has is no part of a plan's text.
    plan.steps.iter_mut().for_each(|step| step.live = None);
    let text = serde_json::to_string(&plan).expect("JSON");
    assert_eq!(serde_json::from_str::<Plan>(&text).expect("a plan"), plan);
}

/// Whatever a plan would do otherwise is in its digest.
#[test]
fn the_digest_tells_plans_apart() {
    let digest = |happen: fn(&mut World)| {
        let mut world = World::applied(STACK);
        happen(&mut world);
        world.plan().digest()
    };
    let happenings: [fn(&mut World); 6] = [
        |_| {},
        |world| world.look("us-east-1/Base", Look::Gone),
        |world| world.live("us-east-1/Base").properties["Size"] = json!(2),
        |world| world.declare(&STACK.replace("Size: 1", "Size: 3")),
        |world| world.options.replace = Vec::from(["User".to_owned()]),
        |world| world.deployment.account = "000000000001".to_owned(),
    ];
    let digests: std::collections::BTreeSet<_> = happenings.map(digest).into();
    assert_eq!(digests.len(), happenings.len());
    assert!(digests.contains(&digest(|_| {})), "the same again");
}

const SECRET: &str = r#"
Stack: secret
Regions: [us-east-1]
Parameters:
  Word: {Type: String, NoEcho: true, Default: correct-horse}
Resources:
  Thing: {Type: 'AWS::Test::Thing', Properties: {Name: t, Tags: [{Key: word, Value: '${Word}'}]}}
Outputs:
  Word: {Value: 'the word is ${Word}'}
"#;

#[test]
fn secrets_are_hashes() {
    let mut world = World::new(SECRET);
    let plan = world.plan();
    let told = plan.to_json();
    assert!(told.contains("(secret ") && !told.contains("correct-horse"), "{told}");
    world.carry_out(&plan);
    assert!(world.plan().is_empty(), "a hash compares equal to itself");
    world.declare(&SECRET.replace("correct-horse", "battery-staple"));
    let told = world.plan().to_json();
    assert!(told.contains("Tags/word"), "{told}");
    assert!(!told.contains("correct-horse") && !told.contains("battery-staple"), "{told}");
}
