//! What a plan is made of.

use super::{Observed, Options};
use crate::address::Address;
use crate::asset::Assets;
use crate::graph::Graph;
use crate::resource::Place;
use crate::stack::{Deployment, Expansion};
use crate::state::{State, deployment_id};
use std::path::Path;

/// Everything that a plan is made of.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// The stack's name.
    pub stack: &'a str,
    /// The facts of the deployment.
    pub deployment: &'a Deployment,
    /// The nodes that the stack declares; none for a destroy.
    pub expansion: &'a Expansion,
    /// Their graph.
    pub graph: &'a Graph,
    /// What the last run left.
    pub state: Option<&'a State>,
    /// What AWS answered.
    pub observed: &'a Observed,
    /// What the user allows and asks for.
    pub options: &'a Options,
    /// Local code, and the folder that its paths start from.
    pub assets: (&'a Assets, &'a Path),
}

impl Inputs<'_> {
    /// Returns the deployment's id.
    pub fn id(&self) -> String {
        deployment_id(self.stack, &self.deployment.env)
    }

    /// Returns the place whose calls serve an address.
    pub fn place(&self, address: &Address) -> Place {
        let region = if address.is_global() {
            global_region(&self.deployment.partition)
        } else {
            &address.place
        };
        Place {
            region: region.to_owned(),
            account: self.deployment.account.clone(),
            partition: self.deployment.partition.clone(),
        }
    }

    /// Returns what hashes of secrets are salted with.
    pub(super) fn salt(&self) -> String {
        self.id()
    }
}

/// Returns the region that signs for global services of a partition.
fn global_region(partition: &str) -> &'static str {
    match partition {
        "aws-cn" => "cn-north-1",
        "aws-us-gov" => "us-gov-west-1",
        _ => "us-east-1",
    }
}
