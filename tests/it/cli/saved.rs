//! Saved plans: applied exactly, or refused.

use super::{SHOP, applied_shop, shop, world};
use crate::support::payctl::TestEnvironment;
use crate::support::queues::Queues;

/// Makes an applied shop and a saved plan of a longer delay.
fn planned() -> TestEnvironment {
    let environment = applied_shop();
    environment.write("plans/shop.yaml", &SHOP.replace("Default: 5", "Default: 9"));
    let planned = environment.run(&["plan", "shop", "--out", "longer.json"]);
    planned.success();
    assert!(planned.stderr.contains("payctl apply longer.json"), "{planned}");
    environment
}

/// Asserts that the saved plan is refused and nothing is changed.
fn refused(environment: &TestEnvironment, arguments: &[&str]) -> String {
    let before = world(environment);
    let output = environment.run(&[&["apply", "longer.json"], arguments].concat());
    assert_eq!(output.code, Some(1), "{output}");
    assert_eq!(output.stdout, "");
    assert_eq!(world(environment), before);
    output.to_string()
}

#[test]
fn an_exact_plan_applies_without_a_question() {
    let environment = planned();
    let output = environment.run(&["apply", "longer.json"]);
    output.success();
    assert!(output.stdout.contains("2 to change"), "{output}");
    assert_eq!(Queues::of(&environment, "eu-west-1").delay("orders-dev"), "9");
    // It has been applied.
    insta::assert_snapshot!(refused(&environment, &[]), @r"
    --- standard error ---
    Error: The saved plan is stale: the deployment was changed since it was made; nothing was changed
    Hint: look at a new plan, and apply that
    --- exit code 1 ---
    ");
}

#[test]
fn a_plan_of_a_deployment_that_was_changed_since() {
    let environment = planned();
    environment.run(&["apply", "shop", "--yes", "--param", "Delay=3"]).success();
    insta::assert_snapshot!(refused(&environment, &[]), @r"
    --- standard error ---
    Error: The saved plan is stale: the deployment was changed since it was made; nothing was changed
    Hint: look at a new plan, and apply that
    --- exit code 1 ---
    ");
}

#[test]
fn a_plan_of_a_stack_that_was_changed_since() {
    let environment = planned();
    environment.write("plans/shop.yaml", &SHOP.replace("Default: 5", "Default: 8"));
    insta::assert_snapshot!(refused(&environment, &[]), @r"
    --- standard error ---
    Error: The saved plan is stale: the stack, its parameters or code, or something in AWS has changed since it was made; nothing was changed
    Hint: give the same --param and --params as for the plan; else look at a new plan, and apply that
    --- exit code 1 ---
    ");
}

#[test]
fn a_plan_of_things_that_were_changed_in_aws_since() {
    let environment = planned();
    Queues::of(&environment, "us-east-1").set_delay("orders-dev", 100);
    insta::assert_snapshot!(refused(&environment, &[]), @r"
    --- standard error ---
    Error: The saved plan is stale: the stack, its parameters or code, or something in AWS has changed since it was made; nothing was changed
    Hint: give the same --param and --params as for the plan; else look at a new plan, and apply that
    --- exit code 1 ---
    ");
}

#[test]
fn a_plan_whose_parameters_are_not_given_again() {
    let environment = applied_shop();
    environment.run(&["plan", "shop", "--param", "Delay=9", "--out", "longer.json"]).success();
    insta::assert_snapshot!(refused(&environment, &[]), @r"
    --- standard error ---
    Error: The saved plan is stale: the stack, its parameters or code, or something in AWS has changed since it was made; nothing was changed
    Hint: give the same --param and --params as for the plan; else look at a new plan, and apply that
    --- exit code 1 ---
    ");
    environment.run(&["apply", "longer.json", "--param", "Delay=9"]).success();
}

#[test]
fn a_plan_for_another_account() {
    let environment = shop();
    environment.run(&["plan", "shop", "--out", "longer.json"]).success();
    let stranger = crate::support::emulator::account();
    let output = environment.run_with(&["apply", "longer.json"], |command| {
        command.env("AWS_ACCESS_KEY_ID", stranger);
    });
    assert!(output.stderr.contains("The saved plan is stale"), "{output}");
}

#[test]
fn what_was_allowed_is_part_of_the_plan() {
    let environment = applied_shop();
    let plan = ["plan", "shop", "--replace", "us-east-1/Dead", "--allow-data-loss"];
    environment.run(&[&plan[..], &["--out", "again.json"]].concat()).success();
    environment.run(&["apply", "again.json"]).success();
}

#[test]
fn a_plan_that_cannot_be_applied_is_not_saved() {
    let environment = applied_shop();
    let output = environment.run(&["plan", "shop", "--replace", "Dead", "--out", "no.json"]);
    insta::assert_snapshot!(output, @r"
      ± us-east-1/Dead  AWS::SQS::Queue  asked for by --replace; the old one goes first, for both have the same name
      ± eu-west-1/Dead  AWS::SQS::Queue  asked for by --replace; the old one goes first, for both have the same name

    2 to replace
    Refused: us-east-1/Dead: replacing it loses the data that it holds; allow it with --allow-data-loss
    Refused: eu-west-1/Dead: replacing it loses the data that it holds; allow it with --allow-data-loss
    --- standard error ---
    shop.dev · account [ACCOUNT] · us-east-1 (primary), eu-west-1

    The plan took [TIME] and 12 calls
    Error: The plan is not saved, for it cannot be applied as it is
    --- exit code 1 ---
    ");
    assert!(!environment.path().join("no.json").exists());
}

#[test]
fn files_that_are_no_plan_of_this_payctl() {
    let environment = shop();
    environment.write("longer.json", "{\"digest\": 1}");
    insta::assert_snapshot!(refused(&environment, &[]), @r#"
    --- standard error ---
    error: a stack file has no `digest`
     --> longer.json:1:2
      |
    1 | {"digest": 1}
      |  ^^^^^^^^
      |
      = help: it has Stack, Description, Regions, Parameters, Tags, Resources, Outputs

    error: the stack has no name
     --> longer.json:1:2
      |
    1 | {"digest": 1}
      |  ^^^^^^^^
      |
      = help: add the line `Stack: a-name`

    error: the stack has no `Resources`
     --> longer.json:1:2
      |
    1 | {"digest": 1}
      |  ^^^^^^^^
      |
      = help: add the section `Resources:`, a map of names to resources

    Error: 3 mistakes found; nothing was changed
    --- exit code 1 ---
    "#);
    environment.run(&["plan", "shop", "--out", "longer.json"]).success();
    let path = environment.path().join("longer.json");
    let saved = std::fs::read_to_string(path).expect("a saved plan");
    environment.write("longer.json", &saved.replacen("\"format\": 1", "\"format\": 9", 1));
    insta::assert_snapshot!(refused(&environment, &[]), @r"
    --- standard error ---
    Error: longer.json has plan format 9
    Hint: plan again with this payctl
    --- exit code 1 ---
    ");
}

#[test]
fn a_place_where_no_plan_can_be_saved() {
    let environment = shop();
    let output = environment.run(&["plan", "shop", "--out", "nowhere/longer.json"]);
    assert_eq!(output.code, Some(1));
    insta::assert_snapshot!(output.error(), @"Error: There is no folder nowhere");
}
