//! `provost simulate`

use std::process::ExitCode;
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressStyle};
use simulator::{Plan, Report};

use crate::cli::{App, Common, Provider, Simulate};
use crate::exit::Failure;
use crate::output::{pretty, print, table};

pub(super) async fn run(common: &Common, arguments: Simulate) -> Result<ExitCode, Failure> {
    let app = app(arguments.provider, arguments.app)?;
    let authority = match &arguments.ca {
        Some(path) => Some(
            std::fs::read(path).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?,
        ),
        None => None,
    };
    let plan = Plan {
        url: arguments.url,
        token: arguments.token,
        app,
        people: arguments.people,
        seed: arguments.seed,
        concurrency: arguments.concurrency.max(1),
        custom: arguments
            .custom
            .iter()
            .map(|text| text.parse())
            .collect::<Result<_, _>>()
            .map_err(Failure::usage)?,
        authority,
    };
    let bar = progress(plan.people);
    let ticks = Arc::clone(&bar);
    let report = simulator::run(plan, move || ticks.inc(1))
        .await
        .map_err(Failure::found)?;
    bar.finish_and_clear();
    if common.json {
        print(&pretty(&report.to_json()))?;
    } else {
        show(&report, app.provider())?;
    }
    Ok(ExitCode::from(u8::from(!report.deviations.is_empty())))
}

fn app(provider: Provider, app: Option<App>) -> Result<simulator::App, Failure> {
    match (provider, app) {
        (Provider::Okta, None | Some(App::Aiw)) => Ok(simulator::App::OktaAiw),
        (Provider::Okta, Some(App::Oin)) => Ok(simulator::App::OktaOin),
        (Provider::Entra, None | Some(App::Default)) => Ok(simulator::App::Entra),
        (Provider::Entra, Some(App::AadOptscim062020)) => Ok(simulator::App::EntraAadOptscim062020),
        (Provider::Authentik, None) => Ok(simulator::App::Authentik),
        (Provider::OneLogin, None) => Ok(simulator::App::OneLogin),
        (Provider::JumpCloud, None) => Ok(simulator::App::JumpCloud),
        (Provider::Ping, None) => Ok(simulator::App::Ping),
        (Provider::Google, None) => Ok(simulator::App::Google),
        (Provider::Keycloak, None) => Ok(simulator::App::Keycloak),
        (Provider::Okta, _) => Err(Failure::usage("--app: Okta has aiw and oin")),
        (Provider::Entra, _) => Err(Failure::usage("--app: Entra ID has default and aadOptscim062020")),
        _ => Err(Failure::usage(
            "--app: this identity provider has one way; leave it out",
        )),
    }
}

fn progress(people: usize) -> Arc<ProgressBar> {
    let bar = ProgressBar::new(u64::try_from(people).unwrap_or(u64::MAX));
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} people  {elapsed}") {
        bar.set_style(style);
    }
    Arc::new(bar)
}

fn show(report: &Report, provider: &str) -> Result<(), Failure> {
    let milliseconds = |micros: u64| {
        format!(
            "{:.1} ms",
            std::time::Duration::from_micros(micros).as_secs_f64() * 1_000.0
        )
    };
    let rows: Vec<_> = report
        .calls
        .iter()
        .map(|call| {
            let statuses: Vec<_> = call
                .statuses
                .iter()
                .map(|(status, count)| format!("{status} x {count}"))
                .collect();
            let [p50, p95, p99] = call.percentiles().map(milliseconds);
            vec![
                call.name.to_owned(),
                call.micros.len().to_string(),
                statuses.join(", "),
                p50,
                p95,
                p99,
            ]
        })
        .collect();
    print(&table(&["Call", "Count", "Statuses", "p50", "p95", "p99"], &rows))?;
    if report.deviations.is_empty() {
        return Ok(print(&format!(
            "\nNo deviation: every answer was what {provider} needs."
        ))?);
    }
    print(&format!(
        "\n{} deviations from what {provider} needs:",
        report.deviations.len()
    ))?;
    for deviation in report.deviations.iter().take(50) {
        print(&format!("  {}: {}", deviation.call, deviation.what))?;
    }
    Ok(())
}
