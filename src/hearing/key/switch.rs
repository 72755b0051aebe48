//! Decides from a key's movements when the player talks. Pure: it is told the time.

use std::time::Duration;

use super::{KeyEvent, Mode, Trigger};

/// In [`Mode::Auto`] a shorter press is a tap.
pub const TAP: Duration = Duration::from_millis(300);

/// The state machine between the key and the ear. Times are counted from any fixed moment and never go back.
#[derive(Debug, Clone)]
pub struct Switch {
    mode: Mode,
    grace: Duration,
    longest: Duration,
    /// Since when the player talks.
    on: Option<Duration>,
    /// Talking goes on without the key.
    latched: bool,
    /// Since when the key is down.
    down: Option<Duration>,
    /// When the key last went up.
    up: Option<Duration>,
    /// When a key that went up counts as let go.
    ends: Option<Duration>,
}

impl Switch {
    /// `grace` is how long a key may be up without being let go, which bridges bouncing contacts; `longest` is when
    /// talking ends by itself.
    #[must_use]
    pub fn new(mode: Mode, grace: Duration, longest: Duration) -> Self {
        let on = (mode == Mode::Open).then_some(Duration::ZERO);
        Self { mode, grace, longest, on, latched: on.is_some(), down: None, up: None, ends: None }
    }

