//! The schema, held to its requirements row by row (the ids stand in the tests' comments), on a real PostgreSQL.
//!
//! Most tests are rows of text, `ids | statement | expected | expected`; a line that is indented further continues the
//! row above it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at what it did not expect")]

use sqlx::{AssertSqlSafe, PgConnection, PgPool, migrate::Migrator};

use crate::support;

mod app;
mod hostile;
mod rights;
mod rows;
mod tricks;
mod values;

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// Two guilds, `a` and `b`, with the same things in both. `@a6` stands for the id of thing 6 of guild `a`:
/// 0 guild, 1 access level, 2 to 4 ranks (officer, sergeant, recruit), 5 squad, 6 to 8 members of those ranks,
/// 9 category, a open objective, b officers' objective, c and d a task of each, e commander.
const WORLD: &str = "
insert into guilds (id, name) values (@g0, 'Guild @G');
insert into access_levels (guild_id, id, name, user_actions) values (@g0, @g1, 'Command',
    '{view_objectives,create_objective,manage_objectives,view_tasks,manage_tasks,manage_users,manage_squads,manage_ranks,
    manage_guilds}');
insert into ranks (guild_id, id, name, hierarchy_level, clearance, access_levels) values
    (@g0, @g2, 'Officer', 1, 'classified', array[@g1]::uuid[]), (@g0, @g3, 'Sergeant', 2, 'tactical', array[@g1]::uuid[]),
    (@g0, @g4, 'Recruit', 3, 'brief', '{}');
insert into squads (guild_id, id, name, squad_lead) values (@g0, @g5, 'Anvil', @g6);
insert into users (guild_id, id, name, rank, squad_id, password, pin, totp_secret) values
    (@g0, @g6, 'Ann', @g2, @g5, 'x', 'x', 'x'), (@g0, @g7, 'Ben', @g3, null, 'x', 'x', 'x'),
    (@g0, @g8, 'Cal', @g4, null, 'x', 'x', 'x');
insert into objective_categories (guild_id, id, name) values (@g0, @g9, 'Economy');
insert into objectives (guild_id, id, name, lead_id, squad_id, applicable_rank, description) values
    (@g0, @ga, 'Open', @g6, @g5, null, '{\"brief\":\"b\",\"tactical\":\"t\",\"classified\":\"c\",\"metrics\":{\"gold\":1}}'),
    (@g0, @gb, 'Secret', null, null, 'Officer', '{\"brief\":\"s\"}');
insert into objective_categories_junction (guild_id, objective_id, category_id) values (@g0, @ga, @g9), (@g0, @gb, @g9);
insert into tasks (guild_id, id, objective_id, name, lead_id, squad_id) values
    (@g0, @gc, @ga, 'Scout', @g6, @g5), (@g0, @gd, @gb, 'Hide', null, null);
insert into ai_commanders (guild_id, id, system_prompt) values (@g0, @ge, 'Be brief.');
insert into user_sessions (guild_id, user_id, token_hash, expires_at) values
    (@g0, @g6, encode(sha256('@G officer'), 'hex'), now() + interval '1 hour'),
    (@g0, @g7, encode(sha256('@G sergeant'), 'hex'), now() + interval '1 hour'),
    (@g0, @g8, encode(sha256('@G recruit'), 'hex'), now() + interval '1 hour'),
    (@g0, @g8, encode(sha256('@G expired'), 'hex'), now() - interval '1 second');
insert into journal (guild_id, utterance_id, member_id, member_name, source, route, commands, outcome, reply)
    values (@g0, @ga, @g6, 'Ann', 'test', 'local', '[]', 'applied', 'Done.');
insert into journal_changes (guild_id, member_id, kind, row_id, after) values (@g0, @g6, 'squad', @g5, '{\"name\":\"Anvil\"}');
insert into journal_keys (guild_id, key) values (@g0, '\\x00');
insert into broadcasts (guild_id, member_id, member_name, message) values (@g0, @g6, 'Ann', 'All hands');
";

