//! Nodes that the stack no longer declares.

use super::build::{LEFT_ALONE, Planner, silence};
use super::{Action, Look, Step};
use crate::address::Address;
use crate::resource::Id;
use crate::state::Record;
use serde_json::Value;

impl Planner<'_> {
    /// Plans the end of nodes that the stack no longer declares.
    pub(super) fn departures(&mut self) {
        let Some(state) = self.inputs.state else { return };
        let moved: Vec<Address> =
            self.steps.values().filter_map(|step| step.from.clone()).collect();
        for (address, record) in &state.records {
            let declared =
                !self.inputs.options.destroy && self.inputs.expansion.nodes.contains_key(address);
            if declared || moved.contains(address) {
                continue;
            }
            let step = self.departure(address, record);
            self.steps.insert(address.clone(), step);
        }
        for (address, pending) in &state.pending {
            let declared =
                !self.inputs.options.destroy && self.inputs.expansion.nodes.contains_key(address);
            if declared || state.records.contains_key(address) {
                continue;
            }
            let record = pending.clone().record(Id::from(""));
            let mut step = self.departure(address, &record);
            if step.action == Action::Delete {
                step.action = Action::Forget;
                step.reasons =
                    vec!["its creation was interrupted and AWS does not have it".to_owned()];
            }
            self.steps.insert(address.clone(), step);
        }
    }

    fn departure(&mut self, address: &Address, record: &Record) -> Step {
        let meta = crate::resources::kind(&record.type_name).map(|kind| kind.meta());
        let mut reasons = Vec::new();
        let action = match self.inputs.observed.recorded.get(address) {
            _ if !self.selection.allows(address) => {
                reasons.push(LEFT_ALONE.to_owned());
                Action::None
            }
            Some(Look::Unreachable) => {
                reasons.push(silence(&record.region));
                Action::Unreachable
            }
            _ if record.retain => {
                reasons.push("DeletionPolicy is Retain: it stays in AWS".to_owned());
                Action::Forget
            }
            _ if meta.is_some_and(|meta| meta.singleton) => {
                reasons.push("the account has just one, which stays".to_owned());
                Action::Forget
            }
            Some(Look::Gone) => {
                reasons.push("it was deleted outside payctl".to_owned());
                Action::Delete
            }
            _ => Action::Delete,
        };
        if action == Action::Delete && !self.inputs.options.destroy {
            self.guard_departure(address, meta.is_some_and(|meta| meta.holds_data));
        }
        Step {
            address: address.clone(),
            type_name: record.type_name.clone(),
            region: record.region.clone(),
            action,
            id: Some(record.id.clone()),
            generation: record.generation,
            changes: Vec::new(),
            drift: Vec::new(),
            reasons,
            delete_first: false,
            from: None,
            desired: Value::Null,
            dependencies: record.dependencies.clone(),
            live: None,
        }
    }

    fn guard_departure(&mut self, address: &Address, holds_data: bool) {
        let dropped =
            !address.is_global() && !self.inputs.deployment.regions.contains(&address.place);
        if dropped && !self.inputs.options.allow_region_removal {
            *self.dropped.entry(address.place.clone()).or_default() += 1;
        } else if holds_data && !self.inputs.options.allow_data_loss {
            self.refuse(
                address,
                "deleting it loses the data that it holds",
                "allow it with --allow-data-loss",
            );
        }
    }
}
