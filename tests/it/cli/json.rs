//! The JSON that programs read is what `docs/json.md` says: every member that
//! is written is in its tables, with its type, and the other way round.

use super::{SHOP, applied_shop, shop};
use crate::support::payctl::{Output, TestEnvironment};
use crate::support::proxy::Proxy;
use crate::support::queues::Queues;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

/// Paths of members, `[]` for an item of a list, with the types of their
/// values.
type Members = BTreeMap<String, BTreeSet<String>>;

/// Returns the table below a heading of the documentation.
fn documented(heading: &str) -> Members {
    let text = include_str!("../../../docs/json.md");
    let lines = text.lines().skip_while(|line| *line != heading).skip(1);
    let rows = lines.take_while(|line| !line.starts_with('#')).filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split('|').map(str::trim);
        let path = cells.next()?.trim_end_matches('`').to_owned();
        Some((path, cells.next()?.split(" or ").map(str::to_owned).collect()))
    });
    let rows: Members = rows.collect();
    assert!(!rows.is_empty(), "docs/json.md has no table below '{heading}'");
    rows
}

/// Compares values with their table: between them they have all of it.
fn compare<'a>(heading: &str, values: impl IntoIterator<Item = &'a Value>) {
    let found = listed(heading, values);
    for path in documented(heading).keys() {
        assert!(found.contains_key(path), "{heading}: nothing has '{path}'");
    }
}

/// Fails if values have anything that is not in their table; returns what they
/// have.
fn listed<'a>(heading: &str, values: impl IntoIterator<Item = &'a Value>) -> Members {
    let table = documented(heading);
    let mut found = Members::new();
    values.into_iter().for_each(|value| walk("", value, &table, &mut found));
    for (path, types) in &found {
        let documented = table.get(path);
        let documented = documented.unwrap_or_else(|| panic!("{heading}: '{path}' is not listed"));
        let is_any = documented.contains("any");
        assert!(is_any || types.is_subset(documented), "{heading}: {path} is {types:?}");
    }
    found
}

fn walk(path: &str, value: &Value, table: &Members, found: &mut Members) {
    let types = match value {
        Value::Null => "null",
        // It is listed as "true or false".
        Value::Bool(true) => "true",
        Value::Bool(false) => "false",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    };
    if !path.is_empty() {
        found.entry(path.to_owned()).or_default().insert(types.to_owned());
    }
    if table.get(path).is_some_and(|types| types.contains("any")) {
        return;
    }
    let named = format!("{path}{{}}");
    match value {
        Value::Array(items) => {
            items.iter().for_each(|item| walk(&format!("{path}[]"), item, table, found));
        }
        // The names are the stack file's.
        Value::Object(map) if table.contains_key(&named) => {
            map.values().for_each(|member| walk(&named, member, table, found));
        }
        Value::Object(map) => {
            for (name, member) in map {
                let dot = if path.is_empty() { "" } else { "." };
                walk(&format!("{path}{dot}{name}"), member, table, found);
            }
        }
        _ => {}
    }
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}:\n{text}"))
}

/// Returns the one object that a command wrote.
fn object(output: &Output) -> Value {
    assert_eq!(output.stderr, "", "{output}");
    parsed(&output.stdout)
}

/// Returns the objects that a command wrote, one a line.
fn lines(output: &Output) -> Vec<Value> {
    output.stdout.lines().map(parsed).collect()
}

/// A plan that creates, changes, replaces, moves and undoes drift, and one
/// that is refused for two reasons.
#[test]
fn plan() {
    let environment = applied_shop();
    Queues::of(&environment, "us-east-1").set_delay("orders-dev", 100);
    let text = SHOP.replace("  Dead:", "  Fallen:").replace("Dead.Arn", "Fallen.Arn");
    let more =
        "  More: {Type: 'AWS::SQS::Queue', DependsOn: [Orders]}\nOutputs:\n  New: {Value: 1}";
    environment.write("plans/shop.yaml", &text.replace("Outputs:", more));
    let refused = ["plan", "shop", "--json", "--replace", "eu-west-1/Orders", "--exclude", "No"];
    let refused = environment.run(&refused);
    assert_eq!(refused.code, Some(1), "{refused}");
    compare("## `plan --json`", [&object(&refused)]);
}

