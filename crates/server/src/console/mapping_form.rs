//! New Mapping, and changing one: for whom it is, and what they get. Attribute names are offered from what identity providers
//! have really sent.

use std::collections::BTreeSet;

use askama::Template;
use directory::{Condition, GroupId, Mapping, Settings};
use scim::filter::Quotes;
use scim::{AttributePath, Filter, Object};
use serde::Deserialize;
use serde_json::Value;
use service::exchanges::{self, Wanted};
use service::settings::mappings::{self as stored, MappingChange};
use service::settings::named;
use store::log::exchanges::Among;
use uuid::Uuid;

use super::page::{Answer, Named, Page, Sent, Shell, see_other};
use super::users::given;
use super::view::plain;
use crate::access::caller::{ChangeSettings, ReadSettings, Right};
use crate::access::problem::Problem;
use crate::manage::version::{check_version, version_of};

/// Requests whose attributes are offered.
const RECENT: usize = 200;
/// Groups that can be chosen in the form.
const MOST_GROUPS: usize = 100;

/// The form as it is sent and shown again.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct MappingForm {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) path: String,
    /// A line each; scripts show them one by one.
    #[serde(default)]
    pub(super) values: String,
    #[serde(default)]
    pub(super) case_sensitive: String,
    #[serde(default)]
    pub(super) group: Vec<String>,
    /// Names of groups that the page does not offer, a line each.
    #[serde(default)]
    pub(super) group_names: String,
    #[serde(default)]
    pub(super) filter: String,
    #[serde(default)]
    pub(super) connection: Vec<String>,
    #[serde(default)]
    pub(super) profile: String,
    #[serde(default)]
    pub(super) storage: String,
    #[serde(default)]
    pub(super) quota: String,
    #[serde(default)]
    pub(super) mail: String,
    /// The mapping that is changed; empty for a new one.
    #[serde(default)]
    pub(super) of: String,
    /// What the mapping was when the page was made.
    #[serde(default)]
    pub(super) version: String,
    /// `yes` for the mappings as they are.
    #[serde(default)]
    pub(super) present: String,
    /// What a preview saw so far, and where it goes on.
    #[serde(default)]
    pub(super) seen: Option<String>,
    #[serde(default)]
    pub(super) after: String,
}

impl MappingForm {
    fn blank() -> Self {
        Self {
            kind: "attribute".to_owned(),
            mail: "yes".to_owned(),
            ..Self::default()
        }
    }

    fn of(mapping: &Mapping, settings: &Settings) -> Self {
        let outcome = &mapping.outcome;
        let profile = settings.profile(outcome.profile);
        let storage = settings.storage(outcome.storage);
        let connections = mapping
            .connections
            .iter()
            .filter_map(|&id| settings.connection(id));
        let mut form = Self {
            name: mapping.name.to_string(),
            of: mapping.id.to_string(),
            version: version_of(mapping),
            connection: connections.map(|one| one.name.to_string()).collect(),
            profile: profile.map(|one| one.name.to_string()).unwrap_or_default(),
            storage: storage.map(|one| one.name.to_string()).unwrap_or_default(),
            quota: outcome.quota.map(quota_text).unwrap_or_default(),
            mail: if outcome.activation_mail { "yes" } else { "" }.to_owned(),
            ..Self::default()
        };
        match &mapping.condition {
            Condition::Any => "any".clone_into(&mut form.kind),
            Condition::Attribute {
                path,
                values,
                case_sensitive,
            } => {
                "attribute".clone_into(&mut form.kind);
                form.path = path.to_string();
                form.values = values.join("\n");
                let case = if *case_sensitive { "yes" } else { "" };
                case.clone_into(&mut form.case_sensitive);
            }
            Condition::Group { groups } => {
                "group".clone_into(&mut form.kind);
                form.group = groups.iter().map(ToString::to_string).collect();
            }
            Condition::Filter { filter } => {
                "filter".clone_into(&mut form.kind);
                form.filter = filter.to_string();
            }
        }
        form
    }

