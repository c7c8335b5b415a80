//! The command line of `highwater-server`.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Runs a system for real: the product's backend on a platform in a box, with the limits and protections of the system file.
#[derive(Debug, Parser)]
#[command(
    name = "highwater-server",
    version,
    arg_required_else_help = true,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "\
Exit codes:
  0  stopped as told
  2  a mistake in the command or in a file
  3  could not start or go on, such as a port that is taken"
)]
pub struct Arguments {
    /// Something else than the server.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// How the server runs.
    #[command(flatten)]
    pub serve: Serve,
}

/// What else there is.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the bundled model provider alone, for any client of OpenAI's API
    Upstream(UpstreamArguments),
}

/// What is run.
#[derive(Debug, Args)]
pub struct System {
    /// A system or a scenario: a file, or the name of a bundled one (`highwater list`); a file wins over a name
    // Not there beside a subcommand, which has one of its own.
    #[arg(value_name = "SYSTEM|SCENARIO", required = true)]
    name: Option<String>,
    /// Override a setting by its path in the file: `web.plan=pro` (repeatable)
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub settings: Vec<String>,
    /// A profile of the system, such as `hardened`
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Root seed, instead of the scenario's
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Seconds of the system that pass in one of the clock's
    #[arg(long, value_name = "X", default_value_t = 1.0)]
    pub time_scale: f64,
}

impl System {
    /// What it is called.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }
}

/// Where something listens.
#[derive(Debug, Args)]
pub struct Listening {
    /// The port; 0 for any that is free
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    pub port: u16,
    /// The address
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub host: IpAddr,
    /// Listen on an address that others than this machine reach
    #[arg(long)]
    pub allow_remote: bool,
    /// Stop by itself after so long, such as `10m`
    #[arg(long = "for", value_name = "TIME")]
    pub lasts: Option<String>,
    /// What standard output gets once it listens
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Arguments of the server.
#[derive(Debug, Args)]
pub struct Serve {
    #[command(flatten)]
    pub system: System,
    #[command(flatten)]
    pub listening: Listening,
    /// The database: `embedded` (SQLite in this process) or `embedded:FILE`
    #[arg(long, value_name = "embedded[:FILE]", conflicts_with = "postgres")]
    pub store: Option<String>,
    /// PostgreSQL: its address, or `temporary` for one that ends with the server; with `temporary:fsync` commits wait for
    /// the disk
    #[arg(long, value_name = "URL|temporary[:fsync]")]
    pub postgres: Option<String>,
    /// Redis: its address, or `temporary` for one that ends with the server [default: a cache in this process]
    #[arg(long, value_name = "URL|temporary")]
    pub redis: Option<String>,
    /// The model provider: `bundled`, or the base of an address such as `https://api.openai.com/v1`
    #[arg(long, value_name = "bundled|URL", default_value = "bundled")]
    pub upstream: String,
    /// The file with the key of that provider's account [default: the variable OPENAI_API_KEY]
    #[arg(long, value_name = "FILE")]
    pub api_key_file: Option<PathBuf>,
    /// Let people in without a token; they are counted by their address
    #[arg(long)]
    pub guests: bool,
    /// Believe a load generator on this machine whom it speaks for
    #[arg(long)]
    pub load_test: bool,
    /// Believe `X-Forwarded-For`: behind a proxy, or for a load test from one machine
    #[arg(long)]
    pub trust_forwarded: bool,
    /// The file with the operator's secret [default: the variable HIGHWATER_ADMIN_SECRET, else one made by chance]
    #[arg(long, value_name = "FILE")]
    pub admin_secret_file: Option<PathBuf>,
    /// The file with the secret that payment events are signed with [default: HIGHWATER_WEBHOOK_SECRET, else by chance]
    #[arg(long, value_name = "FILE")]
    pub webhook_secret_file: Option<PathBuf>,
    /// The file with the secret that users' tokens are signed with [default: HIGHWATER_TOKEN_SECRET, else by chance]
    #[arg(long, value_name = "FILE")]
    pub token_secret_file: Option<PathBuf>,
    /// The file that says where the channels of the system's monitoring lead (docs/monitoring.md); without it alerts are only
    /// logged and shown
    #[arg(long, value_name = "FILE")]
    pub channels: Option<PathBuf>,
    /// Open connections at most
    #[arg(long, value_name = "N", default_value_t = 8192, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub connections: u32,
    /// How long requests in hand may take to end once it is to stop
    #[arg(long, value_name = "TIME", default_value = "30s")]
    pub drain: String,
}

/// Arguments of `highwater-server upstream`.
#[derive(Debug, Args)]
pub struct UpstreamArguments {
    #[command(flatten)]
    pub system: System,
    #[command(flatten)]
    pub listening: Listening,
    /// Which of the system's providers, where there are several
    #[arg(long, value_name = "NAME")]
    pub provider: Option<String>,
    /// The file with the API key that is asked for [default: HIGHWATER_API_KEY, else one made by chance]
    #[arg(long, value_name = "FILE")]
    pub api_key_file: Option<PathBuf>,
    /// The file with the operator's secret [default: HIGHWATER_ADMIN_SECRET, else one made by chance]
    #[arg(long, value_name = "FILE")]
    pub admin_secret_file: Option<PathBuf>,
}

/// What standard output gets.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Nothing; words go to standard error
    #[default]
    Table,
    /// One line of JSON with the address and the port
    Json,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    // Lost if broken: a flag that panics the first time somebody types it.
    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
