//! The language model's endpoint, against a server that behaves well and in every bad way that was thought of.

#![expect(clippy::expect_used, reason = "a test may stop at what it did not expect")]

mod dialects;
mod reach;

use std::time::Duration;

use secrecy::SecretString;
use serde_json::{Value, json};
use sphereconnect::commander::prompt;
use sphereconnect::commander::wire::{Endpoint, EndpointSettings, WireError};

use crate::support::llm::{Behaviour, ENDLESS_BYTES, HUGE_BYTES, LlmServer};

const KEY: &str = "key-4f1e2d3c";
const ANSWER: &str = r#"{"orders":[{"action":"ask.me"}]}"#;
/// Long enough for a busy machine, short enough for those tests that use it up.
const DEADLINE: Duration = Duration::from_millis(1500);

fn settings(url: &str) -> EndpointSettings {
    EndpointSettings {
        url: url.to_owned(),
        dialect: None,
        key: Some(SecretString::from(KEY)),
        model: "tiny".to_owned(),
        deadline: DEADLINE,
        connect: Duration::from_secs(1),
        body_bytes_max: 64 * 1024,
        tokens_max: 100,
    }
}

fn schema() -> Value {
    json!({"type": "object"})
}

async fn ask(server: &LlmServer) -> Result<String, WireError> {
    let endpoint = Endpoint::new(settings(server.url())).expect("usable settings");
    endpoint.ask("the rules", "who am I", &schema()).await
}

/// Asks a server with this script; returns what came of it and how many requests it took.
async fn outcome(script: impl IntoIterator<Item = Behaviour>) -> (Result<String, WireError>, usize) {
    let server = LlmServer::start(script).await;
    let started = std::time::Instant::now();
    let result = ask(&server).await;
    // Wide, for machines that do other work too: it only shows that the budget ends the wait at all.
    assert!(started.elapsed() < DEADLINE * 4, "the deadline did not end the wait");
    if let Err(error) = &result {
        let text = format!("{error} {error:?}");
        assert!(!text.contains(KEY), "an error names the key: {text}");
    }
    (result, server.requests().len())
}

fn well() -> Behaviour {
    Behaviour::Well(ANSWER.to_owned())
}

fn busy(headers: Vec<(&'static str, String)>) -> Behaviour {
    Behaviour::error(429, headers, "slow down", "rate_limit_exceeded")
}

#[tokio::test]
async fn a_question_is_sent_whole() {
    let server = LlmServer::start([well()]).await;
    assert_eq!(ask(&server).await.as_deref(), Ok(ANSWER));
    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].line, "POST /v1/chat/completions");
    assert_eq!(requests[0].header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    assert_eq!(
        requests[0].body,
        json!({
            "messages": [
                {"role": "system", "content": "the rules"},
                {"role": "user", "content": "who am I"},
            ],
            "temperature": 0,
            "stream": false,
            "max_tokens": 100,
            "model": "tiny",
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "orders", "strict": true, "schema": {"type": "object"}},
            },
        })
    );
}

#[tokio::test]
async fn every_form_of_the_address_reaches_the_server() {
    let server = LlmServer::start([well()]).await;
    for end in ["", "/", "/v1", "/v1/", "/v1/chat/completions"] {
        let mut settings = settings(&format!("{}{end}", server.url()));
        settings.key = None;
        let endpoint = Endpoint::new(settings).expect("usable settings");
        assert_eq!(endpoint.ask("s", "u", &schema()).await.as_deref(), Ok(ANSWER), "{end}");
    }
    for request in server.requests() {
        assert_eq!(request.line, "POST /v1/chat/completions");
        assert_eq!(request.header("authorization"), None);
    }
}

#[tokio::test]
async fn a_slow_answer_that_is_in_time_is_taken() {
    let pause = Duration::from_millis(1);
    let (result, requests) = outcome([Behaviour::Trickle { content: ANSWER.to_owned(), pause }]).await;
    assert_eq!((result.as_deref(), requests), (Ok(ANSWER), 1));
}

#[tokio::test]
async fn no_answer_in_time_is_a_deadline() {
    let pause = Duration::from_millis(500);
    for script in [Behaviour::Never, Behaviour::Trickle { content: ANSWER.to_owned(), pause }] {
        let (result, requests) = outcome([script]).await;
        assert!(matches!(result, Err(WireError::Deadline { ms: 1500, .. })), "{result:?}");
        assert_eq!(requests, 1);
    }
}

