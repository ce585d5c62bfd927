//! What the integration tests stand on: the emulator, the AWS-like proxy in
//! front of it, the Python that both need, and a harness for the binary.
//!
//! Everything here is made on first use and shared by the tests of a process.
//! It works the same with one process for all tests (`cargo test`) and with a
//! process for each (`cargo nextest`).

pub(crate) mod deployment;
pub(crate) mod emulator;
pub(crate) mod http;
pub(crate) mod interruption;
pub(crate) mod inventory;
pub(crate) mod lost_answers;
pub(crate) mod payctl;
pub(crate) mod proxy;
pub(crate) mod python;
pub(crate) mod queues;
pub(crate) mod scripted;
pub(crate) mod server;
pub(crate) mod wait;
