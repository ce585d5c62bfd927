//! Stack files and names that are wrong: every mistake is shown with its place
//! and its remedy, and nothing is begun.

use super::{SHOP, shop, state_files, with_stack, world};
use crate::support::payctl::TestEnvironment;
use std::fmt::Write as _;

/// The commands that read a stack file.
const COMMANDS: &[&[&str]] = &[
    &["validate", "shop"],
    &["plan", "shop"],
    &["apply", "shop", "--yes"],
    &["graph", "shop"],
    &["export", "shop", "--region", "us-east-1"],
];

#[test]
fn malformed_yaml() {
    let environment = TestEnvironment::offline();
    environment.write("plans/shop.yaml", "Stack: shop\nResources:\n  A: {Type: x\n  B: 3\n");
    insta::assert_snapshot!(environment.run(&["validate", "shop"]), @r"
    --- standard error ---
    error: malformed YAML: while parsing a flow mapping, did not find expected ',' or '}'
     --> plans/shop.yaml:4:4
      |
    4 |   B: 3
      |    ^

    Error: 1 mistake found; nothing was changed
    --- exit code 1 ---
    ");
}

#[test]
fn malformed_expressions() {
    let environment = TestEnvironment::offline();
    let queue = "QueueName: 'a-${env +}', DelaySeconds: '${1 +* 2}', KmsMasterKeyId: '${Key'";
    environment.write(
        "plans/shop.yaml",
        &format!(
            "Stack: shop\nRegions: [us-east-1]\nResources:\n  A:\n    Type: AWS::SQS::Queue\n    \
             Properties: {{{queue}}}\n"
        ),
    );
    insta::assert_snapshot!(environment.run(&["validate", "shop"]), @r"
    --- standard error ---
    error: the expression ends too early
     --> plans/shop.yaml:6:39
      |
    6 |     Properties: {QueueName: 'a-${env +}', DelaySeconds: '${1 +* 2}', KmsMasterKeyId: '${Key'}
      |                                       ^

    error: the expression cannot be read: extraneous input '*'
     --> plans/shop.yaml:6:63
      |
    6 |     Properties: {QueueName: 'a-${env +}', DelaySeconds: '${1 +* 2}', KmsMasterKeyId: '${Key'}
      |                                                               ^

    error: an expression without its closing brace
     --> plans/shop.yaml:6:87
      |
    6 |     Properties: {QueueName: 'a-${env +}', DelaySeconds: '${1 +* 2}', KmsMasterKeyId: '${Key'}
      |                                                                                       ^^^^^
      |
      = help: close it with `}`, or write `$${` for a literal `${`

    Error: 3 mistakes found; nothing was changed
    --- exit code 1 ---
    ");
}

#[test]
fn fifty_mistakes_are_shown_at_once_by_every_command() {
    let mut text = String::from("Stack: shop\nRegions: [us-east-1]\nResources:\n");
    for number in 1..=50 {
        let queue = "Type: AWS::SQS::Queue\n    Properties: {DelaySecond: 1}";
        writeln!(text, "  Queue{number}:\n    {queue}").expect("text");
    }
    let environment = with_stack("shop", &text);
    for command in COMMANDS {
        let output = environment.run(command);
        assert_eq!(output.code, Some(1), "{output}");
        assert_eq!(output.stdout, "");
        let shown = output.stderr.matches("did you mean `DelaySeconds`?").count();
        assert_eq!(shown, 50, "{output}");
        assert!(output.stderr.contains("50 mistakes found; nothing was changed"), "{output}");
    }
    assert!(world(&environment).queues.is_empty());
    assert!(state_files(&environment).is_empty());
}

#[test]
fn an_unknown_region_on_the_command_line() {
    // An emulator would take it; a typing error is one there too.
    let environment = shop();
    insta::assert_snapshot!(environment.run(&["apply", "shop", "--yes", "--regions", "us-east-1,eu-wets-1"]), @r"
    --- standard error ---
    error: unknown region `eu-wets-1`
     |
     = help: did you mean `eu-west-1`?

    Error: 1 mistake found; nothing was changed
    --- exit code 1 ---
    ");
    insta::assert_snapshot!(environment.run(&["plan", "shop", "--regions", "mars"]), @r"
    --- standard error ---
    error: `mars` is not a region
     |
     = help: a region is written like `us-east-1`

    Error: 1 mistake found; nothing was changed
    --- exit code 1 ---
    ");
    insta::assert_snapshot!(environment.run(&["plan", "shop", "--regions", "us-east-1,us-east-1"]), @r"
    --- standard error ---
    Error: us-east-1 is given twice in --regions
    --- exit code 1 ---
    ");
    insta::assert_snapshot!(environment.run(&["plan", "shop", "--primary", "us-west-2"]), @r"
    --- standard error ---
    Error: The primary us-west-2 is not among the regions
    Hint: name it in --regions too
    --- exit code 1 ---
    ");
    assert!(world(&environment).queues.is_empty());
}

#[test]
fn an_unknown_region_in_the_file() {
    let environment = TestEnvironment::offline();
    environment.write("plans/shop.yaml", &SHOP.replace("eu-west-1]", "eu-wets-1]"));
    insta::assert_snapshot!(environment.run(&["validate", "shop"]), @r"
    --- standard error ---
    error: unknown region `eu-wets-1`
     --> plans/shop.yaml:3:22
      |
    3 | Regions: [us-east-1, eu-wets-1]
      |                      ^^^^^^^^^
      |
      = help: did you mean `eu-west-1`?

    Error: 1 mistake found; nothing was changed
    --- exit code 1 ---
    ");
}

#[test]
fn two_resources_with_one_name() {
    let environment = with_stack("shop", &SHOP.replace("orders-$", "dead-$"));
    insta::assert_snapshot!(environment.run(&["apply", "shop", "--yes"]), @r"
    --- standard error ---
    error: `Orders` has the same physical name as `Dead`
      --> plans/shop.yaml:14:18
       |
    14 |       QueueName: dead-${env}
       |                  ^^^^^^^^^^^ `dead-dev` is us-east-1/Dead already
       |
       = help: two resources of one type cannot share a name in one place: change one of them

    Error: 1 mistake found; nothing was changed
    --- exit code 1 ---
    ");
    assert!(world(&environment).queues.is_empty());
}

#[test]
fn a_circle_is_named() {
    let environment = TestEnvironment::offline();
    environment.write(
        "plans/shop.yaml",
        "Stack: shop\nRegions: [us-east-1]\nResources:\n\
         \x20 A: {Type: 'AWS::SQS::Queue', DependsOn: [B]}\n\
         \x20 B: {Type: 'AWS::SQS::Queue', DependsOn: [C]}\n\
         \x20 C: {Type: 'AWS::SQS::Queue', DependsOn: [A]}\n",
    );
    insta::assert_snapshot!(environment.run(&["validate", "shop"]), @r"
    --- standard error ---
    error: a cycle: A → B → C → A
     --> plans/shop.yaml:4:44
      |
    4 |   A: {Type: 'AWS::SQS::Queue', DependsOn: [B]}
      |                                            ^ the loop begins here
      |
      = note: us-east-1/A waits for us-east-1/B: its DependsOn names it
      = note: us-east-1/B waits for us-east-1/C: its DependsOn names it
      = note: us-east-1/C waits for us-east-1/A: its DependsOn names it
      = help: take one of these references out, or write out its value (a name, an ARN)

    Error: 1 mistake found; nothing was changed
    --- exit code 1 ---
    ");
}

#[test]
fn a_stack_that_is_not_there() {
    let environment = shop();
    insta::assert_snapshot!(environment.run(&["plan", "shep"]), @r"
    --- standard error ---
    Error: There is no stack 'shep': neither a file of that name nor plans/shep.yaml
    Hint: did you mean `shop`?
    --- exit code 1 ---
    ");
    insta::assert_snapshot!(environment.run(&["plan", "elsewhere"]), @r"
    --- standard error ---
    Error: There is no stack 'elsewhere': neither a file of that name nor plans/elsewhere.yaml
    Hint: stacks here: shop
    --- exit code 1 ---
    ");
    insta::assert_snapshot!(environment.run(&["plan"]), @r"
    --- standard error ---
    Error: No stack is given
    Hint: name one (payctl plan my-stack), or set `stack` in payctl.toml
    Hint: stacks here: shop
    --- exit code 1 ---
    ");
}

#[test]
fn no_stack_at_all() {
    insta::assert_snapshot!(TestEnvironment::offline().run(&["plan"]), @r"
    --- standard error ---
    Error: No stack is given
    Hint: name one (payctl plan my-stack), or set `stack` in payctl.toml
    Hint: there are none in plans/ here; give the path of a stack file
    --- exit code 1 ---
    ");
}

#[test]
fn a_stack_is_named_by_the_configuration_or_by_its_path() {
    let environment = TestEnvironment::offline();
    environment.write("elsewhere/shop.yaml", SHOP);
    environment.run(&["validate", "elsewhere/shop.yaml"]).success();
    environment.write("payctl.toml", "stack = 'elsewhere/shop.yaml'\n");
    insta::assert_snapshot!(environment.run(&["validate"]), @"shop is valid: 4 nodes in us-east-1, eu-west-1");
    environment.write("payctl.toml", "stak = 'shop'\n");
    insta::assert_snapshot!(environment.run(&["validate"]), @r"
    --- standard error ---
    Error: payctl.toml cannot be read
      TOML parse error at line 1, column 1
      |
    1 | stak = 'shop'
      | ^^^^
    unknown field `stak`, expected `stack` or `state`
    --- exit code 1 ---
    ");
}

#[test]
fn an_environment_that_names_cannot_hold() {
    let environment = shop();
    insta::assert_snapshot!(environment.run(&["apply", "shop", "--env", "Prod/1", "--yes"]), @r"
    --- standard error ---
    Error: 'Prod/1' cannot be an environment
    Hint: use 1 to 32 lower-case letters, digits and '-', for it becomes part of the names of resources
    --- exit code 1 ---
    ");
    assert!(world(&environment).queues.is_empty());
}

#[test]
fn the_environment_comes_from_its_variable() {
    let environment = TestEnvironment::offline();
    environment.write("plans/shop.yaml", SHOP);
    let exported = |variable: &str, flags: &[&str]| {
        let arguments = [&["export", "shop", "--region", "us-east-1"], flags].concat();
        let output = environment.run_with(&arguments, |command| {
            command.env("ENVIRONMENT_SUFFIX", variable);
        });
        output.success();
        output.stdout
    };
    assert!(exported("staging", &[]).contains("orders-staging"));
    assert!(exported("staging", &["--env", "test"]).contains("orders-test"));
    assert!(exported("", &[]).contains("orders-dev"), "an empty variable says nothing");
}
