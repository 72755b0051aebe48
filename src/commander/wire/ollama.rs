//! Ollama's own way of speaking, `/api/chat`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::WireError;
use super::dialect::Question;

/// The tokens a prompt and its answer may take together. Ollama cuts a longer prompt silently, and loads the model anew
/// whenever the number changes, so that it is the same for every question.
pub(super) const CONTEXT_TOKENS: u32 = 8_192;
/// How long Ollama keeps a model that nobody asks; players are silent for longer than its own five minutes.
const KEEP: &str = "1h";

pub(super) fn body(model: &str, question: &Question<'_>) -> Value {
    let mut body = json!({
        "model": model,
        "messages": [
            {"role": "system", "content": question.system},
            {"role": "user", "content": question.user},
        ],
        // It streams unless it is told not to.
        "stream": false,
        "keep_alive": KEEP,
        "options": {"temperature": 0, "num_predict": question.tokens_max, "num_ctx": CONTEXT_TOKENS},
    });
    if let (Some(schema), Some(fields)) = (question.schema, body.as_object_mut()) {
        fields.insert("format".to_owned(), schema.clone());
    }
    body
}

#[derive(Deserialize)]
struct Piece {
    message: Option<Message>,
    done: bool,
    done_reason: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    content: String,
}

/// The model's text, from one object or from the many of a stream that a server between us insists on; `None` for what
/// is neither. A stream without its last object is incomplete.
pub(super) fn answer(body: &[u8]) -> Option<Result<String, WireError>> {
    let mut content = String::new();
    let mut ended: Option<Piece> = None;
    for piece in serde_json::Deserializer::from_slice(body).into_iter::<Piece>() {
        // Nothing comes after the last piece, and an error in the middle of a stream is no piece.
        let piece = piece.ok().filter(|_| ended.is_none())?;
        content.push_str(piece.message.as_ref().map_or("", |message| &message.content));
        if piece.done {
            ended = Some(piece);
        }
    }
    let reason = match ended {
        Some(last) => last.done_reason,
        None if content.is_empty() => return None,
        None => return Some(Err(WireError::Cut)),
    };
    Some(match reason.as_deref() {
        Some("length") => Err(WireError::Cut),
        _ if content.trim().is_empty() => Err(WireError::Empty),
        _ => Ok(content),
    })
}
