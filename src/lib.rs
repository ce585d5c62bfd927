//! payctl deploys declarative multi-region AWS stacks by concurrent SDK calls,
//! and takes them down again without leaving anything behind.
//!
//! This is the architecture, for whoever takes over.
//!
//! # From a file to AWS
//!
//! 1. [`stack`] reads the stack file, checks it against the schemas of the
//!    resource types, and expands it into **nodes**: one instance of a resource
//!    in one place, with an [`address`].
//! 2. [`graph`] joins the nodes' two moments, *created* and *ready*, by edges.
//! 3. [`engine::refresh`] reads from AWS what became of the nodes that the
//!    [`state`] records, takes up what interrupted creations made, and looks
//!    for what the state does not know.
//! 4. [`plan`] compares: stack, state and what AWS answered go in, **steps**
//!    come out. It is pure: the same input gives the same bytes.
//! 5. [`engine::apply`] hands out the steps the moment their last need is
//!    reached. A worker evaluates what is desired now and lets the node's
//!    **kind** bring AWS there.
//! 6. [`report`] reads the engine's events for people and programs.
//!
//! [`commands`] joins these for each command of the [`cli`].
//!
//! # A resource type is one file
//!
//! A file in [`resources`] holds a struct of CloudFormation's properties, one
//! of its attributes, and `read`, `converge`, `delete` ([`resource::Resource`]).
//! [`resource::Kind`] is its erased form. What AWS does with a change, and
//! which values have several spellings, is said by types in
//! [`resource::property`], which mark the JSON Schema; the plan and the engine
//! know types only by these marks. A kind calls AWS through its
//! [`resource::Cx`] alone, which paces, retries ([`aws::call`]), journals and
//! reports.
//!
//! # Invariants
//!
//! - Only [`ui`] and [`report`] print. Only the engine calls a kind. Only the
//!   dispatcher writes state. Nothing below [`commands`] reads the environment,
//!   but for the sandbox's folder.
//! - Every mutating call stands between an intent and an outcome in the
//!   journal, both synced. Before a creation the journal says that it begins;
//!   as soon as AWS has named the resource, the journal holds a record that
//!   suffices to delete it. Any prefix of a journal replays to a state from
//!   which the next run converges.
//! - Every node can be found again with no state: by its fixed name, or by its
//!   ownership tags. A thing that exists and is not ours is never touched
//!   without `--adopt`.
//! - Converge changes only what differs and is safe to repeat. Deleting what is
//!   gone is success.
//! - A step never does worse than was planned: an update that turns out to need
//!   a replacement stops.
//! - Secrets are shown and stored as hashes.

pub mod address;
pub mod asset;
pub mod aws;
pub mod cli;
pub mod commands;
pub mod diagnostic;
pub mod durable;
pub mod engine;
pub mod error;
pub mod export;
pub mod graph;
pub mod hash;
pub mod plan;
pub mod report;
pub mod resource;
pub mod resources;
pub mod sandbox;
pub mod stack;
pub mod state;
#[cfg(test)]
mod testing;
pub mod time;
pub mod ui;
pub mod value;
