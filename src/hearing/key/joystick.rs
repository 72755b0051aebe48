//! Buttons of joysticks, throttles and gamepads. They may be unplugged and come back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;

use gilrs::ev::Code;
use gilrs::{EventType, Gilrs, GilrsBuilder};

use super::reader::Movement;
use super::{Button, KeyError, LOOK};

/// What is plugged in.
pub(super) fn check() -> Result<String, KeyError> {
    let gilrs = open()?;
    let names: Vec<_> = gilrs.gamepads().map(|(_, pad)| pad.os_name().to_owned()).collect();
    if names.is_empty() {
        return Ok("no joystick is plugged in now; one that comes later is found".to_owned());
    }
    Ok(format!("joysticks: {}", names.join(", ")))
}

/// Reads on a thread of its own; see [`super::Reader::read`].
pub(super) fn read(stop: Arc<AtomicBool>, take: impl FnMut(Movement) -> bool + Send + 'static) -> Result<(), KeyError> {
    let (ready, opened) = sync_channel(1);
    // It cannot change threads, so it is opened where it is read.
    std::thread::Builder::new().name("keys-joystick".to_owned()).spawn(move || match open() {
        Ok(gilrs) => {
            if ready.send(Ok(())).is_ok() {
                run(gilrs, &stop, take);
            }
        }
        Err(error) => {
            // Nobody waits any more when this fails.
            let _late = ready.send(Err(error));
        }
    })?;
    opened.recv().unwrap_or_else(|_| Err(KeyError::Joystick("its thread ended".to_owned())))
}

fn open() -> Result<Gilrs, KeyError> {
    // The stick's axes are of no use here.
    let built = GilrsBuilder::new().with_default_filters(false).with_force_feedback(false).build();
    built.map_err(|error| KeyError::Joystick(error.to_string()))
}

fn run(mut gilrs: Gilrs, stop: &AtomicBool, mut take: impl FnMut(Movement) -> bool) {
    while !stop.load(Ordering::Relaxed) {
        let Some(event) = gilrs.next_event_blocking(Some(LOOK)) else { continue };
        let movement = match event.event {
            EventType::ButtonPressed(_, code) => Movement::Down(button(code)),
            EventType::ButtonReleased(_, code) => Movement::Up(button(code)),
            EventType::Disconnected => Movement::Gone,
            _ => continue,
        };
        if !take(movement) {
            return;
        }
    }
}

fn button(code: Code) -> Button {
    // The upper half says that it is a button at all.
    Button::Joystick((code.into_u32() & 0xffff) as u16)
}
