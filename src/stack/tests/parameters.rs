//! Values given for parameters.

use super::{Given, parse};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

const STACK: &str = "
Stack: parameters
Regions: [us-east-1]
Parameters:
  Name: {Type: String, Default: default, AllowedPattern: '[a-z]+', MinLength: 2, MaxLength: 8}
  Days: {Type: Number, Default: 7, MinValue: 1, MaxValue: 30}
  On: {Type: Boolean, Default: false}
  Zones: {Type: List, Default: [], AllowedValues: [a, b]}
  Token: {Type: String, Default: hush, NoEcho: true, MinLength: 4}
Resources: {}
";

fn resolve(given: &Given) -> Result<BTreeMap<String, Value>, String> {
    let stack = parse(STACK).expect("a stack");
    stack.parameters(given).map_err(|problems| problems.to_string())
}

fn flags(flags: &[(&str, &str)]) -> Given {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Given { flags: flags.iter().map(owned).collect(), ..Given::default() }
}

fn environment(variables: &[(&str, &str)]) -> Given {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Given { environment: variables.iter().map(owned).collect(), ..Given::default() }
}

fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("parameters.yaml");
    fs::write(&path, text).expect("written");
    (folder, path)
}

#[test]
fn defaults_count_when_nothing_is_given() {
    let values = resolve(&Given::default()).expect("values");
    assert_eq!(
        json!(values),
        json!({"Name": "default", "Days": 7, "On": false, "Zones": [], "Token": "hush"})
    );
    assert_eq!(parse(STACK).expect("a stack").secret_parameters(), ["Token"].into());
}

#[test]
fn text_is_read_as_the_type_says() {
    let given = flags(&[("Days", "12"), ("On", "true"), ("Zones", "a, b"), ("Name", "ab")]);
    let values = resolve(&given).expect("values");
    assert_eq!(values["Days"], json!(12));
    assert_eq!(values["On"], json!(true));
    assert_eq!(values["Zones"], json!(["a", "b"]));
    assert_eq!(resolve(&flags(&[("Days", "1.5")])).expect("values")["Days"], json!(1.5));
    assert_eq!(resolve(&flags(&[("Zones", "[\"a\"]")])).expect("values")["Zones"], json!(["a"]));
    assert_eq!(resolve(&flags(&[("Zones", "")])).expect("values")["Zones"], json!([]));
}

#[test]
fn a_flag_counts_before_a_file_before_the_environment() {
    let (_folder, path) = file("Days: 3\nName: file\n");
    let given = Given {
        flags: vec![("Name".to_owned(), "no".to_owned()), ("Name".to_owned(), "flag".to_owned())],
        files: vec![path],
        ..environment(&[
            ("PAYCTL_PARAM_Days", "4"),
            ("PAYCTL_PARAM_Name", "env"),
            ("PAYCTL_PARAM_On", "true"),
            ("PAYCTL_PARAM_Unrelated", "x"),
        ])
    };
    let values = resolve(&given).expect("values");
    assert_eq!((&values["Name"], &values["Days"]), (&json!("flag"), &json!(3)));
    assert_eq!(values["On"], json!(true));
}

#[test]
fn every_mistake_is_told() {
    let (_folder, path) = file("Days: ten\nNmae: x\nOn: 'true'\nToken: abc\n");
    let given = Given {
        files: vec![path, PathBuf::from("/nowhere/parameters.yaml")],
        ..flags(&[("Zones", "a,c"), ("Name", "A"), ("Dyas", "3")])
    };
    let problems = resolve(&given).expect_err("mistakes");
    for expected in [
        "parameter `Days` must be a number",
        "parameter `On` must be true or false",
        "there is no parameter `Nmae`",
        "did you mean `Name`?",
        "there is no parameter `Dyas`",
        "did you mean `Days`?",
        "parameter `Zones` must be one of a, b",
        "parameter `Name` must have at least 2 characters",
        "parameter `Token` must have at least 4 characters",
        "cannot read /nowhere/parameters.yaml",
    ] {
        assert!(problems.contains(expected), "{expected}\n{problems}");
    }
    assert!(!problems.contains("abc"), "a secret is shown\n{problems}");
}

#[test]
fn bounds_and_patterns() {
    for (name, value, fault) in [
        ("Days", "0", "must be at least 1"),
        ("Days", "31", "must be at most 30"),
        ("Days", "x", "must be a number"),
        ("Name", "toolongname", "must have at most 8 characters"),
        ("Name", "ab1", "must match [a-z]+"),
        ("On", "yes", "must be true or false"),
        ("Zones", "{}", "must be one of a, b"),
        ("Zones", "[1", "must be a list"),
    ] {
        let problems = resolve(&flags(&[(name, value)])).expect_err("a mistake");
        assert!(problems.contains(fault), "{fault}\n{problems}");
        assert!(problems.contains(value), "{value}\n{problems}");
    }
}

#[test]
fn a_missing_value_names_what_the_environment_has_instead() {
    let stack = parse("Stack: a\nParameters: {Name: {Type: String}}\nResources: {}\n");
    let given = environment(&[("PAYCTL_PARAM_Nam", "x")]);
    let problems = stack.expect("a stack").parameters(&given).expect_err("a mistake").to_string();
    assert!(problems.contains("parameter `Name` has no value"), "{problems}");
    assert!(problems.contains("the environment has PAYCTL_PARAM_Nam"), "{problems}");
}

#[test]
fn a_file_of_parameters_is_a_map() {
    let (_folder, path) = file("[1]");
    let given = Given { files: vec![path], ..Given::default() };
    assert!(resolve(&given).expect_err("a mistake").contains("must be a map"));
    let (_folder, path) = file("");
    let given = Given { files: vec![path], ..Given::default() };
    assert!(resolve(&given).is_ok());
}
