//! `linux-firewall`: a firewall pair on Linux in one program.

use clap::{Parser, Subcommand};
use ha_core::pair::Maintenance;
use linux_firewall::config::Either;
use linux_firewall::log::Speaker;
use linux_firewall::run::Order;
use linux_firewall::status::{NodeStatus, Status};
use linux_firewall::{config, lab, run};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Display;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// A pair of Linux firewalls: one is Active, the other takes over with all connections.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run one unit, until SIGTERM (which hands the role over)
    Run(ConfigFile),
    /// Tell how a running unit is
    Status {
        #[command(flatten)]
        config: ConfigFile,
        /// As JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Ask a running Standby to take the role over from its Active peer
    TakeOver(ConfigFile),
    /// Have the Standby peer of a running Active take the role over
    FailOver(ConfigFile),
    /// Keep a running unit from taking the role, also after a restart; an Active hands it over first
    Maintenance {
        #[command(flatten)]
        config: ConfigFile,
        /// It ends by itself after this running time of the unit, such as "30m" or "2h"
        #[arg(long = "for", value_name = "DURATION", value_parser = humantime::parse_duration)]
        lasts: Option<Duration>,
        /// End it
        #[arg(long, conflicts_with = "lasts")]
        off: bool,
    },
    /// Have a running unit restart a service that has failed, although it was given up
    RetryService {
        #[command(flatten)]
        config: ConfigFile,
        /// Its name in the configuration
        name: String,
    },
    /// Check a configuration file
    Check(ConfigFile),
    /// Try it: two firewalls, a client and a server in network namespaces, and a fault
    Lab(lab::Options),
}

#[derive(Debug, clap::Args)]
struct ConfigFile {
    /// The configuration file of the unit
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

impl ConfigFile {
    fn load(&self) -> Result<Either, config::ConfigError> {
        config::load_either(&self.config)
    }

    /// For what a cluster node does not do.
    fn load_pair(&self) -> Result<config::Checked, Box<dyn std::error::Error>> {
        match self.load()? {
            Either::Pair(config) => Ok(*config),
            Either::Node(_) => Err("this order is for a unit of a pair, not for a node".into()),
        }
    }
}

fn main() -> ExitCode {
    match carry_out(Options::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("linux-firewall: {error}");
            ExitCode::FAILURE
        }
    }
}

fn carry_out(command: Command) -> Result<ExitCode, Box<dyn std::error::Error>> {
    match command {
        Command::Run(file) => {
            let config = file.load()?;
            let unit = match &config {
                Either::Pair(config) => &config.file.unit,
                Either::Node(config) => &config.file.unit,
            };
            let speaker = Speaker::new(unit.serial.clone(), unit.designation);
            speaker.begin();
            match config {
                Either::Pair(config) => run::run(&config, speaker)?,
                Either::Node(config) => run::run_node(&config, &speaker)?,
            }
        }
        Command::Status { config, json } => {
            let text = match config.load()? {
                Either::Pair(config) => status::<Status>(&config.file.process, json)?,
                Either::Node(config) => status::<NodeStatus>(&config.file.process, json)?,
            };
            std::io::stdout().write_all(text.as_bytes())?;
        }
        Command::TakeOver(file) => return order(&file, Order::TakeOver),
        Command::FailOver(file) => return order(&file, Order::FailOver),
        Command::Maintenance { config, lasts, off } => {
            let maintenance = if off { Maintenance::Off } else { Maintenance::On { lasts } };
            return order(&config, Order::Maintenance(maintenance));
        }
        Command::RetryService { config, name } => {
            let services = config.load_pair()?.services;
            let Some(service) = services.iter().find(|service| service.name == name) else {
                return Err(format!("{name}: no service has this name").into());
            };
            return order(&config, Order::RetryService(service.id));
        }
        Command::Check(file) => {
            let checked = match file.load()? {
                Either::Pair(checked) => checked,
                Either::Node(checked) => {
                    let (unit, cluster) = (&checked.file.unit, &checked.file.cluster);
                    println!(
                        "{}: valid ({} {}, nodes: {}, virtual groups: {})",
                        file.config.display(),
                        checked.own.node,
                        unit.serial,
                        cluster.member.len(),
                        cluster.group.len()
                    );
                    return Ok(ExitCode::SUCCESS);
                }
            };
            for warning in checked.warnings() {
                eprintln!("linux-firewall: warning: {warning}");
            }
            let config = checked.file;
            let (paths, interfaces) = (config.path.len(), config.interface.len());
            println!(
                "{}: valid ({} {}, heartbeat paths: {paths}, shared interfaces: {interfaces})",
                file.config.display(),
                config.unit.designation,
                config.unit.serial
            );
        }
        Command::Lab(options) => return Ok(lab::run(options)?),
    }
    Ok(ExitCode::SUCCESS)
}

/// What a running unit says of itself.
fn status<S: DeserializeOwned + Serialize + Display>(
    process: &config::Process,
    json: bool,
) -> Result<String, Box<dyn std::error::Error>> {
    let status: S = run::ask_status(&process.control_socket)?;
    Ok(if json { serde_json::to_string(&status)? + "\n" } else { status.to_string() })
}

/// Gives an order to a running unit, and prints the answer.
fn order(file: &ConfigFile, order: Order) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let answer = run::ask(&file.load_pair()?.file.process.control_socket, order)?;
    println!("{answer}");
    Ok(if answer == order.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
