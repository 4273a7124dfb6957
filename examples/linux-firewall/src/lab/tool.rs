//! The programs `ip` and `nft`, for set-up and restoring only: nothing on a measured path starts a
//! process.

use std::io::{self, Write};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, Command, Stdio};

use super::namespace::Namespace;
use super::{Context, Error};

/// Runs a program to its end; what it prints counts only if it fails.
pub(super) fn run(program: &str, arguments: &[&str]) -> Result<(), Error> {
    finish(program, arguments, start(program, arguments)?)
}

/// Runs `ip` in a namespace with one command a line. Stops at the first that fails.
pub(super) fn ip(namespace: &Namespace, commands: &str) -> Result<(), Error> {
    let arguments = ["-n", namespace.name(), "-batch", "-"];
    feed("ip", &arguments, start("ip", &arguments)?, commands)
}

/// Runs `nft` in a namespace with one transaction.
pub(super) fn nft(namespace: &Namespace, rules: &str) -> Result<(), Error> {
    let arguments = ["-f", "-"];
    feed("nft", &arguments, namespace.run(|| start("nft", &arguments))?, rules)
}

/// A program that has been started and told everything but the end of its input, which lets it act
/// without the delay of a start.
pub(super) struct Prepared {
    program: &'static str,
    child: Child,
    stdin: Option<ChildStdin>,
    /// Said at the moment itself. `nft` acts at the end of its input; `ip -batch` acts line by
    /// line.
    last_words: String,
}

impl Prepared {
    pub(super) fn nft(namespace: &Namespace, transaction: &str) -> Result<Self, Error> {
        let mut prepared =
            Self::new("nft", namespace.run(|| start("nft", &["-f", "-"]))?, String::new());
        prepared.say(transaction)?;
        Ok(prepared)
    }

    pub(super) fn ip(namespace: &Namespace, commands: &str) -> Result<Self, Error> {
        let child = start("ip", &["-n", namespace.name(), "-batch", "-"])?;
        Ok(Self::new("ip", child, commands.to_owned()))
    }

    fn new(program: &'static str, mut child: Child, last_words: String) -> Self {
        let stdin = child.stdin.take();
        Self { program, child, stdin, last_words }
    }

    fn say(&mut self, text: &str) -> Result<(), Error> {
        let Some(stdin) = &mut self.stdin else { return Ok(()) };
        stdin.write_all(text.as_bytes()).context(|| format!("write to {}", self.program))
    }

    /// Lets it act, without waiting for the result.
    pub(super) fn release(&mut self) -> Result<(), Error> {
        let words = std::mem::take(&mut self.last_words);
        self.say(&words)?;
        self.stdin = None;
        Ok(())
    }

    /// Waits until it has acted.
    pub(super) fn wait(&mut self) -> Result<(), Error> {
        let status = self.child.wait().context(|| format!("wait for {}", self.program))?;
        if status.success() {
            return Ok(());
        }
        let message = self
            .child
            .stderr
            .take()
            .map_or_else(String::new, |pipe| io::read_to_string(pipe).unwrap_or_default());
        Err(Error::Tool { command: self.program.to_owned(), message })
    }
}

impl Drop for Prepared {
    /// An unused one must not act: it is killed before its input ends.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(program: &str, arguments: &[&str]) -> Result<Child, Error> {
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Ctrl-C is for the lab, which may need the program's work to tear down.
        .process_group(0)
        .spawn()
        .map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => Error::MissingProgram(program.to_owned()),
            _ => Error::Io { what: format!("start {program}"), source },
        })
}

fn feed(program: &str, arguments: &[&str], mut child: Child, input: &str) -> Result<(), Error> {
    // A program that dies early closes its input; what it printed says more than the broken pipe.
    if let Some(mut stdin) = child.stdin.take() {
        let _ = stdin.write_all(input.as_bytes());
    }
    finish(program, arguments, child)
}

fn finish(program: &str, arguments: &[&str], child: Child) -> Result<(), Error> {
    let output = child.wait_with_output().context(|| format!("wait for {program}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(Error::Tool {
        command: format!("{program} {}", arguments.join(" ")),
        message: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    })
}
