//! Things that exist and are not this deployment's.

use super::{shop, with_stack, world};
use crate::support::queues::Queues;

#[test]
fn a_name_that_is_taken_is_refused_by_plan_and_apply() {
    let environment = shop();
    Queues::of(&environment, "eu-west-1").create("orders-dev");
    let before = world(&environment);
    insta::assert_snapshot!(environment.run(&["plan", "shop", "--regions", "eu-west-1"]), @r"
      + eu-west-1/Dead    AWS::SQS::Queue
          QueueName                dead-dev
      ⇐ eu-west-1/Orders  AWS::SQS::Queue
          DelaySeconds             0 → 5
          Tags/dead-letters        (unset) → arn:aws:sqs:eu-west-1:[ACCOUNT]:dead-dev
      Outputs
        + Arns/eu-west-1           arn:aws:sqs:eu-west-1:[ACCOUNT]:orders-dev
        + Delay                    5

    1 to create, 1 to adopt
    Refused: eu-west-1/Orders: orders-dev exists and is not payctl's; choose another name, or take it over with --adopt
    --- standard error ---
    shop.dev · account [ACCOUNT] · eu-west-1 (primary)

    The plan took [TIME] and 4 calls
    --- exit code 1 ---
    ");
    insta::assert_snapshot!(environment.run(&["apply", "shop", "--regions", "eu-west-1", "--yes"]), @r"
      + eu-west-1/Dead    AWS::SQS::Queue
          QueueName                dead-dev
      ⇐ eu-west-1/Orders  AWS::SQS::Queue
          DelaySeconds             0 → 5
          Tags/dead-letters        (unset) → arn:aws:sqs:eu-west-1:[ACCOUNT]:dead-dev
      Outputs
        + Arns/eu-west-1           arn:aws:sqs:eu-west-1:[ACCOUNT]:orders-dev
        + Delay                    5

    1 to create, 1 to adopt
    Refused: eu-west-1/Orders: orders-dev exists and is not payctl's; choose another name, or take it over with --adopt
    --- standard error ---
    shop.dev · account [ACCOUNT] · eu-west-1 (primary)

    The plan took [TIME] and 4 calls
    Error: The plan cannot be applied as it is, as said above; nothing was changed
    --- exit code 1 ---
    ");
    assert_eq!(world(&environment), before);
}

#[test]
fn what_is_asked_for_is_taken_over() {
    let environment = shop();
    Queues::of(&environment, "eu-west-1").create("orders-dev");
    let output = environment.run(&["apply", "shop", "--regions", "eu-west-1", "--adopt", "--yes"]);
    output.success();
    insta::assert_snapshot!(output.result(), @r"
      + eu-west-1/Dead    AWS::SQS::Queue
          QueueName                dead-dev
      ⇐ eu-west-1/Orders  AWS::SQS::Queue
          DelaySeconds             0 → 5
          Tags/dead-letters        (unset) → arn:aws:sqs:eu-west-1:[ACCOUNT]:dead-dev
      Outputs
        + Arns/eu-west-1           arn:aws:sqs:eu-west-1:[ACCOUNT]:orders-dev
        + Delay                    5

    1 to create, 1 to adopt
    Outputs:
      Arns
        eu-west-1        arn:aws:sqs:eu-west-1:[ACCOUNT]:orders-dev
      Delay                    5
    ");
    environment.run(&["plan", "shop", "--detailed-exitcode"]).success();
    environment.run(&["destroy", "shop", "--yes"]).success();
    assert!(world(&environment).queues.is_empty());
}

#[test]
fn another_deployments_things_are_named_with_their_owner() {
    let environment = shop();
    environment.run(&["apply", "shop", "--yes"]).success();
    let thief = super::SHOP.replace("Stack: shop", "Stack: thief");
    environment.write("plans/thief.yaml", &thief);
    let before = world(&environment);
    let output = environment.run(&["apply", "thief", "--yes"]);
    assert_eq!(output.code, Some(1));
    insta::assert_snapshot!(output, @r"
      ⇐ us-east-1/Dead    AWS::SQS::Queue
      ⇐ eu-west-1/Dead    AWS::SQS::Queue
      ⇐ us-east-1/Orders  AWS::SQS::Queue
      ⇐ eu-west-1/Orders  AWS::SQS::Queue
      Outputs
        + Arns/eu-west-1           arn:aws:sqs:eu-west-1:[ACCOUNT]:orders-dev
        + Arns/us-east-1           arn:aws:sqs:us-east-1:[ACCOUNT]:orders-dev
        + Delay                    5

    4 to adopt
    Refused: us-east-1/Dead: dead-dev exists and belongs to us-east-1/Dead of shop.dev; choose another name, or take it over with --adopt
    Refused: eu-west-1/Dead: dead-dev exists and belongs to eu-west-1/Dead of shop.dev; choose another name, or take it over with --adopt
    Refused: us-east-1/Orders: orders-dev exists and belongs to us-east-1/Orders of shop.dev; choose another name, or take it over with --adopt
    Refused: eu-west-1/Orders: orders-dev exists and belongs to eu-west-1/Orders of shop.dev; choose another name, or take it over with --adopt
    --- standard error ---
    thief.dev · account [ACCOUNT] · us-east-1 (primary), eu-west-1

    The plan took [TIME] and 12 calls
    Error: The plan cannot be applied as it is, as said above; nothing was changed
    --- exit code 1 ---
    ");
    assert_eq!(world(&environment), before);
}

/// A creation that AWS refuses because the name is taken, which no plan could
/// know.
#[test]
fn a_name_that_is_found_taken_by_apply() {
    let role = r#"
Stack: roles
Regions: [us-east-1]
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: taken-${env}
      AssumeRolePolicyDocument:
        Version: '2012-10-17'
        Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: 'sts:AssumeRole'}]
"#;
    let environment = with_stack("roles", role);
    environment.run(&["apply", "roles", "--yes"]).success();
    environment.write("plans/others.yaml", &role.replace("Stack: roles", "Stack: others"));
    let output = environment.run(&["apply", "others", "--yes"]);
    assert_eq!(output.code, Some(1));
    insta::assert_snapshot!(output, @r#"
      + global/Role  AWS::IAM::Role
          AssumeRolePolicyDocument {"Statement":[{"Action":"sts:AssumeRol…zonaws.com"}}],"Version":"2012-10-17"}
          RoleName                 taken-dev

    1 to create
    --- standard error ---
    others.dev · account [ACCOUNT] · us-east-1 (primary)

    The plan took [TIME] and 0 calls
    Error: global/Role: creation failed: iam:CreateRole: EntityAlreadyExists: taken-dev exists and is not this deployment's (Role with name taken-dev already exists.). Choose another name, or take it over with --adopt (request [UUID])
    nothing done in [TIME] with 4 calls; 1 failed
    Hint: to go on from here: payctl apply others --yes
    --- exit code 1 ---
    "#);
    // What failed left nothing behind.
    let destroyed = environment.run(&["destroy", "others", "--yes"]);
    insta::assert_snapshot!(destroyed, @r"
    Nothing to do: there are no nodes
    --- standard error ---
    others.dev · account [ACCOUNT] · us-east-1 (primary)

    The plan took [TIME] and 0 calls
    ");
    environment.run(&["plan", "roles", "--detailed-exitcode"]).success();
}

#[test]
fn our_own_things_are_found_again_when_the_state_is_lost() {
    let environment = super::applied_shop();
    std::fs::remove_dir_all(environment.path().join("state")).expect("lose the state");
    let output = environment.run(&["apply", "shop", "--yes"]);
    output.success();
    insta::assert_snapshot!(output.result(), @r"
      ⇐ us-east-1/Dead    AWS::SQS::Queue  it is this deployment's own, by its tags
      ⇐ eu-west-1/Dead    AWS::SQS::Queue  it is this deployment's own, by its tags
      ⇐ us-east-1/Orders  AWS::SQS::Queue  it is this deployment's own, by its tags
      ⇐ eu-west-1/Orders  AWS::SQS::Queue  it is this deployment's own, by its tags
      Outputs
        + Arns/eu-west-1           arn:aws:sqs:eu-west-1:[ACCOUNT]:orders-dev
        + Arns/us-east-1           arn:aws:sqs:us-east-1:[ACCOUNT]:orders-dev
        + Delay                    5

    4 to adopt
    Outputs:
      Arns
        eu-west-1        arn:aws:sqs:eu-west-1:[ACCOUNT]:orders-dev
        us-east-1        arn:aws:sqs:us-east-1:[ACCOUNT]:orders-dev
      Delay                    5
    ");
    environment.run(&["destroy", "shop", "--yes"]).success();
    assert!(world(&environment).queues.is_empty());
}
