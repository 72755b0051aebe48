//! Keys and mouse buttons from the kernel's devices: on Wayland, on a console, everywhere on Linux where the user may read
//! them. Nothing is taken away from other programs.

use std::collections::HashMap;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use ::evdev::{Device, EventSummary, KeyCode};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::names::KEYS;
use super::reader::Movement;
use super::{Button, KeyError, LOOK, RETRY};

/// Where the kernel's devices are.
const FOLDER: &str = "/dev/input";
/// The most devices that are read.
const DEVICES_MAX: usize = 64;
/// The kernel's mouse buttons and X's numbers for them.
const MOUSE: &[(KeyCode, u8)] = &[
    (KeyCode::BTN_LEFT, 1),
    (KeyCode::BTN_MIDDLE, 2),
    (KeyCode::BTN_RIGHT, 3),
    (KeyCode::BTN_SIDE, 8),
    (KeyCode::BTN_EXTRA, 9),
    (KeyCode::BTN_FORWARD, 10),
    (KeyCode::BTN_BACK, 11),
    (KeyCode::BTN_TASK, 12),
];

/// The open devices, and those that were looked at.
#[derive(Default)]
struct Devices {
    open: HashMap<PathBuf, Device>,
    /// Devices without keys that have a name.
    useless: Vec<PathBuf>,
    forbidden: usize,
}

/// Whether keys can be read.
pub(super) fn check() -> Result<String, KeyError> {
    let mut devices = Devices::default();
    devices.look();
    devices.judge()?;
    let names = devices.open.values().map(|device| device.name().unwrap_or("a device without name").to_owned());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names.dedup();
    Ok(format!("the kernel's devices: {}", names.join(", ")))
}

/// Reads on a thread of its own; see [`super::Reader::read`].
pub(super) fn read(stop: Arc<AtomicBool>, take: impl FnMut(Movement) -> bool + Send + 'static) -> Result<(), KeyError> {
    let mut devices = Devices::default();
    devices.look();
    devices.judge()?;
    std::thread::Builder::new().name("keys-evdev".to_owned()).spawn(move || run(devices, &stop, take))?;
    Ok(())
}

impl Devices {
    /// Opens what is new.
    fn look(&mut self) {
        let Ok(entries) = std::fs::read_dir(FOLDER) else { return };
        let is_event = |path: &PathBuf| {
            path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("event"))
        };
        let paths: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(is_event).collect();
        // A number can be given to another device.
        self.useless.retain(|path| paths.contains(path));
        self.forbidden = 0;
        for path in paths {
            if self.open.len() == DEVICES_MAX || self.open.contains_key(&path) || self.useless.contains(&path) {
                continue;
            }
            match Device::open(&path) {
                Ok(device) if is_useful(&device) && device.set_nonblocking(true).is_ok() => {
                    tracing::debug!("reading keys from {}", path.display());
                    self.open.insert(path, device);
                }
                Ok(_) => self.useless.push(path),
                Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => self.forbidden += 1,
                Err(error) => tracing::debug!("{}: {error}", path.display()),
            }
        }
    }

    fn judge(&self) -> Result<(), KeyError> {
        match (self.open.len(), self.forbidden) {
            (0, 0) => Err(KeyError::NoDevices),
            (0, forbidden) => Err(KeyError::Forbidden(forbidden)),
            _ => Ok(()),
        }
    }
}

/// Whether the device has a key that has a name.
fn is_useful(device: &Device) -> bool {
    device.supported_keys().is_some_and(|keys| keys.iter().any(|key| button(key).is_some()))
}

fn button(key: KeyCode) -> Option<Button> {
    if let Some((_, number)) = MOUSE.iter().find(|(code, _)| *code == key) {
        return Some(Button::Mouse(*number));
    }
    KEYS.iter().any(|known| known.code == key.code()).then_some(Button::Key(key.code()))
}

/// Reports until nothing more is wanted; devices that come later are read as well.
fn run(mut devices: Devices, stop: &AtomicBool, mut take: impl FnMut(Movement) -> bool) {
    let patience = Timespec::try_from(LOOK).unwrap_or(Timespec { tv_sec: 0, tv_nsec: 0 });
    let mut looked = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        if looked.elapsed() >= RETRY {
            devices.look();
            looked = Instant::now();
        }
        if devices.open.is_empty() {
            std::thread::sleep(LOOK);
            continue;
        }
        for path in ready(&devices.open, &patience) {
            let Some(device) = devices.open.get_mut(&path) else { continue };
            let (moved, gone) = report(device, &mut take);
            if gone {
                tracing::debug!("{} is gone", path.display());
                devices.open.remove(&path);
            }
            if !moved || (gone && !take(Movement::Gone)) {
                return;
            }
        }
    }
}

/// The devices that have something to say.
fn ready(open: &HashMap<PathBuf, Device>, patience: &Timespec) -> Vec<PathBuf> {
    let paths: Vec<&Path> = open.keys().map(PathBuf::as_path).collect();
    let mut waits: Vec<_> =
        open.values().map(|device| PollFd::from_borrowed_fd(device.as_fd(), PollFlags::IN)).collect();
    // What interrupts the wait only makes it shorter.
    if poll(&mut waits, Some(patience)).is_err() {
        return Vec::new();
    }
    let spoke = paths.into_iter().zip(&waits).filter(|(_, wait)| !wait.revents().is_empty());
    spoke.map(|(path, _)| path.to_owned()).collect()
}

/// Whether more is wanted, and whether the device is gone.
fn report(device: &mut Device, take: &mut impl FnMut(Movement) -> bool) -> (bool, bool) {
    let events = match device.fetch_events() {
        Ok(events) => events,
        Err(error) => return (true, error.kind() != std::io::ErrorKind::WouldBlock),
    };
    for event in events {
        let EventSummary::Key(_, key, value) = event.destructure() else { continue };
        let Some(button) = button(key) else { continue };
        let movement = match value {
            0 => Movement::Up(button),
            1 => Movement::Down(button),
            // What is held repeats itself.
            _ => continue,
        };
        if !take(movement) {
            return (false, false);
        }
    }
    (true, false)
}
