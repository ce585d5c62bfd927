//! What payctl remembers of a deployment: a record per node, in one JSON file,
//! and the journal of what happened since it was written.
//!
//! The state is the snapshot plus the replay of the journal. Any prefix of a
//! journal, a torn last line included, replays to a state from which the next
//! run converges.

pub mod journal;
pub mod local;
pub mod lock;

use crate::address::Address;
use crate::resource::{Id, LiveValue};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The version of the state's format. A reader refuses newer ones and reads
/// all older ones; new fields have defaults.
pub const VERSION: u32 = 1;

/// The state of one deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The version of the format.
    pub version: u32,
    /// The stack's name.
    pub stack: String,
    /// The environment.
    pub env: String,
    /// The account that holds the resources.
    pub account: String,
    /// Tells this deployment's history from that of another of the same name.
    pub lineage: String,
    /// Counts the snapshots written.
    pub serial: u64,
    /// The primary region.
    pub primary: String,
    /// The regions, in the order given.
    pub regions: Vec<String>,
    /// The nodes that exist.
    pub records: BTreeMap<Address, Record>,
    /// Nodes whose creation was begun and whose name is not known: they may or
    /// may not exist.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pending: BTreeMap<Address, Pending>,
    /// The outputs as of the last apply.
    #[serde(default)]
    pub outputs: BTreeMap<String, OutputValue>,
}

/// How far a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// AWS has named it; it may be half-made.
    Created,
    /// It is as desired.
    Ready,
    /// It is ready but for items whose inputs failed.
    Incomplete,
    /// Its deletion was begun.
    Deleting,
}

/// Returns what a deployment is called, in its state file's name and in its
/// ownership tags: `payment-processing.dev`.
pub fn deployment_id(stack: &str, env: &str) -> String {
    format!("{stack}.{env}")
}

/// What is known of a node. It suffices to delete it without the stack file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The CloudFormation type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The region that its calls go to.
    pub region: String,
    /// What names it.
    pub id: Id,
    /// How far it is.
    pub status: Status,
    /// Counts its replacements.
    #[serde(default)]
    pub generation: u32,
    /// The properties applied last; secrets as hashes.
    pub properties: Value,
    /// Its attributes.
    pub attributes: Value,
    /// What it was made after, and so is deleted before.
    #[serde(default)]
    pub dependencies: Vec<Dependency>,
    /// Whether it stays when its declaration goes.
    #[serde(default)]
    pub retain: bool,
    /// Earlier instances that a replacement has left and that must go.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outgoing: Vec<Outgoing>,
}

impl Record {
    /// Returns the instances that are left when another takes the node's place.
    pub fn retired(self) -> Vec<Outgoing> {
        let mut outgoing = self.outgoing;
        outgoing.push(Outgoing {
            type_name: self.type_name,
            id: self.id,
            generation: self.generation,
            properties: self.properties,
        });
        outgoing
    }
}

/// An edge to a node that this one was made after.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Dependency {
    /// The other node.
    pub address: Address,
    /// Whether it only feeds a property that is set later, which does not
    /// bind the order of deletion where that would go round in a circle.
    #[serde(default)]
    pub late: bool,
}

/// An instance that was replaced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outgoing {
    /// The CloudFormation type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// What names it.
    pub id: Id,
    /// Which instance it is.
    pub generation: u32,
    /// The properties applied to it last.
    pub properties: Value,
}

/// A creation that was begun.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pending {
    /// The CloudFormation type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The region that its calls go to.
    pub region: String,
    /// Which instance it would be.
    pub generation: u32,
    /// The properties that were sent; secrets as hashes.
    pub properties: Value,
    /// What it is made after.
    pub dependencies: Vec<Dependency>,
    /// Whether it stays when its declaration goes.
    #[serde(default)]
    pub retain: bool,
}

impl Pending {
    /// Returns the record of what the creation has made.
    pub fn record(self, id: Id) -> Record {
        Record {
            type_name: self.type_name,
            region: self.region,
            id,
            status: Status::Created,
            generation: self.generation,
            properties: self.properties,
            attributes: Value::Null,
            dependencies: self.dependencies,
            retain: self.retain,
            outgoing: Vec::new(),
        }
    }
}

/// An output's value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutputValue {
    /// The value.
    pub value: Value,
    /// What the stack file says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// Why a state cannot be used. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// A file could not be read or written.
    #[error("{action} {path}: {source}")]
    Io {
        /// "cannot read", "cannot write".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The file is not what payctl wrote.
    #[error("the state {path} is corrupt: {reason}")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A newer payctl wrote it.
    #[error("the state {path} has format version {found}; this payctl reads up to {VERSION}")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
    },
    /// It belongs to something else.
    #[error("the state {path} belongs to {what} '{found}', not '{expected}'")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// "account", "stack", "environment".
        what: &'static str,
        /// Whose it is.
        found: String,
        /// Whose it should be.
        expected: String,
    },
    /// Another process holds the lock.
    #[error("the deployment {deployment} is locked by {holder}")]
    Locked {
        /// The deployment.
        deployment: String,
        /// Who holds it.
        holder: String,
    },
}

