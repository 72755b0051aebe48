//! What has to be asked before an order can be carried out.

use uuid::Uuid;

use super::{Action, Field};
use crate::domain::Kind;

/// One of several things that could be meant.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// Its name.
    pub name: String,
    /// What tells it from another of the same name; may be empty.
    pub hint: String,
    /// Where it is stored.
    pub id: Uuid,
    /// How alike it is to what was heard, 0 to 1.
    pub score: f32,
}

/// What has to be asked before an order can be carried out.
#[derive(Debug, Clone, PartialEq)]
pub enum Question {
    /// A piece was not said.
    Missing {
        /// The order so far.
        action: Action,
        /// The piece.
        field: Field,
    },
    /// Nothing of the guild is called like that.
    Unknown {
        /// Which piece.
        field: Field,
        /// What was looked for.
        kind: Kind,
        /// The words as they were heard.
        heard: String,
        /// Near misses, best first; may be empty.
        choices: Vec<Choice>,
    },
    /// Several could be meant.
    Which {
        /// Which piece.
        field: Field,
        /// What was looked for.
        kind: Kind,
        /// The words as they were heard.
        heard: String,
        /// The candidates, best first.
        choices: Vec<Choice>,
    },
    /// A value was not understood.
    Value {
        /// Which piece.
        field: Field,
        /// The words as they were heard.
        heard: String,
    },
}

impl Question {
    /// The piece the answer is for.
    #[must_use]
    pub fn field(&self) -> Field {
        match self {
            Self::Missing { field, .. }
            | Self::Unknown { field, .. }
            | Self::Which { field, .. }
            | Self::Value { field, .. } => *field,
        }
    }
}
