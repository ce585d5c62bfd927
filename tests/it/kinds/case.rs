//! One case: a stack, and what changes of its subject do.

use super::live::Reader;
use super::outside;
use crate::support::payctl::TestEnvironment;
use payctl::address::Address;
use payctl::state::Record;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;

/// The stack, by its name in the test's folder.
const STACK: &str = "case";
/// What every command of a case is given. Replacing what holds data is just
/// what some cases are about.
const OPTIONS: &[&str] = &[STACK, "--allow-data-loss"];

/// A file of `tests/kinds`.
pub(crate) struct Case {
    stack: Value,
    changes: Vec<Change>,
}

/// A change of the subject.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Change {
    /// Properties to set; null removes one.
    set: Map<String, Value>,
    /// What it does to the subject: `update` or `replace`.
    expect: String,
}

/// What `plan --json` writes, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Plan {
    steps: Vec<Step>,
}

/// A step of the plan.
#[derive(Debug, Deserialize)]
struct Step {
    address: String,
    action: String,
    #[serde(default)]
    changes: Vec<Value>,
}

impl Step {
    /// Describes the step for a failure's message.
    fn line(&self) -> String {
        let changes: Vec<_> = self.changes.iter().map(Value::to_string).collect();
        format!("{} {}\n    {}", self.action, self.address, changes.join("\n    "))
    }
}

impl Case {
    /// Reads a case; fails where the file is not one.
    pub(crate) fn read(file: &Path) -> Self {
        let text = std::fs::read_to_string(file).expect("read the case");
        let mut documents: Vec<Value> =
            serde_saphyr::from_multiple(&text).expect("a case is valid YAML");
        let changes = documents.split_off(1).into_iter();
        let changes = changes.map(|change| serde_json::from_value(change).expect("a change"));
        Self { stack: documents.remove(0), changes: changes.collect() }
    }

    /// Returns the stack as it is at first and after each change.
    pub(crate) fn stacks(mut self) -> Vec<Value> {
        outside::stand_in(&mut self.stack);
        let mut stacks = vec![self.stack];
        for change in &self.changes {
            let mut stack = stacks[stacks.len() - 1].clone();
            change.make(&mut stack);
            stacks.push(stack);
        }
        stacks
    }

    /// Runs the case; fails by a panic.
    pub(super) fn run(mut self) {
        let environment = TestEnvironment::new();
        environment.copy("tests/fixtures");
        let run = Run { reader: Reader::new(&environment), environment };
        run.reader.prepare(&mut self.stack);

        run.write(&self.stack);
        let mut subjects = run.apply("the first document");
        for (index, change) in self.changes.iter().enumerate() {
            let what = format!("change {}, {}", index + 1, Value::from(change.set.clone()));
            change.make(&mut self.stack);
            run.write(&self.stack);
            run.expect_plan(change, &what);
            let before = std::mem::replace(&mut subjects, run.apply(&what));
            for (address, subject) in &subjects {
                run.reader.expect(address, subject, change.set.keys(), &what);
                let old = before.get(address).filter(|old| old.id != subject.id);
                if let Some(old) = old
                    && change.expect == "replace"
                {
                    run.reader.expect_gone(address, old, &what);
                }
            }
        }
        run.destroy();
        for (address, subject) in &subjects {
            run.reader.expect_gone(address, subject, "destroy");
        }
        run.environment.assert_no_violations();
    }
}

impl Change {
    /// Makes the change in the stack.
    fn make(&self, stack: &mut Value) {
        let properties = &mut stack["Resources"]["Subject"]["Properties"];
        if properties.is_null() {
            *properties = Value::Object(Map::new());
        }
        let properties = properties.as_object_mut().expect("properties are an object");
        for (name, value) in &self.set {
            if value.is_null() {
                properties.remove(name);
            } else {
                properties.insert(name.clone(), value.clone());
            }
        }
    }
}

/// A case under way.
struct Run {
    environment: TestEnvironment,
    reader: Reader,
}

impl Run {
    fn write(&self, stack: &Value) {
        // JSON is YAML.
        let text = serde_json::to_string_pretty(stack).expect("a stack is JSON");
        self.environment.write("plans/case.yaml", &text);
    }

    /// Applies the stack, asserts that nothing is left to do, and returns the
    /// subjects as the state records them.
    fn apply(&self, what: &str) -> BTreeMap<Address, Record> {
        let output = self.environment.run(&[&["apply", "--yes"], OPTIONS].concat());
        assert!(output.code == Some(0), "{what}: apply failed\n{output}");
        let left = self.plan(what).steps;
        let left: Vec<_> = left.iter().map(Step::line).collect();
        assert!(left.is_empty(), "{what}: left to do after apply:\n{}", left.join("\n"));
        let output = self.environment.run(&["state", "show", "*/Subject", STACK]);
        serde_json::from_str(&output.success().stdout).expect("records")
    }

    fn destroy(&self) {
        self.environment.run(&["destroy", STACK, "--yes"]).success();
    }

    fn plan(&self, what: &str) -> Plan {
        let arguments = [&["plan", "--json", "--detailed-exitcode"], OPTIONS].concat();
        let output = self.environment.run(&arguments);
        assert!(matches!(output.code, Some(0 | 2)), "{what}: plan failed\n{output}");
        let plan: Plan = serde_json::from_str(&output.stdout)
            .unwrap_or_else(|error| panic!("{what}: plan --json: {error}\n{output}"));
        assert_eq!(
            output.code == Some(0),
            plan.steps.is_empty(),
            "{what}: the exit code of plan\n{output}"
        );
        plan
    }

    /// Asserts that the plan is the change and nothing else; what depends on a
    /// replaced subject follows it.
    fn expect_plan(&self, change: &Change, what: &str) {
        let steps = self.plan(what).steps;
        let lines = || steps.iter().map(Step::line).collect::<Vec<_>>().join("\n");
        let is_subject = |step: &Step| step.address.ends_with("/Subject");
        assert!(
            steps.iter().any(is_subject),
            "{what}: the plan leaves the subject alone:\n{}",
            lines()
        );
        for step in &steps {
            let is_expected = if is_subject(step) {
                step.action == change.expect
            } else {
                change.expect == "replace"
            };
            assert!(is_expected, "{what}: planned otherwise:\n{}", lines());
        }
    }
}
