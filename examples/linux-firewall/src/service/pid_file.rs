//! Whether the process runs whose number is in a file.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use thiserror::Error;

/// No file with a process id is longer.
const MAX_LEN: u64 = 64;

/// Why it cannot be said whether the process runs.
#[derive(Debug, Error)]
pub enum PidFileError {
    /// There is no file, or it cannot be read: a service that starts writes it late.
    #[error("its pid file cannot be read: {0}")]
    Read(#[source] io::Error),
    /// It is a pipe, a device or a directory: there could be no end of waiting for what is in it.
    #[error("its pid file is not a file with contents")]
    Kind,
    /// What is in the file is not the number of a process.
    #[error("there is no process id in its pid file")]
    Content,
    /// The kernel does not say.
    #[error("its process cannot be looked up: {0}")]
    Lookup(#[source] Errno),
}

/// Whether the process runs whose id is in this file. One that has ended, but was not waited for by its
/// parent (a zombie), does not.
///
/// # Errors
/// There is no answer.
pub fn is_running(path: &Path) -> Result<bool, PidFileError> {
    let mut text = String::new();
    // A named pipe that nobody writes to would keep an ordinary open from ever returning.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = File::options().read(true).custom_flags(flags).open(path);
    let file = file.map_err(PidFileError::Read)?;
    if !file.metadata().map_err(PidFileError::Read)?.is_file() {
        return Err(PidFileError::Kind);
    }
    file.take(MAX_LEN).read_to_string(&mut text).map_err(PidFileError::Read)?;
    // 0 and negative numbers would be groups of processes.
    let id = text.trim().parse().ok().filter(|id| *id > 0).and_then(Pid::from_raw);
    let process = match pidfd_open(id.ok_or(PidFileError::Content)?, PidfdFlags::empty()) {
        Ok(process) => process,
        // No process has this number, or it is that of a thread.
        Err(Errno::SRCH | Errno::INVAL | Errno::NOENT) => return Ok(false),
        Err(error) => return Err(PidFileError::Lookup(error)),
    };
    // Readable once the process has ended.
    let mut wait = [PollFd::new(&process, PollFlags::IN)];
    let ended = poll(&mut wait, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }));
    Ok(ended.map_err(PidFileError::Lookup)? == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    fn is_running(text: &str) -> Result<bool, PidFileError> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("x.pid");
        std::fs::write(&file, text).unwrap();
        super::is_running(&file)
    }

    /// CRASH-1: a process runs until it ends, whether or not its parent has asked for it since.
    #[test]
    fn a_zombie_does_not_run() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let id = child.id().to_string();
        assert!(is_running(&id).unwrap());
        assert!(is_running(&format!(" {id}\n")).unwrap());
        drop(child.stdin.take());
        let stat = format!("/proc/{id}/stat");
        while !std::fs::read_to_string(&stat).unwrap().contains(") Z ") {
            std::thread::yield_now();
        }
        assert!(!is_running(&id).unwrap(), "a zombie");
        child.wait().unwrap();
        assert!(!is_running(&id).unwrap(), "it is gone");
    }

    /// CRASH-1: a file without the number of a process tells nothing, whatever is in it.
    #[test]
    fn a_file_without_a_number_tells_nothing() {
        let long = "1".repeat(100);
        for text in ["", "\n", "0", "-1", "1 2", "x", "99999999999999999999", "\u{feff}1", &long] {
            assert!(matches!(is_running(text), Err(PidFileError::Content)), "{text:?}");
        }
        let missing = super::is_running(Path::new("/nowhere/x.pid"));
        assert!(matches!(missing, Err(PidFileError::Read(_))));
        // Above the highest number of a process.
        assert!(!is_running("2147483647").unwrap());
    }

    /// CRASH-1: what is no regular file is refused, and nobody waits for it: the checks of all services share a
    /// few threads.
    #[test]
    fn a_pipe_holds_nothing_up() {
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("x.pid");
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        let path = pipe.clone();
        // Without a writer an ordinary open of it never returns.
        std::thread::spawn(move || tell.send(super::is_running(&path)));
        let answer = told.recv_timeout(std::time::Duration::from_secs(60)).expect("it blocks");
        assert!(matches!(answer, Err(PidFileError::Kind)), "{answer:?}");
        for other in [directory.path(), Path::new("/dev/null")] {
            assert!(matches!(super::is_running(other), Err(PidFileError::Kind)), "{other:?}");
        }
    }

    proptest::proptest! {
        /// CRASH-1: no contents of the file do any harm.
        #[test]
        fn arbitrary_contents_are_answered(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..80)) {
            let directory = tempfile::tempdir().unwrap();
            let file = directory.path().join("x.pid");
            std::fs::write(&file, bytes).unwrap();
            let _ = super::is_running(&file);
        }
    }
}
