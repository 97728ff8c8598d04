//! A PostgreSQL server that somebody started for the tests, and a database of its own for each.

use std::sync::atomic::{AtomicU32, Ordering};

use store::{DatabaseUrl, Store};
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

#[expect(
    clippy::disallowed_methods,
    reason = "what the tests run on is said by who runs them"
)]
fn server() -> String {
    std::env::var(SERVER).unwrap_or_else(|_| {
        panic!("the tests need a PostgreSQL server: run them by `scripts/with-postgres cargo test`, or name one in {SERVER}")
    })
}
