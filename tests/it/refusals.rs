//! Bad input everywhere: the documented exit code, an error that names the thing and the remedy, nothing half done.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use serde_json::{Value, json};
use sphereconnect::config::Config;
use sphereconnect::domain::{SAMPLE_RATE, UtteranceId};
use sphereconnect::hearing::wav;
use sphereconnect::parts;
use sphereconnect::turn::{Input, Turns};

use crate::support::demo::{ARCHON, Demo, FILE, run, run_now};
use crate::support::{PASSWORD, database, folder, program};

const ORDER: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/audio/hibari_heart/assign_task_jam_the_relay_to_veshkar.wav");

/// Asserts that standard output is empty and standard error is one readable message.
fn message(run: &crate::support::demo::Run) {
    assert_eq!(run.stdout, "", "{run:?}");
    let last = run.stderr.lines().find(|line| line.starts_with("sphereconnect: ")).unwrap_or_else(|| panic!("{run:?}"));
    assert!(last.len() < 2000, "{run:?}");
}

fn program_with(demo: &Demo, args: &[&str]) -> Command {
    let mut command = demo.program();
    command.args(args);
    command
}

#[tokio::test]
async fn who_and_where_must_be_known() {
    let demo = Demo::new().await;
    let before = demo.guild_rows().await;
    let cases: &[(&[&str], &[&str])] = &[
        (&["say", "Help"], &["--as MEMBER", "Perihelion Company"]),
        (&["--as", "Isold Marchetti", "say", "Help"], &["signing in did not work", "too many tries"]),
        (&["--as", "Ж", "say", "Help"], &["signing in did not work", "too many tries"]),
        (&["--guild", "Perihelium", "--as", ARCHON, "say", "Help"], &["\"Perihelium\"", "Perihelion Company"]),
        (&["--guild", "Perihelium", "guild", "export"], &["\"Perihelium\"", "Perihelion Company"]),
    ];
    for (args, says) in cases {
        let run = run(program_with(&demo, args)).await;
        message(run.expect(2, says));
    }
    let mut without = program_with(&demo, &["--as", "Veshkar", "say", "Help"]);
    without.env_remove("SPHERECONNECT_PASSWORD");
    message(run(without).await.expect(2, &["Veshkar", "SPHERECONNECT_PASSWORD", "SPHERECONNECT_PIN", "terminal"]));
    assert_eq!(demo.guild_rows().await, before);

    let empty = database().await;
    let mut command = program(demo.folder.path());
    command.env("SPHERECONNECT_DATABASE_URL", empty.url()).args(["--as", ARCHON, "say", "Help"]);
    message(run(command).await.expect(2, &["no guild", "guild import FILE.toml"]));
}

