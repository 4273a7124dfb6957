//! Checks of critical services (CRASH-1): does a service of the firewall still do its work, and how is it
//! restarted?

mod command;
mod pid_file;

pub use command::{CommandError, CommandLine};
pub use pid_file::{PidFileError, is_running};

use ha_core::identity::ServiceId;
use std::path::PathBuf;
use std::time::Duration;

/// How it is found out whether a service works.
#[derive(Clone, Debug)]
pub enum Check {
    /// A command says so with its exit status, within a time limit.
    Command(CommandLine, Duration),
    /// The process named by a file runs.
    PidFile(PathBuf),
}

/// A service that is watched.
#[derive(Clone, Debug)]
pub struct Watched {
    /// Its number, the same on both units.
    pub id: ServiceId,
    /// What a person calls it.
    pub name: String,
    /// How it is found out whether it works.
    pub check: Check,
    /// How often.
    pub every: Duration,
    /// How it is restarted, and how long that may take.
    pub restart: Option<(CommandLine, Duration)>,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The service works.
    Alive,
    /// It does not, for this reason.
    Failed(String),
    /// That could not be found out, for this reason: the deadline of the service decides.
    Unknown(String),
}

impl Check {
    /// Checks once. Must be called within a tokio runtime.
    pub async fn run(&self) -> Outcome {
        match self {
            Self::Command(command, limit) => match command.run(*limit).await {
                Ok(()) => Outcome::Alive,
                Err(error @ CommandError::Status { .. }) => Outcome::Failed(error.to_string()),
                Err(error) => Outcome::Unknown(error.to_string()),
            },
            Self::PidFile(path) => match is_running(path) {
                Ok(true) => Outcome::Alive,
                Ok(false) => Outcome::Failed("its process does not run".to_owned()),
                Err(error) => Outcome::Unknown(error.to_string()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(check: &Check) -> Outcome {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(check.run())
    }

    fn command(argv: &[&str], limit: Duration) -> Check {
        let argv = argv.iter().map(|&word| word.to_owned()).collect();
        Check::Command(CommandLine::new(argv).unwrap(), limit)
    }

    /// CRASH-1: a command that succeeds shows life; one that fails, a failure; and one that hangs or cannot
    /// be started, neither.
    #[test]
    fn only_an_exit_status_is_definite() {
        let limit = Duration::from_secs(10);
        assert_eq!(outcome(&command(&["true"], limit)), Outcome::Alive);
        let Outcome::Failed(reason) = outcome(&command(&["sh", "-c", "exit 3"], limit)) else {
            panic!()
        };
        assert_eq!(reason, "sh: exit status: 3");
        assert!(matches!(
            outcome(&command(&["sh", "-c", "kill -9 $$"], limit)),
            Outcome::Failed(_)
        ));
        let hangs = command(&["sleep", "60"], Duration::from_millis(50));
        assert!(matches!(outcome(&hangs), Outcome::Unknown(_)));
        assert!(matches!(outcome(&command(&["/nowhere/x"], limit)), Outcome::Unknown(_)));
    }
}
