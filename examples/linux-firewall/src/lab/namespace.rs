//! Network namespaces that are deleted when the last user lets go of them.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use rustix::process::{Pid, Signal, geteuid, kill_process};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::{Context, Error, tool};

const DIRECTORY: &str = "/var/run/netns";
const PREFIX: &str = "hafw-";

/// A named network namespace. Clones share it; the last one deletes it.
#[derive(Clone)]
pub(super) struct Namespace(Arc<Guard>);

struct Guard {
    name: String,
    /// Kept open: entering must not depend on a path lookup.
    file: File,
}

impl Namespace {
    /// Makes `hafw-<pid>-<role>` with its loopback up.
    pub(super) fn create(role: &str) -> Result<Self, Error> {
        let name = format!("{}{role}", prefix());
        if path(&name).exists() {
            // A process id was used again.
            delete(&name);
        }
        tool::run("ip", &["netns", "add", &name])?;
        let file = File::open(path(&name))
            .context(|| format!("open network namespace {name}"))
            .inspect_err(|_| {
                delete(&name);
            })?;
        let namespace = Self(Arc::new(Guard { name, file }));
        tool::ip(&namespace, "link set lo up\n")?;
        Ok(namespace)
    }

    pub(super) fn name(&self) -> &str {
        &self.0.name
    }

    /// Runs `work` on a thread inside. Sockets, child processes and `/proc/sys/net` belong to the
    /// namespace there.
    pub(super) fn run<T: Send>(
        &self,
        work: impl FnOnce() -> Result<T, Error> + Send,
    ) -> Result<T, Error> {
        thread::scope(|scope| {
            let worker = scope.spawn(|| {
                self.enter()?;
                work()
            });
            worker.join().unwrap_or_else(|_| {
                Err(Error::Traffic(format!("a thread in {} panicked", self.name())))
            })
        })
    }

    /// The same on a thread of its own, named for those who look at the process.
    pub(super) fn spawn(
        &self,
        name: &str,
        work: impl FnOnce() -> Result<(), Error> + Send + 'static,
    ) -> Result<JoinHandle<Result<(), Error>>, Error> {
        let namespace = self.clone();
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                namespace.enter()?;
                work()
            })
            .context(|| format!("start thread {name}"))
    }

    /// Sets kernel parameters, given by their path under `/proc/sys/net`.
    pub(super) fn set_parameters(&self, parameters: &[(&str, &str)]) -> Result<(), Error> {
        self.run(|| {
            for (key, value) in parameters {
                fs::write(Path::new("/proc/sys/net").join(key), value)
                    .context(|| format!("set net/{key} to {value} in {}", self.name()))?;
            }
            Ok(())
        })
    }

    /// Entries in the connection table.
    pub(super) fn tracked_connections(&self) -> Result<u64, Error> {
        self.run(|| {
            let text = fs::read_to_string("/proc/sys/net/netfilter/nf_conntrack_count")
                .context(|| format!("count connections in {}", self.name()))?;
            Ok(text.trim().parse().unwrap_or(0))
        })
    }

    fn enter(&self) -> Result<(), Error> {
        move_into_link_name_space(self.0.file.as_fd(), Some(LinkNameSpaceType::Network))
            .map_err(io::Error::from)
            .context(|| format!("enter network namespace {}", self.name()))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        delete(&self.name);
    }
}

/// The beginning of the names of all that this lab makes: `hafw-<pid>-`.
pub(super) fn prefix() -> String {
    format!("{PREFIX}{}-", std::process::id())
}

/// Removes what labs left behind that were killed: namespaces and directories with our names whose
/// lab's process is gone, and what still runs in the namespaces. Best effort, since a new lab has
/// other names and does not need it.
pub(super) fn remove_stale() {
    for (name, namespace) in stale_entries(Path::new(DIRECTORY)) {
        // A namespace of that name can only hold what its lab started.
        for process in processes_in(&namespace) {
            let _ = kill_process(process, Signal::KILL);
        }
        delete(&name);
    }
    for (_, directory) in stale_entries(&std::env::temp_dir()) {
        let own = fs::symlink_metadata(&directory)
            .is_ok_and(|metadata| metadata.is_dir() && metadata.uid() == geteuid().as_raw());
        if own {
            let _ = fs::remove_dir_all(&directory);
        }
    }
}

fn stale_entries(directory: &Path) -> Vec<(String, PathBuf)> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let entries = entries
        .flatten()
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()));
    entries
        .filter(|(name, _)| {
            owner(name).is_some_and(|pid| !Path::new("/proc").join(pid.to_string()).exists())
        })
        .collect()
}

/// The process id in `hafw-<pid>-<role>`.
fn owner(name: &str) -> Option<u32> {
    name.strip_prefix(PREFIX)?.split_once('-')?.0.parse().ok()
}

fn processes_in(namespace: &Path) -> Vec<Pid> {
    let Ok(wanted) = fs::metadata(namespace) else { return Vec::new() };
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    processes
        .flatten()
        .filter_map(|process| {
            let pid: i32 = process.file_name().to_str()?.parse().ok()?;
            let own = fs::metadata(process.path().join("ns/net")).ok()?;
            ((own.dev(), own.ino()) == (wanted.dev(), wanted.ino())).then(|| Pid::from_raw(pid))?
        })
        .collect()
}

fn delete(name: &str) {
    if let Err(error) = tool::run("ip", &["netns", "del", name]) {
        eprintln!("could not delete network namespace {name}: {error}");
    }
}

fn path(name: &str) -> PathBuf {
    Path::new(DIRECTORY).join(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_labs_have_an_owner() {
        assert_eq!(owner("hafw-123-fw1"), Some(123));
        for other in ["hafw-123", "hafw-x-fw1", "blue", "hafw--fw1", "xhafw-1-fw1"] {
            assert_eq!(owner(other), None, "{other}");
        }
    }
}
