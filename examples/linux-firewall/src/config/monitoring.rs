//! What is monitored: from the file to the role machine's configuration, and to the checks of services.

use super::check::{ConfigError, wrong};
use super::file::{self, File};
use crate::links::SharedInterface;
use crate::service::{Check, CommandLine, Watched};
use ha_core::identity::{InterfaceId, ServiceId};
use ha_core::monitor::{
    Family, Ipv4Monitoring, Ipv6Monitoring, MonitorConfig, MonitorError, MonitoredInterface,
    Physical, Service,
};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;
use std::time::Duration;

/// How often a service can be checked.
const EVERY: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(3600);
/// The longest that a command can be given.
const LONGEST: Duration = Duration::from_secs(3600);

/// The configuration of the role machine's monitors. `shared` are the interfaces in their order.
pub(super) fn monitors(
    file: &File,
    shared: &[SharedInterface],
) -> Result<MonitorConfig, ConfigError> {
    let mut builder = MonitorConfig::builder()
        .probe_interval(file.monitoring.probe_interval)
        .missed_probes(file.monitoring.missed_probes)
        .online_licensing(file.monitoring.online_licensing);
    for (number, (interface, shared)) in (1..).zip(file.interface.iter().zip(shared)) {
        builder = builder.interface(monitored(number, interface, shared)?);
    }
    for (number, service) in (0..).zip(&file.service) {
        let key = |name: &str| service_key(number, service, name);
        builder = builder.service(Service {
            id: ServiceId(number),
            name: service.name.parse().map_err(|e| wrong(key("name"), e))?,
            deadline: service.deadline,
            weight: service.weight,
            scope: service.scope,
            restarts: if service.restart.is_empty() { 0 } else { service.restarts },
            window: service.restart_window,
        });
    }
    builder.build().map_err(|error| named(file, error))
}

fn monitored(
    number: usize,
    interface: &file::Interface,
    shared: &SharedInterface,
) -> Result<MonitoredInterface, ConfigError> {
    let key = |name: &str| format!("interface {number} ({}): {name}", interface.device);
    let (weight, management) = (interface.weight, interface.management);
    if management && interface.monitoring_ipv4.is_none() && interface.monitoring_ipv6.is_none() {
        let reason = "it needs the units' own addresses: monitoring-ipv4 or monitoring-ipv6";
        return Err(wrong(key("management"), reason));
    }
    let ipv4 = match (interface.monitoring_ipv4, interface.probe_ipv4) {
        (None, None) => None,
        (addresses, target) => {
            let addresses = addresses.unwrap_or([Ipv4Addr::UNSPECIFIED; 2]);
            let net = network(shared, addresses.map(IpAddr::from));
            let Some(IpNet::V4(shared)) = net else {
                return Err(wrong(key("monitoring-ipv4"), "the interface shares no IPv4 address"));
            };
            Some(Ipv4Monitoring { shared, addresses, management, target, weight })
        }
    };
    let ipv6 = match (interface.monitoring_ipv6, interface.probe_ipv6) {
        (None, None) => None,
        (addresses, target) => {
            let addresses = addresses.unwrap_or([Ipv6Addr::UNSPECIFIED; 2]);
            let net = network(shared, addresses.map(IpAddr::from));
            let Some(IpNet::V6(net)) = net else {
                return Err(wrong(key("monitoring-ipv6"), "the interface shares no IPv6 address"));
            };
            Some(Ipv6Monitoring {
                shared: net,
                // Without a virtual MAC none is shared: each unit keeps that of its device.
                link_local: shared.link_local(),
                addresses,
                management,
                target,
                weight,
            })
        }
    };
    Ok(MonitoredInterface {
        interface: InterfaceId(interface.id),
        zone: interface.zone,
        physical: physical(number, interface)?,
        ipv4,
        ipv6,
    })
}

/// How its link is monitored.
fn physical(number: usize, interface: &file::Interface) -> Result<Option<Physical>, ConfigError> {
    let refused = |reason| {
        let key = format!("interface {number} ({}): ports", interface.device);
        Err(wrong(key, reason))
    };
    if !interface.monitor && interface.ports.is_some() {
        return refused("its link is not monitored");
    }
    let mut names = BTreeSet::new();
    for port in interface.ports() {
        if port.is_empty() || port.len() > 15 {
            return refused("a port has a name of 1 to 15 bytes");
        }
        if !names.insert(port) {
            return refused("a port is there twice");
        }
    }
    let ports = u8::try_from(names.len()).unwrap_or(u8::MAX);
    Ok(interface.monitor.then_some(Physical { ports, weight: interface.weight }))
}

/// The shared address in whose network the monitoring addresses are; else the first of their family.
fn network(shared: &SharedInterface, addresses: [IpAddr; 2]) -> Option<IpNet> {
    let nets = || {
        let nets = shared.addresses.iter().filter_map(|it| {
            Some(match it.address() {
                IpAddr::V4(v4) => IpNet::V4(Ipv4Net::new(v4, it.prefix()).ok()?),
                IpAddr::V6(v6) => IpNet::V6(Ipv6Net::new(v6, it.prefix()).ok()?),
            })
        });
        // A link-local address says nothing of the network that lies there.
        let is_link_local =
            |net: &IpNet| matches!(net, IpNet::V6(v6) if v6.addr().is_unicast_link_local());
        nets.filter(move |net| !is_link_local(net))
            .filter(|net| Family::of(net.addr()) == Family::of(addresses[0]))
    };
    nets().find(|net| addresses.iter().all(|one| net.contains(one))).or_else(|| nets().next())
}

