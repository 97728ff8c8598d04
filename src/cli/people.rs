//! Commands about people: users, reports, and an identity provider to play with.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use service::reports::Report as Reported;

use super::settings::{Quota, quota};

#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// List users
    List {
        /// Only those with this status: active, held or preserved
        #[arg(long)]
        status: Option<directory::Status>,
    },
    /// Show all that the directory holds of a user
    Show {
        /// userName, account name, e-mail address or id
        user: String,
    },
    /// Add the people of a CSV file as manual users; an identity provider that pushes one of them takes over
    Import {
        /// UTF-8, the first line "Username, Email" or SCIM attribute names; profile, storage and quota set them by hand
        #[arg(value_name = "FILE.csv")]
        file: PathBuf,
        /// Say what would happen, and change nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Write the users to a CSV file that `user import` reads, without those who were deleted; with --json, all of them
    Export {
        /// The file; "-" is stdout
        #[arg(value_name = "FILE.csv", default_value = "-")]
        file: PathBuf,
    },
    /// List those whose user name belonged to somebody else, who left
    Namesakes,
    /// Preserve a user, whatever the identity provider says later
    Preserve {
        /// userName, account name, e-mail address or id
        user: String,
    },
    /// Set a user's profile, storage or quota by hand; no mapping changes it then
    Set {
        /// userName, account name, e-mail address or id
        user: String,
        #[command(flatten)]
        by_hand: ByHand,
    },
    /// Put a user under another connection
    Transfer {
        /// userName, account name, e-mail address or id
        user: String,
        /// The connection that manages it from now on
        #[arg(long, value_name = "NAME")]
        to: String,
    },
    /// Remove a user for good, everywhere; a tombstone with the reason stays
    Delete {
        /// userName, account name, e-mail address or id
        user: String,
        /// Why, in 10 to 150 characters
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Forbid to purge a user, or allow it again
    LegalHold {
        /// userName, account name, e-mail address or id
        user: String,
        /// Allow it again
        #[arg(long)]
        lift: bool,
    },
    /// Say whose a recycled name is: the preserved user's, or somebody else's
    Resolve {
        /// userName, account name, e-mail address or id
        user: String,
        #[command(flatten)]
        whose: Whose,
    },
    /// End a preservation
    Activate {
        /// userName, account name, e-mail address or id
        user: String,
        /// Even where the identity provider says inactive, until its next word
        #[arg(long = "override")]
        over: bool,
    },
}

/// What is set by hand.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct ByHand {
    /// The profile
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// The storage
    #[arg(long, value_name = "NAME")]
    pub(crate) storage: Option<String>,
    /// The quota, such as 10GB; "profile" follows the profile's
    #[arg(long, value_name = "SIZE", value_parser = quota)]
    pub(crate) quota: Option<Quota>,
    /// Let the mappings decide again, at the user's next update
    #[arg(long, conflicts_with_all = ["profile", "storage", "quota"])]
    pub(crate) unpin: bool,
}

/// Whose a recycled name is.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Whose {
    /// The preserved user's: the identity provider gave the person a new external id
    #[arg(long)]
    pub(crate) same_person: bool,
    /// Somebody else's: the preserved account gives up its name, and is kept
    #[arg(long)]
    pub(crate) someone_else: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Report {
    /// Which
    #[arg(value_enum)]
    pub(crate) name: ReportName,
    /// How to write it
    #[arg(long, value_enum, default_value = "table")]
    pub(crate) format: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ReportName {
    /// Each user with the profile, storage and mapping that placed them
    Provisioning,
    /// Who is preserved, how that came, and when it ends
    Preserved,
    /// How many users there were, week by week
    Weekly,
    /// The same month by month
    Monthly,
    /// How many users each mapping placed
    Mappings,
    /// The tokens of all connections
    Tokens,
}

impl From<ReportName> for Reported {
    fn from(name: ReportName) -> Self {
        match name {
            ReportName::Provisioning => Self::Provisioning,
            ReportName::Preserved => Self::Preserved,
            ReportName::Weekly => Self::Weekly,
            ReportName::Monthly => Self::Monthly,
            ReportName::Mappings => Self::Mappings,
            ReportName::Tokens => Self::Tokens,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Table,
    Csv,
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct Simulate {
    /// The identity provider
    #[arg(value_enum)]
    pub(crate) provider: Provider,
    /// The SCIM base URL, such as <http://127.0.0.1:8080/scim/v2>
    #[arg(long)]
    pub(crate) url: String,
    /// The token
    #[arg(long, env = "PROVOST_SIMULATE_TOKEN", hide_env_values = true)]
    pub(crate) token: String,
    /// Which of its ways: aiw (all PUT, Okta's default) or oin (PATCH); Entra ID's default or aadOptscim062020
    #[arg(long, value_enum, ignore_case = true)]
    pub(crate) app: Option<App>,
    /// How many people
    #[arg(long, default_value_t = 50)]
    pub(crate) people: usize,
    /// The people are the same for the same seed
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// How many requests at once
    #[arg(long, default_value_t = 4)]
    pub(crate) concurrency: usize,
    /// A custom attribute with the values that people have, such as countryCode=DE,FR; may be repeated
    #[arg(long, value_name = "NAME=VALUE,...")]
    pub(crate) custom: Vec<String>,
    /// PEM file with the authority that signed the server's certificate
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Provider {
    Okta,
    Entra,
    Authentik,
    #[value(name = "onelogin")]
    OneLogin,
    #[value(name = "jumpcloud")]
    JumpCloud,
    Ping,
    Google,
    Keycloak,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum App {
    Aiw,
    Oin,
    Default,
    #[value(name = "aadOptscim062020")]
    AadOptscim062020,
}
