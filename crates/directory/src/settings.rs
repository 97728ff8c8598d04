//! What an administrator sets: tenant, connections, profiles, storages, mappings, declared attributes.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use scim::schema::{Attribute, Type};
use scim::{AttributePath, Schemas, text::fold};
use serde::{Deserialize, Serialize};

use crate::{AttributeId, Bytes, ConnectionId, Mapping, ProfileId, Refusal, StorageId, TenantId};

/// A name that people give to a thing: 1 to 100 characters, no control characters, no blanks around it. Unique among
/// its kind in a tenant, ignoring case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Name(String);

impl TryFrom<String> for Name {
    type Error = Refusal;

    fn try_from(text: String) -> Result<Self, Refusal> {
        Self::parse(&text)
    }
}

impl Name {
    /// Reads a name.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let text = text.trim();
        let long = text.chars().count();
        if long == 0 || long > 100 || text.chars().any(char::is_control) {
            return Err(Refusal::BadName {
                given: text.chars().take(100).collect(),
            });
        }
        Ok(Self(text.to_owned()))
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As it is compared.
    pub fn key(&self) -> String {
        fold(&self.0).into_owned()
    }

    /// Whether `text` names the same thing.
    pub fn is(&self, text: &str) -> bool {
        fold(&self.0) == fold(text.trim())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// The word that is written for it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                Self::ALL.iter().copied().find(|word| word.name().eq_ignore_ascii_case(text)).ok_or_else(|| {
                    format!("{text:?} is none of {}", [$($text,)*].join(", "))
                })
            }
        }
    };
}
pub(crate) use words;

words! {
    /// Which name cloud applications know a user by.
    CloudIdentity {
        /// The e-mail address.
        Email = "email",
        /// `userPrincipalName`.
        Upn = "upn",
    }
}

words! {
    /// When mappings are asked again about a user who exists.
    Reclassify {
        /// On every update that may change the answer.
        OnUpdate = "on_update",
        /// Never by itself; only on creation, or when an administrator applies the mappings.
        OnCreate = "on_create",
    }
}

words! {
    /// What becomes of a user who cannot be active: refused, or held until it can.
    OrHold {
        /// Refused, with the reason.
        Refuse = "refuse",
        /// Taken, and held.
        Hold = "hold",
    }
}

words! {
    /// What becomes of a PATCH that adds to, or replaces, a value that is not there (RFC 7644 section 3.5.2.3).
    NoTarget {
        /// The value is made.
        Create = "create",
        /// 400 `noTarget`.
        Refuse = "refuse",
    }
}

impl From<NoTarget> for scim::Miss {
    fn from(no_target: NoTarget) -> Self {
        match no_target {
            NoTarget::Create => Self::Create,
            NoTarget::Refuse => Self::Refuse,
        }
    }
}

impl NoTarget {
    fn create() -> Self {
        Self::Create
    }
}

impl OrHold {
    fn refuse() -> Self {
        Self::Refuse
    }
}

words! {
    /// The identity provider behind a connection.
    ConnectionKind {
        /// Okta.
        Okta = "okta",
        /// Microsoft Entra ID.
        Entra = "entra",
        /// `OneLogin`.
        OneLogin = "onelogin",
        /// `JumpCloud`.
        JumpCloud = "jumpcloud",
        /// Ping Identity.
        Ping = "ping",
        /// Google Workspace.
        Google = "google",
        /// authentik.
        Authentik = "authentik",
        /// Keycloak.
        Keycloak = "keycloak",
        /// Any other.
        Other = "other",
    }
}

/// A customer organisation.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// Its name.
    pub name: Name,
    /// Refuses users without a display name, instead of showing their user name.
    pub require_display_name: bool,
    /// Refuses a second user with the same e-mail address.
    pub unique_email: bool,
    /// Which name cloud applications know users by.
    pub cloud_identity: CloudIdentity,
    /// When mappings are asked again.
    pub reclassify: Reclassify,
    /// The most users that may be active at once; `None` for any number.
    pub max_active_users: Option<u64>,
    /// What becomes of a user beyond a limit.
    #[serde(default = "OrHold::refuse")]
    pub over_limit: OrHold,
    /// Until when a deleted user's name with another externalId is the same person back: while an identity provider is
    /// exchanged for another.
    #[serde(default)]
    pub accept_new_external_ids_until: Option<Timestamp>,
    /// For how many days exchanges are kept in the provisioning log.
    #[serde(default = "Tenant::log_days")]
    pub log_days: u32,
    /// More leavers of a connection within an hour than this many of a hundred users raise an alarm; 0 is never.
    #[serde(default = "Tenant::leaver_alarm_percent")]
    pub leaver_alarm_percent: u32,
    /// The most requests of identity providers in a second, on each node; `None` for any number.
    #[serde(default)]
    pub max_requests_per_second: Option<u32>,
}

