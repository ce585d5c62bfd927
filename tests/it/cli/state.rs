//! States that cannot be used, and locks.

use super::{applied_shop, shop, state_files, world};
use crate::support::payctl::TestEnvironment;
use crate::support::proxy::Proxy;
use crate::support::{emulator, wait};
use payctl::state::VERSION;
use serde_json::json;
use std::process::Stdio;

const SNAPSHOT: &str = "state/shop.dev.json";

/// Changes the state file of an applied shop, and asserts that no command uses
/// it or changes anything. Returns what `apply` says.
fn refused(change: impl FnOnce(&str) -> String) -> String {
    let environment = applied_shop();
    let state = state_files(&environment)["shop.dev.json"].clone();
    environment.write(SNAPSHOT, &change(&state));
    let before = world(&environment);
    let apply = environment.run(&["apply", "shop", "--yes", "--param", "Delay=9"]);
    for command in [
        &["plan", "shop"][..],
        &["destroy", "shop", "--yes"],
        &["output", "shop"],
        &["state", "list", "shop"],
    ] {
        let output = environment.run(command);
        assert_eq!(output.to_string(), apply.to_string());
    }
    assert_eq!(world(&environment), before);
    apply.to_string()
}

#[test]
fn a_corrupt_state() {
    insta::assert_snapshot!(refused(|state| state[..100].to_owned()), @r"
    --- standard error ---
    Error: The state state/shop.dev.json is corrupt: EOF while parsing a string at line 6 column 18
    Hint: restore it from state/shop.dev.json.backup or from version control; nothing was changed in AWS
    --- exit code 1 ---
    ");
    insta::assert_snapshot!(refused(|_| String::new()), @r"
    --- standard error ---
    Error: The state state/shop.dev.json is corrupt: EOF while parsing a value at line 1 column 0
    Hint: restore it from state/shop.dev.json.backup or from version control; nothing was changed in AWS
    --- exit code 1 ---
    ");
    insta::assert_snapshot!(refused(|_| "[]".to_owned()), @r"
    --- standard error ---
    Error: The state state/shop.dev.json is corrupt: it does not say its format version
    Hint: restore it from state/shop.dev.json.backup or from version control; nothing was changed in AWS
    --- exit code 1 ---
    ");
    insta::assert_snapshot!(refused(|state| state.replacen("\"ready\"", "\"done\"", 1)), @r"
    --- standard error ---
    Error: The state state/shop.dev.json is corrupt: unknown variant `done`, expected one of `created`, `ready`, `incomplete`, `deleting`
    Hint: restore it from state/shop.dev.json.backup or from version control; nothing was changed in AWS
    --- exit code 1 ---
    ");
}

#[test]
fn a_corrupt_journal() {
    let environment = applied_shop();
    environment.write("state/shop.dev.journal", "00000000 {\"lineage\": 1}\n00000000 {}\n");
    let before = world(&environment);
    insta::assert_snapshot!(environment.run(&["apply", "shop", "--yes", "--param", "Delay=9"]), @r"
    --- standard error ---
    Error: The state state/shop.dev.journal is corrupt: line 1 is damaged
    Hint: restore it from version control; if that is not possible, remove it: what the last run made is found again by its names and tags, and asked about
    --- exit code 1 ---
    ");
    assert_eq!(world(&environment), before);
}

#[test]
fn a_state_of_a_newer_version() {
    let version = format!("\"version\": {VERSION}");
    let newer = format!("\"version\": {}", VERSION + 1);
    insta::assert_snapshot!(refused(|state| state.replacen(&version, &newer, 1)), @r"
    --- standard error ---
    Error: The state state/shop.dev.json has format version 2; this payctl reads up to 1
    Hint: use the payctl that wrote it, or a newer one
    --- exit code 1 ---
    ");
}

#[test]
fn a_state_of_another_stack_or_environment() {
    insta::assert_snapshot!(refused(|state| state.replacen("\"stack\": \"shop\"", "\"stack\": \"bank\"", 1)), @r"
    --- standard error ---
    Error: The state state/shop.dev.json belongs to stack 'bank', not 'shop'
    Hint: check the stack, --env and --state
    --- exit code 1 ---
    ");
    insta::assert_snapshot!(refused(|state| state.replacen("\"env\": \"dev\"", "\"env\": \"prod\"", 1)), @r"
    --- standard error ---
    Error: The state state/shop.dev.json belongs to environment 'prod', not 'dev'
    Hint: check the stack, --env and --state
    --- exit code 1 ---
    ");
}

#[test]
fn a_state_of_another_account() {
    let environment = applied_shop();
    let before = world(&environment);
    let stranger = emulator::account();
    let output =
        environment.run_with(&["apply", "shop", "--yes", "--param", "Delay=9"], |command| {
            command.env("AWS_ACCESS_KEY_ID", &stranger);
        });
    insta::assert_snapshot!(output.to_string().replace(&stranger, "[STRANGER]"), @r"
    --- standard error ---
    Error: The state state/shop.dev.json belongs to account '[ACCOUNT]', not '[STRANGER]'
    Hint: check the credentials (--profile, AWS_PROFILE), or choose another --env
    --- exit code 1 ---
    ");
    assert_eq!(world(&environment), before);
}

/// Holds the lock of the shop as a process that is alive does.
fn hold(environment: &TestEnvironment) -> payctl::state::lock::Lock {
    environment.write("state/shop.dev.lock", "");
    let path = environment.path().join("state/shop.dev.lock");
    payctl::state::lock::Lock::take(&path, "shop.dev", "payctl destroy").expect("a free lock")
}

#[test]
fn a_lock_that_a_living_process_holds() {
    let environment = shop();
    let held = hold(&environment);
    let shown = |output: String| {
        let now = regex::Regex::new(r"since [^)]+").expect("a pattern");
        let shown = output.replace(&std::process::id().to_string(), "[PID]");
        now.replace(&shown, "since [NOW]").into_owned()
    };
    insta::assert_snapshot!(shown(environment.run(&["apply", "shop", "--yes"]).to_string()), @r"
    --- standard error ---
    Error: The deployment shop.dev is locked by process [PID] ('payctl destroy', since [NOW])
    Hint: wait for it to end; the lock goes with its process, however that ends
    --- exit code 1 ---
    ");
    assert!(world(&environment).queues.is_empty());
    // To look needs no lock.
    environment.run(&["plan", "shop"]).success();
    drop(held);
    environment.run(&["apply", "shop", "--yes"]).success();
}

/// A run that is killed while a call is under way leaves a lock that holds
/// nobody up.
#[test]
fn a_lock_of_a_dead_process() {
    let proxy = Proxy::own();
    let environment = TestEnvironment::at(proxy.endpoint());
    environment.write("plans/shop.yaml", super::SHOP);
    let create = json!({"service": "sqs", "operation": "CreateQueue"});
    proxy.behave(&json!({"fail": [{"match": create, "action": {"hang": 600}}]}));
    let mut apply = environment.command(&["apply", "shop", "--yes"]);
    let apply = apply.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut apply = apply.expect("start payctl");
    let path = environment.path().join("state/shop.dev.journal");
    wait::until("a queue is about to be made", || {
        std::fs::read_to_string(&path).is_ok_and(|journal| journal.contains("sqs:CreateQueue"))
    });
    let locked = environment.run(&["apply", "shop", "--yes"]);
    let holder = format!("locked by process {} ('payctl apply'", apply.id());
    assert!(locked.stderr.contains(&holder), "{locked}");
    apply.kill().expect("kill payctl");
    apply.wait().expect("its end");

    proxy.behave(&json!({}));
    environment.run(&["apply", "shop", "--yes"]).success();
    environment.run(&["plan", "shop", "--detailed-exitcode"]).success();
}

#[test]
fn a_folder_that_cannot_hold_the_state() {
    let environment = shop();
    environment.write("notes", "a file");
    insta::assert_snapshot!(environment.run(&["apply", "shop", "--yes", "--state", "notes/state"]), @r"
    --- standard error ---
    Error: Cannot read notes/state/shop.dev.json: Not a directory (os error 20)
    --- exit code 1 ---
    ");
    assert!(world(&environment).queues.is_empty());
}

#[test]
fn a_deployment_that_was_never_applied() {
    let environment = TestEnvironment::offline();
    environment.write("plans/shop.yaml", super::SHOP);
    insta::assert_snapshot!(environment.run(&["state", "list", "shop"]), @r"
    --- standard error ---
    Error: The deployment shop.dev has no state
    Hint: nothing was applied yet; or it is another one: see --env and --state
    --- exit code 1 ---
    ");
    insta::assert_snapshot!(environment.run(&["output", "shop", "--env", "prod"]), @r"
    --- standard error ---
    Error: The deployment shop.prod has no state
    Hint: nothing was applied yet; or it is another one: see --env and --state
    --- exit code 1 ---
    ");
}

#[test]
fn the_state_is_listed_and_shown_without_aws() {
    let environment = applied_shop();
    let offline = |arguments: &[&str]| {
        environment.run_with(arguments, |command| {
            command.env("AWS_ENDPOINT_URL", "http://127.0.0.1:1").env_remove("AWS_ACCESS_KEY_ID");
        })
    };
    insta::assert_snapshot!(offline(&["state", "list", "shop"]), @r"
    eu-west-1/Dead    AWS::SQS::Queue  dead-dev
    eu-west-1/Orders  AWS::SQS::Queue  orders-dev
    us-east-1/Dead    AWS::SQS::Queue  dead-dev
    us-east-1/Orders  AWS::SQS::Queue  orders-dev
    ");
    insta::assert_snapshot!(offline(&["state", "show", "us-east-1/Orders", "shop"]), @r#"
    {
      "us-east-1/Orders": {
        "attributes": {
          "Arn": "arn:aws:sqs:us-east-1:[ACCOUNT]:orders-dev",
          "QueueName": "orders-dev",
          "QueueUrl": "[ENDPOINT]/[ACCOUNT]/orders-dev"
        },
        "dependencies": [
          {
            "address": "us-east-1/Dead",
            "late": false
          }
        ],
        "generation": 0,
        "id": "orders-dev",
        "properties": {
          "DelaySeconds": 5,
          "QueueName": "orders-dev",
          "Tags": [
            {
              "Key": "dead-letters",
              "Value": "arn:aws:sqs:us-east-1:[ACCOUNT]:dead-dev"
            }
          ]
        },
        "region": "us-east-1",
        "retain": false,
        "status": "ready",
        "type": "AWS::SQS::Queue"
      }
    }
    "#);
    insta::assert_snapshot!(offline(&["state", "show", "us-*/Ordres", "shop"]), @r"
    --- standard error ---
    Error: The state holds no node 'us-*/Ordres'
    Hint: list them with: payctl state list
    --- exit code 1 ---
    ");
}
