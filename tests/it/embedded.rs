//! The embedded database survives what happens to programs: first starts, kills, company, and folders in any state.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::error::Error as _;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use sphereconnect::store::embedded::{DATABASE, Embedded, EmbeddedError, EmbeddedOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};

use crate::support;

/// Tells [`child`] which folder to open.
const CHILD_FOLDER: &str = "TEST_EMBEDDED_FOLDER";
/// The longest a test waits for something to happen in another process.
const WAIT_MAX: Duration = Duration::from_secs(30);

#[test]
fn the_first_start_makes_the_database_and_the_next_finds_it() {
    let folder = support::folder();
    let told = std::sync::Mutex::new(Vec::new());
    let options = EmbeddedOptions { fsync: true, ..options(folder.path()) };
    let embedded = Embedded::open(&options, &|text| told.lock().unwrap().push(text.to_owned())).unwrap();
    assert!(told.lock().unwrap().iter().any(|text| text.contains("making the database")));
    assert!(embedded.is_owner());
    assert_eq!(number(&embedded, "select count(*) from pg_database where datname = 'sphereconnect'"), 1);
    let setting =
        |name: &str| number(&embedded, &format!("select setting::int8 from pg_settings where name = '{name}'"));
    assert_eq!((setting("autovacuum_max_workers"), setting("autovacuum_naptime")), (3, 20));
    let durable = "select count(*) from pg_settings where name in ('fsync', 'full_page_writes', 'data_checksums', \
                   'synchronous_commit', 'autovacuum') and setting = 'on'";
    assert_eq!(number(&embedded, durable), 5);
    assert_eq!(
        number(&embedded, "select count(*) from pg_settings where name = 'listen_addresses' and setting = ''"),
        1
    );
    fill(&embedded);
    embedded.close();
    assert!(!folder.path().join("pg/postmaster.pid").exists(), "closed cleanly");

    let embedded = open(folder.path());
    assert_eq!(rows(&embedded), 3);
}

#[test]
fn nobody_but_the_keeper_gets_in() {
    let folder = support::folder();
    let embedded = open(folder.path());
    let error =
        block_on(async { embedded.connect_options(DATABASE).username("postgres").connect().await.unwrap_err() });
    assert!(error.to_string().contains("eer authentication failed"), "{error}");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&embedded.socket_dir()), 0o700);
    assert_eq!(mode(&folder.path().join("pg")), 0o700);
    assert_eq!(mode(&embedded.log_path()), 0o600);
}

/// Statements quote what members say, so neither they nor their errors are written down.
#[test]
fn the_log_holds_no_words_of_a_statement() {
    let folder = support::folder();
    let embedded = open(folder.path());
    block_on(async {
        let mut connection = connect(&embedded).await;
        sqlx::query("select 'nightfall'::int4").execute(&mut connection).await.unwrap_err();
    });
    let log_path = embedded.log_path();
    embedded.close();
    let log = fs::read_to_string(log_path).unwrap();
    assert!(log.contains("ready to accept connections"));
    assert!(!log.contains("nightfall"), "{log}");
}

#[test]
fn a_killed_owner_loses_nothing_and_the_other_program_goes_on() {
    let folder = support::folder();
    let mut owner = Owner::start(folder.path());
    let embedded = open(folder.path());
    assert!(!embedded.is_owner(), "shared");
    fill(&embedded);
    block_on(async {
        let mut connected = connect(&embedded).await;
        owner.process.kill().unwrap();
        let began = Instant::now();
        while sqlx::query("select 1").execute(&mut connected).await.is_ok() {
            assert!(began.elapsed() < WAIT_MAX, "the server outlives its owner");
        }
    });
    embedded.ensure_running().unwrap();
    assert!(embedded.is_owner());
    assert_eq!(rows(&embedded), 3);
}

#[test]
fn a_killed_server_is_started_again_by_its_owner() {
    let folder = support::folder();
    let embedded = open(folder.path());
    fill(&embedded);
    let before = embedded.pid().unwrap();
    kill(before);
    embedded.ensure_running().unwrap();
    assert_ne!(embedded.pid().unwrap(), before);
    assert_eq!(rows(&embedded), 3);
}

#[test]
fn a_killed_server_is_started_again_by_whoever_shares_it() {
    let folder = support::folder();
    let _owner = Owner::start(folder.path());
    let embedded = open(folder.path());
    fill(&embedded);
    kill(embedded.pid().unwrap());
    embedded.ensure_running().unwrap();
    assert!(embedded.is_owner(), "the former owner let go of the lock when its server died");
    assert_eq!(rows(&embedded), 3);
}

#[test]
fn owner_and_server_killed_together_leave_a_folder_that_opens() {
    let folder = support::folder();
    let mut owner = Owner::start(folder.path());
    let embedded = open(folder.path());
    fill(&embedded);
    kill(embedded.pid().unwrap());
    owner.process.kill().unwrap();
    drop(embedded);
    assert!(folder.path().join("pg/postmaster.pid").exists(), "what a crash leaves");
    assert_eq!(rows(&open(folder.path())), 3);
}

