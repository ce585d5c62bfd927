//! Removing a node, or the instances of it that were replaced.

use super::run::{Run, draft};
use crate::plan::{Action, Step};
use crate::resource::{Cx, Failure, Kind, RecordedValue, Result};
use crate::state::journal::Entry;
use crate::state::{Outgoing, Record, Status};
use serde_json::Value;

/// Removes a node.
pub(super) async fn delete(run: &Run, step: &Step) -> Result<()> {
    let gone = vec![Entry::Remove { address: step.address.clone() }];
    let id = step.id.clone().filter(|_| step.action != Action::Forget);
    let Some(id) = id else { return run.write(gone).await };
    let kind = known_kind(&step.type_name)?;
    let recorded = run.record(&step.address);
    let applied = recorded.as_ref().map_or(Value::Null, |record| record.properties.clone());
    let (cx, _) = run.worker(kind, &step.address, draft(step, applied.clone()));
    if let Some(record) = recorded {
        for outgoing in &record.outgoing {
            delete_outgoing(run, &cx, outgoing).await?;
        }
        let record = Record { status: Status::Deleting, outgoing: Vec::new(), ..record };
        run.write(vec![Entry::Put { address: step.address.clone(), record }]).await?;
    }
    kind.delete(RecordedValue { id, applied }, &cx).await?;
    run.write(gone).await
}

/// Removes the instances of a node that were replaced.
pub(super) async fn delete_old(run: &Run, step: &Step) -> Result<()> {
    let Some(mut record) = run.record(&step.address) else { return Ok(()) };
    let kind = known_kind(&record.type_name)?;
    let (cx, _) = run.worker(kind, &step.address, record.clone());
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
