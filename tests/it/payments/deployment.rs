//! The payment stack as a test deploys it.

use crate::support::inventory::Inventory;
use crate::support::payctl::{Output, TestEnvironment};
use payctl::aws::clients::{Clients, Endpoint};
use payctl::sandbox::Sandbox;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::rc::Rc;

/// The regions that the stack is required in, the primary first.
pub(super) const REGIONS: [&str; 3] = ["us-east-1", "eu-west-1", "ap-southeast-1"];

/// The payment stack in one environment.
#[derive(Clone)]
pub(super) struct Payments {
    /// Where payctl runs.
    pub(super) world: Rc<TestEnvironment>,
    /// The environment, which is in the names of all that is deployed.
    pub(super) env: String,
    /// AWS, for what a test does behind payctl's back.
    pub(super) aws: Rc<Clients>,
}

impl Payments {
    /// Makes a copy of the stack in an account of its own. Nothing is deployed
    /// yet.
    pub(super) async fn new() -> Self {
        let world = TestEnvironment::new();
        ["plans", "lambda-src", "payctl.toml"].into_iter().for_each(|path| world.copy(path));
        let endpoint = Endpoint {
            url: Some(world.endpoint().to_owned()),
            profile: None,
            access_key: Some(world.account().to_owned()),
        };
        // All accounts share the names of buckets, which the environment is in.
        let env = format!("t{}", world.account());
        Self { world: Rc::new(world), env, aws: Rc::new(Clients::load(&endpoint).await) }
    }

    /// Deploys the stack in its three regions.
    pub(super) async fn applied() -> Self {
        let payments = Self::new().await;
        payments.apply(&[]);
        payments
    }

    /// Returns the same stack in another environment of the same account.
    pub(super) fn beside(&self, suffix: &str) -> Self {
        Self { env: format!("{}-{suffix}", self.env), ..self.clone() }
    }

    /// Runs a command of payctl in the environment.
    pub(super) fn run(&self, arguments: &[&str]) -> Output {
        self.world.run(&self.with_env(arguments))
    }

    /// Adds the environment to a command's arguments.
    pub(super) fn with_env<'a>(&'a self, arguments: &[&'a str]) -> Vec<&'a str> {
        [arguments, &["--env", &self.env]].concat()
    }

    /// Applies without asking; it has to succeed.
    pub(super) fn apply(&self, arguments: &[&str]) {
        self.run(&[&["apply", "--yes"], arguments].concat()).success();
    }

    /// Applies, which has to be refused in these words.
    pub(super) fn refused(&self, arguments: &[&str], words: &[&str]) {
        let output = self.run(&[&["apply", "--yes"], arguments].concat());
        assert_eq!(output.code, Some(1), "{output}");
        let text = format!("{}{}", output.stdout, output.stderr);
        let missing: Vec<_> = words.iter().filter(|words| !text.contains(**words)).collect();
        assert!(missing.is_empty(), "{missing:?} is not in\n{output}");
    }

    /// Applies, and returns where in the order of events a node's work began
    /// (`started`) or ended (`finished`).
    pub(super) fn apply_in_order(
        &self,
        arguments: &[&str],
    ) -> impl Fn(&str, &str) -> usize + use<> {
        let output = self.run(&[&["apply", "--yes", "--json"], arguments].concat());
        let events: Vec<Value> = output
            .success()
            .stdout
            .lines()
            .map(|line| serde_json::from_str(line).expect("an event is JSON"))
            .collect();
        move |what, address| {
            let is_it = |event: &Value| event["event"] == what && event["address"] == address;
            let place = events.iter().position(is_it);
            place.unwrap_or_else(|| panic!("{address} was not {what}"))
        }
    }

    /// Destroys without asking; it has to succeed.
    pub(super) fn destroy(&self) {
        self.run(&["destroy", "--yes"]).success();
    }

    /// Returns what a plan would do, a line for each step that does something:
    /// the address, the action, and the paths of the changes.
    pub(super) fn plan(&self, arguments: &[&str]) -> Vec<String> {
        let output = self.run(&[&["plan", "--json"], arguments].concat());
        let plan: Value = serde_json::from_str(&output.success().stdout).expect("the plan is JSON");
        let steps = plan["steps"].as_array().expect("a plan has steps");
        let mut lines: Vec<String> =
            steps.iter().filter(|step| step["action"] != "none").map(line).collect();
        lines.sort();
        lines
    }

    /// Asserts that there is nothing to do, as scripts ask it.
    pub(super) fn assert_settled(&self, arguments: &[&str]) {
        self.run(&[&["plan", "--detailed-exitcode"], arguments].concat()).success();
    }

    /// Returns what the state holds, by address.
    pub(super) fn state(&self) -> Value {
        let output = self.run(&["state", "list", "--json"]);
        serde_json::from_str(&output.success().stdout).expect("the list is JSON")
    }

    /// Returns how many nodes the state has in each place.
    pub(super) fn places(&self) -> BTreeMap<String, usize> {
        let mut places = BTreeMap::new();
        for address in self.state().as_object().expect("a map of addresses").keys() {
            let (place, _) = address.split_once('/').expect("an address begins with its place");
            *places.entry(place.to_owned()).or_default() += 1;
        }
        places
    }

    /// Returns the outputs.
    pub(super) fn outputs(&self) -> Value {
        let output = self.run(&["output", "--json"]);
        serde_json::from_str(&output.success().stdout).expect("the outputs are JSON")
    }

    /// Returns where payments are posted, as an emulator serves it: payctl
    /// itself translates addresses only for its sandbox.
    pub(super) fn payments_address(&self) -> String {
        let port = self.world.endpoint().rsplit(':').next().and_then(|port| port.parse().ok());
        let port: u16 = port.expect("the endpoint has a port");
        let sandbox: Sandbox =
            serde_json::from_value(json!({"pid": 0, "port": port})).expect("a sandbox");
        let outputs = self.outputs();
        let endpoint = outputs["api_endpoint"].as_str().expect("the API has an address");
        sandbox.reachable(&format!("{endpoint}/payments"))
    }

    /// Lists what exists in the account, without payctl's help.
    pub(super) fn inventory(&self, regions: &[&str]) -> Inventory {
        Inventory::of(&self.world, regions)
    }
}

fn line(step: &Value) -> String {
    let text = |key: &str| step[key].as_str().unwrap_or_default().to_owned();
    let paths = step["changes"].as_array().into_iter().flatten().filter_map(|c| c["path"].as_str());
    let words = [text("address"), text("action")].into_iter().chain(paths.map(str::to_owned));
    words.collect::<Vec<_>>().join(" ")
}
