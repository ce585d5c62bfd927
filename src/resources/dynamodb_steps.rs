//! How DynamoDB changes a table: one `UpdateTable` at a time, each with one
//! aspect, and between them a wait until the table, its indexes and its
//! replicas are active.

use super::dynamodb::{billing_mode, limit, table_class};
use crate::resource::{Cx, Failure, Found as _, Poll, Result};
use aws_sdk_dynamodb::operation::update_table::builders::UpdateTableFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, CreateGlobalSecondaryIndexAction,
    DeleteGlobalSecondaryIndexAction, GlobalSecondaryIndex, GlobalSecondaryIndexDescription,
    GlobalSecondaryIndexUpdate, IndexStatus, OnDemandThroughput, ProvisionedThroughput,
    ProvisionedThroughputDescription, ReplicaDescription, ReplicaStatus, SseSpecification,
    StreamSpecification, TableClass, TableDescription, TableStatus,
    UpdateGlobalSecondaryIndexAction,
};
use std::collections::BTreeSet;
use std::time::Duration;

/// The fill of an index or of a replica takes as long as the table is large;
/// AWS names no limit, so this is only a guard against waiting for ever.
const SETTLES_WITHIN: Duration = Duration::from_hours(6);

/// Describes a table; `None` when it does not exist or is on its way out.
pub(super) async fn describe(name: &str, cx: &Cx) -> Result<Option<TableDescription>> {
    let request = cx.dynamodb().describe_table().table_name(name);
    let answer = cx.observe("dynamodb:DescribeTable", || request.clone().send()).await.found()?;
    Ok(answer
        .and_then(|answer| answer.table)
        .filter(|table| table.table_status() != Some(&TableStatus::Deleting)))
}

/// Waits until the table, its indexes and its replicas are active.
pub(super) async fn settled(name: &str, cx: &Cx) -> Result<TableDescription> {
    cx.wait(SETTLES_WITHIN, || async {
        // Descriptions lag: a table that was just made may not be there yet.
        let Some(table) = describe(name, cx).await? else {
            return Ok(Poll::Pending("the table is not visible yet".to_owned()));
        };
        Ok(match busy(&table)? {
            Some(reason) => Poll::Pending(reason),
            None => Poll::Ready(table),
        })
    })
    .await
}

/// Returns what of a table is not active yet.
fn busy(table: &TableDescription) -> Result<Option<String>> {
    match table.table_status() {
        Some(TableStatus::Active) | None => {}
        Some(status @ (TableStatus::Creating | TableStatus::Updating)) => {
            return Ok(Some(format!("the table is {status}")));
        }
        Some(status) => return Err(Failure::refused(format!("the table is {status}"))),
    }
    for index in table.global_secondary_indexes() {
        if let Some(status) = index.index_status().filter(|s| **s != IndexStatus::Active) {
            return Ok(Some(format!(
                "index {} is {status}",
                index.index_name().unwrap_or_default()
            )));
        }
    }
    for replica in table.replicas() {
        if let Some(reason) = replica_busy(replica)? {
            return Ok(Some(reason));
        }
    }
    Ok(None)
}

fn replica_busy(replica: &ReplicaDescription) -> Result<Option<String>> {
    let region = replica.region_name().unwrap_or_default();
    match replica.replica_status() {
        Some(ReplicaStatus::Active) | None => Ok(None),
        Some(
            status @ (ReplicaStatus::Creating | ReplicaStatus::Updating | ReplicaStatus::Deleting),
        ) => {
            let done = replica.replica_status_percent_progress().map(|done| format!(", {done} %"));
            Ok(Some(format!("replica in {region} is {status}{}", done.unwrap_or_default())))
        }
        Some(status) => Err(Failure::refused(format!(
            "replica in {region} is {status}: {}",
            replica.replica_status_description().unwrap_or("AWS gives no reason")
        ))),
    }
}

/// Sends one `UpdateTable` and waits until it is done everywhere.
pub(super) async fn update(
    name: &str,
    request: UpdateTableFluentBuilder,
    cx: &Cx,
) -> Result<TableDescription> {
    let request = request.table_name(name);
    cx.mutate("dynamodb:UpdateTable", || request.clone().send()).await?;
    settled(name, cx).await
}

/// Sends `DeleteTable`. DynamoDB goes on by itself from there.
pub(super) async fn delete(name: &str, cx: &Cx) -> Result<()> {
    let request = cx.dynamodb().delete_table().table_name(name);
    cx.mutate("dynamodb:DeleteTable", || request.clone().send()).await.found()?;
    Ok(())
}

