//! payctl
pub mod address;
pub mod asset;
pub mod aws;
pub mod engine;
pub mod graph;
pub mod hash;
pub mod plan;
pub mod resource;
pub mod resources;
pub mod stack;
pub mod state;
pub mod time;
pub mod value;
