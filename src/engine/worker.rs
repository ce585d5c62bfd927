//! One piece of work on one node: evaluate what is desired now, bring AWS
//! there through the kind, and have the outcome recorded.

use super::link::{Worker, lock};
use super::run::{Run, draft};
use super::{late, ownership};
use crate::address::Address;
use crate::plan::{self, Action, Ownership, Step, diff, secret};
use crate::resource::{
    Changes, Class, Cx, Failure, Kind, Link as _, LiveValue, RecordedValue, Result,
};
use crate::stack::Node;
use crate::state::journal::Entry;
use crate::state::{Outgoing, Pending, Record, Status};
use crate::value::{has_unknown, unknown_sources};
use serde_json::Value;
use std::sync::Arc;

/// How often a creation whose answer was lost is looked for and tried again.
const TRIES_IN_DOUBT: u32 = 3;

/// A node with all that its work needs.
struct Job<'a> {
    run: &'a Run,
    step: &'a Step,
    node: &'a Node,
    kind: &'static dyn Kind,
    /// The desired properties, ownership tags included.
    full: Value,
    /// The desired properties as they are compared and recorded.
    shown: Value,
    status: Status,
    link: Arc<Worker>,
    cx: Cx,
}

/// Creates or changes a node. Late properties are set as far as their inputs
/// are known.
pub(super) async fn converge(run: &Run, step: &Step) -> Result<()> {
    let mut job = Job::new(run, step, false)?;
    match step.action {
        Action::Create => job.create(Vec::new()).await,
        Action::Replace => job.replace().await,
        Action::Adopt => job.take_over(None).await,
        Action::Move => job.take_over(step.from.as_ref()).await,
        _ => {
            let live = step.live.clone().or_else(|| run.recorded_live(&step.address));
            match live {
                Some(live) => job.update(live).await,
                None => job.create(Vec::new()).await,
            }
        }
    }
}

/// Sets the late properties, now that all their inputs are known or lost.
pub(super) async fn complete(run: &Run, step: &Step) -> Result<()> {
    let mut job = Job::new(run, step, true)?;
    let Some(live) = run.recorded_live(&step.address) else {
        return Err(Failure::refused("the node has no record. This is a bug in payctl"));
    };
    job.update(live).await
}

impl<'a> Job<'a> {
    fn new(run: &'a Run, step: &'a Step, completing: bool) -> Result<Self> {
        let setting = &run.setting;
        let node = setting.expansion.nodes.get(&step.address).ok_or_else(|| {
            Failure::refused("the stack no longer declares the node. This is a bug in payctl")
        })?;
        let siblings = |address: &Address| lock(&run.desired).get(address).cloned();
        let mut properties = plan::desired(&run.inputs(), node, step.generation, run, &siblings)
            .map_err(|error| Failure::refused(error.to_string()))?;
        lock(&run.desired).insert(step.address.clone(), masked(run, node, &properties));
        let dropped = late::drop_unknown(node.kind, &mut properties);
        if has_unknown(&properties) {
            let sources = unknown_sources(&properties).join(", ");
            return Err(Failure::refused(format!(
                "{sources} is still not known. This is a bug in payctl"
            )));
        }
        let shown = masked(run, node, &properties);
        let draft = Record {
            retain: plan::retains(node),
            outgoing: run.record(&step.address).map(|r| r.outgoing).unwrap_or_default(),
            ..draft(step, shown.clone())
        };
        let (mut cx, link) = run.worker(node.kind, &step.address, draft);
        cx.partial = dropped;
        let full = ownership::tagged(node.kind, &cx.owner, properties);
        let status = if dropped && completing { Status::Incomplete } else { Status::Ready };
        Ok(Self { run, step, node, kind: node.kind, full, shown, status, link, cx })
    }

