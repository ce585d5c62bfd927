//! A deployment without AWS, for the tests of what is pure: graph, plan, and
//! the work that follows from a plan.

mod kinds;
pub(crate) mod random;

pub(crate) use kinds::KINDS;

use crate::address::Address;
use crate::asset::Assets;
use crate::graph::Graph;
use crate::plan::{self, Action, Board, Inputs, Look, Observed, Options, Plan, Step};
use crate::resource::{Desired, Id, LiveValue, schema};
use crate::stack::{Deployment, Expansion, Given, Stack};
use crate::state::{OutputValue, Record, State, Status};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;

/// The account of these deployments.
pub(crate) const ACCOUNT: &str = "000000000000";

/// A stack, its state, and what AWS has.
pub(crate) struct World {
    stack: Stack,
    pub(crate) deployment: Deployment,
    pub(crate) expansion: Expansion,
    pub(crate) graph: Graph,
    pub(crate) state: State,
    pub(crate) observed: Observed,
    pub(crate) options: Options,
    assets: Assets,
}

impl World {
    /// A stack of which nothing exists.
    pub(crate) fn new(text: &str) -> Self {
        let stack = parse(text);
        let deployment = deployment(&stack, stack.regions());
        let (expansion, graph) = expand(&stack, &deployment);
        let Deployment { env, account, primary, regions, .. } = &deployment;
        let mut state = State::new(stack.name(), env, account, primary, regions);
        state.lineage = "lineage".to_owned();
        let (observed, options) = (Observed::default(), Options::default());
        let assets = Assets::default();
        Self { stack, deployment, expansion, graph, state, observed, options, assets }
    }

    /// A stack of which everything exists as it says.
    pub(crate) fn applied(text: &str) -> Self {
        let mut world = Self::new(text);
        world.carry_out(&world.plan());
        world
    }

    /// From now on the stack file says something else.
    pub(crate) fn declare(&mut self, text: &str) {
        self.stack = parse(text);
        let regions = self.stack.regions().to_vec();
        self.spread(&regions);
    }

    /// From now on the deployment has these regions.
    pub(crate) fn spread<S: AsRef<str>>(&mut self, regions: &[S]) {
        let regions: Vec<_> = regions.iter().map(|region| region.as_ref().to_owned()).collect();
        self.deployment = deployment(&self.stack, &regions);
        (self.expansion, self.graph) = expand(&self.stack, &self.deployment);
    }

    /// From now on everything is to go.
    pub(crate) fn destroy(&mut self) {
        self.options.destroy = true;
        self.expansion = Expansion::default();
        self.graph = Graph::default();
    }

    /// Whatever needs leave may be done.
    pub(crate) fn allow_all(&mut self) {
        self.options.allow_data_loss = true;
        self.options.allow_region_removal = true;
    }

    /// Makes the plan.
    pub(crate) fn plan(&self) -> Plan {
        plan::build(&self.inputs()).expect("a plan")
    }

