//! What outlives a restart of the program: maintenance mode (BEY-8).

use std::fs::{DirBuilder, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use tracing::warn;

const MAINTENANCE: &str = "maintenance";
/// No file of ours is longer; what is longer is not one of ours.
const MAX_LEN: u64 = 256;

/// The directory in which it is kept. It is made when there is something to keep.
#[derive(Debug)]
pub(super) struct StateDirectory(PathBuf);

impl StateDirectory {
    pub(super) fn new(path: &Path) -> Self {
        Self(path.into())
    }

    /// What was kept of maintenance mode. A file that cannot be read counts as lost, and is told: it must not
    /// keep a firewall from starting.
    pub(super) fn maintenance(&self) -> Option<Vec<u8>> {
        let path = self.0.join(MAINTENANCE);
        let read = || {
            let mut bytes = Vec::new();
            File::open(&path)?.take(MAX_LEN).read_to_end(&mut bytes)?;
            Ok::<_, io::Error>(bytes)
        };
        match read() {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                warn!(path = %path.display(), %error, "maintenance mode cannot be read: it is off");
                None
            }
        }
    }

    /// Keeps it, so that after a crash at any moment the old or the new is there, whole. Only the owner can
    /// read it.
    ///
    /// # Errors
    /// The new may or may not be there after a crash.
    pub(super) fn keep_maintenance(&self, bytes: &[u8]) -> io::Result<()> {
        if !self.0.is_dir() {
            DirBuilder::new().recursive(true).mode(0o700).create(&self.0)?;
            if let Some(parent) = self.0.parent() {
                File::open(parent)?.sync_all()?;
            }
        }
        // Made with mode 0600; removed if anything fails.
        let mut file = tempfile::Builder::new().prefix(".maintenance-").tempfile_in(&self.0)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(self.0.join(MAINTENANCE))?;
        File::open(&self.0)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ha_core::pair::Maintenance;
    use std::os::unix::fs::PermissionsExt as _;

    /// BEY-8: what is kept is found again, by its owner alone, and nothing else is left in the directory.
    #[test]
    fn what_is_kept_is_found_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("made/for/it");
        let state = StateDirectory::new(&path);
        assert_eq!(state.maintenance(), None);
        for maintenance in [Maintenance::On { lasts: None }, Maintenance::Off] {
            state.keep_maintenance(&maintenance.to_bytes()).unwrap();
            let kept = StateDirectory::new(&path).maintenance().unwrap();
            assert_eq!(Maintenance::from_bytes(&kept), Some(maintenance));
        }
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!((mode(&path), mode(&path.join(MAINTENANCE))), (0o700, 0o600));
        assert_eq!(std::fs::read_dir(&path).unwrap().count(), 1);
    }

    /// BEY-8: where nothing can be kept, that is an error, and what was kept before is still there.
    #[test]
    fn what_cannot_be_kept_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(StateDirectory::new(&file).keep_maintenance(b"x").is_err());
        assert_eq!(StateDirectory::new(&file).maintenance(), None);
        // A directory where the file should be.
        std::fs::create_dir(directory.path().join(MAINTENANCE)).unwrap();
        let state = StateDirectory::new(directory.path());
        assert!(state.keep_maintenance(b"x").is_err());
        assert_eq!(state.maintenance(), None);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 2, "nothing is left over");
    }
}
