//! AWS as the rest of payctl sees it: clients per region, the one retry loop,
//! and what AWS's errors mean.

pub mod call;
pub mod clients;
pub mod error;
mod lenient;
pub mod owned;