/// The number in a crashed server's pid file may by now be any process of the same user, this test for example;
/// PostgreSQL alone would refuse to start for ever.
#[test]
fn a_pid_file_that_names_a_stranger_is_no_server() {
    let folder = support::folder();
    let embedded = open(folder.path());
    fill(&embedded);
    let pid = embedded.pid().unwrap().to_string();
    let socket_dir = embedded.socket_dir();
    let pid_file = fs::read_to_string(folder.path().join("pg/postmaster.pid")).unwrap();
    embedded.close();
    let stranger = std::process::id().to_string();
    fs::write(folder.path().join("pg/postmaster.pid"), pid_file.replacen(&pid, &stranger, 1)).unwrap();
    fs::write(socket_dir.join(".s.PGSQL.5432.lock"), format!("{stranger}\n")).unwrap();
    assert_eq!(rows(&open(folder.path())), 3);

    fs::write(folder.path().join("pg/postmaster.pid"), "").unwrap();
    assert_eq!(rows(&open(folder.path())), 3, "an empty pid file, as a full disk leaves it");
}

#[test]
fn a_socket_that_was_cleaned_away_comes_back() {
    let folder = support::folder();
    let embedded = open(folder.path());
    fs::remove_file(embedded.socket_dir().join(".s.PGSQL.5432")).unwrap();
    embedded.ensure_running().unwrap();
    fill(&embedded);
    assert_eq!(rows(&embedded), 3);
}

#[test]
fn when_the_owner_leaves_first_the_other_takes_over() {
    let folder = support::folder();
    let owner = Owner::start(folder.path());
    let embedded = open(folder.path());
    fill(&embedded);
    owner.leave();
    assert!(!folder.path().join("pg/postmaster.pid").exists(), "stopped cleanly");
    embedded.ensure_running().unwrap();
    assert!(embedded.is_owner());
    assert_eq!(rows(&embedded), 3);

    // And one that comes later shares with the new owner, and leaves it alone.
    Owner::start(folder.path()).leave();
    assert_eq!(rows(&embedded), 3);
}

