//! The disaster-recovery stack, end to end: the real binary and the real stack
//! file, against the emulator. Every test has an account of its own.
//!
//! What the emulator cannot show: it runs functions wherever they are, so that
//! a missing endpoint or a wrong security group goes unnoticed; it evaluates no
//! alarm and probes no health check, so that tests set the alarms and ask
//! `/health` themselves; and it answers no DNS query.

mod deployment;
mod failover;
mod interruption;
mod lifecycle;
mod neighbours;
mod options;
mod outage;
mod requirement;
mod traffic;
