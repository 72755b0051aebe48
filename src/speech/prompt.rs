//! The bias prompt: a bare list of names, as much of it as fits. Pure.

/// The most tokens of prompt. Of 26 names 13 fit 48 tokens, 23 fit 96 and all fit 160; over 32 orders 6.2, 5.3 and 4.3 %
/// of the words were wrong, which is a few words of difference. More than 26 names were not tried.
pub(super) const PROMPT_TOKENS_MAX: usize = 160;
/// The longest name that is put in the prompt, in characters; a longer one is left out.
const NAME_CHARS_MAX: usize = 64;

/// The names as the prompt will hold them, most important first: one line each, no doubles, at most `names_max`.
pub(super) fn prompt_names(names: &[String], names_max: usize) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for name in names {
        if kept.len() >= names_max {
            break;
        }
        // The tokeniser takes no NUL, and a comma would look like the end of the name.
        let clean: String = name.chars().map(|c| if c.is_control() || c == ',' { ' ' } else { c }).collect();
        let clean = clean.split_whitespace().collect::<Vec<_>>().join(" ");
        let known = kept.iter().any(|one| one.eq_ignore_ascii_case(&clean));
        if !clean.is_empty() && !known && clean.chars().count() <= NAME_CHARS_MAX {
            kept.push(clean);
        }
    }
    kept
}

/// Joins the tokens of names with commas, as many names as fit `tokens_max`, and says how many names those are.
/// A name that does not fit ends the list: the ones after it matter less.
pub(super) fn prompt_tokens(names: &[Vec<i32>], comma: &[i32], tokens_max: usize) -> (Vec<i32>, usize) {
    let mut tokens: Vec<i32> = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let joint: &[i32] = if at == 0 { &[] } else { comma };
        if tokens.len() + joint.len() + name.len() > tokens_max {
            return (tokens, at);
        }
        tokens.extend_from_slice(joint);
        tokens.extend_from_slice(name);
    }
    (tokens, names.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(names: &[&str], names_max: usize, kept: &[&str]) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(prompt_names(&names, names_max), kept, "{names:?}");
    }

    #[test]
    fn keeps_the_first_names_clean_and_once() {
        check(&[], 5, &[]);
        check(&["Kestrel", "Yrsa", "Puck"], 2, &["Kestrel", "Yrsa"]);
        check(&["Kestrel", "kestrel", " Kestrel "], 5, &["Kestrel"]);
        check(&["a\0b", "two\nlines", "x, y", "\t", ""], 9, &["a b", "two lines", "x y"]);
        check(&["Kestrel"], 0, &[]);
        check(&[&"x".repeat(65), "Yrsa"], 5, &["Yrsa"]);
    }

    #[test]
    fn stops_at_the_token_budget() {
        let names = [vec![1, 2], vec![3], vec![4, 5, 6], vec![7]];
        for (tokens_max, tokens, fits) in [
            (0, vec![], 0),
            (2, vec![1, 2], 1),
            (3, vec![1, 2], 1),
            (4, vec![1, 2, 9, 3], 2),
            (7, vec![1, 2, 9, 3], 2),
            (8, vec![1, 2, 9, 3, 9, 4, 5, 6], 3),
            (99, vec![1, 2, 9, 3, 9, 4, 5, 6, 9, 7], 4),
        ] {
            assert_eq!(prompt_tokens(&names, &[9], tokens_max), (tokens, fits), "{tokens_max}");
        }
    }
}
