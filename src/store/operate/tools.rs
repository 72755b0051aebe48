//! PostgreSQL's own programs: where they are, and how they are told which database is meant.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use sqlx::ConnectOptions as _;
use sqlx::postgres::PgSslMode;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::Command;

use super::super::embedded::binaries;
use super::{OperateError, Operator};

/// How many lines of a failed program are shown.
const SAID_LINES_MAX: usize = 6;
/// The most that is read of what a program prints, in bytes: a table of contents or one definition.
const PRINTED_BYTES_MAX: u64 = 64 << 20;

impl Operator {
    /// The folder with programs that understand a server of this major version: of the same version if there is one,
    /// else the next newer. An older program refuses a newer server.
    pub(super) async fn tools(&self, program: &'static str, major: u32) -> Result<PathBuf, OperateError> {
        let mut best: Option<(u32, PathBuf)> = None;
        for folder in self.folders() {
            let Some(found) = version_of(&folder.join(program)).await.filter(|found| *found >= major) else { continue };
            if best.as_ref().is_none_or(|(version, _)| found < *version) {
                best = Some((found, folder));
            }
        }
        best.map(|(_, folder)| folder.join(program)).ok_or(OperateError::NoTool { program, major })
    }

    /// The configured folder alone, or the embedded server's, or the usual places and `PATH`.
    fn folders(&self) -> Vec<PathBuf> {
        if let Some(folder) = &self.bin_dir {
            return vec![folder.clone()];
        }
        if let Some(embedded) = &self.embedded {
            return vec![embedded.bin_dir().to_path_buf()];
        }
        binaries::usual_folders()
    }

    /// The program, told about the database through its environment: nothing of it is seen in a list of processes.
    pub(super) fn command(&self, program: &Path, database: &str) -> Command {
        let mut command = Command::new(program);
        if self.embedded.is_some() {
            for name in ["PGPASSWORD", "PGPASSFILE", "PGSERVICE", "PGOPTIONS", "PGHOSTADDR"] {
                command.env_remove(name);
            }
        }
        let host = self.options.get_socket().map_or_else(|| self.options.get_host().into(), |socket| socket.clone());
        let sslmode = match self.options.get_ssl_mode() {
            PgSslMode::Disable => "disable",
            PgSslMode::Allow => "allow",
            PgSslMode::Prefer => "prefer",
            PgSslMode::Require => "require",
            PgSslMode::VerifyCa => "verify-ca",
            PgSslMode::VerifyFull => "verify-full",
        };
        command.env("PGHOST", host).env("PGPORT", self.options.get_port().to_string());
        command.env("PGUSER", self.options.get_username()).env("PGDATABASE", database).env("PGSSLMODE", sslmode);
        command.env("PGAPPNAME", "sphereconnect").env("PGCONNECT_TIMEOUT", "10").env("LC_ALL", "C");
        if let Some(options) = self.options.get_options() {
            command.env("PGOPTIONS", options);
        }
        let url = self.options.to_url_lossy();
        for (key, value) in url.query_pairs() {
            let name = match &*key {
                "sslrootcert" => "PGSSLROOTCERT",
                "sslcert" => "PGSSLCERT",
                "sslkey" => "PGSSLKEY",
                _ => continue,
            };
            // This is how sqlx writes down the path of a certificate.
            command.env(name, value.strip_prefix("file: ").unwrap_or(&value));
        }
        if let Some(password) = url.password() {
            // It stands percent-encoded in the URL; a query is the part that the URL's own code decodes.
            let mut decoded = url.clone();
            decoded.set_query(Some(&format!("password={password}")));
            if let Some((_, password)) = decoded.query_pairs().next() {
                command.env("PGPASSWORD", &*password);
            }
        }
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }
}

/// Runs a program to its end and returns what it printed; what it says on the way goes to `progress`, and when it fails, into the error.
pub(super) async fn run(
    mut command: Command,
    program: &'static str,
    progress: &(dyn Fn(&str) + Send + Sync),
) -> Result<String, OperateError> {
    let failed = |said: String| OperateError::Tool { program, said };
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(format!("it cannot be started: {error}")))?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let printed = async {
        let mut text = Vec::new();
        if let Some(out) = out {
            out.take(PRINTED_BYTES_MAX).read_to_end(&mut text).await?;
        }
        Ok::<_, std::io::Error>(String::from_utf8_lossy(&text).into_owned())
    };
    let said = async {
        let mut last = VecDeque::new();
        if let Some(err) = err {
            let mut lines = BufReader::new(err).split(b'\n');
            while let Some(line) = lines.next_segment().await? {
                let line = String::from_utf8_lossy(&line).into_owned();
                let line = line.strip_prefix(program).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(&line);
                progress(line);
                if line.starts_with("error") || line.starts_with("detail") || last.is_empty() {
                    last.push_back(line.to_owned());
                }
                if last.len() > SAID_LINES_MAX {
                    last.pop_front();
                }
            }
        }
        Ok::<_, std::io::Error>(Vec::from(last).join("; "))
    };
    let (printed, said, status) = tokio::join!(printed, said, child.wait());
    let broken = |error: std::io::Error| failed(error.to_string());
    let (printed, said, status) = (printed.map_err(broken)?, said.map_err(broken)?, status.map_err(broken)?);
    if status.success() { Ok(printed) } else { Err(failed(if said.is_empty() { status.to_string() } else { said })) }
}

/// The major version a program says it has.
async fn version_of(program: &Path) -> Option<u32> {
    if !program.is_file() {
        return None;
    }
    let said = Command::new(program).arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).output().await.ok()?;
    major(&String::from_utf8_lossy(&said.stdout))
}

/// `pg_dump (PostgreSQL) 15.18 (Debian …)` → 15.
fn major(said: &str) -> Option<u32> {
    binaries::parse(said).map(|(_, major)| major)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_from_what_the_program_prints() {
        let check = |said: &str, expected: Option<u32>| assert_eq!(major(said), expected, "{said}");
        check("pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n", Some(15));
        check("pg_restore (PostgreSQL) 18beta1\n", Some(18));
        check("pg_dump (PostgreSQL) devel\n", None);
        check("", None);
    }
}
