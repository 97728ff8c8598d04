//! A user: the identity provider's attributes, and the facts that Provost keeps beside them.
//!
//! The document that is stored is the resource as it is returned, less `meta.location`, `groups` and the directory
//! extension; those are spliced in on read, so that a read is a look-up and a copy.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use jiff::Timestamp;
use scim::text::fold;
use scim::{Object, is_absent};
use serde_json::{Value, json};

use crate::extension::{self, DIRECTORY};
use crate::group::{Belonging, belongings_to_json};
use crate::settings::words;
use crate::{
    Bytes, CloudIdentity, ConnectionId, Decision, IdpState, Lifecycle, ProfileId, Refusal, Settings,
    StorageId, UserId,
};
use crate::{names, rfc3339};

/// What Provost keeps of a user beside the attributes.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The SCIM `id`; it never changes.
    pub id: UserId,
    /// The connection that manages the user; `None` for a manual one.
    pub connection: Option<ConnectionId>,
    /// Name in the product behind: made from `userName`, unique in the tenant.
    pub account_name: String,
    /// Whether `displayName` follows from the name, and was not given.
    pub display_name_derived: bool,
    /// Where the user stands.
    pub lifecycle: Lifecycle,
    /// Whether an administrator forbade to purge the user.
    pub legal_hold: bool,
    /// Whether a create by its name may still mean it.
    pub name_claim: NameClaim,
    /// Whether the user was ever put into a group; who was not needs no look for groups.
    pub in_groups: bool,
    /// What the user got.
    pub placement: Placement,
    /// Counts the changes, from 1.
    pub version: u64,
    /// When the user came into being.
    pub created: Timestamp,
    /// When the user last changed.
    pub modified: Timestamp,
}

/// Whether a deleted user is still found by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameClaim {
    /// Yes: a create by that name may bring it back.
    Kept,
    /// No: an administrator said that the name is somebody else's now.
    GivenUp,
}

/// What the mappings gave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Placement {
    /// The profile; `None` until a mapping placed the user.
    pub profile: Option<ProfileId>,
    /// The storage; it never moves by itself.
    pub storage: Option<StorageId>,
    /// The user's own quota; `None` follows the profile's.
    pub own_quota: Option<Bytes>,
    /// What decided it.
    pub decision: Option<Decision>,
    /// What an administrator set by hand: no mapping changes it.
    pub pins: Pins,
    /// Why the user keeps a place that the mappings would no longer give.
    pub doubt: Option<Doubt>,
}

/// Which parts of a place an administrator set by hand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pins {
    /// The profile.
    pub profile: bool,
    /// The storage.
    pub storage: bool,
    /// The quota.
    pub quota: bool,
}

impl Pins {
    /// Their names.
    pub fn names(self) -> Vec<&'static str> {
        let all = [
            (self.profile, "profile"),
            (self.storage, "storage"),
            (self.quota, "quota"),
        ];
        all.iter()
            .filter(|(is_set, _)| *is_set)
            .map(|&(_, name)| name)
            .collect()
    }

    /// As one number: 1 for the profile, 2 for the storage, 4 for the quota.
    pub fn bits(self) -> i64 {
        i64::from(self.profile) | i64::from(self.storage) << 1 | i64::from(self.quota) << 2
    }

    /// From that number.
    pub fn from_bits(bits: i64) -> Self {
        Self {
            profile: bits & 1 != 0,
            storage: bits & 2 != 0,
            quota: bits & 4 != 0,
        }
    }
}

words! {
    /// Why a user has another place than the mappings would give.
    Doubt {
        /// No mapping matches any more.
        Unmatched = "unmatched",
        /// The profile of the mapping that matches is full.
        Full = "full",
        /// The mapping that placed the user no longer matches, and nothing else changed: it moves a little later, unless the
        /// identity provider deactivates it before.
        Lost = "lost",
    }
}

impl Placement {
    /// Whether there is all that an active user needs.
    pub fn is_complete(&self) -> bool {
        self.profile.is_some() && self.storage.is_some()
    }

    /// The quota that counts: the user's own, else the profile's as it is now.
    pub fn quota(&self, settings: &Settings) -> Option<Bytes> {
        self.own_quota.or_else(|| {
            self.profile
                .and_then(|id| settings.profile(id))
                .map(|profile| profile.quota)
        })
    }
}

/// A user with attributes that can be looked at and changed.
#[derive(Debug, Clone)]
pub struct User {
    /// Beside the attributes.
    pub facts: Facts,
    /// What the identity provider assigned: canonical names, no `active`, no derived `displayName`.
    pub attributes: Object,
    /// Whether `active` is told. One who took its word back gets none; what it last said counts all the same.
    pub tells_active: bool,
}

