//! What becomes of resources that are renamed, replaced, retained or left out.

use super::{with_stack, world};
use crate::support::payctl::TestEnvironment;
use crate::support::queues::Queues;

const STACK: &str = r#"
Stack: life
Regions: [us-east-1]
Resources:
  Fixed:
    Type: AWS::SQS::Queue
    Properties: {QueueName: 'fixed-${env}'}
  Named:
    Type: AWS::SQS::Queue
    Properties: {DelaySeconds: 3}
  User:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: user-${env}
      RedrivePolicy: {deadLetterTargetArn: '${Named.Arn}', maxReceiveCount: 3}
"#;

/// Makes an environment whose stack is applied.
fn applied(stack: &str) -> TestEnvironment {
    let environment = with_stack("life", stack);
    environment.run(&["apply", "life", "--yes"]).success();
    environment
}

/// Writes another stack file and applies it; returns the plan.
fn then(environment: &TestEnvironment, stack: &str, flags: &[&str]) -> String {
    environment.write("plans/life.yaml", stack);
    let output = environment.run(&[&["apply", "life", "--yes"], flags].concat());
    output.success();
    environment.run(&["plan", "life", "--detailed-exitcode"]).success();
    output.result()
}

fn queues(environment: &TestEnvironment) -> Queues {
    Queues::of(environment, "us-east-1")
}

/// Returns the one queue whose name payctl made.
fn made_name(environment: &TestEnvironment) -> String {
    let names = queues(environment).names();
    let mut made = names.into_iter().filter(|name| name.starts_with("life-dev-Named-"));
    let name = made.next().expect("a made name");
    assert_eq!(made.next(), None);
    name
}

