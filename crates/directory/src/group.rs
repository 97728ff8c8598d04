//! A group: a name that an identity provider gave, and members. Members are rows of their own and are never part of what
//! is read or written with the group.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use jiff::Timestamp;
use scim::schema::GROUP;
use scim::{Object, is_absent};
use serde_json::{Value, json};

use crate::{ConnectionId, GroupId, Refusal, UserId, rfc3339};

/// A group without its members.
#[derive(Debug, Clone)]
pub struct Group {
    /// The SCIM `id`; it never changes.
    pub id: GroupId,
    /// The connection that it belongs to.
    pub connection: ConnectionId,
    /// What the identity provider assigned: `displayName`, `externalId`.
    pub attributes: Object,
    /// Counts the changes, members' too, from 1.
    pub version: u64,
    /// When the group came into being.
    pub created: Timestamp,
    /// When it, or its members, last changed.
    pub modified: Timestamp,
}

/// A member of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Member {
    /// A user.
    User(UserId),
    /// A group within it.
    Group(GroupId),
}

/// A group that a user belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Belonging {
    /// The group.
    pub group: GroupId,
    /// Its name.
    pub display: String,
    /// Whether the user is a member itself, or a member of a group within.
    pub is_direct: bool,
}

impl Group {
    /// The name, as it was sent.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub fn display_name(&self) -> Result<&str, Refusal> {
        self.text("displayName").ok_or(Refusal::Missing {
            attribute: "displayName",
        })
    }

    /// The name as it is compared.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub fn name_key(&self) -> Result<String, Refusal> {
        Ok(crate::Facts::key_of(self.display_name()?))
    }

    /// The identity provider's name for the group.
    pub fn external_id(&self) -> Option<&str> {
        self.text("externalId")
    }

    /// Takes over what an identity provider sent; where it says nothing of `externalId`, the known one stays.
    pub fn assign(&mut self, mut attributes: Object) {
        attributes.shift_remove("members");
        if !attributes.contains_key("externalId")
            && let Some(known) = self.attributes.get("externalId")
        {
            attributes.insert("externalId".to_owned(), known.clone());
        }
        attributes.retain(|_, value| !is_absent(value));
        self.attributes = attributes;
    }

    /// The resource as it is returned. `base` is the SCIM base URL without a slash at its end; `None` for members leaves them
    /// out.
    pub fn to_scim(&self, base: Option<&str>, members: Option<&[Member]>) -> String {
        let mut json = format!("{{\"schemas\":[\"{GROUP}\"],\"id\":\"{}\"", self.id);
        // Writing to a string cannot fail.
        for (name, value) in &self.attributes {
            let _ = write!(json, ",{}:{value}", Value::from(name.as_str()));
        }
        if let Some(members) = members {
            json.push_str(",\"members\":[");
            for (at, member) in members.iter().enumerate() {
                let comma = if at == 0 { "" } else { "," };
                let (kind, id) = match member {
                    Member::User(id) => ("User", id.to_string()),
                    Member::Group(id) => ("Group", id.to_string()),
                };
                let _ = write!(json, "{comma}{{\"value\":\"{id}\",\"type\":\"{kind}\"");
                if let Some(base) = base {
                    let _ = write!(json, ",\"$ref\":\"{base}/{kind}s/{id}\"");
                }
                json.push('}');
            }
            json.push(']');
        }
        let mut meta = json!({
            "resourceType": "Group",
            "created": rfc3339(self.created),
            "lastModified": rfc3339(self.modified),
            "version": format!("W/\"{}\"", self.version_with(members)),
        });
        if let Some(base) = base {
            meta["location"] = Value::from(format!("{base}/Groups/{}", self.id));
        }
        let _ = write!(json, ",\"meta\":{meta}}}");
        json
    }

    /// The version of the resource as it is returned: the group's own, and after a point which members it shows. A member may
    /// be hidden or come back without any change of the group.
    pub fn version_with(&self, members: Option<&[Member]>) -> String {
        match members {
            None | Some([]) => self.version.to_string(),
            Some(members) => {
                let mut hasher = DefaultHasher::new();
                members.hash(&mut hasher);
                format!("{}.{:x}", self.version, hasher.finish())
            }
        }
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.attributes
            .get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.trim().is_empty())
    }
}

/// The `groups` of a user as they are returned.
pub fn belongings_to_json(belongings: &[Belonging], base: Option<&str>) -> Value {
    let one = |belonging: &Belonging| {
        let kind = if belonging.is_direct { "direct" } else { "indirect" };
        let mut shown = json!({
            "value": belonging.group,
            "display": belonging.display,
            "type": kind,
        });
        if let Some(base) = base {
            shown["$ref"] = Value::from(format!("{base}/Groups/{}", belonging.group));
        }
        shown
    };
    belongings.iter().map(one).collect()
}
