//! The list of users: searched as one types, filtered, with the columns that one wants, all of it in the address.

use askama::Template;
use directory::{Action, Settings};
use scim::Object;
use serde::Deserialize;
use serde_json::json;
use service::settings::{Named, named};
use service::users::{self, Imported, Newcomer, PlaceChange};

use super::page::{Answer, Page, Query, Sent, Shell, see_other};
use super::view::{Row, counted, encoded, number};
use crate::access::caller::{ChangeUsers, ReadUsers};
use crate::access::problem::Problem;
use crate::manage::users::{Asked, browse};

/// Users on a page.
const PAGE: usize = 50;

/// What the address says.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Wanted {
    #[serde(default)]
    pub(super) search: String,
    #[serde(default)]
    pub(super) status: String,
    #[serde(default)]
    pub(super) hold: String,
    #[serde(default)]
    pub(super) profile: String,
    #[serde(default)]
    pub(super) storage: String,
    #[serde(default)]
    pub(super) mapping: String,
    #[serde(default)]
    pub(super) connection: String,
    #[serde(default)]
    pub(super) legal_hold: String,
    #[serde(default)]
    pub(super) cursor: String,
    #[serde(default)]
    pub(super) columns: Vec<String>,
}

/// A filter that is on.
pub(super) struct Chip {
    pub(super) label: String,
    /// Where the page is without it.
    pub(super) without: String,
}

impl Wanted {
    /// What the list is asked for.
    pub(super) fn asked(&self) -> Asked {
        let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        Asked {
            search: self.search.clone(),
            status: some(&self.status),
            hold: some(&self.hold),
            profile: some(&self.profile),
            storage: some(&self.storage),
            mapping: some(&self.mapping),
            connection: some(&self.connection),
            legal_hold: (self.legal_hold == "true").then_some(true),
            cursor: some(&self.cursor),
            limit: Some(PAGE),
        }
    }

    fn pairs(&self) -> [(&'static str, &'static str, &String); 8] {
        [
            ("search", "", &self.search),
            ("status", "Status", &self.status),
            ("hold", "Hold", &self.hold),
            ("profile", "Profile", &self.profile),
            ("storage", "Storage", &self.storage),
            ("mapping", "Mapping", &self.mapping),
            ("connection", "Managed by", &self.connection),
            ("legalHold", "Legal hold", &self.legal_hold),
        ]
    }

    /// The filter as it stands in an address, less one part; the columns too.
    pub(super) fn query(&self, without: &str) -> String {
        let pairs = self.pairs();
        let set = pairs
            .iter()
            .filter(|(name, _, value)| *name != without && !value.is_empty());
        let mut parts: Vec<_> = set
            .map(|(name, _, value)| format!("{name}={}", encoded(value)))
            .collect();
        parts.extend(
            self.columns
                .iter()
                .map(|column| format!("columns={}", encoded(column))),
        );
        parts.join("&")
    }

    /// The same as hidden fields of a form.
    pub(super) fn fields(&self) -> Vec<(&'static str, &String)> {
        let pairs = self.pairs();
        let set = pairs.into_iter().filter(|(_, _, value)| !value.is_empty());
        set.map(|(name, _, value)| (name, value)).collect()
    }

    fn chips(&self) -> Vec<Chip> {
        let pairs = self.pairs();
        let set = pairs
            .iter()
            .filter(|(_, label, value)| !label.is_empty() && !value.is_empty());
        let chip = |(name, label, value): &(&str, &str, &String)| Chip {
            label: match *name {
                "legalHold" => "On legal hold".to_owned(),
                _ => format!("{label}: {value}"),
            },
            without: format!("/console/users?{}", self.query(name)),
        };
        set.map(chip).collect()
    }

    /// The same with the names of settings where their ids were given.
    fn with_names(mut self, settings: &Settings) -> Self {
        fn rename<N: Named>(text: &mut String, list: &[N]) {
            if let Ok(one) = named(list, text) {
                *text = one.name().to_string();
            }
        }
        rename(&mut self.profile, &settings.profiles);
        rename(&mut self.storage, &settings.storages);
        rename(&mut self.mapping, &settings.mappings);
        rename(&mut self.connection, &settings.connections);
        self
    }

    /// Whether a column is shown.
    pub(super) fn has(&self, column: &str) -> bool {
        if self.columns.is_empty() {
            return COLUMNS
                .iter()
                .any(|(name, _, is_usual)| *name == column && *is_usual);
        }
        self.columns.iter().any(|shown| shown == column)
    }

    /// What the filter means, in a sentence.
    pub(super) fn in_words(&self) -> String {
        let mut parts: Vec<_> = self.chips().into_iter().map(|chip| chip.label).collect();
        if !self.search.is_empty() {
            parts.insert(0, format!("named \u{201c}{}\u{201d}", self.search));
        }
        if parts.is_empty() {
            "everybody".to_owned()
        } else {
            parts.join(", ")
        }
    }
}

