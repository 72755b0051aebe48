//! Who runs the server: PostgreSQL refuses root, so root's program drops to somebody else.

use std::fs::{self, File, Metadata};
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::EmbeddedError;

/// The most of `/etc/passwd` that is read.
const PASSWD_BYTES_MAX: u64 = 4 << 20;

/// The user who runs the server and owns the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) name: String,
    uid: u32,
    gid: u32,
    /// Whether the program is root and has to change to this user.
    switch: bool,
}

/// Whether the program runs as root.
#[expect(unsafe_code, reason = "the standard library does not tell the effective user")]
pub(super) fn is_root() -> bool {
    // SAFETY: takes nothing, returns a number, cannot fail.
    unsafe { libc::geteuid() == 0 }
}

impl Account {
    /// The program's own user, or for root: who owns `pg` already, else who owns `data_dir`, else `postgres`, else
    /// `nobody`.
    pub(super) fn choose(data_dir: &Path, pg: &Path) -> Result<Self, EmbeddedError> {
        let owner = |path: &Path| fs::symlink_metadata(path).ok().map(|found| found.uid());
        if is_root() {
            let owners = [owner(pg), owner(data_dir)].into_iter().flatten().filter(|uid| *uid != 0);
            let found = owners.map(|uid| lookup(|user| user.uid == uid)).find_map(Option::Some).flatten();
            let found = found.or_else(|| lookup(|user| user.name == "postgres"));
            let found = found.or_else(|| lookup(|user| user.name == "nobody"));
            return Ok(Self { switch: true, ..found.ok_or(EmbeddedError::NoAccount)? });
        }
        let own = Self::own()?;
        match owner(pg) {
            Some(uid) if uid != own.uid => {
                Err(EmbeddedError::NotOurs { path: pg.to_path_buf(), owner: uid, account: own.name })
            }
            _ => Ok(own),
        }
    }

    #[expect(unsafe_code, reason = "the standard library does not tell the effective user")]
    fn own() -> Result<Self, EmbeddedError> {
        // SAFETY: both take nothing, return a number, cannot fail.
        let (uid, gid) = unsafe { (libc::geteuid(), libc::getegid()) };
        if let Some(found) = lookup(|user| user.uid == uid) {
            return Ok(found);
        }
        // A user from a directory service is not in the file; `id` asks where the server will ask.
        let said = Command::new("id").arg("-un").stdin(Stdio::null()).stderr(Stdio::null()).output().ok();
        let name = said.filter(|said| said.status.success()).and_then(|said| String::from_utf8(said.stdout).ok());
        let name = name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
        Ok(Self { name: name.ok_or(EmbeddedError::NoUserName { uid })?, uid, gid, switch: false })
    }

    /// Makes `command` run as this user, with this user's group and no other.
    pub(super) fn run_as(&self, command: &mut Command) {
        if self.switch {
            command.gid(self.gid).uid(self.uid);
        }
    }

    /// Gives a file that root made to this user.
    pub(super) fn own_file(&self, file: &File) -> io::Result<()> {
        if self.switch { std::os::unix::fs::fchown(file, Some(self.uid), Some(self.gid)) } else { Ok(()) }
    }

    /// Gives a folder that root made to this user.
    pub(super) fn own_folder(&self, folder: &Path) -> io::Result<()> {
        if self.switch { std::os::unix::fs::lchown(folder, Some(self.uid), Some(self.gid)) } else { Ok(()) }
    }

    /// Whether `found` is this user's, and nobody else may use it.
    pub(super) fn is_private(&self, found: &Metadata) -> bool {
        found.uid() == self.uid && found.mode() & 0o077 == 0
    }

    /// The first folder on the way to `path`, itself included, that this user cannot enter.
    pub(super) fn closed_parent(&self, path: &Path) -> Option<PathBuf> {
        if !self.switch {
            return None;
        }
        let mut way: Vec<&Path> = path.ancestors().collect();
        way.reverse();
        way.into_iter()
            .find(|folder| fs::metadata(folder).is_ok_and(|found| found.is_dir() && !self.may_enter(&found)))
            .map(Path::to_path_buf)
    }

    /// Lets this user pass through the data folder itself when root owns it and nobody else may enter: the folder is
    /// the program's own, and passing is less than reading. Folders above it belong to others and stay as they are.
    pub(super) fn open_way(&self, data_dir: &Path) -> std::io::Result<()> {
        let own = self.closed_parent(data_dir).filter(|closed| closed.as_path() == data_dir);
        let Some(found) = own.map(fs::metadata).transpose()?.filter(|found| found.uid() == 0) else { return Ok(()) };
        tracing::info!(folder = %data_dir.display(), account = %self.name, "the database's user may pass through the data folder now");
        fs::set_permissions(data_dir, fs::Permissions::from_mode(found.mode() & 0o7777 | 0o001))
    }

    /// Refuses a folder this user cannot reach.
    pub(super) fn check_way(&self, path: &Path) -> Result<(), EmbeddedError> {
        let closed = |parent| EmbeddedError::Closed { parent, account: self.name.clone() };
        self.closed_parent(path).map_or(Ok(()), |parent| Err(closed(parent)))
    }

    fn may_enter(&self, folder: &Metadata) -> bool {
        let bit = match (folder.uid() == self.uid, folder.gid() == self.gid) {
            (true, _) => 0o100,
            (false, true) => 0o010,
            (false, false) => 0o001,
        };
        folder.mode() & bit != 0
    }
}

/// The first user of `/etc/passwd` that `wanted` takes.
fn lookup(wanted: impl Fn(&Account) -> bool) -> Option<Account> {
    let file = File::open("/etc/passwd").ok()?;
    let lines = BufReader::new(file.take(PASSWD_BYTES_MAX)).lines();
    lines.map_while(Result::ok).filter_map(|line| parse(&line)).find(|user| wanted(user))
}

/// One line of `/etc/passwd`: `name:password:uid:gid:…`.
fn parse(line: &str) -> Option<Account> {
    let mut fields = line.split(':');
    let name = fields.next().filter(|name| !name.is_empty())?.to_owned();
    let uid = fields.nth(1)?.parse().ok()?;
    let gid = fields.next()?.parse().ok()?;
    Some(Account { name, uid, gid, switch: false })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]
    use super::*;

    #[test]
    fn a_passwd_line_is_read_or_skipped() {
        let user = parse("postgres:x:101:104:PostgreSQL administrator,,,:/var/lib/postgresql:/bin/bash").unwrap();
        assert_eq!((user.name.as_str(), user.uid, user.gid), ("postgres", 101, 104));
        for line in ["", ":x:1:1::/:/bin/sh", "a:x", "a:x:one:1", "# note", "+::::::"] {
            assert_eq!(parse(line), None, "{line}");
        }
    }

    #[test]
    fn a_folder_is_entered_by_the_first_class_that_fits() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        let found = fs::metadata(folder.path()).unwrap();
        let stranger = Account { name: "x".into(), uid: found.uid() + 1, gid: found.gid() + 1, switch: true };
        assert!(!stranger.may_enter(&found), "0700 keeps a stranger out");
        assert_eq!(stranger.closed_parent(folder.path()).as_deref(), Some(folder.path()));
        let owner = Account { uid: found.uid(), ..stranger };
        assert!(owner.may_enter(&found));
        assert!(owner.is_private(&found));
    }
}
