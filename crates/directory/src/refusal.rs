//! Why a rule says no, each in a sentence that the one who asked can act on.

use std::fmt;

use crate::{Looked, Wait};

/// The kinds of settings, in the words that people read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words of the product")]
pub enum Thing {
    Tenant,
    Connection,
    Profile,
    Storage,
    Mapping,
    Attribute,
    Token,
    User,
    Group,
    Key,
    Exchange,
    RefusedPerson,
    Administrator,
}

impl Thing {
    fn article(self) -> &'static str {
        if matches!(
            self,
            Self::Attribute | Self::Key | Self::Exchange | Self::Administrator
        ) {
            "an"
        } else {
            "a"
        }
    }
}

impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tenant => "tenant",
            Self::Connection => "connection",
            Self::Profile => "profile",
            Self::Storage => "storage",
            Self::Mapping => "mapping",
            Self::Attribute => "attribute",
            Self::Token => "token",
            Self::User => "user",
            Self::Group => "group",
            Self::Key => "API key",
            Self::Exchange => "exchange",
            Self::RefusedPerson => "refused person",
            Self::Administrator => "administrator",
        })
    }
}

/// A refusal changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each variant's sentence says it")]
pub enum Refusal {
    #[error(
        "{attribute} is required. Map a value to {attribute} in the identity provider's app, and push the user again."
    )]
    Missing { attribute: &'static str },
    #[error("The user name \"{user_name}\" is taken: {holder}.")]
    UserNameTaken { user_name: String, holder: String },
    #[error("The group name \"{display_name}\" is taken: the group {holder} of this connection has it.")]
    GroupNameTaken { display_name: String, holder: String },
    #[error("The externalId \"{external_id}\" is taken: {holder}.")]
    ExternalIdTaken { external_id: String, holder: String },
    #[error(
        "The e-mail address \"{email}\" is taken: {holder}. This tenant allows each address once (unique_email)."
    )]
    EmailTaken { email: String, holder: String },
    #[error("{}", unmatched(looked, quoted))]
    Unmatched { looked: Vec<Looked> },
    #[error(
        "The profile \"{profile}\" is full: {max} active users is its maximum. Raise it with `provost profile set`, or \
         let a mapping place the user elsewhere."
    )]
    ProfileFull { profile: String, max: u64 },
    #[error(
        "The tenant is full: {max} active users is its maximum. Preserve a user, or raise it with `provost tenant set`."
    )]
    TenantFull { max: u64 },
    #[error(
        "An administrator ({by}) has preserved this account since {since}; the identity provider cannot activate it. An \
         administrator must activate it in Provost."
    )]
    HeldByAdministrator { by: String, since: String },
    #[error(
        "The user name \"{user_name}\" belongs to a preserved account with externalId \"{known}\"; this request has \
         externalId \"{given}\". Where a name was recycled, an administrator must say whose it is: `provost user resolve \"{user_name}\"` with --same-person or --someone-else."
    )]
    DifferentPerson {
        user_name: String,
        known: String,
        given: String,
    },
    #[error(
        "The identity provider says that this user is {idp_state}; activate it there, or override it until the provider's next word (--override)."
    )]
    InactiveInIdp { idp_state: &'static str },
    #[error(
        "The user {id} is under a legal hold: it is kept until an administrator lifts that (`provost user legal-hold {id} --lift`)."
    )]
    LegalHold { id: String },
    #[error("The user {id} was purged on {at} by {by}: {reason}")]
    Purged {
        id: String,
        at: String,
        by: String,
        reason: String,
    },
    #[error("Nothing was applied, because {} of the examples came out differently. {}", .failed.len(), .failed.join("; "))]
    ExamplesFail { failed: Vec<String> },
    #[error(
        "The user name \"{user_name}\" was that of {id}, who left and is preserved. Bring the account back (`provost user activate {id} --override`), \
         or delete it with a reason first."
    )]
    Left { user_name: String, id: String },
    #[error("The reason must have 10 to 150 characters; it is kept when the user is gone.")]
    BadReason,
    #[error("{}", still_held(*wait))]
    StillHeld { wait: Wait },
    #[error("The user {id} is not preserved: there is nobody to tell apart.")]
    NotPreserved { id: String },
    #[error("{attribute} is too long: {max} bytes of UTF-8 is the most.")]
    TooLong { attribute: &'static str, max: usize },
    #[error("The user would have {bytes} bytes; {max} is the most. Leave out what is not needed.")]
    TooLarge { bytes: usize, max: usize },
    #[error(
        "This user has never been placed, and no mapping matches what is kept of it. Add a mapping, or activate the user in the identity provider."
    )]
    NeverPlaced,
    #[error("\"{given}\" is no name: a name has 1 to 100 characters and no control characters.")]
    BadName { given: String },
    #[error("There is {} {thing} \"{name}\" already.", thing.article())]
    NameTaken { thing: Thing, name: String },
    #[error("This cursor is void. {why}")]
    VoidCursor { why: &'static str },
    #[error("There is no {thing} \"{name}\".{}", among(known))]
    Unknown {
        thing: Thing,
        name: String,
        known: Vec<String>,
    },
    #[error("The {thing} \"{name}\" is in use by {used_by}; move them first.")]
    InUse {
        thing: Thing,
        name: String,
        used_by: String,
    },
    #[error("The {thing} \"{name}\" cannot be removed: it is the last one.")]
    LastOne { thing: Thing, name: String },
    #[error("\"{given}\" fits {count} users; name one by its id or its account name: {ids}.")]
    Ambiguous {
        given: String,
        count: usize,
        ids: String,
    },
    #[error(
        "The connection \"{connection}\" has two live tokens already. Revoke one (`provost token revoke {older}`), or wait \
         until it expires on {expires}."
    )]
    TwoTokens {
        connection: String,
        older: String,
        expires: String,
    },
    #[error("This password cannot be taken: {why}.")]
    BadPassword { why: &'static str },
    #[error(
        "This invitation is void: it was used, is too old, or is not one of this server's. Ask an owner for another one."
    )]
    VoidInvitation,
    #[error("Somebody changed it meanwhile: it is no longer as you know it. Read it again, and decide anew.")]
    ChangedMeanwhile,
    #[error("{detail}")]
    BadSetting { detail: String },
}