/// Columns that can be chosen, and those that are shown where nobody chooses.
const COLUMNS: [(&str, &str, bool); 10] = [
    ("email", "E-mail", false),
    ("status", "Status", true),
    ("profile", "Profile", true),
    ("storage", "Storage", true),
    ("quota", "Quota", false),
    ("mapping", "Mapping", true),
    ("managed", "Managed by", true),
    ("created", "Created", false),
    ("changed", "Changed", true),
    ("purge", "Purged on", false),
];

#[derive(Template)]
#[template(path = "users.html")]
struct List<'p> {
    shell: &'p Shell,
    settings: &'p Settings,
    wanted: Wanted,
    chips: Vec<Chip>,
    columns: [(&'static str, &'static str, bool); 10],
    rows: Vec<Row>,
    total: String,
    next: Option<String>,
    may_change: bool,
    may_preserve: bool,
}

/// `GET /console/users?search=ava&status=held&columns=email`
pub(super) async fn list(page: Page<ReadUsers>, Query(wanted): Query<Wanted>) -> Answer {
    let caller = &page.caller;
    let wanted = wanted.with_names(&caller.settings);
    let browse = browse(caller, &wanted.asked())?;
    let ctx = caller.ctx.clone();
    let found = caller
        .app
        .store
        .scan(move |tx| users::browse(tx, &ctx, &browse))
        .await?;
    let now = page.shell.now;
    let rows = found
        .records
        .iter()
        .map(|record| Row::of(record, &caller.settings, now));
    let list = List {
        rows: rows.collect(),
        total: match found.total {
            Some(total) if total.is_capped => format!("{}+ users", number(total.count)),
            Some(total) => counted(total.count, "user", "users"),
            None => "many users".to_owned(),
        },
        next: found
            .next
            .map(|next| format!("/console/users?{}&cursor={next}", wanted.query(""))),
        chips: wanted.chips(),
        columns: COLUMNS,
        may_change: page.shell.may(Action::ChangeUsers),
        may_preserve: page.shell.may(Action::PreserveUsers),
        settings: &caller.settings,
        shell: &page.shell,
        wanted,
    };
    page.shows(&list)
}

/// A person whom no identity provider manages.
#[derive(Debug, Default, Deserialize)]
pub(super) struct NewUser {
    user_name: String,
    given_name: String,
    family_name: String,
    email: String,
    profile: String,
    storage: String,
}

#[derive(Template)]
#[template(path = "user_new.html")]
struct Blank<'p> {
    shell: &'p Shell,
    settings: &'p Settings,
    form: NewUser,
}

/// `GET /console/users/new`
pub(super) async fn blank(page: Page<ChangeUsers>) -> Answer {
    page.shows(&Blank {
        shell: &page.shell,
        settings: &page.caller.settings,
        form: NewUser::default(),
    })
}

/// `POST /console/users/new`
pub(super) async fn create(sent: Sent<ChangeUsers, NewUser>) -> Answer {
    let Sent { page, form } = sent;
    let caller = &page.caller;
    let made = match caller.may_give(some(&form.profile)) {
        Ok(()) => caller.write(form.import()).await,
        Err(problem) => Err(problem),
    };
    match made {
        Ok(Imported::Added(record)) => Ok(see_other(&format!(
            "/console/users/{}?done=created",
            record.facts.id
        ))),
        Ok(Imported::Known(record)) => Ok(see_other(&format!("/console/users/{}", record.facts.id))),
        Err(problem) => {
            let page = page.refusing(&problem);
            page.shows(&Blank {
                shell: &page.shell,
                settings: &page.caller.settings,
                form,
            })
        }
    }
}

fn some(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

impl NewUser {
    fn import(
        &self,
    ) -> impl Fn(&mut store::Tx<'_>, &directory::Ctx) -> Result<Imported, service::Error> + Send + 'static
    {
        let mut attributes = Object::new();
        attributes.insert("userName".to_owned(), self.user_name.trim().into());
        let name = json!({"givenName": some(&self.given_name), "familyName": some(&self.family_name)});
        attributes.insert("name".to_owned(), name);
        if let Some(email) = some(&self.email) {
            attributes.insert("emails".to_owned(), json!([{"value": email, "primary": true}]));
        }
        let newcomer = Newcomer {
            attributes,
            place: PlaceChange {
                profile: some(&self.profile).map(str::to_owned),
                storage: some(&self.storage).map(str::to_owned),
                quota: None,
            },
            ..Newcomer::default()
        };
        move |tx, ctx| match users::import(tx, ctx, &newcomer)? {
            Imported::Known(record) => Err(directory::Refusal::UserNameTaken {
                user_name: record.facts.account_name,
                holder: format!("the user {} has it", record.facts.id),
            }
            .into()),
            added @ Imported::Added(_) => Ok(added),
        }
    }
}

/// What a form's empty field means.
pub(super) fn given(text: &str) -> Option<String> {
    some(text).map(str::to_owned)
}

/// A number in a form; empty is `None`.
pub(super) fn whole<T: std::str::FromStr>(name: &str, text: &str) -> Result<Option<T>, Problem> {
    let text: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
    if text.is_empty() {
        return Ok(None);
    }
    let read = text.parse();
    read.map(Some)
        .map_err(|_| Problem::bad_request(format!("{name} must be a whole number, or empty.")))
}
