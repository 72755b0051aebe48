//! `service print`: a systemd user unit that runs the daemon for as long as the player's desktop is there.

use std::path::Path;

use anyhow::Context as _;

use crate::cli::{Global, Service};
use crate::parts::{EXIT_DONE, Failure};
use crate::show;

/// Does what the command says.
///
/// # Errors
/// When the program does not know where it is.
pub fn run(command: Service, global: &Global) -> Result<u8, Failure> {
    match command {
        Service::Print => {
            let program = std::env::current_exe().context("this program cannot tell where it is");
            show::line(unit(&program.map_err(Failure::part)?, global).map_err(Failure::usage)?.trim_end());
            Ok(EXIT_DONE)
        }
    }
}

/// The unit's text. Only the daemon is told to stop, for it stops its database itself, when the orders are done.
fn unit(program: &Path, global: &Global) -> anyhow::Result<String> {
    let mut words = vec![program.display().to_string()];
    if let Some(config) = &global.config {
        let whole = config.canonicalize().with_context(|| format!("cannot find {}", config.display()))?;
        words.extend(["--config".to_owned(), whole.display().to_string()]);
    }
    for (option, value) in [("--guild", &global.guild), ("--as", &global.member)] {
        words.extend(value.iter().flat_map(|value| [option.to_owned(), value.clone()]));
    }
    words.push("run".to_owned());
    let command = words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
    Ok(format!(
        "# The talk key without a terminal: `sphereconnect talk toggle`, or SIGUSR1. Secrets such as\n\
         # SPHERECONNECT_PASSWORD go into the file below, which only you may read.\n\
         [Unit]\n\
         Description=SphereConnect, the voice that runs a guild\n\
         After=graphical-session.target pipewire-pulse.service\n\
         PartOf=graphical-session.target\n\
         \n\
         [Service]\n\
         Type=exec\n\
         ExecStart={command}\n\
         ExecReload=/bin/kill -HUP $MAINPID\n\
         EnvironmentFile=-%E/sphereconnect/environment\n\
         KillMode=mixed\n\
         TimeoutStopSec=60\n\
         Restart=on-failure\n\
         RestartSec=5\n\
         RestartPreventExitStatus=2\n\
         \n\
         [Install]\n\
         WantedBy=graphical-session.target\n"
    ))
}

/// A word as systemd reads it: nothing in it is expanded.
fn quoted(word: &str) -> String {
    let escaped = word.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$");
    let plain = !escaped.is_empty() && escaped.chars().all(|c| c.is_alphanumeric() || "/._-".contains(c));
    if plain { escaped } else { format!("\"{escaped}\"") }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn words_reach_the_program_as_they_are() {
        for (word, expected) in [
            ("run", "run"),
            ("Isolde Marchetti", "\"Isolde Marchetti\""),
            ("100%", "\"100%%\""),
            ("a\"b\\c$d", "\"a\\\"b\\\\c$$d\""),
            ("", "\"\""),
        ] {
            assert_eq!(quoted(word), expected);
        }
    }
}
