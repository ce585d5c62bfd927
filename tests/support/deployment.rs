//! One of the project's own stacks as a test deploys it.

use super::http;
use super::inventory::Inventory;
use super::payctl::{Output, TestEnvironment};
use super::wait::eventually;
use payctl::aws::clients::{Clients, Endpoint};
use payctl::sandbox::Sandbox;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::process::{Child, Stdio};
use std::rc::Rc;

/// A stack in one environment.
#[derive(Clone)]
pub(crate) struct Deployment {
    /// Where payctl runs.
    pub(crate) world: Rc<TestEnvironment>,
    /// The stack's name in `plans/`.
    stack: &'static str,
    /// The environment, which is in the names of all that is deployed.
    pub(crate) env: String,
    /// AWS, for what a test does behind payctl's back.
    pub(crate) aws: Rc<Clients>,
}

impl Deployment {
    /// Makes a copy of the stack in an account of its own. Nothing is deployed
    /// yet.
    pub(crate) async fn new(stack: &'static str) -> Self {
        Self::inside(TestEnvironment::new(), stack).await
    }

    /// Makes a copy of the stack in this environment.
    pub(crate) async fn inside(world: TestEnvironment, stack: &'static str) -> Self {
        ["plans", "lambda-src", "payctl.toml"].into_iter().for_each(|path| world.copy(path));
        let endpoint = Endpoint {
            url: Some(world.endpoint().to_owned()),
            profile: None,
            access_key: Some(world.account().to_owned()),
        };
        // All accounts share the names of buckets, which the environment is in.
        let env = format!("t{}", world.account());
        Self { world: Rc::new(world), stack, env, aws: Rc::new(Clients::load(&endpoint).await) }
    }

    /// Returns the same stack in another environment of the same account.
    pub(crate) fn beside(&self, suffix: &str) -> Self {
        Self { env: format!("{}-{suffix}", self.env), ..self.clone() }
    }

    /// Returns another stack in the same folder, account and environment.
    pub(crate) fn of_stack(&self, stack: &'static str) -> Self {
        Self { stack, ..self.clone() }
    }

