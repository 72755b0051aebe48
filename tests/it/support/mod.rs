//! What the tests share: a private PostgreSQL for each test process, a migrated database for each test, folders that
//! go away, and the program itself.

#![allow(dead_code, reason = "each helper serves some of the test files")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at what it did not expect")]

pub mod demo;
pub mod llm;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};

use sha2::{Digest as _, Sha256};
use sphereconnect::store::embedded::{Embedded, EmbeddedOptions, KEEPER};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, PgPool};
use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};

/// Every test process keeps its folders in one folder of this name and its process id, under the system's temporary one.
const FOLDER_PREFIX: &str = "sphereconnect-it-";
/// Databases in use at the same time; with [`POOL_CONNECTIONS_MAX`] each they stay below what the cluster accepts.
const DATABASES_MAX: usize = 8;
/// Connections of one test's pool.
const POOL_CONNECTIONS_MAX: u32 = 5;
/// The program's role.
const APP: &str = "sphereconnect_app";
/// The database that all others are copied from.
const TEMPLATE: &str = "migrated";

static CLUSTER: OnceLock<Mutex<Option<Embedded>>> = OnceLock::new();
static MIGRATED: OnceCell<()> = OnceCell::const_new();
static COPYING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
static DATABASES: Semaphore = Semaphore::const_new(DATABASES_MAX);

/// One test's own database, complete and empty.
pub struct TestDb {
    /// Connections as the owner of everything, whom no policy holds back.
    pub pool: PgPool,
    /// The database's name.
    pub name: String,
    options: PgConnectOptions,
    socket_dir: PathBuf,
    _permit: SemaphorePermit<'static>,
}

impl TestDb {
    /// How to connect to it as its owner.
    pub fn connect_options(&self) -> PgConnectOptions {
        self.options.clone()
    }

    /// How to connect to it as the program's role itself, as a daemon on a server does. The cluster lets it in.
    pub async fn app_options(&self) -> PgConnectOptions {
        static OPENED: OnceCell<()> = OnceCell::const_new();
        let options = self.options.clone().username(APP);
        OPENED.get_or_init(|| self.let_app_in(&options)).await;
        options
    }

    /// A connection as the program's role.
    pub async fn app_login(&self) -> PgConnection {
        self.app_options().await.connect().await.unwrap()
    }

    /// The same for `SPHERECONNECT_DATABASE_URL`.
    pub async fn app_url(&self) -> String {
        drop(self.app_options().await);
        self.url().replace(&format!("//{KEEPER}@"), &format!("//{APP}@"))
    }

