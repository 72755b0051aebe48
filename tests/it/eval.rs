//! The evaluation as a product: a folder of sentences and recordings, played and counted.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::demo::{FILE, Run, run};
use crate::support::{Folder, folder, program};

const AUDIO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/audio");

/// A folder with the demo guild, these lines, and one recording.
fn set(lines: &str) -> Folder {
    let dir = folder();
    fs::copy(FILE, dir.path().join("guild.toml")).unwrap();
    fs::write(dir.path().join("utterances.jsonl"), lines).unwrap();
    let voice = dir.path().join("audio/emma");
    fs::create_dir_all(&voice).unwrap();
    let heard = Path::new(AUDIO).join("kokoro_emma/what_objectives_are_available.wav");
    fs::copy(heard, voice.join("objectives.wav")).unwrap();
    dir
}

async fn eval(dir: &Folder, data: &Folder, options: &[&str]) -> Run {
    let mut command = program(data.path());
    command.arg("eval").arg(dir.path()).args(options);
    run(command).await
}

/// Right, not right and wrong actions are counted apart, by voice; a conversation is carried out turn by turn.
#[tokio::test]
async fn what_comes_out_right_is_counted() {
    let lines = r#"
{"id":"objectives","speaker":"Isolde Marchetti","text":"What objectives are available?","commands":[{"action":"ask.objectives"}],"outcome":"answered"}
{"id":"wrong","speaker":"Isolde Marchetti","text":"Assign jam the relay to Veshkar.","commands":[],"outcome":["ignored","asked"]}
{"id":"missed","speaker":"Isolde Marchetti","text":"The weather is nice.","commands":[{"action":"ask.me"}],"outcome":"answered","free":true}
{"id":"talk","speaker":"Isolde Marchetti","turns":[
"#
    .to_owned()
    .replace("[\n", "[")
        + r#"{"text":"Create squad Night Watch","commands":[{"action":"squad.create","name":"Night Watch"}]},{"text":"Disband squad Night Watch","commands":[{"action":"squad.disband"}],"outcome":"asked"},{"text":"yes","commands":[{"action":"squad.disband","squad":"Night Watch"}]}]}"#;
    let (dir, data) = (set(&lines), folder());
    let shown = eval(&dir, &data, &[]).await;
    assert_eq!(shown.code, 1, "{shown:?}");
    for part in ["wrong (typed), WRONG ACTION", "missed (typed), not right", "free wording", "emma"] {
        assert!(shown.stdout.contains(part), "no {part:?} in {}", shown.stdout);
    }
    let told = eval(&dir, &data, &["--json"]).await;
    let rows: Vec<Value> = told.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (sums, turns) = rows.split_last().unwrap();
    let all = &sums["summary"][0];
    assert_eq!((&all["turns"], &all["right"], &all["wrong_actions"]), (&7.into(), &5.into(), &1.into()), "{sums}");
    let ids: Vec<&str> = turns.iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["objectives", "wrong", "missed", "talk.1", "talk.2", "talk.3", "objectives"]);
    let noisy = eval(&dir, &data, &["--spoken", "--noise", "20"]).await;
    assert_eq!(noisy.code, 0, "{noisy:?}");
}

/// Whatever is wrong with the folder is named with its place.
#[tokio::test]
async fn a_folder_that_cannot_be_played_is_named() {
    for (lines, says) in [
        ("", "there is nothing to play"),
        ("{\"id\":\"a\"}", "line 1"),
        (r#"{"id":"a","speaker":"Biscuit","text":"help"}"#, "needs \"text\" and \"commands\""),
        (r#"{"id":"a/b","speaker":"Biscuit","text":"help","commands":[]}"#, "an id is made of letters"),
        (r#"{"id":"a","speaker":"Nobody","text":"help","commands":[]}"#, "no member of"),
    ] {
        let (dir, data) = (set(lines), folder());
        eval(&dir, &data, &["--typed"]).await.expect(2, &[says]);
    }
    let (nothing, data) = (folder(), folder());
    eval(&nothing, &data, &["--typed"]).await.expect(2, &["cannot read", "guild.toml"]);
}
