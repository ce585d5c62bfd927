//! One piece of work on one node: evaluate what is desired now, bring AWS
//! there through the kind, and have the outcome recorded.

use super::link::{Worker, lock};
use super::run::Run;
use crate::address::Address;
use crate::aws::owned::{ADDRESS_TAG, DEPLOYMENT_TAG, GENERATION_TAG};
use crate::plan::{self, Action, Step, diff, secret};
use crate::resource::{
    Change, Changes, Class, Cx, Desired, Failure, Id, Kind, LiveValue, Owner, Place, RecordedValue,
    Result, schema,
};
use crate::stack::{Lookup, Node};
use crate::state::journal::Entry;
use crate::state::{Outgoing, Pending, Record, Status};
use crate::value::{has_unknown, unknown_sources};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

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
pub(crate) async fn converge(run: &Run, step: &Step) -> Result<()> {
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
pub(crate) async fn complete(run: &Run, step: &Step) -> Result<()> {
    let mut job = Job::new(run, step, true)?;
    let Some(live) = run.recorded_live(&step.address) else {
        return Err(Failure::refused("the node has no record. This is a bug in payctl"));
    };
    job.update(live).await
}

/// Removes a node.
pub(crate) async fn delete(run: &Run, step: &Step) -> Result<()> {
    let gone = vec![Entry::Remove { address: step.address.clone() }];
    if step.action == Action::Forget {
        return run.write(gone).await;
    }
    let Some(id) = &step.id else { return run.write(gone).await };
    let kind = known_kind(&step.type_name)?;
    let recorded = run.record(&step.address);
    let properties = recorded.as_ref().map_or(Value::Null, |record| record.properties.clone());
    let cx = run.observer_cx(&step.address, &step.region, step.generation);
    let draft = recorded.clone().unwrap_or_else(|| draft(step, id, properties.clone()));
    let cx = worker_cx(run, kind, &step.address, cx, draft).0;
    if let Some(record) = recorded {
        for outgoing in record.outgoing.clone() {
            delete_outgoing(run, &cx, &outgoing).await?;
        }
        let record = Record { status: Status::Deleting, outgoing: Vec::new(), ..record };
        run.write(vec![Entry::Put { address: step.address.clone(), record }]).await?;
    }
    kind.delete(RecordedValue { id: id.clone(), applied: properties }, &cx).await?;
    run.write(gone).await
}

/// Removes the instances of a node that were replaced.
pub(crate) async fn delete_old(run: &Run, step: &Step) -> Result<()> {
    let Some(mut record) = run.record(&step.address) else { return Ok(()) };
    let kind = known_kind(&record.type_name)?;
    let cx = run.observer_cx(&step.address, &step.region, record.generation);
    let (cx, _) = worker_cx(run, kind, &step.address, cx, record.clone());
    while let Some(outgoing) = record.outgoing.first().cloned() {
        delete_outgoing(run, &cx, &outgoing).await?;
        record.outgoing.remove(0);
        run.write(vec![Entry::Put { address: step.address.clone(), record: record.clone() }])
            .await?;
    }
    Ok(())
}

async fn delete_outgoing(run: &Run, cx: &Cx, outgoing: &Outgoing) -> Result<()> {
    if run.keeps_replaced(&cx.owner.address) {
        return Ok(());
    }
    let recorded = RecordedValue { id: outgoing.id.clone(), applied: outgoing.properties.clone() };
    known_kind(&outgoing.type_name)?.delete(recorded, cx).await
}

fn known_kind(type_name: &str) -> Result<&'static dyn Kind> {
    crate::resources::kind(type_name)
        .ok_or_else(|| Failure::refused(format!("this payctl does not know the type {type_name}")))
}

fn draft(step: &Step, id: &Id, properties: Value) -> Record {
    Record {
        type_name: step.type_name.clone(),
        region: step.region.clone(),
        id: id.clone(),
        status: Status::Created,
        generation: step.generation,
        properties,
        attributes: Value::Null,
        dependencies: step.dependencies.clone(),
        retain: false,
        outgoing: Vec::new(),
    }
}

/// Turns a context that only looks into one that may change the node.
fn worker_cx(
    run: &Run,
    kind: &'static dyn Kind,
    address: &Address,
    cx: Cx,
    draft: Record,
) -> (Cx, Arc<Worker>) {
    let link = Arc::new(Worker {
        calls: Arc::clone(&run.calls),
        kind,
        address: address.clone(),
        dispatcher: run.dispatcher.clone(),
        board: Arc::clone(&run.board),
        intents: Arc::clone(&run.intents),
        draft,
        named: Mutex::new(None),
        on_created: run.on_created.clone(),
    });
    let shared: Arc<dyn crate::resource::Link> = link.clone();
    (Cx { link: shared, ..cx }, link)
}

