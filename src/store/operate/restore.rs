//! Bringing a backup back: into a fresh database beside the old one, compared with the manifest, and then in its place.
//!
//! Until the very last step the old database is as it was, whatever fails and whoever is killed; and the last step, two
//! renames, is one transaction.

use std::path::Path;

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};

use super::manifest::{self, Kind, Manifest, Rows};
use super::swap::quoted;
use super::{MIGRATIONS, OperateError, Operator, StoreError, backup, is_superuser};

/// The longest name of a database, in bytes.
const NAME_BYTES_MAX: usize = 63;
/// What the name of the database that is being filled ends with.
pub(super) const FRESH: &str = "_restoring";
/// How many guilds a refusal names.
const NAMES_MAX: i64 = 5;

/// What a restore did.
#[derive(Debug, Clone)]
pub struct Restored {
    /// What was restored.
    pub manifest: Manifest,
    /// How many tables were compared row by row.
    pub tables: usize,
    /// How many rows were compared.
    pub rows: i64,
    /// Whether the schema was compared too; only on the same major version of PostgreSQL, and not for rows alone.
    pub schema_compared: bool,
    /// How many migrations were applied afterwards.
    pub migrated: usize,
    /// The old database's new name, when it was kept.
    pub kept: Option<String>,
    /// What could not be carried over from the old database.
    pub notes: Vec<String>,
}

impl Operator {
    /// Replaces the database by a backup. Sessions are not brought back: whoever was signed in signs in again.
    ///
    /// # Errors
    /// [`OperateError::Holds`] without `force` when there are guilds, [`OperateError::BadBackup`] for a file that is no
    /// whole backup or of a newer schema, [`OperateError::Differs`] when what came back is not what was saved. Nothing
    /// was changed then.
    pub async fn restore(
        &self,
        dump: &Path,
        force: bool,
        progress: &(dyn Fn(&str) + Send + Sync),
    ) -> Result<Restored, OperateError> {
        progress("reading the backup");
        let manifest = Manifest::of(dump)?;
        check_schema(dump, &manifest)?;
        let mut on = self.connect().await?;
        let guilds = guilds(&mut on).await?;
        if !force && let Some(guilds) = guilds.held() {
            return Err(guilds);
        }
        let (_, major) = backup::server(&mut on).await?;
        let program = self.tools("pg_restore", major.max(manifest.major())).await?;
        check_rights(&mut on, manifest.kind).await?;
        let fresh = format!("{}{FRESH}", self.database());
        if fresh.len() > NAME_BYTES_MAX {
            return Err(OperateError::Right(format!("the database's name is too long for {fresh} beside it")));
        }
        progress("making a fresh database beside the old one");
        self.make_fresh(&mut on, &fresh).await?;
        on.close().await?;

        let loaded = async {
            let mut on = self.connect_to(&fresh).await?;
            match manifest.kind {
                Kind::Full | Kind::Schema => {
                    self.load_whole(&program, &mut on, &fresh, dump, &manifest, progress).await?
                }
                Kind::Data => self.load_rows(&program, &mut on, &fresh, dump, &manifest, progress).await?,
            }
            let (tables, schema_compared) = compare(&mut on, &manifest, major, progress).await?;
            end_sessions(&mut on).await?;
            progress("bringing the schema up to date");
            let before = super::schema(&mut on).await?;
            MIGRATIONS.run_direct(None, &mut on, false).await.map_err(|error| StoreError::Migrate(Box::new(error)))?;
            let open = shut_catalogue(&mut on).await?;
            analyze(&mut on).await?;
            on.close().await?;
            Ok::<_, OperateError>((tables, schema_compared, before.migrations_known - before.migrations, open))
        };
        let (tables, schema_compared, migrated, open) = match loaded.await {
            Ok(loaded) => loaded,
            Err(error) => {
                // It is of no use; when it cannot be removed now, the next restore does it.
                if let Ok(mut on) = self.connect().await {
                    drop(drop_database(&mut on, &fresh).await);
                }
                return Err(error);
            }
        };
        progress("putting it in its place");
        let (kept, mut notes) = self.swap(&fresh, guilds.may_hold_something).await?;
        notes.extend(open);
        Ok(Restored {
            rows: manifest.rows(),
            manifest,
            tables,
            schema_compared,
            migrated: usize::try_from(migrated).unwrap_or_default(),
            kept,
            notes,
        })
    }

