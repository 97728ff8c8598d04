//! A PostgreSQL server that somebody started for the tests, and a database of its own for each.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use store::{DatabaseUrl, Store};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use tokio_postgres::{Client, NoTls};

/// Where `scripts/test` says what server it started: an address up to the database's name.
const SERVER: &str = "PROVOST_TEST_POSTGRES";

/// A database of a test's own; dropped, it is gone.
pub struct TestDatabase {
    name: String,
}

impl TestDatabase {
    /// A database with the present schema, and nothing in it.
    pub async fn make() -> Self {
        static TEMPLATE: OnceCell<String> = OnceCell::const_new();
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let template = TEMPLATE.get_or_init(template).await;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("provost_{}_{number}", std::process::id());
        run(&format!(
            "CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY"
        ))
        .await;
        Self { name }
    }

    /// A database with nothing in it at all.
    pub async fn empty(name: &str) -> Self {
        let name = format!("provost_{}_{name}", std::process::id());
        run(&format!("CREATE DATABASE {name} TEMPLATE template0")).await;
        Self { name }
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("{}{}", server(), self.name)
    }

    /// Every row of every table, as text.
    pub(crate) async fn everything_written(&self) -> Vec<u8> {
        let client = self.connect().await;
        let tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'";
        let mut written = Vec::new();
        for table in client.query(tables, &[]).await.unwrap() {
            let table: &str = table.get(0);
            let rows = client
                .query(&format!("SELECT row_to_json(t)::text FROM {table} AS t"), &[])
                .await;
            for row in rows.unwrap() {
                written.extend_from_slice(row.get::<_, &str>(0).as_bytes());
            }
        }
        written
    }

    /// A connection to look at it with.
    pub async fn connect(&self) -> Client {
        connect(&self.url()).await
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(run(&sql));
        });
        drop(dropping.join());
    }
}

async fn template() -> String {
    let name = format!("provost_template_{}", std::process::id());
    run(&format!("DROP DATABASE IF EXISTS {name}")).await;
    run(&format!("CREATE DATABASE {name} TEMPLATE template0")).await;
    let url: DatabaseUrl = format!("{}{name}", server()).parse().unwrap();
    drop(Store::open(&url).unwrap());
    name
}

async fn run(sql: &str) {
    let client = connect(&format!("{}postgres", server())).await;
    client.batch_execute(sql).await.unwrap();
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

fn server() -> String {
    said(SERVER)
}

#[expect(
    clippy::disallowed_methods,
    reason = "what the tests run on is said by who runs them"
)]
fn said(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("the tests need a PostgreSQL server: run them by `scripts/with-postgres cargo test` ({name} is not set)")
    })
}

/// A PostgreSQL server of a test's own, to stop and to starve; dropped, it is gone.
pub struct PostgresServer {
    folder: TempDir,
    port: u16,
    settings: String,
}

impl PostgresServer {
    /// A server with these settings beside its defaults, such as `-c max_connections=10`; its user `provost` has the
    /// password `s3cret`, and a database of the same name.
    pub async fn start(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let this = Self {
            folder,
            port,
            settings: settings.to_owned(),
        };
        if is_root() {
            let status = Command::new("chown")
                .arg("postgres:postgres")
                .arg(this.folder.path())
                .status();
            assert!(status.unwrap().success());
        }
        std::fs::write(this.folder.path().join("password"), "s3cret").unwrap();
        let (data, password) = (this.path("data"), this.path("password"));
        let made = Self::tool(
            "initdb",
            &[
                "-D",
                &data,
                "-U",
                "provost",
                "-A",
                "scram-sha-256",
                "--pwfile",
                &password,
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
            ],
        );
        assert!(made, "initdb failed");
        this.run();
        let client = connect(&this.url_of("postgres")).await;
        client.batch_execute("CREATE DATABASE provost").await.unwrap();
        this
    }

    /// The address of the database.
    pub fn url(&self) -> String {
        self.url_of("provost")
    }

    /// The address of another one.
    pub fn url_of(&self, database: &str) -> String {
        format!("postgres://provost:s3cret@127.0.0.1:{}/{database}", self.port)
    }

    /// Runs it, again after a stop.
    pub fn run(&self) {
        let options = format!(
            "-h 127.0.0.1 -p {} -k {} {}",
            self.port,
            self.folder.path().display(),
            self.settings
        );
        let (data, log) = (self.path("data"), self.path("log"));
        let started = Self::tool(
            "pg_ctl",
            &["-D", &data, "-w", "-l", &log, "-o", &options, "start"],
        );
        assert!(started, "{}", std::fs::read_to_string(log).unwrap_or_default());
    }

    /// Stops it as a crash does.
    pub fn crash(&self) {
        assert!(Self::tool(
            "pg_ctl",
            &["-D", &self.path("data"), "-m", "immediate", "-w", "stop"]
        ));
    }

    /// A connection to look at it with.
    pub async fn connect(&self) -> Client {
        connect(&self.url()).await
    }

    /// Speaks to another of its databases.
    pub async fn connect_to(&self, database: &str) -> Client {
        connect(&self.url_of(database)).await
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Runs one of the server's programs, as somebody whom it does not refuse; says whether it went well.
    fn tool(name: &str, arguments: &[&str]) -> bool {
        let program = format!("{}/{name}", said("PROVOST_TEST_POSTGRES_BIN"));
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--init-groups", &program]);
            command
        } else {
            Command::new(program)
        };
        command
            .args(arguments)
            .current_dir("/")
            .stdout(Stdio::null())
            .status()
            .unwrap()
            .success()
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        Self::tool(
            "pg_ctl",
            &["-D", &self.path("data"), "-m", "immediate", "-w", "stop"],
        );
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout == b"0\n"
}
