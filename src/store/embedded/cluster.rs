//! The cluster's folder: what is in it, how it is made, and what the server is told.
//!
//! ```text
//! data_dir/
//!   pg/           the cluster; pg.tmp/ while it is being made
//!   pg.recovered/ a recovered cluster that is to take its place, for the moment between two renames
//!   socket/       the server's socket (elsewhere when this path is too long for one)
//!   pg.lock       held by whoever runs the server, and by the server
//!   postgres.log  the server's messages, without any statement's text
//! ```

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::account::{Account, is_root};
use super::archive::Archive;
use super::binaries::Binaries;
use super::log::Log;
use super::postmaster::Postmaster;
use super::probe::{self, Answer, PORT, PORT_RECOVERY};
use super::server::tie_to_parent;
use super::{EmbeddedError, EmbeddedOptions, KEEPER, POLL, settings};

/// The folder in which a recovery works.
pub(super) const RECOVERING: &str = "pg.recover.tmp";
/// The folder of a recovered cluster that is complete and not yet in its place.
pub(super) const RECOVERED: &str = "pg.recovered";
/// The longest path of a Unix socket, in bytes.
const SOCKET_BYTES_MAX: usize = 107;
/// How long a killed process may take from closing its files to being gone.
const GOING_MAX: Duration = Duration::from_secs(2);

/// The folder, who owns it, and the programs that serve it.
#[derive(Debug)]
pub(super) struct Cluster {
    data_dir: PathBuf,
    account: Account,
    fsync: bool,
    pub(super) binaries: Binaries,
    pub(super) log: Log,
}

impl Cluster {
    /// Makes the folder when it is missing and finds the programs for what is in it.
    pub(super) fn find(options: &EmbeddedOptions) -> Result<Self, EmbeddedError> {
        let wanted = std::path::absolute(&options.data_dir).map_err(files("find", &options.data_dir))?;
        // Asked before anything is made, so that a refusal leaves nothing behind, and again when links are resolved.
        let expected = Account::choose(&wanted, &wanted.join("pg"))?;
        expected.open_way(&wanted).map_err(files("open to the database's user", &wanted))?;
        expected.check_way(&wanted)?;
        make_data_dir(&options.data_dir).map_err(files("make the folder", &options.data_dir))?;
        let data_dir = fs::canonicalize(&options.data_dir).map_err(files("enter", &options.data_dir))?;
        let (pg, recovered) = (data_dir.join("pg"), data_dir.join(RECOVERED));
        let pg = if !pg.exists() && recovered.exists() { recovered } else { pg };
        let account = Account::choose(&data_dir, &pg)?;
        account.check_way(&data_dir)?;
        let data = data_version(&pg)?.map(|major| (major, pg.as_path()));
        let binaries = Binaries::find(options.bin_dir.as_deref(), data, &account)?;
        let log = Log::new(data_dir.join("postgres.log"));
        Ok(Self { data_dir, account, fsync: options.fsync, binaries, log })
    }

    pub(super) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    pub(super) fn pg(&self) -> PathBuf {
        self.data_dir.join("pg")
    }

    pub(super) fn account(&self) -> &Account {
        &self.account
    }

    pub(super) fn fsync(&self) -> bool {
        self.fsync
    }