/// What a table should be, as far as `UpdateTable` makes it so. `None` leaves
/// an aspect as it is.
#[derive(Debug, Default)]
pub(super) struct Target {
    /// Whether `DeleteTable` is refused.
    pub protected: Option<bool>,
    /// Its storage class.
    pub class: Option<TableClass>,
    /// How it is billed, and how much it carries.
    pub capacity: Option<Capacity>,
    /// Its global indexes, with the definitions of their keys.
    pub indexes: Option<(Vec<GlobalSecondaryIndex>, Vec<AttributeDefinition>)>,
    /// Its stream; the inner `None` for none.
    pub stream: Option<Option<StreamSpecification>>,
    /// Its encryption.
    pub encryption: Option<SseSpecification>,
}

/// How a table is billed, and how much it carries.
#[derive(Clone, Debug)]
pub(super) struct Capacity {
    /// On demand or provisioned.
    pub mode: BillingMode,
    /// What is provisioned.
    pub provisioned: Option<ProvisionedThroughput>,
    /// The limits on demand.
    pub on_demand: OnDemandThroughput,
}

impl Target {
    /// Brings a table to this, one aspect after the other. Indexes go before
    /// others come, for their number is limited.
    pub(super) async fn reach(
        self,
        mut table: TableDescription,
        cx: &Cx,
    ) -> Result<TableDescription> {
        let name = table.table_name().unwrap_or_default().to_owned();
        let request = || cx.dynamodb().update_table();
        let unlike = |now: bool| self.protected.filter(|wanted| *wanted != now);
        if let Some(on) = unlike(table.deletion_protection_enabled().unwrap_or(false)) {
            table = update(&name, request().deletion_protection_enabled(on), cx).await?;
        }
        if let Some(class) = self.class.filter(|class| *class != table_class(&table)) {
            table = update(&name, request().table_class(class), cx).await?;
        }
        if let Some(encryption) = self.encryption {
            table = update(&name, request().sse_specification(encryption), cx).await?;
        }
        if let Some((indexes, _)) = &self.indexes {
            table = remove_indexes(&name, indexes, table, cx).await?;
        }
        let (indexes, attributes) = self.indexes.unwrap_or_default();
        if let Some(capacity) = &self.capacity
            && let Some(change) = capacity.change(&indexes, &table, request())?
        {
            table = update(&name, change, cx).await?;
        }
        if let Some(stream) = self.stream {
            table = set_stream(&name, stream, table, cx).await?;
        }
        for index in missing(&indexes, &table) {
            let create = request()
                .set_attribute_definitions(Some(definitions(index, &attributes)))
                .global_secondary_index_updates(creation(index)?);
            table = update(&name, create, cx).await?;
        }
        Ok(table)
    }
}

async fn remove_indexes(
    name: &str,
    wanted: &[GlobalSecondaryIndex],
    mut table: TableDescription,
    cx: &Cx,
) -> Result<TableDescription> {
    let live = table.global_secondary_indexes.clone().unwrap_or_default();
    // An index keeps its keys and projection: another shape is another index.
    for index in live.iter().filter(|live| !wanted.iter().any(|wanted| is_same(wanted, live))) {
        let action = DeleteGlobalSecondaryIndexAction::builder()
            .index_name(index.index_name().unwrap_or_default())
            .build()?;
        let removal = GlobalSecondaryIndexUpdate::builder().delete(action).build();
        let request = cx.dynamodb().update_table().global_secondary_index_updates(removal);
        table = update(name, request, cx).await?;
    }
    Ok(table)
}

fn missing<'a>(
    wanted: &'a [GlobalSecondaryIndex],
    table: &TableDescription,
) -> Vec<&'a GlobalSecondaryIndex> {
    let live: BTreeSet<_> =
        table.global_secondary_indexes().iter().filter_map(|index| index.index_name()).collect();
    wanted.iter().filter(|index| !live.contains(index.index_name.as_str())).collect()
}

/// Whether the live index has the keys and the projection of the wanted one.
fn is_same(wanted: &GlobalSecondaryIndex, live: &GlobalSecondaryIndexDescription) -> bool {
    let shape = |projection: Option<&aws_sdk_dynamodb::types::Projection>| {
        let kind = projection.and_then(|p| p.projection_type()).cloned();
        let others: BTreeSet<String> =
            projection.iter().flat_map(|p| p.non_key_attributes()).cloned().collect();
        (kind, others)
    };
    live.index_name() == Some(wanted.index_name.as_str())
        && live.key_schema() == wanted.key_schema.as_slice()
        && shape(live.projection()) == shape(wanted.projection())
}

fn creation(index: &GlobalSecondaryIndex) -> Result<GlobalSecondaryIndexUpdate> {
    let action = CreateGlobalSecondaryIndexAction::builder()
        .index_name(&index.index_name)
        .set_key_schema(Some(index.key_schema.clone()))
        .set_projection(index.projection.clone())
        .set_provisioned_throughput(index.provisioned_throughput.clone())
        .set_on_demand_throughput(index.on_demand_throughput.as_ref().and_then(set_limits))
        .build()?;
    Ok(GlobalSecondaryIndexUpdate::builder().create(action).build())
}

