use super::*;

#[test]
fn numbers_as_spoken() {
    let rows: &[(&str, Option<f64>)] = &[
        ("five hundred", Some(500.0)),
        ("seventy five", Some(75.0)),
        ("seventy-five", Some(75.0)),
        ("seven five", Some(75.0)),
        ("niner", Some(9.0)),
        ("one point five k", Some(1500.0)),
        ("two hundred and fifty", Some(250.0)),
        ("a hundred", Some(100.0)),
        ("twelve hundred", Some(1200.0)),
        ("one thousand two hundred", Some(1200.0)),
        ("three million", Some(3e6)),
        ("1,500", Some(1500.0)),
        ("200k", Some(200_000.0)),
        ("2.5", Some(2.5)),
        ("1.5 million", Some(1.5e6)),
        ("five seventy", None),
        ("twenty thirty", None),
        ("fifty cats", None),
        ("and", None),
        ("point", None),
        ("", None),
        ("1.2.3", None),
    ];
    for (text, expected) in rows {
        assert_eq!(number(text), *expected, "{text}");
    }
}

#[test]
fn shares_as_spoken() {
    for (text, expected) in [
        ("half", Some(50.0)),
        ("three quarters", Some(75.0)),
        ("75%", Some(75.0)),
        ("sixty percent", Some(60.0)),
        ("seven five percent", Some(75.0)),
        ("one hundred percent", Some(100.0)),
        ("120 percent", None),
        ("percent", None),
    ] {
        assert_eq!(percent(text).map(Percent::get), expected, "{text}");
    }
}

#[test]
fn units_are_written_as_they_are_known() {
    for (text, expected) in [
        ("S C U", "SCU"),
        ("scu of gold", "SCU of gold"),
        ("S C U of gold", "SCU of gold"),
        ("a u e c", "aUEC"),
        ("kills", "kills"),
    ] {
        assert_eq!(tidy_unit(text), expected);
    }
}

#[test]
fn names_are_tidied() {
    for (text, expected) in [
        ("collect five hundred S C U of gold.", "Collect 500 SCU of gold"),
        ("escort the mining convoy", "Escort the mining convoy"),
        ("Raid the Nine Tails", "Raid the Nine Tails"),
        ("", ""),
    ] {
        assert_eq!(tidy_name(text), expected);
    }
}

#[test]
fn new_tasks_are_told_apart() {
    for (text, expected) in [
        ("scout the ridge", Some(vec!["Scout the ridge"])),
        ("scout the ridge, guard the gate, and refuel", Some(vec!["Scout the ridge", "Guard the gate", "Refuel"])),
        ("scout the ridge and guard the gate", Some(vec!["Scout the ridge", "Guard the gate"])),
        ("refuel and Refuel", None),
        ("and", None),
        ("", None),
        ("a, b, c, d, e, f, g, h, i, j, k", None),
    ] {
        let names = new_tasks(text);
        let names = names.as_ref().map(|names| names.iter().map(Name::as_str).collect::<Vec<_>>());
        assert_eq!(names, expected, "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn any_words_are_survived(text in "\\PC*") {
        let _ = (number(&text), percent(&text), priority(&text), task_status(&text), tidy_name(&text), tidy_unit(&text));
        let _ = new_tasks(&text);
    }

    #[test]
    fn a_number_written_as_digits_is_itself(value in 0_u32..100_000_000) {
        proptest::prop_assert_eq!(number(&value.to_string()), Some(f64::from(value)));
    }
}