pub(crate) const TENANT_TABLES: [&str; 14] = [
    "users",
    "ai_commanders",
    "squads",
    "ranks",
    "access_levels",
    "objectives",
    "tasks",
    "objective_categories",
    "objective_categories_junction",
    "user_sessions",
    "journal",
    "journal_changes",
    "journal_keys",
    "broadcasts",
];
/// Those that no session may look into at all.
const SHUT_TABLES: [&str; 4] = ["user_sessions", "journal_changes", "journal_keys", "broadcasts"];

/// Replaces `@a6` by the id of thing 6 of guild a; any other `@` is left alone.
pub(crate) fn ids(sql: &str) -> String {
    let mut parts = sql.split('@');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.as_bytes() {
            [guild @ b'a'..=b'd', thing, ..] if thing.is_ascii_hexdigit() => {
                let guild = char::from(*guild).to_string().repeat(8);
                out.push_str(&format!("'{guild}-0000-4000-8000-00000000000{}'{}", char::from(*thing), &part[2..]));
            }
            _ => out.push_str(&format!("@{part}")),
        }
    }
    out
}

/// A fresh database with [`WORLD`] in it for the guilds `a` and `b`.
pub(crate) async fn world() -> support::TestDb {
    let db = support::database().await;
    let mut owner = db.pool.acquire().await.unwrap();
    for guild in ["a", "b"] {
        run(&mut owner, &world_of(guild)).await.unwrap();
    }
    drop(owner);
    db
}

pub(crate) fn world_of(guild: &str) -> String {
    WORLD.replace("@G", guild).replace("@g", &format!("@{guild}"))
}

/// Runs any number of statements; the rows the last ones touched are counted together.
pub(crate) async fn run(on: &mut PgConnection, sql: &str) -> Result<u64, sqlx::Error> {
    Ok(sqlx::raw_sql(AssertSqlSafe(ids(sql))).execute(on).await?.rows_affected())
}

/// The one value a query gives, as text; a null reads as `null`.
async fn value(on: &mut PgConnection, query: &str) -> String {
    let sql = format!("select coalesce(({})::text, 'null')", ids(query));
    let found = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(on).await;
    found.unwrap_or_else(|error| panic!("{query}: {error}"))
}

/// The SQLSTATE of a refusal, and what it says: the constraint's name and the message.
async fn refusal(on: &mut PgConnection, sql: &str) -> (String, String) {
    match run(on, sql).await {
        Ok(_) => panic!("accepted: {sql}"),
        Err(error) => {
            let error = error.into_database_error().unwrap();
            let told = format!("{} {}", error.constraint().unwrap_or_default(), error.message());
            (error.code().unwrap_or_default().into_owned(), told)
        }
    }
}

/// Splits rows of text into four fields each.
fn fields(table: &str) -> Vec<[String; 4]> {
    let mut rows: Vec<String> = Vec::new();
    for line in table.lines().filter(|line| !line.trim().is_empty()) {
        match rows.last_mut() {
            Some(row) if line.starts_with("            ") => row.extend([" ", line.trim()]),
            _ => rows.push(line.trim().to_owned()),
        }
    }
    rows.iter()
        .map(|row| {
            let fields: Vec<String> = format!("{row} ").split(" | ").map(|field| field.trim().to_owned()).collect();
            fields.try_into().unwrap_or_else(|_| panic!("four fields: {row}"))
        })
        .collect()
}

/// Rows `ids | statement | SQLSTATE | part of the constraint's name or the message`. Nothing is kept.
async fn refused(pool: &PgPool, table: &str) {
    for [id, sql, code, part] in fields(table) {
        let mut tx = pool.begin().await.unwrap();
        let (got, told) = refusal(&mut tx, &format!("{sql}; set constraints all immediate")).await;
        assert!(got == code && told.contains(&part), "{id}: {sql}: {got} {told}");
    }
}

