//! Plays an identity provider against any SCIM server, request by request as the real one sends them, and notes every
//! answer that the real one could not work with.

mod authentik;
mod client;
mod entra;
mod google;
mod groups;
mod jumpcloud;
mod keycloak;
mod okta;
mod onelogin;
mod people;
mod ping;
mod player;
mod report;

use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

pub use people::{Person, people};
pub use report::{Call, Deviation, Report};

use client::Client;

/// Which identity provider, and which of its ways of speaking SCIM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum App {
    /// Okta's custom app: PUT for everything.
    OktaAiw,
    /// Okta's catalogue app: PATCH to activate and deactivate, PUT for other updates.
    OktaOin,
    /// Entra ID as it comes: one operation a value, booleans as text.
    Entra,
    /// Entra ID with the flag `aadOptscim062020` in the tenant's URL.
    EntraAadOptscim062020,
    /// authentik's SCIM provider: PUT for users, PATCH for groups.
    Authentik,
    /// OneLogin, with bodies of the administrator's template.
    OneLogin,
    /// JumpCloud.
    JumpCloud,
    /// Ping Identity.
    Ping,
    /// Google Workspace.
    Google,
    /// Keycloak with a SCIM client.
    Keycloak,
}

impl App {
    /// What it calls itself in its requests.
    const fn user_agent(self) -> &'static str {
        match self {
            Self::OktaAiw | Self::OktaOin => "Okta SCIM Client 1.0.0",
            Self::Entra | Self::EntraAadOptscim062020 => "Microsoft Entra ID provisioning",
            Self::Authentik => "goauthentik.io",
            Self::OneLogin => "OneLogin",
            Self::JumpCloud => "JumpCloud",
            Self::Ping => "PingFederate",
            Self::Google => "Google-Auto-Provisioning",
            Self::Keycloak => "Keycloak",
        }
    }

    /// The media type of its bodies.
    const fn content_type(self) -> &'static str {
        match self {
            Self::Google => "application/json",
            _ => "application/scim+json; charset=utf-8",
        }
    }

    /// The identity provider's name.
    pub const fn provider(self) -> &'static str {
        match self {
            Self::OktaAiw | Self::OktaOin => "Okta",
            Self::Entra | Self::EntraAadOptscim062020 => "Entra ID",
            Self::Authentik => "authentik",
            Self::OneLogin => "OneLogin",
            Self::JumpCloud => "JumpCloud",
            Self::Ping => "Ping",
            Self::Google => "Google Workspace",
            Self::Keycloak => "Keycloak",
        }
    }
}

/// A custom attribute that people have one of several values of.
#[derive(Debug, Clone)]
pub struct Custom {
    /// Its name, put at the top level.
    pub name: String,
    /// The values, given out in turn.
    pub values: Vec<String>,
}

impl FromStr for Custom {
    type Err = String;

    /// Reads `name=value,value`.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, values)) if !name.is_empty() && !values.is_empty() => Ok(Self {
                name: name.to_owned(),
                values: values.split(',').map(str::to_owned).collect(),
            }),
            _ => Err(format!(
                "--custom {text}: write name=value,value, such as countryCode=DE,FR"
            )),
        }
    }
}

/// What to play.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The SCIM base URL.
    pub url: String,
    /// The bearer token.
    pub token: String,
    /// The identity provider and its way.
    pub app: App,
    /// How many people.
    pub people: usize,
    /// The same seed gives the same people.
    pub seed: u64,
    /// How many people at once.
    pub concurrency: usize,
    /// Custom attributes.
    pub custom: Vec<Custom>,
    /// PEM of an authority to trust beside the system's.
    pub authority: Option<Vec<u8>>,
}

/// Why nothing can be played.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL is none.
    #[error("{0:?} is no SCIM base URL; write one such as https://provost.example.com/scim/v2")]
    Url(String),
    /// The client cannot be made.
    #[error("cannot make an HTTP client: {0}")]
    Client(reqwest::Error),
    /// Nobody answers.
    #[error("cannot reach {url}: {reason}")]
    Unreachable {
        /// The URL.
        url: String,
        /// The innermost cause.
        reason: String,
    },
}

/// Plays the plan; `each` is called when a person is done.
///
/// # Errors
/// Where there is nobody to speak to. What the server answers wrongly is in the report.
pub async fn run(plan: Plan, each: impl Fn() + Send + Sync + 'static) -> Result<Report, Error> {
    let client = Arc::new(Client::new(&plan)?);
    client.reach().await?;
    let may_go_on = match plan.app {
        App::OktaAiw | App::OktaOin => okta::test_connection(&client).await,
        App::Entra | App::EntraAadOptscim062020 => entra::test_connection(&client).await,
        App::Authentik => authentik::test_connection(&client).await,
        App::OneLogin => onelogin::test_connection(&client).await,
        App::JumpCloud => jumpcloud::test_connection(&client).await,
        App::Ping => ping::test_connection(&client).await,
        App::Google => google::test_connection(&client).await,
        App::Keycloak => keycloak::test_connection(&client).await,
    };
    // No identity provider saves an integration whose test fails.
    if !may_go_on {
        return Ok(client.report());
    }
    let people = people(plan.people, plan.seed, &plan.custom);
    let queue = Arc::new(Mutex::new(people.into_iter()));
    let each = Arc::new(each);
    let mut players = tokio::task::JoinSet::new();
    for _ in 0..plan.concurrency {
        let (client, queue, each) = (Arc::clone(&client), Arc::clone(&queue), Arc::clone(&each));
        players.spawn(async move {
            loop {
                let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
                let Some(person) = next else { return };
                match plan.app {
                    App::OktaAiw | App::OktaOin => okta::play(&client, plan.app, person).await,
                    App::Entra | App::EntraAadOptscim062020 => entra::play(&client, plan.app, person).await,
                    App::Authentik => authentik::play(&client, plan.app, person).await,
                    App::OneLogin => onelogin::play(&client, plan.app, person).await,
                    App::JumpCloud => jumpcloud::play(&client, plan.app, person).await,
                    App::Ping => ping::play(&client, plan.app, person).await,
                    App::Google => google::play(&client, plan.app, person).await,
                    App::Keycloak => keycloak::play(&client, plan.app, person).await,
                }
                each();
            }
        });
    }
    while players.join_next().await.is_some() {}
    groups::play(&client, plan.app, plan.seed).await;
    okta::import(&client, plan.people).await;
    Ok(client.report())
}