impl Tenant {
    /// The days for which exchanges are kept where nobody says otherwise.
    pub const LOG_DAYS: u32 = 30;

    /// The share of users whose leaving at once raises an alarm where nobody says otherwise.
    pub const LEAVER_ALARM_PERCENT: u32 = 20;

    fn leaver_alarm_percent() -> u32 {
        Self::LEAVER_ALARM_PERCENT
    }

    fn log_days() -> u32 {
        Self::LOG_DAYS
    }

    /// Whether another externalId says nothing about who somebody is now.
    pub fn accepts_new_external_ids(&self, now: Timestamp) -> bool {
        self.accept_new_external_ids_until
            .is_some_and(|until| now < until)
    }
}

/// One app integration in one identity provider.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Connection {
    /// Its id.
    pub id: ConnectionId,
    /// Its name; "Managed by" shows it.
    pub name: Name,
    /// What is behind it.
    pub kind: ConnectionKind,
    /// What becomes of a user whom no mapping matches.
    #[serde(default = "OrHold::refuse")]
    pub unmatched: OrHold,
    /// What becomes of a PATCH whose filter in brackets matches no value.
    #[serde(default = "NoTarget::create")]
    pub no_target: NoTarget,
}

/// A named set of settings for users.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// Its id.
    pub id: ProfileId,
    /// Its name.
    pub name: Name,
    /// The most active users; `None` for any number.
    pub max_users: Option<u64>,
    /// Quota of users whose mapping names none; 0 is unlimited.
    pub quota: Bytes,
    /// Days until a preserved user is purged; 0 is never.
    pub purge_days: u32,
    /// Free-form settings for the product behind.
    pub settings: scim::Object,
}

/// A named place where users' data live.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Storage {
    /// Its id.
    pub id: StorageId,
    /// Its name.
    pub name: Name,
    /// Where it is, in the words of whoever runs it.
    pub region: String,
}

/// A custom attribute that an administrator declared: it is stored, returned and shown in `/Schemas`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeclaredAttribute {
    /// Its id.
    pub id: AttributeId,
    /// Its name.
    pub name: String,
    /// The schema that it belongs to.
    pub urn: String,
    /// What it holds.
    pub kind: Type,
}

impl DeclaredAttribute {
    /// When it was declared, to the millisecond: its id tells.
    pub fn declared_at(&self) -> Timestamp {
        self.id.minted_at()
    }

    /// Whether a condition's path means it.
    pub fn is_at(&self, path: &AttributePath) -> bool {
        let is_schema = |urn: &str| urn.eq_ignore_ascii_case(&self.urn);
        path.attribute.eq_ignore_ascii_case(&self.name) && path.schema.as_deref().is_none_or(is_schema)
    }
}

/// All settings of one tenant, at one moment.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The tenant.
    pub tenant: Tenant,
    /// By name.
    pub connections: Vec<Connection>,
    /// By name.
    pub profiles: Vec<Profile>,
    /// By name.
    pub storages: Vec<Storage>,
    /// In their order.
    pub mappings: Vec<Mapping>,
    /// By name.
    pub declared: Vec<DeclaredAttribute>,
    /// What follows from the declared attributes and the tenant's demands.
    pub schemas: Arc<Schemas>,
}

impl Settings {
    /// The schemas that a tenant serves.
    pub fn schemas_of(tenant: &Tenant, declared: &[DeclaredAttribute]) -> Schemas {
        let mut schemas = Schemas::standard();
        schemas.extend(crate::extension::schema());
        for attribute in declared {
            let name = attribute.name.clone();
            schemas.declare(
                &attribute.urn,
                Attribute::new(name, attribute.kind, "Declared by an administrator"),
            );
        }
        if tenant.require_display_name {
            schemas.require("displayName");
        }
        schemas
    }

    /// The connection with this id.
    pub fn connection(&self, id: ConnectionId) -> Option<&Connection> {
        self.connections.iter().find(|connection| connection.id == id)
    }

    /// The profile with this id.
    pub fn profile(&self, id: ProfileId) -> Option<&Profile> {
        self.profiles.iter().find(|profile| profile.id == id)
    }

    /// The storage with this id.
    pub fn storage(&self, id: StorageId) -> Option<&Storage> {
        self.storages.iter().find(|storage| storage.id == id)
    }
}
