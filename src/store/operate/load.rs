//! Filling a fresh database from a dump, also where the login is no superuser or the dump is another owner's.

use std::fmt::Write as _;
use std::path::Path;

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};

use super::manifest::{self, Kind, Manifest};
use super::swap::quoted;
use super::{MIGRATIONS, OperateError, Operator, StoreError, tools};

type Progress<'a> = &'a (dyn Fn(&str) + Send + Sync);

impl Operator {
    /// Restores tables, and their rows if the dump has them. Two things of a dump cannot be taken as they are: the
    /// policies that let the owner through name the old owner, and only a superuser may mark a function as leaking
    /// nothing.
    pub(super) async fn load_whole(
        &self,
        program: &Path,
        on: &mut PgConnection,
        fresh: &str,
        dump: &Path,
        manifest: &Manifest,
        progress: Progress<'_>,
    ) -> Result<(), OperateError> {
        let mut list = self.command(program, fresh);
        list.arg("--list").arg(dump);
        let list = tools::run(list, "pg_restore", progress).await?;
        let marked: &[String] = if super::is_superuser(on).await? { &[] } else { &manifest.leakproof };
        let sorted = Sorted::of(&list, marked);

        let scratch = Scratch::new(&sorted.functions)?;
        if !sorted.functions.is_empty() {
            let mut one = self.command(program, fresh);
            one.arg("--use-list").arg(&scratch.0).args(["--no-owner", "--file=-"]).arg(dump);
            let sql = without_mark(&tools::run(one, "pg_restore", progress).await?);
            // On a connection of its own, because the text sets what it needs for itself.
            let mut apart = self.connect_to(fresh).await?;
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut apart).await?;
            apart.close().await?;
        }
        scratch.write(&sorted.rest)?;
        let mut whole = self.command(program, fresh);
        whole.args(["--exit-on-error", "--single-transaction", "--no-owner", "--no-password", "--verbose"]);
        whole.arg("--use-list").arg(&scratch.0).arg("--dbname").arg(fresh).arg(dump);
        tools::run(whole, "pg_restore", progress).await?;

        for (table, policy) in &sorted.keepers {
            let (table, policy) = (quoted(table), quoted(policy));
            let sql = format!(
                "create policy {policy} on public.{table} for all to current_user using (true) with check (true)"
            );
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *on).await?;
        }
        if manifest.kind == Kind::Schema {
            // The record of migrations is rows, and belongs to the schema all the same.
            for one in MIGRATIONS.iter().filter(|one| manifest.migrations.contains(&one.version)) {
                if one.migration_type.is_up_migration() {
                    sqlx::query(
                        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
                        values ($1, $2, true, $3, 0)",
                    )
                    .bind(one.version)
                    .bind(&*one.description)
                    .bind(&*one.checksum)
                    .execute(&mut *on)
                    .await?;
                }
            }
        }
        Ok(())
    }

    /// Makes the tables as they were when the rows were saved, and brings the rows in. Triggers would change them on the
    /// way, members and squads name each other, and forced row security refuses to be filled; the owner may set all
    /// three aside, and nobody else is in this database yet.
    pub(super) async fn load_rows(
        &self,
        program: &Path,
        on: &mut PgConnection,
        fresh: &str,
        dump: &Path,
        manifest: &Manifest,
        progress: Progress<'_>,
    ) -> Result<(), OperateError> {
        progress("making the tables");
        let made = MIGRATIONS.run_direct(Some(manifest.schema_version()), on, false).await;
        made.map_err(|error| StoreError::Migrate(Box::new(error)))?;
        let closed = manifest::catalogue(on).await?;
        let aside: Vec<(String, String)> = sqlx::query_as(ASIDE).fetch_all(&mut *on).await?;
        for (open, _) in &aside {
            sqlx::raw_sql(AssertSqlSafe(open.clone())).execute(&mut *on).await?;
        }
        // Migrations write rows, too, and all of those are among the saved ones.
        let filled: String = sqlx::query_scalar(
            "select string_agg(oid::regclass::text, ', ') from pg_class where relnamespace = 'public'::regnamespace
                and relkind in ('r', 'p') and not relispartition and relname <> '_sqlx_migrations'",
        )
        .fetch_one(&mut *on)
        .await?;
        sqlx::raw_sql(AssertSqlSafe(format!("truncate {filled}"))).execute(&mut *on).await?;
        let mut rows = self.command(program, fresh);
        rows.args([
            "--exit-on-error",
            "--single-transaction",
            "--no-owner",
            "--no-password",
            "--verbose",
            "--data-only",
        ]);
        rows.arg("--dbname").arg(fresh).arg(dump);
        tools::run(rows, "pg_restore", progress).await?;
        for (_, close) in &aside {
            sqlx::raw_sql(AssertSqlSafe(close.clone())).execute(&mut *on).await?;
        }
        if manifest::catalogue(on).await? == closed {
            Ok(())
        } else {
            Err(OperateError::Differs("the schema is not as it was before the rows came in".to_owned()))
        }
    }
}

