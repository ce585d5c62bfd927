//! Parameters: all that is wrong with them at once, and where they come from.

use super::{shop, with_stack, world};
use crate::support::payctl::TestEnvironment;

const STRICT: &str = r#"
Stack: strict
Regions: [us-east-1]
Parameters:
  Name: {Type: String, AllowedPattern: '^[a-z]+$'}
  Delay: {Type: Number, MaxValue: 900}
  Fifo: {Type: Boolean, Default: false}
  Tier: {Type: String, AllowedValues: [gold, silver]}
  Password: {Type: String, NoEcho: true, MinLength: 8}
Resources:
  Queue: {Type: 'AWS::SQS::Queue', Properties: {QueueName: '${Name}', DelaySeconds: '${Delay}'}}
"#;

#[test]
fn everything_wrong_with_parameters_is_said_at_once() {
    let environment = with_stack("strict", STRICT);
    let arguments = [
        "apply",
        "strict",
        "--yes",
        "--param",
        "Delay=1000",
        "--param",
        "Fifo=maybe",
        "--param",
        "Teir=gold",
        "--param",
        "Name=A1",
        "--param",
        "Password=s3cret",
    ];
    let output = environment.run(&arguments);
    assert!(!output.stderr.contains("s3cret"), "{output}");
    insta::assert_snapshot!(output, @r"
    --- standard error ---
    error: there is no parameter `Teir`
     |
     = note: given by --param
     = help: did you mean `Tier`?

    error: parameter `Name` must match ^[a-z]+$
     |
     = note: --param Name gave `A1`

    error: parameter `Delay` must be at most 900
     |
     = note: --param Delay gave `1000`

    error: parameter `Fifo` must be true or false
     |
     = note: --param Fifo gave `maybe`

    error: parameter `Password` must have at least 8 characters
     |
     = note: it was given by --param Password

    error: parameter `Tier` has no value
     --> plans/strict.yaml:8:3
      |
    8 |   Tier: {Type: String, AllowedValues: [gold, silver]}
      |   ^^^^ it has no Default
      |
      = help: give it: --param Tier=…, or PAYCTL_PARAM_Tier in the environment

    Error: 6 mistakes found; nothing was changed
    --- exit code 1 ---
    ");
    assert!(world(&environment).queues.is_empty());
}

#[test]
fn parameters_come_from_flags_files_and_variables() {
    let environment = shop();
    let planned = |flags: &[&str]| {
        let arguments = [&["plan", "shop"], flags].concat();
        let output = environment.run_with(&arguments, |command| {
            command.env("PAYCTL_PARAM_Delay", "11");
        });
        output.success();
        let line = output.stdout.lines().find(|line| line.contains("DelaySeconds"));
        line.and_then(|line| line.split_whitespace().last()).map(str::to_owned)
    };
    environment.write("twelve.yaml", "Delay: 12\n");
    environment.write("thirteen.json", r#"{"Delay": 13}"#);
    assert_eq!(planned(&[]).as_deref(), Some("11"));
    assert_eq!(planned(&["--params", "twelve.yaml"]).as_deref(), Some("12"));
    let both = ["--params", "twelve.yaml", "--params", "thirteen.json"];
    assert_eq!(planned(&both).as_deref(), Some("13"));
    let all = [&both[..], &["--param", "Delay=14"]].concat();
    assert_eq!(planned(&all).as_deref(), Some("14"));
}

#[test]
fn a_parameter_file_that_cannot_be_used() {
    let environment = shop();
    environment.write("list.yaml", "- Delay\n");
    insta::assert_snapshot!(environment.run(&["plan", "shop", "--params", "list.yaml", "--params", "gone.yaml"]), @r"
    --- standard error ---
    error: cannot read gone.yaml: there is no such file

    error: a file of parameters must be a map
     --> list.yaml:1:1
      |
    1 | - Delay
      | ^^^^^^^ this is a list

    Error: 2 mistakes found; nothing was changed
    --- exit code 1 ---
    ");
}

#[test]
fn destroy_asks_for_no_parameter() {
    let environment = with_stack("strict", STRICT);
    let given = [
        "--param",
        "Name=a",
        "--param",
        "Delay=1",
        "--param",
        "Tier=gold",
        "--param",
        "Password=long enough",
    ];
    environment.run(&[&["apply", "strict", "--yes"][..], &given].concat()).success();
    environment.run(&["destroy", "strict", "--yes"]).success();
    assert!(world(&environment).queues.is_empty());
}

#[test]
fn a_secret_is_nowhere_to_be_read() {
    let text = STRICT.replace(
        "Properties: {QueueName: '${Name}', DelaySeconds: '${Delay}'}",
        "Properties: {QueueName: '${Name}', Tags: [{Key: secret, Value: '${Password}'}]}",
    ) + "Outputs:\n  Password: {Value: '${Password}'}\n";
    let environment = with_stack("strict", &text);
    let secret = "correct-horse-battery";
    let password = format!("Password={secret}");
    let given =
        ["--param", "Name=a", "--param", "Delay=1", "--param", "Tier=gold", "--param", &password];
    let run = |words: &[&str]| {
        let output = environment.run(&[words, &given].concat());
        assert!(!format!("{}{}", output.stdout, output.stderr).contains(secret), "{output}");
    };
    run(&["plan", "strict"]);
    run(&["plan", "strict", "--json", "--out", "saved.json"]);
    run(&["apply", "strict"]);
    run(&["apply", "strict", "--yes", "--json", "--log", "json"]);
    run(&["output", "strict", "--json"]);
    run(&["state", "show", "Queue", "strict"]);
    assert!(world(&environment).queues.contains_key("us-east-1/a"));
    for (name, text) in super::state_files(&environment) {
        assert!(!text.contains(secret), "{name} holds the secret");
    }
    let saved = std::fs::read_to_string(environment.path().join("saved.json"));
    assert!(!saved.expect("a saved plan").contains(secret));
}

#[test]
fn a_stack_without_parameters_takes_none() {
    let environment = TestEnvironment::offline();
    environment.write("plans/plain.yaml", "Stack: plain\nRegions: [us-east-1]\nResources: {}\n");
    insta::assert_snapshot!(environment.run(&["validate", "plain", "--param", "A=1"]), @r"
    --- standard error ---
    error: there is no parameter `A`
     |
     = note: given by --param
     = help: the stack has no parameters

    Error: 1 mistake found; nothing was changed
    --- exit code 1 ---
    ");
}
