//! SphereConnect: the voice that runs a guild.
//!
//! ```text
//! microphone ─▶ hearing ─▶ speech ─▶ names ─▶ commander ─▶ authority ─▶ store ─▶ reply ─▶ voice
//!   frames     Utterance  Transcript Mentions  Intent→Command Authorized  Outcome  Reply   sound
//! ```
//!
//! The modules below stand in the order in which a voice travels; [`turn`] walks it, `main.rs` opens the parts.

pub mod cli;
pub mod config;
pub mod secrets;
pub mod telemetry;

pub mod authority;
pub mod commander;
pub mod domain;
pub mod guild_file;
pub mod hearing;
pub mod intent;
pub mod lint;
pub mod names;
pub mod outcome;
pub mod reply;
pub mod speech;
pub mod store;
pub mod turn;
pub mod voice;

pub mod aloud;
pub mod control;
pub mod demo;
pub mod doctor;
pub mod eval;
pub mod journal;
pub mod listen;
pub mod member;
pub mod name_trial;
pub mod operator;
pub mod parts;
pub mod people;
pub mod setup;
pub mod show;
