//! The status of this unit as metrics, in the text format of OpenMetrics.

use crate::status::Status;
use ha_core::identity::Designation;
use ha_core::monitor::Reach;
use ha_core::pair::{Counter as Counted, Counters, PathStatus};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::sync::atomic::AtomicU64;

const PREFIX: &str = "linux_firewall";
/// All roles: each is 1 or 0, so that a rule can ask for one.
const ROLES: [&str; 7] = ["NONE", "ELECTION", "ACTIVE", "STANDBY", "SYNC", "REBOOT", "ERROR"];
const DESIGNATIONS: [Designation; 2] = [Designation::Primary, Designation::Secondary];

type Labels<'a> = Vec<(&'static str, &'a str)>;

/// The metrics of a unit; each bears the unit's serial number.
#[must_use]
pub fn write(status: &Status) -> String {
    let unit = ("unit".into(), status.serial.clone().into());
    let mut page = Page(Registry::with_prefix_and_labels(PREFIX, [unit].into_iter()));
    role(&mut page, status);
    monitors(&mut page, status);
    synchronization(&mut page, status);
    counted(&mut page, &status.counted);
    let counted =
        status.counters.iter().map(|(what, count)| (vec![("what", what.as_str())], *count));
    page.counters("counted", "What was ignored, refused or lost, by reason", counted);
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = encode(&mut text, &page.0);
    text
}

/// What the role machine counts, under the names that it has for a metrics exporter.
fn counted(page: &mut Page, counted: &Counters) {
    let all: Vec<_> = counted.iter().collect();
    for family in all.chunk_by(|one, other| one.name == other.name) {
        let Some(Counted { name, help, .. }) = family.first() else { continue };
        let values = family.iter().map(|it| (it.label.into_iter().collect(), it.value));
        // The format adds the ending by itself.
        page.counters(name.trim_end_matches("_total"), help, values);
    }
}

fn role(page: &mut Page, status: &Status) {
    let roles = ROLES.map(|role| (vec![("role", role)], flag(role == status.role.to_string())));
    page.gauges("role", "1 for the present role", roles);
    page.gauge("role_age_seconds", "For how long it has the role", seconds(status.since_ms));
    page.counters("role_changes", "Changes of the role", [(vec![], status.role_changes)]);
    let active = status.active.map(|unit| unit.designation);
    let names =
        DESIGNATIONS.map(|unit| (unit.to_string().to_lowercase(), flag(active == Some(unit))));
    let units = names.iter().map(|(name, is)| (vec![("designation", name.as_str())], *is));
    page.gauges("active", "1 for the unit that is Active, as far as this one knows", units);
    if let Some(failover) = status.last_failover {
        let age = status.now.saturating_since(failover.at).as_secs_f64();
        let labels = [("to", failover.to.to_string()), ("why", failover.why.to_string())];
        let labels = labels.iter().map(|(name, value)| (*name, value.as_str())).collect();
        page.gauges(
            "failover_age_seconds",
            "How long ago it last took or gave up the role",
            [(labels, age)],
        );
    }
    let weight = f64::from(status.health.weight);
    page.gauge("health_weight", "How well it is connected and works", weight);
    page.gauge("fit", "0 if something makes it less fit", flag(status.health.fit));
    page.gauge("barred", "1 if something bars the role", flag(status.obstacles.is_some()));
    page.gauge("maintenance", "1 in maintenance", flag(status.maintenance.on));
    page.gauge("peer_heard", "1 if the peer is heard", flag(status.peer.heard));
    let paths = |up: fn(&PathStatus) -> bool| {
        status.paths.iter().map(move |it| (vec![("path", it.name.as_str())], flag(up(&it.status))))
    };
    page.gauges("path_heard", "1 if the peer is heard on the path", paths(|it| it.heard));
    let by_peer = paths(|it| it.heard_by_peer);
    page.gauges("path_heard_by_peer", "1 if the peer hears the unit on the path", by_peer);
    let stall = status.longest_stall_us as f64 / 1e6;
    page.gauge("longest_stall_seconds", "By how much a heartbeat was late at the most", stall);
}

fn monitors(page: &mut Page, status: &Status) {
    // What is not known yet has no value.
    let links = status.links.iter().filter_map(|it| Some((link(&it.device), flag(it.status.up?))));
    page.gauges("link_up", "1 if the link of the interface is up", links);
    let addresses: Vec<_> = status.targets.iter().map(|it| it.status.target.to_string()).collect();
    let all = || status.targets.iter().zip(&addresses);
    let target = |device, target| vec![("interface", device), ("target", target)];
    let targets = all().filter_map(|(it, address)| {
        let reached = match it.status.reach {
            Reach::Reached => 1.0,
            Reach::Lost => 0.0,
            Reach::Unknown => return None,
        };
        Some((target(it.device.as_str(), address.as_str()), reached))
    });
    page.gauges("target_reached", "1 if the target answers probes", targets);
    let missed = all().map(|(it, address)| {
        (target(it.device.as_str(), address.as_str()), f64::from(it.status.missed))
    });
    page.gauges("target_missed_probes", "Probes in a row without an answer", missed);
    let services = || status.services.iter().map(|it| (it, vec![("service", it.name.as_str())]));
    let works = services().map(|(it, labels)| (labels, flag(!it.failed)));
    page.gauges("service_works", "1 unless the service has failed", works);
    let given_up = services().map(|(it, labels)| (labels, flag(it.given_up)));
    page.gauges("service_given_up", "1 if it is not restarted any more", given_up);
    let deductions = status
        .deductions
        .iter()
        .map(|it| (vec![("monitor", it.what.as_str())], f64::from(it.weight)));
    page.gauges("health_deduction", "What the health weight lacks, and why", deductions);
}

