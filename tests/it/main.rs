//! Everything that is tested from outside: the program, its database, its endpoint, its sound.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at what it did not expect")]

mod audio;
mod clearance;
mod daemon;
mod embedded;
mod endpoint;
mod eval;
mod guard_cost;
mod guild_file;
mod hostile_text;
mod journal;
mod keys;
mod killed;
mod names;
mod news;
mod operator;
mod partition;
mod people;
mod recordings;
mod recovery;
mod refusals;
mod requirements;
mod schema;
mod setup;
mod sign_in;
mod support;
mod tidy;
mod turns;
