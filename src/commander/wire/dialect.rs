//! The three ways of speaking to a server: what goes out, and what comes back.

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use serde_json::Value;

use super::{WireError, anthropic, error, ollama, openai};
use crate::domain::value_set;

/// The models of a server that are named to a person.
const MODELS_SHOWN_MAX: usize = 8;
/// The port Ollama listens on unless it is told otherwise.
const OLLAMA_PORT: u16 = 11434;
/// Anthropic's own server.
const ANTHROPIC_HOST: &str = "api.anthropic.com";

value_set! {
    /// How a server is spoken to; `endpoint.dialect` in the settings.
    Dialect {
        /// `POST …/v1/chat/completions`: OpenAI, llama.cpp, LM Studio, vLLM, Ollama's `/v1` and many more.
        OpenAi = "openai",
        /// `POST …/api/chat`: Ollama's own.
        Ollama = "ollama",
        /// `POST …/v1/messages`: Anthropic's.
        Anthropic = "anthropic",
    }
}

/// One question, before it takes a dialect's form.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) system: &'a str,
    pub(super) user: &'a str,
    /// The form the answer must have; free text without one.
    pub(super) schema: Option<&'a Value>,
    pub(super) tokens_max: u32,
}

/// What a server says about a refusal.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) message: String,
    /// Whether the account is used up, which no second request changes.
    pub(super) quota: bool,
    /// Whether the server only has to finish reading its model.
    pub(super) loading: bool,
}

impl Dialect {
    /// What an address speaks by its path, its host or its port; OpenAI's is spoken most widely.
    pub(super) fn of(url: &Url) -> Self {
        let path = url.path().trim_matches('/');
        match path {
            _ if path.ends_with("chat/completions") => Self::OpenAi,
            _ if path == "api/chat" || path.ends_with("/api/chat") => Self::Ollama,
            _ if path.ends_with("v1/messages") || url.host_str() == Some(ANTHROPIC_HOST) => Self::Anthropic,
            _ if url.port() == Some(OLLAMA_PORT) && !path.ends_with("v1") => Self::Ollama,
            _ => Self::OpenAi,
        }
    }

    /// From the path of a setting to the paths for questions and for the list of models. Without the latter when the
    /// setting names a path of its own.
    pub(super) fn paths(self, path: &str) -> (String, Option<String>) {
        let cut = |path: &str, end: &str| path.strip_suffix(end).map(|base| base.trim_end_matches('/').to_owned());
        let versioned = |path: &str| {
            if path == "v1" || path.ends_with("/v1") { path.to_owned() } else { format!("{path}/v1") }
        };
        match self {
            Self::OpenAi => {
                let base = cut(path, "chat/completions").unwrap_or_else(|| versioned(path));
                let models = (base == "v1" || base.ends_with("/v1")).then(|| format!("{base}/models"));
                (format!("{base}/chat/completions"), models)
            }
            Self::Ollama => {
                let base = ["api/chat", "api", "v1"].iter().find_map(|end| cut(path, end));
                let base = base.unwrap_or_else(|| path.to_owned());
                (format!("{base}/api/chat"), Some(format!("{base}/api/tags")))
            }
            Self::Anthropic => {
                let base = versioned(&cut(path, "messages").unwrap_or_else(|| path.to_owned()));
                (format!("{base}/messages"), Some(format!("{base}/models")))
            }
        }
    }

    /// The headers that go with every request.
    pub(super) fn headers(self, key: Option<&str>) -> Result<Vec<(HeaderName, HeaderValue)>, WireError> {
        let secret = |text: &str| {
            let mut value = HeaderValue::from_str(text).map_err(|_| WireError::Key)?;
            value.set_sensitive(true);
            Ok(value)
        };
        let mut headers = Vec::new();
        if self == Self::Anthropic {
            headers.push((anthropic::VERSION_HEADER, HeaderValue::from_static(anthropic::VERSION)));
        }
        match (self, key.map(str::trim).filter(|key| !key.is_empty())) {
            (_, None) => {}
            (Self::Anthropic, Some(key)) => headers.push((anthropic::KEY_HEADER, secret(key)?)),
            // Ollama asks for nothing by itself, but a server before it may.
            (Self::OpenAi | Self::Ollama, Some(key)) => {
                headers.push((AUTHORIZATION, secret(&format!("Bearer {key}"))?))
            }
        }
        Ok(headers)
    }

