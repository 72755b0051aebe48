//! What happens when the endpoint goes away and comes back: nobody waits, and each is said once.

use std::time::Duration;

use serde_json::json;
use sphereconnect::commander::reach::{Reach, ReachError};
use sphereconnect::commander::wire::{Endpoint, WireError};
use sphereconnect::commander::{Commander, Said};
use sphereconnect::config;
use sphereconnect::domain::Persona;
use sphereconnect::names::Roster;

use super::{ANSWER, schema, settings};
use crate::support::demo::{ARCHON, Demo, run};
use crate::support::llm::{Behaviour, LlmServer};

/// Long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

fn down() -> Behaviour {
    Behaviour::error(500, vec![], "out of memory", "server_error")
}

#[tokio::test]
async fn after_some_failures_nobody_waits_until_it_is_back() {
    // Two failures of two requests each, one try in the background, and then it works.
    let script = [down(), down(), down(), down(), down(), down(), Behaviour::Well(ANSWER.to_owned())];
    let server = LlmServer::start(script).await;
    let endpoint = Endpoint::new(settings(server.url())).expect("usable settings");
    let reach = Reach::new(endpoint, 2, Duration::from_millis(300));
    let ask = async || reach.ask("the rules", "who am I", &schema()).await;
    assert!(matches!(ask().await, Err(ReachError::Wire(WireError::Status { code: 500, .. }))));
    assert!(matches!(ask().await, Err(ReachError::Gone(WireError::Status { code: 500, .. }))));
    assert_eq!(server.requests().len(), 4);
    for _ in 0..3 {
        assert_eq!(ask().await, Err(ReachError::Away));
    }
    assert_eq!(reach.news(), None, "it is not back yet");
    let news = tokio::time::timeout(PATIENCE, async {
        loop {
            if let Some(news) = reach.news() {
                return news;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert_eq!(news.await, Ok("The commander is back."));
    assert_eq!(reach.news(), None, "it is said once");
    assert_eq!(ask().await.as_deref(), Ok(ANSWER));
    let requests = server.requests();
    assert_eq!(requests.len(), 8, "while it was away, only the tries in the background asked");
    assert!(requests[4..7].iter().all(|one| one.body["max_tokens"] == 1), "a try is one token");
}

#[tokio::test]
async fn a_question_that_cannot_be_answered_does_not_make_the_endpoint_away() {
    let refused = Behaviour::error(400, vec![], "too long", "invalid_request_error");
    let cut = Behaviour::Ended { content: "{".to_owned(), reason: "length".to_owned() };
    let server = LlmServer::start([refused.clone(), cut.clone(), refused, cut]).await;
    let endpoint = Endpoint::new(settings(server.url())).expect("usable settings");
    let reach = Reach::new(endpoint, 1, Duration::from_secs(60));
    for _ in 0..4 {
        assert!(matches!(reach.ask("s", "u", &schema()).await, Err(ReachError::Wire(_))));
    }
    assert_eq!(server.requests().len(), 4);
}

/// In the program: the first failures say why, the last says it once, and fixed wording works all the time.
#[tokio::test]
async fn the_speaker_hears_once_that_it_is_away() {
    const FREE: &str = "Bjornulf would be perfect for plot the jump";
    let demo = Demo::new().await;
    let server = LlmServer::start([down()]).await;
    let config = demo.config("[endpoint]\nfailures_max = 2\nrest_ms = 3600000\n");
    let mut command = demo.program();
    command.env("SPHERECONNECT_LLM_URL", server.url()).arg("--config").arg(config);
    command.args(["--json", "--as", ARCHON, "say", FREE, FREE, "Who am I?", FREE, FREE]);
    let turns = run(command).await.turns();
    let says = |at: usize, text: &str| {
        assert!(turns[at]["reply"].as_str().expect("a reply").contains(text), "{}", turns[at]);
    };
    says(0, "does not answer: the language model refused with status 500: out of memory. Nothing was changed.");
    says(1, "The commander is out of reach; fixed orders still work. Nothing was changed.");
    assert_eq!(turns[2]["outcome"], "answered");
    says(3, "still out of reach. Nothing was changed.");
    says(4, "still out of reach. Nothing was changed.");
    for at in [0, 1, 3, 4] {
        assert_eq!((&turns[at]["outcome"], &turns[at]["error"]["kind"]), (&json!("failed"), &json!("endpoint")));
    }
    assert_eq!(server.requests().len(), 4, "the last two asked nobody");
}

/// What is sent ahead is exactly how every later question begins, or the server's cache would be of no use.
#[tokio::test]
async fn what_is_warmed_is_what_later_questions_begin_with() {
    let server = LlmServer::start([Behaviour::Well(r#"{"orders":[]}"#.to_owned())]).await;
    let own = settings(server.url());
    let commander = Commander::new(Some(&config::Endpoint {
        url: own.url,
        dialect: None,
        key: None,
        model: own.model,
        deadline: own.deadline,
        connect: own.connect,
        failures_max: 3,
        rest: Duration::from_secs(60),
    }))
    .expect("usable settings");
    let persona = Persona {
        name: "Overwatch".to_owned(),
        phonetic: None,
        system_prompt: "You are the Quiet Harbour.".to_owned(),
        user_prompt: Some("Call them mates.".to_owned()),
    };
    commander.prewarm(&persona).await;
    let roster = Roster::new(Vec::new());
    for words in ["we should open a new mission called long shadow", "let us form a fresh team called nomads"] {
        commander.think(&Said::new(words, &roster), &persona, None).await.expect("an answer");
    }
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    let begins = |at: usize| requests[at].body["messages"][0].to_string();
    assert!(begins(0).contains("Quiet Harbour") && begins(0) == begins(1) && begins(1) == begins(2));
    let user = |at: usize| requests[at].body["messages"][1]["content"].as_str().expect("text").to_owned();
    assert!(user(1).starts_with(&user(0)), "{} {}", user(0), user(1));
}
