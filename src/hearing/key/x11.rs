//! Keys and mouse buttons from the X server, whatever window has the keyboard, even one that grabbed it. Nothing is taken
//! away from the game: the server only reports.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use x11rb::connection::{Connection as _, RequestConnection as _};
use x11rb::protocol::Event;
use x11rb::protocol::xinput::{self, ConnectionExt as _, EventMask, XIEventMask};
use x11rb::protocol::xproto::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;

use super::names::KEYS;
use super::reader::Movement;
use super::{Button, KeyError, LOOK, RETRY};

/// X counts the kernel's keys from here.
const KEYCODE_FIRST: u16 = 8;
/// In X's own numbering: every master device.
const ALL_MASTERS: u16 = 1;

/// A connection that reports every key.
struct Display {
    connection: RustConnection,
    /// The kernel's number of each of X's keys that has a name.
    codes: HashMap<u32, u16>,
}

/// Whether the X server can be asked.
pub(super) fn check() -> Result<String, KeyError> {
    let display = open()?;
    Ok(format!("X11 on display {} reports {} keys and the mouse", name(), display.codes.len()))
}

/// Reads on a thread of its own; see [`super::Reader::read`].
pub(super) fn read(stop: Arc<AtomicBool>, take: impl FnMut(Movement) -> bool + Send + 'static) -> Result<(), KeyError> {
    let display = open()?;
    std::thread::Builder::new().name("keys-x11".to_owned()).spawn(move || run(display, &stop, take))?;
    Ok(())
}

fn name() -> String {
    std::env::var("DISPLAY").unwrap_or_default()
}

fn open() -> Result<Display, KeyError> {
    let failed = |detail: String| KeyError::Display(detail);
    if name().is_empty() {
        return Err(failed("DISPLAY is not set".to_owned()));
    }
    let (connection, screen) = RustConnection::connect(None).map_err(|error| failed(error.to_string()))?;
    let root = connection.setup().roots.get(screen).ok_or_else(|| failed("it has no screen".to_owned()))?.root;
    let ask = || -> Result<HashMap<u32, u16>, x11rb::errors::ReplyError> {
        if connection.extension_information(xinput::X11_EXTENSION_NAME)?.is_none() {
            return Ok(HashMap::new());
        }
        // From 2.1 on, a program that grabbed the keyboard hides nothing.
        connection.xinput_xi_query_version(2, 2)?.reply()?;
        let mask = XIEventMask::RAW_KEY_PRESS
            | XIEventMask::RAW_KEY_RELEASE
            | XIEventMask::RAW_BUTTON_PRESS
            | XIEventMask::RAW_BUTTON_RELEASE;
        let masks = [EventMask { deviceid: ALL_MASTERS, mask: vec![mask] }];
        connection.xinput_xi_select_events(root, &masks)?.check()?;
        codes(&connection)
    };
    let codes = ask().map_err(|error| failed(error.to_string()))?;
    if codes.is_empty() {
        return Err(failed("it has no XInput extension".to_owned()));
    }
    Ok(Display { connection, codes })
}

/// Which key is which: by the symbol on it, and where the keyboard's map has none, by its place.
fn codes(connection: &RustConnection) -> Result<HashMap<u32, u16>, x11rb::errors::ReplyError> {
    let (first, last) = (connection.setup().min_keycode, connection.setup().max_keycode);
    let map = connection.get_keyboard_mapping(first, last.saturating_sub(first).saturating_add(1))?.reply()?;
    let per_key = usize::from(map.keysyms_per_keycode).max(1);
    let mut codes: HashMap<u32, u16> = HashMap::new();
    for level in 0..2 {
        for (keycode, symbols) in (u32::from(first)..).zip(map.keysyms.chunks(per_key)) {
            let symbol = symbols.get(level).copied().unwrap_or(0);
            let key = KEYS.iter().find(|key| key.symbol == symbol);
            if let Some(key) = key.filter(|key| !codes.values().any(|code| *code == key.code)) {
                codes.entry(keycode).or_insert(key.code);
            }
        }
    }
    for key in KEYS {
        if !codes.values().any(|code| *code == key.code) {
            codes.entry(u32::from(key.code + KEYCODE_FIRST)).or_insert(key.code);
        }
    }
    Ok(codes)
}

/// Reports until nothing more is wanted; a server that went away is looked for again.
fn run(first: Display, stop: &AtomicBool, mut take: impl FnMut(Movement) -> bool) {
    let mut display = first;
    loop {
        let Err(error) = report(&mut display, stop, &mut take) else { return };
        tracing::warn!("the X server went away, and with it the talk key: {error}");
        if !take(Movement::Gone) {
            return;
        }
        display = loop {
            std::thread::sleep(RETRY);
            if stop.load(Ordering::Relaxed) {
                return;
            }
            if let Ok(display) = open() {
                break display;
            }
        };
        tracing::warn!("the X server is back, and with it the talk key");
    }
}

/// Ends without an error when nothing more is wanted.
fn report(
    display: &mut Display,
    stop: &AtomicBool,
    take: &mut impl FnMut(Movement) -> bool,
) -> Result<(), x11rb::errors::ReplyError> {
    let patience = Timespec::try_from(LOOK).unwrap_or(Timespec { tv_sec: 0, tv_nsec: 0 });
    while !stop.load(Ordering::Relaxed) {
        while let Some(event) = display.connection.poll_for_event()? {
            if matches!(event, Event::MappingNotify(_)) {
                display.codes = codes(&display.connection)?;
            }
            if movement(&event, &display.codes).is_some_and(|movement| !take(movement)) {
                return Ok(());
            }
        }
        let mut wait = [PollFd::new(display.connection.stream(), PollFlags::IN)];
        if let Err(error) = poll(&mut wait, Some(&patience))
            && error != rustix::io::Errno::INTR
        {
            // The next look at the connection says what is wrong with it.
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    Ok(())
}

fn movement(event: &Event, codes: &HashMap<u32, u16>) -> Option<Movement> {
    let key = |keycode: &u32| codes.get(keycode).copied().map(Button::Key);
    let mouse = |number: u32| u8::try_from(number).ok().map(Button::Mouse);
    match event {
        Event::XinputRawKeyPress(raw) => key(&raw.detail).map(Movement::Down),
        Event::XinputRawKeyRelease(raw) => key(&raw.detail).map(Movement::Up),
        // 4 to 7 are the wheel.
        Event::XinputRawButtonPress(raw) if !(4..=7).contains(&raw.detail) => mouse(raw.detail).map(Movement::Down),
        Event::XinputRawButtonRelease(raw) => mouse(raw.detail).map(Movement::Up),
        _ => None,
    }
}