#[test]
fn usage_is_explained() {
    let folder = folder();
    let cases: &[(&[&str], &str)] = &[
        (&[], "Usage"),
        (&["sing"], "unrecognized subcommand"),
        (&["say"], "<TEXT>"),
        (&["hear"], "<FILE.wav>"),
        (&["say", "--loud", "Help"], "--loud"),
        (&["guild", "import"], "<FILE.toml>"),
        (&["--as"], "--as <MEMBER>"),
    ];
    for (args, says) in cases {
        let mut command = program(folder.path());
        command.args(*args);
        let run = run_now(command);
        run.expect(2, &[says]);
        assert_eq!(run.stdout, "", "{run:?}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "no database is made for that");
}

#[test]
fn settings_name_every_problem_and_its_remedy() {
    let folder = folder();
    let file = folder.path().join("settings.toml");
    let cases: &[(&str, &[&str])] = &[
        ("[voice]\nvolum = 3", &["voice.volum is no setting", "did you mean volume"]),
        ("[voise]\nvolume = 3", &["voise is no setting", "did you mean voice"]),
        ("[zzz]\nqqq = 1", &["zzz is no setting", "config.toml"]),
        ("[voice]\nvolume = \"loud\"", &["voice.volume", "integer", "string"]),
        (
            "[voice]\nvolume = 101\n[endpoint]\ndeadline_ms = 5",
            &["voice.volume must be 0 to 100", "endpoint.deadline_ms"],
        ),
        ("[voice\nvolume = 3", &["settings.toml", "line 1"]),
        ("[log]\nfilter = \"sphereconnect=loudly\"", &["log.filter"]),
    ];
    for (text, says) in cases {
        fs::write(&file, text).unwrap();
        let mut command = program(folder.path());
        command.arg("--config").arg(&file).args(["--as", ARCHON, "say", "Help"]);
        message(run_now(command).expect(2, says));
    }
    let missing = folder.path().join("none.toml");
    for (path, says) in [(missing.as_path(), "none.toml"), (folder.path(), "cannot read")] {
        let mut command = program(folder.path());
        command.arg("--config").arg(path).args(["--as", ARCHON, "say", "Help"]);
        message(run_now(command).expect(2, &[says, "--config"]));
    }
    fs::write(&file, [0xff, 0xfe, 0x00]).unwrap();
    let mut command = program(folder.path());
    command.arg("--config").arg(&file).args(["--as", ARCHON, "say", "Help"]);
    message(run_now(command).expect(2, &["settings.toml"]));
}

#[test]
fn a_database_that_cannot_be_is_told_apart_from_one_that_is_away() {
    let folder = folder();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let url = "SPHERECONNECT_DATABASE_URL";
    let cases: &[(&str, &str, u8, &[&str])] = &[
        (url, "not a url", 2, &["database URL", "postgres://user:password@host/database", url]),
        (url, "postgres://me:hunter2@127.0.0.1/guild?sslmode=purple", 2, &["database URL", url]),
        (url, "postgres://me:hunter2@127.0.0.1:1/guild", 3, &["cannot be reached", url]),
        (url, "postgres://me:hunter2@no-such-host.invalid/guild", 3, &["cannot be reached", url]),
        ("SPHERECONNECT_DATA_DIR", "/dev/null/data", 3, &["/dev/null"]),
    ];
    for (name, value, code, says) in cases {
        let mut command = program(folder.path());
        command.env(name, value).args(["--as", ARCHON, "say", "Help"]);
        let run = run_now(command);
        message(run.expect(i32::from(*code), says));
        assert!(!run.stderr.contains("hunter2"), "a password is shown: {run:?}");
    }
}

#[test]
fn an_address_of_something_else_is_no_database() {
    let folder = folder();
    for url in ["mysql://root@127.0.0.1:1/guild", "http://127.0.0.1:1/"] {
        let mut command = program(folder.path());
        command.env("SPHERECONNECT_DATABASE_URL", url).args(["--as", ARCHON, "say", "Help"]);
        message(run_now(command).expect(2, &["database URL", "postgres://user:password@host/database"]));
    }
}

#[tokio::test]
async fn an_endpoint_that_is_none_is_a_wrong_setting() {
    let demo = Demo::new().await;
    let cases = [
        ("not a url", "is no web address"),
        ("ftp://127.0.0.1/", "must begin with http"),
        ("http://me:hunter2@127.0.0.1:8080", "SPHERECONNECT_LLM_KEY"),
        ("sk-hunter2", "is no web address"),
    ];
    for (url, says) in cases {
        let mut command = program_with(&demo, &["--as", ARCHON, "say", "Help"]);
        command.env("SPHERECONNECT_LLM_URL", url);
        let run = run(command).await;
        message(run.expect(2, &["SPHERECONNECT_LLM_URL", says]));
        assert!(!run.stderr.contains("hunter2"), "a secret is shown: {run:?}");
    }
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_left_alone() {
    let demo = Demo::new().await;
    sqlx::query(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
         values (29990101000001, 'later', true, '\\x00', 1)",
    )
    .execute(&demo.db.pool)
    .await
    .unwrap();
    let before = demo.rows().await;
    for args in
        [&["--as", ARCHON, "say", "Create squad Late"] as &[&str], &["guild", "import", FILE], &["db", "migrate"]]
    {
        let run = run(program_with(&demo, args)).await;
        message(run.expect(3, &["29990101000001", "update the program"]));
    }
    assert_eq!(before, demo.rows().await);

    sqlx::query("delete from _sqlx_migrations where version = 29990101000001").execute(&demo.db.pool).await.unwrap();
    sqlx::query("update _sqlx_migrations set checksum = '\\x00' where version = 20261122000002")
        .execute(&demo.db.pool)
        .await
        .unwrap();
    let run = run(program_with(&demo, &["--as", ARCHON, "say", "Create squad Late"])).await;
    message(run.expect(3, &["20261122000002", "another data folder"]));
}

#[tokio::test]
async fn a_guild_file_with_mistakes_changes_nothing() {
    let demo = Demo::new().await;
    let before = demo.rows().await;
    let file = demo.folder.path().join("guild.toml");
    let good = fs::read_to_string(FILE).unwrap();
    let line = 1 + good.lines().position(|line| line == "rank = \"Marshal\"").unwrap();
    let cases: Vec<(Vec<u8>, Vec<String>)> = vec![
        (
            good.replacen("rank = \"Marshal\"", "rank = \"Marshall\"", 1).into_bytes(),
            vec![format!("line {line}:"), "\"Marshall\"".to_owned(), "did you mean \"Marshal\"?".to_owned()],
        ),
        (good.replacen("[[rank]]", "[[rank]", 1).into_bytes(), vec!["guild.toml:".to_owned()]),
        (
            good.replacen("name = \"Veshkar\"", "name = \"Vesh\\u0000kar\"", 1).into_bytes(),
            vec!["guild.toml:".to_owned(), "control".to_owned()],
        ),
        (b"".to_vec(), vec!["guild.toml".to_owned()]),
        (vec![0xff, 0xfe, 0x00], vec!["guild.toml".to_owned()]),
    ];
    for (bytes, says) in cases {
        fs::write(&file, bytes).unwrap();
        let run = run(program_with(&demo, &["guild", "import", file.to_str().unwrap()])).await;
        message(run.expect(2, &says.iter().map(String::as_str).collect::<Vec<_>>()));
        assert_eq!(before, demo.rows().await);
    }
    for path in ["/no/such/guild.toml", env!("CARGO_MANIFEST_DIR")] {
        let run = run(program_with(&demo, &["guild", "import", path])).await;
        message(run.expect(2, &["cannot read", path]));
    }
}

#[tokio::test]
async fn a_model_that_is_none_is_a_part_that_is_missing() {
    let demo = Demo::new().await;
    let text = demo.folder.path().join("text.bin");
    fs::write(&text, "not a model, whatever its name says\n".repeat(1000)).unwrap();
    let empty = demo.folder.path().join("empty.bin");
    fs::write(&empty, "").unwrap();
    // The first part of a real one.
    let half = demo.folder.path().join("half.bin");
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/ggml-base-q8_0.bin");
    fs::write(&half, &fs::read(model).unwrap()[..1_000_000]).unwrap();
    let missing = demo.folder.path().join("missing.bin");
    let before = demo.guild_rows().await;
    for (path, says) in [
        (missing.as_path(), "SPHERECONNECT_MODEL"),
        (&text, "no ggml model"),
        (&empty, "no ggml model"),
        (&half, "half.bin"),
        (demo.folder.path(), "SPHERECONNECT_MODEL"),
    ] {
        let mut command = program_with(&demo, &["--as", ARCHON, "hear", ORDER]);
        command.env("SPHERECONNECT_MODEL", path);
        let run = run(command).await;
        message(run.expect(3, &[says, path.to_str().unwrap()]));
    }
    assert_eq!(before, demo.guild_rows().await);
}

#[tokio::test]
async fn a_recording_that_is_too_long_is_refused_with_a_reason() {
    let demo = Demo::new().await;
    let before = demo.rows().await;
    let order = wav::read(Path::new(ORDER)).unwrap();
    let long = demo.folder.path().join("long.wav");
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: SAMPLE_RATE,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut writer = hound::WavWriter::create(&long, spec).unwrap();
    let samples = order.iter().cycle().take(31 * SAMPLE_RATE as usize);
    samples.for_each(|sample| writer.write_sample(*sample).unwrap());
    writer.finalize().unwrap();
    let run = run(program_with(&demo, &["--json", "--as", ARCHON, "hear", long.to_str().unwrap()])).await;
    run.expect(1, &[]);
    let turn = run.turn();
    assert_eq!((&turn["outcome"], &turn["commands"]), (&json!("failed"), &json!([])), "{turn}");
    let detail = turn["error"]["detail"].as_str().unwrap();
    assert!(detail.contains("31") && detail.contains("30 s"), "{turn}");
    assert_eq!(before, demo.rows().await);
}

#[tokio::test]
async fn no_text_breaks_a_turn() {
    let demo = Demo::new().await;
    let before = demo.guild_rows().await;
    let name = |length: usize| format!("Create squad {}", "x".repeat(length));
    let strange: Vec<String> = vec![
        String::new(),
        " \t\n".to_owned(),
        ".,;:!?".to_owned(),
        "'; drop table users; --".to_owned(),
        "\u{1}\u{7f}\u{1b}[31m".to_owned(),
        "\u{202e}\u{feff}\u{200d}🏴‍☠️ ﷽ Z̷̢a̸l̶g̵o̷".to_owned(),
        "Assign to".to_owned(),
        "Create objective".to_owned(),
        "Create squad a\u{7}b".to_owned(),
        name(121),
        name(100_000),
        "99999999999999999999 SCU for Copper Harvest".to_owned(),
        "1e308 SCU for Copper Harvest".to_owned(),
        "word ".repeat(10_000),
        "assign jam the relay to Veshkar and ".repeat(1_500),
        "🚀".repeat(10_000),
    ];
    for text in &strange {
        // Each by itself, for words may be the answer to what the ones before made unclear.
        let run = demo.say(ARCHON, &[text]).await;
        assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
        let turn = run.turn();
        let start: String = text.chars().take(40).collect();
        let took = turn["ms"]["total"].as_f64().unwrap();
        println!("{start:?}: {} {} in {took:.0} ms", turn["outcome"], turn["error"]["kind"]);
        assert_ne!(turn["outcome"], "applied", "{start:?}");
        assert!(took < 5_000.0, "{start:?} takes {took} ms");
    }
    assert_eq!(before, demo.guild_rows().await);
}

/// Five less is not five more.
#[tokio::test]
async fn a_minus_is_not_passed_over() {
    let demo = Demo::new().await;
    let before = demo.guild_rows().await;
    let texts = ["Delivered -5 SCU for Copper Harvest", "Set Copper Harvest progress to -40 percent"];
    for turn in demo.say(ARCHON, &texts).await.turns() {
        assert_ne!(turn["outcome"], "applied", "{turn}");
    }
    assert_eq!(before, demo.guild_rows().await);
}

/// What is asked about is said again, but nobody listens to a thousand letters.
#[tokio::test]
async fn a_name_without_an_end_is_not_read_out() {
    let demo = Demo::new().await;
    let long = "x".repeat(10_000);
    let texts = [
        format!("Create squad {long}"),
        format!("Assign jam the relay to {long}"),
        format!("Set Copper Harvest progress to {long} percent"),
        format!("Schedule load the caterpillar for {long}"),
    ];
    let run = demo.say(ARCHON, &texts.each_ref().map(String::as_str)).await;
    for turn in run.turns() {
        let reply = turn["reply"].as_str().unwrap();
        assert!(reply.chars().count() < 500, "{} letters: {}", reply.len(), &reply[..60]);
    }
}

/// A command line cannot hold this character, the library's caller can.
#[tokio::test]
async fn the_null_character_is_no_part_of_a_name() {
    let demo = Demo::new().await;
    let before = demo.guild_rows().await;
    let config = Config::load(None, |name| match name {
        "SPHERECONNECT_DATABASE_URL" => Some(demo.db.url()),
        "SPHERECONNECT_PASSWORD" => Some(PASSWORD.to_owned()),
        _ => None,
    });
    let config = config.unwrap();
    let store = parts::store(&config).await.map_err(|failure| failure.error).unwrap();
    let commander = parts::commander(&config).map_err(|failure| failure.error).unwrap();
    for keep_words in [false, true] {
        let session = store.sign_in(None, Some(ARCHON)).await.unwrap();
        let mut settings = parts::turn_settings(&config, false);
        settings.keep_words = keep_words;
        let mut turns = Turns::new(Arc::clone(&store), session, Arc::clone(&commander), None, settings);
        for text in ["\0", "Create squad a\0b", "Update objective First Light Survey, add brief, a\0b"] {
            let input = Input::Typed { id: UtteranceId::new(), text: text.to_owned() };
            let turn: Value = json!(turns.take(input).await);
            let detail = turn["error"]["detail"].as_str().unwrap_or_default();
            assert_ne!(detail, "the database did not answer as expected", "{text:?}: {turn}");
            if turn["outcome"] != "applied" {
                assert_eq!(before, demo.guild_rows().await, "{text:?}: {turn}");
            }
            println!("{text:?}: {} {}", turn["outcome"], turn["reply"]);
        }
        turns.sign_out().await;
    }
    let squads = "select count(*) from squads where name ~ '[[:cntrl:]]'";
    assert_eq!(demo.number(squads).await, 0);
}
