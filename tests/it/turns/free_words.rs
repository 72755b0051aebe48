//! What an endpoint's answers can do in a turn, and what they cannot.

use std::time::Duration;

use serde_json::{Value, json};

use super::{commands, outcomes};
use crate::support::demo::{ARCHON, Demo, Run, assert_carried_out, run};
use crate::support::llm::{Behaviour, LlmServer};

/// No fixed wording has this form, so it goes to the endpoint.
const FREE: &str = "I reckon Bjornulf is the right man for plot the jump";

/// Starts a server with this script and lets the Archon say the words to it.
async fn ask(demo: &Demo, script: Vec<Behaviour>, settings: &str, texts: &[&str]) -> (Run, usize) {
    let server = LlmServer::start(script).await;
    let config = demo.config(settings);
    let mut command = demo.program();
    command.env("SPHERECONNECT_LLM_URL", server.url()).arg("--config").arg(config);
    command.args(["--json", "--as", ARCHON, "say"]).args(texts);
    let run = run(command).await;
    (run, server.requests().len())
}

fn order(order: &Value) -> Behaviour {
    Behaviour::Well(json!({"orders": [order]}).to_string())
}

fn assign(task: &str, member: &str) -> Behaviour {
    order(&json!({"action": "task.assign", "task": task, "member": member, "squad": null}))
}

/// AI4: each guild's own prompts are what its voice is understood with.
#[tokio::test]
async fn the_guilds_own_prompts_reach_the_endpoint() {
    let demo = Demo::new().await;
    let own = "update ai_commanders set system_prompt = 'You are the Quiet Harbour.', user_prompt = 'Call them mates.'";
    sqlx::query(own).execute(&demo.db.pool).await.unwrap();
    let server = LlmServer::start([assign("plot the jump", "Bjornulf")]).await;
    let mut command = demo.program();
    command.env("SPHERECONNECT_LLM_URL", server.url()).args(["--json", "--as", ARCHON, "say", FREE]);
    assert_eq!(outcomes(&run(command).await), ["asked"]);
    let asked = server.requests()[0].body.to_string();
    assert!(asked.contains("You are the Quiet Harbour.") && asked.contains("Call them mates."), "{asked}");
}

#[tokio::test]
async fn what_the_endpoint_understood_is_done_on_yes() {
    let demo = Demo::new().await;
    let before = demo.guild_rows().await;
    let (dropped, _) = ask(&demo, vec![assign("plot the jump", "Bjornulf")], "", &[FREE, "No"]).await;
    assert_eq!(outcomes(&dropped), ["asked", "answered"], "{dropped:?}");
    assert_eq!(before, demo.guild_rows().await);

    let (done, requests) = ask(&demo, vec![assign("plot the jump", "Bjornulf")], "", &[FREE, "Yes"]).await;
    assert_eq!(outcomes(&done), ["asked", "applied"], "{done:?}");
    assert_eq!(requests, 1, "fixed wordings ask nobody");
    let turns = done.turns();
    assert_eq!((&turns[0]["route"], &turns[1]["route"]), (&json!("llm"), &json!("llm")));
    let after = demo.guild_rows().await;
    assert_carried_out(&before, &after, commands(&turns[1]), ARCHON);
    assert_eq!(demo.journal().await[0]["route"], "llm");
}

#[tokio::test]
async fn without_the_wish_for_confirmation_it_is_done_at_once() {
    let demo = Demo::new().await;
    let before = demo.guild_rows().await;
    let settings = "[endpoint]\nconfirm = false\n";
    let (run, _) = ask(&demo, vec![assign("plot the jump", "Bjornulf")], settings, &[FREE]).await;
    assert_eq!((outcomes(&run), run.code), (vec!["applied".to_owned()], 0), "{run:?}");
    assert_carried_out(&before, &demo.guild_rows().await, commands(&run.turn()), ARCHON);
    // What touches many is still asked about.
    let before = demo.guild_rows().await;
    let disband = order(&json!({"action": "squad.disband", "squad": "longhaul"}));
    let (run, _) =
        ask(&demo, vec![disband], settings, &["It is time that we disband our Longhaul squad for good"]).await;
    assert_eq!(outcomes(&run), ["asked"], "{run:?}");
    assert_eq!(before, demo.guild_rows().await);
}

