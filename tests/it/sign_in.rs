//! Signing in, played by clients that log in to the database as the program's role itself and speak plain SQL.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at what it did not expect")]

use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgConnection, PgPool};

use crate::support::{self, TestDb, key, verifier};

mod managing;
mod program;
mod time;
mod totp;
mod tricks;

/// Ann's and Ben's password, Ann's PIN, and what is neither.
const RIGHT: &str = "plain made-up words";
const PIN: &str = "271828";
const WRONG: &str = "other made-up words";

/// Ann outranks Ben, who outranks Cal; Dee has no rank. Ann and Ben may manage users. Ann, Ben and Cal have [`RIGHT`]
/// as their password, Ann has a PIN, too. A guild of the same names stands beside it.
struct World {
    db: TestDb,
    /// Connections as the program's role.
    app: PgPool,
}

async fn world() -> World {
    let db = support::database().await;
    let sql = format!(
        "insert into guilds (name) values ('Anvil'), ('Bellows');
        insert into access_levels (guild_id, name, user_actions) select id, 'Staff', '{{manage_users}}' from guilds;
        insert into ranks (guild_id, name, hierarchy_level, access_levels)
            select a.guild_id, 'Rank ' || n, n, case when n < 3 then array[a.id] else '{{}}' end
            from access_levels a, generate_series(1, 3) n;
        insert into users (guild_id, name, rank, password, pin)
            select g.id, u.name, r.id, case when u.name <> 'Dee' then '{0}' end, case when u.name = 'Ann' then '{1}' end
            from guilds g, (values ('Ann', 1), ('Ben', 2), ('Cal', 3), ('Dee', null)) u (name, level)
                left join ranks r on true
            where (r.guild_id = g.id and r.hierarchy_level = u.level) or (u.level is null and r.hierarchy_level = 1
                and r.guild_id = g.id);
        update users set rank = null where name = 'Dee'",
        verifier(RIGHT),
        verifier(PIN)
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&db.pool).await.unwrap();
    let app = PgPoolOptions::new().max_connections(6).connect_with(db.app_options().await).await.unwrap();
    World { db, app }
}

impl World {
    /// One value as the owner of everything, as text; a null reads as `null`.
    async fn owner(&self, query: &str) -> String {
        let sql = format!("select coalesce(({query})::text, 'null')");
        let found = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&self.db.pool).await;
        found.unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    /// Statements as the owner of everything.
    async fn change(&self, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&self.db.pool).await.unwrap();
    }

    /// A member's id in the guild Anvil.
    async fn id(&self, name: &str) -> String {
        self.owner(&format!(
            "select u.id from users u join guilds g on g.id = guild_id and g.name = 'Anvil' where u.name = '{name}'"
        ))
        .await
    }

    /// What stands in a column of Ann of Anvil.
    async fn ann(&self, column: &str) -> String {
        self.owner(&format!("select {column} from users where id = '{}'", self.id("Ann").await)).await
    }

    /// The first half: a ticket.
    async fn attempt(&self, member: &str, kind: &str, secret: &str, code: Option<&str>) -> uuid::Uuid {
        attempt(&mut self.app.acquire().await.unwrap(), member, kind, secret, code).await
    }

    /// The second half.
    async fn take(&self, ticket: uuid::Uuid) -> Option<String> {
        take(&mut self.app.acquire().await.unwrap(), ticket).await
    }

    /// Both halves, each in a transaction of its own: the token.
    async fn sign_in(&self, member: &str, kind: &str, secret: &str) -> Option<String> {
        let ticket = self.attempt(member, kind, secret, None).await;
        self.take(ticket).await
    }

    /// A query with a session's token, in a transaction that is committed: its value, or `SQLSTATE: message`.
    async fn asks(&self, token: &str, query: &str) -> String {
        let mut tx = self.app.begin().await.unwrap();
        let set = "select set_config('sphereconnect.token', $1, true)";
        sqlx::query(set).bind(token).execute(&mut *tx).await.unwrap();
        let sql = format!("select coalesce(({query})::text, 'null')");
        match sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut *tx).await {
            Ok(found) => {
                tx.commit().await.unwrap();
                found
            }
            Err(error) => {
                let error = error.into_database_error().unwrap_or_else(|| panic!("{query}"));
                format!("{}: {}", error.code().unwrap_or_default(), error.message())
            }
        }
    }
}

