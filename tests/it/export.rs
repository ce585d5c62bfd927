//! cfn-lint, which is not ours, finds nothing wrong with what `export` writes.

use crate::kinds::{Case, files};
use crate::support::payctl::TestEnvironment;
use crate::support::python::{self, TOOLS};
use serde_json::Value;
use std::path::PathBuf;

#[test]
fn the_payment_stack() {
    lint_stack("payment-processing", &["us-east-1", "eu-west-1", "ap-southeast-1"]);
}

#[test]
fn the_recovery_stack() {
    lint_stack("disaster-recovery", &["us-east-1", "us-east-2"]);
}

/// Lints what each region of a stack, and what is global, is exported as.
fn lint_stack(stack: &str, regions: &[&str]) {
    let environment = TestEnvironment::offline();
    for path in ["plans", "lambda-src", "payctl.toml"] {
        environment.copy(path);
    }
    for region in regions {
        lint(region, &[region, "global"].map(|place| export(&environment, stack, place)));
    }
}

#[test]
fn every_kind() {
    let environment = TestEnvironment::offline();
    environment.copy("tests/fixtures");
    let mut templates = Vec::new();
    for file in files() {
        let case = file.file_stem().unwrap_or_default().to_string_lossy();
        for (index, stack) in Case::read(&file).stacks().iter().enumerate() {
            let name = format!("{case}-{index}");
            environment.write(&format!("plans/{name}.yaml"), &stack.to_string());
            let region = stack["Regions"][0].as_str().expect("a case names its region");
            templates.push(export(&environment, &name, region));
            let text = stack.to_string();
            if ["AWS::IAM::", "AWS::Route53::"].iter().any(|global| text.contains(global)) {
                templates.push(export(&environment, &name, "global"));
            }
        }
    }
    lint("us-east-1", &templates);
}

/// Exports one place of a stack and returns the template's file.
fn export(environment: &TestEnvironment, stack: &str, place: &str) -> PathBuf {
    let output = environment.run(&["export", stack, "--region", place]);
    let template = &output.success().stdout;
    let _valid: Value = serde_json::from_str(template).expect("a template is JSON");
    let file = format!("templates/{stack}.{place}.json");
    environment.write(&file, template);
    environment.path().join(file)
}

/// Fails with what cfn-lint says, if it finds an error.
fn lint(region: &str, templates: &[PathBuf]) {
    let options = ["--non-zero-exit-code", "error", "--format", "parseable", "--regions", region];
    let options = options.into_iter().chain(["--template"]).map(PathBuf::from);
    python::run(&TOOLS.program("cfn-lint"), options.chain(templates.iter().cloned()));
}