/// Whatever the endpoint does, nothing is changed by it, and the speaker hears that.
#[tokio::test]
async fn an_endpoint_that_misbehaves_changes_nothing() {
    let demo = Demo::new().await;
    let before = demo.rows().await;
    let settings = "[endpoint]\nconfirm = false\ndeadline_ms = 1500\n";
    let well = |text: &str| Behaviour::Well(text.to_owned());
    let cases: Vec<(&str, Behaviour, &str)> = vec![
        ("500", Behaviour::error(500, vec![], "out of memory", "server_error"), "endpoint"),
        ("prose", well("I would be glad to help you with that!"), "endpoint_form"),
        ("no object of orders", well(r#"{"tool": "assign", "who": "Bjornulf"}"#), "endpoint_form"),
        (
            "a field that does not exist",
            well(r#"{"orders":[{"action":"task.assign","task":"plot the jump","member":"Bjornulf","guild_id":"1"}]}"#),
            "endpoint_form",
        ),
        ("an action that does not exist", well(r#"{"orders":[{"action":"guild.delete"}]}"#), "endpoint_form"),
        ("a name that was not said", assign("plot the jump", "Wojciech"), "unfounded"),
        ("a task that was not said", assign("jam the relay", "Bjornulf"), "unfounded"),
        ("an order that was not said", order(&json!({"action": "squad.disband", "squad": "Longhaul"})), "unfounded"),
        ("ten megabytes", Behaviour::Huge, "endpoint"),
        ("half an answer", Behaviour::Truncated, "endpoint"),
        ("a reset", Behaviour::Reset, "endpoint"),
        ("no HTTP", Behaviour::NotHttp, "endpoint"),
    ];
    for (name, behaviour, kind) in cases {
        let (run, requests) = ask(&demo, vec![behaviour], settings, &[FREE]).await;
        let turn = run.turn();
        assert!(requests > 0, "{name}: nobody was asked");
        assert_eq!((turn["outcome"].as_str(), run.code), (Some("failed"), 1), "{name}: {turn}");
        assert_eq!(turn["error"]["kind"], kind, "{name}: {turn}");
        assert!(turn["reply"].as_str().unwrap().contains("Nothing was changed"), "{name}: {turn}");
        assert_eq!(before, demo.rows().await, "{name}");
    }
    let nothing = well(r#"{"orders":[{"action":"none"}]}"#);
    let (run, _) = ask(&demo, vec![nothing], settings, &[FREE]).await;
    assert_eq!(outcomes(&run), ["ignored"], "{run:?}");
    assert_eq!(before, demo.rows().await);
}

#[tokio::test]
async fn an_endpoint_that_takes_too_long_is_given_up_in_time() {
    const DEADLINE: Duration = Duration::from_millis(400);
    /// For a busy machine; without a deadline the answers would never come.
    const SLACK: Duration = Duration::from_millis(1500);
    let demo = Demo::new().await;
    let before = demo.rows().await;
    let settings = format!("[endpoint]\nconfirm = false\ndeadline_ms = {}\n", DEADLINE.as_millis());
    let answer = json!({"orders": [{"action": "task.assign", "task": "plot the jump", "member": "Bjornulf"}]});
    let trickle = Behaviour::Trickle { content: answer.to_string(), pause: Duration::from_millis(200) };
    for behaviour in [Behaviour::Never, trickle] {
        let (run, _) = ask(&demo, vec![behaviour.clone()], &settings, &[FREE]).await;
        let turn = run.turn();
        assert_eq!((turn["outcome"].as_str(), run.code), (Some("failed"), 1), "{behaviour:?}: {turn}");
        assert_eq!(turn["error"]["kind"], "endpoint");
        assert!(turn["error"]["detail"].as_str().unwrap().contains("400 ms"), "{turn}");
        let total = Duration::from_secs_f64(turn["ms"]["total"].as_f64().unwrap() / 1000.0);
        assert!(total >= DEADLINE / 2 && total < DEADLINE + SLACK, "{behaviour:?}: {total:?}");
        assert_eq!(before, demo.rows().await);
    }
}
