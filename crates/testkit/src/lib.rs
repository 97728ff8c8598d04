//! What behaviour tests share: a started server on a database of its own, and a client that speaks SCIM to it.
//!
//! A test says what a client or a person sees. Everything here is real: the server listens on a port, the database is
//! on disk, the client speaks HTTP.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test that cannot be set up has failed"
)]

mod browser;
mod client;
mod console;
mod people;
mod postgres;
mod program;

use directory::{Actor, ConnectionKind, Ctx, TenantId, Timestamp, UserId};
use serde_json::Value;
use server::{Control, Options, Server, Vault};
use service::Error;
use service::settings::connections::ConnectionChange;
use service::settings::mappings::MappingChange;
use service::settings::profiles::ProfileChange;
use service::settings::tenants::TenantChange;
use service::tokens::NewToken;
use store::{DatabaseUrl, Store, Tx};
use tempfile::TempDir;

pub use browser::{Browser, Scheme};
pub use client::{Answer, Client};
pub use console::{Console, PASSWORD, value_of};
pub use people::{ENTERPRISE, PATCH_OP, USER, patch, person};
pub use postgres::{PostgresServer, TestDatabase};
pub use program::{Program, Serving, everything_written};

/// Which database a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    /// A file in a folder of the test's own.
    Sqlite,
    /// A database of the test's own on a server that all tests share.
    Postgres,
}

/// A server that runs in this process until it is dropped.
pub struct Provost {
    /// The store that the server uses.
    pub store: Store,
    /// The tenant that the first run made.
    pub tenant: TenantId,
    /// Speaks as the connection `default`.
    pub client: Client,
    /// What the first owner is invited with.
    pub invitation: String,
    base: String,
    control: Control,
    place: Place,
}

/// Where a test's data are.
enum Place {
    Folder(TempDir),
    Server(TestDatabase),
}

impl Place {
    async fn make(database: Database) -> Self {
        match database {
            Database::Sqlite => Self::Folder(tempfile::tempdir().unwrap()),
            Database::Postgres => Self::Server(TestDatabase::make().await),
        }
    }

    fn url(&self) -> DatabaseUrl {
        match self {
            Self::Folder(folder) => DatabaseUrl::Sqlite(folder.path().join("provost.db")),
            Self::Server(database) => database.url().parse().unwrap(),
        }
    }
}

impl Provost {
    /// A server after its first run: tenant, connection, profile and storage `default`, the mapping `Everyone`.
    pub async fn start(database: Database) -> Self {
        let place = Place::make(database).await;
        let store = Store::open(&place.url()).unwrap();
        let secret = server::clock::fresh_secret().unwrap();
        let tenant = TenantId::from(server::clock::fresh_id());
        let ctx = server::clock::context(Actor::System, tenant);
        let token = secret.reveal().to_owned();
        let invitation = server::clock::fresh_invitation().unwrap();
        let invited = invitation.reveal().to_owned();
        store
            .write(move |tx| service::first_run::set_up(tx, &ctx, &secret, &invitation))
            .await
            .unwrap();
        let listen = "127.0.0.1:0".parse().unwrap();
        let options = Options {
            vault: Some(Vault::of([7; 32])),
            ..Options::default()
        };
        let server = Server::bind(store.clone(), listen, options).await.unwrap();
        let (base, control) = (server.scim_base(), server.control());
        tokio::spawn(server.run());
        Self {
            store,
            tenant,
            client: Client::new(&base, &token),
            invitation: invited,
            base,
            control,
            place,
        }
    }

    /// The same server for another holder of a token.
    pub fn client_with(&self, token: &str) -> Client {
        Client::new(&self.base, token)
    }

    /// Adds a connection, and speaks as it.
    pub async fn connect(&self, name: &str) -> Client {
        let own = name.to_owned();
        self.admin(move |tx, ctx| service::settings::connections::add(tx, ctx, &own, ConnectionKind::Okta))
            .await;
        self.client_with(&self.token_at(server::clock::now(), name, 365, 7).await)
    }

