//! Anthropic's messages, `/v1/messages`.

use reqwest::header::HeaderName;
use serde::Deserialize;
use serde_json::{Value, json};

use super::WireError;
use super::dialect::Question;

pub(super) const VERSION_HEADER: HeaderName = HeaderName::from_static("anthropic-version");
pub(super) const KEY_HEADER: HeaderName = HeaderName::from_static("x-api-key");
/// The version of the form that is spoken here.
pub(super) const VERSION: &str = "2023-06-01";

pub(super) fn body(model: &str, question: &Question<'_>) -> Value {
    // What never changes is marked, so that the server keeps it between questions.
    let system = json!([{"type": "text", "text": question.system, "cache_control": {"type": "ephemeral"}}]);
    let mut body = json!({
        "model": model,
        "max_tokens": question.tokens_max,
        "system": system,
        "messages": [{"role": "user", "content": question.user}],
        "temperature": 0,
        "stream": false,
    });
    if let (Some(schema), Some(fields)) = (question.schema, body.as_object_mut()) {
        let format = json!({"type": "json_schema", "schema": without_lengths(schema)});
        fields.insert("output_config".to_owned(), json!({"format": format}));
    }
    body
}

/// The schema without the lengths of lists, which this server refuses. Decoding checks them again.
fn without_lengths(schema: &Value) -> Value {
    match schema {
        Value::Object(fields) => fields
            .iter()
            .filter(|(name, value)| !(*name == "maxItems" && value.is_number()))
            .map(|(name, value)| (name.clone(), without_lengths(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(without_lengths).collect(),
        other => other.clone(),
    }
}

#[derive(Deserialize)]
struct Answer {
    content: Vec<Block>,
    stop_reason: Option<String>,
}

#[derive(Deserialize)]
struct Block {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    text: String,
}

/// The model's text, which may come in several blocks; `None` for what is no message.
pub(super) fn answer(body: &[u8]) -> Option<Result<String, WireError>> {
    let answer: Answer = serde_json::from_slice(body).ok()?;
    let texts = answer.content.into_iter().filter(|block| block.kind == "text").map(|block| block.text);
    let content = texts.collect::<String>();
    Some(match answer.stop_reason.as_deref() {
        Some("refusal") => Err(WireError::Refusal),
        Some("max_tokens" | "model_context_window_exceeded") => Err(WireError::Cut),
        _ if content.trim().is_empty() => Err(WireError::Empty),
        _ => Ok(content),
    })
}
