//! Ordered rules: condition, then profile, storage and quota.

use scim::{AttributePath, Filter};
use serde::{Deserialize, Serialize};

use jiff::Timestamp;

use crate::{Bytes, ConnectionId, GroupId, MappingId, Name, ProfileId, StorageId};

/// One rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mapping {
    /// Its id.
    pub id: MappingId,
    /// Its name, unique in the tenant.
    pub name: Name,
    /// Place in the order, from 1; the first that matches decides.
    pub position: u32,
    /// Whom it is for.
    pub condition: Condition,
    /// The connections that it is limited to; empty for all.
    pub connections: Vec<ConnectionId>,
    /// What those people get.
    pub outcome: Outcome,
    /// Since when it has been for those people; `None` where that was not noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

/// Whom a mapping is for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Condition {
    /// Every user.
    Any,
    /// Users who have one of `values` in an attribute.
    Attribute {
        /// Where to look.
        path: AttributePath,
        /// What to find there; a value may contain commas.
        values: Vec<String>,
        /// Whether case counts.
        #[serde(default)]
        case_sensitive: bool,
    },
    /// Members of any of these groups, directly or through groups within them.
    Group {
        /// The groups; one that is gone has no members.
        groups: Vec<GroupId>,
    },
    /// Users who match a SCIM filter.
    Filter {
        /// The filter; undeclared attributes may stand in it too.
        filter: Filter,
    },
}

impl Condition {
    /// The attributes that the condition looks at.
    pub fn paths(&self) -> Vec<&AttributePath> {
        match self {
            Self::Any | Self::Group { .. } => Vec::new(),
            Self::Attribute { path, .. } => vec![path],
            Self::Filter { filter } => filter.paths(),
        }
    }
}

impl Mapping {
    /// Whether it is for members of groups.
    pub fn is_for_groups(&self) -> bool {
        matches!(self.condition, Condition::Group { .. })
    }

    /// Whether it is for users of this connection; `None` for manual ones.
    pub fn is_for(&self, connection: Option<ConnectionId>) -> bool {
        self.connections.is_empty() || connection.is_some_and(|id| self.connections.contains(&id))
    }
}

/// For each mapping, the one above it that leaves nobody to it, if there is one: it is for any user of the same
/// connections, or of all.
pub fn shadowed(mappings: &[Mapping]) -> Vec<Option<&Mapping>> {
    let hides = |upper: &Mapping, lower: &Mapping| {
        let covers = upper.connections.is_empty()
            || (!lower.connections.is_empty()
                && lower.connections.iter().all(|id| upper.connections.contains(id)));
        upper.condition == Condition::Any && covers
    };
    let above = |index: usize| {
        mappings[..index]
            .iter()
            .find(|upper| hides(upper, &mappings[index]))
    };
    (0..mappings.len()).map(above).collect()
}

/// What a mapping gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// The profile.
    pub profile: ProfileId,
    /// Where the data live.
    pub storage: StorageId,
    /// The quota; `None` follows the profile's.
    pub quota: Option<Bytes>,
    /// Whether an activation mail is sent.
    pub activation_mail: bool,
}

/// What a mapping decided for a user; later edits of the mapping never rewrite it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The mapping's id.
    pub mapping: String,
    /// Its name then.
    #[serde(rename = "mappingName")]
    pub mapping_name: String,
    /// Name of the profile then.
    pub profile: String,
    /// Name of the storage then.
    pub storage: String,
    /// Bytes; absent where the profile's quota is followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota: Option<u64>,
    /// When, as RFC 3339.
    pub at: String,
}

/// The condition in words, for lists.
impl std::fmt::Display for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Any => f.write_str("any user"),
            Self::Filter { filter } => write!(f, "{filter}"),
            Self::Group { groups } => {
                let groups: Vec<_> = groups.iter().map(ToString::to_string).collect();
                write!(f, "member of {}", groups.join(" or "))
            }
            Self::Attribute {
                path,
                values,
                case_sensitive,
            } => {
                let values: Vec<_> = values.iter().map(|value| format!("{value:?}")).collect();
                write!(f, "{path} is {}", values.join(" or "))?;
                if *case_sensitive {
                    f.write_str(" (case counts)")
                } else {
                    Ok(())
                }
            }
        }
    }
}
