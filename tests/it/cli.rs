//! The binary as its users meet it: what it prints, where, and how it exits.
//!
//! Each test has a folder, an account and an environment of its own. Where
//! input is bad, nothing may be changed: neither the state nor AWS.

mod aws;
mod failure;
mod foreign;
mod help;
mod input;
mod json;
mod lifecycle;
mod offline;
mod output;
mod parameters;
mod saved;
mod selection;
mod state;

use crate::support::payctl::TestEnvironment;
use crate::support::queues::Queues;
use std::collections::BTreeMap;
use std::fs;

/// Two queues in each of two regions, one of which feeds the other.
const SHOP: &str = r#"
Stack: shop
Regions: [us-east-1, eu-west-1]
Parameters:
  Delay: {Type: Number, Default: 5, MinValue: 0, MaxValue: 900}
Resources:
  Dead:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: dead-${env}
  Orders:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: orders-${env}
      DelaySeconds: ${Delay}
      Tags: [{Key: dead-letters, Value: '${Dead.Arn}'}]
Outputs:
  Arns:
    Description: Where orders go
    Value: {ForEach: {r: '${regions}'}, Key: '${r}', Value: '${Orders[r].Arn}'}
  Delay: {Value: '${Delay}'}
"#;

/// Makes an environment with the shop's stack file.
fn shop() -> TestEnvironment {
    with_stack("shop", SHOP)
}

/// Makes an environment with a stack file in `plans/`.
fn with_stack(name: &str, text: &str) -> TestEnvironment {
    let environment = TestEnvironment::new();
    environment.write(&format!("plans/{name}.yaml"), text);
    environment
}

/// Makes an environment whose shop is applied.
fn applied_shop() -> TestEnvironment {
    let environment = shop();
    environment.run(&["apply", "shop", "--yes"]).success();
    environment
}

/// Everything that a command might have changed.
#[derive(Debug, PartialEq)]
struct World {
    files: BTreeMap<String, String>,
    queues: BTreeMap<String, BTreeMap<String, String>>,
}

/// Looks at the state files (their locks hold nothing that lasts) and at the
/// queues of both regions.
fn world(environment: &TestEnvironment) -> World {
    let mut queues = BTreeMap::new();
    for region in ["us-east-1", "eu-west-1"] {
        let there = Queues::of(environment, region);
        for name in there.names() {
            queues.insert(format!("{region}/{name}"), there.attributes(&name));
        }
    }
    World { files: state_files(environment), queues }
}

/// Returns the state files but for locks.
fn state_files(environment: &TestEnvironment) -> BTreeMap<String, String> {
    let entries = fs::read_dir(environment.path().join("state")).into_iter().flatten();
    let files = entries.map(|entry| entry.expect("an entry").path());
    files
        .filter(|path| path.extension().is_none_or(|extension| extension != "lock"))
        .map(|path| {
            let name = path.file_name().expect("a file's name").to_string_lossy().into_owned();
            (name, fs::read_to_string(path).expect("read a state file"))
        })
        .collect()
}

/// Returns lines in alphabetical order: what happens at once is told in any
/// order.
fn sorted(text: &str) -> String {
    let mut lines: Vec<_> = text.lines().filter(|line| !line.is_empty()).collect();
    lines.sort_unstable();
    lines.join("\n")
}