/// A user as it is stored: facts, and the document as text.
#[derive(Debug, Clone)]
pub struct Record {
    /// Beside the document.
    pub facts: Facts,
    /// The resource as JSON text that ends with its `meta`.
    pub document: String,
}

impl User {
    /// The `userName`, exactly as it was sent.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub fn user_name(&self) -> Result<&str, Refusal> {
        text(&self.attributes, "userName").ok_or(Refusal::Missing {
            attribute: "userName",
        })
    }

    /// The identity provider's name for the user.
    pub fn external_id(&self) -> Option<&str> {
        text(&self.attributes, "externalId")
    }

    /// The address that reaches the person.
    pub fn email(&self) -> Option<&str> {
        names::email(&self.attributes)
    }

    /// The name that people see: given, else made of the name, else `userName`.
    pub fn display_name(&self) -> Cow<'_, str> {
        if let Some(given) = text(&self.attributes, "displayName") {
            return Cow::Borrowed(given);
        }
        let user_name = || text(&self.attributes, "userName").unwrap_or_default();
        names::derived_display_name(&self.attributes).map_or_else(|| Cow::Borrowed(user_name()), Cow::Owned)
    }

    /// Takes over attributes that an identity provider sent. A `displayName` that equals the derived one came back as
    /// an echo, and stays derived.
    pub fn assign(&mut self, mut attributes: Object) {
        attributes.shift_remove("active");
        let echo = self.facts.display_name_derived
            && attributes.get("displayName").and_then(Value::as_str) == Some(&*self.display_name());
        if echo || attributes.get("displayName").is_some_and(is_absent) {
            attributes.shift_remove("displayName");
        }
        self.attributes = attributes;
        self.facts.display_name_derived = !self.attributes.contains_key("displayName");
    }

    /// Checks what no user can be without.
    ///
    /// # Errors
    /// [`Refusal::Missing`], naming the attribute.
    pub fn check_required(&self, settings: &Settings) -> Result<(), Refusal> {
        self.user_name()?;
        let named = self.attributes.contains_key("displayName")
            || names::derived_display_name(&self.attributes).is_some();
        if settings.tenant.require_display_name && !named {
            return Err(Refusal::Missing {
                attribute: "displayName",
            });
        }
        Ok(())
    }

    /// The attributes with `displayName` and `active` as they are returned.
    pub fn shown_attributes(&self) -> Object {
        let mut shown = self.attributes.clone();
        if self.facts.display_name_derived {
            shown.insert("displayName".to_owned(), Value::from(&*self.display_name()));
        }
        if self.tells_active {
            let is_active = self.facts.lifecycle.idp_state() == IdpState::Active;
            shown.insert("active".to_owned(), Value::Bool(is_active));
        }
        shown
    }

    /// As it is stored.
    pub fn into_record(self, settings: &Settings) -> Record {
        let document = self.document(settings);
        Record {
            facts: self.facts,
            document,
        }
    }

    fn document(&self, settings: &Settings) -> String {
        let facts = &self.facts;
        let mut schemas = settings.schemas.listed(&self.attributes);
        schemas.push(DIRECTORY);
        let mut json = format!("{{\"schemas\":{},\"id\":\"{}\"", json!(schemas), facts.id);
        for (name, value) in self.shown_attributes() {
            // Writing to a string cannot fail.
            let _ = write!(json, ",{}:{value}", Value::from(name));
        }
        let _ = write!(
            json,
            ",\"meta\":{{\"resourceType\":\"User\",\"created\":\"{}\",\"lastModified\":\"{}\",\"version\":\"W/\\\"{}\\\"\"}}}}",
            rfc3339(facts.created),
            rfc3339(facts.modified),
            facts.version,
        );
        json
    }
}

impl Record {
    /// The attributes taken out of the document again.
    pub fn open(self) -> User {
        let mut attributes = match serde_json::from_str(&self.document) {
            Ok(Value::Object(document)) => document,
            _ => Object::new(),
        };
        let tells_active = attributes.shift_remove("active").is_some();
        for name in ["schemas", "id", "meta"] {
            attributes.shift_remove(name);
        }
        if self.facts.display_name_derived {
            attributes.shift_remove("displayName");
        }
        User {
            facts: self.facts,
            attributes,
            tells_active,
        }
    }

    /// The resource as it is returned: the document with `meta.location` and the directory extension spliced in.
    /// `base` is the SCIM base URL without a slash at its end; without one there is no location.
    pub fn to_scim(&self, settings: &Settings, base: Option<&str>) -> String {
        self.with_facts(&self.document, settings, base)
    }