    /// All that the form says, for a page that sends it again.
    pub(super) fn fields(&self) -> Vec<(&'static str, &str)> {
        let one = [
            ("name", &self.name),
            ("kind", &self.kind),
            ("path", &self.path),
            ("values", &self.values),
            ("case_sensitive", &self.case_sensitive),
            ("group_names", &self.group_names),
            ("filter", &self.filter),
            ("profile", &self.profile),
            ("storage", &self.storage),
            ("quota", &self.quota),
            ("mail", &self.mail),
            ("of", &self.of),
            ("present", &self.present),
        ];
        let groups = self.group.iter().map(|id| ("group", id.as_str()));
        let connections = self.connection.iter().map(|name| ("connection", name.as_str()));
        let said = one.into_iter().map(|(name, value)| (name, value.as_str()));
        said.chain(groups)
            .chain(connections)
            .filter(|(_, value)| !value.is_empty())
            .collect()
    }

    fn has_group(&self, id: &str) -> bool {
        self.group.iter().any(|one| one == id)
    }

    fn has_connection(&self, name: &str) -> bool {
        self.connection.iter().any(|one| one == name)
    }

    fn condition(&self) -> Result<Condition, Problem> {
        let refused = |error: scim::Error| Problem::bad_request(error.detail);
        Ok(match self.kind.as_str() {
            "any" => Condition::Any,
            "attribute" => Condition::Attribute {
                path: AttributePath::parse(self.path.trim()).map_err(refused)?,
                values: self
                    .values
                    .lines()
                    .map(str::trim)
                    .filter(|value| !value.is_empty())
                    .map(str::to_owned)
                    .collect(),
                case_sensitive: self.case_sensitive == "yes",
            },
            "group" => Condition::Group {
                groups: self.group.iter().filter_map(|id| GroupId::parse(id)).collect(),
            },
            "filter" => Condition::Filter {
                filter: Filter::parse(self.filter.trim(), Quotes::Required).map_err(refused)?,
            },
            _ => return Err(Problem::bad_request("Choose whom the mapping is for.")),
        })
    }

    /// The same with the groups that are named found.
    pub(super) async fn with_groups<R>(mut self, page: &Page<R>) -> Result<Self, Problem> {
        if self.group_names.trim().is_empty() || self.kind != "group" {
            return Ok(self);
        }
        let (settings, names, within) = (
            page.caller.settings.clone(),
            self.group_names.clone(),
            self.connection.clone(),
        );
        let found = page
            .caller
            .app
            .store
            .scan(move |tx| {
                let lines = names.lines().map(str::trim).filter(|line| !line.is_empty());
                let ids = lines.map(|name| {
                    Ok(service::groups::named(tx, &settings, name, &within)?
                        .id
                        .to_string())
                });
                ids.collect::<Result<Vec<_>, service::Error>>()
            })
            .await?;
        self.group.extend(found);
        self.group_names.clear();
        Ok(self)
    }

    /// What the form says, all of it.
    pub(super) fn change(&self) -> Result<MappingChange, Problem> {
        let quota = match given(&self.quota) {
            None => None,
            Some(text) => Some(text.parse().map_err(Problem::bad_request)?),
        };
        Ok(MappingChange {
            name: Some(self.name.clone()),
            condition: Some(self.condition()?),
            connections: Some(self.connection.clone()),
            profile: Some(self.profile.clone()),
            storage: Some(self.storage.clone()),
            quota: Some(quota),
            activation_mail: Some(self.mail == "yes"),
        })
    }
}

fn quota_text(bytes: directory::Bytes) -> String {
    if bytes.get() == 0 {
        "0".to_owned()
    } else {
        bytes.to_string().replace(' ', "")
    }
}

/// A group to choose.
struct Choice {
    id: String,
    name: String,
}

#[derive(Template)]
#[template(path = "mapping_form.html")]
struct FormPage<'p> {
    shell: &'p Shell,
    settings: &'p Settings,
    form: MappingForm,
    title: String,
    action: String,
    attributes: Vec<String>,
    groups: Vec<Choice>,
    marked: super::filter_text::Marked,
}

/// `GET /console/mappings/new`
pub(super) async fn blank(page: Page<ChangeSettings>) -> Answer {
    shown(&page, MappingForm::blank()).await
}

/// `GET /console/mappings/{mapping}`
pub(super) async fn edit(page: Page<ReadSettings>, Named(name): Named) -> Answer {
    let settings = &page.caller.settings;
    let form = MappingForm::of(named(&settings.mappings, &name)?, settings);
    shown(&page, form).await
}