impl StateError {
    /// Returns what the user can do.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Io { .. } => return None,
            Self::Corrupt { path, .. } if path.extension().is_some_and(|e| e == "journal") => {
                "restore it from version control; if that is not possible, remove it: what the \
                 last run made is found again by its names and tags, and asked about"
                    .to_owned()
            }
            Self::Corrupt { path, .. } => format!(
                "restore it from {}.backup or from version control; nothing was changed in AWS",
                path.display()
            ),
            Self::Newer { .. } => "use the payctl that wrote it, or a newer one".to_owned(),
            Self::Foreign { what: "account", .. } => {
                "check the credentials (--profile, AWS_PROFILE), or choose another --env".to_owned()
            }
            Self::Foreign { .. } => "check the stack, --env and --state".to_owned(),
            Self::Locked { .. } => {
                "wait for it to end; the lock goes with its process, however that ends".to_owned()
            }
        })
    }
}

impl State {
    /// Returns the state of a deployment that has nothing yet.
    pub fn new(stack: &str, env: &str, account: &str, primary: &str, regions: &[String]) -> Self {
        Self {
            version: VERSION,
            stack: stack.to_owned(),
            env: env.to_owned(),
            account: account.to_owned(),
            lineage: uuid::Uuid::new_v4().to_string(),
            serial: 0,
            primary: primary.to_owned(),
            regions: regions.to_vec(),
            records: BTreeMap::new(),
            pending: BTreeMap::new(),
            outputs: BTreeMap::new(),
        }
    }

    /// Returns the deployment's id.
    pub fn deployment(&self) -> String {
        deployment_id(&self.stack, &self.env)
    }

    /// Whether the deployment holds nothing, not even in doubt.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.pending.is_empty()
    }

    /// Records what a creation has made that was begun without learning the
    /// end of it.
    pub fn made(&mut self, address: &Address, live: &LiveValue) {
        let Some(pending) = self.pending.remove(address) else { return };
        if let Some(record) = self.records.get_mut(address)
            && record.id == live.id
        {
            // The same one, or one that was made anew under its name.
            record.status = Status::Created;
            return;
        }
        let replaced = self.records.remove(address);
        let outgoing = replaced.map(Record::retired).unwrap_or_default();
        let attributes = live.attributes.clone();
        let record = Record { attributes, outgoing, ..pending.record(live.id.clone()) };
        self.records.insert(address.clone(), record);
    }

    /// Applies one journal entry.
    pub fn apply(&mut self, entry: journal::Entry) {
        use journal::Entry;
        match entry {
            Entry::Pending { address, pending } => {
                self.pending.insert(address, pending);
            }
            Entry::Put { address, record } => {
                self.pending.remove(&address);
                self.records.insert(address, record);
            }
            Entry::Remove { address } => {
                self.pending.remove(&address);
                self.records.remove(&address);
            }
            Entry::Regions { primary, regions } => {
                self.primary = primary;
                self.regions = regions;
            }
            Entry::Outputs { outputs } => self.outputs = outputs,
            Entry::Intent { .. } | Entry::Outcome { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A replacement by `new` was begun and not heard the end of; AWS has
    /// `found`. Returns the record: what it is, and what has to go.
    fn made(found: &str) -> (Id, Status, u32, Vec<Id>) {
        let mut state = State::new("s", "e", "000000000000", "us-east-1", &[]);
        let address = Address::new("us-east-1", "Thing");
        let record: Record = serde_json::from_value(json!({
            "type": "AWS::Test::Thing", "region": "us-east-1", "id": "old", "status": "ready",
            "generation": 1, "properties": {}, "attributes": {},
            "outgoing": [
                {"type": "AWS::Test::Thing", "id": "older", "generation": 0, "properties": {}}
            ],
        }))
        .expect("a record");
        let pending: Pending = serde_json::from_value(json!({
            "type": "AWS::Test::Thing", "region": "us-east-1", "generation": 2,
            "properties": {}, "dependencies": [],
        }))
        .expect("a pending creation");
        state.records.insert(address.clone(), record);
        state.pending.insert(address.clone(), pending);
        let live = LiveValue { id: Id::from(found), properties: json!({}), attributes: json!({}) };
        state.made(&address, &live);
        assert!(state.pending.is_empty());
        let Record { id, status, generation, outgoing, .. } =
            state.records.remove(&address).expect("a record");
        (id, status, generation, outgoing.into_iter().map(|old| old.id).collect())
    }

    #[test]
    fn what_a_lost_replacement_made_takes_the_nodes_place() {
        let (older, old) = (Id::from("older"), Id::from("old"));
        assert_eq!(made("new"), (Id::from("new"), Status::Created, 2, vec![older, old]));
    }

    #[test]
    fn what_was_made_anew_under_its_name_is_not_deleted_as_its_own_predecessor() {
        assert_eq!(made("old"), (Id::from("old"), Status::Created, 1, vec![Id::from("older")]));
    }
}
