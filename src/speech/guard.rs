//! Decides what is speech and what is not, before and after the recogniser. Pure.
//!
//! On silence, noise and music the recogniser invents words: a sound in brackets, "Thank you", or the names it was told
//! to expect. The voice detector catches nearly all of it first; the rules for words catch the rest.

use crate::domain::{Heard, SAMPLE_RATE, Transcript};

/// Samples the voice detector judges at a time.
const FRAME_SAMPLES: usize = 512;
/// The voice detector's probability from which a frame is speech.
const SPEECH_PROBABILITY_MIN: f32 = 0.5;
/// Less speech than this is none. Of 33 sounds without speech one piece of music had 352 ms, a chime 288 and the others 32
/// at most; the shortest whole word had 480 ms.
const SPEECH_MS_MIN: u32 = 160;
/// Sound kept before the first and after the last frame of speech.
const MARGIN_BEFORE_MS: usize = 200;
const MARGIN_AFTER_MS: usize = 300;
/// Words less sure than this are not acted on. Noise that passed as speech gave words of 0.20 at most, the least sure
/// of 188 orders, half of them in cockpit noise, had 0.49.
const CONFIDENCE_MIN: f32 = 0.3;
/// Below this (a cautious choice, not a measured one) a phrase of [`INVENTED`] is taken for invented.
const CONFIDENCE_INVENTED_MIN: f32 = 0.7;
/// Below this (chosen, as the two limits that follow: no echo came up in the recordings) a single expected name, and nothing else, is taken for an echo of the prompt.
const CONFIDENCE_NAME_MIN: f32 = 0.5;
/// The same for two names in the order of the prompt; three or more are always an echo.
const CONFIDENCE_NAMES_MIN: f32 = 0.9;
/// The least time a spoken name takes; more names than fit the speech are an echo.
const NAME_MS_MIN: u32 = 200;
/// One word in so many may differ in an echo of three names and more.
const ECHO_WORDS_A_SLIP: usize = 5;
/// What the recogniser says when it heard nothing, without case and punctuation.
const INVENTED: &[&str] = &[
    "the",
    "you",
    "i",
    "so",
    "oh",
    "and",
    "bye",
    "bye bye",
    "thank you",
    "thanks",
    "thank you very much",
    "thank you so much",
    "thank you for watching",
    "thanks for watching",
    "thank you all for watching",
    "thanks for listening",
    "thank you for listening",
    "please subscribe",
    "please subscribe to my channel",
    "see you next time",
    "see you in the next video",
    "well see you in the next video",
    "to be continued",
    "subtitles by the amara org community",
    "transcription by castingwords",
];

/// How much speech there is in an utterance, and where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Voice {
    /// The length of all frames of speech together.
    pub(super) speech_ms: u32,
    /// The first sample of the first frame of speech.
    pub(super) start: usize,
    /// The sample after the last frame of speech.
    pub(super) end: usize,
}

/// Sums up the voice detector's probabilities, one for each frame.
pub(super) fn measure_voice(probabilities: &[f32]) -> Voice {
    let speech = |probability: &f32| *probability >= SPEECH_PROBABILITY_MIN;
    let (Some(first), Some(last)) = (probabilities.iter().position(speech), probabilities.iter().rposition(speech))
    else {
        return Voice::default();
    };
    let frames = probabilities.iter().filter(|probability| speech(probability)).count();
    let speech_ms = u32::try_from(frames * FRAME_SAMPLES * 1000 / SAMPLE_RATE as usize).unwrap_or(u32::MAX);
    Voice { speech_ms, start: first * FRAME_SAMPLES, end: (last + 1) * FRAME_SAMPLES }
}

impl Voice {
    /// Whether there is enough speech to listen to.
    pub(super) fn is_speech(&self) -> bool {
        self.speech_ms >= SPEECH_MS_MIN
    }

    /// The samples from shortly before the first speech to shortly after the last.
    pub(super) fn trim<'a>(&self, samples: &'a [f32]) -> &'a [f32] {
        let a_ms = SAMPLE_RATE as usize / 1000;
        let end = (self.end + MARGIN_AFTER_MS * a_ms).min(samples.len());
        samples.get(self.start.saturating_sub(MARGIN_BEFORE_MS * a_ms)..end).unwrap_or(samples)
    }
}

/// What to make of recognised words: themselves, or nothing. `names` are those the recogniser was told to expect.
pub(super) fn judge_words(text: &str, confidence: f32, names: &[String], voice: Voice) -> Heard {
    let text = without_sounds(text);
    let words = words_of(&text);
    let nothing = |reason: &str| Heard::Nothing(reason.to_owned());
    if words.is_empty() {
        return nothing("a sound without words");
    }
    if confidence < CONFIDENCE_MIN {
        return nothing("the words were too unclear; say it again");
    }
    if confidence < CONFIDENCE_INVENTED_MIN && INVENTED.contains(&words.join(" ").as_str()) {
        return nothing("a sound that was hardly speech");
    }
    let echoed = names_echoed(&words, names);
    let too_many = u32::try_from(echoed).unwrap_or(u32::MAX).saturating_mul(NAME_MS_MIN) > voice.speech_ms;
    let is_echo = match echoed {
        0 => false,
        1 => confidence < CONFIDENCE_NAME_MIN || too_many,
        2 => confidence < CONFIDENCE_NAMES_MIN || too_many,
        _ => true,
    };
    if is_echo {
        return nothing("nothing but names that were expected; say the whole order");
    }
    Heard::Words(Transcript { text, confidence })
}

