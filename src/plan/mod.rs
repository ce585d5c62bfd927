//! The plan: what `apply` will do, step by step. It is pure and deterministic:
//! the stack, the state and what AWS answered go in, and the same input gives
//! the same bytes.

mod board;
mod build;
pub mod canonical;
mod departures;
mod desired;
pub mod diff;
mod identities;
mod inputs;
pub mod names;
pub mod render;
pub mod secret;
pub mod selection;
mod unrecorded;

#[cfg(test)]
mod tests;

pub use board::Board;
pub(crate) use board::merge;
pub use build::build;
pub(crate) use build::retains;
pub use desired::desired;
pub use inputs::Inputs;

use crate::address::Address;
use crate::resource::{Change, Id, LiveValue};
use crate::state::{Dependency, Record, Status};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// What is done with a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// It is as desired.
    None,
    /// It is made.
    Create,
    /// It is changed in place.
    Update,
    /// A new instance takes its place.
    Replace,
    /// One that exists is taken over, and changed where it differs.
    Adopt,
    /// The same resource under another address.
    Move,
    /// It is removed.
    Delete,
    /// It stays in AWS and payctl no longer looks after it.
    Forget,
    /// Its region does not answer, so nothing is known.
    Unreachable,
}

/// One planned action on a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The node.
    pub address: Address,
    /// The CloudFormation type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The region that its calls go to.
    pub region: String,
    /// What is done.
    pub action: Action,
    /// What names the resource, where it exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Id>,
    /// Which instance the step makes or changes.
    pub generation: u32,
    /// The differences that the step removes.
    pub changes: Vec<Change>,
    /// What somebody changed outside payctl since the last apply.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<Change>,
    /// Why, where the changes do not say it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// Replace: the old instance goes before the new one is made, because
    /// both have the same name.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub delete_first: bool,
    /// Move: where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Address>,
    /// The desired properties; secrets as hashes.
    pub desired: Value,
    /// What it waits for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<Dependency>,
    /// The resource as the plan saw it. The plan's text does not hold it.
    #[serde(skip)]
    pub live: Option<LiveValue>,
}

impl Step {
    /// Whether the node is taken to be as it was recorded, unseen: its region
    /// does not answer, and nothing was to be done with it. What uses it need
    /// not wait for the region.
    pub(crate) fn is_as_recorded(&self, record: Option<&Record>) -> bool {
        let stays = !self.desired.is_null() && self.changes.is_empty();
        let is_whole =
            |record: &Record| record.status == Status::Ready && record.outgoing.is_empty();
        self.action == Action::Unreachable && stays && record.is_some_and(is_whole)
    }
}

/// Why a plan cannot be applied as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refusal {
    /// The node; none when it is about no node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(address) = &self.address {
            write!(f, "{address}: ")?;
        }
        write!(f, "{}; {}", self.message, self.hint)
    }
}

/// All the steps, each after what it waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The deployment's id.
    pub deployment: String,
    /// The account.
    pub account: String,
    /// The regions, the primary first.
    pub regions: Vec<String>,
    /// The steps.
    pub steps: Vec<Step>,
    /// What stands against applying it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refusals: Vec<Refusal>,
    /// The outputs that change; a destroy lists none.
    pub outputs: BTreeMap<String, OutputChange>,
}

/// An output that changes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OutputChange {
    /// Its value as of the last apply; null when it is new.
    pub before: Value,
    /// Its value; null when it goes.
    pub after: Value,
}

impl Plan {
    /// Whether applying it changes nothing, neither nodes nor outputs.
    pub fn is_empty(&self) -> bool {
        self.leaves_nodes() && self.outputs.is_empty()
    }

    /// Whether applying it changes no node.
    pub fn leaves_nodes(&self) -> bool {
        self.steps.iter().all(|step| step.action == Action::None)
    }

    /// Returns how many steps have each action.
    pub fn counts(&self) -> BTreeMap<Action, usize> {
        let mut counts = BTreeMap::new();
        for step in &self.steps {
            *counts.entry(step.action).or_default() += 1;
        }
        counts
    }

    /// Returns the plan without the nodes that stay as they are in every
    /// respect.
    pub fn changes(&self) -> Self {
        let mut shown = self.clone();
        shown.steps.retain(|step| step.action != Action::None || !step.drift.is_empty());
        shown
    }

    /// Returns the plan as JSON, without the nodes that stay as they are.
    pub fn to_json(&self) -> String {
        // Every part of a plan has a JSON form.
        serde_json::to_string_pretty(&self.changes()).unwrap_or_default()
    }

    /// Returns a hash over everything that the plan shows and does.
    pub fn digest(&self) -> String {
        // Every part of a plan has a JSON form.
        crate::hash::hex(serde_json::to_string(self).unwrap_or_default().as_bytes())
    }
}

/// A resource that AWS has and the state does not know.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The resource.
    pub live: LiveValue,
    /// Whose it is.
    pub owner: Ownership,
}

/// Whose a resource is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// This node's own, by its tags, token or parent.
    Ours,
    /// Another deployment's or node's, by its tags.
    Other(String),
    /// Nobody of payctl's.
    Nobody,
}

/// What AWS answered about a recorded node.
#[derive(Clone, Debug, PartialEq)]
pub enum Look {
    /// It is there.
    Live(LiveValue),
    /// It does not exist.
    Gone,
    /// Its region does not answer.
    Unreachable,
}

/// What AWS answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// The nodes of the state.
    pub recorded: BTreeMap<Address, Look>,
    /// Nodes that the state does not know, and AWS does.
    pub found: BTreeMap<Address, Found>,
    /// Nodes that the state does not know and AWS does not let us look at, in
    /// its own words.
    pub denied: BTreeMap<Address, String>,
}

/// What the user allows and asks for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// Only these nodes, and what they need.
    pub targets: Vec<String>,
    /// Not these nodes, nor what needs them.
    pub excludes: Vec<String>,
    /// Nodes to replace although nothing demands it.
    pub replace: Vec<String>,
    /// Whether things that are not ours may be taken over.
    pub adopt: bool,
    /// Whether types that hold data may be replaced or deleted.
    pub allow_data_loss: bool,
    /// Whether a region may be dropped with its nodes.
    pub allow_region_removal: bool,
    /// Whether everything goes.
    pub destroy: bool,
}
