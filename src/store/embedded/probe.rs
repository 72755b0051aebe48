//! Asks the server whether it answers, and makes the database in it.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{ConnectOptions, Connection};

use super::{DATABASE, KEEPER};

/// The port is only a part of the socket's name: nothing listens on a network.
pub(super) const PORT: u16 = 5432;
/// The number of the socket on which a recovery's server answers, so that no other program finds it.
pub(super) const PORT_RECOVERY: u16 = 5433;
/// The longest wait for an answer on the socket; making the database is the slow case.
const ANSWER_MAX: Duration = Duration::from_secs(20);

/// What came of asking.
#[derive(Debug)]
pub(super) enum Answer {
    /// It answers on the socket in this folder.
    Ready(PathBuf),
    /// There is no server, or it is starting or stopping.
    Absent,
    /// A server says that it is ready, but its socket is gone or dead.
    Unreachable,
    /// It runs and will not have us.
    Refused(sqlx::Error),
}

/// How to connect to `database` through the socket in `socket_dir`, whatever `PG…` variables are set.
pub(super) fn connect_options(socket_dir: &Path, database: &str) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .socket(socket_dir)
        .port(PORT)
        .username(KEEPER)
        .database(database)
        .ssl_mode(PgSslMode::Disable)
        .application_name("sphereconnect")
}

/// Connects to [`DATABASE`], making it when it is missing.
pub(super) fn ask(socket_dir: &Path) -> Answer {
    let asked = thread::scope(|scope| {
        // On a thread of its own, so that a caller inside an asynchronous runtime gets no panic.
        let asking = thread::Builder::new().name("postgres-probe".to_owned()).spawn_scoped(scope, || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let answer = runtime.block_on(async { tokio::time::timeout(ANSWER_MAX, connect(socket_dir)).await });
            answer.map_err(io::Error::from)?
        });
        asking.map_err(sqlx::Error::Io)?.join().unwrap_or(Err(sqlx::Error::WorkerCrashed))
    });
    match asked {
        Ok(()) => Answer::Ready(socket_dir.to_path_buf()),
        Err(error) => judge(error),
    }
}

async fn connect(socket_dir: &Path) -> Result<(), sqlx::Error> {
    match connect_options(socket_dir, DATABASE).connect().await {
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("3D000") => {}
        Err(error) => return Err(error),
        Ok(connection) => return connection.close().await,
    }
    let mut connection: PgConnection = connect_options(socket_dir, "postgres").connect().await?;
    let made = sqlx::query("create database sphereconnect").execute(&mut connection).await;
    connection.close().await?;
    match made {
        // Another program made it at the same moment.
        Err(sqlx::Error::Database(error)) if matches!(error.code().as_deref(), Some("42P04" | "23505")) => Ok(()),
        made => made.map(drop),
    }
}

fn judge(error: sqlx::Error) -> Answer {
    match &error {
        sqlx::Error::Io(io) => match io.kind() {
            ErrorKind::ConnectionRefused | ErrorKind::NotFound => Answer::Unreachable,
            // The server went away, or was too busy, while it was asked.
            ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof | ErrorKind::TimedOut => {
                Answer::Absent
            }
            _ => Answer::Refused(error),
        },
        // Starting up, shutting down; the template in use while another program makes the database.
        sqlx::Error::Database(said) => match said.code().as_deref() {
            Some("57P01" | "57P02" | "57P03" | "55006") => Answer::Absent,
            _ => Answer::Refused(error),
        },
        _ => Answer::Refused(error),
    }
}
