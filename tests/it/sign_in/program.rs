//! The program on a server, with the program's role as its login: what a user types and sees.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;

use serde_json::Value;
use sphereconnect::config::Config;
use sphereconnect::domain::UtteranceId;
use sphereconnect::parts;
use sphereconnect::store::{MIGRATIONS, StoreError};
use sphereconnect::turn::{Input, Turns};

use crate::support::demo::{ARCHON, Demo, FILE, Run, run, run_now};
use crate::support::{PASSWORD, folder, program, verifier};

const GUILD: &str = "Perihelion Company";
const FAILED: &str = "signing in did not work";

/// The program with the role's own login.
async fn at(demo: &Demo, args: &[&str]) -> Command {
    let mut command = demo.program();
    command.env("SPHERECONNECT_DATABASE_URL", demo.db.app_url().await).args(args);
    command
}

async fn say(demo: &Demo, guild: &str, member: &str, secrets: &[(&str, &str)]) -> Run {
    let mut command = at(demo, &["--guild", guild, "--as", member, "--json", "say", "who am I"]).await;
    command.env_remove("SPHERECONNECT_PASSWORD").envs(secrets.iter().copied());
    run(command).await
}

/// As the owner of the tables.
async fn keeper(demo: &Demo, args: &[&str], secrets: &[(&str, &str)]) -> Run {
    let mut command = demo.program();
    command.env_remove("SPHERECONNECT_PASSWORD").args(["--guild", GUILD]).args(args).envs(secrets.iter().copied());
    run(command).await
}

/// US9, I-17: with the role's login alone, a member acts with the right password, and whatever is wrong is answered with
/// the same sentence, a lock included.
#[tokio::test]
async fn a_member_signs_in_on_a_server() {
    let demo = Demo::new().await;
    let right = [("SPHERECONNECT_PASSWORD", PASSWORD)];
    let wrong = [("SPHERECONNECT_PASSWORD", "another made-up word")];
    let run_right = say(&demo, "perihelion company", "isolde marchetti", &right).await;
    run_right.expect(0, &[]);
    assert!(run_right.turn()["reply"].as_str().unwrap().contains(ARCHON), "{run_right:?}");
    let mut sentences = Vec::new();
    for (guild, member, secrets) in [
        ("Nowhere", ARCHON, right.as_slice()),
        (GUILD, "Nobody", &right),
        (GUILD, ARCHON, &wrong),
        (GUILD, ARCHON, &[("SPHERECONNECT_PIN", PASSWORD)]),
        (GUILD, "Veshkar", &wrong),
        (GUILD, "Veshkar", &wrong),
        (GUILD, "Veshkar", &wrong),
        (GUILD, "Veshkar", &wrong),
        (GUILD, "Veshkar", &wrong),
        (GUILD, "Veshkar", &right),
    ] {
        let run = say(&demo, guild, member, secrets).await;
        run.expect(2, &[FAILED]);
        assert!(run.stdout.is_empty(), "{run:?}");
        sentences.push(run.stderr);
    }
    assert!(sentences.iter().all(|one| *one == sentences[0]), "{sentences:?}");
    say(&demo, GUILD, ARCHON, &[]).await.expect(2, &["SPHERECONNECT_PASSWORD", "SPHERECONNECT_PIN", "terminal"]);
    run(at(&demo, &["--as", ARCHON, "say", "Help"]).await).await.expect(2, &["--guild NAME"]);
    run(at(&demo, &["--guild", GUILD, "say", "Help"]).await).await.expect(2, &["--as MEMBER"]);
    let shown = keeper(&demo, &["member", "status", "Veshkar", "--json"], &[]).await;
    let status: Value = serde_json::from_str(&shown.stdout).unwrap();
    assert_eq!((&status["failures"], status["locked_until"].is_string()), (&Value::from(5), true));
    keeper(&demo, &["member", "unlock", "Veshkar"], &[]).await.expect(0, &[]);
    say(&demo, GUILD, "Veshkar", &right).await.expect(0, &[]);
    // Whatever is logged, the password is not.
    let mut loud = at(&demo, &["-vvv", "--guild", GUILD, "--as", ARCHON, "say", "who am I"]).await;
    loud.env("SPHERECONNECT_PASSWORD", PASSWORD);
    let loud = run(loud).await;
    loud.expect(0, &[]);
    assert!(!loud.stderr.contains(PASSWORD), "{loud:?}");
}