    /// An empty database with the old one's encoding and order of letters.
    async fn make_fresh(&self, on: &mut PgConnection, fresh: &str) -> Result<(), OperateError> {
        drop_database(on, fresh).await?;
        let like: String = sqlx::query_scalar(
            "select format('encoding %L lc_collate %L lc_ctype %L', pg_encoding_to_char(encoding), datcollate, datctype)
                || case datlocprovider when 'i' then format(' locale_provider icu icu_locale %L',
                    coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale')) else '' end
            from pg_database d where datname = current_database()",
        )
        .fetch_one(&mut *on)
        .await?;
        let sql = format!("create database {} template template0 {like}", quoted(fresh));
        match sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *on).await {
            // 42P04 duplicate_database, and 23505 when it is being made at this very moment.
            Err(sqlx::Error::Database(error)) if matches!(error.code().as_deref(), Some("42P04" | "23505")) => {
                return Err(in_use(fresh));
            }
            made => made.map(drop)?,
        }
        // Nobody gets in before it is whole: sessions that are over by then would still be valid in it.
        let sql = format!("revoke all on database {} from public", quoted(fresh));
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(on).await?;
        Ok(())
    }
}

/// Takes from the program's logins what the system's catalogue tells of others; says what is left to do when this login
/// may not.
async fn shut_catalogue(on: &mut PgConnection) -> Result<Option<String>, OperateError> {
    if is_superuser(on).await? {
        sqlx::raw_sql("select shut_catalogue()").execute(on).await?;
        return Ok(None);
    }
    let left = "logins of players can see and disturb each other's connections until a superuser runs `select \
                shut_catalogue()` in this database";
    Ok(Some(left.to_owned()))
}

/// Refuses a schema that this program does not know.
fn check_schema(dump: &Path, manifest: &Manifest) -> Result<(), OperateError> {
    let unknown = manifest.migrations.iter().find(|one| !MIGRATIONS.version_exists(**one));
    let reason = match unknown {
        Some(unknown) => {
            format!("its schema has version {unknown}, which this program does not know; update the program")
        }
        None if manifest.migrations.is_empty() => "its manifest names no schema version".to_owned(),
        None => return Ok(()),
    };
    Err(OperateError::BadBackup { path: dump.to_path_buf(), reason })
}

/// The guilds that a restore would replace.
struct Guilds {
    count: i64,
    names: String,
    /// Whether the table ever held a row that is not cleared away; unlike the count, no policy hides that.
    may_hold_something: bool,
}

impl Guilds {
    fn held(&self) -> Option<OperateError> {
        (self.count > 0).then(|| OperateError::Holds { guilds: self.count, names: self.names.clone() })
    }
}

async fn guilds(on: &mut PgConnection) -> Result<Guilds, OperateError> {
    let there: bool = sqlx::query_scalar("select to_regclass('public.guilds') is not null").fetch_one(&mut *on).await?;
    if !there {
        return Ok(Guilds { count: 0, names: String::new(), may_hold_something: false });
    }
    let (count, names, may_hold_something): (i64, String, bool) = sqlx::query_as(
        "select (select count(*) from guilds),
            (select coalesce(string_agg(name, ', '), '') from (select name from guilds order by name limit $1) as first),
            pg_relation_size('public.guilds') > 0",
    )
    .bind(NAMES_MAX)
    .fetch_one(on)
    .await?;
    Ok(Guilds { count, names, may_hold_something })
}