    /// Makes a new instance. `outgoing` are those that it takes the place of.
    async fn create(&mut self, outgoing: Vec<Outgoing>) -> Result<()> {
        self.redraft(|draft| draft.outgoing = outgoing);
        // What was sent without an answer, by an earlier run at first.
        let mut begun = self.run.begun(&self.step.address).cloned();
        self.write_pending().await?;
        let mut tries = 0;
        loop {
            let made =
                self.kind.converge(self.full.clone(), None, &Changes::default(), &self.cx).await;
            let failure = match made {
                Ok(attributes) => return self.finish(attributes).await,
                Err(failure) => failure,
            };
            if lock(&self.link.named).is_some() {
                // Half-made and recorded: the next run finishes it.
                return Err(failure);
            }
            tries += 1;
            match failure.class {
                Class::Exists => match self.find().await? {
                    Some(live) => return self.claim(live, begun, failure).await,
                    None => return self.nothing_made(failure).await,
                },
                Class::InDoubt if tries <= TRIES_IN_DOUBT => {
                    begun = Some(self.shown.clone());
                    if let Some(live) = self.find().await? {
                        return self.claim(live, begun, failure).await;
                    }
                }
                Class::InDoubt | Class::Transient | Class::Unreachable | Class::Interrupted => {
                    return Err(failure);
                }
                _ => return self.nothing_made(failure).await,
            }
        }
    }

    /// Looks in AWS for what a call has made whose answer was lost; the
    /// instances that it takes the place of are not that.
    async fn find(&self) -> Result<Option<LiveValue>> {
        let found = self.run.find(self.kind, &self.full, &self.cx).await?;
        let is_old = |live: &LiveValue| self.link.draft.outgoing.iter().any(|o| o.id == live.id);
        Ok(found.filter(|live| !is_old(live)))
    }

    async fn write_pending(&self) -> Result<()> {
        let draft = &self.link.draft;
        let pending = Pending {
            type_name: draft.type_name.clone(),
            region: draft.region.clone(),
            generation: draft.generation,
            properties: draft.properties.clone(),
            dependencies: draft.dependencies.clone(),
            retain: draft.retain,
        };
        self.run.write(vec![Entry::Pending { address: self.step.address.clone(), pending }]).await
    }

    /// AWS has answered: the creation is over.
    async fn nothing_made(&self, failure: Failure) -> Result<()> {
        let address = self.step.address.clone();
        let entry = match self.run.record(&address) {
            Some(record) => Entry::Put { address, record },
            None => Entry::Remove { address },
        };
        self.run.write(vec![entry]).await?;
        Err(failure)
    }

    /// Takes over what stands in the way of the creation, if it is ours.
    /// `begun` is what was sent without an answer.
    async fn claim(
        &mut self,
        live: LiveValue,
        begun: Option<Value>,
        failure: Failure,
    ) -> Result<()> {
        let was_begun = begun.is_some();
        let owner = ownership::ownership(self.kind, &self.cx.owner, &live, &self.full, was_begun);
        if owner == Ownership::Ours {
            return self.adopt(live, &begun.unwrap_or_default()).await;
        }
        if self.run.setting.options.adopt {
            return self.adopt(live, &Value::Null).await;
        }
        let message = format!(
            "{} exists and is not this deployment's ({}). Choose another name, or take it over with --adopt",
            live.id, failure.message
        );
        self.nothing_made(Failure { message, ..failure }).await
    }

    /// Takes over a resource that exists: records it, then changes what
    /// differs. `applied` is what it was asked to be, as far as that is known.
    async fn adopt(&mut self, live: LiveValue, applied: &Value) -> Result<()> {
        tracing::info!(address = %self.step.address, id = %live.id, "Adopted");
        self.redraft(|draft| draft.properties = applied.clone());
        self.link.created(&live.id, &live.attributes).await?;
        self.bring(live, applied).await
    }

