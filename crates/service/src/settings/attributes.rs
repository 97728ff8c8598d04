//! Declared attributes: custom attributes that are stored, returned and shown in `/Schemas`.

use directory::{AttributeId, Ctx, DeclaredAttribute, EventKind, Refusal, Thing};
use scim::schema::{Type, USER};
use scim::{AttributePath, Schemas};
use store::Tx;

use super::put;
use crate::Error;

/// Declares an attribute of the schema `urn` (the core User schema where none is given). Users get it with their next
/// update; it is not stored for those who were pushed before.
///
/// # Errors
/// [`Refusal::BadSetting`] for what is no attribute name or no URN; [`Refusal::NameTaken`].
pub fn add(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    name: &str,
    urn: Option<&str>,
    kind: Type,
) -> Result<DeclaredAttribute, Error> {
    let settings = tx.settings_to_change(ctx.tenant)?;
    let name = name.trim();
    let urn = urn.unwrap_or(USER).trim();
    // One spelling for one schema: what users have of it is found by that.
    let urn = if urn.eq_ignore_ascii_case(USER) {
        USER
    } else {
        settings.schemas.extension(urn).map_or(urn, |schema| &*schema.id)
    };
    let is_name = AttributePath::parse(name).is_ok_and(|path| path.sub.is_none() && path.schema.is_none());
    if !is_name || !urn.to_ascii_lowercase().starts_with("urn:") || urn.len() > 200 || kind == Type::Complex {
        let detail = format!(
            "{name:?} in {urn:?} cannot be declared: an attribute has a name of letters, digits, - and _, a schema that starts \
             with \"urn:\", and a simple type."
        );
        return Err(Refusal::BadSetting { detail }.into());
    }
    let standard = Schemas::standard();
    let taken =
        settings.schemas.attribute_of(urn, name).is_some() || standard.attribute_of(urn, name).is_some();
    if taken || urn.eq_ignore_ascii_case(directory::extension::DIRECTORY) {
        return Err(Refusal::NameTaken {
            thing: Thing::Attribute,
            name: name.to_owned(),
        }
        .into());
    }
    let attribute = DeclaredAttribute {
        id: AttributeId::from(ctx.ids.first()),
        name: name.to_owned(),
        urn: urn.to_owned(),
        kind,
    };
    put(tx, ctx, EventKind::SettingAdded, &attribute)?;
    Ok(attribute)
}

/// Takes a declaration back. What users have of it is taken away by [`crate::users::forget`], which comes next.
///
/// # Errors
/// [`Refusal::Unknown`].
pub fn remove(tx: &mut Tx<'_>, ctx: &Ctx, name: &str) -> Result<DeclaredAttribute, Error> {
    let settings = tx.settings_to_change(ctx.tenant)?;
    let named = |attribute: &&DeclaredAttribute| {
        attribute.name.eq_ignore_ascii_case(name)
            || format!("{}:{}", attribute.urn, attribute.name).eq_ignore_ascii_case(name)
    };
    let Some(attribute) = settings.declared.iter().find(named) else {
        let known = settings
            .declared
            .iter()
            .map(|attribute| attribute.name.clone())
            .collect();
        return Err(Refusal::Unknown {
            thing: Thing::Attribute,
            name: name.to_owned(),
            known,
        }
        .into());
    };
    super::remove(tx, ctx, attribute)?;
    Ok(attribute.clone())
}
