//! What each command does.

mod admin;
mod attribute;
mod backup;
pub(crate) mod completions;
mod connection;
mod doctor;
mod key;
mod mapping;
mod mapping_apply;
mod mapping_file;
mod profile;
mod report;
mod secret_key;
mod serve;
mod simulate;
mod storage;
mod tenant;
mod token;
mod user;
mod user_file;
mod user_import;
mod welcome;

use std::process::ExitCode;
use std::sync::Arc;

use directory::{Actor, Condition, Ctx, Settings, TenantId, Timestamp, rfc3339};
use store::{DatabaseUrl, Store, Tx};

use crate::cli::{Cli, Command, Common};
use crate::config::Config;
use crate::exit::Failure;
use crate::output::Reader;

pub(crate) async fn run(cli: Cli) -> Result<ExitCode, Failure> {
    let common = cli.common;
    match cli.command {
        Command::Serve(flags) => serve::run(&common, &flags).await?,
        Command::Simulate(arguments) => return simulate::run(&common, arguments).await,
        Command::Doctor => return doctor::run(&common),
        Command::Admin(command) => admin::run(&Session::open(&common)?, command).await?,
        Command::Backup { file } => backup::backup(&Session::open(&common)?, &file)?,
        Command::Restore { file } => backup::restore(&common, &file)?,
        Command::Openapi => Reader::Program.done("", &server::openapi())?,
        Command::Completions { shell } => return Ok(completions::print(shell)),
        Command::Tenant(command) => tenant::run(&Session::open(&common)?, command).await?,
        Command::Connection(command) => connection::run(&Session::open(&common)?, command).await?,
        Command::Profile(command) => profile::run(&Session::open(&common)?, command).await?,
        Command::Storage(command) => storage::run(&Session::open(&common)?, command).await?,
        Command::Mapping(command) => mapping::run(&Session::open(&common)?, command).await?,
        Command::Attribute(command) => attribute::run(&Session::open(&common)?, command).await?,
        Command::Token(command) => token::run(&Session::open(&common)?, command).await?,
        Command::Key(command) => key::run(&Session::open(&common)?, command).await?,
        Command::User(command) => return user::run(&Session::open(&common)?, command).await,
        Command::Report(command) => report::run(&Session::open(&common)?, &command).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A database that is there, and the tenant in it that the command is about.
pub(crate) struct Session {
    store: Store,
    tenant: TenantId,
    reader: Reader,
    /// The address of the console, as far as the configuration tells.
    console: String,
}

impl Session {
    fn open(common: &Common) -> Result<Self, Failure> {
        let config = Config::read(common.config.as_deref(), &common.place)?;
        let store = open_existing(&config.database()?)?;
        let tenant = store.read(|tx| service::settings::tenants::show(tx, &common.tenant))?;
        Ok(Self {
            store,
            tenant: tenant.id,
            reader: Reader::of(common.json),
            console: config.console(),
        })
    }

    fn settings(&self) -> Result<Arc<Settings>, Failure> {
        Ok(self.store.read(|tx| service::settings::all(tx, self.tenant))?)
    }

    async fn write<R: Send + 'static>(
        &self,
        work: impl Fn(&mut Tx<'_>, &Ctx) -> Result<R, service::Error> + Send + 'static,
    ) -> Result<R, Failure> {
        let ctx = self.context();
        Ok(self.store.write(move |tx| work(tx, &ctx)).await?)
    }

    /// The condition of a mapping for these groups, each by its id or name, of these connections or of any.
    fn of_groups(&self, texts: &[String], within: &[String]) -> Result<Condition, Failure> {
        let settings = self.settings()?;
        let groups = self.store.read(|tx| {
            let ids = texts
                .iter()
                .map(|text| Ok(service::groups::named(tx, &settings, text, within)?.id));
            ids.collect::<Result<_, service::Error>>()
        })?;
        Ok(Condition::Group { groups })
    }

    fn context(&self) -> Ctx {
        server::clock::context(Actor::Administrator("command line".to_owned()), self.tenant)
    }
}

/// Opens a database that is there; only `serve` makes one.
fn open_existing(url: &DatabaseUrl) -> Result<Store, Failure> {
    if let DatabaseUrl::Sqlite(path) = url
        && !path.exists()
    {
        let reason = "there is no such file; `provost serve` makes it".to_owned();
        return Err(store::Error::Unreachable {
            database: path.display().to_string(),
            reason,
        }
        .into());
    }
    Ok(Store::open(url)?)
}

/// A time for people: to the second.
fn shown(at: Timestamp) -> String {
    let text = rfc3339(at);
    text.split_once('.').map_or(text.clone(), |(seconds, _)| {
        format!("{}Z", seconds.replace('T', " "))
    })
}
