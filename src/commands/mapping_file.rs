//! The file that `provost mapping apply` reads: TOML, `[[mapping]]` in order and `[[example]]` people.

use std::path::Path;

use directory::{Bytes, Condition};
use figment::Figment;
use figment::providers::{Format as _, Toml};
use scim::filter::Quotes;
use scim::{AttributePath, Filter, Object};
use serde::Deserialize;
use service::settings::mapping_list::{Example, MappingList};
use service::settings::mappings::MappingChange;

use super::Session;
use crate::exit::Failure;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    mapping: Vec<MappingEntry>,
    #[serde(default)]
    example: Vec<ExampleEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MappingEntry {
    name: String,
    #[serde(default)]
    any: bool,
    attribute: Option<String>,
    #[serde(default)]
    values: Vec<String>,
    #[serde(default)]
    case_sensitive: bool,
    filter: Option<String>,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    connections: Vec<String>,
    profile: String,
    storage: String,
    quota: Option<String>,
    activation_mail: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExampleEntry {
    name: String,
    user: Object,
    connection: Option<String>,
    /// Names or ids of the groups that it belongs to.
    #[serde(default)]
    groups: Vec<String>,
    /// Absent where no mapping may match.
    profile: Option<String>,
}

/// What a mapping says that says whom it is for twice, or not at all.
const ONE_OF: &str = "say one of any = true, attribute with values, filter, or groups";

/// Reads the file.
pub(super) fn read(session: &Session, path: &Path) -> Result<MappingList, Failure> {
    let named = |what: String| Failure::usage(format!("{}: {what}", path.display()));
    if !path.is_file() {
        let what = if path.is_dir() {
            "it is a folder"
        } else {
            "there is no such file"
        };
        return Err(named(what.to_owned()));
    }
    let file: File = Figment::from(Toml::file_exact(path))
        .extract()
        .map_err(|error| named(error.to_string()))?;
    if file.mapping.is_empty() {
        return Err(named(
            "it has no [[mapping]], so nobody would be placed; to remove one, use `provost mapping remove`"
                .to_owned(),
        ));
    }
    let mappings = file.mapping.into_iter().map(|entry| {
        let name = entry.name.clone();
        let change = entry.into_change(session);
        change
            .map(|change| (name.clone(), change))
            .map_err(|what| named(format!("mapping \"{name}\": {what}")))
    });
    let example = |entry: ExampleEntry| {
        let name = entry.name.clone();
        entry
            .into_example(session)
            .map_err(|what| named(format!("example \"{name}\": {what}")))
    };
    Ok(MappingList {
        mappings: mappings.collect::<Result<_, _>>()?,
        examples: file.example.into_iter().map(example).collect::<Result<_, _>>()?,
    })
}

impl ExampleEntry {
    fn into_example(self, session: &Session) -> Result<Example, String> {
        let within: Vec<_> = self.connection.iter().cloned().collect();
        let groups = if self.groups.is_empty() {
            Vec::new()
        } else {
            match session.of_groups(&self.groups, &within) {
                Ok(Condition::Group { groups }) => groups,
                Ok(_) => Vec::new(),
                Err(error) => return Err(error.to_string()),
            }
        };
        Ok(Example {
            name: self.name,
            user: self.user,
            connection: self.connection,
            groups,
            profile: self.profile,
        })
    }
}

impl MappingEntry {
    fn into_change(self, session: &Session) -> Result<MappingChange, String> {
        let condition = match (self.any, self.attribute, self.filter) {
            (false, None, None) if !self.groups.is_empty() => session
                .of_groups(&self.groups, &self.connections)
                .map_err(|error| error.to_string())?,
            _ if !self.groups.is_empty() => return Err(ONE_OF.to_owned()),
            (true, None, None) => Condition::Any,
            (false, Some(path), None) => Condition::Attribute {
                path: AttributePath::parse(&path).map_err(|error| error.detail)?,
                values: self.values,
                case_sensitive: self.case_sensitive,
            },
            (false, None, Some(filter)) => Condition::Filter {
                filter: Filter::parse(&filter, Quotes::Required).map_err(|error| error.detail)?,
            },
            _ => return Err(ONE_OF.to_owned()),
        };
        let quota: Option<Bytes> = self.quota.map(|text| text.parse()).transpose()?;
        Ok(MappingChange {
            name: None,
            condition: Some(condition),
            connections: Some(self.connections),
            profile: Some(self.profile),
            storage: Some(self.storage),
            quota: Some(quota),
            activation_mail: self.activation_mail,
        })
    }
}