    /// The cluster's own rules know only the keeper. One more line is read by the running server.
    async fn let_app_in(&self, options: &PgConnectOptions) {
        const TRIES: u32 = 100;
        let file: String = sqlx::query_scalar("show hba_file").fetch_one(&self.pool).await.unwrap();
        let rules = fs::read_to_string(&file).unwrap();
        fs::write(&file, format!("local all {APP} trust\n{rules}")).unwrap();
        sqlx::query("select pg_reload_conf()").execute(&self.pool).await.unwrap();
        for _ in 0..TRIES {
            if let Ok(connection) = options.connect().await {
                return connection.close().await.unwrap();
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("the cluster did not let {APP} in");
    }

    /// The same for `SPHERECONNECT_DATABASE_URL`, `psql` or `pg_dump`.
    pub fn url(&self) -> String {
        let mut host = String::new();
        for byte in self.socket_dir.to_str().unwrap().bytes() {
            match byte {
                byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => host.push(char::from(byte)),
                byte => host.push_str(&format!("%{byte:02X}")),
            }
        }
        format!("postgres://{KEEPER}@localhost/{}?host={host}", self.name)
    }
}

/// A fresh database with every migration applied. The first call of a process makes the cluster; the cluster dies
/// with the process.
pub async fn database() -> TestDb {
    MIGRATED.get_or_init(migrate).await;
    copy_of(TEMPLATE).await
}

/// A database that no migration has touched.
pub async fn database_unmigrated() -> TestDb {
    copy_of("template0").await
}

async fn copy_of(template: &str) -> TestDb {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let permit = DATABASES.acquire().await.unwrap();
    let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    copy(template, &name).await;
    let (options, socket_dir) = reach(&name);
    let pool = PgPoolOptions::new().max_connections(POOL_CONNECTIONS_MAX).connect_with(options.clone()).await.unwrap();
    TestDb { pool, name, options, socket_dir, _permit: permit }
}

/// What every member of a test's guild signs in with, once [`give_passwords`] was called.
pub const PASSWORD: &str = "plain made-up words";

/// Gives every member in the database the password [`PASSWORD`].
pub async fn give_passwords(pool: &PgPool) {
    let sql = "update users set password = $1";
    sqlx::query(sql).bind(verifier(PASSWORD)).execute(pool).await.unwrap();
}

/// The cheapest verifier that there may be: tests need many.
pub fn verifier(secret: &str) -> String {
    let (cost, salt) = ("m=8,t=1,p=1", *b"not a random one");
    format!("argon2id${cost}${}${}", hex(&salt), hex(&Sha256::digest(key(secret, &salt))))
}

/// The key of a secret under the cost of [`verifier`].
pub fn key(secret: &str, salt: &[u8]) -> [u8; 32] {
    let params = argon2::Params::new(8, 1, 1, Some(32)).unwrap();
    let mut key = [0; 32];
    let argon = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    argon.hash_password_into(secret.as_bytes(), salt, &mut key).unwrap();
    key
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// The program with nothing of the tester's settings, keeping its data in `data_dir`.
pub fn program(data_dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sphereconnect"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SPHERECONNECT_")) {
        command.env_remove(name);
    }
    command.env("SPHERECONNECT_DATA_DIR", data_dir).env("XDG_CONFIG_HOME", data_dir.join("settings"));
    command.stdin(Stdio::null());
    command
}

/// A folder that is removed when it is dropped. Others may pass through it: root's database runs as somebody else.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// An empty folder of the test's own.
pub fn folder() -> Folder {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let path = process_folder().join(NUMBER.fetch_add(1, Ordering::Relaxed).to_string());
    make_passable(&path);
    Folder(path)
}

/// How to reach `database` of this process's cluster, and the folder of its socket.
fn reach(database: &str) -> (PgConnectOptions, PathBuf) {
    let cluster = CLUSTER.get_or_init(|| {
        let options = EmbeddedOptions { fsync: false, ..EmbeddedOptions::new(process_folder().join("cluster")) };
        Mutex::new(Some(Embedded::open(&options, &|_| {}).unwrap()))
    });
    let cluster = cluster.lock().unwrap();
    let cluster = cluster.as_ref().unwrap();
    (cluster.connect_options(database), cluster.socket_dir())
}

/// Makes the template.
async fn migrate() {
    copy("template0", TEMPLATE).await;
    let mut connection = reach(TEMPLATE).0.connect().await.unwrap();
    sqlx::migrate!("./migrations").run(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// Copies a database; one at a time, because a template must be left alone while it is read.
async fn copy(template: &str, name: &str) {
    let _turn = COPYING.lock().await;
    let mut connection = reach("postgres").0.connect().await.unwrap();
    let statement = format!("create database {name} template {template}");
    sqlx::query(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// This process's folder; removed at its end, and by the next run when the end was a kill.
fn process_folder() -> PathBuf {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        sweep();
        let path = std::env::temp_dir().join(format!("{FOLDER_PREFIX}{}", std::process::id()));
        drop(fs::remove_dir_all(&path));
        make_passable(&path);
        clean_at_exit();
        path
    });
    made.clone()
}

fn make_passable(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    fs::set_permissions(folder, fs::Permissions::from_mode(0o711)).unwrap();
}

/// Removes what killed test processes left behind.
fn sweep() {
    for entry in fs::read_dir(std::env::temp_dir()).unwrap().flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_prefix(FOLDER_PREFIX)?.parse::<u32>().ok());
        if pid.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
            drop(fs::remove_dir_all(entry.path()));
        }
    }
}

/// Statics are never dropped, so the cluster and the folder go when the process exits.
#[expect(unsafe_code, reason = "the standard library has no exit handlers")]
fn clean_at_exit() {
    extern "C" fn clean() {
        let cluster = CLUSTER.get().and_then(|cluster| cluster.lock().ok()?.take());
        drop(cluster);
        drop(fs::remove_dir_all(process_folder()));
    }
    // SAFETY: `clean` is a plain function for the whole life of the process, and it does not unwind.
    let registered = unsafe { libc::atexit(clean) };
    assert_eq!(registered, 0, "no room for an exit handler");
}
