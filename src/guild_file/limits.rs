//! `[guild.limits]`: how long sessions last, how many wrong passwords lock, how long the journal is kept.

use std::ops::Range;

use super::read::{Problems, Section};
use super::render::Page;

/// The number of days that means for ever.
pub const FOR_EVER: i32 = 0;

/// A guild's limits. Absent: as the database has it, or [`Limits::DEFAULT`] for a new guild.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// How many wrong passwords (or PINs) in a row lock the member's password (or PIN); 1 to 100.
    pub sign_in_failures_max: Option<i32>,
    /// For how many minutes; 1 to 10080.
    pub sign_in_lock_minutes: Option<i32>,
    /// How many hours a session lasts at most; 1 to 720.
    pub session_hours: Option<i32>,
    /// After how many minutes without use it ends; 1 to 43200.
    pub session_idle_minutes: Option<i32>,
    /// How many days the journal is kept, at most 36500; [`FOR_EVER`].
    pub journal_days: Option<i32>,
}

impl Limits {
    /// What a new guild has.
    pub const DEFAULT: Self = Self {
        sign_in_failures_max: Some(5),
        sign_in_lock_minutes: Some(15),
        session_hours: Some(12),
        session_idle_minutes: Some(240),
        journal_days: Some(365),
    };
    const KEYS: [(&str, Range<i64>); 5] = [
        ("sign_in_failures_max", 1..101),
        ("sign_in_lock_minutes", 1..10_081),
        ("session_hours", 1..721),
        ("session_idle_minutes", 1..43_201),
        ("journal_days", 0..36_501),
    ];

    fn values(&mut self) -> [&mut Option<i32>; 5] {
        [
            &mut self.sign_in_failures_max,
            &mut self.sign_in_lock_minutes,
            &mut self.session_hours,
            &mut self.session_idle_minutes,
            &mut self.journal_days,
        ]
    }

    pub(super) fn read(section: &Section<'_>, problems: &mut Problems) -> Self {
        let mut limits = Self::default();
        section.check_keys(&Self::KEYS.map(|(key, _)| key), problems);
        for ((key, range), value) in Self::KEYS.into_iter().zip(limits.values()) {
            *value = section.integer(key, range, problems).and_then(|number| i32::try_from(number).ok());
        }
        limits
    }

    pub(super) fn render(mut self, page: &mut Page) {
        if self == Self::default() {
            return;
        }
        page.table("[guild.limits]");
        for ((key, _), value) in Self::KEYS.iter().zip(self.values()) {
            if let Some(value) = value {
                page.raw(key, *value);
            }
        }
    }

    /// Forgets what a new guild has anyway.
    pub(super) fn normalise(&mut self) {
        let mut usual = Self::DEFAULT;
        for (value, usual) in self.values().into_iter().zip(usual.values()) {
            if value == usual {
                *value = None;
            }
        }
    }
}