/// How the services are checked and restarted.
pub(super) fn services(file: &File) -> Result<Vec<Watched>, ConfigError> {
    (0..).zip(&file.service).map(|(number, service)| watched(number, service)).collect()
}

fn watched(number: u16, service: &file::Service) -> Result<Watched, ConfigError> {
    let key = |name: &str| service_key(number, service, name);
    if !EVERY.contains(&service.every) {
        return Err(wrong(key("every"), "it is not from 100ms to 1h"));
    }
    if service.deadline <= service.every {
        return Err(wrong(
            key("deadline"),
            "it is not longer than every: it would always be missed",
        ));
    }
    for (name, limit) in
        [("time-limit", service.time_limit), ("restart-time-limit", service.restart_time_limit)]
    {
        if limit.is_zero() || limit > LONGEST {
            return Err(wrong(key(name), "it is not from above 0s to 1h"));
        }
    }
    let check = match (&service.command, &service.pid_file) {
        (Some(command), None) => {
            let file::Service { deadline, every, time_limit, .. } = *service;
            if deadline < every.saturating_add(time_limit) {
                return Err(ConfigError::Deadline {
                    key: key("deadline"),
                    deadline,
                    every,
                    time_limit,
                });
            }
            let command =
                CommandLine::new(command.clone()).map_err(|e| wrong(key("command"), e))?;
            Check::Command(command, time_limit)
        }
        (None, Some(path)) => Check::PidFile(path.clone()),
        (Some(_), Some(_)) => {
            return Err(wrong(
                key("pid-file"),
                "there is a command, too: one of them says how it is",
            ));
        }
        (None, None) => return Err(wrong(key("command"), "there is none, and no pid-file")),
    };
    let restart = match service.restart.is_empty() {
        true => None,
        false => Some((
            CommandLine::new(service.restart.clone()).map_err(|e| wrong(key("restart"), e))?,
            service.restart_time_limit,
        )),
    };
    Ok(Watched {
        id: ServiceId(number),
        name: service.name.clone(),
        check,
        every: service.every,
        restart,
    })
}

fn service_key(number: u16, service: &file::Service, name: &str) -> String {
    format!("service {} ({}): {name}", u32::from(number) + 1, service.name)
}

/// The role machine names interfaces and services by their numbers; a person looks for a key.
fn named(file: &File, error: MonitorError) -> ConfigError {
    use MonitorError as E;
    let of_interface = |id: &InterfaceId, name: &str| {
        let at = file.interface.iter().position(|it| it.id == id.0).unwrap_or_default();
        let device = file.interface.get(at).map_or("", |it| it.device.as_str());
        format!("interface {} ({device}): {name}", at + 1)
    };
    let of_service = |id: &ServiceId, name: &str| {
        let service = file.service.get(usize::from(id.0));
        service.map_or_else(|| "service".to_owned(), |it| service_key(id.0, it, name))
    };
    let monitoring = |family: Family| match family {
        Family::V4 => "monitoring-ipv4",
        Family::V6 => "monitoring-ipv6",
    };
    let probe = |family: Family| match family {
        Family::V4 => "probe-ipv4",
        Family::V6 => "probe-ipv6",
    };
    let key = match &error {
        E::ProbeInterval(_) => "monitoring.probe-interval".to_owned(),
        E::MissedProbes(_) => "monitoring.missed-probes".to_owned(),
        E::TooManyInterfaces(_) => "interface".to_owned(),
        E::TooManyTargets(_) => "interface.probe-ipv4".to_owned(),
        E::TooManyServices(_) => "service".to_owned(),
        E::InterfaceTwice(_) => "interface.id".to_owned(),
        E::Ports { interface, .. } => of_interface(interface, "ports"),
        E::NoAddressForLicensing => {
            return wrong("monitoring.online-licensing", error);
        }
        E::OneAddress { interface, family, .. }
        | E::ManagementWithoutAddress { interface, family } => {
            of_interface(interface, monitoring(*family))
        }
        E::SameAddress { interface, address }
        | E::OutsideSubnet { interface, address, .. }
        | E::NotAHost { interface, address, .. }
        | E::SharedAddress { interface, address, .. }
        | E::LinkLocalAddress { interface, address, .. }
        | E::AddressTwice { interface, address, .. } => {
            of_interface(interface, monitoring(Family::of(*address)))
        }
        E::ProbeWithoutAddress { interface, family, .. }
        | E::TargetUnspecified { interface, family } => of_interface(interface, probe(*family)),
        E::TargetNotAHost { interface, target } | E::TargetIsOurs { interface, target } => {
            of_interface(interface, probe(Family::of(*target)))
        }
        E::ServiceNameTwice(_) => "service.name".to_owned(),
        E::Deadline { service, .. } => of_service(service, "deadline"),
        E::RestartWindow { service } => of_service(service, "restart-window"),
        E::Weights(_) => "interface.weight".to_owned(),
        _ => "monitoring".to_owned(),
    };
    let text = error.to_string();
    wrong(key, text.split_once(": ").map_or(text.as_str(), |(_, reason)| reason))
}
