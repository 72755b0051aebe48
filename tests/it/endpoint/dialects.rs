//! The three dialects, each against a server that answers and refuses as the real ones do.

use serde_json::{Value, json};
use sphereconnect::commander::wire::{Dialect, Endpoint, WireError};

use super::{ANSWER, KEY, schema, settings};
use crate::support::llm::{Behaviour, LlmServer};

/// A list in the schema, whose length one of the servers refuses.
fn listing() -> Value {
    json!({"type": "object", "properties": {"orders": {"type": "array", "items": schema(), "maxItems": 2}}})
}

async fn ask(dialect: Dialect, script: Vec<Behaviour>) -> (Result<String, WireError>, LlmServer) {
    let server = LlmServer::start(script).await;
    let mut settings = settings(server.url());
    settings.dialect = Some(dialect);
    let endpoint = Endpoint::new(settings).expect("usable settings");
    (endpoint.ask("the rules", "who am I", &listing()).await, server)
}

fn body(value: &Value) -> Behaviour {
    Behaviour::Status(200, vec![], value.to_string())
}

fn ollama(content: &str, reason: &str) -> Behaviour {
    let message = json!({"role": "assistant", "content": content});
    body(&json!({
        "model": "tiny", "created_at": "2026-11-22T12:00:00Z", "message": message, "done": true,
        "done_reason": reason, "total_duration": 5, "prompt_eval_count": 4, "eval_count": 3,
    }))
}

fn messages(content: &str, reason: &str) -> Behaviour {
    body(&json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "tiny",
        "content": [{"type": "text", "text": content}], "stop_reason": reason, "stop_sequence": null,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }))
}

fn well(dialect: Dialect) -> Behaviour {
    match dialect {
        Dialect::OpenAi => Behaviour::Well(ANSWER.to_owned()),
        Dialect::Ollama => ollama(ANSWER, "stop"),
        Dialect::Anthropic => messages(ANSWER, "end_turn"),
    }
}

#[tokio::test]
async fn ollama_is_asked_in_its_own_form() {
    let (answer, server) = ask(Dialect::Ollama, vec![well(Dialect::Ollama)]).await;
    assert_eq!(answer.as_deref(), Ok(ANSWER));
    let request = &server.requests()[0];
    assert_eq!(request.line, "POST /api/chat");
    assert_eq!(
        request.body,
        json!({
            "model": "tiny",
            "messages": [{"role": "system", "content": "the rules"}, {"role": "user", "content": "who am I"}],
            "stream": false,
            "keep_alive": "1h",
            "options": {"temperature": 0, "num_predict": 100, "num_ctx": 8192},
            "format": listing(),
        })
    );
}

#[tokio::test]
async fn anthropic_is_asked_in_its_own_form() {
    let (answer, server) = ask(Dialect::Anthropic, vec![well(Dialect::Anthropic)]).await;
    assert_eq!(answer.as_deref(), Ok(ANSWER));
    let request = &server.requests()[0];
    assert_eq!(request.line, "POST /v1/messages");
    assert_eq!(request.header("x-api-key"), Some(KEY));
    assert_eq!(request.header("anthropic-version"), Some("2023-06-01"));
    assert_eq!(request.header("authorization"), None);
    let plain = json!({"type": "object", "properties": {"orders": {"type": "array", "items": schema()}}});
    assert_eq!(
        request.body,
        json!({
            "model": "tiny",
            "max_tokens": 100,
            "system": [{"type": "text", "text": "the rules", "cache_control": {"type": "ephemeral"}}],
            "messages": [{"role": "user", "content": "who am I"}],
            "temperature": 0,
            "stream": false,
            "output_config": {"format": {"type": "json_schema", "schema": plain}},
        })
    );
}

