//! The payment stack as a test deploys it.

use crate::support::deployment::Deployment;
use crate::support::payctl::TestEnvironment;
use std::ops::Deref;

/// The regions that the stack is required in, the primary first.
pub(super) const REGIONS: [&str; 3] = ["us-east-1", "eu-west-1", "ap-southeast-1"];

/// The payment stack in one environment.
#[derive(Clone)]
pub(super) struct Payments(Deployment);

impl Payments {
    /// Makes a copy of the stack in an account of its own. Nothing is deployed
    /// yet.
    pub(super) async fn new() -> Self {
        Self(Deployment::new("payment-processing").await)
    }

    /// Makes a copy of the stack whose AWS is at this address.
    pub(super) async fn at(endpoint: &str) -> Self {
        Self(Deployment::inside(TestEnvironment::at(endpoint), "payment-processing").await)
    }

    /// Deploys the stack in its three regions.
    pub(super) async fn applied() -> Self {
        let payments = Self::new().await;
        payments.apply(&[]);
        payments
    }

    /// Returns the same stack in another environment of the same account.
    pub(super) fn beside(&self, suffix: &str) -> Self {
        Self(self.0.beside(suffix))
    }
}

impl Deref for Payments {
    type Target = Deployment;

    fn deref(&self) -> &Deployment {
        &self.0
    }
}