    /// Makes a token at a time of the test's choice.
    pub async fn token_at(&self, now: Timestamp, connection: &str, days: u32, grace_days: u32) -> String {
        let secret = server::clock::fresh_secret().unwrap();
        let new = NewToken {
            secret: secret.clone(),
            connection: connection.to_owned(),
            days,
            grace_days,
        };
        self.admin_at(now, move |tx, ctx| service::tokens::create(tx, ctx, &new))
            .await
            .unwrap();
        secret.reveal().to_owned()
    }

    /// Does what an administrator does, now.
    pub async fn admin<R: Send + 'static>(
        &self,
        work: impl Fn(&mut Tx<'_>, &Ctx) -> Result<R, Error> + Send + 'static,
    ) -> R {
        self.admin_at(server::clock::now(), work).await.unwrap()
    }

    /// Tries what an administrator tries, at a time of the test's choice.
    pub async fn admin_at<R: Send + 'static>(
        &self,
        now: Timestamp,
        work: impl Fn(&mut Tx<'_>, &Ctx) -> Result<R, Error> + Send + 'static,
    ) -> Result<R, Error> {
        let actor = Actor::Administrator("ada".to_owned());
        let ctx = Ctx {
            now,
            ..server::clock::context(actor, self.tenant)
        };
        self.store.write(move |tx| work(tx, &ctx)).await
    }

    /// Changes the tenant.
    pub async fn set_tenant(&self, change: TenantChange) {
        self.admin(move |tx, ctx| service::settings::tenants::set(tx, ctx, &change))
            .await;
    }

    /// Changes the connection `default`.
    pub async fn set_connection(&self, change: ConnectionChange) {
        self.admin(move |tx, ctx| service::settings::connections::set(tx, ctx, "default", &change))
            .await;
    }

    /// The connection `default` holds people whom no mapping matches.
    pub async fn hold_unmatched(&self) {
        self.set_connection(ConnectionChange {
            unmatched: Some(directory::OrHold::Hold),
            ..ConnectionChange::default()
        })
        .await;
    }

    /// Adds a profile.
    pub async fn profile(&self, name: &'static str, change: ProfileChange) {
        self.admin(move |tx, ctx| service::settings::profiles::add(tx, ctx, name, &change))
            .await;
    }

    /// Adds a mapping to profile `profile` and storage `default`.
    pub async fn mapping(&self, name: &'static str, condition: directory::Condition, profile: &str) {
        let change = MappingChange {
            condition: Some(condition),
            profile: Some(profile.to_owned()),
            storage: Some("default".to_owned()),
            ..MappingChange::default()
        };
        self.admin(move |tx, ctx| service::settings::mappings::add(tx, ctx, name, &change, None))
            .await;
    }

    /// Removes the mapping that places everybody.
    pub async fn without_everyone(&self) {
        self.admin(|tx, ctx| service::settings::mappings::remove(tx, ctx, "Everyone"))
            .await;
    }

    /// An administrator preserves the user.
    pub async fn preserve(&self, id: &str) {
        let id = UserId::parse(id).unwrap();
        self.admin(move |tx, ctx| service::users::preserve(tx, ctx, id))
            .await;
    }

    /// The user as the API and `user show --json` give it.
    pub fn user(&self, text: &str) -> Value {
        let shown = self.store.read(|tx| {
            let record = service::users::find(tx, self.tenant, text)?;
            Ok::<_, Error>(record.to_json(&*service::settings::all(tx, self.tenant)?))
        });
        shown.unwrap()
    }

    /// The tenant's events, oldest first.
    pub fn events(&self) -> Vec<Value> {
        let events = self
            .store
            .read(|tx| store::events::after(tx, self.tenant, 0, 100_000))
            .unwrap();
        events
            .into_iter()
            .map(|event| {
                serde_json::json!({
                    "seq": event.seq,
                    "kind": event.kind,
                    "user": event.user.map(|id| id.to_string()),
                    "actor": event.actor,
                    "data": serde_json::from_str::<Value>(&event.data).unwrap(),
                })
            })
            .collect()
    }

    /// All that is kept: the bytes of every file in the data folder, or every row as text.
    pub async fn everything_written(&self) -> Vec<u8> {
        match &self.place {
            Place::Folder(folder) => everything_written(folder.path()),
            Place::Server(database) => database.everything_written().await,
        }
    }
}

impl Drop for Provost {
    fn drop(&mut self) {
        self.control.stop();
    }
}