impl<'a> Job<'a> {
    fn new(run: &'a Run, step: &'a Step, completing: bool) -> Result<Self> {
        let node = run.expansion.nodes.get(&step.address).ok_or_else(|| {
            Failure::refused("the stack no longer declares the node. This is a bug in payctl")
        })?;
        let siblings = |address: &Address| lock(&run.desired).get(address).cloned();
        let mut properties = plan::desired(&run.inputs(), node, step.generation, run, &siblings)
            .map_err(|error| Failure::refused(error.to_string()))?;
        let mask =
            |value: &Value| secret::masked(node.kind.schema(), &node.secrets, &run.salt(), value);
        lock(&run.desired).insert(step.address.clone(), mask(&properties));
        let dropped = drop_unknown_late(node.kind, &mut properties);
        if has_unknown(&properties) {
            let sources = unknown_sources(&properties).join(", ");
            return Err(Failure::refused(format!(
                "{sources} is still not known. This is a bug in payctl"
            )));
        }
        let shown = mask(&properties);
        let place = run.inputs().place(&step.address);
        let owner = Owner {
            deployment: run.inputs().id(),
            address: step.address.clone(),
            generation: step.generation,
        };
        let full = with_ownership(node.kind, &owner, properties);
        let mut draft = draft(step, &Id::from(""), shown.clone());
        draft.retain = plan::retains(node);
        if let Some(record) = run.record(&step.address) {
            draft.outgoing = record.outgoing;
        }
        let mut cx = run.cx(place, owner);
        cx.partial = dropped;
        let (cx, link) = worker_cx(run, node.kind, &step.address, cx, draft);
        let status = if dropped && completing { Status::Incomplete } else { Status::Ready };
        Ok(Self { run, step, node, kind: node.kind, full, shown, status, link, cx })
    }

    /// Makes a new instance. `outgoing` are those that it takes the place of.
    async fn create(&mut self, outgoing: Vec<Outgoing>) -> Result<()> {
        self.with_outgoing(outgoing);
        let was_pending = self.run.was_pending(&self.step.address);
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
                Class::Exists => return self.existing(failure, was_pending).await,
                Class::InDoubt if tries <= TRIES_IN_DOUBT => {
                    if let Some(live) = self.run.find(self.kind, &self.full, &self.cx).await? {
                        return self.adopt(live, true).await;
                    }
                }
                Class::InDoubt | Class::Transient | Class::Unreachable | Class::Interrupted => {
                    return Err(failure);
                }
                // AWS has answered: nothing was made.
                _ => {
                    self.forget_pending().await?;
                    return Err(failure);
                }
            }
        }
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

    async fn forget_pending(&self) -> Result<()> {
        if self.run.record(&self.step.address).is_some() {
            return Ok(());
        }
        self.run.write(vec![Entry::Remove { address: self.step.address.clone() }]).await
    }

    /// AWS says that the name is taken: by whom?
    async fn existing(&mut self, failure: Failure, was_pending: bool) -> Result<()> {
        let Some(live) = self.run.find(self.kind, &self.full, &self.cx).await? else {
            self.forget_pending().await?;
            return Err(failure);
        };
        let ours = self.run.is_ours(self.kind, &self.cx.owner, &live, &self.full, was_pending);
        if ours || self.run.options.adopt {
            return self.adopt(live, ours).await;
        }
        self.forget_pending().await?;
        Err(Failure {
            message: format!(
                "{} exists and is not this deployment's ({}). Choose another name, or take it over with --adopt",
                live.id, failure.message
            ),
            ..failure
        })
    }

    /// Takes over a resource that exists: records it, then changes what
    /// differs.
    async fn adopt(&mut self, live: LiveValue, ours: bool) -> Result<()> {
        tracing::info!(address = %self.step.address, id = %live.id, ours, "Adopted");
        self.record_named(&live).await?;
        self.bring(live, &Value::Null).await
    }

    async fn record_named(&self, live: &LiveValue) -> Result<()> {
        use crate::resource::Link as _;
        self.link.created(&live.id, &live.attributes).await
    }

    /// Records the resource under this address (and no other), then changes
    /// what differs.
    async fn take_over(&mut self, from: Option<&Address>) -> Result<()> {
        let Some(live) = self.step.live.clone() else {
            return Err(Failure::refused(
                "nothing was found to take over. This is a bug in payctl",
            ));
        };
        let moved = from.and_then(|from| self.run.record(from));
        self.with_outgoing(moved.as_ref().map(|old| old.outgoing.clone()).unwrap_or_default());
        let applied = moved.map_or(Value::Null, |record| record.properties);
        if let Some(from) = from {
            let record = Record {
                id: live.id.clone(),
                attributes: live.attributes.clone(),
                status: Status::Created,
                ..self.link.draft.clone()
            };
            let gone = Entry::Remove { address: from.clone() };
            self.run
                .write(vec![gone, Entry::Put { address: self.step.address.clone(), record }])
                .await?;
        }
        self.record_named(&live).await?;
        self.bring(live, &applied).await
    }

    async fn replace(&mut self) -> Result<()> {
        let Some(old) = self.run.record(&self.step.address) else {
            return self.create(Vec::new()).await;
        };
        let mut outgoing = old.outgoing.clone();
        let replaced = Outgoing {
            type_name: old.type_name.clone(),
            id: old.id.clone(),
            generation: old.generation,
            properties: old.properties.clone(),
        };
        if self.step.delete_first {
            let deleting = Record { status: Status::Deleting, ..old };
            self.run
                .write(vec![Entry::Put { address: self.step.address.clone(), record: deleting }])
                .await?;
            let recorded = RecordedValue { id: replaced.id, applied: replaced.properties };
            self.kind.delete(recorded, &self.cx).await?;
            self.run.write(vec![Entry::Remove { address: self.step.address.clone() }]).await?;
        } else {
            outgoing.push(replaced);
        }
        self.create(outgoing).await
    }

    fn with_outgoing(&mut self, outgoing: Vec<Outgoing>) {
        let draft = Record { outgoing, ..self.link.draft.clone() };
        let (cx, link) = worker_cx(self.run, self.kind, &self.step.address, self.cx.clone(), draft);
        self.cx = cx;
        self.link = link;
    }

    async fn update(&mut self, live: LiveValue) -> Result<()> {
        let record = self.run.record(&self.step.address);
        let applied = record.map_or(Value::Null, |record| record.properties);
        self.bring(live, &applied).await
    }

    /// Changes what differs between `live` and what is desired.
    async fn bring(&mut self, live: LiveValue, applied: &Value) -> Result<()> {
        let seen = secret::masked(
            self.kind.schema(),
            &self.node.secrets,
            &self.run.salt(),
            &live.properties,
        );
        let mut changes = diff::diff(self.kind, &self.shown, &seen, applied);
        if let Some(change) = changes.iter().find(|change| change.replaces) {
            return Err(Failure::refused(format!(
                "{} would have to change, which needs a replacement that was not planned. Plan again",
                change.path
            )));
        }
        changes.extend(lost_ownership(&self.full, &live.properties));
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
        let record = Record { id, attributes, status: self.status, ..self.link.draft.clone() };
        self.run.write(vec![Entry::Put { address: self.step.address.clone(), record }]).await
    }
}

