//! OpenAI's chat completions, as OpenAI, llama.cpp, LM Studio and vLLM speak them.

use serde::Deserialize;
use serde_json::{Value, json};

use super::WireError;
use super::dialect::Question;

pub(super) fn body(model: &str, host: &str, question: &Question<'_>) -> Value {
    let mut body = json!({
        "messages": [
            {"role": "system", "content": question.system},
            {"role": "user", "content": question.user},
        ],
        "temperature": 0,
        "stream": false,
    });
    // OpenAI's newer models refuse the old name of the limit, and most other servers know only the old one.
    let limit = if host == "api.openai.com" { "max_completion_tokens" } else { "max_tokens" };
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
struct Answer {
    choices: Vec<Choice>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    content: Option<String>,
    refusal: Option<String>,
}

/// The model's text; `None` for what is no chat completion.
pub(super) fn answer(body: &[u8]) -> Option<Result<String, WireError>> {
    let answer: Answer = serde_json::from_slice(body).ok()?;
    let Some(choice) = answer.choices.into_iter().next() else {
        return Some(Err(WireError::Empty));
    };
    let content = choice.message.content.unwrap_or_default();
    let refused = choice.message.refusal.is_some_and(|refusal| !refusal.is_empty());
    Some(match choice.finish_reason.as_deref() {
        _ if refused => Err(WireError::Refusal),
        Some("content_filter") => Err(WireError::Refusal),
        Some("length") => Err(WireError::Cut),
        _ if content.trim().is_empty() => Err(WireError::Empty),
        _ => Ok(content),
    })
}