    pub(super) fn body(self, model: &str, host: &str, question: &Question<'_>) -> Value {
        match self {
            Self::OpenAi => openai::body(model, host, question),
            Self::Ollama => ollama::body(model, question),
            Self::Anthropic => anthropic::body(model, question),
        }
    }

    /// The text of the model's answer.
    pub(super) fn answer(self, body: &[u8]) -> Result<String, WireError> {
        let answer = match self {
            Self::OpenAi => openai::answer(body),
            Self::Ollama => ollama::answer(body),
            Self::Anthropic => anthropic::answer(body),
        };
        answer.unwrap_or_else(|| {
            // Some gateways report the failure of the server behind them with status 200.
            let fault = self.fault(body);
            Err(if fault.message.is_empty() {
                WireError::NotJson
            } else {
                WireError::Status { code: 200, message: error::plain(&fault.message) }
            })
        })
    }

    /// Reads `{"error": {…}}`, `{"error": "text"}` and vLLM's bare `{"message": …}`. The dialects differ in which of
    /// them they send; a gateway may send any.
    pub(super) fn fault(self, body: &[u8]) -> Fault {
        let Ok(body) = serde_json::from_slice::<Value>(body) else { return Fault::default() };
        let error = body.get("error").unwrap_or(&body);
        let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
        let message = error.as_str().unwrap_or_else(|| text("message")).to_owned();
        let used_up = |word: &str| {
            matches!(word, "insufficient_quota" | "billing_hard_limit_reached" | "quota_exceeded" | "billing_error")
        };
        let loading = message.eq_ignore_ascii_case("loading model");
        Fault { message, quota: used_up(text("code")) || used_up(text("type")), loading }
    }

    /// The models a server lists; `None` when the answer is no such list.
    pub(super) fn models(self, body: &[u8]) -> Option<Vec<String>> {
        // llama.cpp lists its models in both forms; each dialect reads its own.
        let body: Value = serde_json::from_slice(body).ok()?;
        let list = body.get(if self == Self::Ollama { "models" } else { "data" })?;
        let name = if self == Self::Ollama { "name" } else { "id" };
        list.as_array()?.iter().map(|model| Some(error::plain(model.get(name)?.as_str()?))).collect()
    }
}

