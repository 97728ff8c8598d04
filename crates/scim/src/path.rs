//! Attribute notation `[URN:]attribute[.subAttribute]` (RFC 7644 section 3.10).

use std::fmt;

use crate::{Attribute, Error, Kind, Schemas};

/// A path as written; names are compared without case, so nothing is folded here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributePath {
    /// The schema's URN, if the path names one.
    pub schema: Option<String>,
    /// The attribute's name.
    pub attribute: String,
    /// The sub-attribute's name.
    pub sub: Option<String>,
}

/// Where a path leads in a tenant's schemas.
#[derive(Debug, Clone, Copy)]
pub struct Target<'s> {
    /// The extension that holds the attribute; `None` for the core schema.
    pub extension: Option<&'s str>,
    /// The attribute.
    pub attribute: &'s Attribute,
    /// The sub-attribute.
    pub sub: Option<&'s Attribute>,
}

impl AttributePath {
    /// Reads `text`.
    ///
    /// # Errors
    /// `invalidPath`, with the part that is no attribute name.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let (schema, rest) = match text.get(..4) {
            Some(start) if start.eq_ignore_ascii_case("urn:") || text.starts_with("http") => text
                .rsplit_once(':')
                .map_or((None, text), |(urn, rest)| (Some(urn), rest)),
            _ => (None, text),
        };
        let (attribute, sub) = rest
            .split_once('.')
            .map_or((rest, None), |(name, sub)| (name, Some(sub)));
        for name in std::iter::once(attribute).chain(sub) {
            if !is_name(name) {
                return Err(Error::new(
                    Kind::InvalidPath,
                    format!(
                        "{text:?} is not an attribute path: {name:?} is not an attribute name (RFC 7644 section 3.10)."
                    ),
                ));
            }
        }
        Ok(Self {
            schema: schema.map(str::to_owned),
            attribute: attribute.to_owned(),
            sub: sub.map(str::to_owned),
        })
    }

    /// Where this path leads, if the schemas know it. A bare name is looked for in the core schema, then in the
    /// extensions in their order.
    pub fn resolve<'s>(&self, schemas: &'s Schemas) -> Option<Target<'s>> {
        let (extension, attribute) = match &self.schema {
            Some(urn) => schemas.attribute_of(urn, &self.attribute)?,
            None => schemas.attribute_anywhere(&self.attribute)?,
        };
        let sub = match &self.sub {
            Some(name) => Some(attribute.sub(name)?),
            None => None,
        };
        Some(Target {
            extension,
            attribute,
            sub,
        })
    }
}

impl serde::Serialize for AttributePath {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for AttributePath {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for AttributePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{schema}:")?;
        }
        f.write_str(&self.attribute)?;
        if let Some(sub) = &self.sub {
            write!(f, ".{sub}")?;
        }
        Ok(())
    }
}

/// Whether `text` can be an attribute name: RFC 7643 section 2.1, and what identity providers invent (`_`, digits first).
pub(crate) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '$'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_urn_keeps_its_dots() {
        let path = AttributePath::parse("urn:ietf:params:scim:schemas:core:2.0:User:name.givenName").unwrap();
        assert_eq!(
            path.schema.as_deref(),
            Some("urn:ietf:params:scim:schemas:core:2.0:User")
        );
        assert_eq!(
            (path.attribute.as_str(), path.sub.as_deref()),
            ("name", Some("givenName"))
        );
    }

    #[test]
    fn a_short_path_finds_the_enterprise_extension() {
        let schemas = Schemas::standard();
        let path = AttributePath::parse("MANAGER.displayname").unwrap();
        let target = path.resolve(&schemas).unwrap();
        assert_eq!(target.extension, Some(crate::schema::ENTERPRISE));
        assert_eq!(target.sub.unwrap().name, "displayName");
    }

    #[test]
    fn what_is_no_path_is_refused_by_its_part() {
        assert!(
            AttributePath::parse("name..x")
                .unwrap_err()
                .detail
                .contains("\".x\"")
        );
        assert!(AttributePath::parse("").is_err());
    }
}
