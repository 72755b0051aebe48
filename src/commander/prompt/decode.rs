//! The model's text → orders, or a reason why not.

use serde_json::{Map, Value};

use super::actions::{ACTIONS, NONE};

/// The most orders in one answer.
pub const ORDERS_MAX: usize = 6;
/// The longest words of one field, in characters.
pub const WORDS_CHARS_MAX: usize = 300;
/// The braces at which an object is looked for; prose holds few.
const STARTS_MAX: usize = 32;

/// One order in the speaker's words, before any name in it is looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpokenOrder {
    /// One of the actions of the command enum, or [`NONE`].
    pub action: String,
    /// Field and words as spoken, in the order of the answer; fields that were null are left out.
    pub fields: Vec<(String, String)>,
}

/// Why an answer holds no orders. The texts name the form's own words, never those of the answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// No object anywhere.
    #[error("the model's answer holds no JSON object")]
    NoObject,
    /// The object is not `{"orders": […]}`.
    #[error("the model's answer is not a list of orders")]
    NotOrders,
    /// More than [`ORDERS_MAX`].
    #[error("the model's answer holds more than {ORDERS_MAX} orders")]
    TooMany,
    /// Something in the list is no order.
    #[error("order {0} of the model's answer is no object with an action")]
    NotAnOrder(usize),
    /// An action outside the closed set.
    #[error("order {0} of the model's answer has an unknown action")]
    Action(usize),
    /// A field the action does not have.
    #[error("order {at} of the model's answer has a field that \"{action}\" does not know")]
    Field {
        /// Which order, from 1.
        at: usize,
        /// Its action.
        action: &'static str,
    },
    /// A field that is neither text nor null.
    #[error("order {at} of the model's answer has a {field} that is no text")]
    NotText {
        /// Which order, from 1.
        at: usize,
        /// The field.
        field: &'static str,
    },
    /// A field longer than [`WORDS_CHARS_MAX`].
    #[error("order {at} of the model's answer has a {field} of more than {WORDS_CHARS_MAX} characters")]
    TooLong {
        /// Which order, from 1.
        at: usize,
        /// The field.
        field: &'static str,
    },
}

/// Reads the first JSON object in the text; prose around it is passed over and noted in the log. A 200 never proves
/// that a server kept to the schema, so everything is checked again.
///
/// # Errors
/// See [`DecodeError`].
pub fn decode(answer: &str) -> Result<Vec<SpokenOrder>, DecodeError> {
    // Models that think aloud may draft objects there.
    let answer = answer.rsplit_once("</think>").map_or(answer, |(_, rest)| rest).trim();
    let (mut object, bare) = first_object(answer).ok_or(DecodeError::NoObject)?;
    if !bare {
        tracing::debug!("the language model wrote prose around its orders");
    }
    let orders = match object.remove("orders") {
        Some(Value::Array(orders)) if object.is_empty() => orders,
        _ => return Err(DecodeError::NotOrders),
    };
    if orders.len() > ORDERS_MAX {
        return Err(DecodeError::TooMany);
    }
    orders.into_iter().enumerate().map(|(at, order)| read(at + 1, order)).collect()
}

/// The first object, and whether it stands alone.
fn first_object(text: &str) -> Option<(Map<String, Value>, bool)> {
    for (start, _) in text.match_indices('{').take(STARTS_MAX) {
        let mut objects = serde_json::Deserializer::from_str(text.get(start..)?).into_iter::<Map<String, Value>>();
        if let Some(Ok(object)) = objects.next() {
            return Some((object, start == 0 && objects.byte_offset() == text.len()));
        }
    }
    None
}

fn read(at: usize, order: Value) -> Result<SpokenOrder, DecodeError> {
    let Value::Object(mut order) = order else { return Err(DecodeError::NotAnOrder(at)) };
    let Some(Value::String(name)) = order.remove("action") else { return Err(DecodeError::NotAnOrder(at)) };
    if name == NONE {
        // What it adds to "none" means nothing.
        return Ok(SpokenOrder { action: name, fields: Vec::new() });
    }
    let action = ACTIONS.iter().find(|action| action.name == name).ok_or(DecodeError::Action(at))?;
    let mut fields = Vec::new();
    for (field, words) in order {
        let known = action.fields.iter().find(|known| **known == field);
        let field = *known.ok_or(DecodeError::Field { at, action: action.name })?;
        match words {
            Value::Null => {}
            Value::String(words) if words.chars().count() > WORDS_CHARS_MAX => {
                return Err(DecodeError::TooLong { at, field });
            }
            Value::String(words) => {
                let words = words.trim();
                // Small models write null as a word.
                if !words.is_empty() && !matches!(words, "null" | "none" | "None") {
                    fields.push((field.to_owned(), words.to_owned()));
                }
            }
            _ => return Err(DecodeError::NotText { at, field }),
        }
    }
    Ok(SpokenOrder { action: name, fields })
}