    fn inputs(&self) -> Inputs<'_> {
        Inputs {
            stack: self.stack.name(),
            deployment: &self.deployment,
            expansion: &self.expansion,
            graph: &self.graph,
            state: Some(&self.state),
            observed: &self.observed,
            options: &self.options,
            assets: (&self.assets, self.stack.root()),
        }
    }

    /// Returns what AWS has of a recorded node.
    pub(crate) fn live(&mut self, address: &str) -> &mut LiveValue {
        match self.observed.recorded.get_mut(&at(address)) {
            Some(Look::Live(live)) => live,
            other => panic!("{address} is {other:?}"),
        }
    }

    /// Returns what the state has of a node.
    pub(crate) fn record(&mut self, address: &str) -> &mut Record {
        self.state.records.get_mut(&at(address)).expect("a record")
    }

    /// AWS answers this about a recorded node.
    pub(crate) fn look(&mut self, address: &str, look: Look) {
        self.observed.recorded.insert(at(address), look);
    }

    /// AWS and the state become what a plan says.
    pub(crate) fn carry_out(&mut self, plan: &Plan) {
        for step in &plan.steps {
            let gone = match step.action {
                Action::Delete | Action::Forget => Some(&step.address),
                _ => step.from.as_ref(),
            };
            if let Some(gone) = gone {
                self.state.records.remove(gone);
                self.state.pending.remove(gone);
                self.observed.recorded.remove(gone);
            }
        }
        let board = self.converge(plan);
        for output in &self.expansion.outputs {
            let value = output.value(&board).expect("an output");
            let value = if output.secret() { Value::from("(secret)") } else { value };
            let output_value = OutputValue { value, description: output.description.clone() };
            self.state.outputs.insert(output.name.clone(), output_value);
        }
        let outputs = &self.expansion.outputs;
        self.state.outputs.retain(|name, _| outputs.iter().any(|output| output.name == *name));
        self.state.regions = self.deployment.regions.clone();
    }

    fn converge(&mut self, plan: &Plan) -> Board {
        let steps: BTreeMap<_, _> = plan.steps.iter().map(|step| (&step.address, step)).collect();
        let mut board = Board::default();
        let mut known: BTreeMap<Address, Value> = BTreeMap::new();
        // Late properties may refer to nodes that come after.
        for address in [self.graph.order(), self.graph.order()].concat() {
            let (record, live) = match steps.get(&address).filter(|step| is_made(step)) {
                Some(step) => self.made(step, &board, &known),
                None => match self.observed.recorded.get(&address) {
                    Some(Look::Live(live)) => (self.state.records[&address].clone(), live.clone()),
                    _ => continue,
                },
            };
            let kind = self.expansion.nodes[&address].kind;
            board.set(kind, &address, Some(&live.id), &live.attributes);
            known.insert(address.clone(), record.properties.clone());
            self.state.pending.remove(&address);
            self.state.records.insert(address.clone(), record);
            self.observed.recorded.insert(address, Look::Live(live));
        }
        board
    }

    fn made(
        &self,
        step: &Step,
        board: &Board,
        known: &BTreeMap<Address, Value>,
    ) -> (Record, LiveValue) {
        let inputs = self.inputs();
        let (address, generation) = (&step.address, step.generation);
        let node = &self.expansion.nodes[address];
        let kind = node.kind;
        let place = inputs.place(address);
        let siblings = |address: &Address| known.get(address).cloned();
        let properties = plan::desired(&inputs, node, generation, board, &siblings);
        let properties = properties.expect("properties");
        let id = kind.identity(Desired(&properties), &place);
        let id = id.unwrap_or_else(|| Id::from(format!("id {generation} of {address}")));
        let mut attributes = invented(kind.attributes(), &id);
        plan::merge(&mut attributes, &kind.predict(Desired(&properties), &place));
        let salt = inputs.id();
        let record = Record {
            type_name: step.type_name.clone(),
            region: step.region.clone(),
            id: id.clone(),
            status: Status::Ready,
            generation,
            properties: plan::secret::masked(kind.schema(), &node.secrets, &salt, &properties),
            attributes: attributes.clone(),
            dependencies: step.dependencies.clone(),
            retain: plan::retains(node),
            outgoing: Vec::new(),
        };
        (record, LiveValue { id, properties, attributes })
    }
}

fn is_made(step: &Step) -> bool {
    use Action::{Adopt, Create, Move, Replace, Update};
    matches!(step.action, Create | Update | Replace | Adopt | Move)
}

/// Returns an address.
pub(crate) fn at(address: &str) -> Address {
    address.parse().expect("an address")
}

fn parse(text: &str) -> Stack {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let stack = Stack::parse_with("stack.yaml", text, root, kinds::with_real_ones());
    stack.unwrap_or_else(|problems| panic!("{problems}"))
}

fn deployment(stack: &Stack, regions: &[String]) -> Deployment {
    let parameters = stack.parameters(&Given::default());
    Deployment {
        env: "dev".to_owned(),
        regions: regions.to_vec(),
        primary: regions.first().cloned().unwrap_or_default(),
        account: ACCOUNT.to_owned(),
        partition: "aws".to_owned(),
        parameters: parameters.unwrap_or_else(|problems| panic!("{problems}")),
    }
}

fn expand(stack: &Stack, deployment: &Deployment) -> (Expansion, Graph) {
    let expansion = stack.expand(deployment).unwrap_or_else(|problems| panic!("{problems}"));
    let graph = Graph::of(&expansion).expect("no circle");
    (expansion, graph)
}

/// Returns attributes of the types that the schema says.
fn invented(attributes: &Value, id: &Id) -> Value {
    let members = schema::properties(attributes).filter_map(|(name, schema)| {
        let value = match schema["type"].as_str()? {
            "string" => Value::from(format!("{name} of {id}")),
            "object" => invented(schema, id),
            _ => return None,
        };
        Some((name.to_owned(), value))
    });
    Value::Object(members.collect::<Map<_, _>>())
}