async fn attempt(on: &mut PgConnection, member: &str, kind: &str, secret: &str, code: Option<&str>) -> uuid::Uuid {
    let key = key(secret, b"not a random one");
    let sql = "select sign_in_try('anvil', $1, $2, $3, $4, $5)";
    let query = sqlx::query_scalar(sql).bind(member).bind(kind).bind(key.as_slice()).bind(code).bind("a test\n");
    query.fetch_one(on).await.unwrap()
}

async fn take(on: &mut PgConnection, ticket: uuid::Uuid) -> Option<String> {
    sqlx::query_scalar("select sign_in_take($1)").bind(ticket).fetch_one(on).await.unwrap()
}

/// US9, SE1, SE2, I-17, I-31: a right password opens a session of the documented columns, of whose token only the hash
/// is stored; it resets the failures and stamps `last_login`, and moves no `updated_at`.
#[tokio::test]
async fn a_right_password_opens_a_session() {
    let world = world().await;
    let stamp = world.ann("updated_at").await;
    assert_eq!(world.ann("last_login").await, "null");
    assert_eq!(world.sign_in("Ann", "password", WRONG).await, None);
    assert_eq!(world.ann("failed_attempts").await, "1");
    let token = world.sign_in("aNN", "password", RIGHT).await.unwrap();
    assert!(token.len() == 64 && token.bytes().all(|one| one.is_ascii_hexdigit()), "256 bits: {token}");
    assert_eq!(world.ann("failed_attempts || ' ' || (last_login > now() - interval '1 minute')").await, "0 true");
    assert_eq!(world.ann("updated_at").await, stamp);
    let row =
        "select concat_ws('|', (token_hash = encode(sha256('@'), 'hex'))::text, ip_address, user_agent, opened_with,
        round(extract(epoch from expires_at - created_at) / 3600), length(token_hash)) from user_sessions";
    assert_eq!(world.owner(&row.replace('@', &token)).await, "true|127.0.0.1|a test |password|12|64");
    assert_eq!(world.asks(&token, "select guild || ' ' || name from session_who()").await, "Anvil Ann");
    let other = world.sign_in("Ann", "pin", PIN).await.unwrap();
    assert_ne!(token, other);
    assert_eq!(world.owner("select count(*) from user_sessions").await, "2");
    world.asks(&token, "select session_close()").await;
    assert_eq!(world.asks(&token, "select count(*) from session_who()").await, "0");
    assert_eq!(world.asks(&other, "select count(*) from session_who()").await, "1");
    assert_eq!(world.owner("select count(*) from sign_in_tries").await, "0", "what was taken is gone");
}

/// US8, US9, I-17: five failures lock for 15 minutes, the password and the PIN each for itself; the guild's settings
/// decide; afterwards it works again and counts anew.
#[tokio::test]
async fn five_failures_lock_each_secret_for_itself() {
    let world = world().await;
    for failure in 1..=5 {
        assert_eq!(world.sign_in("Ann", "password", WRONG).await, None);
        assert_eq!(world.ann("failed_attempts").await, failure.to_string());
        assert_eq!(world.ann("locked_until is not null").await, (failure == 5).to_string());
    }
    assert_eq!(world.ann("round(extract(epoch from locked_until - now()) / 60)").await, "15");
    for _ in 0..3 {
        assert_eq!(world.sign_in("Ann", "password", RIGHT).await, None, "locked");
    }
    assert_eq!(world.ann("failed_attempts").await, "5", "what is not judged is not counted");
    assert!(world.sign_in("Ann", "pin", PIN).await.is_some(), "the PIN has a counter of its own");
    assert!(world.sign_in("Ben", "password", RIGHT).await.is_some());
    assert_eq!(world.sign_in("Ann", "password", RIGHT).await, None, "a right PIN does not unlock the password");

    world.change("update users set locked_until = now() - interval '1 second' where name = 'Ann'").await;
    assert_eq!(world.sign_in("Ann", "password", WRONG).await, None);
    assert_eq!(world.ann("failed_attempts || ' ' || coalesce(locked_until::text, 'open')").await, "1 open");
    assert!(world.sign_in("Ann", "password", RIGHT).await.is_some());

    world.change("update guilds set sign_in_failures_max = 2, sign_in_lock_minutes = 60").await;
    for _ in 0..2 {
        assert_eq!(world.sign_in("Ann", "pin", "000000").await, None);
    }
    assert_eq!(world.sign_in("Ann", "pin", PIN).await, None);
    assert_eq!(world.ann("round(extract(epoch from pin_locked_until - now()) / 60)").await, "60");
    assert!(world.sign_in("Ann", "password", RIGHT).await.is_some());
}

