//! Which moment of a node waits for which moment of another.

use super::{Node, Reference};
use crate::address::Address;
use crate::resource::schema;

/// A moment in the life of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Moment {
    /// AWS has named it.
    Created,
    /// It can be used.
    Ready,
}

/// Something that one moment waits for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Edge {
    /// The node waited for.
    pub target: Address,
    /// The moment of it that is waited for.
    pub until: Moment,
    /// The moment of the waiting node that it holds up. What holds up *ready*
    /// alone feeds a property that is set late.
    pub holds: Moment,
}

impl Edge {
    /// Returns the edge of a node that cannot begin before the target is ready.
    pub fn whole(target: &Address) -> Self {
        Self { target: target.clone(), until: Moment::Ready, holds: Moment::Created }
    }

    /// Returns the edge that a node's reference to the target makes.
    pub fn of(node: &Node, reference: &Reference, target: &Node) -> Self {
        let is = |mark| schema::marked(node.kind.schema(), &reference.property, mark);
        // What a late property refers to in the node's own region is set at once.
        let late = is("x-late") && !reference.own_item;
        let soon = late || (is_early(reference, target) && !is("x-needs-ready"));
        Self {
            target: reference.target.clone(),
            until: if soon { Moment::Created } else { Moment::Ready },
            holds: if late { Moment::Ready } else { Moment::Created },
        }
    }

    /// Whether it only feeds a property that is set late.
    pub fn is_late(&self) -> bool {
        self.holds == Moment::Ready
    }
}

/// Whether what is referred to is certain as soon as the target is created.
fn is_early(reference: &Reference, target: &Node) -> bool {
    // Without one it is the identifier itself.
    reference.attribute_of(target).is_none_or(|path| {
        schema::marked_within(target.kind.attributes(), &path.replace('.', "/"), "x-early")
    })
}
