//! payctl
pub mod address;
pub mod asset;
pub mod aws;
pub mod diagnostic;
pub mod hash;
pub mod resource;
pub mod resources;
pub mod stack;
pub mod value;