#[tokio::test]
async fn failures_that_pass_are_tried_once_more() {
    let soon = vec![("retry-after-ms", "20".to_owned())];
    for first in [
        Behaviour::error(503, vec![], "busy", "unavailable_error"),
        Behaviour::error(500, vec![], "oops", "server_error"),
        Behaviour::Status(408, vec![], String::new()),
        Behaviour::Status(409, vec![], String::new()),
        busy(vec![]),
        busy(soon),
        busy(vec![("retry-after", "0".to_owned())]),
        busy(vec![("retry-after", "Sun, 22 Nov 2020 12:00:00 GMT".to_owned())]),
        Behaviour::Reset,
        Behaviour::Truncated,
    ] {
        let (result, requests) = outcome([first.clone(), well()]).await;
        assert_eq!((result.as_deref(), requests), (Ok(ANSWER), 2), "{first:?}");
    }
}

#[tokio::test]
async fn failures_that_stay_are_reported_after_two_requests() {
    let (result, requests) = outcome([Behaviour::error(500, vec![], "oops\n again", "server_error")]).await;
    let oops = WireError::Status { code: 500, message: "oops again".to_owned() };
    assert_eq!((result, requests), (Err(oops), 2));
    for broken in [Behaviour::Reset, Behaviour::Truncated, Behaviour::NotHttp] {
        let (result, requests) = outcome([broken.clone()]).await;
        assert!(matches!(result, Err(WireError::Broken { .. })), "{broken:?}: {result:?}");
        assert_eq!(requests, 2, "{broken:?}");
    }
}

#[tokio::test]
async fn what_another_request_cannot_change_is_not_tried_again() {
    let far = (chrono::Utc::now() + chrono::TimeDelta::hours(1)).to_rfc2822().replace("+0000", "GMT");
    let quota = Behaviour::error(429, vec![], "pay first", "insufficient_quota");
    for (behaviour, code, message) in [
        (busy(vec![("retry-after", "30".to_owned())]), 429, "slow down"),
        (busy(vec![("retry-after", far)]), 429, "slow down"),
        (busy(vec![("retry-after-ms", "9999999999999".to_owned())]), 429, "slow down"),
        (quota, 429, "pay first"),
        (Behaviour::error(400, vec![], "no such schema", "invalid_request_error"), 400, "no such schema"),
        (
            Behaviour::Status(404, vec![], "<html>".to_owned()),
            404,
            "there is nothing at this address; correct SPHERECONNECT_LLM_URL",
        ),
        (
            Behaviour::Status(302, vec![("location", "http://127.0.0.1:1/".to_owned())], String::new()),
            302,
            "it redirects; set SPHERECONNECT_LLM_URL to the final address",
        ),
    ] {
        let (result, requests) = outcome([behaviour.clone(), well()]).await;
        let expected = WireError::Status { code, message: message.to_owned() };
        assert_eq!((result, requests), (Err(expected), 1), "{behaviour:?}");
    }
}

