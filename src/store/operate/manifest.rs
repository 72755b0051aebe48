//! The manifest beside a backup: what is in it, so that a restore can prove that it brought all of it back.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

use super::super::sign_in_key::hex;
use super::OperateError;

/// The format that is written, and the newest that is read.
pub(super) const FORMAT: u32 = 1;
/// The most of a manifest that is read, in bytes.
const MANIFEST_BYTES_MAX: u64 = 4 << 20;
/// How much of a dump is read at a time.
const CHUNK_BYTES: usize = 1 << 20;

/// What a backup holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Tables and rows.
    Full,
    /// Tables, policies, functions, and no row.
    Schema,
    /// Rows alone.
    Data,
}

/// One table's rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rows {
    /// How many.
    pub rows: i64,
    /// The sum over all rows of the first 64 bits of the MD5 of the row as JSON; the order does not matter.
    pub checksum: String,
}

/// What stands in `FILE.json` beside a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The manifest's own format.
    pub format: u32,
    /// What the backup holds.
    pub kind: Kind,
    /// The program that made it.
    pub program: String,
    /// When, in UTC.
    pub made_at: String,
    /// PostgreSQL's version.
    pub server: String,
    /// The database it was made of.
    pub database: String,
    /// The migrations that were applied, oldest first.
    pub migrations: Vec<i64>,
    /// The dump's size in bytes.
    pub bytes: u64,
    /// The dump's SHA-256.
    pub sha256: String,
    /// The MD5 of everything the catalogue says about the schema.
    pub catalogue: String,
    /// Functions that a superuser had marked as leaking nothing; another login cannot.
    pub leakproof: Vec<String>,
    /// The rows of each table; none in a backup of the schema.
    pub tables: BTreeMap<String, Rows>,
}

impl Manifest {
    /// The newest migration that was applied.
    #[must_use]
    pub fn schema_version(&self) -> i64 {
        self.migrations.last().copied().unwrap_or_default()
    }

    /// How many rows there are in all tables.
    #[must_use]
    pub fn rows(&self) -> i64 {
        self.tables.values().map(|one| one.rows).sum()
    }

    /// The major version of the server it was made on.
    pub(super) fn major(&self) -> u32 {
        self.server.split(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
    }

    /// Reads the manifest of a dump and proves that the dump is whole.
    pub(super) fn of(dump: &Path) -> Result<Self, OperateError> {
        let bad = |reason: String| OperateError::BadBackup { path: dump.to_path_buf(), reason };
        if dump.extension().is_some_and(|ending| ending == "toml") {
            return Err(bad(format!(
                "it is a guild file; bring it in with `sphereconnect guild import {}`",
                dump.display()
            )));
        }
        let found = fs::metadata(dump).map_err(OperateError::file("read", dump))?;
        if !found.is_file() {
            return Err(bad("it is a folder; name the backup's file".to_owned()));
        }
        let path = path_of(dump);
        let mut text = String::new();
        let read = File::open(&path).and_then(|file| file.take(MANIFEST_BYTES_MAX).read_to_string(&mut text));
        read.map_err(|error| {
            bad(format!(
                "its manifest {} cannot be read ({error}); `db backup` writes both, keep them together",
                path.display()
            ))
        })?;
        let broken = |error| bad(format!("its manifest {} is broken: {error}", path.display()));
        let format: Format = serde_json::from_str(&text).map_err(broken)?;
        if format.format > FORMAT {
            return Err(bad(format!("it has the newer format {}; update the program", format.format)));
        }
        let manifest: Self = serde_json::from_str(&text).map_err(broken)?;
        if found.len() != manifest.bytes {
            let (is, was) = (found.len(), manifest.bytes);
            return Err(bad(format!(
                "it has {is} bytes and its manifest says {was}; it was cut off, or is another file"
            )));
        }
        if sha256(dump)? != manifest.sha256 {
            return Err(bad("its content is not what its manifest says; it was changed or damaged".to_owned()));
        }
        Ok(manifest)
    }
}

#[derive(Deserialize)]
struct Format {
    format: u32,
}

/// Where the manifest of a dump is.
pub(super) fn path_of(dump: &Path) -> PathBuf {
    let mut name = dump.as_os_str().to_owned();
    name.push(".json");
    PathBuf::from(name)
}

/// The SHA-256 of a file, in hexadecimal.
pub(super) fn sha256(path: &Path) -> Result<String, OperateError> {
    let mut file = File::open(path).map_err(OperateError::file("read", path))?;
    let mut digest = Sha256::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = file.read(&mut chunk).map_err(OperateError::file("read", path))?;
        if read == 0 {
            break;
        }
        digest.update(chunk.get(..read).unwrap_or_default());
    }
    Ok(hex(&digest.finalize()))
}