    fn with_facts(&self, document: &str, settings: &Settings, base: Option<&str>) -> String {
        let mut json = String::with_capacity(document.len() + 480);
        json.push_str(document.strip_suffix("}}").unwrap_or(document));
        if let Some(base) = base {
            // Writing to a string cannot fail.
            let _ = write!(json, ",\"location\":\"{base}/Users/{}\"", self.facts.id);
        }
        let _ = write!(json, "}},\"{DIRECTORY}\":");
        extension::write(self, settings, &mut json);
        json.push('}');
        json
    }

    /// The same with the groups that the user belongs to, and the version that they make.
    pub fn to_scim_in(&self, belongings: &[Belonging], settings: &Settings, base: Option<&str>) -> String {
        if belongings.is_empty() {
            return self.to_scim(settings, base);
        }
        let own = format!("W/\\\"{}\\\"\"}}}}", self.facts.version);
        let version = format!("W/\\\"{}\\\"\"}}}}", self.version_in(belongings));
        let document = match self.document.strip_suffix(&own) {
            Some(start) => format!("{start}{version}"),
            None => self.document.clone(),
        };
        let mut json = self.with_facts(&document, settings, base);
        json.pop();
        // Writing to a string cannot fail.
        let _ = write!(json, ",\"groups\":{}}}", belongings_to_json(belongings, base));
        json
    }

    /// The version of the resource as it is returned: the user's own, and after a point what its groups are, if it belongs
    /// to any.
    pub fn version_in(&self, belongings: &[Belonging]) -> String {
        if belongings.is_empty() {
            return self.facts.version.to_string();
        }
        let mut hasher = DefaultHasher::new();
        for belonging in belongings {
            (belonging.group, &belonging.display, belonging.is_direct).hash(&mut hasher);
        }
        format!("{}.{:x}", self.facts.version, hasher.finish())
    }

    /// The user as the API, the command line and events show it.
    pub fn to_json(&self, settings: &Settings) -> Value {
        let facts = &self.facts;
        let user = self.clone().open();
        let display_name = user.display_name();
        let principal_name = names::user_principal_name(&user.attributes).unwrap_or(&display_name);
        let connection = facts.connection.and_then(|id| settings.connection(id));
        let profile = facts.placement.profile.and_then(|id| settings.profile(id));
        let storage = facts.placement.storage.and_then(|id| settings.storage(id));
        let preservation = facts.lifecycle.preservation().map(|preservation| {
            json!({
                "cause": preservation.cause.name(),
                "by": preservation.by,
                "at": rfc3339(preservation.at),
                "purgeAt": preservation.purge_at.map(rfc3339),
            })
        });
        json!({
            "id": facts.id.to_string(),
            "userName": user.user_name().unwrap_or_default(),
            "accountName": facts.account_name,
            "name": names::safe(&display_name),
            "displayName": display_name,
            "email": user.email(),
            "userPrincipalName": principal_name,
            "cloudIdentity": match settings.tenant.cloud_identity {
                CloudIdentity::Email => user.email(),
                CloudIdentity::Upn => Some(principal_name),
            },
            "externalId": user.external_id(),
            "status": facts.lifecycle.status().name(),
            "idpState": facts.lifecycle.idp_state().name(),
            "hold": facts.lifecycle.hold().name(),
            "overridden": facts.lifecycle.is_overridden(),
            "preservation": preservation,
            "legalHold": facts.legal_hold,
            "profile": profile.map(|profile| profile.name.as_str()),
            "storage": storage.map(|storage| storage.name.as_str()),
            "quota": facts.placement.quota(settings).map(Bytes::get),
            "decision": facts.placement.decision,
            "placementDoubt": facts.placement.doubt,
            "pinned": facts.placement.pins.names(),
            "managedBy": connection.map(|connection| connection.name.as_str()),
            "created": rfc3339(facts.created),
            "lastModified": rfc3339(facts.modified),
            "version": facts.version,
            "attributes": user.shown_attributes(),
        })
    }
}

impl Facts {
    /// A connection manages the user from now on; what another said is no word of its.
    pub fn manage_by(&mut self, connection: ConnectionId) {
        if self.connection != Some(connection) {
            self.connection = Some(connection);
            self.lifecycle = self.lifecycle.clone().unmanaged();
        }
    }

    /// The account name to begin with, before it is made unique: `user_name` with `? * / \ < >` replaced.
    pub fn account_name_of(user_name: &str) -> String {
        names::safe(user_name)
    }

    /// `name` as it is compared. No database takes a NUL character for text.
    pub fn key_of(name: &str) -> String {
        let key = fold(name.trim());
        if key.contains('\0') {
            key.replace('\0', "\u{fffd}")
        } else {
            key.into_owned()
        }
    }
}

fn text<'a>(attributes: &'a Object, name: &str) -> Option<&'a str> {
    attributes
        .get(name)
        .and_then(Value::as_str)
        .filter(|text| !text.trim().is_empty())
}
