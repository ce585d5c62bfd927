//! The engine: looks at AWS, and applies plans.
//!
//! It is event-driven. Workers do one node each and speak to the rest through
//! messages; only the dispatcher writes state; and all that anybody outside
//! learns of a run is its stream of events.

mod dispatcher;
mod drive;
pub mod events;
mod link;
mod queue;
pub mod refresh;
mod run;
mod schedule;
mod setting;
mod worker;

pub use drive::Summary;
pub use link::Calls;
pub use run::run;
pub use setting::Setting;

#[cfg(test)]
mod tests;
