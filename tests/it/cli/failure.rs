//! What fails holds up only what depends on it, and the next run goes on.

use super::{SHOP, sorted};
use crate::support::payctl::TestEnvironment;
use crate::support::proxy::Proxy;
use crate::support::queues::Queues;
use serde_json::json;

/// A shop behind a proxy of its own, with a queue that needs no other.
fn shop_behind(proxy: &Proxy) -> TestEnvironment {
    let environment = TestEnvironment::at(proxy.endpoint());
    let queue = "{Type: 'AWS::SQS::Queue', Properties: {QueueName: 'lonely-${env}'}}";
    let resources = format!("Resources:\n  Lonely: {queue}\n");
    environment.write("plans/shop.yaml", &SHOP.replace("Resources:\n", &resources));
    environment
}

/// How often a silent region is asked again is a matter of time.
fn uncounted(text: &str) -> String {
    let calls = regex::Regex::new(r"\b\d+ calls?\b").expect("a pattern");
    calls.replace_all(text, "[N] calls").into_owned()
}

#[test]
fn a_failure_skips_only_what_depends_on_it() {
    let proxy = Proxy::own();
    let environment = shop_behind(&proxy);
    environment.run(&["apply", "shop", "--yes", "--target", "Lonely"]).success();
    let error = json!({"code": "OverLimit", "status": 403, "message": "You have too many queues"});
    let first =
        json!({"service": "sqs", "operation": "CreateQueue", "region": "us-east-1", "nth": 1});
    proxy.behave(&json!({"fail": [{"match": first, "action": {"error": error}}]}));

    let output = environment.run(&["apply", "shop", "--yes"]);
    assert_eq!(output.code, Some(1), "{output}");
    insta::assert_snapshot!(sorted(&output.story()), @r"
      eu-west-1/Dead: created ([TIME])
      eu-west-1/Orders: created ([TIME])
    2 created in [TIME] with 5 calls; 1 failed; 1 left
    Error: us-east-1/Dead: creation failed: sqs:CreateQueue: OverLimit: You have too many queues (request [UUID])
    Hint: to go on from here: payctl apply shop --yes
    Left: us-east-1/Orders: creation not begun: us-east-1/Dead failed
    The plan took [TIME] and 10 calls
    shop.dev · account [ACCOUNT] · us-east-1 (primary), eu-west-1
    ");
    assert_eq!(Queues::of(&environment, "us-east-1").names(), ["lonely-dev"]);
    assert_eq!(
        Queues::of(&environment, "eu-west-1").names(),
        ["dead-dev", "lonely-dev", "orders-dev"]
    );

    // The same command goes on where it stopped.
    let output = environment.run(&["apply", "shop", "--yes"]);
    output.success();
    assert!(output.stdout.contains("2 to create\n"), "{output}");
    environment.run(&["plan", "shop", "--detailed-exitcode"]).success();
}

#[test]
fn a_deletion_that_fails_keeps_what_it_needs() {
    let proxy = Proxy::own();
    let environment = shop_behind(&proxy);
    environment.run(&["apply", "shop", "--yes", "--regions", "eu-west-1"]).success();
    let error = json!({"code": "AccessDenied", "status": 403, "message": "not today"});
    let orders = json!({"service": "sqs", "operation": "DeleteQueue", "nth": [1, 2]});
    proxy.behave(&json!({"fail": [{"match": orders, "action": {"error": error}}]}));
    let output = environment.run(&["destroy", "shop", "--yes"]);
    assert_eq!(output.code, Some(1), "{output}");
    insta::assert_snapshot!(sorted(&output.story()), @r"
    Error: eu-west-1/Lonely: deletion failed: sqs:DeleteQueue: AccessDenied: not today (request [UUID])
    Error: eu-west-1/Orders: deletion failed: sqs:DeleteQueue: AccessDenied: not today (request [UUID])
    Hint: ask for the permission named above, or use other credentials
    Hint: to go on from here: payctl destroy shop --yes
    Left: eu-west-1/Dead: deletion not begun: eu-west-1/Orders failed
    The plan took [TIME] and 9 calls
    nothing done in [TIME] with 4 calls; 2 failed; 1 left
    shop.dev · account [ACCOUNT] · eu-west-1 (primary)
    ");
    environment.run(&["destroy", "shop", "--yes"]).success();
    assert!(Queues::of(&environment, "eu-west-1").names().is_empty());
}

#[test]
fn a_region_that_is_down_holds_no_other_up() {
    let proxy = Proxy::own();
    let environment = shop_behind(&proxy);
    proxy.behave(&json!({"region_down": ["us-east-1"]}));
    // It is the primary, and the first to be asked whose credentials these are.
    let output = environment.run(&["apply", "shop", "--yes"]);
    assert_eq!(output.code, Some(1), "{output}");
    insta::assert_snapshot!(uncounted(&sorted(&output.story())), @r"
      eu-west-1/Dead: created ([TIME])
      eu-west-1/Lonely: created ([TIME])
      eu-west-1/Orders: created ([TIME])
    3 created in [TIME] with [N] calls; 2 failed; 1 left
    Error: us-east-1/Dead: creation failed: sqs:CreateQueue: us-east-1 does not answer: Connection reset by peer (os error 104)
    Error: us-east-1/Lonely: creation failed: sqs:CreateQueue: us-east-1 does not answer: Connection reset by peer (os error 104)
    Hint: check the network and the endpoint (--endpoint-url, AWS_ENDPOINT_URL)
    Hint: to go on from here: payctl apply shop --yes
    Left: us-east-1/Orders: creation not begun: us-east-1/Dead failed
    The plan took [TIME] and [N] calls
    Warning: us-east-1 does not answer: what is planned there was not looked at
    shop.dev · account [ACCOUNT] · us-east-1 (primary), eu-west-1
    ");
    proxy.behave(&json!({}));
    let names = ["dead-dev", "lonely-dev", "orders-dev"];
    assert!(Queues::of(&environment, "us-east-1").names().is_empty());
    assert_eq!(Queues::of(&environment, "eu-west-1").names(), names);

    environment.run(&["apply", "shop", "--yes"]).success();
    assert_eq!(Queues::of(&environment, "us-east-1").names(), names);

    // What is recorded there cannot be looked at, and is left alone.
    proxy.behave(&json!({"region_down": ["us-east-1"]}));
    let output = environment.run(&["apply", "shop", "--yes", "--param", "Delay=7"]);
    assert_eq!(output.code, Some(1), "{output}");
    insta::assert_snapshot!(uncounted(&output.to_string()), @r"
      ? us-east-1/Lonely  AWS::SQS::Queue  us-east-1 does not answer
      ? us-east-1/Dead    AWS::SQS::Queue  us-east-1 does not answer
      ? us-east-1/Orders  AWS::SQS::Queue  us-east-1 does not answer
          DelaySeconds             5 → 7
      ~ eu-west-1/Orders  AWS::SQS::Queue
          DelaySeconds             5 → 7
      Outputs
        ~ Delay                    5 → 7

    1 to change, 3 unreachable
    --- standard error ---
    shop.dev · account [ACCOUNT] · us-east-1 (primary), eu-west-1

    The plan took [TIME] and [N] calls
    Warning: us-east-1 does not answer: what is planned there was not looked at
      eu-west-1/Orders: changed ([TIME])
    1 changed in [TIME] with [N] calls; 3 unreachable
    Hint: check the network and the endpoint (--endpoint-url, AWS_ENDPOINT_URL)
    Hint: to go on from here: payctl apply shop --yes --param Delay=…
    --- exit code 1 ---
    ");
    proxy.behave(&json!({}));
    assert_eq!(Queues::of(&environment, "eu-west-1").delay("orders-dev"), "7");
    assert_eq!(Queues::of(&environment, "us-east-1").delay("orders-dev"), "5");
    environment.run(&["apply", "shop", "--yes", "--param", "Delay=7"]).success();
    assert_eq!(Queues::of(&environment, "us-east-1").delay("orders-dev"), "7");
}

#[test]
fn answers_that_are_lost_leave_no_second_thing() {
    let proxy = Proxy::own();
    let environment = shop_behind(&proxy);
    let create = json!({"service": "sqs", "operation": "CreateQueue", "nth": [1, 3]});
    proxy.behave(&json!({"fail": [{"match": create, "action": "close_after"}]}));
    environment.run(&["apply", "shop", "--yes"]).success();
    environment.run(&["plan", "shop", "--detailed-exitcode"]).success();
    environment.run(&["destroy", "shop", "--yes"]).success();
    assert!(Queues::of(&environment, "us-east-1").names().is_empty());
}