fn link(device: &str) -> Labels<'_> {
    vec![("interface", device)]
}

fn synchronization(page: &mut Page, status: &Status) {
    let sync = &status.sync;
    if !sync.enabled {
        return;
    }
    page.gauge("sync_records", "Connections known", sync.records as f64);
    page.gauge("sync_complete", "1 if the Standby has all of them", flag(sync.in_sync));
    page.gauge("sync_behind_changes", "Changes that the Standby does not have", sync.behind as f64);
    if let Some(lag) = sync.last_heard_ms {
        page.gauge("sync_silence_seconds", "For how long the other side is silent", seconds(lag));
    }
}

fn flag(on: bool) -> f64 {
    if on { 1.0 } else { 0.0 }
}

fn seconds(milliseconds: u64) -> f64 {
    milliseconds as f64 / 1e3
}

struct Page(Registry);

impl Page {
    fn gauge(&mut self, name: &str, help: &str, value: f64) {
        self.gauges(name, help, [(vec![], value)]);
    }

    fn gauges<'a>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (Labels<'a>, f64)>,
    ) {
        let family = Family::<Vec<(&'static str, String)>, Gauge<f64, AtomicU64>>::default();
        for (labels, value) in values {
            family.get_or_create(&owned(labels)).set(value);
        }
        self.0.register(name, help, family);
    }

    fn counters<'a>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (Labels<'a>, u64)>,
    ) {
        let family = Family::<Vec<(&'static str, String)>, Counter>::default();
        for (labels, value) in values {
            family.get_or_create(&owned(labels)).inc_by(value);
        }
        self.0.register(name, help, family);
    }
}

fn owned(labels: Labels<'_>) -> Vec<(&'static str, String)> {
    labels.into_iter().map(|(name, value)| (name, value.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// What a scraper makes of it: each line is a name with labels and a value, and the last one ends it.
    fn parse(text: &str) -> BTreeMap<String, f64> {
        let mut samples = BTreeMap::new();
        let mut lines = text.lines();
        assert_eq!(lines.next_back(), Some("# EOF"));
        for line in lines {
            if line.starts_with("# ") {
                let kind = line.split(' ').nth(1);
                assert!(matches!(kind, Some("HELP" | "TYPE")), "{line}");
                continue;
            }
            let (name, value) = line.rsplit_once(' ').unwrap();
            let twice = samples.insert(name.to_owned(), value.parse().unwrap());
            assert_eq!(twice, None, "{name} is there twice");
        }
        samples
    }

    /// COS-5, STA-1: what a program reads: names that stay, each with the unit's serial number.
    #[test]
    fn metrics_can_be_parsed() {
        let status = crate::status::with_monitors();
        let samples = parse(&write(&status));
        let unit = "unit=\"FW-0002\"";
        for (name, labels, value) in [
            ("role", ",role=\"STANDBY\"", 1.0),
            ("role", ",role=\"ACTIVE\"", 0.0),
            ("role_age_seconds", "", 61.5),
            ("role_changes_total", "", 1.0),
            ("takes_total", "", 7.0),
            ("peer_losses_total", "", 2.0),
            ("heartbeats_ignored_total", ",reason=\"stale\"", 3.0),
            ("heartbeats_ignored_total", ",reason=\"checksum\"", 0.0),
            ("active", ",designation=\"primary\"", 1.0),
            ("active", ",designation=\"secondary\"", 0.0),
            (
                "failover_age_seconds",
                ",to=\"STANDBY\",why=\"the peer is fitter than this unit\"",
                90.0,
            ),
            ("health_weight", "", 2.0),
            ("fit", "", 1.0),
            ("barred", "", 0.0),
            ("maintenance", "", 0.0),
            ("peer_heard", "", 1.0),
            ("path_heard", ",path=\"lan\"", 1.0),
            ("path_heard_by_peer", ",path=\"lan\"", 0.0),
            ("longest_stall_seconds", "", 0.001_25),
            ("link_up", ",interface=\"wan0\"", 0.0),
            ("target_reached", ",interface=\"lan0\",target=\"10.1.0.53\"", 1.0),
            ("target_missed_probes", ",interface=\"wan0\",target=\"fd00:2::53\"", 3.0),
            ("service_works", ",service=\"dns\"", 0.0),
            ("service_given_up", ",service=\"dns\"", 1.0),
            ("health_deduction", ",monitor=\"service dns\"", 3.0),
            ("sync_records", "", 50_000.0),
            ("sync_complete", "", 1.0),
            ("sync_behind_changes", "", 0.0),
            ("counted_total", ",what=\"event overruns\"", 4.0),
        ] {
            let name = format!("linux_firewall_{name}{{{unit}{labels}}}");
            assert_eq!(samples.get(&name), Some(&value), "{name} in {samples:#?}");
        }
        assert!(!samples.keys().any(|name| name.contains("dmz0")), "its link is not known yet");
        assert!(samples.keys().all(|name| name.contains(unit)), "{samples:#?}");
    }
}