/// I-17: passwords, PINs and TOTP are set from the outside, and then are what one signs in with.
#[tokio::test]
async fn secrets_are_set_by_command() {
    let demo = Demo::new().await;
    let own = [("SPHERECONNECT_PASSWORD", PASSWORD)];
    let new = [("SPHERECONNECT_NEW_PASSWORD", "freshly made-up words"), ("SPHERECONNECT_NEW_PIN", "161803")];
    let short = [("SPHERECONNECT_NEW_PASSWORD", "veshkar"), ("SPHERECONNECT_NEW_PIN", "12")];
    let refused = keeper(&demo, &["member", "password", "Veshkar"], &short).await;
    refused.expect(2, &["at least 8 characters"]);
    keeper(&demo, &["member", "pin", "Veshkar"], &short).await.expect(2, &["4 to 12 digits"]);
    keeper(&demo, &["member", "password"], &new).await.expect(2, &["say which member"]);
    keeper(&demo, &["member", "password", "Veshkar"], &[]).await.expect(2, &["SPHERECONNECT_NEW_PASSWORD"]);
    let set = keeper(&demo, &["member", "password", "veshkar"], &new).await;
    assert_eq!(set.expect(0, &[]).stdout, "the password of Veshkar is set; their other sessions have ended\n");
    say(&demo, GUILD, "Veshkar", &own).await.expect(2, &[FAILED]);
    let password = [("SPHERECONNECT_PASSWORD", "freshly made-up words")];
    say(&demo, GUILD, "Veshkar", &password).await.expect(0, &[]);

    let member = async |args: &[&str], secrets: &[(&str, &str)]| {
        let mut command = at(&demo, &["--guild", GUILD, "--as", "Veshkar", "member"]).await;
        command.env_remove("SPHERECONNECT_PASSWORD").args(args).envs(secrets.iter().copied());
        run(command).await
    };
    let both = [password[0], new[1]];
    member(&["pin"], &both).await.expect(0, &[]);
    let pin = [("SPHERECONNECT_PIN", "161803")];
    say(&demo, GUILD, "Veshkar", &pin).await.expect(0, &[]);
    member(&["pin", "--clear"], &pin).await.expect(2, &["signing in with the password"]);
    member(&["password", ARCHON], &[password[0], new[0]]).await.expect(2, &["manage users"]);
    let listed = member(&["sessions", "--json"], &password).await;
    let listed: Value = serde_json::from_str(listed.stdout.trim()).unwrap();
    assert_eq!(
        (&listed["member"], &listed["opened_with"], &listed["this"]),
        (&"Veshkar".into(), &"password".into(), &true.into())
    );

    // TOTP: the secret is shown, a code of it is typed, and from then on it is asked for.
    let mut command = at(&demo, &["--guild", GUILD, "--as", "Veshkar", "member", "totp"]).await;
    command.env_remove("SPHERECONNECT_PASSWORD").envs(password).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let secret = lines.next().unwrap().unwrap().strip_prefix("secret ").unwrap().to_owned();
    let uri = lines.next().unwrap().unwrap();
    assert_eq!(
        uri,
        format!(
            "otpauth://totp/Perihelion%20Company:Veshkar?secret={secret}&issuer=Perihelion%20Company&algorithm=SHA1&digits=6&period=30"
        )
    );
    let code = async |step: i64| -> String {
        sqlx::query_scalar("select totp_code($1, floor(extract(epoch from now()) / 30)::bigint + $2)")
            .bind(&secret)
            .bind(step)
            .fetch_one(&demo.db.pool)
            .await
            .unwrap()
    };
    writeln!(child.stdin.take().unwrap(), "{}", code(0).await).unwrap();
    assert!(lines.next().unwrap().unwrap().contains("from now on"));
    assert!(child.wait().unwrap().success());
    say(&demo, GUILD, "Veshkar", &password).await.expect(2, &[FAILED]);
    let next = code(1).await;
    let factor = [password[0], ("SPHERECONNECT_TOTP", next.as_str())];
    say(&demo, GUILD, "Veshkar", &factor).await.expect(0, &[]);
    say(&demo, GUILD, "Veshkar", &factor).await.expect(2, &[FAILED]);
    keeper(&demo, &["member", "totp", "Veshkar", "--clear"], &[]).await.expect(0, &[]);
    say(&demo, GUILD, "Veshkar", &password).await.expect(0, &[]);
}

/// SE2: a running program signs in again by itself when its session ended, unless a TOTP code was needed.
#[tokio::test]
async fn a_session_that_ended_is_opened_again() {
    let demo = Demo::new().await;
    let url = demo.db.app_url().await;
    let config = Config::load(None, |name| match name {
        "SPHERECONNECT_DATABASE_URL" => Some(url.clone()),
        "SPHERECONNECT_PASSWORD" => Some(PASSWORD.to_owned()),
        _ => None,
    });
    let config = config.unwrap();
    let store = parts::store(&config).await.map_err(|failure| failure.error).unwrap();
    assert!(!store.is_keeper());
    let session = store.sign_in(Some(GUILD), Some(ARCHON)).await.unwrap();
    let commander = parts::commander(&config).map_err(|failure| failure.error).unwrap();
    let mut turns =
        Turns::new(Arc::clone(&store), session.clone(), commander, None, parts::turn_settings(&config, false));
    let mut ask = async || turns.take(Input::Typed { id: UtteranceId::new(), text: "who am I".to_owned() }).await;
    assert!(ask().await.reply.contains(ARCHON));
    sqlx::query("delete from user_sessions").execute(&demo.db.pool).await.unwrap();
    let turn = ask().await;
    assert!(turn.reply.contains(ARCHON), "{turn:?}");
    // The key no longer fits.
    sqlx::query("update users set password = $1")
        .bind(verifier("changed made-up words"))
        .execute(&demo.db.pool)
        .await
        .unwrap();
    assert!(matches!(store.sign_in_again(&session).await, Err(StoreError::SessionOver)));
    sqlx::query("delete from user_sessions").execute(&demo.db.pool).await.unwrap();
    let turn = ask().await;
    assert!(format!("{turn:?}").contains("session has ended"), "{turn:?}");
}

