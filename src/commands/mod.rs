//! The commands, one file each: its arguments, whose comments are its help,
//! and a function that runs it.

pub mod apply;
mod args;
pub mod destroy;
pub mod export;
mod given;
pub mod graph;
mod loaded;
pub mod output;
pub mod plan;
pub mod sandbox;
mod saved;
pub mod schema;
mod session;
pub mod state;
pub mod validate;
