//! Nodes that the state does not know: made, taken over, or moved here.

use super::build::Planner;
use super::{Action, Look, Ownership, Step, diff, secret};
use crate::address::Address;
use crate::resource::{Desired, LiveValue};
use crate::stack::Node;
use crate::state::Record;
use serde_json::Value;

impl<'a> Planner<'a> {
    /// A node that the state does not know.
    pub(super) fn unrecorded(&mut self, node: &Node, step: &mut Step) {
        if let Some((from, record, live)) = self.departing(node, step) {
            let masked = secret::masked(
                node.kind.schema(),
                &node.secrets,
                &self.inputs.salt(),
                &live.properties,
            );
            step.action = Action::Move;
            step.id = Some(record.id.clone());
            step.generation = record.generation;
            step.changes = diff::diff(node.kind, &step.desired, &masked, &record.properties);
            step.live = Some(live.clone());
            step.from = Some(from.clone());
            if let Some(change) = step.changes.iter().find(|change| change.replaces) {
                let message = format!(
                    "{} is moved here, and AWS cannot change its {}",
                    record.id, change.path
                );
                self.refuse(&node.address, &message, "apply the move first, then the change");
            }
            return;
        }
        let Some(found) = self.inputs.observed.found.get(&node.address) else {
            step.action = Action::Create;
            if let Some(words) = self.inputs.observed.denied.get(&node.address) {
                let message = format!("the name may be taken by another account ({words})");
                self.refuse(
                    &node.address,
                    &message,
                    "choose another name, or ask for the right to look",
                );
            }
            return;
        };
        let masked = secret::masked(
            node.kind.schema(),
            &node.secrets,
            &self.inputs.salt(),
            &found.live.properties,
        );
        step.action = Action::Adopt;
        step.id = Some(found.live.id.clone());
        step.changes = diff::diff(node.kind, &step.desired, &masked, &Value::Null);
        step.live = Some(found.live.clone());
        let whose = match &found.owner {
            Ownership::Ours => {
                step.reasons.push("it is this deployment's own, by its tags".to_owned());
                None
            }
            Ownership::Other(owner) => {
                Some(format!("{} exists and belongs to {owner}", found.live.id))
            }
            Ownership::Nobody => Some(format!("{} exists and is not payctl's", found.live.id)),
        };
        match whose {
            Some(message) if !self.inputs.options.adopt => {
                self.refuse(
                    &node.address,
                    &message,
                    "choose another name, or take it over with --adopt",
                );
            }
            _ => {}
        }
        if let Some(change) = step.changes.iter().find(|change| change.replaces) {
            let message = format!(
                "{} exists with another {}, which AWS cannot change",
                found.live.id, change.path
            );
            self.refuse(&node.address, &message, "delete it or choose another name");
        }
    }

    /// Returns the record that leaves the stack with this node's identity: the
    /// resource is renamed, not made anew.
    fn departing(
        &self,
        node: &Node,
        step: &Step,
    ) -> Option<(&'a Address, &'a Record, &'a LiveValue)> {
        let place = self.inputs.place(&node.address);
        let identity = node.kind.identity(Desired(&step.desired), &place)?;
        let state = self.inputs.state?;
        let (from, record) = state.records.iter().find(|(address, record)| {
            record.id == identity
                && record.type_name == node.kind.meta().type_name
                && record.region == place.region
                && !self.inputs.expansion.nodes.contains_key(*address)
        })?;
        match self.inputs.observed.recorded.get(from) {
            Some(Look::Live(live)) => Some((from, record, live)),
            _ => None,
        }
    }
}
