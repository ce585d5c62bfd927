//! What becomes of a function's versions when the function changes.

use crate::support::payctl::TestEnvironment;
use aws_sdk_lambda::Client;
use payctl::aws::clients::{Clients, Endpoint};

const STACK: &str = "
Stack: versions
Regions: [us-east-1]
Resources:
  Function:
    Type: AWS::Lambda::Function
    Properties:
      FunctionName: versions
      Role: 'arn:aws:iam::${account}:role/versions'
      Runtime: python3.12
      Handler: hello.handler
      Code: tests/fixtures/hello
      Environment: {Variables: {GREETING: hello}}
  Version:
    Type: AWS::Lambda::Version
    Properties: {FunctionName: '${Function}'}
  Alias:
    Type: AWS::Lambda::Alias
    Properties: {FunctionName: '${Function}', Name: live, FunctionVersion: '${Version.Version}'}
";

/// Writes the stack file and applies it; nothing is left to do then. Returns
/// the plan's first lines for each node.
fn apply(environment: &TestEnvironment, stack: &str) -> Vec<String> {
    environment.write("plans/versions.yaml", stack);
    let output = environment.run(&["apply", "versions", "--yes"]);
    output.success();
    environment.run(&["plan", "versions", "--detailed-exitcode"]).success();
    let steps = output.stdout.lines().filter(|line| line.contains("us-east-1/"));
    steps.map(|line| line.trim().split("  ").next().unwrap_or_default().to_owned()).collect()
}

/// Returns the version that the alias stands for, and all that there are.
async fn versions(lambda: &Client) -> (String, Vec<String>) {
    let alias = lambda.get_alias().function_name("versions").name("live").send().await;
    let alias = alias.expect("read the alias").function_version.expect("a version");
    let all = lambda.list_versions_by_function().function_name("versions").send().await;
    let all = all.expect("list the versions").versions.unwrap_or_default();
    (alias, all.into_iter().filter_map(|version| version.version).collect())
}

#[tokio::test]
async fn a_changed_function_is_published_and_its_alias_follows() {
    let environment = TestEnvironment::new();
    environment.copy("tests/fixtures");
    let endpoint = Endpoint {
        url: Some(environment.endpoint().to_owned()),
        profile: None,
        access_key: Some(environment.account().to_owned()),
    };
    let lambda = Clients::load(&endpoint).await.lambda("us-east-1");
    let numbers = |all: &[&str]| all.iter().map(|&number| number.to_owned()).collect::<Vec<_>>();

    apply(&environment, STACK);
    assert_eq!(versions(&lambda).await, ("1".to_owned(), numbers(&["$LATEST", "1"])));

    let changed = STACK.replace("GREETING: hello", "GREETING: good day");
    let steps = apply(&environment, &changed);
    assert_eq!(steps, ["~ us-east-1/Function", "~ us-east-1/Version", "~ us-east-1/Alias"]);
    // The earlier one stays, to go back to.
    assert_eq!(versions(&lambda).await, ("2".to_owned(), numbers(&["$LATEST", "1", "2"])));

    // Lambda makes no version of what it does not freeze.
    let reserved = changed.replace("Handler:", "ReservedConcurrentExecutions: 1\n      Handler:");
    apply(&environment, &reserved);
    let (alias, all) = versions(&lambda).await;
    assert!(all.contains(&alias), "{alias} of {all:?}");

    environment.run(&["destroy", "versions", "--yes"]).success();
    let gone = lambda.get_function().function_name("versions").send().await;
    assert!(gone.is_err(), "the function and its versions are gone");
    environment.assert_no_violations();
}