/// A server may quote the key and the words in its message; neither may reach a reply or a log.
#[tokio::test]
async fn errors_hold_neither_the_key_nor_the_words() {
    let message = format!("key {KEY} asked: who am I");
    for code in [400, 401, 403, 500] {
        let (result, _) = outcome([Behaviour::error(code, vec![], &message, "x")]).await;
        let text = result.expect_err("a refusal").to_string();
        assert!(!text.contains("who am I"), "{text}");
    }
    let debug = format!("{:?}", Endpoint::new(settings("http://127.0.0.1:9")).expect("usable settings"));
    assert!(!debug.contains(KEY), "{debug}");
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_cut_off() {
    let server = LlmServer::start([Behaviour::Huge]).await;
    assert_eq!(ask(&server).await, Err(WireError::TooLarge { bytes_max: 64 * 1024 }));
    let server = LlmServer::start([Behaviour::Endless]).await;
    assert_eq!(ask(&server).await, Err(WireError::TooLarge { bytes_max: 64 * 1024 }));
    assert!(server.sent() < ENDLESS_BYTES && HUGE_BYTES < ENDLESS_BYTES, "the answer was read to its end");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn answers_without_content_are_told_apart() {
    let ended =
        |content: &str, reason: &str| Behaviour::Ended { content: content.to_owned(), reason: reason.to_owned() };
    for (behaviour, expected) in [
        (ended(r#"{"orders":[{"act"#, "length"), WireError::Cut),
        (ended("", "stop"), WireError::Empty),
        (ended("", "content_filter"), WireError::Refusal),
        (Behaviour::Status(200, vec![], "<html>hello</html>".to_owned()), WireError::NotJson),
        (Behaviour::Status(200, vec![], r#"{"object":"list"}"#.to_owned()), WireError::NotJson),
    ] {
        let (result, requests) = outcome([behaviour.clone()]).await;
        assert_eq!((result, requests), (Err(expected), 1), "{behaviour:?}");
    }
}

/// A server that ignores the schema answers in prose or in a form of its own: the endpoint hands the text on, and
/// decoding refuses it or finds the orders in it.
#[tokio::test]
async fn what_keeps_not_to_the_schema_is_decoded_strictly() {
    let prose = format!("Sure! Here you go:\n```json\n{ANSWER}\n```");
    let (result, _) = outcome([Behaviour::Well(prose)]).await;
    let orders = prompt::decode(&result.expect("an answer")).expect("orders");
    assert_eq!(orders.len(), 1);
    for violation in [r#"{"orders":[{"action":"guild.delete"}]}"#, "I cannot do that.", r#"{"orders":{}}"#] {
        let (result, _) = outcome([Behaviour::Well(violation.to_owned())]).await;
        assert!(prompt::decode(&result.expect("an answer")).is_err(), "{violation}");
    }
}

#[tokio::test]
async fn nobody_listening_is_a_connection_error() {
    let port = {
        let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        free.local_addr().expect("the port").port()
    };
    let endpoint = Endpoint::new(settings(&format!("http://127.0.0.1:{port}"))).expect("usable settings");
    let error = endpoint.ask("s", "u", &schema()).await.expect_err("nobody listens");
    assert!(matches!(error, WireError::Connect { .. }), "{error:?}");
    assert!(error.to_string().contains(&format!("127.0.0.1:{port}")), "{error}");
}

#[test]
fn settings_that_cannot_work_are_refused() {
    for url in ["", "localhost:8080", "ftp://host/", "not a url", "http://", "http://me:secret@host/v1"] {
        let error = Endpoint::new(settings(url)).expect_err(url);
        assert!(matches!(error, WireError::Url(_)), "{url}: {error:?}");
        assert!(
            error.to_string().contains("SPHERECONNECT_LLM_URL") && !error.to_string().contains("secret"),
            "{error}"
        );
    }
    let mut bad_key = settings("http://127.0.0.1:9");
    bad_key.key = Some(SecretString::from("one\ntwo"));
    assert_eq!(Endpoint::new(bad_key).expect_err("a line break"), WireError::Key);
}

#[tokio::test]
async fn check_says_what_answers() {
    let models = r#"{"object":"list","data":[{"id":"tiny"},{"id":"large"}]}"#;
    let server = LlmServer::start([Behaviour::Status(200, vec![], models.to_owned())]).await;
    let host = server.url().trim_start_matches("http://").to_owned();
    let endpoint = Endpoint::new(settings(server.url())).expect("usable settings");
    assert_eq!(endpoint.check().await, Ok(format!("{host} serves tiny, large")));
    assert_eq!(server.requests()[0].line, "GET /v1/models");

    let cut = Behaviour::Ended { content: "Hi".to_owned(), reason: "length".to_owned() };
    let server = LlmServer::start([Behaviour::Status(404, vec![], String::new()), cut]).await;
    let host = server.url().trim_start_matches("http://").to_owned();
    let endpoint = Endpoint::new(settings(server.url())).expect("usable settings");
    assert_eq!(endpoint.check().await, Ok(format!("{host} answers")));
    assert_eq!(server.requests()[1].body["max_tokens"], 1);

    let server = LlmServer::start([Behaviour::error(401, vec![], "no", "x")]).await;
    let endpoint = Endpoint::new(settings(server.url())).expect("usable settings");
    let error = endpoint.check().await.expect_err("a refusal").to_string();
    assert!(error.contains("SPHERECONNECT_LLM_KEY"), "{error}");
}

#[tokio::test]
async fn warming_sends_the_static_part_and_asks_for_one_token() {
    let cut = Behaviour::Ended { content: "{".to_owned(), reason: "length".to_owned() };
    let server = LlmServer::start([cut, Behaviour::Status(400, vec![], String::new())]).await;
    let endpoint = Endpoint::new(settings(server.url())).expect("usable settings");
    assert_eq!(endpoint.warm("the rules").await, Ok(()));
    assert!(matches!(endpoint.warm("the rules").await, Err(WireError::Status { code: 400, .. })));
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].body["messages"][0]["content"], "the rules");
    assert_eq!(requests[0].body["max_tokens"], 1);
}
