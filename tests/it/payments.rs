//! The payment stack, end to end: the real binary and the real stack file,
//! against the emulator. Every test has an account of its own.

mod changes;
mod deployment;
mod drift;
mod interruption;
mod lifecycle;
mod neighbours;
mod regions;
mod traffic;