/// SE2, I-17: a session that expired, was not used, was ended, or whose member is gone opens nothing; neither does a
/// token that was made up. Use keeps a session open, but wakes none.
#[tokio::test]
async fn a_session_that_is_over_opens_nothing() {
    let world = world().await;
    let who = "select coalesce(max(name), 'nobody') from session_who()";
    let members = "select count(*) from users";
    let token = world.sign_in("Ann", "password", RIGHT).await.unwrap();
    assert_eq!((world.asks(&token, who).await, world.asks(&token, members).await), ("Ann".to_owned(), "4".to_owned()));
    for ended in [
        "expires_at = now() - interval '1 second'",
        "last_seen_at = now() - interval '241 minutes'",
        "token_hash = encode(sha256('another'), 'hex')",
    ] {
        world.change(&format!("update user_sessions set {ended}")).await;
        assert_eq!(world.asks(&token, who).await, "nobody", "{ended}");
        assert_eq!(world.asks(&token, "select session_touch()").await, "", "{ended}");
        assert_eq!(world.asks(&token, members).await, "0", "{ended}: and a touch wakes nobody");
        let undo = "update user_sessions set expires_at = now() + interval '1 hour', last_seen_at = now(),
            token_hash = encode(sha256('@'), 'hex')";
        world.change(&undo.replace('@', &token)).await;
        assert_eq!(world.asks(&token, who).await, "Ann", "{ended}: as it was");
    }
    world.change("update user_sessions set last_seen_at = now() - interval '2 minutes'").await;
    world.asks(&token, "select session_touch()").await;
    assert_eq!(world.owner("select now() - last_seen_at < interval '1 minute' from user_sessions").await, "true");
    for forged in ["x", "", &token.to_uppercase(), &"0".repeat(64)] {
        assert_ne!(world.asks(forged, who).await, "Ann", "{forged}");
    }
    world.change("delete from users where name = 'Ann'").await;
    assert_eq!(world.asks(&token, who).await, "nobody");
    assert_eq!(world.owner("select count(*) from user_sessions").await, "0");
}

/// US6, US8, SE2, I-17: nothing that a guess is judged by can be read or called by the program's role.
#[tokio::test]
async fn what_judges_is_shut() {
    let world = world().await;
    let token = world.sign_in("Ann", "password", RIGHT).await.unwrap();
    for query in [
        "select count(*) from sign_in_tries",
        "select count(*) from sign_in_secret",
        "select count(*) from sign_in_decoys",
        "select count(*) from user_sessions",
        "select password from users limit 1",
        "select pin from users limit 1",
        "select totp_secret from users limit 1",
        "select totp_pending from users limit 1",
        "select totp_last_step from users limit 1",
        "select failed_attempts from users limit 1",
        "select pin_failed_attempts from users limit 1",
        "select locked_until from users limit 1",
        "select last_login from users limit 1",
        "select random_secret()",
        "select secret_hash('x')",
        "select session_open(null, null, 'keeper', '')",
        "select secret_write(null, null, 'pin', null)",
        "select sessions_drop(null, null)",
        "select totp_prepare(null, null)",
        "select totp_accept(null, null, '')",
        "select totp_code('A', 1)",
        "select member_release(null, null)",
        "select member_is_below(null)",
        "select session_is_fresh()",
    ] {
        let told = world.asks(&token, query).await;
        assert!(told.starts_with("42501: permission denied"), "{query}: {told}");
    }
    for sql in [
        "insert into user_sessions (guild_id, user_id, token_hash, expires_at) select guild_id, id, 'x', now() from users",
        "delete from sign_in_tries",
        "update users set failed_attempts = 0",
        "update users set password = null",
    ] {
        let told = sqlx::raw_sql(sql).execute(&world.app).await.unwrap_err().into_database_error().unwrap();
        assert_eq!(told.code().as_deref(), Some("42501"), "{sql}");
    }
}