#[test]
fn programs_that_start_at_the_same_moment_on_an_empty_folder_share_one_database() {
    let folder = support::folder();
    let owners: Vec<Embedded> = std::thread::scope(|scope| {
        let process = scope.spawn(|| Owner::start(folder.path()));
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(|| open(folder.path()))).collect();
        process.join().unwrap().leave();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for embedded in &owners {
        embedded.ensure_running().unwrap();
    }
    assert_eq!(owners.iter().filter(|embedded| embedded.is_owner()).count(), 1);
    let pids: Vec<_> = owners.iter().map(Embedded::pid).collect();
    assert!(pids.iter().all(|pid| *pid == pids[0]), "{pids:?}");
}

#[test]
fn a_half_made_database_is_made_anew() {
    let folder = support::folder();
    // A program killed in the middle of it …
    let mut process = spawn_child(folder.path());
    let began = Instant::now();
    while !folder.path().join("pg.tmp/PG_VERSION").exists() {
        assert!(began.elapsed() < WAIT_MAX, "nothing is made");
        std::thread::sleep(Duration::from_millis(1));
    }
    process.kill().unwrap();
    process.wait().unwrap();
    assert!(!folder.path().join("pg").exists(), "not yet whole");
    // … and what an older crash left.
    fs::create_dir_all(folder.path().join("pg.tmp/base/1")).unwrap();
    fs::write(folder.path().join("pg.tmp/base/1/1259"), "half").unwrap();
    let embedded = open(folder.path());
    fill(&embedded);
    assert_eq!(rows(&embedded), 3);
    assert!(!folder.path().join("pg.tmp").exists());
}

#[test]
fn a_path_too_long_for_a_socket_gets_a_short_private_one() {
    let folder = support::folder();
    let long = folder.path().join("x".repeat(100));
    let embedded = open(&long);
    assert!(embedded.socket_dir().as_os_str().len() < 90);
    let shared = open(&long);
    assert_eq!(shared.socket_dir(), embedded.socket_dir());
    assert_eq!(number(&shared, "select 1::int8"), 1);
    let socket_dir = embedded.socket_dir();
    drop((shared, embedded));
    fs::remove_dir_all(socket_dir).unwrap();
}

#[test]
fn what_cannot_work_says_what_to_do() {
    let folder = support::folder();
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let check = |name: &str, options: EmbeddedOptions, says: &[&str]| {
        let error = Embedded::open(&options, &|_| {}).unwrap_err();
        let text = format!("{error} {}", error.source().map(ToString::to_string).unwrap_or_default());
        for part in says {
            assert!(text.contains(part), "{name}: {text}");
        }
        error
    };
    let at = |name: &str| options(&folder.path().join(name));

    let error =
        check("no binaries", EmbeddedOptions { bin_dir: Some(empty.clone()), ..at("a") }, &["install", "postgres"]);
    assert!(matches!(error, EmbeddedError::NoBinaries { .. }));

    let old = folder.path().join("old");
    fs::create_dir(&old).unwrap();
    for program in ["postgres", "initdb"] {
        fs::write(old.join(program), "#!/bin/sh\necho 'postgres (PostgreSQL) 14.9'\n").unwrap();
        fs::set_permissions(old.join(program), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let error = check("old", EmbeddedOptions { bin_dir: Some(old), ..at("b") }, &["14.9", "older than 15"]);
    assert!(matches!(error, EmbeddedError::TooOld { .. }));

    fs::create_dir_all(folder.path().join("c/pg")).unwrap();
    let error = check("no PG_VERSION", at("c"), &["no PostgreSQL data folder"]);
    assert!(matches!(error, EmbeddedError::Damaged { .. }));

    fs::write(folder.path().join("c/pg/PG_VERSION"), "99\n").unwrap();
    let error = check("newer", at("c"), &["made by PostgreSQL 99", "postgresql-99"]);
    assert!(matches!(error, EmbeddedError::OtherVersion { data: 99, .. }));

    fs::write(folder.path().join("file"), "").unwrap();
    let error = check("a file in the way", at("file/data"), &["make the folder", "file/data"]);
    assert!(matches!(error, EmbeddedError::Files { .. }));
}

#[test]
fn a_server_that_cannot_start_shows_its_own_last_words() {
    let folder = support::folder();
    open(folder.path()).close();
    fs::remove_file(folder.path().join("pg/global/pg_control")).unwrap();
    let began = Instant::now();
    let error = Embedded::open(&options(folder.path()), &|_| {}).unwrap_err();
    assert!(matches!(error, EmbeddedError::Died { .. }), "{error}");
    assert!(error.to_string().contains("pg_control"), "{error}");
    assert!(began.elapsed() < WAIT_MAX, "it does not wait for what cannot come");
}

#[test]
fn a_folder_that_the_servers_user_cannot_enter_is_named() {
    let folder = support::folder();
    let closed = folder.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    match Embedded::open(&options(&closed.join("data")), &|_| {}) {
        Err(error) => {
            assert!(matches!(&error, EmbeddedError::Closed { parent, .. } if *parent == closed), "{error}");
            assert!(!closed.join("data").exists(), "nothing is left behind");
        }
        Ok(embedded) => {
            let own = fs::metadata("/proc/self").unwrap();
            assert_ne!(std::os::unix::fs::MetadataExt::uid(&own), 0, "root's server is somebody else");
            assert!(embedded.is_owner());
        }
    }
}

/// Not a test of its own: the process that others start, kill and send away.
#[test]
fn child() {
    let Some(folder) = std::env::var_os(CHILD_FOLDER) else { return };
    let embedded = open(Path::new(&folder));
    println!("\nready");
    // Until the starter lets go of the other end.
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    embedded.close();
}

/// Another program that runs the database.
struct Owner {
    process: Child,
    stdin: Option<ChildStdin>,
    /// Kept open, because the test runner in the process writes to it to the end.
    _stdout: BufReader<ChildStdout>,
}

impl Owner {
    /// Returns when its database is open.
    fn start(folder: &Path) -> Self {
        let mut process = spawn_child(folder);
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let ready = stdout.by_ref().lines().map_while(Result::ok).any(|line| line == "ready");
        assert!(ready, "the other program did not open the database");
        Self { stdin: process.stdin.take(), _stdout: stdout, process }
    }

    /// Lets it end as a program ends.
    fn leave(mut self) {
        drop(self.stdin.take());
        self.process.wait().unwrap();
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn spawn_child(folder: &Path) -> Child {
    let name = format!("{}::child", module_path!().split_once("::").unwrap().1);
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &name, "--nocapture"]).env(CHILD_FOLDER, folder);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

fn options(folder: &Path) -> EmbeddedOptions {
    EmbeddedOptions { fsync: false, ..EmbeddedOptions::new(folder) }
}

fn open(folder: &Path) -> Embedded {
    Embedded::open(&options(folder), &|_| {}).unwrap()
}

fn kill(pid: u32) {
    let killed = Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap();
    assert!(killed.success());
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

async fn connect(embedded: &Embedded) -> PgConnection {
    embedded.connect_options(DATABASE).connect().await.unwrap()
}

fn fill(embedded: &Embedded) {
    block_on(async {
        let mut connection = connect(embedded).await;
        for statement in ["create table kept (id int8 primary key)", "insert into kept values (1), (2), (3)"] {
            sqlx::query(statement).execute(&mut connection).await.unwrap();
        }
        connection.close().await.unwrap();
    });
}

fn rows(embedded: &Embedded) -> i64 {
    number(embedded, "select count(*) from kept")
}

fn number(embedded: &Embedded, statement: &str) -> i64 {
    block_on(async {
        let mut connection = connect(embedded).await;
        let found = sqlx::query_scalar(AssertSqlSafe(statement.to_owned())).fetch_one(&mut connection).await;
        connection.close().await.unwrap();
        found.unwrap()
    })
}
