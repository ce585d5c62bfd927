//! Looking at AWS: what became of recorded nodes, and what exists that the
//! state does not know.

use super::ownership::ownership;
use super::setting::Setting;
use crate::address::Address;
use crate::plan::{Action, Found, Look, Observed, Ownership, Plan};
use crate::resource::{Class, Cx, Desired, Failure, Kind, LiveValue, Result};
use crate::state::State;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use serde_json::Value;

/// Reads every recorded node, all regions at once.
pub async fn recorded(
    setting: &Setting,
    state: &State,
) -> std::result::Result<Observed, Vec<(Address, Failure)>> {
    let mut reads = FuturesUnordered::new();
    for (address, record) in &state.records {
        let Some(kind) = crate::resources::kind(&record.type_name) else { continue };
        let cx = setting.cx(address, &record.region, record.generation);
        reads.push(async move { (address.clone(), kind.read(&record.id, &cx).await) });
    }
    let mut observed = Observed::default();
    let mut failed = Vec::new();
    while let Some((address, read)) = reads.next().await {
        match read {
            Ok(Some(live)) => drop(observed.recorded.insert(address, Look::Live(live))),
            Ok(None) => drop(observed.recorded.insert(address, Look::Gone)),
            Err(failure) if failure.class == Class::Unreachable => {
                drop(observed.recorded.insert(address, Look::Unreachable));
            }
            Err(failure) => failed.push((address, failure)),
        }
    }
    sorted(failed).map(|()| observed)
}

/// Looks for what was made by creations that were begun without learning the
/// end of them. The state takes it up, so that the plan finishes, changes,
/// replaces or deletes it like any other node.
pub async fn begun(
    setting: &Setting,
    state: &mut State,
    observed: &mut Observed,
) -> std::result::Result<(), Vec<(Address, Failure)>> {
    let mut looks = FuturesUnordered::new();
    for (address, pending) in state.pending.clone() {
        let Some(kind) = crate::resources::kind(&pending.type_name) else { continue };
        let cx = setting.cx(&address, &pending.region, pending.generation).doubting(true);
        looks.push(async move {
            let found = look(kind, &pending.properties, &cx, true).await;
            (address, found)
        });
    }
    let mut failed = Vec::new();
    while let Some((address, looked)) = looks.next().await {
        match looked {
            Ok(Some(Found { live, owner: Ownership::Ours })) => {
                state.made(&address, &live);
                observed.recorded.insert(address, Look::Live(live));
            }
            Ok(_) => {}
            Err(failure) if failure.class == Class::Unreachable => {
                observed.recorded.insert(address, Look::Unreachable);
            }
            Err(failure) => failed.push((address, failure)),
        }
    }
    sorted(failed)
}

fn sorted(mut failed: Vec<(Address, Failure)>) -> std::result::Result<(), Vec<(Address, Failure)>> {
    failed.sort_by(|a, b| a.0.cmp(&b.0));
    if failed.is_empty() { Ok(()) } else { Err(failed) }
}

/// Takes the state's word for every recorded node (`--refresh=false`).
pub fn unrefreshed(state: &State) -> Observed {
    let recorded = state.records.iter().map(|(address, record)| {
        let live = LiveValue {
            id: record.id.clone(),
            properties: record.properties.clone(),
            attributes: record.attributes.clone(),
        };
        (address.clone(), Look::Live(live))
    });
    Observed { recorded: recorded.collect(), ..Observed::default() }
}

/// Looks for nodes that a plan would create and that may exist already: those
/// that AWS would overwrite silently, and those that have no fixed name; all of
/// them where the user allows to take over what exists, so that the plan shows
/// it. Returns whether any was found.
pub async fn unrecorded(
    setting: &Setting,
    plan: &Plan,
    observed: &mut Observed,
) -> std::result::Result<bool, Vec<(Address, Failure)>> {
    let mut looks = FuturesUnordered::new();
    for step in plan.steps.iter().filter(|step| step.action == Action::Create) {
        let Some(kind) = crate::resources::kind(&step.type_name) else { continue };
        let cx = setting.cx(&step.address, &step.region, step.generation);
        let has_identity = kind.identity(Desired(&step.desired), &cx.place).is_some();
        if !has_identity || kind.meta().overwrites || setting.options.adopt {
            looks.push(async move {
                (step.address.clone(), look(kind, &step.desired, &cx, false).await)
            });
        }
    }
    let mut failed = Vec::new();
    let mut any = false;
    while let Some((address, looked)) = looks.next().await {
        match looked {
            Ok(Some(found)) => {
                any = true;
                observed.found.insert(address, found);
            }
            Ok(None) => {}
            Err(failure) if failure.class == Class::Denied => {
                any = true;
                observed.denied.insert(address, failure.to_string());
            }
            // Its creation will fail in the same way, and say so.
            Err(failure) if failure.class == Class::Unreachable => {}
            Err(failure) => failed.push((address, failure)),
        }
    }
    sorted(failed).map(|()| any)
}

async fn look(
    kind: &'static dyn Kind,
    desired: &Value,
    cx: &Cx,
    was_begun: bool,
) -> Result<Option<Found>> {
    let found = find(kind, desired, cx).await?;
    Ok(found.map(|live| {
        let owner = ownership(kind, &cx.owner, &live, desired, was_begun);
        Found { live, owner }
    }))
}

/// Finds a node's resource by its fixed identity, else by what the kind knows
/// of its own.
pub(crate) async fn find(
    kind: &'static dyn Kind,
    desired: &Value,
    cx: &Cx,
) -> Result<Option<LiveValue>> {
    let id = match kind.identity(Desired(desired), &cx.place) {
        Some(id) => Some(id),
        None => kind.find(without_unknown(desired), cx).await?,
    };
    match id {
        Some(id) => kind.read(&id, cx).await,
        None => Ok(None),
    }
}

/// A search needs only what is known.
fn without_unknown(desired: &Value) -> Value {
    match desired {
        Value::Object(map) => Value::Object(
            map.iter()
                .filter(|(_, value)| !crate::value::is_unknown(value))
                .map(|(name, value)| (name.clone(), without_unknown(value)))
                .collect(),
        ),
        other => other.clone(),
    }
}