#[tokio::test]
async fn a_stream_that_nobody_asked_for_is_put_together() {
    let piece = |content: &str, done: bool| {
        json!({"model": "tiny", "message": {"role": "assistant", "content": content}, "done": done}).to_string() + "\n"
    };
    let (one, other) = ANSWER.split_at(9);
    let stream = piece(one, false) + &piece(other, false) + &piece("", true);
    let (answer, _) = ask(Dialect::Ollama, vec![Behaviour::Status(200, vec![], stream)]).await;
    assert_eq!(answer.as_deref(), Ok(ANSWER));
    let broken = piece(one, false) + &piece(other, false);
    let (answer, _) = ask(Dialect::Ollama, vec![Behaviour::Status(200, vec![], broken)]).await;
    assert_eq!(answer, Err(WireError::Cut));
    let fails = piece(one, false) + "{\"error\":\"the runner has ended\"}\n";
    let (answer, _) = ask(Dialect::Ollama, vec![Behaviour::Status(200, vec![], fails)]).await;
    assert_eq!(answer, Err(WireError::NotJson));
}

#[tokio::test]
async fn each_says_in_its_own_way_that_there_is_no_answer() {
    let cases = [
        (Dialect::Ollama, ollama(r#"{"orders":[{"act"#, "length"), WireError::Cut),
        (Dialect::Ollama, ollama("", "load"), WireError::Empty),
        (Dialect::Anthropic, messages(r#"{"orders":[{"act"#, "max_tokens"), WireError::Cut),
        (Dialect::Anthropic, messages("", "end_turn"), WireError::Empty),
        (Dialect::Anthropic, messages("I will not", "refusal"), WireError::Refusal),
        // A server that speaks another dialect is a wrong setting.
        (Dialect::Ollama, Behaviour::Well(ANSWER.to_owned()), WireError::NotJson),
        (Dialect::OpenAi, messages(ANSWER, "end_turn"), WireError::NotJson),
        (Dialect::Anthropic, ollama(ANSWER, "stop"), WireError::NotJson),
    ];
    for (dialect, behaviour, expected) in cases {
        let (answer, server) = ask(dialect, vec![behaviour.clone()]).await;
        assert_eq!((answer, server.requests().len()), (Err(expected), 1), "{dialect}: {behaviour:?}");
    }
}

/// Every form of error body the servers are known for; the code may be text, a number or nothing.
#[tokio::test]
async fn each_is_understood_when_it_refuses() {
    let error = |code: u16, body: Value| Behaviour::Status(code, vec![], body.to_string());
    let openai = |code: Value| json!({"error": {"message": "too long", "type": "invalid_request_error", "code": code}});
    let anthropic = |kind: &str, text: &str| json!({"type": "error", "error": {"type": kind, "message": text}});
    let cases = [
        (Dialect::OpenAi, error(400, openai(json!("context_length_exceeded"))), 400, "too long"),
        (Dialect::OpenAi, error(400, openai(json!(400))), 400, "too long"),
        (Dialect::OpenAi, error(400, openai(Value::Null)), 400, "too long"),
        (Dialect::OpenAi, error(400, json!({"object": "error", "message": "bad form", "code": 400})), 400, "bad form"),
        (Dialect::OpenAi, error(400, json!({"error": "no model loaded"})), 400, "no model loaded"),
        (Dialect::OpenAi, error(429, json!({"error": {"message": "pay", "type": "insufficient_quota"}})), 429, "pay"),
        (Dialect::Ollama, error(404, json!({"error": "model 'tiny' not found"})), 404, "model 'tiny' not found"),
        (Dialect::Ollama, error(400, json!({"error": "model is required"})), 400, "model is required"),
        (Dialect::Anthropic, error(400, anthropic("invalid_request_error", "bad")), 400, "bad"),
        (Dialect::Anthropic, error(404, anthropic("not_found_error", "model: tiny")), 404, "model: tiny"),
        (Dialect::Anthropic, error(413, anthropic("request_too_large", "large")), 413, "large"),
        (Dialect::Anthropic, error(402, anthropic("billing_error", "pay first")), 402, "pay first"),
        (
            Dialect::Anthropic,
            error(401, anthropic("authentication_error", "invalid x-api-key")),
            401,
            "it does not accept the key; set SPHERECONNECT_LLM_KEY",
        ),
    ];
    for (dialect, behaviour, code, message) in cases {
        let (answer, server) = ask(dialect, vec![behaviour.clone(), well(dialect)]).await;
        let expected = WireError::Status { code, message: message.to_owned() };
        assert_eq!((answer, server.requests().len()), (Err(expected), 1), "{dialect}: {behaviour:?}");
    }
}

#[tokio::test]
async fn each_is_asked_once_more_when_it_is_busy() {
    let retry = |value: &str| vec![("retry-after", value.to_owned())];
    let ollama = json!({"error": "server busy, please try again. maximum pending requests exceeded"}).to_string();
    let anthropic = |kind: &str| {
        json!({"type": "error", "error": {"type": kind, "message": "try again"}, "request_id": "r"}).to_string()
    };
    let past = "Sun, 22 Nov 2020 12:00:00 GMT";
    let cases = [
        (Dialect::OpenAi, Behaviour::Status(429, retry("0"), String::new())),
        (Dialect::OpenAi, Behaviour::Status(429, retry(past), String::new())),
        (Dialect::Ollama, Behaviour::Status(503, vec![], ollama)),
        (Dialect::Ollama, Behaviour::Status(500, vec![], "{\"error\":\"runner ended\"}".to_owned())),
        (Dialect::Anthropic, Behaviour::Status(429, retry("0"), anthropic("rate_limit_error"))),
        (Dialect::Anthropic, Behaviour::Status(529, vec![], anthropic("overloaded_error"))),
    ];
    for (dialect, busy) in cases {
        let (answer, server) = ask(dialect, vec![busy.clone(), well(dialect)]).await;
        assert_eq!((answer.as_deref(), server.requests().len()), (Ok(ANSWER), 2), "{dialect}: {busy:?}");
    }
}

/// llama.cpp refuses at once, without a time, until its model is read.
#[tokio::test]
async fn a_server_that_reads_its_model_is_waited_for() {
    let loading = || Behaviour::error(503, vec![], "Loading model", "unavailable_error");
    let (answer, server) = ask(Dialect::OpenAi, vec![loading(), loading(), well(Dialect::OpenAi)]).await;
    assert_eq!((answer.as_deref(), server.requests().len()), (Ok(ANSWER), 3));
    // But not beyond the budget.
    let (answer, server) = ask(Dialect::OpenAi, vec![loading()]).await;
    assert!(matches!(answer, Err(WireError::Status { code: 503, .. })), "{answer:?}");
    assert!(server.requests().len() <= 4, "{}", server.requests().len());
}

/// Models that think first take no temperature; that is found out once.
#[tokio::test]
async fn a_model_without_temperature_is_asked_without_it() {
    for dialect in [Dialect::OpenAi, Dialect::Anthropic] {
        let refusal = "Unsupported value: 'temperature' does not support 0 with this model.";
        let refusal = Behaviour::error(400, vec![], refusal, "unsupported_value");
        let server = LlmServer::start([refusal, well(dialect)]).await;
        let mut settings = settings(server.url());
        settings.dialect = Some(dialect);
        let endpoint = Endpoint::new(settings).expect("usable settings");
        for _ in 0..2 {
            assert_eq!(endpoint.ask("s", "u", &schema()).await.as_deref(), Ok(ANSWER));
        }
        let sent: Vec<bool> = server.requests().iter().map(|one| one.body["temperature"] == 0).collect();
        assert_eq!(sent, [true, false, false], "{dialect}");
    }
}

#[tokio::test]
async fn check_lists_the_models_of_each() {
    let list = |one: &str, other: &str| format!(r#"{{"models":[{{"name":"{one}"}}],"data":[{{"id":"{other}"}}]}}"#);
    for (dialect, path, shown) in [
        (Dialect::OpenAi, "GET /v1/models", "listed"),
        (Dialect::Ollama, "GET /api/tags", "tiny:latest"),
        (Dialect::Anthropic, "GET /v1/models", "listed"),
    ] {
        let server = LlmServer::start([Behaviour::Status(200, vec![], list("tiny:latest", "listed"))]).await;
        let mut settings = settings(server.url());
        settings.dialect = Some(dialect);
        let said = Endpoint::new(settings).expect("usable settings").check().await.expect("a list");
        assert!(said.contains(shown), "{dialect}: {said}");
        assert_eq!(said.contains("is not listed"), dialect != Dialect::Ollama, "{said}");
        assert_eq!(server.requests()[0].line, path);
        let wanted = if dialect == Dialect::Anthropic { "x-api-key" } else { "authorization" };
        assert!(server.requests()[0].header(wanted).is_some_and(|value| value.contains(KEY)), "{dialect}");
    }
}