#[test]
fn a_renamed_resource_with_a_fixed_name_is_moved() {
    let environment = applied(STACK);
    let before = queues(&environment).attributes("fixed-dev");
    insta::assert_snapshot!(then(&environment, &STACK.replace("Fixed:", "Renamed:"), &[]), @r"
      → us-east-1/Renamed  AWS::SQS::Queue  was us-east-1/Fixed

    1 to move
    ");
    assert_eq!(queues(&environment).attributes("fixed-dev"), before);
    let listed = environment.run(&["state", "list", "life"]);
    assert!(listed.stdout.contains("us-east-1/Renamed"), "{listed}");
    assert!(!listed.stdout.contains("us-east-1/Fixed"), "{listed}");
    environment.run(&["destroy", "life", "--yes"]).success();
    assert!(world(&environment).queues.is_empty());
}

#[test]
fn a_move_makes_its_other_changes_too() {
    let environment = applied(STACK);
    let moved = "Renamed:\n    Type: AWS::SQS::Queue\n    Properties: {DelaySeconds: 8, ";
    let stack = STACK.replace("Fixed:\n    Type: AWS::SQS::Queue\n    Properties: {", moved);
    insta::assert_snapshot!(then(&environment, &stack, &[]), @r"
      → us-east-1/Renamed  AWS::SQS::Queue  was us-east-1/Fixed
          DelaySeconds             0 → 8

    1 to move
    ");
    assert_eq!(queues(&environment).delay("fixed-dev"), "8");
}

#[test]
fn a_replacement_under_another_name_is_made_before_the_old_one_goes() {
    let environment = applied(STACK);
    let old = made_name(&environment);
    let fifo = "{FifoQueue: true, QueueName: 'named.fifo'}";
    let stack = STACK
        .replace("{DelaySeconds: 3}", fifo)
        .replace("QueueName: user-${env}", "QueueName: user.fifo\n      FifoQueue: true");
    environment.write("plans/life.yaml", &stack);
    let output = environment.run(&["apply", "life", "--yes", "--allow-data-loss", "--json"]);
    output.success();
    let place = |operation: &str, address: &str| {
        let call = |line: &str| {
            let event: serde_json::Value = serde_json::from_str(line).expect("a JSON line");
            event["operation"] == operation && event["address"] == address
        };
        output.stdout.lines().position(call).unwrap_or_else(|| panic!("no {operation}:\n{output}"))
    };
    let (named, user) = ("us-east-1/Named", "us-east-1/User");
    assert!(place("sqs:CreateQueue", named) < place("sqs:CreateQueue", user));
    assert!(place("sqs:CreateQueue", user) < place("sqs:DeleteQueue", named));
    let names = queues(&environment).names();
    assert_eq!(names, ["fixed-dev", "named.fifo", "user.fifo"], "{old} and user-dev are gone");
}

#[test]
fn a_made_name_changes_with_each_replacement_and_its_users_follow() {
    let environment = applied(STACK);
    let old = made_name(&environment);
    let flags = ["--replace", "Named", "--allow-data-loss"];
    let plan = then(&environment, STACK, &flags);
    let new = made_name(&environment);
    assert_ne!(old, new);
    insta::assert_snapshot!(plan.replace(&old, "[OLD]").replace(&new, "[NEW]"), @r"
      ± us-east-1/Named  AWS::SQS::Queue  asked for by --replace
          QueueName                [OLD] → [NEW]
      ~ us-east-1/User   AWS::SQS::Queue
          RedrivePolicy/deadLetterTargetArn arn:aws:sqs:us-east-1:[ACCOUNT]:[OLD] → arn:aws:sqs:us-east-1:[ACCOUNT]:[NEW]

    1 to change, 1 to replace
    ");
    let policy = &queues(&environment).attributes("user-dev")["RedrivePolicy"];
    assert!(policy.contains(&new), "{policy}");
}

#[test]
fn with_a_fixed_name_the_old_one_goes_first_and_the_plan_says_so() {
    let environment = applied(STACK);
    let flags = ["--replace", "Fixed", "--allow-data-loss"];
    insta::assert_snapshot!(then(&environment, STACK, &flags), @r"
      ± us-east-1/Fixed  AWS::SQS::Queue  asked for by --replace; the old one goes first, for both have the same name

    1 to replace
    ");
    assert!(queues(&environment).names().contains(&"fixed-dev".to_owned()));
}

#[test]
fn a_change_of_a_fixed_property_says_which() {
    let environment = applied(STACK);
    environment.write("plans/life.yaml", &STACK.replace("fixed-${env}", "other-${env}"));
    insta::assert_snapshot!(environment.run(&["plan", "life"]).result(), @r"
      ± us-east-1/Fixed  AWS::SQS::Queue  replaced: QueueName cannot change in place
          QueueName                fixed-dev → other-dev

    1 to replace
    Refused: us-east-1/Fixed: replacing it loses the data that it holds; allow it with --allow-data-loss
    ");
}

#[test]
fn what_is_retained_stays_in_aws() {
    let retained = STACK.replace("  Fixed:\n", "  Fixed:\n    DeletionPolicy: Retain\n");
    let environment = applied(&retained);
    let (head, rest) = retained.split_once("  Fixed:").expect("the stack");
    let (_, tail) = rest.split_once("  Named:").expect("the stack");
    insta::assert_snapshot!(then(&environment, &format!("{head}  Named:{tail}"), &[]), @r"
      ∅ us-east-1/Fixed  AWS::SQS::Queue  DeletionPolicy is Retain: it stays in AWS

    1 to forget
    ");
    assert!(queues(&environment).names().contains(&"fixed-dev".to_owned()));
    let listed = environment.run(&["state", "list", "life"]);
    assert!(!listed.stdout.contains("Fixed"), "{listed}");
}

#[test]
fn destroy_keeps_what_is_retained_and_says_so() {
    let environment =
        applied(&STACK.replace("  Fixed:\n", "  Fixed:\n    DeletionPolicy: Retain\n"));
    let output = environment.run(&["destroy", "life", "--yes"]);
    output.success();
    assert!(output.stdout.contains("DeletionPolicy is Retain: it stays in AWS"), "{output}");
    assert_eq!(queues(&environment).names(), ["fixed-dev"]);
}

#[test]
fn a_replaced_instance_that_is_retained_stays() {
    let environment =
        applied(&STACK.replace("  Named:\n", "  Named:\n    UpdateReplacePolicy: Retain\n"));
    let old = made_name(&environment);
    environment
        .run(&["apply", "life", "--yes", "--replace", "Named", "--allow-data-loss"])
        .success();
    let names = queues(&environment).names();
    assert!(names.contains(&old), "{names:?}");
    assert_eq!(names.len(), 4, "{names:?}");
}

#[test]
fn what_a_condition_leaves_out_is_not_made_and_goes_when_it_was() {
    let conditional = STACK.replace("  Fixed:\n", "  Fixed:\n    If: '${env == \"prod\"}'\n");
    let environment = with_stack("life", &conditional);
    environment.run(&["apply", "life", "--yes"]).success();
    assert!(!queues(&environment).names().contains(&"fixed-dev".to_owned()));
    then(&environment, STACK, &[]);
    assert!(queues(&environment).names().contains(&"fixed-dev".to_owned()));
    let flags = ["--allow-data-loss"];
    insta::assert_snapshot!(then(&environment, &conditional, &flags), @r"
      - us-east-1/Fixed  AWS::SQS::Queue

    1 to delete
    ");
    assert!(!queues(&environment).names().contains(&"fixed-dev".to_owned()));
}

#[test]
fn data_is_not_lost_without_leave() {
    let environment = applied(STACK);
    let before = world(&environment);
    let (head, _) = STACK.split_once("  User:").expect("the stack");
    environment.write("plans/life.yaml", head);
    let output = environment.run(&["apply", "life", "--yes"]);
    assert_eq!(output.code, Some(1));
    insta::assert_snapshot!(output, @r"
      - us-east-1/User  AWS::SQS::Queue

    1 to delete
    Refused: us-east-1/User: deleting it loses the data that it holds; allow it with --allow-data-loss
    --- standard error ---
    life.dev · account [ACCOUNT] · us-east-1 (primary)

    The plan took [TIME] and 9 calls
    Error: The plan cannot be applied as it is, as said above; nothing was changed
    --- exit code 1 ---
    ");
    assert_eq!(world(&environment), before);
}

#[test]
fn what_was_deleted_behind_payctls_back_is_made_again() {
    let environment = applied(STACK);
    queues(&environment).delete("fixed-dev");
    insta::assert_snapshot!(then(&environment, STACK, &[]), @r"
      + us-east-1/Fixed  AWS::SQS::Queue  it was deleted outside payctl
          QueueName                fixed-dev

    1 to create
    ");
    queues(&environment).delete("fixed-dev");
    environment.run(&["destroy", "life", "--yes"]).success();
    assert!(world(&environment).queues.is_empty());
}

#[test]
fn after_a_destroy_the_same_names_can_be_used_at_once() {
    let environment = applied(STACK);
    environment.run(&["destroy", "life", "--yes"]).success();
    assert!(super::state_files(&environment).is_empty());
    environment.run(&["apply", "life", "--yes"]).success();
    let nothing = TestEnvironment::new();
    nothing.write("plans/life.yaml", STACK);
    insta::assert_snapshot!(nothing.run(&["destroy", "life", "--yes"]), @r"
    Nothing to do: there are no nodes
    --- standard error ---
    life.dev · account [ACCOUNT] · us-east-1 (primary)

    The plan took [TIME] and 0 calls
    ");
}

/// The state says all that it takes.
#[test]
fn destroy_needs_no_stack_file() {
    let missing = |environment: &TestEnvironment| {
        std::fs::remove_file(environment.path().join("plans/life.yaml")).expect("a stack file");
    };
    let broken =
        |environment: &TestEnvironment| environment.write("plans/life.yaml", "Stack: [life\n");
    let wrong = |environment: &TestEnvironment| {
        environment.write("plans/life.yaml", &STACK.replace("SQS::Queue", "SQS::Quue"));
    };
    for spoil in [&missing as &dyn Fn(&TestEnvironment), &broken, &wrong] {
        let environment = applied(STACK);
        spoil(&environment);
        assert_eq!(environment.run(&["plan", "life"]).code, Some(1));
        let listed = environment.run(&["state", "list", "life"]);
        assert!(listed.success().stdout.contains("us-east-1/User"), "{listed}");
        let destroyed = environment.run(&["destroy", "life", "--yes"]);
        assert!(destroyed.success().stdout.contains("3 to delete"), "{destroyed}");
        assert!(world(&environment).queues.is_empty());
        // Now there is neither a file nor a state that could mean anything.
        assert_eq!(environment.run(&["destroy", "life", "--yes"]).code, Some(1));
    }
}