/// Rows `ids | statement | question | answer`. Nothing is kept.
async fn gives(pool: &PgPool, table: &str) {
    for [id, sql, question, answer] in fields(table) {
        let mut tx = pool.begin().await.unwrap();
        run(&mut tx, &sql).await.unwrap_or_else(|error| panic!("{id}: {sql}: {error}"));
        assert_eq!(value(&mut tx, &question).await, answer, "{id}: {sql}: {question}");
    }
}

/// What is wrong with the tables of the schema, one line each; nothing when every tenant table is walled.
async fn unwalled(on: &mut PgConnection) -> Vec<String> {
    sqlx::query_scalar(
        "with tenant as (
            select c.oid, c.relname::text as name, c.relrowsecurity, c.relforcerowsecurity,
                (select attnum from pg_attribute where attrelid = c.oid and attname = 'guild_id' and attnotnull) as guild
            from pg_class c
            where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
                and c.relname not in ('_sqlx_migrations', 'guilds', 'sign_in_tries', 'sign_in_secret', 'sign_in_decoys')
        )
        select name || ': no guild_id that is not null' from tenant where guild is null
        union all
        select name || ': the primary key does not begin with guild_id' from tenant where not exists (
            select from pg_constraint k where k.conrelid = tenant.oid and contype = 'p' and conkey[1] = guild)
        union all
        select name || ': ' || conname || ' does not pair guild with guild' from tenant
            join pg_constraint k on k.conrelid = tenant.oid and contype = 'f'
            where not exists (
                select from unnest(conkey, confkey) as pair (here, there)
                    join pg_attribute a on a.attrelid = confrelid and a.attnum = there
                where here = guild
                    and a.attname = case when confrelid = 'guilds'::regclass then 'id' else 'guild_id' end)
        union all
        select name || ': no key to guilds that deletes with it' from tenant where not exists (
            select from pg_constraint k where k.conrelid = tenant.oid and contype = 'f'
                and confrelid = 'guilds'::regclass and confdeltype = 'c')
        union all
        select name || ': row security is not enabled and forced' from tenant
            where not (relrowsecurity and relforcerowsecurity)
        union all
        select name || ': granted without a policy' from tenant
            where (has_any_column_privilege('sphereconnect_app', oid, 'select, insert, update')
                    or has_table_privilege('sphereconnect_app', oid, 'delete, truncate'))
                and not exists (
                    select from pg_policy where polrelid = tenant.oid and 'sphereconnect_app'::regrole = any (polroles))
        union all
        select name || ': unique without guild_id' from tenant
            join pg_index i on i.indrelid = tenant.oid and indisunique and not guild = any (indkey::int2[])
        union all
        select name || ': open to everyone' from tenant
            where exists (select from pg_policy where polrelid = tenant.oid and 0::oid = any (polroles))
                or exists (select from pg_class c, aclexplode(c.relacl) as acl where c.oid = tenant.oid and grantee = 0)
        order by 1",
    )
    .fetch_all(on)
    .await
    .unwrap()
}

/// G1, G2, M2, I-7, I-8, I-10: every table but guilds is walled off by guild, and a table that is not is caught.
#[tokio::test]
async fn every_tenant_table_is_walled() {
    let db = support::database().await;
    let mut tx = db.pool.begin().await.unwrap();
    let tables: Vec<String> = sqlx::query_scalar(
        "select relname::text from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'
            and relname not in ('_sqlx_migrations', 'guilds')",
    )
    .fetch_all(&mut *tx)
    .await
    .unwrap();
    for table in TENANT_TABLES {
        assert!(tables.iter().any(|t| t == table), "{table} is missing");
    }
    assert_eq!(unwalled(&mut tx).await, Vec::<String>::new());

    run(
        &mut tx,
        "create table bad (id uuid primary key, guild_id uuid, task_id uuid, g uuid references guilds (id));
        grant select on bad to sphereconnect_app, public",
    )
    .await
    .unwrap();
    let complaints = unwalled(&mut tx).await;
    assert!(complaints.iter().all(|c| c.starts_with("bad: ")), "{complaints:?}");
    for part in ["not null", "primary key", "pair", "deletes with it", "forced", "without a policy", "everyone"] {
        assert!(complaints.iter().any(|c| c.contains(part)), "{part}: {complaints:?}");
    }
}

