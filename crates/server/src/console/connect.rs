//! Connecting an identity provider, step by step: which one, what to paste there, and then what is seen of it, live.

use askama::Template;
use directory::{Connection, ConnectionKind, Ctx, Exchange, Timestamp};
use serde::Deserialize;
use service::exchanges::{self, Wanted};
use service::settings::{connections, named};
use service::tokens::{self, NewToken};
use store::counts::{self, Count};
use store::log::exchanges::Among;
use uuid::Uuid;

use super::exchange::Line;
use super::page::{Answer, Named, Page, Query, Sent, Shell};
use super::view::{Markup, counted, maybe_when, plain};
use crate::access::caller::ChangeSettings;
use crate::access::problem::Problem;
use crate::clock;
use crate::manage::exchanges::kept_out;
use crate::manage::health::{Known, gather};

/// What the wizard knows of an identity provider.
struct Provider {
    kind: ConnectionKind,
    name: &'static str,
    hint: &'static str,
}

const PROVIDERS: [Provider; 9] = [
    Provider {
        kind: ConnectionKind::Okta,
        name: "Okta",
        hint: "a custom or a catalogue app",
    },
    Provider {
        kind: ConnectionKind::Entra,
        name: "Microsoft Entra ID",
        hint: "an enterprise application",
    },
    Provider {
        kind: ConnectionKind::OneLogin,
        name: "OneLogin",
        hint: "SCIM Provisioner with SAML",
    },
    Provider {
        kind: ConnectionKind::JumpCloud,
        name: "JumpCloud",
        hint: "Identity Management",
    },
    Provider {
        kind: ConnectionKind::Ping,
        name: "PingOne",
        hint: "Provisioning connection",
    },
    Provider {
        kind: ConnectionKind::Google,
        name: "Google Workspace",
        hint: "Auto-provisioning",
    },
    Provider {
        kind: ConnectionKind::Authentik,
        name: "authentik",
        hint: "SCIM provider",
    },
    Provider {
        kind: ConnectionKind::Keycloak,
        name: "Keycloak",
        hint: "a SCIM extension",
    },
    Provider {
        kind: ConnectionKind::Other,
        name: "Another",
        hint: "anything that speaks SCIM 2.0",
    },
];

fn provider(kind: ConnectionKind) -> &'static Provider {
    PROVIDERS
        .iter()
        .find(|one| one.kind == kind)
        .unwrap_or(&PROVIDERS[8])
}

#[derive(Template)]
#[template(path = "connect.html")]
struct Choose<'p> {
    shell: &'p Shell,
    providers: &'static [Provider],
}

/// `GET /console/connect`
pub(super) async fn choose(page: Page<ChangeSettings>) -> Answer {
    page.shows(&Choose {
        shell: &page.shell,
        providers: &PROVIDERS,
    })
}

#[derive(Deserialize)]
pub(super) struct Kind {
    #[serde(default)]
    kind: String,
}

#[derive(Template)]
#[template(path = "connect_name.html")]
struct NamePage<'p> {
    shell: &'p Shell,
    provider: &'static Provider,
    name: String,
    /// Connections of this kind that there are.
    known: Vec<(String, String)>,
}

/// `GET /console/connect/new?kind=okta`
pub(super) async fn name(page: Page<ChangeSettings>, Query(asked): Query<Kind>) -> Answer {
    let kind = asked.kind.parse().unwrap_or(ConnectionKind::Other);
    name_page(&page, kind, None)
}

fn name_page(page: &Page<ChangeSettings>, kind: ConnectionKind, given: Option<String>) -> Answer {
    let provider = provider(kind);
    let connections = &page.caller.settings.connections;
    let is_free = |name: &str| !connections.iter().any(|one| one.name.is(name));
    let proposed = if kind == ConnectionKind::Other {
        "My identity provider"
    } else {
        provider.name
    };
    let numbered = (2..).map(|number| format!("{proposed} {number}"));
    let mut names = std::iter::once(proposed.to_owned()).chain(numbered);
    page.shows(&NamePage {
        shell: &page.shell,
        provider,
        name: given.unwrap_or_else(|| names.find(|name| is_free(name)).unwrap_or_default()),
        known: connections
            .iter()
            .filter(|one| one.kind == kind)
            .map(|one| (one.id.to_string(), one.name.to_string()))
            .collect(),
    })
}

#[derive(Deserialize)]
pub(super) struct Begin {
    kind: String,
    name: String,
    password: String,
}

