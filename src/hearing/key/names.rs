//! The names of keys, with the kernel's number and X's symbol for each.

/// One key.
pub(super) struct Name {
    /// What the setting calls it.
    pub(super) name: &'static str,
    /// The kernel's number.
    pub(super) code: u16,
    /// X's symbol.
    pub(super) symbol: u32,
}

const fn key(name: &'static str, code: u16, symbol: u32) -> Name {
    Name { name, code, symbol }
}

/// Every key that has a name.
pub(super) const KEYS: &[Name] = &[
    key("f1", 59, 0xffbe),
    key("f2", 60, 0xffbf),
    key("f3", 61, 0xffc0),
    key("f4", 62, 0xffc1),
    key("f5", 63, 0xffc2),
    key("f6", 64, 0xffc3),
    key("f7", 65, 0xffc4),
    key("f8", 66, 0xffc5),
    key("f9", 67, 0xffc6),
    key("f10", 68, 0xffc7),
    key("f11", 87, 0xffc8),
    key("f12", 88, 0xffc9),
    key("f13", 183, 0xffca),
    key("f14", 184, 0xffcb),
    key("f15", 185, 0xffcc),
    key("f16", 186, 0xffcd),
    key("f17", 187, 0xffce),
    key("f18", 188, 0xffcf),
    key("f19", 189, 0xffd0),
    key("f20", 190, 0xffd1),
    key("f21", 191, 0xffd2),
    key("f22", 192, 0xffd3),
    key("f23", 193, 0xffd4),
    key("f24", 194, 0xffd5),
    key("q", 16, 0x0071),
    key("w", 17, 0x0077),
    key("e", 18, 0x0065),
    key("r", 19, 0x0072),
    key("t", 20, 0x0074),
    key("y", 21, 0x0079),
    key("u", 22, 0x0075),
    key("i", 23, 0x0069),
    key("o", 24, 0x006f),
    key("p", 25, 0x0070),
    key("a", 30, 0x0061),
    key("s", 31, 0x0073),
    key("d", 32, 0x0064),
    key("f", 33, 0x0066),
    key("g", 34, 0x0067),
    key("h", 35, 0x0068),
    key("j", 36, 0x006a),
    key("k", 37, 0x006b),
    key("l", 38, 0x006c),
    key("z", 44, 0x007a),
    key("x", 45, 0x0078),
    key("c", 46, 0x0063),
    key("v", 47, 0x0076),
    key("b", 48, 0x0062),
    key("n", 49, 0x006e),
    key("m", 50, 0x006d),
    key("1", 2, 0x0031),
    key("2", 3, 0x0032),
    key("3", 4, 0x0033),
    key("4", 5, 0x0034),
    key("5", 6, 0x0035),
    key("6", 7, 0x0036),
    key("7", 8, 0x0037),
    key("8", 9, 0x0038),
    key("9", 10, 0x0039),
    key("0", 11, 0x0030),
    key("escape", 1, 0xff1b),
    key("minus", 12, 0x002d),
    key("equal", 13, 0x003d),
    key("backspace", 14, 0xff08),
    key("tab", 15, 0xff09),
    key("leftbracket", 26, 0x005b),
    key("rightbracket", 27, 0x005d),
    key("enter", 28, 0xff0d),
    key("leftctrl", 29, 0xffe3),
    key("semicolon", 39, 0x003b),
    key("apostrophe", 40, 0x0027),
    key("grave", 41, 0x0060),
    key("leftshift", 42, 0xffe1),
    key("backslash", 43, 0x005c),
    key("comma", 51, 0x002c),
    key("dot", 52, 0x002e),
    key("slash", 53, 0x002f),
    key("rightshift", 54, 0xffe2),
    key("kpasterisk", 55, 0xffaa),
    key("leftalt", 56, 0xffe9),
    key("space", 57, 0x0020),
    key("capslock", 58, 0xffe5),
    key("numlock", 69, 0xff7f),
    key("scrolllock", 70, 0xff14),
    key("kp7", 71, 0xffb7),
    key("kp8", 72, 0xffb8),
    key("kp9", 73, 0xffb9),
    key("kpminus", 74, 0xffad),
    key("kp4", 75, 0xffb4),
    key("kp5", 76, 0xffb5),
    key("kp6", 77, 0xffb6),
    key("kpplus", 78, 0xffab),
    key("kp1", 79, 0xffb1),
    key("kp2", 80, 0xffb2),
    key("kp3", 81, 0xffb3),
    key("kp0", 82, 0xffb0),
    key("kpdot", 83, 0xffae),
    key("less", 86, 0x003c),
    key("kpenter", 96, 0xff8d),
    key("rightctrl", 97, 0xffe4),
    key("kpslash", 98, 0xffaf),
    key("print", 99, 0xff61),
    key("rightalt", 100, 0xffea),
    key("home", 102, 0xff50),
    key("up", 103, 0xff52),
    key("pageup", 104, 0xff55),
    key("left", 105, 0xff51),
    key("right", 106, 0xff53),
    key("end", 107, 0xff57),
    key("down", 108, 0xff54),
    key("pagedown", 109, 0xff56),
    key("insert", 110, 0xff63),
    key("delete", 111, 0xffff),
    key("pause", 119, 0xff13),
    key("leftsuper", 125, 0xffeb),
    key("rightsuper", 126, 0xffec),
    key("menu", 127, 0xff67),
];

/// The kernel's number of a key by its name in small letters.
pub(super) fn code(name: &str) -> Option<u16> {
    KEYS.iter().find(|key| key.name == name).map(|key| key.code)
}

/// The name of a key by the kernel's number.
pub(super) fn name(code: u16) -> Option<&'static str> {
    KEYS.iter().find(|key| key.code == code).map(|key| key.name)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_key_is_named_once() {
        assert_eq!(KEYS.iter().map(|key| key.name).collect::<HashSet<_>>().len(), KEYS.len());
        assert_eq!(KEYS.iter().map(|key| key.code).collect::<HashSet<_>>().len(), KEYS.len());
        assert_eq!(KEYS.iter().map(|key| key.symbol).collect::<HashSet<_>>().len(), KEYS.len());
        // The kernel's own names for them, where the two agree on the letters.
        for key in KEYS {
            let theirs = format!("{:?}", evdev::KeyCode::new(key.code)).to_lowercase();
            let theirs = theirs.trim_start_matches("key_");
            let ours = match key.name {
                "escape" => "esc",
                "leftbracket" => "leftbrace",
                "rightbracket" => "rightbrace",
                "less" => "102nd",
                "print" => "sysrq",
                "leftsuper" => "leftmeta",
                "rightsuper" => "rightmeta",
                "menu" => "compose",
                ours => ours,
            };
            assert_eq!(ours, theirs);
        }
    }
}