    /// Takes the lock, or finds that a server, its owner or its remains have it.
    pub(super) fn try_lock(&self) -> Result<Option<File>, EmbeddedError> {
        let path = self.data_dir.join("pg.lock");
        let file = self.open_private(&path, OpenOptions::new().write(true).create(true))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(files("lock", &path)(source)),
        }
    }

    /// What `postmaster.pid` says, when there is one.
    pub(super) fn postmaster(&self) -> Option<Postmaster> {
        Postmaster::read(&self.pg())
    }

    /// Asks the server, if there is one to ask. One that is starting is left alone: it would log every question.
    pub(super) fn ask(&self) -> Answer {
        match self.postmaster().filter(|postmaster| postmaster.ready) {
            Some(postmaster) => probe::ask(&postmaster.socket_dir),
            None => Answer::Absent,
        }
    }

    /// Brings the folder into the state the server starts from. The caller holds `lock`.
    pub(super) fn prepare(&self, lock: &File, deadline: Instant, progress: &dyn Fn(&str)) -> Result<(), EmbeddedError> {
        self.log.begin().map_err(files("rename", &self.log.path))?;
        self.finish_recovery()?;
        match data_version(&self.pg())? {
            None => {
                progress("making the database, once; this takes some seconds");
                self.init(lock, deadline)?;
            }
            // Made meanwhile by another program with other binaries.
            Some(data) if data != self.binaries.major => {
                let found = self.binaries.version.clone();
                return Err(EmbeddedError::OtherVersion { data_dir: self.pg(), data, found });
            }
            Some(_) => {}
        }
        self.write_settings(&self.pg())?;
        self.clear_remains();
        Ok(())
    }

    /// Writes what the server in `pg` reads.
    pub(super) fn write_settings(&self, pg: &Path) -> Result<(), EmbeddedError> {
        let archive = Archive::of(&self.data_dir)?.map(|archive| archive.settings(self.fsync));
        self.write(pg, "postgresql.conf", &settings::postgresql(archive.as_deref().unwrap_or_default()))?;
        self.write(pg, "pg_hba.conf", settings::HBA)?;
        self.write(pg, "pg_ident.conf", &settings::ident(&self.account.name))
    }

    /// Ends a recovery that was cut off: its cluster takes the place if the place is empty, else the one before stays.
    fn finish_recovery(&self) -> Result<(), EmbeddedError> {
        let recovered = self.data_dir.join(RECOVERED);
        if recovered.exists() && !self.pg().exists() {
            fs::rename(&recovered, self.pg()).map_err(files("rename", &recovered))?;
            self.sync_folder()?;
        }
        for folder in [recovered, self.data_dir.join(RECOVERING)] {
            remove_folder(&folder).map_err(files("remove", &folder))?;
        }
        Ok(())
    }

    /// The server's command line: what keeps it private is here, where no setting in the folder can undo it.
    pub(super) fn server_command(&self, lock: &File) -> Result<Command, EmbeddedError> {
        self.server_command_for(&self.pg(), PORT, lock)
    }

    /// The same for the cluster in `pg`, whose socket has the number `port`.
    pub(super) fn server_command_for(&self, pg: &Path, port: u16, lock: &File) -> Result<Command, EmbeddedError> {
        let mut socket = OsString::from("unix_socket_directories=\"");
        socket.push(self.make_socket_dir()?);
        socket.push("\"");
        let mut command = self.command(&self.binaries.postgres())?;
        command.arg("-D").arg(pg).arg("-c").arg(socket);
        let port = format!("port={port}");
        for setting in ["listen_addresses=", "unix_socket_permissions=0700", &port] {
            command.arg("-c").arg(setting);
        }
        if !self.fsync {
            for setting in ["fsync=off", "full_page_writes=off"] {
                command.arg("-c").arg(setting);
            }
        }
        // SIGINT is PostgreSQL's "fast shutdown": sessions end, everything is written down.
        tie_to_parent(&mut command, libc::SIGINT, lock);
        Ok(command)
    }

    pub(super) fn died(&self, status: String) -> EmbeddedError {
        EmbeddedError::Died { status, log: self.log.end() }
    }

    pub(super) fn not_ready(&self, limit: Duration) -> EmbeddedError {
        EmbeddedError::NotReady { seconds: limit.as_secs(), log: self.log.end() }
    }

    /// `program` as the account, with nothing of our environment, terminal or folder, its messages in the log.
    pub(super) fn command(&self, program: &Path) -> Result<Command, EmbeddedError> {
        let log = self.open_private(&self.log.path, OpenOptions::new().append(true).create(true))?;
        let mut command = Command::new(program);
        command.env_clear().env("LC_ALL", "C").env("TZ", "UTC").current_dir("/");
        // A group of its own: Ctrl-C is for the program, which stops the server when its last turn is written.
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.account.run_as(&mut command);
        Ok(command)
    }

    /// Makes the cluster beside its place and moves it there when it is whole.
    fn init(&self, lock: &File, deadline: Instant) -> Result<(), EmbeddedError> {
        let fresh = self.data_dir.join("pg.tmp");
        for locale in ["C.UTF-8", "C"] {
            remove_folder(&fresh).map_err(files("remove", &fresh))?;
            fs::DirBuilder::new().mode(0o700).create(&fresh).map_err(files("make the folder", &fresh))?;
            self.account.own_folder(&fresh).map_err(files("give away", &fresh))?;
            let status = self.run_initdb(&fresh, locale, lock, deadline)?;
            if status.success() {
                fs::rename(&fresh, self.pg()).map_err(files("rename", &fresh))?;
                return self.sync_folder();
            }
            let log = self.log.end();
            // A system without C.UTF-8 sorts by bytes just the same; only upper and lower case then stop at ASCII.
            if locale == "C" || !log.contains("locale") {
                remove_folder(&fresh).map_err(files("remove", &fresh))?;
                return Err(EmbeddedError::Init { status: status.to_string(), log });
            }
        }
        Ok(())
    }

    fn run_initdb(
        &self,
        fresh: &Path,
        locale: &str,
        lock: &File,
        deadline: Instant,
    ) -> Result<std::process::ExitStatus, EmbeddedError> {
        let program = self.binaries.initdb();
        let mut command = self.command(&program)?;
        command.arg("-D").arg(fresh).args(["-U", KEEPER, "-A", "peer", "-E", "UTF8", "--data-checksums"]);
        command.arg(format!("--locale={locale}")).args(["--lc-messages=C", "--no-instructions"]);
        command.args((!self.fsync).then_some("--no-sync"));
        tie_to_parent(&mut command, libc::SIGTERM, lock);
        let spawn = |source| EmbeddedError::Spawn { program: program.clone(), source };
        let mut child = command.spawn().map_err(spawn)?;
        loop {
            if let Some(status) = child.try_wait().map_err(spawn)? {
                return Ok(status);
            }
            if Instant::now() > deadline {
                child.kill().and_then(|()| child.wait()).map_err(spawn)?;
                return Err(self.not_ready(deadline.elapsed()));
            }
            thread::sleep(POLL);
        }
    }

    /// Replaces a file of the cluster in one step, unless it already reads so.
    fn write(&self, pg: &Path, name: &str, text: &str) -> Result<(), EmbeddedError> {
        let path = pg.join(name);
        if fs::read(&path).is_ok_and(|found| found == text.as_bytes()) {
            return Ok(());
        }
        let fresh = pg.join(format!("{name}.tmp"));
        // Never written through: the folder is the account's, and root must not follow a link found there.
        drop(fs::remove_file(&fresh));
        let mut file = self.open_private(&fresh, OpenOptions::new().write(true).create_new(true))?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(files("write", &fresh))?;
        fs::rename(&fresh, &path).map_err(files("write", &path))
    }

    /// Opens a file that only the account (and root) may use, and that is no link.
    fn open_private(&self, path: &Path, how: &mut OpenOptions) -> Result<File, EmbeddedError> {
        let file = how.mode(0o600).custom_flags(libc::O_NOFOLLOW).open(path).map_err(files("open", path))?;
        self.account.own_file(&file).map_err(files("give away", path))?;
        Ok(file)
    }

    /// Removes what a killed server left and a new one would take for a running one: the number in these files may by
    /// now belong to another process, or to the remains of one that nobody has reaped. With the lock held no server of
    /// ours is left; one that somebody started by hand is known by its working folder, and a file whose process is
    /// gone altogether is for PostgreSQL itself to judge.
    pub(super) fn clear_remains(&self) {
        let began = Instant::now();
        // A killed server lets go of the lock a moment before it is gone.
        while self.postmaster().is_some_and(|found| found.works_in().is_some_and(|folder| folder == self.pg())) {
            if began.elapsed() > GOING_MAX {
                return;
            }
            thread::sleep(POLL);
        }
        if self.postmaster().is_none_or(|found| found.exists()) {
            drop(fs::remove_file(self.pg().join("postmaster.pid")));
        }
        for folder in self.socket_dirs() {
            for port in [PORT, PORT_RECOVERY] {
                for name in [format!(".s.PGSQL.{port}"), format!(".s.PGSQL.{port}.lock")] {
                    drop(fs::remove_file(folder.join(name)));
                }
            }
        }
    }

    /// Where the socket may be: with the data, or in a private folder with a short name.
    fn socket_dirs(&self) -> Vec<PathBuf> {
        use std::os::unix::ffi::OsStrExt;
        let mut mark = Uuid::new_v5(&Uuid::NAMESPACE_URL, self.data_dir.as_os_str().as_bytes()).simple().to_string();
        mark.truncate(12);
        let short = format!("sphereconnect-{}-{mark}", self.account.name);
        // Root's runtime folder is closed to the account.
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").filter(|folder| !folder.is_empty() && !is_root());
        let runtime = runtime.map(|folder| Path::new(&folder).join(&short)).filter(|folder| folder.is_absolute());
        let all = [Some(self.data_dir.join("socket")), runtime, Some(Path::new("/tmp").join(&short))];
        all.into_iter().flatten().filter(|folder| fits(folder)).collect()
    }

    pub(super) fn make_socket_dir(&self) -> Result<PathBuf, EmbeddedError> {
        let mut first = None;
        for folder in self.socket_dirs() {
            let made = match fs::DirBuilder::new().mode(0o700).create(&folder) {
                Ok(()) => self.account.own_folder(&folder),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                Err(error) => Err(error),
            };
            let found = made.and_then(|()| fs::symlink_metadata(&folder));
            match found {
                Ok(found) if found.is_dir() && self.account.is_private(&found) => return Ok(folder),
                Ok(_) => first = first.or(Some(EmbeddedError::SocketFolder { path: folder })),
                Err(source) => first = first.or(Some(files("make the folder", &folder)(source))),
            }
        }
        let path = self.data_dir.join("socket").join(format!(".s.PGSQL.{PORT}"));
        Err(first.unwrap_or(EmbeddedError::SocketPath { path }))
    }

    /// Makes the rename survive a power cut.
    pub(super) fn sync_folder(&self) -> Result<(), EmbeddedError> {
        if !self.fsync {
            return Ok(());
        }
        let synced = File::open(&self.data_dir).and_then(|folder| folder.sync_all());
        synced.map_err(files("write", &self.data_dir))
    }
}