#[test]
fn values_that_are_not_known_yet_name_their_source() {
    let environment = TestEnvironment::new();
    let text = SHOP.replace("Value: '${Delay}'", "Value: 'at ${Orders[\"us-east-1\"]}'");
    environment.write("plans/shop.yaml", &text);
    let plan = object(&environment.run(&["plan", "shop", "--json"]));
    let delay = json!({"before": null, "after": {"$unknown": ["us-east-1/Orders"]}});
    assert_eq!(plan["outputs"]["Delay"], delay);
}

/// Compares the events of runs with their tables.
fn compare_events(events: &[Value]) -> BTreeSet<&str> {
    let mut by_name: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for event in events {
        by_name.entry(event["event"].as_str().expect("an event's name")).or_default().push(event);
    }
    for (name, events) in &by_name {
        compare(&format!("### `{name}`"), events.iter().copied());
    }
    by_name.into_keys().collect()
}

/// The first queue cannot be made and the answer about the second is lost.
#[test]
fn apply_that_fails() {
    let proxy = Proxy::own();
    let environment = TestEnvironment::at(proxy.endpoint());
    environment.write("plans/shop.yaml", SHOP);
    let create = |region: &str| json!({"operation": "CreateQueue", "region": region, "nth": 1});
    let error = json!({"code": "OverLimit", "status": 403, "message": "You have too many queues"});
    proxy.behave(&json!({"fail": [
        {"match": create("us-east-1"), "action": {"error": error}},
        {"match": create("eu-west-1"), "action": "close_after"},
    ]}));
    let output = environment.run(&["apply", "shop", "--yes", "--json"]);
    assert_eq!(output.code, Some(1), "{output}");
    assert_eq!(output.stderr, "");
    let events = lines(&output);
    let names = compare_events(&events);
    for name in ["called", "created", "failed", "finished", "plan", "skipped", "started", "waiting"]
    {
        assert!(names.contains(name), "no {name}:\n{output}");
    }
    let summary = events.last().expect("a last line");
    assert_eq!(summary["event"], "summary");
    assert_eq!(summary["complete"], false);
    assert_eq!(summary["done"], json!({"create": 2}));
    assert_eq!(summary["failed"][0]["failure"]["message"], "You have too many queues");
    assert_eq!(summary["skipped"][0]["address"], "us-east-1/Orders");
}

#[test]
fn apply_that_succeeds() {
    let environment = shop();
    let output = environment.run(&["apply", "shop", "--yes", "--json"]);
    output.success();
    assert_eq!(output.stderr, "");
    let events = lines(&output);
    assert_eq!(events[0]["event"], "plan");
    let summary = events.last().expect("a last line");
    assert_eq!(summary["complete"], true);
    assert_eq!(summary["done"], json!({"create": 4}));
    assert_eq!(summary["outputs"]["Delay"], 5);
    assert!(summary["outputs"]["Arns"]["eu-west-1"].is_string(), "{summary}");
}

#[test]
fn apply_that_has_nothing_to_do_ends_in_the_same_way() {
    let environment = applied_shop();
    let output = environment.run(&["apply", "shop", "--yes", "--json"]);
    output.success();
    let [plan, summary] = lines(&output).try_into().expect("two lines");
    assert_eq!(plan["plan"]["steps"], json!([]));
    listed("### `summary`", [&summary]);
    assert_eq!(summary["complete"], true);
    assert_eq!(summary["outputs"]["Delay"], 5);
}

#[test]
fn apply_that_is_refused_ends_with_the_plan() {
    let environment = applied_shop();
    let output = environment.run(&["apply", "shop", "--yes", "--json", "--replace", "Dead"]);
    assert_eq!(output.code, Some(1), "{output}");
    let [plan] = lines(&output).try_into().expect("one line");
    assert_eq!(plan["plan"]["refusals"].as_array().map(Vec::len), Some(2));
}

