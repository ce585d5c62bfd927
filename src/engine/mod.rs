//! The engine: looks at AWS, and applies plans.
//!
//! It is event-driven. Workers do one node each and speak to the rest through
//! messages; only the dispatcher writes state; and all that anybody outside
//! learns of a run is its stream of events.

mod apply;
mod dispatcher;
mod drive;
pub mod events;
mod late;
mod link;
mod ownership;
mod queue;
pub mod refresh;
mod removal;
mod run;
mod schedule;
mod setting;
mod worker;

pub use apply::apply;
pub use drive::Summary;
pub use link::Calls;
pub use setting::Setting;

#[cfg(test)]
mod tests;
