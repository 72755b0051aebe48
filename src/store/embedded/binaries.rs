//! Where PostgreSQL's programs are, and which of several to take.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::account::Account;
use super::{EmbeddedError, VERSION_MIN};

/// The most folders that are tried.
const FOLDERS_MAX: usize = 32;

/// One installed PostgreSQL.
#[derive(Debug, Clone)]
pub(super) struct Binaries {
    pub(super) dir: PathBuf,
    /// As printed, `15.18`.
    pub(super) version: String,
    /// The number a data folder carries.
    pub(super) major: u32,
}

impl Binaries {
    /// The programs in `configured`, or else the best of the usual places: beside the program first, then the newest.
    /// A cluster made by version `data` takes no other.
    pub(super) fn find(
        configured: Option<&Path>,
        data: Option<(u32, &Path)>,
        account: &Account,
    ) -> Result<Self, EmbeddedError> {
        let has = |folder: &PathBuf| ["postgres", "initdb"].iter().all(|program| folder.join(program).is_file());
        let usual = || usual_folders().into_iter().filter(has).collect();
        let folders = configured.map_or_else(usual, |folder| vec![folder.to_path_buf()]);
        let fits = |one: &Self| data.map_or(one.major >= VERSION_MIN, |(major, _)| one.major == major);
        let mut looked = Vec::new();
        let mut found: Vec<Self> = Vec::new();
        for folder in folders.into_iter().take(FOLDERS_MAX) {
            match Self::at(&folder, account) {
                // The first that fits will do: asking another for its version costs a process.
                Ok(binaries) if fits(&binaries) => return Ok(binaries),
                Ok(binaries) => found.push(binaries),
                Err(reason) => looked.push(format!("{}: {reason}", folder.display())),
            }
        }
        if looked.is_empty() {
            looked.push("in none of the usual folders, nor in PATH".to_owned());
        }
        let Some(newest) = found.iter().max_by_key(|binaries| binaries.major).cloned() else {
            return Err(EmbeddedError::NoBinaries { looked: looked.join(", ") });
        };
        if newest.major < VERSION_MIN {
            return Err(EmbeddedError::TooOld { dir: newest.dir, version: newest.version });
        }
        match data {
            Some((major, path)) => Err(EmbeddedError::OtherVersion {
                data_dir: path.to_path_buf(),
                data: major,
                found: found.iter().map(|binaries| binaries.version.as_str()).collect::<Vec<_>>().join(", "),
            }),
            None => Ok(newest),
        }
    }

    pub(super) fn postgres(&self) -> PathBuf {
        self.dir.join("postgres")
    }

    pub(super) fn initdb(&self) -> PathBuf {
        self.dir.join("initdb")
    }

    /// The programs in `folder`, or why they will not do.
    fn at(folder: &Path, account: &Account) -> Result<Self, String> {
        let dir = fs::canonicalize(folder).map_err(|_| "no such folder".to_owned())?;
        for program in ["postgres", "initdb"] {
            if !dir.join(program).is_file() {
                return Err(format!("has no \"{program}\""));
            }
        }
        if let Some(parent) = account.closed_parent(&dir) {
            return Err(format!("user \"{}\" cannot enter {}", account.name, parent.display()));
        }
        let said = Command::new(dir.join("postgres")).arg("--version").env_clear().stdin(Stdio::null()).output();
        let said = said.map_err(|error| format!("cannot be run: {error}"))?;
        let said = String::from_utf8_lossy(&said.stdout);
        let (version, major) = parse(&said).ok_or("\"postgres --version\" gives no version")?;
        Ok(Self { dir, version, major })
    }
}

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` → `15.18`, 15.
pub(in crate::store) fn parse(said: &str) -> Option<(String, u32)> {
    let version = said.split_once("(PostgreSQL) ")?.1.split_whitespace().next()?;
    let digits = version.find(|c: char| !c.is_ascii_digit()).map_or(version, |end| version.split_at(end).0);
    Some((version.to_owned(), digits.parse().ok()?))
}

/// Beside the program, then the distributions' folders from the newest down, then `PATH`; whatever is in them.
pub(in crate::store) fn usual_folders() -> Vec<PathBuf> {
    let beside = std::env::current_exe().ok().and_then(|program| Some(program.parent()?.join("pgsql/bin")));
    let mut versions: Vec<(u32, PathBuf)> = Vec::new();
    for (parent, prefix) in [("/usr/lib/postgresql", ""), ("/usr", "pgsql-")] {
        for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let number = name.to_str().and_then(|name| name.strip_prefix(prefix)?.parse().ok());
            versions.extend(number.map(|number| (number, entry.path().join("bin"))));
        }
    }
    versions.sort_by_key(|version| std::cmp::Reverse(version.0));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).collect::<Vec<_>>();
    beside.into_iter().chain(versions.into_iter().map(|version| version.1)).chain(on_path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_from_what_the_program_prints() {
        let check = |said: &str, major: Option<u32>| assert_eq!(parse(said).map(|(_, major)| major), major, "{said}");
        check("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n", Some(15));
        check("postgres (PostgreSQL) 18beta1\n", Some(18));
        check("postgres (PostgreSQL) 9.6.24\n", Some(9));
        check("postgres (PostgreSQL) devel\n", None);
        check("", None);
    }
}
