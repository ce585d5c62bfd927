//! `payctl output`.

use super::applied_shop;

#[test]
fn outputs_for_people() {
    let environment = applied_shop();
    insta::assert_snapshot!(environment.run(&["output", "shop"]), @r"
    Outputs:
      Arns
        eu-west-1        arn:aws:sqs:eu-west-1:[ACCOUNT]:orders-dev
        us-east-1        arn:aws:sqs:us-east-1:[ACCOUNT]:orders-dev
      Delay                    5
    ");
}

#[test]
fn one_output_is_plain_text_or_json() {
    let environment = applied_shop();
    insta::assert_snapshot!(environment.run(&["output", "shop", "--name", "Delay"]), @"5");
    insta::assert_snapshot!(environment.run(&["output", "shop", "--name", "Arns"]), @r#"{"eu-west-1":"arn:aws:sqs:eu-west-1:[ACCOUNT]:orders-dev","us-east-1":"arn:aws:sqs:us-east-1:[ACCOUNT]:orders-dev"}"#);
    insta::assert_snapshot!(environment.run(&["output", "shop", "--name", "Arn"]), @r"
    --- standard error ---
    Error: There is no output 'Arn'
    Hint: outputs: Arns, Delay
    --- exit code 1 ---
    ");
}

#[test]
fn all_outputs_as_json() {
    let environment = applied_shop();
    insta::assert_snapshot!(environment.run(&["output", "shop", "--json"]), @r#"
    {
      "Arns": {
        "eu-west-1": "arn:aws:sqs:eu-west-1:[ACCOUNT]:orders-dev",
        "us-east-1": "arn:aws:sqs:us-east-1:[ACCOUNT]:orders-dev"
      },
      "Delay": 5
    }
    "#);
}
