//! What no sequence of calls may do, whatever their order: end an administrator's hold, revive a purged user, give a
//! preserved account to another known externalId, or lose a user.

use std::collections::{HashMap, HashSet};

use directory::{Cause, ConnectionId, Preservation, Record, UserId};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use scim::Patch;
use serde_json::{Value, json};
use service::users;
use testkit::{Provost, patch};

use crate::start;

/// Sequences that are tried; more with `PROVOST_SEQUENCES`.
const SEQUENCES: u32 = 2_000;

/// One call, by one of two connections, about one of two names.
#[derive(Debug, Clone)]
enum Call {
    Post {
        by: usize,
        name: usize,
        external_id: Option<usize>,
        active: bool,
    },
    Put {
        by: usize,
        name: usize,
        target: usize,
        external_id: Option<usize>,
        active: Option<bool>,
    },
    Activate {
        by: usize,
        target: usize,
        active: bool,
    },
    ForgetExternalId {
        by: usize,
        target: usize,
    },
    Delete {
        by: usize,
        target: usize,
    },
    Preserve {
        target: usize,
    },
    Purge {
        target: usize,
    },
}

fn call() -> impl Strategy<Value = Call> {
    let (by, name, target) = (0..2_usize, 0..2_usize, 0..4_usize);
    let external_id = prop::option::of(0..3_usize);
    prop_oneof![
        4 => (by.clone(), name.clone(), external_id.clone(), any::<bool>())
            .prop_map(|(by, name, external_id, active)| Call::Post { by, name, external_id, active }),
        3 => (by.clone(), name, target.clone(), external_id, prop::option::of(any::<bool>()))
            .prop_map(|(by, name, target, external_id, active)| Call::Put { by, name, target, external_id, active }),
        3 => (by.clone(), target.clone(), any::<bool>()).prop_map(|(by, target, active)| Call::Activate { by, target, active }),
        1 => (by.clone(), target.clone()).prop_map(|(by, target)| Call::ForgetExternalId { by, target }),
        2 => (by, target.clone()).prop_map(|(by, target)| Call::Delete { by, target }),
        2 => target.clone().prop_map(|target| Call::Preserve { target }),
        1 => target.prop_map(|target| Call::Purge { target }),
    ]
}

struct World<'p> {
    provost: &'p Provost,
    connections: [ConnectionId; 2],
    prefix: String,
    /// Every user that this sequence ever made, in the order in which they came.
    made: Vec<UserId>,
    purged: HashSet<UserId>,
}

