//! Looking at AWS: what became of recorded nodes, and what exists that the
//! state does not know.

use super::ownership::ownership;
use super::setting::Setting;
use crate::address::Address;
use crate::plan::{Action, Found, Look, Observed, Plan};
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
    if failed.is_empty() {
        Ok(observed)
    } else {
        failed.sort_by(|a, b| a.0.cmp(&b.0));
        Err(failed)
    }
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
/// whose creation was interrupted, those that AWS would overwrite silently,
/// and those that have no fixed name; all of them where the user allows to take
/// over what exists, so that the plan shows it. Returns whether any was found.
pub async fn unrecorded(
    setting: &Setting,
    state: Option<&State>,
    plan: &Plan,
    observed: &mut Observed,
) -> std::result::Result<bool, Vec<(Address, Failure)>> {
    let mut looks = FuturesUnordered::new();
    for step in &plan.steps {
        let pending = state.and_then(|state| state.pending.get(&step.address));
        let desired = match (step.action, pending) {
            (Action::Create, _) => &step.desired,
            // Begun, and no longer declared: what was begun must be found.
            (Action::Forget, Some(pending)) => &pending.properties,
            _ => continue,
        };
        let Some(kind) = crate::resources::kind(&step.type_name) else { continue };
        let cx = setting.cx(&step.address, &step.region, step.generation);
        let has_identity = kind.identity(Desired(desired), &cx.place).is_some();
        if pending.is_some() || !has_identity || kind.meta().overwrites || setting.options.adopt {
            let was_pending = pending.is_some();
            let cx = cx.doubting(was_pending);
            looks.push(async move {
                (step.address.clone(), look(kind, desired, &cx, was_pending).await)
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
    if failed.is_empty() { Ok(any) } else { Err(failed) }
}

async fn look(
    kind: &'static dyn Kind,
    desired: &Value,
    cx: &Cx,
    was_pending: bool,
) -> Result<Option<Found>> {
    let found = find(kind, desired, cx).await?;
    Ok(found.map(|live| {
        let owner = ownership(kind, &cx.owner, &live, desired, was_pending);
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
