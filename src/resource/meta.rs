//! What is constant about a resource type.

/// Where nodes of a type live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// In a region.
    Regional,
    /// Once in an account (IAM, Route 53).
    Global,
}

/// How a name is made that the stack file leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameRule {
    /// The property that takes the name.
    pub property: &'static str,
    /// Its longest length, in characters.
    pub max: usize,
    /// Whether only lower-case letters may be used (buckets).
    pub lowercase: bool,
    /// What it ends in when a property is true: a FIFO queue's in `.fifo`.
    pub suffix: Option<(&'static str, &'static str)>,
}

/// What is constant about a resource type. Built by chained calls from
/// [`Meta::regional`] or [`Meta::global`].
#[derive(Clone, Copy, Debug)]
pub struct Meta {
    /// The CloudFormation type: `AWS::SQS::Queue`.
    pub type_name: &'static str,
    /// Where its nodes live.
    pub scope: Scope,
    /// How to name it when the file does not.
    pub name: Option<NameRule>,
    /// Whether it takes tags, in its property `Tags`.
    pub taggable: bool,
    /// The attribute that `Ref` returns; the identifier when absent.
    pub reference: Option<&'static str>,
    /// Whether its create call also succeeds on one that exists already, so
    /// that the call alone cannot tell whose it is.
    pub overwrites: bool,
    /// Whether it holds data that deletion loses.
    pub holds_data: bool,
    /// The property that names the resource which it completes (a role policy
    /// its role): users of that resource wait for it too.
    pub completes: Option<&'static str>,
    /// The property that names the resource whose content it freezes (a
    /// deployment its API): it is replaced when that content changes. The
    /// content's hash comes in the property `ContentHash`.
    pub snapshots: Option<&'static str>,
    /// Whether the account has just one, which is set and never deleted.
    pub singleton: bool,
    /// Typical seconds to create, for ordering by the longest path.
    pub typical_seconds: u32,
    /// Properties that CloudFormation has and payctl does not support yet.
    pub unsupported: &'static [&'static str],
    /// Attributes that CloudFormation has and payctl does not support yet.
    pub unsupported_attributes: &'static [&'static str],
    /// Properties that AWS has and CloudFormation's type lacks.
    pub beyond_cloudformation: &'static [&'static str],
}

impl Meta {
    /// Starts the description of a type whose nodes live in a region.
    pub const fn regional(type_name: &'static str) -> Self {
        Self {
            type_name,
            scope: Scope::Regional,
            name: None,
            taggable: false,
            reference: None,
            overwrites: false,
            holds_data: false,
            completes: None,
            snapshots: None,
            singleton: false,
            typical_seconds: 1,
            unsupported: &[],
            unsupported_attributes: &[],
            beyond_cloudformation: &[],
        }
    }

    /// Starts the description of a type that exists once in an account.
    pub const fn global(type_name: &'static str) -> Self {
        Self { scope: Scope::Global, ..Self::regional(type_name) }
    }

    /// A name of at most `max` characters is made in `property` when unset.
    pub const fn named(mut self, property: &'static str, max: usize) -> Self {
        self.name = Some(NameRule { property, max, lowercase: false, suffix: None });
        self
    }

    /// Like [`Meta::named`], in lower-case letters only.
    pub const fn named_lowercase(mut self, property: &'static str, max: usize) -> Self {
        self.name = Some(NameRule { property, max, lowercase: true, suffix: None });
        self
    }

    /// Like [`Meta::named`]; the name ends in `suffix` when the property `when`
    /// is true.
    pub const fn named_ending(
        mut self,
        property: &'static str,
        max: usize,
        when: &'static str,
        suffix: &'static str,
    ) -> Self {
        self.name =
            Some(NameRule { property, max, lowercase: false, suffix: Some((when, suffix)) });
        self
    }

    /// It takes tags.
    pub const fn taggable(mut self) -> Self {
        self.taggable = true;
        self
    }

    /// `Ref` returns this attribute.
    pub const fn reference(mut self, attribute: &'static str) -> Self {
        self.reference = Some(attribute);
        self
    }

    /// Its create call succeeds on one that exists.
    pub const fn overwrites(mut self) -> Self {
        self.overwrites = true;
        self
    }

    /// Deleting it loses data.
    pub const fn holds_data(mut self) -> Self {
        self.holds_data = true;
        self
    }

    /// It completes the resource that `property` names.
    pub const fn completes(mut self, property: &'static str) -> Self {
        self.completes = Some(property);
        self
    }

    /// It freezes the content of the resource that `property` names.
    pub const fn snapshots(mut self, property: &'static str) -> Self {
        self.snapshots = Some(property);
        self
    }

    /// The account has one, which is never deleted.
    pub const fn singleton(mut self) -> Self {
        self.singleton = true;
        self
    }

    /// Its creation typically takes this many seconds.
    pub const fn takes(mut self, seconds: u32) -> Self {
        self.typical_seconds = seconds;
        self
    }

    /// These properties exist in CloudFormation and are not supported.
    pub const fn unsupported(mut self, properties: &'static [&'static str]) -> Self {
        self.unsupported = properties;
        self
    }

    /// These attributes exist in CloudFormation and are not supported.
    pub const fn unsupported_attributes(mut self, attributes: &'static [&'static str]) -> Self {
        self.unsupported_attributes = attributes;
        self
    }

    /// These properties are AWS's, and CloudFormation's type lacks them.
    pub const fn beyond_cloudformation(mut self, properties: &'static [&'static str]) -> Self {
        self.beyond_cloudformation = properties;
        self
    }
}