/// Refuses a login that would fail half-way, and makes the players' role, which belongs to no backup, when it is missing.
async fn check_rights(on: &mut PgConnection, kind: Kind) -> Result<(), OperateError> {
    let (login, makes_databases, makes_roles, there): (String, bool, bool, bool) = sqlx::query_as(
        "select rolname::text, rolsuper or rolcreatedb, rolsuper or rolcreaterole,
            exists (select from pg_roles where rolname = 'sphereconnect_app')
        from pg_roles where rolname = current_user",
    )
    .fetch_one(&mut *on)
    .await?;
    if !makes_databases {
        return Err(OperateError::Right(format!(
            "a backup is restored into a fresh database, and the login \"{login}\" may not make one; let an administrator say: alter role {} createdb",
            quoted(&login)
        )));
    }
    // The first migration makes the role, and asks for the right to do so even when the role is there.
    if !makes_roles && (!there || kind == Kind::Data) {
        return Err(OperateError::Right(format!(
            "this needs the role sphereconnect_app to be made, and the login \"{login}\" may not make one; let an administrator say: alter role {} createrole",
            quoted(&login)
        )));
    }
    if !there {
        sqlx::raw_sql(
            "create role sphereconnect_app login nosuperuser nocreatedb nocreaterole noreplication nobypassrls noinherit",
        )
        .execute(on)
        .await?;
    }
    Ok(())
}

/// Lets the planner know the tables from the first query on.
async fn analyze(on: &mut PgConnection) -> Result<(), OperateError> {
    let tables: Option<String> = sqlx::query_scalar(
        "select string_agg(oid::regclass::text, ', ') from pg_class
        where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')",
    )
    .fetch_one(&mut *on)
    .await?;
    if let Some(tables) = tables {
        sqlx::raw_sql(AssertSqlSafe(format!("analyze {tables}"))).execute(on).await?;
    }
    Ok(())
}

/// A session must not come back to life, least of all elsewhere; and a guess at a secret, which is a minute's business
/// of the old database's transactions, must not either.
async fn end_sessions(on: &mut PgConnection) -> Result<(), OperateError> {
    for table in ["user_sessions", "sign_in_tries"] {
        let there = sqlx::query_scalar::<_, bool>("select to_regclass('public.' || $1) is not null").bind(table);
        if there.fetch_one(&mut *on).await? {
            sqlx::raw_sql(AssertSqlSafe(format!("delete from {table}"))).execute(&mut *on).await?;
        }
    }
    Ok(())
}

/// Removes a database that an earlier restore left, unless somebody is in it.
pub(super) async fn drop_database(on: &mut PgConnection, name: &str) -> Result<(), OperateError> {
    let sql = format!("drop database if exists {}", quoted(name));
    match sqlx::raw_sql(AssertSqlSafe(sql)).execute(on).await {
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("55006") => Err(in_use(name)),
        done => Ok(done.map(drop)?),
    }
}

fn in_use(name: &str) -> OperateError {
    OperateError::Right(format!("somebody is using the database {name}; another restore is running, wait for its end"))
}

/// Compares every table, and the schema where that is meant to be the same.
async fn compare(
    on: &mut PgConnection,
    manifest: &Manifest,
    major: u32,
    progress: &(dyn Fn(&str) + Send + Sync),
) -> Result<(usize, bool), OperateError> {
    let found = manifest::rows(on, progress).await?;
    let none = Rows { rows: 0, checksum: "0".to_owned() };
    let mut different: Vec<String> = Vec::new();
    let mut names: Vec<&String> = found.keys().chain(manifest.tables.keys()).collect();
    names.sort();
    names.dedup();
    names.retain(|name| *name != "_sqlx_migrations" || manifest.tables.contains_key("_sqlx_migrations"));
    for name in &names {
        let (is, was) = (found.get(*name).unwrap_or(&none), manifest.tables.get(*name).unwrap_or(&none));
        if is != was {
            different.push(format!("{name} has {} rows of {}, or other ones", is.rows, was.rows));
        }
    }
    let schema_compared = manifest.kind != Kind::Data && manifest.major() == major;
    if schema_compared && manifest::catalogue(on).await? != manifest.catalogue {
        different.push("the schema is another".to_owned());
    }
    if different.is_empty() {
        Ok((names.len(), schema_compared))
    } else {
        Err(OperateError::Differs(different.join("; ")))
    }
}
