//! Free questions about the guild: a model answers them in its own words, from the speaker's data and nothing else.

use serde_json::{Value, json};

use super::outcomes;
use crate::support::demo::{ARCHON, Demo, Run, run};
use crate::support::llm::{Behaviour, LlmServer};

const ASKED: &str = "How are we doing tonight, Overwatch?";

/// Lets a member ask a server that answers with this text; returns what was sent to it, too.
async fn ask(demo: &Demo, member: &str, said: &str, text: &str) -> (Run, String) {
    let answer = json!({"orders": [{"action": "answer", "text": text}]}).to_string();
    let server = LlmServer::start([Behaviour::Well(answer)]).await;
    let mut command = demo.program();
    command.env("SPHERECONNECT_LLM_URL", server.url()).args(["--json", "--as", member, "say", said]);
    let run = run(command).await;
    let sent = server.requests().iter().map(|one| one.body["messages"][1]["content"].to_string()).collect();
    (run, sent)
}

#[tokio::test]
async fn a_free_question_is_answered_from_the_data() {
    let demo = Demo::new().await;
    let before = demo.rows().await;
    let text = "We have 5 active objectives, Commander. Veshkar leads squad Ember Flight.";
    let (run, sent) = ask(&demo, ARCHON, ASKED, text).await;
    let turn = run.turn();
    assert_eq!((&turn["outcome"], &turn["route"], run.code), (&json!("answered"), &json!("llm"), 0), "{turn}");
    assert_eq!((&turn["reply"], &turn["commands"], &turn["error"]), (&json!(text), &json!([]), &Value::Null));
    assert_eq!(before, demo.rows().await);
    for line in ["5 active objectives: ", "Veshkar leads squad Ember Flight.", "The speaker, you, is Isolde Marchetti"]
    {
        assert!(sent.contains(line), "no {line:?} in {sent}");
    }
}

#[tokio::test]
async fn what_the_data_do_not_say_is_not_spoken() {
    let demo = Demo::new().await;
    let (run, _) =
        ask(&demo, ARCHON, ASKED, "Splendid, 7 objectives are completed and Veshkar is an Archon now.").await;
    let turn = run.turn();
    let reply = turn["reply"].as_str().unwrap();
    assert_eq!(outcomes(&run), ["answered"], "{turn}");
    assert!(reply.contains("5 active objectives: ") && !reply.contains("7") && !reply.contains("Splendid"), "{reply}");
    // About a name, the plain answer is what is known of it.
    let asked = "Who do you think could take plot the jump?";
    let (run, _) = ask(&demo, ARCHON, asked, "Only a fool would.").await;
    let turn = run.turn();
    assert!(turn["reply"].as_str().unwrap().contains("Plot the Jump"), "{turn}");
}

/// J2, J4: the data that go with a question are what the member may read, and sections are never among them.
#[tokio::test]
async fn the_data_end_at_the_members_rights() {
    let demo = Demo::new().await;
    let (_, sent) = ask(&demo, "Tzipora", "What should we know about the Ghost Convoy?", "Well, okay.").await;
    assert!(sent.contains("Facts:") && sent.contains("Ghost Convoy is active"), "{sent}");
    for secret in ["decoy", "pirates", "fly dark"] {
        assert!(!sent.contains(secret), "{sent}");
    }
    let less = "update access_levels set user_actions = array_remove(user_actions, 'view_tasks') where name = 'Crew'";
    sqlx::query(less).execute(&demo.db.pool).await.unwrap();
    let (run, sent) = ask(&demo, "Tzipora", ASKED, "Well, okay.").await;
    assert_eq!(outcomes(&run), ["answered"], "{run:?}");
    assert!(
        sent.contains("5 active objectives") && !sent.contains("free task") && !sent.contains("Jam the Relay"),
        "{sent}"
    );
}

/// Chatter costs nothing and gets no answer, and an order is never a question.
#[tokio::test]
async fn only_questions_about_the_guild_take_the_data_along() {
    let demo = Demo::new().await;
    let (run, sent) = ask(&demo, ARCHON, "Who ate my pizza?", "Well, okay.").await;
    assert_eq!((outcomes(&run), sent.as_str()), (vec!["ignored".to_owned()], ""), "{run:?}");
    let (run, sent) = ask(&demo, ARCHON, "Bjornulf would be perfect for plot the jump", "Bjornulf has it.").await;
    assert_eq!(outcomes(&run), ["failed"], "{run:?}");
    assert!(!sent.contains("Facts:"), "{sent}");
}