/// `POST /console/connect`: the connection, and its token, which is on this page and never again.
pub(super) async fn begin(sent: Sent<ChangeSettings, Begin>) -> Answer {
    let Sent { page, form } = sent;
    let kind = form.kind.parse().unwrap_or(ConnectionKind::Other);
    match begun(&page, kind, &form).await {
        Ok((connection, secret)) => guide_page(&page, &connection, Some(secret)),
        Err(problem) => name_page(&page.refusing(&problem), kind, Some(form.name)),
    }
}

/// Both or neither; nothing is made for somebody who does not know the password.
async fn begun(
    page: &Page<ChangeSettings>,
    kind: ConnectionKind,
    form: &Begin,
) -> Result<(Connection, String), Problem> {
    page.signed.confirm(form.password.clone()).await?;
    let secret = clock::fresh_secret().map_err(|_| Problem::failed())?;
    let (name, of_token) = (form.name.clone(), secret.clone());
    let connection = page
        .caller
        .write(move |tx, ctx| {
            let connection = connections::add(tx, ctx, &name, kind)?;
            let new = NewToken {
                secret: of_token.clone(),
                connection: connection.name.to_string(),
                days: 365,
                grace_days: 7,
            };
            let ids = ctx.ids.after();
            tokens::create(tx, &Ctx { ids, ..ctx.clone() }, &new)?;
            Ok(connection)
        })
        .await?;
    Ok((connection, secret.reveal().to_owned()))
}

#[derive(Template)]
#[template(path = "connect_guide.html")]
struct Guide<'p> {
    shell: &'p Shell,
    provider: &'static Provider,
    connection: String,
    link: String,
    base: String,
    is_https: bool,
    secret: Option<String>,
    schema: &'static str,
}

/// What Okta's API takes for an app's user schema, with the attributes that mappings like to look at.
const OKTA_SCHEMA: &str = include_str!("../../assets/okta-app-user-schema.json");

/// `GET /console/connect/{connection}`: the same page without the token.
pub(super) async fn guide(page: Page<ChangeSettings>, Named(connection): Named) -> Answer {
    let known = named(&page.caller.settings.connections, &connection)?;
    guide_page(&page, known, None)
}

fn guide_page(page: &Page<ChangeSettings>, connection: &Connection, secret: Option<String>) -> Answer {
    let url = page.caller.app.public_url();
    page.shows(&Guide {
        shell: &page.shell,
        provider: provider(connection.kind),
        link: connection.id.to_string(),
        connection: connection.name.to_string(),
        base: format!("{url}{}", crate::app::BASE_PATH),
        is_https: url.starts_with("https://"),
        secret,
        schema: OKTA_SCHEMA,
    })
}

/// Somebody whom a refusal keeps out.
struct Refused {
    exchange: String,
    who: String,
    reason: String,
}

#[derive(Template)]
#[template(path = "connect_watch.html")]
struct Watch {
    link: String,
    first_call: Markup,
    agent: String,
    has_called: bool,
    users: String,
    has_users: bool,
    refused: Option<Refused>,
    wrong_kind: String,
    lines: Vec<Line>,
}

/// `GET /console/connect/{connection}/watch`: what was seen of it so far.
pub(super) async fn watch(page: Page<ChangeSettings>, Named(connection): Named) -> Answer {
    let caller = &page.caller;
    let known: Known = gather(caller, &connection).await?;
    let (tenant, id) = (caller.ctx.tenant, known.connection.id);
    let wanted = Wanted {
        among: Among::Connection(id),
        before: Uuid::max(),
        limit: 6,
    };
    let found = caller
        .app
        .store
        .read_log(move |tx| exchanges::page(tx, tenant, &wanted))
        .await?;
    let users = caller
        .app
        .store
        .look(move |tx| Ok::<_, service::Error>(counts::get(tx, Count::visible(tenant, Some(id)))?))
        .await?;
    let (out, _) = kept_out(&caller.app, tenant, Some(id), Timestamp::MAX, 1).await?;
    let judged = service::health::judge(&known.hours, page.shell.now);
    let wrong = judged
        .recognised
        .filter(|kind| known.connection.kind != ConnectionKind::Other && *kind != known.connection.kind);
    let line = |exchange: &Exchange| Line::of(exchange, &caller.settings, page.shell.now);
    page.shows(&Watch {
        link: id.to_string(),
        has_called: judged.last.is_some(),
        first_call: maybe_when(judged.last, page.shell.now),
        agent: judged.agent.as_deref().map(plain).unwrap_or_default(),
        has_users: users > 0,
        users: counted(users, "user", "users"),
        refused: out.first().map(|(person, _)| Refused {
            exchange: person.exchange.to_string(),
            who: plain(&person.user_name),
            reason: plain(&person.reason),
        }),
        wrong_kind: wrong
            .map(|kind| provider(kind).name.to_owned())
            .unwrap_or_default(),
        lines: found.exchanges.iter().map(line).collect(),
    })
}
