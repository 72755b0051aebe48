//! The only door to PostgreSQL.
//!
//! [`Store`] holds the pool and keeps it to itself. A member signs in and gets a [`Session`]; every statement of a turn
//! runs on a [`GuildTx`], which takes guild and rights from that session inside the database. Nothing on a turn's
//! way has a guild as an argument; only signing in and the operator's side name one.

mod answer;
mod apply;
mod archiver;
pub mod embedded;
mod error;
mod guild;
mod journal;
mod news;
pub mod operate;
mod partition;
mod people;
mod roster;
mod session;
mod sign_in;
mod sign_in_key;
mod sign_in_manage;
mod undo;

use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, Postgres, Transaction};

use crate::config::Config;
use crate::guild_file::GuildFile;
use crate::secrets::Secrets;
use embedded::{Embedded, EmbeddedOptions};

pub use archiver::Archiver;
pub use error::StoreError;
pub use guild::{Count, GuildError, GuildSummary, ImportReport};
pub use journal::{Entry as JournalEntry, Line as JournalLine, Past};
pub use news::{Broadcast, Event, News};
pub use partition::{PARTITIONS_MAX, PARTITIONS_MIN, PartitionError, Repartitioned, Spread};
pub use people::{Fields as PeopleFields, Kind as PeopleKind, People, kinds as people_kinds};
pub use roster::View;
pub use session::Session;
pub use sign_in_manage::{Managing, SessionEntry, SignInStatus};

/// The schema, and how to get there and back.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");
/// The longest wait for a free connection.
const ACQUIRE_SECONDS_MAX: u64 = 10;

/// How every transaction of a member begins.
const OPENING: &str = "begin; set local role sphereconnect_app";
/// The same for one that reads or writes a whole guild.
const OPENING_STILL: &str = "begin isolation level repeatable read; set local role sphereconnect_app";

/// Tells people what takes long while the store opens.
pub type Progress = Arc<dyn Fn(&str) + Send + Sync>;

/// The guild's database, opened.
#[derive(Debug)]
pub struct Store {
    pool: PgPool,
    embedded: Option<Arc<Embedded>>,
    statement: Duration,
    secrets: Secrets,
    keeper: bool,
}

/// What there is to say about the open database.
#[derive(Debug, Clone)]
pub struct StoreStatus {
    /// PostgreSQL's version.
    pub version: String,
    /// Whether it is this machine's own private server.
    pub embedded: bool,
    /// How many migrations are applied.
    pub migrations: i64,
    /// How many guilds there are; `None` where the login may not know.
    pub guilds: Option<i64>,
}

/// One transaction of a signed-in member. Rolled back unless it is committed.
#[derive(Debug)]
pub struct GuildTx {
    tx: Transaction<'static, Postgres>,
}

/// Where the settings say that the embedded database is, and how it is run.
#[must_use]
pub fn embedded_options(config: &Config) -> EmbeddedOptions {
    EmbeddedOptions {
        bin_dir: config.database.bin_dir.clone(),
        ready_seconds_max: config.database.ready_seconds_max,
        ..EmbeddedOptions::new(config.data_dir.clone())
    }
}

/// The newest schema that this program knows.
#[must_use]
pub fn schema_max() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or_default()
}

impl Store {
    /// Opens the server the settings name, or the embedded database. A login that owns the tables is the keeper: it
    /// brings the schema up to this program's, and may import, export and manage. Any other login only signs members in.
    ///
    /// # Errors
    /// See [`StoreError`]; a schema newer than this program is refused, and an older one when the login is no keeper.
    pub async fn open(config: &Config, progress: Progress) -> Result<Self, StoreError> {
        let (options, embedded) = reach(config, &progress).await?;
        if embedded.is_none() {
            // Asked once outside the pool, which keeps trying: who cannot be reached is said at once, and why.
            let limit = Duration::from_secs(ACQUIRE_SECONDS_MAX);
            let first = tokio::time::timeout(limit, options.connect()).await;
            let first = first.map_err(|_| StoreError::connect(sqlx::Error::PoolTimedOut))?;
            first.map_err(StoreError::connect)?.close().await.map_err(StoreError::connect)?;
        }
        let pool = PgPoolOptions::new()
            .max_connections(config.database.connections_max)
            .acquire_timeout(Duration::from_secs(ACQUIRE_SECONDS_MAX))
            .connect_with(options)
            .await
            .map_err(StoreError::connect)?;
        let keeper = embedded.is_some() || is_keeper(&pool).await?;
        let (statement, secrets) = (config.database.statement, config.secrets.clone());
        let store = Self { pool, embedded, statement, secrets, keeper };
        if store.keeper {
            store.migrate().await?
        } else {
            store.schema_check().await?
        }
        Ok(store)
    }

