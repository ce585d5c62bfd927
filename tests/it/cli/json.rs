//! The JSON that programs read (`docs/json.md`): its keys are a promise.

use super::{applied_shop, shop};
use crate::support::payctl::TestEnvironment;
use crate::support::proxy::Proxy;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Returns the paths of all members, `[]` for an item of a list, and the types
/// of their values. Members of `open`, whose names are not payctl's, are one.
fn shape(value: &Value, open: &[&str]) -> String {
    let mut found = BTreeMap::new();
    walk("", value, open, &mut found);
    let lines = found.into_iter().map(|(path, types): (String, BTreeSet<&str>)| {
        format!("{path}: {}", types.into_iter().collect::<Vec<_>>().join(" or "))
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn walk(path: &str, value: &Value, open: &[&str], found: &mut BTreeMap<String, BTreeSet<&str>>) {
    let name = match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    };
    if !path.is_empty() {
        found.entry(path.to_owned()).or_default().insert(name);
    }
    match value {
        Value::Array(items) => {
            items.iter().for_each(|item| walk(&format!("{path}[]"), item, open, found));
        }
        Value::Object(map) if !open.contains(&path) => {
            for (name, member) in map {
                let dot = if path.is_empty() { "" } else { "." };
                walk(&format!("{path}{dot}{name}"), member, open, found);
            }
        }
        _ => {}
    }
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}:\n{text}"))
}

/// Whatever the stack file names, or any value at all.
const OPEN: &[&str] =
    &["outputs", "steps[].desired", "steps[].changes[].before", "steps[].changes[].after"];

#[test]
fn plan_of_a_creation() {
    let output = shop().run(&["plan", "shop", "--json"]);
    output.success();
    insta::assert_snapshot!(shape(&parsed(&output.stdout), OPEN), @r"
    account: text
    deployment: text
    outputs: object
    regions: list
    regions[]: text
    steps: list
    steps[]: object
    steps[].action: text
    steps[].address: text
    steps[].changes: list
    steps[].dependencies: list
    steps[].dependencies[]: object
    steps[].dependencies[].address: text
    steps[].dependencies[].late: true or false
    steps[].desired: object
    steps[].generation: number
    steps[].region: text
    steps[].type: text
    ");
    assert_eq!(output.stderr, "", "a plan for programs tells no story");
}

#[test]
fn plan_of_everything_else() {
    let environment = applied_shop();
    let queues = crate::support::queues::Queues::of(&environment, "us-east-1");
    queues.set_delay("orders-dev", 100);
    let text = super::SHOP.replace("  Dead:", "  Fallen:").replace("Dead.Arn", "Fallen.Arn");
    environment.write("plans/shop.yaml", &text);
    let output = environment.run(&[
        "plan",
        "shop",
        "--json",
        "--replace",
        "eu-west-1/Orders",
        "--target",
        "Oders",
    ]);
    assert_eq!(output.code, Some(1), "{output}");
    let output = environment.run(&["plan", "shop", "--json", "--replace", "eu-west-1/Orders"]);
    assert_eq!(output.code, Some(1), "{output}");
    insta::assert_snapshot!(shape(&parsed(&output.stdout), OPEN), @r"
    account: text
    deployment: text
    outputs: object
    refusals: list
    refusals[]: object
    refusals[].address: text
    refusals[].hint: text
    refusals[].message: text
    regions: list
    regions[]: text
    steps: list
    steps[]: object
    steps[].action: text
    steps[].address: text
    steps[].changes: list
    steps[].changes[]: object
    steps[].changes[].after: number
    steps[].changes[].before: number
    steps[].changes[].path: text
    steps[].changes[].replaces: true or false
    steps[].delete_first: true or false
    steps[].dependencies: list
    steps[].dependencies[]: object
    steps[].dependencies[].address: text
    steps[].dependencies[].late: true or false
    steps[].desired: object
    steps[].drift: list
    steps[].drift[]: object
    steps[].drift[].after: number
    steps[].drift[].before: number
    steps[].drift[].path: text
    steps[].drift[].replaces: true or false
    steps[].from: text
    steps[].generation: number
    steps[].id: text
    steps[].reasons: list
    steps[].reasons[]: text
    steps[].region: text
    steps[].type: text
    ");
}

#[test]
fn values_that_are_not_known_yet_name_their_source() {
    let environment = TestEnvironment::new();
    let text = super::SHOP.replace("Value: '${Delay}'", "Value: 'at ${Orders[\"us-east-1\"]}'");
    environment.write("plans/shop.yaml", &text);
    let output = environment.run(&["plan", "shop", "--json"]);
    let plan = parsed(&output.stdout);
    assert_eq!(plan["outputs"]["Delay"], json!({"$unknown": ["us-east-1/Orders"]}));
}

/// Returns the shapes of the events of a run, one for each kind of event.
fn events(output: &str) -> String {
    let mut shapes: BTreeMap<String, BTreeMap<String, BTreeSet<&str>>> = BTreeMap::new();
    for line in output.lines() {
        let event = parsed(line);
        let name = event["event"].as_str().expect("an event's name").to_owned();
        let open = ["plan", "outputs", "done"];
        walk("", &event, &open, shapes.entry(name).or_default());
    }
    let mut text = String::new();
    for (name, members) in shapes {
        text.push_str(&name);
        for (path, types) in members {
            let types = types.into_iter().collect::<Vec<_>>().join(" or ");
            text.extend(["\n  ", path.as_str(), ": ", types.as_str()]);
        }
        text.push('\n');
    }
    text
}

#[test]
fn apply_writes_an_object_a_line() {
    let environment = shop();
    let output = environment.run(&["apply", "shop", "--yes", "--json"]);
    output.success();
    assert_eq!(output.stderr, "");
    insta::assert_snapshot!(events(&output.stdout), @r"
    called
      address: text
      event: text
      failure: object
      failure.class: text
      failure.code: text
      failure.message: text
      failure.operation: text
      failure.request_id: text
      failure.status: number
      milliseconds: number
      operation: text
      region: text
    created
      address: text
      event: text
    finished
      action: text
      address: text
      event: text
      milliseconds: number
    plan
      event: text
      plan: object
    started
      action: text
      address: text
      event: text
    summary
      calls: number
      complete: true or false
      done: object
      event: text
      failed: list
      interrupted: true or false
      milliseconds: number
      outputs: object
      skipped: list
    ");
    let first = parsed(output.stdout.lines().next().unwrap_or_default());
    let last = parsed(output.stdout.lines().last().unwrap_or_default());
    assert_eq!(first["event"], "plan");
    assert_eq!(last["event"], "summary");
    assert_eq!(last["done"], json!({"create": 4}));
    assert_eq!(last["outputs"]["Delay"], 5);
}

#[test]
fn an_apply_that_has_nothing_to_do_ends_in_the_same_way() {
    let environment = applied_shop();
    let output = environment.run(&["apply", "shop", "--yes", "--json"]);
    output.success();
    insta::assert_snapshot!(events(&output.stdout), @r"
    plan
      event: text
      plan: object
    summary
      calls: number
      complete: true or false
      done: object
      event: text
      failed: list
      interrupted: true or false
      milliseconds: number
      outputs: object
      skipped: list
    ");
}

#[test]
fn an_apply_that_fails_says_what_and_why() {
    let proxy = Proxy::own();
    let environment = TestEnvironment::at(proxy.endpoint());
    environment.write("plans/shop.yaml", super::SHOP);
    let error = json!({"code": "OverLimit", "status": 403, "message": "You have too many queues"});
    let first = json!({"service": "sqs", "operation": "CreateQueue", "nth": 1});
    proxy.behave(&json!({"fail": [{"match": first, "action": {"error": error}}]}));
    let output = environment.run(&["apply", "shop", "--yes", "--json"]);
    assert_eq!(output.code, Some(1), "{output}");
    insta::assert_snapshot!(events(&output.stdout), @r"
    called
      address: text
      event: text
      failure: object
      failure.class: text
      failure.code: text
      failure.message: text
      failure.operation: text
      failure.request_id: text
      failure.status: number
      milliseconds: number
      operation: text
      region: text
    created
      address: text
      event: text
    failed
      action: text
      address: text
      event: text
      failure: object
      failure.class: text
      failure.code: text
      failure.message: text
      failure.operation: text
      failure.request_id: text
      failure.status: number
    finished
      action: text
      address: text
      event: text
      milliseconds: number
    plan
      event: text
      plan: object
    skipped
      action: text
      address: text
      because: text
      event: text
    started
      action: text
      address: text
      event: text
    summary
      calls: number
      complete: true or false
      done: object
      event: text
      failed: list
      failed[]: object
      failed[].action: text
      failed[].address: text
      failed[].failure: object
      failed[].failure.class: text
      failed[].failure.code: text
      failed[].failure.message: text
      failed[].failure.operation: text
      failed[].failure.request_id: text
      failed[].failure.status: number
      interrupted: true or false
      milliseconds: number
      outputs: object
      skipped: list
      skipped[]: object
      skipped[].action: text
      skipped[].address: text
      skipped[].because: text
    ");
    let last = parsed(output.stdout.lines().last().unwrap_or_default());
    assert_eq!(last["complete"], false);
    assert_eq!(last["failed"][0]["failure"]["message"], "You have too many queues");
}

#[test]
fn state_list() {
    let environment = applied_shop();
    let output = environment.run(&["state", "list", "shop", "--json"]);
    output.success();
    let nodes = parsed(&output.stdout);
    let addresses: Vec<_> = nodes.as_object().expect("an object").keys().cloned().collect();
    assert_eq!(
        addresses,
        ["eu-west-1/Dead", "eu-west-1/Orders", "us-east-1/Dead", "us-east-1/Orders"]
    );
    insta::assert_snapshot!(shape(&nodes["us-east-1/Orders"], &["properties", "attributes"]), @r"
    attributes: object
    dependencies: list
    dependencies[]: object
    dependencies[].address: text
    dependencies[].late: true or false
    generation: number
    id: text
    properties: object
    region: text
    retain: true or false
    status: text
    type: text
    ");
}