    /// Records the resource under this address (and no other), then changes
    /// what differs.
    async fn take_over(&mut self, from: Option<&Address>) -> Result<()> {
        let Some(live) = self.step.live.clone() else {
            return Err(Failure::refused(
                "nothing was found to take over. This is a bug in payctl",
            ));
        };
        let Some((from, old)) = from.and_then(|from| Some((from, self.run.record(from)?))) else {
            return self.adopt(live, &Value::Null).await;
        };
        let applied = old.properties.clone();
        self.redraft(|draft| draft.outgoing.clone_from(&old.outgoing));
        let (from, address) = (from.clone(), self.step.address.clone());
        let record = Record { status: Status::Created, ..old };
        self.run
            .write(vec![Entry::Remove { address: from }, Entry::Put { address, record }])
            .await?;
        self.adopt(live, &applied).await
    }

    async fn replace(&mut self) -> Result<()> {
        let Some(old) = self.run.record(&self.step.address) else {
            return self.create(Vec::new()).await;
        };
        if !self.step.delete_first {
            return self.create(old.retired()).await;
        }
        let recorded = RecordedValue { id: old.id.clone(), applied: old.properties.clone() };
        let outgoing = old.outgoing.clone();
        let record = Record { status: Status::Deleting, ..old };
        self.run.write(vec![Entry::Put { address: self.step.address.clone(), record }]).await?;
        self.kind.delete(recorded, &self.cx).await?;
        self.run.write(vec![Entry::Remove { address: self.step.address.clone() }]).await?;
        self.create(outgoing).await
    }

    /// Changes the record that the node has until it is done.
    fn redraft(&mut self, change: impl FnOnce(&mut Record)) {
        let mut draft = self.link.draft.clone();
        change(&mut draft);
        let partial = self.cx.partial;
        (self.cx, self.link) = self.run.worker(self.kind, &self.step.address, draft);
        self.cx.partial = partial;
    }

    async fn update(&mut self, live: LiveValue) -> Result<()> {
        let record = self.run.record(&self.step.address);
        let applied = record.map_or(Value::Null, |record| record.properties);
        self.bring(live, &applied).await
    }

    /// Changes what differs between `live` and what is desired.
    async fn bring(&mut self, live: LiveValue, applied: &Value) -> Result<()> {
        let seen = masked(self.run, self.node, &live.properties);
        let mut changes = diff::diff(self.kind, &self.shown, &seen, applied);
        if let Some(change) = changes.iter().find(|change| change.replaces) {
            return Err(Failure::refused(format!(
                "{} would have to change, which needs a replacement that was not planned. Plan again",
                change.path
            )));
        }
        changes.extend(ownership::lost(&self.full, &live.properties));
        // A kind whose properties name it (the topics of a policy) may name it
        // anew.
        *lock(&self.link.named) = Some(live.id.clone());
        let attributes = self
            .kind
            .converge(self.full.clone(), Some(live.clone()), &Changes(changes), &self.cx)
            .await?;
        let mut merged = live.attributes;
        plan::merge(&mut merged, &attributes);
        self.finish(merged).await
    }

    /// Records the node as done.
    async fn finish(&self, attributes: Value) -> Result<()> {
        let Some(id) = lock(&self.link.named).clone() else {
            return Err(Failure::refused(format!(
                "{} did not say what names it. This is a bug in payctl",
                self.kind.meta().type_name
            )));
        };
        lock(&self.run.board).set(self.kind, &self.step.address, Some(&id), &attributes);
        let properties = self.shown.clone();
        let draft = self.link.draft.clone();
        let record = Record { id, attributes, properties, status: self.status, ..draft };
        self.run.write(vec![Entry::Put { address: self.step.address.clone(), record }]).await
    }
}

/// Returns properties with secrets as hashes, as they are compared and recorded.
fn masked(run: &Run, node: &Node, properties: &Value) -> Value {
    secret::masked(node.kind.schema(), &node.secrets, &run.setting.id(), properties)
}