    /// When [`Switch::tick`] has something to do next.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let on = self.on.filter(|_| self.mode != Mode::Open)?;
        let longest = on + self.longest;
        Some(self.ends.map_or(longest, |ends| ends.min(longest)))
    }

    /// What the mere passing of time does. A key that is still down when the longest time is over must go up before it
    /// counts again.
    pub fn tick(&mut self, now: Duration) -> Option<KeyEvent> {
        if self.deadline().is_some_and(|deadline| deadline <= now) { self.end() } else { None }
    }

    /// Takes one movement; call [`Switch::tick`] first.
    pub fn on(&mut self, trigger: Trigger, now: Duration) -> Option<KeyEvent> {
        match trigger {
            Trigger::Down if self.down.is_none() => self.go_down(now),
            Trigger::Up if self.down.is_some() => self.go_up(now),
            Trigger::Down | Trigger::Up => None,
            Trigger::Start | Trigger::Toggle if self.on.is_none() => self.begin(now, true),
            Trigger::Start => {
                (self.latched, self.ends) = (true, None);
                None
            }
            Trigger::Stop | Trigger::Toggle => self.end(),
            Trigger::Discard => {
                if self.mode != Mode::Open {
                    self.end();
                }
                Some(KeyEvent::Discard)
            }
            Trigger::Quit => Some(KeyEvent::Quit),
        }
    }

    fn go_down(&mut self, now: Duration) -> Option<KeyEvent> {
        self.down = Some(now);
        let bounced = self.up.is_some_and(|up| now.saturating_sub(up) < self.grace);
        if self.ends.take().is_some() {
            // It was never let go; in auto mode it must not pass for a tap now.
            self.down = self.on;
            return None;
        }
        match (self.mode, self.on) {
            (Mode::Hold, Some(_)) => {
                // What something else began, the key now holds.
                self.latched = false;
                None
            }
            (Mode::Hold, None) => self.begin(now, false),
            (Mode::Toggle | Mode::Auto | Mode::Open, _) if bounced => None,
            (Mode::Toggle | Mode::Open, None) => self.begin(now, true),
            (Mode::Auto, None) => self.begin(now, false),
            (Mode::Toggle | Mode::Auto | Mode::Open, Some(_)) => self.end(),
        }
    }

    fn go_up(&mut self, now: Duration) -> Option<KeyEvent> {
        let held = self.down.take().map_or(Duration::ZERO, |down| now.saturating_sub(down));
        self.up = Some(now);
        if self.on.is_none() || self.latched {
            return None;
        }
        if self.mode == Mode::Auto && held < TAP {
            self.latched = true;
            return None;
        }
        if self.grace.is_zero() {
            return self.end();
        }
        self.ends = Some(now + self.grace);
        None
    }

    fn begin(&mut self, now: Duration, latched: bool) -> Option<KeyEvent> {
        (self.on, self.latched, self.ends) = (Some(now), latched, None);
        Some(KeyEvent::Press)
    }

    fn end(&mut self) -> Option<KeyEvent> {
        (self.latched, self.ends) = (false, None);
        self.on.take().map(|_| KeyEvent::Release)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    /// Plays a script: `d` down, `u` up, `s` start, `e` stop, `t` toggle, `x` discard, a number so many milliseconds.
    /// The grace is 30 ms and the longest 1000. Shows when the player talked.
    fn check(mode: Mode, script: &str, expected: &str) {
        let mut switch = Switch::new(mode, ms(30), ms(1000));
        let mut now = Duration::ZERO;
        let mut seen = Vec::new();
        let mut see = |event: Option<KeyEvent>, at: Duration| {
            let word = match event {
                Some(KeyEvent::Press) => "press",
                Some(KeyEvent::Release) => "release",
                Some(KeyEvent::Discard) => "discard",
                Some(KeyEvent::Quit) => "quit",
                None => return,
            };
            seen.push(format!("{word}@{}", at.as_millis()));
        };
        for word in script.split_whitespace() {
            let trigger = match word {
                "d" => Trigger::Down,
                "u" => Trigger::Up,
                "s" => Trigger::Start,
                "e" => Trigger::Stop,
                "t" => Trigger::Toggle,
                "x" => Trigger::Discard,
                count => {
                    let end = now + ms(count.parse().unwrap_or_default());
                    while let Some(at) = switch.deadline().filter(|at| *at <= end) {
                        see(switch.tick(at), at);
                    }
                    now = end;
                    continue;
                }
            };
            see(switch.on(trigger, now), now);
        }
        assert_eq!(seen.join(" "), expected, "{mode:?}: {script}");
    }

    #[test]
    fn hold() {
        use Mode::Hold;
        check(Hold, "100 d 400 u 100", "press@100 release@530");
        check(Hold, "d d 400 u u 100", "press@0 release@430");
        check(Hold, "u 100", "");
        // Contacts bounce when they close and when they open.
        check(Hold, "d 2 u 3 d 400 u 4 d 3 u 100", "press@0 release@442");
        // A finger that slips for longer begins anew.
        check(Hold, "d 400 u 40 d 100 u 40", "press@0 release@430 press@440 release@570");
        // Ten minutes.
        check(Hold, "d 600000 u 50 d 100 u 50", "press@0 release@1000 press@600050 release@600180");
        check(Hold, "d 100 x 100 u 50 d 100 u 50", "press@0 discard@100 press@250 release@380");
        check(Hold, "x", "discard@0");
    }

    #[test]
    fn toggle() {
        use Mode::Toggle;
        check(Toggle, "d 50 u 400 d 50 u 100", "press@0 release@450");
        check(Toggle, "d 500 u 100 d 50 u", "press@0 release@600");
        check(Toggle, "d 50 u 3 d 3 u 400 d 50 u 5 d 5 u 100", "press@0 release@456");
        check(Toggle, "d 50 u 1500 d 50 u 100 d", "press@0 release@1000 press@1550 release@1700");
        check(Toggle, "d 50 u x 100 d", "press@0 discard@50 press@150");
    }

    #[test]
    fn auto_tells_a_tap_from_a_hold() {
        use Mode::Auto;
        check(Auto, "d 100 u 400 d 100 u 400", "press@0 release@500");
        check(Auto, "d 600 u 400", "press@0 release@630");
        check(Auto, "d 600 u 5 d 5 u 400", "press@0 release@640");
        check(Auto, "d 100 u 5 d 5 u 400 d 100 u", "press@0 release@510");
        check(Auto, "d 100 u 1500 d 400 u 100", "press@0 release@1000 press@1600 release@2030");
    }

    #[test]
    fn open_is_closed_and_opened_by_the_key() {
        use Mode::Open;
        check(Open, "100000", "");
        check(Open, "100 d 50 u 400 d 50 u 99999", "release@100 press@550");
        check(Open, "100 x 100 e 100 s s", "discard@100 release@200 press@300");
    }

    #[test]
    fn something_else_can_talk_too() {
        for mode in [Mode::Hold, Mode::Toggle, Mode::Auto] {
            check(mode, "s 300 s 300 e e", "press@0 release@600");
            check(mode, "t 300 t 100 t 2000", "press@0 release@300 press@400 release@1400");
            check(mode, "d 500 t 100 u 100", "press@0 release@500");
        }
        // What a button began, the key can end.
        check(Mode::Hold, "s 100 d 100 u 100", "press@0 release@230");
        check(Mode::Toggle, "s 100 d 100 u 100", "press@0 release@100");
    }

    #[test]
    fn five_hundred_presses_in_ten_seconds() {
        let presses = "d 10 u 10 ".repeat(500);
        let mut switch = Switch::new(Mode::Hold, ms(5), ms(30_000));
        let mut events = Vec::new();
        let mut now = Duration::ZERO;
        for word in presses.split_whitespace() {
            now += ms(word.parse().unwrap_or(0));
            events.extend(switch.tick(now));
            match word {
                "d" => events.extend(switch.on(Trigger::Down, now)),
                "u" => events.extend(switch.on(Trigger::Up, now)),
                _ => {}
            }
        }
        assert_eq!(events.len(), 1000);
        // With a longer grace they are one press, each time until that is too long.
        let seconds: Vec<_> = (0..10).map(|at| format!("press@{at}000 release@{}000", at + 1)).collect();
        check(Mode::Hold, &format!("{presses} 40"), &seconds.join(" ").replace("@0000", "@0"));
    }

    proptest! {
        /// Whatever comes, presses and releases alternate, talking never lasts longer than it may, and once the key is
        /// up and nothing moves, it ends.
        #[test]
        fn talking_begins_and_ends(
            mode in prop_oneof![Just(Mode::Hold), Just(Mode::Toggle), Just(Mode::Auto)],
            moves in proptest::collection::vec((0_u64..700, 0_usize..6), 0..80),
        ) {
            let mut switch = Switch::new(mode, ms(30), ms(1000));
            let (mut now, mut since) = (Duration::ZERO, None);
            let mut see = |event: Option<KeyEvent>, at: Duration| -> Result<(), TestCaseError> {
                match event {
                    Some(KeyEvent::Press) => prop_assert!(since.replace(at).is_none()),
                    Some(KeyEvent::Release) => {
                        let began = since.take();
                        prop_assert!(began.is_some_and(|began| at - began <= ms(1000)));
                    }
                    Some(KeyEvent::Discard) => since = None,
                    Some(KeyEvent::Quit) | None => {}
                }
                Ok(())
            };
            for (wait, which) in moves {
                let end = now + ms(wait);
                while let Some(at) = switch.deadline().filter(|at| *at <= end) {
                    see(switch.tick(at), at)?;
                }
                now = end;
                let all = [Trigger::Down, Trigger::Up, Trigger::Start, Trigger::Stop, Trigger::Toggle, Trigger::Discard];
                see(switch.on(all[which], now), now)?;
            }
            while let Some(at) = switch.deadline() {
                see(switch.tick(at), at)?;
            }
            prop_assert_eq!(since, None);
        }
    }
}
