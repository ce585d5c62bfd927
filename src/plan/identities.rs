//! No two nodes are one resource: what a step is about to make must not be
//! what the state holds under another address, or is about to delete.

use super::build::Planner;
use super::{Action, Look, Step};
use crate::address::Address;
use crate::resource::{Desired, Id};
use crate::state::Record;

/// What the state says of an identity that a step is about to make.
enum Holder<'a> {
    /// Another node has it.
    Other(&'a Address),
    /// An instance that was replaced has it, and is yet to be deleted.
    Outgoing(&'a Address),
}

impl<'a> Planner<'a> {
    /// Refuses the steps that would make what another node has.
    pub(super) fn identities(&mut self) {
        let made: Vec<(Address, Id)> = self.steps.values().filter_map(|s| self.made(s)).collect();
        for (address, id) in made {
            match self.holder(&address, &id) {
                None => {}
                Some(Holder::Other(other)) if self.is_gone(other) => self.forget(other),
                Some(Holder::Other(other)) => self.refuse(
                    &address,
                    &format!("{id} is still {other}, which this apply changes or removes"),
                    "apply that first, then this; or choose another name",
                ),
                Some(Holder::Outgoing(other)) => self.refuse(
                    &address,
                    &format!("{id} is an earlier instance of {other} that is still to be deleted"),
                    "apply without this change first; or choose another name",
                ),
            }
        }
    }

    /// Returns the identity of what a step makes.
    fn made(&self, step: &Step) -> Option<(Address, Id)> {
        let node = self.inputs.expansion.nodes.get(&step.address)?;
        let makes = matches!(step.action, Action::Create | Action::Replace);
        let place = self.inputs.place(&step.address);
        let id = node.kind.identity(Desired(&step.desired), &place).filter(|_| makes)?;
        Some((step.address.clone(), id))
    }

    fn holder(&self, address: &Address, id: &Id) -> Option<Holder<'a>> {
        let step = self.steps.get(address)?;
        let is_such = |type_name: &str, region: &str, found: &Id| {
            found == id && type_name == step.type_name && region == step.region
        };
        let has = |record: &Record| is_such(&record.type_name, &record.region, &record.id);
        let had = |record: &Record| {
            record.outgoing.iter().any(|old| is_such(&old.type_name, &record.region, &old.id))
        };
        self.inputs.state?.records.iter().find_map(|(other, record)| {
            if other != address && has(record) {
                Some(Holder::Other(other))
            } else {
                had(record).then_some(Holder::Outgoing(other))
            }
        })
    }

    /// Whether a node is about to be deleted and AWS does not have it any more.
    fn is_gone(&self, address: &Address) -> bool {
        let deleted = self.steps.get(address).is_some_and(|step| step.action == Action::Delete);
        deleted && self.inputs.observed.recorded.get(address) == Some(&Look::Gone)
    }

    /// To delete it once more might hit its successor.
    fn forget(&mut self, address: &Address) {
        if let Some(step) = self.steps.get_mut(address) {
            step.action = Action::Forget;
        }
    }
}
