//! What a deployment is made of, shared by refresh, plan and run.

use super::link::{Calls, Observer};
use crate::address::Address;
use crate::asset::Assets;
use crate::aws::clients::Clients;
use crate::aws::owned::Owned;
use crate::graph::Graph;
use crate::plan::{Inputs, Observed, Options};
use crate::resource::{Cx, Owner, Place};
use crate::stack::{Deployment, Expansion};
use crate::state::{State, deployment_id};
use std::path::PathBuf;
use std::sync::Arc;

/// What a deployment is made of, shared by refresh, plan and run.
#[derive(Clone)]
pub struct Setting {
    /// The stack's name.
    pub stack: String,
    /// The facts of the deployment.
    pub deployment: Deployment,
    /// The declared nodes.
    pub expansion: Arc<Expansion>,
    /// Their graph.
    pub graph: Arc<Graph>,
    /// Local code.
    pub assets: Arc<Assets>,
    /// The folder that its paths start from.
    pub root: PathBuf,
    /// What the user allows and asks for.
    pub options: Options,
    /// AWS.
    pub clients: Arc<Clients>,
    /// What the deployment owns by its tags.
    pub owned: Arc<Owned>,
    /// What all calls share.
    pub calls: Arc<Calls>,
}

impl Setting {
    /// Returns what a plan is made of.
    pub fn inputs<'a>(&'a self, state: Option<&'a State>, observed: &'a Observed) -> Inputs<'a> {
        Inputs {
            stack: &self.stack,
            deployment: &self.deployment,
            expansion: &self.expansion,
            graph: &self.graph,
            state,
            observed,
            options: &self.options,
            assets: (&self.assets, &self.root),
        }
    }

    /// Returns the deployment's id.
    pub(crate) fn id(&self) -> String {
        deployment_id(&self.stack, &self.deployment.env)
    }

    /// Returns the context of calls that only look, for an instance of a node.
    /// The region is that of its calls; global nodes have one too.
    pub(crate) fn cx(&self, address: &Address, region: &str, generation: u32) -> Cx {
        let place = Place {
            region: region.to_owned(),
            account: self.deployment.account.clone(),
            partition: self.deployment.partition.clone(),
        };
        let owner = Owner { deployment: self.id(), address: address.clone(), generation };
        let link = Observer { calls: Arc::clone(&self.calls), address: address.clone() };
        Cx::new(
            place,
            owner,
            Arc::clone(&self.clients),
            Arc::new(link),
            Arc::clone(&self.owned),
            Arc::clone(&self.assets),
        )
    }
}