/// How many names of the prompt the words are a run of, with nothing else said; 0 when they are not.
fn names_echoed(words: &[String], names: &[String]) -> usize {
    // Every word of the prompt with the number of the name it belongs to.
    let prompt: Vec<(usize, String)> = names
        .iter()
        .enumerate()
        .flat_map(|(at, name)| words_of(name).into_iter().map(move |word| (at, word)))
        .collect();
    let slips_max = words.len() / ECHO_WORDS_A_SLIP;
    prompt
        .windows(words.len().max(1))
        .filter_map(|run| {
            let slips = run.iter().zip(words).filter(|((_, expected), word)| expected != *word).count();
            let (first, last) = (run.first()?.0, run.last()?.0);
            let count = last - first + 1;
            (slips == 0 || (count > 2 && slips <= slips_max)).then_some(count)
        })
        .min()
        .unwrap_or(0)
}

/// The text without what stands in brackets, between asterisks or beside notes: sounds, not words.
fn without_sounds(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut closing: Option<char> = None;
    for c in text.chars() {
        match (closing, c) {
            (Some(end), _) if c == end => closing = None,
            (Some(_), _) => {}
            (None, '(') => closing = Some(')'),
            (None, '[') => closing = Some(']'),
            (None, '*') => closing = Some('*'),
            (None, '♪' | '♫') => closing = Some(c),
            (None, _) => kept.push(c),
        }
    }
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The words in small letters, without punctuation.
fn words_of(text: &str) -> Vec<String> {
    text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '\'' | '’')))
        .map(|word| word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>())
        .filter(|word| !word.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: &[&str] = &["Kestrel", "Corvin", "Corwin", "Gold Rush", "Trade Route Security", "Scout the Route"];

    /// `words` is what must come out, or `None` when nothing may.
    fn check(text: &str, confidence: f32, speech_ms: u32, words: Option<&str>) {
        let names: Vec<String> = NAMES.iter().map(|name| (*name).to_owned()).collect();
        let heard = judge_words(text, confidence, &names, Voice { speech_ms, start: 0, end: 0 });
        let got = match &heard {
            Heard::Words(transcript) => Some(transcript.text.as_str()),
            Heard::Nothing(_) => None,
        };
        assert_eq!(got, words, "{text} ({confidence}, {speech_ms} ms) gave {heard:?}");
    }

    #[test]
    fn lets_orders_pass_as_they_were_heard() {
        check("Assign scout the route to Kestrel.", 0.9, 2000, Some("Assign scout the route to Kestrel."));
        check("(clears throat) Set progress to 60%.", 0.8, 1800, Some("Set progress to 60%."));
        check("I'm busy.", 0.35, 500, Some("I'm busy."));
        check("Thank you.", 0.9, 600, Some("Thank you."));
        check("You take scout the route.", 0.4, 900, Some("You take scout the route."));
    }

    #[test]
    fn refuses_sounds_and_invented_phrases() {
        for text in
            ["", " . ", "[BLANK_AUDIO]", "(engine revving)", "*beep*", "♪ la la ♪", "(Half-Eight", "[Music] (Bell)"]
        {
            check(text, 0.9, 2000, None);
        }
        for text in ["The", "you", "Thank you.", "Thanks for watching!", "Bye-bye."] {
            check(text, 0.45, 500, None);
        }
        check("Assign it", 0.1, 2000, None);
    }

    #[test]
    fn tells_an_answer_from_an_echo_of_the_prompt() {
        check("Corvin", 0.8, 480, Some("Corvin"));
        check("Gold Rush.", 0.85, 700, Some("Gold Rush."));
        check("Scout the route", 0.85, 900, Some("Scout the route"));
        check("Corvin", 0.4, 480, None);
        check("Corvin", 0.8, 160, None);
        check("Corvin, Corwin", 0.8, 900, None);
        check("Corvin, Corwin", 0.95, 300, None);
        check("Corvin, Corwin", 0.95, 900, Some("Corvin, Corwin"));
        check("Kestrel, Corvin, Corwin", 0.99, 2000, None);
        check("Kestrel, Corvin, Corwen, Gold Rush", 0.99, 2000, None);
        check("Kestrel Gold Rush", 0.8, 900, Some("Kestrel Gold Rush"));
    }

    #[test]
    fn measures_the_speech_and_trims_to_it() {
        let frames =
            |pattern: &str| -> Vec<f32> { pattern.chars().map(|c| if c == '#' { 0.9 } else { 0.1 }).collect() };
        for (pattern, speech_ms, start, end) in
            [("", 0, 0, 0), ("....", 0, 0, 0), ("#", 32, 0, 512), ("..##.#..", 96, 1024, 3072)]
        {
            assert_eq!(measure_voice(&frames(pattern)), Voice { speech_ms, start, end }, "{pattern}");
        }
        let voice = measure_voice(&frames("....................####....................."));
        assert_eq!(voice.trim(&[0.0; 45 * 512]).len(), 4 * 512 + 500 * 16);
        assert_eq!(voice.trim(&[0.0; 24 * 512]).len(), 4 * 512 + 200 * 16);
        assert_eq!(voice.trim(&[0.0; 4]).len(), 4);
    }
}
