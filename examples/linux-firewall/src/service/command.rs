//! Commands that are run with a time limit: checks of services, and their restarts.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use thiserror::Error;
use tokio::process::Command;
use tokio::time::timeout;

/// A program and its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandLine {
    program: String,
    arguments: Vec<String>,
}

/// Why a command did not succeed.
#[derive(Debug, Error)]
pub enum CommandError {
    /// There is none.
    #[error("there is no program to run")]
    Empty,
    /// It could not be started.
    #[error("{program} cannot be started: {source}")]
    Start {
        /// The program.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It did not end in time, and was killed.
    #[error("{program} did not end within {limit:?}")]
    TimeLimit {
        /// The program.
        program: String,
        /// The limit.
        limit: Duration,
    },
    /// It failed.
    #[error("{program}: {status}")]
    Status {
        /// The program.
        program: String,
        /// What it ended with.
        status: ExitStatus,
    },
}

impl CommandLine {
    /// A program, looked for in PATH if it has no slash, and its arguments. No shell is in between.
    ///
    /// # Errors
    /// [`CommandError::Empty`].
    pub fn new(argv: Vec<String>) -> Result<Self, CommandError> {
        let mut words = argv.into_iter();
        match words.next() {
            Some(program) if !program.is_empty() => {
                Ok(Self { program, arguments: words.collect() })
            }
            _ => Err(CommandError::Empty),
        }
    }

    /// Runs it to its end, without input, and with its output thrown away. Must be called within a tokio
    /// runtime.
    ///
    /// # Errors
    /// It could not be started, did not end in time (its process is killed, those that it started are
    /// not), or failed.
    pub async fn run(&self, limit: Duration) -> Result<(), CommandError> {
        let program = || self.program.clone();
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C is for us, not for what we run.
            .process_group(0)
            // By its process id, when this ends without it; the runtime collects what is left of it.
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| CommandError::Start { program: program(), source })?;
        match timeout(limit, child.wait()).await {
            Err(_) => Err(CommandError::TimeLimit { program: program(), limit }),
            Ok(Err(source)) => Err(CommandError::Start { program: program(), source }),
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(CommandError::Status { program: program(), status }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use std::time::Instant;

    fn run(argv: &[&str], limit: Duration) -> Result<(), CommandError> {
        let line = CommandLine::new(argv.iter().map(|&word| word.to_owned()).collect())?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(line.run(limit))
    }

    #[test]
    fn without_a_program_there_is_no_command() {
        assert!(matches!(run(&[], Duration::from_secs(1)), Err(CommandError::Empty)));
        assert!(matches!(run(&["", "x"], Duration::from_secs(1)), Err(CommandError::Empty)));
    }

    /// CRASH-1: arguments arrive as they are: nothing in between reads them.
    #[test]
    fn arguments_are_not_read_by_a_shell() {
        let script = "test \"$1\" = 'a b; exit 1'";
        run(&["sh", "-c", script, "sh", "a b; exit 1"], Duration::from_secs(10)).unwrap();
    }

    /// CRASH-1: what hangs is killed, and holds nothing up.
    #[test]
    #[allow(clippy::disallowed_methods)] // another process has no machine to be told the time
    fn what_hangs_is_killed() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("pid");
        let script = format!("echo $$ > {}; exec sleep 600", file.display());
        let begun = Instant::now();
        let result = run(&["sh", "-c", &script], Duration::from_millis(500));
        assert!(matches!(result, Err(CommandError::TimeLimit { .. })), "{result:?}");
        assert!(begun.elapsed() < Duration::from_secs(60));
        let id = std::fs::read_to_string(&file).unwrap();
        let process = Path::new("/proc").join(id.trim()).join("stat");
        let lives = || std::fs::read_to_string(&process).is_ok_and(|stat| !stat.contains(") Z "));
        for _ in 0..500 {
            if !lives() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("it still runs");
    }
}