/// Returns the definitions of the index's own keys, which is what its
/// creation has to bring.
fn definitions(
    index: &GlobalSecondaryIndex,
    all: &[AttributeDefinition],
) -> Vec<AttributeDefinition> {
    let is_key = |attribute: &&AttributeDefinition| {
        index.key_schema.iter().any(|key| key.attribute_name == attribute.attribute_name)
    };
    all.iter().filter(is_key).cloned().collect()
}

/// A stream keeps its view: another one needs it switched off first.
async fn set_stream(
    name: &str,
    wanted: Option<StreamSpecification>,
    mut table: TableDescription,
    cx: &Cx,
) -> Result<TableDescription> {
    let live = table.stream_specification().filter(|stream| stream.stream_enabled).cloned();
    if live == wanted {
        return Ok(table);
    }
    if live.is_some() {
        let off = StreamSpecification::builder().stream_enabled(false).build()?;
        table = update(name, cx.dynamodb().update_table().stream_specification(off), cx).await?;
    }
    if let Some(wanted) = wanted {
        table = update(name, cx.dynamodb().update_table().stream_specification(wanted), cx).await?;
    }
    Ok(table)
}

impl Capacity {
    /// Adds to the request what brings the table and its indexes to this
    /// capacity; `None` if they are there, for DynamoDB refuses that.
    fn change(
        &self,
        indexes: &[GlobalSecondaryIndex],
        table: &TableDescription,
        request: UpdateTableFluentBuilder,
    ) -> Result<Option<UpdateTableFluentBuilder>> {
        let switch = Some(self.mode.clone()).filter(|mode| *mode != billing_mode(table));
        let switches = switch.is_some();
        let provisioned = self
            .provisioned
            .clone()
            .filter(|wanted| switches || !is_provisioned(wanted, table.provisioned_throughput()));
        let on_demand = Some(self.on_demand.clone()).filter(|wanted| {
            self.mode == BillingMode::PayPerRequest
                && limits(Some(wanted)) != limits(table.on_demand_throughput())
        });
        let updates = index_updates(indexes, table, switches)?;
        if !switches && provisioned.is_none() && on_demand.is_none() && updates.is_empty() {
            return Ok(None);
        }
        let updates = Some(updates).filter(|updates| !updates.is_empty());
        Ok(Some(
            request
                .set_billing_mode(switch)
                .set_provisioned_throughput(provisioned)
                .set_on_demand_throughput(on_demand)
                .set_global_secondary_index_updates(updates),
        ))
    }
}

fn index_updates(
    indexes: &[GlobalSecondaryIndex],
    table: &TableDescription,
    switches: bool,
) -> Result<Vec<GlobalSecondaryIndexUpdate>> {
    let mut updates = Vec::new();
    for live in table.global_secondary_indexes() {
        let named =
            |index: &&GlobalSecondaryIndex| live.index_name() == Some(index.index_name.as_str());
        let Some(wanted) = indexes.iter().find(named) else { continue };
        let provisioned = wanted
            .provisioned_throughput
            .clone()
            .filter(|units| switches || !is_provisioned(units, live.provisioned_throughput()));
        let on_demand = wanted
            .on_demand_throughput
            .clone()
            .filter(|units| limits(Some(units)) != limits(live.on_demand_throughput()));
        if provisioned.is_some() || on_demand.is_some() {
            let action = UpdateGlobalSecondaryIndexAction::builder()
                .index_name(&wanted.index_name)
                .set_provisioned_throughput(provisioned)
                .set_on_demand_throughput(on_demand)
                .build()?;
            updates.push(GlobalSecondaryIndexUpdate::builder().update(action).build());
        }
    }
    Ok(updates)
}

fn is_provisioned(
    wanted: &ProvisionedThroughput,
    live: Option<&ProvisionedThroughputDescription>,
) -> bool {
    live.is_some_and(|live| {
        live.read_capacity_units() == Some(wanted.read_capacity_units)
            && live.write_capacity_units() == Some(wanted.write_capacity_units)
    })
}

fn limits(units: Option<&OnDemandThroughput>) -> (Option<i64>, Option<i64>) {
    let units = units.map(|units| (units.max_read_request_units, units.max_write_request_units));
    let (read, write) = units.unwrap_or_default();
    (limit(read), limit(write))
}

/// Returns limits on demand as `UpdateTable` takes them: −1 removes one.
pub(super) fn on_demand(read: Option<i64>, write: Option<i64>) -> OnDemandThroughput {
    OnDemandThroughput::builder()
        .max_read_request_units(read.unwrap_or(-1))
        .max_write_request_units(write.unwrap_or(-1))
        .build()
}

/// Returns limits on demand as creating calls take them: absent when there is
/// none.
pub(super) fn set_limits(units: &OnDemandThroughput) -> Option<OnDemandThroughput> {
    let (read, write) = limits(Some(units));
    (read.is_some() || write.is_some()).then(|| {
        OnDemandThroughput::builder()
            .set_max_read_request_units(read)
            .set_max_write_request_units(write)
            .build()
    })
}
