//! A service on a firewall that does nothing, for the fault that ends it.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::{Context, Error};

/// A process and its pid file. Dropping it ends the process.
pub(super) struct Dummy {
    pid_file: PathBuf,
    child: Child,
}

impl Dummy {
    pub(super) fn start(pid_file: PathBuf) -> Result<Self, Error> {
        let child = Command::new("sleep")
            .arg("1000000")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C is for the lab.
            .process_group(0)
            .spawn()
            .context(|| "start a dummy service".to_owned())?;
        let dummy = Self { pid_file, child };
        fs::write(&dummy.pid_file, format!("{}\n", dummy.child.id()))
            .context(|| format!("write {}", dummy.pid_file.display()))?;
        Ok(dummy)
    }

    /// Ends the process. It is not waited for yet: until then it is a zombie, as a service would be whose
    /// parent has other things to do.
    pub(super) fn kill(&mut self) -> Result<(), Error> {
        self.child.kill().context(|| "end a dummy service".to_owned())
    }

    /// Starts it again after it was ended.
    pub(super) fn start_again(&mut self) -> Result<(), Error> {
        *self = Self::start(self.pid_file.clone())?;
        Ok(())
    }
}

impl Drop for Dummy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