/// The first call is still under way when the user asks to stop: it is
/// finished, and nothing else begins.
#[test]
fn apply_that_is_interrupted() {
    let proxy = Proxy::own();
    let environment = TestEnvironment::at(proxy.endpoint());
    environment.write("plans/shop.yaml", &SHOP.replace(", eu-west-1]", "]"));
    let create = json!({"service": "sqs", "operation": "CreateQueue", "nth": 1});
    let slow = json!({"hang": {"seconds": 3, "then": "pass"}});
    proxy.behave(&json!({"fail": [{"match": create, "action": slow}]}));
    let mut apply = environment.command(&["apply", "shop", "--yes", "--json"]);
    let apply = apply.stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut apply = apply.expect("start payctl");
    let mut events = Vec::new();
    for line in BufReader::new(apply.stdout.take().expect("its events")).lines() {
        let event = parsed(&line.expect("the events are UTF-8"));
        if event["event"] == "started" {
            kill_process(Pid::from_child(&apply), Signal::INT).expect("signal payctl");
        }
        events.push(event);
    }
    assert_eq!(apply.wait().expect("its end").code(), Some(130));
    for name in ["started", "stopping", "finished", "skipped", "summary"] {
        let of_name: Vec<_> = events.iter().filter(|event| event["event"] == name).collect();
        assert!(!of_name.is_empty(), "no {name}: {events:#?}");
        listed(&format!("### `{name}`"), of_name);
    }
    let summary = events.last().expect("a last line");
    assert_eq!((&summary["complete"], &summary["interrupted"]), (&json!(false), &json!(true)));
    assert_eq!(summary["done"], json!({"create": 1}));
    assert_eq!(summary["skipped"][0]["address"], "us-east-1/Orders");
    assert_eq!(summary["skipped"][0]["because"], "the run was interrupted");
}

/// Every event that is documented is one that the tests above have seen, and
/// the other way round: `compare_events` finds no table for any other.
#[test]
fn events() {
    let text = include_str!("../../../docs/json.md");
    let (_, events) = text.split_once("## `apply --json`").expect("the section");
    let (events, _) = events.split_once("\n## ").expect("the next section");
    let names: Vec<_> = events.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    assert_eq!(
        names.join(" "),
        "`plan` `called` `started` `created` `waiting` `finished` `failed` `skipped` `stopping` \
         `summary`"
    );
}

#[test]
fn output() {
    let environment = applied_shop();
    let values = object(&environment.run(&["output", "shop", "--json"]));
    assert_eq!(values["Delay"], 5);
    let one = object(&environment.run(&["output", "shop", "--name", "Arns"]));
    assert_eq!(one, values["Arns"]);
}

#[test]
fn graph() {
    let environment = TestEnvironment::offline();
    environment.write("plans/shop.yaml", SHOP);
    let graph = object(&environment.run(&["graph", "shop", "--format", "json"]));
    compare("## `graph --format json`", [&graph]);
    let waits = json!([{"address": "eu-west-1/Dead", "until": "created", "late": false}]);
    assert_eq!(graph["eu-west-1/Orders"]["waits_for"], waits);
}

#[test]
fn state() {
    let environment = applied_shop();
    let nodes = object(&environment.run(&["state", "list", "shop", "--json"]));
    let nodes = nodes.as_object().expect("an object");
    let addresses: Vec<_> = nodes.keys().collect();
    assert_eq!(
        addresses,
        ["eu-west-1/Dead", "eu-west-1/Orders", "us-east-1/Dead", "us-east-1/Orders"]
    );
    compare("### A node", nodes.values());
    let shown = object(&environment.run(&["state", "show", "eu-*/Dead", "shop"]));
    assert_eq!(shown, json!({"eu-west-1/Dead": nodes["eu-west-1/Dead"]}));
}

#[test]
fn validate() {
    let environment = TestEnvironment::offline();
    environment.write("plans/shop.yaml", SHOP);
    compare("## `validate --json`", [&object(&environment.run(&["validate", "shop", "--json"]))]);
}
