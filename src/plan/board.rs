//! What is known of each node's attributes, while a plan is made or applied.

use crate::address::Address;
use crate::resource::{Id, Kind};
use crate::stack::Lookup;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// What is known of each node's attributes.
#[derive(Clone, Debug, Default)]
pub struct Board(HashMap<Address, Known>);

#[derive(Clone, Debug, Default)]
struct Known {
    reference: Option<Value>,
    attributes: Map<String, Value>,
}

impl Board {
    /// Notes what is known of a node: what names it and its attributes.
    pub fn set(&mut self, kind: &dyn Kind, address: &Address, id: Option<&Id>, attributes: &Value) {
        let attributes = attributes.as_object().cloned().unwrap_or_default();
        let reference = match kind.meta().reference {
            Some(attribute) => attributes.get(attribute).cloned(),
            None => id.map(|id| json!(id)),
        };
        self.0.insert(address.clone(), Known { reference, attributes });
    }

    /// Forgets a node.
    pub fn forget(&mut self, address: &Address) {
        self.0.remove(address);
    }
}

impl Lookup for Board {
    fn reference(&self, node: &Address) -> Option<Value> {
        self.0.get(node)?.reference.clone()
    }

    fn attribute(&self, node: &Address, name: &str) -> Option<Value> {
        let mut names = name.split('.');
        let mut value = self.0.get(node)?.attributes.get(names.next()?)?;
        for name in names {
            value = value.get(name)?;
        }
        Some(value.clone())
    }
}

/// Lays the members of `over` over those of `base`.
pub(crate) fn merge(base: &mut Value, over: &Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (name, value) in over {
                base.insert(name.clone(), value.clone());
            }
        }
        (base, over) if base.is_null() => *base = over.clone(),
        _ => {}
    }
}
