//! Schemas as data (RFC 7643 sections 2 and 7): what an attribute is called, holds, and who may write it.
//!
//! One table drives admission, PATCH, filters and `/Schemas`, so that what is described is what is served.

mod group;
mod render;
mod user;

use std::borrow::Cow;

/// URN of the core User schema (RFC 7643 section 4.1).
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// URN of the core Group schema (RFC 7643 section 4.2).
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// URN of the enterprise extension (RFC 7643 section 4.3).
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// Kept and returned wherever it is sent, in any extension: the name that cloud applications know a person by.
pub const USER_PRINCIPAL_NAME: &str = "userPrincipalName";

/// The data type of an attribute (RFC 7643 section 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the RFC's own words")]
pub enum Type {
    String,
    Boolean,
    Decimal,
    Integer,
    DateTime,
    Reference,
    Binary,
    Complex,
}

/// Who may write an attribute (RFC 7643 section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the RFC's own words")]
pub enum Mutability {
    ReadOnly,
    ReadWrite,
    Immutable,
    WriteOnly,
}

/// When an attribute is returned (RFC 7643 section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the RFC's own words")]
pub enum Returned {
    Always,
    Never,
    Default,
    Request,
}

/// How far a value must be unique (RFC 7643 section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the RFC's own words")]
pub enum Uniqueness {
    None,
    Server,
    Global,
}

/// One attribute or sub-attribute.
#[derive(Debug, Clone)]
pub struct Attribute {
    /// Canonical spelling; compared without case.
    pub name: Cow<'static, str>,
    /// Data type of one value.
    pub kind: Type,
    /// Whether it holds an array.
    pub multi_valued: bool,
    /// Whether a resource cannot be without it.
    pub required: bool,
    /// Whether comparison heeds case.
    pub case_exact: bool,
    /// Who may write it.
    pub mutability: Mutability,
    /// When it is returned.
    pub returned: Returned,
    /// How far it must be unique.
    pub uniqueness: Uniqueness,
    /// For people.
    pub description: Cow<'static, str>,
    /// Suggested values; others are taken too.
    pub canonical_values: &'static [&'static str],
    /// What a reference may point at.
    pub reference_types: &'static [&'static str],
    /// Of a complex attribute.
    pub sub_attributes: Vec<Attribute>,
}

impl Attribute {
    /// A readable, writable, single-valued attribute.
    pub fn new(
        name: impl Into<Cow<'static, str>>,
        kind: Type,
        description: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            name: name.into(),
            kind,
            multi_valued: false,
            required: false,
            case_exact: matches!(kind, Type::Reference | Type::Binary),
            mutability: Mutability::ReadWrite,
            returned: Returned::Default,
            uniqueness: Uniqueness::None,
            description: description.into(),
            canonical_values: &[],
            reference_types: &[],
            sub_attributes: Vec::new(),
        }
    }

    /// The same, written by the server alone.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.mutability = Mutability::ReadOnly;
        self
    }

    /// The same, indispensable.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// The same, heeding case.
    #[must_use]
    pub fn case_exact(mut self) -> Self {
        self.case_exact = true;
        self
    }

    /// The sub-attribute called `name`, whatever its case.
    pub fn sub(&self, name: &str) -> Option<&Self> {
        find(&self.sub_attributes, name)
    }
}

/// A schema: the core of a resource type, or an extension to it.
#[derive(Debug, Clone)]
pub struct Schema {
    /// URN.
    pub id: Cow<'static, str>,
    /// For people.
    pub name: Cow<'static, str>,
    /// For people.
    pub description: Cow<'static, str>,
    /// In the order in which they are shown.
    pub attributes: Vec<Attribute>,
}

impl Schema {
    /// Whether the server alone writes all of it.
    pub fn is_read_only(&self) -> bool {
        self.attributes
            .iter()
            .all(|attribute| attribute.mutability == Mutability::ReadOnly)
    }
}

/// The schemas that one tenant serves for users: the core, the enterprise extension, and what else is declared.
#[derive(Debug, Clone)]
pub struct Schemas {
    core: Schema,
    extensions: Vec<Schema>,
}

impl Schemas {
    /// The User schema and the enterprise extension of RFC 7643, with `userPrincipalName` beside the core attributes.
    pub fn standard() -> Self {
        Self {
            core: user::core(),
            extensions: vec![user::enterprise()],
        }
    }

    /// The Group schema of RFC 7643, which nothing extends.
    pub fn groups() -> Self {
        Self {
            core: group::core(),
            extensions: Vec::new(),
        }
    }

    /// Adds an extension.
    pub fn extend(&mut self, schema: Schema) {
        self.extensions.push(schema);
    }

    /// Declares a custom attribute in the schema `urn`, which comes into being if it is new. A second declaration of
    /// a name changes nothing.
    pub fn declare(&mut self, urn: &str, attribute: Attribute) {
        let at = self
            .extensions
            .iter()
            .position(|schema| schema.id.eq_ignore_ascii_case(urn));
        let schema = match at {
            _ if self.core.id.eq_ignore_ascii_case(urn) => &mut self.core,
            Some(at) => &mut self.extensions[at],
            None => {
                self.extensions.push(Schema {
                    id: urn.to_owned().into(),
                    name: "Custom attributes".into(),
                    description: "Attributes that an administrator declared".into(),
                    attributes: Vec::new(),
                });
                let last = self.extensions.len() - 1;
                &mut self.extensions[last]
            }
        };
        if find(&schema.attributes, &attribute.name).is_none() {
            schema.attributes.push(attribute);
        }
    }

    /// Makes a core attribute indispensable, for tenants that ask for more than the RFC.
    pub fn require(&mut self, name: &str) {
        if let Some(attribute) = self.core.attributes.iter_mut().find(|a| a.name == name) {
            attribute.required = true;
        }
    }

    /// The core schema.
    pub fn core(&self) -> &Schema {
        &self.core
    }

    /// The extensions, in the order in which bare names are looked for.
    pub fn extensions(&self) -> &[Schema] {
        &self.extensions
    }

    /// The core schema, then the extensions.
    pub fn all(&self) -> impl Iterator<Item = &Schema> {
        std::iter::once(&self.core).chain(&self.extensions)
    }

    /// The extension with this URN, whatever its case.
    pub fn extension(&self, urn: &str) -> Option<&Schema> {
        self.extensions
            .iter()
            .find(|schema| schema.id.eq_ignore_ascii_case(urn))
    }

    /// The attribute `name` of the schema `urn`, with the extension that holds it.
    pub fn attribute_of(&self, urn: &str, name: &str) -> Option<(Option<&str>, &Attribute)> {
        if self.core.id.eq_ignore_ascii_case(urn) {
            return find(&self.core.attributes, name).map(|attribute| (None, attribute));
        }
        let schema = self.extension(urn)?;
        find(&schema.attributes, name).map(|attribute| (Some(&*schema.id), attribute))
    }

    /// The attribute `name` of the core schema, or else of the first extension that has it.
    pub fn attribute_anywhere(&self, name: &str) -> Option<(Option<&str>, &Attribute)> {
        if let Some(attribute) = find(&self.core.attributes, name) {
            return Some((None, attribute));
        }
        self.extensions
            .iter()
            .find_map(|schema| find(&schema.attributes, name).map(|attribute| (Some(&*schema.id), attribute)))
    }
}

fn find<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a Attribute> {
    attributes
        .iter()
        .find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}
