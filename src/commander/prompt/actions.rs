//! What the model may answer with: the actions, their fields, and the words without which an action is not offered.

use crate::domain::Kind;

/// The action of words that hold no order.
pub const NONE: &str = "none";

/// The action of a free answer to a question; it is offered only where the guild's data are given.
pub const ANSWER: &str = "answer";

/// One action the model may choose.
pub(super) struct Action {
    /// As in the answer.
    pub(super) name: &'static str,
    /// The fields it has, in the order they are filled.
    pub(super) fields: &'static [&'static str],
    /// Of each group one field must be filled.
    pub(super) required: &'static [&'static [&'static str]],
    /// Of each group one word must have been said; they keep chatter from making things up out of nothing.
    pub(super) cues: &'static [&'static [&'static str]],
}

/// The kind of thing a field names; `None` for fields with values or free text.
pub(super) fn kind_of(field: &str) -> Option<Kind> {
    match field {
        "lead" => Some(Kind::Member),
        _ => Kind::parse(field),
    }
}

const fn action(
    name: &'static str,
    fields: &'static [&'static str],
    required: &'static [&'static [&'static str]],
    cues: &'static [&'static [&'static str]],
) -> Action {
    Action { name, fields, required, cues }
}

const MAKE: &[&str] = &["create", "new", "add", "open", "start", "need", "make", "launch", "form"];
const NUMBERS: &[&str] = &[
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "niner",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
    "thirty",
    "forty",
    "fifty",
    "sixty",
    "seventy",
    "eighty",
    "ninety",
    "hundred",
    "thousand",
    "million",
    "half",
    "halfway",
    "quarter",
    "quarters",
    "third",
    "thirds",
    "dozen",
    "zero",
];
/// Words that make a share of a number.
const SHARES: &[&str] = &[
    "percent", "half", "halfway", "third", "thirds", "quarter", "quarters", "through", "way", "along", "done",
    "progress",
];
const ASK: &[&str] = &[
    "what", "whats", "which", "who", "whos", "whose", "how", "hows", "when", "where", "is", "are", "does", "did",
    "any", "anyone", "anything", "show", "list", "read", "status", "tell", "give",
];
const ASKING: &[&[&str]] = &[ASK];

/// Every action the model may choose. What answers a question of ours (`confirm`, `undo` and the like) is left to the
/// local grammar: nobody should confirm by accident.
pub(super) const ACTIONS: &[Action] = &[
    action(
        "objective.create",
        &["name", "category", "priority", "brief", "squad", "metric", "target", "tasks"],
        &[&["name"]],
        &[MAKE, &["objective", "mission", "operation", "goal", "project", "campaign"]],
    ),
    action(
        "objective.describe",
        &["objective", "section", "text"],
        &[&["objective"], &["section"], &["text"]],
        &[&["brief", "briefing", "tactical", "classified", "describe", "description", "note", "section"]],
    ),
    action("objective.set_priority", &["objective", "priority"], &[&["objective"], &["priority"]], &[]),
    action("objective.set_status", &["objective", "status"], &[&["objective"], &["status"]], &[]),
    action("objective.set_progress", &["objective", "percent"], &[&["objective"], &["percent"]], &[NUMBERS, SHARES]),
    action("objective.add_category", &["objective", "category"], &[&["objective"], &["category"]], &[]),
    action("objective.set_lead", &["objective", "member"], &[&["objective"], &["member"]], &[]),
    action("objective.set_squad", &["objective", "squad"], &[&["objective"], &["squad"]], &[]),
    action(
        "objective.report",
        &["objective", "metric", "amount", "unit"],
        &[&["metric"], &["amount"]],
        &[
            NUMBERS,
            &[
                "delivered",
                "collected",
                "got",
                "mined",
                "hauled",
                "sold",
                "bought",
                "brought",
                "gathered",
                "added",
                "another",
                "more",
                "loaded",
                "stored",
                "made",
                "earned",
                "killed",
                "destroyed",
                "salvaged",
            ],
        ],
    ),
    action(
        "task.create",
        &["name", "objective", "priority", "text"],
        &[&["name"], &["objective"]],
        &[MAKE, &["task", "job"]],
    ),
    action("task.assign", &["task", "member", "squad"], &[&["task"], &["member", "squad"]], &[]),
    action("task.claim", &["task"], &[&["task"]], &[FIRST]),
    action("task.release", &["task"], &[&["task"]], &[FIRST]),
    action("task.set_status", &["task", "status"], &[&["task"], &["status"]], &[]),
    action("task.set_progress", &["task", "percent"], &[&["task"], &["percent"]], &[NUMBERS, SHARES]),
    action("task.set_priority", &["task", "priority"], &[&["task"], &["priority"]], &[]),
    action(
        "task.schedule",
        &["task", "start", "end", "duration_minutes", "timezone"],
        &[&["task"], &["start", "end", "duration_minutes"]],
        &[],
    ),
    action("member.set_availability", &["member", "availability"], &[&["member"], &["availability"]], &[]),
    action("member.set_rank", &["member", "rank"], &[&["member"], &["rank"]], &[]),
    action("member.set_squad", &["member", "squad"], &[&["member"], &["squad"]], &[]),
    action("squad.create", &["name", "lead"], &[&["name"]], &[MAKE, &["squad", "team", "group", "wing"]]),
    action(
        "squad.set_lead",
        &["squad", "member"],
        &[&["squad"], &["member"]],
        &[&[
            "lead", "leads", "leader", "leading", "command", "commands", "charge", "head", "heads", "captain", "run",
            "runs",
        ]],
    ),
    action("squad.disband", &["squad"], &[&["squad"]], &[&["disband", "dissolve"]]),
    action(
        "guild.broadcast",
        &["message"],
        &[&["message"]],
        &[
            &["tell", "let", "inform", "announce", "broadcast", "message", "notify", "warn", "remind"],
            &["everyone", "everybody", "all", "guild", "crew"],
        ],
    ),
    action(
        "ask.objectives",
        &["category", "priority", "status"],
        &[],
        &[
            ASK,
            &[
                "objective",
                "objectives",
                "mission",
                "missions",
                "operation",
                "operations",
                "goals",
                "projects",
                "campaigns",
            ],
        ],
    ),
    action("ask.objective", &["objective", "section"], &[&["objective"]], ASKING),
    action(
        "ask.tasks",
        &["member", "objective", "due"],
        &[],
        &[
            ASK,
            &[
                "task", "tasks", "job", "jobs", "do", "doing", "plate", "work", "working", "busy", "next", "left",
                "due", "overdue",
            ],
        ],
    ),
    action("ask.task", &["task"], &[&["task"]], ASKING),
    action("ask.squad", &["squad"], &[&["squad"]], ASKING),
    action(
        "ask.members",
        &["availability", "squad"],
        &[],
        &[
            ASK,
            &[
                "here",
                "online",
                "available",
                "around",
                "busy",
                "member",
                "members",
                "anyone",
                "anybody",
                "people",
                "free",
            ],
        ],
    ),
    action("ask.me", &[], &[], &[ASK, FIRST, &["i", "im", "me", "myself", "rank", "clearance"]]),
    action("ask.help", &[], &[], &[ASK, &["help", "say", "can", "could"]]),
    action(ANSWER, &["text"], &[&["text"]], &[]),
];

/// Words by which a speaker means themselves.
pub(super) const FIRST: &[&str] = &["i", "im", "ill", "ive", "id", "me", "my", "mine", "myself"];
/// Those of them that cannot mean something the speaker has.
pub(super) const SELF: &[&str] = &["i", "im", "ill", "ive", "id", "me", "myself"];
/// Words after which an order may be the opposite of itself, or hang on a condition nobody watches.
pub(super) const HELD: &[&str] = &[
    "dont",
    "not",
    "if",
    "unless",
    "never",
    "doesnt",
    "wouldnt",
    "shouldnt",
    "didnt",
    "wasnt",
    "isnt",
    "arent",
    "wont",
    "whether",
    "maybe",
    "perhaps",
    "wish",
    "imagine",
    "suppose",
    "pretend",
    "remember",
    "yesterday",
    "almost",
    "nearly",
    "said",
    "says",
    "told",
    "asked",
    "thinks",
    "thought",
    "heard",
    "was",
    "had",
    "once",
    "until",
    "till",
    "whenever",
    "hopefully",
];
/// Words with which nobody takes a task.
pub(super) const UNWILLING: &[&str] =
    &["cant", "cannot", "no", "need", "needs", "how", "what", "status", "show", "tell", "report", "picture", "about"];
/// Words with which nobody joins a squad; leaving one is left to the local grammar.
pub(super) const LEAVING: &[&str] =
    &["leave", "leaves", "leaving", "left", "quit", "quits", "quitting", "out", "off", "remove", "kick", "kicked"];
/// Words that join one order to another.
pub(super) const JOINING: &[&str] = &["and", "then", "also", "plus"];
/// Words with which speakers correct themselves: of what was said before them, a thing of the same kind is taken back.
pub(super) const CORRECTING: &[&str] =
    &["no", "nope", "sorry", "wait", "correction", "scratch", "rather", "actually", "instead"];
/// Words that announce the name of something new; nothing else is ordered then.
pub(super) const CALLED: &[&str] = &["called", "named"];
/// Words with which an order begins. Two of them, one behind "and" or "then", are two orders.
pub(super) const VERBS: &[&str] = &[
    "give", "assign", "put", "move", "add", "set", "mark", "make", "take", "create", "promote", "demote", "release",
    "send", "hand", "cancel", "disband", "schedule", "get", "let", "start", "open", "drop", "transfer", "close",
    "remove",
];
/// Words of states and urgency. What was said of them belongs into an order.
pub(super) const STATES: &[&str] = &[
    "done",
    "complete",
    "completed",
    "finished",
    "cancelled",
    "canceled",
    "scrubbed",
    "scrapped",
    "paused",
    "hold",
    "critical",
    "urgent",
    "high",
    "medium",
    "low",
    "lowest",
    "highest",
    "percent",
    "online",
    "offline",
    "afk",
];
/// Words for what was spoken of last. They stand for a task or an objective, or for a member.
pub(super) const THING: &[&str] = &["it"];
/// See [`THING`].
pub(super) const PERSON: &[&str] = &["him", "her", "he", "she"];

/// Whether a word is part of a number: "one hundred and fifty", "2.5 k".
pub(super) fn is_number(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit()) || NUMBERS.contains(&word) || matches!(word, "point" | "k" | "minus")
}