/// Everything the catalogue says about the schema, a line each, without what differs from run to run.
pub(crate) async fn catalogue(pool: &PgPool) -> Vec<String> {
    sqlx::query_scalar(
        "with ours as (
            select oid, relname, relkind, relrowsecurity, relforcerowsecurity,
                coalesce(relacl, acldefault('r', relowner)) as acl
            from pg_class
            where relnamespace = 'public'::regnamespace and relname not like '\\_sqlx\\_migrations%'
        )
        select concat_ws(' ', 'relation', relname, relkind, relrowsecurity, relforcerowsecurity, acl) from ours
        union all
        select concat_ws(' ', 'column', relname, attname, format_type(atttypid, atttypmod), attnotnull, nullif(attacl, '{}'),
            pg_get_expr(adbin, adrelid))
        from ours join pg_attribute on attrelid = ours.oid and attnum > 0 and not attisdropped
            left join pg_attrdef on adrelid = ours.oid and adnum = attnum
        union all
        select concat_ws(' ', 'constraint', relname, conname, pg_get_constraintdef(c.oid))
        from ours join pg_constraint c on conrelid = ours.oid
        union all
        select concat_ws(' ', 'index', indexdef) from ours join pg_indexes on indexname = relname
        union all
        select concat_ws(' ', 'trigger', relname, pg_get_triggerdef(t.oid))
        from ours join pg_trigger t on tgrelid = ours.oid and not tgisinternal
        union all
        select concat_ws(' ', 'policy', relname, polname, polcmd, polroles::regrole[], pg_get_expr(polqual, polrelid),
            pg_get_expr(polwithcheck, polrelid))
        from ours join pg_policy on polrelid = ours.oid
        union all
        select concat_ws(' ', 'function', pg_get_functiondef(oid), proacl) from pg_proc
        where pronamespace = 'public'::regnamespace
        union all
        select concat_ws(' ', 'schema', nspname, nspacl) from pg_namespace where nspname = 'public'
        order by 1",
    )
    .fetch_all(pool)
    .await
    .unwrap()
}

/// M1, I-34: each migration's down takes away exactly what its up brought, and up again brings the same.
#[tokio::test]
async fn every_migration_goes_down_and_up_again() {
    let db = support::database().await;
    let mut versions: Vec<i64> = MIGRATIONS.iter().map(|migration| migration.version).collect();
    versions.dedup();
    let full = catalogue(&db.pool).await;
    let mut after_down = Vec::new();
    for index in (0..versions.len()).rev() {
        let below = if index == 0 { 0 } else { versions[index - 1] };
        MIGRATIONS.undo(&db.pool, below).await.unwrap();
        after_down.push(catalogue(&db.pool).await);
    }
    let empty = after_down.last().unwrap();
    assert!(empty.iter().all(|line| line.starts_with("schema ")), "G1: left behind: {empty:#?}");

    for version in versions {
        let below = after_down.pop().unwrap();
        assert_same(&catalogue(&db.pool).await, &below, version);
        MIGRATIONS.run_to(version, &db.pool).await.unwrap();
    }
    assert_same(&catalogue(&db.pool).await, &full, 0);
}

fn assert_same(now: &[String], before: &[String], version: i64) {
    let more: Vec<_> = now.iter().filter(|line| !before.contains(line)).collect();
    let less: Vec<_> = before.iter().filter(|line| !now.contains(line)).collect();
    assert!(more.is_empty() && less.is_empty(), "before {version}: up gives {more:#?}, down gave {less:#?}");
}