    /// Whether the login owns the tables.
    #[must_use]
    pub fn is_keeper(&self) -> bool {
        self.keeper
    }

    /// What a login that may not migrate does instead.
    async fn schema_check(&self) -> Result<(), StoreError> {
        let known = schema_max();
        let mut tx = self.begin_app().await?;
        let found = sqlx::query_scalar!("select schema_version()").fetch_one(&mut *tx).await;
        let found = match found {
            Ok(found) => found.unwrap_or_default(),
            // A schema from before the function was.
            Err(error) if code_is(&error, "42883") => 0,
            Err(error) => return Err(StoreError::from(error)),
        };
        match found.cmp(&known) {
            std::cmp::Ordering::Less => Err(StoreError::Older { found, known }),
            std::cmp::Ordering::Greater => Err(StoreError::Newer(found)),
            std::cmp::Ordering::Equal => Ok(()),
        }
    }

    async fn migrate(&self) -> Result<(), StoreError> {
        MIGRATIONS.run(&self.pool).await.map_err(|error| match error {
            sqlx::migrate::MigrateError::VersionMissing(version) => StoreError::Newer(version),
            sqlx::migrate::MigrateError::VersionMismatch(version) => StoreError::Altered(version),
            other => StoreError::Migrate(Box::new(other)),
        })
    }

    /// Begins a transaction of the member. Nothing outside the member's guild and rights exists in it.
    ///
    /// # Errors
    /// [`StoreError::Away`] when the database cannot be reached.
    pub async fn begin(&self, session: &Session) -> Result<GuildTx, StoreError> {
        self.begin_at(session, OPENING).await
    }

    /// The same with one picture of the guild from the first statement to the last; what others change meanwhile is not
    /// seen, and changing it too is refused.
    async fn begin_still(&self, session: &Session) -> Result<GuildTx, StoreError> {
        self.begin_at(session, OPENING_STILL).await
    }

    async fn begin_at(&self, session: &Session, opening: &'static str) -> Result<GuildTx, StoreError> {
        let mut tx = self.begin_opened(opening).await?;
        // Bound, so that the token stands in no statement that another connection could read.
        sqlx::query!(
            "select set_config('sphereconnect.token', $1, true) as token,
                set_config('statement_timeout', $2, true) as patience, session_touch() as touched",
            session.token(),
            self.statement.as_millis().to_string()
        )
        .fetch_one(&mut *tx)
        .await?;
        Ok(GuildTx { tx })
    }

