//! Settings of the kernel in /proc/sys/net, with what they were before.

use super::LinkError;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Which of the two families a setting belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// The file of a setting of one interface, or of `all`.
pub(super) fn path(family: Family, device: &str, setting: &str) -> PathBuf {
    let family = match family {
        Family::V4 => "ipv4",
        Family::V6 => "ipv6",
    };
    Path::new("/proc/sys/net").join(family).join("conf").join(device).join(setting)
}

/// Settings that were changed, with what they were before.
#[derive(Debug, Default)]
pub(super) struct Settings {
    before: Vec<(PathBuf, String)>,
}

impl Settings {
    /// Changes one, and remembers what it was.
    pub(super) fn set(&mut self, path: PathBuf, value: &str) -> Result<(), LinkError> {
        let before = read(&path)?;
        if before == value {
            return Ok(());
        }
        std::fs::write(&path, value)
            .map_err(|source| LinkError::Setting { path: path.clone(), source })?;
        self.before.push((path, before));
        Ok(())
    }

    /// Changes all of them back. Those whose interface is gone are gone with it.
    pub(super) fn restore(&mut self) {
        for (path, value) in self.before.drain(..).rev() {
            let _ = std::fs::write(path, value);
        }
    }
}

pub(super) fn read(path: &Path) -> Result<String, LinkError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text.trim_end().into()),
        Err(source) => Err(LinkError::Setting { path: path.into(), source }),
    }
}

/// A setting that is switched on and off on the critical path, so its file stays open.
#[derive(Debug)]
pub(super) struct Switch {
    file: File,
    path: PathBuf,
}

impl Switch {
    pub(super) fn open(path: PathBuf) -> Result<Self, LinkError> {
        let opened = OpenOptions::new().write(true).open(&path);
        let file = opened.map_err(|source| LinkError::Setting { path: path.clone(), source })?;
        Ok(Self { file, path })
    }

    pub(super) fn set(&self, on: bool) -> Result<(), LinkError> {
        let text: &[u8] = if on { b"1\n" } else { b"0\n" };
        // The kernel reads a setting from the beginning of its file only.
        let written = self.file.write_all_at(text, 0);
        written.map_err(|source| LinkError::Setting { path: self.path.clone(), source })
    }
}
