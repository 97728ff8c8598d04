//! `provost tenant`

use directory::{Tenant, TenantId};
use serde_json::json;
use service::settings::tenants::{self, TenantChange};

use super::Session;
use crate::cli;
use crate::exit::Failure;

pub(super) async fn run(session: &Session, command: cli::Tenant) -> Result<(), Failure> {
    match command {
        cli::Tenant::List => {
            let all = session.store.read(store::settings::tenants)?;
            let columns = [
                "Name",
                "Require display name",
                "Unique e-mail",
                "Cloud identity",
                "Maximum active users",
                "Over limit",
                "Reclassify",
                "New external ids until",
            ];
            let rows: Vec<_> = all.iter().map(row).collect();
            session.reader.list(&columns, &rows, || {
                all.iter().map(|tenant| json!(tenant)).collect()
            })?;
        }
        cli::Tenant::Add { name } => {
            let mut ctx = session.context();
            ctx.tenant = TenantId::from(server::clock::fresh_id());
            let tenant = session
                .store
                .write(move |tx| tenants::add(tx, &ctx, &name))
                .await?;
            let sentence = format!(
                "Added the tenant {0}. Make its token: provost token create --tenant {0:?}",
                tenant.name.as_str()
            );
            session.reader.done(&sentence, &json!(tenant))?;
        }
        cli::Tenant::Remove { name } => {
            let mut ctx = session.context();
            ctx.tenant = session.store.read(|tx| tenants::show(tx, &name))?.id;
            session.store.write(move |tx| tenants::remove(tx, &ctx)).await?;
            session
                .reader
                .done("Removed the tenant.", &json!({"removed": name}))?;
        }
        cli::Tenant::Set {
            name,
            rename,
            require_display_name,
            unique_email,
            cloud_identity,
            reclassify,
            max_active_users,
            over_limit,
            accept_new_external_ids,
            log_days,
            leaver_alarm,
            max_requests_per_second,
        } => {
            let tenant = session.store.read(|tx| tenants::show(tx, &name))?;
            let change = TenantChange {
                name: rename,
                require_display_name,
                unique_email,
                cloud_identity,
                reclassify,
                max_active_users,
                over_limit,
                accept_new_external_ids_until: accept_new_external_ids.map(|until| until.0),
                log_days,
                leaver_alarm_percent: leaver_alarm,
                max_requests_per_second,
            };
            let mut ctx = session.context();
            ctx.tenant = tenant.id;
            let tenant = session
                .store
                .write(move |tx| tenants::set(tx, &ctx, &change))
                .await?;
            session
                .reader
                .done(&format!("Changed the tenant {}.", tenant.name), &json!(tenant))?;
        }
    }
    Ok(())
}

fn row(tenant: &Tenant) -> Vec<String> {
    let yes_or_no = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    vec![
        tenant.name.to_string(),
        yes_or_no(tenant.require_display_name),
        yes_or_no(tenant.unique_email),
        tenant.cloud_identity.name().to_owned(),
        tenant
            .max_active_users
            .map_or("any number".to_owned(), |max| max.to_string()),
        tenant.over_limit.name().to_owned(),
        tenant.reclassify.name().to_owned(),
        tenant
            .accept_new_external_ids_until
            .map_or(String::new(), super::shown),
    ]
}