/// Removes late properties, or items of late lists, whose inputs are not known
/// (yet). Returns whether any was removed.
fn drop_unknown_late(kind: &dyn Kind, properties: &mut Value) -> bool {
    let mut dropped = false;
    for (name, property) in schema::properties(kind.schema()) {
        if property.get("x-late").is_none() {
            continue;
        }
        if let Some(value) = properties.get_mut(name) {
            dropped |= drop_unknown_items(value);
        }
    }
    *properties = schema::without_nulls(kind.schema(), properties.take());
    dropped
}

/// Drops the items of lists that hold unknown values; a value that is unknown
/// outside any list goes as a whole and becomes null.
fn drop_unknown_items(value: &mut Value) -> bool {
    if !has_unknown(value) {
        return false;
    }
    match value {
        Value::Array(items) => items.retain(|item| !has_unknown(item)),
        Value::Object(map) if !crate::value::is_unknown(&Value::Object(map.clone())) => {
            for member in map.values_mut() {
                if member.is_array() {
                    drop_unknown_items(member);
                }
            }
            let emptied = map.values().any(|member| member.as_array().is_some_and(Vec::is_empty));
            if emptied || map.values().any(has_unknown) {
                *value = Value::Null;
            }
        }
        other => *other = Value::Null,
    }
    true
}

/// Adds the tags that say whose the resource is.
fn with_ownership(kind: &dyn Kind, owner: &Owner, mut properties: Value) -> Value {
    if !kind.meta().taggable {
        return properties;
    }
    let tags = [
        (DEPLOYMENT_TAG, owner.deployment.clone()),
        (ADDRESS_TAG, owner.address.tag()),
        (GENERATION_TAG, owner.generation.to_string()),
    ];
    if let Some(map) = properties.as_object_mut() {
        let list = map.entry("Tags").or_insert_with(|| json!([]));
        if let Some(list) = list.as_array_mut() {
            list.extend(tags.into_iter().map(|(key, value)| json!({"Key": key, "Value": value})));
        }
    }
    properties
}

/// Returns changes for ownership tags that the live resource lacks.
fn lost_ownership(full: &Value, live: &Value) -> Vec<Change> {
    let value = |of: &Value, key: &str| -> Option<Value> {
        let tags = of.get("Tags")?.as_array()?;
        tags.iter().find(|tag| tag["Key"] == key).map(|tag| tag["Value"].clone())
    };
    [DEPLOYMENT_TAG, ADDRESS_TAG, GENERATION_TAG]
        .into_iter()
        .filter_map(|key| {
            let after = value(full, key)?;
            let before = value(live, key).unwrap_or_default();
            (before != after).then(|| Change {
                path: format!("Tags/{key}"),
                before,
                after,
                replaces: false,
            })
        })
        .collect()
}

/// Whether the place's identity for these properties is certain.
pub(crate) fn identity(kind: &dyn Kind, desired: &Value, place: &Place) -> Option<Id> {
    kind.identity(Desired(desired), place)
}

impl Lookup for Run {
    fn reference(&self, node: &Address) -> Option<Value> {
        lock(&self.board).reference(node)
    }

    fn attribute(&self, node: &Address, name: &str) -> Option<Value> {
        lock(&self.board).attribute(node, name)
    }
}
