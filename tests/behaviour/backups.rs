//! What is saved, and what comes back: the same, in either database.

use directory::{Actor, Ctx, Refusal};
use serde_json::{Value, json};
use service::feed::{self, Cursor, Wanted};
use store::{DatabaseUrl, Store};
use testkit::{Provost, TestDatabase, patch, person};

use crate::{id, path, start};

/// All users and events of a store, as the API shows them.
fn everything(store: &Store, tenant: directory::TenantId) -> (Vec<Value>, Vec<(i64, String, String)>) {
    let users = store.read(|tx| {
        let settings = service::settings::all(tx, tenant)?;
        let mut users = Vec::new();
        service::users::all(tx, tenant, |record| users.push(record.to_json(&settings)))?;
        Ok::<_, service::Error>(users)
    });
    let events = store
        .read(|tx| store::events::after(tx, tenant, 0, 10_000))
        .unwrap();
    let events = events
        .into_iter()
        .map(|event| (event.seq, event.kind, event.data));
    (users.unwrap(), events.collect())
}

fn cursor(store: &Store, ctx: &Ctx, after: Option<Cursor>) -> Result<Cursor, service::Error> {
    store.read(|tx| feed::read(tx, ctx, &Wanted::default(), after, 1_000).map(|page| page.next))
}

async fn furnished() -> Provost {
    let provost = start().await;
    let mut people = Vec::new();
    for name in ["ava", "bob", "zoë\tÄ\\n", "𝔘nicode"] {
        let mut one = person("x");
        one["userName"] = format!("{name}@example.com").into();
        one["externalId"] = name.into();
        one["displayName"] = format!("{name}\n\"quoted\" \\ \u{202e}").into();
        people.push(provost.client.create(&one).await);
    }
    let group = json!({"displayName": "Sales", "members": [{"value": id(&people[0])}]});
    provost.client.post("/Groups", &group).await.expect(201);
    let off = patch(json!([{"op": "replace", "value": {"active": false}}]));
    provost.client.patch(&path(&people[1]), &off).await.expect(200);
    provost
}

#[tokio::test]
async fn a_backup_comes_back_in_either_database_and_old_cursors_are_void() {
    let provost = furnished().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup.db");
    let saved = provost.store.backup(&file).unwrap();
    assert_eq!(saved.users, 4);
    let ctx = server::clock::context(Actor::System, provost.tenant);
    let before = everything(&provost.store, provost.tenant);
    let read_so_far = cursor(&provost.store, &ctx, None).unwrap();
    // What happens later is not in it.
    provost.client.create(&person("late")).await;

    let postgres = TestDatabase::make().await;
    let sqlite = DatabaseUrl::Sqlite(folder.path().join("restored.db"));
    let mut lives = Vec::new();
    for url in [sqlite, postgres.url().parse().unwrap()] {
        let now = server::clock::now();
        assert_eq!(store::restore(&url, &file, now).unwrap(), saved);
        let restored = Store::open(&url).unwrap();
        assert_eq!(everything(&restored, provost.tenant), before, "{url}");
        let refused = cursor(&restored, &ctx, Some(read_so_far));
        assert!(
            matches!(refused, Err(service::Error::Refused(Refusal::VoidCursor { .. }))),
            "{url}"
        );
        lives.push(cursor(&restored, &ctx, None).unwrap().to_string());
        // It works: counts, names and numbers go on.
        let work = ctx.clone();
        let ids = before
            .0
            .iter()
            .map(|user| user["id"].as_str().unwrap().to_owned());
        let ava = directory::UserId::parse(&ids.into_iter().next().unwrap()).unwrap();
        restored
            .write(move |tx| service::users::preserve(tx, &work, ava))
            .await
            .unwrap();
        let again = store::restore(&url, &file, now).unwrap_err();
        assert!(again.to_string().contains("is not empty"), "{again}");
        // And the way back.
        let other = folder.path().join(format!("again-{}.db", lives.len()));
        let saved_again = restored.backup(&other).unwrap();
        assert_eq!(
            (saved_again.users, saved_again.events),
            (saved.users, saved.events + 1)
        );
    }
    assert_ne!(
        lives[0].split('-').next(),
        Some("1"),
        "another life of the database: {lives:?}"
    );
}

#[tokio::test]
async fn what_is_no_backup_is_refused_and_a_good_one_never_written_over() {
    let provost = furnished().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup.db");
    provost.store.backup(&file).unwrap();
    let good = std::fs::read(&file).unwrap();
    let error = provost.store.backup(&file).unwrap_err().to_string();
    assert!(error.contains("exists"), "{error}");
    assert_eq!(std::fs::read(&file).unwrap(), good);
    let nowhere = folder.path().join("nowhere/backup.db");
    provost.store.backup(&nowhere).unwrap_err();

    let damaged = folder.path().join("damaged.db");
    let mut bytes = good.clone();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8192].fill(0xa5);
    std::fs::write(&damaged, bytes).unwrap();
    let strange = folder.path().join("strange.db");
    std::fs::write(&strange, "not a backup at all, but long enough").unwrap();
    let target = folder.path().join("target.db");
    for bad in [damaged, strange, folder.path().join("missing.db")] {
        let url = DatabaseUrl::Sqlite(target.clone());
        let error = store::restore(&url, &bad, server::clock::now()).unwrap_err();
        assert!(!target.exists(), "{error}");
    }
    let left: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(
        left.iter()
            .all(|name| !name.to_string_lossy().contains("restoring")),
        "{left:?}"
    );
}