/// M1: a login that is not the owner migrates nothing: it asks for the operator where the schema is older, for a newer
/// program where it is newer; and it imports, exports and lists no guild.
#[tokio::test]
async fn the_roles_login_leaves_the_schema_alone() {
    let demo = Demo::new().await;
    run(at(&demo, &["guild", "list"]).await).await.expect(2, &["login that owns the guild's tables"]);
    // What a member may do is done as one.
    for args in [["guild", "export"].as_slice(), &["guild", "import", FILE], &["squad", "list"]] {
        run(at(&demo, args).await).await.expect(2, &["say which guild"]);
    }
    sqlx::query(
        "insert into _sqlx_migrations select version + 1000000, description, installed_on, success, checksum,
        execution_time from _sqlx_migrations order by version desc limit 1",
    )
    .execute(&demo.db.pool)
    .await
    .unwrap();
    let tell = at(&demo, &["--guild", GUILD, "--as", ARCHON, "say", "Help"]).await;
    run(tell).await.expect(3, &["newer schema version", "update the program"]);
    sqlx::query("delete from _sqlx_migrations where version > 20261123000000").execute(&demo.db.pool).await.unwrap();
    MIGRATIONS.undo(&demo.db.pool, 20_261_122_000_005).await.unwrap();
    let tell = at(&demo, &["--guild", GUILD, "--as", ARCHON, "say", "Help"]).await;
    run(tell).await.expect(3, &["older than this program's", "sphereconnect db migrate"]);
    let mut migrate = demo.program();
    migrate.args(["db", "migrate"]);
    run(migrate).await.expect(0, &[]);
    let again = say(&demo, GUILD, ARCHON, &[("SPHERECONNECT_PASSWORD", PASSWORD)]).await;
    again.expect(0, &[]);
}

/// On one's own machine a member without secrets is named, and one with a password signs in. A guild file brings
/// passwords by the names of variables, and limits.
#[test]
fn at_home_only_those_with_a_secret_sign_in() {
    let folder = folder();
    let file = folder.path().join("home.toml");
    let text = "[guild]\nname = \"Hearth\"\n[guild.limits]\nsign_in_failures_max = 3\njournal_days = 0\n\
        [[member]]\nname = \"Wren\"\n[[member]]\nname = \"Finch\"\npassword_env = \"FINCH_PASSWORD\"\n";
    std::fs::write(&file, text).unwrap();
    let start = |args: &[&str], env: &[(&str, &str)]| {
        let mut command = program(folder.path());
        command.args(args).envs(env.iter().copied());
        run_now(command)
    };
    let import = ["guild", "import", file.to_str().unwrap()];
    start(&import, &[("FINCH_PASSWORD", "finch")]).expect(2, &["\"Finch\"", "at least 8 characters"]);
    let first = start(&import, &[]);
    first.expect(0, &[]);
    assert!(format!("{}{}", first.stdout, first.stderr).contains("FINCH_PASSWORD is empty or missing"), "{first:?}");
    start(&["--as", "Finch", "say", "who am I"], &[]).expect(0, &[]);
    let password = [("FINCH_PASSWORD", "made-up birdsong")];
    start(&import, &password).expect(0, &[]);
    let twice = start(&[&import[..], &["--json"]].concat(), &password);
    assert!(twice.stdout.contains("\"passwords\"") && twice.stdout.contains("\"unchanged\":1"), "{twice:?}");
    let exported = start(&["guild", "export"], &[]);
    assert!(exported.stdout.contains("[guild.limits]\nsign_in_failures_max = 3\njournal_days = 0\n"), "{exported:?}");

    start(&["--as", "Wren", "say", "who am I"], &[]).expect(0, &[]);
    start(&["--as", "Wrem", "say", "who am I"], &[]).expect(2, &["no member of Hearth", "did you mean \"Wren\"?"]);
    start(&["--as", "Finch", "say", "who am I"], &[]).expect(2, &["Finch signs in with", "SPHERECONNECT_PASSWORD"]);
    start(&["--as", "Finch", "say", "who am I"], &[("SPHERECONNECT_PASSWORD", "x")]).expect(2, &[FAILED]);
    let right = [("SPHERECONNECT_PASSWORD", "made-up birdsong")];
    start(&["--as", "Finch", "say", "who am I"], &right).expect(0, &[]);
    let status = start(&["member", "status"], &[]);
    assert!(status.stdout.contains("Finch") && status.stdout.contains("nothing"), "{status:?}");
    start(&["member", "password", "Finch", "--clear"], &[]).expect(0, &[]);
    start(&["--as", "Finch", "say", "who am I"], &[]).expect(0, &[]);
}
