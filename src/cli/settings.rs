//! Commands that set things up: tenants, connections, profiles, storages, mappings, attributes, tokens.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use directory::{Bytes, CloudIdentity, ConnectionKind, NoTarget, OrHold, Reclassify, Role, Timestamp};
use jiff::tz::TimeZone;

#[derive(Debug, Subcommand)]
pub(crate) enum Tenant {
    /// List tenants
    List,
    /// Add a tenant with a connection, profile and storage, and the mapping Everyone
    Add {
        /// Its name
        name: String,
    },
    /// Remove a tenant that has no users
    Remove {
        /// Its name
        name: String,
    },
    /// Change a tenant
    Set {
        /// Its name
        name: String,
        /// A new name
        #[arg(long)]
        rename: Option<String>,
        /// Refuse users without a display name
        #[arg(long, value_name = "YES/NO", value_parser = yes_or_no)]
        require_display_name: Option<bool>,
        /// Refuse a second user with the same e-mail address
        #[arg(long, value_name = "YES/NO", value_parser = yes_or_no)]
        unique_email: Option<bool>,
        /// The name that cloud-app backup knows users by: email or upn
        #[arg(long, value_name = "WHICH")]
        cloud_identity: Option<CloudIdentity>,
        /// When mappings are asked again about a user who exists: `on_update` or `on_create`
        #[arg(long, value_name = "WHEN")]
        reclassify: Option<Reclassify>,
        /// The most active users; 0 is any number
        #[arg(long, value_name = "N")]
        max_active_users: Option<u64>,
        /// What becomes of a user beyond a limit: refuse or hold
        #[arg(long, value_name = "HOW")]
        over_limit: Option<OrHold>,
        /// Take a new external id for the same person when somebody who left returns by name, until this date, such as
        /// 2026-12-31 (UTC); "no" ends it. For the days when one identity provider replaces another: users of the
        /// connection itself, and those of one that was removed
        #[arg(long, value_name = "DATE", value_parser = until)]
        accept_new_external_ids: Option<Until>,
        /// Days for which the provisioning log keeps what identity providers sent, 1 to 365
        #[arg(long, value_name = "DAYS")]
        log_days: Option<u32>,
        /// Raise an alarm, and purge nobody, where more than this share of a connection's users leaves within an hour; 0 is
        /// never
        #[arg(long, value_name = "PERCENT")]
        leaver_alarm: Option<u32>,
        /// The most requests of identity providers in a second, at least 50; 0 is any number
        #[arg(long, value_name = "N")]
        max_requests_per_second: Option<u32>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Connection {
    /// Say that those who left at once have left indeed: ends the alarm about them, and purges go on
    EndAlarm {
        /// Its name
        name: String,
    },
    /// List connections
    List,
    /// Add a connection
    Add {
        /// Its name; "Managed by" shows it
        name: String,
        /// okta, entra, onelogin, jumpcloud, ping, google, authentik, keycloak or other
        #[arg(long, default_value = "other")]
        kind: ConnectionKind,
    },
    /// Change a connection
    Set {
        /// Its name
        name: String,
        /// A new name
        #[arg(long)]
        rename: Option<String>,
        /// Its kind
        #[arg(long)]
        kind: Option<ConnectionKind>,
        /// What becomes of a user whom no mapping matches: refuse or hold
        #[arg(long, value_name = "HOW")]
        unmatched: Option<OrHold>,
        /// What becomes of a PATCH whose filter in brackets matches no value: create or refuse
        #[arg(long, value_name = "HOW")]
        no_target: Option<NoTarget>,
    },
    /// Remove a connection with its tokens; its users become manual
    Remove {
        /// Its name
        name: String,
    },
}

/// What a profile holds.
#[derive(Debug, Clone, Args)]
pub(crate) struct ProfileSettings {
    /// The most active users; 0 is any number
    #[arg(long, value_name = "N")]
    pub(crate) max_users: Option<u64>,
    /// Quota of users whose mapping names none, such as 50GB; 0 is unlimited
    #[arg(long, value_name = "SIZE")]
    pub(crate) quota: Option<Bytes>,
    /// Days until a preserved user is purged; 0 is never
    #[arg(long, value_name = "DAYS")]
    pub(crate) purge_days: Option<u32>,
    /// Settings for the product behind, a JSON object
    #[arg(long, value_name = "JSON", value_parser = json_object)]
    pub(crate) settings: Option<scim::Object>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Profile {
    /// List profiles
    List,
    /// Add a profile
    Add {
        /// Its name
        name: String,
        #[command(flatten)]
        settings: ProfileSettings,
    },
    /// Change a profile; its users follow at once
    Set {
        /// Its name
        name: String,
        /// A new name
        #[arg(long)]
        rename: Option<String>,
        #[command(flatten)]
        settings: ProfileSettings,
    },
    /// Remove a profile that is not in use
    Remove {
        /// Its name
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Storage {
    /// List storages
    List,
    /// Add a storage
    Add {
        /// Its name
        name: String,
        /// Where it is, such as eu-central-1
        #[arg(long, default_value = "")]
        region: String,
    },
    /// Change a storage
    Set {
        /// Its name
        name: String,
        /// A new name
        #[arg(long)]
        rename: Option<String>,
        /// Where it is
        #[arg(long)]
        region: Option<String>,
    },
    /// Remove a storage that is not in use
    Remove {
        /// Its name
        name: String,
    },
}

/// What a mapping says.
#[derive(Debug, Clone, Args)]
pub(crate) struct MappingSettings {
    /// It is for any user
    #[arg(long, conflicts_with_all = ["attribute", "filter", "group"])]
    pub(crate) any: bool,
    /// It is for members of this group, by its name or id, or of a group within it; may be repeated
    #[arg(long, value_name = "GROUP", conflicts_with_all = ["attribute", "filter"])]
    pub(crate) group: Vec<String>,
    /// It is for users who match this SCIM filter, such as 'department eq "Sales" and not (countryCode eq "DE")'
    #[arg(long, value_name = "FILTER", conflicts_with = "attribute")]
    pub(crate) filter: Option<String>,
    /// It is for users with one of the values in this attribute, such as department or name.familyName
    #[arg(long, value_name = "PATH", requires = "value")]
    pub(crate) attribute: Option<String>,
    /// A value; write --value again for each further one, commas and all
    #[arg(long, requires = "attribute")]
    pub(crate) value: Vec<String>,
    /// Case counts in the values
    #[arg(long, requires = "attribute")]
    pub(crate) case_sensitive: bool,
    /// It is only for users of this connection; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) connection: Vec<String>,
    /// The profile that they get
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// The storage that they get
    #[arg(long, value_name = "NAME")]
    pub(crate) storage: Option<String>,
    /// Their quota, such as 10GB; "profile" follows the profile's
    #[arg(long, value_name = "SIZE", value_parser = quota)]
    pub(crate) quota: Option<Quota>,
    /// Whether they get an activation mail
    #[arg(long, value_name = "YES/NO", value_parser = yes_or_no)]
    pub(crate) activation_mail: Option<bool>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Mapping {
    /// List mappings in their order
    List,
    /// Add a mapping, above those for any user at the end
    Add {
        /// Its name
        name: String,
        #[command(flatten)]
        settings: Box<MappingSettings>,
        /// Its place in the order, from 1
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        at: Option<u32>,
    },
    /// Change a mapping; users whom it placed keep what they have
    Set {
        /// Its name
        name: String,
        /// A new name
        #[arg(long)]
        rename: Option<String>,
        #[command(flatten)]
        settings: Box<MappingSettings>,
    },
    /// Make the mappings those of a file, in its order, if its example people come out right
    Apply {
        /// A TOML file of mappings and example people
        #[arg(short, long, value_name = "FILE", required_unless_present = "existing")]
        file: Option<PathBuf>,
        /// Then let the mappings decide again about the users who exist
        #[arg(long)]
        existing: bool,
        /// Do not ask before users change
        #[arg(long, requires = "existing")]
        yes: bool,
    },
    /// Show which users would change if the mappings decided again, and change nothing
    Preview {
        /// The mappings of this file, instead of those that there are
        #[arg(short, long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Say, for a user or a SCIM body, what each mapping says and why
    Explain {
        /// userName, account name, e-mail address or id
        #[arg(required_unless_present = "file")]
        user: Option<String>,
        /// A file with the body of a create, as the identity provider sends it
        #[arg(short, long, value_name = "FILE", conflicts_with = "user")]
        file: Option<PathBuf>,
        /// The connection that the body comes from
        #[arg(long, value_name = "NAME", default_value = "default")]
        connection: String,
    },
    /// Move a mapping to another place in the order
    Move {
        /// Its name
        name: String,
        /// The place, from 1
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        at: u32,
    },
    /// Remove a mapping; users whom it placed keep what they have
    Remove {
        /// Its name
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Attribute {
    /// List declared attributes
    List,
    /// Declare an attribute: it is then stored, returned and shown in /Schemas
    Add {
        /// Its name, such as countryCode
        name: String,
        /// The schema that it belongs to [default: the core User schema]
        #[arg(long)]
        urn: Option<String>,
        /// What it holds
        #[arg(long = "type", value_enum, default_value = "string")]
        kind: AttributeType,
    },
    /// Take a declaration back
    Remove {
        /// Its name
        name: String,
    },
}

/// Simple types of RFC 7643.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum AttributeType {
    String,
    Boolean,
    Integer,
    Decimal,
    DateTime,
    Reference,
    Binary,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// List tokens
    List,
    /// Make a token and print it, alone; it is shown only now
    Create {
        /// The connection that it opens
        #[arg(long, value_name = "NAME", default_value = "default")]
        connection: String,
        /// Days that it is valid, 1 to 730
        #[arg(long, default_value_t = 365)]
        days: u32,
        /// Days that the connection's token before it stays alive, 0 to 30
        #[arg(long, default_value_t = 7)]
        grace_days: u32,
    },
    /// End a token at once
    Revoke {
        /// Its id
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// List API keys
    List,
    /// Make an API key and print it, alone; it is shown only now
    Create {
        /// What people call it
        name: String,
        /// What it may do: owner, manager, helpdesk or auditor
        #[arg(long, value_name = "ROLE", value_parser = role)]
        role: OfRole,
        /// Days that it is valid, 1 to 730
        #[arg(long, default_value_t = 365)]
        days: u32,
    },
    /// End an API key at once
    Revoke {
        /// Its name or id
        key: String,
    },
}

/// A role, as clap carries it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OfRole(pub(crate) Role);

fn role(text: &str) -> Result<OfRole, String> {
    text.parse()
        .map(OfRole)
        .map_err(|_| "one of owner, manager, helpdesk and auditor".to_owned())
}

/// A mapping's quota: its own, or its profile's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quota(pub(crate) Option<Bytes>);

pub(crate) fn quota(text: &str) -> Result<Quota, String> {
    if text.eq_ignore_ascii_case("profile") {
        Ok(Quota(None))
    } else {
        text.parse().map(|bytes| Quota(Some(bytes)))
    }
}

/// When something ends; `None` is now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Until(pub(crate) Option<Timestamp>);

/// A day, to its end in UTC.
fn until(text: &str) -> Result<Until, String> {
    if text.eq_ignore_ascii_case("no") {
        return Ok(Until(None));
    }
    let day: jiff::civil::Date = text
        .parse()
        .map_err(|_| "write a date such as 2026-12-31, or no".to_owned())?;
    let end = day
        .tomorrow()
        .and_then(|day| TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)))
        .map_err(|error| error.to_string())?;
    if end <= server::clock::now() {
        return Err("that day is over; write one to come, or no".to_owned());
    }
    Ok(Until(Some(end)))
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "true" | "on" => Ok(true),
        "no" | "false" | "off" => Ok(false),
        _ => Err("write yes or no".to_owned()),
    }
}

fn json_object(text: &str) -> Result<scim::Object, String> {
    scim::json::parse_object(text.as_bytes()).map_err(|error| error.detail)
}

#[derive(Debug, Subcommand)]
pub(crate) enum Admin {
    /// List administrators
    List,
    /// Invite somebody, and print the invitation, alone; it is shown only now, and is good for seven days
    Add {
        /// The e-mail address to sign in with
        email: String,
        /// What it may do: owner, manager, helpdesk or auditor
        #[arg(long, value_name = "ROLE", value_parser = role)]
        role: OfRole,
        /// What events call the person; the address where nothing is said
        #[arg(long)]
        name: Option<String>,
        /// Limit it to the users of this profile; may be given several times
        #[arg(long, value_name = "PROFILE")]
        profile: Vec<String>,
    },
    /// Change an administrator
    Set {
        /// The e-mail address
        email: String,
        /// Another role
        #[arg(long, value_name = "ROLE", value_parser = role)]
        role: Option<OfRole>,
        /// Another name
        #[arg(long)]
        name: Option<String>,
        /// Limit it to the users of these profiles
        #[arg(long, value_name = "PROFILE", conflicts_with = "all_profiles")]
        profile: Vec<String>,
        /// End the limit
        #[arg(long)]
        all_profiles: bool,
    },
    /// Invite somebody again, who lost the password or the codes; what was there before is void
    Invite {
        /// The e-mail address
        email: String,
    },
    /// Remove an administrator, who is signed out at once
    Remove {
        /// The e-mail address
        email: String,
    },
}