async fn shown<R: Right>(page: &Page<R>, form: MappingForm) -> Answer {
    page.caller.demand_whole()?;
    let (settings, chosen) = (page.caller.settings.clone(), form.group.clone());
    let groups = page
        .caller
        .app
        .store
        .scan(move |tx| {
            // Those that are chosen come first, however many others there are.
            let mut groups = Vec::new();
            for id in &chosen {
                groups.extend(service::groups::named(tx, &settings, id, &[]));
            }
            for group in service::groups::browse(tx, &settings, None, 0, MOST_GROUPS)? {
                if !groups.iter().any(|known: &directory::Group| known.id == group.id) {
                    groups.push(group);
                }
            }
            Ok::<_, service::Error>(groups)
        })
        .await?;
    let settings = &page.caller.settings;
    let choice = |group: &directory::Group| Choice {
        id: group.id.to_string(),
        name: format!(
            "{} ({})",
            plain(
                group
                    .attributes
                    .get("displayName")
                    .and_then(Value::as_str)
                    .unwrap_or_default()
            ),
            settings
                .connection(group.connection)
                .map(|one| one.name.to_string())
                .unwrap_or_default()
        ),
    };
    page.shows(&FormPage {
        shell: &page.shell,
        title: if form.of.is_empty() {
            "New mapping".to_owned()
        } else {
            form.name.clone()
        },
        action: if form.of.is_empty() {
            "/console/mappings/new".to_owned()
        } else {
            format!("/console/mappings/{}", form.of)
        },
        attributes: offered(page).await?,
        groups: groups.iter().map(choice).collect(),
        marked: super::filter_text::marked(&form.filter),
        settings,
        form,
    })
}

/// `POST /console/mappings/new`
pub(super) async fn add(sent: Sent<ChangeSettings, MappingForm>) -> Answer {
    let Sent { page, form } = sent;
    let added = async {
        let form = form.clone().with_groups(&page).await?;
        let (name, change) = (form.name.clone(), form.change()?);
        page.caller
            .write(move |tx, ctx| stored::add(tx, ctx, &name, &change, None))
            .await
    };
    match added.await {
        Ok(_) => Ok(see_other("/console/mappings?done=saved")),
        Err(problem) => shown(&page.refusing(&problem), form).await,
    }
}

/// `POST /console/mappings/{mapping}`
pub(super) async fn set(Named(name): Named, sent: Sent<ChangeSettings, MappingForm>) -> Answer {
    let Sent { page, mut form } = sent;
    form.of.clone_from(&name);
    let written = async {
        let form = form.clone().with_groups(&page).await?;
        let (change, known) = (form.change()?, form.version);
        page.caller
            .write(move |tx, ctx| {
                let settings = tx.settings_to_change(ctx.tenant)?;
                check_version(&known, named(&settings.mappings, &name)?)?;
                stored::set(tx, ctx, &name, &change)
            })
            .await
    };
    match written.await {
        Ok(_) => Ok(see_other("/console/mappings?done=saved")),
        Err(problem) => shown(&page.refusing(&problem), form).await,
    }
}

/// Names of attributes: those that identity providers sent lately, then those of the schemas.
async fn offered<R: Right>(page: &Page<R>) -> Result<Vec<String>, Problem> {
    let tenant = page.caller.ctx.tenant;
    let wanted = Wanted {
        among: Among::All,
        before: Uuid::max(),
        limit: RECENT,
    };
    let recent = page
        .caller
        .app
        .store
        .read_log(move |tx| exchanges::page(tx, tenant, &wanted))
        .await?;
    let mut seen = BTreeSet::new();
    for exchange in &recent.exchanges {
        if exchange.detail.path.starts_with("/Users")
            && let Some(body) = &exchange.detail.body
        {
            names_in(body, "", &mut seen);
        }
    }
    let mut offered: Vec<_> = seen.iter().cloned().collect();
    let core = page.caller.settings.schemas.core().attributes.iter();
    offered.extend(
        core.map(|attribute| attribute.name.to_string())
            .filter(|name| !seen.contains(name)),
    );
    Ok(offered)
}

/// What a mapping cannot look at, or nobody would.
const LEFT_OUT: [&str; 8] = [
    "schemas",
    "id",
    "meta",
    "groups",
    "password",
    "Operations",
    "active",
    "externalId",
];

fn names_in(object: &Object, prefix: &str, seen: &mut BTreeSet<String>) {
    for (name, value) in object {
        if LEFT_OUT.contains(&name.as_str()) {
            continue;
        }
        match value {
            Value::Object(extension) if name.contains(':') => names_in(extension, "", seen),
            Value::Object(parts) if prefix.is_empty() => names_in(parts, &format!("{name}."), seen),
            _ => drop(seen.insert(format!("{prefix}{name}"))),
        }
    }
}