/// Counts and sums the rows of every table, partitions as part of their table. As JSON, so that the order of columns,
/// which a migration or a partitioning may change, does not matter.
pub(super) async fn rows(
    on: &mut PgConnection,
    progress: &(dyn Fn(&str) + Send + Sync),
) -> Result<BTreeMap<String, Rows>, OperateError> {
    let tables: Vec<(String, String)> = sqlx::query_as(
        "select relname::text, quote_ident(relname) from pg_class
        where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition order by relname",
    )
    .fetch_all(&mut *on)
    .await?;
    let mut found = BTreeMap::new();
    for (name, quoted) in tables {
        progress(&format!("counting {name}"));
        let sql = format!(
            "select count(*), coalesce(sum(('x' || left(md5(to_jsonb(t)::text), 16))::bit(64)::bigint::numeric), 0)::text
            from public.{quoted} t"
        );
        let (rows, checksum) = sqlx::query_as(AssertSqlSafe(sql)).fetch_one(&mut *on).await?;
        found.insert(name, Rows { rows, checksum });
    }
    Ok(found)
}

/// One number for the whole schema, whoever owns it. Without brackets: an expression that was written down and read
/// back may have fewer.
pub(super) async fn catalogue(on: &mut PgConnection) -> Result<String, OperateError> {
    Ok(sqlx::query_scalar(CATALOGUE).fetch_one(on).await?)
}

const CATALOGUE: &str = "
with ours as (
    select oid, relname, relkind, relowner, relrowsecurity, relforcerowsecurity, relacl, relispartition,
        pg_get_expr(relpartbound, oid) as bound, case when relkind = 'p' then pg_get_partkeydef(oid) end as key
    from pg_class where relnamespace = 'public'::regnamespace
), line (line) as (
    select concat_ws(' ', 'relation', relname, relkind, relrowsecurity, relforcerowsecurity, bound, key) from ours
    union all
    select concat_ws(' ', 'column', relname, attname, format_type(atttypid, atttypmod), attnotnull,
        pg_get_expr(adbin, adrelid))
    from ours join pg_attribute on attrelid = ours.oid and attnum > 0 and not attisdropped
        left join pg_attrdef on adrelid = ours.oid and adnum = attnum
    where relkind in ('r', 'p', 'v', 'm')
    union all
    select concat_ws(' ', 'constraint', relname, conname, pg_get_constraintdef(c.oid))
    from ours join pg_constraint c on conrelid = ours.oid where contype <> 'n'
    union all
    select concat_ws(' ', 'index', indexdef) from ours join pg_indexes on indexname = relname and schemaname = 'public'
    union all
    select concat_ws(' ', 'trigger', relname, tgenabled, pg_get_triggerdef(t.oid))
    from ours join pg_trigger t on tgrelid = ours.oid and not tgisinternal
    union all
    select concat_ws(' ', 'policy', relname, polname, polcmd, polpermissive,
        array(select case when role = relowner then 'owner' when role = 0 then 'public' else role::regrole::text end
            from unnest(polroles) as role order by 1),
        pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))
    from ours join pg_policy on polrelid = ours.oid
    union all
    select concat_ws(' ', 'function', replace(pg_get_functiondef(p.oid), ' LEAKPROOF', ''),
        array(select concat_ws(' ', case when grantee = 0 then 'public' when grantee = proowner then 'owner'
                else grantee::regrole::text end, privilege_type)
            from aclexplode(coalesce(proacl, acldefault('f', proowner))) order by 1))
    from pg_proc p where pronamespace = 'public'::regnamespace and prokind in ('f', 'p')
    union all
    select concat_ws(' ', 'granted', relname, grantee::regrole, privilege_type)
    from ours, aclexplode(relacl) where grantee <> relowner
    union all
    select concat_ws(' ', 'granted', relname, attname, grantee::regrole, privilege_type)
    from ours join pg_attribute on attrelid = ours.oid and not attisdropped, aclexplode(attacl) where grantee <> relowner
)
select md5(coalesce(string_agg(told, e'\\n' order by told collate \"C\"), ''))
from (select translate(line, '()', '') as told from line) as plain";
