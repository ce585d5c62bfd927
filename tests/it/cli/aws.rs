//! Credentials and addresses that are of no use.

use super::{SHOP, state_files};
use crate::support::payctl::{Output, TestEnvironment};
use crate::support::scripted;

/// Asserts that a command which needs AWS fails and writes nothing.
fn refused(environment: &TestEnvironment, output: Output) -> String {
    assert_eq!(output.code, Some(1), "{output}");
    assert_eq!(output.stdout, "");
    assert!(state_files(environment).is_empty());
    output.to_string()
}

fn shop_at(endpoint: &str) -> TestEnvironment {
    let environment = TestEnvironment::at(endpoint);
    environment.write("plans/shop.yaml", SHOP);
    environment
}

#[test]
fn no_credentials() {
    let environment = shop_at("http://127.0.0.1:1");
    let output = environment.run_with(&["apply", "shop", "--yes"], |command| {
        command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    });
    insta::assert_snapshot!(refused(&environment, output), @r"
    --- standard error ---
    Error: There are no AWS credentials
      sts:GetCallerIdentity: no credentials in the environment, the profile files or this machine's role
    Hint: give valid credentials (AWS_PROFILE, --profile, or the AWS_ACCESS_KEY_ID variables); for an expired session log in again. --sandbox needs none
    --- exit code 1 ---
    ");
}

#[test]
fn a_profile_that_is_not_there() {
    let environment = shop_at("http://127.0.0.1:1");
    let output = environment.run_with(&["plan", "shop", "--profile", "nobody"], |command| {
        command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    });
    insta::assert_snapshot!(refused(&environment, output), @r"
    --- standard error ---
    Error: The profile 'nobody' gives no AWS credentials
      sts:GetCallerIdentity: no credentials in the environment, the profile files or this machine's role
    Hint: give valid credentials (AWS_PROFILE, --profile, or the AWS_ACCESS_KEY_ID variables); for an expired session log in again. --sandbox needs none
    --- exit code 1 ---
    ");
}

#[test]
fn credentials_that_have_expired() {
    let endpoint = scripted::serve(
        "403 Forbidden",
        "text/xml",
        "<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredToken</Code><Message>The security \
         token included in the request is expired</Message></Error><RequestId>\
         00000000-0000-0000-0000-000000000001</RequestId></ErrorResponse>",
    );
    let environment = shop_at(&endpoint);
    let output = environment.run(&["apply", "shop", "--yes"]);
    insta::assert_snapshot!(refused(&environment, output), @r"
    --- standard error ---
    Error: AWS does not take these credentials
      sts:GetCallerIdentity: ExpiredToken: The security token included in the request is expired
    Hint: give valid credentials (AWS_PROFILE, --profile, or the AWS_ACCESS_KEY_ID variables); for an expired session log in again. --sandbox needs none
    --- exit code 1 ---
    ");
}

#[test]
fn an_endpoint_that_refuses() {
    let environment = shop_at("http://127.0.0.1:1");
    let output = environment.run(&["destroy", "shop", "--yes"]);
    insta::assert_snapshot!(refused(&environment, output), @r"
    --- standard error ---
    Error: Nothing answers at [ENDPOINT]
      sts:GetCallerIdentity: tcp connect error: Connection refused (os error 111)
    Hint: check the network and the endpoint (--endpoint-url, AWS_ENDPOINT_URL)
    --- exit code 1 ---
    ");
}

#[test]
fn an_endpoint_that_is_not_aws() {
    let environment = shop_at(&scripted::serve("200 OK", "text/html", "<h1>It works!</h1>"));
    let output = environment.run(&["plan", "shop"]);
    insta::assert_snapshot!(refused(&environment, output), @r"
    --- standard error ---
    Error: What answers at [ENDPOINT] is not AWS
      sts:GetCallerIdentity: HTTP status 200
    Hint: check the endpoint (--endpoint-url, AWS_ENDPOINT_URL)
    --- exit code 1 ---
    ");
}

#[test]
fn an_endpoint_that_is_no_address() {
    let environment = shop_at("nowhere");
    let output = environment.run(&["plan", "shop", "--endpoint-url", ""]);
    assert_eq!(output.code, Some(1), "{output}");
    let output = environment.run(&["plan", "shop"]);
    insta::assert_snapshot!(refused(&environment, output), @r"
    --- standard error ---
    Error: The endpoint '[ENDPOINT]' is not an address
    Hint: write it like http://127.0.0.1:4566, or unset AWS_ENDPOINT_URL
    --- exit code 1 ---
    ");
}

#[test]
fn an_endpoint_that_fails() {
    let environment = shop_at(&scripted::serve("503 Service Unavailable", "text/plain", "later"));
    let output = environment.run(&["plan", "shop"]);
    insta::assert_snapshot!(refused(&environment, output), @r"
    --- standard error ---
    Error: What answers at [ENDPOINT] is not AWS
      sts:GetCallerIdentity: HTTP status 503
    Hint: check the endpoint (--endpoint-url, AWS_ENDPOINT_URL)
    --- exit code 1 ---
    ");
}

#[test]
fn a_flag_counts_before_the_variable() {
    let environment = shop_at("http://127.0.0.1:1");
    let output = environment.run(&["plan", "shop", "--endpoint-url", "http://127.0.0.1:2"]);
    assert!(output.stderr.contains("Nothing answers at http://127.0.0.1:2"), "{output}");
}