/// What to say before rows come in, and afterwards.
const ASIDE: &str = "
select format('alter table %s no force row level security', oid::regclass),
    format('alter table %s force row level security', oid::regclass)
from pg_class where relnamespace = 'public'::regnamespace and relforcerowsecurity
union all
select format('alter table %s disable trigger %I', tgrelid::regclass, tgname),
    format('alter table %s enable trigger %I', tgrelid::regclass, tgname)
from pg_trigger join pg_class c on c.oid = tgrelid
where relnamespace = 'public'::regnamespace and not tgisinternal and tgenabled = 'O' and tgparentid = 0
union all
select format('alter table %s alter constraint %I deferrable initially deferred', conrelid::regclass, conname),
    format('alter table %s alter constraint %I %s', conrelid::regclass, conname,
        case when condeferrable then 'deferrable initially immediate' else 'not deferrable' end)
from pg_constraint
where connamespace = 'public'::regnamespace and contype = 'f' and conparentid = 0 and not condeferred";

/// A dump's table of contents, taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sorted {
    /// What is restored as it is.
    rest: String,
    /// Functions that are made without their mark.
    functions: String,
    /// Table and name of the policies that let the owner through.
    keepers: Vec<(String, String)>,
}

impl Sorted {
    /// A line is `id; class oid TYPE schema name… owner`.
    fn of(list: &str, marked: &[String]) -> Self {
        let mut sorted = Self::default();
        for line in list.lines().filter(|line| !line.starts_with(';')) {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                [_, _, _, "POLICY", _, table, policy, _] if policy.ends_with("_keeper") => {
                    sorted.keepers.push(((*table).to_owned(), (*policy).to_owned()));
                }
                [_, _, _, "FUNCTION", _, name, ..]
                    if marked.iter().any(|one| name.split('(').next() == Some(one.as_str())) =>
                {
                    push(&mut sorted.functions, line);
                }
                _ => push(&mut sorted.rest, line),
            }
        }
        sorted
    }
}

fn push(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

/// The definitions without the mark, and without the lines that only `psql` understands.
fn without_mark(sql: &str) -> String {
    let mut out = String::new();
    for line in sql.lines().filter(|line| !line.starts_with('\\')) {
        let marked = line.trim_start().starts_with("LANGUAGE ");
        let line = if marked { line.replace(" LEAKPROOF", "") } else { line.to_owned() };
        // Writing into a text cannot fail.
        let _ = writeln!(out, "{line}");
    }
    out
}

/// A file that `pg_restore` is told the list by.
struct Scratch(std::path::PathBuf);

impl Scratch {
    fn new(text: &str) -> Result<Self, OperateError> {
        let path = std::env::temp_dir().join(format!("sphereconnect-{}.list", uuid::Uuid::new_v4().simple()));
        let scratch = Self(path);
        scratch.write(text)?;
        Ok(scratch)
    }

    fn write(&self, text: &str) -> Result<(), OperateError> {
        std::fs::write(&self.0, text).map_err(OperateError::file("write", &self.0))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_contents_is_taken_apart() {
        let list = "; a comment\n\
            3666; 0 0 ACL - SCHEMA public pg_database_owner\n\
            240; 1255 17249 FUNCTION public schedule_instant(jsonb, text) ann\n\
            241; 1255 17251 FUNCTION public schedule_is_valid(jsonb) ann\n\
            3600; 3256 17613 POLICY public users users_keeper ann\n\
            3601; 3256 17614 POLICY public users users_select ann\n";
        let sorted = Sorted::of(list, &["schedule_instant".to_owned()]);
        assert_eq!(sorted.keepers, [("users".to_owned(), "users_keeper".to_owned())]);
        assert_eq!(sorted.functions.lines().count(), 1);
        assert_eq!(sorted.rest.lines().count(), 3);
        assert_eq!(Sorted::of(list, &[]).rest.lines().count(), 4);
    }

    #[test]
    fn only_the_mark_is_taken_away() {
        let sql = "\\restrict x\nCREATE FUNCTION f() RETURNS text\n    LANGUAGE sql IMMUTABLE LEAKPROOF\n    AS 'x LEAKPROOF';\n";
        let expected = "CREATE FUNCTION f() RETURNS text\n    LANGUAGE sql IMMUTABLE\n    AS 'x LEAKPROOF';\n";
        assert_eq!(without_mark(sql), expected);
    }
}
