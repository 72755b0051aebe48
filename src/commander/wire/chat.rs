//! How servers are spoken to: the bodies that go out and come back.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{WireError, address::Address};

/// The models of a server that are named to a person.
const MODELS_SHOWN_MAX: usize = 8;

/// The ways of speaking to a server that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// `POST …/v1/chat/completions`: OpenAI, llama.cpp, LM Studio, vLLM, Ollama's `/v1` and many more.
    OpenAiChat,
}

/// One question, before it takes a dialect's form.
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
}

impl Dialect {
    pub(super) fn body(self, model: &str, address: &Address, question: &Question<'_>) -> Value {
        match self {
            Self::OpenAiChat => openai_body(model, address, question),
        }
    }

    /// The text of the model's answer.
    pub(super) fn answer(self, body: &[u8]) -> Result<String, WireError> {
        match self {
            Self::OpenAiChat => openai_answer(body),
        }
    }

    pub(super) fn fault(self, body: &[u8]) -> Fault {
        match self {
            Self::OpenAiChat => serde_json::from_slice(body).map(|body| openai_fault(&body)).unwrap_or_default(),
        }
    }

    /// The models a server lists; `None` when the answer is no such list.
    pub(super) fn models(self, body: &[u8]) -> Option<Vec<String>> {
        match self {
            Self::OpenAiChat => {
                let list: OpenAiModels = serde_json::from_slice(body).ok()?;
                Some(list.data.into_iter().map(|model| super::error::plain(&model.id)).collect())
            }
        }
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

fn openai_body(model: &str, address: &Address, question: &Question<'_>) -> Value {
    let mut body = json!({
        "messages": [
            {"role": "system", "content": question.system},
            {"role": "user", "content": question.user},
        ],
        "temperature": 0,
        "stream": false,
    });
    // OpenAI's newer models refuse the old name of the limit, and most other servers know only the old one.
    let openai = address.chat.host_str().is_some_and(|name| name == "api.openai.com");
    let limit = if openai { "max_completion_tokens" } else { "max_tokens" };
    if let Some(fields) = body.as_object_mut() {
        fields.insert(limit.to_owned(), json!(question.tokens_max));
        if !model.is_empty() {
            fields.insert("model".to_owned(), json!(model));
        }
        if let Some(schema) = question.schema {
            let named = json!({"name": "orders", "strict": true, "schema": schema});
            fields.insert("response_format".to_owned(), json!({"type": "json_schema", "json_schema": named}));
        }
    }
    body
}

#[derive(Deserialize)]
struct OpenAiModels {
    data: Vec<OpenAiModel>,
}

#[derive(Deserialize)]
struct OpenAiModel {
    id: String,
}

#[derive(Deserialize)]
struct OpenAiAnswer {
    choices: Vec<OpenAiChoice>,
}

#[derive(Deserialize)]
struct OpenAiChoice {
    message: OpenAiMessage,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct OpenAiMessage {
    content: Option<String>,
    refusal: Option<String>,
}

fn openai_answer(body: &[u8]) -> Result<String, WireError> {
    let Ok(answer) = serde_json::from_slice::<OpenAiAnswer>(body) else {
        // Some gateways report the failure of the server behind them with status 200.
        let fault = serde_json::from_slice(body).map(|body| openai_fault(&body)).unwrap_or_default();
        return Err(if fault.message.is_empty() {
            WireError::NotJson
        } else {
            WireError::Status { code: 200, message: super::error::plain(&fault.message) }
        });
    };
    let Some(choice) = answer.choices.into_iter().next() else {
        return Err(WireError::Empty);
    };
    let content = choice.message.content.unwrap_or_default();
    let refused = choice.message.refusal.is_some_and(|refusal| !refusal.is_empty());
    match choice.finish_reason.as_deref() {
        _ if refused => Err(WireError::Refusal),
        Some("content_filter") => Err(WireError::Refusal),
        Some("length") => Err(WireError::Cut),
        _ if content.trim().is_empty() => Err(WireError::Empty),
        _ => Ok(content),
    }
}

/// Reads `{"error": {…}}`, `{"error": "text"}` and vLLM's bare `{"message": …}`.
fn openai_fault(body: &Value) -> Fault {
    let error = body.get("error").unwrap_or(body);
    let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
    let message = error.as_str().unwrap_or_else(|| text("message")).to_owned();
    let used_up = |word: &str| matches!(word, "insufficient_quota" | "billing_hard_limit_reached" | "quota_exceeded");
    Fault { message, quota: used_up(text("code")) || used_up(text("type")) }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]
    use super::*;

    #[test]
    fn reads_answers() {
        let check = |body: &str, expected: Result<&str, WireError>| {
            assert_eq!(Dialect::OpenAiChat.answer(body.as_bytes()), expected.map(str::to_owned), "{body}");
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
        check(r#"{"hello":"there"}"#, Err(WireError::NotJson));
        check("<html>", Err(WireError::NotJson));
        check(&"[".repeat(100_000), Err(WireError::NotJson));
        let behind = WireError::Status { code: 200, message: "upstream is down".to_owned() };
        check(r#"{"error":{"message":"upstream\nis down","code":502}}"#, Err(behind));
    }

    #[test]
    fn reads_faults() {
        let check = |body: &str, message: &str, quota: bool| {
            let expected = Fault { message: message.to_owned(), quota };
            assert_eq!(Dialect::OpenAiChat.fault(body.as_bytes()), expected, "{body}");
        };
        check(r#"{"error":{"message":"Loading model","type":"unavailable_error","code":503}}"#, "Loading model", false);
        check(r#"{"error":{"message":"pay","type":"x","code":"insufficient_quota"}}"#, "pay", true);
        check(r#"{"error":{"message":"slow down","code":null}}"#, "slow down", false);
        check(r#"{"error":"model not found"}"#, "model not found", false);
        check(r#"{"object":"error","message":"too long","code":400}"#, "too long", false);
        check("not JSON", "", false);
    }

    #[test]
    fn names_the_limit_as_the_server_knows_it() {
        let schema = json!({"type": "object"});
        let question = Question { system: "s", user: "u", schema: Some(&schema), tokens_max: 7 };
        let body = |url: &str| Dialect::OpenAiChat.body("m", &Address::parse(url).unwrap(), &question);
        assert_eq!(body("https://api.openai.com/v1")["max_completion_tokens"], 7);
        let local = body("http://127.0.0.1:8080");
        assert_eq!(local["max_tokens"], 7);
        assert_eq!(local["response_format"]["json_schema"]["schema"], schema);
        assert_eq!(local["messages"][1]["content"], "u");
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
}