impl World<'_> {
    /// The users as they are.
    fn look(&self) -> HashMap<UserId, Record> {
        let mut found = HashMap::new();
        for &id in &self.made {
            let record = self
                .provost
                .store
                .read(|tx| store::users::by_id(tx, self.provost.tenant, store::users::Scope::All, id));
            if let Some(record) = record.unwrap() {
                found.insert(id, record);
            }
        }
        found
    }

    fn person(&self, name: usize, external_id: Option<usize>, active: Option<bool>) -> Value {
        let mut user = json!({"userName": format!("{}-{name}", self.prefix)});
        if let Some(number) = external_id {
            user["externalId"] = json!(format!("{}-x{number}", self.prefix));
        }
        if let Some(active) = active {
            user["active"] = json!(active);
        }
        user
    }

    async fn run(&mut self, call: &Call) {
        let (tenant, store) = (self.provost.tenant, &self.provost.store);
        let settings = store.read(|tx| service::settings::all(tx, tenant)).unwrap();
        let admit = |body: Value| {
            settings
                .schemas
                .admit(body.as_object().cloned().unwrap())
                .unwrap()
        };
        let by = |by: usize| {
            let (id, name) = (self.connections[by], format!("connection {by}"));
            server::clock::context(directory::Actor::Connection { id, name }, tenant)
        };
        let target = |target: usize| self.made.get(target % self.made.len().max(1)).copied();
        let made = match call.clone() {
            Call::Post {
                by: from,
                name,
                external_id,
                active,
            } => {
                let (ctx, sent) = (by(from), admit(self.person(name, external_id, Some(active))));
                let connection = self.connections[from];
                store
                    .write(move |tx| users::create(tx, &ctx, connection, &sent))
                    .await
                    .ok()
            }
            Call::Put {
                by: from,
                name,
                target: at,
                external_id,
                active,
            } => {
                let Some(id) = target(at) else { return };
                let (ctx, sent) = (by(from), admit(self.person(name, external_id, active)));
                let connection = self.connections[from];
                store
                    .write(move |tx| users::replace(tx, &ctx, connection, &id.to_string(), &sent))
                    .await
                    .ok()
            }
            Call::Activate {
                by: from,
                target: at,
                active,
            } => {
                let operations = json!([{"op": "replace", "value": {"active": active}}]);
                let Some(id) = target(at) else { return };
                self.patch(by(from), from, id, operations).await
            }
            Call::ForgetExternalId { by: from, target: at } => {
                let Some(id) = target(at) else { return };
                self.patch(
                    by(from),
                    from,
                    id,
                    json!([{"op": "remove", "path": "externalId"}]),
                )
                .await
            }
            Call::Delete { by: from, target: at } => {
                let Some(id) = target(at) else { return };
                let (ctx, connection) = (by(from), self.connections[from]);
                drop(
                    store
                        .write(move |tx| users::delete(tx, &ctx, connection, &id.to_string()))
                        .await,
                );
                None
            }
            Call::Preserve { target: at } => {
                let Some(id) = target(at) else { return };
                let now = server::clock::now();
                self.provost
                    .admin_at(now, move |tx, ctx| users::preserve(tx, ctx, id))
                    .await
                    .ok()
            }
            Call::Purge { target: at } => {
                let Some(id) = target(at) else { return };
                let purge = move |tx: &mut store::Tx<'_>, ctx: &directory::Ctx| {
                    users::purge(tx, ctx, id, "as the sequence wants it")
                };
                if self.provost.admin_at(server::clock::now(), purge).await.is_ok() {
                    self.purged.insert(id);
                }
                None
            }
        };
        if let Some(record) = made
            && !self.made.contains(&record.facts.id)
        {
            self.made.push(record.facts.id);
        }
    }

    async fn patch(&self, ctx: directory::Ctx, from: usize, id: UserId, operations: Value) -> Option<Record> {
        let body = Patch::parse(patch(operations).as_object().cloned().unwrap()).unwrap();
        let connection = self.connections[from];
        let written = self
            .provost
            .store
            .write(move |tx| users::patch(tx, &ctx, connection, &id.to_string(), &body));
        written.await.ok()
    }

    /// What must hold between two looks.
    fn check(
        &self,
        before: &HashMap<UserId, Record>,
        after: &HashMap<UserId, Record>,
    ) -> Result<(), TestCaseError> {
        for id in &self.made {
            prop_assert_eq!(
                after.contains_key(id),
                !self.purged.contains(id),
                "a user is lost, or a purged one is back"
            );
        }
        for (id, old) in before {
            let Some(new) = after.get(id) else { continue };
            let was_held = old.facts.lifecycle.hold() == directory::Hold::Administrator;
            let is_held = new.facts.lifecycle.hold() == directory::Hold::Administrator;
            prop_assert!(!was_held || is_held, "an administrator's hold has ended");
            let is_account = |preservation: &Preservation| preservation.cause != Cause::Staged;
            if old.facts.lifecycle.preservation().is_some_and(is_account) {
                let external_id = |record: &Record| record.clone().open().external_id().map(str::to_owned);
                if let Some(known) = external_id(old) {
                    prop_assert_eq!(
                        external_id(new),
                        Some(known),
                        "a preserved account was given to somebody else"
                    );
                }
            }
        }
        Ok(())
    }
}

#[test]
fn no_sequence_of_calls_breaks_a_promise() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (provost, connections) = runtime.block_on(async {
        let provost = start().await;
        drop(provost.connect("other").await);
        let settings = provost
            .store
            .read(|tx| service::settings::all(tx, provost.tenant))
            .unwrap();
        let connections = [settings.connections[0].id, settings.connections[1].id];
        (provost, connections)
    });
    let cases = option_env!("PROVOST_SEQUENCES")
        .and_then(|text| text.parse().ok())
        .unwrap_or(SEQUENCES);
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let number = std::cell::Cell::new(0_u64);
    let outcome = TestRunner::new(config).run(&prop::collection::vec(call(), 1..14), |calls| {
        number.set(number.get() + 1);
        let mut world = World {
            provost: &provost,
            connections,
            prefix: format!("s{}", number.get()),
            made: Vec::new(),
            purged: HashSet::new(),
        };
        for call in &calls {
            let before = world.look();
            runtime.block_on(world.run(call));
            world.check(&before, &world.look())?;
        }
        Ok(())
    });
    outcome.unwrap();
    runtime.block_on(async {
        let page = |start: usize| format!("/Users?startIndex={start}&count=1000");
        let mut seen = HashSet::new();
        loop {
            let list = provost.client.get(&page(seen.len() + 1)).await.expect(200);
            let users = list["Resources"].as_array().unwrap().clone();
            if users.is_empty() {
                assert_eq!(
                    list["totalResults"],
                    seen.len(),
                    "the count that is kept is the number of users"
                );
                return;
            }
            seen.extend(users.iter().map(|user| user["id"].to_string()));
        }
    });
}