    /// Runs a command of payctl on the deployment.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.world.run(&self.with_target(arguments))
    }

    /// Starts a command of payctl on the deployment; nobody reads what it says.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.world.command(&self.with_target(arguments));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().expect("start payctl")
    }

    /// Adds the stack and the environment to a command's arguments.
    pub(crate) fn with_target<'a>(&'a self, arguments: &[&'a str]) -> Vec<&'a str> {
        [arguments, &["--env", &self.env, self.stack]].concat()
    }

    /// Applies without asking; it has to succeed.
    pub(crate) fn apply(&self, arguments: &[&str]) {
        self.run(&[&["apply", "--yes"], arguments].concat()).success();
    }

    /// Applies, which has to be refused in these words.
    pub(crate) fn refused(&self, arguments: &[&str], words: &[&str]) {
        let output = self.run(&[&["apply", "--yes"], arguments].concat());
        assert_eq!(output.code, Some(1), "{output}");
        let text = format!("{}{}", output.stdout, output.stderr);
        let missing: Vec<_> = words.iter().filter(|words| !text.contains(**words)).collect();
        assert!(missing.is_empty(), "{missing:?} is not in\n{output}");
    }

    /// Applies, and returns where in the order of events a node's work began
    /// (`started`) or ended (`finished`).
    pub(crate) fn apply_in_order(
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
    pub(crate) fn destroy(&self) {
        self.run(&["destroy", "--yes"]).success();
    }

    /// Returns what a plan would do, a line for each step that does something:
    /// the address, the action, and the paths of the changes.
    pub(crate) fn plan(&self, arguments: &[&str]) -> Vec<String> {
        let output = self.run(&[&["plan", "--json"], arguments].concat());
        let plan: Value = serde_json::from_str(&output.success().stdout).expect("the plan is JSON");
        let steps = plan["steps"].as_array().expect("a plan has steps");
        let mut lines: Vec<String> =
            steps.iter().filter(|step| step["action"] != "none").map(line).collect();
        lines.sort();
        lines
    }

    /// Asserts that there is nothing to do, as scripts ask it.
    pub(crate) fn assert_settled(&self, arguments: &[&str]) {
        self.run(&[&["plan", "--detailed-exitcode"], arguments].concat()).success();
    }

    /// Returns what the state holds, by address.
    pub(crate) fn state(&self) -> Value {
        let output = self.run(&["state", "list", "--json"]);
        serde_json::from_str(&output.success().stdout).expect("the list is JSON")
    }

    /// Returns how many nodes the state has in each place.
    pub(crate) fn places(&self) -> BTreeMap<String, usize> {
        let mut places = BTreeMap::new();
        for address in self.state().as_object().expect("a map of addresses").keys() {
            let (place, _) = address.split_once('/').expect("an address begins with its place");
            *places.entry(place.to_owned()).or_default() += 1;
        }
        places
    }

    /// Returns the outputs.
    pub(crate) fn outputs(&self) -> Value {
        let output = self.run(&["output", "--json"]);
        serde_json::from_str(&output.success().stdout).expect("the outputs are JSON")
    }

    /// Sends a request to an API; returns the status and the answer. The
    /// address is AWS's: payctl itself translates addresses only for its
    /// sandbox.
    pub(crate) fn request(&self, method: &str, address: &str, body: &str) -> (u16, Value) {
        let port = self.world.endpoint().rsplit(':').next().and_then(|port| port.parse().ok());
        let port: u16 = port.expect("the endpoint has a port");
        let sandbox: Sandbox =
            serde_json::from_value(json!({"pid": 0, "port": port})).expect("a sandbox");
        // The emulator has an API's address for each account, and tells the
        // account by who signs.
        let signer = format!(
            "AWS4-HMAC-SHA256 Credential={}/20240115/us-east-1/execute-api/aws4_request, \
             SignedHeaders=host, Signature=none",
            self.world.account()
        );
        let headers = [("Authorization", signer.as_str())];
        let answer = http::request(method, &sandbox.reachable(address), &headers, body);
        let (status, body) = answer.expect("the API answers");
        (status, serde_json::from_str(&body).expect("the API answers in JSON"))
    }

    /// Replaces text in a file of the stack's copy.
    pub(crate) fn edit(&self, path: &str, old: &str, new: &str) {
        let file = self.world.path().join(path);
        let text = fs::read_to_string(&file).expect("read the copy");
        assert!(text.contains(old), "'{old}' is not in {path}");
        fs::write(&file, text.replace(old, new)).expect("write the copy");
    }

    /// Takes this many messages, all of them JSON, from a queue.
    pub(crate) async fn messages(&self, region: &str, queue: &Value, count: usize) -> Vec<Value> {
        let queue = queue.as_str().expect("the queue has an address");
        let receive = self.aws.sqs(region).receive_message().queue_url(queue);
        let mut bodies = Vec::new();
        eventually(&format!("{count} messages in {queue}"), async || {
            let answer = receive.clone().max_number_of_messages(10).send().await;
            let messages = answer.expect("read the queue").messages.unwrap_or_default();
            bodies.extend(messages.into_iter().filter_map(|message| message.body));
            (bodies.len() >= count).then_some(())
        })
        .await;
        let parse = |body: &String| serde_json::from_str(body).expect("the message is JSON");
        bodies.iter().map(parse).collect()
    }

    /// Lists what exists in the account, without payctl's help.
    pub(crate) fn inventory(&self, regions: &[&str]) -> Inventory {
        Inventory::of(&self.world, regions)
    }
}

fn line(step: &Value) -> String {
    let text = |key: &str| step[key].as_str().unwrap_or_default().to_owned();
    let paths = step["changes"].as_array().into_iter().flatten().filter_map(|c| c["path"].as_str());
    let words = [text("address"), text("action")].into_iter().chain(paths.map(str::to_owned));
    words.collect::<Vec<_>>().join(" ")
}