impl Refusal {
    /// Whether what was asked for makes no sense, whatever the state.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::BadSetting { .. } | Self::BadName { .. } | Self::BadReason | Self::BadPassword { .. }
        )
    }

    /// The sentence as the provisioning log keeps it: without the values of attributes, which may be declared nowhere.
    pub fn for_the_log(&self) -> String {
        match self {
            Self::Unmatched { looked } => unmatched(looked, |found| match found.len() {
                1 => "a value".to_owned(),
                count => format!("{count} values"),
            }),
            other => other.to_string(),
        }
    }

    /// Whether it is about something that does not exist.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown { .. } | Self::Purged { .. })
    }
}

/// At most five of the values, each in quotes.
fn quoted(found: &[String]) -> String {
    let found: Vec<_> = found.iter().take(5).map(|value| format!("\"{value}\"")).collect();
    found.join(", ")
}

/// What the sentence for a person whom no mapping matches begins with.
pub const UNMATCHED: &str = "No mapping matched";

fn unmatched(looked: &[Looked], told: fn(&[String]) -> String) -> String {
    if looked.is_empty() {
        return format!(
            "{UNMATCHED}: there is none for this connection. Add one in Provost, such as a mapping for any user."
        );
    }
    let seen: Vec<String> = looked
        .iter()
        .map(|looked| match looked.found.as_slice() {
            [] => format!("{} (the request carries none)", looked.attribute),
            found => format!("{} (the request carries {})", looked.attribute, told(found)),
        })
        .collect();
    format!(
        "{UNMATCHED}. The mappings looked at {}. Correct the person's attributes in the identity provider, or add \
         a mapping in Provost, such as a last one for any user.",
        seen.join(" and ")
    )
}

fn still_held(wait: Wait) -> &'static str {
    match wait {
        Wait::Unmatched => {
            "The user is held because no mapping matches. Add a mapping that does, or the person to a group that has one; the user is active then by itself."
        }
        Wait::Limit => {
            "The user is held because a profile or the tenant is full. Raise the maximum or preserve somebody; the user is active then by itself."
        }
    }
}

fn among(known: &[String]) -> String {
    if known.is_empty() {
        String::new()
    } else {
        format!(" There is: {}.", known.join(", "))
    }
}