/// Names the file in an error.
pub(super) fn files(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> EmbeddedError {
    let path = path.to_path_buf();
    move |source| EmbeddedError::Files { doing, path, source }
}

/// Makes the folder private; root's may be passed through, because the server's user must reach `pg/` in it.
fn make_data_dir(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let mode = if is_root() { 0o711 } else { 0o700 };
    fs::DirBuilder::new().recursive(true).mode(mode).create(folder)?;
    // Again, because a strict umask may have taken from it.
    fs::set_permissions(folder, fs::Permissions::from_mode(mode))
}

/// The major version that made `pg`, or `None` when there is no `pg`.
fn data_version(pg: &Path) -> Result<Option<u32>, EmbeddedError> {
    let path = pg.join("PG_VERSION");
    let damaged = || EmbeddedError::Damaged { path: pg.to_path_buf() };
    match fs::read_to_string(&path) {
        Ok(text) => {
            let major = text.trim().split('.').next().and_then(|major| major.parse().ok());
            major.map(Some).ok_or_else(damaged)
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(files("read", &path)(error)),
        Err(_) if fs::symlink_metadata(pg).is_ok() => Err(damaged()),
        Err(_) => Ok(None),
    }
}

pub(super) fn remove_folder(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Whether a socket can be in `folder`, and PostgreSQL's quoting can carry its name.
fn fits(folder: &Path) -> bool {
    let length = folder.as_os_str().len() + format!("/.s.PGSQL.{PORT}").len();
    let plain = folder.to_str().is_some_and(|name| !name.contains(|c: char| c == '"' || c.is_control()));
    plain && length <= SOCKET_BYTES_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_needs_a_short_plain_path() {
        assert!(fits(Path::new("/var/lib/sphereconnect/socket")));
        assert!(fits(Path::new(&format!("/{}", "a".repeat(92)))));
        assert!(!fits(Path::new(&format!("/{}", "a".repeat(93)))), "108 bytes");
        assert!(!fits(Path::new("/a\"b")));
        assert!(!fits(Path::new("/a\nb")));
    }
}
