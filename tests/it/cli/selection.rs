//! Which nodes a plan may touch, and what else narrows or widens it.

use super::{SHOP, applied_shop, shop, world};
use crate::support::payctl::TestEnvironment;
use crate::support::queues::Queues;

/// Returns the lines of a plan that name nodes, and its summary.
fn planned(environment: &TestEnvironment, arguments: &[&str]) -> String {
    let output = environment.run(&[&["plan", "shop"], arguments].concat());
    let is_detail = |line: &str| line.starts_with("    ") || line == "  Outputs";
    let is_shown = |line: &&str| !line.is_empty() && !is_detail(line);
    output.stdout.lines().filter(is_shown).collect::<Vec<_>>().join("\n")
}

#[test]
fn targets_bring_what_they_need() {
    let environment = shop();
    insta::assert_snapshot!(planned(&environment, &["--target", "us-east-1/Orders"]), @r"
      + us-east-1/Dead    AWS::SQS::Queue
      + us-east-1/Orders  AWS::SQS::Queue
    2 to create, 2 left alone by --target or --exclude
    ");
    insta::assert_snapshot!(planned(&environment, &["--target", "Dead"]), @r"
      + us-east-1/Dead  AWS::SQS::Queue
      + eu-west-1/Dead  AWS::SQS::Queue
    2 to create, 2 left alone by --target or --exclude
    ");
    insta::assert_snapshot!(planned(&environment, &["--target", "eu-*/*", "--target", "us-east-?/Dead"]), @r"
      + us-east-1/Dead    AWS::SQS::Queue
      + eu-west-1/Dead    AWS::SQS::Queue
      + eu-west-1/Orders  AWS::SQS::Queue
    3 to create, 1 left alone by --target or --exclude
    ");
}

#[test]
fn exclusions_take_what_needs_them() {
    let environment = shop();
    insta::assert_snapshot!(planned(&environment, &["--exclude", "us-east-1/Dead"]), @r"
      + eu-west-1/Dead    AWS::SQS::Queue
      + eu-west-1/Orders  AWS::SQS::Queue
    2 to create, 2 left alone by --target or --exclude
    ");
    insta::assert_snapshot!(planned(&environment, &["--target", "us-east-1/*", "--exclude", "Orders"]), @r"
      + us-east-1/Dead  AWS::SQS::Queue
    1 to create, 3 left alone by --target or --exclude
    ");
}

#[test]
fn apply_touches_no_more_than_was_asked() {
    let environment = shop();
    environment.run(&["apply", "shop", "--yes", "--target", "us-east-1/Orders"]).success();
    assert_eq!(Queues::of(&environment, "us-east-1").names(), ["dead-dev", "orders-dev"]);
    assert!(Queues::of(&environment, "eu-west-1").names().is_empty());
    environment.run(&["destroy", "shop", "--yes", "--target", "us-east-1/Orders"]).success();
    assert_eq!(Queues::of(&environment, "us-east-1").names(), ["dead-dev"]);
}

#[test]
fn a_deletion_that_is_asked_for_brings_what_uses_it() {
    let environment = applied_shop();
    let plan = ["--destroy", "--target", "us-east-1/Dead"];
    insta::assert_snapshot!(planned(&environment, &plan), @r"
      - us-east-1/Dead    AWS::SQS::Queue
      - us-east-1/Orders  AWS::SQS::Queue
    2 to delete, 2 left alone by --target or --exclude
    ");
    // The same holds for what the stack no longer declares.
    let (head, _) = SHOP.split_once("  Dead:").expect("the shop");
    environment.write("plans/shop.yaml", &format!("{} {{}}\n", head.trim_end()));
    let plan = ["--allow-data-loss", "--target", "us-east-1/Dead"];
    insta::assert_snapshot!(planned(&environment, &plan), @r"
      - us-east-1/Dead    AWS::SQS::Queue
      - us-east-1/Orders  AWS::SQS::Queue
    2 to delete, 2 left alone by --target or --exclude
    ");
    let plan = ["--allow-data-loss", "--exclude", "us-east-1/Orders"];
    insta::assert_snapshot!(planned(&environment, &plan), @r"
      - eu-west-1/Dead    AWS::SQS::Queue
      - eu-west-1/Orders  AWS::SQS::Queue
    2 to delete, 2 left alone by --target or --exclude
    ");
}

#[test]
fn a_pattern_that_matches_nothing_is_a_mistake() {
    let environment = shop();
    let wrong = ["--target", "Oders", "--exclude", "eu-north-1/*", "--replace", "Dad"];
    let output = environment.run(&[&["apply", "shop", "--yes"], &wrong[..]].concat());
    insta::assert_snapshot!(output, @r"
      Outputs
        + Delay                    5

    No changes; 4 left alone by --target or --exclude
    Refused: 'Oders' matches no node; addresses are written like us-east-1/Key; payctl graph shows them all
    Refused: 'eu-north-1/*' matches no node; addresses are written like us-east-1/Key; payctl graph shows them all
    Refused: 'Dad' matches no node; addresses are written like us-east-1/Key; payctl graph shows them all
    --- standard error ---
    shop.dev · account [ACCOUNT] · us-east-1 (primary), eu-west-1

    The plan took [TIME] and 0 calls
    Error: The plan cannot be applied as it is, as said above; nothing was changed
    --- exit code 1 ---
    ");
    assert!(world(&environment).queues.is_empty());
}

#[test]
fn replace_makes_anew_what_nothing_else_would() {
    let environment = applied_shop();
    insta::assert_snapshot!(planned(&environment, &["--replace", "us-east-1/Dead"]), @r"
      ± us-east-1/Dead  AWS::SQS::Queue  asked for by --replace; the old one goes first, for both have the same name
    1 to replace
    Refused: us-east-1/Dead: replacing it loses the data that it holds; allow it with --allow-data-loss
    ");
    let asked = ["--replace", "us-east-1/Dead", "--allow-data-loss"];
    insta::assert_snapshot!(planned(&environment, &asked), @r"
      ± us-east-1/Dead  AWS::SQS::Queue  asked for by --replace; the old one goes first, for both have the same name
    1 to replace
    ");
}

#[test]
fn without_a_refresh_the_state_is_trusted() {
    let environment = applied_shop();
    Queues::of(&environment, "us-east-1").set_delay("orders-dev", 100);
    insta::assert_snapshot!(planned(&environment, &["--refresh=false"]), @"No changes: AWS is as the stack says");
    insta::assert_snapshot!(environment.run(&["plan", "shop", "--refresh"]).result(), @r"
      ~ us-east-1/Orders  AWS::SQS::Queue
          DelaySeconds             100 → 5
          ! DelaySeconds           5 → 100  changed outside payctl

    1 to change
    ");
    let plan = environment.run(&["plan", "shop", "--refresh=false"]);
    assert!(plan.stderr.contains("and 0 calls"), "{plan}");
    // A change is still one.
    insta::assert_snapshot!(planned(&environment, &["--refresh=false", "--param", "Delay=6"]), @r"
      ~ us-east-1/Orders  AWS::SQS::Queue
      ~ eu-west-1/Orders  AWS::SQS::Queue
    2 to change
    ");
}

#[test]
fn drift_is_shown_and_undone() {
    let environment = applied_shop();
    let queues = Queues::of(&environment, "us-east-1");
    queues.set_delay("orders-dev", 100);
    let plan = environment.run(&["plan", "shop", "--detailed-exitcode"]);
    assert_eq!(plan.code, Some(2), "{plan}");
    insta::assert_snapshot!(plan.result(), @r"
      ~ us-east-1/Orders  AWS::SQS::Queue
          DelaySeconds             100 → 5
          ! DelaySeconds           5 → 100  changed outside payctl

    1 to change
    ");
    environment.run(&["apply", "shop", "--yes"]).success();
    assert_eq!(queues.delay("orders-dev"), "5");
}

#[test]
fn a_region_goes_only_when_that_is_allowed() {
    let environment = applied_shop();
    let before = world(&environment);
    let fewer = ["apply", "shop", "--yes", "--regions", "us-east-1"];
    insta::assert_snapshot!(environment.run(&fewer), @r"
      - eu-west-1/Dead    AWS::SQS::Queue
      - eu-west-1/Orders  AWS::SQS::Queue
      Outputs
        - Arns/eu-west-1           arn:aws:sqs:eu-west-1:[ACCOUNT]:orders-dev

    2 to delete
    Refused: eu-west-1 is no longer among the regions and still has 2 nodes; give all regions with --regions, or allow it with --allow-region-removal
    --- standard error ---
    shop.dev · account [ACCOUNT] · us-east-1 (primary)

    The plan took [TIME] and 12 calls
    Error: The plan cannot be applied as it is, as said above; nothing was changed
    --- exit code 1 ---
    ");
    assert_eq!(world(&environment), before);
    let allowed = ["--allow-region-removal", "--allow-data-loss"];
    environment.run(&[&fewer[..], &allowed].concat()).success();
    assert!(Queues::of(&environment, "eu-west-1").names().is_empty());
    // The list is remembered.
    environment.run(&["plan", "shop", "--detailed-exitcode"]).success();
}

#[test]
fn destroy_takes_no_part_of_the_regions() {
    let environment = applied_shop();
    let before = world(&environment);
    insta::assert_snapshot!(environment.run(&["destroy", "shop", "--yes", "--regions", "eu-west-1"]), @r"
    --- standard error ---
    Error: The deployment is in us-east-1, eu-west-1, and destroy removes all of it
    Hint: leave out --regions; for some regions only: --target 'us-east-1/*'
    --- exit code 1 ---
    ");
    assert_eq!(world(&environment), before);
    environment.run(&["destroy", "shop", "--yes", "--regions", "eu-west-1,us-east-1"]).success();
    assert!(world(&environment).queues.is_empty());
}

#[test]
fn without_a_terminal_and_a_yes_nothing_is_done() {
    let environment = shop();
    insta::assert_snapshot!(environment.run(&["apply", "shop", "--target", "us-east-1/Dead", "--param", "Delay=7"]), @r"
      + us-east-1/Dead  AWS::SQS::Queue
          QueueName                dead-dev
      Outputs
        + Delay                    7

    1 to create, 3 left alone by --target or --exclude
    --- standard error ---
    shop.dev · account [ACCOUNT] · us-east-1 (primary), eu-west-1

    The plan took [TIME] and 1 call
    Error: There is no terminal to ask on; nothing was changed
    Hint: look at the plan above; to go on without being asked: payctl apply shop --target us-east-1/Dead --param Delay=… --yes
    --- exit code 1 ---
    ");
    assert!(world(&environment).queues.is_empty());
    let environment = applied_shop();
    let before = world(&environment);
    let output = environment.run(&["destroy", "shop"]);
    assert_eq!(output.code, Some(1));
    insta::assert_snapshot!(output.error(), @r"
    Error: There is no terminal to ask on; nothing was changed
    Hint: look at the plan above; to go on without being asked: payctl destroy shop --yes
    ");
    assert_eq!(world(&environment), before);
}

#[test]
fn exit_codes_tell_whether_there_are_changes() {
    let environment = shop();
    let code = |arguments: &[&str]| environment.run(arguments).code;
    assert_eq!(code(&["plan", "shop"]), Some(0));
    assert_eq!(code(&["plan", "shop", "--detailed-exitcode"]), Some(2));
    environment.run(&["apply", "shop", "--yes"]).success();
    assert_eq!(code(&["plan", "shop", "--detailed-exitcode"]), Some(0));
    assert_eq!(code(&["plan", "shop", "--detailed-exitcode", "--destroy"]), Some(2));
    assert_eq!(code(&["plan", "shop", "--detailed-exitcode", "--replace", "Dead"]), Some(1));
    assert_eq!(code(&["plan", "other", "--detailed-exitcode"]), Some(1));
}

#[test]
fn a_change_of_outputs_alone_is_a_change() {
    let environment = applied_shop();
    let before = world(&environment).queues;
    environment.write("plans/shop.yaml", &SHOP.replace("{Value: '${Delay}'}", "{Value: slow}"));
    let plan = environment.run(&["plan", "shop", "--detailed-exitcode"]);
    assert_eq!(plan.code, Some(2));
    insta::assert_snapshot!(plan.result(), @r"
      Outputs
        ~ Delay                    5 → slow

    AWS is as the stack says; 1 output to change
    ");
    environment.run(&["apply", "shop", "--yes"]).success();
    let delay = environment.run(&["output", "shop", "--name", "Delay"]);
    assert_eq!(delay.stdout, "slow\n");
    environment.run(&["plan", "shop", "--detailed-exitcode"]).success();
    assert_eq!(world(&environment).queues, before);
}

/// Outputs of nodes that are left alone are not known after apply either.
#[test]
fn outputs_of_what_is_left_alone_are_none() {
    let environment = shop();
    let target = ["--target", "us-east-1/*"];
    let plan = environment.run(&[&["plan", "shop"], &target[..]].concat()).result();
    let (_, outputs) = plan.split_once("Outputs\n").expect("outputs");
    insta::assert_snapshot!(outputs, @r"
        + Delay                    5

    2 to create, 2 left alone by --target or --exclude
    ");
    environment.run(&[&["apply", "shop", "--yes"], &target[..]].concat()).success();
    environment.run(&[&["plan", "shop", "--detailed-exitcode"], &target[..]].concat()).success();
}
