//! The operator's way into the database: as the login that owns the tables, without a member's session.
//!
//! An [`Operator`] opens the database of the settings as it is. Unlike [`super::Store`] it migrates nothing, so that it
//! can say what is wrong with a database, save one before it is migrated, and replace one that cannot be opened.

mod backup;
mod error;
mod load;
mod maintain;
mod manifest;
mod restore;
mod status;
mod swap;
mod tools;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _};

use super::embedded::Embedded;
use super::{ACQUIRE_SECONDS_MAX, MIGRATIONS, Progress, StoreError, reach};
use crate::config::Config;

pub use backup::{Backup, write_private};
pub use error::OperateError;
pub use maintain::{Done, Maintenance, Part, Plan, Step};
pub use manifest::{Kind, Manifest};
pub use restore::Restored;
pub use status::Status;

/// The database, as its operator sees it.
#[derive(Debug)]
pub struct Operator {
    options: PgConnectOptions,
    embedded: Option<Arc<Embedded>>,
    bin_dir: Option<PathBuf>,
}

/// How the database's schema stands to this program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    /// The newest migration that is applied; 0 for an empty database.
    pub version: i64,
    /// The newest migration that this program knows.
    pub version_known: i64,
    /// How many migrations are applied.
    pub migrations: i64,
    /// How many this program knows.
    pub migrations_known: i64,
    /// `current`, `older`, `newer` or `none`.
    pub state: String,
}

impl Operator {
    /// Opens the database that the settings name; the embedded server is started.
    ///
    /// # Errors
    /// [`OperateError::Store`] when it cannot be reached, [`OperateError::NotOwner`] for a login that does not own the
    /// tables: a player's, for example.
    pub async fn open(config: &Config, progress: Progress) -> Result<Self, OperateError> {
        let (options, embedded) = reach(config, &progress).await?;
        let operator = Self { options, embedded, bin_dir: config.database.bin_dir.clone() };
        let mut connection = operator.connect().await?;
        operator.check_owner(&mut connection).await?;
        connection.close().await?;
        Ok(operator)
    }

    /// A connection of its own, with the settings that make texts of values the same everywhere.
    async fn connect(&self) -> Result<PgConnection, OperateError> {
        connect(&self.options).await
    }

    async fn connect_to(&self, database: &str) -> Result<PgConnection, OperateError> {
        connect(&self.options.clone().database(database)).await
    }

    /// The database's name.
    fn database(&self) -> String {
        // A URL without a database means the one that is called like the login, as everywhere in PostgreSQL.
        self.options.get_database().unwrap_or_else(|| self.options.get_username()).to_owned()
    }

    /// Refuses a login that does not own the tables, or, where there are none yet, the database.
    async fn check_owner(&self, on: &mut PgConnection) -> Result<(), OperateError> {
        let owns: bool = sqlx::query_scalar(
            "select coalesce(
                (select pg_has_role(current_user, relowner, 'usage') from pg_class where oid = to_regclass('public.guilds')),
                (select pg_has_role(current_user, datdba, 'usage') from pg_database where datname = current_database()))",
        )
        .fetch_one(&mut *on)
        .await?;
        let login = || self.options.get_username().to_owned();
        if !owns {
            return Err(OperateError::NotOwner(login()));
        }
        // A policy that does not let the owner through would hide rows from a backup, silently.
        let hidden: Option<String> = sqlx::query_scalar(HIDDEN).fetch_one(on).await?;
        hidden.map_or(Ok(()), |tables| Err(OperateError::Hidden { login: login(), tables }))
    }
}

/// Tables of which the owner may not see every row, though it owns them: their owner was changed, and the policy made
/// for the old one was not.
const HIDDEN: &str = "
select string_agg(relname, ', ' order by relname)
from pg_class c
where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and relrowsecurity and relforcerowsecurity
    and not (select rolsuper or rolbypassrls from pg_roles where rolname = current_user)
    and not exists (
        select from pg_policy, unnest(polroles) as role
        where polrelid = c.oid and polcmd = '*' and polpermissive and pg_get_expr(polqual, polrelid) = 'true'
            and (role = 0 or pg_has_role(current_user, role, 'usage')))";

/// How the schema of the database stands to this program's.
async fn schema(on: &mut PgConnection) -> Result<Schema, OperateError> {
    let known: Vec<i64> =
        MIGRATIONS.iter().filter(|one| one.migration_type.is_up_migration()).map(|one| one.version).collect();
    let (version_known, migrations_known) = (known.last().copied().unwrap_or_default(), known.len());
    let there: bool =
        sqlx::query_scalar("select to_regclass('public._sqlx_migrations') is not null").fetch_one(&mut *on).await?;
    let applied: Vec<i64> = if there {
        let all = "select version from _sqlx_migrations where success order by version";
        sqlx::query_scalar(all).fetch_all(on).await?
    } else {
        Vec::new()
    };
    let version = applied.last().copied().unwrap_or_default();
    let state = match version {
        0 => "none",
        _ if applied.iter().any(|one| !known.contains(one)) => "newer",
        _ if applied == known => "current",
        _ => "older",
    };
    Ok(Schema {
        version,
        version_known,
        migrations: i64::try_from(applied.len()).unwrap_or(i64::MAX),
        migrations_known: i64::try_from(migrations_known).unwrap_or(i64::MAX),
        state: state.to_owned(),
    })
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection, OperateError> {
    let limit = Duration::from_secs(ACQUIRE_SECONDS_MAX);
    let connected = tokio::time::timeout(limit, options.connect()).await;
    let connected = connected.map_err(|_| StoreError::connect(sqlx::Error::PoolTimedOut))?;
    let mut connection = connected.map_err(StoreError::connect)?;
    // The operator's work is long, whatever limits the login has; and a value's text must not depend on the login.
    sqlx::raw_sql(
        "set statement_timeout = 0; set lock_timeout = 0; set idle_in_transaction_session_timeout = 0;
        set timezone = 'UTC'; set extra_float_digits = 1; set search_path = public, pg_temp",
    )
    .execute(&mut connection)
    .await?;
    Ok(connection)
}

/// Whether the connection's login is a superuser.
async fn is_superuser(on: &mut PgConnection) -> Result<bool, OperateError> {
    Ok(sqlx::query_scalar("select rolsuper from pg_roles where rolname = current_user").fetch_one(on).await?)
}