    /// Begins a transaction as the program's role, for nobody yet.
    async fn begin_app(&self) -> Result<Transaction<'static, Postgres>, StoreError> {
        self.begin_opened(OPENING).await
    }

    async fn begin_opened(&self, opening: &'static str) -> Result<Transaction<'static, Postgres>, StoreError> {
        Ok(match (self.pool.begin_with(opening).await, &self.embedded) {
            (Ok(tx), _) => tx,
            (Err(error), Some(embedded)) if is_away(&error) => {
                // The server crashed, or the program that ran it left: start it and try once more.
                let again = Arc::clone(embedded);
                let running = tokio::task::spawn_blocking(move || again.ensure_running());
                running.await.map_err(|_| StoreError::Stopped)??;
                self.pool.set_connect_options(embedded.connect_options(embedded::DATABASE));
                self.pool.begin_with(opening).await.map_err(StoreError::connect)?
            }
            (Err(error), _) if code_is(&error, "42501") => return Err(StoreError::NotApp),
            (Err(error), _) => return Err(StoreError::from(error)),
        })
    }

    /// Brings a guild file's content into the database, in one transaction.
    ///
    /// # Errors
    /// See [`GuildError`]; nothing is changed then.
    pub async fn guild_import(&self, file: &GuildFile) -> Result<ImportReport, GuildError> {
        guild::guild_import(&self.pool, file).await
    }

    /// Reads a whole guild as a guild file.
    ///
    /// # Errors
    /// See [`GuildError`].
    pub async fn guild_export(&self, name: &str) -> Result<GuildFile, GuildError> {
        guild::guild_export(&self.pool, name).await
    }

    /// Reads of the member's guild what the member may see, as a guild file.
    ///
    /// # Errors
    /// See [`GuildError`], and [`StoreError::SessionOver`].
    pub async fn guild_export_as(&self, session: &Session) -> Result<GuildFile, StoreError> {
        let mut tx = self.begin_still(session).await?;
        Ok(guild::member_export(&mut tx.tx, &session.guild).await?)
    }

    /// Brings a guild file into the member's guild, in one transaction and with the member's rights.
    ///
    /// # Errors
    /// [`StoreError::Denied`] and [`StoreError::Refused`], which name the thing; nothing is changed then. With `dry_run`
    /// nothing is changed either way.
    pub async fn guild_import_as(
        &self,
        session: &Session,
        file: &GuildFile,
        dry_run: bool,
    ) -> Result<ImportReport, StoreError> {
        let mut people = self.people_still(session).await?;
        let report = guild::member_import(&mut people, file).await?;
        if !dry_run {
            people.commit().await?;
        }
        Ok(report)
    }

    /// The name of the guild that is meant; it may be left out when there is just one.
    ///
    /// # Errors
    /// [`StoreError::Guild`] with what there is.
    pub async fn guild_name(&self, wanted: Option<&str>) -> Result<String, StoreError> {
        Ok(self.guild_find(wanted).await?.1)
    }

    /// Removes a guild with everything in it. For the demo's own guild; there is no command for it.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn guild_remove(&self, name: &str) -> Result<(), StoreError> {
        sqlx::query!("delete from guilds where lower(name) = lower($1)", name).execute(&self.pool).await?;
        Ok(())
    }

    /// Lists the guilds.
    ///
    /// # Errors
    /// See [`GuildError`].
    pub async fn guild_list(&self) -> Result<Vec<GuildSummary>, GuildError> {
        guild::guild_list(&self.pool).await
    }

    /// What there is to say about the database.
    ///
    /// # Errors
    /// [`StoreError::Away`] when it cannot be reached.
    pub async fn status(&self) -> Result<StoreStatus, StoreError> {
        let version = sqlx::query_scalar!(r#"select current_setting('server_version') as "version!""#);
        let version = version.fetch_one(&self.pool).await?;
        let embedded = self.embedded.is_some();
        if !self.keeper {
            // Opening found the schema to be this program's; who else is on the server is not this login's to know.
            let migrations = MIGRATIONS.iter().filter(|one| !one.migration_type.is_down_migration()).count();
            return Ok(StoreStatus { version, embedded, migrations: migrations.try_into().unwrap_or(0), guilds: None });
        }
        let guilds = sqlx::query_scalar!(r#"select count(*) as "guilds!" from guilds"#).fetch_one(&self.pool).await?;
        let migrations: i64 =
            sqlx::query_scalar("select count(*) from _sqlx_migrations where success").fetch_one(&self.pool).await?;
        Ok(StoreStatus { version, embedded, migrations, guilds: Some(guilds) })
    }

    /// Closes the connections. The embedded server, when it is ours, stops when the store is dropped.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// Whether the login owns the tables, or may make them where there are none.
async fn is_keeper(pool: &PgPool) -> Result<bool, StoreError> {
    let owns = sqlx::query_scalar!(
        r#"select coalesce(
            (select pg_has_role(current_user, relowner, 'usage') from pg_class where oid = to_regclass('public.guilds')),
            has_schema_privilege('public', 'create')) as "owns!""#
    );
    Ok(owns.fetch_one(pool).await?)
}

fn code_is(error: &sqlx::Error, code: &str) -> bool {
    error.as_database_error().and_then(|one| one.code()).is_some_and(|found| found == code)
}

/// How to connect to the database of the settings, and the embedded server when it is that one, which is started.
async fn reach(config: &Config, progress: &Progress) -> Result<(PgConnectOptions, Option<Arc<Embedded>>), StoreError> {
    let (options, embedded) = match &config.database.url {
        Some(url) => {
            let known = ["postgres://", "postgresql://"].iter().any(|one| url.expose_secret().starts_with(one));
            let options: Option<PgConnectOptions> = url.expose_secret().parse().ok().filter(|_| known);
            (options.ok_or(StoreError::Url)?, None)
        }
        None => {
            let options = embedded_options(config);
            let told = Arc::clone(progress);
            let embedded = tokio::task::spawn_blocking(move || Embedded::open(&options, &|text| told(text)))
                .await
                .map_err(|_| StoreError::Stopped)??;
            (embedded.connect_options(embedded::DATABASE), Some(Arc::new(embedded)))
        }
    };
    Ok((options.application_name("sphereconnect"), embedded))
}

fn is_away(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::Protocol(_))
        || error.as_database_error().and_then(|one| one.code()).is_some_and(|code| code.starts_with("57P"))
}

impl GuildTx {
    /// Makes the changes last.
    ///
    /// # Errors
    /// When the database refuses a deferred constraint, and then nothing was changed; [`StoreError::Uncertain`] when
    /// it did not say what became of it. The utterance's id makes a second try safe.
    pub async fn commit(self) -> Result<(), StoreError> {
        self.tx.commit().await.map_err(|error| match StoreError::from(error) {
            // The answer to a commit that was sent may be lost on the way.
            StoreError::Away(source) => StoreError::Uncertain(source),
            refused => refused,
        })
    }

    /// Takes the changes back.
    ///
    /// # Errors
    /// When the database cannot be reached; it takes them back by itself then.
    pub async fn rollback(self) -> Result<(), StoreError> {
        Ok(self.tx.rollback().await?)
    }
}