/// Says in a line which models a server has and whether the wanted one is among them.
pub(super) fn describe(host: &str, wanted: &str, models: &[String]) -> String {
    let shown = models.iter().take(MODELS_SHOWN_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = models.len().saturating_sub(MODELS_SHOWN_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    // Ollama lists "name:latest" for what may be asked for as "name".
    let known = models.iter().any(|model| model == wanted || model.strip_suffix(":latest") == Some(wanted));
    match (models.is_empty(), wanted.is_empty() || known) {
        (true, _) => format!("{host} answers and lists no models"),
        (false, true) => format!("{host} serves {shown}{more}"),
        (false, false) => {
            format!("{host} serves {shown}{more}; \"{wanted}\" is not listed, check SPHERECONNECT_LLM_MODEL")
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_chat_completions() {
        let check = |body: &str, expected: Result<&str, WireError>| {
            assert_eq!(Dialect::OpenAi.answer(body.as_bytes()), expected.map(str::to_owned), "{body}");
        };
        let choice = |message: &str, reason: &str| {
            format!(r#"{{"choices":[{{"message":{message},"finish_reason":{reason}}}],"usage":{{}}}}"#)
        };
        check(&choice(r#"{"content":"{}"}"#, r#""stop""#), Ok("{}"));
        check(&choice(r#"{"content":"{}","refusal":null}"#, "null"), Ok("{}"));
        check(&choice(r#"{"content":"{\"or"}"#, r#""length""#), Err(WireError::Cut));
        check(&choice(r#"{"content":"x"}"#, r#""content_filter""#), Err(WireError::Refusal));
        check(&choice(r#"{"content":null,"refusal":"no"}"#, r#""stop""#), Err(WireError::Refusal));
        check(&choice(r#"{"content":" \n"}"#, r#""stop""#), Err(WireError::Empty));
        check(&choice(r#"{}"#, r#""stop""#), Err(WireError::Empty));
        check(r#"{"choices":[]}"#, Err(WireError::Empty));
        let behind = WireError::Status { code: 200, message: "upstream is down".to_owned() };
        check(r#"{"error":{"message":"upstream\nis down","code":502}}"#, Err(behind));
    }

    #[test]
    fn reads_ollama() {
        let check = |body: &str, expected: Result<&str, WireError>| {
            assert_eq!(Dialect::Ollama.answer(body.as_bytes()), expected.map(str::to_owned), "{body}");
        };
        let piece = |content: &str, done: bool, reason: &str| {
            let message = json!({"role": "assistant", "content": content});
            json!({"model": "m", "message": message, "done": done, "done_reason": reason}).to_string()
        };
        check(&piece("{}", true, "stop"), Ok("{}"));
        check(r#"{"model":"m","message":{"role":"assistant","content":"{}"},"done":true}"#, Ok("{}"));
        check(&piece(r#"{"ord"#, true, "length"), Err(WireError::Cut));
        check(&piece(" ", true, "stop"), Err(WireError::Empty));
        check(&piece("", true, "load"), Err(WireError::Empty));
        let stream = [piece("{\"or", false, ""), piece("ders\":[]}", false, ""), piece("", true, "stop")];
        check(&stream.join("\n"), Ok(r#"{"orders":[]}"#));
        check(&stream[..2].join("\n"), Err(WireError::Cut));
        check(&format!("{}\n{}", stream[2], stream[0]), Err(WireError::NotJson));
        check(&format!("{}\n{{\"error\":\"out of memory\"}}", stream[0]), Err(WireError::NotJson));
        let error = WireError::Status { code: 200, message: "out of memory".to_owned() };
        check(r#"{"error":"out of memory"}"#, Err(error));
    }

    #[test]
    fn reads_messages() {
        let check = |content: Value, reason: Value, expected: Result<&str, WireError>| {
            let body = json!({"type": "message", "content": content, "stop_reason": reason}).to_string();
            assert_eq!(Dialect::Anthropic.answer(body.as_bytes()), expected.map(str::to_owned), "{body}");
        };
        let text = |text: &str| json!([{"type": "text", "text": text}]);
        check(text("{}"), json!("end_turn"), Ok("{}"));
        let thought = json!([{"type": "thinking", "thinking": "hm", "signature": "x"},
            {"type": "text", "text": "{\"orders\""}, {"type": "text", "text": ":[]}"}]);
        check(thought, json!("end_turn"), Ok(r#"{"orders":[]}"#));
        check(text("{\"or"), json!("max_tokens"), Err(WireError::Cut));
        check(text("I would rather not"), json!("refusal"), Err(WireError::Refusal));
        check(json!([]), json!("end_turn"), Err(WireError::Empty));
        check(
            json!([{"type": "tool_use", "id": "x", "name": "y", "input": {}}]),
            json!("tool_use"),
            Err(WireError::Empty),
        );
        check(json!("{}"), json!("end_turn"), Err(WireError::NotJson));
    }

    #[test]
    fn what_is_no_answer_is_none_in_any_dialect() {
        let deep = "[".repeat(100_000);
        for body in ["<html>", "", "null", "7", "[]", "{}", r#"{"hello":"there"}"#, r#"{"choices":{}}"#, &deep] {
            for dialect in Dialect::ALL {
                assert_eq!(dialect.answer(body.as_bytes()), Err(WireError::NotJson), "{dialect}: {body:.40}");
            }
        }
    }

    #[test]
    fn reads_faults() {
        let check = |body: &str, message: &str, quota: bool, loading: bool| {
            let expected = Fault { message: message.to_owned(), quota, loading };
            assert_eq!(Dialect::OpenAi.fault(body.as_bytes()), expected, "{body}");
        };
        let loading = r#"{"error":{"message":"Loading model","type":"unavailable_error","code":503}}"#;
        check(loading, "Loading model", false, true);
        check(r#"{"error":{"message":"pay","type":"x","code":"insufficient_quota"}}"#, "pay", true, false);
        check(r#"{"error":{"message":"slow down","code":null}}"#, "slow down", false, false);
        check(r#"{"error":{"message":"too long","code":400}}"#, "too long", false, false);
        check(r#"{"error":"model not found"}"#, "model not found", false, false);
        check(r#"{"object":"error","message":"too long","code":400}"#, "too long", false, false);
        check(
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
            "Overloaded",
            false,
            false,
        );
        check("not JSON", "", false, false);
    }

    #[test]
    fn lists_models() {
        let check = |dialect: Dialect, body: &str, expected: Option<&[&str]>| {
            let expected = expected.map(|all| all.iter().map(|&one| one.to_owned()).collect::<Vec<_>>());
            assert_eq!(dialect.models(body.as_bytes()), expected, "{body}");
        };
        let both = r#"{"models":[{"name":"a","model":"a"}],"object":"list","data":[{"id":"b","object":"model"}]}"#;
        check(Dialect::OpenAi, both, Some(&["b"]));
        check(Dialect::Ollama, both, Some(&["a"]));
        check(Dialect::Anthropic, r#"{"data":[{"type":"model","id":"c"}],"has_more":false}"#, Some(&["c"]));
        check(Dialect::Ollama, r#"{"models":[{"id":"a"}]}"#, None);
        check(Dialect::OpenAi, "<html>", None);
    }

    #[test]
    fn describes_what_is_served() {
        let check = |wanted: &str, models: &[&str], expected: &str| {
            let models: Vec<String> = models.iter().map(|&model| model.to_owned()).collect();
            assert_eq!(describe("h:1", wanted, &models), expected);
        };
        check("", &["a", "b"], "h:1 serves a, b");
        check("b", &["a", "b:latest"], "h:1 serves a, b:latest");
        check("c", &["a"], "h:1 serves a; \"c\" is not listed, check SPHERECONNECT_LLM_MODEL");
        check("c", &[], "h:1 answers and lists no models");
        check("", &["m"; 10], "h:1 serves m, m, m, m, m, m, m, m and 2 more");
    }

    #[test]
    fn names_the_limit_as_the_server_knows_it() {
        let question = Question { system: "s", user: "u", schema: None, tokens_max: 7 };
        assert_eq!(Dialect::OpenAi.body("m", "api.openai.com", &question)["max_completion_tokens"], 7);
        assert_eq!(Dialect::OpenAi.body("m", "127.0.0.1:8080", &question)["max_tokens"], 7);
        // Small answers and large prompts fit together into what Ollama is told to keep.
        assert!(u64::from(ollama::CONTEXT_TOKENS) > 2 * u64::from(super::super::TOKENS_MAX));
        assert_eq!(Dialect::Ollama.body("m", "h", &question)["options"]["num_ctx"], ollama::CONTEXT_TOKENS);
        let headers = Dialect::Anthropic.headers(Some(" k ")).unwrap();
        assert!(headers.iter().any(|(name, value)| name.as_str() == "x-api-key" && value.is_sensitive()));
    }
}
